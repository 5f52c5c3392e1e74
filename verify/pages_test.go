package verify_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
)

// twoFrames is a GIF of two pictures, both white.
func twoFrames(t *testing.T) []byte {
	t.Helper()
	frame := image.NewPaletted(image.Rect(0, 0, 300, 200), color.Palette{color.White, color.Black})
	var b bytes.Buffer
	other := image.NewPaletted(frame.Rect, frame.Palette)
	other.Pix[0] = 1
	require.NoError(t, gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{frame, other}, Delay: []int{0, 0}}))
	return b.Bytes()
}

// What is found of a file's first page is not said of the others, and the file says how many there are.
func TestPagesAreStated(t *testing.T) {
	plain, _, report := richDump(t)
	f := readFindings(t, plain)
	found := 0
	for i, l := range f.Leaks {
		const note = " Only the first of 2 pages was examined."
		paged := l.File == "two frames.gif"
		assert.Equal(t, paged, strings.HasSuffix(l.Note, "."+note), l.File)
		if !paged {
			assert.Zero(t, l.Pages, l.File)
			continue
		}
		found++
		assert.Equal(t, 2, l.Pages)
		assert.Contains(t, report, note)
		for _, lie := range []int{0, 1, 3, -2} {
			l.Pages = lie
			assert.ErrorIs(t, recheck.CheckLeaks(f), findings.ErrUnsound, lie)
		}
		l.Pages, l.Note = 1, strings.TrimSuffix(l.Note, note)
		assert.ErrorContains(t, recheck.CheckLeaks(f), fmt.Sprintf("leak %d", i+1))
	}
	assert.Equal(t, 1, found)
}
