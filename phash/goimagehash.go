package phash

import (
	"image"

	"github.com/corona10/goimagehash/etcs"
)

// The hashes of github.com/corona10/goimagehash v1.1.0. The library's own functions round differently if the compiler
// fuses products and sums (arm64, or GOAMD64=v3). The bits of an even or symmetric picture follow the rounding. So this
// file has the library's arithmetic without fusing. Its mean and median, which have nothing to fuse, are called.

// library returns the bits of a hash of goimagehash. The picture must be opaque and begin at (0,
// 0). The first pixel or coefficient is the top bit. For other kinds all bits are 0.
func library(kind Kind, m *image.NRGBA) uint64 {
	const n = 8 // bits along each side
	switch kind {
	case Average:
		g := grey(m, n, n)
		return above(g, etcs.MeanOfPixels(g))
	case Difference:
		g := grey(m, n+1, n)
		steps := make([]float64, 0, n*n)
		for y := range n {
			for x := range n {
				steps = append(steps, g[(n+1)*y+x+1]-g[(n+1)*y+x])
			}
		}
		return above(steps, 0)
	case Perception:
		low := lowest(grey(m, n*n, n*n), n)
		return above(low, etcs.MedianOfPixels(low))
	}
	return 0
}

func above(v []float64, limit float64) (bits uint64) {
	for i := range v {
		if v[i] > limit {
			bits |= 1 << (63 - i)
		}
	}
	return bits
}

// lowest returns the n × n coefficients of lowest frequency of a cosine transform of v, n² × n² values row by row:
// along rows and then along columns. The result has a row for each vertical frequency. v is overwritten.
func lowest(v []float64, n int) []float64 {
	side := n * n
	line, spare := make([]float64, side), make([]float64, side)
	for y := range side {
		transform(v[side*y:side*(y+1)], spare)
	}
	low := make([]float64, n*n)
	for x := range n {
		for y := range side {
			line[y] = v[side*y+x]
		}
		transform(line, spare)
		for y := range n {
			low[n*y+x] = line[y]
		}
	}
	return low
}

// transform replaces v, a power of two of at most 256 values, by its unscaled cosine transform (DCT-II), by halving: B.
// G. Lee, "A new algorithm to compute the discrete cosine transform", IEEE Trans. ASSP 32(6), 1984. Spare is as long.
func transform(v, spare []float64) {
	n := len(v)
	if n == 1 {
		return
	}
	even, odd := spare[:n/2], spare[n/2:n]
	for i := range even {
		a, b := v[i], v[n-1-i]
		even[i] = a + b
		odd[i] = (a - b) / (2 * cosine((2*i+1)*256/n))
	}
	transform(even, v[:n/2])
	transform(odd, v[n/2:])
	for i := range even {
		v[2*i], v[2*i+1] = even[i], odd[i]
		if i+1 < len(odd) {
			v[2*i+1] += odd[i+1]
		}
	}
}
