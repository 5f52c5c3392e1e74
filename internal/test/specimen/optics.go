package specimen

import (
	"image"
	"math"
)

// optics is what lens and sensor add to a picture.
type optics struct {
	seed     uint64
	blur     float64 // sigma, pixels
	noise    float64 // sigma in the mid tones, 8-bit levels
	vignette float64 // loss of light in the corners, 0..1
	dust     bool    // specks and scratches of a scanner's glass
}

// finish applies lens and sensor to img in place: blur, vignette, dust, noise. The same o gives the
// same noise. img should be opaque and must begin at 0, 0.
func finish(img *image.NRGBA, o optics) {
	if o.blur > 0 {
		blur(img, o.blur)
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	cx, cy := float64(w)/2, float64(h)/2
	for y := range h {
		row := img.Pix[y*img.Stride : y*img.Stride+4*w]
		for x := range w {
			k := 1.0
			if o.vignette > 0 {
				u, v := (float64(x)-cx)/cx, (float64(y)-cy)/cy
				k = 1 - float64(o.vignette*0.25)*(float64(u*u)+float64(v*v))
			}
			if o.dust {
				k *= 1 - 0.5*step(0.62, 0.68, noise(float64(x)/9, float64(y)/9, o.seed+91))
			}
			o.expose(row[4*x:4*x+3], x, y, k)
		}
	}
}

// expose multiplies the pixel p (three bytes) at (x, y) by k and adds the sensor's noise. The noise
// is mostly in brightness, and in colour a little and coarser, as demosaicking leaves it. It
// follows from the place and o.seed.
func (o *optics) expose(p []uint8, x, y int, k float64) {
	light := gauss(hash2(int32(x), int32(y), o.seed))
	coarse := hash2(int32(x>>1), int32(y>>1), o.seed+1)
	red, blue := gauss(coarse), gauss(coarse*0x9e3779b97f4a7c15)
	level := (float64(p[0]) + float64(p[1]) + float64(p[2])) / 765
	sigma := o.noise * (0.55 + 0.9*math.Sqrt(float64(level*(1-0.6*level))))
	p[0] = level8(float64(p[0])*k, sigma*(light+0.45*red))
	p[1] = level8(float64(p[1])*k, sigma*(light-0.2*(red+blue)))
	p[2] = level8(float64(p[2])*k, sigma*(light+0.55*blue))
}

// level8 returns v + add as a byte, rounded, between 0 and 255.
func level8(v, add float64) uint8 { return uint8(clamp(v+add+0.5, 0, 255)) }

// gauss turns 64 random bits into a nearly normal value of mean 0 and unit variance, between -3.5
// and 3.5: four uniform 16-bit parts added.
func gauss(h uint64) float64 {
	sum := float64(h&0xffff + h>>16&0xffff + h>>32&0xffff + h>>48)
	return (sum/65535 - 2) * 1.7320508075688772
}

// blur applies a Gaussian of sigma pixels in place, rows and then columns. The kernel reaches three
// pixels, so sigma should be below 1.5. It works on encoded values: at such a sigma the difference
// from linear light is not seen. Edge pixels are repeated. img should be opaque.
func blur(img *image.NRGBA, sigma float64) {
	const reach = 3
	var kernel [2*reach + 1]float64
	sum := 0.0
	for i := range kernel {
		d := float64(i - reach)
		kernel[i] = math.Exp(-d * d / (2 * sigma * sigma))
		sum += kernel[i]
	}
	var weights [2*reach + 1]int32 // of 65536
	rest := int32(65536)
	for i := range kernel {
		weights[i] = int32(kernel[i] / sum * 65536)
		rest -= weights[i]
	}
	weights[reach] += rest
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := make([]uint8, len(img.Pix))
	for y := range h {
		convolve(out[y*img.Stride:], img.Pix[y*img.Stride:], w, 4, &weights)
	}
	columns(img.Pix, out, w, h, img.Stride, &weights)
}

// convolve blurs one row of n pixels of four bytes from src into dst, which must not overlap. step
// is the bytes from pixel to pixel in src; alpha is copied. weights add up to 65536. Edge pixels
// are repeated.
func convolve(dst, src []uint8, n, step int, weights *[7]int32) {
	for x := range n {
		var r, g, b int32
		for i, k := range weights {
			at := min(max(x+i-3, 0), n-1) * step
			r, g, b = r+k*int32(src[at]), g+k*int32(src[at+1]), b+k*int32(src[at+2])
		}
		d := dst[4*x : 4*x+4]
		d[0], d[1], d[2], d[3] = uint8((r+32768)>>16), uint8((g+32768)>>16), uint8((b+32768)>>16), src[4*x+3]
	}
}

// columns blurs downwards from src into dst, which must not overlap, row by row so that memory is
// read in order. Both have h rows of w pixels of four bytes, stride bytes apart. All four channels
// are blurred. weights add up to 65536.
func columns(dst, src []uint8, w, h, stride int, weights *[7]int32) {
	sums := make([]int32, 4*w)
	for y := range h {
		for i := range sums {
			sums[i] = 32768
		}
		for i, k := range weights {
			row := src[min(max(y+i-3, 0), h-1)*stride:][:4*w]
			for x, v := range row {
				sums[x] += k * int32(v)
			}
		}
		for x, v := range sums {
			dst[y*stride+x] = uint8(v >> 16)
		}
	}
}
