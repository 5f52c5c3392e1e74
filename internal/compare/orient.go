package compare

import "github.com/kycmark/kycmark/internal/dsp"

// Oriented returns the picture in one of the eight orientations, numbered as by
// phash.SumDihedral: as it is; turned counterclockwise by 90°, 180°, 270°; top
// and bottom exchanged; left and right exchanged; mirrored at the diagonal from
// the top left; mirrored at the diagonal from the top right. Other numbers leave
// it as it is.
func (p *Picture) Oriented(k int) *Picture {
	if k <= 0 || k > 7 {
		return p
	}
	q := &Picture{w: p.w, h: p.h}
	if swapsSides(k) {
		q.w, q.h = p.h, p.w
	}
	for _, l := range p.levels {
		q.levels = append(q.levels, oriented(l, k))
	}
	return q
}

func swapsSides(k int) bool { return k == 1 || k == 3 || k == 6 || k == 7 }

func oriented(p dsp.Plane, k int) dsp.Plane {
	w, h := p.W, p.H
	if swapsSides(k) {
		w, h = h, w
	}
	out := dsp.NewPlane(w, h)
	for y := range h {
		for x := range w {
			var sx, sy int
			switch k {
			case 1: // counterclockwise: the right column becomes the top row
				sx, sy = p.W-1-y, x
			case 2:
				sx, sy = p.W-1-x, p.H-1-y
			case 3: // clockwise: the left column becomes the top row, from below
				sx, sy = y, p.H-1-x
			case 4:
				sx, sy = x, p.H-1-y
			case 5:
				sx, sy = p.W-1-x, y
			case 6:
				sx, sy = y, x
			case 7:
				sx, sy = p.W-1-y, p.H-1-x
			}
			out.Pix[y*w+x] = p.Pix[sy*p.W+sx]
		}
	}
	return out
}
