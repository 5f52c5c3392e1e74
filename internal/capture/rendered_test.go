package capture

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/specimen"
)

// A drawn bill is of a few levels, and its photograph is not.
func TestRenderedPages(t *testing.T) {
	blank := specimen.NewBlank(specimen.Bill, 600)
	page, other := blank.Fill(specimen.NewPerson(1)), blank.Fill(specimen.NewPerson(2))
	assert.Greater(t, New(dsp.LazyLuma(page)).even(), 0.5)
	photo := specimen.Photograph(page, 1, 800, 600)
	assert.Less(t, New(dsp.LazyLuma(photo)).even(), 0.1)
	see := func(o, leak dsp.Lazy) *Page {
		s, err := New(o).Find(t.Context(), leak)
		require.NoError(t, err)
		require.NotNil(t, s)
		p, err := s.Page()
		require.NoError(t, err)
		return p
	}
	own := see(dsp.LazyLuma(page), dsp.LazyLuma(page))
	assert.Equal(t, &Page{nil, true}, own)
	assert.NotEmpty(t, see(dsp.LazyLuma(page), dsp.LazyLuma(other)).Other)
	assert.Nil(t, see(dsp.LazyLuma(photo), dsp.LazyLuma(photo)), "a photograph is no page")
}
