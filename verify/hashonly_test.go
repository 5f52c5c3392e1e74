package verify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

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
			require.Equal(t, findings.FoundUnreadable, got.Kind, got.Note)
			require.Equal(t, sub.ID, got.Submission)
			require.Equal(t, findings.PixelsUnknown, got.Matches[0].Pixels)
		}
	}
}
