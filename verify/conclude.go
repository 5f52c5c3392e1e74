package verify

import (
	"cmp"
	"slices"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// confirmed reports whether the leak shows the submission of the copy that was read. The same
// pixels show it, unless the part of the mark that is this copy's alone is missing. Altered pixels,
// sharper pixels, and pixels that leave the question open, need that part: tracing must have found it, in the
// light of the upload. If the leak shows a sibling of the copy's upload, that part decides alone. Pixels of
// every other word confirm nothing, since a whole mark can be lifted off a copy and laid onto
// another picture. Nor does the same document or page, if the leak shows another upload: unless both uploads
// are one capture, such as a picture and its smaller version.
func (r *read) confirmed() bool {
	switch {
	case r.shows == findings.PixelsSame:
		return !r.lacks
	case r.sibling:
		return r.found() && !r.laid
	case showsDocument(r.shows) && r.rival != "" && r.rival != findings.PixelsSame:
		return false
	}
	switch r.shows {
	case findings.PixelsAltered, findings.PixelsEdges, findings.PixelsAlike, findings.PixelsPage, findings.PixelsPartial, findings.PixelsSharper, findings.PixelsUndecided:
		return r.found() && !r.laid
	}
	return false
}

// forgeable reports whether others may have made the mark: its key was compromised when the leak was found, as far as is
// known. A holder of the key reads the IDs of copies, and marks their uploads with them. It is false if the state of
// the key is not known.
func (r *read) forgeable() bool {
	return r.key != nil && r.key.State == registry.KeyCompromised && !(!r.foundAt.IsZero() && r.foundAt.Before(r.key.Since))
}

// void reports whether the ledger says that no byte of an issued copy was handed out. Its mark in a leak
// contradicts that, and names no recipient.
func (r *read) void() bool { return r.issued.State == registry.CopyVoid }

// A conclusion is what follows from the evidence of one leak.
type conclusion struct {
	finding     findings.Kind
	unconfirmed bool
	forgeable   bool                 // unconfirmed for its key alone
	void        bool                 // unconfirmed since the copy is void alone
	submission  watermark.Submission // that the leak shows or resembles, or of the unconfirmed copy; zero: none
	read        *read                // the mark on which the conclusion rests; nil: none of an issued copy
	also        []read               // other issued copies whose marks were found beside read
	accused     []watermark.CopyID   // see [Finding].Accused
	recall      *findings.Recall     // of FoundUnknown; nil: not known
	said        []findings.Said      // the note, in sentences of [notes]
}

// say adds a sentence of [notes], with its figures, to the note.
func (c *conclusion) say(code string, x figures) {
	c.said = append(c.said, findings.Said{Code: code, Figures: x})
}

// sayStates adds sentences on the issued copies that were read and are not known to be released.
func (c *conclusion) sayStates(issued []read) {
	for _, state := range []string{registry.CopyVoid, registry.CopyReserved} {
		of := slices.DeleteFunc(slices.Clone(issued), func(r read) bool { return r.issued.State != state })
		if len(of) > 0 {
			c.say("copy-is-"+state, figures{"copies": copyNames(of), "n": len(of)})
		}
	}
}

// conclude returns the conclusion from the evidence of one leak. It reads no registry and no clock.
// The first rule that applies wins. In order: several issued copies, one issued copy, a mark that is not
// listed, a submission shown, a submission not read, a likeness, nothing. Beside an issued copy, a
// mark that the registry does not list only adds to the note.
func conclude(e evidence) conclusion {
	all := e.issuedReads()
	var own, along []read
	for _, r := range all {
		if r.comesWith(all) {
			along = append(along, r)
		} else {
			own = append(own, r)
		}
	}
	issued, others := beside(own)
	c := e.rules(issued)
	c.sayReturned(issued)
	if len(along) > 0 {
		c.say("copies-brought", figures{"n": len(along), "copies": copyNames(along)})
	}
	if len(others) > 0 {
		c.say("copies-beside", figures{"n": len(others), "copies": copyNames(others)})
	}
	if r := e.unissued(); r != nil && c.finding != findings.FoundUnissued {
		c.sayUnlisted(r)
	}
	if e.sync < 0 && (c.finding == findings.FoundUnknown || c.finding == findings.FoundLookalike) {
		c.say("mark-here", nil)
	}
	c.sayStates(all)
	pixels, altered := e.sees(c.submission)
	c.sayAltered(pixels, altered)
	c.sayBeside(&e)
	return c
}

// sayBeside adds a sentence to the note of a sheet that shows several uploads. The sentence names the
// uploads beside c.submission without an accused copy. It needs the place of c.submission.
func (c *conclusion) sayBeside(e *evidence) {
	if m := e.match(c.submission); m == nil || !e.apart(c.submission) {
		return
	}
	var names []string
	for _, m := range e.matches {
		accused := slices.ContainsFunc(e.reads, func(r read) bool {
			return r.issued != nil && r.issued.Submission == m.Submission && slices.Contains(c.accused, r.copy)
		})
		if m.Submission != c.submission && showsCapture(m.Pixels) && !accused && e.apart(m.Submission) {
			names = append(names, m.Submission.String())
		}
	}
	if len(names) > 0 {
		c.say("shows-beside", figures{"n": len(names), "uploads": names})
	}
}

// rules is [conclude] for issued, the reads that conclude, without the sentences on other marks.
func (e evidence) rules(issued []read) conclusion {
	shown := e.shown()
	switch {
	case len(issued) > 1 && allFound(issued):
		return concludeFound(issued)
	case len(issued) > 1:
		return concludeSeveral(e, issued)
	case len(issued) == 1 && issued[0].confirmed():
		r := &issued[0]
		if r.forgeable() {
			return concludeForgeable(r)
		}
		if r.void() {
			c := conclusion{finding: findings.FoundCopy, unconfirmed: true, void: true, submission: r.issued.Submission, read: r}
			c.say("copy-void", figures{"copy": r.copy.String()})
			return c
		}
		c := concludeCopies(issued)
		c.say(r.how(), figures{"copy": r.copy.String()})
		return c
	case len(issued) == 1:
		return concludeUnconfirmed(e, &issued[0])
	}
	switch {
	case e.unissued() != nil:
		return concludeUnissued(e, shown)
	case shown != nil && showsCapture(shown.Pixels):
		return concludeNoMark(e, shown)
	case shown != nil && shown.Pixels == findings.PixelsEdges:
		c := conclusion{finding: findings.FoundUnreadable, submission: shown.Submission}
		c.say("by-edges", nil)
		return c
	case shown != nil:
		c := conclusion{finding: findings.FoundUnreadable, submission: shown.Submission}
		c.say("by-hash", figures{"bits": shown.Distance, "pixels": shown.Pixels})
		return c
	}
	if e.closed > 0 {
		c := conclusion{finding: findings.FoundIncomplete}
		c.say("incomplete", figures{"n": e.closed})
		return c
	}
	if x, m := e.lookalike(); m != nil {
		c := conclusion{finding: findings.FoundLookalike, submission: m.Submission}
		c.say(x, nil)
		return c
	}
	return concludeUnknown(e)
}

// lookalike returns the match with a submission that the leak resembles without showing it, and
// what the note says of it. The closest resemblance comes first. Without such a match it returns
// nil.
func (e evidence) lookalike() (code string, m *findings.Match) {
	for _, x := range []struct{ pixels, code string }{
		{findings.PixelsSharper, "lookalike-sharper"}, {findings.PixelsAlike, "lookalike-document"}, {findings.PixelsPage, "lookalike-page"}, {findings.PixelsPartial, "lookalike-part"}, {findings.PixelsDifferent, "lookalike-differs"},
	} {
		if m := e.first(x.pixels); m != nil {
			return x.code, m
		}
	}
	return "", nil
}

// concludeNoMark returns the conclusion for a leak that shows a submission by its pixels, without a
// mark of an issued copy. shown is the match with that submission. The finding is [findings.FoundUnmarked]
// only if tracing would have found a mark and no part of a mark is there, else [findings.FoundUnreadable]. The leak may derive from a copy
// of an erased upload of the same picture: then reading without an original must have found the mark. It is unreadable too
// if it is perhaps sharper than the upload, or if several uploads have the page that it shows. Such terms of a bank
// may come from any of them, and nothing may be said of the holders of one.
func concludeNoMark(e evidence, shown *findings.Match) conclusion {
	c := conclusion{finding: findings.FoundUnreadable, submission: shown.Submission}
	t := traceOf(e.traces, shown.Submission)
	switch {
	case len(e.reads) > 0 || t == nil:
		c.say("not-marked-untraced", nil)
	case marked(t):
		c.say("not-marked-damaged", nil)
		if t.Survival > 0 && t.Survival < watermark.Removed {
			c.say("not-marked-removed", figures{"share": percent(t.Survival)})
		}
	case e.sharing() > 1:
		c.say("not-marked-shared", figures{"n": e.sharing()})
	case e.untold(shown) != nil:
		c.say("not-marked-alike", figures{"upload": e.untold(shown).Submission.String()})
	case wouldShow(t) && e.erased && t.Expected < minReadScore:
		c.say("not-marked-erased", nil)
	case wouldShow(t) && shown.PerhapsSharper:
		c.say("not-marked-sharper", nil)
	case wouldShow(t) && t.Issued == 0:
		c.finding = findings.FoundUnmarked
		c.say("unmarked-no-copies", figures{"power": power(t.Power)})
	case wouldShow(t):
		c.finding = findings.FoundUnmarked
		c.say("unmarked", figures{"n": t.Issued, "power": power(t.Power)})
	case t.Unsought > 0:
		c.say("not-marked-keys", figures{"n": t.Unsought})
	case !t.Registered:
		c.say("not-marked-aside", nil)
	default:
		c.say("not-marked-weak", figures{"power": share(t.Power), "needed": share(minPower)}) // as computed: trials allow less to be claimed
	}
	return c
}

// untold returns a match with another upload than shown, of the same document, page or capture and in its place. Tracing
// would not have found a mark of it: the leak may be of its copy. It is nil if all others are ruled out.
func (e *evidence) untold(shown *findings.Match) *findings.Match {
	return find(e.matches, func(m *findings.Match) bool {
		return (showsDocument(m.Pixels) && len(m.Altered) == 0 || m.Sibling) && m.Submission != shown.Submission && !e.apart(m.Submission) && !rulesOut(traceOf(e.traces, m.Submission))
	})
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

// concludeUnissued returns the conclusion for a leak with a mark that the registry does not list, and without a mark
// of an issued copy. shown is the match with the submission that the leak shows, or nil.
func concludeUnissued(e evidence, shown *findings.Match) conclusion {
	c := conclusion{finding: findings.FoundUnissued}
	c.sayUnlisted(e.unissued())
	if shown != nil {
		c.submission = shown.Submission
		c.say("unlisted-shows", nil)
	} else if _, m := e.lookalike(); m != nil {
		c.say("unlisted-resembles", nil)
	}
	return c
}

// sayUnlisted adds the sentences on a mark that the registry does not list to the note.
func (c *conclusion) sayUnlisted(r *read) {
	c.say("unlisted", figures{"key": r.keyID, "copy": r.copy.String()})
	if k := r.key; k != nil && k.State == registry.KeyCompromised {
		c.say("unlisted-key-lost", figures{"day": day(k.Since)})
	}
}

// how returns the code of the sentence on a leak for a confirmed copy: how its mark was found (read
// blind, traced, or both), and whether the pixels show the copy's submission.
func (r *read) how() string {
	how := "copy-read"
	switch {
	case r.blind == 0:
		how = "copy-traced"
	case r.found():
		how = "copy-both"
	}
	if !showsCapture(r.shows) {
		how += "-little"
	}
	return how
}

// concludeForgeable returns the conclusion for a confirmed copy whose key was compromised when the leak was found
// (see [read.forgeable]): an unconfirmed copy, and no copy is accused.
func concludeForgeable(r *read) conclusion {
	c := conclusion{finding: findings.FoundCopy, unconfirmed: true, forgeable: true, submission: r.issued.Submission, read: r}
	c.say("copy-forgeable", figures{"copy": r.copy.String(), "since": utc(r.key.Since), "found": statedFind(r.foundAt)})
	return c
}

// concludeUnconfirmed returns the conclusion for the only issued copy that was read, r, which is
// not confirmed. The finding is [findings.FoundTransplanted] if the copy's own part of the mark is missing.
// It also is if the leak shows another submission, which is then the conclusion's. Otherwise it is
// an unconfirmed copy, and the note says why. No copy is accused.
func concludeUnconfirmed(e evidence, r *read) conclusion {
	c := conclusion{finding: findings.FoundCopy, unconfirmed: true, submission: r.issued.Submission, read: r}
	x := figures{"copy": r.copy.String()}
	if r.lacks && showsCapture(r.shows) {
		c.finding, c.unconfirmed = findings.FoundTransplanted, false
		x["power"] = power(traceOf(e.traces, r.issued.Submission).Power)
		c.say("transplanted-id", x)
		return c
	}
	if m := e.positive(r.issued.Submission); m != nil && r.elsewhere(m) {
		c.finding, c.unconfirmed, c.submission = findings.FoundTransplanted, false, m.Submission
		c.say("transplanted", x)
		return c
	}
	why, known := notConfirmed[r.shows]
	switch {
	case r.erased:
		why = "unconfirmed-erased"
		x["name"], x["issued"] = r.issued.Recipient, utc(r.issued.Issued)
	case r.sibling:
		why = "unconfirmed-sibling"
	case r.laid:
		why = "unconfirmed-laid"
	case !known:
		why = "unconfirmed-other"
	}
	c.say(why, x)
	return c
}

// elsewhere reports whether the mark was laid onto the leak, if the leak positively shows another upload. It was not
// if both uploads may be one capture, or the other one, m, came in with this mark. Of an upload that was erased this is not
// known.
func (r *read) elsewhere(m *findings.Match) bool {
	return !r.undivided() && !r.erased && !r.sibling && !slices.Contains(r.returned, m.Submission)
}

// undivided reports whether the leak may be the very capture of the copy's upload, although it shows another
// upload by its pixels: the originals of both show one document.
func (r *read) undivided() bool {
	return slices.Contains([]string{findings.PixelsSame, findings.PixelsAltered, findings.PixelsAlike, findings.PixelsUnknown}, r.rival)
}

// notConfirmed has the codes of sentences by the word for pixels. A sentence says why a picture with
// the mark of a copy is not known to show that copy's submission.
var notConfirmed = map[string]string{
	findings.PixelsAltered:   "unconfirmed-altered",
	findings.PixelsPartial:   "unconfirmed-part",
	findings.PixelsAlike:     "unconfirmed-document",
	findings.PixelsPage:      "unconfirmed-page",
	findings.PixelsSharper:   "unconfirmed-sharper",
	findings.PixelsTemplate:  "unconfirmed-template",
	findings.PixelsDifferent: "unconfirmed-differs",
	findings.PixelsUnknown:   "unconfirmed-closed",
}

// keys returns the states of the keys of all marks that were read, each state once: of issued copies first. Keys
// whose state is not known are left out.
func (e evidence) keys() []registry.KeyState {
	var out []registry.KeyState
	for _, r := range append(e.issuedReads(), e.reads...) {
		if r.key != nil && !slices.Contains(out, *r.key) {
			out = append(out, *r.key)
		}
	}
	return out
}

// issuedReads returns the reads of copies that the registry issued, the first of each copy. Confirmed copies come
// first; among equals the strongest mark, which has the smallest p ([read.logP]).
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

// shown returns the match with the submission that the leak shows, or nil. It is the first match of the same pixels,
// else of altered pixels, else with the same edges. Without such a match it is the first within [phash.MatchRadius] whose pixels are undecided
// or the same in part, or that rests on its hash (see [evidence.byHash]).
func (e evidence) shown() *findings.Match {
	if m := cmp.Or(e.first(findings.PixelsSame), e.first(findings.PixelsAltered), e.first(findings.PixelsEdges)); m != nil {
		return m
	}
	return find(e.matches, func(m *findings.Match) bool {
		return m.Distance <= phash.MatchRadius && (m.Pixels == findings.PixelsUndecided || m.Pixels == findings.PixelsPartial || e.byHash(m))
	})
}

// byHash reports whether match m may rest on its hash alone: it could not be compared by pixels, since there is no
// sealing key or only its hash is kept.
func (e evidence) byHash(m *findings.Match) bool {
	return m.Pixels == findings.PixelsUnknown && (!e.opens || m.HashOnly)
}

// first returns the first match whose word for the pixels is pixels, or nil.
func (e evidence) first(pixels string) *findings.Match {
	return find(e.matches, func(m *findings.Match) bool { return m.Pixels == pixels })
}

// positive returns the first match with a submission other than not that the leak positively shows,
// or nil. A match positively shows its submission by the same pixels. A match that may rest on its
// hash ([evidence.byHash]) does so within [sureWithoutPixels] bits. If not itself was matched but
// not compared, only matches before it count.
func (e evidence) positive(not watermark.Submission) *findings.Match {
	for i := range e.matches {
		m := &e.matches[i]
		if m.Submission == not {
			if m.Pixels == findings.PixelsUnknown {
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

// concludeUnknown returns the conclusion for a leak that shows and resembles no submission.
func concludeUnknown(e evidence) conclusion {
	c := conclusion{finding: findings.FoundUnknown, recall: e.recall}
	template := e.first(findings.PixelsTemplate)
	switch {
	case e.tooFlat:
		c.say("unknown-flat", nil)
	case template == nil && slices.ContainsFunc(e.matches, func(m findings.Match) bool { return m.Distance <= nearRadius }):
		c.say("unknown-near", nil)
	default:
		c.say("unknown", nil)
	}
	if template != nil && !e.tooFlat {
		agree := 0.0
		if template.Score != nil {
			agree = *template.Score
		}
		c.say("unknown-template", figures{"upload": template.Submission.String(), "share": share(agree)})
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
		if kind := regions[p.Kind]; !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	code := "altered"
	switch pixels {
	case findings.PixelsSame:
		code = "altered-or-filtered"
	case findings.PixelsPage:
		c.say("page-fields", figures{"n": len(places), "share": percent(sum)})
		return
	}
	c.say(code, figures{"n": len(places), "kinds": kinds, "share": percent(sum)})
}

// sayReturned adds the sentence on uploads that carry the marks of copies that conclude.
func (c *conclusion) sayReturned(issued []read) {
	var uploads []string
	for _, r := range issued {
		for _, id := range r.returned {
			if !slices.Contains(uploads, id.String()) {
				uploads = append(uploads, id.String())
			}
		}
	}
	if len(uploads) > 0 {
		c.say("copy-returned", figures{"n": len(uploads), "uploads": uploads})
	}
}
