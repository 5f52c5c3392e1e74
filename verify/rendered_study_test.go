//go:build study

package verify_test

import (
	"fmt"
	"image"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/pages"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
)

// TestRenderedPagesStudy investigates 500 pages of strangers, and 100 unmarked leaks of the customers' own pages, against a
// registry of 200 pages of twelve templates. Marks are not read: there are none.
//
//	go test -tags study -timeout 6h -v -run RenderedPagesStudy ./verify
//
// "-run RenderedPagesStudy/2" takes the third hundred of the strangers.
func TestRenderedPagesStudy(t *testing.T) {
	b, err := pages.NewBrowser(t.Context())
	require.NoError(t, err)
	names := pages.Names()
	render := func(name string, seed uint64, size int) *image.NRGBA {
		img, err := b.Render(pages.Fill(name, seed, size))
		require.NoError(t, err)
		return img
	}
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	for i := range 200 {
		img := render(names[i%len(names)], uint64(7000+i), i/len(names))
		submit(t, s, file(t, leaked(t, img, []string{"none", "jpeg90", "jpeg75"}[i%3]), []string{"png", "jpeg"}[i%2]), fmt.Sprint("customer ", i), feb)
	}
	v := quiet(newInvestigator(t, investigating(cfg)))
	ways := []string{"none", "jpeg75", "jpeg30", "resize75", "resize50", "whatsapp", "telegram_low", "screenshot", "crop75", "blur1", "thumb320", "rot1"}
	look := func(kind, name string, i int, img *image.NRGBA, counts map[string]int) {
		way := ways[i/len(names)%len(ways)]
		got := examine(t, v, leaked(t, img, way))
		known := "unseen"
		if slices.Contains(pages.Tuned, name) {
			known = "tuned"
		}
		pixels := "-"
		if len(got.Matches) > 0 {
			pixels = got.Matches[0].Pixels
		}
		counts[fmt.Sprintf("%s %s", known, got.Kind)]++
		if !slices.Contains([]findings.Kind{findings.FoundLookalike, findings.FoundUnknown}, got.Kind) {
			counts["shown"]++
		}
		t.Logf("%s %s %d %s: %s, %s, %.300s", kind, name, i, way, got.Kind, pixels, got.Note)
	}
	strangers, own := make(map[string]int), make(map[string]int)
	for part := range 5 {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			for i := 100 * part; i < 100*part+100; i++ {
				look("STRANGER", names[i%len(names)], i, render(names[i%len(names)], uint64(9000+i), i/len(names)), strangers)
			}
			t.Logf("strangers so far: %v", strangers)
		})
	}
	for i := range 100 {
		look("OWN", names[i%len(names)], i, render(names[i%len(names)], uint64(7000+i), i/len(names)), own)
	}
	t.Logf("strangers: %v", strangers)
	t.Logf("own: %v", own)
	require.LessOrEqual(t, strangers["shown"], 1)
}

// quiet has an investigator read no mark, which takes seconds.
func quiet(v *verify.Investigation) *verify.Investigation {
	v.SetDetect(noMark)
	return v
}
