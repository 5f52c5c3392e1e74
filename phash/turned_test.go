package phash_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"path/filepath"
	"slices"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	decoder "github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
)

// withOrientation is a JPEG whose EXIF data says how it is to be turned.
func withOrientation(t *testing.T, m image.Image, orientation uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}))
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	tiff = binary.BigEndian.AppendUint16(tiff, orientation)
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)
	exif := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(exif)+2))...)
	return append(append(out, exif...), b.Bytes()[2:]...)
}

// stored turns an upright picture into what lies in a file of that EXIF orientation.
var stored = map[uint16]func(image.Image) *image.NRGBA{
	1: imaging.Clone, 2: imaging.FlipH, 3: imaging.Rotate180, 4: imaging.FlipV,
	5: imaging.Transpose, 6: imaging.Rotate90, 7: imaging.Transverse, 8: imaging.Rotate270,
}

// From files to a hit: leaks that were mirrored, turned by quarters, and stored
// lying on their side or with a false orientation, find their upload in an index.
func TestTurnedLeaksMatch(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "pictures", "*_idcard.jpg"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, kind := range leakKinds {
		list := phash.NewList(kind)
		var uploads []*image.NRGBA
		for ref, file := range files {
			p, err := fromfile.Picture(file, decoder.Limits{})
			require.NoError(t, err)
			m := imaging.Fit(decoder.Flatten(p.Image), 560, 560, imaging.Box)
			h, quality, err := phash.Sum(kind, m)
			require.NoError(t, err)
			require.GreaterOrEqual(t, quality, phash.MinQuality)
			require.NoError(t, list.Add(h, int64(ref)))
			uploads = append(uploads, m)
		}
		for ref, m := range uploads {
			if !slices.Contains(long.Cases(1, files...), files[ref]) {
				continue
			}
			for orientation, turn := range stored {
				if kind == phash.Area && orientation != 6 && !long.On {
					continue
				}
				for _, said := range []uint16{orientation, 1} { // as a camera writes it, and stripped
					name := fmt.Sprintf("%s, %s, orientation %d, said to be %d", kind, files[ref], orientation, said)
					p, err := decoder.Decode(withOrientation(t, turn(m), said), decoder.Limits{})
					require.NoError(t, err, name)
					assert.EqualValues(t, said, p.Orientation, name)
					leak, _, err := phash.SumLeak(kind, p.Image)
					require.NoError(t, err, name)
					found := map[int64]bool{}
					for k, q := range leak {
						hits, err := list.Search(phash.MatchRadius, q)
						require.NoError(t, err)
						for _, hit := range hits {
							found[hit.Ref] = true
							if said == orientation && k < 8 && hit.Ref == int64(ref) {
								assert.Zero(t, k, name)
							}
						}
					}
					assert.Equal(t, map[int64]bool{int64(ref): true}, found, name)
				}
			}
		}
	}
}
