package specimen

import (
	"image"
	"math"
)

// Security printing: fine line patterns on tinted grounds, worked out pixel by
// pixel, and the state's emblem. All invented.

// lines returns the coverage, 0 to 1, at a place of a family of lines. phase counts lines, so its
// fraction says how far between two lines the place lies. width is the share of a line in a period,
// grain the part of a period that one pixel spans. Lines finer than pixels become an even tint.
func lines(phase, width, grain float64) float64 {
	d := math.Abs(phase - math.Floor(phase) - 0.5)
	if grain > 0.9 { // finer than pixels: an even tint
		return width
	}
	half := max(width/2, grain*0.35)
	return step(half+grain*0.6, half-grain*0.6, d) * min(1, width/2/half+0.25)
}

// waves returns the coverage, 0 to 1, at (x, y) of a family of lines that swing. spacing, swing and
// length (of a wave) are millimetres, as is pixel, the size of a pixel. lean is the slope of the
// lines.
func waves(x, y, spacing, swing, length, lean, pixel float64) float64 {
	phase := (y + float64(lean*x) + float64(swing*math.Sin(float64(2*math.Pi/length)*x)) + float64(0.4*swing*math.Sin(float64(2*math.Pi/length*2.7)*x+y*0.15))) / spacing
	return lines(phase, 0.30, pixel/spacing)
}

// rings returns the coverage, 0 to 1, at (x, y) of a family of rings around (cx, cy). Each ring
// swings petals times. spacing, swing and pixel, the size of a pixel, are millimetres.
func rings(x, y, cx, cy, spacing, swing float64, petals int, pixel float64) float64 {
	dx, dy := x-cx, y-cy
	r, a := hypot(dx, dy), math.Atan2(dy, dx)
	s := math.Sin(a*float64(petals) + float64(r*0.22))
	return lines((r+float64(swing*s))/spacing, 0.30, pixel/spacing)
}

// ground paints the whole page, over what is there, from a function of the place in millimetres.
// pixel is the size of a pixel in millimetres. at must be safe for concurrent use.
func (c *canvas) ground(at func(x, y, pixel float64) rgb) {
	pixel := 1 / c.scale
	paint(c.img, func(x, y float64) rgb { return at(x*pixel, y*pixel, pixel) })
}

// rosette prints a guilloche rosette around (x, y) out of that many curves, with an opacity of 0 to
// 1. radius is the mean radius in millimetres. A curve swings around it by the share depth, petals
// times; each curve is turned against the curve before.
func (c *canvas) rosette(colour ink, opacity, x, y, radius, depth float64, petals, curves int) {
	lines := make([][]point, 0, curves)
	n := max(90, petals*24)
	for k := range curves {
		shift := 2 * math.Pi * float64(k) / float64(curves)
		line := make([]point, n+1)
		for i := range line {
			a := 2 * math.Pi * float64(i) / float64(n)
			r := radius * (1 + float64(depth*math.Sin(float64(petals)*a+shift))*(0.75+0.25*math.Cos(3*a+shift)))
			line[i] = point{x + float64(r*math.Cos(a)), y + float64(r*math.Sin(a))}
		}
		lines = append(lines, line)
	}
	c.stroke(colour, opacity, max(0.09, 0.8/c.scale), lines...)
}

// braid prints a ribbon of that many interwoven waves from (x, y) to the right, y in its middle,
// with an opacity of 0 to 1. Lengths are millimetres.
func (c *canvas) braid(colour ink, opacity, x, y, length, height float64, strands int) {
	lines := make([][]point, 0, strands)
	n := int(length * 3)
	for k := range strands {
		shift := 2 * math.Pi * float64(k) / float64(strands)
		line := make([]point, n+1)
		for i := range line {
			t := float64(i) / float64(n)
			swell := 0.65 + 0.35*math.Cos(t*length/height*0.55)
			line[i] = point{x + t*length, y + float64(height/2*swell*math.Sin(t*length/height*1.9+shift))}
		}
		lines = append(lines, line)
	}
	c.stroke(colour, opacity, max(0.09, 0.8/c.scale), lines...)
}

// emblem prints Utopia's invented emblem around (x, y): a twelve-rayed lamp over three waves in a
// ring. radius is in millimetres, opacity is 0 to 1. No state has it.
func (c *canvas) emblem(colour ink, opacity, x, y, radius float64) {
	var rays [][]point
	for i := range 12 {
		a := 2 * math.Pi * (float64(i) + 0.5) / 12
		long := 0.80
		if i%2 == 1 {
			long = 0.62
		}
		if math.Sin(a) > 0.3 { // the waves are there
			continue
		}
		tip := point{x + radius*long*math.Cos(a), y + radius*long*math.Sin(a)}
		left := point{x + radius*0.36*math.Cos(a-0.17), y + radius*0.36*math.Sin(a-0.17)}
		right := point{x + radius*0.36*math.Cos(a+0.17), y + radius*0.36*math.Sin(a+0.17)}
		rays = append(rays, []point{left, tip, right})
	}
	for _, ray := range rays {
		c.fill(colour, opacity, ray)
	}
	c.disc(colour, opacity, x, y, radius*0.27)
	for k := range 3 {
		var wave []point
		base := 0.34 + 0.15*float64(k)
		half := math.Sqrt(max(0, 0.80*0.80-base*base))
		for i := range 41 {
			t := float64(i)/20 - 1
			wave = append(wave, point{x + radius*half*t, y + radius*(base+0.035*math.Sin(t*half*22+float64(k)*1.5))})
		}
		c.stroke(colour, opacity, radius*0.055, wave)
	}
	ring := circle(x, y, radius*0.97)
	c.stroke(colour, opacity, radius*0.05, append(ring, ring[0]))
	ring = circle(x, y, radius*0.88)
	c.stroke(colour, opacity, radius*0.02, append(ring, ring[0]))
}

// signature prints the person's hand: a pen stroke of loops, thick when the pen goes down. (x, y)
// is the left end of the base line; width and height, in millimetres, are about its extent. The
// shape follows from p.Seed.
func (c *canvas) signature(p Person, colour ink, x, y, width, height float64) {
	r := draws(p.Seed, streamSignature)
	n := 5 + r.IntN(5)
	knots := []point{{0, 0.3}}
	for i := range n {
		t := (float64(i) + 0.5) / float64(n)
		tall := 0.35
		if i == 0 || r.IntN(4) == 0 {
			tall = 1
		}
		up, down := -tall*between(r, 0.6, 1), between(r, 0.05, 0.3)
		if r.IntN(5) == 0 {
			down = between(r, 0.5, 0.8)
		}
		back := between(r, 0.2, 0.75) / float64(n)
		knots = append(knots, point{t + back, up}, point{t - back*between(r, 0.1, 0.7), down})
	}
	knots = append(knots, point{1.02, between(r, -0.2, 0.1)}, point{0.45, between(r, 0.35, 0.6)}, point{1.1, between(r, 0.15, 0.5)})
	var path outline
	var last point
	lastWidth := 0.0
	for i := range knots {
		for k := range 14 {
			q := spline(knots, i, float64(k)/14)
			q = point{x + width*(q.x*0.9+0.06*-q.y), y + height*q.y*0.62}
			slope := clamp((q.y-last.y)/(hypot(q.x-last.x, q.y-last.y)+1e-9), -1, 1)
			w := 0.20 + 0.16*slope + 0.05*noise(q.x*2, q.y*2, p.Seed)
			if i+k > 0 {
				path.bar(last, q, (w+lastWidth)/2, w, c.scale)
			}
			last, lastWidth = q, w
		}
	}
	c.print(&path, colour, 0.88)
}

// spline returns a point of the Catmull-Rom curve through knots. t goes from 0 at knot i to 1 at
// the next knot. Beyond the ends the end knots are repeated.
func spline(knots []point, i int, t float64) point {
	at := func(k int) point { return knots[min(max(k, 0), len(knots)-1)] }
	a, b, c, d := at(i-1), at(i), at(i+1), at(i+2)
	cubic := func(a, b, c, d float64) float64 {
		return b + t*((c-a)/2+t*(a-2.5*b+2*c-d/2+t*(1.5*(b-c)+(d-a)/2)))
	}
	return point{cubic(a.x, b.x, c.x, d.x), cubic(a.y, b.y, c.y, d.y)}
}

// monochrome returns a new opaque picture of img in one ink on white. The lighter a pixel is, the
// nearer it is to white.
func monochrome(img *image.NRGBA, colour ink) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	dark := [3]float64{float64(colour >> 16 & 255), float64(colour >> 8 & 255), float64(colour & 255)}
	for i := 0; i < len(img.Pix); i += 4 {
		l := (float64(img.Pix[i])*0.299 + float64(img.Pix[i+1])*0.587 + float64(img.Pix[i+2])*0.114) / 255
		for k := range 3 {
			out.Pix[i+k] = blend(uint8(dark[k]), 255, clamp(l*1.15, 0, 1))
		}
		out.Pix[i+3] = 255
	}
	return out
}
