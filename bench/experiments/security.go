package experiments

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/quality"
	"github.com/kycmark/kycmark/watermark"
)

// SecurityReport says what came of attempts to forge, to move and to remove marks
// without the key.
type SecurityReport struct {
	KeyID    string      `json:"key_id"`
	Seed     uint64      `json:"seed"`
	MaxSide  int         `json:"max_side"`
	Pictures int         `json:"pictures"` // measured
	Averaged Averaged    `json:"averaged"`
	Attempts []Attempt   `json:"attempts"`
	Missed   []MissedBar `json:"missed_bars"` // not empty: the answer is no
	Wrong    []WrongID   `json:"wrong_ids"`   // an alarm: must be empty
	Broken   []Failure   `json:"broken"`
	Errors   []Failure   `json:"errors"`
}

// Averaged is what a forger gets by averaging marks estimated from many marked
// pictures. Correlations are of luma, at the best of all shifts, the largest over
// several marks.
type Averaged struct {
	Uploads  int    `json:"uploads"`       // averaged, each with a submission and an ID of its own
	MarkRMS  Number `json:"mark_rms"`      // grey levels, of one mark
	OneRMS   Number `json:"estimate_rms"`  // of one estimate
	MeanRMS  Number `json:"average_rms"`   // of their average
	One      Number `json:"one_estimate"`  // correlation of one estimate with its own mark, in place, mean
	Fresh    Number `json:"with_fresh"`    // of the average with marks of the key that are not in it
	OtherKey Number `json:"with_otherkey"` // of the average with marks of another key: what chance gives
}

// What an attempt is after.
const (
	toForge  = "forge"  // read means that it succeeded
	toMove   = "move"   // read means that it succeeded
	toRemove = "remove" // read means that it failed
	toGuess  = "guess"  // wrong keys: read means a false finding
)

// An Attempt is one way to cheat, over all pictures.
type Attempt struct {
	Name  string `json:"name"`
	Goal  string `json:"goal"`
	About string `json:"about"`
	Rate         // read as the mark that was attacked or, forging, as any
	PSNR  Number `json:"psnr"`     // dB, mean, of the result against the unmarked picture
	Sync  Number `json:"max_sync"` // strongest agreement of the pilots
}

// Security makes marked copies of each picture, attempts what somebody without the
// key can do, and reads the results. It reads marked pictures with cfg.Keys wrong
// keys (0 means 100) and averages cfg.Copies marks (0 means 200): of the pictures,
// and of rendered specimens when these are used up. Pictures are shrunk to
// cfg.MaxSide, at most 1024 pixels, at which marks are made. cfg.Attacks names
// attempts or their goals; none means all. Errors are those of [Robustness].
func Security(ctx context.Context, cfg Config) (*SecurityReport, error) {
	return newEngine().security(ctx, cfg)
}

func (e *engine) security(ctx context.Context, cfg Config) (*SecurityReport, error) {
	if len(cfg.Pictures) == 0 {
		return nil, ErrNoPictures
	}
	chosen, err := chooseAttempts(cfg.Attacks)
	if err != nil {
		return nil, err
	}
	if err := checkSecurityBars(cfg.Bars, chosen); err != nil {
		return nil, err
	}
	if cfg.MaxSide <= 0 || cfg.MaxSide > canvasSide {
		cfg.MaxSide = canvasSide
	}
	cfg.Copies, cfg.Keys = cmp.Or(cfg.Copies, 200), cmp.Or(cfg.Keys, 100)
	if !slices.ContainsFunc(chosen, attempt.averages) {
		cfg.Copies = 0
	}
	run := &securityRun{engine: e, cfg: &cfg, attempts: chosen, subjects: make([]victim, len(cfg.Pictures))}
	if run.key, err = cfg.key(); err != nil {
		return nil, err
	}
	if run.other, err = testKey(cfg.Seed, -1); err != nil {
		return nil, err
	}
	total := cfg.Copies + len(cfg.Pictures)*len(chosen)
	if cfg.Copies > 0 {
		if err := run.average(ctx, total); err != nil {
			return nil, err
		}
	}
	j := &job{
		pictures: len(cfg.Pictures), tasks: len(chosen), progress: cfg.stage(cfg.Copies, total),
		prepare: run.prepare, task: run.task, release: run.release,
	}
	if err := j.run(ctx, cfg.workers()); err != nil {
		return nil, err
	}
	return run.report(), nil
}

// stage is the progress of a part of a measurement.
func (c *Config) stage(before, total int) func(int, int) {
	if c.Progress == nil {
		return nil
	}
	return func(done, _ int) { c.Progress(before+done, total) }
}

// chooseAttempts resolves names and goals, in the order of the list and each once.
func chooseAttempts(names []string) ([]attempt, error) {
	for _, name := range names {
		if !slices.ContainsFunc(attempts, func(a attempt) bool { return a.name == name || a.goal == name }) {
			return nil, fmt.Errorf("bench: %w %q", attack.ErrUnknown, name)
		}
	}
	return slices.DeleteFunc(slices.Clone(attempts), func(a attempt) bool {
		return len(names) > 0 && !slices.Contains(names, a.name) && !slices.Contains(names, a.goal)
	}), nil
}

func checkSecurityBars(bars map[string]float64, chosen []attempt) error {
	for name, bar := range bars {
		if !slices.ContainsFunc(chosen, func(a attempt) bool { return a.name == name }) {
			return fmt.Errorf("%w: there is no attempt %q", ErrBar, name)
		}
		if !(bar >= 0 && bar <= 1) {
			return fmt.Errorf("%w: %s=%g is not a rate from 0 to 1", ErrBar, name, bar)
		}
	}
	return nil
}

// An attempt makes a leak of a victim's first copies, and names the picture that
// its quality is judged by.
type attempt struct {
	name, goal, about string
	copies            int // of the victim's, that it takes
	make              func(r *securityRun, s *victim) (leak, original *image.NRGBA)
}

// averages tells whether it needs the average over many uploads.
func (a attempt) averages() bool { return a.copies == 0 }

var attempts = []attempt{
	{"average", toForge, "average of the marks estimated from many uploads, at a mark's strength, onto unmarked pictures", 0, forgeAverage(1)},
	{"average_x3", toForge, "the same at three times that strength", 0, forgeAverage(3)},
	{"average_copies", toForge, "mark estimated from the average of 32 copies of one upload, onto another picture", commonCopies, forgeCopies},
	{"copy", toMove, "mark estimated from one copy by denoising, onto another picture", 1, moveMark(1)},
	{"copy_x2", toMove, "the same, doubled", 1, moveMark(2)},
	{"bilateral", toRemove, "bilateral filter of 9 px", 1, removeBy("bilateral")},
	{"median3", toRemove, "median of 3 x 3 px", 1, removeBy("median3")},
	{"median5", toRemove, "median of 5 x 5 px", 1, removeBy("median5")},
	{"nlm", toRemove, "non-local means", 1, removeBy("nlm")},
	{"average2", toRemove, "average of 2 copies of one upload", 2, collude(average, 2)},
	{"average4", toRemove, "average of 4 copies", 4, collude(average, 4)},
	{"average8", toRemove, "average of 8 copies", 8, collude(average, 8)},
	{"average16", toRemove, "average of 16 copies", 16, collude(average, 16)},
	{"average32", toRemove, "average of 32 copies", 32, collude(average, 32)},
	{"median_of_5", toRemove, "median of 5 copies, pixel by pixel", 5, collude(middle, 5)},
	{"median_of_31", toRemove, "median of 31 copies", 31, collude(middle, 31)},
	{"notch32", toRemove, "the 32 strongest peaks in the pilots' band of the estimate's spectrum taken out, three bins around, in eight rounds", 1, notchOut(32, 3)},
	{"notch64", toRemove, "the 64 strongest peaks taken out", 1, notchOut(64, 3)},
	{"notch32_wide", toRemove, "the 32 strongest taken out, eight bins around", 1, notchOut(32, 8)},
	{"notch64_wide", toRemove, "the 64 strongest taken out, eight bins around", 1, notchOut(64, 8)},
	{"insider", toRemove, "the same mark subtracted by somebody with the key who knows copy and submission", 1, subtractMark},
	{"wrong_keys", toGuess, "a copy read with keys that did not mark it", 1, asItIs},
}

type securityRun struct {
	*engine
	cfg      *Config
	attempts []attempt
	key      *watermark.Key
	other    *watermark.Key
	estimate estimate // of the pattern, from many uploads
	averaged Averaged
	subjects []victim
}

// A victim is a picture with its copies, all of one submission.
type victim struct {
	*upload // until its last attempt
	file    string
	ids     []watermark.CopyID
	copies  []*image.NRGBA
	second  *image.NRGBA // the next picture, of the same size, unmarked
	broken  error
	results []outcome // by attempt
}

// An outcome is that of one attempt on one picture: one reading, or one a wrong key.
type outcome struct {
	Rate
	psnr, sync float64
	wrong      []watermark.CopyID
	err        error
}

func (r *securityRun) prepare(ctx context.Context, i int) bool {
	s := &r.subjects[i]
	s.file, s.results = r.cfg.Pictures[i], make([]outcome, len(r.attempts))
	if s.upload, s.broken = r.cfg.upload(s.file); s.broken != nil {
		return false
	}
	for k := range slices.MaxFunc(r.attempts, func(a, b attempt) int { return a.copies - b.copies }).copies {
		if ctx.Err() != nil {
			return true // the run ends before a task
		}
		id := watermark.CopyID(r.cfg.draw(fmt.Sprint("copy ", k), s.content))
		marked, err := r.embed(r.key, id, s.image, s.options)
		if err != nil {
			s.broken = err
			return false
		}
		s.ids, s.copies = append(s.ids, id), append(s.copies, marked)
	}
	s.second = r.another(i)
	return true
}

func (r *securityRun) task(ctx context.Context, i, k int) {
	s, a := &r.subjects[i], &r.attempts[k]
	out := &s.results[k]
	if a.goal == toGuess {
		r.guess(ctx, i, out)
		return
	}
	leak, original := a.make(r, s)
	out.psnr = quality.PSNR(original, leak)
	d, err := r.detect(ctx, r.key, leak)
	if err != nil {
		out.err = err
		return
	}
	out.Tried, out.sync = 1, d.Debug.Sync
	switch {
	case !d.Found:
	case a.goal == toForge || slices.Contains(s.ids[:a.copies], d.Copy):
		out.Read = 1
	default:
		out.wrong = append(out.wrong, d.Copy)
	}
}

// guess reads a copy with this picture's part of the wrong keys.
func (r *securityRun) guess(ctx context.Context, i int, out *outcome) {
	s := &r.subjects[i]
	out.psnr = quality.PSNR(s.image, s.copies[0])
	for n := i + 1; n <= r.cfg.Keys; n += len(r.subjects) {
		key, err := testKey(r.cfg.Seed, -1-n)
		if err != nil {
			out.err = err
			return
		}
		d, err := r.detect(ctx, key, s.copies[0])
		if err != nil {
			out.err = err
			return
		}
		out.Tried++
		out.sync = max(out.sync, d.Debug.Sync)
		if d.Found {
			out.Read++
		}
	}
}

func (r *securityRun) release(i int) {
	s := &r.subjects[i]
	s.upload, s.copies, s.second = nil, nil, nil
}
