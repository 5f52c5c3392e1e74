// Package conclude draws the finding on one leak from its evidence. It is pure: it knows no registry, clock or context.
package conclude

import (
	"cmp"
	"slices"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/watermark"
)

// confirmed reports whether the leak shows the submission of the copy that was read. The issued file itself does. The
// same pixels show it, unless the part of the mark that is this copy's alone is missing. Altered pixels, sharper
// pixels, and pixels that leave the question open, need that part: tracing must have found it, in the light of the
// upload. If the leak shows a sibling of the copy's upload, that part decides alone. Pixels of every other word confirm
// nothing, since a whole mark can be lifted off a copy and laid onto another picture. Nor does the same document or
// page, if the leak shows another upload: unless both uploads are one capture, as a smaller version is.
func (r *Read) confirmed() bool {
	switch {
	case r.Exact:
		return !r.Erased
	case r.Shows == findings.PixelsSame:
		return !r.Lacks
	case r.sibling:
		return r.found() && !r.Laid
	case ShowsDocument(r.Shows) && r.Rival != "" && r.Rival != findings.PixelsSame:
		return false
	}
	return MayShow(r.Shows) && r.found() && !r.Laid
}

// void reports whether the ledger says that no byte of an issued copy was handed out. Its mark in a leak
// contradicts that, and names no recipient.
func (r *Read) void() bool { return r.Issued.State == books.CopyVoid }

// A conclusion is what follows from the evidence of one leak.
type conclusion struct {
	Finding    findings.Kind
	forgeable  bool                 // unconfirmed for its key alone
	void       bool                 // unconfirmed since the copy is void alone
	Submission watermark.Submission // that the leak shows or resembles, or of the unconfirmed copy; zero: none
	Read       *Read                // the mark on which the conclusion rests; nil: none of an issued copy
	also       []Read               // other issued copies whose marks were found beside read
	Aside      []Read               // reads set aside beside sure ones, which nothing rules out: the leak may come from these copies as well
	Accused    []watermark.CopyID   // the copies that the leak may carry together
	recall     *findings.Recall     // of FoundUnknown; nil: not known
	Said       []findings.Said      // the note, in sentences of [words.Notes]
}

func (c *conclusion) say(code string, x words.Figures) {
	c.Said = append(c.Said, findings.Said{Code: code, Figures: x})
}

// sayStates adds sentences on the issued copies that were read and are not known to be released.
func (c *conclusion) sayStates(issued []Read) {
	for _, state := range []string{books.CopyVoid, books.CopyReserved} {
		of := slices.DeleteFunc(slices.Clone(issued), func(r Read) bool { return r.Issued.State != state })
		if len(of) > 0 {
			c.say("copy-is-"+state, words.Figures{"copies": copyNames(of), "n": len(of)})
		}
	}
}

// Conclude returns the conclusion from the evidence of one leak. It reads no registry and no clock.
// The first rule that applies wins. In order: several issued copies, one issued copy, a mark that is not
// listed, a submission shown, a submission not read, a likeness, nothing. Beside an issued copy, a
// mark that the registry does not list only adds to the note.
func Conclude(e Evidence) conclusion {
	all := e.IssuedReads()
	var own, along []Read
	for _, r := range all {
		if r.comesWith(all) {
			along = append(along, r)
		} else {
			own = append(own, r)
		}
	}
	issued, others := beside(own)
	c := e.rules(issued)
	c.Aside = slices.DeleteFunc(slices.Clone(others), func(r Read) bool { return r.Lacks || r.void() })
	c.sayReturned(&e, issued)
	if len(along) > 0 {
		c.say("copies-brought", words.Figures{"n": len(along), "copies": copyNames(along)})
	}
	if len(others) > 0 {
		c.say("copies-beside", words.Figures{"n": len(others), "copies": copyNames(others)})
	}
	if r := e.unissued(); r != nil && c.Finding != findings.FoundUnissued {
		c.sayUnlisted(r)
	}
	if e.Sync < 0 && (c.Finding == findings.FoundUnknown || c.Finding == findings.FoundLookalike || c.Finding == findings.FoundUnreadable) {
		c.say("mark-here", nil)
	}
	c.sayStates(all)
	pixels, altered := e.Sees(c.Submission)
	c.sayAltered(pixels, altered)
	c.sayBeside(&e)
	return c
}

// rules is [Conclude] for issued, the reads that conclude, without the sentences on other marks.
func (e Evidence) rules(issued []Read) conclusion {
	shown := e.Shown()
	switch {
	case len(issued) > 1 && !slices.ContainsFunc(issued, func(r Read) bool { return !r.sure() }):
		return concludeFound(issued)
	case len(issued) > 1:
		return concludeSeveral(e, issued)
	case len(issued) == 1 && issued[0].confirmed():
		r := &issued[0]
		if r.forgeable() { // an unconfirmed copy, and no copy is accused
			c := conclusion{Finding: findings.FoundUnconfirmed, forgeable: true, Submission: r.Issued.Submission, Read: r}
			c.say("copy-forgeable", words.Figures{
				"copy": r.Copy.String(), "since": words.UTC(r.Key.Since), "found": words.StatedFind(r.foundAt),
			})
			return c
		}
		if r.void() {
			c := conclusion{Finding: findings.FoundUnconfirmed, void: true, Submission: r.Issued.Submission, Read: r}
			c.sayCopy(r)
			return c
		}
		c := concludeCopies(issued)
		c.sayCopy(r)
		return c
	case len(issued) == 1:
		return concludeUnconfirmed(e, &issued[0])
	}
	switch {
	case e.unissued() != nil:
		return concludeUnissued(e, shown)
	case shown != nil && ShowsCapture(shown.Pixels):
		return concludeNoMark(e, shown)
	case shown != nil && shown.Pixels == findings.PixelsEdges:
		c := conclusion{Finding: findings.FoundUnreadable, Submission: shown.Submission}
		c.say("by-edges", nil)
		return c
	case shown != nil:
		c := conclusion{Finding: findings.FoundUnreadable, Submission: shown.Submission}
		c.say("by-hash", words.Figures{"bits": shown.Distance, "pixels": shown.Pixels})
		return c
	}
	if e.Closed > 0 {
		c := conclusion{Finding: findings.FoundIncomplete}
		c.say("incomplete", words.Figures{"n": e.Closed})
		return c
	}
	if x, m := e.lookalike(); m != nil {
		c := conclusion{Finding: findings.FoundLookalike, Submission: m.Submission}
		if x == "sharper" {
			c.say("lookalike-sharper", nil)
		} else {
			c.say("lookalike", words.Figures{"clause": x})
		}
		return c
	}
	return concludeUnknown(e)
}

// lookalike returns the match with a submission that the leak resembles without showing it, and the code of what the
// note says of it. The closest resemblance comes first, and last a hash alone (TestHashOfAnotherLetter). Else it returns nil.
func (e Evidence) lookalike() (code string, m *findings.Match) {
	for _, pixels := range []string{findings.PixelsSharper, findings.PixelsAlike, findings.PixelsPage, findings.PixelsPartial, findings.PixelsDifferent} {
		if m := e.first(pixels); m != nil {
			return notConfirmed[pixels], m
		}
	}
	return notConfirmed[findings.PixelsUnknown], each.Find(e.Matches, func(m *findings.Match) bool { return m.HashOnly && e.byHash(m) && m.Distance <= phash.MatchRadius })
}

// concludeNoMark returns the conclusion for a leak that shows a submission by its pixels, without a
// mark of an issued copy. shown is the match with that submission. The finding is [findings.FoundUnmarked]
// only if tracing would have found a mark and no part of a mark is there, of any key, else [findings.FoundUnreadable]. The leak may derive from a copy
// of an erased upload of the same picture: then reading without an original must have found the mark. It is unreadable too
// if it is perhaps sharper than the upload, or if it is small and its hash is far. So it is if several uploads have the page that it shows. Such terms of a bank
// may come from any of them, and nothing may be said of the holders of one.
func concludeNoMark(e Evidence, shown *findings.Match) conclusion {
	c := conclusion{Finding: findings.FoundUnreadable, Submission: shown.Submission}
	t := findings.TraceOf(e.Traces, shown.Submission)
	no, x := "", words.Figures{}
	switch {
	case len(e.Reads) > 0 || t == nil:
		no = "untraced"
	case findings.CarriesMark(t):
		c.say("not-marked-damaged", nil)
		if t.Survival > 0 && t.Survival < watermark.Removed {
			c.say("not-marked-removed", words.Figures{"share": words.Percent(t.Survival)})
		}
		return c
	case e.sharing() > 1:
		no, x["n"] = "shared", e.sharing()
	case e.untold(shown) != nil:
		no, x["upload"] = "alike", e.untold(shown).Submission.String()
	case WouldShow(t) && e.Sync < 0: // perhaps of a key that none of its copies has
		no = "untraced"
	case WouldShow(t) && (e.Unsought || e.Erased && t.Expected < tuning.MinReadScore):
		no = "erased-sibling"
	case WouldShow(t) && e.Closed > 0:
		no = "closed"
	case WouldShow(t) && shown.PerhapsSharper:
		no = "perhaps-sharper"
	case WouldShow(t) && Alike(shown, e.Side):
		c.say("by-hash", words.Figures{"bits": shown.Distance, "pixels": shown.Pixels + ", in a small picture"})
		return c
	case WouldShow(t):
		c.Finding = findings.FoundUnmarked
		x["clause"], x["power"] = "any", words.Power(t.Power)
		if t.Issued > 0 {
			x["clause"], x["n"] = "issued", t.Issued
		}
		c.say("unmarked", x)
		return c
	case t.Unsought > 0:
		no, x["n"] = "keys", t.Unsought
	case !t.Registered:
		no = "aside"
	default:
		no, x["power"], x["needed"] = "weak", words.Share(t.Power), words.Share(tuning.MinPower) // as computed: trials allow less to be claimed
	}
	x["clause"] = no
	c.say("not-marked", x)
	return c
}

// untold returns a match with another upload than shown, of the same document, page or capture, that the leak shows or may show.
// Tracing would not have found a mark of it: the leak may be of its copy. It is nil if all others are ruled out.
func (e *Evidence) untold(shown *findings.Match) *findings.Match {
	return each.Find(e.Matches, func(m *findings.Match) bool {
		return (ShowsCapture(m.Pixels) || ShowsDocument(m.Pixels) && len(m.Altered) == 0 || m.Sibling) && m.Submission != shown.Submission && !rulesOut(findings.TraceOf(e.Traces, m.Submission))
	})
}

// unissued returns the first mark that was read and that the registry does not list, or nil.
func (e Evidence) unissued() *Read {
	return each.Find(e.Reads, func(r *Read) bool { return r.Issued == nil })
}

// concludeUnissued returns the conclusion for a leak with a mark that the registry does not list, and without a mark
// of an issued copy. shown is the match with the submission that the leak shows, or nil.
func concludeUnissued(e Evidence, shown *findings.Match) conclusion {
	c := conclusion{Finding: findings.FoundUnissued}
	c.sayUnlisted(e.unissued())
	if shown != nil {
		c.Submission = shown.Submission
		c.say("unlisted-upload", words.Figures{"how": "shows"})
	} else if _, m := e.lookalike(); m != nil {
		c.say("unlisted-upload", words.Figures{"how": "resembles, without showing it,"})
	}
	return c
}

// sayUnlisted adds the sentences on a mark that the registry does not list to the note.
func (c *conclusion) sayUnlisted(r *Read) {
	c.say("unlisted", words.Figures{"key": r.KeyID, "copy": r.Copy.String()})
	if k := r.Key; k != nil && k.State == books.KeyCompromised {
		c.say("unlisted-key-lost", words.Figures{"day": words.Day(k.Since)})
	}
}

// sayCopy notes a leak with the mark of copy r: how the mark was found, and whether the pixels show its submission.
func (c *conclusion) sayCopy(r *Read) {
	code, how := "copy", "read"
	switch {
	case r.Exact:
		c.say("copy-exact", words.Figures{"copy": r.Copy.String(), "clause": "plain"})
		return
	case r.Blind == 0:
		how = "compared"
	case r.found():
		how = "both"
	}
	if !ShowsCapture(r.Shows) {
		code = "copy-little"
	}
	c.say(code, words.Figures{"copy": r.Copy.String(), "clause": how})
}

// concludeUnconfirmed returns the conclusion for the only issued copy that was read, r, which is
// not confirmed. The finding is [findings.FoundTransplanted] if the copy's own part of the mark is missing.
// It also is if the leak shows another submission, which is then the conclusion's. Otherwise it is
// an unconfirmed copy, and the note says why. No copy is accused.
func concludeUnconfirmed(e Evidence, r *Read) conclusion {
	c := conclusion{Finding: findings.FoundUnconfirmed, Submission: r.Issued.Submission, Read: r}
	x := words.Figures{"copy": r.Copy.String()}
	if r.Lacks && ShowsCapture(r.Shows) {
		c.Finding = findings.FoundTransplanted
		x["power"] = words.Power(findings.TraceOf(e.Traces, r.Issued.Submission).Power)
		c.say("transplanted-id", x)
		return c
	}
	if m := e.Positive(r.Issued.Submission); m != nil && r.elsewhere(m) {
		c.Finding, c.Submission = findings.FoundTransplanted, m.Submission
		c.say("transplanted", words.Figures{"n": 1, "copies": []string{r.Copy.String()}})
		return c
	}
	code := "unconfirmed"
	why, known := notConfirmed[r.Shows]
	switch {
	case r.Erased:
		if why = "erased"; r.Exact {
			code, why = "copy-exact", "gone"
		}
		x["name"], x["issued"] = r.Issued.Recipient, words.UTC(r.Issued.Issued)
	case r.sibling:
		why = "sibling"
	case r.Laid:
		why = "laid"
	case !known:
		why = "other"
	}
	x["clause"] = why
	c.say(code, x)
	return c
}

// elsewhere reports whether the mark was laid onto the leak, if the leak positively shows another upload. It was not
// if both uploads may be one capture, or the other one, m, came in with this mark. Of an erased upload this is unknown.
func (r *Read) elsewhere(m *findings.Match) bool {
	return !r.undivided() && r.Shows != findings.PixelsUndecided && !r.Erased && !r.sibling && !slices.Contains(r.Returned, m.Submission)
}

// undivided reports whether the leak may be the very capture of the copy's upload, although it shows another
// upload by its pixels: the originals of both show one document.
func (r *Read) undivided() bool {
	return slices.Contains([]string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsAlike, findings.PixelsUnknown}, r.Rival)
}

// notConfirmed has, by the word for pixels, the codes of clauses that say why a picture may not show the upload.
var notConfirmed = map[string]string{
	findings.PixelsAltered:   "altered",
	findings.PixelsPartial:   "part",
	findings.PixelsAlike:     "document",
	findings.PixelsPage:      "page",
	findings.PixelsSharper:   "sharper",
	findings.PixelsTemplate:  "template",
	findings.PixelsDifferent: "differs",
	findings.PixelsUnknown:   "closed",
}

// Shown returns the match with the submission that the leak shows, or nil. It is the submission of the leak's own bytes. Else it
// is the first match of the same pixels, of altered pixels, or with the same edges. Without such a match it is the first within
// [phash.MatchRadius] whose pixels are undecided, the same in part, or closed without the sealing key.
func (e Evidence) Shown() *findings.Match {
	if m := e.Match(e.File); m != nil && (ShowsCapture(m.Pixels) || e.byHash(m)) {
		return m
	}
	if m := cmp.Or(e.first(findings.PixelsSame), e.first(findings.PixelsAltered), e.first(findings.PixelsEdges)); m != nil {
		return m
	}
	return each.Find(e.Matches, func(m *findings.Match) bool {
		return m.Distance <= phash.MatchRadius && (m.Pixels == findings.PixelsUndecided || m.Pixels == findings.PixelsPartial || e.byHash(m) && !m.HashOnly)
	})
}

// byHash reports whether match m may rest on its hash alone: it could not be compared by pixels, since there is no
// sealing key or only its hash is kept.
func (e Evidence) byHash(m *findings.Match) bool {
	return m.Pixels == findings.PixelsUnknown && (!e.Opens || m.HashOnly)
}

func (e Evidence) first(pixels string) *findings.Match {
	return each.Find(e.Matches, func(m *findings.Match) bool { return m.Pixels == pixels })
}

// Positive returns the first match with a submission other than not that the leak positively shows, or nil. A match
// positively shows its submission by the same pixels. A match that may rest on its hash ([Evidence.byHash]) does so
// within [tuning.SureWithoutPixels] bits. If not itself was matched but not compared, only matches before it count. Nor do
// uploads beside it.
func (e Evidence) Positive(not watermark.Submission) *findings.Match {
	for i := range e.Matches {
		m := &e.Matches[i]
		if m.Submission == not {
			if m.Pixels == findings.PixelsUnknown {
				return nil // nearer than all others that follow
			}
			continue
		}
		if !disjoint(e.Match(not), m) && (ShowsCapture(m.Pixels) || e.byHash(m) && m.Distance <= tuning.SureWithoutPixels) {
			return m
		}
	}
	return nil
}
