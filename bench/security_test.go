package main

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// redder is a mark for tests: four levels more red everywhere, read by its key as the
// first ID that was given to a picture of this size.
func redder(t *testing.T) (*engine, *watermark.Key) {
	key := (&ruler.Env{Seed: 1}).TestKey(5)
	e := newWorld().engine()
	ids := map[image.Point]watermark.CopyID{}
	mark := func(id watermark.CopyID, img image.Image) (*image.NRGBA, error) {
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
		return out, nil
	}
	e.embed = func(_ *watermark.Key, id watermark.CopyID, img image.Image, _ *watermark.Options) (*image.NRGBA, error) {
		return mark(id, img)
	}
	e.issue = func(_ context.Context, env *ruler.Env, s *victim) {
		for _, id := range s.ids {
			s.copies = append(s.copies, ruler.Must(e.embed(env.Key, id, s.Image, s.Options)))
			var file bytes.Buffer
			ruler.Check(jpeg.Encode(&file, s.copies[len(s.copies)-1], &jpeg.Options{Quality: 100}))
			s.files = append(s.files, file.Bytes())
		}
		s.again = func() *image.NRGBA { return ruler.Must(e.embed(env.Key, s.ids[0], s.copies[0], s.Options)) }
	}
	e.detect = func(_ context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		c := img.At(4, 4).(color.NRGBA)
		d := &watermark.Detection{KeyID: k.ID(), Debug: watermark.Debug{Sync: 4.5}}
		if k.ID() == key.ID() && c.R >= 203 && c.G/2 == 50 {
			d.Found, d.Copy, d.Debug.Sync = true, ids[img.Bounds().Max], 7.5
		}
		return d, nil
	}
	return e, key
}

func TestSecurity(t *testing.T) {
	e, key := redder(t)
	x := security(e)
	setFlags(t, x, "--keys=7", "--attempts=remove,move,guess,average_copies", "--bar=average_copies=0,copy=0,notch64=1,wrong_keys=0")
	env := ruler.Env{Pictures: fivePictures(t), Key: key, Workers: 1}
	run := measure(t, x, &env)
	assert.Empty(t, x.Missed(run.Trials))
	assert.Len(t, failures(run), 2)
	assert.Len(t, run.Trials, 2+3*27)
	for _, a := range attempts() {
		g := ruler.Group(run.Trials).Where(ruler.Is("attempt", a.name))
		read, n := 0., 3.
		switch {
		case len(g) == 0: // not asked for
			assert.Equal(t, toForge, a.goal)
			continue
		case a.name == "insider":
			assert.Empty(t, g.Values("psnr"), "infinite")
		case a.goal == toRemove:
			if a.name != "nlm" { // its change of colours takes the red
				read = 3
			}
			assert.InDelta(t, 10*math.Log10(255*255*3/16.), g.Mean("psnr"), 2, a.name)
		case a.goal == toGuess:
			n = 4 // of seven, shared out over five files of which two are broken
		}
		assert.InDelta(t, read, g.Sum("read"), 0, a.name)
		assert.InDelta(t, n, g.Count(), 0, a.name)
	}

	detect := e.detect
	e.detect = func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		d, err := detect(ctx, k, img)
		if d.Found && img.Bounds().Dx() == 60 {
			d.Copy++
		}
		return d, err
	}
	x = security(e)
	setFlags(t, x, "--keys=7", "--attempts=remove,move,guess,average_copies", "--bar=copy=0.5,average2=1")
	run = measure(t, x, &env)
	missed := x.Missed(run.Trials)
	require.Len(t, missed, 1+19, "each removal but nlm gave a wrong ID on one picture")
	assert.Equal(t, "average2 66.7 %, asked for 100.0 %", missed[0])
}

func TestSecurityRefuses(t *testing.T) {
	refuses := func(want string, args ...string) {
		t.Helper()
		e, _ := redder(t)
		x := security(e)
		setFlags(t, x, args...)
		_, err := x.Cases(t.Context(), &ruler.Env{})
		require.ErrorContains(t, err, want)
	}
	refuses(attack.ErrUnknown.Error(), "--attempts=bribe")
	refuses("no attack of group", "--attempts=move", "--bar=nlm=1")
	refuses("not a rate", "--bar=nlm=2")
	refuses("1 or more", "--copies=0")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e, key := redder(t)
	x := security(e)
	setFlags(t, x)
	_, err := x.Run(ctx, &ruler.Env{Pictures: fivePictures(t), Key: key}, ruler.Run{}, "", nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestMerging(t *testing.T) {
	var all []*image.NRGBA
	for _, v := range []uint8{10, 200, 30, 12, 31} {
		p := image.NewNRGBA(image.Rect(0, 0, 2, 1))
		for i := range p.Pix {
			p.Pix[i] = v
			if i%4 == 3 {
				p.Pix[i] = 255 // opaque
			}
		}
		all = append(all, p)
	}
	assert.Equal(t, uint8(30), mixed("median", all).Pix[5])
	assert.Equal(t, uint8(57), mixed("mean", all).Pix[5])
	assert.Equal(t, uint8(105), mixed("mean", all[:2]).Pix[0])
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
	out := notched(striped, 8)
	assert.Less(t, math.Abs(left(out)), .3)
	assert.Equal(t, h, out.Rect.Dy())
	assert.Greater(t, compare.PSNR(page, out), compare.PSNR(page, striped))
}

// The real mark: an estimate resembles its own mark, and the average of a few has
// less of each.
func TestRealSecurity(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.png")
	f, err := os.Create(file)
	require.NoError(t, err)
	require.NoError(t, picture.Encode(f, specimen.Render(specimen.IDCard, specimen.NewPerson(5), 480), "png", 0))
	require.NoError(t, f.Close())
	x := security(newEngine())
	setFlags(t, x, "--copies=3", "--attempts=average")
	run := measure(t, x, &ruler.Env{Pictures: []string{file}, MaxSide: 480})
	require.Empty(t, failures(run))
	require.Len(t, run.Trials, 2)
	got := run.Trials[0].Values
	assert.InDelta(t, 3, got["uploads"], 0)
	assert.Greater(t, got["one_estimate"], .1)
	assert.Less(t, got["average_rms"], got["estimate_rms"])
	assert.Less(t, got["with_fresh"], .3)
	assert.Contains(t, run.Trials[1].Values, "read")
	assert.Empty(t, x.Missed(run.Trials))
}

// notched takes the n strongest peaks out of a picture.
func notched(img *image.NRGBA, n int) *image.NRGBA {
	out, _ := notchOut(n, 3)(nil, &victim{Upload: &ruler.Upload{Image: img}, copies: []*image.NRGBA{img}})
	return out
}
