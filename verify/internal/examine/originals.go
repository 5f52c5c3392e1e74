package examine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"regexp"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/watermark"
)

// An Original is an upload that was opened once, to have leaks compared with it and
// traced against it. It is safe for concurrent use.
type Original struct {
	*Opened
	Of   watermark.Submission
	Onto *capture.Original
	look findings.Look

	mu     sync.Mutex
	tracer *watermark.Tracer // for the keys of the copies that a leak was traced to last; nil before
}

// An Opened is the pixels of an upload, opaque.
type Opened struct {
	image *image.NRGBA
	as    watermark.TraceOptions // JPEG, Orientation and Quality: how its copies are written
}

// lies returns where the original lies in a leak, as s lays the leak on it; nil if s is.
func (o *Original) lies(s *capture.Sight) *findings.Quad {
	if s == nil {
		return nil
	}
	back, _ := s.ToOriginal().Inverse()
	var at [4][2]float64
	for i, p := range back.Mul(geometry.Translation(-0.5, -0.5)).Corners(float64(o.Onto.Luma().W), float64(o.Onto.Luma().H)) {
		at[i] = [2]float64{p.X, p.Y}
	}
	return quad(at)
}

// OriginalBytes returns about how many bytes an [Original] of so many pixels takes up: 4 a pixel,
// a third more for halved pictures, and [tuning.PreparedBytes].
func OriginalBytes(pixels int) int64 { return 16*int64(pixels)/3 + tuning.PreparedBytes }

// tracerOf returns a tracer of o for the given copies. level is the false-positive rate below which a copy counts as
// found. What does not depend on the copies is kept for the next call, unless that has a copy of another key.
func (o *Original) tracerOf(copies []watermark.Candidate, level float64) (*watermark.Tracer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tracer != nil {
		if t, err := o.tracer.For(copies, level); !errors.Is(err, watermark.ErrNoKey) {
			return t, err
		}
	}
	opts := o.as
	opts.Submission, opts.Level = o.Of, level
	t, err := watermark.NewTracerOn(o.Onto, o.image, copies, &opts)
	if err == nil {
		o.tracer = t
	}
	return t, err
}

// An OriginalCache keeps the originals that were used last, as many as fit into a number
// of bytes. Each is opened once, however many leaks ask for it at a time.
type OriginalCache struct {
	Max int64 // bytes

	mu     sync.Mutex
	erased int64 // number of the last erasure that was followed
	Bytes  int64
	Order  []*Opening // the least recently used first
}

// An Opening is an original that is being opened, or was.
type Opening struct {
	Of    watermark.Submission
	Done  chan struct{} // closed when the fields below are set
	orig  *Original     // nil: it cannot be opened
	err   error
	bytes int64
}

// Follow drops the originals whose submissions were erased since the last call.
func (c *OriginalCache) Follow(ctx context.Context, e *engine.Engine) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, err := e.ErasedAfter(ctx, c.erased, func(_ int64, gone watermark.Submission) { c.drop(gone) })
	if search.UnlessAltered(err) != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	c.erased = last
	return nil
}

// drop removes an original from the cache, even while it is being opened. The caller holds the lock.
func (c *OriginalCache) drop(of watermark.Submission) {
	c.Order = slices.DeleteFunc(c.Order, func(o *Opening) bool {
		if o.Of == of {
			c.Bytes -= o.bytes
		}
		return o.Of == of
	})
}

// Get returns the original of a submission, and calls open if the cache does not hold it. Callers that ask meanwhile
// wait for that call; if it fails, each of them tries with its own open. A nil original is not kept: it may be there again soon.
func (c *OriginalCache) Get(ctx context.Context, of watermark.Submission, open func() (*Original, error)) (*Original, error) {
	for {
		c.mu.Lock()
		i := slices.IndexFunc(c.Order, func(o *Opening) bool { return o.Of == of })
		if i < 0 {
			o := &Opening{Of: of, Done: make(chan struct{})}
			c.Order = append(c.Order, o)
			c.mu.Unlock()
			o.err = errOpening
			defer c.settle(o)
			o.orig, o.err = open()
			return o.orig, o.err
		}
		o := c.Order[i]
		c.Order = append(slices.Delete(c.Order, i, i+1), o)
		c.mu.Unlock()
		select {
		case <-o.Done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if o.err == nil {
			return o.orig, nil
		} // the caller that opened the original failed or was cancelled: try again
	}
}

// errOpening is the error of an opening that panicked: leaks that wait for the original try again.
var errOpening = errors.New("original: opening panicked")

// settle ends an opening and wakes its waiters. An opening that failed is dropped; otherwise the least recently used
// originals are dropped until the rest fit. An opening that was dropped meanwhile is not entered again.
func (c *OriginalCache) settle(o *Opening) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(o.Done)
	if !slices.Contains(c.Order, o) {
		return
	}
	if o.err != nil || o.orig == nil {
		c.drop(o.Of)
		return
	}
	luma := o.orig.Onto.Luma()
	o.bytes = OriginalBytes(luma.W*luma.H) + int64(len(o.orig.as.JPEG))
	c.Bytes += o.bytes
	for i := 0; i < len(c.Order) && c.Bytes > c.Max; {
		if old := c.Order[i]; old == o || old.bytes == 0 { // in use, or still being opened
			i++
		} else {
			c.drop(old.Of)
		}
	}
}

// original returns the original of a submission, opened for comparing and tracing, from the cache
// if it is there. It is nil, without an error, if it cannot be opened: no key, another key, erased,
// altered, or not readable by today's decoders. Errors are the registry's and the end of ctx.
func (v *Examiner) original(ctx context.Context, of watermark.Submission) (*Original, error) {
	return v.Cache.Get(ctx, of, func() (*Original, error) {
		from, err := v.openOriginal(ctx, of)
		if err != nil || from == nil {
			return nil, err
		}
		return &Original{Opened: from, Of: of, Onto: capture.New(dsp.LazyLuma(from.image)), look: LookOf(from.image)}, nil
	})
}

// openOriginal reads a sealed original and decodes the page that of names, without the cache. The result is nil, without
// an error, if that cannot be done, or if today's decoder gives other pixels than at the submission. It is also nil if
// the list of its copies was altered.
func (v *Examiner) openOriginal(ctx context.Context, of watermark.Submission) (*Opened, error) {
	if v.Cfg.SealKey == nil {
		return nil, nil
	}
	e := v.Engine()
	row, err := e.Page(ctx, of)
	if err != nil {
		return nil, gone(err)
	}
	if _, err := v.Cfg.Registry.Copies(ctx, row.Whole()); err != nil { // a copy may be hidden: without all of them no mark is missing
		return nil, gone(err)
	}
	file, err := e.Original(ctx, v.Cfg.SealKey, row.Whole())
	if err != nil {
		return nil, gone(err)
	}
	give := func() {}
	lim := v.Cfg.Limits(ctx)
	lim.Admit = func(decoding, pixels int64) (err error) {
		give()
		if give, err = v.Memory.Original(ctx, max(decoding, tuning.OpenedPixel*pixels)); err != nil {
			give = func() {}
		}
		return err
	}
	defer func() { give() }()
	doc, pic, err := engine.DecodePage(row, file, lim)
	if err != nil {
		return nil, ctx.Err()
	}
	o := &Opened{image: picture.Flatten(pic.Image)}
	o.as.JPEG, o.as.Orientation, o.as.Quality = doc.Steps(max(row.Page, 1), v.Cfg.Limits(ctx))
	return o, nil
}

func LookOf(img *image.NRGBA) findings.Look {
	small := reduced(img, tuning.PreviewSide)
	return findings.Look{Mosaic: encoded(reduced(small, tuning.MosaicSide), "png"), Preview: encoded(small, "jpeg")}
}

// reduced returns a picture with at most side pixels on its longer side.
func reduced(img *image.NRGBA, side int) *image.NRGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if long := max(w, h); long > side {
		w, h = max(1, w*side/long), max(1, h*side/long)
	}
	if img.Rect.Empty() {
		return img
	}
	s, out := dsp.NewFlatShrinker(img.Rect.Dx(), img.Rect.Dy(), w, h)
	for y := range img.Rect.Dy() {
		s.Add(img.Pix[y*img.Stride:][:4*img.Rect.Dx()])
	}
	return out
}

func encoded(img *image.NRGBA, format string) []byte {
	var buf bytes.Buffer
	if img.Rect.Empty() || picture.Encode(&buf, img, format, 80) != nil {
		return nil
	}
	return buf.Bytes()
}

// UploadLook returns the look of the original that a leak shows; empty if it shows none that can be opened.
func (v *Examiner) UploadLook(ctx context.Context, l *findings.Finding) (findings.Look, error) {
	if l.Submission == (watermark.Submission{}) {
		return findings.Look{}, nil
	}
	o, err := v.original(ctx, l.Submission.Page(l.Page))
	if err != nil || o == nil {
		return findings.Look{}, err
	}
	return o.look, nil
}

// The constants that decide whether a picture in the file of another one is a smaller version of it.
const (
	repeatSide = 1600 // pixels of the long side at which both are compared, at most
	maxRepeat  = 0.65 // long side in parts of the other's, at most: cameras write previews of a half. Larger ones are examined
	thumbSide  = 160  // pixels of the long side of EXIF's thumbnails, in which no text can be read and no mark
	thumbScore = 0.97 // share of its blocks that agree: 0.978 or more in seven of cameras, 0.943 in another person's document
)

// gainMaps name the pictures in which phones say how bright places are (Adobe's, ISO 21496-1, Apple's).
var gainMaps = regexp.MustCompile(`hdrgm:Version|urn:iso:std:iso:ts:21496:-1|HDRGainMap`)

// Look is what a picture shows, as far as it tells whether another picture in its file repeats it.
type Look struct {
	small *image.NRGBA // of repeatSide pixels at most
	side  int          // long side, pixels
	gain  bool         // it says that it is a gain map
	Marks []watermark.CopyID
}

func LookAt(data []byte, img *image.NRGBA) *Look {
	return &Look{picture.Fit(picture.Flatten(img), repeatSide), max(img.Rect.Dx(), img.Rect.Dy()), gainMaps.Match(data), nil}
}

// Repeats reports whether a picture is whole, in whose file it lies, its gain map, or a smaller version of it, perhaps turned.
func (l *Look) Repeats(ctx context.Context, whole *Look) bool {
	switch {
	case float64(l.side) > maxRepeat*float64(whole.side):
		return l.side == whole.side && bytes.Equal(l.small.Pix, whole.small.Pix) // some files start twice
	case l.gain:
		return true
	}
	s, err := capture.New(dsp.LazyLuma(whole.small)).Find(ctx, dsp.LazyLuma(l.small))
	if err != nil {
		return false
	}
	word, score, _, err := comparePixels(s)
	return err == nil && (word == findings.PixelsSame || l.side <= thumbSide && word == findings.PixelsUndecided && *score >= thumbScore)
}
