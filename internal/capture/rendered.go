package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
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
	f, _, err := s.Fit()
	if f == nil {
		return nil, err
	}
	if s.onlyEdges {
		return s.inkFields(), nil
	}
	return s.fields(f), nil
}

// evenShare returns the share, 0..1, of the squares of p that have one of the [evenLevels] most frequent levels, and no
// detail.
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

// fields compares the leak with the prediction f, square by square.
func (s *Sight) fields(f *photometry.Fit) *Page {
	want, seen := dsp.HighPass(f.Predicted, fieldHigh), dsp.HighPass(s.Leak, fieldHigh)
	full := s.on.Luma()
	readable := min(minReadable, float64(nearlyAll*float64(max(full.W, full.H))))
	return s.page(want.W, want.H, readable, 0, func(x, y int) (other, hidden bool) {
		off, power, own, ok := fieldPower(f.Inside, want, seen, x, y)
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
func (s *Sight) page(w, h int, readable, lost float64, look func(x, y int) (other, hidden bool)) *Page {
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
	near := float64(joinGap * long)
	for y := 0; y+fieldSide <= h; y += fieldStep {
		for x := 0; x+fieldSide <= w; x += fieldStep {
			differs, hidden := look(x, y)
			if hidden {
				unread = add(unread, x, y, 0)
			}
			if differs {
				squares++
				other = add(other, x, y, near)
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
	other = joined(other, func(a, b *Region) bool { return a.inLine(b, near) })
	for i := range other {
		other[i].Kind = Field
		other[i].Share = s.share(&other[i])
	}
	return &Page{other, whole}
}

// fieldPower returns the powers of what a square of the leak at (x, y) shows beside what is expected, of both together,
// and of the leak. ok is false if a pixel of the square, or beside it, is not on the original.
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
func (s *Sight) unseen() float64 {
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
