//go:build study

package watermark_test

import (
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// TestGapsStudy counts leaks of whole copies, after all attacks, whose trace says that the mark is missing in places. It counts
// leaks of which a share is the upload, or another copy, and of which the trace says so or names both copies:
//
//	KYCMARK_SHARED=... go test -tags study -timeout 2h -v -run GapsStudy ./watermark
func TestGapsStudy(t *testing.T) {
	const side = 1400
	key := watermark.GenerateKey()
	whole, wrong := 0, 0
	type kind struct {
		under, saved string
		share        float64
	}
	made, told := map[kind]int{}, map[kind]int{}
	for _, name := range []string{"documents/passport_utopia_td3.jpg", "photos/indoor_dim_man_8mp.jpg", "documents/utility_bill_sample.jpg",
		"photos/id_portrait_dark_skin_small.jpg", "photos/smooth_sky_8mp.jpg", "documents/idcard_spain_specimen_two_sides.jpg"} {
		data, err := os.ReadFile(filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures", name))
		require.NoError(t, err)
		pic, err := picture.Decode(data, picture.Limits{})
		require.NoError(t, err)
		plain := imaging.Fit(picture.Flatten(pic.Image), side, side, imaging.Lanczos)
		o, err := watermark.Prepare(key, plain, nil)
		require.NoError(t, err)
		a, err := o.Mark(t.Context(), 1)
		require.NoError(t, err)
		b, err := o.Mark(t.Context(), 2)
		require.NoError(t, err)
		tr, err := watermark.NewTracer(plain, []watermark.Candidate{{Copy: 1, Key: key, Strength: a.Strength}, {Copy: 2, Key: key, Strength: b.Strength}}, nil)
		require.NoError(t, err)
		for _, x := range attack.All() {
			if r, err := tr.Trace(t.Context(), x.Apply(a.Image, 7)); err == nil && len(r.Accused) > 0 {
				if whole++; r.Unmarked > 0 {
					wrong++
					t.Logf("%s %s: %.3f", name, x.Name, r.Unmarked)
				}
			}
		}
		w, h := plain.Rect.Dx(), plain.Rect.Dy()
		for under, p := range map[string]*image.NRGBA{"the upload": plain, "another copy": b.Image} {
			for _, share := range []float64{0.03, 0.06, 0.12} {
				for _, at := range []image.Point{{X: w / 3, Y: h / 3}, {X: w / 7, Y: h / 2}, {X: w / 2, Y: h / 8}} {
					part := image.Rectangle{at, at.Add(image.Pt(int(float64(w)*math.Sqrt(share)), int(float64(h)*math.Sqrt(share))))}
					leak := imaging.Paste(a.Image, imaging.Crop(p, part), at)
					for _, saved := range []string{"none", "jpeg75", "telegram_low"} {
						x, err := attack.Find(saved)
						require.NoError(t, err)
						r, err := tr.Trace(t.Context(), x.Apply(leak, 7))
						require.NoError(t, err)
						k := kind{under, saved, share}
						made[k]++
						if r.Unmarked > 0 || len(r.Accused) > 1 {
							told[k]++
						}
					}
				}
			}
		}
	}
	t.Logf("whole copies: %d, missing in places: %d", whole, wrong)
	for k, n := range made {
		t.Logf("%.0f %% of %s, %s: %d of %d told", 100*k.share, k.under, strings.ReplaceAll(k.saved, "none", "not saved again"), told[k], n)
	}
}
