package experiments_test

import (
	"context"
	"encoding/json"
	"image"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/attack"
)

// three pictures, one that cannot be marked and one that cannot be read
func fivePictures(t *testing.T) []string {
	return folder(t, image.Pt(40, 30), image.Pt(60, 44), image.Pt(80, 60), image.Pt(10, 50))
}

func measured() []string {
	return []string{"codec", "resize50", "invert", "gray", "none"}
}

// relative cuts the temporary folder out of a report.
func relative(text string, files []string) string {
	return strings.ReplaceAll(text, strings.TrimSuffix(files[0], "broken.jpg"), "")
}

func TestRobustness(t *testing.T) {
	files := fivePictures(t)
	cfg := bench.Config{
		Pictures: files, Attacks: measured(), Seed: 3, Workers: 1,
		Bars: map[string]float64{"all": .5, "codec": 1, "resize": .1, "none": 1},
	}
	// Of a 4:3 picture of 80 px a half has the size of the first: it is read as
	// that copy, a wrong one.
	rep, err := newWorld().fake().Robustness(t.Context(), cfg)
	require.NoError(t, err)

	assert.Equal(t, bench.Rate{Read: 21, Tried: 30}, rep.Total)
	require.Len(t, rep.Pictures, 3)
	assert.Equal(t, bench.Rate{Read: 7, Tried: 10}, rep.Pictures[0].Rate)
	assert.Equal(t, []string{"resize50", "gray", "invert"}, rep.Pictures[0].Missed)
	assert.Len(t, rep.Wrong, 4, "three grey ones and the halved one")
	assert.Len(t, rep.Errors, 3, "negatives")
	require.Len(t, rep.Broken, 2)
	assert.Contains(t, rep.Broken[0].File, "broken.jpg")
	assert.Contains(t, rep.Broken[1].Error, "too small")
	require.Len(t, rep.Missed, 1)
	assert.Equal(t, "resize", rep.Missed[0].Name)

	golden(t, "robustness.md", relative(rep.Markdown(), files))
	text, err := json.MarshalIndent(rep, "", "  ")
	require.NoError(t, err)
	golden(t, "robustness.json", relative(string(text), files)+"\n")
}

// The report does not depend on the number of workers or the order of files.
func TestRobustnessIsRepeatable(t *testing.T) {
	files := fivePictures(t)
	cfg := bench.Config{Pictures: files, Attacks: []string{"tone", "crop"}, Workers: 1}
	first, err := newWorld().fake().Robustness(t.Context(), cfg)
	require.NoError(t, err)
	cfg.Workers = 7
	again, err := newWorld().fake().Robustness(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, first.Markdown(), again.Markdown())

	cfg.Pictures = []string{files[3], files[1]}
	other, err := newWorld().fake().Robustness(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, first.Pictures[2], other.Pictures[0])
	assert.Equal(t, first.Pictures[0], other.Pictures[1])

	cfg.Seed = 1
	seeded, err := newWorld().fake().Robustness(t.Context(), cfg)
	require.NoError(t, err)
	assert.NotEqual(t, other.Pictures[0].Copy, seeded.Pictures[0].Copy)
	assert.NotEqual(t, other.KeyID, seeded.KeyID)
}

func TestRobustnessRefuses(t *testing.T) {
	run := func(cfg bench.Config) error {
		_, err := newWorld().fake().Robustness(t.Context(), cfg)
		return err
	}
	files := fivePictures(t)
	require.ErrorIs(t, run(bench.Config{}), bench.ErrNoPictures)
	require.ErrorIs(t, run(bench.Config{Pictures: files, Attacks: []string{"jpeg90", "jpeg91"}}), attack.ErrUnknown)
	bad := bench.Config{Pictures: files, Attacks: []string{"codec"}}
	for name, bar := range map[string]float64{"tone": .5, "thumbnails": .5, "codec": 95, "all": -1} {
		bad.Bars = map[string]float64{name: bar}
		require.ErrorIs(t, run(bad), bench.ErrBar, name)
	}
}

// With nothing measured a bar is missed, not met.
func TestNothingMeasured(t *testing.T) {
	files := folder(t, image.Pt(10, 10))
	rep, err := newWorld().fake().Robustness(t.Context(), bench.Config{
		Pictures: files, Attacks: []string{"codec"}, Bars: map[string]float64{"codec": 0},
	})
	require.NoError(t, err)
	assert.Len(t, rep.Missed, 1)
	assert.Len(t, rep.Broken, 2)
	assert.NotPanics(t, func() { rep.Markdown() })
	_, err = json.Marshal(rep)
	assert.NoError(t, err)
}

func TestRobustnessStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	cfg := bench.Config{Pictures: fivePictures(t), Attacks: []string{"codec"}, Workers: 2}
	cfg.Progress = func(done, total int) {
		calls++
		cancel()
	}
	_, err := newWorld().fake().Robustness(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	assert.LessOrEqual(t, calls, 4)
}
