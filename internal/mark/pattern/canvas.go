package pattern

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/jpegcoef"
)

// MaxPixels is the largest number of pixels of a picture that is marked or read.
const MaxPixels = 1 << 28

// ErrTooSmall and ErrTooLarge are wrapped for pictures of sizes that carry no mark.
var (
	ErrTooSmall = errors.New("watermark: picture too small to mark")
	ErrTooLarge = errors.New("watermark: picture too large")
)

// A Canvas is a picture made ready to take marks: all that marking needs and that depends
// on the picture alone. It is safe for concurrent use while nothing is dropped.
type Canvas struct {
	Source *image.NRGBA      // nil: there are coefficients
	jpeg   *jpegcoef.Picture // its coefficients
	turn   int               // EXIF orientation of jpeg, 1 to 8
	first  uint16            // step of DC in luma that copies of jpeg have
	w, h   int               // pixels, upright
	canon  dsp.RGB           // the picture over white, long side at most canonicalSide
	mask   mask
	grey   bool
	as     *manner // of its marks
}

// NewCanvas makes a picture ready to take marks. If src is an NRGBA picture from (0, 0) on, it is kept as Source and
// must not change; others are converted. The error wraps ErrTooSmall or ErrTooLarge.
func NewCanvas(src image.Image) (*Canvas, error) {
	b := src.Bounds()
	if err := CheckSize(b.Dx(), b.Dy()); err != nil {
		return nil, err
	}
	pixels, err := Pixels(src)
	if err != nil {
		return nil, err
	}
	c := &Canvas{Source: pixels, w: b.Dx(), h: b.Dy(), as: &ofCopies}
	return c, c.Shrink()
}

// CheckSize returns an error that wraps ErrTooSmall if a picture of width x height pixels is too small to be marked: a
// side below minShort or the long side below minLong. It does not check for a picture too large.
func CheckSize(width, height int) error {
	if min(width, height) < minShort || max(width, height) < minLong {
		return fmt.Errorf("%w: %d x %d pixels, the sides must have %d and %d at least", ErrTooSmall, width, height, minLong, minShort)
	}
	return nil
}

// Shrink makes the canonical picture and its mask from the source, if they were dropped. Its errors are of [JPEGCanvas].
func (c *Canvas) Shrink() (err error) {
	if c.mask.flat.Pix != nil {
		return nil
	}
	w, h := CanonicalSize(c.w, c.h)
	var grain func() dsp.Plane
	if c.jpeg != nil {
		if grain, err = c.shrinkJPEG(); err != nil {
			return err
		}
	} else {
		c.canon, grain = dsp.ShrinkNRGBA(c.Source, w, h), func() dsp.Plane { return grainOf(c.Source, w, h) }
	}
	c.mask = newMask(c.canon, smoothness(float32(c.w)/float32(w), w, h, grain))
	if c.grey = c.canon.Gray(); c.grey && c.as == &ofCopies {
		c.as = &raised
	}
	c.unmaskChroma()
	return nil
}

// Probed makes a canvas of pixels take marks whose luma is as weak as a copy's in coefficients. It must not be shared yet.
func (c *Canvas) Probed() {
	c.as = &probed
	c.unmaskChroma()
}

// Lossy makes a canvas of pixels take marks for lossy files. It must not be shared yet.
func (c *Canvas) Lossy() { c.as = &lossy }

// Stronger returns a canvas of the same pixels that takes marks for lossy files, not shrunk yet. It returns nil
// if c does not round its marks by a dither, or has coefficients.
func (c *Canvas) Stronger() *Canvas {
	if c.Source == nil || !c.as.dither {
		return nil
	}
	return &Canvas{Source: c.Source, w: c.w, h: c.h, as: &lossy}
}

// unmaskChroma makes the gain of the blue difference 1 everywhere, if the manner has no mask for it.
func (c *Canvas) unmaskChroma() {
	if !c.as.chromaMask {
		for i := range c.mask.chroma.Pix {
			c.mask.chroma.Pix[i] = 1
		}
	}
}

func (c *Canvas) Size() (w, h int) { return c.w, c.h }

// Drop frees the canonical picture and its mask, to save memory while only the source is
// needed. [Canvas.Shrink] makes them again.
func (c *Canvas) Drop() {
	c.canon = dsp.RGB{}
	c.DropMask()
}

// DropMask frees all that Drop does, except the canonical picture.
func (c *Canvas) DropMask() { c.mask = mask{} }

// CanonicalSize returns the size of a w x h picture shrunk to a long side of at most canonicalSide
// pixels, rounded, each side 1 or more. A smaller picture keeps its size.
func CanonicalSize(w, h int) (int, int) {
	side := max(w, h)
	if side <= canonicalSide {
		return w, h
	}
	shrink := func(n int) int { return max(1, (n*canonicalSide+side/2)/side) }
	return shrink(w), shrink(h)
}

// Pixels returns the pixels of a picture, with (0, 0) as the upper left corner: src itself if it
// is such an NRGBA picture. The error wraps ErrTooLarge.
func Pixels(src image.Image) (*image.NRGBA, error) {
	b := src.Bounds()
	if w, h := b.Dx(), b.Dy(); w > MaxPixels || h > MaxPixels || int64(w)*int64(h) > MaxPixels {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrTooLarge, w, h)
	}
	if p, ok := src.(*image.NRGBA); ok && p.Rect.Min == (image.Point{}) {
		return p, nil
	}
	p := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	var dst draw.Image = p
	if _, ok := src.(*image.YCbCr); ok { // opaque, so that RGBA has the same bytes: package draw is fast only into RGBA
		dst = &image.RGBA{Pix: p.Pix, Stride: p.Stride, Rect: p.Rect}
	}
	draw.Draw(dst, p.Rect, src, b.Min, draw.Src)
	return p, nil
}

// Canonical returns the picture over white, shrunk to [CanonicalSize]. It must not be changed.
func (c *Canvas) Canonical() dsp.RGB { return c.canon }

// Simulate returns what marking with s makes of the canonical picture over white: samples of R, G
// and B cut to 0..255, not rounded. The canvas is not changed.
func (c *Canvas) Simulate(s Shaped) dsp.RGB {
	out := dsp.RGB{R: c.canon.R.Clone(), G: c.canon.G.Clone(), B: c.canon.B.Clone()}
	for i, l := range s.luma.Pix {
		b := s.chroma.Pix[i]
		out.R.Pix[i] = Clip(out.R.Pix[i]+l, 0, 255)
		out.G.Pix[i] = Clip(out.G.Pix[i]+l+float32(cbToG*b), 0, 255)
		out.B.Pix[i] = Clip(out.B.Pix[i]+l-float32(cbToB*b), 0, 255)
	}
	return out
}

// Blue-difference to green and blue: ITU-R BT.601.
const (
	cbToB = 1.772
	cbToG = 0.344
)

// Add enlarges the marks s to the picture's size and writes the picture with them to out. out has
// the picture's size, and may be the picture itself. The canvas needs only its source for that.
func (c *Canvas) Add(out *image.NRGBA, s Shaped) {
	dsp.Parallel(out.Rect.Dy(), func(from, to int) {
		rows := c.Rows(s)
		for y := from; y < to; y++ {
			rows.Mark(out.Pix[y*out.Stride:y*out.Stride+4*out.Rect.Dx()], y)
		}
	})
}

type markedRows struct {
	src          *image.NRGBA
	luma, chroma *dsp.Enlarger
	l, c         []float32
	dither       bool
}

// Rows returns what enlarges the marks s to the picture's size and writes its marked rows. One goroutine may use it.
func (c *Canvas) Rows(s Shaped) *markedRows {
	w, h := c.Source.Rect.Dx(), c.Source.Rect.Dy()
	return &markedRows{c.Source, dsp.NewEnlarger(s.luma, w, h), dsp.NewEnlarger(s.chroma, w, h), make([]float32, w), make([]float32, w), c.as.dither}
}

// Mark writes row y of the marked picture to dst, four bytes a pixel. Rows in rising order cost least.
func (r *markedRows) Mark(dst []uint8, y int) {
	r.luma.Row(y, r.l)
	r.chroma.Row(y, r.c)
	if r.dither {
		dither(r.l, y)
	}
	dsp.AddLumaChroma(dst, r.Row(y), r.l, r.c, cbToG, cbToB)
}

// dither adds -1/2 to 1/2 to row y of luma, evenly over places near each other. Pixels are whole levels: rounding would take a
// mark of less than half a level away. With the dither such a mark changes a share of the pixels. No mark changes no pixel.
func dither(row []float32, y int) {
	const right, down = 3242174889, 2447445414 // of 2^32: shares of the plastic number, whose multiples fill the unit square evenly
	t := uint32(y) * down
	for x := range row {
		row[x] += float32(int32(t)>>8) * (1. / (1 << 24))
		t += right
	}
}

// Row returns row y of the picture without the marks, four bytes a pixel. It must not be changed.
func (r *markedRows) Row(y int) []uint8 { return r.src.Pix[y*r.src.Stride : y*r.src.Stride+4*len(r.l)] }

// Digest returns the name of a picture that has no other name: the first 16 bytes of the SHA-256 of
// its size and its pixels with alpha. It reads all pixels at each call.
func (c *Canvas) Digest() [16]byte {
	p, h := c.Source, sha256.New()
	size := binary.BigEndian.AppendUint64(nil, uint64(p.Rect.Dx()))
	h.Write(binary.BigEndian.AppendUint64(size, uint64(p.Rect.Dy())))
	for y := range p.Rect.Dy() {
		h.Write(p.Pix[y*p.Stride : y*p.Stride+4*p.Rect.Dx()])
	}
	return [16]byte(h.Sum(nil)[:16])
}

// Saved returns an opaque picture as it is after a JPEG file of a quality, 1..100, as image/jpeg writes and reads it.
// The error is the encoder's or the decoder's.
func Saved(p image.Image, quality int) (image.Image, error) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, p, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return jpeg.Decode(&file)
}
