package experiments

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"runtime"
	"time"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/watermark"
)

// The steps that are timed. The first is the yardstick: image/jpeg's decoding of
// the same picture, saved as JPEG 90.
const (
	stepJPEG = iota
	stepDecode
	stepHash
	stepArea
	stepFeatures
	stepEmbed
	stepMark
	stepFound
	stepNotFound
	steps
)

var stepNames = [steps]string{
	"image/jpeg decode", "decode", "hash (PDQ)", "hash (area)", "features", "embed", "mark", "detect, found", "detect, not found",
}

// A step is run until it has been run speedRuns times or for speedTime, at least
// once, and the shortest run counts: on a busy machine it is the truest.
const (
	speedRuns = 3
	speedTime = 2 * time.Second
)

// SpeedReport says what each step costs.
type SpeedReport struct {
	Go       string        `json:"go"` // version, system and processor
	Cores    int           `json:"cores"`
	KeyID    string        `json:"key_id"`
	Seed     uint64        `json:"seed"`
	MaxSide  int           `json:"max_side,omitempty"`
	Steps    [steps]string `json:"steps"`
	Pictures []SpeedResult `json:"pictures"`
	MeanMS   [steps]Number `json:"mean_ms"`    // a picture
	MSPerMpx [steps]Number `json:"ms_per_mpx"` // all time over all megapixels
	Ratio    [steps]Number `json:"ratio"`      // to image/jpeg's decoding, all time over all time
	Broken   []Failure     `json:"broken"`
}

// SpeedResult is one picture; a step that gave no result is null.
type SpeedResult struct {
	File   string        `json:"file"`
	Width  int           `json:"width"`
	Height int           `json:"height"`
	MS     [steps]Number `json:"ms"`
}

// Speed times decoding, hashing, marking and reading, one picture and one step at
// a time with all processors free for it, as wall time. Decoding is that of the
// file as it is; cfg.MaxSide holds for the steps after it. Errors are those of
// [Robustness]; cfg.Attacks and cfg.Workers are not used.
func Speed(ctx context.Context, cfg Config) (*SpeedReport, error) {
	return newEngine().speed(ctx, cfg)
}

func (e *engine) speed(ctx context.Context, cfg Config) (*SpeedReport, error) {
	if len(cfg.Pictures) == 0 {
		return nil, ErrNoPictures
	}
	key, err := cfg.key()
	if err != nil {
		return nil, err
	}
	rep := &SpeedReport{
		Go:    fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Cores: runtime.GOMAXPROCS(0), KeyID: key.ID(), Seed: cfg.Seed, MaxSide: cfg.MaxSide,
		Steps: stepNames, Pictures: []SpeedResult{}, Broken: []Failure{},
	}
	for i, path := range cfg.Pictures {
		t := &timing{engine: e, cfg: &cfg, key: key, result: SpeedResult{File: path}}
		err := t.picture(ctx)
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		if err != nil {
			rep.Broken = append(rep.Broken, Failure{File: path, Error: err.Error()})
		} else {
			rep.Pictures = append(rep.Pictures, t.result)
		}
		if cfg.Progress != nil {
			cfg.Progress(i+1, len(cfg.Pictures))
		}
	}
	rep.summarise()
	return rep, nil
}

// timing times the steps on one picture.
type timing struct {
	*engine
	cfg    *Config
	key    *watermark.Key
	result SpeedResult
}

func (t *timing) picture(ctx context.Context) error {
	for k := range t.result.MS {
		t.result.MS[k] = Number(math.NaN())
	}
	p, err := t.cfg.load(t.result.File)
	if err != nil {
		return err
	}
	t.result.Width, t.result.Height = p.Image.Rect.Dx(), p.Image.Rect.Dy()
	id := watermark.CopyID(t.cfg.draw("copy", p.SHA256))
	opts := submissionOf(p)
	if err := t.decoding(ctx, p.Image); err != nil {
		return err
	}
	err = t.time(ctx, stepHash, func() error { _, _, err := t.hash(phash.PDQ, p.Image); return err })
	if err != nil {
		return err
	}
	err = t.time(ctx, stepArea, func() error { _, _, err := t.hash(phash.Area, p.Image); return err })
	if err != nil {
		return err
	}
	err = t.time(ctx, stepFeatures, func() error { _, err := parts.Extract(p.Image); return err })
	if err != nil {
		return err
	}
	err = t.time(ctx, stepEmbed, func() error { _, err := t.embed(t.key, id, p.Image, opts); return err })
	if err != nil {
		return err
	}
	return t.markAndRead(ctx, id, p.Image, opts)
}

func (t *timing) decoding(ctx context.Context, img *image.NRGBA) error {
	var saved bytes.Buffer
	if err := picture.Encode(&saved, img, "jpeg", 90); err != nil {
		return err
	}
	err := t.time(ctx, stepJPEG, func() error {
		_, err := jpeg.Decode(bytes.NewReader(saved.Bytes()))
		return err
	})
	if err != nil {
		return err
	}
	data, err := os.ReadFile(t.result.File)
	if err != nil {
		return err
	}
	return t.time(ctx, stepDecode, func() error { _, err := picture.Decode(data, t.cfg.Limits); return err })
}

func (t *timing) markAndRead(ctx context.Context, id watermark.CopyID, img *image.NRGBA, opts *watermark.Options) error {
	var marked *image.NRGBA
	err := t.time(ctx, stepMark, func() error {
		m, err := t.mark(ctx, t.key, id, img, opts)
		if err == nil {
			marked = m.Image
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := t.reading(ctx, stepFound, marked); err != nil {
		return err
	}
	return t.reading(ctx, stepNotFound, img)
}

// reading counts only where it belongs: one of a marked picture that is not found
// is no time of "detect, found".
func (t *timing) reading(ctx context.Context, step int, leak *image.NRGBA) error {
	var found bool
	err := t.time(ctx, step, func() error {
		d, err := t.detect(ctx, t.key, leak)
		if err == nil {
			found = d.Found
		}
		return err
	})
	if found != (step == stepFound) {
		t.result.MS[step] = Number(math.NaN())
	}
	return err
}

// time notes the shortest of a few runs.
func (t *timing) time(ctx context.Context, step int, run func() error) error {
	best, spent := math.Inf(1), 0.0
	for n := 0; n < speedRuns && (n == 0 || spent < float64(speedTime/time.Millisecond)); n++ {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		start := t.now()
		if err := run(); err != nil {
			return fmt.Errorf("%s: %w", stepNames[step], err)
		}
		took := t.since(start)
		best, spent = min(best, took), spent+took
	}
	t.result.MS[step] = Number(best)
	return nil
}
