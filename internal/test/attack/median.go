package attack

import (
	"image"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/attack/edits"
)

// median returns the step that takes the median of side x side pixels (odd), channel by channel.
func median(side int) Step {
	return base.Plain(func(p *image.NRGBA) *image.NRGBA {
		n := side / 2
		big := edits.Padded(p, n, repeat)
		out := image.NewNRGBA(p.Rect)
		var win medianWindow
		for y := range p.Rect.Dy() {
			dst := out.Pix[y*out.Stride:][:4*p.Rect.Dx()]
			for c := range 3 {
				win.row(dst[c:], big.Pix[y*big.Stride+c:], big.Stride, side)
			}
			for i := 3; i < len(dst); i += 4 {
				dst[i] = 255
			}
		}
		return out
	})
}

// A medianWindow slides along a row with the histogram of the values it covers
// (Huang, Yang and Tang, A Fast Two-Dimensional Median Filtering Algorithm,
// 1979).
type medianWindow struct {
	count [256]int
	at    int // the median
	below int // values under it
}

// row sets dst[0], dst[4]... to the medians of the side x side values whose upper left corners are
// src[0], src[4]... side is odd, stride the bytes of a row of src. Other bytes of dst stay. It
// forgets what m held.
func (m *medianWindow) row(dst, src []uint8, stride, side int) {
	*m = medianWindow{}
	for x := range side - 1 {
		m.column(src[4*x:], stride, side, 1)
	}
	half := side * side / 2
	for i := 0; i < len(dst); i += 4 {
		m.column(src[i+4*(side-1):], stride, side, 1)
		for m.below > half {
			m.at--
			m.below -= m.count[m.at]
		}
		for m.below+m.count[m.at] <= half {
			m.below += m.count[m.at]
			m.at++
		}
		dst[i] = uint8(m.at)
		m.column(src[i:], stride, side, -1)
	}
}

// column adds side values of src, stride bytes apart, to the window with n = 1, or takes them away
// with n = -1. It updates count and below, and leaves the median to row.
func (m *medianWindow) column(src []uint8, stride, side, n int) {
	for k := range side {
		v := src[k*stride]
		m.count[v] += n
		if int(v) < m.at {
			m.below += n
		}
	}
}
