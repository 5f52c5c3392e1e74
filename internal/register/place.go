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

// from registers leak l from place p. stretch is the best plain stretch, and r that stretch refined,
// nil if it is poor. If ends is true, the result is final: nil says that neither features nor stretch
// point to the original. If ends is false, the caller must search.
func (o *Original) from(p *Place, l *Leak, stretch guess, r *Registration) (_ *Registration, ends bool) {
	if g := o.guessFrom(p, l); g != nil {
		t := l.small()
		if r == nil || !near(stretch.h, g.h, float64(t.W), float64(t.H)) {
			s := o.refine(l.luma, *g, l.toSmall())
			if r == nil || s.Quality > r.Quality+maxFall && s.score() > r.score() {
				r = s
			}
		}
		if r.Quality >= goodPlace || p.LogNFA <= surePlace && scoreOf(r.Quality, r.Overlap, p.Inliers) > fairScore {
			o.finish(r, r.Leak, nil)
			return r, true
		}
	}
	return nil, p.LogNFA > surePlace && stretch.q < relatedStretch
}

// guessFrom returns the guess that p makes of leak l. It returns nil if p has no map, or if too little
// agrees there to refine the guess.
func (o *Original) guessFrom(p *Place, l *Leak) *guess {
	if math.IsInf(p.LogNFA, 1) {
		return nil
	}
	t := l.small()
	h := geometry.PixelScale(float64(o.canon.W)/float64(o.width), float64(o.canon.H)/float64(o.height)).Mul(p.Map).Mul(geometry.PixelScale(float64(l.luma.W)/float64(t.W), float64(l.luma.H)/float64(t.H)))
	q, over := o.quality(h, t, searchSide)
	if q < minPlace {
		return nil
	}
	return &guess{h: h, inliers: p.Inliers, q: q, over: over, score: scoreOf(q, over, p.Inliers)}
}
