package experiments

import (
	"context"
	"fmt"
	"image"
	"slices"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/watermark"
)

// RobustnessReport says what the mark survived. Pictures and attacks are in the
// order of the configuration and of the list.
type RobustnessReport struct {
	KeyID    string          `json:"key_id"`
	Seed     uint64          `json:"seed"`
	MaxSide  int             `json:"max_side,omitempty"`
	Total    Rate            `json:"total"`
	Groups   []GroupResult   `json:"groups"`
	Attacks  []AttackResult  `json:"attacks"`
	Pictures []PictureResult `json:"pictures"`
	Missed   []MissedBar     `json:"missed_bars"`  // not empty: the answer is no
	Broken   []Failure       `json:"broken"`       // pictures not measured
	Errors   []Failure       `json:"errors"`       // readings that failed, counted as not read
	Wrong    []WrongID       `json:"wrong_ids"`    // an alarm: must be empty
	MeanMS   MeanTimes       `json:"mean_time_ms"` // over the run
}

// A Rate counts readings of the exact copy ID.
type Rate struct {
	Read  int `json:"read"`
	Tried int `json:"tried"`
}

// Share is Read/Tried, 0 where nothing was tried.
func (r Rate) Share() float64 {
	if r.Tried == 0 {
		return 0
	}
	return float64(r.Read) / float64(r.Tried)
}

func (r *Rate) add(o Rate) { r.Read += o.Read; r.Tried += o.Tried }

// GroupResult is that of a family of attacks.
type GroupResult struct {
	Name string `json:"name"`
	Rate
}

// AttackResult is one attack over all pictures.
type AttackResult struct {
	Name  string `json:"name"`
	Group string `json:"group"`
	Rate
	Missed   []string `json:"missed"` // files
	AttackMS Number   `json:"attack_ms"`
	DetectMS Number   `json:"detect_ms"`
}

// PictureResult is one picture under all attacks.
type PictureResult struct {
	File   string `json:"file"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Copy   string `json:"copy"`
	Rate
	Missed   []string `json:"missed"` // attacks
	PSNR     Number   `json:"psnr"`
	SSIM     Number   `json:"ssim"`
	Strength Number   `json:"strength"`
	Margin   Number   `json:"margin"`
	Weak     bool     `json:"weak"`
	MarkMS   Number   `json:"mark_ms"`
}

// MissedBar is a bar that was not reached.
type MissedBar struct {
	Name string `json:"name"`
	Bar  Number `json:"bar"`
	Got  Number `json:"got"`
}

// A WrongID is a mark that was read as another copy than the one marked.
type WrongID struct {
	File   string `json:"file"`
	Attack string `json:"attack"`
	Copy   string `json:"copy"`
	Read   string `json:"read"`
}

// MeanTimes are means in milliseconds, null where there was nothing to time.
type MeanTimes struct {
	Mark     Number `json:"mark"`
	Attack   Number `json:"attack"`
	Found    Number `json:"detect_found"`
	NotFound Number `json:"detect_not_found"`
}

// Robustness marks each picture with an ID of its own, attacks the marked
// picture in every way and reads it back. Only the exact ID counts as read. A
// picture that cannot be decoded or marked is listed as broken and does not count.
//
// The error is [ErrNoPictures], [ErrBar], [attack.ErrUnknown] or that of ctx.
func Robustness(ctx context.Context, cfg Config) (*RobustnessReport, error) {
	return newEngine().robustness(ctx, cfg)
}

func (e *engine) robustness(ctx context.Context, cfg Config) (*RobustnessReport, error) {
	attacks, err := cfg.begin()
	if err != nil {
		return nil, err
	}
	if err := checkBars(cfg.Bars, attacks); err != nil {
		return nil, err
	}
	key, err := cfg.key()
	if err != nil {
		return nil, err
	}
	run := &robustnessRun{engine: e, cfg: &cfg, key: key, attacks: attacks}
	run.subjects = make([]subject, len(cfg.Pictures))
	j := &job{
		pictures: len(cfg.Pictures), tasks: len(attacks), progress: cfg.Progress,
		prepare: run.prepare, task: run.task, release: run.release,
	}
	if err := j.run(ctx, cfg.workers()); err != nil {
		return nil, err
	}
	return run.report(), nil
}

func checkBars(bars map[string]float64, attacks []attack.Attack) error {
	for name, bar := range bars {
		known := name == "all" || slices.ContainsFunc(attacks, func(a attack.Attack) bool { return a.Group == name })
		if !known {
			return fmt.Errorf("%w: no attack of group %q is measured", ErrBar, name)
		}
		if !(bar >= 0 && bar <= 1) {
			return fmt.Errorf("%w: %s=%g is not a rate from 0 to 1", ErrBar, name, bar)
		}
	}
	return nil
}

// robustnessRun is one measurement under way. A subject is written by the
// goroutine that prepares it and, in one trial each, by those with its tasks.
type robustnessRun struct {
	*engine
	cfg      *Config
	key      *watermark.Key
	attacks  []attack.Attack
	subjects []subject
}

// A subject is a picture being measured.
type subject struct {
	marked *image.NRGBA // until its last trial
	broken error
	id     watermark.CopyID
	seed   uint64
	result PictureResult
	trials []trial
}

// A trial is one reading.
type trial struct {
	found              bool
	read               watermark.CopyID
	err                error
	attackMS, detectMS float64
}

func (r *robustnessRun) prepare(ctx context.Context, i int) bool {
	s, path := &r.subjects[i], r.cfg.Pictures[i]
	up, err := r.cfg.upload(path)
	if err != nil {
		s.broken = err
		return false
	}
	s.id, s.seed = up.id, up.seed
	start := r.now()
	m, err := r.mark(ctx, r.key, s.id, up.image, up.options)
	if err != nil {
		s.broken = err
		return false
	}
	s.marked = m.Image
	s.trials = make([]trial, len(r.attacks))
	s.result = PictureResult{
		File: path, Width: up.image.Rect.Dx(), Height: up.image.Rect.Dy(), Copy: s.id.String(),
		PSNR: Number(m.PSNR), SSIM: Number(m.SSIM), Strength: Number(m.Strength), Margin: Number(m.MarginDB),
		Weak: m.Weak, MarkMS: Number(r.since(start)),
	}
	return true
}

func (r *robustnessRun) task(ctx context.Context, i, k int) {
	s := &r.subjects[i]
	t := &s.trials[k]
	start := r.now()
	leak := r.attacks[k].Apply(s.marked, s.seed)
	t.attackMS = r.since(start)
	start = r.now()
	d, err := r.detect(ctx, r.key, leak)
	t.detectMS = r.since(start)
	if err != nil {
		t.err = err
		return
	}
	t.found, t.read = d.Found, d.Copy
}

func (r *robustnessRun) release(i int) { r.subjects[i].marked = nil }
