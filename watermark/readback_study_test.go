//go:build study

package watermark

import (
	"flag"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/compare"
)

var (
	studyPictures = flag.String("pictures", "../testdata/pictures", "folders of pictures, with commas between")
	studySide     = flag.Int("side", 1600, "long side in pixels to which larger pictures are shrunk first")
)

// studied calls f with each picture of the folders, and its index there.
func studied(t *testing.T, f func(n byte, name string, p *picture.Picture)) {
	t.Helper()
	for _, dir := range strings.Split(*studyPictures, ",") {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		require.NoError(t, err)
		for n, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			if p, err := picture.Decode(data, picture.Limits{}); err == nil {
				f(byte(n), filepath.Base(file), p)
			}
		}
	}
}

// TestSSIMStudy measures what minSSIM rests on. It marks each picture and prints the SSIM at the
// canonical size beside the SSIM of the picture as it is.
//
//	go test -tags study -v -run SSIMStudy ./watermark -pictures DIR,DIR
func TestSSIMStudy(t *testing.T) {
	studied(t, func(n byte, name string, p *picture.Picture) {
		key := newKey([code.SecretSize]byte{n, byte(*studySide)})
		o, err := Prepare(key, picture.Fit(p.Image, *studySide), &Options{Submission: Submission{1, n}})
		if err != nil {
			return
		}
		const id = 0xfeedfacecafe1234
		m, err := o.similar(id, 1, false)
		require.NoError(t, err)
		t.Logf("%s: SSIM %.5f at the canonical size, %.5f as it is", name, m.SSIM, compare.SSIM(o.canvas.Source, o.Embed(id)))
	})
}

// TestClearStudy measures what clearCorrelation rests on. It marks each picture at three strengths, and logs the margins
// in dB of a clear mark and of the whole search, which must read clear marks.
//
//	go test -tags study -v -run ClearStudy -timeout 1h ./watermark -pictures DIR,DIR
func TestClearStudy(t *testing.T) {
	studied(t, func(n byte, name string, p *picture.Picture) {
		for _, share := range []float64{1, 0.6, 0.35} {
			clear, whole, ok := readBacks(t, p.Image, n, share)
			switch {
			case ok && clear != nil:
				t.Logf("%s at %.2f: clear, %.2f dB, whole search %.2f dB", name, share, margin(clear.Correlation), margin(whole.Correlation))
			case ok:
				t.Logf("%s at %.2f: not clear, whole search %.2f dB", name, share, margin(whole.Correlation))
			}
		}
	})
}

// TestSoughtStudy measures what hopeless and lostCorrelation rest on. It marks each picture, and plain ones, in three sizes
// at six strengths. It logs the correlation at the place of the mark and that of the whole search, 0 if that read nothing.
//
//	go test -tags study -v -run SoughtStudy -timeout 1h ./watermark -pictures DIR,DIR
func TestSoughtStudy(t *testing.T) {
	try := func(n byte, name string, p image.Image) {
		for _, share := range []float64{1.4, 1.2, 1, 0.4, 0.25, 0.16} {
			o, err := Prepare(newKey([32]byte{n}), p, &Options{Submission: Submission{n}})
			if err != nil {
				return
			}
			const id = 0xfeedfacecafe1234
			m, err := o.similar(id, share, false)
			require.NoError(t, err)
			small := o.deliver(m, nil)
			leak, err := pattern.Saved(small, messengerQuality)
			require.NoError(t, err)
			whole, err := blind.Detect(t.Context(), leak, o.kd)
			require.NoError(t, err)
			at, err := blind.Sought(t.Context(), leak, o.kd, id, o.placeIn(small), 2)
			require.NoError(t, err)
			t.Logf("%.3f at the place, %.3f by search: %s, %v, at %.2f, allowed %.3f", at.Correlation, whole.Correlation, name, p.Bounds().Size(), share, m.Strength)
		}
	}
	for i, c := range []uint8{255, 254, 250, 240, 128, 4, 1, 0} {
		for _, side := range []int{200, 340, 1500} {
			try(byte(i), "plain", imaging.New(side, side*3/4, color.Gray{c}))
		}
	}
	studied(t, func(n byte, name string, p *picture.Picture) {
		for _, side := range []int{220, 340, 1100} {
			try(n, name, picture.Fit(p.Image, side))
		}
	})
}
