package watermark

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/quality"
)

// The messenger that a mark must pass before a copy is handed out: the harder of two common clients' settings
// (WhatsApp's smaller picture, Telegram desktop's long side).
const (
	messengerSide    = 1280
	messengerQuality = 70
)

// strengths are tried in turn, as shares of the strength asked for: the last only if the mark was not read at all.
var strengths = [...]float64{1, 1.2, 1.4}

const (
	// thinMargin is the margin of the read-back in dB below which a mark is made stronger although it was read.
	thinMargin = 2

	// clearCorrelation is a margin of 4.5 dB, from which the read-back looks no further. Of 118 marks that were as clear at
	// half the size the whole search read all, with 3.6 dB or more (TestClearStudy on 54 pictures).
	clearCorrelation = 0.8

	// hopeless is the correlation at the place of a mark below which the read-back does not search. A search needs
	// code.MinCorrelation. In 176 trials none found more than 0.002 above what is at the place (TestSoughtStudy).
	hopeless = code.MinCorrelation - 0.04

	// lostCorrelation is the same, below which a mark that SSIM limits is not made stronger: SSIM allows a tenth more at most.
	// Of the four limited marks of TestSoughtStudy that were not read at first, with 0, 0, 0.39 and 0.51, only the last was read
	// at a greater strength.
	lostCorrelation = 0.3

	// minSSIM is the SSIM of a copy with its original, both at the canonical size, below which the mark is made weaker:
	// SSIM sees more than eyes do in the dark and in what is blurred. At the pictures' own size SSIM is higher by 0.001
	// to 0.003 for most pictures, and lower by at most 0.0002 for copies near this limit (TestSSIMStudy).
	minSSIM = 0.9862
)

// A trial is a marked picture and what was found out about it. Its Image is not set.
type trial struct {
	Marked
	mark  pattern.Shaped
	on    *pattern.Canvas
	file  []byte // with the mark, if the original is a JPEG; and small as a messenger shrinks it
	small *image.NRGBA

	carried float64 // share of the copy's own part that the file has, if the original is a JPEG
}

// tried marks with the strengths in turn and returns the last trial. It stops at a mark that reads back with a margin
// of thinMargin or, from the second strength on, with any. It also stops if SSIM allows no more strength, or made the
// mark weaker and hardly anything of it is at its place. The trial is Weak if the mark was not read. out takes the marked
// picture; if it is nil the picture is not kept. last saves memory: the original holds only its source while a mark is
// read. The error is of reading, or ctx's.
func (o *Original) tried(ctx context.Context, id CopyID, out *image.NRGBA, last bool) (*trial, error) {
	var best *trial
	for _, share := range strengths {
		m, err := o.similar(id, share*o.strength, last)
		if err != nil {
			return nil, err
		}
		if last {
			o.canvas.Drop()
		}
		if best != nil && m.Strength <= best.Strength {
			break // SSIM allows no more
		}
		best, m.on = m, o.canvas
		small := m.small
		if m.file == nil {
			small = o.deliver(m, out)
		} else {
			m.small, m.mark = nil, pattern.Shaped{} // to save memory: the file has the mark
		}
		d, err := o.readBack(ctx, id, small)
		if err != nil {
			return nil, err
		}
		if m.Weak = !d.Found || CopyID(d.ID) != id; !m.Weak {
			m.MarginDB = margin(d.Correlation)
		}
		lost := m.Weak && m.Strength < share*o.strength && d.Sync == 0 && d.Correlation < lostCorrelation
		if lost || !m.Weak && (m.MarginDB >= thinMargin || share > 1) {
			break
		}
	}
	if stronger := o.canvas.Stronger(); best.Weak && stronger != nil { // blank and large: a fainter mark is rounded away
		with := *o
		with.canvas = stronger
		return with.tried(ctx, id, out, last)
	}
	return best, nil
}

// similar marks with id at the given strength, or weaker if the copy's SSIM would fall below
// minSSIM. It tries at most three strengths and returns the last, which may still lie a little
// below minSSIM. The trial's mark, Strength and SSIM are set, and nothing else. last is as in tried.
func (o *Original) similar(id CopyID, strength float64, last bool) (*trial, error) {
	m := &trial{Marked: Marked{Strength: strength}}
	coded, plain, own := o.laid(id)
	for range 3 {
		if err := o.canvas.Shrink(); err != nil {
			return nil, err
		}
		m.mark = o.marks(coded, plain, own, m.Strength)
		if last {
			o.canvas.DropMask()
		}
		if o.canvas.Source == nil {
			if err := o.layJPEG(m, own); err != nil {
				return nil, err
			}
		} else {
			m.SSIM = quality.SSIM(o.gray(), gray(o.canvas.Simulate(m.mark)))
		}
		if !(m.SSIM < minSSIM) { // NaN if the canonical picture is narrower than SSIM's window
			break
		}
		left := (1 - minSSIM) / (1 - m.SSIM)
		weaker := math.Sqrt(left) // in pixels, what a mark takes off SSIM grows with its square
		if o.canvas.Source == nil {
			// In steps of a file it grows with the power 1.5. So 15 of 15 photographs are done at the second try; by the square 2 were.
			weaker = dsp.Exp(2. / 3 * dsp.Ln(left))
		}
		m.Strength *= 0.99 * weaker
	}
	return m, nil
}

// deliver lays the trial's mark on the picture row by row and returns the picture as the messenger
// shrinks it: long side at most messengerSide, not yet compressed. The rows go into out, which has
// the size of the source, or into one row that is used again if out is nil. It sets m.PSNR.
func (o *Original) deliver(m *trial, out *image.NRGBA) *image.NRGBA {
	w, h := o.canvas.Source.Rect.Dx(), o.canvas.Source.Rect.Dy()
	var difference quality.Difference
	size := messengerSize(w, h)
	shrinker, small := dsp.NewFlatShrinker(w, h, size.X, size.Y)
	rows, marked := o.canvas.Rows(m.mark), make([]uint8, 4*w)
	for y := range h {
		if out != nil {
			marked = out.Pix[y*out.Stride : y*out.Stride+4*w]
		}
		rows.Mark(marked, y)
		difference.Add(rows.Row(y), marked)
		shrinker.Add(marked)
	}
	m.PSNR = difference.PSNR()
	return small
}

// messengerSize returns the size of a w x h picture that a messenger shrank.
func messengerSize(w, h int) image.Point {
	if side := max(w, h); side > messengerSide {
		return image.Pt(max(1, w*messengerSide/side), max(1, h*messengerSide/side))
	}
	return image.Pt(w, h)
}

// margin returns the signal to noise ratio of soft bits that correlate by c, in dB above that
// of code.MinCorrelation. A message that is read has a margin of 0 or more.
func margin(c float64) float64 {
	snr := func(c float64) float64 {
		square := float64(c * c)
		return square / math.Max(1-square, 1e-6)
	}
	return 10 * math.Log10(snr(c)/snr(code.MinCorrelation))
}

// readBack compresses a picture that deliver shrunk, as the messenger does. Then it searches it for the mark, as an
// investigator does who has the key alone. Reading at the known place instead is unsafe: it reads marks that no search
// finds, and hides older marks of the picture. The search ends early at a clear mark of id in luma or in both carriers.
// It does not begin if hardly anything of the mark is at its place. A mark that cannot be read gives Found false, and a
// read mark may have another ID. The error wraps ErrTooSmall if the messenger leaves too little, or is ctx's.
func (o *Original) readBack(ctx context.Context, id CopyID, small *image.NRGBA) (*blind.Detection, error) {
	d, leak, err := o.readClear(ctx, id, small)
	if d == nil && err == nil {
		d, err = blind.Sought(ctx, leak, o.kd, uint64(id), o.placeIn(small), hopeless)
	}
	if errors.Is(err, ErrTooSmall) {
		return nil, fmt.Errorf("%w: too long and thin, a messenger leaves %d x %d pixels of it", ErrTooSmall, small.Rect.Dx(), small.Rect.Dy())
	}
	return d, err
}

// placeIn returns the map from the pixels of the shrunk picture to mark pixels.
func (o *Original) placeIn(small *image.NRGBA) geometry.Mat {
	w, h := pattern.CanonicalSize(o.canvas.Size())
	return o.place.Mul(geometry.PixelScale(float64(w)/float64(small.Rect.Dx()), float64(h)/float64(small.Rect.Dy())))
}

// readClear returns the mark of id if the messenger leaves a clear mark. Else it returns nil, and what the messenger leaves.
func (o *Original) readClear(ctx context.Context, id CopyID, small *image.NRGBA) (d *blind.Detection, leak image.Image, err error) {
	colours := &image.RGBA{Pix: small.Pix, Stride: small.Stride, Rect: small.Rect} // which package jpeg reads faster
	for _, p := range [...]image.Image{quality.Gray(small), colours} {
		if leak, err = pattern.Saved(p, messengerQuality); err != nil {
			return nil, nil, err
		}
		if d, err = blind.Clear(ctx, leak, o.kd, uint64(id), clearCorrelation); d != nil || err != nil {
			return d, nil, err
		}
	}
	return nil, leak, nil
}

// gray returns the luma of samples of R, G and B, 0..255, that are rounded to 8 bits first.
func gray(c dsp.RGB) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, c.R.W, c.R.H))
	for i := range out.Pix {
		out.Pix[i] = quality.Luma(dsp.To8(c.R.Pix[i]), dsp.To8(c.G.Pix[i]), dsp.To8(c.B.Pix[i]))
	}
	return out
}
