package phash

import (
	"image"
	"math"
)

// Bilinear resizing as goimagehash has it from github.com/nfnt/resize, in 8-bit
// integers: columns first, then rows, weights in 256ths and rounded down.

// A sampler says what a resized sample is made of: consecutive samples from first on, by weight.
type sampler struct {
	first   int
	weights []uint64
	sum     uint64
}

// samplers returns, for each of the m samples that n samples are resized to, which of the n it is
// made of. The weight of a tent beyond an edge goes to the sample at that edge.
func samplers(n, m int) []sampler {
	scale := float64(n) / float64(m)
	length := 2 * int(math.Max(math.Ceil(scale), 1))
	slope := math.Min(1/scale, 1)
	all := make([]sampler, m)
	for o := range all {
		centre := float64(scale*(float64(o)+0.5)) - 0.5
		start := int(centre) - length/2 + 1
		centre -= float64(start)
		first, last := max(start, 0), min(start+length, n)-1
		s := sampler{first: first, weights: make([]uint64, last-first+1)}
		for i := range length {
			distance := math.Abs(float64((centre - float64(i)) * slope))
			w := uint64(math.Max(1-distance, 0) * 256)
			s.weights[min(max(start+i, first), last)-first] += w
			s.sum += w
		}
		all[o] = s
	}
	return all
}

// mean sets the red, green and blue of dst to the weighted mean, rounded down, of pixels that lie
// step bytes apart in src. Alpha stays as it is.
func (s *sampler) mean(dst, src []uint8, step int) {
	var r, g, b uint64
	at := s.first * step
	for _, w := range s.weights {
		p := src[at : at+3 : at+3]
		r += w * uint64(p[0])
		g += w * uint64(p[1])
		b += w * uint64(p[2])
		at += step
	}
	dst[0], dst[1], dst[2] = uint8(r/s.sum), uint8(g/s.sum), uint8(b/s.sum)
}

// resized returns the picture at w × h pixels. m must be opaque and begin at (0, 0). The alpha of the result is 0.
func resized(m *image.NRGBA, w, h int) *image.NRGBA {
	from := m.Rect.Max
	across, down := samplers(from.X, w), samplers(from.Y, h)
	narrow := image.NewNRGBA(image.Rect(0, 0, w, from.Y))
	for y := range from.Y {
		for x := range across {
			across[x].mean(narrow.Pix[y*narrow.Stride+4*x:], m.Pix[y*m.Stride:], 4)
		}
	}
	small := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range down {
		for x := range w {
			down[y].mean(small.Pix[y*small.Stride+4*x:], narrow.Pix[4*x:], narrow.Stride)
		}
	}
	return small
}

// grey resizes a picture to w × h in 8 bits, as [resized] does, and returns its w*h values of luma, row by row: 0.299 R
// + 0.587 G + 0.114 B, 0 to 255, not rounded. The picture must be opaque and begin at (0, 0).
func grey(m *image.NRGBA, w, h int) []float64 {
	small := resized(m, w, h)
	v := make([]float64, 0, w*h)
	for i := 0; i < len(small.Pix); i += 4 {
		r, g, b := float64(small.Pix[i]), float64(small.Pix[i+1]), float64(small.Pix[i+2])
		v = append(v, float64(0.299*r)+float64(0.587*g)+float64(0.114*b))
	}
	return v
}

// cosines holds cos(π/512·k) for k from 0 to 255, as math.Cos gives it where multiplications and additions are not fused:
// other last bits would be other hashes. The series are from package math, which has them from the Cephes library.
var cosines = func() (c [256]float64) {
	for k := range c {
		x := float64(math.Pi / 512 * float64(k))
		if k < 128 {
			s := float64(x * x)
			c[k] = 1 - float64(0.5*s) + float64(float64(s*s)*series(s, -1.13585365213876817300e-11, 2.08757008419747316778e-9,
				-2.75573141792967388112e-7, 2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2))
			continue
		}
		x = x - 2*7.85398125648498535156e-1 - 2*3.77489470793079817668e-8 - 2*2.69515142907905952645e-15 // less π/2
		s := float64(x * x)
		c[k] = -x - float64(float64(x*s)*series(s, 1.58962301576546568060e-10, -2.50507477628578072866e-8,
			2.75573136214857245213e-6, -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1))
	}
	return c
}()

// series returns the polynomial of x with these coefficients, the highest power first.
func series(x float64, coefficients ...float64) (sum float64) {
	for _, c := range coefficients {
		sum = float64(sum*x) + c
	}
	return sum
}

func cosine(k int) float64 {
	k %= 1024 // a full turn
	if k > 512 {
		k = 1024 - k
	}
	switch {
	case k > 256:
		return -cosines[512-k]
	case k == 256:
		return 0
	}
	return cosines[k]
}
