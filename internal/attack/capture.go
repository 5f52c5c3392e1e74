package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
)

// screenshot shows the picture, its long side side pixels, somewhere in a dark
// page of a reviewing tool.
func screenshot(side int) step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		p = scaleToSide(p, side)
		w, h := p.Rect.Dx(), p.Rect.Dy()
		page := canvas(w+80+r.IntN(320), h+120+r.IntN(240), rgb{32, 32, 32})
		fill(page, image.Rect(0, 0, page.Rect.Dx(), 56), rgb{48, 52, 58})
		for i := range 8 {
			fill(page, image.Rect(10, 80+60*i, 61, 111+60*i), rgb{90, 90, 90})
		}
		write(page, "Case review - document 3 of 7", 70, 36, 415, 18, 1, rgb{220, 220, 220})
		y, x := 60+r.IntN(page.Rect.Dy()-h-59), r.IntN(page.Rect.Dx()-w+1)
		paste(page, p, x, y)
		return page
	}
}

// collage puts the picture top left beside three blurred and mirrored ones.
func collage(_ *rand.Rand, p *image.NRGBA) *image.NRGBA {
	const gap = 10
	p = fit(p, 900)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	soft := blur(p, 1)
	out := canvas(2*w+3*gap, 2*h+3*gap, rgb{255, 255, 255})
	paste(out, p, gap, gap)
	paste(out, imaging.Rotate180(soft), w+2*gap, gap)
	paste(out, imaging.FlipV(soft), gap, h+2*gap)
	paste(out, imaging.FlipH(soft), w+2*gap, h+2*gap)
	return out
}

// screenPhoto is a phone's picture of a screen: pixel grid, perspective, lens
// blur, tone curve, moire, noise.
func screenPhoto(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	p = pixelGrid(scaleToSide(p, 1200))
	h := p.Rect.Dy()
	p = bordered(p, .06)
	fill(p, image.Rect(0, 0, p.Rect.Dx(), h/20), rgb{20, 20, 20})
	p = perspective(r, p, .05)
	p = rotate(p, uniform(r, -4, 4), true)
	p = blur(scale(p, 1.3), 1.1)
	p = curve(p, powerOf(uniform(r, .8, 1.25)))
	p = curve(p, lineOf(uniform(r, .85, 1.05), uniform(r, 0, 14)))
	p = moire(p)
	return noise(3)(r, p)
}

// pixelGrid darkens every third row by 7 % and every third column by 5 %.
func pixelGrid(p *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(p.Rect)
	w := p.Rect.Dx()
	for i := 0; i < len(p.Pix); i += 4 {
		gain := float32(1)
		if i/4/w%3 == 0 {
			gain *= .93
		}
		if i/4%w%3 == 0 {
			gain *= .95
		}
		s, d := p.Pix[i:i+4:i+4], out.Pix[i:i+4:i+4]
		d[0], d[1], d[2] = uint8(float32(s[0])*gain), uint8(float32(s[1])*gain), uint8(float32(s[2])*gain)
		d[3] = 255
	}
	return out
}

// moire adds two plane waves of 4 and 3 levels.
func moire(p *image.NRGBA) *image.NRGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	out := image.NewNRGBA(p.Rect)
	const turn = 2 * math.Pi
	sin1, cos1 := waves(w, turn*.043)
	sin2, cos2 := waves(w, turn*.017)
	for y := range h {
		s1, c1 := math.Sincos(turn * .011 * float64(y))
		s2, c2 := math.Sincos(-turn * .051 * float64(y))
		src, dst := p.Pix[y*p.Stride:][:4*w], out.Pix[y*out.Stride:][:4*w]
		for x := range w {
			add := 4*(sin1[x]*c1+cos1[x]*s1) + 3*(sin2[x]*c2+cos2[x]*s2)
			s, d := src[4*x:4*x+4:4*x+4], dst[4*x:4*x+4:4*x+4]
			d[0], d[1], d[2] = clamp8(float64(s[0])+add), clamp8(float64(s[1])+add), clamp8(float64(s[2])+add)
			d[3] = 255
		}
	}
	return out
}

// waves tabulates sine and cosine of x times the frequency.
func waves(n int, frequency float64) (sin, cos []float64) {
	sin, cos = make([]float64, n), make([]float64, n)
	for x := range n {
		sin[x], cos[x] = math.Sincos(frequency * float64(x))
	}
	return sin, cos
}

// printScan prints and scans, without the JPEG: blur, noise, flatter tone, paper
// around it, a little crooked.
func printScan(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	p = blur(scaleToSide(p, 1400), 1)
	p = noise(6)(r, p)
	p = curve(p, powerOf(1.15))
	p = curve(p, lineOf(.86, 18))
	return turnWithin(2)(r, bordered(p, .08))
}
