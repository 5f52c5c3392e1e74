// Package jpegcoef reads the quantised coefficients of JPEG files and writes them back, with or without
// small changes. What is not changed keeps the pixels that package image/jpeg decodes, bit by bit.
//
// It reads baseline, extended and progressive Huffman files of 8 bits in grey or YCbCr (ITU-T T.81). It is
// strict: a file that package image/jpeg refuses is refused here, and so is a file with any damage that
// image/jpeg passes over. Callers then take the pixels.
package jpegcoef

import (
	"errors"
	"fmt"
)

// ErrRefused is wrapped for files whose coefficients are not read.
var ErrRefused = errors.New("jpeg: coefficients not read")

func refuse(why string) error { return fmt.Errorf("%w: %s", ErrRefused, why) }

// blockSize is the number of coefficients of a block, in zigzag order in this package.
const blockSize = 64

type block = [blockSize]int16

// The coefficients that baseline files can hold: of 11 bits (T.81, F.1.2.1.1 and F.1.2.2.1).
const (
	maxAC = 1023
	minDC = -1024
	maxDC = 1023
)

// A Picture is a JPEG as coefficients. A sequential file of one scan is kept as it is, and read anew in each pass;
// of other files the coefficients are kept. It does not change, and is safe for concurrent use.
type Picture struct {
	W, H       int         // pixels, as stored
	Components []Component // luma; or luma, blue difference and red difference

	data        []byte // nil: the coefficients are kept
	only        scan   // of data
	scanAt, end int    // of the codes in data
	progressive bool
	frame       byte   // the SOF marker of a sequential file
	interval    int    // MCUs between restart markers of a baseline file of one scan; 0: no markers
	jfif        []byte // the JFIF segment without thumbnail; nil: no segment
	coded       int    // bytes from the first scan to the end
}

// A Component is one of the planes of a picture.
type Component struct {
	H, V         int    // sampling factors
	Across, Down int    // blocks that are stored: whole MCUs
	InX, InY     int    // blocks that have pixels of the picture
	Steps        Steps  // of quantisation
	kept         blocks // Across x Down blocks, if they are kept

	id     byte
	dc, ac *table // of a sequential file

	low   int     // orders of change in each direction; 0: no changes
	first int     // step of DC that the source has
	zero  int16   // less than that does not change a zero
	delta []int16 // low x low changes a block, by rows
}

type blocks struct {
	coef []block
	set  []uint64 // a bit for each coefficient that is not zero, the lowest for DC
}

// An mcuRow has the blocks of a row of MCUs, by component.
type mcuRow = [4]blocks

func newBlocks(n int) blocks             { return blocks{make([]block, n), make([]uint64, n)} }
func (b blocks) part(from, n int) blocks { return blocks{b.coef[from : from+n], b.set[from : from+n]} }

// Steps are a quantisation table, in zigzag order.
type Steps [blockSize]uint16

// zigzag is the place in a block's rows of each coefficient in zigzag order (T.81, figure A.6), and order the inverse.
var zigzag = [blockSize]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

var order = func() (o [blockSize]uint8) {
	for i, at := range zigzag {
		o[at] = uint8(i)
	}
	return o
}()

func (s *Steps) Step(u, v int) int { return int(s[order[8*v+u]]) }

// The example tables for luminance and chrominance (T.81, tables K.1 and K.2).
var examples = [2]Steps{{
	16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
	26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
	56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
	95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
}, {
	17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
	99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
}}

// Examples returns the example tables for luminance and chrominance at a quality of 1 to 100, as the Independent JPEG
// Group's library and image/jpeg compute them: steps of 1 to 255.
func Examples(quality int) [2]Steps {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	out := examples
	for t := range out {
		for i, v := range out[t] {
			out[t][i] = uint16(min(max((int(v)*scale+50)/100, 1), 255))
		}
	}
	return out
}

// Weight returns the bytes of the scans that were read, with what lies between and behind them.
func (p *Picture) Weight() int { return p.coded }

// ChangeUnit is what a change of one step of quantisation counts.
const ChangeUnit = 256

// change adds the component's changes to b. The first block of b is number at of the component.
func (c *Component) change(b blocks, at int) {
	n := c.low * c.low
	for i := range b.coef {
		to, set := &b.coef[i], b.set[i]
		for k, d := range c.delta[n*(at+i):][:n] {
			steps := (int(d) + ChangeUnit/2) >> 8
			if steps == 0 && k > 0 {
				continue
			}
			z := order[8*(k/c.low)+k%c.low]
			switch {
			case z == 0:
				steps = min(max(rescaled(int(to[0]), c.first, int(c.Steps[0]), int(d)), minDC), maxDC)
			case set>>z&1 == 0 && d < c.zero && -d < c.zero:
				continue
			default:
				steps = min(max(int(to[z])+steps, -maxAC), maxAC)
			}
			to[z] = int16(steps)
			if set |= 1 << z; steps == 0 {
				set &^= 1 << z
			}
		}
		b.set[i] = set
	}
}

// rescaled returns n steps of the size from, and d that counts ChangeUnit a step of the size to, as steps of the size to.
func rescaled(n, from, to, d int) int {
	unit := int64(to) * ChangeUnit
	sum := int64(n)*int64(from)*ChangeUnit + int64(d+ChangeUnit/2)*int64(to)
	steps := sum / unit
	if sum < steps*unit {
		steps-- // rounded down, as a shift does
	}
	return int(steps)
}

// Changed returns the picture with changes. delta has, for each component, low x low numbers a block, by rows, of
// ChangeUnit a step of quantisation. Rounded to steps, they are added to the coefficients of the lowest orders. A nil delta
// changes nothing. A coefficient of 0, except DC, is changed by zero or more only. What a baseline file cannot hold is
// cut. A first component with changes gets the step first of DC, at least 1. Picture and delta must not change later.
func (p *Picture) Changed(low int, zero int16, first uint16, delta ...[]int16) *Picture {
	out := *p
	out.Components = append([]Component(nil), p.Components...)
	for i, d := range delta {
		c := &out.Components[i]
		if d == nil {
			continue
		}
		c.low, c.zero, c.delta, c.first = low, zero, d, int(c.Steps[0])
		if i == 0 {
			c.Steps[0] = first
		}
	}
	return &out
}

// A View is made of a picture in a pass over its blocks: it is called for each row of MCUs, from above, with the
// blocks of each component. It must not keep or change them.
type View func(y int, rows *mcuRow)

// Each makes views in one pass over the picture. The error wraps [ErrRefused]: then the
// views are not whole. After a pass without an error no pass gives one.
func (p *Picture) Each(views ...View) error { return p.pass(0, len(p.Components), views) }

// pass calls views for each row of MCUs, with the components [from, to).
func (p *Picture) pass(from, to int, views []View) error {
	var own, rows mcuRow
	for i := from; i < to; i++ {
		if c := &p.Components[i]; p.data != nil || c.low > 0 {
			own[i] = newBlocks(c.Across * c.V)
		}
	}
	done := func(y int) {
		for i := from; i < to; i++ {
			if c := &p.Components[i]; c.low > 0 {
				c.change(rows[i], y*len(rows[i].coef))
			}
		}
		for _, v := range views {
			v(y, &rows)
		}
	}
	if p.data != nil {
		r := reader{data: p.data, at: p.scanAt}
		s := p.only
		s.r, rows = &r, own
		err := s.read(p.interval, func(int) *mcuRow {
			for i := range rows {
				clear(rows[i].coef)
			}
			return &rows
		}, done)
		if err == nil && r.at != p.end {
			err = refuse("data behind a scan")
		}
		return err
	}
	for y := range p.Components[0].Down / p.Components[0].V {
		for i := from; i < to; i++ {
			c := &p.Components[i]
			n := c.Across * c.V
			if rows[i] = c.kept.part(n*y, n); c.low > 0 {
				copy(own[i].coef, rows[i].coef)
				copy(own[i].set, rows[i].set)
				rows[i] = own[i]
			}
		}
		done(y)
	}
	return nil
}
