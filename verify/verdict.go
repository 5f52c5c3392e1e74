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

// withoutRecords returns what is left of a finding if the registry's records cannot be read.
func (v *Finding) withoutRecords(g given) *Finding {
	out := &Finding{File: v.File, Picture: v.Picture, Private: private{leak: v.Private.leak}}
	out.Pages, out.Searched = v.Pages, v.Searched
	out.conclude(v.evidence(g).damaged())
	return out
}

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
