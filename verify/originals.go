package verify

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// An original is an upload that was opened once, to have leaks compared with it and
// traced against it. It is safe for concurrent use.
type original struct {
	*opened
	of   watermark.Submission
	onto *capture.Original
	look findings.Look

	mu     sync.Mutex
	tracer *watermark.Tracer // for the keys of the copies that a leak was traced to last; nil before
}

// An opened is the pixels of an upload, opaque.
type opened struct {
	image *image.NRGBA
	as    watermark.TraceOptions // JPEG, Orientation and Quality: how its copies are written
}

// lies returns where the original lies in a leak, as s lays the leak on it; nil if s is.
func (o *original) lies(s *capture.Sight) *findings.Quad {
	if s == nil {
		return nil
	}
	back, _ := s.ToOriginal().Inverse()
	var at [4][2]float64
	for i, p := range back.Mul(geometry.Translation(-0.5, -0.5)).Corners(float64(o.onto.Luma().W), float64(o.onto.Luma().H)) {
		at[i] = [2]float64{p.X, p.Y}
	}
	return quad(at)
}

// newOriginal readies the pixels of an upload. It keeps them.
func newOriginal(of watermark.Submission, from *opened) *original {
	return &original{opened: from, of: of, onto: capture.New(dsp.LazyLuma(from.image)), look: lookOf(from.image)}
}

// originalBytes returns about how many bytes an [original] of so many pixels takes up: 4 a pixel,
// a third more for halved pictures, and [tuning.PreparedBytes].
func originalBytes(pixels int) int64 { return 16*int64(pixels)/3 + tuning.PreparedBytes }

// tracerOf returns a tracer of o for the given copies. level is the false-positive rate below which a copy counts as
// found. What does not depend on the copies is kept for the next call, unless that has a copy of another key.
func (o *original) tracerOf(copies []watermark.Candidate, level float64) (*watermark.Tracer, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tracer != nil {
		t, err := o.tracer.For(copies, level)
		if !errors.Is(err, watermark.ErrNoKey) {
			return t, err
		}
	}
	opts := o.as
	opts.Submission, opts.Level = o.of, level
	t, err := watermark.NewTracerOn(o.onto, o.image, copies, &opts)
	if err == nil {
		o.tracer = t
	}
	return t, err
}

// An originalCache keeps the originals that were used last, as many as fit into a number
// of bytes. Each is opened once, however many leaks ask for it at a time.
type originalCache struct {
	max int64 // bytes

	mu     sync.Mutex
	erased int64 // number of the last erasure that was followed
	bytes  int64
	order  []*opening // the least recently used first
}

// An opening is an original that is being opened, or was.
type opening struct {
	of    watermark.Submission
	done  chan struct{} // closed when the fields below are set
	orig  *original     // nil: it cannot be opened
	err   error
	bytes int64
}

// follow drops the originals whose submissions were erased since the last call.
func (c *originalCache) follow(ctx context.Context, e *engine.Engine) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, err := e.ErasedAfter(ctx, c.erased, func(_ int64, gone watermark.Submission) { c.drop(gone) })
	if unlessAltered(err) != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	c.erased = last
	return nil
}

// unlessAltered returns an error of reading erasures, nil if they were altered: [examiner.checkRecords] notes that, and nothing is concluded.
func unlessAltered(err error) error {
	if errors.Is(err, registry.ErrTampered) {
		return nil
	}
	return err
}

// drop removes an original from the cache, even while it is being opened. The caller holds the lock.
func (c *originalCache) drop(of watermark.Submission) {
	c.order = slices.DeleteFunc(c.order, func(o *opening) bool {
		if o.of == of {
			c.bytes -= o.bytes
		}
		return o.of == of
	})
}

// get returns the original of a submission, and calls open if the cache does not hold it. Callers that ask meanwhile
// wait for that call; if it fails, each of them tries with its own open. A nil original without an error is kept as
// well.
func (c *originalCache) get(ctx context.Context, of watermark.Submission, open func() (*original, error)) (*original, error) {
	for {
		c.mu.Lock()
		i := slices.IndexFunc(c.order, func(o *opening) bool { return o.of == of })
		if i < 0 {
			o := &opening{of: of, done: make(chan struct{})}
			c.order = append(c.order, o)
			c.mu.Unlock()
			o.err = errOpening
			defer c.settle(o)
			o.orig, o.err = open()
			return o.orig, o.err
		}
		o := c.order[i]
		c.order = append(slices.Delete(c.order, i, i+1), o)
		c.mu.Unlock()
		select {
		case <-o.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if o.err == nil {
			return o.orig, nil
		} // the caller that opened the original failed or was cancelled: try again
	}
}

// errOpening is the error of an opening that panicked: leaks that wait for the original try
// again.
var errOpening = errors.New("original: opening panicked")

// settle ends an opening and wakes its waiters. An opening that failed is dropped; otherwise the least recently used
// originals are dropped until the rest fit. An opening that was dropped meanwhile is not entered again.
func (c *originalCache) settle(o *opening) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(o.done)
	if !slices.Contains(c.order, o) {
		return
	}
	if o.err != nil {
		c.drop(o.of)
		return
	}
	if o.bytes = tuning.PreparedBytes; o.orig != nil {
		luma := o.orig.onto.Luma()
		o.bytes = originalBytes(luma.W*luma.H) + int64(len(o.orig.as.JPEG))
	}
	c.bytes += o.bytes
	for i := 0; i < len(c.order) && c.bytes > c.max; {
		if old := c.order[i]; old == o || old.bytes == 0 { // in use, or still being opened
			i++
		} else {
			c.drop(old.of)
		}
	}
}

// original returns the original of a submission, opened for comparing and tracing, from the cache
// if it is there. It is nil, without an error, if it cannot be opened: no key, another key, erased,
// altered, or not readable by today's decoders. Errors are the registry's and the end of ctx.
func (v *examiner) original(ctx context.Context, of watermark.Submission) (*original, error) {
	return v.cache.get(ctx, of, func() (*original, error) {
		from, err := v.openOriginal(ctx, of)
		if err != nil || from == nil {
			return nil, err
		}
		return newOriginal(of, from), nil
	})
}

// openOriginal reads a sealed original and decodes the page that of names, without the cache. The result is nil, without
// an error, if that cannot be done, or if today's decoder gives other pixels than at the submission. It is also nil if
// the list of its copies was altered.
func (v *examiner) openOriginal(ctx context.Context, of watermark.Submission) (*opened, error) {
	if v.cfg.SealKey == nil {
		return nil, nil
	}
	e := v.engine()
	row, err := e.Page(ctx, of)
	if err != nil {
		return nil, gone(err)
	}
	if _, err := v.cfg.Registry.Copies(ctx, row.Whole()); err != nil { // a copy may be hidden: without all of them no mark is missing
		return nil, gone(err)
	}
	file, err := e.Original(ctx, v.cfg.SealKey, row.Whole())
	if err != nil {
		return nil, gone(err)
	}
	give := func() {}
	lim := v.cfg.Limits(ctx)
	lim.Admit = func(decoding, pixels int64) (err error) {
		give()
		if give, err = v.memory.Original(ctx, max(decoding, tuning.OpenedPixel*pixels)); err != nil {
			give = func() {}
		}
		return err
	}
	defer func() { give() }()
	doc, pic, err := engine.DecodePage(row, file, lim)
	if err != nil {
		return nil, ctx.Err()
	}
	o := &opened{image: picture.Flatten(pic.Image)}
	o.as.JPEG, o.as.Orientation, o.as.Quality = doc.Steps(max(row.Page, 1), v.cfg.Limits(ctx))
	return o, nil
}
