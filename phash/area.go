package phash

import (
	"encoding/binary"
	"image"
)

// The means of blocks that a picture is cut into, however its pixels lie to them: a pixel on the border of blocks
// counts in each by the share of it that lies there. All sums are integers, so their order is free, and a picture that
// was resized by its area keeps its means.

// A part is what a block has of n pixels that are cut into m blocks: the shares of the first and the last pixel, in
// units of 1/m of a pixel; those between count m. A block within one pixel has no last.
type part struct {
	first, last int
	head, tail  uint64
}

// parts returns the m blocks that n pixels are cut into. In units of 1/m of a pixel, a block is n long and a pixel m.
func parts(n, m int) []part {
	all := make([]part, m)
	for i := range all {
		from, to := i*n, (i+1)*n
		p := part{first: from / m, last: (to - 1) / m}
		if p.first == p.last {
			p.head = uint64(n)
		} else {
			p.head, p.tail = uint64((p.first+1)*m-from), uint64(to-p.last*m)
		}
		all[i] = p
	}
	return all
}

// A colour is a weighted sum of pixels: red, green and blue.
type colour [3]uint64

// add adds the red, green and blue of the pixel that p begins with, times weight.
func (c *colour) add(p []uint8, weight uint64) {
	c[0] += weight * uint64(p[0])
	c[1] += weight * uint64(p[1])
	c[2] += weight * uint64(p[2])
}

// blocks fills dst with the weighted sums of a row of opaque pixels, four bytes each, over the
// parts of across. dst is as long as across, and a whole pixel weighs len(across).
func blocks(dst []colour, row []uint8, across []part) {
	for i, p := range across {
		var c colour
		if p.last > p.first+1 {
			c = total(row[4*(p.first+1) : 4*p.last])
			for k := range c {
				c[k] *= uint64(len(across))
			}
		}
		c.add(row[4*p.first:4*p.first+4], p.head)
		if p.tail > 0 {
			c.add(row[4*p.last:4*p.last+4], p.tail)
		}
		dst[i] = c
	}
}

// total returns the sum of pixels of 4 bytes, without alpha. It adds two at a time, in 16-bit fields for 257 bytes.
func total(pix []uint8) (c colour) {
	const fields, maxBytes = 0x00ff00ff00ff00ff, 8 * 256
	for len(pix) >= 8 {
		n := min(len(pix)&^7, maxBytes)
		var redBlue, green uint64
		for part := pix[:n]; len(part) >= 8; part = part[8:] {
			v := binary.LittleEndian.Uint64(part)
			redBlue += v & fields
			green += v >> 8 & fields
		}
		c[0] += redBlue&0xffff + redBlue>>32&0xffff
		c[1] += green&0xffff + green>>32&0xffff
		c[2] += redBlue>>16&0xffff + redBlue>>48
		pix = pix[n:]
	}
	if len(pix) >= 4 {
		c.add(pix, 1)
	}
	return c
}

// sums returns the sums over side × side blocks of the picture, row by row. A sum divided by weight, the same for all
// blocks, is the mean of its block, 0 to 255. The picture must not be empty.
func sums(img image.Image, side int) (all []colour, weight uint64) {
	m := whole(img, orientations[0])
	w, h := m.Rect.Max.X, m.Rect.Max.Y
	across, down := parts(w, side), parts(h, side)
	all, line := make([]colour, side*side), make([]colour, side)
	next := 0 // block whose rows are not all in
	for y := range h {
		blocks(line, rowOf(m, y), across)
		for i := next; i < side && down[i].first <= y; i++ {
			p, weight := down[i], uint64(side)
			switch y {
			case p.first:
				weight = p.head
			case p.last:
				weight = p.tail
			}
			for x, c := range line {
				to := &all[i*side+x]
				to[0] += weight * c[0]
				to[1] += weight * c[1]
				to[2] += weight * c[2]
			}
			if p.last == y {
				next = i + 1
			}
		}
	}
	return all, uint64(w) * uint64(h)
}

// areaGrid returns the mean luma of 64 × 64 blocks of the picture, 0 to 255, rounded to 1/256 of a level.
func areaGrid(img image.Image) *grid {
	all, weight := sums(img, gridSide)
	g := new(grid)
	for i, c := range all {
		luma := 299*c[0] + 587*c[1] + 114*c[2]
		g[i/gridSide][i%gridSide] = float32((luma*256/1000+weight/2)/weight) / 256
	}
	return g
}

// turns returns the hashes that the grid has in each orientation, in the order of [SumTurned].
func (g *grid) turns() (all [8]Hash) {
	for i, o := range orientations {
		all[i] = Hash{Area, g.turned(o).transform().bits()}
	}
	return all
}

// turned returns the grid that the picture has in orientation o. g stays as it is.
func (g *grid) turned(o orientation) *grid {
	t := new(grid)
	for y := range t {
		for x := range t[y] {
			u, v := x, y
			if o.swap {
				u, v = v, u
			}
			if o.mirrorX {
				u = gridSide - 1 - u
			}
			if o.mirrorY {
				v = gridSide - 1 - v
			}
			t[y][x] = g[v][u]
		}
	}
	return t
}
