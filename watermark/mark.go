package watermark

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/quality"
)

// Version is the version of the mark that this package writes.
const Version = code.FormatVersion

// MaxPixels is the largest number of pixels of a picture that is marked or read.
const MaxPixels = pattern.MaxPixels

var (
	// ErrTooSmall is wrapped for pictures that are too small to carry a mark.
	ErrTooSmall = pattern.ErrTooSmall

	// ErrTooLarge is wrapped for pictures of more than [MaxPixels].
	ErrTooLarge = pattern.ErrTooLarge

	// ErrStrength is wrapped for a strength to mark with outside (0, 1], and for a candidate's strength that no mark has.
	ErrStrength = errors.New("watermark: strength out of range")
)

// CheckSize returns an error that wraps [ErrTooSmall] if a picture of width x height pixels is too
// small to be marked, and nil otherwise. [Mark] may still refuse a picture that is much longer than
// wide. CheckSize does not compare with [MaxPixels].
func CheckSize(width, height int) error { return pattern.CheckSize(width, height) }

// Options of marking. The zero value works.
type Options struct {
	Submission Submission // keys placement and tracer; zero: derived from the pixels
	Strength   float64    // share of the visibility budget, 0 < s <= 1; 0 means 1
	Manner     Manner     // how strong, and where
}

// A Manner says what files marked pixels are written to. A lossy file takes a part of a mark, and hides what is left better.
type Manner uint8

const (
	Lossless Manner = iota
	Lossy           // stronger
)

// Marked is a marked picture and what marking found out about it.
type Marked struct {
	Image    *image.NRGBA
	PSNR     float64 // dB, over R, G and B
	SSIM     float64 // of luma, 0..1, at the canonical size: long side at most 1024 pixels
	Strength float64 // used: as asked for, up to 1.4 times that if the mark was not read back, or less if SSIM fell below 0.9862
	MarginDB float64 // dB by which the read-back exceeds the weakest readable signal, at the place of the mark; 0 if not read
	Weak     bool    // not read back after a messenger, at any strength tried
}

// Embed marks src with id and returns the marked picture, of the same size and alpha. It does not read the mark back,
// as [Mark] does. A nil opts is the zero [Options]. src is not changed. It returns the errors of [Prepare].
func Embed(key *Key, id CopyID, src image.Image, opts *Options) (*image.NRGBA, error) {
	o, err := Prepare(key, src, opts)
	if err != nil {
		return nil, err
	}
	return o.Embed(id), nil
}

// Mark marks src and reads the mark back as a messenger would deliver it, shrunk to 1280 pixels and compressed. It
// searches for the mark as [Detect] does. If reading succeeds barely, Mark marks again 1.2 times as strong; if it
// fails, up to 1.4 times. It never goes past the PSNR floor (44.3 dB from a megapixel on, 42 dB below) nor an SSIM of
// 0.9862. It sets Weak if the strongest mark is not read either: then nothing should be handed out.
//
// The error wraps [ErrTooSmall], [ErrTooLarge] or [ErrStrength], or is ctx's. [ErrTooSmall]
// includes pictures so long and thin that a messenger leaves too little to read.
func Mark(ctx context.Context, key *Key, id CopyID, src image.Image, opts *Options) (*Marked, error) {
	o, err := Prepare(key, src, opts)
	if err != nil {
		return nil, err
	}
	return o.Mark(ctx, id)
}

// An Original is all that marking needs and that depends on picture, key and submission alone, so that many copies of
// one upload cost less. It is immutable and safe for concurrent use.
type Original struct {
	kd       *blind.Keys
	sub      Submission
	strength float64
	canvas   *pattern.Canvas
	place    geometry.Mat       // canonical pixels to mark pixels
	gray     func() *image.Gray // luma of the canonical picture
}

// Prepare readies a picture for marking. A nil opts is the zero [Options]. Prepare keeps src if src
// is an *image.NRGBA: the caller must not change src any more, and [Original.MarkInPlace] writes
// over src. The error wraps [ErrTooSmall], [ErrTooLarge] or [ErrStrength].
func Prepare(key *Key, src image.Image, opts *Options) (*Original, error) {
	o := *cmp.Or(opts, new(Options))
	o.Strength = cmp.Or(o.Strength, 1)
	if !(o.Strength > 0 && o.Strength <= 1) {
		return nil, fmt.Errorf("%w: %v", ErrStrength, o.Strength)
	}
	canvas, err := pattern.NewCanvas(src)
	if err != nil {
		return nil, err
	}
	if o.Manner == Lossy {
		canvas.Lossy()
	}
	if o.Submission == (Submission{}) {
		o.Submission = canvas.Digest()
	}
	return prepared(key, canvas, o.Submission, o.Strength), nil
}

func prepared(key *Key, canvas *pattern.Canvas, of Submission, strength float64) *Original {
	o := &Original{kd: key.keyed(), sub: of, strength: strength, canvas: canvas}
	w, h := pattern.CanonicalSize(canvas.Size())
	o.place = o.kd.Placement(of, w, h)
	o.gray = sync.OnceValue(func() *image.Gray { return gray(canvas.Canonical()) })
	return o
}

// Embed returns the picture marked with id, of the same size and alpha. The same
// picture, key, submission and ID give the same pixels on every machine.
func (o *Original) Embed(id CopyID) *image.NRGBA {
	coded, plain, own := o.laid(id)
	out := image.NewNRGBA(o.canvas.Source.Rect)
	o.canvas.Add(out, o.marks(coded, plain, own, o.strength))
	return out
}

// Mark is [Mark] on a prepared original, which is not changed. The error wraps [ErrTooSmall] if a
// messenger leaves too little to read, or is ctx's.
func (o *Original) Mark(ctx context.Context, id CopyID) (*Marked, error) {
	out := image.NewNRGBA(o.canvas.Source.Rect)
	t, err := o.tried(ctx, id, out, false)
	if err != nil {
		return nil, err
	}
	t.Image = out
	marked := t.Marked // without the planes of the mark
	return &marked, nil
}

// MarkInPlace is [Original.Mark] for the last copy of an original: it writes the marked picture
// over the source, instead of holding both. The source is the caller's picture if [Prepare] kept
// it. The original must not be used any more. If MarkInPlace fails, the source is as it was.
func (o *Original) MarkInPlace(ctx context.Context, id CopyID) (*Marked, error) {
	t, err := o.tried(ctx, id, nil, true)
	if err != nil {
		return nil, err
	}
	t.on.Add(t.on.Source, t.mark)
	t.Image = o.canvas.Source
	marked := t.Marked // without the planes of the mark
	return &marked, nil
}

// laid returns the signs of the coded bits of id, and two layers of the canonical picture: plain pattern and tracer.
func (o *Original) laid(id CopyID) (coded []float32, plain, own dsp.Plane) {
	w, h := pattern.CanonicalSize(o.canvas.Size())
	coded = o.kd.Payload.Encode(uint64(id))
	return coded, pattern.Lay(o.kd.Pattern(coded, nil, nil), o.place, w, h), o.kd.Tracer(o.sub, uint64(id), w, h)
}

// marks returns what is added to luma and, negated, to the blue difference of the canonical picture, to carry what laid
// returned at a strength (1: the whole visibility budget). It returns the mark only: Canvas.Add lays the mark on pixels. A first
// pass marks plainly. A second evens out, per coded bit and per pilot, what the picture itself adds or takes in the reader's
// own front end (informed embedding: Cox, Miller and McKellips, 1999).
func (o *Original) marks(coded []float32, plain, own dsp.Plane, strength float64) pattern.Shaped {
	marked := o.canvas.Simulate(o.canvas.Shape(plain, plain, own, strength))
	var second []dsp.Plane
	for front := range blind.Carriers(marked) {
		bitGain, pilotGain := o.kd.EvenOut(front, o.place, coded)
		second = append(second, pattern.Lay(o.kd.Pattern(coded, bitGain, pilotGain), o.place, plain.W, plain.H))
	}
	return o.canvas.Shape(second[0], second[len(second)-1], own, strength)
}

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
