package dsp

import "math"

// A Rect is part of a plane, in samples: its corners lie at (X, Y) and (X + W, Y + H), and the first sample covers 0 to 1.
type Rect struct{ X, Y, W, H float64 }

// A Kernel is a function that programs resize pictures with: the weight of a sample by its distance. The unit is a
// sample of the result when shrinking, a sample of the source when enlarging.
type Kernel int

const (
	Area    Kernel = iota // the mean over each sample's area; linear to enlarge
	Linear                // a triangle
	Cubic                 // cubic convolution (Keys, 1981), parameter -0.5
	Lanczos               // three lobes (Duchon, 1979)
)

func (k Kernel) reach() float64 { return [...]float64{1, 1, 2, 3}[k] }

// at returns the weight of a sample at a distance of x samples, of either sign: 0 from reach on. Weights are not
// normalised. Area gives its triangle for enlarging; newTaps computes it for shrinking.
func (k Kernel) at(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x >= k.reach():
		return 0
	case k == Cubic && x < 1:
		return float64((float64(1.5*x)-2.5)*float64(x*x)) + 1
	case k == Cubic:
		return float64((float64((float64(-0.5*x)+2.5)*x)-4)*x) + 2
	case k == Lanczos:
		return sinc(x) * sinc(x/3)
	}
	return 1 - x
}

func sinc(x float64) float64 {
	if x < 1e-9 {
		return 1
	}
	_, s := Cis(x / 2)
	return s / float64(math.Pi*x)
}

// Resize returns the part r of p at w x h samples, filtered by the kernel k in each direction. r
// may reach beyond p: what lies beyond an edge counts as the sample on the edge. If r shrinks in a
// direction, the kernel is widened, so that no sample is passed over.
func Resize(p Plane, r Rect, w, h int, k Kernel) Plane {
	along, down := newTaps(r.X, r.W, w, k), newTaps(r.Y, r.H, h, k)
	out := NewPlane(w, h)
	Shared(h, len(p.Pix)+w*h, func(from, to int) {
		rows := newAcross(p, along)
		for at, first := down[from].First, from; first < to; at++ {
			row := rows.row(min(max(at, 0), p.H-1))
			for y := first; y < to && down[y].First <= at; y++ {
				if i := at - down[y].First; i < len(down[y].Weights) {
					AddScaled(out.Row(y), row, down[y].Weights[i])
				} else if y == first {
					first++
				}
			}
		}
	})
	return out
}

// An across resizes the rows of a plane along themselves, Lanes rows at a time.
type across struct {
	src     Plane
	taps    taps
	in, out []float32 // rows before and after, as columns
	done    Plane     // the rows after, from row top on
	top, n  int       // n is 0 before the first row
}

func newAcross(src Plane, t taps) *across {
	return &across{
		src: src, taps: t, done: NewPlane(len(t), Lanes),
		in: make([]float32, Lanes*src.W), out: make([]float32, Lanes*len(t)),
	}
}

// row returns row y of the source, resized. It is valid until the next call. Rows should be asked
// for from above: a row above the last ones is resized again, with the rows below it.
func (a *across) row(y int) []float32 {
	if y < a.top || y >= a.top+a.n {
		a.top, a.n = y, min(Lanes, a.src.H-y)
		IntoColumns(a.in, a.src.Pix[y*a.src.W:(y+a.n)*a.src.W], a.src.W, a.n)
		a.taps.columns(a.out, a.in)
		IntoRows(a.done.Pix, a.out, a.done.W, a.n)
	}
	return a.done.Row(y - a.top)
}

// A Tap is what a sample is the weighted sum of: source samples from First on.
type Tap struct {
	First   int
	Weights []float32
}

// taps are of the samples of a row or column.
type taps []Tap

// Across returns a plane with the rows of p and a sample of each tap in a row. Beyond an edge the sample on it counts.
func Across(p Plane, t []Tap) Plane {
	out := NewPlane(len(t), p.H)
	Shared(p.H, 8*len(out.Pix), func(from, to int) {
		rows := newAcross(p, t)
		for y := from; y < to; y++ {
			copy(out.Row(y), rows.row(y))
		}
	})
	return out
}

// newTaps returns the taps of n samples of the result that together cover span source samples from
// start on, which need not be whole. first of a sample may be negative or beyond the source; columns
// handles that. The weights of each sample sum to 1.
func newTaps(start, span float64, n int, k Kernel) taps {
	step := span / float64(n)
	wide := math.Max(step, 1)
	half := float64(k.reach() * wide)
	if k == Area && step > 1 {
		half = (step + 1) / 2
	}
	t := make(taps, n)
	for i := range t {
		middle := start + float64((float64(i)+0.5)*step)
		first, last := int(math.Ceil(middle-half-0.5)), int(math.Floor(middle+half-0.5))
		t[i].First = first
		sum := 0.0
		g := make([]float64, max(last-first+1, 0))
		for j := range g {
			x := float64(first+j) + 0.5 - middle
			if k == Area && step > 1 {
				g[j] = math.Min(1, math.Max(0, half-math.Abs(x)))
			} else {
				g[j] = k.at(x / wide)
			}
			sum += g[j]
		}
		for _, v := range g {
			t[i].Weights = append(t[i].Weights, float32(v/sum))
		}
	}
	return t
}

// columns writes, for each tap, the weighted sum of rows of src to a row of dst. Both have Lanes floats a row:
// samples lie below each other. Taps beyond an edge of src count as the sample on the edge.
func (t taps) columns(dst, src []float32) {
	last := len(src)/Lanes - 1
	for x := range t {
		sum, first, weights := dst[x*Lanes:(x+1)*Lanes], t[x].First, t[x].Weights
		if n := len(weights); avx2 && n > 0 && first >= 0 && first+n-1 <= last {
			tapAVX2(&sum[0], &src[first*Lanes], &weights[0], n)
			continue
		}
		clear(sum)
		for j, g := range weights {
			at := min(max(first+j, 0), last) * Lanes
			AddScaled(sum, src[at:at+Lanes], g)
		}
	}
}
