package verify_test

import (
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// Uploads of which only hashes are kept are found, whole, by them; nothing of them is compared.
func TestHashOnly(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		r, err := registry.Create(t.Context(), sqlite.At(":memory:"), &registry.CreateOptions{SealHashes: sealed})
		require.NoError(t, err)
		defer r.Close()
		s := newIssuer(t, registry.Config{Registry: r, SealKey: leaktest.SealKey()})
		sub := submit(t, s, file(t, passport(1), "jpeg"), "customer 17", feb, &registry.SubmitOptions{HashOnly: true})
		keys := []*registry.SealKey{leaktest.SealKey()}
		if !sealed {
			keys = append(keys, nil)
		}
		for _, key := range keys {
			v := newInvestigator(t, setup{Config: verify.Config{Registry: r, SealKey: key}})
			v.SetDetect(noMark)
			got, err := v.File(t.Context(), "leak.jpg", file(t, leaked(t, passport(1), "telegram"), "jpeg"))
			require.NoError(t, err)
			require.Equal(t, findings.FoundLookalike, got.Kind, got.Note)
			require.Equal(t, sub.ID, got.Submission)
			require.Equal(t, findings.PixelsUnknown, got.Matches[0].Pixels)
			got, err = v.File(t.Context(), "upload.jpg", file(t, passport(1), "jpeg"))
			require.NoError(t, err)
			require.Equal(t, findings.FoundUnreadable, got.Kind, "its own bytes")
			require.Equal(t, sub.ID, got.Submission)
		}
	}
}

// Opponent's story: strangers' letters leak, of a template of which the registry has a customer's letter by its hash alone. They were "ours", of one
// month, and of those who held that letter.
func TestHashOfAnotherLetter(t *testing.T) {
	letter := func(person int) image.Image { // of a bank: head, tables and foot are everybody's, two short lines the person's
		page := imaging.New(600, 800, color.White)
		fill := func(x, y, w, h int, level uint8) {
			page = imaging.Paste(page, imaging.New(w, h, color.Gray{Y: level}), image.Pt(x, y))
		}
		fill(0, 0, 600, 90, 60)
		fill(0, 740, 420, 60, 60)
		for i := range 4 {
			fill(40+30*i, 300+100*i, 500-90*i, 40, 150)
		}
		fill(40, 150, 60+23*person, 10, 0)
		fill(40, 170, 140-17*person, 10, 0)
		return page
	}
	cfg := leaktest.Config(t)
	submit(t, newIssuer(t, cfg), file(t, stranger(), "jpeg"), "customer 2", feb)
	submit(t, newIssuer(t, cfg), file(t, letter(1), "jpeg"), "customer 1", feb, &registry.SubmitOptions{HashOnly: true})
	v := newInvestigator(t, investigating(cfg))
	v.SetDetect(noMark)
	near := 0
	for person := range 4 {
		l, err := v.File(t.Context(), "leak.jpg", file(t, letter(2+person), "jpeg"))
		require.NoError(t, err)
		if len(l.Matches) == 0 || l.Matches[0].Distance > phash.MatchRadius {
			continue
		}
		near++
		require.Equal(t, findings.FoundLookalike, l.Kind, l.Note)
		require.Contains(t, l.Note, "was not kept")
		all := strings.Join(standsUp(t, v, l).Sentences(), " ")
		require.Contains(t, all, "“These pictures are not ours”: not supported")
		require.Contains(t, all, "“All these pictures are of one month”: not supported")
	}
	require.Positive(t, near, "the story needs letters with near hashes")
}
