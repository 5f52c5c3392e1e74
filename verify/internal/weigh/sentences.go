package weigh

import (
	"maps"
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
	text string                          // with figures, as [figures.write] takes it
}

// part is a part of a verdict in words.
type part int

const (
	headline part = iota
	onDates       // the first page, below the headline
	shows
	showsNot
)

// The texts that two rows share.
const (
	unissuedText  = "{n} {n|picture carries|pictures carry} a mark under a mark key of the registry with a copy ID that it does not list. The record of issued copies is incomplete, or another party used the key."
	releasedText  = "None of this shows who released the pictures; the exchange had the same copies."
	notNamed      = "The headline does not name {name}: "
	oneSourceText = "The findings do not tell several sources from a single source that had the copies of several recipients."
)

// Reasons say why a recipient with evidence is not named, by the codes of package odds.
var Reasons = map[string]string{
	odds.FewClusters: "marks of its copies are strong evidence on pictures of {clusters} {clusters|person|persons}, and {needed} persons are required",
	odds.Exposed:     "copies of it that were found were public before, and too few others were found",
	odds.Dates:       "copies of it that were found are recorded as issued after the stated time of the find, and too few others were found",
	odds.TooMany:     "its copies are in the same pictures as copies of more recipients than are compared at once",
	odds.SmallRatio:  "the likelihood ratio, divided by the number of recipients, is too small",
	odds.FewTrials:   "validation does not allow a ratio of 10 to be claimed",
}

// dumpSentences are all sentences of a verdict on a dump, in the order in which they are said.
var dumpSentences = []row{
	{"unissued-first", headline, unissuedWhen(false), unissuedText},
	{"no-picture", headline, at(aboutNothing, nothing), "Inconclusive: no picture was examined."},
	{"no-file-opened", headline, at(aboutUnopened, func(w *Weighing) words.Figures { return words.Figures{"n": w.Leaks} }), "Inconclusive: no picture was examined; {n} {n|file|files} could not be examined as {n|a picture|pictures}."},
	{"named", headline, (*Weighing).namedFigures, "{n} of {marked} marked {marked|picture|pictures} {n|contains a copy|contain copies} recorded as issued to {name}{under}."},
	{"named-acknowledged", headline, receipts(signedAll), "{name} acknowledged {n|the one copy|all copies} of these pictures by signed receipt ({n})."},
	{"named-partly", headline, receipts(signedPart), "{name} acknowledged {signed} of these {n} copies by signed receipt, and {not} not."},
	{"named-unacknowledged", headline, receipts(signedNone), "{name} signed no receipt for {n|this copy|these copies} ({n}): only the issuer's record says that {n|it was|they were} sent."},
	{"named-reserved", headline, (*Weighing).namedReserved, "For {n} of these {of} copies the record does not confirm that {n|it was|they were} handed out to {name}."},
	{"named-had", headline, (*Weighing).namedHad, "By the record, {other} also had {n} of these {of} copies: {name} handed them on, as entered on {entered}."},
	{"named-returned", headline, (*Weighing).cameBackOf, "{n} of these {of} copies of {name} came back: {m|upload|uploads} {uploads} came in with {n|its mark|their marks}. Each party that had {m|this upload|these uploads} fits as well: {who}."},
	{"named-rivals", headline, (*Weighing).namedRivals, "The findings do not rule out {who}, which could have laid marks there if it had obtained those copies."},
	{"named-together", headline, (*Weighing).namedTogether, "{n} {n|picture contains|pictures contain} copies issued to {among}{names} at once. Several parties put {n|it|them} together, or one party had the copies of all: the findings do not tell which."},
	{"named-several", headline, (*Weighing).namedSeveral, oneSourceText},
	{"named-rest", headline, (*Weighing).namedRest, "{n} {n|upload|uploads} in this dump {n|is|are} not explained, or not wholly, by copies of {name} with their marks. The source of {n|that upload|those uploads} may also have had those copies."},
	{"named-others", headline, (*Weighing).namedOthers, "Confirmed copies of {n} other {n|recipient|recipients} were also found in this dump. They are not enough to name {n|it|them}."},
	{"named-unconfirmed", headline, (*Weighing).namedUnconfirmed, "Marks of copies issued to others were also found in this dump, and could not be confirmed. Another source is not ruled out."},
	{"named-transplanted", headline, (*Weighing).namedTransplanted, "On {n} other {n|picture|pictures} marks of copies issued to {names} were transplanted: {n|it counts|they count} for no recipient. The party that did this may have prepared other pictures of this dump."},
	{"issuer-all", headline, (*Weighing).issuerAll, "Of the uploads with copies found here, {of} {of|was|were} issued to several recipients. For {n} of these uploads the copies of all recipients were found ({names}). Each of them was issued its own copies. The issuer had all copies."},
	{"named-released", headline, at(aboutNamed, nothing), releasedText},
	{"confirmed", headline, at(aboutConfirmed, func(w *Weighing) words.Figures {
		return words.Figures{"n": w.Counts[string(findings.FoundCopy)], "of": w.sources()}
	}), "Inconclusive: {n} {n|picture contains a confirmed copy|pictures contain confirmed copies}, issued to {of} {of|recipient|different recipients}. That is not enough to name a recipient."},
	{"matched-only", headline, at(aboutMatched, func(w *Weighing) words.Figures { return words.Figures{"n": w.Matched, "of": w.Readable()} }), "Inconclusive: {n} of the {of} {of|picture|pictures} {n|shows an upload|show uploads} of the registry, and no mark of an issued copy was confirmed on any of them."},
	{"unconfirmed-only", headline, at(aboutUnconfirmed, func(w *Weighing) words.Figures { return words.Figures{"n": w.unsure(), "of": w.Readable()} }), "Inconclusive: {n} of the {of} {of|picture|pictures} {n|carries|carry} the mark of an issued copy, but could not be confirmed to show that copy's upload. Nothing else was matched."},
	{"restore", headline, (*Weighing).restorable, "{n} {n|picture|pictures} may show uploads that could not be read. Restore the originals or records of these uploads (kycmark audit --originals names them), and investigate again."},
	{"restore-keys", headline, (*Weighing).keysMissing, "For {n} {n|picture|pictures} the mark keys of some copies were not at hand. Restore these keys (kycmark doctor names them), and investigate again."},
	{"missing-persons", headline, missing(odds.FewClusters), "To name a recipient, copies of one and the same recipient must be found on pictures of {needed} different persons or more. More leaked pictures can supply that."},
	{"missing-dates", headline, missing(odds.Dates), "Copies in this dump were issued after the stated time of the find ({found}). Evidence of when the pictures were found can settle which date is right."},
	{"missing-exposed", headline, missing(odds.Exposed), "Copies in this dump were public before: they were confirmed in files that were published earlier. They do not name a recipient anew."},
	{"missing-subjects", headline, (*Weighing).missingSubjects, "{n} {n|upload|uploads} shown {n|has|have} no subject and {n|counts|count} as one person's at most. Enter the subjects (kycmark subject set), or state in kycmark.toml how many such uploads one person has, and investigate again."},
	{"missing-ratio", headline, missing(odds.SmallRatio), "The likelihood ratio is too small for as many recipients as were looked at. More leaked pictures of other persons can change that."},
	{"missing-trials", headline, missing(odds.FewTrials), "The trials of the method do not allow a ratio of 10 to be claimed."},
	{"missing-marks", headline, (*Weighing).missingMarks, "To name a recipient, confirmed marks are required. Records of who could hold these uploads unmarked, entered before the leaks were found, or more leaked pictures can point to a source."},
	{"no-match-named", headline, (*Weighing).noMatchNamed, "Inconclusive: {n} {n|picture|pictures} examined, and no match with {against|the upload that was named|any of the uploads that were named}. Nothing else was searched."},
	{"no-match", headline, (*Weighing).noMatch, "No upload of the registry was matched by the {n} {n|picture|pictures} examined."},
	{"no-match-closed", headline, (*Weighing).noMatchClosed, "Inconclusive: {n} of the {of} {of|picture|pictures} examined may show uploads that could not be read, and no other upload was matched. Restore the originals or registries, and investigate again."},
	{"no-match-like", headline, resembling(false), "No picture was confirmed to show an upload of the registry, but {like} of the {n} {n|picture|pictures} examined {like|resembles an upload|resemble uploads}. Such pictures may be altered uploads, or other pictures of the same documents."},
	{"named-like", headline, resembling(true), "{like} of the {n} {n|picture|pictures} {like|resembles|resemble} an upload that was named, but {like|is|are} not confirmed to show it."},
	{"collages", headline, (*Weighing).collages, "{n} {n|picture has|pictures have} copies of several uploads: {copies} copies of {uploads} uploads in all. Each counts for its own recipient and person. In one picture, marks of at most {max} uploads are confirmed: if it shows more, cut it into single pictures, and investigate these too."},
	{"not-examined", headline, (*Weighing).leftOut, "{n} of the {of} files given {n|was|were} not examined: {why}."},
	{"unissued-last", headline, unissuedWhen(true), unissuedText},

	{"examined-before", onDates, (*Weighing).examinedBefore, "{n} of these files {n|was|were} examined already on {day}, with {command} (entry {entry} of the ledger). The time of the find was {found} then, and {outcome}."},
	{"examined-more", onDates, many((*Weighing).examinedMore), "{n} more {n|examination|examinations} of these files {n|is|are} in the ledger, and in the table of earlier examinations."},
	{"found-changed", onDates, (*Weighing).foundChanged, "The time of the find is {now} now. In the first examination of these files, entered on {entered}, it was {first}."},
	{"outcome-changed", onDates, (*Weighing).outcomeChanged, "An earlier examination of {n} of these files, perhaps with others, had another result (entry {entry} of the ledger): {then} then. Now {now}."},
	{"late-copies", onDates, (*Weighing).lateCopies, "{n} {n|picture contains a copy|pictures contain copies} recorded as issued to {name} on {issued} or later{unproven}. The time of the find is stated as {found}. One of these dates is wrong, or the pictures were made after the find."},
	{"late-uploads", onDates, (*Weighing).lateUploads, "{n} {n|picture shows an upload|pictures show uploads} recorded as submitted after the stated time of the find ({found}). One of these dates is wrong, or the file was elsewhere before."},
	{"exposed", onDates, (*Weighing).exposed, "{n} {n|picture contains a copy|pictures contain copies} issued to {name} that {n|was|were} confirmed in other files. These files were public on {day}, as was stated when they were examined."},
	{"published", onDates, (*Weighing).published, "That other files with copies found here were public on {day} was entered by {actor}, in entry {entry} of the ledger. The place or evidence: {evidence}."},
	{"found-not-used", onDates, (*Weighing).foundNotUsed, "The stated time of the find ({found}) is not used, since it is contradicted: {why}. Custody therefore counts against no holder."},
	{"custody-entered", onDates, (*Weighing).custodyEntered, "Custody of {name}, which covers {n} of these pictures, was entered on {entered}: {why}. No recipient is named for its custody."},

	{"matched", shows, (*Weighing).matchedFigures, "Of {n} {n|picture|pictures} examined, {matched} {matched|was|were} found to show an upload of the registry."},
	{"repeated", shows, (*Weighing).repeatedFigures, "{n} {n|picture repeats another|pictures repeat others} byte for byte and {n|adds|add} nothing."},
	{"controls", shows, (*Weighing).controls, "{leaks} of these pictures {leaks|was|were} also compared with other uploads, in {n} {n|comparison|comparisons}. These are the uploads that look most like the upload shown; none is known to be of the same person."},
	{"controls-other", shows, (*Weighing).controlsOther, "In no comparison was the other upload found to be the same capture."},
	{"controls-same", shows, controlsSame(false), "In {n} {n|comparison|comparisons} the other upload was also found to be the same capture. The same picture may have been submitted twice. Only a mark tells from which of the two a leak derives."},
	{"controls-returned", shows, controlsSame(true), "In {n} {n|comparison|comparisons} the other upload was also found to be the same capture. Uploads came in with marks of copies that were found here. Such a mark does not tell from which of the two a leak derives."},
	{"copies", shows, (*Weighing).copiesFigures, "{n} {n|picture contains a copy|pictures contain copies} recorded as issued to {name}. {n|It counts as a picture|They count as pictures} of {clusters} {clusters|person|persons}. These marks are at least {times} times more probable if pictures of this dump derive from those copies than if none does: {words}."},
	{"withheld-persons", shows, withheld(odds.FewClusters), notNamed + Reasons[odds.FewClusters] + "."},
	{"withheld-exposed", shows, withheld(odds.Exposed), notNamed + Reasons[odds.Exposed] + "."},
	{"withheld-dates", shows, withheld(odds.Dates), notNamed + Reasons[odds.Dates] + "."},
	{"withheld-many", shows, withheld(odds.TooMany), notNamed + Reasons[odds.TooMany] + "."},
	{"withheld-ratio", shows, withheld(odds.SmallRatio), notNamed + Reasons[odds.SmallRatio] + "."},
	{"withheld-trials", shows, withheld(odds.FewTrials), notNamed + Reasons[odds.FewTrials] + "."},
	{"cap", shows, (*Weighing).cap, "No more than {times} times is stated, since trials allow no more. In {trials} trials no identification was false: at most 3 in {trials} are false, with 95 % confidence. Each trial is a real picture of its own: {things} photographs of things, {cameras} by many cameras, {people} of persons, and {receipts} receipts. Each was marked, leaked once, traced and read. Trials do not test fraud or wrong records."},
	{"unissued", shows, (*Weighing).unissuedFigures, "{n} {n|picture carries|pictures carry} a mark with a copy ID that the registry does not list: {ids} {ids|ID|IDs} under {keys} {keys|key|keys} ({names}). Chance reads such a mark in a picture without it with a probability of at most 9.3e-10 for each picture and key. For the {pictures} {pictures|picture|pictures} and {tried} {tried|key|keys} of this investigation that is at most {chance} in all."},
	{"holders", shows, (*Weighing).holders, "{n} {n|picture shows an upload|pictures show uploads}, and no mark was found on {n|it|them}. The records say who could hold such uploads unmarked, by their time or by a list: {names}. The exchange held them also."},
	{"window-when", shows, (*Weighing).windowWhen, "Of {of} {of|picture|pictures} on which no mark was found, {n} {n|shows an upload|show uploads} of {dates}. That time holds {share} of all uploads. If pictures of {persons} persons were drawn at random from all uploads, {inside} or more would lie in one such time about once in {once} draws."},
	{"window-holders", shows, (*Weighing).windowHolders, "By the records, {names} could hold all of these {n} uploads unmarked. The exchange held them also. A thief who took just this time, from any of them, fits as well."},
	{"window-only", shows, (*Weighing).windowOnly, "By the records, {names} could hold uploads of this time unmarked, and no others."},
	{"claim-drawn", shows, claimed(claimDrawn), "We drew the {examined} {examined|file|files} examined at random from the {claimed} pictures claimed. {seen} {seen|counts|count} as showing an upload."},
	{"claim-none", shows, claimed(claimNone), "We drew the {examined} {examined|file|files} examined at random from the {claimed} pictures claimed. {examined|It does not count|None of them counts} as showing an upload."},
	{"claim-min", shows, bounded(hasMin), "Of the {claimed} pictures claimed, at least {min} show uploads of the registry, at a one-sided confidence of {level} %. This allows for false matches ({false} % of other pictures). Files that repeat another, only resemble an upload, or cannot be read as pictures, count as showing no upload here."},
	{"claim-max", shows, bounded(hasMax), "Of the {claimed} pictures claimed, at most {max} show uploads that the registry has now, at a one-sided confidence of {level} %. This supposes that the search finds at least {recall} of such pictures. Of the files examined, {open} that could not be judged {open|counts|count} as showing an upload here."},
	{"claim-unbounded", shows, bounded(noMax), "No upper bound follows for the {claimed} pictures claimed: every picture that was not found to show an upload may show one all the same. Of the files examined, {open} could not be judged."},
	{"claim-seen", shows, claimed(claimSeen), "Of the {claimed} pictures claimed, {seen} of those examined {seen|shows an upload|show uploads} of the registry. From a selection that others made, nothing follows about the rest."},
	{"claim-all", shows, claimed(claimAll), "All of the {claimed} pictures claimed were examined: {examined} {examined|file|files}. {seen} {seen|counts|count} as showing an upload of the registry."},

	{"released", showsNot, found(findings.FoundCopy), "The findings do not show who released these copies. The exchange had the same copies, and so had each party that received, found or stole them."},
	{"misdelivered", showsNot, (*Weighing).misdelivered, "A clerical error that no record shows leaves the same findings: a copy for {name} was sent to another party, or a copy for another was entered under {name}. A receipt signed with a key of {name} excludes this for its copy: {signed} of the {n} {n|copy|copies} found {signed|has|have} one."},
	{"several", showsNot, (*Weighing).several, "Copies of several recipients appear. " + oneSourceText},
	{"unissued-who", showsNot, (*Weighing).unissuedFigures, "The marks with IDs that are not listed do not show who received or released {n|that picture|those pictures}: they count for no recipient. Compare the IDs with all systems that hold the key."},
	{"custody-unjudged", showsNot, custodyOf(func(s *party) int { return s.unjudged }), "The custody that covers pictures without a mark is listed. " + words.NotJudged},
	{"custody-late", showsNot, custodyOf(func(s *party) int { return s.late }), "Custody that was entered after the leaks were found is listed but not admissible."},
	{"unmarked", showsNot, found(findings.FoundUnmarked), "On {n} {n|picture|pictures} no mark was found{keys}. A mark that was not removed would have been found {n|there|on each} with a probability of at least 99.5 %. Deliberate removal is not excluded. A party that removes marks does so on a whole dump, so that many such pictures say no more than one."},
	{"damaged-mark", showsNot, many((*Weighing).damagedMarks), "{n} {n|picture carries|pictures carry} a part of a mark, and no copy is proved. {n|It|They} came from marked copies, and {n|counts|count} for no recipient and for no holder of unmarked uploads."},
	{"unreadable", showsNot, (*Weighing).withoutMark, "On {n} {n|picture|pictures} no mark was found{keys}. A mark may have been missed, and deliberate removal is not excluded: nothing follows from its absence on a single picture."},
	{"absent", showsNot, (*Weighing).absent, "Copies of pictures of {n} {n|person|persons} in this dump were issued to {name}, and the marks of these copies were not found. If all these pictures were those copies as they were issued, so many marks would be missed with a probability of at most 5 %."},
	{"forgeable", showsNot, many((*Weighing).forgeables), "{n} {n|picture carries|pictures carry} the mark of a copy whose mark key is recorded as compromised, and {n|it is|they are} not stated to have been found before that. Each holder of the key who had the upload could have made that mark, without any copy. {n|It counts|They count} for no recipient."},
	{"void", showsNot, many((*Weighing).voids), "{n} {n|picture carries|pictures carry} the mark of a copy that is void in the ledger: no byte of it was handed out, says the issuer's record. The record is wrong, or the copy left the issuer in another way. {n|It counts|They count} for no recipient."},
	{"unconfirmed", showsNot, many((*Weighing).unconfirmed), "{n} {n|picture carries|pictures carry} the mark of an issued copy, but could not be confirmed to show that copy's upload. A mark can be laid onto another picture, so {n|it counts|they count} for no recipient."},
	{"unconfirmed-several", showsNot, many((*Weighing).severals), "{n} {n|picture carries|pictures carry} the marks of several issued copies that do not fit together. Marks were laid onto {n|it|them}, or several copies were put together, so {n|it counts|they count} for no recipient."},
	{"transplanted", showsNot, found(findings.FoundTransplanted), "{n} {n|picture carries|pictures carry} a transplanted mark: it was laid onto {n|it|them} from another picture. That says nothing about the recipient of the copy whose mark was used. The party that did this may have prepared other pictures of this dump."},
	{"lookalike", showsNot, found(findings.FoundLookalike), "{n} {n|picture resembles an upload|pictures resemble uploads} of the registry, but {n|is|are} not shown to be the same {n|capture|captures}; {n|it is|they are} not counted as matched."},
	{"records-altered", showsNot, (*Weighing).alteredRecords, "Records of the registry were altered or cannot be read, so that nothing follows for pictures that show its uploads or carry its marks: {names}."},
	{"incomplete", showsNot, many((*Weighing).closed), "{n} {n|picture|pictures} may show uploads whose originals or records are missing, altered or not readable: nothing follows from {n|it|them}. The command kycmark audit --originals names these uploads."},
	{"unknown", showsNot, unmatched(false), "{n} {n|picture matches|pictures match} no upload that the search could find."},
	{"unknown-recall", showsNot, (*Weighing).unknownRecall, "If the unmatched pictures show uploads that the registry has now, the search would have found them with at least this probability: {kinds}. These are lower 95 % bounds of trials of such leaks, each altered in one way of many. Erased uploads cannot be found. All pages of uploads were searched; the uploads of the trials had one page."},
	{"unknown-counted", showsNot, (*Weighing).unknownCounted, "Uploads that were not searched are counted as not found."},
	{"unknown-untried", showsNot, many((*Weighing).unknownUntried), "Some pictures are missed if they were altered much, or if little of them is left. How many is not measured for pictures of this kind."},
	{"unknown-template", showsNot, many((*Weighing).unknownTemplate), "{n} of these {n|pictures has|pictures have} the layout of an upload and other detail, as other documents of its template have."},
	{"not-searched-damaged", showsNot, notSearched(func(m *findings.Missing) int { return m.Damaged }), "{n} of the {of} uploads of the registry could not be searched: what the registry keeps to find them was altered or removed, or cannot be read. The command “kycmark audit --originals” names them."},
	{"not-searched-flat", showsNot, notSearched(func(m *findings.Missing) int { return m.Flat }), "{n} of the {of} uploads of the registry could not be searched, because they show too little, or are sealed and no sealing key was given."},
	{"not-searched-whole", showsNot, notSearched(func(m *findings.Missing) int { return m.Whole }), "{n} of the {of} uploads of the registry were searched as whole pictures only, because no local features of them could be searched. A crop or a collage of them may not be found."},
	{"unnamed", showsNot, unmatched(true), "{n} {n|picture matches|pictures match} none of the uploads that were named, and {n|was|were} not looked for among the others."},
	{"named-only", showsNot, (*Weighing).namedOnly, words.OnlyNamed},
	{"pages", showsNot, (*Weighing).pages, "{n} {n|file has|files have} several pages or frames, and only the first was examined. The other {others} {others|page was|pages were} not."},
	{"lacks", showsNot, (*Weighing).lacks, "{n} {n|file is|files are} incomplete: data are missing or wrong. What could be decoded was examined."},
	{"damaged", showsNot, found(findings.FoundDamaged), "{n} {n|picture is|pictures are} damaged: {n|it|they} could not be decoded, and {n|says|say} nothing."},
	{"unsupported", showsNot, found(findings.FoundUnsupported), "{n} {n|picture is|pictures are} of a format or size that is not supported. {n|It was|They were} not examined. Convert {n|it|them}, and investigate again."},
	{"unread-archives", showsNot, many((*Weighing).archives), "{n} {n|archive|archives} could not be read, in whole or in part. What {n|it holds|they hold} is not known. The reason is beside each."},
	{"unopened", showsNot, many((*Weighing).unopenedFiles), "{n} {n|file|files} could not be opened or read. What {n|it holds|they hold} is not known."},
	{"missing", showsNot, found(findings.FoundMissing), "{n} {n|file that was named does|files that were named do} not exist."},
	{"not-pictures", showsNot, found(findings.FoundNoPicture), "{n} {n|file is no picture, and counts|files are no pictures, and count} for nothing."},
	{"key-compromised", showsNot, (*Weighing).keyCompromised, "The mark key {key} of {n} {n|picture|pictures} with a confirmed copy is recorded as compromised since {since}, after the stated time of the find ({found}). {so}"},
	{"planting-only", showsNot, (*Weighing).plantingOnly, "The only marks of one recipient's copies in this dump, on {n} {n|picture|pictures}, belong to other uploads: they were laid there. They count for no recipient."},
	{"planting-held", showsNot, (*Weighing).plantingHeld, "Every picture with a copy issued to {name} ({n}) is a picture that {others} could hold unmarked. With those copies in hand, each of them could have laid the marks onto the unmarked pictures."},
	{"planting-repeated", showsNot, (*Weighing).plantingRepeated, "The {n} {n|picture|pictures} with a copy issued to {name} are all of one copy."},
	{"rival", showsNot, rivalFigures(odds.RivalHeld, odds.RivalPlanting), "The findings do not tell {name} from {other}: of the {of} {of|person|persons} on whose pictures copies issued to {name} were found, {other} held uploads of {n} unmarked. To lay these marks there it would have needed those very copies, and no record says that it had them. With them, it could also have released them as they are."},
	{"rival-had", showsNot, (*Weighing).rivalHad, "The findings do not tell {name} from {other}: by the record, {other} had the copies,{or} found on pictures of {n} of the {of} {of|person|persons}."},
	{"rival-returned", showsNot, (*Weighing).rivalReturned, "The findings do not tell {name} from the exchange. Pictures of {n} of the {of} {of|person|persons} may show uploads that came in with the marks of these copies."},
	{"together", showsNot, (*Weighing).together, "Copies issued to {name} were found on pictures of {of} {of|person|persons}. In the same pictures are copies of others, by number of persons: {others}. To lay a recipient's mark there, a party needs that recipient's copy of the very picture."},
	{"rival-rest", showsNot, rivalFigures(odds.RivalRest), "The records say that {other} had, marked or unmarked, {n} of the {of} {of|upload|uploads} in this dump that {name} does not explain. If {other} had also obtained the copies issued to {name}, it could be the source of both."},
	{"repeats", showsNot, (*Weighing).repeats, "The {n} {n|picture|pictures} with copies issued to {name} count as pictures of {clusters} {clusters|person|persons}: repetitions and pictures of one subject count once."},
	{"nameless", showsNot, withoutSubjects(false), "Of the {of} {of|picture|pictures} with copies issued to {name}, {n} {n|is|are} of uploads without a subject reference. They may all be of one person, who may also have a reference, so they add {adds} {adds|person|persons}."},
	{"nameless-stated", showsNot, withoutSubjects(true), "Of the {of} {of|picture|pictures} with copies issued to {name}, {n} {n|is|are} of uploads without a subject reference. The investigator states that one person has at most {each} such {each|upload|uploads}, so they add {adds} {adds|person|persons}."},
	{"same-document", showsNot, many(func(w *Weighing) int { return len(w.SameDocuments) }), "{n} {n|pair|pairs} of the uploads shown {n|looks|look} like pictures of one document when their originals are compared. The two uploads of a pair count as one person's."},
	{"same-document-subjects", showsNot, (*Weighing).sameDocumentSubjects, "The registry calls the persons of such pairs different: {pairs}."},
	{"not-compared", showsNot, (*Weighing).notCompared, "{n} {n|original was|originals were} not compared with the originals of the other uploads shown. Whether {n|it shows|they show} the same document as another is not known."},
	{"subjects-entered", showsNot, (*Weighing).subjectsEntered, "The subject {n|reference|references} of {n} {n|upload|uploads} shown {n|was|were} entered after the {n|upload|uploads}, the last on {day}. How many persons are counted rests on {n|it|them}."},
	{"also-held", showsNot, (*Weighing).alsoHeldFigures, "Of the {n} {n|picture|pictures} with a copy issued to {name}, these could also be held unmarked by others: {others}. With that copy in hand, each of them could have laid its mark onto the unmarked picture."},
}

// Speak writes Headline, Dates, Shows, ShowsNot and Said. The counts, the odds and the record must be there already.
func (w *Weighing) Speak() {
	w.Headline, w.Dates, w.Shows, w.ShowsNot, w.Said = "", nil, []string{}, []string{}, []findings.Said{}
	for _, r := range dumpSentences {
		for _, x := range r.when(w) {
			text := words.Write(r.text, x)
			switch r.part {
			case headline:
				w.Headline = strings.TrimSpace(w.Headline + " " + text)
			case onDates:
				w.Dates = append(w.Dates, text)
			case shows:
				w.Shows = append(w.Shows, text)
			case showsNot:
				w.ShowsNot = append(w.ShowsNot, text)
			}
			w.Said = append(w.Said, findings.Said{Code: r.code, Figures: words.In(r.text, x)})
		}
	}
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
		x.Reason = words.Write(Reasons[x.Code], ReasonFigures(*x))
	}
	if x := w.Odds.Window; x != nil {
		x.Dates = Dates(w.Case, x.From, x.To)
	}
}

// ReasonFigures are the figures of [Reasons].
func ReasonFigures(x odds.Withheld) words.Figures {
	return words.Figures{"name": x.Name, "clusters": x.Clusters, "needed": x.Needed}
}

// Dates returns in words the days of the cells from from to to: "2024-05-01 to 2024-05-07", or one day.
func Dates(c *odds.Case, from, to int) string {
	first, last := words.Day(c.Cells[from].From), words.Day(c.Cells[to].From)
	if first == last {
		return first
	}
	return first + " to " + last
}
