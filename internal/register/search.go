package register

import (
	"context"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// looks are tried in this order.
var looks = [...]look{{}, {mirror: true}, {invert: true}, {true, true}}

// A pass is a way to look for features. It is tried if the passes before it found no fair guess. Small crops need more
// features, dark and washed-out leaks a local contrast brought to a fixed level (flat).
type pass struct {
	flat   bool
	wanted int // features of a picture, about
	looks  int // of looks that are tried
}

var passes = [...]pass{{false, 1600, 4}, {false, 4000, 2}, {true, 1600, 4}}

// features extracts the features that the pass looks for in a picture.
func (p pass) features(of dsp.Plane) *features {
	if p.flat {
		of = flatten(of)
	}
	return extract(of, p.wanted)
}

// byFeatures returns the best guess by features, or by sliding if features find nothing fair. It
// returns nil if neither finds anything. The only error is the error of ctx.
func (o *Original) byFeatures(ctx context.Context, l *Leak) (*guess, error) {
	var best *guess
	for i := range passes {
		if err := o.run(ctx, i, l, &best); err != nil {
			return nil, err
		}
		if best != nil && best.score > fairScore && best.inliers >= fairInliers {
			return best, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if g := o.slide(l); g != nil && (best == nil || g.score > best.score) {
		best = g
	}
	return best, nil
}

// run tries pass i on a leak, look by look, and puts a better guess into *best, which may be nil. A
// guess that is sure ends the pass. The only error is the error of ctx.
func (o *Original) run(ctx context.Context, i int, leak *Leak, best **guess) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ref := o.features(i)
	if err := ctx.Err(); err != nil {
		return err
	}
	p, t, big, found := passes[i], leak.small(), leak.big(), leak.found[i]()
	up := scaleTo(t, big)
	for _, l := range looks[:p.looks] {
		if err := ctx.Err(); err != nil {
			return err
		}
		back := up
		if l.mirror {
			back = geometry.Mirror(big.W).Mul(up)
		}
		g := o.judge(consensus(match(found.as(l, big.W), ref)), t, back, l.invert)
		if g == nil {
			continue
		}
		if *best == nil || g.score > (*best).score {
			*best = g
		}
		if g.inliers >= sureInliers && g.q > sureQuality {
			return nil
		}
	}
	return nil
}

// judge returns the guess of highest score among homographies from the enlarged and mirrored leak,
// or nil. back maps leak t to that picture, and the guess maps t itself. invert says that the
// features were taken from the negative. Maps of implausible scale, tilt or quality are left out.
func (o *Original) judge(all []fitted, t dsp.Plane, back geometry.Mat, invert bool) *guess {
	var best *guess
	for _, f := range all {
		h := f.h.Mul(back)
		if s := scaleOf(h, t.W, t.H); !(s > minScaleOf && s < maxScaleOf) || !upright(h, t.W, t.H) {
			continue
		}
		q, over := o.quality(h, t, searchSide)
		if invert {
			q = -q
		}
		if q <= minQuality {
			continue
		}
		if score := scoreOf(q, over, int(f.inliers)); best == nil || score > best.score {
			best = &guess{h: h, invert: invert, inliers: int(f.inliers), q: q, over: over, score: score}
		}
	}
	return best
}

// upright reports whether h keeps the whole w x ht leak well before its horizon. The third
// coordinates of the four corners must have one sign and differ by a factor under ten.
func upright(h geometry.Mat, w, ht int) bool {
	at := func(x, y int) float64 {
		return float64(h[6]*float64(x)) + float64(h[7]*float64(y)) + h[8]
	}
	a := [...]float64{at(0, 0), at(w, 0), at(0, ht), at(w, ht)}
	lo, hi := a[0], a[0]
	for _, v := range a {
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	return lo > 0.1*hi && hi > 0 || hi < 0.1*lo && lo < 0
}

// enlarged returns a leak enlarged to the size at which features are found, or t itself if it is large enough.
func enlarged(t dsp.Plane) dsp.Plane {
	long, short := max(t.W, t.H), min(t.W, t.H)
	up := 1.0
	if long < minLong {
		up = minLong / float64(long)
	}
	if float64(float64(short)*up) < minShort {
		up = math.Min(maxEnlarged, minShort/float64(short))
	}
	if up <= 1 {
		return t
	}
	return dsp.Enlarged(t, int(float64(float64(t.W)*up)+0.5), int(float64(float64(t.H)*up)+0.5))
}

// slide takes the leak for a piece cut out of the original, at the original's own scale, turned by right angles,
// mirrored or not. It returns the best guess at which the correlation of the normalised pictures peaks, or nil. A piece
// under minSlide or over maxSlide of the original is not tried. Sliding finds what has no corners: sky, water, skin.
func (o *Original) slide(l *Leak) *guess {
	leak, t := l.luma, l.small()
	k := float64(o.canon.W) / float64(o.width)
	w, h := int(float64(float64(leak.W)*k)+0.5), int(float64(float64(leak.H)*k)+0.5)
	if min(w, h) < minSlide || float64(max(w, h)) > float64(maxSlide*float64(max(o.canon.W, o.canon.H))) {
		return nil
	}
	piece := normalised(resize(t, w, h), slideBlur, slideFloor)
	f := dsp.NewFFT2(dsp.FastEven(o.canon.W), dsp.FastLen(o.canon.H))
	ref := f.Forward(normalised(o.canon, slideBlur, slideFloor))
	var best *guess
	for turns := range 4 {
		for mirror := range 2 {
			p, m := turnedBy(piece, turns, mirror == 1)
			x, y, peak := o.peak(f, ref, p)
			if math.Abs(peak) < minPeak {
				continue
			}
			g := guess{h: geometry.Translation(float64(x), float64(y)).Mul(m).Mul(scaleTo(t, piece)), invert: peak < 0}
			g.q, g.over = o.quality(g.h, t, searchSide)
			if g.invert {
				g.q = -g.q
			}
			g.score = scoreOf(g.q, g.over, 0)
			if g.q > minAgreed && (best == nil || g.score > best.score) {
				best = &g
			}
		}
	}
	return best
}

// turnedBy returns p mirrored, if mirror is set, and then turned counterclockwise by so many right
// angles. It also returns the map from pixels of p to pixels of the result.
func turnedBy(p dsp.Plane, turns int, mirror bool) (dsp.Plane, geometry.Mat) {
	m := orientation(p.W, p.H, turns, mirror)
	w, h := p.W, p.H
	if turns%2 == 1 {
		w, h = h, w
	}
	out := dsp.NewPlane(w, h)
	for y := range p.H {
		for x, v := range p.Row(y) {
			q := m.Apply(geometry.Point{X: float64(x), Y: float64(y)})
			out.Pix[int(q.Y+0.5)*w+int(q.X+0.5)] = v
		}
	}
	return out, m
}

// peak returns the pixel of the canonical original at which the top left corner of p lies best. peak is the correlation
// there, in deviations over all places; it is negative if p shows the negative. ref is the original's spectrum by f.
// All results are 0 if p is larger than the original, or blank.
func (o *Original) peak(f *dsp.FFT2, ref dsp.Spectrum, p dsp.Plane) (x, y int, peak float64) {
	w, h := o.canon.W-p.W+1, o.canon.H-p.H+1
	if w < 1 || h < 1 {
		return 0, 0, 0
	}
	s := f.Forward(p)
	for i, c := range s.C {
		a, b, u, v := real(ref.C[i]), imag(ref.C[i]), real(c), imag(c)
		s.C[i] = complex(float32(a*u)+float32(b*v), float32(b*u)-float32(a*v))
	}
	c := f.Inverse(s, w, h)
	at, top := 0, float32(0)
	for i, v := range c.Pix {
		if a := max(v, -v); a > top {
			at, top = i, a
		}
	}
	rms := c.RMS()
	if rms == 0 {
		return 0, 0, 0
	}
	return at % w, at / w, float64(c.Pix[at]) / rms
}

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
	// Ones tell what share of each pixel is seen, when they are warped.
	ones := dsp.Plane{W: ref.W, H: ref.H, Pix: slices.Repeat([]float32{1}, ref.W*ref.H)}
	return correlate(s, warp(ref, m, s.W, s.H), warp(ones, m, s.W, s.H))
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
