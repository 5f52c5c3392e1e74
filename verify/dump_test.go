package verify_test

import (
	"encoding/json"
	"fmt"
	"image"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

var found = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

var recipients = []books.Recipient{
	{Name: "store", Kind: books.KindStore}, {Name: "vendor A", Kind: books.KindVendor},
	{Name: "vendor B", Kind: books.KindVendor}, {Name: "authority C", Kind: books.KindAuthority},
}

// leakOf is a verdict as Investigate would make it.
func leakOf(n int, finding findings.Kind, recipient string, custody ...books.Custody) *findings.Finding {
	v := &findings.Finding{
		File: fmt.Sprintf("leak%d.jpg", n), Conclusion: findings.Conclusion{Kind: finding, Copies: []watermark.CopyID{}}, Strength: findings.Strength{Edits: []findings.Edit{}},
		Picture:  findings.Picture{SHA256: fmt.Sprintf("%064x", n), Size: 1000, Format: "jpeg", Decoder: "image/jpeg", Width: 640, Height: 480},
		Evidence: findings.Evidence{Matches: []findings.Match{}, Traces: []findings.Tracing{}},
		Rows:     findings.Rows{Custody: custody},
	}
	if finding != findings.FoundUnknown && v.Examined() {
		d := 4
		v.Submission = watermark.Submission{byte(n), 1}
		v.Distance = &d
		v.Submitted = feb
		v.Matches = append(v.Matches, findings.Match{Submission: v.Submission, Distance: 4, Pixels: findings.PixelsSame, Submitted: feb})
	}
	if recipient != "" {
		p := -9.1
		v.Copies, v.LogP, v.BlindLogP, v.KeyID = []watermark.CopyID{watermark.CopyID(n)}, &p, &p, "v1-k"
		verify.SetMarked(v, recipient)
	}
	if recipient != "" && finding == findings.FoundCopy {
		v.Recipients = []string{recipient}
		v.Issued = []books.Copy{{ID: v.Copy(), Submission: v.Submission, Recipient: recipient, Purpose: "request 7", KeyID: "v1-k",
			Format: "jpeg", Width: 1200, Height: 900, SHA256: books.Digest{30: byte((n + 1000) >> 8), 31: byte(n + 1000)}, Issued: feb.AddDate(1, 0, 0)}}
	}
	verify.SetSubject(v, fmt.Sprintf("person %d", n))
	if !v.Examined() {
		v.Error = "jpeg: unexpected end"
	}
	return v
}

// mixed is a leak with copies of several recipients.
func mixed(n int, names ...string) *findings.Finding {
	v := leakOf(n, findings.FoundCopy, names[0])
	for i, name := range names[1:] {
		c := v.Issued[0]
		c.ID, c.Recipient, c.SHA256[29] = watermark.CopyID(n+1000*(i+1)), name, byte(i+1)
		v.Issued, v.Copies = append(v.Issued, c), append(v.Copies, c.ID)
	}
	return v
}

// sheet is a leak with a copy of a further upload beside its own. The further upload and copy are of another leak.
func sheet(v *findings.Finding, others ...*findings.Finding) *findings.Finding {
	for _, o := range others {
		v.Issued, v.Copies = append(v.Issued, o.Issued...), append(v.Copies, o.Copies...)
		v.Matches = append(v.Matches, o.Matches...)
		v.Beside = append(v.Beside, findings.Beside{Submission: o.Submission, Submitted: o.Submitted, Custody: o.Custody})
		verify.SetBeside(v, o.Submission, fmt.Sprintf("person %d", o.Submission[0]))
	}
	v.Recipients = v.MayNames()
	return v
}

// unissued is a leak with a mark under the registry's key that the registry does not list. It shows
// a submission if v does.
func unissued(v *findings.Finding) *findings.Finding {
	p := -9.1
	v.Kind, v.KeyID, v.LogP, v.BlindLogP = findings.FoundUnissued, "v1-k", &p, &p
	v.Reads = []findings.Reading{{Copy: 77, KeyID: "v1-k", LogP: &p, Shows: findings.PixelsUnknown}}
	return v
}

// closed is a file that could not be examined.
func closed(n int, finding findings.Kind) *findings.Finding { return leakOf(n, finding, "") }

// archived makes the file an archive that could not be read.
func archived(v *findings.Finding) *findings.Finding {
	v.Error = "archive: encrypted"
	return v
}

func unconfirmed(v *findings.Finding) *findings.Finding {
	v.Kind, v.Recipients, v.Issued = findings.FoundUnconfirmed, nil, nil
	return v
}

// void is a leak with the mark of a copy that was never handed out.
func void(n int) *findings.Finding {
	v := leakOf(n, findings.FoundUnconfirmed, "vendor A")
	v.Void = true
	return v
}

// reserved makes the copy in a leak one of which the record does not say that it was handed out.
func reserved(v *findings.Finding) *findings.Finding {
	v.Issued[0].State = books.CopyReserved
	return v
}

// lost makes the original of an upload that a leak may show unreadable.
func lost(v *findings.Finding) *findings.Finding {
	v.Closed = 1
	return v
}

// lostKey takes away the mark key of a copy of the upload that a leak shows.
func lostKey(v *findings.Finding) *findings.Finding {
	v.Traces = []findings.Tracing{{Submission: v.Submission, Registered: true, Power: 1, Unsought: 1, Copies: []findings.TracedCopy{}, Edits: []findings.Edit{}}}
	return v
}

// partOfAMark makes tracing see a part of a mark, and find no copy.
func partOfAMark(v *findings.Finding) *findings.Finding {
	v.Traces = []findings.Tracing{{Submission: v.Submission, Registered: true, Power: 1, LogAny: -7, Copies: []findings.TracedCopy{}, Edits: []findings.Edit{}}}
	return v
}

func subject(v *findings.Finding, s string) *findings.Finding {
	verify.SetSubject(v, s)
	return v
}

func again(v *findings.Finding) *findings.Finding {
	w := *v
	w.File = "again-" + v.File
	return &w
}

func holds(name string, entered time.Time) books.Custody {
	return books.Custody{Recipient: name, From: feb, To: feb.AddDate(0, 1, 0), Note: "contract 12", Entered: entered}
}

func all(name string, entered time.Time) books.Custody {
	return books.Custody{Recipient: name, From: feb.AddDate(-20, 0, 0), To: feb.AddDate(20, 0, 0), Note: "everything", Entered: entered}
}

// A dump and what must come of it.
type dump struct {
	leaks    []*findings.Finding
	named    []string
	headline string
	says     []string // somewhere in the sentences
	evidence map[string]int
}

func dumps() map[string]dump {
	before, after := found.AddDate(-1, 0, 0), found.AddDate(0, 0, 1)
	a := func(n int) *findings.Finding { return leakOf(n, findings.FoundCopy, "vendor A") }
	b := func(n int) *findings.Finding { return leakOf(n, findings.FoundCopy, "vendor B") }
	bare := func(n int, c ...books.Custody) *findings.Finding {
		return leakOf(n, findings.FoundUnreadable, "", c...)
	}
	return map[string]dump{
		"empty":                           {headline: "no picture was examined"},
		"strangers":                       {leaks: []*findings.Finding{leakOf(1, findings.FoundUnknown, ""), leakOf(2, findings.FoundUnknown, "")}, headline: "No upload of the registry was matched by the 2 leaked pictures", says: []string{"How many is not measured for 2 of these pictures."}},
		"damaged":                         {leaks: []*findings.Finding{leakOf(1, findings.FoundDamaged, "")}, headline: "Inconclusive: no picture was examined. The file given was not examined: 1 damaged."},
		"unissued":                        {leaks: []*findings.Finding{unissued(leakOf(1, findings.FoundUnknown, "")), unissued(leakOf(2, findings.FoundUnknown, ""))}, headline: "No upload of the registry was matched by the 2 leaked pictures examined. 2 pictures carry a mark under a mark key of the registry with a copy ID that it does not list: 1 ID under 1 key (v1-k).", says: []string{"at most 2e-08.", "count for no recipient"}},
		"unissued, uploads":               {leaks: []*findings.Finding{unissued(bare(1)), unissued(bare(2)), bare(3)}, headline: "All 3 leaked pictures show uploads of the registry. Inconclusive: no mark of an issued copy was confirmed on them. 2 pictures carry a mark under a mark key", says: []string{"On 1 picture no mark was found under the 1 mark key that was tried"}},
		"unissued beside named":           {leaks: []*findings.Finding{a(1), a(2), unissued(bare(3))}, named: []string{"vendor A"}, headline: "1 picture carries a mark under a mark key", evidence: map[string]int{"vendor A": 2}},
		"not examined":                    {leaks: []*findings.Finding{leakOf(1, findings.FoundUnknown, ""), closed(2, findings.FoundUnsupported), closed(3, findings.FoundUnopened), closed(4, findings.FoundMissing), closed(5, findings.FoundNoPicture), archived(closed(6, findings.FoundUnopened))}, headline: "No upload of the registry was matched by the 1 leaked picture examined. 5 of the 6 files given were not examined: 1 unsupported, 2 unopened, 1 missing and 1 no picture."},
		"a reviewer":                      {leaks: []*findings.Finding{shownTo(1, "reviewer-1"), shownTo(2, "reviewer-1")}, named: []string{"vendor A"}, headline: "Both copies of vendor A found here were shown to 1 reviewer of vendor A. The marks name a reviewer of vendor A (erased). Others at vendor A may have had the same copies.", evidence: map[string]int{"vendor A": 2}},
		"one subject in two cases":        {leaks: []*findings.Finding{subject(a(1), "ref-7F31"), subject(a(2), "ref-7f31")}, headline: "Both leaked pictures come from copies issued to vendor A. Inconclusive: that is not enough to name it as the source."},
		"two reviewers":                   {leaks: []*findings.Finding{shownTo(1, "reviewer-1"), shownTo(2, "reviewer-2")}, named: []string{"vendor A"}, headline: "Both copies of vendor A found here were shown to 2 reviewers of vendor A. The evidence is not enough to name a single reviewer."},
		"one copy":                        {leaks: []*findings.Finding{a(1), bare(2)}, headline: "1 of the 2 leaked pictures comes from a copy issued to vendor A. Inconclusive: that is not enough to name it as the source.", says: []string{"The evidence is not enough to name vendor A as the source: marks of its copies are strong evidence on pictures of 1 person, and 2 persons are required. More leaked pictures of other persons can change that."}, evidence: map[string]int{"vendor A": 1}},
		"two copies":                      {leaks: []*findings.Finding{a(1), a(2), bare(3)}, named: []string{"vendor A"}, headline: "2 of the 3 leaked pictures come from copies issued to vendor A (“request 7”, February 2019). No mark of another recipient's copy was found.", says: []string{"at least 300 times more probable", "No higher number than 300 is stated: in 912 trials", "strong support", "do not show who released these copies: the issuer had the same copies", "may have been missed or removed there"}, evidence: map[string]int{"vendor A": 2}},
		"same copy twice":                 {leaks: []*findings.Finding{a(1), again(a(1))}, headline: "Inconclusive", says: []string{"byte for byte"}, evidence: map[string]int{"vendor A": 1}},
		"same person twice":               {leaks: []*findings.Finding{subject(a(1), "p"), subject(a(2), "p")}, headline: "Inconclusive", evidence: map[string]int{"vendor A": 1}},
		"one copy, lost originals":        {leaks: []*findings.Finding{a(1), lost(unconfirmed(a(2))), lost(unconfirmed(a(3)))}, headline: "2 pictures may show uploads that could not be read. Restore the originals"},
		"lost originals":                  {leaks: []*findings.Finding{lost(unconfirmed(a(1)))}, headline: "The leaked picture carries the mark of an issued copy. Inconclusive: it is not confirmed to show that copy's upload, and no other upload was matched. 1 picture may show uploads that could not be read. Restore"},
		"bare, lost original":             {leaks: []*findings.Finding{bare(1), lost(bare(2)), lost(leakOf(3, findings.FoundIncomplete, ""))}, headline: "2 pictures may show uploads that could not be read. Restore"},
		"bare, lost key":                  {leaks: []*findings.Finding{bare(1), lostKey(bare(2))}, headline: "For 1 picture the mark keys of some copies were not at hand. Restore"},
		"named, lost original":            {leaks: []*findings.Finding{a(1), a(2), lost(unconfirmed(a(3)))}, named: []string{"vendor A"}, headline: "the issuer had the same copies"},
		"issued afterwards":               {leaks: []*findings.Finding{issuedAt(a(1), after), issuedAt(a(2), after)}, headline: "Inconclusive", says: []string{"files were found by 2026-05-01T00:00:00Z. 2 pictures contain copies recorded as issued to vendor A on 2026-05-02T00:00:00Z or later.", "The evidence is not enough to name vendor A as the source: copies of it found here are recorded as issued after"}, evidence: map[string]int{"vendor A": 2}},
		"issued before":                   {leaks: []*findings.Finding{issuedAt(a(1), before), issuedAt(a(2), before)}, named: []string{"vendor A"}, headline: "vendor A", evidence: map[string]int{"vendor A": 2}},
		"two persons":                     {leaks: []*findings.Finding{subject(a(1), "p"), subject(a(2), "q")}, named: []string{"vendor A"}, headline: "vendor A", evidence: map[string]int{"vendor A": 2}},
		"unconfirmed":                     {leaks: []*findings.Finding{unconfirmed(a(1)), unconfirmed(a(2)), unconfirmed(a(3))}, headline: "All 3 leaked pictures carry the mark of an issued copy. Inconclusive: they are not confirmed to show that copy's upload", says: []string{"count for no recipient"}, evidence: map[string]int{"vendor A": 0}},
		"transplanted":                    {leaks: []*findings.Finding{leakOf(1, findings.FoundTransplanted, "vendor A"), leakOf(2, findings.FoundTransplanted, "vendor A")}, headline: "Both leaked pictures show uploads of the registry. Inconclusive: no mark of an issued copy was confirmed on them.", says: []string{"a transplanted mark", "counts for no recipient"}, evidence: map[string]int{"vendor A": 0}},
		"real and transplanted":           {leaks: []*findings.Finding{a(1), a(2), leakOf(3, findings.FoundTransplanted, "vendor B")}, named: []string{"vendor A"}, headline: "vendor A", says: []string{"may have prepared other pictures"}, evidence: map[string]int{"vendor B": 0}},
		"two recipients":                  {leaks: []*findings.Finding{a(1), a(2), leakOf(3, findings.FoundCopy, "authority C"), leakOf(4, findings.FoundCopy, "authority C")}, named: []string{"authority C", "vendor A"}, headline: "2 of the 4 leaked pictures come from copies issued to authority C (“request 7”, February 2019).", says: []string{"Copies of several recipients were found. The findings do not tell several sources from a single source"}},
		"colluders":                       {leaks: []*findings.Finding{mixed(1, "vendor A", "vendor B"), mixed(2, "vendor B", "vendor A"), bare(3)}, named: []string{"vendor A", "vendor B"}, headline: "2 pictures contain copies issued to vendor A and vendor B at once. The findings do not tell several sources from a single source that had the copies of all.", says: []string{"at least 300 times more probable"}, evidence: map[string]int{"vendor A": 2, "vendor B": 2}},
		"a large colluder":                {leaks: []*findings.Finding{a(1), a(2), a(3), mixed(4, "vendor A", "vendor B")}, named: []string{"vendor A"}, headline: "1 picture contains copies issued to vendor A and 1 other recipient at once. The findings do not tell several sources", says: []string{"The evidence is not enough to name vendor B as the source"}},
		"a copy of an authority mixed in": {leaks: []*findings.Finding{a(1), a(2), mixed(3, "vendor A", "authority C")}, named: []string{"vendor A"}, headline: "All 3 leaked pictures", says: []string{"“These pictures come from a vendor”: not supported. Of 3 files, 3 come"}},
		"a void copy beside":              {leaks: []*findings.Finding{a(1), a(2), void(3)}, named: []string{"vendor A"}, headline: "1 picture carries the mark of a copy that is void in the ledger", says: []string{"“These pictures come from a vendor”: not supported"}},
		"rolling colluders":               {leaks: []*findings.Finding{mixed(1, "vendor A", "vendor B"), mixed(2, "vendor B", "authority C"), mixed(3, "authority C", "vendor A"), mixed(4, "vendor A", "vendor B", "authority C")}, named: []string{"authority C", "vendor A", "vendor B"}, headline: "4 pictures contain copies issued to two or more of vendor A, vendor B and authority C at once."},
		"sheets": {leaks: []*findings.Finding{sheet(b(1), a(2), a(3), a(4)), sheet(b(5), a(6), a(3), a(2))}, named: []string{"vendor A", "vendor B"}, headline: "2 pictures contain copies issued to vendor A and vendor B at once.",
			says: []string{"The marks on 2 pictures (4 persons)", "The marks on 2 pictures (2 persons)"}, evidence: map[string]int{"vendor A": 4, "vendor B": 2}},
		"sheets of one":                 {leaks: []*findings.Finding{sheet(a(1), a(2), a(3))}, named: []string{"vendor A"}, headline: "The leaked picture comes from copies issued to vendor A", evidence: map[string]int{"vendor A": 3}},
		"sheets with one of another":    {leaks: []*findings.Finding{sheet(a(2), b(1)), sheet(a(3), b(1)), sheet(a(4), b(1))}, named: []string{"vendor A"}, headline: "3 pictures contain copies issued to vendor A and 1 other recipient at once.", evidence: map[string]int{"vendor A": 3, "vendor B": 1}},
		"one photograph twice":          {leaks: []*findings.Finding{sheet(b(1), subject(a(2), "person 1")), sheet(b(3), a(4))}, named: []string{"vendor A", "vendor B"}, headline: "2 pictures contain copies issued to vendor A and vendor B at once.", evidence: map[string]int{"vendor A": 2, "vendor B": 2}},
		"a sheet that one held in part": {leaks: []*findings.Finding{sheet(leakOf(1, findings.FoundCopy, "vendor A", holds("vendor B", before)), a(2)), leakOf(3, findings.FoundCopy, "vendor A", holds("vendor B", before))}, named: []string{"vendor A"}, headline: "vendor A", evidence: map[string]int{"vendor A": 3}},
		"one each":                      {leaks: []*findings.Finding{a(1), leakOf(3, findings.FoundCopy, "authority C")}, headline: "Inconclusive"},
		"the store's":                   {leaks: []*findings.Finding{leakOf(1, findings.FoundCopy, "store"), leakOf(2, findings.FoundCopy, "store")}, named: []string{"store"}, headline: "issued to store"},
		"two of February":               {leaks: []*findings.Finding{bare(1, holds("vendor A", before)), bare(2, holds("vendor A", before), holds("vendor B", before))}, headline: "Both leaked pictures show uploads of the registry. Inconclusive: no mark", says: []string{"vendor A (2 of these; 924 of all 120,516 uploads) and vendor B (1 of these; 924 of all 120,516 uploads). The exchange held them also."}, evidence: map[string]int{"vendor A": 0}},
		"February": {leaks: many(20, func(n int) *findings.Finding {
			l := bare(n, holds("vendor A", before))
			l.Submitted = feb.AddDate(0, 0, n)
			return l
		}), headline: "All 20 leaked pictures show uploads of the registry", says: []string{"vendor A (20 of these; 924 of all 120,516 uploads)", "Of 20 pictures on which no mark was found, 20 show uploads of 2018-02-15 to 2018-03-06. That time holds 0.5 % of all uploads.", "once in 10^38 draws", "vendor A could hold the uploads of all these 20 pictures unmarked. Of all uploads of that time vendor A could hold 100.0 %. The exchange held them also. A thief who took just this time, from any of them, fits as well."}, evidence: map[string]int{"vendor A": 0}},
		"February, two holders":         {leaks: many(20, func(n int) *findings.Finding { return bare(n, holds("vendor A", before), holds("vendor B", before)) }), headline: "All 20 leaked pictures show uploads of the registry", says: []string{"Of all uploads of that time vendor A could hold 100.0 % and vendor B could hold 100.0 %.", "vendor A and vendor B could hold the uploads of all these 20 pictures unmarked"}},
		"February, marked":              {leaks: append(many(20, func(n int) *findings.Finding { return bare(n, holds("vendor A", before)) }), leakOf(21, findings.FoundTransplanted, "vendor A", holds("vendor A", before)), leakOf(22, findings.FoundTransplanted, "vendor A", holds("vendor A", before))), headline: "All 22 leaked pictures show uploads of the registry"},
		"scattered":                     {leaks: many(20, func(n int) *findings.Finding { l := bare(n); l.Submitted = feb.AddDate(0, 2*n-20, 0); return l }), headline: "All 20 leaked"},
		"custody before and afterwards": {leaks: []*findings.Finding{bare(1, holds("vendor A", found.Add(-time.Hour))), bare(2, holds("vendor A", after)), bare(3, holds("vendor A", after))}, headline: "Inconclusive", says: []string{"which covers 1 of these pictures", "which covers 2 of these pictures"}},
		"custody afterwards":            {leaks: []*findings.Finding{bare(1, holds("vendor A", after))}, headline: "Inconclusive", says: []string{"Custody that was entered after the leaks were found covers pictures without a mark."}},
		"also held": {leaks: many(2, func(n int) *findings.Finding {
			return leakOf(n, findings.FoundCopy, "vendor A", holds("vendor B", before))
		}), named: []string{"vendor A"}, headline: "The findings do not rule out vendor B (could hold pictures of 2 of these 2 persons, as entered on 2025-05-01), which could have laid marks there if it had obtained those copies.", says: []string{"2 pictures ("}},
		"held by one of all":    {leaks: many(2, func(n int) *findings.Finding { return leakOf(n, findings.FoundCopy, "vendor A", all("store", before)) }), named: []string{"vendor A"}, headline: "vendor A"},
		"some also held":        {leaks: []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A", holds("vendor B", before), holds("authority C", before)), leakOf(2, findings.FoundCopy, "vendor A", holds("vendor B", before)), a(3), a(4)}, named: []string{"vendor A"}, headline: "vendor A"},
		"more than its copies":  {leaks: []*findings.Finding{a(1), a(2), bare(3, holds("vendor B", before)), bare(4, holds("vendor B", before))}, named: []string{"vendor A"}, headline: "2 uploads in this dump are not explained, or not wholly, by copies of vendor A with their marks. The source of those uploads may also have had those copies.", says: []string{"By the records, vendor B (2) had uploads of these, marked or unmarked."}},
		"no subjects":           {leaks: []*findings.Finding{subject(a(1), ""), subject(a(2), "")}, headline: "2 uploads shown have no customer reference, or it was changed, so they count as one person's at most. Enter the references", says: []string{"2 are of uploads without a subject reference, or with a changed one. They may all be of one person, who may also have a reference. So they add 1 person."}, evidence: map[string]int{"vendor A": 1}},
		"one subject of three":  {leaks: []*findings.Finding{subject(a(1), ""), subject(a(2), ""), a(3)}, headline: "Inconclusive", says: []string{"2 are of uploads without a subject reference, or with a changed one. They may all be of one person, who may also have a reference. So they add 0 persons."}, evidence: map[string]int{"vendor A": 1}},
		"two subjects of three": {leaks: []*findings.Finding{subject(a(1), ""), a(2), a(3)}, named: []string{"vendor A"}, headline: "vendor A", evidence: map[string]int{"vendor A": 2}},
		"real and own planted":  {leaks: []*findings.Finding{a(1), a(2), leakOf(3, findings.FoundTransplanted, "vendor A")}, named: []string{"vendor A"}, headline: "1 picture carries a transplanted mark", says: []string{"more probable if pictures come from copies of vendor A than if none does", "The findings do not show who released these copies:"}, evidence: map[string]int{"vendor A": 2}},
		"lookalikes":            {leaks: []*findings.Finding{leakOf(1, findings.FoundLookalike, "")}, headline: "No upload of the registry was matched by the 1 leaked picture examined. 1 picture resembles an upload of the registry, but is not shown to be the same capture."},
		"removed recipient":     {leaks: []*findings.Finding{leakOf(1, findings.FoundCopy, "nobody any more"), leakOf(2, findings.FoundCopy, "nobody any more")}, headline: "Both leaked pictures come from copies issued to “nobody any more”. Inconclusive: that is not enough to name it as the source."},
	}
}

// issuedAt is a leak of a copy that was issued then.
func issuedAt(l *findings.Finding, at time.Time) *findings.Finding {
	l.Issued[0].Issued = at
	return l
}

func many(n int, f func(int) *findings.Finding) []*findings.Finding {
	var out []*findings.Finding
	for i := range n {
		out = append(out, f(i+1))
	}
	return out
}

func weighed(d dump) *findings.Verdict {
	cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
	return verify.WeighFor(d.leaks, recipients, cfg, 120)
}

func TestWeigh(t *testing.T) {
	for name, d := range dumps() {
		got := weighed(d)
		text := got.Headline + " " + strings.Join(got.Sentences(), " ")
		assert.True(t, strings.Contains(text, d.headline), "MISSING %s: %s", name, d.headline)
		if d.named == nil {
			assert.Empty(t, got.Named, name)
			confirmed := func(name string) bool {
				return slices.ContainsFunc(d.leaks, func(l *findings.Finding) bool { return slices.Contains(l.MayNames(), name) })
			}
			for _, r := range recipients[1:] {
				assert.True(t, confirmed(r.Name) || !strings.Contains(got.Headline, r.Name), "%s: a headline names only recipients of confirmed copies", name)
			}
		} else {
			assert.Equal(t, d.named, got.Named, name)
		}
		for _, s := range d.says {
			assert.True(t, strings.Contains(text, s), "MISSING %s: %s", name, s)
		}
		for _, h := range got.Odds.Recipients {
			if want, ok := d.evidence[h.Name]; ok {
				assert.Equal(t, want, h.Clusters, "%s, %s", name, h.Name)
			}
			assert.LessOrEqual(t, h.LogE, 3.0, name)
			assert.NotEmpty(t, h.Words, name)
		}
		assert.Equal(t, len(d.leaks), got.Leaks, name)
		assert.LessOrEqual(t, got.Matched, got.Leaks)
	}
}

// Where it is not known when the leaks were found, no sentence names a holder.
func TestCustodyIsNotJudgedWithoutATime(t *testing.T) {
	before := found.AddDate(-1, 0, 0)
	leaks := []*findings.Finding{leakOf(1, findings.FoundUnreadable, "", holds("vendor B", before)), leakOf(2, findings.FoundCopy, "vendor A", holds("vendor B", before))}
	got := verify.WeighFor(leaks, recipients, verify.Options{}, 120)
	text := strings.Join(got.Sentences(), "\n")
	require.NotContains(t, got.Headline+strings.Join(got.Strength, " "), "vendor B")
	require.Contains(t, text, "The 1 picture with copies of vendor A shows an upload that vendor B could also hold unmarked, or had as these copies.", "which speaks for vendor A, and counts all the same")
	require.Contains(t, text, "counts against no holder: when the leaks were found is not known")
	require.NotContains(t, text, "no number is derived")
	i := slices.IndexFunc(got.Odds.Recipients, func(h odds.Recipient) bool { return h.Name == "vendor B" })
	require.Contains(t, got.Odds.Recipients[i].Note, "it is not known whether that custody is admissible")
	got.Record.Time, got.Record.Parameters = found, map[string]string{"leaks found on": "not stated", "compared with": "all uploads that are searched"}
	require.Contains(t, reportOf(t, got, false), "When the leaks were found was not stated, so that custody counts against no holder.")
}

// Verdicts that were read back from JSON are weighed like those they were written
// from, and those without a probability earn nothing.
func TestWeighVerdictsReadBack(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	v := c.investigator(t, reads(c.copy.ID))
	var leaks, back []*findings.Finding
	for _, img := range []*image.NRGBA{c.first, c.second} { // a copy, and its mark on another upload
		l, err := v.File(t.Context(), "x.jpg", file(t, img, "jpeg"))
		require.NoError(t, err)
		raw, err := json.Marshal(l)
		require.NoError(t, err)
		b := new(findings.Finding)
		require.NoError(t, json.Unmarshal(raw, b))
		leaks, back = append(leaks, l), append(back, b)
	}
	want, err := v.Weigh(t.Context(), leaks)
	require.NoError(t, err)
	got, err := v.Weigh(t.Context(), back)
	require.NoError(t, err)
	require.Equal(t, want.Odds.Recipients, got.Odds.Recipients)
	require.Equal(t, want.Sentences(), got.Sentences())
	require.NotContains(t, strings.Join(got.Sentences(), " "), "without a subject reference")
	require.Contains(t, got.Odds.Recipients[0].Note, "transplanted")

	// Two copies in one picture, read and not traced: both recipients are listed.
	require.NoError(t, c.Registry.AddRecipient(t.Context(), books.Recipient{Name: "vendor B", Kind: books.KindVendor}))
	other, err := newIssuer(t, c.issuing).Issue(t.Context(), c.firstID, "vendor B", registry.WriteTo(io.Discard), &registry.IssueOptions{Purpose: "request 8"})
	require.NoError(t, err)
	both := *back[1]
	both.Kind, both.Traces = findings.FoundUnconfirmed, nil
	both.Reads = nil
	for _, x := range []*books.Copy{c.copy, other} {
		p := -9.1
		both.Reads = append(both.Reads, findings.Reading{Copy: x.ID, KeyID: x.KeyID, LogP: &p, Submission: x.Submission, Issued: x.Issued, Shows: findings.PixelsUndecided})
	}
	got, err = v.Weigh(t.Context(), []*findings.Finding{&both})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"vendor A": 1, "vendor B": 1}, got.Unconfirmed)

	back[0].LogP, back[0].Issued = nil, nil
	got, err = v.Weigh(t.Context(), back)
	require.NoError(t, err)
	require.LessOrEqual(t, got.Odds.Recipients[0].LogE, 0.0)
	_, err = v.Weigh(t.Context(), []*findings.Finding{nil})
	require.ErrorIs(t, err, registry.ErrInput)
}

// What counts for nobody changes no number.
func TestMarksThatCountForNobody(t *testing.T) {
	base := []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A")}
	want := weighed(dump{leaks: base})
	more := append(base,
		leakOf(3, findings.FoundTransplanted, "vendor B"), leakOf(4, findings.FoundTransplanted, "vendor A"),
		unconfirmed(leakOf(5, findings.FoundCopy, "vendor B")), again(base[0]))
	got := weighed(dump{leaks: more})
	require.Equal(t, want.Named, got.Named)
	for i, h := range want.Odds.Recipients {
		assert.Equal(t, h.Clusters, got.Odds.Recipients[i].Clusters)
		assert.InDelta(t, h.LogE, got.Odds.Recipients[i].LogE, 1e-9)
	}
}

// The default claims no more than independent pictures allow, and says what they are.
func TestDefaultTrials(t *testing.T) {
	leaks := []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A")}
	for _, l := range leaks {
		l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: 1, Copies: []findings.TracedCopy{{Copy: l.Copy(), LogP: -30, LogE: 28, Found: true}}}}
	}
	got := verify.WeighFor(leaks, recipients, verify.Options{}, 120)
	require.InDelta(t, math.Log10(tuning.MarkTrials/3.), got.Odds.Recipients[0].LogE, 1e-3)
	require.Contains(t, strings.Join(got.Sentences(), " "), "No higher number than 300 is stated: in 912 trials")
}

// never lists what no output may say (the verdict model, section 5).
var never = regexp.MustCompile(`(?i)\bproves?\b|\bproven\b|\bproof\b|\bguilty?\b|\bguilt\b|leaked by|\bcertain(ly|ty)?\b|\bimpossible\b|probability that .{0,80}(is|was|are|were) (innocent|guilty)|\binnocent\b|none (is|are|was|were) ours|\bdefinitely\b|\bculprit\b|\bperpetrator\b`)

func requireCarefulWords(t *testing.T, name, text string) {
	t.Helper()
	if at := never.FindStringIndex(text); at != nil {
		require.Fail(t, "forbidden words", "%s: …%s…", name, text[max(0, at[0]-60):min(len(text), at[1]+60)])
	}
}

func TestNeverWords(t *testing.T) {
	require.Regexp(t, never, "This proves that X leaked it")
	require.Regexp(t, never, "the probability that X is innocent is 1e-9")
	requireCarefulWords(t, "template", verify.ReportTemplate)
	for name, d := range dumps() {
		got := weighed(d)
		requireCarefulWords(t, name, got.Headline)
		for _, s := range got.Sentences() {
			requireCarefulWords(t, name, s)
			assert.Regexp(t, `^[A-Z0-9“].*\.$`, s, "%s: a sentence", name)
			assert.NotContains(t, s, "  ", name)
			assert.NotContains(t, s, "%!", name)
		}
		for _, h := range got.Odds.Recipients {
			requireCarefulWords(t, name, h.Words+" "+h.Note)
		}
	}
}

// Opponent's story: animations have a copy of vendor A as their first frame, and copies of vendor B as others. Vendor A was named alone, and "no mark of
// another recipient's copy was found".
func TestFramesThatWereNotExamined(t *testing.T) {
	first, second := leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A")
	first.Pages = 2
	d := weighed(dump{leaks: []*findings.Finding{first, second}})
	require.Equal(t, []string{"vendor A"}, d.Named)
	assert.True(t, hasRival(d, "vendor A", ""), "%v", d.Odds.Rivals)
	assert.NotContains(t, d.Headline, "No mark of another recipient's copy was found")
}
