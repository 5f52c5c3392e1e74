package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// ErrTrace is returned for settings of a trace that contradict each other.
var ErrTrace = errors.New("bad settings of a trace")

// A tracer traces leaks of one original.
type tracer interface {
	Trace(ctx context.Context, leak image.Image) (*watermark.TraceResult, error)
}

// A traceEngine is what is measured. Tests put fakes in its place.
type traceEngine struct {
	*engine
	copies func(*watermark.Key, image.Image, *watermark.Options, []watermark.CopyID) []*image.NRGBA
	tracer func(image.Image, []watermark.Candidate, *watermark.TraceOptions) (tracer, error)
}

// newTraceEngine returns the real tracer.
func newTraceEngine(e *engine) *traceEngine {
	return &traceEngine{
		engine: e, copies: embedAll,
		tracer: func(original image.Image, copies []watermark.Candidate, opts *watermark.TraceOptions) (tracer, error) {
			return watermark.NewTracer(original, copies, opts)
		},
	}
}

// embedAll makes several copies of one upload.
func embedAll(key *watermark.Key, src image.Image, opts *watermark.Options, ids []watermark.CopyID) (copies []*image.NRGBA) {
	original := ruler.Must(watermark.Prepare(key, src, opts))
	for _, id := range ids {
		copies = append(copies, original.Embed(id))
	}
	return copies
}

// trace measures whose copy is named, with the original at hand.
func trace(e *traceEngine) *ruler.Experiment {
	r := &traceRun{traceEngine: e}
	return &ruler.Experiment{
		Name:  "trace",
		Short: "Whose copy is named, with the original at hand",
		Long: `Mark each picture for one of many copies, attack the marked picture in every way and
trace what is left against the original and all copies. A copy counts as named when
it comes first with a p of at most 1e-9, corrected for the number of copies.

Beside what is named the tables compare the power and the score that traces expect
with what they saw, and count innocent copies. Exit 1 when a --bar is missed, when
an innocent copy has a p of 1e-6 or less or when another ID is read.`,
		Flags: func(fs *pflag.FlagSet) {
			r.bars.flag(fs, "lowest accepted `GROUP=RATE`, 0 to 1; \"all\" for the total")
			fs.IntVar(&r.issued, "copies", 1000, "`number` of copies of each picture to trace against; the first leaks")
			fs.BoolVar(&r.unmarked, "unmarked", false, "also trace the attacked originals, which contain no copy")
			fs.IntVar(&r.wrong, "wrong", 0, "`number` of other pictures, marked for uploads of their own, to lay over each original")
			fs.IntSliceVar(&r.renditions, "renditions", nil, "long sides, `pixels`, of smaller originals to trace against as well")
			fs.IntSliceVar(&r.colluders, "collusion", nil, "`numbers` of copies to mix into one leak")
			fs.StringSliceVar(&r.mixes, "mixes", nil, "`names` of ways to mix (default: all)")
			fs.StringSliceVar(&r.then, "then", []string{"jpeg75", "whatsapp_twice", "thumb320", "screen_photo"},
				"`names` of attacks on a mixture: the first for every mix, others for the mean alone")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if err := r.plan(env); err != nil {
				return nil, err
			}
			return ruler.Each(env, r.picture), nil
		},
		Fold:   foldBins,
		Tables: traceTables(),
		Plots:  []ruler.Plot{scorePlot("trace", "score"), scorePlot("trace-payload", "payload")},
		Missed: func(trials []ruler.Trial) []string {
			leaked := ruler.Group(trials).Where(ruler.Is("kind", ofLeaked))
			return append(r.bars.missed(leaked, "group", "named", nil), traceAlarms(trials)...)
		},
	}
}

// What a leak is made of: the label "kind".
const (
	ofLeaked    = "leaked"    // one copy
	ofUnmarked  = "unmarked"  // the original
	ofMixture   = "mixture"   // several copies
	ofWrong     = "wrong"     // another picture
	ofRendition = "rendition" // one copy, traced against a smaller original
)

// A mixing is one way to collude.
type mixing struct {
	mix       hard.Mix
	then      attack.Attack
	colluders int
}

// traceRun is one measurement: its flags, and what follows from them.
type traceRun struct {
	*traceEngine
	bars                  bars
	issued, wrong         int
	unmarked              bool
	renditions, colluders []int
	mixes, then           []string

	env     *ruler.Env
	attacks []attack.Attack
	mixings []mixing
}

// plan resolves all names, and refuses settings that contradict each other.
func (r *traceRun) plan(env *ruler.Env) (err error) {
	r.env, r.mixings = env, nil
	if r.attacks, err = env.Attacks(); err != nil {
		return err
	}
	if err := r.bars.check(groupsOf(r.attacks)); err != nil {
		return err
	}
	switch {
	case r.issued < 2:
		return fmt.Errorf("%w: --copies %d: 2 or more", ErrTrace, r.issued)
	case r.wrong < 0 || r.wrong > 0 && r.wrong >= len(env.Pictures):
		return fmt.Errorf("%w: %d wrong originals among %d pictures", ErrTrace, r.wrong, len(env.Pictures))
	case len(r.renditions) > 0 && slices.Min(r.renditions) < 64:
		return fmt.Errorf("%w: a rendition of less than 64 pixels", ErrTrace)
	case len(r.colluders) > 0 && (slices.Min(r.colluders) < 2 || slices.Max(r.colluders) > r.issued):
		return fmt.Errorf("%w: %d colluders of %d copies", ErrTrace, slices.Min(r.colluders), r.issued)
	}
	return r.planMixings()
}

// planMixings lists every mix before the first attack, and the mean before the others.
func (r *traceRun) planMixings() error {
	names := r.mixes
	if len(names) == 0 {
		for _, m := range hard.Mixes() {
			names = append(names, m.Name)
		}
	}
	for _, name := range names {
		m, err := hard.FindMix(name)
		if err != nil {
			return err
		}
		for i, name := range r.then {
			a, err := hard.Find(name)
			if err != nil {
				return err
			}
			if i > 0 && m.Name != hard.Mixes()[0].Name {
				continue
			}
			for _, k := range r.colluders {
				r.mixings = append(r.mixings, mixing{m, a, k})
			}
		}
	}
	return nil
}

// A suspect is a picture with its copies, all of one submission.
type suspect struct {
	*ruler.Upload
	emit    func(ruler.Trial)
	tracer  tracer
	smaller []tracer           // of its renditions
	marked  *image.NRGBA       // the first copy
	copies  []*image.NRGBA     // the copies that collude
	ids     []watermark.CopyID // of all copies
	scores  map[string]float64 // of the leaked copy by attack, of leaks that show the original
	named   map[string]bool    // by attack
	null    [2]innocents       // of leaks with a mark of the picture, and without
}

// picture makes the copies of a picture, and every leak.
func (r *traceRun) picture(ctx context.Context, path string, emit func(ruler.Trial)) {
	s := &suspect{emit: emit, scores: map[string]float64{}, named: map[string]bool{}, null: [2]innocents{newInnocents(), newInnocents()}}
	r.issue(ctx, s, path)
	r.leak(ctx, s)
	r.leakWrong(ctx, s)
	r.leakToRenditions(ctx, s)
	r.leakMixtures(ctx, s)
	for i, carrier := range []string{"marked leaks", "unmarked leaks"} {
		s.null[i].score.emit(carrier, "score", emit)
		s.null[i].payload.emit(carrier, "payload", emit)
	}
}

// issue marks a picture, draws the other copies, and makes the tracers of the picture and of its
// renditions.
func (r *traceRun) issue(ctx context.Context, s *suspect, path string) {
	s.Upload = ruler.Must(r.env.Upload(path))
	m := ruler.Must(r.copied(ctx, r.env, path, s.Upload))
	s.marked, s.ids = m.Image, []watermark.CopyID{s.Copy}
	for k := 1; k < r.issued; k++ {
		s.ids = append(s.ids, watermark.CopyID(r.env.Draw(fmt.Sprint("copy ", k), s.Content)))
	}
	issued := make([]watermark.Candidate, len(s.ids))
	for k, id := range s.ids {
		issued[k] = watermark.Candidate{Copy: id, Key: r.env.Key, Strength: m.Strength}
	}
	opts := &watermark.TraceOptions{Submission: s.Options.Submission}
	s.tracer = ruler.Must(r.tracer(s.Image, issued, opts))
	for _, side := range r.renditions {
		small, err := r.tracer(picture.Fit(s.Image, side), issued, opts)
		if err != nil {
			ruler.Failf("shrunk to %d pixels: %w", side, err)
		}
		s.smaller = append(s.smaller, small)
	}
	s.emit(ruler.Trial{
		Labels: map[string]string{"picture": s.Name, "copy": s.Copy.String()},
		Values: map[string]float64{
			"width": float64(s.Image.Rect.Dx()), "height": float64(s.Image.Rect.Dy()), "psnr": m.PSNR, "ssim": m.SSIM,
			"strength": m.Strength, "weak": yes(m.Weak), "copies": float64(r.issued),
		},
	})
	if len(r.colluders) > 0 { // no stronger than the copy that was checked for visibility
		opts := &watermark.Options{Submission: s.Options.Submission, Strength: min(1, m.Strength)}
		s.copies = r.copies(r.env.Key, s.Image, opts, s.ids[:slices.Max(r.colluders)])
	}
}

// leak traces the first copy under every attack, and if asked to the original.
func (r *traceRun) leak(ctx context.Context, s *suspect) {
	for _, a := range r.attacks {
		t, _ := r.sight(ctx, s, s.tracer, a.Apply(s.marked, s.Seed), 1, ofLeaked, a)
		if score, ok := t.Values["score"]; ok && t.Values["registered"] == 1 {
			s.scores[a.Name] = score
		}
		s.named[a.Name] = t.Values["named"] == 1
		s.emit(t)
	}
	for _, a := range r.attacks {
		if r.unmarked {
			t, _ := r.sight(ctx, s, s.tracer, a.Apply(s.Image, s.Seed), 0, ofUnmarked, a)
			s.emit(t)
		}
	}
}

// leakWrong marks other pictures of the folder for uploads of their own and traces them,
// attacked, against s. The attacks are spread over all pairs.
func (r *traceRun) leakWrong(ctx context.Context, s *suspect) {
	i := slices.IndexFunc(r.env.Pictures, func(path string) bool { return ruler.Name(path) == s.Name })
	for n := 1; n <= r.wrong; n++ {
		other, err := r.env.Upload(r.env.Pictures[(i+n)%len(r.env.Pictures)])
		if err != nil || other.Content == s.Content {
			continue // and listed as broken in its own turn
		}
		leak, err := r.embed(r.env.Key, other.Copy, other.Image, other.Options)
		if err != nil {
			continue
		}
		a := r.attacks[(i*r.wrong+n-1)%len(r.attacks)]
		t, traced := r.sight(ctx, s, s.tracer, a.Apply(leak, other.Seed), 0, ofWrong, a)
		if traced != nil && traced.Decoded != nil && *traced.Decoded == other.Copy {
			delete(t.Values, "wrong") // it is the copy that leaked, whatever it was laid over
		}
		t.Labels["of"] = other.Name
		s.emit(t)
	}
}

// leakToRenditions traces the first copy under every attack against smaller originals. The value
// kept is the score, divided by the score against the full original.
func (r *traceRun) leakToRenditions(ctx context.Context, s *suspect) {
	for n, side := range r.renditions {
		for _, a := range r.attacks {
			t, _ := r.sight(ctx, s, s.smaller[n], a.Apply(s.marked, s.Seed), 1, ofRendition, a)
			t.Labels["side"], t.Values["named_full"] = strconv.Itoa(side), yes(s.named[a.Name])
			score, ok := t.Values["score"]
			if full := s.scores[a.Name]; ok && full > 0 && t.Values["registered"] == 1 {
				t.Values["kept"] = score / full
			}
			s.emit(t)
		}
	}
}

// leakMixtures traces mixtures of several copies.
func (r *traceRun) leakMixtures(ctx context.Context, s *suspect) {
	for _, m := range r.mixings {
		leak := ruler.Must(m.mix.Apply(s.copies[:m.colluders], s.Seed))
		t, traced := r.sight(ctx, s, s.tracer, m.then.Apply(leak, s.Seed), m.colluders, ofMixture, m.then)
		t.Labels["mix"], t.Labels["copies"] = m.mix.Name, strconv.Itoa(m.colluders)
		delete(t.Values, "named")
		delete(t.Values, "likely")
		if traced != nil {
			t.Values["colluders"] = float64(m.colluders)
			if len(traced.Copies) > 0 {
				countColluders(&t, traced.Copies[:m.colluders])
			}
		}
		s.emit(t)
	}
}
