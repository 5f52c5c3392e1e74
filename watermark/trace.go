package watermark

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/internal/requant"
)

// ErrLevel is wrapped for an accusation level outside (0, 1).
var ErrLevel = errors.New("watermark: level out of range")

// ErrNoKey is wrapped for an issued copy without a key.
var ErrNoKey = errors.New("watermark: issued copy without a key")

// An Issued is one copy of a submission that a trace looks for.
type Issued struct {
	Copy     CopyID
	Key      *Key    // under which it was marked
	Strength float64 // as in [Marked].Strength, 0..2; 0 means 1
}

// mostIssued is more than any strength that a mark was issued with.
const mostIssued = 2

func (c *Issued) strength() float64 {
	if c.Strength == 0 {
		return 1
	}
	return c.Strength
}

// TraceOptions are options of tracing. The zero value works.
type TraceOptions struct {
	Submission Submission // as at marking; zero: derived from the original's pixels, as marking does
	Level      float64    // an accusation needs a p below this, corrected for the number of copies; 0 means 1e-9
}

// defaultLevel is the p of an accusation where none is asked for.
const defaultLevel = 1e-9

// A CopyTrace is the evidence for one copy.
type CopyTrace struct {
	Copy    CopyID
	Score   float64 // z of the copy's own part: P(z >= s) <= exp(-s^2/2) for a copy that was not used
	Payload float64 // z of the payload's code, sqrt(312) at most
	LogP    float64 // log10 p of both together, corrected for the number of copies
	LogE    float64 // log10 of the e-value: a likelihood ratio for a mark of the issued strength
}

// A Traced is what a trace found out about a leak.
type Traced struct {
	Registered         bool        // the leak shows the original and not what merely looks like it, as far as can be seen
	Copies             []CopyTrace // in the order given
	Best               int         // index of the least LogP, -1 if not registered or without copies
	Accused            []CopyID    // strongest first
	Power              float64     // probability that a mark of the issued strength would have been accused; 0 unless Registered
	Expected           float64     // score that such a mark would have in the mean
	Decoded            *CopyID     // read from what the original leaves over, without the list of copies
	Quad               [4]Point    // corners of the leak, pixels of the original, clockwise from the leak's upper left
	Residual           float64     // grey levels RMS that the original does not explain
	Overlap            float64     // share of the leak that shows the original, 0..1
	Mirrored, Inverted bool
	Edits              []Edit // where the leak shows something else than the original

	evidence []*evidence // one a key
	tracer   *Tracer
	level    float64
}

// Trace registers a leak onto its original, takes away what the original explains,
// and correlates what is left with the complete mark of each issued copy. A copy that
// was not used is accused with probability Level at most, whatever the leak shows.
//
// A leak that does not show the original is not an error: Registered is false. Either
// nothing aligns, or what aligns is seen to be another document of its template or
// another capture, and there are no Copies; or it may be another capture for all that
// can be seen, and then scores are given, but no power: that no mark was found says
// nothing of an original that is perhaps not shown. So it is for a leak that gives no
// reason to be this very capture (its frame, its grid of pixels, its sensor's noise),
// as a second scan of a card does not, or that is too small to tell (fewer than 20,000
// pixels with detail), or shows other detail on a two-hundredth of it or more. Whatever
// carries a copy's own mark does show the original, however little of it is left.
//
// The error wraps [ErrTooSmall], [ErrTooLarge], [ErrLevel], [ErrStrength] or [ErrNoKey],
// or is ctx's.
func Trace(ctx context.Context, leak, original image.Image, copies []Issued, opts *TraceOptions) (*Traced, error) {
	t, err := NewTracer(original, copies, opts)
	if err != nil {
		return nil, err
	}
	return t.Trace(ctx, leak)
}

// A Tracer traces leaks of one original. It is immutable and safe for concurrent use.
type Tracer struct {
	level  float64
	copies []Issued
	frame  frame
	onto   *capture.Original
	sides  [2]int      // of the original, pixels
	under  []*suspects // by key
}

// suspects are the copies of one key.
type suspects struct {
	kd    *pattern.Keys
	sub   [16]byte
	place geometry.Mat // canonical pixels to mark pixels
	at    []int        // indices of copies
	probe *probe
}

// NewTracer readies an original for tracing leaks against copies of it. The error wraps
// [ErrTooSmall], [ErrTooLarge], [ErrLevel], [ErrStrength] or [ErrNoKey].
func NewTracer(original image.Image, copies []Issued, opts *TraceOptions) (*Tracer, error) {
	return NewTracerOn(nil, original, copies, opts)
}

// NewTracerOn is [NewTracer] for an original whose luma the caller has already readied as
// onto, so that one such original serves comparing and tracing. If onto is nil, it is made
// from original.
func NewTracerOn(onto *capture.Original, original image.Image, copies []Issued, opts *TraceOptions) (*Tracer, error) {
	var o TraceOptions
	if opts != nil {
		o = *opts
	}
	if o.Level == 0 {
		o.Level = defaultLevel
	}
	if err := checkIssued(copies, o.Level); err != nil {
		return nil, err
	}
	t := &Tracer{level: o.Level, copies: slices.Clone(copies)}
	var canvas *pattern.Canvas
	sub := o.Submission
	for i, c := range copies {
		if canvas == nil { // all that depends on the picture alone
			var err error
			if canvas, err = pattern.NewCanvas(original); err != nil {
				return nil, err
			}
			if sub == (Submission{}) {
				sub = canvas.Digest()
			}
		}
		t.add(i, c.Key.keyed().Keys, canvas, sub)
	}
	src, err := pattern.Pixels(original)
	if err != nil {
		return nil, err
	}
	t.sides = [2]int{src.Rect.Dx(), src.Rect.Dy()}
	if t.onto = onto; onto == nil {
		t.onto = capture.New(dsp.LumaNRGBA(src))
	}
	c := t.onto.Canonical()
	t.frame = newFrame(c.W, c.H)
	for _, s := range t.under {
		s.probe.embed(canvas, s)
	}
	return t, nil
}

// checkIssued refuses copies and a level that no leak can be traced with.
func checkIssued(copies []Issued, level float64) error {
	if !(level > 0 && level < 1) {
		return fmt.Errorf("%w: %v", ErrLevel, level)
	}
	for _, c := range copies {
		if c.Key == nil {
			return fmt.Errorf("%w: %s", ErrNoKey, c.Copy)
		}
		if !(c.Strength >= 0 && c.Strength <= mostIssued) {
			return fmt.Errorf("%w: %v, of copy %s", ErrStrength, c.Strength, c.Copy)
		}
	}
	return nil
}

// For returns a tracer that looks for other copies of the same original at another
// level, 0 < level < 1. It shares what t made of the original, so that it costs nothing.
// The error wraps [ErrLevel], [ErrStrength] or [ErrNoKey]; [ErrNoKey] also if t looks for
// no copy under the key of one of the given copies.
func (t *Tracer) For(copies []Issued, level float64) (*Tracer, error) {
	if err := checkIssued(copies, level); err != nil {
		return nil, err
	}
	out := &Tracer{level: level, copies: slices.Clone(copies), frame: t.frame, onto: t.onto, sides: t.sides}
	for i, c := range copies {
		s := under(out.under, c.Key.ID())
		if s == nil {
			known := under(t.under, c.Key.ID())
			if known == nil {
				return nil, fmt.Errorf("%w that the original was readied for: %s", ErrNoKey, c.Copy)
			}
			s = &suspects{kd: known.kd, sub: known.sub, place: known.place, probe: known.probe}
			out.under = append(out.under, s)
		}
		s.at = append(s.at, i)
	}
	return out, nil
}

// under returns the suspects of a key, or nil.
func under(all []*suspects, keyID string) *suspects {
	for _, s := range all {
		if s.kd.ID == keyID {
			return s
		}
	}
	return nil
}

// add files copy i under its key.
func (t *Tracer) add(i int, kd *pattern.Keys, c *pattern.Canvas, sub [16]byte) {
	if s := under(t.under, kd.ID); s != nil {
		s.at = append(s.at, i)
		return
	}
	t.under = append(t.under, &suspects{kd: kd, sub: sub, place: kd.Placement(sub, c.Luma.W, c.Luma.H), at: []int{i}, probe: newProbe(kd, sub)})
}

// Trace is [Trace] on a prepared original. The error wraps [ErrTooSmall] or
// [ErrTooLarge], or is ctx's.
func (t *Tracer) Trace(ctx context.Context, leak image.Image) (*Traced, error) {
	p, err := traceable(leak)
	if err != nil {
		return nil, err
	}
	sight, err := t.onto.Find(ctx, dsp.LumaNRGBA(p))
	if err != nil {
		return nil, err
	}
	return t.TraceLaid(ctx, p, sight)
}

// TraceLaid is [Tracer.Trace] for a leak that the caller has already laid on the original:
// sight is what the readied original of [NewTracerOn] found for the leak's luma at full
// size, nil if nothing aligns. TraceLaid uses what sight has computed before, and no other
// goroutine may use sight meanwhile.
func (t *Tracer) TraceLaid(ctx context.Context, leak image.Image, sight *capture.Sight) (*Traced, error) {
	p, err := traceable(leak)
	if err != nil {
		return nil, err
	}
	out := &Traced{Best: -1, level: t.level, tracer: t}
	if sight == nil {
		return out, nil
	}
	if err := t.judge(ctx, out, p.Rect.Max, sight, t.opened(p)); err != nil {
		return nil, err
	}
	return out, nil
}

// minTraced is the min short side of a leak that is traced, pixels.
const minTraced = 8

// traceable returns the pixels of a leak that is neither too small nor too large to be
// traced; the error wraps [ErrTooSmall] or [ErrTooLarge].
func traceable(leak image.Image) (*image.NRGBA, error) {
	p, err := pattern.Pixels(leak)
	if err != nil {
		return nil, err
	}
	if min(p.Rect.Dx(), p.Rect.Dy()) < minTraced {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrTooSmall, p.Rect.Dx(), p.Rect.Dy())
	}
	return p, nil
}

// judge fills out for a leak of the given size as it lies on the original, and as it was
// opened from a JPEG file if it was.
func (t *Tracer) judge(ctx context.Context, out *Traced, size image.Point, r *capture.Sight, opened *requant.Leak) error {
	fit, changes, err := r.Fit()
	if err != nil || fit == nil {
		return err
	}
	out.Residual, out.Overlap, out.Mirrored, out.Inverted = fit.RMS, r.Overlap, r.Mirrored, r.Inverted
	out.Quad = t.quad(size, r.Registration)
	out.Edits = t.edits(changes)
	out.Copies = make([]CopyTrace, len(t.copies))
	view := sync.OnceValue(func() *frameView { return t.frame.view(r.Registration, fit) })
	part := sync.OnceValue(func() *resized { return t.resized(opened, size, r, out.Quad) })
	for _, s := range t.under {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := t.rounded(s, opened, r, out.Quad)
		if e == nil {
			e = s.evidence(view())
			if p := part(); p != nil {
				e = e.or(p.evidence(t, s))
			}
		}
		out.evidence = append(out.evidence, e)
		e.score(s, t.copies, out.Copies)
		if out.Decoded == nil {
			out.Decoded = e.decode(s.kd)
		}
	}
	out.conclude(t.copies)
	verdict, err := r.Verdict()
	if err != nil {
		return err
	}
	out.Registered = verdict == capture.Same || len(out.Accused) > 0
	switch {
	case out.Registered:
	case verdict == capture.Other:
		*out = Traced{Best: -1, level: t.level, tracer: t}
	default:
		out.Power = 0
	}
	return nil
}

// quad returns the corners of the leak on the original.
func (t *Tracer) quad(size image.Point, r *register.Registration) (q [4]Point) {
	w, h := float64(size.X), float64(size.Y)
	m := r.H.Mul(r.ToLeak)
	sx, sy := float64(t.sides[0])/float64(t.frame.w), float64(t.sides[1])/float64(t.frame.h)
	for i, c := range [4]geometry.Point{{X: -0.5, Y: -0.5}, {X: w - 0.5, Y: -0.5}, {X: w - 0.5, Y: h - 0.5}, {X: -0.5, Y: h - 0.5}} {
		p := m.Apply(c)
		q[i] = Point{float64((p.X + 0.5) * sx), float64((p.Y + 0.5) * sy)}
	}
	return q
}

// conclude corrects for the number of copies, orders and accuses.
func (out *Traced) conclude(copies []Issued) {
	n := dsp.Ln(float64(max(len(copies), 1))) / math.Ln10
	for i := range out.Copies {
		c := &out.Copies[i]
		c.LogP = math.Min(0, c.LogP+n)
		if out.Best < 0 || c.LogP < out.Copies[out.Best].LogP {
			out.Best = i
		}
	}
	order := make([]int, 0, len(copies))
	for i, c := range out.Copies {
		if c.LogP <= dsp.Ln(out.level)/math.Ln10 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch pa, pb := out.Copies[a].LogP, out.Copies[b].LogP; {
		case pa < pb:
			return -1
		case pa > pb:
			return 1
		}
		return 0
	})
	for _, i := range order {
		out.Accused = append(out.Accused, out.Copies[i].Copy)
	}
	out.power(copies)
}
