package phash_test

import (
	"flag"
	"fmt"
	"image"
	"os"
	"strings"
	"testing"

	"github.com/corona10/goimagehash"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
)

var update = flag.Bool("update", false, "rewrite testdata/goimagehash.tsv from the library, where it does not fuse: GOAMD64=v1")

// libraryKinds are those of goimagehash.
var libraryKinds = []phash.Kind{phash.Perception, phash.Difference, phash.Average}

// library returns what goimagehash itself makes of an opaque picture.
func library(t *testing.T, m *image.NRGBA) map[phash.Kind]phash.Hash {
	t.Helper()
	all := map[phash.Kind]phash.Hash{}
	for kind, sum := range map[phash.Kind]func(image.Image) (*goimagehash.ImageHash, error){
		phash.Perception: goimagehash.PerceptionHash,
		phash.Difference: goimagehash.DifferenceHash,
		phash.Average:    goimagehash.AverageHash,
	} {
		h, err := sum(m)
		require.NoError(t, err)
		all[kind] = phash.Hash{Kind: kind, Bits: [4]uint64{h.GetHash()}}
	}
	return all
}

// The pinned hashes of the library, even and symmetric pictures among them, hold
// on every processor.
func TestLibrary(t *testing.T) {
	const path = "testdata/goimagehash.tsv"
	if *update {
		var b strings.Builder
		fmt.Fprintln(&b, "# texture\twidth\theight\thashes")
		for _, texture := range []string{"noise", "photo", "page", "blocks", "ramp", "even", "mirrored"} {
			for _, size := range [][2]int{{5, 5}, {8, 8}, {9, 8}, {16, 200}, {64, 64}, {129, 127}, {1280, 960}} {
				all := library(t, picture(texture, size[0], size[1]))
				fmt.Fprintf(&b, "%s\t%d\t%d", texture, size[0], size[1])
				for _, kind := range libraryKinds {
					fmt.Fprintf(&b, "\t%s", all[kind])
				}
				fmt.Fprintln(&b)
			}
		}
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	for _, row := range table(t, path) {
		var w, h int
		_, err := fmt.Sscan(row[1], &w)
		require.NoError(t, err)
		_, err = fmt.Sscan(row[2], &h)
		require.NoError(t, err)
		m := picture(row[0], w, h)
		for _, text := range row[3:] {
			want, err := phash.Parse(text)
			require.NoError(t, err)
			got, _, err := phash.Sum(want.Kind, m)
			require.NoError(t, err)
			assert.Equal(t, want, got, row[:3])
		}
	}
}

// Away from ties, rounding decides nothing, and the library agrees at any size.
func TestLibraryOnNoise(t *testing.T) {
	r := newRandom(2)
	for range 30 {
		m := picture("noise", 5+r.IntN(300), 5+r.IntN(300))
		for kind, want := range library(t, m) {
			got, _, err := phash.Sum(kind, m)
			require.NoError(t, err)
			assert.Equal(t, want, got, "%s %v", kind, m.Rect)
		}
	}
}
