package main

import (
	"context"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/watermark"
)

func TestQuality(t *testing.T) {
	w := newWorld()
	e := w.engine()
	e.mark = func(ctx context.Context, k *watermark.Key, id watermark.CopyID, img image.Image, o *watermark.Options) (*watermark.Marked, error) {
		m, err := w.mark(ctx, k, id, img, o)
		if err == nil { // one level off everywhere in one channel
			out := *m.Image
			out.Pix = append([]uint8(nil), out.Pix...)
			for i := 0; i < len(out.Pix); i += 4 {
				out.Pix[i]++
			}
			m.Image = &out
		}
		return m, err
	}
	e.judge = func(_ context.Context, a, _ *image.NRGBA) visibility {
		if a.Rect.Dx() == 80 {
			ruler.Check(errors.New("the judge is ill"))
		}
		return visibility{max: float64(a.Rect.Dx()) / 10, norm3: .5}
	}
	e.handOut = func(_ context.Context, _ *watermark.Key, _ string, up *ruler.Upload) (*handed, error) {
		return &handed{&watermark.Marked{Image: up.Image}, func() *image.NRGBA { return up.Image }, 1.05}, nil
	}
	x := visible(e)
	run := measure(t, x, &ruler.Env{Pictures: fivePictures(t), Workers: 3})
	assert.Len(t, run.Trials, 3*4+2)
	assert.Len(t, failures(run), 2+4, "two pictures, and the judge four times")
	marks := ruler.Group(run.Trials).Where(ruler.Is("change", "the mark"))
	assert.InDelta(t, 10*math.Log10(255*255*3), marks.Mean("psnr"), 1e-6)
	assert.Contains(t, x.Tables[1].Markdown(run.Trials), "| the mark | 52.9 (52.9) | 1.0000 (1.0000) | 0 (0) | - | 5.00 (6.00) | 0.50 (0.50) |")
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| picture0 | the file | 40 x 30 | - | 0 | - | 1.0000 | 0 | 1.050 | 4.00 | 0.50 |")
	assert.NotContains(t, x.Tables[1].Markdown(run.Trials), "NOT MEASURED")

	setFlags(t, x, "--pairs=4")
	pairs := ruler.Group(measure(t, x, &ruler.Env{Pictures: folder(t, image.Pt(40, 30), image.Pt(60, 44))}).Trials).Having("alone")
	assert.Len(t, pairs, 4)
	assert.InDelta(t, .5, pairs.Mean("alone"), 1e-9, "by size alone")
	e.judge = func(_ context.Context, a, b *image.NRGBA) visibility {
		return visibility{max: -compare.PSNR(a, b)}
	}
	e.handOut = func(_ context.Context, _ *watermark.Key, _ string, up *ruler.Upload) (*handed, error) {
		noisy := ruler.Must(hard.Find("noise15")).Apply(up.Image, 1)
		return &handed{&watermark.Marked{Image: noisy}, func() *image.NRGBA { return up.Image }, 1}, nil
	}
	pairs = ruler.Group(measure(t, x, &ruler.Env{Pictures: folder(t, image.Pt(40, 30), image.Pt(60, 44))}).Trials).Having("alone")
	assert.InDelta(t, 1, pairs.Mean("alone"), 1e-9, "noise is seen without the upload")
	assert.InDelta(t, 1, pairs.Mean("told"), 1e-9)

	e.judge, e.handOut = nil, nil
	run = measure(t, x, &ruler.Env{Pictures: fivePictures(t)})
	assert.Contains(t, x.Tables[1].Markdown(run.Trials), "**BUTTERAUGLI NOT MEASURED**")
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| picture0 | the mark | 40 x 30 | 0.80 | 1 | 52.9 | 1.0000 | 0 | - | - | - |")
}

func TestSpeed(t *testing.T) {
	e, asked := newWorld().engine(), ""
	e.racers = func(_ context.Context, _, against string) (racers []racer) {
		asked = against
		for k := range 2 {
			calls := 0
			racers = append(racers, func(_ context.Context, dir string, code int, args ...string) (float64, error) {
				assert.FileExists(t, filepath.Join(dir, "upload.jpg"))
				if calls++; args[0] == "trace" {
					return 0, errors.New("nothing to trace")
				}
				return float64(1000*(k+1) + calls), nil
			})
		}
		return racers
	}
	x := speed(e)
	setFlags(t, x, "--against=HEAD~1")
	run := measure(t, x, &ruler.Env{Pictures: folder(t, image.Pt(40, 30), image.Pt(60, 44))[1:]})
	assert.Equal(t, "HEAD~1", asked)
	of := func(step string) ruler.Group { return ruler.Group(run.Trials).Where(ruler.Is("step", step)) }
	assert.InDelta(t, 1017, of("mark").Mean("ms"), 1e-9, "the mean of the shortest")
	assert.InDelta(t, 2017, of("mark").Mean("against_ms"), 1e-9)
	assert.Positive(t, of("mark").Mean("jpeg_ms"))
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), " 0.50 |")
	assert.Len(t, failures(run), 2, "of two pictures")
	assert.Empty(t, of(""))
}

// The command is built as it is and as it was in the commit, and a wrong exit code is an error.
func TestBuildRacers(t *testing.T) {
	dir := t.TempDir()
	racers := buildRacers(t.Context(), dir, "HEAD")
	require.Len(t, racers, 2)
	for _, run := range racers {
		took, err := run(t.Context(), t.TempDir(), 0, "keygen", "--out", "a.key")
		require.NoError(t, err)
		assert.Positive(t, took)
		_, err = run(t.Context(), t.TempDir(), 1, "keygen", "--out", "a.key")
		require.ErrorContains(t, err, "want exit code 1")
	}
}

func failures(run ruler.Run) ruler.Group {
	return ruler.Group(run.Trials).Where(func(t *ruler.Trial) bool { return t.Error != "" })
}

// The test program itself is found on PATH under the tool's name.
func TestButteraugliProgram(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	dir := t.TempDir()
	name := "butteraugli_main" + filepath.Ext(self)
	if strings.HasSuffix(self, ".test") {
		name = "butteraugli_main"
	}
	link(t, self, filepath.Join(dir, name))
	img := image.NewNRGBA(image.Rect(0, 0, 8, 8))

	t.Setenv("PATH", t.TempDir())
	_, found, err := ask(img)
	require.NoError(t, err)
	assert.False(t, found)

	t.Setenv("PATH", dir)
	t.Setenv("FAKE_BUTTERAUGLI", "2.9986829758\n3-norm: 0.985755\n")
	v, found, err := ask(img)
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, visibility{2.9986829758, 0.985755}, v)

	for _, answer := range []string{"", "2.9", "much 3-norm: little", "1 2-norm: 3"} {
		t.Setenv("FAKE_BUTTERAUGLI", answer)
		_, _, err := ask(img)
		assert.ErrorContains(t, err, "butteraugli_main", answer)
	}
}

// link makes another name for a file, by copying it where links are not allowed.
func link(t *testing.T, from, to string) {
	if os.Symlink(from, to) == nil {
		return
	}
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, data, 0o700))
}

// ask runs the program as the experiment does, and reports whether there is one.
func ask(img *image.NRGBA) (v visibility, found bool, err error) {
	j := findButteraugli()
	if j == nil {
		return v, false, nil
	}
	err = ruler.Catch(func() { v = j(context.Background(), img, img) })
	return v, true, err
}
