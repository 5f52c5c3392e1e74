package phash

// An orientation is one of the eight ways in which a picture can lie: mirrored
// left to right, mirrored top to bottom, and then, if swap is set, with rows for
// columns.
type orientation struct{ mirrorX, mirrorY, swap bool }

// orientations are in the order that [SumDihedral] documents.
var orientations = [8]orientation{
	{},
	{mirrorX: true, swap: true},
	{mirrorX: true, mirrorY: true},
	{mirrorY: true, swap: true},
	{mirrorY: true},
	{mirrorX: true},
	{swap: true},
	{mirrorX: true, mirrorY: true, swap: true},
}

// spectrum returns the transform of a grid that lies as o says, from the transform s of the grid.
// Mirroring an axis changes the sign of its odd frequencies. These are at even places, because
// frequency 0 is left out.
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
