// Package attack simulates what happens to a leaked picture: messengers, thumbnails, crops, screenshots, photographs of
// screens, redactions. Tests of pipelines and the demonstration use its twelve attacks. internal/test/attack has all 63
// of the project's definition. Everything random in an attack (place of a crop, noise) comes from a seed: the same
// picture, attack and seed give the same result.
//
// Attacks are no part of a mark or a verdict. So they may use floating point that differs in
// the last bit between processors.
package attack

import (
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/picture"
)

// An Attack is one way to change a picture. The zero Attack changes nothing.
type Attack struct {
	Name  string // as in tables and on the command line, such as "crop25"
	Group string // family, such as "crop"; "none" for the untouched picture
	About string // one line for people

	run Step
}

func New(name, group, about string, all ...Step) Attack {
	return Attack{name, group, about, Steps(all...)}
}

// Apply returns a new opaque picture: img after the attack, often of another size, with its
// origin at (0,0). Transparency is first laid over white. The result depends only on img, the
// attack and seed. Different attacks draw different random numbers from one seed.
//
// img should be at least 8 pixels high and wide. An empty picture gives an empty picture.
func (a Attack) Apply(img *image.NRGBA, seed uint64) *image.NRGBA {
	return a.ApplyBy(Random(a.Name, seed), img)
}

func (a Attack) ApplyBy(r *rand.Rand, img *image.NRGBA) *image.NRGBA {
	p := imaging.Clone(picture.Flatten(img)) // Clone leaves no gaps between rows
	if a.run == nil || p.Rect.Empty() {
		return p
	}
	return a.run(r, p)
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

// Steps returns the step that applies the given steps, one after the other, all with the same
// random source. Without steps the picture stays as it is.
func Steps(all ...Step) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		for _, s := range all {
			p = s(r, p)
		}
		return p
	}
}

// Plain returns the step that changes every picture by f and draws nothing.
func Plain(f func(p *image.NRGBA) *image.NRGBA) Step {
	return func(_ *rand.Rand, p *image.NRGBA) *image.NRGBA { return f(p) }
}

func Uniform(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// Grey returns the opaque grey of a level of 0 to 255.
func Grey(level uint8) color.NRGBA { return color.NRGBA{level, level, level, 255} }

// asRGBA returns the pixels of the opaque picture p as an *image.RGBA, for which package
// image/draw is fast: without transparency both types have the same bytes.
func asRGBA(p *image.NRGBA) *image.RGBA {
	return &image.RGBA{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
}

func Fill(p *image.NRGBA, box image.Rectangle, c color.NRGBA) {
	draw.Draw(asRGBA(p), box, image.NewUniform(c), image.Point{}, draw.Src)
}

// Paste copies q onto p with q's corner at (x, y). Pixels outside p are dropped.
func Paste(p, q *image.NRGBA, x, y int) {
	draw.Draw(asRGBA(p), q.Rect.Add(image.Pt(x, y)), asRGBA(q), image.Point{}, draw.Src)
}
