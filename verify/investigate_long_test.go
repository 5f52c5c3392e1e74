//go:build long

package verify_test

import (
	"bytes"
	"image"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A part of a copy is confirmed by the part of its mark that is the copy's alone,
// and the same part of what was never marked is not.
func TestTracedPartsAreConfirmed(t *testing.T) {
	t.Parallel()
	c := leaktest.Config(t)
	require.NoError(t, c.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor}))
	upload := specimen.Photograph(specimen.Render(specimen.Licence, specimen.NewPerson(3), 540), 3, 720, 540)
	s := newIssuer(t, c)
	sub := submit(t, s, file(t, upload, "png"), "customer 3", feb)
	var out bytes.Buffer
	issued, err := s.Issue(t.Context(), sub.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Purpose: "request 9"})
	require.NoError(t, err)
	marked, err := picture.Decode(out.Bytes(), picture.Limits{})
	require.NoError(t, err)
	part, inv := image.Rect(180, 150, 600, 450), newInvestigator(t, investigating(c))
	inv.SetDetect(reads(issued.ID))
	v := examine(t, inv, imaging.Crop(marked.Image, part))
	assert.Equal(t, "copy", v.Label(), v.Note)
	assert.Contains(t, v.Note, "the part of the mark that is this copy's alone")
	assert.Equal(t, []watermark.CopyID{issued.ID}, confirmed(v))
	v = examine(t, inv, imaging.Crop(upload, part))
	assert.Equal(t, "copy (unconfirmed)", v.Label(), v.Note)
	assert.Empty(t, confirmed(v))
}
