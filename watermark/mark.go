package watermark

import (
	"cmp"
	"context"
	"errors"
	"image"
	"slices"
)

// Version is the version of the mark that this package writes.
const Version = 1

// MaxStrength is the greatest share of the visibility budget that Options take.
const MaxStrength = 1

// ErrTooSmall is wrapped for pictures that are too small to carry a mark.
var ErrTooSmall = errors.New("watermark: picture too small to mark")

// MaxPixels is the most pixels of a picture that is marked or read.
const MaxPixels = 1 << 28

// ErrTooLarge is wrapped for pictures of more than [MaxPixels].
var ErrTooLarge = errors.New("watermark: picture too large")

// ErrStrength is wrapped for a strength to mark with outside (0, MaxStrength], and for one
// of an issued copy that no mark has.
var ErrStrength = errors.New("watermark: strength out of range")

// Options of marking. The zero value works.
type Options struct {
	Submission Submission // keys placement and tracer; zero: derived from the pixels
	Strength   float64    // share of the visibility budget, 0 < s <= 1; 0 means 1

	// InPlace lets [Mark], and it alone, write the marked picture over src, where that is
	// an *image.NRGBA from (0, 0) on, instead of holding both. Where Mark fails, src is
	// as it was.
	InPlace bool
}

// Marked is a marked picture and what marking found out about it.
type Marked struct {
	Image    *image.NRGBA
	PSNR     float64 // dB, over R, G and B
	SSIM     float64 // of luma, 0..1
	Strength float64 // used: as asked for, up to 1.4 times that where the mark was not read back, or less where SSIM fell below 0.986
	Margin   float64 // dB by which the read-back exceeds the least readable signal; 0 if not read
	Weak     bool    // not read back after a messenger, at any strength tried
}

// Point is a position in pixels.
type Point struct{ X, Y float64 }

// Detection is what blind reading found in one picture.
type Detection struct {
	Found    bool
	Copy     CopyID
	KeyID    string
	LogPFA   float64 // log10 P(a picture without a mark of this key reads as marked), search included
	Checks   int     // 32-bit checks made in the search
	Scale    float64 // leak pixels per mark pixel
	Rotation float64 // degrees, against the pattern: its own turn is keyed by submission, see Placement
	Mirrored bool
	Quad     [4]Point // corners of the part of the leak where the evidence lies, clockwise from the upper left

	Sync        float64    // strongest agreement of the pilots on a place: 8 at most, noise below about 5.4
	Correlation float64    // of the message's code with what was read, 0..1
	Transform   [9]float64 // homography, leak pixels to mark pixels, row by row
}

// Embed marks src with id and returns the marked picture. Errors are those of [Prepare].
func Embed(key *Key, id CopyID, src image.Image, opts *Options) (*image.NRGBA, error) {
	o, err := Prepare(key, src, opts)
	if err != nil {
		return nil, err
	}
	return o.Embed(id), nil
}

// Detect reads a mark blind: from the leak alone. The error wraps [ErrTooSmall] or
// [ErrTooLarge], or is ctx's.
func Detect(ctx context.Context, key *Key, leak image.Image) (*Detection, error) {
	l, err := newLeak(leak)
	if err != nil {
		return nil, err
	}
	r := newReader(ctx, l, key)
	if err := search([]*reader{r}); err != nil {
		return nil, err
	}
	if len(r.found) == 0 {
		return r.report(key.ID(), nil), nil
	}
	return r.report(key.ID(), r.found[0]), nil
}

// DetectAll reads the marks of all keys, strongest first: a copy that a recipient
// marked again, under another key or as another submission, carries more than one.
// What does not depend on the key is done once. The search ends with the stage that finds
// one key's mark; the other keys' are then looked for once more on the leak as that mark
// lays it straight, where marks of half its strength are found, too. One that is fainter
// still, or that another part of a collage carries, may be missed. Each key has its own
// bound on false reads, that of [Detect]. Without keys nothing is read. Errors are those of [Detect].
func DetectAll(ctx context.Context, leak image.Image, keys ...*Key) ([]*Detection, error) {
	l, err := newLeak(leak)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	readers := make([]*reader, len(keys))
	for i, key := range keys {
		readers[i] = newReader(ctx, l, key)
	}
	if err := search(readers); err != nil {
		return nil, err
	}
	for _, r := range readers {
		if err := r.readOn(); err != nil {
			return nil, err
		}
	}
	var all []*Detection
	for i, r := range readers {
		for _, f := range r.found {
			all = append(all, r.report(keys[i].ID(), f))
		}
	}
	slices.SortStableFunc(all, func(a, b *Detection) int { return cmp.Compare(b.Correlation, a.Correlation) })
	return all, nil
}
