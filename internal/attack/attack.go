// Package attack simulates what happens to a leaked picture: messengers, thumbnails, crops, screenshots, photographs of
// screens, redactions. Tests of pipelines use its twelve attacks. internal/test/attack has all 63
// of the project's definition. Everything random in an attack (place of a crop, noise) comes from a seed: the same
// picture, attack and seed give the same result.
//
// Attacks are no part of a mark or a verdict. So they may use floating point that differs in
// the last bit between processors.
package attack

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"

	"github.com/disintegration/imaging"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"

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

// minSide is the shortest side, in pixels, that a resize leaves.
const minSide = 8

// ScaleBy returns the step that resizes both sides by the factor f, to minSide pixels or more: by
// area when shrinking, cubic when enlarging.
func ScaleBy(f float64) Step {
	return Plain(func(p *image.NRGBA) *image.NRGBA {
		w := max(minSide, int(math.RoundToEven(float64(p.Rect.Dx())*f)))
		h := max(minSide, int(math.RoundToEven(float64(p.Rect.Dy())*f)))
		return ScaleTo(p, w, h)
	})
}

// FitTo returns the step that shrinks a picture until its long side has the given pixels. A smaller
// picture stays as it is. The short side keeps minSide pixels.
func FitTo(side int) Step {
	return Plain(func(p *image.NRGBA) *image.NRGBA {
		if LongSide(p) <= side {
			return p
		}
		return ToSide(side)(nil, p)
	})
}

// ToSide returns the step that resizes a picture until its long side has the given pixels.
func ToSide(side int) Step {
	return Plain(func(p *image.NRGBA) *image.NRGBA {
		return ScaleBy(float64(side)/float64(LongSide(p)))(nil, p)
	})
}

func LongSide(p *image.NRGBA) int { return max(p.Rect.Dx(), p.Rect.Dy()) }

func ScaleTo(p *image.NRGBA, w, h int) *image.NRGBA {
	p = imaging.Resize(p, w, p.Rect.Dy(), resampling(p.Rect.Dx(), w))
	return imaging.Resize(p, w, h, resampling(p.Rect.Dy(), h))
}

// resampling returns the filter that takes a side of from pixels to a side of to pixels. Shrinking
// averages exactly the area that a pixel covers: a box of the new pixel's width folded with a box
// of the old pixel's width. Enlarging, and the same size, is [Cubic], as in OpenCV.
func resampling(from, to int) imaging.ResampleFilter {
	if to >= from {
		return imaging.ResampleFilter{Support: 2, Kernel: Cubic}
	}
	old := float64(to) / float64(from) // an old pixel's width in new pixels
	half := (1 + old) / 2
	return imaging.ResampleFilter{
		Support: half,
		Kernel:  func(x float64) float64 { return min(old, max(0, half-math.Abs(x))) },
	}
}

// Cubic returns the weight of a sample at a distance of x samples, of either sign, and 0 from two
// samples on. It is the cubic convolution kernel of Keys (1981), equation 4 with the free parameter
// -0.75.
func Cubic(x float64) float64 {
	const a = -0.75
	x = math.Abs(x)
	switch {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}

// CropTo returns the step that keeps a rectangle of the given share of the area, 0 to 1, at a
// random place. The ratio of its sides is 0.64 to 1.56 times the picture's own, at random. A side
// that would exceed the picture's is cut, which loses area.
func CropTo(area float64) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		w, h := p.Rect.Dx(), p.Rect.Dy()
		ratio := Uniform(r, .8, 1.25)
		cw := min(w, max(1, int(float64(w)*math.Sqrt(area)/ratio)))
		ch := min(h, max(1, int(float64(h)*math.Sqrt(area)*ratio)))
		y, x := r.IntN(h-ch+1), r.IntN(w-cw+1)
		return imaging.Crop(p, image.Rect(x, y, x+cw, y+ch))
	}
}

// jpegSide is the longest side that JPEG can hold, in pixels (ITU-T T.81, table B.2).
const jpegSide = 65535

// JPEG returns the step that saves a picture as baseline JPEG 4:2:0 of a quality of 1 to 100 and opens it again. A
// picture longer than JPEG can hold is shrunk first, as messengers do. Each chroma sample is repeated over its 2 x 2
// pixels, as kycmark's own decoder does; libjpeg would smooth the chroma.
func JPEG(quality int) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		p = FitTo(jpegSide)(r, p)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, asRGBA(p), &jpeg.Options{Quality: quality}); err != nil {
			return p // only for sides above jpegSide
		}
		img, err := jpeg.Decode(&b)
		if err != nil {
			return p // the encoder's own output always decodes
		}
		out := image.NewNRGBA(p.Rect)
		draw.Draw(asRGBA(out), out.Rect, img, image.Point{}, draw.Src)
		return out
	}
}

// Screenshot returns the step that shows the picture at a random place in a dark page of a reviewing tool. The picture
// is first resized to the given long side, in pixels. The page is larger by a random margin.
func Screenshot(side int) Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		p = ToSide(side)(r, p)
		w, h := p.Rect.Dx(), p.Rect.Dy()
		page := imaging.New(w+80+r.IntN(320), h+120+r.IntN(240), Grey(32))
		Fill(page, image.Rect(0, 0, page.Rect.Dx(), 56), color.NRGBA{48, 52, 58, 255})
		for i := range 8 {
			Fill(page, image.Rect(10, 80+60*i, 61, 111+60*i), Grey(90))
		}
		Write(page, "Case review - document 3 of 7", 70, 36, 415, 18, 1, Grey(220))
		y, x := 60+r.IntN(page.Rect.Dy()-h-59), r.IntN(page.Rect.Dx()-w+1)
		Paste(page, p, x, y)
		return page
	}
}

// Write draws a line of ASCII text on p, so wide that it takes width pixels, with capitals capital
// pixels high. Its baseline begins at (x, y); what lies outside p is cut. The bitmap font is
// enlarged smoothly; bold multiplies the darkness of its soft edges, and 1 leaves them as they are.
func Write(p *image.NRGBA, text string, x, y, width, capital, bold int, c color.NRGBA) {
	const capBits = 9 // height of a capital in the font
	face := basicfont.Face7x13
	mask := imaging.New(face.Advance*len(text), face.Height, color.Black)
	d := font.Drawer{Dst: mask, Src: image.NewUniform(color.White), Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(text)
	height := max(1, face.Height*capital/capBits)
	mask = imaging.Resize(mask, max(1, width), height, imaging.CatmullRom)
	y -= height * face.Ascent / face.Height
	box := mask.Rect.Add(image.Pt(x, y)).Intersect(p.Rect)
	for v := box.Min.Y; v < box.Max.Y; v++ {
		for u := box.Min.X; u < box.Max.X; u++ {
			a := min(255, bold*int(mask.Pix[(v-y)*mask.Stride+4*(u-x)]))
			s := p.Pix[v*p.Stride+4*u:][:3:3]
			for i, v := range [3]uint8{c.R, c.G, c.B} {
				s[i] = uint8((int(s[i])*(255-a) + int(v)*a + 127) / 255)
			}
		}
	}
}
