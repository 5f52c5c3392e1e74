package experiments_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

var update = flag.Bool("update", false, "write the golden files")

// TestMain lets the test program stand in for butteraugli_main: it is called
// under that name through a link.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "butteraugli_main") {
		fmt.Print(os.Getenv("FAKE_BUTTERAUGLI"))
		return
	}
	os.Exit(m.Run())
}

// golden compares text with a file in testdata, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// folder writes pictures of the given sizes, all different, and one file that is
// no picture. It returns them in order.
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
	files, err := bench.Find(dir)
	require.NoError(t, err)
	return files
}

// world is a watermark for tests: a picture of a size that was marked is read as
// that copy, by any key. Grey ones are read as another copy, negatives fail,
// pictures less than 20 px wide cannot be marked.
type world struct {
	mu  sync.Mutex
	ids map[image.Point]watermark.CopyID
}

var errNegative = errors.New("a negative")

func newWorld() *world { return &world{ids: map[image.Point]watermark.CopyID{}} }

func (w *world) fake() bench.Fake {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return bench.Fake{
		Mark: w.mark, Detect: w.detect,
		Clock: func() time.Time { return start },
	}
}

func (w *world) mark(_ context.Context, _ *watermark.Key, id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
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
