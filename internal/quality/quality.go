// Package quality measures how far a marked picture is from its original.
//
// Both measures look at the colours alone and pass over alpha. Their sums are
// made in a fixed order, so that they agree on every machine.
package quality

import "math"

// A Difference compares two pictures that come row by row. The zero value is ready to use.
type Difference struct {
	squares float64 // exact for integers
	samples int
}

// Add takes the next row of both pictures, four bytes a pixel: red, green, blue and alpha, which
// does not count. b must be as long as a. Rows may come in any order.
func (d *Difference) Add(a, b []uint8) {
	for i := 0; i+4 <= len(a); i += 4 {
		p, q := a[i:i+4:i+4], b[i:i+4:i+4]
		r, g, b := int(p[0])-int(q[0]), int(p[1])-int(q[1]), int(p[2])-int(q[2])
		d.squares += float64(r*r + g*g + b*b)
	}
	d.samples += len(a) / 4 * 3
}

// AddSamples takes samples of R, G or B, 0 to 255, that need not be integers. b must be as long as a.
func (d *Difference) AddSamples(a, b []float32) {
	for i, v := range a {
		x := float64(v - b[i])
		d.squares += float64(x * x)
	}
	d.samples += len(a)
}

// PSNR returns the peak signal-to-noise ratio of the rows that were added, in dB: 10 log10(255² / mean square difference),
// the mean over R, G and B. It is +Inf for equal rows, and also without rows.
func (d *Difference) PSNR() float64 {
	if d.squares == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255*float64(d.samples)/d.squares)
}
