// Package register finds where a leaked picture lies on its original.
//
// Plain stretches, turned and mirrored, are tried first. Everything else (crops, rotations, perspective, screenshots)
// goes through features: corners over an image pyramid with oriented patches (Brown, Szeliski and Winder, "Multi-image
// matching using multi-scale oriented patches", 2005). Each match of two features proposes a similarity. The
// similarities that most matches agree on grow into homographies. The winner is refined by Gauss-Newton on all pixels
// (Baker and Matthews, "Lucas-Kanade 20 years on", 2004) and then by a smooth field of shifts (Lucas and Kanade, 1981),
// which takes up what is no plane: lenses, paper.
//
// All sums run in a fixed order and no product is fused with a sum: the same pictures
// give the same answer on every machine.
package register

import (
	"context"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// An Original is a picture made ready for having leaks registered onto it. It is safe for concurrent use.
type Original struct {
	width  int // as given, pixels
	height int // the same
	canon  dsp.Plane
	levels []dsp.Plane // canon and its halves

	once  [len(passes)]sync.Once
	found [len(passes)]*features
}

// New readies a picture by its luma at full resolution, 0..255.
func New(luma dsp.Lazy) *Original {
	o := &Original{width: luma.W, height: luma.H, canon: luma.Shrink(geometry.Fit(luma.W, luma.H, canonicalSide))}
	for level := o.canon; ; {
		o.levels = append(o.levels, level)
		if min(level.W, level.H) < 64 {
			return o
		}
		level = dsp.Shrink(level, (level.W+1)/2, (level.H+1)/2)
	}
}

// Canonical returns the original at a long side of at most 1024 pixels. It must not be changed.
func (o *Original) Canonical() dsp.Plane { return o.canon }

// scaled returns the canonical original at w x h pixels. A side that exceeds the canonical side is
// cut to it. The result may share memory with o and must not be changed.
func (o *Original) scaled(w, h int) dsp.Plane {
	w, h = min(w, o.canon.W), min(h, o.canon.H)
	for i := len(o.levels) - 1; i >= 0; i-- {
		l := o.levels[i]
		if l.W == w && l.H == h {
			return l
		}
		if l.W >= w && l.H >= h {
			return dsp.Shrink(l, w, h)
		}
	}
	return o.canon
}

// at returns the original at a scale of s, pixels of the result per canonical pixel. From sameScale on it is the
// canonical original: what little there is to gain is not worth resampling. The result must not be changed.
func (o *Original) at(s float64) dsp.Plane {
	if s > sameScale {
		return o.canon
	}
	return o.scaled(side(o.canon.W, s), side(o.canon.H, s))
}

func (o *Original) features(pass int) *features {
	o.once[pass].Do(func() { o.found[pass] = passes[pass].features(o.canon) })
	return o.found[pass]
}

// A Registration is where a leak lies on an original. Its planes must not be changed.
type Registration struct {
	Leak     dsp.Plane    // the leak's luma as compared: 255-x where Inverted, low-passed and shrunk where it is finer than the canonical original
	Resized  bool         // Leak was low-passed (Gaussian, 0.45 of its pixels) and shrunk by us
	ToLeak   geometry.Mat // pixels of the leak as given to pixels of Leak
	H        geometry.Mat // pixels of Leak to canonical pixels, without the smooth field
	X, Y     dsp.Plane    // canonical position of each pixel of Leak, with it
	Scale    float64      // pixels of Leak per canonical pixel, at most about 1
	Inverted bool         // dark for light
	Mirrored bool
	Quality  float64 // mean local correlation of the high-passed pictures, 0..1
	Overlap  float64 // share of the leak that lies on the original, 0..1
	Inliers  int     // features that agree on H; 0 for a plain stretch
}

// A guess is a map that may be right.
type guess struct {
	h       geometry.Mat // pixels of the leak, shrunk to canonicalSide, to canonical pixels
	invert  bool
	inliers int
	q, over float64 // quality and overlap
	score   float64
}

// A Leak is a picture made ready for being registered onto originals. What depends on
// the leak alone is made once, when first needed. A Leak is safe for concurrent use.
type Leak struct {
	luma  dsp.Lazy         // as given
	small func() dsp.Plane // at a long side of at most canonicalSide
	big   func() dsp.Plane // small, enlarged if it is too small for features
	found [len(passes)]func() *features
}

// NewLeak readies a leak by its luma at full resolution, 0..255, which it keeps to be made again.
func NewLeak(luma dsp.Lazy) *Leak {
	l := &Leak{luma: luma, small: sync.OnceValue(func() dsp.Plane { return luma.Shrink(geometry.Fit(luma.W, luma.H, canonicalSide)) })}
	l.big = sync.OnceValue(func() dsp.Plane { return enlarged(l.small()) })
	for i, p := range passes {
		l.found[i] = sync.OnceValue(func() *features { return p.features(l.big()) })
	}
	return l
}

func (l *Leak) Luma() dsp.Lazy { return l.luma }

func (l *Leak) toSmall() geometry.Mat {
	t := l.small()
	return geometry.PixelScale(float64(t.W)/float64(l.luma.W), float64(t.H)/float64(l.luma.H))
}

// Find registers a leak onto the original: by a plain stretch, and if that is not good enough by
// features or by sliding. It returns nil, nil if nothing aligns or a picture is too small.
//
// place, which may be nil, returns what is known of the place of the leak, or nil. It is called
// only if a plain stretch is not good enough. If it returns a place, Find starts there and searches
// no further if that is good, or if the leak is unrelated: see [Original.from].
//
// The only errors are the error of ctx and the errors of place.
func (o *Original) Find(ctx context.Context, l *Leak, place func() (*Place, error)) (*Registration, error) {
	leak := l.luma
	if err := ctx.Err(); err != nil || min(leak.W, leak.H, o.canon.W, o.canon.H) < minPicture {
		return nil, err
	}
	t := l.small()
	back := l.toSmall()
	best, ok := o.stretch(t)
	var r *Registration
	if ok && best.q >= fairStretch {
		r = o.refine(leak, best, back)
		if r.Quality >= minScore {
			o.finish(r, r.Leak, nil)
			return r, ctx.Err()
		}
	}
	if place != nil {
		p, err := place()
		if err != nil {
			return nil, err
		}
		if p != nil {
			if s, ends := o.from(p, l, best, r); ends {
				return s, ctx.Err()
			}
		}
	}
	g, err := o.byFeatures(ctx, l)
	if err != nil {
		return nil, err
	}
	if g != nil && (!ok || g.score > best.score) {
		s := o.refine(leak, *g, back)
		if r == nil && ok && near(best.h, g.h, float64(t.W), float64(t.H)) {
			r = o.refine(leak, best, back)
		}
		if r == nil || s.Quality > r.Quality+maxFall && s.score() > r.score() {
			r = s
		}
	}
	if r == nil && ok && best.q >= minQuality {
		r = o.refine(leak, best, back)
	}
	if r == nil || r.Quality < minQuality {
		return nil, ctx.Err()
	}
	o.finish(r, r.Leak, nil)
	return r, ctx.Err()
}

// score ranks registrations of one leak on one original: higher is better.
func (r *Registration) score() float64 { return scoreOf(r.Quality, r.Overlap, r.Inliers) }

// scoreOf ranks maps of one leak by quality and overlap, 0..1, and by the number of features that agree. 50 features
// and more count the same. A good fit of a sliver of the leak may rank below a fair fit of all of it.
func scoreOf(q, overlap float64, inliers int) float64 {
	return float64(q*math.Sqrt(overlap)) + float64(0.2*math.Min(1, float64(inliers)/50))
}

func side(n int, s float64) int { return max(8, int(float64(float64(n)*s)+0.5)) }

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
		if t := l.small(); r == nil || !near(stretch.h, g.h, float64(t.W), float64(t.H)) {
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

// guessFrom returns p's guess of leak l, or nil if p has no map, or if too little agrees there to refine the guess.
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
