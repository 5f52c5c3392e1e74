package watermark

import (
	"context"
	"image"

	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/blind"
)

// Point is a position in pixels.
type Point struct{ X, Y float64 }

// Detection is what blind reading found in one picture.
type Detection struct {
	Found       bool
	Copy        CopyID   // zero unless Found
	KeyID       string   // of the key that was searched for
	LogPFA      float64  // log10 P(a picture without a mark of this key reads as marked), search included
	Correlation float64  // of the message's code with what was read, 0..1
	Scale       float64  // leak pixels per mark pixel
	Rotation    float64  // degrees, against the pattern: its own turn is keyed by submission
	Mirrored    bool     // the leak is a mirror image
	Quad        [4]Point // corners of the part of the leak that carries the evidence, clockwise from the upper left
	Debug       Debug
}

// Debug is what a search measured on its way, for experiments. Its fields may change.
type Debug struct {
	Checks    int        // 32-bit checks made in the search
	Sync      float64    // strongest agreement of the pilots on a place: 8 at most, noise below about 5.4
	Transform [9]float64 // homography, leak pixels to mark pixels, row by row
}

// Detect reads a mark blind: from the leak and the key alone. If no mark of the key can be read,
// that is no error: Found is false. The error wraps [ErrTooSmall] or [ErrTooLarge], or is ctx's.
func Detect(ctx context.Context, key *Key, leak image.Image) (*Detection, error) {
	d, err := blind.Detect(ctx, leak, key.keyed())
	if err != nil {
		return nil, err
	}
	return detection(d, key), nil
}

// DetectAll reads the marks of all keys, the strongest correlation first. It returns only marks
// that were found: nil if no mark is found or no key is given. A copy that a recipient marked
// again, under another key or as another submission, carries more than one mark. The search ends
// with the stage that finds one key's mark. The other keys' marks are then looked for once more on
// the leak as that mark lays it straight: marks of half its strength are found. A fainter mark, or
// a mark on another part of a collage, may be missed. Each key has the bound on false reads of
// [Detect]. It returns the errors of [Detect].
func DetectAll(ctx context.Context, leak image.Image, keys ...*Key) ([]*Detection, error) {
	kds := make([]*blind.Keys, len(keys))
	for i, k := range keys {
		kds[i] = k.keyed()
	}
	found, err := blind.DetectAll(ctx, leak, kds)
	if err != nil {
		return nil, err
	}
	var all []*Detection
	for _, d := range found {
		all = append(all, detection(d, keys[d.Key]))
	}
	return all, nil
}

// detection returns what blind reading found under key in its public form. d must not be nil; if d
// was not found, all except KeyID and Debug is zero.
func detection(d *blind.Detection, key *Key) *Detection {
	return &Detection{
		Found: d.Found, Copy: CopyID(d.ID), KeyID: key.ID(), LogPFA: d.LogPFA, Correlation: d.Correlation,
		Scale: d.Scale, Rotation: d.Rotation, Mirrored: d.Mirrored, Quad: quad(d.Quad),
		Debug: Debug{d.Checks, d.Sync, d.Transform},
	}
}

// quad returns corners as public points.
func quad(q [4]geometry.Point) (out [4]Point) {
	for i, p := range q {
		out[i] = Point(p)
	}
	return out
}
