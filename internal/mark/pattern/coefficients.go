package pattern

import (
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/quality"
)

// A mark is added to the lowOrders orders of a block in each direction: of large pictures it has no finer detail.
const (
	lowOrders      = 8
	lowOrdersLarge = 4
	largeSide      = 2500 // pixels on the long side

	shrunkSide = 1600 // pixels: JPEGs are decoded at a fraction of their size with a long side of that, or more
)

// JPEGCanvas makes a JPEG file ready to take marks in its coefficients, and keeps it. orientation is as in EXIF: the
// mark belongs to the upright picture. The error wraps ErrTooSmall, or jpegcoef.ErrRefused.
func JPEGCanvas(file []byte, orientation int) (*Canvas, error) {
	p, err := jpegcoef.Read(file, MaxPixels)
	if err != nil {
		return nil, err
	}
	c := &Canvas{jpeg: p, turn: orientation, w: p.W, h: p.H, as: &ofCopies}
	if orientation > 4 {
		c.w, c.h = p.H, p.W
	}
	c.first = p.Components[0].Steps[0]
	if fine := uint16(float32(firstStep*8*probed.flatGain(max(c.w, c.h))) + 0.5); c.first > fine {
		c.first, c.as = fine, &raised
	}
	if err := CheckSize(c.w, c.h); err != nil {
		return nil, err
	}
	return c, c.Shrink()
}

// shrunk returns a view of a JPEG of the canvas's size. After the pass, the function shrunk returns the JPEG upright: of the
// canonical size, and as 8 bits of the size small, which must not exceed shrunkSide. If small is empty there is no second.
func (c *Canvas) shrunk(p *jpegcoef.Picture, small image.Point) (view jpegcoef.View, shrunk func() (dsp.RGB, *image.NRGBA)) {
	n := 8
	for n > 1 && max(p.W, p.H)*n >= 16*shrunkSide {
		n /= 2
	}
	w, h := p.Size(n)
	cw, ch := CanonicalSize(p.W, p.H)
	canonical := dsp.NewShrinker(w, h, min(w, cw), min(h, ch))
	var messenger *dsp.Shrinker
	var flat *image.NRGBA
	if small != (image.Point{}) {
		if c.turn > 4 {
			small.X, small.Y = small.Y, small.X
		}
		messenger, flat = dsp.NewFlatShrinker(w, h, min(w, small.X), min(h, small.Y))
	}
	return p.Rows(n, func(row []uint8) {
			canonical.Add(row)
			if messenger != nil {
				messenger.Add(row)
			}
		}), func() (dsp.RGB, *image.NRGBA) {
			colours := canonical.Shrunk()
			return dsp.RGB{R: turned(colours.R, c.turn), G: turned(colours.G, c.turn), B: turned(colours.B, c.turn)}, turnedFlat(flat, c.turn)
		}
}

// shrinkJPEG makes the canonical picture, and what returns the grain of the JPEG. The error wraps jpegcoef.ErrRefused.
func (c *Canvas) shrinkJPEG() (grain func() dsp.Plane, err error) {
	luma := &c.jpeg.Components[0]
	blocks := make([]float32, luma.InX*luma.InY)
	view, shrunk := c.shrunk(c.jpeg, image.Point{})
	if err := c.jpeg.Each(view, c.jpeg.Grain(blocks)); err != nil {
		return nil, err
	}
	c.canon, _ = shrunk()
	return func() dsp.Plane { return c.grain(blocks) }, nil
}

// grain returns how much neighbours along a row of the JPEG differ, at each place of the canonical picture.
func (c *Canvas) grain(blocks []float32) dsp.Plane {
	w, h := CanonicalSize(c.jpeg.W, c.jpeg.H)
	across, down := c.jpeg.Components[0].InX, c.jpeg.Components[0].InY
	out := dsp.NewPlane(w, h)
	for y := range h {
		from := min((2*y+1)*c.jpeg.H/(16*h), down-1) * across
		for x, row := 0, out.Row(y); x < w; x++ {
			row[x] = blocks[from+min((2*x+1)*c.jpeg.W/(16*w), across-1)]
		}
	}
	return turned(out, c.turn)
}

// turned returns a plane as it is to be seen, given its stored orientation: see picture.Upright.
func turned(p dsp.Plane, orientation int) dsp.Plane {
	pix, w, h := turnedPixels(p.Pix, 1, p.W, p.H, orientation)
	return dsp.Plane{W: w, H: h, Pix: pix}
}

// turnedFlat is turned for pixels without gaps between rows. p may be nil.
func turnedFlat(p *image.NRGBA, orientation int) *image.NRGBA {
	if p == nil {
		return nil
	}
	pix, w, h := turnedPixels(p.Pix, 4, p.Rect.Dx(), p.Rect.Dy(), orientation)
	return &image.NRGBA{Pix: pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
}

// turnedPixels returns w x h pixels of n numbers each as they are to be seen, with their new width and height. It returns
// pix itself if nothing is to be turned.
func turnedPixels[T any](pix []T, n, w, h, orientation int) ([]T, int, int) {
	swap := orientation > 4
	left := orientation == 2 || orientation == 3 || orientation > 6 // mirrored along the stored rows
	up := orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7
	if !swap && !left && !up {
		return pix, w, h
	}
	out := make([]T, len(pix))
	for i := range w * h {
		u, v := i%w, i/w
		if left {
			u = w - 1 - u
		}
		if up {
			v = h - 1 - v
		}
		to := v*w + u
		if swap {
			to = u*h + v
		}
		copy(out[n*to:n*to+n], pix[n*i:n*i+n])
	}
	if swap {
		w, h = h, w
	}
	return out, w, h
}

func stored(p dsp.Plane, orientation int) dsp.Plane {
	switch orientation {
	case 6:
		orientation = 8
	case 8:
		orientation = 6
	}
	return turned(p, orientation)
}

// changeZero are thresholds in steps of quantisation: a coefficient of 0, except DC, is changed if the mark reaches so much
// there. New coefficients take most of the bytes that a mark adds. The first threshold counts that keeps the weight
// of the scans within maxWeight times the source's, or else the last.
var changeZero = [...]float64{0.5, 0.75, 1, 1.5}

const maxWeight = 1.07

// overshoot is how much more a mark is weakened than the PSNR floor demands: of fewer steps more is noise of rounding.
const overshoot = 0.99

// A Written is a JPEG with a mark in its coefficients.
type Written struct {
	File      []byte
	Canonical dsp.RGB      // the marked JPEG upright, of the canonical size
	Small     *image.NRGBA // and as a messenger shrinks it
	PSNR      float64      // dB, at the canonical size
	Carried   float64      // share of a copy's own part of the mark that is left: see MinCarried
}

// Write writes the JPEG with the mark s in its coefficients. If rounding to steps breaks the PSNR floor, it weakens s once.
// own is the tracer in s. The size of Small is small, which must not exceed shrunkSide; if it is empty there is no Small.
// The same JPEG and mark give the same file on every machine. The error wraps jpegcoef.ErrRefused for damaged files.
func (c *Canvas) Write(s Shaped, own dsp.Plane, small image.Point) (w Written, err error) {
	for last := false; ; last = true {
		if w.File, w.Canonical, w.Small, err = c.write(s, maxWeight, changeZero[:], small); err != nil {
			return Written{}, err
		}
		var difference quality.Difference
		difference.AddSamples(c.canon.R.Pix, w.Canonical.R.Pix)
		difference.AddSamples(c.canon.G.Pix, w.Canonical.G.Pix)
		difference.AddSamples(c.canon.B.Pix, w.Canonical.B.Pix)
		w.PSNR = difference.PSNR()
		over := c.Floor() - w.PSNR
		if over <= 0 || last {
			w.Carried = c.carried(s, own, w.Canonical)
			return w, nil
		}
		s.Scale(float32(overshoot * dsp.Exp(-over/20*math.Ln10)))
	}
}

// carried returns the share of the tracer own that is left of it in a written mark s. after is the marked picture.
func (c *Canvas) carried(s Shaped, own dsp.Plane, after dsp.RGB) float64 {
	before := c.canon.Luma()
	left, whole := 0.0, 0.0
	for i, y := range after.Luma().Pix {
		left += float64(float64(y-before.Pix[i]) * float64(own.Pix[i]))
		whole += float64(float64(s.luma.Pix[i]) * float64(own.Pix[i]))
	}
	if whole <= 0 {
		return 0
	}
	return left / whole
}

// write is Write without a look at PSNR, for limits as maxWeight and changeZero.
func (c *Canvas) write(s Shaped, heavier float64, zeros []float64, small image.Point) (file []byte, canonical dsp.RGB, flat *image.NRGBA, err error) {
	low := lowOrders
	if max(c.w, c.h) > largeSide {
		low = lowOrdersLarge
	}
	delta := [][]int16{c.change(0, stored(s.luma, c.turn), low, 1)}
	if len(c.jpeg.Components) > 1 && !c.grey {
		delta = append(delta, c.change(1, stored(s.chroma, c.turn), low, -1))
	}
	for i := 0; file == nil && err == nil; i++ {
		p := c.jpeg.Changed(low, int16(zeros[i]*jpegcoef.ChangeUnit), c.first, delta...)
		view, shrunk := c.shrunk(p, small)
		limit := math.MaxInt
		if i < len(zeros)-1 {
			limit = int(heavier * float64(p.Weight()))
		}
		if i == 0 { // most files are light enough: the view is made in the same pass
			file, err = p.Encode(limit, view)
		} else if file, err = p.Encode(limit); file != nil {
			err = p.Each(view)
		}
		if file != nil {
			canonical, flat = shrunk()
		}
	}
	return file, canonical, flat, err
}

// change returns what adding a plane of the canonical size to a component adds to its coefficients: the cosine
// transform of the plane enlarged as by [dsp.Enlarger], without the enlarged plane, of jpegcoef.ChangeUnit a step of
// quantisation. Changes of less than half a step are 0.
func (c *Canvas) change(component int, p dsp.Plane, low int, sign float32) []int16 {
	k, luma := &c.jpeg.Components[component], &c.jpeg.Components[0]
	across := waves(p.W, float64(p.W*luma.H)/float64(c.jpeg.W*k.H), k.InX, low)
	down := waves(p.H, float64(p.H*luma.V)/float64(c.jpeg.H*k.V), k.InY, low)
	n := k.InX * low
	half := dsp.Across(p, across) // orders along the rows
	var inverse [8][8]float32
	for v := range low {
		for u := range low {
			inverse[v][u] = sign / float32(k.Steps.Step(u, v))
		}
	}
	if component == 0 {
		inverse[0][0] = sign / float32(c.first)
	}
	delta := make([]int16, low*low*k.Across*k.Down)
	dsp.Shared(k.InY, 8*low*n*k.InY, func(from, to int) {
		sum := make([]float32, n)
		for y := from; y < to; y++ {
			for v := range low {
				clear(sum)
				w := &down[y*low+v]
				for j, g := range w.Weights {
					dsp.AddScaled(sum, half.Row(w.First+j), g)
				}
				for i, x := range sum {
					if steps := float32(x * inverse[v][i%low]); steps >= 0.5 || steps <= -0.5 {
						at := (y*k.Across+i/low)*low*low + v*low + i%low
						delta[at] = int16(math.Floor(float64(Clip(steps, -127, 127) * jpegcoef.ChangeUnit)))
					}
				}
			}
		}
	})
	return delta
}

// waves returns what the cosines of the lowest orders of n blocks of 8 samples, enlarged samples down to them, weigh samples
// with, order by order. Samples lie scale samples of a row of size apart.
func waves(size int, scale float64, n, low int) []dsp.Tap {
	out := make([]dsp.Tap, 0, n*low)
	var cosines [8][8]float64
	for k := range low {
		for x := range 8 {
			c, _ := dsp.Cis(float64((2*x+1)*k) / 32)
			if cosines[k][x] = float64(c / 2); k == 0 {
				cosines[k][x] = math.Sqrt(1. / 8)
			}
		}
	}
	for b := range n {
		var at [8]int
		var taps [8][4]float32
		for x := range 8 {
			p := float64((float64(8*b+x)+0.5)*scale) - 0.5
			f := math.Floor(p)
			at[x], taps[x] = int(f)-1, dsp.Bicubic(float32(p-f))
		}
		inside := func(i int) int { return min(max(i, 0), size-1) }
		first, last := inside(at[0]), inside(at[7]+3)
		for k := range low {
			w := dsp.Tap{First: first, Weights: make([]float32, last-first+1)}
			for x := range 8 {
				for j, g := range taps[x] {
					w.Weights[inside(at[x]+j)-first] += float32(float64(g) * cosines[k][x])
				}
			}
			out = append(out, w)
		}
	}
	return out
}
