package specimen

import "math"

// expression is what the face does, as against how it is built.
type expression struct {
	smile float64 // 0..1
	open  float64 // gap between the lips, head units
	gaze  float64 // sideways look of the eyes, head units
}

const irisRadius = 0.063 // half of 11.7 mm, in head units

// paintEye returns the colour c with eyeball, lids and lashes of both eyes laid over it, at the
// point (x, y) of the face. Lengths are head units; pixel is the size of a pixel. The eye is drawn
// in coordinates of its own: ex outwards from its middle, ey down.
func (f *look) paintEye(c rgb, x, y, pixel float64, e expression) rgb {
	ax := math.Abs(x)
	ex := ax - f.eyeX
	if math.Abs(ex) > f.eyeW*1.5 || math.Abs(y-f.eyeY) > 0.2 {
		return c
	}
	ey := y - f.eyeY + float64(f.eyeTilt*ex)
	t := (ex + 0.006) / f.eyeW
	upper := -f.eyeOpen * (1 - 0.12*e.smile) * lidCurve(t+0.10)
	lower := f.eyeOpen * (0.62 - 0.2*e.smile) * lidCurve(t-0.12)
	c = f.paintLids(c, ex, ey, t, upper, lower)
	inside := min(ey-upper, lower-ey, (1.1-math.Abs(t))*f.eyeW*0.2)
	if cover := step(-pixel, pixel, inside); cover > 0 {
		c = c.over(f.eyeball(x, ex, ey, ey-upper, t, e), cover)
	}
	return f.paintLashes(c, ex, ey, t, upper, lower)
}

// lidCurve returns the arch of a lid: 1 in the middle, 0 at the corners t = -1 and 1 and beyond.
func lidCurve(t float64) float64 {
	d := 1 - float64(t*t)
	if d <= 0 {
		return 0
	}
	return math.Sqrt(d) * (0.45 + 0.55*d)
}

// paintLids returns the skin colour c with the creases and the inner corner of an eye laid over it.
// ex and ey are the eye's own coordinates, t is ex in half widths of the eye. upper and lower are
// the ey of the lids' edges there.
func (f *look) paintLids(c rgb, ex, ey, t, upper, lower float64) rgb {
	shade := f.skin.times(rgb{0.30, 0.19, 0.16})
	crease := upper - 0.018 - 0.026*f.lid*lidCurve(t*0.92)
	arc := step(1.3, 0.9, math.Abs(t))
	c = c.over(shade, 0.62*f.lid*arc*bump((ey-crease)/0.016))
	c = c.over(shade, 0.22*arc*bump((ey-crease-0.012)/0.05))
	c = c.over(shade, 0.25*arc*bump((ey-lower-0.016)/0.018))
	corner := bump2(ex, ey, -f.eyeW*0.99, 0.004, 0.022, 0.016)
	return c.over(f.skin.times(rgb{0.85, 0.42, 0.40}), 0.8*corner)
}

// eyeball returns the colour inside the lids: white, iris, pupil and glints. x is the place on the
// face, which tells the left eye from the right; ex, ey and t are as in paintLids. below is the
// distance to the upper lid, which casts a shadow.
func (f *look) eyeball(x, ex, ey, below, t float64, e expression) rgb {
	white := rgb{0.72, 0.68, 0.66}.times(rgb{1, 1 - 0.10*t*t, 1 - 0.12*t*t}).scale(1 - 0.30*t*t)
	veins := max(0, 0.09*noise(ex*90, ey*60, f.seed+31))
	c := white.times(rgb{1, 1 - veins, 1 - veins})
	gx := e.gaze // both eyes look to the same side
	if x < 0 {
		gx = -gx
	}
	dx, dy := ex-gx+0.006, ey+f.eyeOpen*0.13
	r := hypot(dx, dy)
	if r < irisRadius+0.01 {
		spoke := noise(math.Atan2(dy, dx)*7, r*22, f.seed+32)
		iris := f.iris.scale(1.25 + 1.1*spoke + 0.9*step(0, irisRadius, dy))
		iris = iris.over(f.iris.scale(0.25), step(irisRadius*0.72, irisRadius, r)*0.85)
		iris = iris.over(f.iris.plus(rgb{0.05, 0.03, 0.01}), 0.4*bump((r-0.030)/0.014))
		iris = iris.over(grey(0.004), step(0.029, 0.024, r))
		c = c.over(iris, step(irisRadius+0.005, irisRadius-0.005, r))
	}
	c = c.scale(mix(0.34, 1, step(0, 0.045, below)))
	glint := bump2(dx*sign(x), dy, -0.019, -0.021, 0.018, 0.017)
	faint := 0.25 * bump2(dx*sign(x), dy, 0.022, 0.024, 0.02, 0.012)
	return c.over(grey(0.95), clamp(1.5*glint+faint, 0, 1))
}

// paintLashes returns the colour c with the lashes of an eye laid over it. The other parameters are
// as in paintLids.
func (f *look) paintLashes(c rgb, ex, ey, t, upper, lower float64) rgb {
	weight := 0.010 + 0.006*step(-0.6, 0.9, t)
	strength := 0.80
	if f.woman {
		weight *= 1.45
		strength = 0.92
	}
	ends := step(1.03, 0.86, math.Abs(t))
	lash := bump((ey - upper + weight*0.35) / (weight * 1.7))
	c = c.over(grey(0.006), strength*ends*min(1, 1.3*lash))
	if f.woman && t > -0.9 { // single lashes, longer outwards
		reach := 0.020 + 0.022*step(-0.4, 1, t)
		v := (upper - ey) / reach
		hair := step(0.12, 0.5, noise(ex*95-v*2.2, 3.5, f.seed+33))
		c = c.over(grey(0.008), 0.75*hair*step(1, 0.2, v)*step(-0.1, 0.05, v)*ends)
	}
	return c.over(f.skin.scale(0.12), 0.40*ends*bump((ey-lower)/0.010))
}

// sign returns -1 below 0, else 1.
func sign(x float64) float64 {
	if x < 0 {
		return -1
	}
	return 1
}

// paintGlasses returns the colour c with spectacles laid over it, or c itself for a person without
// them. The point is on the face, in head units; pixel is the size of a pixel in head units.
func (f *look) paintGlasses(c rgb, x, y, pixel float64) rgb {
	if f.glasses == 0 {
		return c
	}
	ax := math.Abs(x)
	rim := box(ax-f.eyeX-0.005, y-f.eyeY-0.035, 0.235, 0.165, 0.11)
	bridge, _ := segment(ax, y, 0, f.eyeY-0.055, f.eyeX-0.235, f.eyeY-0.03)
	temple, _ := segment(ax, y, f.eyeX+0.235, f.eyeY-0.04, f.width+0.02, f.eyeY-0.05)
	edge := min(math.Abs(rim)-f.glasses*0.7, bridge-f.glasses*0.55, temple-f.glasses*0.6)
	if rim < 0 {
		c = c.scale(0.95).plus(grey(0.012 + 0.03*bump((x+y*0.6-0.1-float64(0.4*math.Floor(x/0.6)))/0.16)))
	}
	shadow := min(math.Abs(box(ax-f.eyeX-0.005, y-f.eyeY-0.065, 0.235, 0.165, 0.11)), 1)
	c = c.scale(1 - 0.18*bump(shadow/0.05))
	shine := 1 + 2.5*bump((edge+f.glasses*0.4)/(f.glasses*0.5))*step(0.05, -0.1, y-f.eyeY)
	return c.over(f.frame.scale(shine), step(pixel, -pixel, edge))
}
