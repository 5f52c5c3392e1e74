package watermark

import (
	"context"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/quality"
)

// ErrCoefficients is wrapped for JPEG files that are marked in their pixels only, such as CMYK.
var ErrCoefficients = jpegcoef.ErrRefused

// A JPEG is an [Original] whose copies keep the coefficients of its file: only the lowest orders change, in steps of
// the file's own quantisation. A coarse step of luma's DC becomes finer. A JPEG is safe for concurrent use.
type JPEG struct {
	o *Original
}

// PrepareJPEG readies a JPEG file for marking, and keeps it. orientation is as in EXIF, 1 to 8: the mark belongs to the
// upright picture. The error wraps [ErrTooSmall] or [ErrCoefficients].
func PrepareJPEG(key *Key, file []byte, orientation int, of Submission) (*JPEG, error) {
	canvas, err := pattern.JPEGCanvas(file, orientation)
	if err != nil {
		return nil, err
	}
	return &JPEG{prepared(key, canvas, of, 1)}, nil
}

// Mark marks the JPEG with id, as [Original.Mark] does, and returns its file without metadata, stored as the source. What
// it finds out is true of that file: PSNR and SSIM are measured at the canonical size, with a long side of at most 1024
// pixels. Image of the result is nil. The mark is also Weak if the steps of the file leave less than a third of the part that
// is this copy's own: a trace would often miss it.
func (j *JPEG) Mark(ctx context.Context, id CopyID) (*Marked, []byte, error) {
	return j.mark(ctx, id, false)
}

// MarkLast is [JPEG.Mark] for the last copy, and saves memory. The JPEG must not be used any more.
func (j *JPEG) MarkLast(ctx context.Context, id CopyID) (*Marked, []byte, error) {
	return j.mark(ctx, id, true)
}

func (j *JPEG) mark(ctx context.Context, id CopyID, last bool) (*Marked, []byte, error) {
	t, err := j.o.tried(ctx, id, nil, last)
	if err != nil {
		return nil, nil, err
	}
	marked := t.Marked // without the planes of the mark
	marked.Weak = marked.Weak || t.carried < pattern.MinCarried
	return &marked, t.file, nil
}

// layJPEG writes the mark of a trial into coefficients and decodes them again, small as a messenger leaves them. own is
// the tracer in the mark. It sets PSNR, SSIM, file, small and carried of m. The error is of damaged codes, which
// [PrepareJPEG] found.
func (o *Original) layJPEG(m *trial, own dsp.Plane) error {
	w, h := o.canvas.Size()
	written, err := o.canvas.Write(m.mark, own, messengerSize(w, h))
	if err != nil {
		return err
	}
	m.file, m.small, m.PSNR, m.carried = written.File, written.Small, written.PSNR, written.Carried
	m.SSIM = quality.SSIM(o.gray(), gray(written.Canonical))
	return nil
}
