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

// JPEG qualities of copies: like the original's between likeLow and likeHigh; a
// limit on bytes may lower them to leastQuality.
const (
	likeLow      = 92
	likeHigh     = 98
	leastQuality = 80
)

// A copy is made smaller at most maxShrinks times to fit a limit on bytes, and
// never below leastCopySide pixels on the long side.
const (
	maxShrinks    = 6
	leastCopySide = 200
)

// render marks the picture and encodes it, smaller where the limits ask for it:
// first shrunk, then marked.
func (s *Issuer) render(ctx context.Context, id watermark.CopyID, of watermark.Submission, pic *picture.Picture, quality int) (*rendered, error) {
	src := pic.Image
	if s.cfg.MaxSide > 0 {
		src = picture.Fit(src, s.cfg.MaxSide)
	}
	format := copyFormat(pic)
	for range maxShrinks {
		m, err := s.marked(ctx, id, of, src)
		if err != nil {
			return nil, err
		}
		out, err := encode(m, format, quality, s.cfg.MaxCopyBytes)
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

// encode writes the marked picture. Where the file is larger than most bytes
// (0: no limit) lossless formats become JPEG and the quality falls step by step;
// what is too large even then is returned for the caller to shrink.
func encode(m *watermark.Marked, format string, quality int, most int64) (*rendered, error) {
	out := &rendered{Marked: m, format: format}
	fits := func(quality int) (bool, error) {
		var buf bytes.Buffer
		if err := picture.Encode(&buf, m.Image, out.format, quality); err != nil {
			return false, err
		}
		out.file = buf.Bytes()
		return most == 0 || int64(buf.Len()) <= most, nil
	}
	if format != "jpeg" {
		if ok, err := fits(0); ok || err != nil {
			return out, err
		}
		out.format, quality = "jpeg", likeLow
	}
	for q := min(max(quality, likeLow), likeHigh); q >= leastQuality; q -= 4 {
		if ok, err := fits(q); ok || err != nil {
			return out, err
		}
	}
	return out, nil
}

// baseLuma is the example quantisation table for luminance, in zigzag order
// (ITU-T T.81, table K.1).
var baseLuma = [64]int{
	16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
	26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
	56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
	95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
}

// jpegQuality estimates at which quality (1..100, in the scale of the Independent
// JPEG Group) a JPEG file was written, from its first quantisation table. It is
// 0 for other files and unreadable headers.
func jpegQuality(file []byte) int {
	table, ok := firstQuantTable(file)
	if !ok {
		return 0
	}
	best, least := 0, math.MaxInt
	for q := 1; q <= 100; q++ {
		scale := 200 - 2*q
		if q < 50 {
			scale = 5000 / q
		}
		miss := 0
		for i, b := range baseLuma {
			d := table[i] - min(max((b*scale+50)/100, 1), 255)
			miss += max(d, -d)
		}
		if miss < least {
			best, least = q, miss
		}
	}
	return best
}

// firstQuantTable walks the markers of a JPEG file to its first table
// (ITU-T T.81, B.2.4.1).
func firstQuantTable(file []byte) (table [64]int, ok bool) {
	const soi, dqt, sos = 0xd8, 0xdb, 0xda
	if len(file) < 4 || file[0] != 0xff || file[1] != soi {
		return table, false
	}
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		marker, size := file[at+1], int(file[at+2])<<8|int(file[at+3])
		if marker == 0xff { // fill byte
			at++
			continue
		}
		if marker == sos || at+2+size > len(file) {
			return table, false
		}
		seg := file[at+4 : max(at+4, at+2+size)]
		at += 2 + size
		if marker != dqt || len(seg) == 0 {
			continue
		}
		wide := int(seg[0] >> 4)
		if wide > 1 || len(seg) < 1+64*(1+wide) {
			return table, false
		}
		for i := range table {
			if wide == 1 {
				table[i] = int(seg[1+2*i])<<8 | int(seg[2+2*i])
			} else {
				table[i] = int(seg[1+i])
			}
		}
		return table, true
	}
	return table, false
}
