package engine_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// A fact of custody of each of 2,000 uploads, as vendors' events make them, is counted: an operation counts all.
func BenchmarkListedCustody(b *testing.B) {
	r, err := registry.Create(b.Context(), sqlite.At(filepath.Join(b.TempDir(), "r.db")), nil)
	require.NoError(b, err)
	defer r.Close()
	require.NoError(b, r.AddRecipient(b.Context(), books.Recipient{Name: "vendor-a", Kind: books.KindVendor}))
	cfg := leaktest.Config(b)
	cfg.Registry = r
	issuer, err := registry.NewIssuer(cfg)
	require.NoError(b, err)
	var facts []books.Custody
	for n := range 2000 {
		var file bytes.Buffer
		require.NoError(b, png.Encode(&file, image.NewGray(image.Rect(0, 0, 1, 1))))
		fmt.Fprint(&file, n)
		up, _, err := issuer.Submit(b.Context(), &file, "", time.Time{}, &registry.SubmitOptions{HashOnly: true})
		require.NoError(b, err)
		facts = append(facts, books.Custody{Recipient: "vendor-a", From: up.Submitted, To: up.Submitted,
			Submissions: []watermark.Submission{up.ID}, Note: "event"})
	}
	require.NoError(b, r.AddCustody(b.Context(), facts...))
	for b.Loop() {
		h, err := r.Engine().Holdings(b.Context(), true, time.Time{}, func(books.Custody) bool { return true })
		require.NoError(b, err)
		require.Equal(b, []int{2000}, h.Unmarked["vendor-a"])
	}
}
