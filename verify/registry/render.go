package registry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
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
	size   image.Point // pixels, upright
}

// A limit on bytes may lower the quality of a copy to minQuality.
const (
	minQuality  = 80
	qualityStep = 4
)

// A copy is shrunk at most maxShrinks times to fit a limit on bytes. Its long side never
// falls below minCopySide pixels, the min size that is marked.
const (
	maxShrinks  = 6
	minCopySide = 320
)

// render marks the picture, or all pages, with id and encodes it. If the file is larger than MaxBytes of [IssueOptions],
// it shrinks the picture, then marks and encodes it again, up to maxShrinks tries. The error wraps [ErrInput] if no try
// fits, and [ErrWeak] if the mark is too weak. render enters nothing.
//
// The copies of a JPEG of the same size and format are marked in its coefficients if they are read. If the mark is
// weak there, or the file too large, they are marked in their pixels.
func (p *prepared) render(ctx context.Context, lim picture.Limits, id watermark.CopyID) (*rendered, error) {
	if p.coded != nil {
		marked, file, err := p.coded.Mark(ctx, id, false, p.how.KeepEXIF)
		if err != nil {
			return nil, err
		}
		if limit := p.how.MaxBytes; file != nil && (limit <= 0 || int64(len(file)) <= limit) {
			return &rendered{Marked: marked, file: file, format: "jpeg", size: p.size}, nil
		}
	}
	return p.renderPixels(ctx, lim, id)
}

func (p *prepared) renderPixels(ctx context.Context, lim picture.Limits, id watermark.CopyID) (*rendered, error) {
	once := p.renderOne
	if p.doc != nil {
		once = p.renderPages
	}
	limit, size := p.how.MaxBytes, int64(0) // size: bytes of the last that did not fit
	side := math.MaxInt                     // begins anew: a request has the same bytes, whatever was made before
	for range maxShrinks {
		out, long, err := once(ctx, lim, id, side)
		if size > 0 && errors.Is(err, watermark.ErrTooSmall) {
			break
		}
		if err != nil {
			return nil, err
		}
		size = int64(len(out.file))
		if limit == 0 || size <= limit {
			return out, nil
		}
		if long <= minCopySide {
			break
		}
		side = max(minCopySide, int(0.95*math.Sqrt(float64(limit)/float64(size))*float64(long)))
	}
	return nil, fmt.Errorf("%w: a copy does not fit into %d bytes: the smallest that was tried has %d", ErrInput, limit, size)
}

// renderOne marks and encodes the only page once, with up to side pixels on its long side, which is long then.
func (p *prepared) renderOne(ctx context.Context, lim picture.Limits, id watermark.CopyID, side int) (out *rendered, long int, err error) {
	m, long, err := p.marker(lim, p.how.MaxBytes > 0 || picture.Lossy(cmp.Or(p.how.Format, p.pic.CopyFormat())), side)
	if err != nil {
		return nil, long, err
	}
	marked, err := p.marked(ctx, m, id)
	if err != nil {
		return nil, long, err
	}
	out, err = p.encode(marked)
	return out, long, err
}

// encode writes the marked picture in the format of its source, or in the format that was asked for. If the file is
// larger than MaxBytes, lossless formats become JPEG, unless a format was asked for, and the quality of lossy
// formats falls. If the file is still too large, the caller shrinks it.
func (p *prepared) encode(m *watermark.Marked) (*rendered, error) {
	how := &p.how
	like := picture.LikeOptions{Format: cmp.Or(how.Format, p.pic.CopyFormat()), KeepEXIF: how.KeepEXIF, WebP: p.cfg.EncodeWebP}
	out := &rendered{Marked: m, format: like.Format, size: m.Image.Rect.Size()}
	fits := func() (bool, error) {
		var buf bytes.Buffer
		if err := picture.EncodeLike(&buf, m.Image, p.pic.Source, like); err != nil {
			return false, err
		}
		out.file = buf.Bytes()
		return how.MaxBytes == 0 || int64(buf.Len()) <= how.MaxBytes, nil
	}
	if ok, err := fits(); ok || err != nil {
		return out, err
	}
	first := p.pic.Source.LikeQuality(m.Image.Rect) - qualityStep
	if !picture.Lossy(like.Format) {
		if how.Format != "" {
			return out, nil
		}
		like.Format, out.format = "jpeg", "jpeg"
		first += qualityStep
	}
	for like.Quality = first; like.Quality >= minQuality; like.Quality -= qualityStep {
		if ok, err := fits(); ok || err != nil {
			return out, err
		}
	}
	return out, nil
}
