package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
)

// A Page is what a leak of a page that a computer made shows of its fields. Such a page has no grain, no shadow and no
// chance of its own. Another customer's page of the same template differs from it in its fields alone, so that frame, light
// and place say nothing. A scan whose paper a program made white is judged in the same way.
type Page struct {
	Other []Region // places with another text or picture
	Whole bool     // all of the page can be seen and read: nothing is covered, cut off or too small
}

// Page returns what the leak shows of the original's fields. It returns nil if nothing of the original is seen, or if the
// original does not look as if a computer made it. A computer gives much of a page one of a few levels, exactly.
func (s *Sight) Page() (*Page, error) {
	if s.on.even() < minEvenShare {
		return nil, nil
	}
	p, err := s.prediction()
	if p == nil {
		return nil, err
	}
	if s.sure != nil {
		return s.inkFields(s.untreated), nil
	}
	return p.fields(), nil
}

// evenShare returns the share, 0..1, of the squares of p that have no detail, and one of the [evenLevels] most frequent levels.
func evenShare(p dsp.Plane) float64 {
	var at [257]int
	n := 0
	for y := 0; y+evenSide <= p.H; y += evenSide {
		for x := 0; x+evenSide <= p.W; x += evenSide {
			low, high := p.Pix[y*p.W+x], p.Pix[y*p.W+x]
			for j := y; j < y+evenSide; j++ {
				for _, v := range p.Row(j)[x : x+evenSide] {
					low, high = min(low, v), max(high, v)
				}
			}
			if n++; high-low <= evenRange {
				at[min(max(int((low+high)/2+0.5), 0), 255)]++
			}
		}
	}
	// a level on the border of two counts as one: neighbours are taken together
	sum := 0
	for range evenLevels {
		best := 0
		for i := range 256 {
			if at[i]+at[i+1] > at[best]+at[best+1] {
				best = i
			}
		}
		sum += at[best] + at[best+1]
		at[best], at[best+1] = 0, 0
	}
	return float64(sum) / float64(max(n, 1))
}

// fields compares the leak with the prediction, square by square.
func (s *prediction) fields() *Page {
	want, seen := dsp.HighPass(s.Predicted, fieldHigh), dsp.HighPass(s.Leak, fieldHigh)
	readable := min(minReadable, float64(nearlyAll*float64(max(s.on.Luma().W, s.on.Luma().H))))
	return s.page(want.W, want.H, readable, 0, func(x, y int) (other, hidden bool) {
		off, power, own, ok := fieldPower(s.Inside, want, seen, x, y)
		if !ok || power < fieldSide*fieldSide*minFieldPower || off < maxFieldOff*power {
			return false, false
		}
		hidden = own < fieldBlank*power // nothing is seen here
		return !hidden, hidden
	})
}

// page returns what the squares of a grid of w x h pixels, which covers the leak, show. look says of the square at (x, y)
// whether it shows something else than the original, and whether something of the original is hidden there. A page is
// whole if its long side has at least readable pixels of the grid, and no hidden place has lost pixels both ways.
func (s *pose) page(w, h int, readable, lost float64, look func(x, y int) (other, hidden bool)) *Page {
	long, per := float64(max(s.view.W, s.view.H)), float64(w)/float64(s.Leak.W)
	var other, unread []Region
	squares := 0
	add := func(all []Region, x, y int, gap float64) []Region {
		r := Region{X0: math.Inf(1), Y0: math.Inf(1), X1: math.Inf(-1), Y1: math.Inf(-1)}
		for _, j := range []int{y, y + fieldSide - 1} {
			for _, i := range []int{x, x + fieldSide - 1} {
				at := int(float64(j)/per)*s.Leak.W + int(float64(i)/per)
				u, v := float64(s.X.Pix[at]), float64(s.Y.Pix[at])
				r = r.with(&Region{X0: u, Y0: v, X1: u, Y1: v})
			}
		}
		if k := slices.IndexFunc(all, func(o Region) bool { return o.inLine(&r, gap) }); k >= 0 {
			all[k] = all[k].with(&r) // at once: a leak may differ in 60,000 squares
			return all
		}
		return append(all, r)
	}
	for y := 0; y+fieldSide <= h; y += fieldStep {
		for x := 0; x+fieldSide <= w; x += fieldStep {
			differs, hidden := look(x, y)
			if hidden {
				unread = add(unread, x, y, 0)
			}
			if differs {
				squares++
				other = add(other, x, y, float64(joinGap*long))
			}
		}
	}
	whole := float64(per*s.Scale*long) >= readable && s.unseen() <= maxUnseen &&
		!slices.ContainsFunc(joined(unread, func(a, b *Region) bool { return a.inLine(b, 0) }), func(r Region) bool {
			return float64(min(r.X1-r.X0, r.Y1-r.Y0)*per*s.Scale) >= lost
		})
	if squares < minFieldSquares {
		return &Page{nil, whole}
	}
	other = joined(other, func(a, b *Region) bool { return a.inLine(b, float64(joinGap*long)) })
	for i := range other {
		other[i].Kind = Field
		other[i].Share = s.share(&other[i])
	}
	return &Page{other, whole}
}

// fieldPower returns the powers of what a square of the leak at (x, y) shows beside what is expected, of both together,
// and of the leak. ok is false if a pixel of the square is not inside: it, or a pixel within 5 of it, is not on the original.
func fieldPower(inside, want, seen dsp.Plane, x, y int) (off, both, leak float64, ok bool) {
	for j := y; j < y+fieldSide; j++ {
		from := j*want.W + x
		for i := from; i < from+fieldSide; i++ {
			if inside.Pix[i] == 0 {
				return 0, 0, 0, false
			}
			a, b := float64(want.Pix[i]), float64(seen.Pix[i])
			off += float64((b - a) * (b - a))
			leak += float64(b * b)
			both += float64(a*a) + float64(b*b)
		}
	}
	return off, both, leak, true
}

// unseen returns the share, 0..1, of the original's detail that no pixel of the leak shows.
func (s *pose) unseen() float64 {
	c := s.on.Canonical()
	w, h := (c.W+evenSide-1)/evenSide, (c.H+evenSide-1)/evenSide
	seen := make([]bool, w*h)
	for i, x := range s.X.Pix {
		if y := s.Y.Pix[i]; x >= 0 && y >= 0 && int(x) < c.W && int(y) < c.H {
			seen[int(y)/evenSide*w+int(x)/evenSide] = true
		}
	}
	d := band(c, detailFine, detailCoarse)
	all, hidden := 0.0, 0.0
	for y := range c.H {
		for x, v := range d.Row(y) {
			power := float64(v * v)
			all += power
			if !seen[y/evenSide*w+x/evenSide] {
				hidden += power
			}
		}
	}
	return hidden / (all + 1e-9)
}

// An inked is a black and white leak beside its original, on the leak's grid of pixels, or a coarser one of inkSide.
type inked struct {
	leak, orig dsp.Plane // 1 for white and 0 for black; grey levels
	wrong      []bool    // the leak is white where the original is surely darker than around, or the reverse
	even       []bool    // the original is even here: a threshold may put ink or paper
	unseen     []bool    // the leak does not lie on the original here
}

// inkFields compares ink with the untreated original at the leak's resolution, by squares. No threshold puts thin
// strokes on even paper of the original, or wipes out a part of a stroke: another text does both. Larger patches in
// even places are the threshold's. It gives no other print. A square of print all black or all white cannot be read.
func (s *pose) inkFields(untreated *Original) *Page {
	ink := s.ink(untreated.Luma().Make())
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
		blank, print := white == 0 || white == fieldSide*fieldSide, ink.contrast(x, y) >= inkPrinted
		return wrong >= minInk || print && ink.misfits(min(x, ink.leak.W-fitSide), min(y, ink.leak.H-fitSide)), print && blank
	})
}

// misfits reports whether no threshold makes the square of fitSide pixels at (x, y) what it is in the leak.
func (n *inked) misfits(x, y int) bool {
	var ink, paper [256 / fitStep]int // pixels of the leak, by the original's level
	black, all, sure := 0, 0, 0
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
			if all++; n.leak.Pix[at] > 0 {
				paper[level]++
			} else {
				ink[level]++
				black++
			}
		}
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
		var row, column [fieldSide - 2*inkRim]float32
		for j := range row {
			row[j], column[j] = n.orig.Row(y + i)[x+inkRim+j], n.orig.Row(y + inkRim + j)[x+i]
		}
		along[0], along[1] = max(along[0], slices.Max(row[:])-slices.Min(row[:])), max(along[1], slices.Max(column[:])-slices.Min(column[:]))
	}
	return min(along[0], along[1])
}

// ink lays the leak beside the untreated original, given at full resolution.
func (s *pose) ink(full dsp.Plane) *inked {
	given, c := s.given.Luma(), s.on.Canonical()
	w, h := geometry.Fit(given.W, given.H, inkSide)
	leak := given.Shrink(w, h)
	is := func() []bool { return make([]bool, w*h) }
	out := &inked{dsp.NewPlane(w, h), dsp.NewPlane(w, h), is(), is(), is()}
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
			out.wrong[i] = high.Pix[i] < mean.Pix[i]-inkPrint || dark.Pix[i] < 128 && high.Pix[i] < dark.Pix[i]+inkFlat && beside.Pix[i] == 0
		} else {
			out.wrong[i] = low.Pix[i] > mean.Pix[i]+inkPrint || light.Pix[i] >= 128 && low.Pix[i] > light.Pix[i]-inkFlat && closed.Pix[i] > 0
		}
	}
	return out
}
