package photometry

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Change is a part of the original that the leak shows otherwise.
type Change struct {
	X0, Y0, X1, Y1 float64 // its bounds, pixels of the view's rendition of the original
	Covered        bool    // the leak has no detail of its own there
	Score          float64 // RMS difference in units of the residual's elsewhere
}

// Changes returns the parts of the original that the leak shows otherwise, nil without such parts.
// They are cells in which detail does not follow or the level is off, joined if they touch. v is
// the view that f was made of. Small and faint changes are left out.
func (f *Fit) Changes(v *View) []Change {
	w, h := (f.Inside.W+changeCell-1)/changeCell, (f.Inside.H+changeCell-1)/changeCell
	off := make([]bool, w*h)
	for cy := range h {
		for cx := range w {
			n, bad := 0, 0
			f.cell(cx, cy, func(i int) {
				if f.Inside.Pix[i] > 0 {
					n++
					if f.Covered.Pix[i] > 0 || f.off[i] {
						bad++
					}
				}
			})
			off[cy*w+cx] = n > changeCell*changeCell/2 && float64(bad) > changeShare*float64(n)
		}
	}
	if !slices.Contains(off, true) {
		return nil
	}
	var out []Change
	shown := dsp.HighPass(v.Leak, 4)
	for i, o := range off {
		if o {
			if c, ok := f.change(v, shown, joined(off, w, i), w); ok {
				out = append(out, c)
			}
		}
	}
	return out
}

// cell calls visit with the index of each pixel in the cell in column cx and row cy.
func (f *Fit) cell(cx, cy int, visit func(i int)) {
	for y := cy * changeCell; y < min((cy+1)*changeCell, f.Inside.H); y++ {
		for x := cx * changeCell; x < min((cx+1)*changeCell, f.Inside.W); x++ {
			visit(y*f.Inside.W + x)
		}
	}
}

// joined returns the cells that touch cell first, directly or through others, corners included,
// with first itself. It sets them to false in the grid, which has w cells a row.
func joined(grid []bool, w, first int) []int {
	grid[first] = false
	cells := []int{first}
	for k := 0; k < len(cells); k++ {
		x, y := cells[k]%w, cells[k]/w
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				nx, ny := x+dx, y+dy
				if nx < 0 || nx >= w || ny < 0 || ny*w+nx >= len(grid) || !grid[ny*w+nx] {
					continue
				}
				grid[ny*w+nx] = false
				cells = append(cells, ny*w+nx)
			}
		}
	}
	return cells
}

// change returns the change that some joined cells make up: its bounds, score and cover. shown is
// the leak's detail, and w the number of cells in a row. It returns false if there are under
// changeCells cells, or if the score is below changeScore.
func (f *Fit) change(v *View, shown dsp.Plane, cells []int, w int) (Change, bool) {
	c := Change{X0: math.Inf(1), Y0: math.Inf(1), X1: math.Inf(-1), Y1: math.Inf(-1)}
	if len(cells) < changeCells {
		return c, false
	}
	diff, flat, n := 0.0, 0, 0
	for _, k := range cells {
		f.cell(k%w, k/w, func(i int) {
			if f.Inside.Pix[i] == 0 {
				return
			}
			x, y := float64(v.X.Pix[i]), float64(v.Y.Pix[i])
			c.X0, c.X1 = math.Min(c.X0, x), math.Max(c.X1, x)
			c.Y0, c.Y1 = math.Min(c.Y0, y), math.Max(c.Y1, y)
			d := float64(v.Leak.Pix[i] - f.Predicted.Pix[i])
			diff += float64(d * d)
			if abs(shown.Pix[i]) < flatDetail {
				flat++
			}
			n++
		})
	}
	c.Score = math.Sqrt(diff/float64(n)) / (f.RMS + 1)
	c.Covered = float64(flat) > flatShare*float64(n)
	return c, c.Score >= changeScore
}
