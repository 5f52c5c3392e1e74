package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// noteDamaged is what is said of a file that is no readable picture.
const noteDamaged = "Could not be decoded."

// notePages is what is said of a file with more pictures than were examined: what is found
// of the first says nothing of the others.
func notePages(pages int) string {
	if pages < 2 {
		return ""
	}
	return fmt.Sprintf(" Only the first of %d pages was examined.", pages)
}

// A Reading is a mark that was read in a leak, or found by tracing.
type Reading struct {
	Copy       watermark.CopyID     `json:"copy"`
	KeyID      string               `json:"key_id"`
	LogP       *float64             `json:"log10_p"`             // of the blind read; null: found by tracing alone
	Submission watermark.Submission `json:"submission,omitzero"` // that the copy was made of; zero: the registry has no such copy
	Issued     time.Time            `json:"issued,omitzero"`     // when that copy was
	Shows      string               `json:"shows"`               // what the pixels say of the leak and that submission: one of the constants
	Erased     bool                 `json:"erased,omitempty"`    // that submission was
}

// state writes a conclusion and its numbers into the verdict, with all the evidence
// that it was drawn from: see [Verdict.evidence].
func (v *Verdict) state(e evidence, c conclusion) {
	v.Forgeable, v.TooFlat, v.Recall = c.forgeable, e.tooFlat, c.recall
	v.Finding, v.Unconfirmed, v.Submission, v.Note = c.finding, c.unconfirmed, c.submission, c.note+notePages(v.Pages)
	v.Matches = append(v.Matches, e.matches...)
	for i := range e.matches {
		if e.matches[i].Submission == c.submission {
			v.Distance = &e.matches[i].Distance
		}
	}
	v.Keys = e.keys()
	v.Traces = append(v.Traces, e.traces...)
	for i := range e.reads {
		v.Reads = append(v.Reads, e.reads[i].reading())
	}
	if t := traceOf(e.traces, c.submission); t != nil {
		v.Power, v.Edits = &t.Power, append(v.Edits, t.Edits...)
	}
	r := c.read
	if r == nil && len(e.reads) > 0 {
		r = &e.reads[0] // of a copy that was never issued
	}
	if r != nil {
		v.KeyID, v.LogP = r.keyID, stated(r.logP())
		if r.blind != 0 {
			v.BlindLogP = stated(r.blind)
		}
		if r.traced != nil {
			v.TraceLogP = stated(r.traced.LogP)
		}
	}
	if c.read != nil {
		v.Copy = c.read.copy
		v.Accused = append(v.Accused, c.accused...)
		for _, r := range append([]read{*c.read}, c.also...) {
			v.mark(r.issued.Recipient)
			if c.finding == FoundCopy && !c.unconfirmed {
				v.Issued = append(v.Issued, *r.issued)
			}
		}
	}
	v.Recipient = v.MayName()
}

// mark lists a recipient of a copy that was found, once.
func (v *Verdict) mark(recipient string) {
	if !slices.Contains(v.marked, recipient) {
		v.marked = append(v.marked, recipient)
	}
}

func (r *read) reading() Reading {
	x := Reading{Copy: r.copy, KeyID: r.keyID, Shows: r.shows, Erased: r.erased}
	if r.blind != 0 {
		x.LogP = &r.blind
	}
	if r.issued != nil {
		x.Submission, x.Issued = r.issued.Submission, r.issued.Issued
	}
	return x
}

// evidence is what the verdict was concluded from. Opens says whether originals could
// be opened. Of the copies that are not confirmed only what a verdict says is known.
func (v *Verdict) evidence(opens bool) evidence {
	e := evidence{matches: slices.Clone(v.Matches), traces: slices.Clone(v.Traces), tooFlat: v.TooFlat, opens: opens,
		recall: recallOf(v.Searched, max(v.Width, v.Height))}
	for _, x := range v.Reads {
		r := read{copy: x.Copy, keyID: x.KeyID, shows: x.Shows, erased: x.Erased}
		if x.LogP != nil {
			r.blind = *x.LogP
		}
		if x.Submission != (watermark.Submission{}) {
			v.bindIssued(&e, &r, x)
		}
		e.reads = append(e.reads, r)
	}
	return e
}

// bindIssued gives a read of an issued copy its row, its key and what tracing said.
func (v *Verdict) bindIssued(e *evidence, r *read, x Reading) {
	r.issued = &registry.Copy{ID: x.Copy, Submission: x.Submission, KeyID: x.KeyID, Issued: x.Issued}
	for i := range v.Issued {
		if c := &v.Issued[i]; c.ID == x.Copy && c.Submission == x.Submission && c.KeyID == x.KeyID && c.Issued.Equal(x.Issued) {
			r.issued = c
		}
	}
	for i := range v.Keys {
		if v.Keys[i].KeyID == x.KeyID {
			r.key = &v.Keys[i]
		}
	}
	t := traceOf(e.traces, x.Submission)
	r.traced = t.copy(x.Copy)
	r.lacks = r.blind != 0 && t.wouldShow() && r.traced != nil && !r.traced.Found
}
