package main

import (
	"bytes"
	"context"
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
	return &ruler.Experiment{
		Name:  "speed",
		Short: "What marking and reading cost",
		Long: `Time each step on each picture, one after the other with all processors free for it,
as wall time. The yardstick is image/jpeg's decoding of the same picture.`,
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			env.Workers = 1
			return ruler.Each(env, func(ctx context.Context, path string, emit func(ruler.Trial)) {
				(&timing{engine: e, env: env, emit: emit, path: path}).picture(ctx)
			}), nil
		},
		Tables: []ruler.Table{
			{Name: "steps", By: []string{"step"}, Columns: []ruler.Column{
				ruler.Means("ms a picture", "ms", 1), ruler.Quotient("ms a megapixel", "ms", "mpx", 1), ruler.Quotient("times image/jpeg's decoding", "ms", "jpeg_ms", 2),
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

// picture times all steps on one picture.
func (t *timing) picture(ctx context.Context) {
	up := ruler.Must(t.env.Upload(t.path))
	t.mpx = float64(up.Image.Rect.Dx()) * float64(up.Image.Rect.Dy()) / 1e6
	var saved bytes.Buffer
	ruler.Check(picture.Encode(&saved, up.Image, "jpeg", 90))
	data := ruler.Must(os.ReadFile(t.path))
	marked := up.Image
	reads := func(leak func() *image.NRGBA, want bool) func() bool {
		return func() bool { return ruler.Must(t.detect(ctx, t.env.Key, leak())).Found == want }
	}
	always := func(err error) bool { ruler.Check(err); return true }
	for _, step := range []struct {
		name string
		run  func() (counts bool)
	}{
		{"image/jpeg decode", func() bool { _, err := jpeg.Decode(bytes.NewReader(saved.Bytes())); return always(err) }},
		{"decode", func() bool { _, err := picture.Decode(data, t.env.Limits); return always(err) }},
		{"hash (PDQ)", func() bool { _, _, err := t.hash(phash.PDQ, up.Image); return always(err) }},
		{"hash (area)", func() bool { _, _, err := t.hash(phash.Area, up.Image); return always(err) }},
		{"features", func() bool { _, err := parts.Extract(up.Image); return always(err) }},
		{"embed", func() bool { _, err := t.embed(t.env.Key, up.Copy, up.Image, up.Options); return always(err) }},
		{"mark", func() bool {
			marked = ruler.Must(t.mark(ctx, t.env.Key, up.Copy, up.Image, up.Options)).Image
			return true
		}},
		// A marked picture that is not found gives no time of "found".
		{"detect, found", reads(func() *image.NRGBA { return marked }, true)},
		{"detect, not found", reads(func() *image.NRGBA { return up.Image }, false)},
	} {
		t.time(ctx, up.Name, step.name, step.run)
	}
}

// time emits the shortest of a few runs, if they count.
func (t *timing) time(ctx context.Context, name, step string, run func() bool) {
	best, spent, counts := math.Inf(1), 0.0, true
	for n := 0; n < speedRuns && (n == 0 || spent < float64(speedTime/time.Millisecond)); n++ {
		ruler.Check(context.Cause(ctx))
		start := t.now()
		counts = run()
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
}
