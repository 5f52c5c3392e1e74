// Package words writes numbers, names and times into sentences, and has the sentences on single leaks. It is pure.
package words

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/odds"
)

// Package odds computes numbers and codes. This file puts them into words, and has what all sentences share. The texts
// are in notes.go and in package weigh.

// A level of the verbal scale begins at a log10 likelihood ratio.
type level struct {
	from  float64
	words string
}

// verbal is the scale of the ENFSI Guideline for Evaluative Reporting in Forensic
// Science (2015), section 2.4 and table on page 17.
var verbal = []level{
	{6, "extremely strong support"},
	{4, "very strong support"},
	{3, "strong support"},
	{2, "moderately strong support"},
	{1, "moderate support"},
	{0.30102999566398120, "weak support"}, // log10 2
}

// InWords returns the words of the verbal scale for a log10 likelihood ratio of 0 or more; below log10 2 "no support".
func InWords(logLR float64) string {
	for _, l := range verbal {
		if logLR >= l.from {
			return l.words
		}
	}
	return "no support"
}

func UTC(t time.Time) string { return t.UTC().Format(time.RFC3339) }
func Day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Count returns a number with its noun: "1 picture", "3 pictures".
func Count(n int, one, many string) string { return fmt.Sprintf("%d %s", n, Verb(n, one, many)) }

// Verb returns one if n is 1, else many.
func Verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// List joins names: "a, b and c". It is "" without names.
func List(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// Thousands writes a number, rounded to a whole number, with commas: "1,234".
func Thousands(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Times writes 10^logLR, logLR 0 or more, as a whole number, rounded down to its first digit: "400,000" for 5.69.
func Times(logLR float64) string {
	x := math.Pow(10, logLR+1e-9)
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	return Thousands(math.Floor(x/unit) * unit)
}

// OnceIn writes the inverse of a probability, given by its log10, for "about once in": a whole number with one
// digit, rounded down, and from 10^9 on the power of ten alone.
func OnceIn(log10 float64) string {
	if log10 <= -9 {
		return fmt.Sprintf("10^%.0f", math.Floor(-log10))
	}
	return Times(-log10)
}

// RoundedUp writes a probability above 0 with one digit, rounded up: "2e-09" for 1.1e-9.
func RoundedUp(p float64) string {
	unit := math.Pow(10, math.Floor(math.Log10(p)))
	return fmt.Sprintf("%.0g", math.Ceil(p/unit-1e-9)*unit)
}

// Share writes a probability, 0..1, in percent, rounded down so that it never says more than p.
// From 0.99 on it has two decimals, and from 0.9999 on it is "more than 99.99 %".
func Share(p float64) string {
	switch {
	case p >= 0.9999:
		return "more than 99.99 %"
	case p >= 0.99:
		return fmt.Sprintf("%.2f %%", math.Floor(p*1e4)/100)
	}
	return fmt.Sprintf("%.0f %%", math.Floor(p*100))
}

// Power writes a power, 0..1, as share does, and no more than trials support.
func Power(p float64) string { return Share(math.Min(p, tuning.MaxPower)) }

// Percent writes a share in percent with one decimal; above 0 and below 0.001 it is "less than 0.1 %".
func Percent(x float64) string {
	if x > 0 && x < 0.001 {
		return "less than 0.1 %"
	}
	return fmt.Sprintf("%.1f %%", 100*x)
}

// NotStated are the words for a fact that is not stated.
const NotStated = "not stated"

// StatedFind writes the time of the find as sentences have it.
func StatedFind(t time.Time) string {
	if t.IsZero() {
		return NotStated
	}
	return "stated as " + UTC(t)
}

// Figures are the values in a sentence, by name: int, float64, string or []string. A float64 is
// written with one decimal, and strings as a list.
type Figures = map[string]any

func Written(said []findings.Said) string {
	return strings.Join(each.Of(said, func(s findings.Said) string { return Write(Notes[s.Code], s.Figures) }), " ")
}

var figure = regexp.MustCompile(`\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}`)

// share is what [Write] writes as "all 3" if both numbers are 3.
var share = regexp.MustCompile(`\{(\w+)\} of the \{(\w+)\}`)

// In returns the figures that a text has, out of x, and the figures of its clause.
func In(text string, x Figures) Figures {
	has := make(Figures)
	for _, m := range figure.FindAllStringSubmatch(text, -1) {
		if has[m[1]] = x[m[1]]; m[1] == clause {
			maps.Copy(has, In(Clauses[x[clause].(string)], x))
		}
	}
	return has
}

// clause is the figure that has the code of one of [Clauses].
const clause = "clause"

// InSentence returns names as a sentence lists them.
func InSentence(names []string) []string { return each.Of(names, intake.InSentence) }

// Write fills figures into a text: {x} becomes figure x, and {x|one|many} its first form if x is the number 1, else
// the second. Figures with the key name or other are names. {clause} becomes the clause of that code.
// "3 of the 3 pictures" becomes "all 3 pictures".
func Write(text string, x Figures) string {
	text = share.ReplaceAllStringFunc(text, func(s string) string {
		m := share.FindStringSubmatch(s)
		n, ok := x[m[1]].(int)
		if !ok || n < 1 || n != x[m[2]] {
			return s
		}
		all := [...]string{1: "the", 2: "both", 3: fmt.Sprint("all ", n)}[min(n, 3)]
		if strings.HasPrefix(text, s) {
			all = strings.ToUpper(all[:1]) + all[1:]
		}
		return all
	})
	return figure.ReplaceAllStringFunc(text, func(s string) string {
		m := figure.FindStringSubmatch(s)
		if v := x[m[1]]; m[2] == "" && m[3] == "" {
			switch v := v.(type) {
			case float64:
				return fmt.Sprintf("%.1f", v)
			case []string:
				return List(v)
			case string:
				switch m[1] {
				case "name", "other":
					return intake.InSentence(v)
				case clause:
					return Write(Clauses[v], x)
				}
			}
			return fmt.Sprint(v)
		}
		return Verb(x[m[1]].(int), m[2], m[3])
	})
}

// The texts that several notes share.
const (
	thisMark  = "This picture carries the mark of copy {copy}"
	notRuled  = " That the mark was laid onto another picture is not excluded."
	NotJudged = "When the leaks were found is not known, so it is not known whether that custody is admissible."
	OnlyNamed = "Only the named uploads were searched, so the matches say nothing about when or from where pictures were taken."
)

// Notes are the sentences on single leaks, by the codes that [conclude.Conclude] gives beside its conclusion, and those
// on the copies of a recipient: on other leaks that concern it, and by the codes of package odds.
var Notes = map[string]string{
	"copy":             thisMark + ", {clause}. It shows the upload that this copy was made of.",
	"copy-exact":       "This file is the file that was issued as copy {copy}, byte for byte.{clause}",
	"copy-little":      thisMark + ", {clause}. The part of the mark that is this copy's alone was found in its place on that copy's upload. The rest of the comparison leaves open whether the picture shows that upload.",
	"copies-merged":    "The marks of copies {copies} are all in this picture, each with the part that is that copy's alone. The picture was made of all of them, or of one copy onto which a holder of the others laid their marks.",
	"copies-collage":   "The marks of {n} copies, of {uploads} uploads, are in this picture, each with the part that is that copy's alone: {copies}. The picture was put together of them, or they were laid over each other. Each counts for its own recipient and upload.",
	"copies-beside":    "The picture also carries {n|the mark|the marks} of {n|copy|copies} {copies}. {n|That mark is|Those marks are} not confirmed and {n|counts|count} for no recipient.",
	"copies-brought":   "The picture also carries {n|the mark|the marks} of {n|copy|copies} {copies}. The upload came in with {n|this mark|these marks}, so that each copy of the upload carries {n|it|them}. {n|This mark counts|These marks count} for no recipient.",
	"copy-returned":    "{n|Upload|Uploads} {uploads} {how} with this mark, and the picture may show {n|it|them} as well. Each party that had {n|it|them} could release this picture.",
	"copy-forgeable":   thisMark + ", and shows the upload of that copy. The mark key is recorded as compromised since {since}. When the pictures were found is {found}. A holder of the key who knew the ID of the copy and had the upload could have made this mark.",
	"copy-is-void":     "The ledger says that {n|copy|copies} {copies} {n|is|are} void: no byte was handed out. That record is wrong, or the picture left the issuer in another way. {n|The mark counts|The marks count} for no recipient. Entries after a stated find, or after this file was first examined, do not count.",
	"copy-is-reserved": "The ledger has {n|copy|copies} {copies} as reserved: that {n|it was|they were} handed out to the recipient is not confirmed. Entries after a stated find, or after this file was first examined, do not count.",

	"transplanted":    "This picture carries {n|the mark|the marks} of {n|copy|copies} {copies}, but shows another upload. {n|The mark was|The marks were} laid onto it, which says nothing about {n|the recipient of the copy|the recipients of the copies}.",
	"transplanted-id": "This picture carries the ID of copy {copy} and shows its upload, but lacks the part of the mark that is this copy's alone. That part would have been found with a probability of {power}. The ID was laid onto an unmarked picture, which says nothing about the recipient of the copy.",

	"unconfirmed":         thisMark + ". It is not confirmed to show that copy's upload: {clause}." + notRuled,
	"unconfirmed-several": "This picture carries the marks of several issued copies: {copies}. A picture is issued with one mark. At least one was laid onto it, or several copies were put together in it. No copy is confirmed. If copies lie side by side, cut them apart, and investigate each.",

	"unlisted":          "This picture carries a mark under key {key} with the copy ID {copy}, which the registry does not list under that key. The record of issued copies is incomplete, or another party used the key. The mark counts for no recipient.",
	"unlisted-key-lost": "The key is recorded as compromised since {day}.",
	"unlisted-upload":   "The picture {how} an upload.",

	"unmarked":           "This picture shows an upload, and no mark {clause} was found. Such a mark would have been found with a probability of {power}, unless it was removed on purpose.",
	"not-marked":         "This picture shows an upload, and no mark was found. Whether it was marked cannot be said: {clause}.",
	"not-marked-damaged": "This picture shows an upload and carries a part of a mark of its copies, damaged. On an unmarked picture that much is seen less than once in a million. Whose copy it was cannot be said.",
	"not-marked-removed": "Of the code of any copy that is listed at most {share} is left of what the picture's compression, blur and size leave. A copy that the registry does not list does that, and averages of four or more copies do. In trials with 17 pictures messengers did it to one (at most 25 % of pictures, 95 % confidence). Hard JPEG, contrast, crops or covers did it to two.",
	"by-edges":           "This picture is black and white. It has the edges of an upload, in the same frame. Such a picture does not show whether a mark was there.",
	"by-hash":            "This picture matches an upload by its hash: {bits} of 256 bits differ. The comparison of the pixels does not settle it ({pixels}). No mark of an issued copy was read.",

	"lookalike":         "This picture looks like an upload, but is not shown to be the same capture: {clause}.",
	"lookalike-sharper": "This picture shows what an upload shows, with more detail than that upload has. So it was hardly made of that upload. In trials some enlarged uploads were taken for such pictures (docs/limits.md).",

	"incomplete":       "The {n|original|originals} or records of {n} {n|upload|uploads} that this picture may show are missing, altered or not readable. Nothing follows from this picture. Restore them, and investigate again.",
	"unknown":          "This picture matches no upload that was searched, and no mark of an issued copy was read.{clause}",
	"unknown-template": "It has the layout of upload {upload}: {share} of the detail there agrees, and the rest is other detail, as in another document of that template.",
	"mark-here":        "A mark of a key that was tried may be here: what all marks of a key have in common was seen. A picture without a mark shows that much less than twice in a million. Whose copy it was cannot be said.",
	"unknown-recall":   "In trials with leaks of its kind ({kind}), of one upload alone, the search found the first page of the upload for {found} of {of}. Over all uploads of this registry it finds at least {bound} (95 % confidence).{clause}",

	"shows-beside": "The picture also shows {uploads}, with no copy confirmed there.",
	"altered":      "The picture differs from the upload in {n} {n|place|places} ({kinds}, {share} of the upload).{clause} Everywhere else it shows the same capture.",
	"page-fields":  "In {n} {n|place|places} ({share} of the upload) the picture shows another text or picture than the upload.",
	"page-hidden":  "Not all of the page can be read in the picture.",
	"pages":        "Only the first of {n} pages was examined.",
	"lacks":        "The file is incomplete: {lacks}. The finding is of the rest.",

	string(findings.FoundDamaged):     "This file could not be decoded.",
	string(findings.FoundUnsupported): "This program does not read this kind of file. Convert it, and investigate again.",
	string(findings.FoundUnopened):    "This file could not be opened or read. What it holds is not known.",
	string(findings.FoundMissing):     "There is no such file.",
	string(findings.FoundNoPicture):   "No picture that this program knows is in this file.",

	"beside-custody":      "{n} {n|picture without a mark lies|pictures without a mark lie} within this recipient's recorded custody of unmarked uploads.",
	"beside-late":         "{n} {n|picture lies|pictures lie} within custody that was not entered before the leaks were found. It is not admissible.",
	"beside-unjudged":     "{n} {n|picture lies|pictures lie} within this recipient's recorded custody of unmarked uploads. " + NotJudged,
	"beside-unconfirmed":  "{n} {n|picture carries a mark of this recipient's copies but is not confirmed and not|pictures carry marks of this recipient's copies but are not confirmed and not} counted.",
	"beside-transplanted": "{n} {n|picture carries a transplanted mark|pictures carry transplanted marks} of this recipient's copies, which count for no recipient.",
	odds.NoConfirmed:      "Copies of these uploads were issued to this recipient. The leaks contain no mark of these copies that is confirmed and strong. That marks could have been removed is no evidence that they were.",
	odds.TooMany:          "Copies issued to this recipient are in the same pictures as copies of more recipients than are compared at once. So they count neither for nor against it.",
	odds.NoLeak:           "Copies of uploads were issued to this recipient. No leak shows these uploads.",
}

// Clauses are what a sentence says in the place of {clause}, by codes that are among its figures: how a mark was read, why
// something is not known or not named, and the answers to claims.
var Clauses = map[string]string{
	"plain": "",

	"read":     "read without the original",
	"compared": "found by comparison with the original",
	"both":     "read without the original and found again by comparison with it",

	"altered":  "it shows that upload altered in places, and this copy's own part of the mark was not found",
	"part":     "too little of it is there to tell it from another document of the template",
	"document": "it may be another picture of the same document",
	"page":     "a computer made the page, and only its fields tell one customer's page from another's",
	"template": "it has the layout of that upload but other detail, as another document of the template has",
	"sharper":  "it has more detail than that upload, and this copy's own part of the mark was not found",
	"differs":  "it differs from that upload in places, as an edited picture or another capture does",
	"closed":   "an original that it may show could not be opened, or was not kept",
	"sibling":  "it shows another upload of the same picture, and this copy's own part of the mark was not found",
	"laid":     "it has fine detail of that upload, but not its light and dark",
	"erased":   "that upload was erased from the registry, so nothing is left to compare with. The copy was issued to {name} on {issued}",
	"other":    "the comparison of the pixels leaves that open",

	"gone": " The upload of that copy was erased from the registry, so that the copy counts for no recipient. It was issued to {name} on {issued}.",

	"issued":          "of the {n} {n|copy|copies} issued of that upload",
	"any":             "under any key that was tried",
	"untraced":        "how probable it was to find a mark is not known",
	"erased-sibling":  "it may derive from a copy of an erased upload of the same picture, and such a mark is found by reading alone",
	"perhaps-sharper": "it may show more detail than that upload has, and then it was not made of it",
	"weak":            "by calculation a mark would have been found with a probability of {power}, and {needed} is required",
	"keys":            "the mark {n|key|keys} of {n} {n|copy|copies} of that upload {n|was|were} not at hand",
	"aside":           "it could not be laid onto its original exactly enough to look for a mark",
	"alike":           "it also shows, or may show, the upload {upload}, whose copies could not be ruled out",
	"shared":          "{n} uploads have this page in common, and from which of them it comes is not known",

	"flat": " It shows too little for its hash to be searched.",
	"near": " Its hash lies near uploads whose originals do not align with it, or more uploads are near than are compared.",
	"some": " {missing} of the {uploads} uploads could not be searched, or only as whole pictures, which that bound counts.",

	"filtered": " Strong filters and conversions leave such places too.",

	odds.FewClusters: "marks of its copies are strong evidence on pictures of {clusters} {clusters|person|persons}, and {needed} persons are required. More leaked pictures of other persons can change that",
	odds.Exposed:     "copies of it found here were public before, and too few others were found",
	odds.Dates:       "copies of it found here are recorded as issued after the stated find, and too few others were found. Evidence of when the pictures were found can settle which date is right",
	odds.TooMany:     "its copies are in the same pictures as copies of more recipients than are compared at once",
	odds.SmallRatio:  "the likelihood ratio, divided by the number of recipients, is too small. More leaked pictures of other persons can change that",
	odds.FewTrials:   "validation does not allow a ratio of 10 to be claimed",

	"mark-refuted":     "refuted. {n} {n|picture carries a mark, or a part of one,|pictures carry marks, or parts of marks,} under a key of the registry.",
	"mark-supported":   "supported. On {n|this picture|each of these pictures} a mark that was not removed would have been found with a probability of at least 99.5 %.",
	"mark-open":        "not supported. No mark was found, but {n} of the {of} {of|file|files} may carry a mark that could not be seen.",
	"ours-refuted":     "refuted. {n} {n|picture shows an upload|pictures show uploads} of the registry.",
	"ours-open":        "not supported. A search misses some pictures that were altered, and erased uploads cannot be found.",
	"month-refuted":    "refuted. They show uploads that were submitted in {n} months (UTC), from {first} to {last}.",
	"month-supported":  "supported by the issuer's records. {n|The picture shows an upload|All pictures show uploads} submitted in {first} (UTC). Uploads that were erased are not known.",
	"month-open":       "not supported. Of {of} {of|file|files}, the month of {n} is known.",
	"vendor-refuted":   "refuted. {n} {n|picture comes from a copy|pictures come from copies} that no vendor had, by the records.",
	"vendor-supported": "supported. {n|The picture comes from a copy|All pictures come from copies} issued to {names}. Who released {n|it|them} is not shown.",
	"vendor-open":      "not supported. Of {of} {of|file|files}, {n} {n|comes from a copy|come from copies} issued to a vendor. Another source is not ruled out.",
	"breach-against":   "not supported. {n} {n|picture speaks|pictures speak} against it: {n|it shows an upload|they show uploads} without a mark, and no custody of another party was entered for {n|it|them}. Erased uploads of the same pictures are not known.",
	"breach-open":      "not supported. Pictures do not show how they were obtained, and the issuer had the same copies and uploads.",
}

// Regions name the places that a leak shows altered, by their kinds.
var Regions = map[string]string{
	"bar":     "a bar or blur",
	"caption": "a caption",
	"field":   "another text or picture",
	"patch":   "a sticker or another picture",
}
