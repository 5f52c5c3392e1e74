package watermark

import (
	"context"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/quality"
)

// ErrCoefficients is wrapped for JPEG files that are marked in their pixels only, such as CMYK.
var ErrCoefficients = jpegcoef.ErrRefused

// A JPEG is an [Original] whose copies keep the coefficients of its file: only the lowest orders change, in steps of
// the file's own quantisation. It is safe for concurrent use.
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
// pixels. Image of the result is nil.
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
	return &marked, t.file, nil
}

// changeZero are thresholds in steps of quantisation: a coefficient that is zero is changed if the mark reaches so much
// there. New coefficients take most of the bytes that a mark adds. The first threshold counts that keeps the weight
// within maxWeight times the source's, or else the last.
var changeZero = []float64{0.5, 0.75, 1, 1.5}

const maxWeight = 1.07

// overshoot is by how much more a mark is weakened than its error is above the PSNR floor: of fewer steps a larger share
// is noise of rounding.
const overshoot = 0.99

// layJPEG writes the mark of a trial into coefficients and decodes them again, small as a messenger leaves them. It
// sets PSNR, SSIM, file and small of m. The error is of damaged codes, which [PrepareJPEG] found.
func (o *Original) layJPEG(m *trial) error {
	w, h := o.canvas.Size()
	before := o.canvas.Canonical()
	for last := false; ; last = true { // rounding to steps may break the PSNR floor
		file, after, small, err := o.canvas.Write(m.mark, maxWeight, changeZero, messengerSize(w, h))
		if err != nil {
			return err
		}
		var difference quality.Difference
		difference.AddSamples(before.R.Pix, after.R.Pix)
		difference.AddSamples(before.G.Pix, after.G.Pix)
		difference.AddSamples(before.B.Pix, after.B.Pix)
		m.PSNR = difference.PSNR()
		over := o.canvas.Floor() - m.PSNR
		if over <= 0 || last {
			m.file, m.small, m.SSIM = file, small, quality.SSIM(flat(before), flat(after))
			return nil
		}
		m.mark.Scale(float32(overshoot * dsp.Exp(-over/20*math.Ln10)))
	}
}
