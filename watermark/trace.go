package watermark

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/mark/trace"
)

// ErrNoKey is wrapped for an issued copy without a key.
var ErrNoKey = errors.New("watermark: issued copy without a key")

// A Candidate is one copy of a submission that a trace looks for.
type Candidate struct {
	Copy     CopyID
	Key      *Key    // under which it was marked
	Strength float64 // as in [Marked].Strength, 0..2; 0 means 1
}

// maxIssued is more than any strength that a mark was issued with.
const maxIssued = 2

// TraceOptions are options of tracing. The zero value works.
type TraceOptions struct {
	Submission Submission // as at marking; zero: derived from the original's pixels, as marking does
	Level      float64    // an accusation needs a p below this, corrected for the number of copies; 0 means 1e-9

	// JPEG is the original's file if copies are marked in its coefficients ([PrepareJPEG]), with its Orientation. Quality
	// is that of JPEGs as which copies are written if they are marked in pixels; 0: lossless. Steps take a part of a mark.
	// If they are not known, the power may be too high.
	JPEG        []byte
	Orientation int
	Quality     int
}

// defaultLevel is the p of an accusation if the options have no level.
const defaultLevel = 1e-9

// A CopyEvidence is the evidence for one copy.
type CopyEvidence struct {
	Copy    CopyID
	Score   float64 // z of the copy's own part: P(z >= s) <= exp(-s^2/2) for a copy that was not used
	Payload float64 // z of the payload's code, sqrt(312) at most
	LogP    float64 // log10 p of both together, corrected for the number of copies
	LogE    float64 // log10 of the e-value: a likelihood ratio for a mark of the issued strength
}

// An Edit is a part of the original that the leak shows otherwise.
type Edit struct {
	Quad  [4]Point // pixels of the original, clockwise from the upper left
	Kind  string   // "covered": without detail in the leak; "changed": with other detail
	Score float64  // RMS difference in units of what the fit leaves elsewhere
}

// PresentLevel is the LogAny, log10 p, at and below which a mark was there, even if no copy is accused.
// The pilots, which all copies have in common, count too. So a mark that was averaged away is seen.
const PresentLevel = trace.PresentLevel

// Removed is the Survival, above 0, below which more than a messenger took a mark away. Survival compares
// the code of the strongest copy with what such a mark would show after the leak's codec, blur, resizing
// and tone. The original's own detail says so. Averages of four and more copies leave 0.02 to 0.30, filters mostly
// more than the limit. Messengers leave 0.29 and more, a hard JPEG can leave 0.12 ("kycmark-bench survival").
const Removed = 0.35

// A TraceResult is what a trace found out about a leak.
type TraceResult struct {
	Registered         bool           // the leak shows the original and not what merely looks like it, as far as can be seen
	Copies             []CopyEvidence // in the order given
	Best               int            // index of the lowest LogP, -1 if not registered or without copies
	Accused            []CopyID       // copies whose marks are there, strongest first; laid onto another picture, as it seems, unless Registered
	Power              float64        // probability that a mark of the issued strength would have been accused; 0 unless Registered
	Withheld           float64        // what Power would be, if the leak may show another capture; 0 if Registered
	Expected           float64        // score that such a mark would have in the mean
	LogAny             float64        // log10 p of as much of any mark of the keys in a leak that never had one, over all copies and keys
	Survival           float64        // see [Removed]; 0 unless LogAny is at or below [PresentLevel]
	Unmarked           float64        // of the places where the marks of the accused copies should show, the share in which they are missing; 0: not measured
	Decoded            *CopyID        // read from what the original leaves over, without the list of copies
	Quad               [4]Point       // corners of the leak, pixels of the original, clockwise from the leak's upper left
	Residual           float64        // grey levels RMS that the original does not explain
	Overlap            float64        // share of the leak that shows the original, 0..1
	Mirrored, Inverted bool
	Edits              []Edit // where the leak shows something else than the original

	inner *trace.Result
}

// Trace lays a leak onto its original, takes away what the original explains, and correlates what
// is left with the mark of each candidate. A copy that was not used is accused with probability
// Level at most, whatever the leak shows. A nil opts is the zero [TraceOptions].
//
// A leak that does not show the original is not an error: Registered is false. If nothing aligns, or what aligns is
// another document of its template or another capture, there are no Copies. If it may be another capture, scores are
// given, but no power: the absence of a mark then says nothing. That holds for a leak that gives no reason to be this
// very capture (frame, grid of pixels, sensor noise). It also holds for fewer than 20,000 pixels with detail, and for
// other detail, unless it lies in a few places and nothing differs outside. A copy's own mark shows the original,
// however little of it is left. If shades of a tenth of the leak are far from the original's, the mark may have been
// laid onto another picture: Registered is false, and Accused has the copies of the marks.
//
// The error wraps [ErrTooSmall], [ErrTooLarge], [ErrStrength] or [ErrNoKey], or is ctx's. A Level
// outside of 0 and 1 gives an error that wraps no error of this package.
func Trace(ctx context.Context, leak, original image.Image, copies []Candidate, opts *TraceOptions) (*TraceResult, error) {
	t, err := NewTracer(original, copies, opts)
	if err != nil {
		return nil, err
	}
	return t.Trace(ctx, leak)
}

// A Tracer traces leaks of one original. It is immutable and safe for concurrent use.
type Tracer struct{ inner *trace.Tracer }

// NewTracer readies an original for tracing leaks against copies of it. A nil opts is the zero
// [TraceOptions]. The error wraps [ErrTooSmall], [ErrTooLarge], [ErrStrength] or [ErrNoKey], or
// says that Level does not lie between 0 and 1.
func NewTracer(original image.Image, copies []Candidate, opts *TraceOptions) (*Tracer, error) {
	return NewTracerOn(nil, original, copies, opts)
}

// NewTracerOn is [NewTracer] for an original whose luma the caller has already readied as onto, so
// that one such original serves comparing and tracing. If onto is nil, it is made from original.
// original is needed in any case, for its colours and its size.
func NewTracerOn(onto *capture.Original, original image.Image, copies []Candidate, opts *TraceOptions) (*Tracer, error) {
	o := *cmp.Or(opts, new(TraceOptions))
	o.Level = cmp.Or(o.Level, defaultLevel)
	all, err := candidates(copies, o.Level)
	if err != nil {
		return nil, err
	}
	as := trace.Files{Quality: o.Quality}
	if o.JPEG != nil && len(all) > 0 {
		if as.Coded, err = pattern.JPEGCanvas(o.JPEG, o.Orientation); err != nil && !errors.Is(err, ErrCoefficients) {
			return nil, err
		}
	}
	t, err := trace.New(onto, original, as, all, o.Submission, o.Level)
	if err != nil {
		return nil, err
	}
	return &Tracer{t}, nil
}

// For returns a tracer that looks for other copies of the same original at another level, 0 < level
// < 1. t is not changed. The new tracer shares what t made of the original, so that it costs
// nothing. The error wraps [ErrStrength] or [ErrNoKey]; [ErrNoKey] also if t looks for no copy
// under the key of one of the given copies. A level out of range is an error that wraps neither.
func (t *Tracer) For(copies []Candidate, level float64) (*Tracer, error) {
	all, err := candidates(copies, level)
	if err != nil {
		return nil, err
	}
	out, missing := t.inner.With(all, level)
	if out == nil {
		return nil, fmt.Errorf("%w that the original was readied for: %s", ErrNoKey, copies[missing].Copy)
	}
	return &Tracer{out}, nil
}

// candidates returns copies in the form that package trace takes, in their order; a strength of 0
// becomes 1. The error wraps ErrNoKey for a copy without a key and ErrStrength for a strength
// outside of 0..maxIssued. A level outside of 0 < level < 1 is an error that wraps neither.
func candidates(copies []Candidate, level float64) ([]trace.Candidate, error) {
	if !(level > 0 && level < 1) {
		return nil, fmt.Errorf("watermark: level %v: it must lie between 0 and 1", level)
	}
	all := make([]trace.Candidate, len(copies))
	for i, c := range copies {
		if c.Key == nil {
			return nil, fmt.Errorf("%w: %s", ErrNoKey, c.Copy)
		}
		if !(c.Strength >= 0 && c.Strength <= maxIssued) {
			return nil, fmt.Errorf("%w: %v, of copy %s", ErrStrength, c.Strength, c.Copy)
		}
		all[i] = trace.Candidate{ID: uint64(c.Copy), Keys: c.Key.keyed().Keys, Strength: cmp.Or(c.Strength, 1)}
	}
	return all, nil
}

// Trace is [Trace] on a prepared original. The error wraps [ErrTooSmall] or [ErrTooLarge], or is ctx's.
func (t *Tracer) Trace(ctx context.Context, leak image.Image) (*TraceResult, error) {
	return traced(t.inner.Trace(ctx, leak))
}

// TraceLaid is [Tracer.Trace] for a leak that the caller has already laid on the original: sight is what the readied
// original of [NewTracerOn] found for the leak's luma at full size, nil if nothing aligns. TraceLaid uses what sight
// has computed before, and no other goroutine may use sight meanwhile.
func (t *Tracer) TraceLaid(ctx context.Context, leak image.Image, sight *capture.Sight) (*TraceResult, error) {
	return traced(t.inner.TraceLaid(ctx, leak, sight))
}

func traced(r *trace.Result, err error) (*TraceResult, error) {
	if err != nil {
		return nil, err
	}
	out := &TraceResult{
		LogAny: r.LogAny, Survival: r.Survival, Unmarked: r.Unmarked, Quad: quad(r.Quad),
		Registered: r.Registered, Best: r.Best, Power: r.Power, Withheld: r.Withheld, Expected: r.Expected,
		Residual: r.Residual, Overlap: r.Overlap, Mirrored: r.Mirrored, Inverted: r.Inverted, inner: r,
		Copies: each.Of(r.Copies, func(c trace.CopyScore) CopyEvidence {
			return CopyEvidence{CopyID(c.ID), c.Score, c.Payload, c.LogP, c.LogE}
		}),
		Accused: each.Of(r.Accused, func(id uint64) CopyID { return CopyID(id) }),
	}
	if r.Decoded != nil {
		id := CopyID(*r.Decoded)
		out.Decoded = &id
	}
	for _, e := range r.Edits {
		kind := "changed"
		if e.Covered {
			kind = "covered"
		}
		out.Edits = append(out.Edits, Edit{quad(e.Quad), kind, e.Score})
	}
	return out, nil
}

// Decoys returns the scores, comparable with [CopyEvidence].Score, of n copies that were never issued, under the key of
// the strongest copy: what chance gives in this very leak. They are the same at every call and in memory at once, 1 kB
// each. Decoys returns nil if no copy was scored.
func (t *TraceResult) Decoys(n int) []float64 {
	if t.inner == nil {
		return nil
	}
	return t.inner.Decoys(n)
}
