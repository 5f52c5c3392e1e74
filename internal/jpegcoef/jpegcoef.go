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

// A Picture is a JPEG as coefficients. It does not change, and is safe for concurrent use.
type Picture struct {
	W, H       int         // pixels, as stored
	Components []Component // luma; or luma, blue difference and red difference

	progressive bool
	frame       byte   // the SOF marker of a sequential file
	interval    int    // MCUs between restart markers of a baseline file of one scan; 0: no markers
	jfif        []byte // the JFIF segment without thumbnail; nil: no segment
	coded       int    // bytes from the first scan to the end
}

// A Component is one of the planes of a picture.
type Component struct {
	H, V         int     // sampling factors
	Across, Down int     // blocks that are stored: whole MCUs
	InX, InY     int     // blocks that have pixels of the picture
	Steps        Steps   // of quantisation
	coef         []int16 // Across x Down blocks

	id     byte
	dc, ac *table // of a sequential file

	low   int    // orders of change in each direction; 0: no changes
	delta []int8 // low x low changes a block, by rows, in steps of quantisation
}

// Steps are a quantisation table, in zigzag order.
type Steps [blockSize]uint16

// zigzag is the place in a block's rows of each coefficient in zigzag order (T.81, figure A.6), and order
// the inverse.
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

// Step returns the step of the coefficient of column u and row v.
func (c *Component) Step(u, v int) int { return int(c.Steps[order[8*v+u]]) }

// Weight returns the bytes of the scans that were read, with what lies between and behind them.
func (p *Picture) Weight() int { return p.coded }

// At returns the coefficient of column u and row v of block i, in steps, as it was read.
func (c *Component) At(i, u, v int) int { return int(c.coef[blockSize*i+int(order[8*v+u])]) }

// stored returns block i as it was read.
func (c *Component) stored(i int) *block { return (*block)(c.coef[blockSize*i:]) }

// block returns block i with its changes: as it is stored, or in b.
func (c *Component) block(i int, b *block) *block {
	s := c.stored(i)
	if c.low == 0 {
		return s
	}
	n := c.low * c.low
	d := c.delta[n*i : n*i+n]
	for k := range d {
		if d[k] != 0 {
			break
		}
		if k == n-1 {
			return s
		}
	}
	*b = *s
	for k, v := range d {
		at := order[8*(k/c.low)+k%c.low]
		to := int(b[at]) + int(v)
		if at == 0 {
			b[at] = int16(min(max(to, minDC), maxDC))
		} else {
			b[at] = int16(min(max(to, -maxAC), maxAC))
		}
	}
	return b
}

// Changed returns the picture with changes. delta has, for each component, low x low numbers a block, by rows. They
// are added to the coefficients of the lowest orders. A nil delta changes nothing. A coefficient that a
// baseline file cannot hold is cut. The picture and delta are shared and must not change.
func (p *Picture) Changed(low int, delta ...[]int8) *Picture {
	out := *p
	out.Components = append([]Component(nil), p.Components...)
	for i, d := range delta {
		if d != nil {
			out.Components[i].low, out.Components[i].delta = low, d
		}
	}
	return &out
}
