package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"time"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
)

// A step is run until it has been run speedRuns times or for speedTime, at least once, and
// the shortest run counts: on a busy machine it is the truest.
const (
	speedRuns = 3
	speedTime = 2 * time.Second
)

// speed times decoding, hashing, marking and reading, one picture and one step at a time.
func speed(e *engine) *ruler.Experiment {
	perMpx := func(g ruler.Group) string { return ruler.Decimals(g.Sum("ms")/g.Sum("mpx"), 1) }
	ratio := func(g ruler.Group) string { return ruler.Decimals(g.Sum("ms")/g.Sum("jpeg_ms"), 2) }
	return &ruler.Experiment{
		Name:  "speed",
		Short: "What marking and reading cost",
		Long: `Time each step on each picture, one after the other with all processors free for it,
as wall time. The yardstick is image/jpeg's decoding of the same picture.`,
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			env.Workers = 1
			return ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) error {
				return (&timing{engine: e, env: env, emit: emit, path: path}).picture(ctx)
			}), nil
		},
		Tables: []ruler.Table{
			{Name: "steps", By: []string{"step"}, Columns: []ruler.Column{
				ruler.Means("ms a picture", "ms", 1), {Head: "ms a megapixel", Cell: perMpx}, {Head: "times image/jpeg's decoding", Cell: ratio},
			}},
			{Name: "pictures", By: []string{"picture", "step"}, Columns: []ruler.Column{ruler.Means("megapixels", "mpx", 2), ruler.Means("ms", "ms", 0)}},
		},
	}
}

// timing times the steps on one picture.
type timing struct {
	*engine
	env    *ruler.Env
	emit   func(ruler.Trial)
	path   string
	mpx    float64
	jpegMS float64 // of the yardstick, the first step
}

func (t *timing) picture(ctx context.Context) error {
	up, err := t.env.Upload(t.path)
	if err != nil {
		return err
	}
	t.mpx = float64(up.Image.Rect.Dx()) * float64(up.Image.Rect.Dy()) / 1e6
	var saved bytes.Buffer
	if err := picture.Encode(&saved, up.Image, "jpeg", 90); err != nil {
		return err
	}
	data, err := os.ReadFile(t.path)
	if err != nil {
		return err
	}
	marked := up.Image
	reads := func(leak func() *image.NRGBA, want bool) func() (bool, error) {
		return func() (bool, error) {
			d, err := t.detect(ctx, t.env.Key, leak())
			return err == nil && d.Found == want, err
		}
	}
	always := func(err error) (bool, error) { return true, err }
	for _, step := range []struct {
		name string
		run  func() (counts bool, err error)
	}{
		{"image/jpeg decode", func() (bool, error) { _, err := jpeg.Decode(bytes.NewReader(saved.Bytes())); return always(err) }},
		{"decode", func() (bool, error) { _, err := picture.Decode(data, t.env.Limits); return always(err) }},
		{"hash (PDQ)", func() (bool, error) { _, _, err := t.hash(phash.PDQ, up.Image); return always(err) }},
		{"hash (area)", func() (bool, error) { _, _, err := t.hash(phash.Area, up.Image); return always(err) }},
		{"features", func() (bool, error) { _, err := parts.Extract(up.Image); return always(err) }},
		{"embed", func() (bool, error) {
			_, err := t.embed(t.env.Key, up.Copy, up.Image, up.Options)
			return always(err)
		}},
		{"mark", func() (bool, error) {
			m, err := t.mark(ctx, t.env.Key, up.Copy, up.Image, up.Options)
			if err == nil {
				marked = m.Image
			}
			return always(err)
		}},
		// A marked picture that is not found gives no time of "found".
		{"detect, found", reads(func() *image.NRGBA { return marked }, true)},
		{"detect, not found", reads(func() *image.NRGBA { return up.Image }, false)},
	} {
		if err := t.time(ctx, up.Name, step.name, step.run); err != nil {
			return err
		}
	}
	return nil
}

// time emits the shortest of a few runs, if they count.
func (t *timing) time(ctx context.Context, name, step string, run func() (bool, error)) error {
	best, spent, counts := math.Inf(1), 0.0, true
	for n := 0; n < speedRuns && (n == 0 || spent < float64(speedTime/time.Millisecond)); n++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		start := t.now()
		var err error
		if counts, err = run(); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		took := t.since(start)
		best, spent = min(best, took), spent+took
	}
	if t.jpegMS == 0 {
		t.jpegMS = best
	}
	if counts {
		t.emit(ruler.Trial{
			Labels: map[string]string{"picture": name, "step": step},
			Values: map[string]float64{"ms": best, "mpx": t.mpx, "jpeg_ms": t.jpegMS},
		})
	}
	return nil
}
