package verify

import (
	"slices"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A Finding is what was found out about one leak: what is written of it, and rows of the registry that are not.
// Conclusion, Strength, Accused, Note and KeyID follow from Evidence, Picture and Rows: see [Finding.conclude].
type Finding struct {
	File string `json:"file"` // as it was given
	findings.Conclusion
	findings.Strength
	findings.Evidence
	Accused []watermark.CopyID `json:"accused"`        // the confirmed copies; if several copies were read that cannot all be there, all of these, and the finding is Unconfirmed
	Note    string             `json:"note"`           // plain sentences
	Said    []findings.Said    `json:"said,omitempty"` // the sentences of Note
	Error   string             `json:"error,omitempty"`
	findings.Picture
	KeyID string `json:"key_id,omitempty"` // of the mark that was read
	findings.Rows
	Private private `json:"-"` // what no file and no log has
}

// A private is what an investigation knows of a leak, and what is not written.
type private struct {
	found   []registry.Copy                 // the registry's rows of all copies that were read, confirmed or not; nil after reading from JSON
	marked  []string                        // recipients of the copies that were read, confirmed or not: counted, never printed beside the leak
	subject string                          // of Submission: clusters the leaks of one person, and is printed only on request
	others  map[watermark.Submission]string // the same of the submissions in Beside
	leak    look                            // of the file
	upload  look                            // of the original of Submission
}

// Examined reports whether the file could be read as a picture. If not, the finding says why.
func (v *Finding) Examined() bool {
	return !slices.Contains(notExamined, v.Kind)
}

// Label returns the finding as people read it. [findings.Tally].Counts counts leaks by it.
func (v *Finding) Label() string {
	if v.Unconfirmed {
		return string(v.Kind) + " (unconfirmed)"
	}
	return string(v.Kind)
}

// Mark says how the mark of the leak was found. The p of a single leak is left out: it is far smaller than trials can
// bear out.
func (v *Finding) Mark() string {
	traced := v.foundByTrace()
	switch {
	case traced && v.BlindLogP != nil:
		return "read and traced"
	case traced:
		return "traced"
	case v.BlindLogP != nil:
		return "read"
	}
	return ""
}

// MayName returns the recipient that may be named beside a leak: of its confirmed copy, of several the strongest.
// Marks that were or may have been transplanted say nothing about recipients.
func (v *Finding) MayName() string {
	if names := v.MayNames(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// MayNames returns the recipients of all confirmed copies, each once, strongest first.
func (v *Finding) MayNames() []string {
	if v.Kind != findings.FoundCopy || v.Unconfirmed {
		return nil
	}
	var names []string
	for _, c := range v.Issued {
		if !slices.Contains(names, c.Recipient) {
			names = append(names, c.Recipient)
		}
	}
	if len(names) == 0 && v.Recipient != "" {
		names = append(names, v.Recipient)
	}
	return names
}

// confirmedCopies returns the confirmed copies in leaks, each once.
func confirmedCopies(leaks []*Finding) (out []registry.Copy) {
	once := make(map[watermark.CopyID]bool)
	for _, l := range leaks {
		if l.MayName() == "" {
			continue
		}
		for _, c := range l.Issued {
			if !once[c.ID] {
				once[c.ID] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// damaged reports whether the leak carries a part of a mark, and no copy was found: it speaks for and against no
// recipient or holder.
func (v *Finding) damaged() bool {
	return v.Kind == findings.FoundUnreadable && len(v.Reads) == 0 && marked(traceOf(v.Traces, v.Submission))
}

// Weighed reports whether the leak counts in a dump's verdict, and among the pictures that are claimed. Leaks that
// say nothing about where pictures came from do not count. A mark that the registry does not list counts only if the
// picture shows a submission.
func (v *Finding) Weighed() bool {
	switch v.Kind {
	case findings.FoundLookalike, findings.FoundIncomplete:
		return false
	case findings.FoundCopy, findings.FoundUnissued:
		return v.matched()
	}
	return v.Examined()
}

// restsOnRecords reports whether the registry's records of recipients, custody and investigations concern the leak.
func (v *Finding) restsOnRecords() bool { return v.matched() || len(v.Reads) > 0 }

// matched reports whether the leak counts as showing v.Submission. An unconfirmed copy for other reasons than its key
// or its state does not match, although its Submission is set.
func (v *Finding) matched() bool {
	switch v.Kind {
	case findings.FoundUnmarked, findings.FoundUnreadable, findings.FoundTransplanted:
		return true
	case findings.FoundCopy:
		return !v.Unconfirmed || v.Forgeable || v.Void
	case findings.FoundUnissued:
		return v.Submission != watermark.Submission{}
	}
	return false
}

// foundByTrace reports whether tracing found the part of the mark that is the finding's copy's alone.
func (v *Finding) foundByTrace() bool {
	c := tracedCopy(traceOf(v.Traces, v.Submission), v.Copy)
	return c != nil && c.Found
}

// notExamined are the findings on files that could not be read as pictures.
var notExamined = []findings.Kind{findings.FoundDamaged, findings.FoundUnsupported, findings.FoundUnopened, findings.FoundMissing, findings.FoundNoPicture}

// views returns the finding once for each submission whose copies are confirmed in the leak: with that submission, its
// copies alone, and what the registry says of it. The first is of v.Submission. Of one submission or none, it is v
// itself.
func (v *Finding) views() []*Finding {
	if len(v.Beside) == 0 {
		return []*Finding{v}
	}
	own := findings.Beside{Submission: v.Submission, Page: v.Page, Submitted: v.Submitted, Cluster: v.Cluster, SubjectEntered: v.SubjectEntered, Custody: v.Custody}
	out := []*Finding{v.view(own, v.Private.subject)}
	for _, b := range v.Beside {
		out = append(out, v.view(b, v.Private.others[b.Submission]))
	}
	return out
}

// view returns the finding as one of [Finding.views].
func (v *Finding) view(b findings.Beside, subject string) *Finding {
	x := *v
	x.Submission, x.Page, x.Submitted, x.Cluster, x.SubjectEntered, x.Custody, x.Private.subject = b.Submission, b.Page, b.Submitted, b.Cluster, b.SubjectEntered, b.Custody, subject
	x.Recipient, x.Recipients, x.Beside, x.Private.others, x.Issued = "", nil, nil, nil, nil
	for _, c := range v.Issued {
		if c.Submission == b.Submission {
			x.Issued = append(x.Issued, c)
		}
	}
	if len(x.Issued) > 0 {
		x.Copy = x.Issued[0].ID
	}
	for _, r := range v.Reads {
		if r.Copy == x.Copy && r.Submission == b.Submission {
			x.BlindLogP = r.LogP
			break
		}
	}
	return &x
}

// views returns the views of all leaks, in their order.
func views(leaks []*Finding) (out []*Finding) {
	for _, l := range leaks {
		out = append(out, l.views()...)
	}
	return out
}

// EveryCustody returns the facts of custody that cover v.Submission, or a submission in v.Beside.
func (v *Finding) EveryCustody() []registry.Custody {
	out := slices.Clone(v.Custody)
	for _, b := range v.Beside {
		out = append(out, b.Custody...)
	}
	return out
}

// Shows reports whether the conclusion is about a submission: v.Submission, or a submission in v.Beside.
func (v *Finding) Shows(of watermark.Submission) bool {
	return of == v.Submission || slices.ContainsFunc(v.Beside, func(b findings.Beside) bool { return b.Submission == of })
}

// tracedCopy returns what tracing t, which may be nil, says of copy id, or nil.
func tracedCopy(t *findings.Tracing, id watermark.CopyID) *findings.TracedCopy {
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

// marked reports whether the leak carries a part of a mark, by what all copies have in common too. It
// may be that no copy was found.
func marked(t *findings.Tracing) bool {
	return t != nil && t.Registered && t.LogAny <= watermark.PresentLevel
}

// traceOf returns the tracing against a submission, or nil.
func traceOf(all []findings.Tracing, id watermark.Submission) *findings.Tracing {
	for i := range all {
		if all[i].Submission == id {
			return &all[i]
		}
	}
	return nil
}

// A look is a picture in the two sizes that a report shows. A size is nil if the picture is empty
// or cannot be encoded: a report then shows none.
type look struct {
	mosaic  []byte // PNG of [mosaicSide] fields on the longer side, too coarse to recognise a person
	preview []byte // JPEG of at most [previewSide] pixels on the longer side
}

// of returns the size for a report: the preview with reveal, else the mosaic.
func (k look) of(reveal bool) []byte {
	if reveal {
		return k.preview
	}
	return k.mosaic
}
