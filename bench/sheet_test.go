package main

import (
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSheetShowsTheDifference(t *testing.T) {
	for _, size := range [][2]int{{1000, 600}, {300, 900}, {40, 30}} {
		a := image.NewNRGBA(image.Rect(0, 0, size[0], size[1]))
		for i := range a.Pix {
			a.Pix[i] = 200
			if i%4 == 3 {
				a.Pix[i] = 255
			}
		}
		b := image.NewNRGBA(a.Rect)
		copy(b.Pix, a.Pix)
		for i := 0; i < len(b.Pix); i += 4 {
			b.Pix[i] += 2
		}
		s := sheetOf(a, b)
		assert.Equal(t, 3*420+2*8, s.Rect.Dx())
		mid := s.NRGBAAt(2*(420+8)+210, s.Rect.Dy()/4)
		if size[1] < size[0] && size[0] >= 420 {
			assert.Equal(t, uint8(128+32), mid.R, "two levels, sixteen times")
			assert.Equal(t, uint8(128), mid.G)
		}
	}
}
