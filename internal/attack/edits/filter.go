package edits

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/attack"
)

// Padded returns p with a frame of n pixels on each side. The function at maps a position, also one
// outside 0..size-1, to the position inside whose colour it has: such as [Reflect].
func Padded(p *image.NRGBA, n int, at func(i, size int) int) *image.NRGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w+2*n, h+2*n))
	for y := range h + 2*n {
		src := p.Pix[at(y-n, h)*p.Stride:][:4*w]
		dst := out.Pix[y*out.Stride:][:4*(w+2*n)]
		copy(dst[4*n:], src)
		for x := range n {
			l, r := at(x-n, w), at(w+x, w)
			copy(dst[4*x:4*x+4], src[4*l:])
			copy(dst[4*(n+w+x):4*(n+w+x)+4], src[4*r:])
		}
	}
	return out
}

// Reflect returns the position in 0..size-1 that a position beyond it is mirrored to, any number of
// times. The outermost pixels are not repeated: c b a b c.
func Reflect(i, size int) int {
	if size == 1 {
		return 0
	}
	i %= 2 * (size - 1)
	if i < 0 {
		i += 2 * (size - 1)
	}
	return min(i, 2*(size-1)-i)
}

// blur returns p blurred by a Gaussian of deviation sigma pixels. Both passes have weights that add up to 2^14, so that
// sums stay within 32 bits: the first pass leaves 8 bits after the point.
func blur(p *image.NRGBA, sigma float64) *image.NRGBA {
	weights := gaussWeights(sigma)
	n := len(weights) - 1
	w, h := p.Rect.Dx(), p.Rect.Dy()
	big := Padded(p, n, Reflect)
	rows := make([]uint32, 4*w*(h+2*n))
	for y := range h + 2*n {
		src, dst := big.Pix[y*big.Stride:][:big.Stride], rows[4*w*y:][:4*w]
		addRow(dst, src[4*n:], weights[0])
		for k := 1; k <= n; k++ {
			addRows(dst, src[4*(n-k):], src[4*(n+k):], weights[k])
		}
		for i := range dst {
			dst[i] = (dst[i] + 1<<5) >> 6
		}
	}
	out := image.NewNRGBA(p.Rect)
	sum := make([]uint32, 4*w)
	for y := range h {
		clear(sum)
		addRow(sum, rows[4*w*(y+n):], weights[0])
		for k := 1; k <= n; k++ {
			addRows(sum, rows[4*w*(y+n-k):], rows[4*w*(y+n+k):], weights[k])
		}
		dst := out.Pix[y*out.Stride:][:4*w]
		for i := range dst {
			dst[i] = uint8(min(255, (sum[i]+1<<21)>>22))
		}
	}
	return out
}

// gaussWeights returns the weights of a Gaussian of deviation sigma pixels in 1/2^14: first the middle one, then those
// to one side, out to three deviations. Middle and both sides add up to 2^14.
func gaussWeights(sigma float64) []uint32 {
	n := int(math.RoundToEven(6*sigma+1)) | 1
	f := make([]float64, n/2+1)
	sum := 0.0
	for k := range f {
		f[k] = math.Exp(-float64(k*k) / (2 * sigma * sigma))
		sum += f[k]
		if k > 0 {
			sum += f[k]
		}
	}
	weights := make([]uint32, len(f))
	rest := uint32(1 << 14)
	for k := 1; k < len(f); k++ {
		weights[k] = uint32(math.Round(f[k] / sum * (1 << 14)))
		rest -= 2 * weights[k]
	}
	weights[0] = rest
	return weights
}

type sample interface{ uint8 | uint32 }

func addRow[T sample](sum []uint32, a []T, weight uint32) {
	a = a[:len(sum)]
	for i := range sum {
		sum[i] += weight * uint32(a[i])
	}
}

func addRows[T sample](sum []uint32, a, b []T, weight uint32) {
	a, b = a[:len(sum)], b[:len(sum)]
	for i := range sum {
		sum[i] += weight * (uint32(a[i]) + uint32(b[i]))
	}
}

// Blur returns the step that blurs with a Gaussian of deviation sigma pixels.
func Blur(sigma float64) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA { return blur(p, sigma) })
}
