// Package attack simulates what happens to a leaked picture: messengers, thumbnails, crops,
// screenshots, photographs of screens, filters, redactions. The module bench and the leak
// tests measure the mark under these attacks.
//
// Names, groups and parameters follow the project's executable definition in Python (OpenCV
// and libjpeg-turbo). Both agree in effect, not in pixels. Everything random in an attack
// (place of a crop, noise) comes from a seed: the same picture, attack and seed give the same
// result.
//
// Attacks are no part of a mark or a verdict. So they may use floating point that differs in
// the last bit between processors.
package attack

import (
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"math/rand/v2"
	"slices"
)

// ErrUnknown is returned for a name that is not in the list.
var ErrUnknown = errors.New("attack: unknown attack")

// An Attack is one way to change a picture. The zero Attack changes nothing.
type Attack struct {
	Name  string // as in tables and on the command line, such as "crop25"
	Group string // family, such as "crop"; "none" for the untouched picture
	About string // one line for people

	run step
}

// All returns the 63 attacks, "none" first.
func All() []Attack { return list() }

// Find returns the attack called name, of [All] or [Hard]. The error wraps
// [ErrUnknown].
func Find(name string) (Attack, error) {
	for _, attacks := range [][]Attack{list(), Hard()} {
		if i := slices.IndexFunc(attacks, func(a Attack) bool { return a.Name == name }); i >= 0 {
			return attacks[i], nil
		}
	}
	return Attack{}, fmt.Errorf("%w %q", ErrUnknown, name)
}

// Apply returns a new opaque picture: img after the attack, often of another size, with its
// origin at (0,0). Transparency is first laid over white. The result depends only on img, the
// attack and seed. Different attacks draw different random numbers from one seed.
//
// img should be at least 8 pixels high and wide. An empty picture gives an empty picture.
func (a Attack) Apply(img *image.NRGBA, seed uint64) *image.NRGBA {
	p := opaque(img)
	if a.run == nil || p.Rect.Empty() {
		return p
	}
	h := fnv.New64a()
	h.Write([]byte(a.Name)) // never fails
	return a.run(rand.New(rand.NewPCG(seed, h.Sum64())), p)
}

// A step is one change of an attack. It receives an opaque picture without gaps between rows,
// with its origin at (0,0). It must not change that picture, and returns a new one of that kind.
type step func(r *rand.Rand, p *image.NRGBA) *image.NRGBA

// steps applies the given steps, one after the other.
func steps(all ...step) step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		for _, s := range all {
			p = s(r, p)
		}
		return p
	}
}

// opaque copies img to a picture without gaps between rows, laid over white, with its origin
// at (0,0).
func opaque(img *image.NRGBA) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := out.Pix[y*out.Stride:][:4*w]
		copy(row, img.Pix[y*img.Stride:])
		for i := 0; i < len(row); i += 4 {
			s := row[i : i+4 : i+4]
			a := uint32(s[3])
			if a == 255 {
				continue
			}
			white := 255 * (255 - a)
			s[0] = uint8((uint32(s[0])*a + white + 127) / 255)
			s[1] = uint8((uint32(s[1])*a + white + 127) / 255)
			s[2] = uint8((uint32(s[2])*a + white + 127) / 255)
			s[3] = 255
		}
	}
	return out
}

// canvas returns an opaque picture of one colour.
func canvas(w, h int, c rgb) *image.NRGBA {
	p := image.NewNRGBA(image.Rect(0, 0, w, h))
	fill(p, p.Rect, c)
	return p
}

// rgb is a colour of 8 bits a channel.
type rgb [3]uint8

// fill paints the part of p inside box.
func fill(p *image.NRGBA, box image.Rectangle, c rgb) {
	box = box.Intersect(p.Rect)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		row := p.Pix[y*p.Stride+4*box.Min.X : y*p.Stride+4*box.Max.X]
		for i := 0; i < len(row); i += 4 {
			row[i], row[i+1], row[i+2], row[i+3] = c[0], c[1], c[2], 255
		}
	}
}

// paste copies q onto p with q's corner at (x, y). Pixels outside p are dropped.
func paste(p, q *image.NRGBA, x, y int) {
	box := q.Rect.Add(image.Pt(x, y)).Intersect(p.Rect)
	for v := box.Min.Y; v < box.Max.Y; v++ {
		copy(p.Pix[v*p.Stride+4*box.Min.X:v*p.Stride+4*box.Max.X],
			q.Pix[(v-y)*q.Stride+4*(box.Min.X-x):])
	}
}
