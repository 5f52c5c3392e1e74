package verify

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// rendered is a marked picture as a file.
type rendered struct {
	*watermark.Marked
	file   []byte
	format string
}

// A limit on bytes may lower the JPEG quality of a copy to leastQuality.
const (
	leastQuality = 80
	qualityStep  = 4
)

// A copy is made smaller at most maxShrinks times to fit a limit on bytes, and
// never below leastCopySide pixels on the long side.
const (
	maxShrinks    = 6
	leastCopySide = 200
)

// render marks the picture and encodes it, smaller where the limits ask for it:
// first shrunk, then marked.
func (s *Issuer) render(ctx context.Context, id watermark.CopyID, of watermark.Submission, pic *picture.Picture) (*rendered, error) {
	src := pic.Image
	if s.cfg.MaxSide > 0 {
		src = picture.Fit(src, s.cfg.MaxSide)
	}
	like := picture.LikeOptions{Format: copyFormat(pic), KeepEXIF: s.cfg.KeepEXIF}
	for range maxShrinks {
		m, err := s.marked(ctx, id, of, src)
		if err != nil {
			return nil, err
		}
		out, err := encode(m, pic.Source, like, s.cfg.MaxCopyBytes)
		if err != nil {
			return nil, err
		}
		size := int64(len(out.file))
		if s.cfg.MaxCopyBytes == 0 || size <= s.cfg.MaxCopyBytes {
			return out, nil
		}
		by := 0.95 * math.Sqrt(float64(s.cfg.MaxCopyBytes)/float64(size))
		side := int(by * float64(max(src.Rect.Dx(), src.Rect.Dy())))
		if side < leastCopySide {
			break
		}
		src = picture.Fit(src, side)
	}
	return nil, fmt.Errorf("%w: it does not fit into %d bytes", ErrInput, s.cfg.MaxCopyBytes)
}

func (s *Issuer) marked(ctx context.Context, id watermark.CopyID, of watermark.Submission, src *image.NRGBA) (*watermark.Marked, error) {
	m, err := s.mark(ctx, s.cfg.Keys[0], id, src, &watermark.Options{Submission: of})
	if err != nil {
		return nil, err
	}
	if m.Weak && !s.cfg.AllowWeak {
		return nil, fmt.Errorf("%w: it was not read back after a simulated messenger (%d x %d pixels)",
			ErrWeak, src.Rect.Dx(), src.Rect.Dy())
	}
	return m, nil
}

// copyFormat is the format of a picture's copies.
func copyFormat(pic *picture.Picture) string {
	switch pic.Format {
	case "jpeg", "png", "tiff", "bmp":
		return pic.Format
	}
	if pic.Image.Opaque() {
		return "jpeg"
	}
	return "png"
}

// encode writes the marked picture like its source. Where the file is larger than
// most bytes (0: no limit) lossless formats become JPEG and the quality falls step
// by step; what is too large even then is returned for the caller to shrink.
func encode(m *watermark.Marked, src picture.Source, like picture.LikeOptions, most int64) (*rendered, error) {
	out := &rendered{Marked: m, format: like.Format}
	fits := func() (bool, error) {
		var buf bytes.Buffer
		if err := picture.EncodeLike(&buf, m.Image, src, like); err != nil {
			return false, err
		}
		out.file = buf.Bytes()
		return most == 0 || int64(buf.Len()) <= most, nil
	}
	if ok, err := fits(); ok || err != nil {
		return out, err
	}
	first := src.LikeQuality(m.Image.Rect)
	if like.Format != "jpeg" {
		like.Format, out.format = "jpeg", "jpeg"
		first += qualityStep
	}
	for like.Quality = first - qualityStep; like.Quality >= leastQuality; like.Quality -= qualityStep {
		if ok, err := fits(); ok || err != nil {
			return out, err
		}
	}
	return out, nil
}
