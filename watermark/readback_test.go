package watermark

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/specimen"
)

// A mark is read at its known place without a search; the search reads it if the place is
// wrong or the reading there is not sure; and it finds nothing where no mark is.
func TestReadAtTheKnownPlace(t *testing.T) {
	const id = 0xfeedface
	key := newKey([code.SecretSize]byte{1, 2, 3})
	page := specimen.Render(specimen.IDCard, specimen.NewPerson(3), 700)
	o, err := Prepare(key, page, nil)
	require.NoError(t, err)
	marked := o.Embed(id)
	known := blind.Known{Place: o.place, W: o.canvas.Luma.W, H: o.canvas.Luma.H, Sure: sureCorrelation}

	searched, err := blind.Detect(t.Context(), marked, o.kd)
	require.NoError(t, err)
	require.True(t, searched.Found)
	assert.Positive(t, searched.Sync)

	d, err := blind.DetectAt(t.Context(), marked, o.kd, known)
	require.NoError(t, err)
	assert.True(t, d.Found)
	assert.Equal(t, uint64(id), d.ID)
	assert.Zero(t, d.Sync, "no search was made")
	assert.InDelta(t, margin(searched.Correlation), margin(d.Correlation), 2)

	moved, unsure := known, known
	moved.Place = geometry.Translation(50, 0).Mul(known.Place)
	unsure.Sure = 1
	for _, at := range []blind.Known{moved, unsure} {
		d, err = blind.DetectAt(t.Context(), marked, o.kd, at)
		require.NoError(t, err)
		assert.Equal(t, searched, d)
	}
	d, err = blind.DetectAt(t.Context(), page, o.kd, known)
	require.NoError(t, err)
	assert.False(t, d.Found)
}
