package specimen

import "math"

// The head is a relief: an ellipsoid with the features as bumps on it, shaded
// from its slopes. All in head units (see look).

const headDepth = 0.78 // how far the middle of the face stands before the ears

// skull returns how far a point in head units lies from the middle of the face: below 1 inside the
// outline of the face, above 1 outside. Beside the outline it grows by about 2 a unit.
func (f *look) skull(x, y float64) float64 {
	const widest = -0.18
	if y < widest {
		u, v := square(x/f.width), square((y-widest)/(1+widest))
		return math.Sqrt(float64(u*u) + float64(v*v) + float64(1.5*u)*v)
	}
	w := f.width * (1 - (0.24-0.16*f.square)*step(0.05, 0.95, y))
	w -= float64(f.gaunt*0.5) * bump((y-0.60)/0.4)
	u, v := x/w, (y-widest)/(1-widest)
	return float64(u*u) + mix(float64(v*v), float64(v*v*v), 0.35+0.6*f.square)
}

// depth returns the height of the bare ellipsoid, 1 in the middle and 0 at and beyond the outline,
// from the value of [look.skull].
func depth(skull float64) float64 {
	return math.Sqrt(max(0, 1-skull))
}

// relief returns the height, in head units, of the features at a point of the face above the bare
// ellipsoid. A hollow is negative.
func (f *look) relief(x, y float64, e expression) float64 {
	ax := math.Abs(x)
	z := f.reliefUpper(ax, y)
	z += f.reliefNose(x, ax, y)
	return z + f.reliefMouth(x, ax, y, e)
}

// reliefUpper returns the height of brows, eye sockets, cheekbones and temples; with age also of
// bags and lines. ax is the distance from the middle of the face, 0 or more. Lengths are head
// units.
func (f *look) reliefUpper(ax, y float64) float64 {
	if y > f.eyeY+0.6 {
		return 0
	}
	z := float64((0.02 + f.ridge) * bump2(ax, y, 0.28, f.browY+0.02, 0.34, 0.13))
	z -= float64(0.075 * bump2(ax, y, f.eyeX-0.01, f.eyeY-0.02, 0.27, 0.19))
	z -= float64(0.055 * bump2(ax, y, 0.135, f.eyeY-0.03, 0.12, 0.17))
	z += float64(0.055 * bump2(ax, y, f.eyeX, f.eyeY, f.eyeW*1.35, 0.13))
	z += float64(0.055 * bump2(ax, y, 0.45, 0.27, 0.34, 0.26))
	z -= float64(0.04 * bump2(ax, y, 0.70, -0.30, 0.26, 0.34))
	old := clamp((f.age-35)/40, 0, 1)
	if old > 0 {
		z -= float64(old * 0.022 * bump2(ax, y, f.eyeX-0.03, f.eyeY+0.15, 0.17, 0.05)) // bags
		lines := bump((y+0.48)/0.22) * bump(ax/0.5)
		z += float64(old * 0.008 * lines * math.Sin(float64(y*62)+float64(ax*3)))
	}
	return z
}

// reliefNose returns the height of the nose and of the groove below it. ax is the absolute value of
// x, the distance from the middle of the face. Lengths are head units.
func (f *look) reliefNose(x, ax, y float64) float64 {
	base := f.noseY
	if ax > 0.4 || y < -0.35 || y > base+0.2 {
		return 0
	}
	t := clamp((y-f.eyeY+0.15)/(base-f.eyeY+0.15), 0, 1.2)
	half := mix(0.10, 0.115+f.noseW*0.25, t)
	along := step(f.browY-0.08, f.browY+0.22, y) * step(base+0.07, base-0.05, y)
	z := float64(mix(0.06, 0.19, t*t) * f.noseH * along * bump(x/(half*1.25)))
	z += float64(0.075 * f.noseH * bump2(x, y, 0, base-0.07, 0.13, 0.12))
	z += float64(0.085 * bump2(ax, y, f.noseW*0.74, base-0.045, 0.085, 0.095))
	z -= float64(0.05 * bump2(ax, y, f.noseW*0.46, base+0.012, 0.055, 0.04))
	z -= float64(0.016 * bump2(x, y, 0, base+0.10, 0.05, 0.10))
	z += float64(0.010 * bump2(ax, y, 0.06, base+0.10, 0.035, 0.09))
	return z
}

// reliefMouth returns the height of lips, chin, cheeks and the folds beside the mouth, which age
// and a smile deepen. ax is the absolute value of x, the distance from the middle of the face.
// Lengths are head units.
func (f *look) reliefMouth(x, ax, y float64, e expression) float64 {
	if y < f.noseY-0.32 {
		return 0
	}
	m := f.mouthLine(ax, e)
	w := f.mouthW * (1 + 0.18*e.smile)
	z := float64(0.06 * bump2(x, y, 0, f.mouthY, 0.44, 0.32))
	z += float64(0.034 * bump((y-m+f.upper*0.6)/0.06) * bump(ax/w))
	z += float64(0.050 * bump((y-m-f.lower*0.6-e.open)/0.075) * bump(ax/(w*0.86)))
	z -= float64(0.030 * bump((y-m)/0.026) * step(w*1.05, w*0.8, ax))
	z -= float64(0.010 * bump2(ax, y, w+0.015, m, 0.07, 0.06)) // corners
	z -= float64(0.040 * bump2(x, y, 0, f.mouthY+f.lower+0.075, 0.26, 0.075))
	z += float64(f.chin * bump2(x, y, 0, 0.88, 0.27, 0.19))
	z -= float64(f.gaunt * bump2(ax, y, 0.50, 0.60, 0.26, 0.26))
	d, along := segment(ax, y, f.noseW+0.035, f.noseY-0.06, w+0.10, f.mouthY+0.07)
	fold := clamp((f.age-22)/60, 0, 1)*0.022 + 0.004 + 0.022*e.smile
	z -= float64(fold * bump(d/0.06) * (1 - float64(along*0.5)))
	return z + float64(0.035*e.smile*bump2(ax, y, 0.42, 0.36, 0.22, 0.18))
}

// mouthLine returns the y at which the lips meet, at the distance ax from the middle. A smile
// raises the corners. Lengths are head units.
func (f *look) mouthLine(ax float64, e expression) float64 {
	u := ax / f.mouthW
	return f.mouthY + 0.004*math.Cos(float64(min(u, 1)*3*math.Pi)) - float64((0.016+0.045*e.smile)*min(u*u, 1.2))
}

// flesh returns the colour of the bare skin, before any light, at a point of the face in head
// units: redness, rings under the eyes, freckles, and the skin under a beard.
func (f *look) flesh(x, y float64) rgb {
	ax := math.Abs(x)
	red := float64(0.9*bump2(ax, y, 0.42, 0.32, 0.30, 0.26)) + float64(0.9*bump2(x, y, 0, f.noseY-0.05, 0.18, 0.16))
	red += float64(0.5*bump2(x, y, 0, 0.88, 0.22, 0.16)) + 0.25*noise(x*3, y*3, f.seed+11)
	c := f.skin.times(rgb{1 + 0.05*red*f.redness, 1 - 0.20*red*f.redness, 1 - 0.17*red*f.redness})
	under := bump2(ax, y, f.eyeX-0.03, f.eyeY+0.095, 0.18, 0.085) + 0.8*bump2(ax, y, 0.15, f.eyeY+0.01, 0.09, 0.11)
	c = c.times(rgb{1 - 0.20*under, 1 - 0.24*under, 1 - 0.18*under})
	mottle := 1 + 0.10*cloud(x*7, y*7, 3, f.seed+12) + 0.07*noise(x*70, y*70, f.seed+14)
	c = c.scale(mottle)
	if f.freckles > 0 {
		spot := step(0.28, 0.55, noise(x*34, y*34, f.seed+15)) * bump2(ax, y, 0.26, 0.22, 0.46, 0.36)
		c = c.over(f.skin.times(rgb{0.62, 0.45, 0.36}), 0.5*f.freckles*spot)
	}
	if f.beard > 0 { // shaven or not, the skin under a beard is darker
		c = c.over(f.hair.over(f.skin, 0.35), 0.32*f.beardArea(x, y))
	}
	return c
}

// beardArea returns how much of a beard grows at a point of the face, 0 to 1, whether or not the
// person wears one.
func (f *look) beardArea(x, y float64) float64 {
	ax := math.Abs(x)
	m := f.mouthY
	edge := 0.05*noise(x*6, y*6, f.seed+16) + 0.03*noise(x*30, y*30, f.seed+17)
	cheek := 0.30 + float64(0.55*step(0.72, 0.25, ax)*0.62) // upper edge of the beard
	area := step(-0.05, 0.07, y-cheek+edge)
	area *= 1 - 0.97*bump2(x, y, 0, m+0.015, f.mouthW*1.25, 0.15) // the lips
	area *= step(0.0, 0.05, y-f.noseY-0.02+edge*0.3)
	area *= 1 - 0.75*bump2(ax, y, 0.12, m+f.lower+0.05, 0.10, 0.05)
	side := step(0.50, 0.62, ax) * step(0.02, 0.14, y+edge)
	return clamp(max(area, side), 0, 1)
}

// paintFlesh returns the skin colour c with nostrils, lips, beard hair and brows laid over it,
// before any light. The point is in head units.
func (f *look) paintFlesh(c rgb, x, y float64, e expression) rgb {
	ax := math.Abs(x)
	dark := f.skin.times(rgb{0.22, 0.12, 0.10})
	nostril := bump2(ax, y, f.noseW*0.50, f.noseY+0.004, 0.058, 0.030)
	c = c.over(dark, clamp(1.15*nostril, 0, 0.9))
	d, _ := segment(ax, y, f.noseW+0.005, f.noseY-0.05, f.noseW-0.03, f.noseY+0.005)
	c = c.over(dark, 0.42*bump(d/0.035))
	c = f.paintLips(c, x, y, e)
	if f.beard > 0 {
		strands := 0.5 + 0.5*noise(x*58+4*noise(x*5, y*5, f.seed+18), y*17, f.seed+19) + 0.25*noise(x*120, y*44, f.seed+20)
		cover := f.beardArea(x, y) * step(1-f.beard, 1.25-0.45*f.beard, strands+0.35*f.beard)
		c = c.over(f.hair.scale(0.55+0.9*strands), 0.92*cover*step(0, 0.5, f.beard))
	}
	return f.paintBrow(c, x, ax, y, e)
}

// paintBrow returns the colour c with the hairs of the brow laid over it. ax is the absolute value
// of x, the distance from the middle. Lengths are head units.
func (f *look) paintBrow(c rgb, x, ax, y float64, e expression) rgb {
	t := (ax - 0.105) / (f.eyeX + f.eyeW*1.25 - 0.105)
	if t < -0.1 || t > 1.1 {
		return c
	}
	mid := f.browY - 0.02*e.smile - f.browArch*bump((t-0.62)/0.75) + 0.055*t*t*t
	thick := f.browH * (0.35 + 0.65*step(-0.05, 0.25, t)) * (1 - 0.72*step(0.45, 1.05, t))
	v := (y - mid) / thick
	hairs := noise(ax*34+v*1.4, v*0.9+x*2, f.seed+21) + 0.7*noise(ax*80+v*3, v*1.5, f.seed+22)
	cover := step(1.25, 0.35, math.Abs(v)+0.45*hairs) * step(-0.08, 0.10, t) * step(1.08, 0.9, t)
	tint := f.hair.over(f.skin.scale(0.25), 0.35)
	return c.over(tint, 0.88*cover)
}

// paintLips returns the colour c with the lips, and teeth between open lips, laid over it. The
// point is in head units.
func (f *look) paintLips(c rgb, x, y float64, e expression) rgb {
	ax := math.Abs(x)
	w := f.mouthW * (1 + 0.18*e.smile)
	u := ax / w
	if u > 1.05 {
		return c
	}
	arch := max(0, 1-float64(u*u))
	m := f.mouthLine(ax, e)
	open := e.open * arch
	bow := f.upper * math.Sqrt(arch) * (0.35 + 0.65*arch) * (1 - 0.22*bump(x/0.055))
	low := f.lower * math.Pow(arch, 0.62)
	soft := 0.012
	lip := step(-soft, soft, y-(m-bow)) * step(soft, -soft, y-(m+open+low))
	tint := f.lips.scale(1 + 0.22*noise(x*44, y*9, f.seed+23) + 0.12*bump2(x, y, 0, m+open+low*0.5, 0.16, 0.03)*3)
	if y < m {
		tint = tint.scale(0.80)
	}
	c = c.over(tint, 0.85*lip)
	if open > 0.004 {
		inside := step(-0.006, 0.006, y-m) * step(0.006, -0.006, y-m-open)
		teeth := rgb{0.72, 0.69, 0.63}.scale((1 - 0.65*u*u) * (1 - 0.25*bump((math.Mod(ax+0.0275, 0.055)-0.0275)/0.005)))
		teeth = teeth.over(rgb{0.10, 0.03, 0.03}, step(0.6, 1, (y-m)/open)*0.8+0.6*step(0.72, 0.98, u))
		c = c.over(teeth, inside)
	}
	line := bump((y-m)/(0.011+0.35*open)) * step(1.02, 0.85, u)
	if open <= 0.004 {
		c = c.over(f.lips.times(rgb{0.12, 0.07, 0.07}), 0.82*line)
	}
	return c
}
