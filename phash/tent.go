package phash

// The blur of PDQ: a box filter along x, then along y, then both again, which
// makes a tent (W. Jarosz, "Fast Image Convolutions", SIGGRAPH workshop 2001),
// read at the centres of 64 × 64 blocks.
//
// The hash hangs on the last bit of these sums. So each is a running sum in
// float32, which takes in the sample that enters the window before it lets go
// of the one that leaves, and each mean is a division: the order of the
// reference (pdq/cpp/downscaling). What is free is where the sums live. Rows are
// streamed through both passes, so memory grows with the picture's width and
// not with its area, and of the second pass only the block centres are made.

// gridSide is the number of blocks a side.
const gridSide = 64

type grid [gridSide][gridSide]float32

// centres returns the middle sample of each block when n samples are cut into
// gridSide blocks.
func centres(n int) []int {
	at := make([]int, gridSide)
	for i := range at {
		at[i] = int((2*int64(i) + 1) * int64(n) / (2 * gridSide))
	}
	return at
}

// A box is the window of a running mean over n samples. The mean at o takes the
// size samples that end with o+lead, as far as they exist.
type box struct{ n, size, lead int }

// newBox returns the window for n samples: half a block, rounded up.
func newBox(n int) box {
	size := (n + 2*gridSide - 1) / (2 * gridSide)
	return box{n, size, size / 2}
}

// count returns how many samples the mean at o takes.
func (b box) count(o int) float32 {
	return float32(min(o+b.lead, b.n-1) - max(o+b.lead-b.size, -1))
}

// means fills dst with the means of src at the given positions, which rise.
func (b box) means(dst, src []float32, at []int) {
	var sum float32
	r := 0 // next sample to enter
	for i, o := range at {
		for ; r <= o+b.lead; r++ {
			if r < b.n {
				sum += src[r]
			}
			if r >= b.size {
				sum -= src[r-b.size]
			}
		}
		dst[i] = sum / b.count(o)
	}
}

// A columnBox is a box run down all columns at once, row after row.
type columnBox struct {
	box
	r    int         // next row to enter
	sum  []float32   // a running sum for each column
	ring [][]float32 // the rows in the window, and the one that leaves it
}

func newColumnBox(width int, b box) *columnBox {
	c := &columnBox{box: b, sum: make([]float32, width), ring: make([][]float32, b.size+1)}
	for i := range c.ring {
		c.ring[i] = make([]float32, width)
	}
	return c
}

// entering returns the place for the row that enters with the next step.
func (c *columnBox) entering() []float32 { return c.ring[c.r%len(c.ring)] }

// step moves the window down by a row and returns the row whose mean the sums
// now are: negative for the first steps.
func (c *columnBox) step() (row int) {
	if c.r < c.n {
		for i, v := range c.entering() {
			c.sum[i] += v
		}
	}
	if c.r >= c.size {
		for i, v := range c.ring[(c.r-c.size)%len(c.ring)] {
			c.sum[i] -= v
		}
	}
	c.r++
	return c.r - 1 - c.lead
}

// means fills dst with the means of that row.
func (c *columnBox) means(dst []float32, row int) {
	n := c.count(row)
	for i, s := range c.sum {
		dst[i] = s / n
	}
}

// shrink reduces the raster to the grid. A raster of the grid's very size is
// taken as it is.
func (r *raster) shrink() *grid {
	w, h := len(r.xs), len(r.ys)
	g := new(grid)
	if w == gridSide && h == gridSide {
		for y := range g {
			r.luma(g[y][:], y)
		}
		return g
	}
	across, down := newBox(w), newBox(h)
	first, second := newColumnBox(w, down), newColumnBox(gridSide, down)
	line, all := make([]float32, w), every(w, w, false)
	cols, rows := centres(w), centres(h)
	filled := 0
	for y := range h + 2*down.lead {
		if y < h {
			r.luma(line, y)
			across.means(first.entering(), line, all)
		}
		if y < h+down.lead {
			if row := first.step(); row >= 0 {
				first.means(line, row)
				across.means(second.entering(), line, cols)
			}
		}
		if y < down.lead {
			continue
		}
		for row := second.step(); filled < gridSide && rows[filled] == row; filled++ {
			second.means(g[filled][:], row)
		}
	}
	return g
}
