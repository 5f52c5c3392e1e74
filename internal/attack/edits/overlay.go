package edits

import (
	"image"
	"image/color"
	"math/rand/v2"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/attack"
)

// Redact returns the step that lays black boxes of random sizes at random places, until the given share of all pixels,
// 0 to 1, is black. Pixels that were black before count. The last box may exceed the share.
func Redact(share float64) attack.Step {
	return func(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
		out := imaging.Clone(p)
		w, h := p.Rect.Dx(), p.Rect.Dy()
		black := 0
		for i := 0; i < len(out.Pix); i += 4 {
			if isBlack(out.Pix[i:]) {
				black++
			}
		}
		for float64(black) < share*float64(w*h) {
			bw := max(1, int(float64(w)*attack.Uniform(r, .1, .4)))
			bh := max(1, int(float64(h)*attack.Uniform(r, .08, .3)))
			x, y := r.IntN(w-bw+1), r.IntN(h-bh+1)
			for v := y; v < y+bh; v++ {
				row := out.Pix[v*out.Stride+4*x:][:4*bw]
				for i := 0; i < len(row); i += 4 {
					if !isBlack(row[i:]) {
						black++
						row[i], row[i+1], row[i+2] = 0, 0, 0
					}
				}
			}
		}
		return out
	}
}

func isBlack(pix []uint8) bool { return pix[0]|pix[1]|pix[2] == 0 }

// stamp writes the name of a channel in red on a copy of the picture, six times, at even heights
// and random places across.
func stamp(r *rand.Rand, p *image.NRGBA) *image.NRGBA {
	out := imaging.Clone(p)
	w, h := p.Rect.Dx(), p.Rect.Dy()
	for i := range 6 {
		x, y := int(attack.Uniform(r, 0, .4)*float64(w)), (10*i+7)*h/60
		// The definition's font at w/700 is half as wide as the picture.
		attack.Write(out, "LEAKED t.me/channel", x, y, w*353/700, max(1, w*22/700), 4, color.NRGBA{220, 40, 40, 255})
	}
	return out
}

// Frame returns the step that adds a near-white border on all sides, as wide as the given share of
// the long side. The result is larger than the picture.
func Frame(share float64) attack.Step {
	return attack.Plain(func(p *image.NRGBA) *image.NRGBA {
		b := int(float64(attack.LongSide(p)) * share)
		out := imaging.New(p.Rect.Dx()+2*b, p.Rect.Dy()+2*b, attack.Grey(250))
		attack.Paste(out, p, b, b)
		return out
	})
}
