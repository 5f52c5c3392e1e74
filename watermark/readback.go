package watermark

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
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

// leastSSIM is the similarity of a copy with its original below which its mark is made
// weaker: SSIM sees more than eyes do in the dark and in what is blurred.
const leastSSIM = 0.986

// Mark marks src and reads the mark back as a messenger would deliver it, shrunk
// to 1280 pixels and compressed. If that succeeds barely it marks again, 1.2 times as
// strong, and if it fails up to 1.4 times, but never past the PSNR floor (44.3 dB
// from a megapixel on, 42 dB below) nor an SSIM of 0.986. It sets Weak if the
// strongest is not read either: then nothing should be handed out. It never draws
// another ID.
func Mark(ctx context.Context, key *Key, id CopyID, src image.Image, opts *Options) (*Marked, error) {
	o, err := Prepare(key, src, opts)
	if err != nil {
		return nil, err
	}
	return o.Mark(ctx, id)
}

// Mark is [Mark] on a prepared original.
func (o *Original) Mark(ctx context.Context, id CopyID) (*Marked, error) {
	var best *Marked
	for _, share := range strengths {
		m := o.similar(id, share*o.strength)
		if best != nil && m.Strength <= best.Strength {
			break // SSIM allows no more
		}
		leak, err := messenger(m.Image)
		if err != nil {
			return nil, err
		}
		d, err := Detect(ctx, o.key, leak)
		if err != nil {
			return nil, err
		}
		best = m
		if m.Weak = !d.Found || d.Copy != id; !m.Weak {
			m.Margin = margin(d.Correlation)
			if m.Margin >= thinMargin || share > 1 {
				break
			}
		}
	}
	best.PSNR = quality.PSNR(o.src, best.Image)
	return best, nil
}

// similar embeds id at the given strength or at the greatest that leaves leastSSIM.
func (o *Original) similar(id CopyID, strength float64) *Marked {
	m := &Marked{Strength: strength, Image: image.NewNRGBA(o.src.Rect)}
	for range 3 { // what a mark takes off SSIM grows with its square
		o.embed(m.Image, id, m.Strength)
		m.SSIM = quality.SSIM(o.src, m.Image)
		if m.SSIM >= leastSSIM || math.IsNaN(m.SSIM) {
			break
		}
		m.Strength *= 0.99 * math.Sqrt((1-leastSSIM)/(1-m.SSIM))
	}
	return m
}

// margin is the signal to noise ratio of the soft bits over that of the least
// correlation that is read, in dB.
func margin(c float64) float64 {
	snr := func(c float64) float64 { return c * c / math.Max(1-c*c, 1e-6) }
	return 10 * math.Log10(snr(c)/snr(minCorrelation))
}

func messenger(img *image.NRGBA) (image.Image, error) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if side := max(w, h); side > messengerSide {
		w, h = max(1, w*messengerSide/side), max(1, h*messengerSide/side)
	}
	c := dsp.ShrinkNRGBA(img, w, h)
	small := image.NewNRGBA(image.Rect(0, 0, w, h))
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
