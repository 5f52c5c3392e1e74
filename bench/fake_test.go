package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// measure runs an experiment.
func measure(t *testing.T, x *ruler.Experiment, env *ruler.Env) ruler.Run {
	t.Helper()
	run, err := x.Run(t.Context(), env, ruler.Run{Name: "test"}, "", nil)
	require.NoError(t, err)
	return run
}

// setFlags sets an experiment's own flags.
func setFlags(t *testing.T, x *ruler.Experiment, args ...string) {
	t.Helper()
	fs := pflag.NewFlagSet(x.Name, pflag.ContinueOnError)
	x.Flags(fs)
	require.NoError(t, fs.Parse(args))
}

// folder writes pictures of the given sizes, all different, and one file that is no
// picture. It returns the files in order.
func folder(t *testing.T, sizes ...image.Point) []string {
	t.Helper()
	dir := t.TempDir()
	for i, size := range sizes {
		img := image.NewNRGBA(image.Rectangle{Max: size})
		for k := 0; k < len(img.Pix); k += 4 {
			copy(img.Pix[k:], []uint8{200, 100, uint8(50 + i), 255})
		}
		// BMP, because compressed bytes, and with them the IDs, may change with Go.
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("picture%d.bmp", i)))
		require.NoError(t, err)
		require.NoError(t, picture.Encode(f, img, "bmp", 0))
		require.NoError(t, f.Close())
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "broken.jpg"), []byte("no picture"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("not looked at"), 0o600))
	files, err := ruler.Find(dir)
	require.NoError(t, err)
	return files
}

// world is a watermark for tests: a picture of a size that was marked is read as that
// copy, by any key. Grey ones are read as another copy, negatives fail, pictures less
// than 20 px wide cannot be marked.
type world struct {
	mu  sync.Mutex
	ids map[image.Point]watermark.CopyID
}

var errNegative = errors.New("a negative")

func newWorld() *world { return &world{ids: map[image.Point]watermark.CopyID{}} }

// engine measures the world; its clock stands still.
func (w *world) engine() *engine {
	e := newEngine()
	e.mark = w.mark
	e.embed = func(k *watermark.Key, id watermark.CopyID, img image.Image, o *watermark.Options) (*image.NRGBA, error) {
		m, err := w.mark(context.Background(), k, id, img, o)
		if err != nil {
			return nil, err
		}
		return m.Image, nil
	}
	e.detect, e.judge, e.handOut = w.detect, nil, nil
	e.hash = func(phash.Kind, image.Image) (phash.Hash, int, error) { return phash.Hash{}, 100, nil }
	e.racers = func(context.Context, string, string) []racer { return nil }
	return e
}

func (w *world) mark(_ context.Context, _ *watermark.Key, id watermark.CopyID, img image.Image, _ *watermark.Options) (*watermark.Marked, error) {
	size := img.Bounds().Max
	if size.X < 20 {
		return nil, watermark.ErrTooSmall
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids[size] = id
	return &watermark.Marked{Image: img.(*image.NRGBA), PSNR: 45.25, SSIM: .9912, Strength: .8, Weak: size.X == 40}, nil
}

func (w *world) detect(_ context.Context, key *watermark.Key, img image.Image) (*watermark.Detection, error) {
	c := img.At(4, 4).(color.NRGBA)
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.ids[img.Bounds().Max]
	switch {
	case c.R < c.B:
		return nil, errNegative
	case !ok:
		return &watermark.Detection{Debug: watermark.Debug{Checks: 3}, Correlation: .25}, nil
	case c.R == c.G:
		id++
	}
	return &watermark.Detection{Found: true, Copy: id, KeyID: key.ID(), LogPFA: -9, Debug: watermark.Debug{Checks: 1}, Correlation: .75}, nil
}
