package attack

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/dsp"
)

// Scanner returns what applications that scan documents do. The 63 attacks of [All] do not contain it.
func Scanner() []Attack {
	return []Attack{
		New("whiten", "scanner", "divided by its blurred surroundings, ink dark, JPEG 75", divided(.55, .92), JPEG(75)),
		New("greyworld", "scanner", "each channel scaled to a mean of 140, JPEG 75", base.Plain(greyWorld), JPEG(75)),
		New("magic", "scanner", "half whitened, more saturation and contrast, JPEG 75", divided(.2, 1), base.Plain(vivid), JPEG(75)),
		New("adaptive", "scanner", "black where 10 levels darker than around, else white", base.Plain(adaptive)),
		New("g4_200", "scanner", "black and white at 200 dots an inch", dots(200)),
		New("g4_300", "scanner", "black and white at 300 dots an inch", dots(300)),
	}
}

// divided returns the step that divides a picture by the light on its page: a blur of a 40th of the long side. It
// stretches the shares ink to paper of that light to black and white.
func divided(ink, paper float64) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		light := Blur(float64(max(p.Rect.Dx(), p.Rect.Dy()))/40)(r, p)
		out := imaging.Clone(p)
		for i, v := range p.Pix {
			if i%4 < 3 {
				out.Pix[i] = Clamp8(255*(float64(v)/max(1, float64(light.Pix[i]))-ink)/(paper-ink) + .5)
			}
		}
		return out
	}
}

// greyWorld scales each channel of p to a mean of 140.
func greyWorld(p *image.NRGBA) *image.NRGBA {
	var sum [3]float64
	for i, v := range p.Pix {
		if i%4 < 3 {
			sum[i%4] += float64(v)
		}
	}
	out := imaging.Clone(p)
	for i, v := range p.Pix {
		if i%4 < 3 {
			out.Pix[i] = Clamp8(float64(v)*140*float64(len(p.Pix)/4)/max(1, sum[i%4]) + .5)
		}
	}
	return out
}

func vivid(p *image.NRGBA) *image.NRGBA {
	return imaging.AdjustContrast(imaging.AdjustSaturation(p, 50), 30)
}

// adaptive makes pixels black that are 10 levels or more darker than the mean of the square around them. The square has a
// 20th of the long side.
func adaptive(p *image.NRGBA) *image.NRGBA {
	luma := dsp.LumaNRGBA(p)
	around := dsp.Box(luma, max(p.Rect.Dx(), p.Rect.Dy())/40*2+1)
	return bilevel(p.Rect, func(i int) bool { return luma.Pix[i] <= around.Pix[i]-10 })
}

// dots returns the step that resizes a picture to its paper at so many dots an inch. It then makes it black and white by one
// level (Otsu, IEEE Trans. SMC 9, 1979). High pictures are an A4 page, wide ones the page of a passport. Fax
// compression (CCITT Group 4) loses nothing.
func dots(dpi float64) Step {
	return base.Plain(func(p *image.NRGBA) *image.NRGBA {
		inches := 297 / 25.4
		if p.Rect.Dx() > p.Rect.Dy() {
			inches = 125 / 25.4
		}
		k := dpi * inches / float64(max(p.Rect.Dx(), p.Rect.Dy()))
		p = imaging.Resize(p, int(k*float64(p.Rect.Dx())+.5), int(k*float64(p.Rect.Dy())+.5), imaging.CatmullRom)
		luma := dsp.LumaNRGBA(p)
		level := otsu(luma)
		return bilevel(p.Rect, func(i int) bool { return luma.Pix[i] <= level })
	})
}

func bilevel(size image.Rectangle, black func(i int) bool) *image.NRGBA {
	out := imaging.New(size.Dx(), size.Dy(), base.Grey(255))
	for i := range len(out.Pix) / 4 {
		if black(i) {
			clear(out.Pix[4*i : 4*i+3])
		}
	}
	return out
}

// otsu returns the level that divides the levels of p into two classes of the largest variance between them.
func otsu(p dsp.Plane) (level float32) {
	var count [256]float64
	all, n := 0.0, float64(len(p.Pix))
	for _, v := range p.Pix {
		k := min(max(int(v+.5), 0), 255)
		count[k]++
		all += float64(k)
	}
	best, low, dark := -1.0, 0.0, 0.0
	for k, c := range count {
		low, dark = low+c, dark+c*float64(k)
		if low == 0 || low == n {
			continue
		}
		if v := low * (n - low) * math.Pow(dark/low-(all-dark)/(n-low), 2); v > best {
			best, level = v, float32(k)
		}
	}
	return level
}
