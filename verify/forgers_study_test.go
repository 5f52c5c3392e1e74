//go:build study

package verify_test

import (
	"bytes"
	"fmt"
	"image"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// TestForgersStudy makes 100 leaks without one copy: a forger has the lost key, the IDs of vendor A's copies and the
// uploads. Nobody may be accused or named, and the marks must be found, or the study says nothing.
//
//	go test -tags study -timeout 1h -v -run ForgersStudy ./verify
func TestForgersStudy(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	ways := []string{"none", "jpeg90", "jpeg75", "jpeg50", "jpeg30", "telegram", "whatsapp", "resize75", "crop75", "screenshot"}
	forged := make(map[string]image.Image)
	for i := range uint64(10) {
		page := specimen.Render(specimen.Templates()[i%5], specimen.NewPerson(60+i), 640)
		if i%2 == 0 {
			page = specimen.Photograph(page, i, 800, 600)
		}
		upload := file(t, page, "jpeg")
		of := submit(t, s, upload, fmt.Sprint("customer ", i), feb)
		c, err := s.Issue(t.Context(), of.ID, "vendor A", registry.WriteTo(new(bytes.Buffer)), &registry.IssueOptions{Purpose: "request 7"})
		require.NoError(t, err)
		had, err := picture.Decode(upload, picture.Limits{})
		require.NoError(t, err)
		o, err := watermark.Prepare(leaktest.Key(), had.Image, &watermark.Options{Submission: of.ID})
		require.NoError(t, err)
		mark := o.Embed(c.ID)
		for _, way := range ways {
			forged[fmt.Sprintf("%d %s.jpg", i, way)] = leaked(t, mark, way)
		}
	}
	lost := time.Now().UTC()
	require.NoError(t, cfg.Registry.Ledger().SetKeyState(t.Context(), books.KeyState{KeyID: leaktest.Key().ID(), State: books.KeyCompromised, Since: lost}))
	for _, found := range []time.Time{{}, lost.Add(time.Second)} {
		investigating := investigating(cfg)
		investigating.Found = found
		v := newInvestigator(t, investigating)
		var leaks []*findings.Finding
		counts := make(map[string]int)
		for name, img := range forged {
			got, err := v.File(t.Context(), name, file(t, img, "jpeg"))
			require.NoError(t, err)
			require.Empty(t, confirmed(got), name)
			counts[got.Label()]++
			leaks = append(leaks, got)
		}
		d, err := v.Weigh(t.Context(), leaks)
		require.NoError(t, err)
		require.Empty(t, d.Named)
		t.Logf("%d leaks: %v; named: %v", len(leaks), counts, d.Named)
		require.GreaterOrEqual(t, counts["copy (unconfirmed)"], 80)
	}
}
