package watermark

import (
	"context"
	"image"
	"maps"
	"math"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// Point is a position in pixels.
type Point struct{ X, Y float64 }

// Detection is what blind reading found in one picture.
type Detection struct {
	Found       bool
	Among       int      // IDs of the list that it was read with, see [Reading.Among]; 0: read by the mark's own check
	Copy        CopyID   // zero unless Found
	KeyID       string   // of the key that was searched for
	LogPFA      float64  // log10 P(a picture without a mark of this key reads as marked), search and list included
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

// DetectAll reads the marks of all keys, the strongest correlation first. It returns only marks that were found: nil if
// no mark is found or no key is given. A copy that a recipient marked again, under another key or as another
// submission, carries more than one mark. The search ends with the stage that finds one key's mark. The other keys'
// marks are then looked for once more on the leak as that mark lays it straight: marks of half its strength are found.
// A fainter mark, or a mark on another part of a collage, may be missed. Each key has the bound on false reads of
// [Detect]. It returns the errors of [Detect].
func DetectAll(ctx context.Context, leak image.Image, keys ...*Key) ([]*Detection, error) {
	r, err := Read(ctx, leak, keys...)
	if err != nil {
		return nil, err
	}
	return r.Marks, nil
}

// A Reading is the marks that were read of a leak, and what was seen of others and not read. It is immutable.
type Reading struct {
	Marks  []*Detection             // what [DetectAll] returns
	unread map[string]*blind.Unread // by ID of the key
}

// Read is [DetectAll] for a reader who may look at the list of what was issued later: see [Reading.Among].
func Read(ctx context.Context, leak image.Image, keys ...*Key) (*Reading, error) {
	return readAll(ctx, leak, keys, blind.DetectAll)
}

// Skim is [Read] in a fifth of the time, for a picture that shows all or nearly all of what was marked: a copy that was
// sent again, perhaps shrunk, saved anew or cropped a little. The bound on false reads is the same.
func Skim(ctx context.Context, picture image.Image, keys ...*Key) (*Reading, error) {
	return readAll(ctx, picture, keys, blind.Skim)
}

// readAll is [Read] by a search.
func readAll(ctx context.Context, leak image.Image, keys []*Key,
	search func(context.Context, image.Image, []*blind.Keys) ([]*blind.Detection, []*blind.Unread, error)) (*Reading, error) {
	found, unread, err := search(ctx, leak, each.Of(keys, (*Key).keyed))
	if err != nil {
		return nil, err
	}
	r := &Reading{unread: make(map[string]*blind.Unread)}
	for _, d := range found {
		r.Marks = append(r.Marks, detection(d, keys[d.Key]))
	}
	for i, u := range unread {
		r.unread[keys[i].ID()] = u
	}
	return r, nil
}

// A List is a key and the IDs issued under it, ready for [Reading.Among]. It is immutable and safe for concurrent use.
type List struct {
	key  *Key
	book *code.Book
}

// NewList returns the list of a key and of all IDs that were issued under it, in any order. It takes 16 bytes and
// about 2.5 microseconds of processor time an ID.
func NewList(key *Key, ids []CopyID) *List {
	return &List{key, key.keyed().Payload.NewBook(each.Of(ids, func(id CopyID) uint64 { return uint64(id) }))}
}

// Among returns the marks of a list that Read saw and could not read by their own check. They are compared with each ID of
// the list. A picture without a mark of the key shows any ID of the list with a probability of 1e-9 at most. A mark is not
// read if the list lacks its ID. Among returns nil unless [Reading.Unread] is true of the key.
func (r *Reading) Among(list *List) (all []*Detection) {
	if !r.Unread(list.key) {
		return nil
	}
	for _, found := range r.unread[list.key.ID()].Among(list.book) {
		d := detection(found, list.key)
		d.Among = list.book.Len()
		all = append(all, d)
	}
	return all
}

// A Laid is a leak as it lies on an upload.
type Laid struct {
	Submission Submission // that copies of the upload were marked with
	Original   *capture.Original
	Sight      *capture.Sight
}

// At returns the reading with more places for [Reading.Among] to look at first: where a mark of each upload lies, if the
// leak shows it so. The bound on false reads is the same. leak is the picture of [Read]. The reading is r itself if
// nothing is left to be read of the key. The error wraps [ErrTooSmall] or [ErrTooLarge].
func (r *Reading) At(leak image.Image, key *Key, on ...Laid) (*Reading, error) {
	u := r.unread[key.ID()]
	if len(r.Marks) > 0 || u == nil || len(on) == 0 {
		return r, nil
	}
	places := make([]blind.Place, len(on))
	for i, o := range on {
		full := o.Original.Luma()
		m := key.keyed().PixelPlacement(o.Submission, full.W, full.H)
		places[i] = blind.Place{Map: m.Mul(o.Sight.ToOriginal()), Inverted: o.Sight.Inverted}
	}
	more, err := u.At(leak, places...)
	if err != nil {
		return nil, err
	}
	out := &Reading{unread: maps.Clone(r.unread)}
	out.unread[key.ID()] = more
	return out, nil
}

// Sync returns the strongest agreement of the pilots of any key on a place: 8 at most, noise below about 6. A large value
// without a mark says that a mark of a key may be there.
func (r *Reading) Sync() (z float64) {
	for _, u := range r.unread {
		z = max(z, u.Sync)
	}
	return z
}

// LogPSync returns the log10 of a probability: in a picture without a mark of the keys, pilots agree as strongly as here.
// The search and the number of keys are in it. It is 0 without keys. It says nothing about whose copy the picture is: a
// party with many copies can lay their pilots onto any picture.
func (r *Reading) LogPSync() (logP float64) {
	for _, u := range r.unread {
		logP = min(logP, u.LogP+dsp.Ln(float64(len(r.unread)))/math.Ln10)
	}
	return logP
}

// Unread reports whether a list of the key may show a mark: no mark of any key was read, and there is a place to look at.
func (r *Reading) Unread(key *Key) bool {
	u := r.unread[key.ID()]
	return len(r.Marks) == 0 && u != nil && u.Looks() > 0
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

func quad(q [4]geometry.Point) (out [4]Point) {
	for i, p := range q {
		out[i] = Point(p)
	}
	return out
}
