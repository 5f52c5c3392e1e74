package phash

import (
	"image"

	"github.com/corona10/goimagehash/etcs"
)

// The three 64-bit hashes of github.com/corona10/goimagehash v1.1.0. The
// library's own functions round differently where the compiler fuses products
// and sums (arm64, or GOAMD64=v3), and the bits of an even or symmetric picture
// follow the rounding. So what computes in floating point is written out here,
// to give what the library gives where nothing is fused; its mean and its
// median, which have nothing to fuse, are called.

// sum64 hashes a picture that is opaque and begins at (0, 0). The first pixel or
// coefficient is the top bit.
func sum64(kind Kind, m *image.NRGBA) uint64 {
	switch kind {
	case Average:
		g := grey(m, 8, 8)
		return above(g, etcs.MeanOfPixels(g))
	case Difference:
		g := grey(m, 9, 8)
		steps := make([]float64, 0, 64)
		for y := range 8 {
			for x := range 8 {
				steps = append(steps, g[9*y+x+1]-g[9*y+x])
			}
		}
		return above(steps, 0)
	case Perception:
		g := grey(m, 64, 64)
		low := lowest(g)
		return above(low, etcs.MedianOfPixelsFast64(low))
	}
	return 0
}

// above returns a bit for each of 64 values, set where it exceeds the limit.
func above(v []float64, limit float64) (bits uint64) {
	for i := range 64 {
		if v[i] > limit {
			bits |= 1 << (63 - i)
		}
	}
	return bits
}

// lowest returns the 8 × 8 coefficients of lowest frequency of a cosine
// transform of 64 × 64 values, along rows and then along columns.
func lowest(v []float64) []float64 {
	var line, spare [64]float64
	for y := range 64 {
		transform(v[64*y:64*y+64], spare[:])
	}
	low := make([]float64, 64)
	for x := range 8 {
		for y := range 64 {
			line[y] = v[64*y+x]
		}
		transform(line[:], spare[:])
		for y := range 8 {
			low[8*y+x] = line[y]
		}
	}
	return low
}

// transform replaces v, a power of two of at most 64 values, by its unscaled
// cosine transform (DCT-II), by halving: B. G. Lee, "A new algorithm to compute
// the discrete cosine transform", IEEE Trans. ASSP 32(6), 1984. Spare is as long.
func transform(v, spare []float64) {
	n := len(v)
	if n == 1 {
		return
	}
	even, odd := spare[:n/2], spare[n/2:n]
	for i := range even {
		a, b := v[i], v[n-1-i]
		even[i] = a + b
		odd[i] = (a - b) / (2 * cosine((2*i+1)*64/n))
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
