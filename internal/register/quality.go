package register

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// quality returns how well leak t fits the original under h, which maps pixels of t to canonical
// pixels. q is the mean local correlation of the high-passed pictures, weighed by the original's
// local deviation. It is negative for inverted leaks, and covered places lower q only by the root
// of their share. overlap is the share of the leak on the original, 0..1. Both are 0 if under 100
// pixels or 2 % of the leak overlap. longest is the long side, pixels, at which they are measured.
func (o *Original) quality(h geometry.Mat, t dsp.Plane, longest int) (q, overlap float64) {
	w, ht := geometry.Fit(t.W, t.H, longest)
	s := resize(t, max(8, w), max(8, ht))
	h = h.Mul(scaleTo(s, t))
	k := math.Min(1, scaleOf(h, s.W, s.H))
	if math.IsNaN(k) {
		return 0, 0
	}
	ref := o.scaled(side(o.canon.W, k), side(o.canon.H, k))
	m := scaleTo(o.canon, ref).Mul(h)
	return correlate(s, warp(ref, m, s.W, s.H), warp(ones(ref.W, ref.H), m, s.W, s.H))
}

// correlate returns the quality and the overlap of leak t on o, the original as it lies under the
// leak. Both are 0 if under 100 pixels or 2 % of the leak overlap. seen is the share of each pixel
// that is known of o, 0..1; it is overwritten.
func correlate(t, o, seen dsp.Plane) (q, overlap float64) {
	n := 0
	for i, v := range seen.Pix {
		if v > 0.99 {
			seen.Pix[i] = 1
			n++
		} else {
			seen.Pix[i] = 0
		}
	}
	if n < 100 || n < len(seen.Pix)/50 {
		return 0, 0
	}
	weights := dsp.Gauss(seen, 6)
	a, b := highPassSeen(t, seen, weights, 6), highPassSeen(o, seen, weights, 6)
	ab, aa, bb := dsp.Gauss(dsp.Product(a, b), 5), dsp.Gauss(dsp.Product(a, a), 5), dsp.Gauss(dsp.Product(b, b), 5)
	var sum, shown, weight float64
	for i, m := range seen.Pix {
		if m == 0 {
			continue
		}
		vb := max(float64(bb.Pix[i]), 0)
		d := math.Sqrt(float64(max(float64(aa.Pix[i]), 0)*vb)) + 2
		w := math.Sqrt(vb)
		weight += w
		if aa.Pix[i] < blankPower && vb > coveredPower {
			continue // covered
		}
		sum += float64(float64(ab.Pix[i]) / d * w)
		shown += w
	}
	return sum / (math.Sqrt(float64(shown*weight)) + 1e-6), float64(n) / float64(len(seen.Pix))
}

// highPassSeen returns p less its blur of sigma pixels, over pixels that are seen alone: what lies
// around a leak must not count. seen is 1 or 0 a pixel, and weights is seen blurred by the same
// sigma. The result is 0 for pixels that are not seen.
func highPassSeen(p, seen, weights dsp.Plane, sigma float64) dsp.Plane {
	b := dsp.Gauss(dsp.Product(p, seen), sigma)
	for i, m := range seen.Pix {
		if m == 0 {
			b.Pix[i] = 0
			continue
		}
		b.Pix[i] = p.Pix[i] - b.Pix[i]/weights.Pix[i]
	}
	return b
}

// stretch returns the best of the eight ways to lay the whole leak on the whole original, turned by right angles and
// mirrored. t is the leak at a long side of up to canonicalSide. ok is false if no way has the original's aspect ratio,
// within maxAspect. best.q is never negative: an inverted leak has best.invert set.
func (o *Original) stretch(t dsp.Plane) (best guess, ok bool) {
	for turns := range 4 {
		for mirror := range 2 {
			m, w, h := orientation(t.W, t.H, turns, mirror == 1), t.W, t.H
			if turns%2 == 1 {
				w, h = h, w
			}
			r := float64(w) / float64(h) * (float64(o.canon.H) / float64(o.canon.W))
			if r > 1+maxAspect || r < 1/(1+maxAspect) {
				continue
			}
			m = geometry.PixelScale(float64(o.canon.W)/float64(w), float64(o.canon.H)/float64(h)).Mul(m)
			q, over := o.quality(m, t, stretchSide)
			if a := math.Abs(q); !ok || a > best.q {
				best, ok = guess{h: m, invert: q < 0, q: a, over: over, score: a}, true
			}
		}
	}
	return best, ok
}

// orientation returns the map that mirrors a w x h picture, left to right, if mirror is set. It then turns the picture
// counterclockwise by so many right angles. The result again begins at (0, 0).
func orientation(w, h, turns int, mirror bool) geometry.Mat {
	m := geometry.Identity()
	if mirror {
		m = geometry.Mirror(w)
	}
	for range turns {
		m = geometry.Mat{0, 1, 0, -1, 0, float64(w - 1), 0, 0, 1}.Mul(m)
		w, h = h, w
	}
	return m
}
