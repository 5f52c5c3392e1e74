package conclude

import (
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/watermark"
)

// Evidence is all that one leak showed, as [Conclude] takes it. A [findings.Finding] carries the
// evidence: gather writes it there, and [EvidenceOf] reads it back. A reader who has
// only the findings therefore concludes from the same value as the investigation.
type Evidence struct {
	Matches  []findings.Match // nearest first; within the radius, and aligned ones beyond it
	Reads    []Read           // the blind ones, one for each key under which a mark was found, then those by tracing
	Traces   []findings.Tracing
	Recall   *findings.Recall     // of leaks like this one; nil: nothing was searched
	missing  *findings.Missing    // uploads that were not searched, or only in part; nil: none
	TooFlat  bool                 // the hash has too little to go on
	Sync     float64              // log10 p of a leak's pilots without a mark that was read, PresentLevel or less; 0: above that
	Erased   bool                 // there are copies of erased uploads
	Unsought bool                 // such copies were not looked for
	Closed   int                  // uploads that it may show and that could not be compared
	File     watermark.Submission // that has the very bytes of the leak, if the registry has it
	Side     int                  // longer side of the leak, pixels
	Given
}

// Given is what is known beside the leak.
type Given struct {
	Opens   bool      // there is a sealing key: a match that was not compared could not be opened with it
	FoundAt time.Time // when the leak was found, as stated; zero: not stated
}

// A Read is a mark that was read blind, or found by tracing.
type Read struct {
	Copy     watermark.CopyID
	KeyID    string
	Exact    bool                   // see [findings.Reading].Exact
	Blind    float64                // log10 p of the blind read; 0: not read blind
	Among    int                    // IDs of the list that the blind read was made with; 0: read by the mark's own check
	Traced   *findings.TracedCopy   // what tracing says of the copy: see [bind]; nil: not traced
	Laid     bool                   // tracing found the copy's mark, but not the light and dark of its upload
	Issued   *books.Copy            // nil: the registry has no such copy
	Page     int                    // of the copy's submission, that the leak was compared with; 0: it has one
	Shows    string                 // what the pixels say of the leak and the copy's submission
	Altered  []findings.Region      // where the leak shows that submission altered
	Key      *books.KeyState        // of the mark's key; nil if the registry does not have that key
	Erased   bool                   // the copy's upload was erased
	Rival    string                 // if shows is [findings.PixelsAlike] or [findings.PixelsPage] and the leak shows another upload: what the originals show of each other; "": it shows none
	foundAt  time.Time              // as in [Given]
	sibling  bool                   // the copy's upload is a sibling of the upload that the leak shows
	Returned []watermark.Submission // uploads that carry this mark, and that the leak may show
	Alone    *findings.Quad         // see [findings.Reading].Alone
	Lacks    bool                   // read blind and traced, and the part of the mark that only this copy has is missing, though it would have been found
}

// logP returns log10 p of the stronger of the ways in which the mark was found; 0: in none.
func (r *Read) logP() float64 {
	if r.found() {
		return min(r.Blind, r.Traced.LogP)
	}
	return r.Blind
}

func (r *Read) found() bool { return r.Traced != nil && r.Traced.Found }

// gather writes the evidence into the finding, in place of what was there. The recall, and whether originals could be
// opened, are not written: [EvidenceOf] has them from elsewhere.
func gather(v *findings.Finding, e Evidence) {
	v.TooFlat, v.Closed, v.Sync, v.Erased, v.Unsought = e.TooFlat, e.Closed, e.Sync, e.Erased, e.Unsought
	v.Matches = append(make([]findings.Match, 0, len(e.Matches)), e.Matches...)
	v.Traces = append(make([]findings.Tracing, 0, len(e.Traces)), e.Traces...)
	v.Reads, v.Keys, v.Private.Found = nil, nil, nil
	for _, r := range e.Reads {
		x := findings.Reading{Copy: r.Copy, KeyID: r.KeyID, Exact: r.Exact, Among: r.Among, Shows: r.Shows, Altered: r.Altered, Erased: r.Erased, Rival: r.Rival, Returned: r.Returned, Alone: r.Alone}
		if r.Erased {
			x.Recipient = r.Issued.Recipient // which is said, since nothing can be compared
		}
		if r.Blind != 0 {
			x.LogP = &r.Blind
		}
		if r.Issued != nil {
			x.Submission, x.Page, x.Issued, x.State = r.Issued.Submission, r.Page, r.Issued.Issued, openState(r.Issued)
			v.Private.Found = append(v.Private.Found, *r.Issued)
		}
		if r.Key != nil {
			v.Keys = append(v.Keys, *r.Key)
		}
		v.Reads = append(v.Reads, x)
	}
}

// openState is the state of a copy that is not known to be released; "": it is.
func openState(c *books.Copy) string {
	if c.State == books.CopyReleased {
		return ""
	}
	return c.State
}

// EvidenceOf reads back what [gather] wrote. The finding does not say what is given beside it. After reading the finding from JSON, the rows of copies that are
// not confirmed hold only what a reading says, without the recipient.
func EvidenceOf(v *findings.Finding, g Given) Evidence {
	e := Evidence{Matches: v.Matches, Traces: v.Traces, TooFlat: v.TooFlat, Closed: v.Closed, Sync: v.Sync, Erased: v.Erased, Unsought: v.Unsought, Given: g,
		Recall: RecallOf(v.Searched, max(v.Width, v.Height)), Side: max(v.Width, v.Height)}
	if v.Searched != nil {
		e.missing = v.Searched.Missing
	}
	e.File, _ = watermark.ParseSubmission(v.SHA256[:min(len(v.SHA256), 2*len(e.File))]) // zero without a digest
	for _, x := range v.Reads {
		r := Read{Copy: x.Copy, KeyID: x.KeyID, Exact: x.Exact, Among: x.Among, Page: x.Page, Shows: x.Shows, Altered: x.Altered, Erased: x.Erased, Rival: x.Rival, Returned: x.Returned, Alone: x.Alone, foundAt: g.FoundAt}
		if x.LogP != nil {
			r.Blind = *x.LogP
		}
		for i := range v.Keys {
			if v.Keys[i].KeyID == x.KeyID {
				r.Key = &v.Keys[i]
			}
		}
		if x.Submission != (watermark.Submission{}) {
			bind(v, &r, x)
			m := e.Match(x.Submission)
			r.sibling = m != nil && m.Sibling
		}
		e.Reads = append(e.Reads, r)
	}
	return e
}

// bind gives r, the read of x of an issued copy, its row and what tracing said. Without the row it has what x says.
func bind(v *findings.Finding, r *Read, x findings.Reading) {
	r.Issued = &books.Copy{ID: x.Copy, Recipient: x.Recipient, Submission: x.Submission, KeyID: x.KeyID, Issued: x.Issued, State: x.State}
	for _, c := range slices.Concat(v.Issued, v.Private.Found) {
		if c.ID == x.Copy && c.Submission == x.Submission && c.KeyID == x.KeyID && c.Issued.Equal(x.Issued) && openState(&c) == x.State {
			r.Issued = &c
		}
	}
	t := findings.TraceOf(v.Traces, x.Submission)
	r.Traced = findings.CopyIn(t, x.Copy)
	r.Laid = r.found() && !t.Registered
	r.Lacks = r.Blind != 0 && WouldShow(t) && r.Traced != nil && !r.Traced.Found && r.Traced.Score > tuning.Reversed
}

// Into writes the evidence into the finding, and all that follows from it. File, Picture, Searched, Submitted,
// Cluster, SubjectEntered, Custody, the same in Beside, and References are the caller's.
func Into(v *findings.Finding, e Evidence) {
	gather(v, e)
	e = EvidenceOf(v, e.Given)
	v.Keys = e.keys()
	c := Conclude(e)
	was := v.Beside
	v.Conclusion = findings.Conclusion{Kind: c.Finding, Forgeable: c.forgeable, Void: c.void, Submission: c.Submission, Page: e.Page(c.Submission),
		Submitted: v.Submitted, Cluster: v.Cluster, SubjectEntered: v.SubjectEntered}
	v.Strength = findings.Strength{Edits: []findings.Edit{}}
	if v.Pages > 1 {
		c.say("pages", words.Figures{"n": v.Pages})
	}
	if v.Lacks != "" {
		c.say("lacks", words.Figures{"lacks": v.Lacks})
	}
	v.Note, v.Said = words.Written(c.Said), c.Said
	v.Recall, v.Copies, v.Issued, v.Private.Marked = c.recall, []watermark.CopyID{}, nil, nil
	for i := range e.Matches {
		if e.Matches[i].Submission == c.Submission {
			v.Distance = &e.Matches[i].Distance
		}
	}
	if t := findings.TraceOf(e.Traces, c.Submission); t != nil {
		if v.Edits = append(v.Edits, t.Edits...); c.Read == nil { // where a mark was found, its power says nothing
			v.Power = &t.Power
		}
	}
	_, v.Altered = e.Sees(c.Submission)
	number(v, e, c.Read)
	if c.Read != nil {
		for _, r := range append([]Read{*c.Read}, c.also...) {
			v.Copies = append(v.Copies, r.Copy)
			Mark(v, r.Issued.Recipient)
			if c.Finding == findings.FoundCopy {
				v.Issued = append(v.Issued, *r.Issued)
				show(v, r.Issued.Submission, e.Page(r.Issued.Submission), false, was)
			}
		}
	}
	for i := range e.Matches {
		if m := &e.Matches[i]; v.Matched() && c.further(&e, m) {
			show(v, m.Submission, m.Page, !c.apart(&e, m), was)
		}
	}
	for _, r := range c.Aside {
		Mark(v, r.Issued.Recipient)
	}
	v.Recipients = v.MayNames()
}

// number writes the key and the logarithms of the mark r on which the conclusion rests. If r is nil, the first mark
// that was read is taken, which the registry does not list.
func number(v *findings.Finding, e Evidence, r *Read) {
	if r == nil && len(e.Reads) > 0 {
		r = &e.Reads[0]
	}
	if v.KeyID = ""; r == nil {
		return
	}
	if v.KeyID = r.KeyID; r.logP() != 0 {
		v.LogP = stated(r.logP())
	}
	if r.Blind != 0 {
		v.BlindLogP = stated(r.Blind)
	}
	if r.Traced != nil {
		v.TraceLogP = stated(r.Traced.LogP)
	}
}

// Mark adds the recipient of a copy that was read to v.Private.marked, once.
func Mark(v *findings.Finding, recipient string) {
	if !slices.Contains(v.Private.Marked, recipient) {
		v.Private.Marked = append(v.Private.Marked, recipient)
	}
}

// ClosedLeak returns the finding on a file that could not be examined. cause becomes Error.
func ClosedLeak(file string, finding findings.Kind, pic findings.Picture, cause string) *findings.Finding {
	said := []findings.Said{{Code: string(finding)}}
	return &findings.Finding{File: file, Picture: pic, Error: cause, Note: words.Written(said), Said: said,
		Conclusion: findings.Conclusion{Kind: finding, Copies: []watermark.CopyID{}}, Strength: findings.Strength{Edits: []findings.Edit{}},
		Evidence: findings.Evidence{Matches: []findings.Match{}, Traces: []findings.Tracing{}}}
}

// WithoutRecords returns what is left of a finding if the registry's records cannot be read.
func WithoutRecords(v *findings.Finding, g Given) *findings.Finding {
	out := &findings.Finding{File: v.File, Picture: v.Picture, Private: findings.Private{Leak: v.Private.Leak}}
	out.Pages, out.Searched = v.Pages, v.Searched
	Into(out, EvidenceOf(v, g).Damaged())
	return out
}

// Micro rounds a stated logarithm or probability to a multiple of 1e-6.
func Micro(x float64) float64 { return math.Round(x*1e6) / 1e6 }

func stated(x float64) *float64 {
	x = Micro(x)
	return &x
}

// Damaged returns what is left of the evidence on a leak if a record that concerns it was altered. It is nothing: a mark
// whose copy is not known, or a holder whose custody is hidden, must not make others look guilty.
func (e Evidence) Damaged() Evidence {
	return Evidence{TooFlat: e.TooFlat, Given: e.Given, Closed: e.Closed + 1, Recall: e.Recall}
}

// Sees returns the word for what the pixels say of the leak and a submission, and the places that the leak shows
// altered: from the match with that submission, else from the first read of a copy of it.
func (e *Evidence) Sees(of watermark.Submission) (pixels string, altered []findings.Region) {
	if m := e.Match(of); m != nil {
		return m.Pixels, m.Altered
	}
	if r := each.Find(e.Reads, func(r *Read) bool { return r.Issued != nil && r.Issued.Submission == of }); r != nil {
		return r.Shows, r.Altered
	}
	return findings.PixelsUnknown, nil
}

// WouldShow reports whether tracing t, which may be nil, would have found a mark of any issued copy.
func WouldShow(t *findings.Tracing) bool {
	return t != nil && t.Registered && t.Unsought == 0 && t.Power >= tuning.MinPower
}

// Alike reports whether a leak of that longer side, pixels, may show another document than the upload of m. Its hash is far, and
// what tells documents apart that one fixed camera took is a few pixels of text and face.
func Alike(m *findings.Match, side int) bool {
	return m.Distance > tuning.SureWithoutPixels && m.Region == nil && side < tuning.MinBeside
}

// rulesOut reports whether the leak is no copy of the submission of tracing t: a mark of any issued copy would have
// been found, and there is no part of one. The leak may be another capture.
func rulesOut(t *findings.Tracing) bool {
	return t != nil && t.Unsought == 0 && max(t.Power, t.Withheld) >= tuning.MinPower && t.LogAny > watermark.PresentLevel
}

// Match returns the match of the leak with a submission, nil if e has no such match.
func (e *Evidence) Match(of watermark.Submission) *findings.Match {
	return each.Find(e.Matches, func(m *findings.Match) bool { return m.Submission == of })
}

// Page returns the page of a submission that the leak shows, by the match with it, else by a read of its
// copy; 0 if it has one page, or neither is there.
func (e *Evidence) Page(of watermark.Submission) int {
	m := e.Match(of)
	if m != nil && m.Pixels != findings.PixelsUnknown {
		return m.Page
	}
	if r := each.Find(e.Reads, func(r *Read) bool {
		return r.Issued != nil && r.Issued.Submission == of && r.Shows != findings.PixelsUnknown
	}); r != nil {
		return r.Page
	}
	if m != nil {
		return m.Page
	}
	return 0
}

// sharing returns the number of submissions whose capture the leak shows, if it is a page of several, else 0.
func (e *Evidence) sharing() (n int) {
	paged := false
	for i := range e.Matches {
		if m := &e.Matches[i]; ShowsCapture(m.Pixels) {
			n, paged = n+1, paged || m.Page > 0
		}
	}
	if !paged {
		return 0
	}
	return n
}

// Apart reports whether a submission lies in the leak beside all others that the leak shows. A mark in the
// place of another picture may have been laid onto it.
func (e *Evidence) Apart(of watermark.Submission) bool {
	m := e.Match(of)
	return m != nil && m.Region != nil && !slices.ContainsFunc(e.Matches, func(o findings.Match) bool {
		return o.Submission != of && ShowsCapture(o.Pixels) && !disjoint(m, &o)
	})
}

// ReturnedAs returns the uploads that carry the mark of a copy which is confirmed in the leak, and that it may show.
func ReturnedAs(v *findings.Finding, id watermark.CopyID) (out []watermark.Submission) {
	if !v.Matched() || !slices.ContainsFunc(v.Issued, func(c books.Copy) bool { return c.ID == id }) {
		return nil
	}
	for _, r := range v.Reads {
		if r.Copy == id {
			out = append(out, r.Returned...)
		}
	}
	return out
}

// ShowsCapture reports whether the word says that the leak shows the very capture that the upload is.
func ShowsCapture(pixels string) bool {
	return pixels == findings.PixelsSame || pixels == findings.PixelsAltered
}

// ShowsDocument reports whether the word says no more than that the leak shows the document or page of the upload.
func ShowsDocument(pixels string) bool {
	return pixels == findings.PixelsAlike || pixels == findings.PixelsPage
}

// Aligned reports whether the leak was laid on the original and could be judged.
func Aligned(pixels string) bool {
	return slices.Contains([]string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsPartial, findings.PixelsEdges, findings.PixelsAlike, findings.PixelsPage, findings.PixelsSharper, findings.PixelsDifferent, findings.PixelsTemplate}, pixels)
}

// MayShow reports whether the word says that the leak shows the upload, or that it may.
func MayShow(pixels string) bool {
	return pixels == findings.PixelsUndecided || Aligned(pixels) && !slices.Contains(NotReturned, pixels)
}

// SameDocument reports whether two originals show the same document, perhaps in two captures. pixels
// is the word for them, and score the share of their comparable blocks that agree.
func SameDocument(pixels string, score float64) bool {
	switch pixels {
	case findings.PixelsSame, findings.PixelsAltered, findings.PixelsAlike:
		return true
	case findings.PixelsPartial, findings.PixelsRecaptured:
		return score >= tuning.MinDocumentScore
	}
	return false
}

// PageOf returns the ID under which the page of a match is opened: see [watermark.Submission.Page].
func PageOf(m *findings.Match) watermark.Submission { return m.Submission.Page(m.Page) }
