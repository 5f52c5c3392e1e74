package specimen

import (
	"image"
	"math"
)

// Landscape draws an invented coast, w x h pixels: sky, ranges of hills into the haze, water and a
// bank in front. The same seed gives the same coast. A side below 1 gives an empty picture.
func Landscape(seed uint64, w, h int) *image.NRGBA {
	if w <= 0 || h <= 0 {
		return image.NewNRGBA(image.Rectangle{})
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	v := newVista(seed, float64(w)/float64(h))
	paint(img, func(x, y float64) rgb { return v.at(x/float64(h), y/float64(h)) })
	finish(img, optics{seed: seed, blur: 0.6, noise: 0.9, vignette: 0.10})
	return img
}

// vista is a landscape; lengths in heights of the picture.
type vista struct {
	seed                uint64
	aspect              float64
	shore, sunX, sunY   float64
	zenith, haze, light rgb
	land                rgb
	tops                [ranges][]float64 // skylines, by column
	edge                []float64         // of the bank, by column
}

const (
	ranges        = 5
	skylineSteps  = 2000 // columns a height of the picture
	skylineMargin = 0.1  // beyond the left and right edges, for reflections
)

// newVista invents the landscape of a seed and computes its skylines. aspect is width over height
// of the picture.
func newVista(seed uint64, aspect float64) vista {
	r := draws(seed, streamScenery)
	v := vista{seed: seed, aspect: aspect}
	v.shore = between(r, 0.55, 0.66)
	v.sunX, v.sunY = aspect*between(r, 0.15, 0.85), between(r, 0.16, 0.40)
	evening := r.Float64()
	v.zenith = srgb(0x3d74b4).over(srgb(0x4a5f95), evening)
	v.haze = srgb(0xd5e4ee).over(srgb(0xf3c79d), evening)
	v.light = srgb(0xfff6e6).over(srgb(0xffd09a), evening)
	v.land = srgb([...]uint32{0x3d5a2e, 0x55612f, 0x6b5f38}[r.IntN(3)])
	n := int((aspect+2*skylineMargin)*skylineSteps) + 2
	for k := range n {
		x := float64(k)/skylineSteps - skylineMargin
		for i := range v.tops {
			v.tops[i] = append(v.tops[i], v.rise(x, i))
		}
		v.edge = append(v.edge, v.bank(x))
	}
	return v
}

// at returns the colour at a place in the picture, in heights of the picture from its top left
// corner.
func (v *vista) at(x, y float64) rgb {
	if y > v.edge[int((x+skylineMargin)*skylineSteps)] {
		return v.grass(x, y)
	}
	if y > v.shore {
		return v.water(x, y)
	}
	for i := ranges - 1; i >= 0; i-- {
		if top := v.skyline(x, i); y > top {
			return v.hill(x, y, top, i)
		}
	}
	return v.sky(x, y)
}

// sky returns the colour of the sky with sun and clouds at a place that nothing hides.
func (v *vista) sky(x, y float64) rgb {
	t := clamp(y/v.shore, 0, 1)
	c := v.zenith.over(v.haze, t*t*0.95)
	d := hypot(x-v.sunX, y-v.sunY)
	c = c.plus(v.light.scale(0.35*square(step(0.9, 0, d)) + 0.5*square(step(0.16, 0.01, d))))
	far := 0.16 / (v.shore - y*0.86 + 0.04) // clouds crowd towards the horizon
	cx, cy := (x-v.aspect/2)*far*4, far*9
	n := cloud(cx+0.4*noise(cx, cy, v.seed+1), cy, 4, v.seed+2)
	cover := step(0.02, 0.55, n) * step(1.0, 0.75, t)
	lit := cloud(cx-0.10, cy-0.16, 3, v.seed+2)
	shade := v.haze.scale(0.72).over(v.light, clamp(0.75+1.1*(n-lit), 0, 1))
	return c.over(shade, 0.85*cover)
}

// skyline returns the y of the top of the ith range of hills, from the stored columns. Range 0 is
// the farthest. An x beyond the margins gives the value at the margin.
func (v *vista) skyline(x float64, i int) float64 {
	at := clamp((x+skylineMargin)*skylineSteps, 0, float64(len(v.tops[i])-2))
	k := int(at)
	return mix(v.tops[i][k], v.tops[i][k+1], at-float64(k))
}

// rise computes the y of the top of the ith range of hills at x. It is slow: skyline has the stored
// values.
func (v *vista) rise(x float64, i int) float64 {
	k := float64(i)
	n := cloud(x*(1.3+0.35*k)+k*11, k*7.7, 6, v.seed+10+uint64(i)*9)
	return v.shore - (0.20 - 0.035*k) - (0.15-0.014*k)*n
}

// hill returns the colour of the ith range of hills, 0 the farthest and haziest. top is the skyline
// of the range at x.
func (v *vista) hill(x, y, top float64, i int) rgb {
	k := float64(i)
	near := (k + 1) / 5
	fx, fy := x*(6+3*k), (y-top)*(12+6*k)
	relief := func(x, y float64) float64 { return cloud(x+0.6*y, y, 5, v.seed+70+uint64(i)) }
	slope := relief(fx, fy) - relief(fx+0.12*clamp((v.sunX-x)*3, -1, 1), fy-0.10)
	bush := noise(x*90*near+3, y*140*near, v.seed+81)
	c := v.land.scale(0.85 + 2.2*slope*near + 0.35*bush*near)
	rock := step(0.05, 0.35, relief(fx*0.6+5, fy*0.6)) * (1 - near) * 0.8
	c = c.over(srgb(0x8a8277).scale(0.9+2*slope), rock).times(v.light)
	mist := 1 - near
	return c.over(v.haze.scale(0.9), clamp(0.12+0.78*mist+0.25*step(0.10, 0, v.shore-y)*mist, 0, 0.93))
}

// water returns the colour of the water, at a place below the shore: waves that mirror sky and
// hills.
func (v *vista) water(x, y float64) rgb {
	depth := (y - v.shore) / (1 - v.shore)
	far := 1 / (depth + 0.05) // rows of waves shrink towards the horizon
	wx, wy := (x-v.aspect/2)*far, 2.2*far
	wave := noise(wx*7+wy, wy*9, v.seed+90) + 0.6*noise(wx*19-wy, wy*23, v.seed+91) + 0.4*noise(wx*50, wy*50, v.seed+92)*step(0.05, 0.3, depth)
	up := clamp(v.shore-(y-v.shore)*(0.75+0.05*wave)-0.05*wave*depth, 0, v.shore)
	mirror := v.sky(x+0.02*wave*(0.3+depth), up)
	for i := range ranges {
		if top := v.skyline(x+0.01*wave, i); up > top+0.015*wave {
			mirror = v.land.scale(0.55).over(v.haze.scale(0.85), 0.8-0.15*float64(i))
		}
	}
	c := mirror.scale(0.80).over(srgb(0x1f4a5c), 0.30+0.35*depth).scale(1 + 0.28*wave)
	glitter := step(0.42, 0.75, wave) * step(0.30, 0.02, math.Abs(x-v.sunX)-0.10*depth)
	return c.plus(v.light.scale(0.75 * glitter))
}

// bank returns the y of the edge of the ground in front.
func (v *vista) bank(x float64) float64 {
	return 0.93 - 0.16*cloud(x*1.1+5, 2.2, 4, v.seed+95) - 0.012*noise(x*40, 1, v.seed+96) - 0.006*noise(x*130, 4, v.seed+97)
}

// grass returns the colour of the bank in front.
func (v *vista) grass(x, y float64) rgb {
	blades := noise(x*150+4*noise(x*4, y*4, v.seed+98), y*26, v.seed+99)
	clumps := cloud(x*9, y*14, 3, v.seed+100)
	c := v.land.times(rgb{1.25, 1.35, 0.8}).scale(0.72 + 0.5*blades + 0.45*clumps)
	flower := step(0.50, 0.58, noise(x*55, y*70, v.seed+101)) * step(0.1, 0.4, clumps)
	return c.over(srgb(0xe9c650), 0.8*flower).times(v.light)
}
