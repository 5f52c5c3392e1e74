package specimen

import (
	"image"
	"math"
	"math/rand/v2"
)

// Scene draws a test picture, w x h pixels, at a fraction of the cost of the other pictures: smooth
// light, a disc with edges, lines like text, and a noisy texture. Each size has one picture, the
// same at each call, and its corners differ. w and h must be 0 or more.
func Scene(w, h int) *image.NRGBA {
	r := rand.New(rand.NewPCG(7, 7))
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			red, green, blue := 90+120*u, 200-110*v, 120+60*math.Sin(5*u+3*v)
			if d := math.Hypot(u-.35, v-.4); d < .2 {
				red, green, blue = 215-200*d, 170-150*d, 140
			}
			if v > .7 && u > .1 && u < .9 && int(v*60)%2 == 0 && int(u*200)%3 != 0 {
				red, green, blue = 30, 30, 45
			}
			if u > .75 && v < .5 {
				n := 25 * r.NormFloat64()
				red, green, blue = red+n, green+n, blue+n
			}
			i := img.PixOffset(x, y)
			for c, f := range []float64{red, green, blue, 255} {
				img.Pix[i+c] = uint8(min(255, max(0, f)))
			}
		}
	}
	return img
}
