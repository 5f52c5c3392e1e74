package specimen

import "math"

// hairEdge returns the distance, positive inside, to the outline of the whole hair seen from the
// front. side is the distance without the lower end of the hair. Lengths are head units.
func (f *look) hairEdge(x, y float64) (edge, side float64) {
	h := f.cut
	ax := math.Abs(x)
	rx, ry := f.width+h.side, 1+h.top
	bumpy := 0.0
	if h.curl > 0 {
		bumpy = h.curl * (0.05*noise(x*5, y*5, f.seed+41) + 0.03*noise(x*13, y*13, f.seed+42))
	}
	if y < 0 {
		// a little flatter than an ellipse at the top
		u, v := ax/rx, -y/ry
		rho := math.Sqrt(math.Sqrt(float64(u*u*u*u) + float64(v*v*v*v) + 1.3*float64(u*u)*float64(v*v)))
		d := (1-rho)*rx + bumpy
		return d, d
	}
	half := rx
	if h.length > 0.45 {
		half += h.flare*y + h.wave*0.035*step(0, 0.3, y)*math.Sin(y*7+sign(x)) - 0.10*square(max(0, y-0.9))
	} else {
		half = mix(rx, f.width*0.985, clamp(y/h.length, 0, 1))
	}
	end := h.length + 0.06*noise(x*4, 0.5, f.seed+43) + 0.03*noise(x*23, 0.5, f.seed+44)
	return min(half-ax, end-y) + bumpy, half - ax
}

// faceEdge returns the distance in head units, positive outside, to the opening that the hair
// leaves for the face. Outside is on the hair.
func (f *look) faceEdge(x, y float64) float64 {
	h := f.cut
	const middle = 0.24
	ry := middle - h.fringe
	if y > middle {
		ry = 40 // open downwards, except under a scarf
		if h.scarf {
			ry = 0.90
		}
	}
	u, v := (x-0.05*h.part)/h.temple, (y-middle)/ry
	rho := math.Sqrt(math.Sqrt(float64(u*u*u*u) + float64(v*v*v*v) + 1.35*float64(u*u)*float64(v*v)))
	d := (rho - 1) * h.temple
	if h.bald {
		d = min(d, 0.20*math.Abs(x)-0.03+0.9*(math.Abs(x)-0.62)-0.22*step(-0.2, -0.6, y))
	}
	return d
}

// strand returns coordinates along and across the hairs at a point. outer and inner are the
// distances to the outline of the hair and to the face. Parted hair sweeps from the parting around
// the face, so it runs between the hairline and the outline. A fringe and hair combed back radiate
// from the crown.
func (f *look) strand(x, y, outer, inner float64) (along, across float64) {
	h := f.cut
	px := x - h.part*0.30
	hang := 1 + 0.9*max(0, y)
	radial := math.Atan2(px/hang, y+1.22) * 0.9
	across, along = radial, hypot(px*0.8, y+1.2)
	if h.flow == swept {
		in := max(0, inner) + 0.02
		t := in / (in + max(0, outer) + 0.02)
		side := sign(px)
		across = side * (0.25 + 1.1*t)
		along = math.Abs(math.Atan2(px, 0.35-y)) + 0.8*max(0, y)
		across += 0.10 * noise(along*1.6, side*3.3, f.seed+47)
	}
	if h.wave > 0 {
		across += h.wave * (0.055*math.Sin(along*5.5+2*noise(x*1.5, y*1.5, f.seed+45)) + 0.05*noise(x*2.3, y*2.3, f.seed+46))
	}
	return along, across
}

// hairColour returns the lit colour of the hair at a point. outer and inner are the distances to
// the outline of the hair and to the face, positive in the hair. Whether there is hair at the point
// is left to the caller.
func (f *look) hairColour(x, y, outer, inner float64, l *lighting) rgb {
	h := f.cut
	along, across := f.strand(x, y, outer, inner)
	var tex, gloss float64
	if h.curl > 0.5 {
		wx, wy := x+0.08*noise(x*6, y*6, f.seed+51), y+0.08*noise(x*6, y*6, f.seed+52)
		ring := 1 - 2.2*math.Abs(noise(wx*13, wy*13, f.seed+53))
		fine := 1 - 2.2*math.Abs(noise(wx*31, wy*31, f.seed+54))
		tex = 0.50 + 0.42*ring + 0.22*fine + 0.2*noise(x*3, y*3, f.seed+55)
		gloss = 0.10 * max(0, ring)
	} else {
		clump := noise(across*13, along*0.9, f.seed+56)
		strands := noise(across*44, along*1.3, f.seed+57)
		fine := noise(across*120, along*2.2, f.seed+58)
		tex = 0.72 + 0.42*clump + 0.38*strands + 0.26*fine
		gloss = bump((along-0.62-0.10*clump-0.05*strands)/0.30) + 0.45*bump((along-1.5-0.1*clump)/0.35)
		gloss *= 0.5 + 0.9*strands
		if h.flow == swept { // the parting, a line of scalp in shadow
			line := bump((x-h.part*0.30-0.02*noise(y*9, 1, f.seed+48))/0.024) * step(0.30, 0.06, inner)
			tex *= 1 - 0.5*line
		}
	}
	if h.top < 0.05 && h.curl == 0 { // cropped: dots, and the scalp between
		tex = 0.75 + 0.5*noise(x*75, y*75, f.seed+59) + 0.2*noise(x*9, y*9, f.seed+60)
		gloss = 0.1
	}
	rx, ry := f.width+h.side+0.05, 1.06+h.top
	nx, ny := clamp(x/rx, -1, 1), clamp(y/ry, -1, 0.15)
	nz := math.Sqrt(max(0.05, 1-float64(nx*nx)-float64(ny*ny)))
	lit := l.diffuse(nx, ny, nz, 0.35)
	c := f.hair.scale(max(0.12, tex)).times(lit)
	shine := 0.05 + 0.22*f.hair.luma()
	return c.plus(l.key.scale(max(0, gloss) * shine * max(0.15, lit.luma())))
}

// scarfColour returns the lit colour of a headscarf at a point: folds that run around the face.
// Whether the scarf covers the point is left to the caller.
func (f *look) scarfColour(x, y float64, l *lighting) rgb {
	d := f.faceEdge(x, y)
	fold := func(x, y, d float64) float64 {
		return 0.10*math.Sin(d*21+2.2*noise(x*1.6, y*1.6, f.seed+61)) + 0.14*noise(x*2.1, y*2.1, f.seed+62) + 0.25*math.Sqrt(max(0, d)+0.01)
	}
	const e = 0.02
	z := fold(x, y, d)
	nx := (z - fold(x+e, y, f.faceEdge(x+e, y))) / e * 0.35
	ny := (z - fold(x, y+e, f.faceEdge(x, y+e))) / e * 0.35
	nx, ny = nx+0.55*x, ny+0.3*clamp(y, -1, 0.5)
	n := math.Sqrt(float64(nx*nx) + float64(ny*ny) + 1)
	weave := 1 + 0.06*noise(x*150, y*150, f.seed+63)
	c := f.cloth2.over(f.cloth, 0.6).scale(weave)
	return c.times(l.diffuse(nx/n, ny/n, 1/n, 0.2)).scale(mix(0.55, 1, step(0, 0.10, d)))
}

// hairFront returns the lit colour and the cover (0 to 1) of the hair, or headscarf, before the
// face. pixel is the size of a pixel in head units.
func (f *look) hairFront(x, y, pixel float64, l *lighting) (rgb, float64) {
	outer, side := f.hairEdge(x, y)
	inner := f.faceEdge(x, y)
	edge := min(outer, inner)
	if edge < -0.12 || !f.cut.scarf && f.skull(x, y) < 1 && y > f.cut.length+0.1 {
		return rgb{}, 0
	}
	if f.cut.scarf {
		return f.scarfColour(x, y, l), step(-pixel, pixel, edge)
	}
	along, across := f.strand(x, y, side, inner)
	wisp := 0.045*noise(across*38, along*2, f.seed+64) + 0.02*noise(across*110, along*3, f.seed+65)
	soft := 0.025 + pixel
	if f.cut.flow == swept {
		wisp *= 0.5
	}
	if f.cut.curl > 0.5 {
		wisp, soft = 0.06*noise(x*24, y*24, f.seed+66), 0.03+pixel
	}
	cover := step(-soft, soft, outer+wisp*min(0.6, 4*f.cut.top)) * step(-soft, soft*1.6, inner+wisp)
	if f.cut.length < 0.45 { // short: sideburns fade into skin
		cover *= step(f.cut.length+0.05, f.cut.length-0.12, y+wisp)
		if f.cut.top < 0.05 {
			cover *= 0.82
		}
	}
	return f.hairColour(x, y, side, inner, l), cover
}

// hairBack returns the lit colour and the cover (0 to 1) of the hair, or headscarf, behind neck and
// shoulders. pixel is the size of a pixel in head units.
func (f *look) hairBack(x, y, pixel float64, l *lighting) (rgb, float64) {
	if f.cut.bun {
		if d := 0.30 - hypot(x-0.03, (y+1.12)*1.15); d > -0.05 {
			c := f.hairColour(x*1.4, y*0.5-0.4, 0.1, 0.1, l).scale(0.85)
			return c, step(-0.012, 0.012, d+0.02*noise(x*20, y*20, f.seed+67))
		}
	}
	if f.cut.bald {
		return rgb{}, 0
	}
	edge, side := f.hairEdge(x, y)
	inner := f.faceEdge(x, y)
	if edge < -0.1 || f.cut.length < 0.45 && y > 0.4 {
		return rgb{}, 0
	}
	if f.cut.scarf {
		return f.scarfColour(x, y, l).scale(0.6), step(-pixel, pixel, edge)
	}
	along, across := f.strand(x, y, side, inner)
	wisp := 0.03 * noise(across*38, along*2, f.seed+64)
	deep := mix(0.22, 1, step(0.12, 0, edge))
	return f.hairColour(x, y, side, inner, l).scale(deep), step(-0.02-pixel, 0.02+pixel, edge+wisp)
}
