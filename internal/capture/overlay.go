package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/photometry"
)

// overlaid reports whether all that differs was laid over what the original shows: strokes, bars and stamps of one
// shade, opaque or not. Then each pixel lies between what was there and that shade. Another text is lighter at the old
// letters and darker at the new ones. No single shade is both lighter than paper and darker than ink. In a leak under
// minOverlaid pixels strokes are too blurred to say: overlaid returns false.
func (s *Sight) overlaid(f *photometry.Fit, changes []photometry.Change) bool {
	return max(s.Leak.W, s.Leak.H) >= minOverlaid && s.leftOver(f, changes) <= overlayRest
}

// leftOver returns the share of the differing pixels that the best shade laid over them leaves unexplained, 0..1; 1 if
// no pixel differs. Only pixels within changes count, and not the ringing beside strong differences.
func (s *Sight) leftOver(f *photometry.Fit, changes []photometry.Change) float64 {
	d := dsp.NewPlane(s.Leak.W, s.Leak.H) // by how much pixels differ, 0 where they do not
	var in []int
	for _, i := range s.differing(f) {
		if f.Inside.Pix[i] > 0 && within(changes, float64(s.X.Pix[i]), float64(s.Y.Pix[i])) {
			d.Pix[i] = s.Leak.Pix[i] - f.Predicted.Pix[i]
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
	return float64(unexplained(&darker, &lighter, int(differsBy(f)/2))) / float64(n)
}

// differsBy returns the grey levels by which a pixel must differ from the prediction to count.
func differsBy(f *photometry.Fit) float32 { return float32(overlayOff + float64(overlayRMS*f.RMS)) }

// differing returns the indexes of the leak's pixels that differ from the prediction f, which must be
// that of s. They are found once.
func (s *Sight) differing(f *photometry.Fit) []int {
	if s.differ == nil {
		threshold := differsBy(f)
		s.differ = []int{}
		for i, v := range s.Leak.Pix {
			if d := v - f.Predicted.Pix[i]; max(d, -d) > threshold {
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
