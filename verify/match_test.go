package verify

import (
	"bytes"
	"image"
	"image/png"
	"slices"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/specimen"
	"github.com/kycmark/kycmark/phash"
)

// A submission behind so many others of its template that its pixels were not compared
// as a whole is still found by its parts.
func TestPartsOfFarCandidates(t *testing.T) {
	r, err := Create(t.Context(), "file::memory:", nil)
	require.NoError(t, err)
	defer r.Close()
	cfg := Config{Registry: r, SealKey: GenerateSealKey()}
	s, err := NewIssuer(cfg)
	require.NoError(t, err)
	var last *Submission
	var upload *image.NRGBA
	for p := range maxNear + 2 {
		upload = specimen.Photograph(specimen.Render(specimen.Passport, specimen.NewPerson(uint64(40+p)), 700), uint64(p), 800, 600)
		var file bytes.Buffer
		require.NoError(t, png.Encode(&file, upload))
		last, _, err = s.Submit(t.Context(), &file, "", time.Time{})
		require.NoError(t, err)
	}
	v, err := NewInvestigator(cfg)
	require.NoError(t, err)
	leak := &leakPicture{Picture: &picture.Picture{Image: imaging.Crop(upload, image.Rect(200, 150, 650, 500))}}
	found, err := v.candidates(t.Context(), leak)
	require.NoError(t, err)
	found.near = nil
	rows, err := r.store.SubmissionsAfter(t.Context(), 0, 100)
	require.NoError(t, err)
	for i, row := range rows {
		found.near = append(found.near, candidate{ref: row.Seq, distance: phash.MatchRadius + 1 + i})
	}
	matches, err := v.matches(t.Context(), leak, found)
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(matches, func(m Match) bool { return m.Submission == last.ID && m.Region != nil }), "%v", matches)
}
