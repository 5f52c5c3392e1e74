package dsp

import "math"

// levels of a grey value that the bilateral filter tells apart.
const bilateralSteps = 8

// Bilateral returns the bilateral filter (Tomasi and Manduchi, 1998) of p over a
// disc of the given radius: Gaussian weights in distance (sigmaSpace, samples)
// and in value (sigmaValue, grey levels). The picture ends at its edges.
func Bilateral(p Plane, radius int, sigmaValue, sigmaSpace float64) Plane {
	type tap struct {
		dx, dy int
		w      float32
	}
	var taps []tap
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			if d := dx*dx + dy*dy; d <= radius*radius {
				taps = append(taps, tap{dx, dy, float32(Exp(-float64(d) / (2 * float64(sigmaSpace*sigmaSpace))))})
			}
		}
	}
	w, h, r := p.W, p.H, radius
	pw := w + 2*r
	lo, hi := extent(p)
	span := int((hi-lo)*bilateralSteps) + 2
	lut := make([]float32, 2*span+1)
	for i := range lut {
		d := float64(i-span) / bilateralSteps
		lut[i] = float32(Exp(-float64(d*d) / (2 * float64(sigmaValue*sigmaValue))))
	}
	val := make([]float32, pw*(h+2*r)) // mirrored at the edges
	idx := make([]int32, len(val))
	for y := range h + 2*r {
		src := p.Row(mirror(y-r, h))
		for x := range pw {
			v := src[mirror(x-r, w)]
			val[y*pw+x] = v
			idx[y*pw+x] = int32((v - lo) * bilateralSteps)
		}
	}
	out := NewPlane(w, h)
	num, den, centre := make([]float32, w), make([]float32, w), make([]int32, w)
	for y := range h {
		clear(num)
		clear(den)
		c0 := (y+r)*pw + r
		for x := range centre {
			centre[x] = int32(span) - idx[c0+x]
		}
		for _, t := range taps {
			o := c0 + t.dy*pw + t.dx
			v, ix := val[o:o+w], idx[o:o+w]
			for x, c := range centre {
				g := float32(t.w * lut[ix[x]+c])
				den[x] += g
				num[x] += float32(g * v[x])
			}
		}
		dst := out.Row(y)
		for x := range dst {
			dst[x] = num[x] / den[x]
		}
	}
	return out
}

func extent(p Plane) (lo, hi float32) {
	lo, hi = math.MaxFloat32, -math.MaxFloat32
	for _, v := range p.Pix {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}
