package requant

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// Left returns what a JPEG file with the leak's steps leaves of a mark that was added to the luma p: p with the
// mark less p, both rounded to the steps. Nothing is left of frequencies whose step is not known, since all their
// values are 0. Both planes have the leak's size and are not changed.
func (l *Leak) Left(p, mark dsp.Plane) dsp.Plane {
	out, c := dsp.NewPlane(p.W, p.H), newCosines()
	for by := range (p.H + side - 1) / side {
		for bx := range (p.W + side - 1) / side {
			var plain, marked block
			plain.load(p, bx, by)
			marked.load(mark, bx, by)
			c.forward(&plain)
			c.forward(&marked)
			for k, q := range l.Table {
				if q == 0 {
					marked[k] = 0
					continue
				}
				rounded := func(x float32) float64 { return math.Round(float64(x / q)) }
				marked[k] = q * float32(rounded(plain[k]+marked[k])-rounded(plain[k]))
			}
			c.inverse(&marked)
			marked.store(out, bx, by)
		}
	}
	return out
}

func (l *Leak) Shows(p dsp.Plane) bool { return l.pixels.Rect.Dx() == p.W && l.pixels.Rect.Dy() == p.H }
