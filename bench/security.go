package main

import (
	"context"
	"fmt"
	"image"
	"slices"
	"sync"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/watermark"
)

// What an attempt is after.
const (
	toForge  = "forge"  // read means that it succeeded
	toMove   = "move"   // read means that it succeeded
	toRemove = "remove" // read means that it failed
	toGuess  = "guess"  // wrong keys: read means a false finding
)

// security measures what an attacker without the key can do with marked pictures.
func security(e *engine) *ruler.Experiment {
	r := &securityRun{engine: e}
	var bars bars
	var names []string
	return &ruler.Experiment{
		Name:  "security",
		Short: "What a forger or a remover without the key gets",
		Long: `Attempt what an attacker without the key can do with marked pictures: average many to
forge a mark, move a mark to another picture, remove it by denoising, collusion or
notching, read it with wrong keys. Pictures are shrunk to 1024 px, at which marks
are made, and saved as JPEGs. The victim's copies are marked in the coefficients of that file.
A trace has the original and 100 copies. It names a copy, or says that a mark is there which is
"unreadable". "unmarked" would be a false all-clear, except of an insider, who has the key. Exit 1 when a --bar is missed, when a reading gives
a wrong ID, when an innocent copy is accused, or at a false all-clear.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringSliceVar(&names, "attempts", nil, "`names` of attempts, or forge, move, remove, guess (default: all)")
			fs.IntVar(&r.copies, "copies", 200, "`number` of marked uploads to average")
			fs.IntVar(&r.keys, "keys", 100, "`number` of wrong keys to read with, shared out over the pictures")
			bars.flag(fs, "highest accepted `ATTEMPT=RATE` of readings, 0 to 1; of removals the lowest")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if r.copies < 1 || r.keys < 1 {
				return nil, fmt.Errorf("--copies and --keys take 1 or more")
			}
			return r.cases(env, names, bars)
		},
		Tables: []ruler.Table{
			{Name: "average", Where: ruler.Has("uploads"), Heads: []string{}, Columns: []ruler.Column{
				ruler.Sums("uploads averaged", "uploads"), ruler.Means("a mark, grey levels RMS", "mark_rms", 2),
				ruler.Means("an estimate of a mark", "estimate_rms", 2), ruler.Means("its correlation with that mark", "one_estimate", 3),
				ruler.Means("the average", "average_rms", 3), ruler.Means("its correlation with other marks of the key", "with_fresh", 4),
				ruler.Means("with marks of another key", "with_otherkey", 4),
			}},
			{Name: "attempts", Where: ruler.Has("read"), By: []string{"attempt", "goal"}, Columns: []ruler.Column{
				ruler.Of("read", "read"), ruler.Of("traced", "named"), ruler.Of("unreadable", "unreadable"), ruler.Sums("innocents", "innocent"), ruler.Sums("unmarked", "unmarked"),
				ruler.Means("PSNR against the unmarked picture, dB", "psnr", 1),
				ruler.Quantiles("strongest agreement of the pilots", "max_sync", 2, 1), {Head: "what is done", Cell: aboutAttempt},
			}},
			{Name: "short", Doc: true, Where: ruler.Has("read"), By: []string{"attempt"}, Row: aboutRows(), Columns: []ruler.Column{
				ruler.Of("read", "read"), ruler.Of("named by a trace", "named"), ruler.Means("PSNR, dB", "psnr", 1),
			}},
		},
		Missed: func(trials []ruler.Trial) []string {
			succeeds := func(g ruler.Group) bool { return len(g) > 0 && g[0].Labels["goal"] != toRemove }
			missed := append(bars.missed(trials, "attempt", "read", succeeds), wrongIDs(trials, "attempt")...)
			for _, t := range trials {
				if t.Values["innocent"] > 0 || t.Values["unmarked"] > 0 && t.Labels["attempt"] != "insider" {
					missed = append(missed, fmt.Sprintf("ALARM: %s after %s: %.0f innocent copies accused, or said to be unmarked", t.Labels["picture"], t.Labels["attempt"], t.Values["innocent"]))
				}
			}
			return missed
		},
	}
}

// aboutAttempt says what an attempt does.
func aboutAttempt(g ruler.Group) string {
	for _, a := range attempts() {
		if a.name == g[0].Labels["attempt"] {
			return a.about
		}
	}
	return ""
}

// aboutRows names every attempt by what it does.
func aboutRows() (out ruler.RowNames) {
	for _, a := range attempts() {
		out = append(out, ruler.RowName{Name: a.about, Values: []string{a.name}})
	}
	return out
}

// An attempt makes a leak of a victim's first copies, and names the picture that its
// quality is judged by.
type attempt struct {
	name, goal, about string
	copies            int // of the victim's, that it takes; 0: it needs the average over many uploads
	make              func(r *securityRun, s *victim) (leak, original *image.NRGBA)
}

// attempts lists every attempt.
func attempts() []attempt {
	return []attempt{
		{"average", toForge, "average of marks estimated from many uploads, onto unmarked pictures", 0, forgeAverage(1)},
		{"average_x3", toForge, "the same at three times that strength", 0, forgeAverage(3)},
		{"average_larger", toForge, "the average, of one upload twice as large as the others: around the middle, its own mark", 0, forgeLarger},
		{"average_copies", toForge, "mark estimated from 32 averaged copies, onto another picture", commonCopies, forgeCopies},
		{"copy", toMove, "mark estimated by denoising a copy, onto another picture", 1, moveMark(1)},
		{"copy_x2", toMove, "the same, doubled", 1, moveMark(2)},
		{"difference", toMove, "half of what differs between two copies, onto another picture", 2, moveDifference(1)},
		{"difference_x4", toMove, "the same, four times as strong", 2, moveDifference(4)},
		{"bilateral", toRemove, "bilateral filter of 9 px", 1, removeBy("bilateral")},
		{"median3", toRemove, "median of 3 x 3 px", 1, removeBy("median3")},
		{"median5", toRemove, "median of 5 x 5 px", 1, removeBy("median5")},
		{"nlm", toRemove, "non-local means", 1, removeBy("nlm")},
		{"average2", toRemove, "average of 2 copies of one upload", 2, collude("mean", 2)},
		{"coin2", toRemove, "two copies of one file: where their coefficients differ, a coin takes one of both", 2, mixCoefficients(oneOfBoth)},
		{"middle2", toRemove, "the same, the middle of both", 2, mixCoefficients(middleOfBoth)},
		{"weaker2", toRemove, "the same, the smaller of both", 2, mixCoefficients(weakerOfBoth)},
		{"likelier2", toRemove, "the same, the one nearer to the filtered picture", 2, mixCoefficients(likelierOfBoth)},
		{"average4", toRemove, "average of 4 copies", 4, collude("mean", 4)},
		{"average8", toRemove, "average of 8 copies", 8, collude("mean", 8)},
		{"average16", toRemove, "average of 16 copies", 16, collude("mean", 16)},
		{"average32", toRemove, "average of 32 copies", 32, collude("mean", 32)},
		{"median_of_5", toRemove, "median of 5 copies, pixel by pixel", 5, collude("median", 5)},
		{"median_of_31", toRemove, "median of 31 copies", 31, collude("median", 31)},
		{"notch32", toRemove, "the 32 strongest peaks of the pilots' band taken out, three bins around, eight rounds", 1, notchOut(32, 3)},
		{"notch64", toRemove, "the 64 strongest peaks taken out", 1, notchOut(64, 3)},
		{"notch32_wide", toRemove, "the 32 strongest taken out, eight bins around", 1, notchOut(32, 8)},
		{"notch64_wide", toRemove, "the 64 strongest taken out, eight bins around", 1, notchOut(64, 8)},
		{"average2_notch64", toRemove, "average of two copies, then the 64 strongest taken out", 2, notchBoth(64, 3)},
		{"insider", toRemove, "the same mark subtracted with the key", 1, subtractMark},
		{"wrong_keys", toGuess, "a copy read with keys that did not mark it", 1, asItIs},
	}
}

type securityRun struct {
	*engine
	env          *ruler.Env
	copies, keys int // uploads to average, wrong keys
	attempts     []attempt
	other        *watermark.Key
	averaged     map[string]float64 // see average; nil if no attempt needs the average
	adding       sync.Mutex
	estimate     estimate // of the pattern, from many uploads
	larger       estimate // of the same, of one upload twice as large as the others
}

// A victim is a picture with its copies, all of one submission.
type victim struct {
	*ruler.Upload
	ids    []watermark.CopyID
	copies []*image.NRGBA
	second *image.NRGBA // the next picture, in the same size, unmarked

	files    [][]byte            // of the copies
	again    func() *image.NRGBA // marks the first copy with its ID once more
	strength float64             // of the weakest copy
	tracer   tracer              // of these copies and others; nil: nothing is traced
}

// cases are the average over many uploads, if an attempt needs it, and the pictures.
func (r *securityRun) cases(env *ruler.Env, names []string, bars bars) (cases []ruler.Case, err error) {
	r.env = env
	if r.attempts, err = chooseAttempts(names); err != nil {
		return nil, err
	}
	var known []string
	for _, a := range r.attempts {
		known = append(known, a.name)
	}
	if err := bars.check(known); err != nil {
		return nil, err
	}
	if env.MaxSide <= 0 || env.MaxSide > canvasSide {
		env.MaxSide = canvasSide
	}
	r.other = env.TestKey(-1)
	if !slices.ContainsFunc(r.attempts, func(a attempt) bool { return a.copies == 0 }) {
		r.copies = 0
		return ruler.Each(env, r.attempt), nil
	}
	cases = []ruler.Case{func(_ context.Context, emit func(ruler.Trial)) { emit(ruler.Trial{Values: r.averaged}) }}
	return after(r.average, append(cases, ruler.Each(env, r.attempt)...)), nil
}

// issueFiles makes the copies of a victim as "kycmark issue" does, and readies a trace against them and others.
func issueFiles(ctx context.Context, env *ruler.Env, s *victim) {
	s.issue(ctx, env.Key)
	var issued []watermark.Candidate
	for _, id := range s.ids {
		issued = append(issued, watermark.Candidate{Copy: id, Key: env.Key, Strength: s.strength})
	}
	for k := len(issued); k < tracedCopies; k++ {
		id := watermark.CopyID(env.Draw(fmt.Sprint("other copy ", k), s.Content))
		issued = append(issued, watermark.Candidate{Copy: id, Key: env.Key, Strength: s.strength})
	}
	s.tracer = ruler.Must(watermark.NewTracer(s.Image, issued, &watermark.TraceOptions{Submission: s.Options.Submission}))
}

const (
	tracedCopies   = 100
	powerOfAbsence = 0.999 // of a trace, from which a report calls a leak without a mark unmarked
)

// chooseAttempts resolves names and goals, in the order of the list and each once.
func chooseAttempts(names []string) ([]attempt, error) {
	all := attempts()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(a attempt) bool { return a.name == name || a.goal == name }) {
			return nil, fmt.Errorf("%w %q", attack.ErrUnknown, name)
		}
	}
	return slices.DeleteFunc(all, func(a attempt) bool {
		return len(names) > 0 && !slices.Contains(names, a.name) && !slices.Contains(names, a.goal)
	}), nil
}

// attempt makes the copies of a picture, and every attempt on them.
func (r *securityRun) attempt(ctx context.Context, path string, emit func(ruler.Trial)) {
	s := &victim{}
	s.Upload = ruler.Must(r.env.Upload(path))
	for k := range slices.MaxFunc(r.attempts, func(a, b attempt) int { return a.copies - b.copies }).copies {
		s.ids = append(s.ids, watermark.CopyID(r.env.Draw(fmt.Sprint("copy ", k), s.Content)))
	}
	r.issue(ctx, r.env, s)
	i := slices.Index(r.env.Pictures, path)
	s.second = r.another(i, s.Image)
	for k := range r.attempts {
		a := &r.attempts[k]
		t := ruler.Trial{Labels: map[string]string{"picture": s.Name, "attempt": a.name, "goal": a.goal}, Values: map[string]float64{}}
		read := r.one
		if a.goal == toGuess {
			read = r.guess
		}
		err := ruler.Catch(func() { read(ctx, i, a, s, &t) })
		ruler.Check(context.Cause(ctx))
		if err != nil {
			t.Error = err.Error()
		}
		emit(t)
	}
}

// one makes an attempt and reads what comes of it.
func (r *securityRun) one(ctx context.Context, _ int, a *attempt, s *victim, t *ruler.Trial) {
	leak, original := a.make(r, s)
	t.Values["psnr"] = compare.PSNR(original, leak)
	d := ruler.Must(r.detect(ctx, r.env.Key, leak))
	right := d.Found && (a.goal == toForge || slices.Contains(s.ids[:a.copies], d.Copy))
	if a.goal == toRemove && s.tracer != nil {
		traced := ruler.Must(s.tracer.Trace(ctx, leak))
		isInnocent := func(id watermark.CopyID) bool { return !slices.Contains(s.ids[:a.copies], id) }
		there := traced.LogAny <= watermark.PresentLevel
		t.Values["named"] = yes(len(traced.Accused) > 0)
		t.Values["unreadable"] = yes(len(traced.Accused) == 0 && there)
		t.Values["unmarked"] = yes(len(traced.Accused) == 0 && !there && traced.Power >= powerOfAbsence)
		t.Values["innocent"] = yes(slices.ContainsFunc(traced.Accused, isInnocent))
		t.Values["log10_any"], t.Values["power"] = traced.LogAny, traced.Power
	}
	t.Values["read"], t.Values["max_sync"] = yes(right), d.Debug.Sync
	if d.Found && !right {
		t.Values["wrong"], t.Labels["got"] = 1, d.Copy.String()
	}
}

// guess reads a copy with the share of the wrong keys that falls to picture i.
func (r *securityRun) guess(ctx context.Context, i int, _ *attempt, s *victim, t *ruler.Trial) {
	var read, n, sync float64
	for k := i + 1; k <= r.keys; k += len(r.env.Pictures) {
		d := ruler.Must(r.detect(ctx, r.env.TestKey(-1-k), s.copies[0]))
		n++
		sync = max(sync, d.Debug.Sync)
		read += yes(d.Found)
	}
	if n > 0 {
		t.Values["n"], t.Values["read"], t.Values["max_sync"], t.Values["psnr"] = n, read, sync, n*compare.PSNR(s.Image, s.copies[0])
	}
}
