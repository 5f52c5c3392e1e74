package weigh

import (
	"maps"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/words"
	"github.com/kycmark/kycmark/verify/odds"
)

// A row is a sentence, or a few that belong together, that a verdict on a dump may contain.
type row struct {
	code string                          // names the row in findings, for ever
	part part                            // where it is said
	when func(*Weighing) []words.Figures // the figures for each time it is said, and perhaps more; none: it is not said
	text string                          // with figures, as [words.Write] takes it
}

// part is a part of a verdict in words. A verdict says them in this order.
type part int

const (
	headline part = iota // the answer: what was found
	strength             // how strong that is
	weakens              // what weakens it
	helps                // what would make it stronger
	showsNot             // what the findings do not show
	details              // the rest, for the appendix
	public               // claims that are made after a leak, answered
	parts                // their number

	ifUnnamed   // part headline if no recipient is named, else weakens
	ifUnmatched // part headline if nothing matches, else details
	ifNamed     // part weakens if a recipient is named, else details
)

// dumpSentences are all sentences of a verdict on a dump, in the order in which a part says them.
var dumpSentences = []row{
	{"no-picture", headline, func(w *Weighing) []words.Figures { return once(w.Readable() == 0, words.Figures{}) }, "Inconclusive: no picture was examined."},
	{"named", headline, namedFigures, "{n} of the {of} leaked {of|picture|pictures} {come} issued to {name}{as}.{alone}"},
	{"reviewers", headline, reviewers, "{n} of the {of} {of|copy|copies} of {name} found here {n|was|were} shown to {k} {k|reviewer|reviewers} of {name}. {so}"},
	{"named-others", headline, namedOthers, "Confirmed copies of {n} other {n|recipient|recipients} were also found. They are not enough to name {n|it|them}."},
	{"confirmed", headline, confirmedFigures, "{n} of the {of} leaked {of|picture|pictures} {come} issued to {who}. Inconclusive: that is not enough to name {k|it|one of them} as the source."},
	{"unproved", headline, unproved, "{n} of the {of} leaked {of|picture|pictures} {what}. Inconclusive: {why}."},
	{"no-match", headline, noMatch, "{open}No upload of the registry was matched by the {n} leaked {n|picture|pictures} examined."},
	{"lookalike", ifUnmatched, found(findings.FoundLookalike), "{n} {n|picture resembles an upload|pictures resemble uploads} of the registry, but {n|is|are} not shown to be the same {n|capture|captures}. {n|It does not count|They do not count} as matched."},
	{"unissued", ifUnnamed, unissuedFigures, "{n} {n|picture carries|pictures carry} a mark under a mark key of the registry with a copy ID that it does not list: {ids} {ids|ID|IDs} under {keys} {keys|key|keys} ({names}). The record of issued copies is incomplete, or another party used the key. Such marks count for no recipient. Chance gives one in this investigation with a probability of at most {chance}."},
	{"not-examined", headline, leftOut, "{n} of the {of} {of|file|files} given {n|was|were} {how}: {why}."},

	{"copies", strength, copiesFigures, "The marks on {n} {n|picture|pictures} ({clusters} {clusters|person|persons}) are at least {times} times more probable if pictures come from copies of {name} than if none does: {words}.{cap}"},

	{"withheld", weakens, withheld, "The evidence is not enough to name {name} as the source: {clause}."},
	{"missing-subjects", weakens, missingSubjects, "{n} {n|upload|uploads} shown {n|has|have} no customer reference, or it was changed, so {n|it counts|they count} as one person's at most. Enter the references (kycmark subject set), and investigate again."},
	{"held", headline, held, "The findings do not rule out {who}, which could have laid marks there if it had obtained those copies."},
	{"also-held", weakens, alsoHeld, "The {n} {n|picture|pictures} with copies of {name} {n|shows an upload|show uploads} that {others} could also hold unmarked, or had as these copies. With those copies in hand, each of them could have laid the marks there."},
	{"had", headline, had, "By the record, {entered}, {other} also had {n} of the {of} {of|copy|copies} of {name} found here.{so}"},
	{"returned", headline, cameBackOf, "{n} of the {of} {of|copy|copies} of {name} found here came back{how} as {m|upload|uploads} {uploads}. Each party that had {m|this upload|these uploads} fits as well: {who}."},
	{"several", weakens, func(w *Weighing) []words.Figures {
		return once(len(w.recipients()) > 1, words.Figures{"at": together(w)})
	}, "Copies of several recipients were found{at}. The findings do not tell several sources from a single source that had the copies of all."},
	{"rest", weakens, namedRest, "{n} {n|upload|uploads} in this dump {n|is|are} not explained, or not wholly, by copies of {name} with their marks. The source of {n|that upload|those uploads} may also have had those copies.{who}"},
	{"others-unsure", weakens, namedUnconfirmed, "{what}. Another source is not ruled out."},
	{"transplanted", weakens, found(findings.FoundTransplanted), "{n} {n|picture carries|pictures carry} a transplanted mark: it was laid onto {n|it|them} from another picture, and counts for no recipient. The party that did this may have prepared other pictures of this dump."},
	{"issuer-all", weakens, issuerAll, "Of the uploads with copies found here, {of} {of|was|were} issued to several recipients. For {n} of these uploads the copies of all recipients were found ({names}). Each of them was issued its own copies. The issuer had all copies."},
	{"reserved", weakens, namedReserved, "For {n} of the {of} {of|copy|copies} of {name} found here no entry before the find confirms that {n|it was|they were} handed out."},
	{"exposed", weakens, exposed, "{n} {n|picture contains a copy|pictures contain copies} issued to {name} that {n|was|were} confirmed in other files. These files were public on {day}, as was stated when they were examined."},
	{"late", weakens, late, "By what was stated or entered, files were found by {found}. {n} {n|picture|pictures} {what}. {so}"},
	{"found-not-used", weakens, foundNotUsed, "The stated time of the find ({found}) is not used, since it is contradicted: {why}. Custody therefore counts against no holder."},
	{"changed", weakens, changed, "An earlier examination of {n} of these files, perhaps with others, had another {what} (entry {entry} of the ledger): {then} then. Now {now}."},
	{"key-compromised", weakens, keyCompromised, "The mark key {key} of {n} {n|picture|pictures} with a confirmed copy is recorded as compromised since {since}, after the stated time of the find ({found}). {so}"},

	{"restore", helps, restorable, "{what}. Restore {these} ({by} names them), and investigate again."},
	{"missing-marks", helps, func(w *Weighing) []words.Figures {
		return once(w.stage() == aboutMatched && !w.Cfg.SearchedNamed(), words.Figures{})
	}, "To name a recipient, confirmed marks are required. Records of who could hold these uploads unmarked, entered before the leaks were found, or more leaked pictures can point to a source."},

	{"released", showsNot, found(findings.FoundCopy), "The findings do not show who released these copies: the issuer had the same copies, and so had each party that received, found or stole them."},
	{"receipts", showsNot, receipts, "For {k} of the {n} {n|copy|copies} of {name} found here there is {what}. Only {who}."},
	{"named-only", showsNot, func(w *Weighing) []words.Figures { return once(w.Cfg.SearchedNamed(), words.Figures{}) }, words.OnlyNamed},
	{"unmarked", showsNot, unmarked, "On {n} {n|picture|pictures} no mark was found{keys}. {so}"},

	{"repeated", details, repeatedFigures, "{n} {n|picture repeats another|pictures repeat others} byte for byte and {n|adds|add} nothing."},
	{"controls", details, controls, "{leaks} of these pictures {leaks|was|were} also compared with other uploads, in {n} {n|comparison|comparisons}. These are the uploads that look most like the upload shown; by the records none is of the same person. In {same} of these comparisons the other upload was also found to be the same capture.{so}"},
	{"nameless", details, withoutSubjects, "Of the {of} {of|picture|pictures} with copies issued to {name}, {n} {n|is|are} of uploads without a subject reference, or with a changed one. {each} So they add {adds} {adds|person|persons}."},
	{"same-document", details, sameDocument, "{n} {n|pair|pairs} of the uploads shown {n|looks|look} like pictures of one document when their originals are compared. The two uploads of a pair count as one person's{pairs}."},
	{"not-compared", details, notCompared, "{n} {n|original was|originals were} not compared with the originals of the other uploads shown. Whether {n|it shows|they show} the same document as another is not known."},
	{"subjects-entered", details, subjectsEntered, "The subject {n|reference|references} of {n} {n|upload|uploads} shown {n|was|were} entered after the {n|upload|uploads}, the last on {day}. How many persons are counted rests on {n|it|them}."},
	{"holders", details, holders, "{n} {n|picture shows an upload|pictures show uploads}, and no mark was found on {n|it|them}. The records say who could hold such uploads unmarked, by their time or by a list: {names}. The exchange held them also."},
	{"custody-entered", details, custodyEntered, "Custody of {name}, which covers {n} of these pictures, was entered on {entered}: {why}. No recipient is named for its custody."},
	{"custody-signed", details, custodySigned, "That {name} held {n} of these pictures unmarked is entered with signed events of {name}. The issuer has the secret of these signatures too, so that they convince only the issuer. Others can check when the events were entered."},
	{"custody-late", details, custodyLate, "{what} covers pictures without a mark. It is listed, and counts against no holder{why}."},
	{"window", details, window, "Of {of} {of|picture|pictures} on which no mark was found, {n} {n|shows an upload|show uploads} of {dates}. That time holds {share} of all uploads. If pictures of {persons} persons were drawn at random from all uploads, {inside} or more would lie in one such time at most once in {once} draws.{holders}"},
	{"holding", details, holding, "Of {of} {of|picture|pictures} on which no mark was found, {n} {n|shows an upload|show uploads} that by the records {names} could {k|hold|each hold} unmarked. Of all uploads of these days {shares}. If pictures of {persons} persons were drawn at random, each from all uploads of its day, {inside} or more would be such at most once in {once} draws.{others} The exchange held them also. A thief who took just these, from any of them, fits as well."},
	{"claimed", details, claimed, "{claims} claimed, and {examined} different {examined|file was|files were} examined. {seen} {seen|counts|count} as showing an upload of the registry.{so}"},
	{"damaged-mark", details, damagedFigures, "{n} {n|picture carries|pictures carry} a part of a mark, and no copy is proved. {n|It|They} came from marked copies, and {n|counts|count} for no recipient and for no holder of unmarked uploads. Chance gives one in this investigation with a probability of at most {chance}."},
	{"disowned", ifNamed, disowned, "{n} {n|picture carries|pictures carry} the mark of a copy {that}. {so} {n|It counts|They count} for no recipient."},
	{"unconfirmed", details, many(func(w *Weighing) int { return leaksThat(&w.Verdict, unproven) }), "{n} {n|picture carries the mark of an issued copy, or marks of several that do not fit together, but is|pictures carry the mark of an issued copy, or marks of several that do not fit together, but are} not confirmed to show {n|its upload|their uploads}. A mark can be laid onto another picture, so {n|it counts|they count} for no recipient."},
	{"records-altered", details, func(w *Weighing) []words.Figures {
		return several(len(w.Record.Altered), words.Figures{"names": w.Record.Altered})
	}, "Records of the registry were altered or cannot be read, so that nothing follows for pictures that show its uploads or carry its marks: {names}."},
	{"unknown-recall", details, unknownRecall, "If unmatched pictures show uploads that the registry has now, {found}. {so} Erased uploads cannot be found."},
	{"not-searched", details, notSearched, "Of the {of} uploads of the registry (each page is one), these could not be searched, or not wholly, and are counted as not found: {why}."},
	{"published", details, published, "That other files with copies found here were public on {day} was entered by {actor}, in entry {entry} of the ledger. The place or evidence: {evidence}."},
	{"examined-before", details, examinedBefore, "Files of this dump were examined before: {n} earlier {n|examination is|examinations are} in the ledger, the first of {day} (entry {entry})."},

	{"claim-no-mark", public, answered(claimNoMark), "“None of these pictures carries our watermark”: {clause}"},
	{"claim-not-ours", public, answered(claimNotOurs), "“These pictures are not ours”: {clause}"},
	{"claim-one-month", public, answered(claimOneMonth), "“All these pictures are of one month”: {clause}"},
	{"claim-vendor", public, answered(claimVendor), "“These pictures come from a vendor”: {clause}"},
	{"claim-no-breach", public, answered(claimNoBreach), "“Our systems were not breached”: {clause}"},
}

// Speak writes the parts of the verdict in words. The counts, the odds and the record must be there already.
func (w *Weighing) Speak() {
	var texts [parts][]string
	var said [parts][]findings.Said
	once := w.once()
	for _, r := range dumpSentences {
		p := r.part
		switch {
		case p == ifUnnamed && len(w.Named) > 0:
			p = weakens
		case p == ifNamed && len(w.Named) > 0:
			p = weakens
		case p == ifNamed, p == ifUnmatched && once.stage() != aboutUnmatched:
			p = details
		case p > parts:
			p = headline
		}
		for _, x := range r.when(once) {
			texts[p] = append(texts[p], words.Write(r.text, x))
			said[p] = append(said[p], findings.Said{Code: r.code, Figures: words.In(r.text, x)})
		}
	}
	w.Headline = strings.Join(texts[headline], " ")
	w.Strength, w.Weakens, w.Helps, w.ShowsNot = texts[strength], texts[weakens], texts[helps], texts[showsNot]
	w.Details, w.Public, w.Said = texts[details], texts[public], slices.Concat(said[:]...)
}

// putIntoWords fills in the words that package odds leaves empty. It adds each note to w.Notes.
func (w *Weighing) putIntoWords() {
	for i := range w.Odds.Recipients {
		r := &w.Odds.Recipients[i]
		said := w.parties[r.Name].note()
		if r.Code != "" {
			said = append(said, findings.Said{Code: r.Code})
		}
		r.Words, r.Note = words.InWords(r.LogE), words.Written(said)
		for _, x := range said {
			line := words.Figures{"line": i + 1}
			maps.Copy(line, x.Figures)
			w.Notes = append(w.Notes, findings.Said{Code: x.Code, Figures: line})
		}
	}
	for i := range w.Odds.Withheld {
		x := &w.Odds.Withheld[i]
		x.Reason = words.Write(words.Clauses[x.Code], ReasonFigures(*x))
	}
	if x := w.Odds.Window; x != nil {
		x.Dates = Dates(w.Case, x.From, x.To)
	}
}

// ReasonFigures are the figures of the clause that says why a recipient is not named, and of its sentence.
func ReasonFigures(x odds.Withheld) words.Figures {
	return words.Figures{"name": x.Name, "clause": x.Code, "clusters": x.Clusters, "needed": x.Needed}
}

// Dates returns in words the days of the cells from from to to: "2024-05-01 to 2024-05-07", or one day.
func Dates(c *odds.Case, from, to int) string {
	first, last := words.Day(c.Cells[from].From), words.Day(c.Cells[to].From)
	if first == last {
		return first
	}
	return first + " to " + last
}
