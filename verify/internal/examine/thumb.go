package examine

import (
	"bytes"
	"context"
	"image"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/watermark"
)

func LookOf(img *image.NRGBA) findings.Look {
	small := reduced(img, tuning.PreviewSide)
	return findings.Look{Mosaic: encoded(reduced(small, tuning.MosaicSide), "png"), Preview: encoded(small, "jpeg")}
}

// reduced returns a picture with at most side pixels on its longer side.
func reduced(img *image.NRGBA, side int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, w*side/long), max(1, h*side/long)
	}
	if img.Rect.Empty() {
		return img
	}
	s, out := dsp.NewFlatShrinker(img.Rect.Dx(), img.Rect.Dy(), w, h)
	for y := range img.Rect.Dy() {
		s.Add(img.Pix[y*img.Stride:][:4*img.Rect.Dx()])
	}
	return out
}

// encoded returns the file of a picture, or nil if it cannot be encoded.
func encoded(img *image.NRGBA, format string) []byte {
	var buf bytes.Buffer
	if img.Rect.Empty() || picture.Encode(&buf, img, format, 80) != nil {
		return nil
	}
	return buf.Bytes()
}

// UploadLook returns the look of the original that a leak shows; empty if it shows none that can be opened.
func (v *Examiner) UploadLook(ctx context.Context, l *findings.Finding) (findings.Look, error) {
	if l.Submission == (watermark.Submission{}) {
		return findings.Look{}, nil
	}
	o, err := v.original(ctx, l.Submission.Page(l.Page))
	if err != nil || o == nil {
		return findings.Look{}, err
	}
	return o.look, nil
}
