package experiments_test

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/watermark"
)

func TestFalsePositives(t *testing.T) {
	files := fivePictures(t)
	key, err := bench.TestKey(9, 9)
	require.NoError(t, err)
	fake := newWorld().fake()
	// Nothing is found but in one picture, under one attack, by one key.
	fake.Detect = func(_ context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		d := &watermark.Detection{KeyID: k.ID(), Debug: watermark.Debug{Checks: img.Bounds().Dx() / 10, Sync: float64(img.Bounds().Dx()) / 20}}
		if img.Bounds().Dx() == 30 && k.ID() == key.ID() {
			d.Found, d.Copy, d.LogPFA = true, 0xabcdef, -8.5
		}
		return d, nil
	}
	cfg := bench.Config{Pictures: files, Attacks: []string{"none", "resize50"}, Keys: 3, Key: key, Workers: 2}
	rep, err := fake.FalsePositives(t.Context(), cfg)
	require.NoError(t, err)

	require.Len(t, rep.KeyIDs, 3)
	assert.Equal(t, key.ID(), rep.KeyIDs[0])
	assert.Equal(t, 3, rep.Pictures)
	assert.Equal(t, 3*2*3, rep.Unmarked.Trials)
	assert.Equal(t, 3*2*3*2, rep.Total.Trials)
	require.Len(t, rep.Found, 2, "unmarked and marked under another key")
	assert.True(t, !rep.Found[0].OtherKey && rep.Found[1].OtherKey)
	assert.Equal(t, "0000000000abcdef", rep.Found[0].Copy)
	// Widths 40, 60, 80 and their halves: 4+6+8+2+3+4 checks by each of 3 keys.
	assert.Equal(t, 3*27, rep.Unmarked.Checks)
	assert.Equal(t, 8, rep.Total.MaxChecks)
	assert.InEpsilon(t, 8/math.Exp2(32), rep.Total.Worst, 1e-12)
	assert.InEpsilon(t, 4.5/math.Exp2(32), rep.Total.Expected, 1e-12)
	assert.InDelta(t, 4, rep.Total.Sync, 1e-12)
	assert.Equal(t, 36, rep.Total.Checked)
	assert.Nil(t, rep.Null)
	assert.Equal(t, "none", rep.Total.Attack)
	assert.InDelta(t, bench.UpperBound(2, 36, .95), rep.Total.Upper95, 1e-12)
	assert.Len(t, rep.Broken, 2)
	golden(t, "falsepositives.md", rep.Markdown())
}

func TestQuality(t *testing.T) {
	files := fivePictures(t)
	fake := newWorld().fake()
	mark := fake.Mark
	fake.Mark = func(ctx context.Context, k *watermark.Key, id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
		m, err := mark(ctx, k, id, img)
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
	errJudge := errors.New("the judge is ill")
	fake.Judge = func(a, b *image.NRGBA) (bench.Visibility, error) {
		if a.Rect.Dx() == 80 {
			return bench.Visibility{}, errJudge
		}
		return bench.Visibility{Max: bench.Number(a.Rect.Dx()) / 10, Norm3: .5}, nil
	}
	rep, err := fake.Quality(t.Context(), bench.Config{Pictures: files, Workers: 3})
	require.NoError(t, err)
	require.Len(t, rep.Pictures, 3)
	assert.InDelta(t, 10*math.Log10(255*255*3), float64(rep.Means[0].PSNR), 1e-9)
	assert.InDelta(t, 5, float64(rep.Means[0].Butteraugli.Max), 1e-9)
	assert.InDelta(t, 6, float64(rep.Worst[0].Butteraugli.Max), 1e-9)
	assert.Len(t, rep.Broken, 2+3, "two pictures, and the judge three times")
	assert.NotContains(t, rep.Markdown(), "NOT MEASURED")
	_, err = json.Marshal(rep)
	require.NoError(t, err)

	fake.Judge = nil
	rep, err = fake.Quality(t.Context(), bench.Config{Pictures: files})
	require.NoError(t, err)
	assert.Contains(t, rep.Markdown(), "**BUTTERAUGLI NOT MEASURED**")
	assert.Contains(t, rep.Markdown(), "| picture0 | 40 x 30 | 0.80 (weak) | 52.9 / 1.0000 / 0 |")
}

func TestSpeed(t *testing.T) {
	files := fivePictures(t)
	fake := newWorld().fake()
	now, width := time.Time{}, 0
	mark, detect := fake.Mark, fake.Detect
	tick := func(ms int) { now = now.Add(time.Duration(ms) * time.Millisecond) }
	fake.Clock = func() time.Time { tick(1); return now }
	fake.Mark = func(ctx context.Context, k *watermark.Key, id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
		tick(100)
		width = img.Bounds().Dx()
		m, err := mark(ctx, k, id, img)
		if err == nil {
			out := *m.Image
			m.Image = &out // another picture than the original
		}
		return m, err
	}
	calls := 0
	fake.Detect = func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		tick(3000)
		if calls++; calls%2 == 0 || width == 60 { // the second call is on the original
			return &watermark.Detection{}, nil
		}
		return detect(ctx, k, img)
	}
	steps := 0
	rep, err := fake.Speed(t.Context(), bench.Config{Pictures: files, Progress: func(done, total int) {
		steps++
		assert.Equal(t, steps, done)
		assert.Equal(t, 5, total)
	}})
	require.NoError(t, err)
	require.Len(t, rep.Pictures, 3)
	assert.Len(t, rep.Broken, 2)
	at := map[string]int{}
	for k, name := range rep.Steps {
		at[name] = k
	}
	assert.InDelta(t, 1, float64(rep.MeanMS[at["image/jpeg decode"]]), 1e-9)
	assert.InDelta(t, 101, float64(rep.MeanMS[at["embed"]]), 1e-9)
	assert.InDelta(t, 101, float64(rep.Ratio[at["mark"]]), 1e-9)
	assert.InDelta(t, 3001, float64(rep.MeanMS[at["detect, found"]]), 1e-9)
	assert.InDelta(t, 3001/((40*30+80*60)/2e6), float64(rep.MSPerMpx[at["detect, found"]]), 1e-3)
	assert.True(t, math.IsNaN(float64(rep.Pictures[1].MS[at["detect, found"]])), "not found, so not timed as found")
	assert.InDelta(t, 3001, float64(rep.Pictures[1].MS[at["detect, not found"]]), 1e-9)
	text := rep.Markdown()
	golden(t, "speed.md", text[strings.Index(text, "\n"):]) // the first line names the machine
	_, err = json.Marshal(rep)
	require.NoError(t, err)
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
	_, found, err := bench.FindButteraugli(img, img)
	require.NoError(t, err)
	assert.False(t, found)

	t.Setenv("PATH", dir)
	t.Setenv("FAKE_BUTTERAUGLI", "2.9986829758\n3-norm: 0.985755\n")
	v, found, err := bench.FindButteraugli(img, img)
	require.NoError(t, err)
	require.True(t, found)
	assert.Equal(t, bench.Visibility{Max: 2.9986829758, Norm3: 0.985755}, v)

	for _, answer := range []string{"", "2.9", "much 3-norm: little", "1 2-norm: 3"} {
		t.Setenv("FAKE_BUTTERAUGLI", answer)
		_, _, err := bench.FindButteraugli(img, img)
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
