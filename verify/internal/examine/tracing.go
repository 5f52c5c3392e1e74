package examine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A tracing is a [findings.Tracing] with the registry's rows of the copies that were found.
type tracing struct {
	findings.Tracing
	rows []books.Copy // of the copies found, after [tracing.fill]
}

// trace traces a leak against the originals of up to [tuning.MaxTraced] submissions ([Targets]), or against all of
// [verify.Options].Against, and adds tracings and reads. The false-positive rate [tuning.TraceLevel] is divided evenly.
func (v *tracer) trace(ctx context.Context) error {
	if v.Cfg.SealKey == nil || len(v.Cfg.Keys) == 0 {
		return nil
	}
	targets := Targets(v.e)
	if len(v.Cfg.Against) > 0 {
		targets = each.Of(v.Cfg.Against, func(id watermark.Submission) findings.Match {
			return findings.Match{Submission: id, Page: v.e.Page(id)}
		})
	}
	for i := range targets {
		t, err := v.traceBoth(ctx, &targets[i], cmp.Or(v.leak.level, tuning.TraceLevel)/float64(len(targets)))
		if err != nil {
			return err
		}
		if t == nil {
			continue
		}
		v.e.Traces = append(v.e.Traces, t.Tracing)
		if err := v.bind(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// traceBoth is tracePages for a leak that may show a submission several times, as a sheet does. It then also traces each place, with
// half of the level for all places. The result has the copies of all places. It is that of a place with a copy if the whole leak is not registered.
func (v *tracer) traceBoth(ctx context.Context, target *findings.Match, level float64) (*tracing, error) {
	if m := v.e.Match(target.Submission); m == nil || m.Region == nil || !v.leak.goesOn(m.Region) {
		return v.tracePages(ctx, target, level)
	}
	t, err := v.tracePages(ctx, target, level/2)
	if err != nil || t == nil {
		return t, err
	}
	places, err := v.placesOf(ctx, target)
	plain := false
	for i := 0; i < len(places) && len(places) > 1 && err == nil; i++ {
		var other *tracing
		here := v.On(v.leak.part(v.leak.covers(conclude.Bounds(&places[i]))))
		other, err = here.traceAgainst(ctx, target, level/2/tuning.MaxApart)
		if err == nil && other != nil && other.Registered && !findings.CarriesMark(&other.Tracing) && len(other.rows) == 0 {
			look := findings.Match{Submission: target.Submission, Page: target.Page}
			err = here.comparePixels(ctx, &look)
			plain = plain || conclude.MayShow(look.Pixels)
		}
		switch {
		case other == nil || !other.Registered: // detail of a copy may be laid onto what is there
		case t.Registered:
			join(&t.Tracing, &other.Tracing)
			t.rows = append(t.rows, other.rows...)
		case len(t.rows) == 0 && len(other.rows) > 0: // the copy lies beside what was found, such as its upload
			t = other
		}
	}
	v.e.Match(target.Submission).Plain = plain && len(t.rows) > 0
	return t, err
}

// join enters the copies that another tracing of the same page found, and t did not.
func join(t, other *findings.Tracing) {
	for _, was := range other.Copies {
		if c := findings.CopyIn(t, was.Copy); was.Found && c != nil && !c.Found {
			*c = was
		}
	}
	if t.Decoys == nil {
		t.Decoys = other.Decoys
	}
	slices.SortStableFunc(t.Copies, func(a, b findings.TracedCopy) int { return cmp.Compare(a.LogP, b.LogP) })
}

// bind adds a read for each copy that tracing t found (t.rows), unless it was read blind.
func (v *tracer) bind(ctx context.Context, t *tracing) error {
	shows, _ := v.e.Sees(t.Submission)
	for i := range t.rows {
		row := &t.rows[i]
		if slices.ContainsFunc(v.e.Reads, func(r conclude.Read) bool {
			return r.Copy == row.ID && r.Issued != nil && r.Issued.Submission == t.Submission
		}) {
			continue
		}
		r := conclude.Read{Copy: row.ID, KeyID: row.KeyID, Issued: row, Page: t.Page, Shows: shows}
		if err := v.standing(ctx, &r); err != nil {
			return err
		}
		v.e.Reads = append(v.e.Reads, r)
	}
	return nil
}

// traceOrder are the words for pixels in the order in which submissions are traced
// against: what the leak shows, what it may show, what it resembles.
var traceOrder = [...][]string{{findings.PixelsSame, findings.PixelsAltered}, {findings.PixelsEdges, findings.PixelsAlike, findings.PixelsPage, findings.PixelsPartial, findings.PixelsSharper, findings.PixelsUndecided}, {findings.PixelsDifferent, findings.PixelsTemplate}}

// traceRank returns the index in traceOrder of a word for pixels; -1 if it is not traced against.
func traceRank(pixels string) int {
	return slices.IndexFunc(traceOrder[:], func(words []string) bool { return slices.Contains(words, pixels) })
}

// Targets returns the submissions to trace a leak against, each once, with its page, in the order of
// traceOrder. They are at most [tuning.MaxTraced] matches and submissions of issued copies that were read. If the pixels
// of any submission are the same, altered or not, the others are left out. Submissions of the same document, or of the
// same page without other fields, stay. On a sheet of several pictures there are more, at most [tuning.MaxApart]: each must lie beside all others ([conclude.Evidence.Apart]), and have the
// same pixels or a copy that was read. Erased submissions of copies are left out.
func Targets(e *conclude.Evidence) (out []findings.Match) {
	add := func(id watermark.Submission, page, limit int) {
		if len(out) < limit && !slices.ContainsFunc(out, func(o findings.Match) bool { return o.Submission == id }) {
			out = append(out, findings.Match{Submission: id, Page: page})
		}
	}
	for rank, words := range traceOrder {
		shown := rank == 1 && len(out) > 0
		if shown { // perhaps the same capture: the leak may show a smaller version
			words = []string{findings.PixelsAlike, findings.PixelsPage}
		}
		for _, r := range e.Reads { // first: a copy that was read is traced, however many uploads of its picture there are
			if r.Issued != nil && !r.Erased && slices.Contains(words, r.Shows) {
				add(r.Issued.Submission, r.Page, tuning.MaxTraced)
			}
		}
		for _, m := range e.Matches {
			if slices.Contains(words, m.Pixels) && !(shown && len(m.Altered) > 0) {
				add(m.Submission, m.Page, tuning.MaxTraced)
			}
		}
		if shown {
			break
		}
	}
	for _, m := range e.Matches {
		if conclude.ShowsCapture(m.Pixels) && e.Apart(m.Submission) {
			add(m.Submission, m.Page, tuning.MaxApart)
		}
	}
	for _, r := range e.Reads {
		if rank := traceRank(r.Shows); r.Issued != nil && !r.Erased && (rank == 0 || rank == 1) && e.Apart(r.Issued.Submission) {
			add(r.Issued.Submission, r.Page, tuning.MaxApart)
		}
	}
	return out
}

// traceAgainst traces a leak against the original of the page m, for all issued copies whose mark keys are at hand.
// level is the false-positive rate below which any copy counts as found. The result is nil if the original cannot be
// opened or a picture is too small. The rows of the result are the copies found.
func (v *matcher) traceAgainst(ctx context.Context, m *findings.Match, level float64) (*tracing, error) {
	o, err := (*Original)(nil), error(nil)
	if i := v.leak.at(conclude.PageOf(m)); i >= 0 {
		o = v.leak.Laid[i].On // others may have taken its place in the cache
	} else if o, err = v.original(ctx, conclude.PageOf(m)); err != nil || o == nil {
		return nil, err
	}
	rows, err := v.Cfg.Registry.Copies(ctx, m.Submission)
	if err == nil {
		err = registry.StatesAt(ctx, v.Cfg.Registry, rows, books.Earliest(v.Cfg.Given.FoundAt, v.leak.Known))
	}
	if err != nil {
		return nil, err
	}
	t := &tracing{Tracing: findings.Tracing{Submission: m.Submission, Page: m.Page, Copies: []findings.TracedCopy{}, Edits: []findings.Edit{}, Level: conclude.Micro(math.Log10(level))}}
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
	found, err := v.traced(ctx, o, orDecoy(issued, v.Cfg.Keys[0]), level)
	if errors.Is(err, watermark.ErrTooSmall) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	t.fill(found)
	return t, nil
}

// traced traces a leak against an opened original at a false-positive rate level, and uses how the leak was laid on o.
func (v *matcher) traced(ctx context.Context, o *Original, copies []watermark.Candidate, level float64) (*watermark.TraceResult, error) {
	t, err := o.tracerOf(copies, level)
	if err != nil {
		return nil, err
	}
	s, err := v.leak.lay(ctx, o)
	if err != nil {
		return nil, err
	}
	return t.TraceLaid(ctx, v.leak.Image, s)
}

// key returns the mark key in [verify.Config].Keys with an ID, or nil.
func (v *Examiner) key(id string) *watermark.Key {
	for _, k := range v.Cfg.Keys {
		if k.ID() == id {
			return k
		}
	}
	return nil
}

// orDecoy returns the issued copies, or in their place a copy that was never issued, under key at strength 1: from
// it, tracing computes the power of finding a mark.
func orDecoy(issued []watermark.Candidate, key *watermark.Key) []watermark.Candidate {
	if len(issued) > 0 {
		return issued
	}
	return []watermark.Candidate{{Copy: ^watermark.CopyID(0), Key: key, Strength: 1}}
}

// fill enters what tracing found into t. t.rows must be the copies that were looked for, in the order of found.Copies;
// it is reduced to the copies that were found. If the leak could not be aligned, Power is 0 and no copy is listed.
func (t *tracing) fill(found *watermark.TraceResult) {
	t.Registered, t.Power, t.Withheld, t.Expected = found.Registered, found.Power, found.Withheld, found.Expected
	t.LogAny, t.Survival, t.Unmarked = conclude.Micro(found.LogAny), conclude.Micro(found.Survival), conclude.Micro(found.Unmarked)
	t.Residual, t.Overlap, t.Decoys = found.Residual, found.Overlap, decoys(found)
	for i := range t.rows {
		if i >= len(found.Copies) {
			break // not aligned: nothing was looked for
		}
		c := found.Copies[i]
		t.Copies = append(t.Copies, findings.TracedCopy{Copy: c.Copy, Score: c.Score, LogP: c.LogP, LogE: c.LogE, Found: slices.Contains(found.Accused, c.Copy)})
	}
	t.rows = slices.DeleteFunc(t.rows, func(c books.Copy) bool { return !slices.Contains(found.Accused, c.ID) })
	slices.SortStableFunc(t.Copies, func(a, b findings.TracedCopy) int { return cmp.Compare(a.LogP, b.LogP) })
	for _, e := range found.Edits {
		edit := findings.Edit{Submission: t.Submission, Kind: e.Kind, Score: e.Score}
		for i, p := range e.Quad {
			edit.Quad[i] = [2]float64{p.X, p.Y}
		}
		t.Edits = append(t.Edits, edit)
	}
}

// exact enters that the leak is the very file of an issued copy: it shows the copy's upload, whatever the pixels say.
func exact(ctx context.Context, v *Examiner, l *Leak, e *conclude.Evidence) error {
	c, err := engine.CopyOfFile(ctx, v.Engine(), l.Picture.SHA256)
	if errors.Is(err, registry.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	i := slices.IndexFunc(e.Reads, func(r conclude.Read) bool { return r.Copy == c.ID && r.KeyID == c.KeyID })
	if i < 0 {
		r, err := v.On(l).Resolve(ctx, &watermark.Detection{Copy: c.ID, KeyID: c.KeyID}, e)
		if err != nil {
			return err
		}
		i, e.Reads = len(e.Reads), append(e.Reads, *r)
	}
	r := &e.Reads[i]
	if r.Exact = true; r.Erased {
		return nil
	}
	if _, err := v.Cfg.Registry.Submission(ctx, e.File); err == nil {
		r.Returned = append(r.Returned, e.File) // the same bytes came in as an upload
	} else if gone(err) != nil {
		return err
	}
	r.Shows, r.Altered = findings.PixelsSame, nil
	if m := e.Match(c.Submission); m != nil {
		m.Pixels, m.Altered, m.Region = r.Shows, nil, nil
	}
	return nil
}
