package watermark

import (
	"context"
	"errors"
	"image"
)

// Version is the version of the mark that this package writes.
const Version = 1

// ErrTooSmall is returned for pictures that are too small to carry a mark.
var ErrTooSmall = errors.New("watermark: picture too small to mark")

// Options of marking. The zero value works.
type Options struct {
	Submission Submission // keys placement and tracer; zero: derived from the pixels
	Strength   float64    // share of the visibility budget, 0 < s <= 1; 0 means 1
}

// Marked is a marked picture and what marking found out about it.
type Marked struct {
	Image    *image.NRGBA
	PSNR     float64 // dB, over R, G and B
	SSIM     float64 // of luma, 0..1
	Strength float64 // share of the visibility budget used
	Margin   float64 // how far the read-back was above the limit, dB; negative: not read
	Weak     bool    // not read back after a messenger even at full strength
}

// Point is a position in pixels.
type Point struct{ X, Y float64 }

// Detection is what blind reading found in one picture.
type Detection struct {
	Found    bool
	Copy     CopyID
	KeyID    string
	LogPFA   float64  // log10 P(a picture without a mark of this key reads as marked), search included
	Scale    float64  // leak pixels per mark pixel
	Rotation float64  // degrees
	Mirrored bool
	Quad     [4]Point // where in the leak the evidence lies
}

// Embed marks src with id and returns the marked picture.
func Embed(key *Key, id CopyID, src image.Image, opts *Options) (*image.NRGBA, error) {
	return nil, errors.ErrUnsupported
}

// Mark marks src, reads it back after a simulated messenger and strengthens it within the budget.
func Mark(ctx context.Context, key *Key, id CopyID, src image.Image, opts *Options) (*Marked, error) {
	return nil, errors.ErrUnsupported
}

// Detect reads a mark blind: from the leak alone.
func Detect(ctx context.Context, key *Key, leak image.Image) (*Detection, error) {
	return nil, errors.ErrUnsupported
}
