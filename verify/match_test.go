package verify

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// A submission behind so many others of its template that its pixels were not compared
// as a whole is still found by its parts.
func TestPartsOfFarCandidates(t *testing.T) {
	t.Parallel()
	r, err := registry.Create(t.Context(), sqlite.At(":memory:"), nil)
	require.NoError(t, err)
	defer r.Close()
	key := registry.GenerateSealKey()
	s, err := registry.NewIssuer(registry.Config{Registry: r, SealKey: key})
	require.NoError(t, err)
	var last *books.Submission
	var upload *image.NRGBA
	blank := specimen.NewBlank(specimen.Passport, 400)
	for p := range tuning.MaxNear + 2 {
		if upload = blank.Fill(specimen.NewPerson(uint64(40 + p))); p == tuning.MaxNear+1 {
			upload = specimen.Photograph(upload, uint64(p), 512, 384)
		}
		var file bytes.Buffer
		require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&file, upload))
		last, _, err = s.Submit(t.Context(), &file, "", time.Time{}, nil)
		require.NoError(t, err)
	}
	inv, err := NewInvestigator(Config{Registry: r, SealKey: key})
	require.NoError(t, err)
	v, err := inv.Begin(nil)
	require.NoError(t, err)
	leak := &examine.Leak{Picture: &picture.Picture{Image: imaging.Crop(upload, image.Rect(128, 96, 416, 320))}}
	found, err := v.x.On(leak).Candidates(t.Context())
	require.NoError(t, err)
	found.Near = nil
	_, err = r.Engine().FoundBy(t.Context(), nil, 0, math.MaxInt64, func(f *engine.Found) error {
		found.Near = append(found.Near, search.Candidate{Ref: f.Number, Distance: phash.MatchRadius + 1 + len(found.Near)})
		return nil
	})
	require.NoError(t, err)
	matches, err := v.x.On(leak).Matches(t.Context(), found)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(matches, func(m findings.Match) bool { return m.Submission == last.ID && m.Region != nil }), "%v", matches)
}
