package phash

import (
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
)

// The blur of PDQ: a box filter along x, then along y, then both again, which makes a tent (W. Jarosz, "Fast Image
// Convolutions", SIGGRAPH workshop 2001), read at the centres of 64 × 64 blocks.
//
// The hash depends on the last bit of these sums. So each sum is a running sum in float32 in the order of the reference
// (pdq/cpp/downscaling): first the sample that enters the window is added, then the sample that leaves is taken away.
// Each mean is a division. Beyond an edge zeros enter or leave, which changes no sum. Rows are streamed through both
// passes, dsp.Lanes at a time: memory grows with width, not area. The second pass makes only the blocks' centres.

// gridSide is the number of blocks a side.
const gridSide = 64

type grid [gridSide][gridSide]float32

// centre returns the middle sample of block i when n samples are cut into gridSide blocks.
func centre(i, n int) int { return int((2*int64(i) + 1) * int64(n) / (2 * gridSide)) }

// A box is the window of a running mean over n samples. The mean at o takes the
// size samples that end with o+lead, as far as they exist.
type box struct{ n, size, lead int }

func newBox(n int) box {
	size := (n + 2*gridSide - 1) / (2 * gridSide)
	return box{n, size, size / 2}
}

// count returns how many samples the mean at o takes; for a place beyond the samples, 1.
func (b box) count(o int) float32 {
	return float32(max(1, min(o+b.lead, b.n-1)-max(o+b.lead-b.size, -1)))
}

// zeros are what lies beyond the edges.
var zeros [dsp.Lanes]float32

// A rowBox is a box run along dsp.Lanes rows at once, which lie as columns.
type rowBox struct {
	box
	counts []float32
}

// newRowBox returns box b for dsp.Lanes rows at once, with the b.n divisors of its means. It
// keeps no sums, so one rowBox serves all rows of b.n samples.
func newRowBox(b box) *rowBox {
	r := &rowBox{b, make([]float32, b.n)}
	for o := range r.counts {
		r.counts[o] = b.count(o)
	}
	return r
}

// part returns which samples of src enter and leave the window from step i on, and the step at which that changes. At
// step i sample i enters and sample i-size leaves; beyond the ends of src zeros do.
func (r *rowBox) part(src []float32, i int) (enter, leave dsp.Strip, to int) {
	enter, leave = dsp.Strip{Pix: zeros[:]}, dsp.Strip{Pix: zeros[:]}
	to = r.n + r.lead
	if i < r.n {
		enter, to = dsp.Strip{Pix: src[i*dsp.Lanes:], Step: dsp.Lanes}, r.n
	}
	if i >= r.size {
		leave = dsp.Strip{Pix: src[(i-r.size)*dsp.Lanes:], Step: dsp.Lanes}
	} else {
		to = min(to, r.size)
	}
	return enter, leave, to
}

// means fills dst with the means at all n places. src and dst have dsp.Lanes values for each place, one for each row.
func (r *rowBox) means(dst, src []float32) {
	var sum [dsp.Lanes]float32
	i := r.slide(&sum, src, 0, r.lead)
	for i < r.n+r.lead {
		enter, leave, to := r.part(src, i)
		at := i - r.lead
		dsp.Means(&sum, dsp.Strip{Pix: dst[at*dsp.Lanes:], Step: dsp.Lanes}, enter, leave, r.counts[at:to-r.lead])
		i = to
	}
}

// centres fills dst with the means at the middles of the gridSide blocks. src and dst have
// dsp.Lanes values for each place, one for each row.
func (r *rowBox) centres(dst, src []float32) {
	var sum [dsp.Lanes]float32
	i := 0
	for k := range gridSide {
		o := centre(k, r.n)
		i = r.slide(&sum, src, i, o+r.lead+1)
		n := r.counts[o]
		for l, v := range sum {
			dst[k*dsp.Lanes+l] = v / n
		}
	}
}

// slide moves the window over src from step i to step to. It adds to sum what enters and takes away
// what leaves, and returns to, or i if that is larger.
func (r *rowBox) slide(sum *[dsp.Lanes]float32, src []float32, i, to int) int {
	for i < to {
		enter, leave, end := r.part(src, i)
		end = min(end, to)
		dsp.Slide(sum, enter, leave, end-i)
		i = end
	}
	return i
}

// A columnBox is a box run down all columns at once, dsp.Lanes rows at a time. The first
// late rows that enter lie above the picture.
type columnBox struct {
	box
	width, late int
	steps       int       // rows that have entered
	sum         []float32 // a running sum for each column
	ring        []float32 // the rows in the window, the leaving rows, and the entering rows
	counts      []float32 // by step
}

// newColumnBox returns box b for columns of rows of width samples. Of the steps rows that will
// enter, the first late lie above the picture.
func newColumnBox(width, late int, b box, steps int) *columnBox {
	rows := roundUp(b.size) + dsp.Lanes
	c := &columnBox{
		box: b, width: width, late: late,
		sum: make([]float32, width), ring: make([]float32, rows*width), counts: make([]float32, steps),
	}
	for i := range c.counts {
		c.counts[i] = b.count(i - late - b.lead)
	}
	return c
}

func roundUp(n int) int { return (n + dsp.Lanes - 1) / dsp.Lanes * dsp.Lanes }

// entering returns the place for the dsp.Lanes rows that enter with the next step.
func (c *columnBox) entering() []float32 {
	at := c.steps * c.width % len(c.ring)
	return c.ring[at : at+dsp.Lanes*c.width]
}

// step moves the window down by the dsp.Lanes rows that were put into entering, and fills dst with their means, row by
// row. The first row is the mean at row steps-late-lead, with steps as before the call. It may lie above the picture.
func (c *columnBox) step(dst []float32) {
	from, enter := c.steps, c.entering()
	for i := 0; i < dsp.Lanes; {
		leave, step, to := zeros[:], 0, dsp.Lanes
		if gone := from + i - c.size; gone >= 0 {
			at := gone * c.width % len(c.ring)
			leave, step = c.ring[at:], c.width
			to = min(to, i+(len(c.ring)-at)/c.width)
		} else {
			to = min(to, i-gone)
		}
		for x := 0; x < c.width; x += dsp.Lanes {
			sub := dsp.Strip{Pix: leave, Step: step}
			if step > 0 {
				sub.Pix = leave[x:]
			}
			dsp.Means((*[dsp.Lanes]float32)(c.sum[x:]), dsp.Strip{Pix: dst[i*c.width+x:], Step: c.width},
				dsp.Strip{Pix: enter[i*c.width+x:], Step: c.width}, sub, c.counts[from+i:from+to])
		}
		i = to
	}
	c.steps += dsp.Lanes
}

// shrink returns the grid of an opaque picture that begins at (0, 0): its luma blurred and read at the
// middles of the blocks. A picture of the grid's very size is taken as it is, without blur.
func shrink(m *image.NRGBA) *grid {
	w, h := m.Rect.Max.X, m.Rect.Max.Y
	g := new(grid)
	if w == gridSide && h == gridSide {
		for y := range g {
			dsp.Luma(g[y][:], rowOf(m, y))
		}
		return g
	}
	t := newTent(w, h)
	for y := 0; y < h; y += dsp.Lanes {
		n := min(dsp.Lanes, h-y)
		for i := range n {
			dsp.Luma(t.rows[i*t.width:][:w], rowOf(m, y+i))
		}
		clear(t.rows[n*t.width:])
		t.blur()
		t.fill(g)
	}
	for !t.fill(g) {
		clear(t.rows)
		t.blur()
	}
	return g
}

// A tent is the blur at work.
type tent struct {
	width         int // of rows, a multiple of dsp.Lanes
	across        *rowBox
	first, second *columnBox
	rows          []float32 // dsp.Lanes rows
	columns       []float32 // the same as columns
	cells         []float32 // and with the middles of the blocks alone
	done          int       // rows of the grid
}

// newTent returns the blur of a picture of w x h pixels.
func newTent(w, h int) *tent {
	down := newBox(h)
	width, steps := roundUp(w), roundUp(h+2*down.lead)
	n := dsp.Lanes * width
	return &tent{
		width: width, across: newRowBox(newBox(w)),
		first: newColumnBox(width, 0, down, steps), second: newColumnBox(gridSide, down.lead, down, steps),
		rows: make([]float32, n), columns: make([]float32, n),
		cells: make([]float32, 2*gridSide*dsp.Lanes),
	}
}

// blur sends dsp.Lanes rows of the picture, from t.rows, through both passes. It leaves in t.cells
// the dsp.Lanes rows that come out of the second pass, and overwrites t.rows.
func (t *tent) blur() {
	dsp.IntoColumns(t.columns, t.rows, t.width, dsp.Lanes)
	means := t.rows // as columns, for once
	t.across.means(means, t.columns)
	dsp.IntoRows(t.first.entering(), means, t.width, dsp.Lanes)
	row := t.first.steps - t.first.lead // of the first mean
	t.first.step(t.rows)
	dsp.IntoColumns(t.columns, t.rows, t.width, dsp.Lanes)
	middles, cells := t.second.entering(), t.cells[:gridSide*dsp.Lanes]
	t.across.centres(cells, t.columns)
	dsp.IntoRows(middles, cells, gridSide, dsp.Lanes)
	for i := range dsp.Lanes {
		if row+i < 0 || row+i >= t.first.n {
			clear(middles[i*gridSide : (i+1)*gridSide])
		}
	}
	t.second.step(t.cells)
}

// fill copies to g the rows of the grid that the last blur made, and reports whether g is complete.
// The caller goes on with blur until it is, with rows of zeros below the picture.
func (t *tent) fill(g *grid) bool {
	top := t.second.steps - dsp.Lanes - 2*t.second.lead
	for ; t.done < gridSide; t.done++ {
		i := centre(t.done, t.first.n) - top
		if i >= dsp.Lanes || t.second.steps == 0 {
			return false
		}
		copy(g[t.done][:], t.cells[i*gridSide:])
	}
	return true
}
