package specimen

import (
	"image"
	"math"
)

// Selfie draws the person in a room, w x h pixels, head turned, lit from a window. seed chooses
// room, clothes and pose. A side below 1 gives an empty picture.
func Selfie(p Person, seed uint64, w, h int) *image.NRGBA {
	if w <= 0 || h <= 0 {
		return image.NewNRGBA(image.Rectangle{})
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	r := draws(p.Seed^seed*0x9e3779b97f4a7c15, streamScenery)
	unit := min(float64(h)*between(r, 0.20, 0.235), float64(w)*0.30)
	f := newLook(p)
	f.dress(draws(p.Seed+seed+1, streamClothes))
	s := newSitter(f, float64(w)*between(r, 0.42, 0.58), float64(h)*between(r, 0.42, 0.48), unit)
	s.roll(between(r, -0.13, 0.13))
	s.yaw, s.pitch = between(r, -0.12, 0.12), between(r, -0.04, 0.06)
	s.smile = between(r, 0.12, 0.55)
	if r.IntN(3) == 0 { // with teeth
		s.smile, s.open = between(r, 0.6, 0.9), between(r, 0.045, 0.07)
	}
	s.gaze = -0.10 * s.yaw
	side := 1.0
	if r.IntN(2) == 0 {
		side = -1
	}
	warm := between(r, 0, 1)
	day, lamp := rgb{0.90, 0.96, 1.04}, rgb{1.08, 0.96, 0.80}
	s.light = newLighting(side*between(r, 0.5, 0.95), between(r, -0.55, -0.2), 0.8,
		day.over(lamp, warm).scale(between(r, 0.82, 0.98)), lamp.over(day, warm).scale(0.20), grey(between(r, 0.20, 0.28)))
	m := newRoom(seed, side, day.over(lamp, warm), float64(w)/float64(h))
	paint(img, func(x, y float64) rgb {
		return s.at(func() rgb { return m.at(x/float64(h), y/float64(h)) }, x, y)
	})
	finish(img, optics{seed: seed + p.Seed, blur: between(r, 0.6, 0.9), noise: between(r, 1.2, 2.0), vignette: 0.14})
	return img
}

// room is what stands behind a selfie, out of focus; lengths in heights of the
// picture.
type room struct {
	seed         uint64
	side, aspect float64
	wall, wood   rgb
	light        rgb
	shelfY       float64
	shelfX       float64
	door         bool
	books        [3][]book // by shelf
}

// book is a book on a shelf: its middle, half its width, its height, its back.
type book struct {
	x, half, tall float64
	spine         rgb
}

// newRoom invents the room of a seed. side is the side of the window, 1 right or -1 left; light is
// the colour of the light, aspect is width over height of the picture.
func newRoom(seed uint64, side float64, light rgb, aspect float64) room {
	r := draws(seed, streamScenery+77)
	m := room{
		seed: seed, side: side, aspect: aspect, light: light,
		wall:   srgb([...]uint32{0xcfc6b6, 0xb9c4c4, 0xd8d4cd, 0xa9b5a6, 0xc7b3a3, 0x9fb0bf}[r.IntN(6)]),
		wood:   srgb([...]uint32{0x8a623d, 0x5c402a, 0xb58f62, 0xe2dfd8}[r.IntN(4)]),
		shelfY: between(r, 0.10, 0.22), shelfX: between(r, 0.05, 0.2), door: r.IntN(2) == 0,
	}
	for row := range m.books { // not quite touching, some missing
		for x := -0.05; x < m.shelfX+0.26; x += between(r, 0.018, 0.030) {
			if r.IntN(7) == 0 {
				continue
			}
			spine := srgb(r.Uint32()&0x7f7f7f|0x202020).over(m.wall.scale(0.4), 0.35).times(light).scale(0.45)
			m.books[row] = append(m.books[row], book{x, between(r, 0.007, 0.014), between(r, 0.10, 0.17), spine})
		}
	}
	return m
}

const roomBlur = 0.009 // half width of an edge out of focus

// at returns the lit colour at a place in the picture, in heights of the picture from its top left
// corner.
func (m *room) at(x, y float64) rgb {
	if m.side < 0 { // the window is on the lamp's side
		x = m.aspect - x
	}
	soft := func(d float64) float64 { return step(roomBlur, -roomBlur, d) }
	c := m.wall.scale(1 + 0.05*noise(x*2.5, y*2.5, m.seed) + 0.02*noise(x*60, y*60, m.seed+1))
	c = c.scale(0.42 + 0.62*step(-0.3, m.aspect*1.1, x)).times(m.light)
	if floor := y - 0.90 - 0.02*x; floor > -roomBlur {
		c = c.over(m.wood.scale(0.5+0.1*noise(x*30, y*4, m.seed+2)), soft(-floor))
	}
	if m.door {
		c = m.paintDoor(c, x, y, soft)
	} else {
		c = m.paintShelf(c, x, y, soft)
	}
	return m.paintWindow(c, x, y, soft)
}

// paintWindow returns the colour c with the window laid over it, at (x, y). soft returns the cover
// (0 to 1) of a shape at a signed distance from its edge, negative inside.
func (m *room) paintWindow(c rgb, x, y float64, soft func(float64) float64) rgb {
	cx, cy, hx, hy := m.aspect-0.02, 0.30, 0.155, 0.26
	frame := box(x-cx, y-cy, hx+0.02, hy+0.02, 0.004)
	pane := box(x-cx, y-cy, hx, hy, 0.004)
	c = c.scale(1 + 0.25*step(0.25, 0, frame))
	c = c.over(rgb{0.72, 0.70, 0.66}, soft(frame))
	out := rgb{0.95, 0.98, 1.0}.over(rgb{0.50, 0.62, 0.42}, step(0.34, 0.52, y+0.05*noise(x*9, y*9, m.seed+3)))
	c = c.over(out.scale(1+0.15*noise(x*14, y*14, m.seed+4)), soft(pane))
	cross := min(math.Abs(x-cx+0.02), math.Abs(y-cy)) - 0.007
	return c.over(rgb{0.70, 0.68, 0.64}, soft(max(cross, pane)))
}

// paintShelf returns the colour c with three shelves of books laid over it, at (x, y). soft is as
// in paintWindow.
func (m *room) paintShelf(c rgb, x, y float64, soft func(float64) float64) rgb {
	for row := range 3 {
		board := m.shelfY + 0.24*float64(row)
		left, right := -0.1, m.shelfX+0.30
		if y < board-0.2 || y > board+0.06 || x > right+0.06 {
			continue
		}
		for i := range m.books[row] {
			b := &m.books[row][i]
			if math.Abs(x-b.x) > b.half+roomBlur {
				continue
			}
			c = c.over(b.spine, soft(box(x-b.x, y-board+b.tall/2, b.half, b.tall/2, 0.002)))
		}
		d := box(x-(left+right)/2, y-board-0.006, (right-left)/2, 0.008, 0.001)
		c = c.scale(1 - 0.3*step(0.05, 0, d)*step(-0.01, 0.01, y-board))
		c = c.over(m.wood.scale(0.5).times(m.light), soft(d))
	}
	return c
}

// paintDoor returns the colour c with a door and a picture beside it laid over it, at (x, y). soft
// is as in paintWindow.
func (m *room) paintDoor(c rgb, x, y float64, soft func(float64) float64) rgb {
	cx, hx := m.shelfX+0.02, 0.155
	leaf := box(x-cx, y-0.55, hx, 0.46, 0.004)
	tint := m.wood.over(grey(0.55), 0.5).times(m.light).scale(0.62)
	c = c.over(tint.scale(0.75), soft(leaf-0.018))
	panel := math.Abs(box(math.Abs(x-cx)-0.075, math.Mod(y+0.05, 0.40)-0.2, 0.045, 0.14, 0.004)) - 0.004
	c = c.over(tint.scale(1+0.05*noise(x*9, y*60, m.seed+5)), soft(leaf))
	c = c.over(tint.scale(0.72), 0.8*soft(max(panel, leaf)))
	picture := box(x-m.aspect*0.62, y-0.16, 0.10, 0.075, 0.003)
	c = c.over(srgb(0x2c2622), soft(picture))
	inner := picture + 0.014
	art := srgb(0x7f9c8c).over(srgb(0xcaa66a), step(-0.2, 0.3, noise(x*12, y*22, m.seed+6)))
	return c.over(art.times(m.light).scale(0.7), soft(inner))
}
