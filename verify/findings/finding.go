package findings

import (
	"fmt"
	"io"
	"slices"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A Finding is what was found out about one leak. Conclusion, Strength, Note and KeyID follow from Evidence,
// Picture and Rows. Its JSON is the line that the command prints, and an element of a findings file.
type Finding struct {
	File string `json:"file"` // as it was given
	Conclusion
	Strength
	Evidence
	Note  string `json:"note"`           // plain sentences
	Said  []Said `json:"said,omitempty"` // the sentences of Note
	Error string `json:"error,omitempty"`
	Picture
	KeyID string `json:"key_id,omitempty"` // of the mark that was read
	Rows
	Private Private `json:"-"`
}

// A Private is what an investigation knows of a leak, and what no findings file, report or log has.
type Private struct {
	Found   []books.Copy                    // the registry's rows of all copies that were read, confirmed or not; nil after reading from JSON
	Marked  []string                        // recipients of the copies that were read, confirmed or not: counted, never printed beside the leak
	Subject string                          // of Submission: clusters the leaks of one person, and is printed only on request
	Others  map[watermark.Submission]string // the same of the submissions in Beside
	Leak    Look                            // of the file
	Upload  Look                            // of the original of Submission
}

// Format writes "private" for every verb, so that no log of a finding names a customer.
func (Private) Format(s fmt.State, _ rune) { io.WriteString(s, "private") }

// Examined reports whether the file could be read as a picture. If not, the finding says why.
func (v *Finding) Examined() bool { return v.Kind.Examined() }

// Copy returns the first of Copies, or 0.
func (v *Finding) Copy() watermark.CopyID {
	if len(v.Copies) == 0 {
		return 0
	}
	return v.Copies[0]
}

// Label returns the finding as people read it.
func (v *Finding) Label() string { return v.Kind.Label() }

// Mark says how the mark of the leak was found. The p of a single leak is left out: no trials can bear it out.
func (v *Finding) Mark() string {
	own := CopyIn(TraceOf(v.Traces, v.Submission), v.Copy())
	traced := own != nil && own.Found // the part of the mark that is the finding's copy's alone
	switch {
	case v.Exact() != nil:
		return "the same file"
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
	if v.Kind != FoundCopy {
		return nil
	}
	var names []string
	for _, c := range v.Issued {
		if !slices.Contains(names, c.Recipient) {
			names = append(names, c.Recipient)
		}
	}
	if len(names) == 0 {
		return v.Recipients
	}
	return names
}

// ConfirmedCopies returns the confirmed copies in leaks, each once.
func ConfirmedCopies(leaks []*Finding) (out []books.Copy) {
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

// Damaged reports whether the leak carries a part of a mark, and no copy was found: it speaks for and against no party.
func (v *Finding) Damaged() bool {
	return v.Kind == FoundUnreadable && len(v.Reads) == 0 && CarriesMark(TraceOf(v.Traces, v.Submission))
}

// MarkUnsought reports whether no mark was found, and copies were not looked for since their mark keys were not at hand.
func (v *Finding) MarkUnsought() bool {
	t := TraceOf(v.Traces, v.Submission)
	return v.Kind == FoundUnreadable && (v.Unsought || t != nil && t.Unsought > 0)
}

// Weighed reports whether the leak counts in a dump's verdict, and among the pictures that are claimed. Leaks that say
// nothing about where pictures came from do not count. An unlisted mark counts only if the picture shows a submission.
func (v *Finding) Weighed() bool {
	switch v.Kind {
	case FoundLookalike, FoundIncomplete:
		return false
	case FoundCopy, FoundUnconfirmed, FoundUnissued:
		return v.Matched()
	}
	return v.Examined()
}

// RestsOnRecords reports whether the registry's records of recipients, custody and investigations concern the leak.
func (v *Finding) RestsOnRecords() bool { return v.Matched() || len(v.Reads) > 0 }

// Matched reports whether the leak counts as showing v.Submission. An unconfirmed copy for other reasons than its key
// or its state does not match, although its Submission is set.
func (v *Finding) Matched() bool {
	switch v.Kind {
	case FoundCopy, FoundUnmarked, FoundUnreadable, FoundTransplanted:
		return true
	case FoundUnconfirmed:
		return v.Forgeable || v.Void
	case FoundUnissued:
		return v.Submission != watermark.Submission{}
	}
	return false
}

// Exact returns the read of the copy whose file the leak is, byte for byte; nil: it is no issued file.
func (v *Finding) Exact() *Reading {
	if i := slices.IndexFunc(v.Reads, func(r Reading) bool { return r.Exact }); i >= 0 {
		return &v.Reads[i]
	}
	return nil
}

// Unlooked reports whether the leak is an issued file whose mark tracing did not find. Then other uploads with that
// mark, and marks of other copies in it, were not looked for, or are hard to see.
func (v *Finding) Unlooked() bool {
	r := v.Exact()
	if r == nil {
		return false
	}
	c := CopyIn(TraceOf(v.Traces, r.Submission), r.Copy)
	return c == nil || !c.Found
}

// Views returns the finding once for each submission that the leak shows: with that submission, its copies alone, and what
// the registry says of it. The first is of v.Submission. Of one submission or none, it is v itself. A submission beside that one
// is unreadable if it has no confirmed copy, and v has one or another mark.
func (v *Finding) Views() []*Finding {
	if len(v.Beside) == 0 {
		return []*Finding{v}
	}
	own := Beside{Submission: v.Submission, Page: v.Page, Submitted: v.Submitted, Cluster: v.Cluster, SubjectEntered: v.SubjectEntered, Custody: v.Custody}
	beside := each.Of(v.Beside, func(b Beside) *Finding { return v.view(b, v.Private.Others[b.Submission]) })
	return append([]*Finding{v.view(own, v.Private.Subject)}, beside...)
}

// view returns the finding as one of [Finding.Views].
func (v *Finding) view(b Beside, subject string) *Finding {
	x := *v
	x.Submission, x.Page, x.Submitted, x.Cluster, x.SubjectEntered, x.Custody, x.Private.Subject = b.Submission, b.Page, b.Submitted, b.Cluster, b.SubjectEntered, b.Custody, subject
	x.Recipients, x.Beside, x.Private.Others, x.Issued, x.Copies = nil, nil, nil, nil, nil
	for _, c := range v.Issued {
		if c.Submission == b.Submission {
			x.Issued, x.Copies = append(x.Issued, c), append(x.Copies, c.ID)
		}
	}
	if own := b.Submission == v.Submission; v.Kind == FoundTransplanted || v.Kind == FoundUnconfirmed || v.Kind == FoundUnissued {
		if x.Copies = v.Copies; !own { // KeyID stays: there is a mark in the picture
			x.Kind, x.Copies, x.Strength, x.Private.Marked, x.Forgeable, x.Void = FoundUnreadable, nil, Strength{}, nil, false, false
		}
	} else if x.Kind == FoundCopy && len(x.Copies) == 0 {
		x.Kind, x.KeyID, x.Strength, x.Private.Marked = FoundUnreadable, "", Strength{}, nil
		x.Reads = slices.DeleteFunc(slices.Clone(v.Reads), func(r Reading) bool { return r.Submission != b.Submission })
	}
	own := func(r *Reading) bool { return r.Copy == x.Copy() && r.Submission == b.Submission }
	if r := each.Find(v.Reads, own); r != nil {
		x.BlindLogP = r.LogP
	}
	return &x
}

// Views returns the views of all leaks, in their order.
func Views(leaks []*Finding) []*Finding { return slices.Concat(each.Of(leaks, (*Finding).Views)...) }

// EveryCustody returns the facts of custody that cover v.Submission, or a submission in v.Beside.
func (v *Finding) EveryCustody() []books.Custody {
	out := slices.Clone(v.Custody)
	for _, b := range v.Beside {
		out = append(out, b.Custody...)
	}
	return out
}

// Shows reports whether the conclusion is about a submission: v.Submission, or a submission in v.Beside.
func (v *Finding) Shows(of watermark.Submission) bool {
	return of == v.Submission || slices.ContainsFunc(v.Beside, func(b Beside) bool { return b.Submission == of })
}

// CopyIn returns what tracing t, which may be nil, says of copy id, or nil.
func CopyIn(t *Tracing, id watermark.CopyID) *TracedCopy {
	if t == nil {
		return nil
	}
	return each.Find(t.Copies, func(c *TracedCopy) bool { return c.Copy == id })
}

// CarriesMark reports whether the leak has a part of a mark, also by what all copies share: a copy need not be found.
func CarriesMark(t *Tracing) bool {
	return t != nil && t.Registered && t.LogAny <= watermark.PresentLevel
}

// TraceOf returns the tracing against a submission, or nil.
func TraceOf(all []Tracing, id watermark.Submission) *Tracing {
	return each.Find(all, func(t *Tracing) bool { return t.Submission == id })
}

// A Look is a picture in the two sizes that a report shows. A size is nil if the picture is empty
// or cannot be encoded: a report then shows none.
type Look struct {
	Mosaic  []byte // PNG of [tuning.MosaicSide] fields on the longer side, too coarse to recognise a person
	Preview []byte // JPEG of at most [tuning.PreviewSide] pixels on the longer side
}

// Of returns the size for a report: the preview with reveal, else the mosaic.
func (k Look) Of(reveal bool) []byte {
	if reveal {
		return k.Preview
	}
	return k.Mosaic
}

// Shown returns the first view of a leak of each submission that leaks show ([Finding.Matched]).
func Shown(leaks []*Finding) (out []*Finding) {
	seen := make(map[watermark.Submission]bool)
	for _, l := range Views(leaks) {
		if l.Matched() && !seen[l.Submission] {
			seen[l.Submission] = true
			out = append(out, l)
		}
	}
	return out
}

// HashOnly reports whether only the hash is kept of a submission that leaks match.
func HashOnly(leaks []*Finding, of watermark.Submission) bool {
	return slices.ContainsFunc(leaks, func(l *Finding) bool {
		return slices.ContainsFunc(l.Matches, func(m Match) bool { return m.Submission == of && m.HashOnly })
	})
}
