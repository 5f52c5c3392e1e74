package verify_test

import (
	"image"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// A mark that is too faint for its own check is read with the list of what was issued, also where no original can be
// opened; and a copy that was issued since the list was made is on it.
func TestMarkReadWithList(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	thumbnail := attack.New("", "", "", attack.FitTo(230), attack.JPEG(80)).Apply(c.marked, 1)
	r, err := watermark.Read(t.Context(), thumbnail, c.Keys[0])
	require.NoError(t, err)
	require.Empty(t, r.Marks, "the test needs a mark that is read with the list alone")
	require.NotEmpty(t, r.Among(watermark.NewList(c.Keys[0], []watermark.CopyID{c.copy.ID})))
	leak := file(t, thumbnail, "png")
	read := func(cfg setup) *findings.Finding {
		v := newInvestigator(t, cfg)
		if cfg.Keys[0] == c.Keys[0] { // a search takes seconds
			v.SetReading(r)
		}
		out, err := v.File(t.Context(), "leak.png", leak)
		require.NoError(t, err)
		return out
	}
	v := read(c.setup)
	require.Equal(t, "copy", v.Label(), v.Note)
	require.Len(t, v.Reads, 1)
	require.Equal(t, c.copy.ID, v.Reads[0].Copy)
	require.Equal(t, 1, v.Reads[0].Among)
	require.Less(t, *v.Reads[0].LogP, -9.)

	hashes := c.setup
	hashes.SealKey = nil
	v = read(hashes)
	require.Equal(t, "copy (unconfirmed)", v.Label(), v.Note)
	require.Equal(t, 1, v.Reads[0].Among)

	if !long.On {
		return
	}
	other := c.setup
	other.Keys = []*watermark.Key{watermark.GenerateKey()}
	require.Empty(t, read(other).Reads, "the mark of another key")
}

// A mark whose pilots show no place is read with the list where the leak lies on its upload.
func TestMarkReadWhereTheLeakLies(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	read := func(leak *image.NRGBA) []findings.Reading {
		v := c.investigator(t, noMark)
		v.ReadInstead(specimen.Landscape(1, 128, 128)) // no pilots
		out, err := v.File(t.Context(), "leak.png", file(t, attack.JPEG(80)(nil, attack.FitTo(320)(nil, leak)), "png"))
		require.NoError(t, err)
		return slices.DeleteFunc(out.Reads, func(r findings.Reading) bool { return r.LogP == nil })
	}
	reads := read(c.marked)
	require.Len(t, reads, 1)
	require.Equal(t, c.copy.ID, reads[0].Copy)
	require.Equal(t, 1, reads[0].Among)
	require.Less(t, *reads[0].LogP, -9.)
	require.Empty(t, read(c.first))
}
