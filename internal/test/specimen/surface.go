package specimen

import (
	"math"
	"math/rand/v2"
)

// surface is what a document lies on.
type surface struct {
	kind   int // 0, 1 wood; 2 woven cloth; 3 stone; 4 painted board
	seed   uint64
	colour rgb
	angle  float64
}

// newSurface draws a desk from r: kind, colour and direction of the grain. seed chooses the
// pattern.
func newSurface(r *rand.Rand, seed uint64) surface {
	s := surface{kind: r.IntN(5), seed: seed, angle: between(r, -0.4, 0.4)}
	palette := [...][]uint32{
		{0xb98d5c, 0xc9a06d, 0xa87848}, {0x6d4528, 0x55361f, 0x7a5031}, {0x5a6673, 0x3c4a44, 0x6e5d52}, {0xbdb8b0, 0x8f8d8a, 0x4d4c4b}, {0xd8d5cf, 0x39424a, 0x7f8f96},
	}[s.kind]
	s.colour = srgb(palette[r.IntN(len(palette))])
	return s
}

// at returns the bare colour, before any light, at a place on the desk; 1 is the document's width.
func (s *surface) at(u, v float64) rgb {
	x, y := float64(u*math.Cos(s.angle))-float64(v*math.Sin(s.angle)), float64(u*math.Sin(s.angle))+float64(v*math.Cos(s.angle))
	switch s.kind {
	case 0, 1:
		return s.wood(x, y)
	case 2:
		warp := math.Sin(x*330+2*noise(x*20, y*20, s.seed+1)) * math.Sin(y*330+2*noise(x*20+9, y*20, s.seed+2))
		return s.colour.scale(0.92 + 0.16*warp + 0.16*noise(x*60, y*60, s.seed+3) + 0.14*cloud(x*3, y*3, 3, s.seed+4))
	case 3:
		n := cloud(x*4+0.6*noise(x*5, y*5, s.seed+5), y*4, 5, s.seed+6)
		vein := bump((n - 0.1) / 0.05)
		c := s.colour.scale(1 + 0.25*n + 0.12*noise(x*130, y*130, s.seed+7))
		return c.over(grey(0.75), 0.35*vein)
	}
	return s.colour.scale(1 + 0.04*cloud(x*8, y*8, 4, s.seed+8) + 0.04*noise(x*190, y*40, s.seed+9))
}

// wood returns the bare colour of boards with growth rings, fibres and pores. (x, y) is along and
// across the boards, in document widths.
func (s *surface) wood(x, y float64) rgb {
	const board = 0.46
	row := math.Floor(y / board)
	h := hash2(int32(row), 7, s.seed)
	shift := 40 * unit(h)
	bx, by := x+shift, y
	wander := 0.05*noise(bx*0.9, by*1.4, s.seed+11) + 0.015*noise(bx*3, by*5, s.seed+12)
	rings := noise(bx*0.25, (by+wander)*24, s.seed+13) + 0.6*noise(bx*0.5, (by+wander)*61, s.seed+14)
	fibre := noise(bx*7, by*170, s.seed+15)
	pore := step(0.32, 0.5, noise(bx*22, by*260, s.seed+16))
	c := s.colour.scale(0.94 + 0.12*unit(h*5))
	c = c.scale(1 + 0.30*rings + 0.10*fibre)
	c = c.times(rgb{1, 1 - 0.06*max(0, -rings), 1 - 0.12*max(0, -rings)})
	c = c.over(s.colour.scale(0.35), 0.35*pore)
	gap := math.Abs(y/board-row-0.5) - 0.5
	return c.scale(1 - 0.65*bump(gap*board/0.006))
}
