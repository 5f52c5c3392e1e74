package phash

import (
	"image"
	"image/color"
	"slices"
)

// A page is a reduced picture, at most 512 pixels a side, in which overprint is looked for: what is printed across a
// picture in a colour of its own. The chroma of overprint differs from the mean around it by more than overprintStep.
type page struct {
	grey   *image.Gray
	cb, cr []int32
	over   []bool
}

func newPage(w, h int) *page {
	return &page{grey: image.NewGray(image.Rect(0, 0, w, h)), cb: make([]int32, w*h), cr: make([]int32, w*h)}
}

// row fills row y of the page, its luma, Cb and Cr, from opaque pixels of four bytes.
func (p *page) row(line []uint8, y int) {
	at := y * p.grey.Stride
	for x := range p.grey.Stride {
		luma, cb, cr := color.RGBToYCbCr(line[4*x], line[4*x+1], line[4*x+2])
		p.grey.Pix[at+x], p.cb[at+x], p.cr[at+x] = luma, int32(cb), int32(cr)
	}
}

// cleaned returns the page with overprint painted over, as up to two pictures: with all that differs in colour, and
// with strokes alone, because a field of colour may be the document's own. A picture is left out if its overprint is
// too little to matter, or so much that it is the picture itself. The page serves only once.
func (p *page) cleaned() (all []*image.Gray) {
	w, h := p.grey.Rect.Dx(), p.grey.Rect.Dy()
	n := p.find(w, h)
	whole := &page{grey: p.grey, over: slices.Clone(p.over)}
	if whole.paint(w, h, n) {
		all = append(all, whole.grey)
	}
	if strokes := p.strokes(w, h); strokes < n && p.paint(w, h, strokes) {
		all = append(all, p.grey)
	}
	return all
}

// paint replaces p.grey by a copy with the n marked pixels painted over, and returns true. It
// returns false and does nothing if n is under 1/1000 or over 1/4 of the w × h pixels.
func (p *page) paint(w, h, n int) bool {
	if n < max(1, w*h/minOverprint) || n > w*h/maxOverprint {
		return false
	}
	p.grey = &image.Gray{Pix: slices.Clone(p.grey.Pix), Stride: p.grey.Stride, Rect: p.grey.Rect}
	for r, left := fillAround, n; left > 0 && r < 2*max(w, h); r *= 2 {
		left = p.fill(w, h, r)
	}
	return true
}

// find sets p.over for overprinted pixels and the eight around each, and returns how many pixels
// are then marked. w and h are the size of the page.
func (p *page) find(w, h int) (n int) {
	p.over = make([]bool, w*h)
	meanCb, meanCr := boxSums(p.cb, w, h, overprintAround), boxSums(p.cr, w, h, overprintAround)
	for y := range h {
		for x := range w {
			i, size := y*w+x, boxSize(x, y, w, h, overprintAround)
			if abs(p.cb[i]-meanCb[i]/size)+abs(p.cr[i]-meanCr[i]/size) <= overprintStep {
				continue
			}
			for v := max(0, y-1); v <= min(h-1, y+1); v++ {
				for u := max(0, x-1); u <= min(w-1, x+1); u++ {
					p.over[v*w+u] = true
				}
			}
		}
	}
	for _, o := range p.over {
		if o {
			n++
		}
	}
	return n
}

// strokes unmarks the pixels whose surroundings are mostly marked: fields of colour, not writing. w
// and h are the size of the page. strokes returns how many pixels stay marked.
func (p *page) strokes(w, h int) (n int) {
	marked := make([]int32, w*h)
	for i, o := range p.over {
		if o {
			marked[i] = 1
		}
	}
	around := boxSums(marked, w, h, strokeAround)
	for y := range h {
		for x := range w {
			i := y*w + x
			p.over[i] = p.over[i] && around[i]*10 <= maxStrokes*boxSize(x, y, w, h, strokeAround)
			if p.over[i] {
				n++
			}
		}
	}
	return n
}

// fill paints and unmarks each marked pixel with the mean of the unmarked pixels within radius r. A pixel with under an
// eighth of its window unmarked stays as it is. fill returns how many pixels stay marked.
func (p *page) fill(w, h, r int) (left int) {
	sum, count := make([]int32, w*h), make([]int32, w*h)
	for i, o := range p.over {
		if !o {
			sum[i], count[i] = int32(p.grey.Pix[i]), 1
		}
	}
	sum, count = boxSums(sum, w, h, r), boxSums(count, w, h, r)
	for y := range h {
		for x := range w {
			i := y*w + x
			switch {
			case !p.over[i]:
			case count[i]*8 < boxSize(x, y, w, h, r):
				left++
			default:
				p.grey.Pix[i] = uint8(sum[i] / count[i])
				p.over[i] = false
			}
		}
	}
	return left
}

// boxSize returns how many pixels of a w × h picture lie within radius r of (x, y), along either axis.
func boxSize(x, y, w, h, r int) int32 {
	return int32((min(x+r, w-1) - max(x-r, 0) + 1) * (min(y+r, h-1) - max(y-r, 0) + 1))
}

// boxSums returns for each of w × h values, row by row, the sum of all values within radius r along
// either axis. Values beyond an edge count 0.
func boxSums(v []int32, w, h, r int) []int32 {
	across, sums := make([]int32, len(v)), make([]int32, len(v))
	for y := range h {
		line, sum := v[y*w:(y+1)*w], int32(0)
		for x := -r; x < w; x++ {
			if x+r < w {
				sum += line[x+r]
			}
			if x-r > 0 {
				sum -= line[x-r-1]
			}
			if x >= 0 {
				across[y*w+x] = sum
			}
		}
	}
	column := make([]int32, w)
	for y := -r; y < h; y++ {
		if y+r < h {
			for x, s := range across[(y+r)*w : (y+r+1)*w] {
				column[x] += s
			}
		}
		if y-r > 0 {
			for x, s := range across[(y-r-1)*w : (y-r)*w] {
				column[x] -= s
			}
		}
		if y >= 0 {
			copy(sums[y*w:], column)
		}
	}
	return sums
}

func abs(v int32) int32 { return max(v, -v) }
