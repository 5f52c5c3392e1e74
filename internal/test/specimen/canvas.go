package specimen

import (
	"image"
	"math"

	"golang.org/x/image/vector"
)

// ink is a 24-bit colour 0xRRGGBB, as printed.
type ink uint32

// point is a place on the page: millimetres from its top left corner.
type point struct{ x, y float64 }

// canvas is a page being printed. All lengths are millimetres on the page.
type canvas struct {
	img   *image.NRGBA
	scale float64 // pixels a millimetre
	fonts *typecase
}

// fill prints the inside of closed outlines, in millimetres, with an opacity of 0 to 1. Holes run
// the other way round. Each outline is closed by itself.
func (c *canvas) fill(colour ink, opacity float64, outlines ...[]point) {
	var path outline
	for _, points := range outlines {
		path.polygon(points, c.scale)
	}
	c.print(&path, colour, opacity)
}

// stroke prints lines of a width through the points, both in millimetres, with an opacity of 0 to
// 1. Lines that cross are printed once there.
func (c *canvas) stroke(colour ink, opacity, width float64, lines ...[]point) {
	var path outline
	for _, points := range lines {
		for i := 1; i < len(points); i++ {
			path.bar(points[i-1], points[i], width, width, c.scale)
		}
	}
	c.print(&path, colour, opacity)
}

// rect prints a filled rectangle, w wide and h high in millimetres, with its top left corner at (x,
// y).
func (c *canvas) rect(colour ink, opacity, x, y, w, h float64) {
	c.fill(colour, opacity, []point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}})
}

// frame prints the four sides of a rectangle as opaque lines of a width; all lengths are
// millimetres.
func (c *canvas) frame(colour ink, width, x, y, w, h float64) {
	c.stroke(colour, 1, width, []point{{x, y}, {x + w, y}}, []point{{x, y + h}, {x + w, y + h}},
		[]point{{x, y}, {x, y + h}}, []point{{x + w, y}, {x + w, y + h}})
}

// line prints an opaque straight line.
func (c *canvas) line(colour ink, width, x0, y0, x1, y1 float64) {
	c.stroke(colour, 1, width, []point{{x0, y0}, {x1, y1}})
}

// disc prints a filled circle around (x, y).
func (c *canvas) disc(colour ink, opacity, x, y, radius float64) {
	c.fill(colour, opacity, circle(x, y, radius))
}

// circle returns 64 points on a circle around (x, y), in order; the first is not repeated.
func circle(x, y, radius float64) []point {
	const n = 64
	points := make([]point, n)
	for i := range points {
		a := 2 * math.Pi * float64(i) / n
		points[i] = point{x + float64(radius*math.Cos(a)), y + float64(radius*math.Sin(a))}
	}
	return points
}

// print lays a colour over the page, as much as the path covers each pixel, with an opacity of 0 to
// 1. What lies off the page is cut. Transparency of the page stays.
func (c *canvas) print(path *outline, colour ink, opacity float64) {
	box := path.bounds().Intersect(c.img.Rect)
	if box.Empty() {
		return
	}
	mask := path.mask(box)
	r, g, b := float64(colour>>16&255), float64(colour>>8&255), float64(colour&255)
	for y := range box.Dy() {
		row := c.img.Pix[(box.Min.Y+y)*c.img.Stride+4*box.Min.X:]
		for x, a := range mask.Pix[y*mask.Stride : y*mask.Stride+box.Dx()] {
			if a == 0 {
				continue
			}
			k := float64(a) / 255 * opacity
			p := row[4*x : 4*x+3]
			p[0], p[1], p[2] = blend(p[0], r, k), blend(p[1], g, k), blend(p[2], b, k)
		}
	}
}

// blend returns the byte at the part k (0 to 1) of the way between the values from and to, rounded.
func blend(from uint8, to, k float64) uint8 {
	return uint8(clamp(mix(float64(from), to, k)+0.5, 0, 255))
}

// picture prints img with its top left corner at (x, y) in millimetres, pixel for pixel: the caller
// makes img in the right size. It fades out at the edges over fade millimetres and has an opacity
// of 0 to 1. The alpha of img is ignored.
func (c *canvas) picture(img *image.NRGBA, x, y, fade, opacity float64) {
	x0, y0 := int(x*c.scale+0.5), int(y*c.scale+0.5)
	w, h := img.Rect.Dx(), img.Rect.Dy()
	soft := max(fade*c.scale, 0.01)
	for v := range h {
		for u := range w {
			at := image.Pt(x0+u, y0+v)
			if !at.In(c.img.Rect) {
				continue
			}
			edge := float64(min(u, v, w-1-u, h-1-v)) + 0.5
			k := opacity * clamp(edge/soft, 0, 1)
			p := c.img.Pix[c.img.PixOffset(at.X, at.Y):]
			q := img.Pix[img.PixOffset(u, v):]
			for i := range 3 {
				p[i] = blend(p[i], float64(q[i]), k)
			}
		}
	}
}

// pixels returns the size in pixels, 1 or more, of a length on the page in millimetres.
func (c *canvas) pixels(mm float64) int { return max(1, int(mm*c.scale+0.5)) }

// cutCorners sets the alpha of the page so that it is transparent outside round corners. radius is
// in millimetres.
func (c *canvas) cutCorners(radius float64) {
	w, h := float64(c.img.Rect.Dx()), float64(c.img.Rect.Dy())
	r := radius * c.scale
	n := int(r) + 1
	for y := range c.img.Rect.Dy() {
		for x := range c.img.Rect.Dx() {
			if x > n && x < c.img.Rect.Dx()-n {
				continue
			}
			d := box(float64(x)+0.5-w/2, float64(y)+0.5-h/2, w/2, h/2, r)
			c.img.Pix[c.img.PixOffset(x, y)+3] = uint8(255*step(0.5, -0.5, d) + 0.5)
		}
	}
}

// outline collects path segments in pixels and their extent.
type outline struct {
	moves                  []move
	minX, minY, maxX, maxY float64
}

// move is one path operation: 'm', 'l', 'q' or 'c', with its points.
type move struct {
	op   byte
	x, y [3]float32
}

// add appends a path operation (see move) with one to three points in pixels, and widens the
// extent.
func (o *outline) add(op byte, points ...point) {
	m := move{op: op}
	for i, p := range points {
		m.x[i], m.y[i] = float32(p.x), float32(p.y)
		if len(o.moves) == 0 && i == 0 {
			o.minX, o.maxX, o.minY, o.maxY = p.x, p.x, p.y, p.y
		}
		o.minX, o.maxX = min(o.minX, p.x), max(o.maxX, p.x)
		o.minY, o.maxY = min(o.minY, p.y), max(o.maxY, p.y)
	}
	o.moves = append(o.moves, m)
}

// polygon begins a new part of the path with straight lines through points in millimetres; scale is
// pixels a millimetre.
func (o *outline) polygon(points []point, scale float64) {
	op := byte('m')
	for _, p := range points {
		o.add(op, point{p.x * scale, p.y * scale})
		op = 'l'
	}
}

// bar adds a straight line from a to b as a polygon a little longer than the line. The line's width
// goes from wa to wb. Lengths are millimetres, scale is pixels a millimetre. Every bar turns the
// same way round, so that crossing bars join instead of cancelling. A line of length 0 adds
// nothing.
func (o *outline) bar(a, b point, wa, wb, scale float64) {
	dx, dy := b.x-a.x, b.y-a.y
	n := hypot(dx, dy)
	if n == 0 {
		return
	}
	dx, dy = dx/n/2, dy/n/2
	// longer by a little at both ends, so that bends close
	a.x, a.y = a.x-float64(dx*wa*0.6), a.y-float64(dy*wa*0.6)
	b.x, b.y = b.x+float64(dx*wb*0.6), b.y+float64(dy*wb*0.6)
	o.polygon([]point{
		{a.x - float64(dy*wa), a.y + float64(dx*wa)}, {a.x + float64(dy*wa), a.y - float64(dx*wa)},
		{b.x + float64(dy*wb), b.y - float64(dx*wb)}, {b.x - float64(dy*wb), b.y + float64(dx*wb)},
	}, scale)
}

// bounds returns the rectangle of whole pixels that the path touches. It is empty for an empty
// path, or if a point lies a million pixels off.
func (o *outline) bounds() image.Rectangle {
	const limit = 1 << 20
	if len(o.moves) == 0 || o.minX < -limit || o.minY < -limit || o.maxX > limit || o.maxY > limit {
		return image.Rectangle{}
	}
	return image.Rect(int(math.Floor(o.minX)), int(math.Floor(o.minY)), int(math.Ceil(o.maxX))+1, int(math.Ceil(o.maxY))+1)
}

// mask returns the path's coverage of each pixel in box, as alpha with its corner at 0, 0.
func (o *outline) mask(box image.Rectangle) *image.Alpha {
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	dx, dy := float32(box.Min.X), float32(box.Min.Y)
	for i, m := range o.moves {
		x, y := m.x, m.y
		for k := range x {
			x[k], y[k] = x[k]-dx, y[k]-dy
		}
		switch m.op {
		case 'm':
			if i > 0 {
				z.ClosePath()
			}
			z.MoveTo(x[0], y[0])
		case 'l':
			z.LineTo(x[0], y[0])
		case 'q':
			z.QuadTo(x[0], y[0], x[1], y[1])
		case 'c':
			z.CubeTo(x[0], y[0], x[1], y[1], x[2], y[2])
		}
	}
	z.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, box.Dx(), box.Dy()))
	z.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	return mask
}
