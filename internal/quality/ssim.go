package quality

import (
	"image"
	"math"
)

// Parameters of SSIM as published.
const (
	reach = 5 // the window is 11 x 11, sigma 1.5
	side  = 2*reach + 1
	c1    = 0.01 * 0.01 * 255 * 255
	c2    = 0.03 * 0.03 * 255 * 255
)

// SSIM returns the mean structural similarity of two pictures of the same size, 1 for equal
// pictures. It is NaN if the sizes differ or a side is shorter than the window. Source: Wang,
// Bovik, Sheikh and Simoncelli, Image Quality Assessment, IEEE TIP 13(4), 2004. The window is that
// paper's Gaussian (deviation 1.5, 11 x 11 pixels) on the luma of ITU-R BT.601, rounded to 8 bits.
// The mean is over all windows inside the picture. scikit-image gives the same with
// gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255.
func SSIM(a, b *image.NRGBA) float64 {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	if w != b.Rect.Dx() || h != b.Rect.Dy() || w < side || h < side {
		return math.NaN()
	}
	s, total := newSSIM(w), 0.0
	for y := range h {
		s.load(y, a.Pix[y*a.Stride:][:4*w], b.Pix[y*b.Stride:][:4*w])
		if y >= side-1 {
			total += s.row(y)
		}
	}
	return total / (float64(w-side+1) * float64(h-side+1))
}

// window is the Gaussian exp(-k²/4.5) from the middle outwards, both sides
// adding up to 1. It is written out because math.Exp may differ in its last bit
// from one processor to another.
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
	weight [reach + 1]float64 // from the middle outwards
	in     [fields][]float64
	rows   [side][fields][]float64 // row y at y modulo side
	mean   [fields][]float64
}

// newSSIM allocates the rows of a comparison of pictures w pixels wide.
func newSSIM(w int) *ssim {
	s := &ssim{weight: window}
	for f := range fields {
		s.in[f] = make([]float64, w)
		s.mean[f] = make([]float64, w-side+1)
		for k := range s.rows {
			s.rows[k][f] = make([]float64, w-side+1)
		}
	}
	return s
}

// load filters row y of both pictures along the row and keeps it in place of row y-11. a and b have
// four bytes a pixel; alpha does not count. Rows must come in order, from 0 on.
func (s *ssim) load(y int, a, b []uint8) {
	for x := range s.in[0] {
		p, q := luma(a[4*x:]), luma(b[4*x:])
		s.in[meanA][x], s.in[meanB][x] = float64(p), float64(q)
		s.in[meanSquares][x], s.in[meanProduct][x] = float64(p*p+q*q), float64(p*q)
	}
	for f, dst := range s.rows[y%side] {
		src := s.in[f]
		scaleInto(dst, src[reach:], s.weight[0])
		for k := 1; k <= reach; k++ {
			addPair(dst, src[reach-k:], src[reach+k:], s.weight[k])
		}
	}
}

// row returns the sum of SSIM over the windows whose last row is y. Rows y-10 to y must have
// been loaded.
func (s *ssim) row(y int) float64 {
	at := func(f, k int) []float64 { return s.rows[(y-reach+k+side)%side][f] }
	for f, dst := range s.mean {
		scaleInto(dst, at(f, 0), s.weight[0])
		for k := 1; k <= reach; k++ {
			addPair(dst, at(f, -k), at(f, k), s.weight[k])
		}
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

// luma returns the luma of a pixel, of red, green and blue, by ITU-R BT.601, rounded.
func luma(p []uint8) int { return (299*int(p[0]) + 587*int(p[1]) + 114*int(p[2]) + 500) / 1000 }

// scaleInto sets dst to src times weight. src must be as long as dst or longer.
func scaleInto(dst, src []float64, weight float64) {
	src = src[:len(dst)]
	for i := range dst {
		dst[i] = weight * src[i]
	}
}

// addPair adds weight times (a + b) to dst. a and b must be as long as dst or longer.
func addPair(dst, a, b []float64, weight float64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] += float64(weight * (a[i] + b[i]))
	}
}
