package examine

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A copy comes back if a customer who received it sends it again. Each holder of that upload has what the recipient of
// the copy has: a leak that carries the mark, and shows the upload, may come from either.

// returned sets, of each issued copy in e, the uploads that carry its mark and that the leak may show: as entered in
// the registry, or as read here from originals of siblings of the copy's upload, and of uploads that the leak shows. Of uploads
// whose hashes alone are kept it is not known.
func returned(ctx context.Context, v *Examiner, l *Leak, e *conclude.Evidence) error {
	for i := range e.Reads {
		r := &e.Reads[i]
		if r.Issued == nil {
			continue
		}
		entered, err := v.Cfg.Registry.Returns(ctx, r.Copy)
		if err != nil {
			return err
		}
		uploads := each.Of(entered, func(x books.Return) watermark.Submission { return x.Submission })
		more, err := v.On(l).with(e).cameBack(ctx, r)
		if err == nil {
			uploads, err = mayCarry(ctx, v, e, r, uploads)
		}
		if err != nil {
			return err
		}
		for _, id := range append(uploads, more...) {
			if id == r.Issued.Submission || slices.Contains(r.Returned, id) {
				continue
			}
			may, err := holds(ctx, v, r, id)
			if err != nil {
				return err
			}
			if !may {
				continue
			}
			m := e.Match(id)
			if m == nil || m.Pixels == findings.PixelsUnknown {
				m = &findings.Match{Submission: id, Pixels: findings.PixelsUnknown}
				if err := v.On(l).comparePages(ctx, m); err != nil {
					return err
				}
			}
			own := e.Match(r.Issued.Submission) // where the leak shows more than the upload has, it is not of that upload
			if more := own != nil && float64(l.area(m)) < tuning.MinReturned*float64(l.area(own)); !more && !slices.Contains(conclude.NotReturned, m.Pixels) {
				r.Returned = append(r.Returned, id)
			}
		}
	}
	return nil
}

// holds reports whether an upload of other bytes may hold the file of a copy that leaked, which documents do. The
// holder of a picture that was saved anew has no such file. It is true of other leaks, and of an altered row.
func holds(ctx context.Context, v *Examiner, r *conclude.Read, id watermark.Submission) (bool, error) {
	if !r.Exact {
		return true, nil
	}
	row, err := v.Cfg.Registry.Submission(ctx, id)
	return err != nil || row.Format == "pdf" || row.Format == "tiff", gone(err)
}

// mayCarry appends uploads that may have come in with the mark of r's copy. The leak matches their hashes, they were entered
// after that copy, and their own marks were never read.
func mayCarry(ctx context.Context, v *Examiner, e *conclude.Evidence, r *conclude.Read, uploads []watermark.Submission) ([]watermark.Submission, error) {
	for _, m := range e.Matches {
		if !m.HashOnly || m.Distance > phash.MatchRadius {
			continue
		}
		row, err := v.Cfg.Registry.Submission(ctx, m.Submission)
		if gone(err) != nil {
			return nil, err
		}
		if err == nil && row.Rendition == (books.Digest{}) && row.Seq > r.Issued.Seq { // else its marks were read when it came
			uploads = append(uploads, m.Submission)
		}
	}
	return uploads, nil
}

// alone sets Alone of found copies whose mark another found copy may bring along: a place in the leak with the mark of
// that copy only. There the mark is the copy's own, as on a sheet with a picture of each.
func alone(ctx context.Context, v *Examiner, l *Leak, e *conclude.Evidence) error {
	for i := range e.Reads {
		r := &e.Reads[i]
		brings := func(o conclude.Read) bool { return slices.Contains(r.Returned, o.Issued.Submission) && found(e, &o) }
		if len(r.Returned) == 0 || !found(e, r) || !slices.ContainsFunc(e.IssuedReads(), brings) {
			continue
		}
		places, err := v.On(l).placesOf(ctx, &findings.Match{Submission: r.Issued.Submission, Page: r.Page})
		for k := 0; k < len(places) && len(places) > 1 && r.Alone == nil && err == nil; k++ {
			err = v.On(l).with(e).aloneAt(ctx, r, &places[k])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// found reports whether tracing found the copy of r.
func found(e *conclude.Evidence, r *conclude.Read) bool {
	c := findings.CopyIn(findings.TraceOf(e.Traces, r.Issued.Submission), r.Copy)
	return c != nil && c.Found
}

// copied reports whether tracing found a copy of an upload that the leak shows or may show.
func copied(e *conclude.Evidence, of watermark.Submission) bool {
	m, t := e.Match(of), findings.TraceOf(e.Traces, of)
	return m != nil && conclude.MayShow(m.Pixels) && t != nil && slices.ContainsFunc(t.Copies, func(c findings.TracedCopy) bool { return c.Found })
}

// placesOf returns the places in a leak, at most [tuning.MaxApart], that show a page, or a picture of the same capture. Each is
// covered before the next is looked for.
func (v *matcher) placesOf(ctx context.Context, m *findings.Match) (all []findings.Quad, err error) {
	o, err := v.original(ctx, conclude.PageOf(m))
	if err != nil || o == nil {
		return nil, err
	}
	row, err := v.Engine().Page(ctx, conclude.PageOf(m))
	if err != nil {
		return nil, gone(err)
	}
	for left := v.leak.part(v.leak.Image.Rect); len(all) < tuning.MaxApart; {
		v.On(left).locate(ctx, row.Seq, o.Of)
		s, err := left.lay(ctx, o)
		at := o.lies(s)
		if at == nil || slices.ContainsFunc(all, func(q findings.Quad) bool { return !(conclude.Overlap(at, &q) <= tuning.MaxOverlap) }) {
			return all, err
		}
		all, left = append(all, *at), left.part(left.Image.Rect)
		draw.Draw(left.Image, left.covers(conclude.Bounds(at)), image.NewUniform(color.Gray{Y: 128}), image.Point{}, draw.Src)
	}
	return all, nil
}

// aloneAt sets r.Alone to at if tracing finds r's copy there, and no copy of r.Returned, though it would find one.
func (v *tracer) aloneAt(ctx context.Context, r *conclude.Read, at *findings.Quad) error {
	here := v.leak.part(v.leak.covers(conclude.Bounds(at)))
	t, err := v.On(here).traceAgainst(ctx, &findings.Match{Submission: r.Issued.Submission, Page: r.Page}, tuning.TraceLevel/tuning.MaxApart)
	if err != nil || t == nil || !slices.ContainsFunc(t.rows, func(c books.Copy) bool { return c.ID == r.Copy }) {
		return err
	}
	for _, id := range r.Returned {
		t, err := v.On(here).traceAgainst(ctx, &findings.Match{Submission: id, Page: v.e.Page(id)}, tuning.TraceLevel/tuning.MaxApart)
		if err != nil || t == nil || !conclude.WouldShow(&t.Tracing) || len(t.rows) > 0 {
			return err
		}
	}
	r.Alone = at
	return nil
}

// cameBack returns the siblings of the upload of r, and the uploads that the leak shows, that carry the mark of r. It
// returns none if originals or mark keys are not at hand, or only named uploads are searched.
func (v *tracer) cameBack(ctx context.Context, r *conclude.Read) (out []watermark.Submission, err error) {
	if v.Cfg.SealKey == nil || len(v.Cfg.Keys) == 0 || len(v.Cfg.Against) > 0 {
		return nil, nil
	}
	of := findings.Match{Submission: r.Issued.Submission, Page: r.Page}
	all, err := v.family(ctx, conclude.PageOf(&of))
	if err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	for i := range v.e.Matches {
		if m := &v.e.Matches[i]; conclude.ShowsCapture(m.Pixels) {
			all = append(all, sibling{page: conclude.PageOf(m), whole: m.Submission})
		}
	}
	for _, s := range all {
		if s.whole == of.Submission || slices.Contains(out, s.whole) {
			continue
		}
		carries, err := v.carries(ctx, s.page, &of)
		if err != nil {
			return nil, err
		}
		if slices.Contains(carries, r.Copy) {
			out = append(out, s.whole)
		}
	}
	return out, nil
}

// carries returns the copies whose marks the original of a page carries, by reading. If no copy of the submission of is among
// them, it also traces the original against the page of that match. The result is kept.
func (v *Examiner) carries(ctx context.Context, page watermark.Submission, of *findings.Match) (copies []watermark.CopyID, err error) {
	about := [2]watermark.Submission{page, conclude.PageOf(of)}
	v.families.mu.Lock()
	copies, known := v.families.marks[about]
	v.families.mu.Unlock()
	if known {
		return copies, nil
	}
	o, err := v.original(ctx, page)
	if err != nil || o == nil {
		return nil, err
	}
	reading, err := watermark.Skim(ctx, o.image, v.Cfg.Keys...)
	if err != nil && !errors.Is(err, watermark.ErrTooSmall) {
		return nil, err
	}
	one := false
	for i := 0; err == nil && i < len(reading.Marks); i++ {
		copies = append(copies, reading.Marks[i].Copy)
		c, err := v.Issued(ctx, reading.Marks[i].Copy, reading.Marks[i].KeyID, time.Time{})
		if err != nil {
			return nil, err
		}
		one = one || c != nil && c.Submission == of.Submission
	}
	if !one {
		t, err := v.On(&Leak{Picture: &picture.Picture{Image: o.image}}).traceAgainst(ctx, of, tuning.TraceLevel)
		if err != nil {
			return nil, err
		}
		for i := 0; t != nil && i < len(t.rows); i++ {
			copies = append(copies, t.rows[i].ID)
		}
	}
	v.families.mu.Lock()
	defer v.families.mu.Unlock()
	v.families.marks[about] = copies
	return copies, nil
}

// HandedOn returns who had a copy besides its recipient, by all facts of custody. What is handed on may be handed on again.
func HandedOn(c books.Copy, facts []books.Custody) (out []findings.HandOn) {
	parties := []string{c.Recipient}
	for i := 0; i < len(parties); i++ {
		had := c
		had.Recipient = parties[i]
		for _, h := range facts {
			if h.Of(&had) {
				out = append(out, findings.HandOn{Party: h.Recipient, Entered: h.Entered, Note: h.Note})
			}
			if h.Of(&had) && !slices.Contains(parties, h.Recipient) {
				parties = append(parties, h.Recipient)
			}
		}
	}
	return out
}

// HoldersOfReturned returns who had uploads that leaks show and that carry a copy's mark. facts are all facts of custody.
func (v *Examiner) HoldersOfReturned(ctx context.Context, id watermark.CopyID, leaks []*findings.Finding, facts []books.Custody) (out []findings.Return, err error) {
	for _, l := range leaks {
		for _, upload := range conclude.ReturnedAs(l, id) {
			if slices.ContainsFunc(out, func(r findings.Return) bool { return r.Submission == upload }) {
				continue
			}
			x := findings.Return{Submission: upload}
			of, err := v.Cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: upload})
			if errors.Is(err, registry.ErrNotFound) { // of findings of another registry: who had it is not known
				out = append(out, x)
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, h := range of {
				x.Holders = append(x.Holders, findings.HandOn{Party: h.Recipient, Entered: h.Entered, Note: h.Note})
			}
			var copies []books.Copy
			if slices.ContainsFunc(leaks, func(o *findings.Finding) bool { // the very file of the copy is no copy of that upload
				return o.Exact() == nil && slices.Contains(conclude.ReturnedAs(o, id), upload)
			}) {
				if copies, err = HandedOut(ctx, v.Cfg.Registry, upload, v.Cfg.Given.FoundAt); err != nil {
					return nil, err
				}
			}
			for _, c := range copies {
				x.Holders = append(x.Holders, findings.HandOn{Party: c.Recipient, Entered: c.Issued, Note: "copy " + c.ID.String() + " of the upload"})
				x.Holders = append(x.Holders, HandedOn(c, facts)...)
			}
			out = append(out, x)
		}
	}
	return out, nil
}

// issuedLists are the IDs that were issued under mark keys, and whether copies of erased uploads are among them.
type issuedLists struct {
	engine.Lists
	mu     sync.Mutex
	erased int64           // number of the last erasure that was looked at
	keys   map[string]bool // of copies of erased uploads
}

// ofErased reports whether copies of an erased upload were issued, and whether any of these under a key that is not at hand.
func (l *issuedLists) ofErased(ctx context.Context, v *Examiner) (some, unsought bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []watermark.Submission
	last, err := v.Engine().ErasedAfter(ctx, l.erased, func(_ int64, id watermark.Submission) { ids = append(ids, id) })
	if search.UnlessAltered(err) != nil {
		return false, false, fmt.Errorf("load erasures: %w", err)
	}
	for _, id := range ids {
		copies, err := v.Cfg.Registry.Copies(ctx, id) // void ones too: other investigations may have another find
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return false, false, err
		}
		for _, c := range copies {
			l.keys[c.KeyID] = true
		}
	}
	l.erased = last
	for id := range l.keys {
		unsought = unsought || v.key(id) == nil
	}
	return len(l.keys) > 0, unsought, nil
}

func (v *Examiner) Engine() *engine.Engine { return v.Cfg.Registry.Engine() }

// CheckRecords reads the records by which every leak is weighed, and notes which were altered.
func (v *Examiner) CheckRecords(ctx context.Context) error {
	altered, err := v.Engine().CheckRecords(ctx)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.altered = altered
	return nil
}

// Damage returns which records were altered, as far as checkRecords noted: see [findings.Record].
func (v *Examiner) Damage() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.altered
}

// Issued returns the copy of an ID that was marked under a key, nil if the registry does not list it. A mark
// under another key is not that copy's. Its state is that of the find, or of known, from when on a leak is known.
func (v *Examiner) Issued(ctx context.Context, id watermark.CopyID, keyID string, known time.Time) (*books.Copy, error) {
	c, err := v.Cfg.Registry.Copy(ctx, id)
	if errors.Is(err, registry.ErrNotFound) || err == nil && c.KeyID != keyID {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	one := []books.Copy{*c}
	err = registry.StatesAt(ctx, v.Cfg.Registry, one, books.Earliest(v.Cfg.Given.FoundAt, known))
	return &one[0], err
}

// marks returns the marks of a reading of the leak. If none could be read by its own check, they are looked for among the copies
// that were issued under each key: where the leak shows an upload, and where pilots agree.
func (v *matcher) marks(ctx context.Context, reading *watermark.Reading) ([]*watermark.Detection, error) {
	all := reading.Marks
	for _, key := range v.Cfg.Keys {
		reading, err := reading.At(v.leak.Image, key, v.leak.shown()...)
		if err != nil {
			return nil, err
		}
		if !reading.Unread(key) {
			continue
		}
		list, err := v.issues.Of(ctx, v.Engine(), key)
		if err != nil {
			return nil, err
		}
		all = append(all, reading.Among(list)...)
	}
	return all, nil
}
