package watermark

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"image/draw"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// An Original is all that marking needs and that depends on picture, key and
// submission alone, so that many copies of one upload cost less. It is immutable
// and safe for concurrent use.
type Original struct {
	key      *Key
	sub      Submission
	strength float64
	src      *image.NRGBA
	canon    dsp.RGB // the picture over white, long side at most canonicalSide
	luma     dsp.Plane
	mask     mask
	grey     bool
	place    geometry.Mat // canonical pixels to mark pixels
}

// Prepare readies a picture for marking. It keeps src, which must not change any more
// where it is an *image.NRGBA. The error wraps [ErrTooSmall], [ErrTooLarge] or
// [ErrStrength].
func Prepare(key *Key, src image.Image, opts *Options) (*Original, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Strength == 0 {
		o.Strength = 1
	}
	if !(o.Strength > 0 && o.Strength <= MaxStrength) {
		return nil, fmt.Errorf("%w: %v", ErrStrength, o.Strength)
	}
	b := src.Bounds()
	if err := CheckSize(b.Dx(), b.Dy()); err != nil {
		return nil, err
	}
	pixels, err := toNRGBA(src)
	if err != nil {
		return nil, err
	}
	p := &Original{key: key, sub: o.Submission, strength: o.Strength, src: pixels}
	if p.sub == (Submission{}) {
		p.sub = pixelDigest(p.src)
	}
	w, h := canonicalSize(b.Dx(), b.Dy())
	p.place = placement(key, p.sub, w, h)
	p.shrink()
	return p, nil
}

// CheckSize returns an error that wraps [ErrTooSmall] where a picture of width x height
// pixels is too small to be marked. One that is much longer than wide may be refused later,
// by [Mark].
func CheckSize(width, height int) error {
	if min(width, height) < shortLeast || max(width, height) < longLeast {
		return fmt.Errorf("%w: %d x %d pixels, the sides must have %d and %d at least", ErrTooSmall, width, height, longLeast, shortLeast)
	}
	return nil
}

// shrink makes the canonical picture and what follows from it.
func (o *Original) shrink() {
	w, h := canonicalSize(o.src.Rect.Dx(), o.src.Rect.Dy())
	o.canon = dsp.ShrinkNRGBA(o.src, w, h)
	o.luma = o.canon.Luma()
	o.mask = newMask(o.luma, smoothness(o.src, w, h))
	o.grey = o.canon.Gray()
}

// drop lets go of what shrink made.
func (o *Original) drop() { o.canon, o.luma, o.mask = dsp.RGB{}, dsp.Plane{}, mask{} }

// canonicalSize shrinks w x h so that the long side is at most canonicalSide.
func canonicalSize(w, h int) (int, int) {
	side := max(w, h)
	if side <= canonicalSide {
		return w, h
	}
	shrink := func(n int) int { return max(1, (n*canonicalSide+side/2)/side) }
	return shrink(w), shrink(h)
}

// toNRGBA returns src itself where it is an NRGBA picture from (0, 0) on.
func toNRGBA(src image.Image) (*image.NRGBA, error) {
	b := src.Bounds()
	if w, h := b.Dx(), b.Dy(); w > MaxPixels || h > MaxPixels || int64(w)*int64(h) > MaxPixels {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrTooLarge, w, h)
	}
	if p, ok := src.(*image.NRGBA); ok && p.Rect.Min == (image.Point{}) {
		return p, nil
	}
	p := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(p, p.Rect, src, b.Min, draw.Src)
	return p, nil
}

// pixelDigest stands in for a submission where none is given.
func pixelDigest(p *image.NRGBA) Submission {
	h := sha256.New()
	size := binary.BigEndian.AppendUint64(nil, uint64(p.Rect.Dx()))
	h.Write(binary.BigEndian.AppendUint64(size, uint64(p.Rect.Dy())))
	for y := range p.Rect.Dy() {
		h.Write(p.Pix[y*p.Stride : y*p.Stride+4*p.Rect.Dx()])
	}
	return Submission(h.Sum(nil)[:16])
}

// Submission returns the submission that keys placement and tracer.
func (o *Original) Submission() Submission { return o.sub }

// Embed returns the picture marked with id, of the same size and alpha. The same
// picture, key, submission and ID give the same pixels on every machine.
func (o *Original) Embed(id CopyID) *image.NRGBA {
	luma, chroma := o.marks(id, o.strength)
	out := image.NewNRGBA(o.src.Rect)
	o.add(out, luma, chroma)
	return out
}

// marks returns what is added to luma and, negated, to the blue difference of the
// canonical picture. A first pass marks plainly; a second evens out, per coded bit
// and per pilot, what the picture itself adds or takes in the reader's own front
// end (informed embedding: Cox, Miller and McKellips, 1999).
func (o *Original) marks(id CopyID, strength float64) (luma, chroma dsp.Plane) {
	kd := o.key.keyed()
	w, h := o.luma.W, o.luma.H
	own := tracer(o.key, o.sub, id, w, h)
	code := kd.payload.code(id)
	plain := lay(kd.pattern(code, nil, nil), o.place, w, h)
	l, c := o.shape(plain, plain, own, strength)
	marked := o.simulate(l, c)
	var second [2]dsp.Plane
	fronts := carriers(marked)
	dsp.Parallel(len(fronts), func(from, to int) {
		for i := from; i < to; i++ {
			bitGain, pilotGain := kd.evenOut(fronts[i], o.place, code)
			second[i] = lay(kd.pattern(code, bitGain, pilotGain), o.place, w, h)
		}
	})
	return o.shape(second[0], second[len(fronts)-1], own, strength)
}

// simulate returns the canonical picture with a mark, clipped to 0..255.
func (o *Original) simulate(luma, chroma dsp.Plane) dsp.RGB {
	out := dsp.RGB{R: o.canon.R.Clone(), G: o.canon.G.Clone(), B: o.canon.B.Clone()}
	for i, l := range luma.Pix {
		c := chroma.Pix[i]
		out.R.Pix[i] = clip(out.R.Pix[i]+l, 0, 255)
		out.G.Pix[i] = clip(out.G.Pix[i]+l+float32(cbToG*c), 0, 255)
		out.B.Pix[i] = clip(out.B.Pix[i]+l-float32(cbToB*c), 0, 255)
	}
	return out
}

// evenOut returns the gains of coded bits and pilots that bring each to the mean
// of what the reader sees of all.
func (kd *keyed) evenOut(z dsp.Plane, place geometry.Mat, code []float32) (bits, pilots []float32) {
	s, _ := kd.soft(z, place, 1, nil) // a placement is never singular
	for j := range s.bit {
		s.bit[j] = float64(s.bit[j] * float64(code[j]))
	}
	return levelGain(s.bit[:], 0.4, 1.9), levelGain(s.pilot[:], 0.5, 1.7)
}

func levelGain(x []float64, lo, hi float32) []float32 {
	mean := 0.0
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = clip(1+float32((mean-v)/math.Max(math.Abs(mean), 1e-6)), lo, hi)
	}
	return out
}

// Blue-difference to green and blue: ITU-R BT.601.
const (
	cbToB = 1.772
	cbToG = 0.344
)

// add enlarges the marks to the picture's size and writes the picture with them to out,
// which may be the picture itself.
func (o *Original) add(out *image.NRGBA, luma, chroma dsp.Plane) {
	dsp.Parallel(out.Rect.Dy(), func(from, to int) {
		rows := o.newRows(luma, chroma)
		for y := from; y < to; y++ {
			rows.mark(out.Pix[y*out.Stride:y*out.Stride+4*out.Rect.Dx()], y)
		}
	})
}

// markedRows are the rows of a picture with its marks.
type markedRows struct {
	src          *image.NRGBA
	luma, chroma *dsp.Enlarger
	l, c         []float32
}

func (o *Original) newRows(luma, chroma dsp.Plane) *markedRows {
	w, h := o.src.Rect.Dx(), o.src.Rect.Dy()
	return &markedRows{o.src, dsp.NewEnlarger(luma, w, h), dsp.NewEnlarger(chroma, w, h), make([]float32, w), make([]float32, w)}
}

// mark writes row y; they are cheapest in order.
func (r *markedRows) mark(dst []uint8, y int) {
	r.luma.Row(y, r.l)
	r.chroma.Row(y, r.c)
	dsp.AddLumaChroma(dst, r.row(y), r.l, r.c, cbToG, cbToB)
}

// row is row y without the marks.
func (r *markedRows) row(y int) []uint8 {
	return r.src.Pix[y*r.src.Stride : y*r.src.Stride+4*len(r.l)]
}
