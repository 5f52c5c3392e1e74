package specimen

import "math"

// Neck, ears, shoulders and what the person wears, in head units.

// ear returns the lit colour and the cover (0 to 1) of the ears at a point in head units. The face
// is drawn over them.
func (s *sitter) ear(x, y float64) (rgb, float64) {
	ax := math.Abs(x)
	cx, cy := s.width-0.005, s.eyeY+0.17
	dx, dy := (ax-cx+0.10*(y-cy))/0.115, (y-cy)/0.235
	d := 1 - hypot(dx, dy*(1+0.25*step(0, 1, dy)))
	if d < -0.1 {
		return rgb{}, 0
	}
	rim := bump((d - 0.16) / 0.16)
	hollow := bump2(ax, y, cx-0.005, cy-0.01, 0.055, 0.13)
	c := s.skin.times(rgb{1.02, 0.86, 0.84}).scale(0.80 + 0.30*rim - 0.50*hollow)
	lit := s.light.diffuse(0.55*sign(x), -0.15, 0.8, 0.3)
	return c.times(lit), step(-s.pixel*8, s.pixel*8, d)
}

// neckWidth returns half the neck's width at the height y, both in head units.
func (s *sitter) neckWidth(y float64) float64 {
	w := 0.44
	if s.woman {
		w = 0.355
	}
	return w + 0.05*square((y-0.95)/0.35) + 0.55*square(max(0, y-1.12))
}

// neck returns the lit colour and the cover (0 to 1) of the neck at a point in head units, with the
// shadow of the chin.
func (s *sitter) neck(x, y float64) (rgb, float64) {
	w := s.neckWidth(y)
	ax := math.Abs(x)
	if y < 0.3 || ax > w+0.05 {
		return rgb{}, 0
	}
	nx := clamp(x/w, -1, 1) * 0.9
	cords := 0.05 * bump((ax-0.17-0.10*(1.5-y))/0.07) * step(0.9, 1.2, y)
	lit := s.light.diffuse(nx, 0.12, math.Sqrt(max(0.04, 1-nx*nx)), 0.3)
	c := s.flesh(x*0.7+3, y).times(rgb{0.97, 1, 1.03}).times(lit).scale(0.94 + cords)
	// the chin's shadow: the outline of the face, moved away from the light
	r := s.skull((x-0.10*sign(-s.light.x))*0.94, y-0.24)
	shadow := step(1.18, 0.78, r)
	c = c.over(c.times(rgb{0.46, 0.38, 0.37}), 0.85*shadow)
	pit := bump2(x, y, 0, 1.33, 0.10, 0.10)
	return c.scale(1 - 0.2*pit), step(w+s.pixel, w-s.pixel, ax)
}

// shoulderLine returns the y of the shoulders at the distance ax (0 or more) from the middle, in
// head units.
func (s *sitter) shoulderLine(ax float64) float64 {
	wide := 1.62
	if s.woman {
		wide = 1.42
	}
	y := 1.13 + 0.30*step(0.30, 0.95, ax) + 0.10*clamp((ax-0.5)/0.8, 0, 1)
	return y + 0.9*square(max(0, ax-wide+0.30))*2.2
}

// garment returns the lit colour and the cover (0 to 1) of the clothes at a point in head units.
// s.collar chooses the kind: round or pointed neck, shirt, suit.
func (s *sitter) garment(x, y float64) (rgb, float64) {
	ax := math.Abs(x)
	edge := y - s.shoulderLine(ax)
	if edge < -0.1 {
		return rgb{}, 0
	}
	cover := step(-s.pixel, s.pixel, edge)
	c := s.fabric(x, y)
	lit := s.folds(x, y, edge)
	switch s.collar {
	case 0: // round neck
		d := hypot(x/0.56, (y-1.08)/0.40) - 1
		cover *= step(-s.pixel*2, s.pixel*2, d)
		rib := 0.86 + 0.10*math.Sin(math.Atan2(y-1.08, x)*90)
		c = c.scale(mix(rib, 1, step(0.14, 0.17, d)))
		lit = lit.scale(mix(0.75, 1, step(0, 0.03, math.Abs(d-0.15))))
	case 1: // pointed neck
		d := math.Max(ax*0.92-0.56+0.75*(y-1.1), -1)
		cover *= step(-s.pixel, s.pixel, d)
		lit = lit.scale(mix(0.72, 1, step(0, 0.03, math.Abs(d-0.075))))
	case 2:
		return s.shirt(x, y, c.times(lit), cover, 0)
	default:
		return s.suit(x, y, c.times(lit), cover)
	}
	return c.times(lit), cover
}

// fabric returns the colour of the cloth before any light, at a point in head units: knitted,
// striped or plainly woven.
func (s *sitter) fabric(x, y float64) rgb {
	weave := 1 + 0.10*noise(x*130, y*130, s.seed+71) + 0.02*noise(x*9, y*9, s.seed+72)
	c := s.cloth.scale(weave)
	switch s.seed >> 3 % 4 {
	case 0:
		if s.collar > 1 {
			break
		}
		knit := math.Sin(x*170) * math.Sin(y*110+2*math.Sin(x*170))
		c = c.scale(1 + 0.14*knit)
	case 1:
		if math.Mod(math.Abs(y+0.06*noise(x*2, y, s.seed+73)), 0.22) < 0.075 && s.collar < 2 {
			c = s.cloth2.scale(weave * 0.8)
		}
	}
	return c
}

// folds returns the light on the folded cloth at a point, as a factor for its colour. edge is how
// far the point lies below the line of the shoulders. All lengths are in head units.
func (s *sitter) folds(x, y, edge float64) rgb {
	f := func(x, y float64) float64 {
		long := noise(x*(4.2-1.1*y), y*0.5, s.seed+74) // folds fall from the shoulders
		return 0.075*long + 0.03*noise(x*1.3, y*1.3, s.seed+75)
	}
	const e = 0.02
	z := f(x, y)
	nx := 0.42*clamp(x, -1.6, 1.6) + (z-f(x+e, y))/e*1.1
	ny := -0.55*step(0.55, 0, edge) + (z-f(x, y+e))/e*1.1
	n := math.Sqrt(1 + float64(nx*nx) + float64(ny*ny))
	return s.light.diffuse(nx/n, ny/n, 1/n, 0.15)
}

// shirt lays a collar with points over the lit cloth c, and returns colour and cover. cover is the
// cover of the cloth, 0 to 1. under is 0 for a shirt with buttons and an open neck, above 0 for a
// shirt under a coat. The point is in head units.
func (s *sitter) shirt(x, y float64, c rgb, cover, under float64) (rgb, float64) {
	ax := math.Abs(x)
	open := ax - 0.20 + 0.55*(y-1.12) // the gap at the throat
	inside := y < 1.48 && open < 0
	if under == 0 && inside && y < 1.46 {
		cover *= step(-s.pixel, s.pixel, open)
	}
	// collar leaf: from the neck down to a point
	leaf := math.Max(ax-0.50+0.30*(y-1.1), math.Max(1.05+0.16*ax-y, y-1.50+0.75*math.Abs(ax-0.25)))
	leaf = math.Max(leaf, -open)
	if leaf < 0.03 {
		cloth := s.cloth2
		if under == 0 {
			cloth = s.cloth.over(grey(1), 0.10)
		}
		lit := s.light.diffuse(0.3*x, -0.2, 0.92, 0.2)
		seam := 1 - 0.16*bump((leaf+0.035)/0.010)
		leafColour := cloth.times(lit).scale(seam * (0.95 - 0.35*step(-0.06, -0.26, leaf) + 0.05*noise(x*130, y*130, s.seed+76)))
		c = c.scale(mix(0.62, 1, step(0, 0.06, leaf)))
		on := step(s.pixel, -s.pixel, leaf)
		c = c.over(leafColour, on)
		cover = max(cover, on)
	}
	if under == 0 && ax < 0.07 && y > 1.44 { // button band
		c = c.scale(1 - 0.22*bump((ax-0.065)/0.012))
		c = c.over(grey(0.7), 0.8*step(0.022, 0.016, hypot(x, math.Mod(y+0.11, 0.34)-0.17)))
	}
	return c, cover
}

// suit lays a coat with lapels over a shirt, with a tie for some men, and returns colour and cover.
// coat is the lit cloth of the coat, cover its cover, 0 to 1. The point is in head units.
func (s *sitter) suit(x, y float64, coat rgb, cover float64) (rgb, float64) {
	ax := math.Abs(x)
	front := ax - 0.42 + 0.40*(y-1.15) // the opening of the coat
	lit := s.light.diffuse(0.4*x, -0.1, 0.92, 0.2)
	shirt := s.cloth2.times(lit).scale(0.95 + 0.05*noise(x*130, y*130, s.seed+77))
	tie := s.seed&1 == 0 && !s.woman
	if tie {
		knot := math.Max(ax-0.10+0.35*(y-1.32), math.Max(1.30-y, y-1.46))
		blade := math.Max(ax-0.045-0.20*(y-1.44), 1.44-y)
		d := min(knot, blade)
		silk := srgb([...]uint32{0x6b1f2a, 0x1f3560, 0x2d4a3a, 0x4a3a5c}[s.seed>>7%4])
		if math.Mod(x+y+8, 0.14) < 0.05 {
			silk = silk.over(grey(0.6), 0.35)
		}
		shirt = shirt.scale(mix(0.7, 1, step(0, 0.04, d))).over(silk.times(lit), step(s.pixel, -s.pixel, d))
	}
	under := 0.0
	if tie {
		under = 1
	}
	inner, innerCover := shirt, cover
	if !tie {
		open := ax - 0.20 + 0.45*(y-1.12)
		innerCover *= step(-s.pixel, s.pixel, max(open, y-1.6))
	}
	inner, innerCover = s.shirt(x, y, inner, innerCover, max(under, 0.5))
	lapel := math.Max(-front, ax-0.70+0.22*(y-1.15))
	notch := step(0.012, 0.0, math.Abs(y-1.60-0.5*(ax-0.4))) * step(0.006, -0.006, max(lapel, 0.50-ax))
	coat = coat.scale(mix(0.62, 1, step(0, 0.035, math.Abs(lapel)))).scale(1 - 0.5*notch)
	on := step(-s.pixel, s.pixel, front)
	shadow := mix(0.60, 1, step(0, 0.09, -front))
	return inner.scale(shadow).over(coat, on), max(innerCover, on*cover)
}
