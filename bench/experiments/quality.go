package experiments

import (
	"context"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/quality"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// QualityReport says how visible the mark is, beside what JPEG does to the same
// pictures.
type QualityReport struct {
	KeyID       string           `json:"key_id"`
	Seed        uint64           `json:"seed"`
	MaxSide     int              `json:"max_side,omitempty"`
	Butteraugli bool             `json:"butteraugli"` // whether the program was there
	Pictures    []QualityResult  `json:"pictures"`
	Means       [changes]Visible `json:"means"` // mark, JPEG 90, JPEG 75
	Worst       [changes]Visible `json:"worst"`
	Broken      []Failure        `json:"broken"`
}

// The changes that are compared.
const (
	byMark = iota
	byJPEG90
	byJPEG75
	changes
)

// QualityResult is one picture.
type QualityResult struct {
	File     string           `json:"file"`
	Width    int              `json:"width"`
	Height   int              `json:"height"`
	Strength Number           `json:"strength"` // share of the visibility budget
	Weak     bool             `json:"weak"`
	Changes  [changes]Visible `json:"changes"` // mark, JPEG 90, JPEG 75
}

// Visible is how far a changed picture is from its original.
type Visible struct {
	PSNR        Number     `json:"psnr"` // dB
	SSIM        Number     `json:"ssim"`
	Butteraugli Visibility `json:"butteraugli"`
	PDQ         Number     `json:"pdq"` // bits that differ between the hashes; NaN where the original is too flat for one
}

// Quality marks each picture and measures PSNR, SSIM, the distance of the PDQ hashes and, where the program
// butteraugli_main is on PATH, Butteraugli, for the mark and for JPEG 90 and 75
// of the same picture. Errors are those of [Robustness]; cfg.Attacks is not used.
func Quality(ctx context.Context, cfg Config) (*QualityReport, error) {
	return newEngine().quality(ctx, cfg)
}

func (e *engine) quality(ctx context.Context, cfg Config) (*QualityReport, error) {
	if len(cfg.Pictures) == 0 {
		return nil, ErrNoPictures
	}
	key, err := cfg.key()
	if err != nil {
		return nil, err
	}
	run := &qualityRun{engine: e, cfg: &cfg, key: key}
	run.subjects = make([]qualitySubject, len(cfg.Pictures))
	j := &job{
		pictures: len(cfg.Pictures), tasks: changes, progress: cfg.Progress,
		prepare: run.prepare, task: run.task, release: run.release,
	}
	if err := j.run(ctx, cfg.workers()); err != nil {
		return nil, err
	}
	return run.report(), nil
}

type qualityRun struct {
	*engine
	cfg      *Config
	key      *watermark.Key
	subjects []qualitySubject
}

type qualitySubject struct {
	original, marked *image.NRGBA
	broken           error
	failed           [changes]error // of Butteraugli
	result           QualityResult
}

func (r *qualityRun) prepare(ctx context.Context, i int) bool {
	s := &r.subjects[i]
	p, err := r.cfg.load(r.cfg.Pictures[i])
	if err != nil {
		s.broken = err
		return false
	}
	m, err := r.mark(ctx, r.key, watermark.CopyID(r.cfg.draw("copy", p.SHA256)), p.Image, submissionOf(p))
	if err != nil {
		s.broken = err
		return false
	}
	s.original, s.marked = p.Image, m.Image
	if r.cfg.Sheet != nil {
		if s.broken = r.cfg.Sheet(r.cfg.Pictures[i], Sheet(p.Image, m.Image)); s.broken != nil {
			return false
		}
	}
	s.result = QualityResult{
		File: r.cfg.Pictures[i], Width: p.Image.Rect.Dx(), Height: p.Image.Rect.Dy(),
		Strength: Number(m.Strength), Weak: m.Weak,
	}
	return true
}

func (r *qualityRun) task(ctx context.Context, i, k int) {
	s := &r.subjects[i]
	changed := s.marked
	if k != byMark {
		name := map[int]string{byJPEG90: "jpeg90", byJPEG75: "jpeg75"}[k]
		a, err := attack.Find(name)
		if err != nil {
			s.failed[k] = err
			return
		}
		changed = a.Apply(s.original, 0)
	}
	v := &s.result.Changes[k]
	*v = Visible{
		PSNR: Number(quality.PSNR(s.original, changed)), SSIM: Number(quality.SSIM(s.original, changed)),
		Butteraugli: noVisibility, PDQ: Number(math.NaN()),
	}
	if v.PDQ, s.failed[k] = r.hashDistance(s.original, changed); s.failed[k] != nil {
		return
	}
	if r.judge != nil {
		if v.Butteraugli, s.failed[k] = r.judge(ctx, s.original, changed); s.failed[k] != nil {
			v.Butteraugli = noVisibility
		}
	}
}

// leastHashQuality is the PDQ quality below which the reference does not use a hash.
const leastHashQuality = 50

func (r *qualityRun) hashDistance(original, changed *image.NRGBA) (Number, error) {
	a, quality, err := r.hash(phash.PDQ, original)
	if err != nil || quality < leastHashQuality {
		return Number(math.NaN()), err
	}
	b, _, err := r.hash(phash.PDQ, changed)
	return Number(a.Distance(b)), err
}

var noVisibility = Visibility{Max: Number(math.NaN()), Norm3: Number(math.NaN())}

func (r *qualityRun) release(i int) { r.subjects[i].original, r.subjects[i].marked = nil, nil }
