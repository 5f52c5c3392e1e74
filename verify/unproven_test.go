package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/recheck"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// laidOn is a leak with the mark of a copy of vendor A, which is not confirmed, on an upload that was submitted at a time.
func laidOn(n int, submitted time.Time) *findings.Finding {
	l := unconfirmed(leakOf(n, findings.FoundCopy, "vendor A"))
	l.Matches = []findings.Match{{Submission: watermark.Submission{byte(n), 9}, Distance: 4, Pixels: findings.PixelsSame, Submitted: submitted}}
	return l
}

// Opponent's story: beside two of vendor A's copies the dump has uploads that vendor A never had, with marks of its copies on them, or marks that
// no record lists. They counted for nothing: vendor A was the only source.
func TestAnotherSourceWithoutAConfirmedMark(t *testing.T) {
	for name, beside := range map[string]*findings.Finding{
		"another upload":       laidOn(3, feb),
		"a mark of no record":  unissued(leakOf(3, findings.FoundUnknown, "")),
		"nothing but the mark": unconfirmed(leakOf(3, findings.FoundCopy, "vendor A")),
	} {
		d := weighed(dump{leaks: []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A"), beside}})
		assert.Equal(t, []string{"vendor A"}, d.Named, name)
		assert.Equal(t, name == "nothing but the mark", len(d.Odds.Alone()) == 1, name)
	}
}

// Opponent's story: the upload below such a mark was sent after the stated find. It refuted "not ours", and did not contradict that find.
func TestUploadBelowAMarkIsLater(t *testing.T) {
	for at, want := range map[time.Time]string{feb: "refuted", found.AddDate(0, 0, 1): "not supported"} {
		all := strings.Join(weighed(dump{leaks: []*findings.Finding{laidOn(1, at)}}).Public, "\n")
		assert.Contains(t, all, "“These pictures are not ours”: "+want)
	}
	stated := verify.Options{Circumstances: findings.Circumstances{Found: found}}
	for at, contradicted := range map[time.Time]bool{feb: false, found.AddDate(0, 0, 1): true} {
		leaks := []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A"), laidOn(3, at)}
		d := verify.WeighFor(leaks, recipients, stated, 120)
		assert.Equal(t, contradicted, strings.Contains(strings.Join(d.Sentences(), " "), "is contradicted"), "%v: %v", at, d.Weakens)
	}
}

// Opponent's story: a customer's file came in again in March. A leak with a mark that is not listed shows both uploads in the same place, and was "of February".
func TestMonthOfAnUploadThatCameInTwice(t *testing.T) {
	l := unissued(leakOf(1, findings.FoundUnmarked, ""))
	again := l.Matches[0]
	again.Submission, again.Sibling = watermark.Submission{1, 2}, true
	for at, want := range map[time.Time]string{feb: "supported", feb.AddDate(0, 1, 0): "not supported"} {
		again.Submitted = at
		l.Matches = append(l.Matches[:1:1], again)
		assert.Contains(t, strings.Join(weighed(dump{leaks: []*findings.Finding{l}}).Public, "\n"), "“All these pictures are of one month”: "+want)
	}
}

// Opponent's story: an authority's copy was published in January, and a vendor leaks it again. "From a vendor" was refuted by a copy that
// everybody could have had.
func TestPublicCopyRefutesNoVendor(t *testing.T) {
	l := leakOf(1, findings.FoundCopy, "authority C")
	for want, public := range map[string]map[watermark.CopyID]time.Time{"refuted. 1 picture comes": nil, "not supported": {l.Copy(): feb.AddDate(1, 0, 0)}} {
		d := verify.WeighAround([]*findings.Finding{l}, recipients, verify.Options{}, 120, verify.Around{Public: public})
		assert.Contains(t, strings.Join(d.Public, "\n"), "“These pictures come from a vendor”: "+want)
	}
}

// Opponent's story: in two thousand pictures chance gives a part of a mark with a probability of 1 in 500. "None carries our watermark" was refuted by one.
func TestPartOfAMarkByChance(t *testing.T) {
	for strangers, want := range map[int]string{100: "refuted", 2000: "not supported"} {
		leaks := append(many(strangers, func(n int) *findings.Finding { return leakOf(n+1, findings.FoundUnknown, "") }),
			partOfAMark(leakOf(1, findings.FoundUnreadable, "")))
		assert.Contains(t, strings.Join(weighed(dump{leaks: leaks}).Public, "\n"), "“None of these pictures carries our watermark”: "+want, strangers)
	}
}

// Opponent's story: whose mark was laid onto a picture is cut out of the case, and the verdict is weighed anew. verify-report held, and a rival was gone.
func TestWhoseMarkWasLaidIsCutOut(t *testing.T) {
	f := written(t, dumps()["real and own planted"])
	for i := range f.Verdict.Case.Leaks {
		f.Verdict.Case.Leaks[i].Transplanted = nil
	}
	assert.ErrorContains(t, recheck.CheckVerdict(f), "the case does not say whose it is")
}

// What speaks for others than the named party cannot be cut out as a whole: who had its copies, and the marks that
// were not confirmed.
func TestWhatSpeaksForOthersIsCutOut(t *testing.T) {
	for name, cut := range map[string]func(*findings.Verdict){
		"travel does not say who had it":                      func(v *findings.Verdict) { v.Travel = nil },
		"unconfirmed leaks with marks of recipients: 0, of 1": func(v *findings.Verdict) { v.Unconfirmed = nil },
	} {
		f := written(t, dump{leaks: []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A"), unconfirmed(leakOf(3, findings.FoundCopy, "vendor B"))}})
		cut(f.Verdict)
		assert.ErrorContains(t, recheck.CheckVerdict(f), name)
	}
}

// Opponent's story: in the case the copies of vendor A are another recipient's, or of another reviewer, and the verdict is weighed anew. It
// named vendor B, beside rows that say vendor A, and verify-report held.
func TestCaseHasTheCopiesOfOthers(t *testing.T) {
	for name, edit := range map[string]func(*odds.Copy){
		"recipient": func(c *odds.Copy) { c.Recipient = "vendor B" },
		"reviewer":  func(c *odds.Copy) { c.Reviewer = "reviewer 2" },
	} {
		f := written(t, dump{leaks: []*findings.Finding{leakOf(1, findings.FoundCopy, "vendor A"), leakOf(2, findings.FoundCopy, "vendor A")}})
		for i := range f.Verdict.Case.Leaks {
			for k := range f.Verdict.Case.Leaks[i].Copies {
				edit(&f.Verdict.Case.Leaks[i].Copies[k])
			}
		}
		assert.ErrorContains(t, recheck.CheckVerdict(f), "in the case, and to", name)
	}
}

// Opponent's story: a picture came in twice, and its leak counts for both uploads. It was left out of the draws of windows and holdings, and so these
// pointed to holders of the rest. And a leak with a part of a mark of one of both was "without a mark" for the holders of the other.
func TestLeaksOfUploadsThatCameInTwice(t *testing.T) {
	twice := func() *findings.Finding {
		l, o := leakOf(1, findings.FoundUnreadable, ""), leakOf(2, findings.FoundUnreadable, "")
		l.Matches = append(l.Matches, o.Matches...)
		l.Beside = []findings.Beside{{Submission: o.Submission, Same: true, Submitted: o.Submitted}}
		l.Said = []findings.Said{{Code: "not-marked", Figures: map[string]any{"clause": "alike", "upload": o.Submission.String()}}}
		return l
	}
	marked := func(l *findings.Finding) (out []bool) {
		c := weighed(dump{leaks: []*findings.Finding{l}}).Case
		assert.Zero(t, c.Unjudged)
		for _, x := range c.Leaks {
			out = append(out, x.Marked)
		}
		return out
	}
	assert.Equal(t, []bool{false, false}, marked(twice()))
	assert.Equal(t, []bool{true, true}, marked(partOfAMark(twice())))
	o := partOfAMark(twice())
	o.Traces[0].Submission = o.Beside[0].Submission
	assert.Equal(t, []bool{true, true}, marked(o))
}

// written returns the findings on a dump as they are read from a file, and requires that they hold.
func written(t *testing.T, d dump) *findings.File {
	t.Helper()
	v := weighed(d)
	v.Record.Parameters = verify.Method()
	v.Record.Parameters["leaks found on"] = "2026-05-01T00:00:00Z"
	text, err := verify.Encode(unredacted(v))
	require.NoError(t, err)
	f := readFindings(t, string(text))
	require.NoError(t, recheck.CheckVerdict(f))
	return f
}
