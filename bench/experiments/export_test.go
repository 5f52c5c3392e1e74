package experiments

import (
	"context"
	"image"
	"time"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// Fake is an engine of the tests' own functions. Its clock moves one millisecond
// with every look at it, unless Clock is set.
type Fake struct {
	Mark   func(context.Context, *watermark.Key, watermark.CopyID, image.Image) (*watermark.Marked, error)
	Detect func(context.Context, *watermark.Key, image.Image) (*watermark.Detection, error)
	Judge  func(original, changed *image.NRGBA) (Visibility, error)
	Null   func(leak image.Image, seed uint64, n int, each func(blind.NullTrial))
	Ruined func(seed uint64, n int, each func(blind.NullTrial))
	Clock  func() time.Time
}

func (f Fake) engine() *engine {
	e := newEngine()
	e.mark = func(ctx context.Context, k *watermark.Key, id watermark.CopyID, img image.Image, _ *watermark.Options) (*watermark.Marked, error) {
		return f.Mark(ctx, k, id, img)
	}
	e.embed = func(k *watermark.Key, id watermark.CopyID, img image.Image, _ *watermark.Options) (*image.NRGBA, error) {
		m, err := f.Mark(context.Background(), k, id, img)
		if err != nil {
			return nil, err
		}
		return m.Image, nil
	}
	e.hash = func(phash.Kind, image.Image) (phash.Hash, int, error) { return phash.Hash{}, 100, nil }
	e.detect, e.now, e.judge = f.Detect, f.Clock, nil
	e.null = func(_ context.Context, leak image.Image, seed uint64, n int, each func(blind.NullTrial)) error {
		f.Null(leak, seed, n, each)
		return nil
	}
	e.ruined = func(_ context.Context, _ *watermark.Key, _ watermark.Submission, _ image.Image, seed uint64, n int, each func(blind.NullTrial)) error {
		f.Ruined(seed, n, each)
		return nil
	}
	if f.Judge != nil {
		e.judge = func(_ context.Context, a, b *image.NRGBA) (Visibility, error) { return f.Judge(a, b) }
	}
	return e
}

func (f Fake) Robustness(ctx context.Context, cfg Config) (*RobustnessReport, error) {
	return f.engine().robustness(ctx, cfg)
}

func (f Fake) FalsePositives(ctx context.Context, cfg Config) (*FalsePositiveReport, error) {
	return f.engine().falsePositives(ctx, cfg)
}

func (f Fake) Security(ctx context.Context, cfg Config) (*SecurityReport, error) {
	return f.engine().security(ctx, cfg)
}

// Notch takes the n strongest peaks out of a picture.
func Notch(img *image.NRGBA, n int) *image.NRGBA {
	out, _ := notchOut(n, 3)(nil, &victim{upload: &upload{image: img}, copies: []*image.NRGBA{img}})
	return out
}

func (f Fake) Quality(ctx context.Context, cfg Config) (*QualityReport, error) {
	return f.engine().quality(ctx, cfg)
}

func (f Fake) Speed(ctx context.Context, cfg Config) (*SpeedReport, error) {
	return f.engine().speed(ctx, cfg)
}

// Job gives tests the pool.
type Job struct {
	Pictures, Tasks int
	Prepare         func(ctx context.Context, i int) bool
	Task            func(ctx context.Context, i, k int)
	Release         func(i int)
	Progress        func(done, total int)
}

func (j Job) Run(ctx context.Context, workers int) error {
	inner := job{j.Pictures, j.Tasks, j.Prepare, j.Task, j.Release, j.Progress}
	return inner.run(ctx, workers)
}

// FindButteraugli runs the program as the benches do, and reports whether there
// is one.
func FindButteraugli(a, b *image.NRGBA) (v Visibility, found bool, err error) {
	j := findButteraugli()
	if j == nil {
		return v, false, nil
	}
	v, err = j(context.Background(), a, b)
	return v, true, err
}

var (
	UpperBound    = upperBound
	LowerBound    = lowerBound
	SphereTail    = sphereTail
	CodeWordTail  = codeWordTail
	AgreementTail = agreementTail
	Middle        = middle
	Average       = average
	TestKey       = testKey
)
