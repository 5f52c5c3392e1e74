package experiments_test

import (
	"context"
	"encoding/json"
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/quality"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// redder is a mark for tests: four levels more red everywhere, read by its key as
// the first ID that was given to a picture of this size.
func redder(t *testing.T) (bench.Fake, *watermark.Key) {
	key, err := bench.TestKey(1, 5)
	require.NoError(t, err)
	fake := newWorld().fake()
	ids := map[image.Point]watermark.CopyID{}
	fake.Mark = func(_ context.Context, k *watermark.Key, id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
		size := img.Bounds().Max
		if size.X < 20 {
			return nil, watermark.ErrTooSmall
		}
		out := image.NewNRGBA(img.Bounds())
		copy(out.Pix, img.(*image.NRGBA).Pix)
		for i := 0; i < len(out.Pix); i += 4 {
			out.Pix[i] = min(out.Pix[i], 251) + 4
		}
		// Averaged uploads are marked before the copies: only those count.
		if size.X <= 80 && id != 0 {
			if _, ok := ids[size]; !ok || ids[size] == 0 {
				ids[size] = id
			}
		}
		return &watermark.Marked{Image: out}, nil
	}
	fake.Detect = func(_ context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		c := img.At(4, 4).(color.NRGBA)
		d := &watermark.Detection{KeyID: k.ID(), Debug: watermark.Debug{Sync: 4.5}}
		if k.ID() == key.ID() && c.R >= 203 && c.G == 100 {
			d.Found, d.Copy, d.Debug.Sync = true, ids[img.Bounds().Max], 7.5
		}
		return d, nil
	}
	return fake, key
}

func TestSecurity(t *testing.T) {
	files := fivePictures(t)
	fake, key := redder(t)
	last := 0
	cfg := bench.Config{
		Pictures: files, Key: key, Keys: 7, Workers: 1, Attacks: []string{"remove", "move", "guess", "average_copies"},
		Bars:     map[string]float64{"average_copies": 0, "copy": 0, "notch64": 1, "wrong_keys": 0},
		Progress: func(done, total int) { last = done; assert.Equal(t, 5*20, total) },
	}
	rep, err := fake.Security(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, 5*20, last)
	assert.Equal(t, 3, rep.Pictures)
	assert.Empty(t, rep.Missed)
	assert.Empty(t, rep.Wrong)
	assert.Len(t, rep.Broken, 2)
	for _, a := range rep.Attempts {
		want := bench.Rate{Tried: 3}
		switch a.Goal {
		case "remove":
			want.Read = 3
			switch a.Name {
			case "nlm":
				want.Read = 0 // its change of colours takes the red
			case "insider":
				assert.Equal(t, bench.Rate{Tried: 3}, a.Rate)
				assert.True(t, math.IsInf(float64(a.PSNR), 1))
				continue
			}
			assert.InDelta(t, 10*math.Log10(255*255*3/16.), float64(a.PSNR), 2, a.Name)
		case "guess":
			want.Tried = 4 // of seven, shared out over five files of which two are broken
		}
		assert.Equal(t, want, a.Rate, a.Name)
	}
	golden(t, "security.md", rep.Markdown())
	_, err = json.Marshal(rep)
	require.NoError(t, err)

	cfg.Bars, cfg.Progress = map[string]float64{"copy": .5, "average2": 1}, nil
	detect := fake.Detect
	fake.Detect = func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		d, err := detect(ctx, k, img)
		if d.Found && img.Bounds().Dx() == 60 {
			d.Copy++
		}
		return d, err
	}
	rep, err = fake.Security(t.Context(), cfg)
	require.NoError(t, err)
	assert.Len(t, rep.Wrong, 14, "each removal but nlm gave a wrong ID on one picture")
	require.Len(t, rep.Missed, 1)
	assert.Equal(t, "average2", rep.Missed[0].Name)
	assert.Contains(t, rep.Markdown(), "**ALARM: wrong ID**")
}

func TestSecurityRefuses(t *testing.T) {
	fake, key := redder(t)
	run := func(cfg bench.Config) error {
		cfg.Key = key
		_, err := fake.Security(t.Context(), cfg)
		return err
	}
	files := fivePictures(t)
	require.ErrorIs(t, run(bench.Config{}), bench.ErrNoPictures)
	require.ErrorIs(t, run(bench.Config{Pictures: files, Attacks: []string{"bribe"}}), attack.ErrUnknown)
	require.ErrorIs(t, run(bench.Config{Pictures: files, Attacks: []string{"move"}, Bars: map[string]float64{"nlm": 1}}), bench.ErrBar)
	require.ErrorIs(t, run(bench.Config{Pictures: files, Bars: map[string]float64{"nlm": 2}}), bench.ErrBar)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := fake.Security(ctx, bench.Config{Pictures: files, Key: key})
	require.ErrorIs(t, err, context.Canceled)
}

func TestMerging(t *testing.T) {
	var all []*image.NRGBA
	for _, v := range []uint8{10, 200, 30, 12, 31} {
		p := image.NewNRGBA(image.Rect(0, 0, 2, 1))
		for i := range p.Pix {
			p.Pix[i] = v
		}
		all = append(all, p)
	}
	assert.Equal(t, uint8(30), bench.Middle(all).Pix[5])
	assert.Equal(t, uint8(57), bench.Average(all).Pix[5])
	assert.Equal(t, uint8(105), bench.Average(all[:2]).Pix[0])
}

// Sinusoids in the pilots' band go, and next to nothing else.
func TestNotch(t *testing.T) {
	page := specimen.Landscape(3, 512, 384)
	w, h := page.Rect.Dx(), page.Rect.Dy()
	wave := func(x, y int) float64 {
		return 2*math.Cos(.8*float64(x)+.3*float64(y)) + 2*math.Cos(.2*float64(x)-.7*float64(y))
	}
	striped := image.NewNRGBA(page.Rect)
	copy(striped.Pix, page.Pix)
	for i := range striped.Pix {
		if x, y := i/4%w, i/4/w; i%4 < 3 {
			striped.Pix[i] = uint8(min(max(math.Round(float64(page.Pix[i])+wave(x, y)), 0), 255))
		}
	}
	left := func(img *image.NRGBA) float64 { // the stripes' amplitude: 1 as they are
		dot, norm := 0.0, 0.0
		for i := 1; i < len(img.Pix); i += 4 {
			v := wave(i/4%w, i/4/w)
			dot += v * (float64(img.Pix[i]) - float64(page.Pix[i]))
			norm += v * v
		}
		return dot / norm
	}
	require.Greater(t, left(striped), .7)
	notched := bench.Notch(striped, 8)
	assert.Less(t, math.Abs(left(notched)), .3)
	assert.Equal(t, h, notched.Rect.Dy())
	assert.Greater(t, quality.PSNR(page, notched), quality.PSNR(page, striped))
}

// The real mark: an estimate resembles its own mark, and the average of a few has
// less of each.
func TestRealSecurity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.png")
	f, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, picture.Encode(f, specimen.Render(specimen.IDCard, specimen.NewPerson(5), 480), "png", 0))
	require.NoError(t, f.Close())
	rep, err := bench.Security(t.Context(), bench.Config{
		Pictures: []string{file}, MaxSide: 480, Copies: 3, Attacks: []string{"average"},
	})
	require.NoError(t, err)
	require.Empty(t, rep.Broken)
	assert.Equal(t, 3, rep.Averaged.Uploads)
	assert.Greater(t, float64(rep.Averaged.One), .1)
	assert.Less(t, float64(rep.Averaged.MeanRMS), float64(rep.Averaged.OneRMS))
	assert.Less(t, float64(rep.Averaged.Fresh), .3)
	require.Len(t, rep.Attempts, 1)
	assert.Equal(t, 1, rep.Attempts[0].Tried)
	assert.Empty(t, rep.Wrong)
}
