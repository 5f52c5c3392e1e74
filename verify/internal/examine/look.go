package examine

import (
	"bytes"
	"context"
	"image"
	"regexp"

	"github.com/kycmark/kycmark/internal/capture"
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

// The constants that decide whether a picture in the file of another one is a smaller version of it.
const (
	repeatSide = 1600 // pixels of the long side at which both are compared, at most
	maxRepeat  = 0.65 // long side in parts of the other's, at most: cameras write previews of a half. Larger ones are examined
	thumbSide  = 160  // pixels of the long side of EXIF's thumbnails, in which no text can be read and no mark
	thumbScore = 0.97 // share of its blocks that agree: 0.978 or more in seven of cameras, 0.943 in another person's document
)

// gainMaps name the pictures in which phones say how bright places are (Adobe's, ISO 21496-1, Apple's).
var gainMaps = regexp.MustCompile(`hdrgm:Version|urn:iso:std:iso:ts:21496:-1|HDRGainMap`)

// Look is what a picture shows, as far as it tells whether another picture in its file repeats it.
type Look struct {
	small *image.NRGBA // of repeatSide pixels at most
	side  int          // long side, pixels
	gain  bool         // it says that it is a gain map
	Marks []watermark.CopyID
}

func LookAt(data []byte, img *image.NRGBA) *Look {
	return &Look{picture.Fit(picture.Flatten(img), repeatSide), max(img.Rect.Dx(), img.Rect.Dy()), gainMaps.Match(data), nil}
}

// Repeats reports whether a picture is whole, in whose file it lies, its gain map, or a smaller version of it, perhaps turned.
func (l *Look) Repeats(ctx context.Context, whole *Look) bool {
	switch {
	case float64(l.side) > maxRepeat*float64(whole.side):
		return l.side == whole.side && bytes.Equal(l.small.Pix, whole.small.Pix) // some files start twice
	case l.gain:
		return true
	}
	s, err := capture.New(dsp.LazyLuma(whole.small)).Find(ctx, dsp.LazyLuma(l.small))
	if err != nil {
		return false
	}
	word, score, _, err := comparePixels(s)
	return err == nil && (word == findings.PixelsSame || l.side <= thumbSide && word == findings.PixelsUndecided && *score >= thumbScore)
}
