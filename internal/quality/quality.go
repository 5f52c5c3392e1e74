// Package quality measures how far a marked picture is from its original.
//
// Both measures look at the colours alone and pass over alpha. Their sums are
// made in a fixed order, so that they agree on every machine.
package quality

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

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

// Parameters of SSIM as published.
const (
	reach = 5 // the window is 11 x 11, sigma 1.5
	side  = 2*reach + 1
	c1    = 0.01 * 0.01 * 255 * 255
	c2    = 0.03 * 0.03 * 255 * 255
)

// Gray returns the luma of a picture, rounded, from (0, 0) on. Alpha does not count.
func Gray(p *image.NRGBA) *image.Gray {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	out := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		row := p.Pix[y*p.Stride:][:4*w]
		for x := range w {
			out.Pix[y*w+x] = Luma(row[4*x], row[4*x+1], row[4*x+2])
		}
	}
	return out
}

// SSIM returns the mean structural similarity of two pictures of the same size, from (0, 0) on and without gaps between rows: 1
// for equal pictures. It is NaN if the sizes differ or a side is shorter than the window. Source: Wang,
// Bovik, Sheikh and Simoncelli, Image Quality Assessment, IEEE TIP 13(4), 2004. The window is that
// paper's Gaussian (deviation 1.5, 11 x 11 pixels). The mean is over all windows inside the picture. scikit-image gives the same with
// gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255.
func SSIM(a, b *image.Gray) float64 {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	if w != b.Rect.Dx() || h != b.Rect.Dy() || w < side || h < side {
		return math.NaN()
	}
	s, total := newSSIM(w), 0.0
	for y := range h {
		s.load(y, a.Pix[y*w:][:w], b.Pix[y*w:][:w])
		if y >= side-1 {
			total += s.row(y)
		}
	}
	return total / (float64(w-side+1) * float64(h-side+1))
}

// window is the Gaussian exp(-k²/4.5) from the middle outwards, both sides adding up to 1. It is written out because
// math.Exp may differ in its last bit from one processor to another.
var window = [reach + 1]float64{
	0.26601172486179436, 0.2130055377112537, 0.10936068950970002,
	0.036000772128430815, 0.007598758135239186, 0.00102838008447911,
}

// The four local means that SSIM is made of.
const (
	meanA = iota
	meanB
	meanSquares // of a² + b²
	meanProduct // of a·b
	fields
)

// ssim holds the last rows, filtered along the row. Products stand in
// conversions so that no compiler fuses them into the addition that follows.
type ssim struct {
	width  int // of a filtered row
	in     [fields][]float64
	rows   [fields][]float64 // row y at y modulo side
	mean   [fields][]float64
	across [2 * (reach + 1)]int64 // places of the window along a row
}

// newSSIM allocates the rows of a comparison of pictures w pixels wide.
func newSSIM(w int) *ssim {
	s := &ssim{width: w - side + 1}
	for f := range fields {
		s.in[f] = make([]float64, w)
		s.mean[f] = make([]float64, s.width)
		s.rows[f] = make([]float64, side*s.width)
	}
	for k := range reach + 1 {
		s.across[2*k], s.across[2*k+1] = int64(reach-k), int64(reach+k)
	}
	return s
}

// load filters row y of both pictures along the row and keeps it in place of row y-11. Rows must come in order, from 0 on.
func (s *ssim) load(y int, a, b []uint8) {
	for x := range s.in[0] {
		p, q := int(a[x]), int(b[x])
		s.in[meanA][x], s.in[meanB][x] = float64(p), float64(q)
		s.in[meanSquares][x], s.in[meanProduct][x] = float64(p*p+q*q), float64(p*q)
	}
	for f, rows := range s.rows {
		at := y % side * s.width
		dsp.Symmetric64(rows[at:at+s.width], s.in[f], s.across[:], window[:])
	}
}

// row returns the sum of SSIM over the windows whose last row is y. Rows y-10 to y must have been loaded.
func (s *ssim) row(y int) float64 {
	at := func(k int) int64 { return int64((y - reach + k + side) % side * s.width) }
	var down [2 * (reach + 1)]int64
	for k := range reach + 1 {
		down[2*k], down[2*k+1] = at(-k), at(k)
	}
	for f, dst := range s.mean {
		dsp.Symmetric64(dst, s.rows[f], down[:], window[:])
	}
	total := 0.0
	for x, p := range s.mean[meanA] {
		q := s.mean[meanB][x]
		pq, squares := float64(p*q), float64(p*p)+float64(q*q)
		covariance := s.mean[meanProduct][x] - pq
		variances := s.mean[meanSquares][x] - squares
		total += float64((2*pq+c1)*(2*covariance+c2)) / float64((squares+c1)*(variances+c2))
	}
	return total
}

// Luma returns the luma of a pixel by ITU-R BT.601, rounded.
func Luma(r, g, b uint8) uint8 { return uint8((299*int(r) + 587*int(g) + 114*int(b) + 500) / 1000) }
