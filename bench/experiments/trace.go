package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// ErrTrace is returned for a [TraceConfig] that contradicts itself.
var ErrTrace = errors.New("bench: bad settings of a trace")

// TraceConfig says what [Trace] measures. Only Pictures is needed.
type TraceConfig struct {
	Config

	// Issued is how many copies of a picture are traced against; the first leaks, the
	// others are innocent. 0 means 1000.
	Issued int

	// Unmarked traces the attacked originals, too, for which all copies are innocent.
	Unmarked bool

	// Wrong is the number of other pictures, marked for their own uploads, that are
	// laid over each original; it must be less than that of pictures.
	Wrong int

	// Renditions are long sides, pixels, to which originals are shrunk before every
	// attack is traced again.
	Renditions []int

	// Colluders are the numbers of copies to mix; none means no collusion. Mixes are
	// the names of [attack.Mixes], none means all; Then is what happens to the
	// mixture: the first attack follows every mix, the others the mean alone. None
	// means jpeg75, whatsapp_twice, thumb320 and screen_photo.
	Colluders []int
	Mixes     []string
	Then      []string

	// Pool names attacks of which PoolLeaks leaks of the same copy are made, 0 means
	// 8, and pooled by twos, fours and so on.
	Pool      []string
	PoolLeaks int
}

// A tracer traces leaks of one original.
type tracer interface {
	Trace(ctx context.Context, leak image.Image) (*watermark.TraceResult, error)
}

// A traceEngine is what is measured. Tests put their own in its place.
type traceEngine struct {
	*engine
	copies func(*watermark.Key, image.Image, *watermark.Options, []watermark.CopyID) ([]*image.NRGBA, error)
	tracer func(image.Image, []watermark.Candidate, *watermark.TraceOptions) (tracer, error)
	pool   func([]*watermark.TraceResult) ([]watermark.CopyEvidence, error)
}

func newTraceEngine() *traceEngine {
	return &traceEngine{
		engine: newEngine(), copies: embedAll, pool: watermark.CombineLeaks,
		tracer: func(original image.Image, copies []watermark.Candidate, opts *watermark.TraceOptions) (tracer, error) {
			return watermark.NewTracer(original, copies, opts)
		},
	}
}

// embedAll makes several copies of one upload.
func embedAll(key *watermark.Key, src image.Image, opts *watermark.Options, ids []watermark.CopyID) ([]*image.NRGBA, error) {
	original, err := watermark.Prepare(key, src, opts)
	if err != nil {
		return nil, err
	}
	var copies []*image.NRGBA
	for _, id := range ids {
		copies = append(copies, original.Embed(id))
	}
	return copies, nil
}

// Trace marks each picture for one of many copies, attacks the marked picture in
// every way and traces it against its original and all copies. A copy counts as
// named when it comes first with a p of at most 1e-9, corrected for the number of
// copies. A picture that cannot be decoded or marked is listed as broken and does not
// count.
//
// The error is [ErrNoPictures], [ErrBar], [ErrTrace], [attack.ErrUnknown] or that
// of ctx.
func Trace(ctx context.Context, cfg TraceConfig) (*TraceReport, error) {
	return newTraceEngine().trace(ctx, cfg)
}

func (e *traceEngine) trace(ctx context.Context, cfg TraceConfig) (*TraceReport, error) {
	run := &traceRun{traceEngine: e, cfg: &cfg}
	var err error
	if run.attacks, err = cfg.begin(); err != nil {
		return nil, err
	}
	if err := checkBars(cfg.Bars, run.attacks); err != nil {
		return nil, err
	}
	cfg.Issued, cfg.PoolLeaks = cmp.Or(cfg.Issued, 1000), cmp.Or(cfg.PoolLeaks, 8)
	if run.plan, err = cfg.plan(run.attacks); err != nil {
		return nil, err
	}
	if run.key, err = cfg.key(); err != nil {
		return nil, err
	}
	run.subjects = make([]suspect, len(cfg.Pictures))
	j := &job{
		pictures: len(cfg.Pictures), tasks: len(run.plan), progress: cfg.Progress,
		prepare: run.prepare, task: run.task, release: run.release,
	}
	if err := j.run(ctx, cfg.workers()); err != nil {
		return nil, err
	}
	return run.report(), nil
}

// What a leak is made of.
const (
	ofLeaked    = iota // one copy
	ofUnmarked         // the original
	ofMixture          // several copies
	ofPooled           // one copy, several times
	ofWrong            // another picture
	ofRendition        // one copy, traced against a smaller original
)

// A traceTask is one leak, or several that are pooled, to make of every picture.
type traceTask struct {
	kind      int
	attack    attack.Attack
	mix       attack.Mix
	colluders int
	other     int // which other picture, or rendition
	full      int // the task with the original in full
}

// plan lists the tasks: every attack on a copy comes first, in their order.
func (c *TraceConfig) plan(attacks []attack.Attack) ([]traceTask, error) {
	var plan []traceTask
	for _, a := range attacks {
		plan = append(plan, traceTask{kind: ofLeaked, attack: a})
	}
	for _, a := range attacks {
		if c.Unmarked {
			plan = append(plan, traceTask{kind: ofUnmarked, attack: a})
		}
	}
	full := plan[:len(attacks)]
	for _, more := range []func([]traceTask) ([]traceTask, error){c.wrongTasks, c.renditionTasks, c.mixtures} {
		tasks, err := more(full)
		if err != nil {
			return nil, err
		}
		plan = append(plan, tasks...)
	}
	for _, name := range c.Pool {
		a, err := attack.Find(name)
		if err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		plan = append(plan, traceTask{kind: ofPooled, attack: a})
	}
	if c.Issued < 2 || c.PoolLeaks < 2 {
		return nil, fmt.Errorf("%w: %d copies, %d leaks to pool: at least two of each", ErrTrace, c.Issued, c.PoolLeaks)
	}
	return plan, nil
}

// traceRun is one measurement under way.
type traceRun struct {
	*traceEngine
	cfg      *TraceConfig
	key      *watermark.Key
	attacks  []attack.Attack
	plan     []traceTask
	subjects []suspect
	null     [2]nullScores // innocents of leaks with a mark and without
}

// A suspect is a picture with its copies, all of one submission.
type suspect struct {
	*upload // until its last task
	tracer  tracer
	smaller []tracer           // of its renditions
	marked  *image.NRGBA       // the first copy
	copies  []*image.NRGBA     // those that collude
	ids     []watermark.CopyID // of all copies
	broken  error
	result  TracePicture
	seen    []sighting // by task
	pooled  [][]pooled // by task
}

func (r *traceRun) prepare(ctx context.Context, i int) bool {
	s := &r.subjects[i]
	s.broken = r.issue(ctx, s, r.cfg.Pictures[i])
	return s.broken == nil
}

// issue makes the copies of a picture and readies it for its tasks.
func (r *traceRun) issue(ctx context.Context, s *suspect, path string) (err error) {
	if s.upload, err = r.cfg.upload(path); err != nil {
		return err
	}
	m, err := r.mark(ctx, r.key, s.id, s.image, s.options)
	if err != nil {
		return err
	}
	s.marked, s.ids = m.Image, []watermark.CopyID{s.id}
	for k := 1; k < r.cfg.Issued; k++ {
		s.ids = append(s.ids, watermark.CopyID(r.cfg.draw(fmt.Sprint("copy ", k), s.content)))
	}
	s.result = TracePicture{
		File: path, Width: s.image.Rect.Dx(), Height: s.image.Rect.Dy(), Copy: s.id.String(),
		PSNR: Number(m.PSNR), SSIM: Number(m.SSIM), Strength: Number(m.Strength), Weak: m.Weak,
	}
	s.seen, s.pooled = make([]sighting, len(r.plan)), make([][]pooled, len(r.plan))
	if err := r.readyTracers(s, m.Strength); err != nil {
		return err
	}
	if len(r.cfg.Colluders) > 0 {
		// No stronger than the copy that was checked for visibility.
		opts := &watermark.Options{Submission: s.options.Submission, Strength: min(1, m.Strength)}
		s.copies, err = r.copies(r.key, s.image, opts, s.ids[:slices.Max(r.cfg.Colluders)])
	}
	return err
}

// readyTracers makes the tracers of a picture and of its renditions.
func (r *traceRun) readyTracers(s *suspect, strength float64) (err error) {
	issued := make([]watermark.Candidate, len(s.ids))
	for k, id := range s.ids {
		issued[k] = watermark.Candidate{Copy: id, Key: r.key, Strength: strength}
	}
	opts := &watermark.TraceOptions{Submission: s.options.Submission}
	start := r.now()
	if s.tracer, err = r.tracer(s.image, issued, opts); err != nil {
		return err
	}
	s.result.PrepareMS = Number(r.since(start))
	for _, side := range r.cfg.Renditions {
		small, err := r.tracer(picture.Fit(s.image, side), issued, opts)
		if err != nil {
			return fmt.Errorf("shrunk to %d pixels: %w", side, err)
		}
		s.smaller = append(s.smaller, small)
	}
	return nil
}

func (r *traceRun) task(ctx context.Context, i, k int) {
	s, t := &r.subjects[i], &r.plan[k]
	switch out := &s.seen[k]; t.kind {
	case ofLeaked:
		r.look(ctx, s, t.attack.Apply(s.marked, s.seed), 1, out)
		r.null[0].add(out)
	case ofRendition:
		r.trial(ctx, s.smaller[t.other], s.ids, t.attack.Apply(s.marked, s.seed), 1, out)
		r.null[0].add(out)
	case ofWrong:
		r.wrongLeak(ctx, i, t, out)
		out.innocent.scores, out.innocent.payloads = nil, nil
	case ofUnmarked:
		r.look(ctx, s, t.attack.Apply(s.image, s.seed), 0, out)
		r.null[1].add(out)
	case ofMixture:
		leak, err := t.mix.Apply(s.copies[:t.colluders], s.seed)
		if err != nil {
			out.err = err
			return
		}
		r.look(ctx, s, t.attack.Apply(leak, s.seed), t.colluders, out)
		r.null[0].add(out)
	case ofPooled:
		s.pooled[k], out.err = r.poolLeaks(ctx, s, t.attack)
	}
}

func (r *traceRun) release(i int) {
	s := &r.subjects[i]
	s.upload, s.tracer, s.smaller, s.marked, s.copies, s.ids = nil, nil, nil, nil, nil, nil
}
