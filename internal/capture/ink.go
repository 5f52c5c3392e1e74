package capture

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
)

// An inked is a black and white leak beside its original, on one grid: the leak's pixels, or larger ones if it has more than
// inkSide.
type inked struct {
	leak, orig dsp.Plane // 1 for white and 0 for black; grey levels
	wrong      []bool    // the leak is white where the original is surely darker than around, or the reverse
	pale       []bool    // the leak is white in even, dark ground: its threshold goes with what is around
	even       []bool    // the original is even here: a threshold may put ink or paper
	unseen     []bool    // the leak does not lie on the original here
}

// inkFields compares ink at the leak's resolution, square by square. No threshold puts thin strokes where the original has
// even paper, and none wipes out a part of a stroke: another text does both. Larger patches in even places are the
// threshold's. Nor does a threshold give another print. A square of print that is all black or all white cannot be read.
func (s *Sight) inkFields() *Page {
	ink := inkOf(s)
	return s.page(ink.leak.W, ink.leak.H, inkReadable, maxLost, func(x, y int) (other, hidden bool) {
		white, wrong := 0, 0
		for j := range fieldSide {
			for i := range fieldSide {
				at := (y+j)*ink.leak.W + x + i
				switch {
				case ink.unseen[at]:
					return false, false
				case ink.wrong[at]:
					wrong++
				}
				white += int(ink.leak.Pix[at])
			}
		}
		if white == 0 || white == fieldSide*fieldSide {
			return wrong >= minInk, ink.contrast(x, y) >= inkLost
		}
		return wrong >= minInk || ink.misfits(min(x, ink.leak.W-fitSide), min(y, ink.leak.H-fitSide)), false
	})
}

// misfits reports whether the square of fitSide pixels at (x, y) has print that the leak does not have with any threshold.
func (n *inked) misfits(x, y int) bool {
	var ink, paper [256 / fitStep]int // pixels of the leak, by the original's level
	low, high, black, all, sure := len(ink), 0, 0, 0, 0
	for j := max(y, 0); j < y+fitSide; j++ {
		for i := max(x, 0); i < x+fitSide; i++ {
			at := j*n.leak.W + i
			if n.even[at] {
				if n.wrong[at] {
					sure++
				}
				continue
			}
			level := min(max(int(n.orig.Pix[at]/fitStep), 0), len(ink)-1)
			low, high = min(low, level), max(high, level)
			switch all++; {
			case n.pale[at]:
				return false
			case n.leak.Pix[at] > 0:
				paper[level]++
			default:
				ink[level]++
				black++
			}
		}
	}
	if (high-low)*fitStep < inkLost {
		return false
	}
	off, best, below, expected := black, black, 0, 0
	for level := range ink {
		below += ink[level] + paper[level]
		if off += paper[level] - ink[level]; off < best {
			best, expected = off, below
		}
	}
	best, expected = best+sure, expected+sure
	return best >= minMisfit && float64(best) >= maxMisfit*float64(min(black+expected, 2*all-black-expected))
}

// contrast returns by how many grey levels the original varies in the square at (x, y), along a row or along a column,
// whichever is less. Print varies along both, a line along one.
func (n *inked) contrast(x, y int) float32 {
	var along [2]float32
	for i := inkRim; i < fieldSide-inkRim; i++ {
		low, high := [2]float32{255, 255}, [2]float32{}
		for j := inkRim; j < fieldSide-inkRim; j++ {
			for k, v := range [2]float32{n.orig.Row(y + i)[x+j], n.orig.Row(y + j)[x+i]} {
				low[k], high[k] = min(low[k], v), max(high[k], v)
			}
		}
		for k := range along {
			along[k] = max(along[k], high[k]-low[k])
		}
	}
	return min(along[0], along[1])
}

// inkOf lays the leak beside the untreated original.
func inkOf(s *Sight) *inked {
	leak, c, full := s.given.Luma().Make(), s.on.Canonical(), s.untreated.Luma().Make()
	w, h := geometry.Fit(leak.W, leak.H, inkSide)
	if w < leak.W {
		leak = dsp.Shrink(leak, w, h)
	}
	is := func() []bool { return make([]bool, w*h) }
	out := &inked{dsp.NewPlane(w, h), dsp.NewPlane(w, h), is(), is(), is(), is()}
	xs, ys := dsp.Enlarged(s.X, w, h), dsp.Enlarged(s.Y, w, h)
	kx, ky := float64(full.W)/float64(c.W), float64(full.H)/float64(c.H)
	pitch := math.Max(1, kx/s.Scale*float64(s.Leak.W)/float64(w))
	for i, x := range xs.Pix {
		y := ys.Pix[i]
		out.unseen[i] = !(x > -1 && y > -1 && x < float32(c.W) && y < float32(c.H)) // NaN too
		if x == x && y == y {
			out.orig.Pix[i] = photometry.Sample(full, float64((float64(x)+0.5)*kx)-0.5, float64((float64(y)+0.5)*ky)-0.5, pitch)
		}
		if s.Inverted != (leak.Pix[i] >= 128) {
			out.leak.Pix[i] = 1
		}
	}
	low, high, soft, mean := dsp.Erode(out.orig, inkAround), dsp.Dilate(out.orig, inkAround), dsp.Box(out.orig, inkAround), dsp.Box(out.orig, inkWindow)
	light, dark := dsp.Dilate(dsp.Erode(soft, inkAround), inkWindow), dsp.Erode(dsp.Dilate(soft, inkAround), inkWindow)
	opened, closed := dsp.Dilate(dsp.Erode(out.leak, inkThin), inkThin), dsp.Erode(dsp.Dilate(out.leak, inkThin), inkThin)
	beside := dsp.Dilate(opened, inkBeside)
	for i, v := range out.leak.Pix {
		out.even[i] = high.Pix[i] < low.Pix[i]+inkFlat
		if v > 0 {
			out.pale[i] = dark.Pix[i] < 128 && high.Pix[i] < dark.Pix[i]+inkFlat
			out.wrong[i] = high.Pix[i] < mean.Pix[i]-inkPrint || out.pale[i] && beside.Pix[i] == 0
		} else {
			out.wrong[i] = low.Pix[i] > mean.Pix[i]+inkPrint || light.Pix[i] >= 128 && low.Pix[i] > light.Pix[i]-inkFlat && closed.Pix[i] > 0
		}
	}
	return out
}
