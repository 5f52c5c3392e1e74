package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Tracing is what came of tracing a leak against the original of one submission:
// taking away what the original explains and looking for the complete mark of every
// copy that was issued of it ([watermark.Trace]).
type Tracing struct {
	Submission watermark.Submission `json:"submission"`
	Registered bool                 `json:"registered"`       // the leak shows the original
	Issued     int                  `json:"issued"`           // copies that were looked for
	Unsought   int                  `json:"unsought"`         // copies that were not, for their mark keys are not at hand
	Copies     []TracedCopy         `json:"copies"`           // all that were looked for, strongest first
	Decoys     *Decoys              `json:"decoys,omitempty"` // of copies that were never issued; nil: no copy was found
	Level      float64              `json:"level"`            // log10 of the p below which a copy counts as found
	Power      float64              `json:"power"`            // probability that a mark of the weakest strength issued would have been found
	Expected   float64              `json:"expected"`         // the score that such a mark has in the mean
	Residual   float64              `json:"residual"`         // grey levels RMS that the original does not explain
	Overlap    float64              `json:"overlap"`          // share of the leak that shows the original, 0..1
	Edits      []Edit               `json:"edits"`            // where the leak shows something else

	rows []registry.Copy // of the registry, those that were found
}

// A TracedCopy is how much of a copy's mark is in a leak.
type TracedCopy struct {
	Copy  watermark.CopyID `json:"copy"`
	Score float64          `json:"score"`   // z of the part that is the copy's alone
	LogP  float64          `json:"log10_p"` // corrected for the number of copies
	LogE  float64          `json:"log10_e"` // e-value: mean of 1 at most for a copy that was not used
	Found bool             `json:"found"`
}

// An Edit is a region where a leak shows something else than its original.
type Edit struct {
	Submission watermark.Submission `json:"submission"`
	Quad       Quad                 `json:"quad"`  // pixels of the original, clockwise from the upper left
	Kind       string               `json:"kind"`  // "covered": without detail; "changed": with other detail
	Score      float64              `json:"score"` // RMS difference in units of what is usual elsewhere
}

const (
	// traceLevel is the p below which a copy counts as found in a leak, over all copies
	// of all submissions that the leak is traced against.
	traceLevel = 1e-9
	// leastPower is the power from which on the absence of a mark counts.
	leastPower = 0.999
	// maxTraced is how many submissions a leak is traced against: those of the copies
	// that were read, and those that it shows or resembles.
	maxTraced = 3
)

// trace traces a leak against the submissions of the copies that were read in it and
// of those that it shows, or, where it shows none for certain, resembles.
func (v *Investigator) trace(ctx context.Context, l *leakPicture, e *evidence) error {
	if v.cfg.SealKey == nil || len(v.cfg.Keys) == 0 {
		return nil
	}
	targets := v.cfg.Against
	if len(targets) == 0 {
		targets = e.targets()
	}
	for _, id := range targets {
		t, err := v.traceAgainst(ctx, l, id, traceLevel/float64(len(targets)))
		if err != nil {
			return err
		}
		if t == nil {
			continue
		}
		e.traces = append(e.traces, *t)
		if err := v.bind(ctx, e, t); err != nil {
			return err
		}
	}
	return nil
}

// bind tells the reads what a tracing found of their copies, and adds the copies that
// were not read blind.
func (v *Investigator) bind(ctx context.Context, e *evidence, t *Tracing) error {
	known := make(map[watermark.CopyID]bool)
	for i := range e.reads {
		r := &e.reads[i]
		if r.issued == nil || r.issued.Submission != t.Submission {
			continue
		}
		known[r.copy] = true
		r.traced = t.copy(r.copy)
		r.lacks = t.wouldShow() && r.traced != nil && !r.traced.Found
	}
	for i := range t.rows {
		row := &t.rows[i]
		if known[row.ID] {
			continue
		}
		r := read{copy: row.ID, keyID: row.KeyID, traced: t.copy(row.ID), issued: row, shows: e.pixels(t.Submission)}
		if err := v.standing(ctx, &r); err != nil {
			return err
		}
		e.reads = append(e.reads, r)
	}
	return nil
}

// pixels is what the pixels say of the leak and a submission.
func (e *evidence) pixels(of watermark.Submission) string {
	if m := e.match(of); m != nil {
		return m.Pixels
	}
	for i := range e.reads {
		if r := &e.reads[i]; r.issued != nil && r.issued.Submission == of {
			return r.shows
		}
	}
	return PixelsUnknown
}

// traceOrder are the words for pixels in the order in which submissions are traced
// against: what the leak shows, what it may show, what it resembles.
var traceOrder = [...][]string{{PixelsSame}, {PixelsAlike, PixelsPartial, PixelsUndecided}, {PixelsDifferent}}

// traceRank is the place of a word for pixels in traceOrder, -1 if it is not there.
func traceRank(pixels string) int {
	return slices.IndexFunc(traceOrder[:], func(words []string) bool { return slices.Contains(words, pixels) })
}

// targets are the submissions that a leak is to be traced against.
func (e *evidence) targets() []watermark.Submission {
	var out []watermark.Submission
	add := func(id watermark.Submission) {
		if len(out) < maxTraced && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for rank := range traceOrder {
		for _, m := range e.matches {
			if traceRank(m.Pixels) == rank {
				add(m.Submission)
			}
		}
		for i := range e.reads {
			if r := &e.reads[i]; r.issued != nil && !r.erased && traceRank(r.shows) == rank {
				add(r.issued.Submission)
			}
		}
		if rank == 0 && len(out) > 0 {
			break
		}
	}
	return out
}

// traceAgainst is nil, without an error, where the original cannot be opened or one of
// the pictures is too small.
func (v *Investigator) traceAgainst(ctx context.Context, l *leakPicture, id watermark.Submission, level float64) (*Tracing, error) {
	o, err := v.original(ctx, id)
	if err != nil || o == nil {
		return nil, err
	}
	rows, err := v.cfg.Registry.Copies(ctx, id)
	if err != nil {
		return nil, err
	}
	t := &Tracing{Submission: id, Copies: []TracedCopy{}, Edits: []Edit{}, Level: micro(math.Log10(level))}
	var issued []watermark.Candidate
	for _, c := range rows {
		key := v.key(c.KeyID)
		if key == nil {
			t.Unsought++
			continue
		}
		issued = append(issued, watermark.Candidate{Copy: c.ID, Key: key, Strength: c.Strength})
		t.rows = append(t.rows, c)
	}
	t.Issued = len(issued)
	found, err := v.traced(ctx, l, o, orDecoy(issued, v.cfg.Keys[0]), level)
	if errors.Is(err, watermark.ErrTooSmall) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t.fill(found)
	return t, nil
}

// traced traces a leak against an opened original, as the leak was laid on it before.
func (v *Investigator) traced(ctx context.Context, l *leakPicture, o *original, copies []watermark.Candidate, level float64) (*watermark.TraceResult, error) {
	t, err := o.tracerOf(copies, level)
	if errors.Is(err, watermark.ErrNoKey) { // of a copy that was issued since o was readied
		pic, err := v.openOriginal(ctx, o.of)
		if err != nil {
			return nil, err
		}
		if pic == nil {
			return nil, watermark.ErrTooSmall
		}
		o = newOriginal(o.of, pic)
		t, err = o.tracerOf(copies, level)
	}
	if err != nil {
		return nil, err
	}
	s, err := l.lay(ctx, o)
	if err != nil {
		return nil, err
	}
	return t.TraceLaid(ctx, l.Image, s)
}

// key is the mark key of an ID, nil where it is not at hand.
func (v *Investigator) key(id string) *watermark.Key {
	for _, k := range v.cfg.Keys {
		if k.ID() == id {
			return k
		}
	}
	return nil
}

// orDecoy stands a copy that was never issued in for those of a submission of which
// none was: the power is of finding a mark, had there been one.
func orDecoy(issued []watermark.Candidate, key *watermark.Key) []watermark.Candidate {
	if len(issued) > 0 {
		return issued
	}
	return []watermark.Candidate{{Copy: ^watermark.CopyID(0), Key: key, Strength: 1}}
}

func (t *Tracing) fill(found *watermark.TraceResult) {
	t.Registered, t.Power, t.Expected = found.Registered, found.Power, found.Expected
	t.Residual, t.Overlap, t.Decoys = found.Residual, found.Overlap, decoys(found)
	if !found.Registered {
		t.Power = 0
	}
	for i := range t.rows {
		if i >= len(found.Copies) {
			break // not aligned: nothing was looked for
		}
		c := found.Copies[i]
		t.Copies = append(t.Copies, TracedCopy{Copy: c.Copy, Score: c.Score, LogP: c.LogP, LogE: c.LogE, Found: slices.Contains(found.Accused, c.Copy)})
	}
	t.rows = slices.DeleteFunc(t.rows, func(c registry.Copy) bool { return !slices.Contains(found.Accused, c.ID) })
	slices.SortStableFunc(t.Copies, func(a, b TracedCopy) int { return cmp.Compare(a.LogP, b.LogP) })
	for _, e := range found.Edits {
		edit := Edit{Submission: t.Submission, Kind: e.Kind, Score: e.Score}
		for i, p := range e.Quad {
			edit.Quad[i] = [2]float64{p.X, p.Y}
		}
		t.Edits = append(t.Edits, edit)
	}
}

// copy is what the tracing says of one copy; nil: it was not looked for.
func (t *Tracing) copy(id watermark.CopyID) *TracedCopy {
	if t == nil {
		return nil
	}
	for i := range t.Copies {
		if t.Copies[i].Copy == id {
			return &t.Copies[i]
		}
	}
	return nil
}

// wouldShow reports whether a mark of any copy issued would have been found.
func (t *Tracing) wouldShow() bool {
	return t != nil && t.Registered && t.Unsought == 0 && t.Power >= leastPower
}

// traceOf is the tracing against a submission; nil: there is none.
func traceOf(all []Tracing, id watermark.Submission) *Tracing {
	for i := range all {
		if all[i].Submission == id {
			return &all[i]
		}
	}
	return nil
}
