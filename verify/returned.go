package verify

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"slices"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A copy comes back if a customer who received it sends it again. Each holder of that upload has what the recipient of
// the copy has: a leak that carries the mark, and shows the upload, may come from either.

// notReturned are the words for pixels that rule out that a leak derives from an upload.
var notReturned = []string{findings.PixelsDifferent, findings.PixelsTemplate, findings.PixelsUnrelated}

// returned sets, of each issued copy in e, the uploads that carry its mark and that the leak may show: as entered in
// the registry, or as read here from originals of siblings of the copy's upload, and of uploads that the leak shows.
func (v *Investigator) returned(ctx context.Context, l *leakPicture, e *evidence) error {
	for i := range e.reads {
		r := &e.reads[i]
		if r.issued == nil {
			continue
		}
		entered, err := v.cfg.Registry.Returns(ctx, r.copy)
		if err != nil {
			return err
		}
		var uploads []watermark.Submission
		for _, x := range entered {
			uploads = append(uploads, x.Submission)
		}
		more, err := v.cameBack(ctx, e, r)
		if err != nil {
			return err
		}
		for _, id := range append(uploads, more...) {
			if id == r.issued.Submission || slices.Contains(r.returned, id) {
				continue
			}
			m := e.match(id)
			if m == nil || m.Pixels == findings.PixelsUnknown {
				m = &findings.Match{Submission: id, Pixels: findings.PixelsUnknown}
				if err := v.comparePages(ctx, l, m); err != nil {
					return err
				}
			}
			if !slices.Contains(notReturned, m.Pixels) {
				r.returned = append(r.returned, id)
			}
		}
	}
	return nil
}

// alone sets a place in the leak that has a found copy's mark alone, if another found copy may bring the mark along:
// there it is the copy's own, as on a sheet with a picture of each.
func (v *Investigator) alone(ctx context.Context, l *leakPicture, e *evidence) error {
	for i := range e.reads {
		r := &e.reads[i]
		brings := func(o read) bool { return slices.Contains(r.returned, o.issued.Submission) && e.found(&o) }
		if len(r.returned) == 0 || !e.found(r) || !slices.ContainsFunc(e.issuedReads(), brings) {
			continue
		}
		places, err := v.placesOf(ctx, l, &findings.Match{Submission: r.issued.Submission, Page: r.page})
		for k := 0; k < len(places) && len(places) > 1 && r.alone == nil && err == nil; k++ {
			err = v.aloneAt(ctx, l, e, r, &places[k])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// found reports whether tracing found the copy of r.
func (e *evidence) found(r *read) bool {
	c := tracedCopy(traceOf(e.traces, r.issued.Submission), r.copy)
	return c != nil && c.Found
}

// placesOf returns the places in a leak, at most [maxApart], that show a page, or a picture of the same capture. Each is
// covered before the next is looked for.
func (v *Investigator) placesOf(ctx context.Context, l *leakPicture, m *findings.Match) (all []findings.Quad, err error) {
	o, err := v.original(ctx, pageOf(m))
	if err != nil || o == nil {
		return nil, err
	}
	row, err := v.engine().Page(ctx, pageOf(m))
	if err != nil {
		return nil, gone(err)
	}
	for left := l.part(l.Image.Rect); len(all) < maxApart; {
		v.locate(ctx, left, row.Seq, o.of)
		s, err := left.lay(ctx, o)
		at := o.lies(s)
		if at == nil || slices.ContainsFunc(all, func(q findings.Quad) bool { return !(overlap(at, &q) <= maxOverlap) }) {
			return all, err
		}
		all, left = append(all, *at), left.part(left.Image.Rect)
		draw.Draw(left.Image, left.covers(bounds(at)), image.NewUniform(color.Gray{Y: 128}), image.Point{}, draw.Src)
	}
	return all, nil
}

// aloneAt sets a place as r.alone if tracing finds the copy of r there. It must find no copy of the uploads that came in
// with its mark, though it would.
func (v *Investigator) aloneAt(ctx context.Context, l *leakPicture, e *evidence, r *read, at *findings.Quad) error {
	here := l.part(l.covers(bounds(at)))
	t, err := v.traceAgainst(ctx, here, &findings.Match{Submission: r.issued.Submission, Page: r.page}, traceLevel/maxApart)
	if err != nil || t == nil || !slices.ContainsFunc(t.rows, func(c registry.Copy) bool { return c.ID == r.copy }) {
		return err
	}
	for _, id := range r.returned {
		t, err := v.traceAgainst(ctx, here, &findings.Match{Submission: id, Page: e.page(id)}, traceLevel/maxApart)
		if err != nil || t == nil || !wouldShow(&t.Tracing) || len(t.rows) > 0 {
			return err
		}
	}
	r.alone = at
	return nil
}

// cameBack returns the siblings of the upload of r, and the uploads that the leak shows, that carry the mark of r. It
// returns none if originals or mark keys are not at hand, or only named uploads are searched.
func (v *Investigator) cameBack(ctx context.Context, e *evidence, r *read) (out []watermark.Submission, err error) {
	if v.cfg.SealKey == nil || len(v.cfg.Keys) == 0 || len(v.cfg.Against) > 0 {
		return nil, nil
	}
	of := findings.Match{Submission: r.issued.Submission, Page: r.page}
	all, err := v.family(ctx, pageOf(&of))
	if err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	for i := range e.matches {
		if m := &e.matches[i]; showsCapture(m.Pixels) {
			all = append(all, sibling{page: pageOf(m), whole: m.Submission})
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
		if slices.Contains(carries, r.copy) {
			out = append(out, s.whole)
		}
	}
	return out, nil
}

// carries returns the copies whose marks the original of a page carries: by reading, or if that finds none, by tracing it
// against the page of. The result is kept.
func (v *Investigator) carries(ctx context.Context, page watermark.Submission, of *findings.Match) (copies []watermark.CopyID, err error) {
	about := [2]watermark.Submission{page, pageOf(of)}
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
	reading, err := watermark.Skim(ctx, o.image, v.cfg.Keys...)
	if err != nil && !errors.Is(err, watermark.ErrTooSmall) {
		return nil, err
	}
	if err == nil {
		for _, d := range reading.Marks {
			copies = append(copies, d.Copy)
		}
	}
	if len(copies) == 0 {
		t, err := v.traceAgainst(ctx, &leakPicture{Picture: &picture.Picture{Image: o.image}}, of, traceLevel)
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

// holdersOfReturned returns who had uploads that leaks show and that carry the mark of a copy, by upload.
func (v *Investigator) holdersOfReturned(ctx context.Context, id watermark.CopyID, leaks []*Finding) (out []findings.Return, err error) {
	for _, l := range leaks {
		for _, upload := range l.returnedAs(id) {
			if slices.ContainsFunc(out, func(r findings.Return) bool { return r.Submission == upload }) {
				continue
			}
			x := findings.Return{Submission: upload}
			facts, err := v.cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: upload})
			if errors.Is(err, registry.ErrNotFound) { // of findings of another registry: who had it is not known
				out = append(out, x)
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, h := range facts {
				x.Holders = append(x.Holders, findings.HandOn{Party: h.Recipient, Entered: h.Entered, Note: h.Note})
			}
			copies, err := v.cfg.Registry.Copies(ctx, upload)
			if err != nil {
				return nil, err
			}
			for _, c := range handedOut(copies) {
				x.Holders = append(x.Holders, findings.HandOn{Party: c.Recipient, Entered: c.Issued, Note: "copy " + c.ID.String() + " of the upload"})
			}
			out = append(out, x)
		}
	}
	return out, nil
}
