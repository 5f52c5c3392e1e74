//go:build study

package pdf_test

import (
	"bytes"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// TestResolutionStudy chooses the resolution of rendered pages. Pages of text are marked at several
// resolutions. A screenshot of each copy, some pixels wide, is a JPEG of quality 75, and its mark is read
// blind. It prints the marks read and the mean size of a page. Run it with:
//
//	go test -tags study -v -run Study ./internal/pdf
func TestResolutionStudy(t *testing.T) {
	const pages = 4
	key := watermark.GenerateKey()
	for _, dpi := range []float64{100, 150, 200, 250, 300} {
		read, weak, size := map[int]int{}, 0, 0
		for n := range pages {
			img, err := engine.At(t.Context(), letter(n+1), 1, dpi)
			require.NoError(t, err)
			m, err := watermark.Mark(t.Context(), key, 7, img, nil)
			require.NoError(t, err)
			if m.Weak {
				weak++
			}
			var file bytes.Buffer
			require.NoError(t, picture.EncodeLike(&file, m.Image, picture.Source{Format: "png"}, picture.LikeOptions{Format: "jpeg"}))
			size += file.Len() / pages
			for _, width := range []int{600, 800, 1000, 1200} {
				var shot bytes.Buffer
				require.NoError(t, picture.Encode(&shot, imaging.Resize(m.Image, width, 0, imaging.CatmullRom), "jpeg", 75))
				pic, err := picture.Decode(shot.Bytes(), picture.Limits{})
				require.NoError(t, err)
				d, err := watermark.Detect(t.Context(), key, pic.Image)
				require.NoError(t, err)
				if d.Found && d.Copy == 7 {
					read[width]++
				}
			}
		}
		t.Logf("%.0f dpi: %d kB a page, %d of %d weak, read of %d at 600, 800, 1000, 1200 pixels: %d %d %d %d",
			dpi, size/1000, weak, pages, pages, read[600], read[800], read[1000], read[1200])
	}
}
