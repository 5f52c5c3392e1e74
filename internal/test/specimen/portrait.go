package specimen

import (
	"image"
	"math"
)

// lighting is one distant lamp with a soft edge, a weaker one from the other
// side and light from everywhere.
type lighting struct {
	x, y, z       float64 // direction to the lamp, length 1
	key, fill, am rgb
}

// diffuse returns the light that falls on a surface with the unit normal (nx, ny, nz), as a factor
// for its colour. y points down, z to the viewer. wrap, 0 or more, lets the main lamp reach round
// the edge, as it does in skin and hair.
func (l *lighting) diffuse(nx, ny, nz, wrap float64) rgb {
	d := float64(nx*l.x) + float64(ny*l.y) + float64(nz*l.z)
	k := max(0, (d+wrap)/(1+wrap))
	o := max(0, float64(-nx*l.x*0.8)+float64(ny*-0.2)+float64(nz*0.55))
	sky := 0.78 - float64(0.22*ny)
	return l.key.scale(k).plus(l.fill.scale(o)).plus(l.am.scale(sky))
}

// newLighting returns a lighting with the main lamp in the direction (x, y, z), of any length
// except 0. key, fill and ambient are the colours of the lamp, of the weaker lamp and of the light
// from everywhere.
func newLighting(x, y, z float64, key, fill, ambient rgb) lighting {
	n := math.Sqrt(float64(x*x) + float64(y*y) + float64(z*z))
	return lighting{x / n, y / n, z / n, key, fill, ambient}
}

// sitter is a person in front of the camera: looks, place in the picture,
// pose, expression and light.
type sitter struct {
	look
	expression
	cx, cy, unit float64 // middle of the head and length of a head unit, pixels
	cos, sin     float64 // roll of the head
	yaw, pitch   float64 // turn of the head, as a shift of its front
	pixel        float64 // one pixel in head units
	light        lighting
}

// Portrait draws the person's passport portrait, w x h pixels: head and shoulders, frontal, plain
// light background. 35 to 45 is the usual shape. A side below 1 gives an empty picture.
func Portrait(p Person, w, h int) *image.NRGBA {
	if w <= 0 || h <= 0 {
		return image.NewNRGBA(image.Rectangle{})
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	r := draws(p.Seed, streamLook^streamScenery)
	unit := 0.315 * min(float64(h), float64(w)*1.29)
	s := newSitter(newLook(p), float64(w)*between(r, 0.49, 0.51), float64(h)*0.475, unit)
	s.roll(between(r, -0.035, 0.035))
	s.yaw, s.pitch = between(r, -0.05, 0.05), between(r, -0.02, 0.03)
	s.smile = max(0.06, between(r, -0.1, 0.45))
	s.light = newLighting(between(r, -0.5, 0.5), -0.5, 0.85, grey(0.82), grey(0.17), grey(0.30))
	wall := func(x, y float64) rgb {
		c := s.ground.scale(1.02 - 0.16*y/float64(h) - 0.05*x/float64(w)*sign(-s.light.x))
		c = c.scale(1 + 0.012*noise(x*9/unit, y*9/unit, s.seed+1))
		// the sitter's soft shadow on the wall
		return c.scale(1 - 0.10*bump2(x, y, s.cx+0.25*unit*sign(-s.light.x), s.cy+0.5*unit, 1.6*unit, 1.9*unit))
	}
	paint(img, func(x, y float64) rgb {
		return s.at(func() rgb { return wall(x, y) }, x, y)
	})
	return img
}

// newSitter returns a person with the middle of the head at (cx, cy), upright and frontal. unit is
// the length of a head unit. All three are in pixels.
func newSitter(f look, cx, cy, unit float64) *sitter {
	return &sitter{look: f, cx: cx, cy: cy, unit: unit, cos: 1, pixel: 1 / unit}
}

// roll tilts the head sideways by an angle in radians.
func (s *sitter) roll(angle float64) { s.cos, s.sin = math.Cos(angle), math.Sin(angle) }

// at returns the lit colour of the pixel at (px, py) with the sitter before a background.
// background returns the colour behind the pixel; it is not called if something opaque hides it.
func (s *sitter) at(background func() rgb, px, py float64) rgb {
	x, y := (px-s.cx)/s.unit, (py-s.cy)/s.unit
	if y < -1.7 {
		return background()
	}
	// the head rolls about the neck, the shoulders stay
	hx := float64(x*s.cos) + float64((y-0.9)*s.sin)
	hy := float64((y-0.9)*s.cos) - float64(x*s.sin) + 0.9
	if y > 2.6 || math.Abs(hx) > 2.2 {
		cloth, a := s.garment(x, y)
		if a == 1 {
			return cloth
		}
		return background().over(cloth, a)
	}
	var c rgb
	if s.skull(hx, hy) > 1-s.outline() {
		c = s.behind(background, x, y, hx, hy)
	}
	return s.head(c, hx, hy)
}

// behind returns the lit colour of everything except the head: background, hair at the back, neck,
// chest, clothes, ears. (x, y) is the point for the upright shoulders, (hx, hy) the same point for
// the tilted head, in head units.
func (s *sitter) behind(background func() rgb, x, y, hx, hy float64) rgb {
	c, cover := s.garment(x, y)
	if cover < 1 {
		back := background()
		if hair, a := s.hairBack(hx, hy, s.pixel, &s.light); a > 0 {
			back = back.over(hair, a)
		}
		if skin, a := s.neck(hx, hy); a > 0 {
			back = back.over(skin, a)
		}
		if y > 1.0 { // the chest, where the neckline leaves it free
			if skin, a := s.chest(x, y); a > 0 {
				back = back.over(skin, a)
			}
		}
		c = back.over(c, cover)
	}
	if skin, a := s.ear(hx, hy); a > 0 {
		c = c.over(skin, a)
	}
	return c
}

// outline returns how far from 1 the value of skull is at both ends of the face's soft edge, which
// is about a pixel wide.
func (s *sitter) outline() float64 { return 3.6 * s.pixel }

// chest returns the lit colour and the cover (0 to 1) of the skin between neck and clothes, at a
// point in head units.
func (s *sitter) chest(x, y float64) (rgb, float64) {
	edge := y - s.shoulderLine(math.Abs(x)) - 0.01
	if edge < -s.pixel || y > 2.2 {
		return rgb{}, 0
	}
	c, _ := s.neck(clamp(x, -0.3, 0.3), min(y, 1.35))
	lit := s.light.diffuse(0.3*x, -0.25, 0.9, 0.3)
	c = c.over(s.flesh(x*0.7+3, y).times(lit), step(1.15, 1.45, y))
	return c, step(-s.pixel, s.pixel, edge)
}

// head returns the colour c, of what is behind the head, with face, beard and hair laid over it.
// The point is in head units of the tilted head.
func (s *sitter) head(c rgb, x, y float64) rgb {
	hair, hairCover := s.hairFront(x, y, s.pixel, &s.light)
	if hairCover == 1 {
		return hair
	}
	k := s.skull(x, y)
	if cover := step(1+s.outline(), 1-s.outline(), k); cover > 0 {
		c = c.over(s.face(x, y, k), cover)
	}
	if s.beard > 0.7 && k >= 0.9 && k < 1.3 && y > 0.3 { // a full beard stands out from the chin
		fuzz := 0.10*s.beard + 0.10*noise(x*16, y*7, s.seed+2)
		cover := step(1+fuzz+0.04, 1+fuzz-0.04, k) * step(0.3, 0.5, y) * step(0.9, 1.0, k)
		tex := 0.75 + 0.6*noise(x*50, y*14, s.seed+3)
		c = c.over(s.hair.scale(max(0.2, tex)).times(s.light.diffuse(x, 0.3, 0.7, 0.3)), cover)
	}
	return c.over(hair, hairCover)
}

// face returns the lit colour of a point of the face with eyes and spectacles. k is the value of
// skull there.
func (s *sitter) face(x, y, k float64) rgb {
	d := depth(k)
	wob := 0.008 * noise(x*1.7, y*1.7, s.seed+4) // no face is quite symmetrical
	fx, fy := x-float64(s.yaw*d)+wob, y-float64(s.pitch*d)+0.6*wob
	nx, ny, nz := s.normal(x, y, fx, fy)
	c := s.flesh(fx, fy)
	c = s.paintFlesh(c, fx, fy, s.expression)
	c = s.paintEye(c, fx, fy, s.pixel, s.expression)
	// light reaches further round in red: it travels in the skin
	lr, lg, lb := s.light.diffuse(nx, ny, nz, 0.40), s.light.diffuse(nx, ny, nz, 0.24), s.light.diffuse(nx, ny, nz, 0.18)
	c = c.times(rgb{lr.r, lg.g, lb.b})
	c = c.scale(s.occlusion(x, y, fx, fy, k))
	c = c.plus(s.light.key.scale(s.gloss(nx, ny, nz, fx, fy)))
	return s.paintGlasses(c, fx, fy, s.pixel)
}

// normal returns the unit normal of the face's relief by forward differences. (x, y) is the point
// on the head, (fx, fy) the point among the features, which a turn of the head shifts.
func (s *sitter) normal(x, y, fx, fy float64) (nx, ny, nz float64) {
	e := max(0.006, s.pixel)
	height := func(dx, dy float64) float64 {
		base := headDepth * depth(s.skull(x+dx, y+dy))
		return base + s.relief(fx+dx, fy+dy, s.expression) + 0.0015*noise((fx+dx)*62, (fy+dy)*62, s.seed+5)
	}
	z := height(0, 0)
	nx, ny = (z-height(e, 0))/e, (z-height(0, e))/e
	nx, ny = clamp(nx, -3, 3), clamp(ny, -3, 3)
	n := math.Sqrt(1 + float64(nx*nx) + float64(ny*ny))
	return nx / n, ny / n, 1 / n
}

// occlusion returns a factor, up to 1, that darkens what little light reaches: under hair and
// brows, beside the nose, at the outline. The points are as in normal, k is the value of skull.
func (s *sitter) occlusion(x, y, fx, fy, k float64) float64 {
	ax := math.Abs(fx)
	o := 1 - 0.20*bump2(ax, fy, 0.15, s.eyeY-0.03, 0.14, 0.15)
	o *= 1 - 0.30*bump2(fx+0.10*s.light.x, fy, 0, s.noseY+0.055, 0.20, 0.085)
	o *= 1 - 0.22*bump2(fx, fy, 0, s.mouthY+s.lower+0.06, 0.22, 0.06)
	o *= 1 - 0.22*step(0.72, 1, k)*step(0.2, 0.9, y)
	if !s.cut.bald {
		o *= 1 - 0.42*bump(min(0, s.faceEdge(x, y))/0.13)
	}
	return o
}

// gloss returns the strength of the mirrored light at a point of the face with the unit normal (nx,
// ny, nz). It adds a broad and a tight highlight, and is the same for skin and lips.
func (s *sitter) gloss(nx, ny, nz, fx, fy float64) float64 {
	hx, hy, hz := s.light.x, s.light.y, s.light.z+1
	n := math.Sqrt(float64(hx*hx) + float64(hy*hy) + float64(hz*hz))
	d := max(0, (float64(nx*hx)+float64(ny*hy)+float64(nz*hz))/n)
	d2 := d * d
	d8 := d2 * d2 * d2 * d2
	broad := d8 * d8
	tight := broad * broad * broad
	grain := 1 + 0.5*noise(fx*80, fy*80, s.seed+6)
	return s.sheen * grain * (0.030*broad + 0.055*tight)
}
