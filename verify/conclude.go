package verify

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/internal/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// confirmed reports whether the leak shows the submission of the copy that was read. The same
// pixels show it, unless the part of the mark that is this copy's alone is missing. Altered pixels,
// and pixels that leave the question open, need that part: tracing must have found it. Pixels of every other word
// confirm nothing, since a whole mark can be lifted off a copy and laid onto another picture.
func (r *read) confirmed() bool {
	switch r.shows {
	case PixelsSame:
		return !r.lacks
	case PixelsAltered, PixelsAlike, PixelsPartial, PixelsUndecided:
		return r.found()
	}
	return false
}

// forgeable reports whether the key of an issued copy was recorded as compromised at or before the
// issue. Others may then have made the mark. It is false if the state of the key is not known.
// r.issued must not be nil if r.key is not nil.
func (r *read) forgeable() bool {
	k := r.key
	return k != nil && k.State == registry.KeyCompromised && !k.Since.After(r.issued.Issued)
}

// A conclusion is what follows from the evidence of one leak.
type conclusion struct {
	finding     Finding
	unconfirmed bool
	forgeable   bool                 // unconfirmed for its key alone
	submission  watermark.Submission // that the leak shows or resembles, or of the unconfirmed copy; zero: none
	read        *read                // the mark on which the conclusion rests; nil: none of an issued copy
	also        []read               // other issued copies whose marks were found beside read
	accused     []watermark.CopyID   // see [Verdict].Accused
	recall      *findings.Recall     // of FoundUnknown; nil: not known
	note        string               // sentences, without [notePages]
}

// conclude returns the conclusion from the evidence of one leak. It reads no registry and no clock.
// The first rule that applies wins: several issued copies, one issued copy, a mark that is not
// listed, a submission that the leak shows or resembles, nothing. Beside an issued copy, a mark that the registry does not list only adds to the
// note.
func conclude(e evidence) conclusion {
	c := e.rules()
	if r := e.unissued(); r != nil && c.finding != FoundUnissued {
		c.note += " " + r.unissuedNote()
	}
	_, altered := e.sees(c.submission)
	c.note += alteredNote(altered)
	return c
}

// rules is [conclude] without the sentence on a mark that the registry does not list beside another
// finding.
func (e evidence) rules() conclusion {
	shown := e.shown()
	issued := e.issuedReads()
	switch {
	case len(issued) > 1 && merged(issued):
		return concludeMerged(issued)
	case len(issued) > 1 && collage(issued):
		return concludeCollage(issued)
	case len(issued) > 1:
		return concludeSeveral(e, issued)
	case len(issued) == 1 && issued[0].confirmed():
		r := &issued[0]
		if r.forgeable() {
			return concludeForgeable(r)
		}
		c := concludeCopies(issued)
		c.note = r.note()
		return c
	case len(issued) == 1:
		return concludeUnconfirmed(e, &issued[0])
	}
	switch {
	case e.unissued() != nil && !e.v1:
		return concludeUnissued(e, shown)
	case shown != nil && showsCapture(shown.Pixels):
		return concludeNoMark(e, shown)
	case shown != nil:
		return conclusion{finding: FoundUnreadable, submission: shown.Submission, note: fmt.Sprintf(
			"Matches this submission by its hash (%d of 256 bits apart); its pixels could not settle it (%s). No mark of an issued copy was read.", shown.Distance, shown.Pixels)}
	}
	for _, x := range lookalikes {
		if m := e.first(x.pixels); m != nil {
			return conclusion{finding: FoundLookalike, submission: m.Submission, note: x.note}
		}
	}
	return conclusion{finding: FoundUnknown, recall: e.recall, note: e.unknownNote()}
}

// A lookalike is a word for pixels of leaks that resemble a submission without showing it, with the
// note on such a leak.
type lookalike struct{ pixels, note string }

// lookalikes are the words for pixels of leaks that resemble a submission without showing it.
// The strongest comes first, and each has the note on such a leak.
var lookalikes = []lookalike{
	{PixelsAlike, "Shows the same document as this submission, but nothing in it says that it is the same capture: it may be another picture of that document, taken for another service."},
	{PixelsPartial, "Looks like this submission, but too little of it is there to tell it from another document of the template."},
	{PixelsDifferent, "Looks like this submission but differs from it in places, as another capture of the same template does, or an edited picture."},
}

// concludeNoMark returns the conclusion for a leak that shows a submission by its pixels, without a
// mark of an issued copy. shown is the match with that submission. The finding is [FoundUnmarked]
// only if tracing would have found a mark and no other mark was read, else [FoundUnreadable].
func concludeNoMark(e evidence, shown *Match) conclusion {
	c := conclusion{finding: FoundUnreadable, submission: shown.Submission}
	t := traceOf(e.traces, shown.Submission)
	switch {
	case len(e.reads) > 0 || t == nil:
		c.note = "Shows this submission; no mark of an issued copy was read, and how likely one would have been found is not known."
	case wouldShow(t) && t.Issued == 0:
		c.finding = FoundUnmarked
		c.note = fmt.Sprintf("Shows this submission and carries no mark under the keys that were tried. No marked copy of the submission is recorded; one would have been found with a probability of %s, unless it was removed on purpose.", share(t.Power))
	case wouldShow(t):
		c.finding = FoundUnmarked
		c.note = fmt.Sprintf("Shows this submission and carries the mark of none of the %s issued of it; one would have been found with a probability of %s, unless it was removed on purpose.", count(t.Issued, "copy", "copies"), share(t.Power))
	case t.Unsought > 0:
		c.note = fmt.Sprintf("Shows this submission; no mark was found, but of %s issued of it the mark keys are not at hand.", count(t.Unsought, "copy", "copies"))
	case !t.Registered:
		c.note = "Shows this submission, but could not be laid onto its original exactly enough to look for a mark; none was read without it."
	default:
		c.note = fmt.Sprintf("Shows this submission; no mark was found, but one would have been found only with a probability of %s: whether it was marked cannot be said.", share(t.Power))
	}
	return c
}

// unissued returns the first mark that was read and that the registry does not list, or nil.
func (e evidence) unissued() *read {
	for i := range e.reads {
		if e.reads[i].issued == nil {
			return &e.reads[i]
		}
	}
	return nil
}

// concludeUnissued returns the conclusion for a leak with a mark that the registry does not list,
// and without a mark of an issued copy. shown is the match with the submission that the leak shows,
// or nil.
func concludeUnissued(e evidence, shown *Match) conclusion {
	c := conclusion{finding: FoundUnissued, note: e.unissued().unissuedNote()}
	if shown != nil {
		c.submission = shown.Submission
		c.note += " The picture shows this submission."
	} else if slices.ContainsFunc(lookalikes, func(x lookalike) bool { return e.first(x.pixels) != nil }) {
		c.note += " The picture resembles a submission of the registry without showing it."
	}
	return c
}

// unissuedNote returns the sentences on a mark that the registry does not list. r.issued must be
// nil.
func (r *read) unissuedNote() string {
	note := fmt.Sprintf("Carries a mark under key %s with the copy ID %s, which this registry does not list under that key. The record of issued copies is incomplete, or another party used the key. The mark counts for no recipient.", r.keyID, r.copy)
	if k := r.key; k != nil && k.State == registry.KeyCompromised {
		note += fmt.Sprintf(" The key is recorded as compromised since %s.", day(k.Since))
	}
	return note
}

// note returns the sentence on a leak for a confirmed copy: how its mark was found (read blind,
// traced, or both), and what shows the copy's submission.
func (r *read) note() string {
	shows := ", and shows the submission that this copy was made of"
	if !showsCapture(r.shows) {
		shows = "; too little of the picture can be seen to compare it otherwise"
	}
	switch {
	case r.blind == 0:
		return fmt.Sprintf("Traced against its original, the mark of copy %s is in this picture%s.", r.copy, shows)
	case r.found() && !showsCapture(r.shows):
		return fmt.Sprintf("Carries the mark of copy %s; traced against the original of its submission, the part of the mark that is this copy's alone is in it too.", r.copy)
	case r.found():
		return fmt.Sprintf("Carries the mark of copy %s, read without and found again with the original, and shows the submission that this copy was made of.", r.copy)
	}
	return fmt.Sprintf("Carries the mark of copy %s and shows the submission that this copy was made of.", r.copy)
}

// concludeForgeable returns the conclusion for a confirmed copy whose key was compromised when the
// copy was issued (see [read.forgeable]). The finding is an unconfirmed copy, and no copy is
// accused. r.key and r.issued must not be nil.
func concludeForgeable(r *read) conclusion {
	return conclusion{finding: FoundCopy, unconfirmed: true, forgeable: true, submission: r.issued.Submission, read: r, note: fmt.Sprintf(
		"Carries the mark of copy %s and shows the submission that this copy was made of; but its mark key is recorded as compromised since %s, before the copy was issued on %s: any holder of the key could have made this mark.",
		r.copy, r.key.Since.UTC().Format(time.RFC3339), r.issued.Issued.UTC().Format(time.RFC3339))}
}

// concludeUnconfirmed returns the conclusion for the only issued copy that was read, r, which is
// not confirmed. The finding is [FoundTransplanted] if the copy's own part of the mark is missing.
// It also is if the leak shows another submission, which is then the conclusion's. Otherwise it is an
// unconfirmed copy, and the note says why. No copy is accused.
func concludeUnconfirmed(e evidence, r *read) conclusion {
	c := conclusion{finding: FoundCopy, unconfirmed: true, submission: r.issued.Submission, read: r}
	if r.lacks && showsCapture(r.shows) {
		c.finding, c.unconfirmed = FoundTransplanted, false
		c.note = fmt.Sprintf("Carries the ID of copy %s and shows its submission, but not the part of the mark that is this copy's alone, which would have been found with a probability of %s: that ID was laid onto an unmarked picture, which says nothing about the copy's recipient.",
			r.copy, share(traceOf(e.traces, r.issued.Submission).Power))
		return c
	}
	if m := e.positive(r.issued.Submission); m != nil {
		c.finding, c.unconfirmed, c.submission = FoundTransplanted, false, m.Submission
		c.note = fmt.Sprintf("Carries the mark of copy %s, but shows another submission than that copy's: the mark was laid onto it, which says nothing about the copy's recipient.", r.copy)
		return c
	}
	why, known := notConfirmed[r.shows]
	switch {
	case r.erased:
		why = ", whose upload was erased from the registry: there is nothing left to compare the picture with"
	case !known:
		why = "; that the picture shows that copy's submission could not be confirmed"
	}
	c.note = fmt.Sprintf("Carries the mark of copy %s%s, so a transplanted mark is not excluded.", r.copy, why)
	return c
}

// notConfirmed says, by the word for pixels, why a picture with the mark of a copy is not known
// to show that copy's submission.
var notConfirmed = map[string]string{
	PixelsAltered:   " and shows that copy's submission, altered in places, but the part of the mark that is this copy's alone was not found",
	PixelsPartial:   "; what can be seen agrees with that copy's submission, but too little of the picture is there to tell it from another document of the template",
	PixelsAlike:     " and shows the document of that copy's submission, but nothing in it says that it is the same capture",
	PixelsTemplate:  "; the picture has the layout of that copy's submission, but other detail, as another document of the template has",
	PixelsDifferent: "; the picture resembles that copy's submission but differs in places (edited, or another capture)",
	PixelsUnknown:   "; the original of that copy could not be opened for comparison",
}

// keys returns the states of the keys of all marks that were read, each state once: of issued copies
// in the order of [evidence.issuedReads], then of others. Keys whose state is not known are left
// out.
func (e evidence) keys() []registry.KeyState {
	var out []registry.KeyState
	for _, r := range append(e.issuedReads(), e.reads...) {
		if r.key != nil && !slices.Contains(out, *r.key) {
			out = append(out, *r.key)
		}
	}
	return out
}

// issuedReads returns the reads of copies that the registry issued. Of several reads of one copy it
// returns the first. Confirmed copies come first; among equals the strongest mark comes first,
// which has the smallest p ([read.logP]).
func (e evidence) issuedReads() []read {
	var out []read
	for _, r := range e.reads {
		if r.issued != nil && !slices.ContainsFunc(out, func(o read) bool { return o.copy == r.copy }) {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b read) int {
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

// shown returns the match with the submission that the leak shows, or nil if the leak shows no
// submission. It is the first match of the same pixels, else of altered pixels. Without such a match it is the first within
// [phash.MatchRadius] whose pixels are undecided or the same in part, or that rests on its hash
// (see [evidence.byHash]). Pixels of another word, even of the same document, are not enough.
func (e evidence) shown() *Match {
	if m := cmp.Or(e.first(PixelsSame), e.first(PixelsAltered)); m != nil {
		return m
	}
	return find(e.matches, func(m *Match) bool {
		return m.Distance <= phash.MatchRadius && (m.Pixels == PixelsUndecided || m.Pixels == PixelsPartial || e.byHash(m))
	})
}

// byHash reports whether match m may rest on its hash alone: it was not compared by pixels, and it
// could not be, since there is no sealing key or only its hash is kept.
func (e evidence) byHash(m *Match) bool { return m.Pixels == PixelsUnknown && (!e.opens || m.HashOnly) }

// first returns the first match, in the order of e.matches, whose word for the pixels is pixels. It
// returns nil if there is no such match.
func (e evidence) first(pixels string) *Match {
	return find(e.matches, func(m *Match) bool { return m.Pixels == pixels })
}

// positive returns the first match with a submission other than not that the leak positively shows,
// or nil. A match positively shows its submission by the same pixels. A match that may rest on its
// hash ([evidence.byHash]) does so within [sureWithoutPixels] bits. If not itself was matched but
// not compared, only matches before it count.
func (e evidence) positive(not watermark.Submission) *Match {
	for i := range e.matches {
		m := &e.matches[i]
		if m.Submission == not {
			if m.Pixels == PixelsUnknown {
				return nil // nearer than all others that follow
			}
			continue
		}
		if showsCapture(m.Pixels) || e.byHash(m) && m.Distance <= sureWithoutPixels {
			return m
		}
	}
	return nil
}

// unknownNote returns the note on a leak that shows and resembles no submission. It says why, and,
// if e.recall is not nil, how often the search finds leaks of this kind.
func (e evidence) unknownNote() string {
	note := "Matches no submission of the registry, and no mark of an issued copy was read."
	switch {
	case e.tooFlat:
		note = "Shows too little for its hash to be searched, and no mark of an issued copy was read."
	case e.first(PixelsTemplate) != nil:
		note += templateNote(e.first(PixelsTemplate))
	case slices.ContainsFunc(e.matches, func(m Match) bool { return m.Distance <= nearRadius }):
		note = "Its hash lies near submissions of the registry, but their originals do not align with it or could not be opened for comparison; no mark of an issued copy was read."
	}
	if e.recall != nil {
		note += " " + recalled(e.recall, e.missing)
	}
	return note
}

// templateNote returns the sentence, after a space, on a leak that shares its template with the
// submission of match m and shows no submission.
func templateNote(m *Match) string {
	agree := 0.0
	if m.Score != nil {
		agree = *m.Score
	}
	return fmt.Sprintf(" It has the layout of submission %s: %s of the detail there agrees, the rest is other detail. So it is another document of that template.", m.Submission, share(agree))
}

// alteredNote returns the sentence, after a space, on the places that a leak shows altered. It is ""
// without such places.
func alteredNote(places []findings.Region) string {
	if len(places) == 0 {
		return ""
	}
	kinds := map[string]string{"bar": "a bar or blur", "caption": "a caption", "field": "another text or picture", "patch": "a sticker or another picture"}
	sum := 0.0
	var named []string
	for _, p := range places {
		sum += p.Share
		if name := kinds[p.Kind]; !slices.Contains(named, name) {
			named = append(named, name)
		}
	}
	return fmt.Sprintf(" The picture was altered in %s (%s, %s of the upload); outside it shows the same capture.", count(len(places), "place", "places"), list(named), percent(sum))
}

// notExamined are the findings on files that could not be read as pictures, with the note on each.
var notExamined = map[Finding]string{
	FoundDamaged:     "Could not be decoded.",
	FoundUnsupported: "A picture that this program does not read. Convert it, and investigate again.",
	FoundUnopened:    "Could not be opened or read. What it holds is not known.",
	FoundMissing:     "There is no such file.",
	FoundNoPicture:   "Not a picture. It counts for nothing.",
}

// unreadable returns the finding on a file that cannot be read as a picture, by the cause. The name
// decides if the content says nothing: with the ending of a picture, or without an ending, the file
// is damaged.
func unreadable(name string, cause error) Finding {
	var format *picture.FormatError
	var limit *picture.LimitError
	switch {
	case errors.Is(cause, fs.ErrNotExist):
		return FoundMissing
	case errors.As(cause, &limit) && limit.What != "bytes":
		return FoundUnsupported
	case !errors.As(cause, &format):
		return FoundUnopened
	}
	switch format.Kind {
	case picture.Unsupported:
		return FoundUnsupported
	case picture.NoPicture:
		return FoundNoPicture
	case picture.Archive:
		return FoundUnopened
	case picture.Unknown:
		if !dump.MayBePicture(name) {
			return FoundNoPicture
		}
	}
	return FoundDamaged
}

// notePages returns the end of the note on a file of so many pages or frames: only the first was
// examined. It is "" for fewer than 2.
func notePages(pages int) string {
	if pages < 2 {
		return ""
	}
	return fmt.Sprintf(" Only the first of %d pages was examined.", pages)
}
