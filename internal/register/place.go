package register

import (
	"math"

	"github.com/kycmark/kycmark/internal/geometry"
)

// A Place is what local features say of where a leak lies on an original.
type Place struct {
	Map     geometry.Mat // pixels of the leak as given to pixels of the original as given
	LogNFA  float64      // log10 of how many such places chance alone would give; +Inf: there is no place, and Map is not set
	Inliers int          // features that agree
}

// from registers leak l from a place, which it asks for. stretch is the best plain stretch, and r
// that stretch refined; r may be nil. If ends is true, the result is final: nil says that neither
// features nor stretch point to the original. If ends is false, the caller must search, and the
// result is the refined stretch, nil if it is poor. The only error is that of place.
func (o *Original) from(place func() (*Place, error), l *Leak, stretch guess, r *Registration) (_ *Registration, ends bool, err error) {
	p, err := place()
	if err != nil {
		return nil, false, err
	}
	t := l.small()
	back := scaleTo(l.luma, t)
	g := o.guessFrom(p, l)
	same := g != nil && near(stretch.h, g.h, float64(t.W), float64(t.H))
	if r == nil && stretch.q >= fairStretch && (g == nil || same || stretch.q >= g.q) {
		r = o.refine(l.luma, stretch, back)
	}
	switch {
	case p == nil, r != nil && r.Quality >= minScore:
		return r, false, nil
	case g != nil:
		s := r
		if !same || r == nil {
			s = o.refine(l.luma, *g, back)
		}
		if r != nil && !(s.Quality > r.Quality+maxFall && s.score() > r.score()) {
			s = r
		}
		if s.Quality >= goodPlace || p.LogNFA <= surePlace && scoreOf(s.Quality, s.Overlap, p.Inliers) > fairScore {
			o.finish(s)
			return s, true, nil
		}
	}
	return r, p.LogNFA > surePlace && stretch.q < relatedStretch, nil
}

// guessFrom returns the guess that p makes of leak l. It returns nil if p is nil or has no map, or
// if too little agrees there to refine the guess.
func (o *Original) guessFrom(p *Place, l *Leak) *guess {
	if p == nil || math.IsInf(p.LogNFA, 1) {
		return nil
	}
	t := l.small()
	h := geometry.PixelScale(float64(o.canon.W)/float64(o.width), float64(o.canon.H)/float64(o.height)).Mul(p.Map).Mul(scaleTo(t, l.luma))
	q, over := o.quality(h, t, searchSide)
	if q < minPlace {
		return nil
	}
	return &guess{h: h, inliers: p.Inliers, q: q, over: over, score: scoreOf(q, over, p.Inliers)}
}
