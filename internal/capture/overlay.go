package capture

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/photometry"
)

const (
	overlayOff    = 12.0 // grey levels by which a pixel must be off to count, beside
	overlayRMS    = 2.0  // so many residuals RMS
	overlayRing   = 0.25 // of the greatest difference near by: what is less is a codec's or a filter's ringing
	overlayReach  = 3    // pixels of the leak that it reaches
	leastOverlaid = 560  // pixels of the leak's long side
	overlayRest   = 0.02 // share of those pixels that one shade may leave over
)

// overlaid reports whether what differs was laid over what the original shows: strokes, bars
// and stamps of one shade, opaque or not, through which and between which the original
// goes on. Each pixel then lies between what was there and that shade. Another text does not:
// where the old one was it is lighter, where the new one is darker, and no one shade is
// both lighter than paper and darker than ink.
// In a small leak strokes are too blurred to say.
func (s *Sight) overlaid(f *photometry.Fit, changes []photometry.Change) bool {
	return max(s.Leak.W, s.Leak.H) >= leastOverlaid && s.leftOver(f, changes) <= overlayRest
}

// leftOver is the least share of the pixels that differ which one shade laid over them does not
// explain, 0..1; 1 where none differ.
func (s *Sight) leftOver(f *photometry.Fit, changes []photometry.Change) float64 {
	least := float32(overlayOff + float64(overlayRMS*f.RMS))
	d := dsp.NewPlane(s.Leak.W, s.Leak.H) // by how much pixels differ, 0 where they do not
	for i, in := range f.Inside.Pix {
		if v := s.Leak.Pix[i] - f.Predicted.Pix[i]; in > 0 && max(v, -v) > least && within(changes, float64(s.X.Pix[i]), float64(s.Y.Pix[i])) {
			d.Pix[i] = v
		}
	}
	var darker, lighter [256]int
	n := 0
	for y := range d.H {
		for x, v := range d.Row(y) {
			if v == 0 || max(v, -v) < overlayRing*greatest(d, x, y) {
				continue
			}
			n++
			shade := min(max(int(math.Round(float64(s.Leak.Row(y)[x]))), 0), 255)
			if v < 0 {
				darker[shade]++
			} else {
				lighter[shade]++
			}
		}
	}
	if n == 0 {
		return 1
	}
	return float64(unexplained(&darker, &lighter, int(least/2))) / float64(n)
}

// greatest is the greatest difference around a pixel.
func greatest(d dsp.Plane, x, y int) (most float32) {
	for j := max(0, y-overlayReach); j <= min(d.H-1, y+overlayReach); j++ {
		for _, v := range d.Row(j)[max(0, x-overlayReach):min(d.W, x+overlayReach+1)] {
			most = max(most, v, -v)
		}
	}
	return most
}

// unexplained is the least number of pixels that one shade leaves over, of those that became
// darker and lighter, by their shades. A shade explains what became darker and is no darker
// than it, and what became lighter and is no lighter, but for some slack: less than half of
// what a pixel must be off, so that it does not explain both paper and ink.
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
	for _, c := range changes {
		if x >= c.X0 && x <= c.X1 && y >= c.Y0 && y <= c.Y1 {
			return true
		}
	}
	return false
}
