package examine

import (
	"cmp"
	"context"
	"errors"
	"image"
	"image/draw"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/capture"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A partSearch is what the local features of a leak led to.
type partSearch struct {
	features int                // of the leak
	found    []search.Candidate // of all submissions, best first
}

// searchParts searches the local features of all submissions for what the leak has in common with them: a crop, a
// collage, a screen with a document on it. The result is kept in the leak. It is nil if the catalogue has no features, or if
// a side of the leak is too long for them.
func (v *matcher) searchParts(ctx context.Context) (*partSearch, error) {
	if v.leak.parts != nil || v.Found.Featureless() {
		return v.leak.parts, nil
	}
	query, err := v.leak.features()
	if query == nil {
		return nil, err // the hash of the whole has to do
	}
	var found []search.Candidate
	err = v.Found.Searching(ctx, func(x *parts.Index) error {
		matches, err := x.Search(ctx, query, nil)
		found = each.Of(matches, func(m parts.Match) search.Candidate {
			return search.Candidate{Ref: m.Ref, Region: quad(m.Leak), Score: m.Score}
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	v.leak.parts = &partSearch{query.Len(), found}
	return v.leak.parts, nil
}

// partCandidates returns the best [tuning.MaxParts] submissions that the search by parts found, except those in known.
func (v *matcher) partCandidates(ctx context.Context, known []search.Candidate) ([]search.Candidate, error) {
	s, err := v.searchParts(ctx)
	if err != nil || s == nil {
		return nil, err
	}
	if v.leak.searched != nil {
		v.leak.searched.Features = &s.features
	}
	var out []search.Candidate
	for _, m := range s.found {
		has := func(c search.Candidate) bool { return c.Ref == m.Ref }
		if slices.ContainsFunc(known, has) || slices.ContainsFunc(out, has) {
			continue
		}
		if out = append(out, m); len(out) == tuning.MaxParts {
			break
		}
	}
	return out, nil
}

// quad moves the origin of q from the first pixel's centre to its corner, and rounds to tenths of a pixel.
func quad(q [4][2]float64) *findings.Quad {
	for i := range q {
		for k := range q[i] {
			q[i][k] = math.Round((q[i][k]+0.5)*10) / 10
		}
	}
	out := findings.Quad(q)
	return &out
}

// clearlyBehind reports whether c lies where shown lies in the leak, and shares far less: see [tuning.ClearScore].
func clearlyBehind(c *search.Candidate, shown *search.Candidate) bool {
	x0, y0, x1, y1 := conclude.Bounds(shown.Region)
	a, b, d, e := conclude.Bounds(c.Region)
	x, y := (a+d)/2, (b+e)/2
	return c.Score < float64(tuning.ClearScore*shown.Score) && x > x0 && x < x1 && y > y0 && y < y1
}

// cut returns the part of a leak around region q, with a margin of [tuning.PartMargin] of the region's longer side, as a new
// leak. It is l itself if the part is the whole leak or empty.
func (l *Leak) cut(q *findings.Quad) *Leak {
	x0, y0, x1, y1 := conclude.Bounds(q)
	margin := float64(tuning.PartMargin * math.Max(x1-x0, y1-y0)) // not fused with what follows: the cut is the same on every processor
	r := l.covers(x0-margin, y0-margin, x1+margin, y1+margin)
	if r == l.Image.Rect || r.Empty() {
		return l
	}
	part := l.part(r)
	part.whole, part.corner = l, r.Min.Sub(l.Image.Rect.Min)
	return part
}

// goesOn reports whether the leak goes on beside region q: on one side by [tuning.MinRest] of the region, and enough for a mark.
func (l *Leak) goesOn(q *findings.Quad) bool {
	x0, y0, x1, y1 := conclude.Bounds(q)
	return slices.ContainsFunc(l.beside(q, tuning.MinStrip), func(r image.Rectangle) bool {
		return float64(r.Dx()*r.Dy()) >= float64(tuning.MinRest*(x1-x0)*(y1-y0)) && watermark.CheckSize(r.Dx(), r.Dy()) == nil
	})
}

// beside returns the rectangles of a leak beside region q whose sides are side or more.
func (l *Leak) beside(q *findings.Quad, side int) (out []image.Rectangle) {
	in, all := l.covers(conclude.Bounds(q)), l.Image.Rect
	for _, r := range []image.Rectangle{{all.Min, image.Pt(all.Max.X, in.Min.Y)}, {image.Pt(all.Min.X, in.Max.Y), all.Max},
		{all.Min, image.Pt(in.Min.X, all.Max.Y)}, {image.Pt(in.Max.X, all.Min.Y), all.Max}} {
		if min(r.Dx(), r.Dy()) >= side {
			out = append(out, r)
		}
	}
	return out
}

// over returns the rectangles of a leak with something else over the upload of m: of [Leak.patches], and of uploads that may be
// shown in half of its place at most. They lie there, or are other captures of what it shows.
func (l *Leak) over(m *findings.Match, e *conclude.Evidence) []image.Rectangle {
	out := l.patches(m)
	for i := range e.Matches {
		o := &e.Matches[i]
		if o.Region == nil || !conclude.MayShow(o.Pixels) || conclude.ShowsCapture(o.Pixels) || o.Sibling || 2*l.area(o) > l.area(m) || copied(e, o.Submission) {
			continue
		}
		r := l.covers(conclude.Bounds(o.Region))
		if min(r.Dx(), r.Dy()) >= tuning.MinStrip && !slices.ContainsFunc(out, r.Overlaps) {
			out = append(out, r)
		}
	}
	return out
}

// patches returns the rectangles of a leak, [tuning.MinStrip] and more a side, with something else over the upload of m.
func (l *Leak) patches(m *findings.Match) (out []image.Rectangle) {
	for _, a := range m.Altered {
		if q := l.placed(m, &a.Quad); q != nil && a.Kind != capture.Bar {
			if r := l.covers(conclude.Bounds(q)); min(r.Dx(), r.Dy()) >= tuning.MinStrip {
				out = append(out, r)
			}
		}
	}
	return out
}

// moved returns a region of the part r of a leak as a region of the leak; nil is all of the part.
func moved(q *findings.Quad, r image.Rectangle) *findings.Quad {
	if q == nil {
		q = &findings.Quad{{0, 0}, {float64(r.Dx()), 0}, {float64(r.Dx()), float64(r.Dy())}, {0, float64(r.Dy())}}
	}
	out := *q
	for i := range out {
		out[i][0], out[i][1] = out[i][0]+float64(r.Min.X), out[i][1]+float64(r.Min.Y)
	}
	return &out
}

// covers returns the pixels of a leak in a rectangle. Coordinates beyond the leak are cut.
func (l *Leak) covers(x0, y0, x1, y1 float64) image.Rectangle {
	b := l.Image.Rect
	at := func(v float64, low, high int) int { return int(math.Max(float64(low), math.Min(v, float64(high)))) }
	return image.Rect(at(x0, b.Min.X, b.Max.X), at(y0, b.Min.Y, b.Max.Y), at(x1, b.Min.X, b.Max.X), at(y1, b.Min.Y, b.Max.Y)).Intersect(b) // also for what is no number
}

// part returns a copy of the part r of a leak, as a new leak without results.
func (l *Leak) part(r image.Rectangle) *Leak {
	dst := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(dst, dst.Rect, l.Image, r.Min, draw.Src)
	return &Leak{Picture: &picture.Picture{Image: dst}, Known: l.Known}
}

// partMatches compares parts of a leak with the submissions that the search by parts found, and returns the matches
// that align. Once a submission of the same pixels is found, candidates that are clearly behind it are not compared.
// known were looked at before. queries gives the distances of the whole leak's hash.
func (v *matcher) partMatches(ctx context.Context, known []search.Candidate, queries []phash.Hash) ([]findings.Match, error) {
	candidates, err := v.partCandidates(ctx, known)
	if err != nil {
		return nil, err
	}
	var out []findings.Match
	var shown []search.Candidate
	for _, c := range candidates {
		if slices.ContainsFunc(shown, func(s search.Candidate) bool { return clearlyBehind(&c, &s) }) {
			continue
		}
		m, err := v.match(ctx, c)
		if errors.Is(err, registry.ErrNotFound) {
			continue // erased since the catalogue was read, or damaged
		}
		if err != nil {
			return nil, err
		}
		part := v.leak.cut(c.Region)
		v.On(part).locate(ctx, c.Ref, conclude.PageOf(m))
		if err := v.On(part).comparePixels(ctx, m); err != nil {
			return nil, err
		}
		if !conclude.Aligned(m.Pixels) {
			continue
		}
		if conclude.ShowsCapture(m.Pixels) {
			shown = append(shown, c)
		}
		if m.Distance, err = v.Distance(ctx, conclude.PageOf(m), queries); err != nil {
			return nil, err
		}
		out = append(out, *m)
	}
	return out, nil
}

// rest looks at what lies beside the upload that a leak shows, and at other pictures laid over it: a smaller picture, as in a
// screenshot of several, is not found in the whole. Without an upload it looks at the pieces. Marks that are read
// there, and uploads that are or may be there, are added to e.
func rest(ctx context.Context, v *Examiner, l *Leak, e *conclude.Evidence) error {
	shown := shows(e)
	switch {
	case len(v.Cfg.Keys) == 0 || len(v.Cfg.Against) > 0:
		return nil
	case shown == nil && e.Closed > 0:
		return nil
	case shown == nil:
		pieces := l.pieces()
		if l.level == 0 { // most pieces of a page show no upload: hashes say which may
			pieces = slices.DeleteFunc(pieces, func(r image.Rectangle) bool {
				found, err := v.On(l.part(r)).Candidates(ctx)
				return err == nil && (len(found.Near) == 0 || found.Near[0].Distance > phash.MatchRadius)
			})
		}
		return inside(ctx, v, l, e, pieces[:min(len(pieces), tuning.MaxApart)], 0, watermark.Submission{})
	}
	for i := range e.Matches { // what lies over an upload may be the same to the pixel
		if m := &e.Matches[i]; conclude.ShowsCapture(m.Pixels) && l.area(m) > l.area(shown) {
			shown = m
		}
	}
	var all []image.Rectangle
	if shown.Region != nil && l.level == 0 { // of a part, what lies over it
		all = l.beside(shown.Region, tuning.MinStrip)
	}
	return inside(ctx, v, l, e, append(all, l.over(shown, e)...), len(all), shown.Submission)
}

// inside examines parts of a leak and adds to e what they have beyond upload shown. Parts from number insets on lie
// over it, or are pieces. They are not searched for further parts.
func inside(ctx context.Context, v *Examiner, l *Leak, e *conclude.Evidence, all []image.Rectangle, insets int, shown watermark.Submission) error {
	pilots := 0.0 // of marks that were not read in a part
	for i, r := range all {
		part := l.part(r)
		part.level = cmp.Or(l.level, tuning.SiblingLevel) / float64(len(all))
		in, err := gather(ctx, v, part)
		if err == nil && i < insets {
			err = rest(ctx, v, part, &in)
		}
		if err != nil {
			return err
		}
		over := i >= insets && shown != watermark.Submission{} // what is left of the mark below it may be there
		if (&place{l, part, r, over, e, in}).add(shown); !over && len(in.Reads) == 0 {
			pilots = min(pilots, in.Sync)
		}
	}
	e.Sync = min(e.Sync, among(len(all), pilots))
	return nil
}

// among returns the log10 p of pilots in n parts, given that of the strongest; 0: it is above [watermark.PresentLevel].
func among(n int, strongest float64) float64 {
	if p := conclude.Micro(strongest + math.Log10(float64(max(n, 1)))); p <= watermark.PresentLevel {
		return p
	}
	return 0
}

// area returns the pixels of a leak in which an upload lies.
func (l *Leak) area(m *findings.Match) int {
	r := l.Image.Rect
	if m.Region != nil {
		r = l.covers(conclude.Bounds(m.Region))
	}
	return r.Dx() * r.Dy()
}

// A place is a part of a leak with evidence of its own.
type place struct {
	l     *Leak
	part  *Leak              // of l
	r     image.Rectangle    // in the leak
	inset bool               // it lies over an upload
	e     *conclude.Evidence // of the leak
	in    conclude.Evidence  // of the place
}

// add adds to the evidence of the leak what the place has beyond upload shown, and which uploads could not be compared there.
func (p *place) add(shown watermark.Submission) {
	for page := range p.part.closed {
		p.l.close(page, nil)
	}
	p.l.why = cmp.Or(p.l.why, p.part.why)
	p.e.Closed = max(p.e.Closed, len(p.l.closed), p.in.Closed)
	var there findings.Finding
	conclude.Into(&there, p.in)
	for _, x := range p.in.Reads {
		sure := x.Issued != nil && there.Kind == findings.FoundCopy && slices.Contains(there.Copies, x.Copy) && found(&p.in, &x)
		if old := each.Find(p.e.Reads, func(o *conclude.Read) bool { return o.Copy == x.Copy && o.KeyID == x.KeyID }); old != nil {
			if !sure || !p.take(&x) {
				continue
			}
			p.e.Reads = slices.DeleteFunc(p.e.Reads, func(o conclude.Read) bool { return o.Copy == x.Copy })
		} else if x.Issued != nil && !p.take(&x) {
			if m := p.e.Match(x.Issued.Submission); m != nil {
				x.Page, x.Shows, x.Altered = m.Page, m.Pixels, m.Altered
			}
			if p.has(x.Issued.Submission) && !conclude.WouldShow(findings.TraceOf(p.e.Traces, x.Issued.Submission)) {
				continue // nothing in the whole tells whether this mark was laid there
			}
		}
		if p.e.Reads = append(p.e.Reads, x); x.Blind != 0 {
			p.e.Sync = 0 // the pilots are of a mark that is read now
		}
	}
	m := p.in.Match(there.Submission)
	switch {
	case m == nil || there.Kind == findings.FoundCopy || !conclude.MayShow(m.Pixels):
	case !p.has(m.Submission) && !copied(p.e, m.Submission):
		x0, y0, x1, y1 := conclude.Bounds(moved(m.Region, p.r))
		m.Region = moved(nil, p.l.covers(x0, y0, x1, y1).Intersect(p.r).Sub(p.r.Min)) // what is seen of it
		p.enter(m)
	default:
		o := p.e.Match(m.Submission)
		o.Plain = o.Plain || (there.Kind == findings.FoundUnmarked || there.Kind == findings.FoundUnreadable) && copied(p.e, m.Submission)
	}
	for i := range p.e.Matches { // found in the whole, perhaps by the mark, before the place was looked at
		o, m := &p.e.Matches[i], p.in.Match(p.e.Matches[i].Submission)
		o.Inset = o.Inset || p.inset && o.Submission != shown && m != nil && conclude.MayShow(m.Pixels)
	}
}

func (p *place) has(of watermark.Submission) bool {
	m := p.e.Match(of)
	return m != nil && conclude.ShowsCapture(m.Pixels)
}

// take enters the upload of a copy that was read in the place. If the leak as a whole shows this upload, what tracing found in
// the place is entered. An upload found before without a mark is there once more. It returns false if there is nothing to enter.
func (p *place) take(x *conclude.Read) bool {
	of := x.Issued.Submission
	m, t, o, old := p.in.Match(of), findings.TraceOf(p.in.Traces, of), p.e.Match(of), findings.TraceOf(p.e.Traces, of)
	plain := old != nil && old.Registered && !findings.CarriesMark(old) && found(&p.in, x)
	switch {
	case m == nil:
		return false
	case !p.has(of):
		plain = o != nil && (o.Plain || plain && conclude.MayShow(o.Pixels) && o.Region != nil && conclude.Overlap(o.Region, moved(m.Region, p.r)) <= tuning.MaxOverlap)
		if t != nil && old != nil {
			join(t, old)
		}
		p.enter(m)
		p.e.Match(of).Plain = plain
		return true
	case t == nil || old == nil || found(p.e, x) || !found(&p.in, x):
		return false
	}
	join(old, t) // the upload is there twice
	o.Plain = o.Plain || plain
	x.Shows, x.Altered = p.e.Sees(of)
	return found(p.e, x)
}

// enter adds a match of the place, and its trace.
func (p *place) enter(x *findings.Match) {
	m := *x
	m.Region, m.Inset = moved(m.Region, p.r), m.Inset || p.inset
	p.e.Matches = append(slices.DeleteFunc(p.e.Matches, func(o findings.Match) bool { return o.Submission == m.Submission }), m)
	p.e.Traces = slices.DeleteFunc(p.e.Traces, func(o findings.Tracing) bool { return o.Submission == m.Submission })
	if t := findings.TraceOf(p.in.Traces, m.Submission); t != nil {
		p.e.Traces = append(p.e.Traces, *t)
	}
	for i := range p.e.Reads {
		if r := &p.e.Reads[i]; r.Issued != nil && r.Issued.Submission == m.Submission {
			r.Shows, r.Altered = m.Pixels, m.Altered
		}
	}
}
