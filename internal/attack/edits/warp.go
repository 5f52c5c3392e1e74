package edits

import (
	"image"
	"image/color"
	"math"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/geometry"
)

// Positions are rounded to 1/warpGrid pixel, weights are in 1/warpUnit.
const (
	warpBits = 5
	warpGrid = 1 << warpBits
	unitBits = 11
	warpUnit = 1 << unitBits
)

// cubicTaps returns the weights of the four pixels around each position between two pixels, in steps of 1/warpGrid
// pixel. The position lies behind the second of the four. The weights add up to warpUnit.
func cubicTaps() (taps [warpGrid][4]int) {
	for i := range taps {
		f := float64(i) / warpGrid
		rest := warpUnit
		for _, k := range []int{0, 2, 3} {
			taps[i][k] = int(math.Round(warpUnit * attack.Cubic(float64(k-1)-f)))
			rest -= taps[i][k]
		}
		taps[i][1] = rest
	}
	return taps
}

// A warper draws src through a projective map with cubic interpolation. Outside src lies the colour border.
type warper struct {
	src    *image.NRGBA
	taps   [warpGrid][4]int
	border [3]uint8 // red, green, blue
}

// Warp returns an opaque picture of w x h pixels to which the pixels of p are moved by m, by cubic
// interpolation. m maps positions in p to positions in the result and must have an inverse. What
// lies outside p has the opaque colour border.
func Warp(p *image.NRGBA, m geometry.Mat, w, h int, border color.NRGBA) *image.NRGBA {
	inv := m.Adjugate()
	return Pull(p, w, h, border, func(x, y float64) (float64, float64) {
		z := inv[6]*x + (inv[7]*y + inv[8])
		return (inv[0]*x + (inv[1]*y + inv[2])) / z, (inv[3]*x + (inv[4]*y + inv[5])) / z
	})
}

// Pull returns an opaque picture of w x h pixels. The function from returns the place in p that the
// pixel at (x, y) is taken from. Places more than two pixels outside p have the colour border.
func Pull(p *image.NRGBA, w, h int, border color.NRGBA, from func(x, y float64) (float64, float64)) *image.NRGBA {
	wp := &warper{src: p, taps: cubicTaps(), border: [3]uint8{border.R, border.G, border.B}}
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	right, bottom := float64(p.Rect.Dx()+1), float64(p.Rect.Dy()+1)
	for y := range h {
		row := out.Pix[y*out.Stride:][:4*w]
		for i := 0; i < len(row); i += 4 {
			sx, sy := from(float64(i/4), float64(y))
			d := row[i : i+4 : i+4]
			if sx > -2 && sy > -2 && sx < right && sy < bottom { // false also if not a number
				wp.sample(d, int(math.Floor(sx*warpGrid+.5)), int(math.Floor(sy*warpGrid+.5)))
			} else {
				d[0], d[1], d[2], d[3] = border.R, border.G, border.B, 255
			}
		}
	}
	return out
}

// sample sets the pixel d to the colour of src at (gx, gy) / warpGrid, opaque, interpolated between
// 4 x 4 pixels. Pixels outside src have the border's colour.
func (wp *warper) sample(d []uint8, gx, gy int) {
	x, y := gx>>warpBits-1, gy>>warpBits-1
	cx, cy := &wp.taps[gx&(warpGrid-1)], &wp.taps[gy&(warpGrid-1)]
	w, h, stride := wp.src.Rect.Dx(), wp.src.Rect.Dy(), wp.src.Stride
	var r, g, b int
	if x >= 0 && y >= 0 && x+4 <= w && y+4 <= h {
		for k := range 4 {
			s := wp.src.Pix[(y+k)*stride+4*x:][:16:16]
			r += cy[k] * (cx[0]*int(s[0]) + cx[1]*int(s[4]) + cx[2]*int(s[8]) + cx[3]*int(s[12]))
			g += cy[k] * (cx[0]*int(s[1]) + cx[1]*int(s[5]) + cx[2]*int(s[9]) + cx[3]*int(s[13]))
			b += cy[k] * (cx[0]*int(s[2]) + cx[1]*int(s[6]) + cx[2]*int(s[10]) + cx[3]*int(s[14]))
		}
	} else {
		for k := range 16 {
			u, v, c := x+k%4, y+k/4, wp.border[:]
			if u >= 0 && v >= 0 && u < w && v < h {
				c = wp.src.Pix[v*stride+4*u:][:3]
			}
			weight := cx[k%4] * cy[k/4]
			r += weight * int(c[0])
			g += weight * int(c[1])
			b += weight * int(c[2])
		}
	}
	d[0], d[1], d[2], d[3] = unit8(r), unit8(g), unit8(b), 255
}

// unit8 rounds a sum of two weights and a colour to 8 bits.
func unit8(v int) uint8 {
	return uint8(min(255, max(0, (v+1<<(2*unitBits-1))>>(2*unitBits))))
}
