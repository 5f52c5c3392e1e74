package watermark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/quality"
)

// The messenger that a mark must pass before a copy is handed out: the harder of
// two common clients' settings (WhatsApp's smaller picture, Telegram desktop's
// long side).
const (
	messengerSide    = 1280
	messengerQuality = 70
)

// strengths are tried in turn, as shares of the strength asked for: the last only
// where the mark was not read at all.
var strengths = [...]float64{1, 1.2, 1.4}

// thinMargin is the margin of the read-back in dB below which a mark is made
// stronger although it was read.
const thinMargin = 2

// minSSIM is the similarity of a copy with its original below which its mark is made
// weaker: SSIM sees more than eyes do in the dark and in what is blurred.
const minSSIM = 0.986

// tried is the trial whose mark is read, or else the strongest. An original that is
// marked this once alone holds only its source while a mark is read.
func (o *Original) tried(ctx context.Context, id CopyID, alone bool) (*trial, error) {
	var best *trial
	for i, share := range strengths {
		if alone && i > 0 {
			o.canvas.Shrink()
		}
		m := o.similar(id, share*o.strength)
		if alone {
			o.canvas.Drop()
		}
		if best != nil && m.Strength <= best.Strength {
			break // SSIM allows no more
		}
		best = m
		d, err := m.readBack(ctx, o.kd)
		if err != nil {
			return nil, err
		}
		if m.Weak = !d.Found || CopyID(d.ID) != id; !m.Weak {
			m.MarginDB = margin(d.Correlation)
			if m.MarginDB >= thinMargin || share > 1 {
				break
			}
		}
	}
	return best, nil
}

// A trial is a marked picture before it is written: its marks, and what the messenger
// makes of it.
type trial struct {
	Marked
	mark  pattern.Shaped
	small dsp.RGB // dropped once it was read
}

// written writes the marked picture to out.
func (m *trial) written(o *Original, out *image.NRGBA) *Marked {
	o.canvas.Add(out, m.mark)
	marked := m.Marked // the marks' planes go
	marked.Image = out
	return &marked
}

// similar embeds id at the given strength or at the greatest that leaves minSSIM.
func (o *Original) similar(id CopyID, strength float64) *trial {
	m := &trial{Marked: Marked{Strength: strength}}
	for range 3 { // what a mark takes off SSIM grows with its square
		m.mark = o.marks(id, m.Strength)
		o.measure(m)
		if m.SSIM >= minSSIM || math.IsNaN(m.SSIM) {
			break
		}
		m.Strength *= 0.99 * math.Sqrt((1-minSSIM)/(1-m.SSIM))
	}
	return m
}

// measure compares the marked picture with the original and shrinks it, a row at a time. So
// only one picture is held while the mark is read back.
func (o *Original) measure(m *trial) {
	w, h := o.canvas.Source.Rect.Dx(), o.canvas.Source.Rect.Dy()
	sw, sh := w, h
	if side := max(w, h); side > messengerSide {
		sw, sh = max(1, w*messengerSide/side), max(1, h*messengerSide/side)
	}
	compared, shrinker := quality.NewComparison(w, h), dsp.NewShrinker(w, h, sw, sh)
	rows, marked := o.canvas.Rows(m.mark), make([]uint8, 4*w)
	for y := range h {
		rows.Mark(marked, y)
		compared.Add(rows.Row(y), marked)
		shrinker.Add(marked)
	}
	m.PSNR, m.SSIM, m.small = compared.PSNR(), compared.SSIM(), shrinker.Shrunk()
}

// margin is the signal to noise ratio of the soft bits over that of the least
// correlation that is read, in dB.
func margin(c float64) float64 {
	snr := func(c float64) float64 {
		square := float64(c * c)
		return square / math.Max(1-square, 1e-6)
	}
	return 10 * math.Log10(snr(c)/snr(code.MinCorrelation))
}

// readBack reads the mark as the messenger delivers it.
func (m *trial) readBack(ctx context.Context, kd *blind.Keys) (*blind.Detection, error) {
	leak, err := messenger(m.small)
	if err != nil {
		return nil, err
	}
	m.small = dsp.RGB{}
	d, err := blind.Detect(ctx, leak, kd)
	if errors.Is(err, ErrTooSmall) {
		size := leak.Bounds()
		return nil, fmt.Errorf("%w: too long and thin, a messenger leaves %d x %d pixels of it", ErrTooSmall, size.Dx(), size.Dy())
	}
	return d, err
}

// messenger compresses a picture that was shrunk.
func messenger(c dsp.RGB) (image.Image, error) {
	small := image.NewNRGBA(image.Rect(0, 0, c.R.W, c.R.H))
	for i := range c.R.Pix {
		p := small.Pix[4*i : 4*i+4 : 4*i+4]
		p[0], p[1], p[2], p[3] = dsp.To8(c.R.Pix[i]), dsp.To8(c.G.Pix[i]), dsp.To8(c.B.Pix[i]), 255
	}
	var buf bytes.Buffer
	if err := jpeg.Encode(&buf, small, &jpeg.Options{Quality: messengerQuality}); err != nil {
		return nil, fmt.Errorf("watermark: read back: %w", err)
	}
	leak, err := jpeg.Decode(&buf)
	if err != nil {
		return nil, fmt.Errorf("watermark: read back: %w", err)
	}
	return leak, nil
}
