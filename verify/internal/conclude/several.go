package conclude

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/recall"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/watermark"
)

// Leaks in which the marks of several issued copies are, or which show several uploads; and sentences of notes.

// sure reports whether the read is a confirmed copy whose own part of the mark tracing found, under a key
// that others did not hold. The copy is not void.
func (r *Read) sure() bool {
	return r.confirmed() && (r.Exact || r.found()) && !r.forgeable() && !r.void()
}

// forgeable reports whether others may have made the mark: its key was compromised when the leak was found, as far as is
// known. A holder of the key reads the IDs of copies, and marks their uploads with them. It is false for an unknown state.
func (r *Read) forgeable() bool {
	by := r.foundAt
	if by.Equal(by.Truncate(24 * time.Hour)) { // a day: the leak may have been found at its end
		by = by.Add(24 * time.Hour)
	}
	return r.Key != nil && r.Key.State == books.KeyCompromised && (r.foundAt.IsZero() || !by.Before(r.Key.Since))
}

// comesWith reports whether a sure copy among others brings the mark of r along: its upload came in with that mark, and
// no place of the leak is known that has the mark without the copy.
func (r *Read) comesWith(others []Read) bool {
	return r.Alone == nil && slices.ContainsFunc(others, func(o Read) bool { return o.sure() && slices.Contains(r.Returned, o.Issued.Submission) })
}

// beside splits the reads of a leak: main reads conclude, and others count for no recipient. Sure reads conclude
// alone if no other read is of their submissions: a mark that was laid onto a picture says nothing against the mark
// of the picture's own upload. Nor does a mark that others could make, with a lost key.
func beside(issued []Read) (main, others []Read) {
	for _, r := range issued {
		if r.sure() {
			main = append(main, r)
		} else {
			others = append(others, r)
		}
	}
	ofMain := func(o Read) bool {
		return !o.forgeable() && slices.ContainsFunc(main, func(r Read) bool { return r.Issued.Submission == o.Issued.Submission })
	}
	if len(main) == 0 || slices.ContainsFunc(others, ofMain) {
		return issued, nil
	}
	return main, others
}

// concludeFound returns the conclusion for a picture in which tracing found several copies, each by its own part of
// the mark. All are confirmed and accused, each for its own submission and recipient. The conclusion's submission is
// of the first read that shows its capture, or of the first, whose mark is the strongest.
func concludeFound(issued []Read) conclusion {
	issued = slices.Clone(issued)
	aside := func(r Read) int {
		if ShowsCapture(r.Shows) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(issued, func(a, b Read) int { return aside(a) - aside(b) })
	c := concludeCopies(issued)
	uploads := each.Map(issued, func(r Read) (watermark.Submission, bool) { return r.Issued.Submission, true })
	if len(uploads) == 1 {
		c.say("copies-merged", words.Figures{"copies": copyNames(issued)})
	} else {
		c.say("copies-collage", words.Figures{"n": len(issued), "uploads": len(uploads), "copies": copyNames(issued)})
	}
	return c
}

// concludeSeveral returns the conclusion for a leak in which several issued copies were read that do not fit
// together. The finding is [findings.FoundTransplanted], and no copy is accused, if for each copy the leak shows another
// submission than the copy's. Otherwise it is an unconfirmed copy, and all are accused.
func concludeSeveral(e Evidence, issued []Read) conclusion {
	c := concludeCopies(issued)
	var shows *findings.Match
	elsewhere := 0 // marks of copies of another submission than the leak shows
	for _, r := range issued {
		if m := e.Positive(r.Issued.Submission); m != nil && !r.confirmed() && r.elsewhere(m) {
			shows = m
			elsewhere++
		}
	}
	if elsewhere == len(issued) {
		c.Finding, c.Submission, c.Accused = findings.FoundTransplanted, shows.Submission, nil
		c.say("transplanted", words.Figures{"n": len(issued), "copies": copyNames(issued)})
		return c
	}
	c.Finding = findings.FoundUnconfirmed
	c.say("unconfirmed-several", words.Figures{"copies": copyNames(issued)})
	return c
}

// concludeCopies returns the conclusion of a confirmed copy that rests on the first read and accuses all.
func concludeCopies(issued []Read) conclusion {
	return conclusion{Finding: findings.FoundCopy, Submission: issued[0].Issued.Submission, Read: &issued[0], also: issued[1:],
		Accused: each.Of(issued, func(r Read) watermark.CopyID { return r.Copy })}
}

func copyNames(issued []Read) []string {
	return each.Of(issued, func(r Read) string { return r.Copy.String() })
}

// show adds a submission to v.Beside, once. was has what the registry says of it.
func show(v *findings.Finding, of watermark.Submission, page int, same bool, was []findings.Beside) {
	is := func(b findings.Beside) bool { return b.Submission == of }
	if of == v.Submission || slices.ContainsFunc(v.Beside, is) {
		return
	}
	b := findings.Beside{Submission: of}
	if i := slices.IndexFunc(was, is); i >= 0 {
		b = was[i]
	}
	b.Page, b.Same = page, same
	v.Beside = append(v.Beside, b)
}

// RecallOf returns how often the search found leaks of one kind in recorded trials. s is what the
// search of the leak went by (nil: it was not searched), and side is the longer side of the leak in
// pixels. Uploads that were searched as wholes alone have the lower bound of such searches, and
// uploads that were not searched have 0: Bound is the mean over all uploads. The result is nil if s
// is nil, or if leaks of that kind were not tried: no leak of a trial was black and white.
func RecallOf(s *findings.Searched, side int) *findings.Recall {
	t, err := recall.Recorded()
	if err != nil || s == nil || s.Bilevel {
		return nil
	}
	l := recall.Look{Side: side, Quality: s.Quality}
	if s.Features != nil {
		l.Features, l.Parts = *s.Features, true
	}
	k := t.Of(l)
	n := k.Trials(l)
	if n.Of == 0 {
		return nil // none of that kind was tried
	}
	r := &findings.Recall{Table: t.Version, Kind: k.Name, Found: n.Found, Of: n.Of, Bound: n.Bound}
	if m := s.Missing; m != nil && m.Uploads > 0 {
		all := m.Uploads - m.Whole - m.Flat - m.Damaged
		r.Bound = Micro((float64(float64(all)*n.Bound) + float64(float64(m.Whole)*min(k.Whole.Bound, n.Bound))) / float64(m.Uploads))
	}
	return r
}

// sayRecall adds how often the search finds leaks of the kind of c.recall to the note. m counts the uploads that the
// search could not find, or only in part; nil: none.
func (c *conclusion) sayRecall(m *findings.Missing) {
	r := c.recall
	if r == nil {
		return
	}
	x := words.Figures{"kind": r.Kind, "found": r.Found, "of": r.Of, "bound": words.Share(r.Bound), "clause": "plain"}
	if m != nil {
		x["clause"], x["missing"], x["uploads"] = "some", words.Thousands(float64(m.Damaged+m.Flat+m.Whole)), words.Thousands(float64(m.Uploads))
	}
	c.say("unknown-recall", x)
}

// sayBeside adds the sentence on the further uploads that the leak shows, or looks like in places of their own, without a copy.
func (c *conclusion) sayBeside(e *Evidence) {
	x, names := words.Figures{}, []string{}
	for i := range e.Matches {
		m := &e.Matches[i]
		switch {
		case c.further(e, m) && c.apart(e, m):
			names = append(names, "upload "+m.Submission.String()+" beside")
		case c.further(e, m):
			names = append(names, "upload "+m.Submission.String()+" in the same place")
		case m.Plain && c.Finding == findings.FoundCopy:
			names = append(names, "upload "+m.Submission.String()+" once more")
		case MayShow(m.Pixels) && c.apart(e, m):
			x["looks"], names = true, append(names, "what looks like upload "+m.Submission.String()+" beside")
		}
	}
	if x["uploads"] = names; len(names) > 0 {
		c.say(Further, x)
	}
}

// Further is the code of the sentence of a note on further uploads. Its figure "looks" is there if one is not surely shown.
const Further = "shows-beside"

// further reports whether the leak shows the upload of m besides the uploads that the conclusion rests on: in a place of its own.
// A leak without a mark may show it in the same place as well: then either upload may have leaked.
func (c *conclusion) further(e *Evidence, m *findings.Match) bool {
	if ShowsCapture(m.Pixels) && c.apart(e, m) {
		return true
	}
	same := ShowsCapture(m.Pixels) || m.Sibling && Aligned(m.Pixels) && !slices.Contains(NotReturned, m.Pixels) || e.byHash(m) && m.Distance <= tuning.SureWithoutPixels
	// A page that several have points to no holder. The bytes of a file are of no other upload.
	bare := c.Finding == findings.FoundUnmarked || c.Finding == findings.FoundUnreadable
	return same && bare && m.Submission != c.Submission && e.sharing() < 2 && c.Submission != e.File
}

// apart reports whether an upload lies in the leak beside all uploads that the conclusion rests on.
func (c *conclusion) apart(e *Evidence, m *findings.Match) bool {
	of := []watermark.Submission{c.Submission}
	for _, r := range e.Reads {
		if r.Issued != nil && slices.Contains(c.Accused, r.Copy) {
			of = append(of, r.Issued.Submission)
		}
	}
	return !slices.ContainsFunc(of, func(of watermark.Submission) bool { return of == m.Submission || !disjoint(e.Match(of), m) })
}

// disjoint reports whether two uploads lie in a leak beside each other, or one as a picture over the other.
func disjoint(a, b *findings.Match) bool {
	return a != nil && (a.Inset != b.Inset || a.Region != nil && b.Region != nil && Overlap(a.Region, b.Region) <= tuning.MaxOverlap)
}

// NotReturned are the words for pixels that rule out that a leak derives from an upload.
var NotReturned = []string{findings.PixelsDifferent, findings.PixelsTemplate, findings.PixelsUnrelated}

// concludeUnknown returns the conclusion for a leak that shows and resembles no submission.
func concludeUnknown(e Evidence) conclusion {
	c := conclusion{Finding: findings.FoundUnknown, recall: e.Recall}
	template := e.first(findings.PixelsTemplate)
	why := "plain"
	switch {
	case e.TooFlat:
		why = "flat"
	case template == nil && slices.ContainsFunc(e.Matches, func(m findings.Match) bool { return m.Distance <= tuning.NearRadius }):
		why = "near"
	}
	c.say("unknown", words.Figures{"clause": why})
	if template != nil && !e.TooFlat {
		agree := 0.0
		if template.Score != nil {
			agree = *template.Score
		}
		c.say("unknown-template", words.Figures{"upload": template.Submission.String(), "share": words.Share(agree)})
	}
	c.sayRecall(e.missing)
	return c
}

// sayAltered adds the sentence on the places that a leak shows altered to the note, if there are
// any. Places of [findings.PixelsSame] are so small, or so plain, that a filter may have made them. Of [findings.PixelsPage] without such
// places it says that not all of the page can be read.
func (c *conclusion) sayAltered(pixels string, places []findings.Region) {
	if len(places) == 0 {
		if pixels == findings.PixelsPage {
			c.say("page-hidden", nil)
		}
		return
	}
	sum := 0.0
	var kinds []string
	for _, p := range places {
		sum += p.Share
		if kind := words.Regions[p.Kind]; !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	also := "plain"
	switch pixels {
	case findings.PixelsSame:
		also = "filtered"
	case findings.PixelsPage:
		c.say("page-fields", words.Figures{"n": len(places), "share": words.Percent(sum)})
		return
	}
	c.say("altered", words.Figures{"n": len(places), "kinds": kinds, "share": words.Percent(sum), "clause": also})
}

// sayReturned adds the sentence on uploads that carry the marks of copies that conclude.
func (c *conclusion) sayReturned(e *Evidence, issued []Read) {
	var uploads []string
	how := "came in"
	for _, r := range issued {
		for _, id := range r.Returned {
			if m := e.Match(id); m != nil && m.HashOnly {
				how = "may have come in, since only the hash is kept,"
			}
			if !slices.Contains(uploads, id.String()) {
				uploads = append(uploads, id.String())
			}
		}
	}
	if len(uploads) > 0 {
		c.say("copy-returned", words.Figures{"how": how, "n": len(uploads), "uploads": uploads})
	}
}

// keys returns the states of the keys of all marks that were read, each state once: of issued copies first. Keys
// whose state is not known are left out.
func (e Evidence) keys() []books.KeyState {
	var out []books.KeyState
	for _, r := range append(e.IssuedReads(), e.Reads...) {
		if r.Key != nil && !slices.Contains(out, *r.Key) {
			out = append(out, *r.Key)
		}
	}
	return out
}

// IssuedReads returns the reads of copies that the registry issued, the first of each copy. Confirmed copies come
// first; among equals the strongest mark, which has the smallest p ([Read.logP]).
func (e Evidence) IssuedReads() []Read {
	var out []Read
	for _, r := range e.Reads {
		if r.Issued != nil && !slices.ContainsFunc(out, func(o Read) bool { return o.Copy == r.Copy }) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b Read) int {
		if a.confirmed() != b.confirmed() {
			if a.confirmed() {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.logP(), b.logP())
	})
	return out
}

// Overlap returns the common area of two regions' bounds, 0..1 of the smaller bounds. It is NaN if one has no area.
func Overlap(a, b *findings.Quad) float64 {
	ax0, ay0, ax1, ay1 := Bounds(a)
	bx0, by0, bx1, by1 := Bounds(b)
	both := math.Max(0, math.Min(ax1, bx1)-math.Max(ax0, bx0)) * math.Max(0, math.Min(ay1, by1)-math.Max(ay0, by0))
	return both / math.Min((ax1-ax0)*(ay1-ay0), (bx1-bx0)*(by1-by0))
}

// Bounds returns the smallest and the largest coordinates of the corners of q.
func Bounds(q *findings.Quad) (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = q[0][0], q[0][1], q[0][0], q[0][1]
	for _, p := range q[1:] {
		x0, x1 = math.Min(x0, p[0]), math.Max(x1, p[0])
		y0, y1 = math.Min(y0, p[1]), math.Max(y1, p[1])
	}
	return x0, y0, x1, y1
}
