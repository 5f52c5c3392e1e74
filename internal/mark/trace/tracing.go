// Package trace finds a copy's mark with the original: the evidence that a leak gives for
// each candidate, what the absence of a mark means, and several leaks together.
package trace

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"math"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/photometry"
	"github.com/kycmark/kycmark/internal/register"
	"github.com/kycmark/kycmark/internal/requant"
)

// A Candidate is one copy of a submission that a trace looks for.
type Candidate struct {
	ID       uint64
	Keys     *pattern.Keys // under which the copy was marked
	Strength float64       // that the copy was marked with, above 0
}

// A CopyScore is the evidence for one copy.
type CopyScore struct {
	ID      uint64
	Score   float64 // z of the copy's own part: P(z >= s) <= exp(-s^2/2) for a copy that was not used
	Payload float64 // z of the payload's code, sqrt(312) at most
	LogP    float64 // log10 p of both together, corrected for the number of copies
	LogE    float64 // log10 of the e-value: a likelihood ratio for a mark of the candidate's strength
}

// A Result is what a trace found out about a leak: see watermark.TraceResult.
type Result struct {
	Registered         bool
	Copies             []CopyScore // in the order of the candidates
	Best               int         // index of the lowest logP, -1 if not registered or without candidates
	Accused            []uint64    // strongest first
	Power, Expected    float64
	Withheld           float64
	Unmarked           float64 // see [Result.gaps]
	Decoded            *uint64
	Quad               [4]geometry.Point // corners of the leak, pixels of the original
	Residual, Overlap  float64
	Mirrored, Inverted bool
	Edits              []edit
	Presence

	evidence []*evidence // one a key
	tracer   *Tracer
}

// An edit is a part of the original that the leak shows otherwise.
type edit struct {
	Quad    [4]geometry.Point // pixels of the original, clockwise from the upper left
	Covered bool              // without detail in the leak; otherwise with other detail
	Score   float64           // RMS difference in units of what the fit leaves elsewhere
}

// A Tracer traces leaks of one original. It is immutable and safe for concurrent use.
type Tracer struct {
	level  float64
	copies []Candidate
	frame  frame
	onto   *capture.Original
	sides  [2]int      // of the original, pixels
	under  []*suspects // by key
}

// Files says how the copies of an original are written. The zero value is lossless files.
type Files struct {
	Coded   *pattern.Canvas // the original's JPEG, if its copies are marked in its coefficients; else nil
	Quality int             // of JPEGs, if copies are marked in pixels, 1 to 100; 0: lossless
}

// suspects are the candidates of one key.
type suspects struct {
	kd    *pattern.Keys
	sub   [16]byte
	place geometry.Mat // canonical pixels to mark pixels
	at    []int        // indices of candidates
	probe *probe
}

// New readies an original for tracing leaks against copies of it, of the submission sub (zero: the
// digest of the original's pixels). It accuses at a p of level or below, 0 to 1. onto is the
// original's luma as the caller has readied it already, or nil. as says how copies are written.
// Without copies the tracer only says how a leak lies. The strengths of copies and level are not checked. The error wraps ErrTooSmall
// (only with copies) or ErrTooLarge of package pattern, or jpegcoef.ErrRefused for a damaged JPEG.
func New(onto *capture.Original, original image.Image, as Files, copies []Candidate, sub [16]byte, level float64) (*Tracer, error) {
	t := &Tracer{level: level, copies: copies}
	var canvas *pattern.Canvas
	for i, c := range copies {
		if canvas == nil { // all that depends on the picture alone
			var err error
			if canvas, err = pattern.NewCanvas(original); err != nil {
				return nil, err
			}
			canvas.Probed()
			if sub == [16]byte{} {
				sub = canvas.Digest()
			}
		}
		s := t.suspects(c.Keys.ID)
		if s == nil {
			w, h := pattern.CanonicalSize(canvas.Size())
			s = &suspects{kd: c.Keys, sub: sub, place: c.Keys.Placement(sub, w, h), probe: newProbe(c.Keys, sub)}
			t.under = append(t.under, s)
		}
		s.at = append(s.at, i)
	}
	src, err := pattern.Pixels(original)
	if err != nil {
		return nil, err
	}
	t.sides = [2]int{src.Rect.Dx(), src.Rect.Dy()}
	if t.onto = onto; onto == nil {
		t.onto = capture.New(dsp.LazyLuma(src))
	}
	c := t.onto.Canonical()
	t.frame = newFrame(c.W, c.H)
	if len(t.under) > 0 {
		if open := openShare(src, c.W, c.H); slices.Min(open.Pix) < 1 {
			t.frame.open = intoFrame(open)
		}
	}
	for _, s := range t.under {
		if err := s.probe.embed(canvas, as, s); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// With returns a tracer that looks for other copies of the same original at another level, and -1.
// It shares what t made of the original, so that it costs nothing. If t looks for no copy under the
// key of one of them, With returns nil and the index of that copy.
func (t *Tracer) With(copies []Candidate, level float64) (*Tracer, int) {
	out := &Tracer{level: level, copies: copies, frame: t.frame, onto: t.onto, sides: t.sides}
	for i, c := range copies {
		s := out.suspects(c.Keys.ID)
		if s == nil {
			known := t.suspects(c.Keys.ID)
			if known == nil {
				return nil, i
			}
			s = &suspects{kd: known.kd, sub: known.sub, place: known.place, probe: known.probe}
			out.under = append(out.under, s)
		}
		s.at = append(s.at, i)
	}
	return out, -1
}

// suspects returns the candidates of a key, nil if there are no such candidates.
func (t *Tracer) suspects(keyID string) *suspects {
	for _, s := range t.under {
		if s.kd.ID == keyID {
			return s
		}
	}
	return nil
}

// Trace lays a leak on the original and traces it. A leak that does not show the original is no error, but a result
// that is not registered. The error wraps ErrTooSmall or ErrTooLarge of package pattern, or is ctx's.
func (t *Tracer) Trace(ctx context.Context, leak image.Image) (*Result, error) {
	p, err := traceable(leak)
	if err != nil {
		return nil, err
	}
	sight, err := t.onto.Find(ctx, dsp.LazyLuma(p))
	if err != nil {
		return nil, err
	}
	return t.TraceLaid(ctx, p, sight)
}

// TraceLaid is Trace for a leak that the caller has already laid on the original: sight is what was found for the leak's
// luma at full size. A nil sight means that nothing aligns, which gives a result that is not registered. TraceLaid uses
// what sight has computed before, and no other goroutine may use sight meanwhile. It returns the errors of Trace.
func (t *Tracer) TraceLaid(ctx context.Context, leak image.Image, sight *capture.Sight) (*Result, error) {
	p, err := traceable(leak)
	if err != nil {
		return nil, err
	}
	out := &Result{Best: -1, tracer: t}
	if sight == nil {
		return out, nil
	}
	if err := t.judge(ctx, out, p, sight, t.opened(p)); err != nil {
		return nil, err
	}
	return out, nil
}

// traceable returns the pixels of a leak that is neither too small nor too large to be
// traced; the error wraps ErrTooSmall or ErrTooLarge of package pattern.
func traceable(leak image.Image) (*image.NRGBA, error) {
	p, err := pattern.Pixels(leak)
	if err != nil {
		return nil, err
	}
	if min(p.Rect.Dx(), p.Rect.Dy()) < minTraced {
		return nil, fmt.Errorf("%w: %d x %d pixels", pattern.ErrTooSmall, p.Rect.Dx(), p.Rect.Dy())
	}
	return p, nil
}

// judge fills out for the leak p as it lies on the original by r. opened is
// the leak as a JPEG file decoded, nil if it was not decoded from one. If the leak shows another
// original, out is as empty as it came, except when a copy was accused. If that remains open, or the mark was laid
// onto another picture, Power is 0, and Withheld what it would be. Both are 0 if the leak was treated. The error is of r, or ctx's.
func (t *Tracer) judge(ctx context.Context, out *Result, p *image.NRGBA, r *capture.Sight, opened *requant.Leak) error {
	size := p.Rect.Max
	fit, changes, err := r.Fit()
	if err != nil || fit == nil {
		return err
	}
	out.Residual, out.Overlap, out.Mirrored, out.Inverted = fit.RMS, r.Overlap, r.Mirrored, r.Inverted
	out.Quad = t.quad(size, r.Registration)
	out.Edits = t.edits(changes)
	out.Copies = make([]CopyScore, len(t.copies))
	view := sync.OnceValue(func() *frameView { return t.frame.view(r.Registration, fit, p) })
	part := sync.OnceValue(func() *resized { return t.resized(opened, size, r, out.Quad) })
	for _, s := range t.under {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := t.rounded(s, opened, r, out.Quad)
		if e == nil {
			var other *evidence
			dsp.Together(func() { e = s.evidence(view()) }, func() {
				if p := part(); p != nil {
					other = p.evidence(t, s)
				}
			})
			if other != nil && other.expected > float64(minPromise*e.expected) { // it promises enough
				e = other
			}
		}
		out.evidence = append(out.evidence, e)
		e.score(s, t.copies, out.Copies)
		if out.Decoded == nil {
			out.Decoded = e.decode(s.kd)
		}
	}
	out.conclude()
	out.gaps()
	if t.presence(out); out.LogAny <= PresentLevel {
		t.survival(out, view, p)
	}
	verdict, err1 := r.Verdict()
	shades, err2 := r.Shades()
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	out.Registered = verdict == capture.Same || verdict == capture.Altered || len(out.Accused) > 0 && shades <= laidShade
	switch {
	case out.Registered:
	case verdict == capture.Other && len(out.Accused) == 0:
		*out = Result{Best: -1, tracer: t}
	default:
		out.Withheld, out.Power = out.Power, 0
	}
	if r.Treated() {
		out.Withheld, out.Power = 0, 0
	}
	return nil
}

// quad returns the corners of a leak of the given size, in pixels of the original, clockwise from the leak's upper left.
func (t *Tracer) quad(size image.Point, r *register.Registration) (q [4]geometry.Point) {
	w, h := float64(size.X), float64(size.Y)
	m := r.H.Mul(r.ToLeak)
	sx, sy := float64(t.sides[0])/float64(t.frame.w), float64(t.sides[1])/float64(t.frame.h)
	for i, c := range [4]geometry.Point{{X: -0.5, Y: -0.5}, {X: w - 0.5, Y: -0.5}, {X: w - 0.5, Y: h - 0.5}, {X: -0.5, Y: h - 0.5}} {
		p := m.Apply(c)
		q[i] = geometry.Point{X: float64((p.X + 0.5) * sx), Y: float64((p.Y + 0.5) * sy)}
	}
	return q
}

// conclude corrects the p of each copy for the number of copies, sets Best (-1 without copies) and
// Accused, strongest first, and predicts the power. A second call would correct p twice.
func (out *Result) conclude() {
	n := dsp.Ln(float64(max(len(out.Copies), 1))) / math.Ln10
	for i := range out.Copies {
		c := &out.Copies[i]
		c.LogP = math.Min(0, c.LogP+n)
		if out.Best < 0 || c.LogP < out.Copies[out.Best].LogP {
			out.Best = i
		}
	}
	order := make([]int, 0, len(out.Copies))
	for i, c := range out.Copies {
		if c.LogP <= dsp.Ln(out.tracer.level)/math.Ln10 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(out.Copies[a].LogP, out.Copies[b].LogP) })
	for _, i := range order {
		out.Accused = append(out.Accused, out.Copies[i].ID)
	}
	out.predict()
}

// edits returns the changes of a fit, whose bounds are canonical pixels, as quadrangles in the
// original's own pixels, in their order.
func (t *Tracer) edits(changes []photometry.Change) []edit {
	sx, sy := float64(t.sides[0])/float64(t.frame.w), float64(t.sides[1])/float64(t.frame.h)
	at := func(x, y float64) geometry.Point {
		return geometry.Point{X: float64((x + 0.5) * sx), Y: float64((y + 0.5) * sy)}
	}
	var out []edit
	for _, c := range changes {
		quad := [4]geometry.Point{at(c.X0, c.Y0), at(c.X1, c.Y0), at(c.X1, c.Y1), at(c.X0, c.Y1)}
		out = append(out, edit{quad, c.Covered, c.Score})
	}
	return out
}
