package dsp

import "encoding/binary"

// Lanes is how many running sums are kept at once: the columns or rows that a box filter sums together.
const Lanes = 16

// A Strip is Lanes samples in each of several rows: from Pix[0] on, and Step floats
// on for each further row. With step 0 all rows are one.
type Strip struct {
	Pix  []float32
	Step int
}

func (s Strip) at(i int) *[Lanes]float32 { return (*[Lanes]float32)(s.Pix[i*s.Step:]) }

// Means moves a window down Lanes columns by len(counts) rows, and writes the mean of the window to dst for each row.
// sum holds the sums of the window at the start and, on return, at the end. To the sums it adds the row of add that
// enters the window, then takes away the row of sub that leaves, each rounded. The mean is the sum divided by the count
// of the row. The strips must not overlap. Means panics if a strip has fewer rows than counts.
func Means(sum *[Lanes]float32, dst, add, sub Strip, counts []float32) {
	n := len(counts)
	if n == 0 {
		return
	}
	dst.at(n - 1) // the assembler checks no bounds
	add.at(n - 1)
	sub.at(n - 1)
	if avx2 {
		meansAVX2(&sum[0], &dst.Pix[0], dst.Step, &add.Pix[0], add.Step, &sub.Pix[0], sub.Step, &counts[0], n)
		return
	}
	for i, n := range counts {
		d, a, s := dst.at(i), add.at(i), sub.at(i)
		for x := range sum {
			v := sum[x] + a[x]
			v -= s[x]
			sum[x] = v
			d[x] = v / n
		}
	}
}

// Slide moves the window of [Means] down by n rows without writing means: it only brings sum up to
// date. n of 0 or less changes nothing.
func Slide(sum *[Lanes]float32, add, sub Strip, n int) {
	if n <= 0 {
		return
	}
	add.at(n - 1)
	sub.at(n - 1)
	if avx2 {
		slideAVX2(&sum[0], &add.Pix[0], add.Step, &sub.Pix[0], sub.Step, n)
		return
	}
	for i := range n {
		a, s := add.at(i), sub.at(i)
		for x := range sum {
			v := sum[x] + a[x]
			sum[x] = v - s[x]
		}
	}
}

// Luma writes 0.299 R + 0.587 G + 0.114 B, 0..255, of len(dst) pixels of src: four bytes each, red,
// green, blue and a fourth that does not count. The products are rounded and summed from left to
// right, so that every machine gets the same bits.
func Luma(dst []float32, src []uint8) {
	src = src[:4*len(dst)]
	n := batched(len(dst), 8)
	if n > 0 {
		lumaAVX2(&dst[0], &src[0], n)
	}
	for x := n; x < len(dst); x++ {
		p := src[4*x : 4*x+4 : 4*x+4]
		dst[x] = float32(0.299*float32(p[0])) + float32(0.587*float32(p[1])) + float32(0.114*float32(p[2]))
	}
}

// Opaque reports whether all pixels of src have alpha 255: four bytes each, red, green, blue and
// alpha. It is true for an empty src. Bytes behind the last whole pixel are not looked at.
func Opaque(src []uint8) bool {
	n := batched(len(src)/4, 8)
	if n > 0 && opaqueAVX2(&src[0], n) == 0 {
		return false
	}
	const alphas = 0xff000000ff000000 // of two pixels
	and := ^uint64(0)
	for src = src[4*n:]; len(src) >= 8; src = src[8:] {
		and &= binary.LittleEndian.Uint64(src)
	}
	return and&alphas == alphas && (len(src) < 4 || src[3] == 255)
}
