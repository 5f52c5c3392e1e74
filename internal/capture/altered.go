package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
)

// What a [Region] shows in place of the original.
const (
	Bar     = "bar"     // nothing: it was covered or blurred
	Caption = "caption" // a band along an edge, or a line of text over the picture, in one shade
	Field   = "field"   // other text in place of a text
	Patch   = "patch"   // another picture: a sticker, a portrait
)

// A Region is a place of the original that a leak shows altered.
type Region struct {
	X0, Y0, X1, Y1 float64 // its bounds, canonical pixels
	Kind           string  // one of the constants above, as a guess
	Share          float64 // of the original, 0..1

	laid    bool // one shade laid over what the original shows, or nothing: no other detail
	changes []photometry.Change
}

// Altered returns the places that the leak shows altered: nil unless [Sight.Verdict] has returned Same or Altered.
func (s *Sight) Altered() []Region { return s.altered }

// outside reports whether all that differs lies in a few places, and whether the leak shows the
// original outside of them. It then measures the light of the leak outside of the places.
//
// Another person's document of the template differs in every personal field. At least one of four conditions fails for
// it: few places; a small share of the picture; no other detail outside, not even in one block of a hundred; and edges
// that lie where one homography maps all of them. Detail of another person bends the map of the registration. Small
// leaks, in which thin print is lost, never pass.
func (s *prediction) outside(places []Region) bool {
	area, other := 0.0, 0
	for i := range places {
		area += places[i].Share
		if !places[i].laid {
			other++
		}
	}
	size := float64(s.Scale * float64(max(s.view.W, s.view.H)))
	if len(places) > maxPlaces || other > maxOther || area > maxAltered || size < minAltered {
		return false
	}
	n := compare(s.Registration, s.on.base, places...)
	shown := float64(n.Textured - n.Covered)
	if n.Verdict != Same && !n.Foreign || float64(n.Agree) < float64(cleanAgree*shown) || float64(n.Opposed+n.Blank) > float64(cleanOpposed*shown) ||
		float64(n.Exchanged) > float64(cleanExchanged*shown) || s.bend() > maxBend {
		return false
	}
	s.shades(places)
	return true
}

// beside returns the leak as it lies on the original if it is laid without bars and captions among places. Other detail
// stays: another person's bends the map. It returns nil if bars and captions are missing, too many or too large.
func (s *Sight) beside(places []Region) *Sight {
	over := slices.DeleteFunc(slices.Clone(places), func(r Region) bool { return !r.laid && r.Kind != Caption })
	area := 0.0
	for _, r := range over {
		area += r.Share
	}
	if len(over) == 0 || len(places) > maxPlaces || area > maxAltered {
		return nil
	}
	shown, hidden := s.Leak.Clone(), make([]bool, len(s.Leak.Pix))
	for i := range hidden {
		if hidden[i] = besides(over, s.X.Pix[i], s.Y.Pix[i]); hidden[i] {
			shown.Pix[i] = s.fitted.Predicted.Pix[i]
		}
	}
	return s.on.sight(s.on.base.Again(s.Registration, shown, hidden), s.given)
}

// bend returns how far nine tenths of the edges are off the homography that fits them best, at
// most, in pixels of the leak. It is infinite with few edges.
func (s *prediction) bend() float64 {
	pairs := each.Of(s.places(), func(p place) geometry.Pair {
		return geometry.Pair{From: geometry.Point{X: p.x, Y: p.y}, To: geometry.Point{X: p.u, Y: p.v}}
	})
	h, ok := geometry.FitHomography(pairs)
	if !ok {
		return math.Inf(1)
	}
	off := make([]float32, len(pairs))
	for i := range pairs {
		off[i] = float32(float64(s.Scale * math.Sqrt(pairs[i].Miss(h))))
	}
	_, nineTenths := quantiles(off)
	return nineTenths
}

// besides reports whether a point of the original lies in or beside one of some places.
func besides(places []Region, x, y float32) bool {
	u, v := float64(x), float64(y)
	return slices.ContainsFunc(places, func(r Region) bool {
		return u >= r.X0-besideRegion && u <= r.X1+besideRegion && v >= r.Y0-besideRegion && v <= r.Y1+besideRegion
	})
}

// regions joins changes of one line into places, from the upper left, and gives them their kinds.
// Words of one caption may lie further apart.
func (s *prediction) regions() []Region {
	all := each.Of(s.changes, func(c photometry.Change) Region {
		return Region{X0: c.X0, Y0: c.Y0, X1: c.X1, Y1: c.Y1, changes: []photometry.Change{c}}
	})
	long := float64(max(s.view.W, s.view.H))
	all = joined(all, func(a, b *Region) bool { return a.inLine(b, float64(joinGap*long)) })
	for i := range all {
		s.tighten(&all[i])
		s.name(&all[i])
	}
	all = joined(all, func(a, b *Region) bool {
		return a.Kind == Caption && b.Kind == Caption && a.laid && b.laid && a.inLine(b, float64(wordGap*long))
	})
	for i := range all {
		all[i].Share = s.share(&all[i])
	}
	return all
}

// joined replaces two places by the place that encloses them until no two belong together.
func joined(all []Region, together func(a, b *Region) bool) []Region {
	for again := true; again; {
		again = false
		for i := 0; i < len(all); i++ {
			for j := len(all) - 1; j > i; j-- {
				if together(&all[i], &all[j]) {
					all[i] = all[i].with(&all[j])
					all = slices.Delete(all, j, j+1)
					again = true
				}
			}
		}
	}
	return all
}

// share returns the share of the original in a place, 0..1.
func (s *pose) share(r *Region) float64 {
	return float64((r.X1-r.X0)*(r.Y1-r.Y0)) / float64(s.view.W*s.view.H)
}

// tighten sets the bounds of a place to the bounds of its differing pixels, without the outermost hundredth at each
// side. Before, they are the bounds of cells. If few pixels differ strongly, they stay.
func (s *prediction) tighten(r *Region) {
	columns, rows := make([]int, s.view.W), make([]int, s.view.H)
	n := 0
	for _, i := range s.differing() {
		x, y := s.X.Pix[i], s.Y.Pix[i]
		u, w := float64(x), float64(y)
		if u < r.X0-aroundRegion || u > r.X1+aroundRegion || w < r.Y0-aroundRegion || w > r.Y1+aroundRegion || !(x >= 0 && y >= 0 && int(x) < s.view.W && int(y) < s.view.H) {
			continue
		}
		columns[int(x)]++
		rows[int(y)]++
		n++
	}
	if n < minDiffering {
		return
	}
	r.X0, r.X1 = middleOf(columns, n)
	r.Y0, r.Y1 = middleOf(rows, n)
}

// middleOf returns between which bounds the counts lie, in all n, without the outermost hundredth on either side.
func middleOf(counts []int, n int) (from, to float64) {
	k, below := 0, 0
	for ; below+counts[k] <= n/100; k++ {
		below += counts[k]
	}
	from = float64(k)
	k, below = len(counts)-1, 0
	for ; below+counts[k] <= n/100; k-- {
		below += counts[k]
	}
	return from, float64(k)
}

// inLine reports whether two places overlap, or are parts of one line with at most gap pixels between them.
func (r *Region) inLine(o *Region, gap float64) bool {
	across := math.Max(r.X0, o.X0) - math.Min(r.X1, o.X1)
	down := math.Min(r.Y1, o.Y1) - math.Max(r.Y0, o.Y0)
	low := math.Min(r.Y1-r.Y0, o.Y1-o.Y0)
	return across <= 0 && down >= 0 || across <= gap && down >= low/2
}

func (r Region) with(o *Region) Region {
	r.X0, r.Y0 = math.Min(r.X0, o.X0), math.Min(r.Y0, o.Y0)
	r.X1, r.Y1 = math.Max(r.X1, o.X1), math.Max(r.Y1, o.Y1)
	r.changes = append(r.changes, o.changes...)
	return r
}

// even reports whether the leak has hardly any detail in a place: eight tenths of its pixels lie near their median.
func (s *pose) even(r *Region) bool {
	var all []float32
	for i, v := range s.Leak.Pix {
		if x, y := float64(s.X.Pix[i]), float64(s.Y.Pix[i]); x >= r.X0+evenRim && x <= r.X1-evenRim && y >= r.Y0+evenRim && y <= r.Y1-evenRim {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return false
	}
	level := middle(all)
	for i, v := range all {
		all[i] = max(v-level, level-v)
	}
	return dsp.Select(all, len(all)*8/10) <= evenOff
}

// name sets the kind of a place.
func (s *prediction) name(r *Region) {
	w, h := float64(s.view.W), float64(s.view.H)
	wide, high := r.X1-r.X0, r.Y1-r.Y0
	covered := !slices.ContainsFunc(r.changes, func(c photometry.Change) bool { return !c.Covered })
	r.laid = covered || s.overlaid(r.changes)
	switch {
	case wide >= float64(bandWide*w) && high <= float64(bandHigh*h) && (r.Y0 <= bandEdge*h || r.Y1 >= float64((1-bandEdge)*h)):
		r.Kind = Caption
	case covered, s.even(r):
		r.Kind = Bar
	case r.laid:
		r.Kind = Caption
	case high >= float64(patchHigh*wide):
		r.Kind = Patch
	default:
		r.Kind = Field
	}
}

// overlaid reports whether all that differs was laid over what the original shows: strokes, bars and stamps of one
// shade, opaque or not. Then each pixel lies between what was there and that shade. Another text is lighter at the old
// letters and darker at the new ones. No single shade is both lighter than paper and darker than ink. In a leak under
// minOverlaid pixels strokes are too blurred to say: overlaid returns false.
func (s *prediction) overlaid(changes []photometry.Change) bool {
	return max(s.Leak.W, s.Leak.H) >= minOverlaid && s.leftOver(changes) <= overlayRest
}

// leftOver returns the share of the differing pixels that the best shade laid over them leaves unexplained, 0..1; 1 if
// no pixel differs. Only pixels within changes count, and not the ringing beside strong differences.
func (s *prediction) leftOver(changes []photometry.Change) float64 {
	d := dsp.NewPlane(s.Leak.W, s.Leak.H) // by how much pixels differ, 0 where they do not
	var in []int
	for _, i := range s.differing() {
		if s.Inside.Pix[i] > 0 && within(changes, float64(s.X.Pix[i]), float64(s.Y.Pix[i])) {
			d.Pix[i] = s.Leak.Pix[i] - s.Predicted.Pix[i]
			in = append(in, i)
		}
	}
	var darker, lighter [256]int
	n := 0
	for _, i := range in {
		v := d.Pix[i]
		if max(v, -v) < overlayRing*maxAround(d, i%d.W, i/d.W) {
			continue
		}
		n++
		shade := min(max(int(math.Round(float64(s.Leak.Pix[i]))), 0), 255)
		if v < 0 {
			darker[shade]++
		} else {
			lighter[shade]++
		}
	}
	if n == 0 {
		return 1
	}
	return float64(unexplained(&darker, &lighter, int(s.differsBy()/2))) / float64(n)
}

// differsBy returns the grey levels by which a pixel must differ from the prediction to count.
func (s *prediction) differsBy() float32 { return float32(overlayOff + float64(overlayRMS*s.RMS)) }

// differing returns the indexes of the leak's pixels that differ from the prediction. They are found once.
func (s *prediction) differing() []int {
	if s.differ == nil {
		threshold := s.differsBy()
		s.differ = []int{}
		for i, v := range s.Leak.Pix {
			if d := v - s.Predicted.Pix[i]; max(d, -d) > threshold {
				s.differ = append(s.differ, i)
			}
		}
	}
	return s.differ
}

// maxAround returns the largest size of a difference within overlayReach pixels of (x, y), along either axis.
func maxAround(d dsp.Plane, x, y int) (found float32) {
	for j := max(0, y-overlayReach); j <= min(d.H-1, y+overlayReach); j++ {
		for _, v := range d.Row(j)[max(0, x-overlayReach):min(d.W, x+overlayReach+1)] {
			found = max(found, v, -v)
		}
	}
	return found
}

// unexplained returns the number of pixels that the best single shade leaves unexplained. darker and lighter count, by
// shade in the leak, the pixels that became so. A shade explains darker pixels that are not darker than itself, and
// lighter pixels that are not lighter. Both hold within slack grey levels. slack is under half of what a pixel must be
// off, so that no shade explains both paper and ink.
func unexplained(darker, lighter *[256]int, slack int) int {
	rest := 0
	for _, k := range lighter {
		rest += k
	}
	best := rest
	for c := -slack; c < len(darker)+slack; c++ {
		if k := c + slack; k >= 0 && k < len(lighter) {
			rest -= lighter[k]
		}
		best = min(best, rest)
		if k := c - slack; k >= 0 && k < len(darker) {
			rest += darker[k]
		}
	}
	return best
}

// within reports whether a place of the original lies in the bounds of a change.
func within(changes []photometry.Change, x, y float64) bool {
	return slices.ContainsFunc(changes, func(c photometry.Change) bool {
		return x >= c.X0 && x <= c.X1 && y >= c.Y0 && y <= c.Y1
	})
}
