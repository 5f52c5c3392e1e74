package attack

import (
	"image"
	"math"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/attack/edits"
)

// bilateral returns the step that smooths within a circle of diameter d pixels, with mirrored
// edges. Weights fall with distance (deviation space, in pixels) and with difference in colour
// (deviation tone, a sum over three channels): Tomasi and Manduchi, Bilateral Filtering for Gray
// and Color Images, 1998.
func bilateral(d int, tone, space float64) Step {
	return base.Plain(func(p *image.NRGBA) *image.NRGBA {
		n := d / 2
		big := edits.Padded(p, n, edits.Reflect)
		f := &bilateralFilter{}
		for v := range f.tone {
			f.tone[v] = float32(math.Exp(-float64(v*v) / (2 * tone * tone)))
		}
		for dy := -n; dy <= n; dy++ {
			for dx := -n; dx <= n; dx++ {
				if r2 := dx*dx + dy*dy; r2 <= n*n && r2 > 0 {
					f.offset = append(f.offset, dy*big.Stride+4*dx)
					f.space = append(f.space, float32(math.Exp(-float64(r2)/(2*space*space))))
				}
			}
		}
		out := image.NewNRGBA(p.Rect)
		for y := range p.Rect.Dy() {
			f.row(out.Pix[y*out.Stride:][:4*p.Rect.Dx()], big.Pix, (y+n)*big.Stride+4*n)
		}
		return out
	})
}

// A bilateralFilter has the weights of tones and of places of one filter.
type bilateralFilter struct {
	tone   [3*255 + 1]float32
	offset []int // of the neighbours, in bytes
	space  []float32
}

// row writes to dst the filtered pixels, four bytes each and opaque, that begin at byte at of pix.
// The neighbours of each must lie in pix, which is padded for that.
func (f *bilateralFilter) row(dst, pix []uint8, at int) {
	for i := 0; i < len(dst); i += 4 {
		s := pix[at+i : at+i+4 : at+i+4]
		r0, g0, b0 := int(s[0]), int(s[1]), int(s[2])
		sum, r, g, b := float32(1), float32(r0), float32(g0), float32(b0)
		for k, off := range f.offset {
			q := pix[at+i+off:][:4:4]
			r1, g1, b1 := int(q[0]), int(q[1]), int(q[2])
			w := f.space[k] * f.tone[dist(r0, r1)+dist(g0, g1)+dist(b0, b1)]
			sum += w
			r += w * float32(r1)
			g += w * float32(g1)
			b += w * float32(b1)
		}
		d := dst[i : i+4 : i+4]
		d[0], d[1], d[2], d[3] = uint8(r/sum+.5), uint8(g/sum+.5), uint8(b/sum+.5), 255
	}
}

// dist returns |a-b|.
func dist(a, b int) int { return max(a-b, b-a) }
