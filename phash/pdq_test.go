package phash_test

import (
	"bufio"
	"flag"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
)

var pixels = flag.String("pixels", "", "write the pictures of testdata/reference.tsv to this folder as PPM, to feed to the reference")

// A vector is a line of testdata/reference.tsv: a texture at a size, and what
// the reference makes of exactly these pixels.
type vector struct {
	texture string
	w, h    int
	step    bool // after the reference's own step to 512 × 512
	quality int
	hashes  []string // one, or the eight of its dihedral function
}

func (v vector) String() string { return fmt.Sprintf("%s-%dx%d-step=%t", v.texture, v.w, v.h, v.step) }

func vectors(t *testing.T) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.tsv")
	require.NoError(t, err)
	var all []vector
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		require.GreaterOrEqual(t, len(f), 6, line)
		v := vector{texture: f[0], step: f[3] == "step", hashes: f[5:]}
		for i, p := range map[int]*int{1: &v.w, 2: &v.h, 4: &v.quality} {
			*p, err = strconv.Atoi(f[i])
			require.NoError(t, err, line)
		}
		require.Contains(t, textures, v.texture)
		all = append(all, v)
	}
	require.NotEmpty(t, all)
	return all
}

// Equal pixels give equal bits and equal quality, whatever the processor.
func TestReference(t *testing.T) {
	for _, v := range vectors(t) {
		m := picture(v.texture, v.w, v.h)
		if *pixels != "" {
			writePPM(t, filepath.Join(*pixels, fmt.Sprintf("%s-%d-%d.ppm", v.texture, v.w, v.h)), m)
		}
		var got []phash.Hash
		var quality int
		switch {
		case len(v.hashes) == 8:
			all, q, err := phash.SumDihedral(phash.PDQ, m)
			require.NoError(t, err)
			got, quality = all[:], q
		case v.step:
			h, q, err := phash.Sum(phash.PDQ, m)
			require.NoError(t, err)
			got, quality = []phash.Hash{h}, q
		default:
			h, q, err := phash.SumFull(m)
			require.NoError(t, err)
			got, quality = []phash.Hash{h}, q
		}
		assert.Equal(t, v.quality, quality, "%s: quality", v)
		for i := range got {
			assert.Equal(t, v.hashes[i], got[i].Hex(), "%s: hash %d", v, i)
		}
	}
}

// writePPM writes the picture as it is hashed: on white.
func writePPM(t *testing.T, path string, m *image.NRGBA) {
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "P6\n%d %d\n255\n", m.Rect.Dx(), m.Rect.Dy())
	for i := 0; i < len(m.Pix); i += 4 {
		a := int(m.Pix[i+3])
		for c := range 3 {
			v := (2*(int(m.Pix[i+c])*a+255*(255-a)) + 255) / 510
			require.NoError(t, w.WriteByte(byte(v)))
		}
	}
	require.NoError(t, w.Flush())
}
