package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/watermark"
)

// Claims that are made after a leak, each in a dump whose truth is known: true claims are supported or left open, false
// ones refuted or left open, and what findings cannot tell is never supported.
func TestClaimsMadeInPublic(t *testing.T) {
	before := found.AddDate(-1, 0, 0)
	march := func(l *findings.Finding) *findings.Finding { l.Submitted = feb.AddDate(0, 1, 0); return l }
	a := func(n int) *findings.Finding { return leakOf(n, findings.FoundCopy, "vendor A") }
	c := func(n int) *findings.Finding { return leakOf(n, findings.FoundCopy, "authority C") }
	unmarked := func(n int) *findings.Finding { return leakOf(n, findings.FoundUnmarked, "") }
	paged := func(l *findings.Finding) *findings.Finding { l.Pages = 3; return l }
	stranger := func(n int) *findings.Finding { return leakOf(n, findings.FoundUnknown, "") }
	far := func(l *findings.Finding, pixels string, side int) *findings.Finding { // strangers whom one camera took
		l.Matches[0].Distance, l.Matches[0].Pixels, l.Width, l.Height = 28, pixels, side, side
		return l
	}
	const (
		noMark, notOurs, oneMonth    = "“None of these pictures carries our watermark”: ", "“These pictures are not ours”: ", "“All these pictures are of one month”: "
		fromVendor, noBreach         = "“These pictures come from a vendor”: ", "“Our systems were not breached”: "
		refuted, supported, openness = "refuted.", "supported", "not supported."
	)
	for name, x := range map[string]struct {
		leaks []*findings.Finding
		says  map[string]string
	}{
		"copies of a vendor alone": {[]*findings.Finding{a(1), a(2), a(3)}, map[string]string{noMark: refuted, notOurs: refuted, fromVendor: supported, oneMonth: supported, noBreach: openness}},
		"copies of an authority":   {[]*findings.Finding{c(1), c(2)}, map[string]string{fromVendor: refuted, notOurs: refuted}},
		"a vendor and an authority": {[]*findings.Finding{a(1), a(2), c(3), c(4)},
			map[string]string{fromVendor: "refuted. 2 pictures come from copies that no vendor had"}},
		"a vendor and strangers": {[]*findings.Finding{a(1), a(2), stranger(3)}, map[string]string{fromVendor: openness, oneMonth: openness, noMark: refuted}},
		"held by another also": {[]*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A", holds("authority C", before)), leakOf(2, findings.FoundCopy, "vendor A", holds("authority C", before))},
			map[string]string{fromVendor: openness}},
		"an authority's, a vendor held it": {[]*findings.Finding{leakOf(1, findings.FoundCopy, "authority C", holds("vendor A", before))}, map[string]string{fromVendor: openness}},
		"by a far hash": {[]*findings.Finding{far(leakOf(1, findings.FoundUnreadable, ""), findings.PixelsUndecided, 640)},
			map[string]string{notOurs: openness, oneMonth: openness}},
		"small, by a far hash": {[]*findings.Finding{far(unmarked(1), findings.PixelsSame, 220)},
			map[string]string{notOurs: openness, oneMonth: openness, noBreach: "not supported. Pictures do not show"}},
		"by a near hash": {[]*findings.Finding{leakOf(1, findings.FoundUnreadable, "")}, map[string]string{notOurs: refuted, oneMonth: supported}},
		"unmarked, held by no other": {[]*findings.Finding{unmarked(1), unmarked(2)},
			map[string]string{noMark: supported, notOurs: refuted, noBreach: "not supported. 2 pictures speak against it"}},
		"unmarked, a vendor held them": {[]*findings.Finding{leakOf(1, findings.FoundUnmarked, "", holds("vendor A", before)), unmarked(2)},
			map[string]string{noMark: supported, fromVendor: openness, noBreach: "not supported. 1 picture speaks against it"}},
		"unreadable":                  {[]*findings.Finding{leakOf(1, findings.FoundUnreadable, ""), leakOf(2, findings.FoundUnreadable, "")}, map[string]string{noMark: openness, notOurs: refuted, noBreach: openness}},
		"strangers":                   {[]*findings.Finding{stranger(1), stranger(2)}, map[string]string{noMark: openness, notOurs: openness, oneMonth: openness, fromVendor: openness}},
		"two months":                  {[]*findings.Finding{unmarked(1), march(unmarked(2))}, map[string]string{oneMonth: "refuted. They show uploads that were submitted in 2 months (UTC), from February 2018 to March 2018."}},
		"one month, one broken":       {[]*findings.Finding{unmarked(1), closed(2, findings.FoundDamaged)}, map[string]string{oneMonth: openness, noMark: openness}},
		"unmarked, more pages":        {[]*findings.Finding{unmarked(1), paged(unmarked(2))}, map[string]string{noMark: openness, oneMonth: openness}},
		"copies, one of more pages":   {[]*findings.Finding{a(1), a(2), paged(a(3))}, map[string]string{fromVendor: openness}},
		"our key, no record":          {[]*findings.Finding{unissued(stranger(1))}, map[string]string{noMark: refuted, notOurs: openness}},
		"an unconfirmed mark":         {[]*findings.Finding{unconfirmed(a(1))}, map[string]string{noMark: refuted, notOurs: openness, fromVendor: openness}},
		"a vendor that is not named":  {[]*findings.Finding{a(1), a(2), leakOf(3, findings.FoundCopy, "vendor B")}, map[string]string{fromVendor: openness}},
		"of a recipient that is gone": {[]*findings.Finding{leakOf(1, findings.FoundCopy, "vendor Z"), leakOf(2, findings.FoundCopy, "vendor Z")}, map[string]string{fromVendor: openness}},
		"nothing to look at":          {[]*findings.Finding{closed(1, findings.FoundDamaged)}, nil},
	} {
		d := weighed(dump{leaks: x.leaks})
		all := strings.Join(d.Public, "\n")
		if x.says == nil {
			assert.Empty(t, d.Public, name)
		}
		for claim, want := range x.says {
			assert.Contains(t, all, claim+want, name)
		}
	}
}

// Opponent's story: pictures of another company's leak are uploaded to this exchange five days after the find. The file says so, and
// yet they were "ours", spoke against the exchange, and were of one month.
func TestClaimsOnUploadsAfterTheFind(t *testing.T) {
	leaks := []*findings.Finding{leakOf(1, findings.FoundUnmarked, ""), leakOf(2, findings.FoundUnmarked, "")}
	for _, x := range []struct {
		found time.Time
		says  []string
	}{
		{found, []string{"not ours”: refuted.", "of one month”: supported", "2 pictures speak against it"}},
		{feb.AddDate(0, -1, 0), []string{"not ours”: not supported", "of one month”: not supported", "Pictures do not show how they were obtained"}},
	} {
		d := verify.WeighFor(leaks, recipients, verify.Options{Circumstances: findings.Circumstances{Found: x.found}}, 120)
		for _, want := range x.says {
			assert.Contains(t, strings.Join(d.Public, "\n"), want)
		}
	}
}

// Opponent's story: after the find the exchange issues copies of the uploads that leaked unmarked to a vendor. Then nothing spoke against its systems.
func TestCopiesIssuedAfterTheFind(t *testing.T) {
	l := leakOf(1, findings.FoundUnmarked, "")
	l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: .9999, Issued: 1, Copies: []findings.TracedCopy{}}}
	for issued, want := range map[time.Time]string{feb.AddDate(0, 1, 0): "Pictures do not show how they were obtained", found.Add(time.Hour): "1 picture speaks against it"} {
		d := verify.WeighFor([]*findings.Finding{l}, recipients, verify.Options{Circumstances: findings.Circumstances{Found: found}}, 120,
			books.Copy{ID: 77, Submission: l.Submission, Recipient: "vendor A", KeyID: "v1-k", Issued: issued})
		assert.Contains(t, strings.Join(d.Public, "\n"), want)
	}
}

// Opponent's story: a vendor stole the mark key, and makes the marks of an authority's copies. The examiner states a find before the loss, which the
// copies contradict. "From a vendor" was refuted.
func TestMarksOfALostKeyRefuteNothing(t *testing.T) {
	for lost, want := range map[time.Time]string{feb.AddDate(5, 0, 0): "not supported", {}: "refuted. 1 picture comes"} {
		stated := feb.AddDate(2, 0, 0)
		l := leakOf(1, findings.FoundCopy, "authority C")
		l.Reads = []findings.Reading{{Copy: l.Copy(), KeyID: "v1-k"}}
		if !lost.IsZero() {
			l.Keys = []books.KeyState{{KeyID: "v1-k", State: books.KeyCompromised, Since: lost}}
			stated = feb.AddDate(0, 6, 0)
		}
		d := verify.WeighFor([]*findings.Finding{l}, recipients, verify.Options{Circumstances: findings.Circumstances{Found: stated}}, 120)
		assert.Contains(t, strings.Join(d.Public, "\n"), "“These pictures come from a vendor”: "+want)
	}
}

// Opponent's story: a vendor takes its copies away from twice an authority's, or lays an eighth of them over it, too little to be found.
// "From a vendor" was refuted.
func TestCopyWithAVendorsIsNotRefuted(t *testing.T) {
	for score, want := range map[float64]string{-1: "refuted. 1 picture comes", -40: "not supported", 4: "refuted. 1 picture comes", 6: "not supported"} {
		l := leakOf(1, findings.FoundCopy, "authority C")
		l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: .9999, Expected: 50, Issued: 2,
			Copies: []findings.TracedCopy{{Copy: l.Copy(), Score: 60, Found: true}, {Copy: 77, Score: score}}}}
		d := verify.WeighFor([]*findings.Finding{l}, recipients, verify.Options{}, 120)
		assert.Contains(t, strings.Join(d.Public, "\n"), "“These pictures come from a vendor”: "+want)
	}
}

// Opponent's story: an authority lays a tenth of its copies over vendor A's, too little to be found on any one of them. "No mark of another recipient's
// copy was found", and "from a vendor" was supported. What one picture has by chance, several versions of it have too.
func TestFaintMarksTakenTogether(t *testing.T) {
	for _, x := range []struct {
		score   float64
		uploads int
		faint   bool
	}{{3.5, 3, true}, {2.5, 3, false}, {2.5, 5, true}, {3.5, 1, false}} {
		var leaks []*findings.Finding
		var issued []books.Copy
		for n := range 6 {
			l := leakOf(n+1, findings.FoundCopy, "vendor A")
			if n >= x.uploads { // another version of the first
				l.Submission, l.Matches, l.Issued, l.Copies = leaks[0].Submission, leaks[0].Matches, leaks[0].Issued, leaks[0].Copies
				verify.SetSubject(l, "person 1")
			}
			other := watermark.CopyID(100 + l.Submission[0])
			issued = append(issued, books.Copy{ID: other, Submission: l.Submission, Recipient: "authority C", KeyID: "v1-k", Issued: feb})
			l.Traces = []findings.Tracing{{Submission: l.Submission, Registered: true, Power: .9999, Expected: 50, Issued: 2, Edits: []findings.Edit{},
				Copies: []findings.TracedCopy{{Copy: l.Copy(), Score: 60, LogP: -300, LogE: 300, Found: true}, {Copy: other, Score: x.score}}}}
			leaks = append(leaks, l)
		}
		d := verify.WeighFor(leaks, recipients, verify.Options{}, 120, issued...)
		all := strings.Join(d.Sentences(), " ")
		assert.Equal(t, x.faint, strings.Contains(all, "too weak to be found on one picture, but may be there"), "%v", x)
		assert.Equal(t, x.faint || x.uploads == 1, !strings.Contains(d.Headline, "No mark of another recipient's copy was found"), "%v", x)
		assert.Equal(t, x.faint || x.uploads == 1, !strings.Contains(all, "“These pictures come from a vendor”: supported"), "%v", x)
	}
}

// A mark of another recipient's copy is another mark, also if it is not confirmed, or if the registry no longer lists the
// recipient: nothing says then that no other mark was found.
func TestNoOtherMarkIsSaidOfOtherMarks(t *testing.T) {
	a := func(n int) *findings.Finding { return leakOf(n, findings.FoundCopy, "vendor A") }
	for name, x := range map[string]struct {
		beside *findings.Finding
		alone  bool
	}{
		"nothing":               {leakOf(3, findings.FoundUnknown, ""), true},
		"its own, transplanted": {leakOf(3, findings.FoundTransplanted, "vendor A"), true},
		"its own, unconfirmed":  {unconfirmed(a(3)), true},
		"confirmed":             {leakOf(3, findings.FoundCopy, "vendor B"), false},
		"unconfirmed":           {unconfirmed(leakOf(3, findings.FoundCopy, "vendor B")), false},
		"unconfirmed, unlisted": {unconfirmed(leakOf(3, findings.FoundCopy, "vendor Z")), false},
		"transplanted":          {leakOf(3, findings.FoundTransplanted, "vendor B"), false},
		"unissued":              {unissued(leakOf(3, findings.FoundUnknown, "")), false},
	} {
		d := weighed(dump{leaks: []*findings.Finding{a(1), a(2), x.beside}})
		assert.Equal(t, []string{"vendor A"}, d.Named, name)
		assert.Equal(t, x.alone, strings.Contains(d.Headline, "No mark of another recipient's copy was found."), "%s: %s", name, d.Headline)
	}
}
