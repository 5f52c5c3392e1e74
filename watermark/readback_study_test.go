//go:build study

package watermark

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/mark/code"
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
