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
	"image/color"
	"image/draw"
	"math/rand/v2"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
)

// ErrUnknown is returned for a name that is not in the list.
var ErrUnknown = errors.New("attack: unknown attack")

// An Attack is one way to change a picture. The zero Attack changes nothing.
type Attack struct {
	Name  string // as in tables and on the command line, such as "crop25"
	Group string // family, such as "crop"; "none" for the untouched picture
	About string // one line for people

	run Step
}

// New returns an attack that applies the given steps, one after the other. [All] does not
// list the attack, and [Find] does not find it.
func New(name, group, about string, all ...Step) Attack {
	return Attack{name, group, about, steps(all...)}
}

// All returns the 63 attacks, "none" first.
func All() []Attack { return list() }

// Find returns the attack of [All] called name. The error wraps [ErrUnknown].
func Find(name string) (Attack, error) {
	all := list()
	if i := slices.IndexFunc(all, func(a Attack) bool { return a.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Attack{}, fmt.Errorf("%w %q", ErrUnknown, name)
}

// Apply returns a new opaque picture: img after the attack, often of another size, with its
// origin at (0,0). Transparency is first laid over white. The result depends only on img, the
// attack and seed. Different attacks draw different random numbers from one seed.
//
// img should be at least 8 pixels high and wide. An empty picture gives an empty picture.
func (a Attack) Apply(img *image.NRGBA, seed uint64) *image.NRGBA {
	p := imaging.Clone(picture.Flatten(img)) // Clone leaves no gaps between rows
	if a.run == nil || p.Rect.Empty() {
		return p
	}
	return a.run(Random(a.Name, seed), p)
}

// ApplyIn is Apply with a first random number in part k of n equal parts, 0 <= k < n. An attack of [Drawn] makes its leading
// parameter of that number, so n draws spread evenly over the parameter's range.
func (a Attack) ApplyIn(img *image.NRGBA, seed uint64, k, n int) *image.NRGBA {
	p := imaging.Clone(picture.Flatten(img))
	if a.run == nil || p.Rect.Empty() {
		return p
	}
	r := Random(a.Name, seed)
	return a.run(rand.New(&firstIn{Source: r, at: (float64(k) + r.Float64()) / float64(n)}), p)
}

// firstIn is a source whose first number is the share at of the range of numbers, for Float64 and IntN alike.
type firstIn struct {
	rand.Source
	at   float64
	next bool
}

func (f *firstIn) Uint64() uint64 {
	if f.next {
		return f.Source.Uint64()
	}
	f.next = true
	return uint64(f.at*(1<<11))<<53 | uint64(f.at*(1<<53)) // Float64 takes the low bits, IntN the high ones
}

// Random returns the random numbers of a seed for the attack, or other purpose, of a name.
func Random(name string, seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name)) // never fails
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// A Step is one change of an attack. It receives an opaque picture without gaps between rows,
// with its origin at (0,0). It must not change that picture, and returns a picture of that
// kind: a new one, or p itself if there is nothing to change.
type Step func(r *rand.Rand, p *image.NRGBA) *image.NRGBA

// steps returns the step that applies the given steps, one after the other, all with the same
// random source. Without steps the picture stays as it is.
func steps(all ...Step) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		for _, s := range all {
			p = s(r, p)
		}
		return p
	}
}

// plain returns the step that changes every picture by f and draws nothing.
func plain(f func(p *image.NRGBA) *image.NRGBA) Step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return f(p) }
}

// from returns the step that changes every picture by a function of package imaging.
func from(f func(image.Image) *image.NRGBA) Step {
	return plain(func(p *image.NRGBA) *image.NRGBA { return f(p) })
}

// Uniform draws a number between lo and hi.
func Uniform(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// grey returns the opaque grey of a level of 0 to 255.
func grey(level uint8) color.NRGBA { return color.NRGBA{level, level, level, 255} }

// asRGBA returns the pixels of the opaque picture p as an *image.RGBA, for which package
// image/draw is fast: without transparency both types have the same bytes.
func asRGBA(p *image.NRGBA) *image.RGBA {
	return &image.RGBA{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
}

// fill paints the part of p inside box in the opaque colour c.
func fill(p *image.NRGBA, box image.Rectangle, c color.NRGBA) {
	draw.Draw(asRGBA(p), box, image.NewUniform(c), image.Point{}, draw.Src)
}

// paste copies q onto p with q's corner at (x, y). Pixels outside p are dropped.
func paste(p, q *image.NRGBA, x, y int) {
	draw.Draw(asRGBA(p), q.Rect.Add(image.Pt(x, y)), asRGBA(q), image.Point{}, draw.Src)
}
