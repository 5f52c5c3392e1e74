package phash

import (
	"image"

	"github.com/disintegration/imaging"
)

// An orientation is one of the eight ways in which a square can lie: mirrored
// left to right, mirrored top to bottom, then its axes swapped.
type orientation struct {
	mirrorX, mirrorY, swap bool
	picture                func(image.Image) *image.NRGBA // nil: as it is
}

// orientations are in the order that [SumDihedral] documents.
var orientations = [8]orientation{
	{false, false, false, nil},
	{true, false, true, imaging.Rotate90}, // counterclockwise
	{true, true, false, imaging.Rotate180},
	{false, true, true, imaging.Rotate270},
	{false, true, false, imaging.FlipV},
	{true, false, false, imaging.FlipH},
	{false, false, true, imaging.Transpose},
	{true, true, true, imaging.Transverse},
}

// spectrum returns the transform of a grid that lies as o says, from the
// transform of the grid. Mirroring an axis changes the sign of its odd
// frequencies, which stand at even places as frequency 0 is left out; swapping
// the axes transposes.
func (o orientation) spectrum(s *spectrum) *spectrum {
	t := new(spectrum)
	for i := range s {
		for j, v := range s[i] {
			if (o.mirrorX && j%2 == 0) != (o.mirrorY && i%2 == 0) {
				v = -v
			}
			if o.swap {
				t[j][i] = v
			} else {
				t[i][j] = v
			}
		}
	}
	return t
}

// of returns the picture, one of our own that begins at (0, 0), as o says.
func (o orientation) of(m *image.NRGBA) *image.NRGBA {
	if o.picture == nil {
		return m
	}
	return o.picture(m)
}
