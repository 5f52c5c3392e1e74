package registry_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
)

// An upload that is entered by its hashes alone has those of a kept upload, within a few bits, though a JPEG is not
// decoded at its full size.
func TestHashOnlyHasTheSameHashes(t *testing.T) {
	kept, alone := leaktest.Config(t), leaktest.Config(t)
	for _, name := range []string{"elif_licence", "daria_bill", "stranger_coast"} {
		data, err := os.ReadFile("../../testdata/pictures/" + name + ".jpg")
		require.NoError(t, err)
		a, b := submit(t, newIssuer(t, kept), data, "", feb), submit(t, newIssuer(t, alone), data, "", feb, &registry.SubmitOptions{HashOnly: true})
		assert.NotEqual(t, a.Decoder, b.Decoder, "the row says which way it was read")
		assert.Equal(t, []any{a.ID, a.Format, a.Width, a.Height, a.Quality}, []any{b.ID, b.Format, b.Width, b.Height, b.Quality})
		for _, texts := range [][2]string{{a.Hash, b.Hash}, {a.Area, b.Area}} {
			x, err := phash.Parse(texts[0])
			require.NoError(t, err)
			y, err := phash.Parse(texts[1])
			require.NoError(t, err)
			assert.LessOrEqual(t, x.Distance(y), 8, name)
		}
	}
}
