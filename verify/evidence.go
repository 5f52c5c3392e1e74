package verify

import (
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// evidence is all that one leak showed, as [conclude] takes it. A [Finding] carries the
// evidence: gather writes it there, and [Finding.evidence] reads it back. A reader who has
// only the findings therefore concludes from the same value as the investigation.
type evidence struct {
	matches []findings.Match // nearest first; within the radius, and aligned ones beyond it
	reads   []read           // the blind ones, one for each key under which a mark was found, then those by tracing
	traces  []findings.Tracing
	recall  *findings.Recall  // of leaks like this one; nil: nothing was searched
	missing *findings.Missing // uploads that were not searched, or only in part; nil: none
	tooFlat bool              // the hash has too little to go on
	sync    float64           // log10 p of a leak's pilots without a mark that was read, PresentLevel or less; 0: above that
	erased  bool              // there are copies of erased uploads
	closed  int               // uploads that it may show and that could not be compared
	given
}

// given is what is known beside the leak.
type given struct {
	opens   bool      // there is a sealing key: a match that was not compared could not be opened with it
	foundAt time.Time // when the leak was found, as stated; zero: not stated
}

// A read is a mark that was read blind, or found by tracing.
type read struct {
	copy     watermark.CopyID
	keyID    string
	blind    float64                // log10 p of the blind read; 0: not read blind
	among    int                    // IDs of the list that the blind read was made with; 0: read by the mark's own check
	traced   *findings.TracedCopy   // what tracing says of the copy: see [Finding.bind]; nil: not traced
	laid     bool                   // tracing found the copy's mark, but not the light and dark of its upload
	issued   *registry.Copy         // nil: the registry has no such copy
	page     int                    // of the copy's submission, that the leak was compared with; 0: it has one
	shows    string                 // what the pixels say of the leak and the copy's submission
	altered  []findings.Region      // where the leak shows that submission altered
	key      *registry.KeyState     // of the mark's key; nil if the registry does not have that key
	erased   bool                   // the copy's upload was erased
	rival    string                 // if shows is [findings.PixelsAlike] or [findings.PixelsPage] and the leak shows another upload: what the originals show of each other; "": it shows none
	foundAt  time.Time              // as in [given]
	sibling  bool                   // the copy's upload is a sibling of the upload that the leak shows
	returned []watermark.Submission // uploads that carry this mark, and that the leak may show
	alone    *findings.Quad         // see [findings.Reading].Alone
	lacks    bool                   // read blind and traced, and the part of the mark that only this copy has is missing, though it would have been found
}

// logP returns log10 p of the stronger of the ways in which the mark was found; 0: in none.
func (r *read) logP() float64 {
	if r.found() {
		return min(r.blind, r.traced.LogP)
	}
	return r.blind
}

// found reports whether tracing found the part of the mark that only this copy has.
func (r *read) found() bool { return r.traced != nil && r.traced.Found }

// gather writes the evidence into the finding, in place of what was there. The recall, and whether originals could be
// opened, are not written: [Finding.evidence] has them from elsewhere.
func (v *Finding) gather(e evidence) {
	v.TooFlat, v.Closed, v.Sync, v.Erased = e.tooFlat, e.closed, e.sync, e.erased
	v.Matches = append(make([]findings.Match, 0, len(e.matches)), e.matches...)
	v.Traces = append(make([]findings.Tracing, 0, len(e.traces)), e.traces...)
	v.Reads, v.Keys, v.Private.found = nil, nil, nil
	for _, r := range e.reads {
		x := findings.Reading{Copy: r.copy, KeyID: r.keyID, Among: r.among, Shows: r.shows, Altered: r.altered, Erased: r.erased, Rival: r.rival, Returned: r.returned, Alone: r.alone}
		if r.erased {
			x.Recipient = r.issued.Recipient // which is said, since nothing can be compared
		}
		if r.blind != 0 {
			x.LogP = &r.blind
		}
		if r.issued != nil {
			x.Submission, x.Page, x.Issued, x.State = r.issued.Submission, r.page, r.issued.Issued, openState(r.issued)
			v.Private.found = append(v.Private.found, *r.issued)
		}
		if r.key != nil {
			v.Keys = append(v.Keys, *r.key)
		}
		v.Reads = append(v.Reads, x)
	}
}

// openState is the state of a copy that is not known to be released; "": it is.
func openState(c *registry.Copy) string {
	if c.State == registry.CopyReleased {
		return ""
	}
	return c.State
}

// evidence reads back what [Finding.gather] wrote. The finding does not say what is given beside it. After reading the finding from JSON, the rows of copies that are
// not confirmed hold only what a reading says, without the recipient.
func (v *Finding) evidence(g given) evidence {
	e := evidence{matches: v.Matches, traces: v.Traces, tooFlat: v.TooFlat, closed: v.Closed, sync: v.Sync, erased: v.Erased, given: g,
		recall: recallOf(v.Searched, max(v.Width, v.Height))}
	if v.Searched != nil {
		e.missing = v.Searched.Missing
	}
	for _, x := range v.Reads {
		r := read{copy: x.Copy, keyID: x.KeyID, among: x.Among, page: x.Page, shows: x.Shows, altered: x.Altered, erased: x.Erased, rival: x.Rival, returned: x.Returned, alone: x.Alone, foundAt: g.foundAt}
		if x.LogP != nil {
			r.blind = *x.LogP
		}
		for i := range v.Keys {
			if v.Keys[i].KeyID == x.KeyID {
				r.key = &v.Keys[i]
			}
		}
		if x.Submission != (watermark.Submission{}) {
			v.bind(&r, x)
			m := e.match(x.Submission)
			r.sibling = m != nil && m.Sibling
		}
		e.reads = append(e.reads, r)
	}
	return e
}

// bind gives r, the read of x of an issued copy, its row and what tracing said. Without the row it has what x says.
func (v *Finding) bind(r *read, x findings.Reading) {
	r.issued = &registry.Copy{ID: x.Copy, Recipient: x.Recipient, Submission: x.Submission, KeyID: x.KeyID, Issued: x.Issued, State: x.State}
	for _, c := range slices.Concat(v.Issued, v.Private.found) {
		if c.ID == x.Copy && c.Submission == x.Submission && c.KeyID == x.KeyID && c.Issued.Equal(x.Issued) && openState(&c) == x.State {
			r.issued = &c
		}
	}
	t := traceOf(v.Traces, x.Submission)
	r.traced = tracedCopy(t, x.Copy)
	r.laid = r.found() && !t.Registered
	r.lacks = r.blind != 0 && wouldShow(t) && r.traced != nil && !r.traced.Found
}

// conclude writes the evidence into the finding, and all that follows from it. File, Picture, Searched, Submitted,
// Cluster, SubjectEntered, Custody, the same in Beside, and References are the caller's.
func (v *Finding) conclude(e evidence) {
	v.gather(e)
	e = v.evidence(e.given)
	v.Keys = e.keys()
	c := conclude(e)
	was := v.Beside
	v.Conclusion = findings.Conclusion{Kind: c.finding, Unconfirmed: c.unconfirmed, Forgeable: c.forgeable, Void: c.void, Submission: c.submission, Page: e.page(c.submission),
		Submitted: v.Submitted, Cluster: v.Cluster, SubjectEntered: v.SubjectEntered}
	v.Strength = findings.Strength{Edits: []findings.Edit{}}
	if v.Pages > 1 {
		c.say("pages", figures{"n": v.Pages})
	}
	if v.Lacks != "" {
		c.say("lacks", figures{"lacks": v.Lacks})
	}
	v.Note, v.Said = written(c.said), c.said
	v.Recall, v.Accused, v.Issued, v.Private.marked = c.recall, []watermark.CopyID{}, nil, nil
	for i := range e.matches {
		if e.matches[i].Submission == c.submission {
			v.Distance = &e.matches[i].Distance
		}
	}
	if t := traceOf(e.traces, c.submission); t != nil {
		if v.Edits = append(v.Edits, t.Edits...); c.read == nil { // where a mark was found, its power says nothing
			v.Power = &t.Power
		}
	}
	_, v.Altered = e.sees(c.submission)
	v.number(e, c.read)
	if c.read != nil {
		v.Copy = c.read.copy
		v.Accused = append(v.Accused, c.accused...)
		for _, r := range append([]read{*c.read}, c.also...) {
			v.mark(r.issued.Recipient)
			if c.finding == findings.FoundCopy && !c.unconfirmed {
				v.Issued = append(v.Issued, *r.issued)
				v.show(r.issued.Submission, e.page(r.issued.Submission), was)
			}
		}
	}
	if names := v.MayNames(); len(names) > 1 {
		v.Recipients = names
	} else {
		v.Recipient = v.MayName()
	}
}

// number writes the key and the logarithms of the mark r on which the conclusion rests. If r is nil, the first mark
// that was read is taken, which the registry does not list.
func (v *Finding) number(e evidence, r *read) {
	if r == nil && len(e.reads) > 0 {
		r = &e.reads[0]
	}
	if v.KeyID = ""; r == nil {
		return
	}
	v.KeyID, v.LogP = r.keyID, stated(r.logP())
	if r.blind != 0 {
		v.BlindLogP = stated(r.blind)
	}
	if r.traced != nil {
		v.TraceLogP = stated(r.traced.LogP)
	}
}

// mark adds the recipient of a copy that was read to v.Private.marked, once.
func (v *Finding) mark(recipient string) {
	if !slices.Contains(v.Private.marked, recipient) {
		v.Private.marked = append(v.Private.marked, recipient)
	}
}

// closedLeak returns the finding on a file that could not be examined. cause becomes Error.
func closedLeak(file string, finding findings.Kind, pic findings.Picture, cause string) *Finding {
	said := []findings.Said{{Code: string(finding)}}
	return &Finding{File: file, Picture: pic, Error: cause, Note: written(said), Said: said, Accused: []watermark.CopyID{},
		Conclusion: findings.Conclusion{Kind: finding}, Strength: findings.Strength{Edits: []findings.Edit{}},
		Evidence: findings.Evidence{Matches: []findings.Match{}, Traces: []findings.Tracing{}}}
}

// withoutRecords returns what is left of a finding if the registry's records cannot be read.
func (v *Finding) withoutRecords(g given) *Finding {
	out := &Finding{File: v.File, Picture: v.Picture, Private: private{leak: v.Private.leak}}
	out.Pages, out.Searched = v.Pages, v.Searched
	out.conclude(v.evidence(g).damaged())
	return out
}

// micro rounds a stated logarithm or probability to a multiple of 1e-6.
func micro(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// stated returns a logarithm as findings state it: rounded to whole multiples of 1e-6.
func stated(x float64) *float64 {
	x = micro(x)
	return &x
}

// damaged returns what is left of the evidence on a leak if a record that concerns it was altered. It is nothing: a mark
// whose copy is not known, or a holder whose custody is hidden, must not make others look guilty.
func (e evidence) damaged() evidence {
	return evidence{tooFlat: e.tooFlat, given: e.given, closed: e.closed + 1, recall: e.recall}
}

// sees returns the word for what the pixels say of the leak and a submission, and the places that the leak shows
// altered: from the match with that submission, else from the first read of a copy of it.
func (e *evidence) sees(of watermark.Submission) (pixels string, altered []findings.Region) {
	if m := e.match(of); m != nil {
		return m.Pixels, m.Altered
	}
	if r := find(e.reads, func(r *read) bool { return r.issued != nil && r.issued.Submission == of }); r != nil {
		return r.shows, r.altered
	}
	return findings.PixelsUnknown, nil
}

// wouldShow reports whether tracing t, which may be nil, would have found a mark of any issued copy.
func wouldShow(t *findings.Tracing) bool {
	return t != nil && t.Registered && t.Unsought == 0 && t.Power >= minPower
}

// rulesOut reports whether the leak is no copy of the submission of tracing t: a mark of any issued copy would have
// been found, and there is no part of one. The leak may be another capture.
func rulesOut(t *findings.Tracing) bool {
	return t != nil && t.Unsought == 0 && max(t.Power, t.Withheld) >= minPower && t.LogAny > watermark.PresentLevel
}

// match returns the match of the leak with a submission, nil if e has no such match.
func (e *evidence) match(of watermark.Submission) *findings.Match {
	return find(e.matches, func(m *findings.Match) bool { return m.Submission == of })
}

// page returns the page of a submission that the leak shows, by the match with it, else by a read of its
// copy; 0 if it has one page, or neither is there.
func (e *evidence) page(of watermark.Submission) int {
	m := e.match(of)
	if m != nil && m.Pixels != findings.PixelsUnknown {
		return m.Page
	}
	if r := find(e.reads, func(r *read) bool {
		return r.issued != nil && r.issued.Submission == of && r.shows != findings.PixelsUnknown
	}); r != nil {
		return r.page
	}
	if m != nil {
		return m.Page
	}
	return 0
}

// sharing returns the number of submissions whose very capture the leak shows, if it shows a page of a
// submission of several pages, else 0.
func (e *evidence) sharing() (n int) {
	paged := false
	for i := range e.matches {
		if m := &e.matches[i]; showsCapture(m.Pixels) {
			n, paged = n+1, paged || m.Page > 0
		}
	}
	if !paged {
		return 0
	}
	return n
}

// apart reports whether a submission lies in the leak beside all others that the leak shows. A mark in the
// place of another picture may have been laid onto it.
func (e *evidence) apart(of watermark.Submission) bool {
	m := e.match(of)
	if m == nil || m.Region == nil {
		return false
	}
	return !slices.ContainsFunc(e.matches, func(o findings.Match) bool {
		return o.Submission != of && showsCapture(o.Pixels) && (o.Region == nil || !(overlap(m.Region, o.Region) <= maxOverlap))
	})
}

// overlap returns the area that the bounds of two regions share, as a share, 0..1, of the smaller bounds. It is
// NaN if one has no area.
func overlap(a, b *findings.Quad) float64 {
	ax0, ay0, ax1, ay1 := bounds(a)
	bx0, by0, bx1, by1 := bounds(b)
	both := math.Max(0, math.Min(ax1, bx1)-math.Max(ax0, bx0)) * math.Max(0, math.Min(ay1, by1)-math.Max(ay0, by0))
	return both / math.Min((ax1-ax0)*(ay1-ay0), (bx1-bx0)*(by1-by0))
}

// bounds returns the smallest and the largest coordinates of the corners of q.
func bounds(q *findings.Quad) (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = q[0][0], q[0][1], q[0][0], q[0][1]
	for _, p := range q[1:] {
		x0, x1 = math.Min(x0, p[0]), math.Max(x1, p[0])
		y0, y1 = math.Min(y0, p[1]), math.Max(y1, p[1])
	}
	return x0, y0, x1, y1
}

// find returns a pointer to the first element of all for which is reports true, or nil.
func find[T any](all []T, is func(*T) bool) *T {
	for i := range all {
		if is(&all[i]) {
			return &all[i]
		}
	}
	return nil
}
