package specimen

import (
	"image"
	"math"
	"math/rand/v2"

	"github.com/kycmark/kycmark/internal/geometry"
)

// Capture is one photograph of a document lying on a desk, or one scan of it:
// where the camera stood, how the light fell, what the lens and the sensor did.
// Everything follows from the seed, so another seed is another capture of the
// same document.
type Capture struct {
	// Quad holds the document's corners in the photograph, in pixels,
	// clockwise from the document's top left: the truth for tests of
	// geometry. The paper's curl moves points between the corners by up to
	// 1/200 of its width.
	Quad [4][2]float64

	seed            uint64
	width, height   int          // of the photograph, pixels
	aspect          float64      // of the document, height over width
	toDesk          geometry.Mat // from pixels to the desk; the document is 1 wide at (0, 0)
	zoom            float64      // pixels of photograph a document width, near its middle
	surface         surface
	lampX, lampY    float64 // over the desk
	falloff, shadow float64
	tint            rgb
	glare           float64
	glareX, glareY  float64
	curl            float64
	scan            bool
	optics          optics
}

// NewCapture plans a hand-held photograph, w x h pixels, of a document with the bounds doc. Of doc
// only the shape matters. Everything else follows from seed. No picture is drawn: see
// [Capture.Take].
func NewCapture(doc image.Rectangle, seed uint64, w, h int) Capture {
	r := draws(seed, streamCapture)
	c := Capture{seed: seed, width: w, height: h, aspect: shape(doc)}
	c.stand(between(r, -0.10, 0.10), between(r, -0.24, 0.24), between(r, -0.20, 0.20), between(r, 0.70, 0.86), r)
	c.surface = newSurface(r, seed)
	angle := between(r, 0, 2*math.Pi)
	c.lampX, c.lampY = 0.5+1.1*math.Cos(angle), c.aspect/2+1.1*math.Sin(angle)
	c.falloff = between(r, 0.10, 0.34)
	c.shadow = between(r, 0, 0.30)
	warm := between(r, -1, 1)
	c.tint = rgb{1 + 0.07*warm, 1, 1 - 0.10*warm}.scale(between(r, 0.90, 1.08))
	c.glare = max(0, between(r, -0.15, 0.30))
	c.glareX, c.glareY = between(r, 0.1, 0.9), between(r, 0.1, 0.9)*c.aspect
	c.curl = between(r, -1, 1)
	c.optics = optics{seed: seed, blur: between(r, 0.55, 1.05), noise: between(r, 1.0, 2.2), vignette: between(r, 0.05, 0.16)}
	return c
}

// NewScan plans a scan on a flatbed, w x h pixels: nearly straight, even light, faint dust, a white
// lid around the document. Of doc, the document's bounds, only the shape matters. The rest follows
// from seed.
func NewScan(doc image.Rectangle, seed uint64, w, h int) Capture {
	r := draws(seed, streamCapture+55)
	c := Capture{seed: seed, width: w, height: h, aspect: shape(doc), scan: true}
	c.stand(between(r, -0.012, 0.012), 0, 0, between(r, 0.90, 0.95), r)
	c.tint = grey(between(r, 0.94, 0.98))
	c.optics = optics{seed: seed, blur: 0.5, noise: between(r, 0.5, 0.9), dust: true}
	return c
}

// shape returns height over width of doc, 1 for an empty document.
func shape(doc image.Rectangle) float64 {
	if doc.Empty() {
		return 1
	}
	return float64(doc.Dy()) / float64(doc.Dx())
}

// stand puts the camera: it sets c.toDesk, c.zoom and c.Quad from the frame's size and c.aspect.
// turn is the angle about the optical axis, leanX and leanY the angles about the two other axes, in
// radians. The document fills share (0 to 1) of the frame. r moves the document a little off the
// middle.
func (c *Capture) stand(turn, leanX, leanY, share float64, r *rand.Rand) {
	w, h := float64(max(c.width, 1)), float64(max(c.height, 1))
	if c.aspect > 1.15 && w > h { // an upright page lies sideways rather than small
		turn += math.Pi / 2
	}
	across, down := math.Abs(math.Cos(turn))+c.aspect*math.Abs(math.Sin(turn)), math.Abs(math.Sin(turn))+c.aspect*math.Abs(math.Cos(turn))
	c.zoom = share * min(w/across, h/down)
	const focal = 1.25 // of the long side: a phone's main camera
	f := focal * max(w, h)
	distance := f / c.zoom // in document widths
	ct, st := math.Cos(turn), math.Sin(turn)
	cx, sx, cy, sy := math.Cos(leanX), math.Sin(leanX), math.Cos(leanY), math.Sin(leanY)
	// rotation about z, then x, then y, of the plane z = 0
	ax, ay, az := ct*cy+st*sx*sy, st*cx, -ct*sy+st*sx*cy
	bx, by, bz := -st*cy+ct*sx*sy, ct*cx, st*sy+ct*sx*cy
	mx, my := 0.5, c.aspect/2
	px, py := w/2+between(r, -0.03, 0.03)*w, h/2+between(r, -0.03, 0.03)*h
	tx, ty, tz := -float64(ax*mx)-float64(bx*my), -float64(ay*mx)-float64(by*my), distance-float64(az*mx)-float64(bz*my)
	to := geometry.Mat{
		float64(f*ax) + float64(px*az), float64(f*bx) + float64(px*bz), float64(f*tx) + float64(px*tz),
		float64(f*ay) + float64(py*az), float64(f*by) + float64(py*bz), float64(f*ty) + float64(py*tz),
		az, bz, tz,
	}
	c.toDesk = to.Adjugate()
	for i, corner := range [4][2]float64{{0, 0}, {1, 0}, {1, c.aspect}, {0, c.aspect}} {
		p := to.Apply(geometry.Point{X: corner[0], Y: corner[1]})
		c.Quad[i] = [2]float64{p.X, p.Y}
	}
}

// Photograph lays a document on a desk and returns a photograph of it, w x h pixels, taken by hand:
// perspective, uneven light, shadow, blur, sensor noise. Another seed is another capture of the
// same document. A side below 1 gives an empty picture; an empty document gives an empty desk.
func Photograph(doc *image.NRGBA, seed uint64, w, h int) *image.NRGBA {
	return NewCapture(doc.Rect, seed, w, h).Take(doc)
}

// Scan returns a scan of a document on a flatbed scanner, w x h pixels: see [NewScan]. A side below
// 1 gives an empty picture.
func Scan(doc *image.NRGBA, seed uint64, w, h int) *image.NRGBA {
	return NewScan(doc.Rect, seed, w, h).Take(doc)
}

// Take draws the planned picture of doc, which must have the planned shape; its size does not
// matter, and doc is not changed. Transparent parts of doc show the desk.
func (c Capture) Take(doc *image.NRGBA) *image.NRGBA {
	if c.width <= 0 || c.height <= 0 {
		return image.NewNRGBA(image.Rectangle{})
	}
	img := image.NewNRGBA(image.Rect(0, 0, c.width, c.height))
	for float64(doc.Rect.Dx()) > 1.6*c.zoom && doc.Rect.Dx() > 2 {
		doc = halve(doc)
	}
	paint(img, func(x, y float64) rgb {
		p := c.toDesk.Apply(geometry.Point{X: x, Y: y})
		return c.at(doc, p.X, p.Y)
	})
	finish(img, c.optics)
	return img
}

// at returns the light that a place on the desk sends to the camera. (0, 0) is the document's top
// left corner, 1 is its width. Desk, document, curl, shadow and glare are in it.
func (c *Capture) at(doc *image.NRGBA, u, v float64) rgb {
	du, dv := u, v
	bend := 0.0
	if !c.scan {
		bend = c.curl * noise(u*1.3, v*1.3, c.seed+1)
		du += 0.006 * bend * bump(u*2-1)
		dv += 0.006 * bend * bump(v/c.aspect*2-1)
	}
	paper, alpha := c.sample(doc, du, dv)
	if alpha < 1 {
		paper = c.around(u, v).over(paper, alpha)
	} else if edge := min(du, dv, 1-du, c.aspect-dv); edge < 0.004 {
		paper = paper.scale(1 + 0.10*bump(edge/0.004)) // the cut edge catches light
	}
	return c.illuminate(paper, u, v, bend, alpha)
}

// around returns the colour beside the document, before the light: the desk with the document's
// shadow, or the scanner's lid. (u, v) is as in at.
func (c *Capture) around(u, v float64) rgb {
	d := box(u-0.5, v-c.aspect/2, 0.5, c.aspect/2, 0.02)
	if c.scan {
		lid := grey(0.955 + 0.004*noise(u*3, v*3, c.seed+2))
		return lid.scale(1 - 0.30*bump(max(0, d)/0.012)*step(-0.6, 0.8, u-0.5+v-c.aspect/2))
	}
	desk := c.surface.at(u, v)
	ox, oy := (0.5-c.lampX)*0.012, (c.aspect/2-c.lampY)*0.012
	cast := box(u-0.5-ox, v-c.aspect/2-oy, 0.5, c.aspect/2, 0.02)
	return desk.scale(1 - 0.62*step(0.020, -0.008, cast) - 0.22*bump(max(0, d)/0.05))
}

// illuminate returns the colour p under the light at (u, v): lamp, the photographer's shadow and
// glare. bend is the curl of the paper there, -1 to 1. alpha is the cover of the paper, 0 to 1;
// only paper glares.
func (c *Capture) illuminate(p rgb, u, v, bend, alpha float64) rgb {
	if c.scan {
		return p.times(c.tint)
	}
	d := hypot(u-c.lampX, v-c.lampY)
	k := 1.12 - c.falloff*d
	k *= 1 + 0.05*bend*alpha
	// the photographer's own shadow, soft, from one side
	k *= 1 - c.shadow*step(0.9, -0.3, hypot(u-1+c.lampX, v-c.aspect+c.lampY)-0.3+0.1*noise(u*1.5, v*1.5, c.seed+3))
	p = p.times(c.tint).scale(k)
	if c.glare > 0 && alpha > 0 {
		g := bump2(u, v, c.glareX, c.glareY, 0.34, 0.20) * (1 + 0.3*noise(u*9, v*9, c.seed+4))
		p = p.plus(c.tint.scale(c.glare * g * alpha))
	}
	return p
}

// sample returns the document's colour at (u, v), interpolated between four pixels, and its alpha,
// 0 to 1. 1 is the document's width in both directions. Outside the document the alpha is 0.
func (c *Capture) sample(doc *image.NRGBA, u, v float64) (rgb, float64) {
	w, h := doc.Rect.Dx(), doc.Rect.Dy()
	x, y := float64(u*float64(w))-0.5, v/c.aspect*float64(h)-0.5
	if !(x > -1 && y > -1 && x < float64(w) && y < float64(h)) {
		return rgb{}, 0
	}
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	var sum rgb
	alpha := 0.0
	for j := range 2 {
		for i := range 2 {
			if !image.Pt(ix+i, iy+j).In(doc.Rect) {
				continue
			}
			k := math.Abs(1-float64(i)-(x-fx)) * math.Abs(1-float64(j)-(y-fy))
			p, a := pixel(doc, ix+i, iy+j)
			sum = sum.plus(p.scale(k * a))
			alpha += k * a
		}
	}
	if alpha == 0 {
		return rgb{}, 0
	}
	return sum.scale(1 / alpha), min(1, alpha)
}

// halve returns a new picture of half the size, one pixel or more each way. Each pixel is the mean
// of four, weighted by alpha; an odd last row or column is dropped.
func halve(img *image.NRGBA) *image.NRGBA {
	w, h := max(1, img.Rect.Dx()/2), max(1, img.Rect.Dy()/2)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			var sum rgb
			alpha := 0.0
			for k := range 4 {
				p, a := pixel(img, 2*x+k%2, 2*y+k/2)
				sum, alpha = sum.plus(p.scale(a)), alpha+a
			}
			if alpha > 0 {
				sum = sum.scale(1 / alpha)
			}
			q := out.Pix[out.PixOffset(x, y):]
			q[0], q[1], q[2], q[3] = encode(sum.r), encode(sum.g), encode(sum.b), uint8(alpha/4*255+0.5)
		}
	}
	return out
}
