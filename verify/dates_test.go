package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/watermark"
)

// The opponent examines one dump a hundred times, until it says what is wanted. The dump: vendor A's
// copies on pictures that vendor B held unmarked, and other pictures that authority C held. The time of
// the find is omitted, or stated early or late. Vendor B's custody is entered long before, or seconds
// before the stated find, or after it. The files are examined for the first time, or again. None of
// that changes who is a rival, and all of it is visible on the first page.
func TestDatesNeverChangeRivals(t *testing.T) {
	t.Parallel()
	began, issued := found.AddDate(0, 2, 0), feb.AddDate(1, 0, 0)
	finds := map[string]time.Time{"omitted": {}, "early": issued.AddDate(0, 0, -1), "middle": issued.AddDate(1, 0, 0), "stated": found, "late": began.AddDate(0, 0, -1)}
	entries := []string{"years before", "weeks before", "seconds before", "after the find", "after the first examination"}
	run := func(at, find time.Time, named ...string) findings.Earlier {
		return findings.Earlier{Entry: 40 + at.Unix()%50, Started: at, Shared: 3, Found: find, Concluded: at, Named: named, Command: "kycmark investigate dump"}
	}
	earlier := map[string][]findings.Earlier{"first time": nil, "the same": {run(found.AddDate(0, 0, 5), found, "vendor A")},
		"another": {run(found.AddDate(0, 0, 5), time.Time{})}, "twice": {run(found.AddDate(0, 0, 2), found.AddDate(0, 0, -9)), run(found.AddDate(0, 0, 5), found, "vendor B")}}
	var want []odds.Rival
	variants := 0
	for stated, at := range finds {
		for _, entry := range entries {
			entered := found.AddDate(-3, 0, 0)
			near := at
			if at.IsZero() {
				near = began
			}
			switch entry {
			case "weeks before":
				entered = near.AddDate(0, 0, -20)
			case "seconds before":
				entered = near.Add(-2 * time.Second)
			case "after the find":
				entered = near.Add(time.Second)
			case "after the first examination":
				entered = found.AddDate(0, 0, 6)
			}
			for again, before := range earlier {
				variants++
				what := fmt.Sprintf("find %s, custody entered %s, examined %s", stated, entry, again)
				var leaks []*findings.Finding
				for n := range 4 {
					leaks = append(leaks, leakOf(n+1, findings.FoundCopy, "vendor A", holds("vendor B", entered)))
				}
				var others []books.Copy // of the other pictures, which no mark shows
				for n := range 3 {
					others = append(others, books.Copy{ID: watermark.CopyID(100 + n), Submission: watermark.Submission{byte(n + 10), 1}, Recipient: []string{"store", "authority C", "vendor A"}[n], Issued: issued})
					leaks = append(leaks, leakOf(n+10, findings.FoundUnreadable, "", holds("authority C", entered)))
				}
				cfg := verify.Options{Circumstances: findings.Circumstances{Found: at}}
				d := verify.WeighAround(leaks, recipients, cfg, 120, verify.Around{Earlier: before, Run: findings.Run{Began: began, Command: []string{"kycmark", "investigate", "dump"}}}, others...)
				d.Record.Began = began
				require.Empty(t, checked(t, d, cfg), what)

				page := d.Headline + "\n" + strings.Join(d.Sentences(), "\n")
				if want == nil {
					want = d.Odds.Rivals
					require.Contains(t, want, odds.Rival{Name: "vendor A", Other: "vendor B", Why: odds.RivalHeld, Clusters: 4, Of: 4})
					require.True(t, slices.ContainsFunc(want, func(r odds.Rival) bool { return r.Other == "authority C" && r.Why == odds.RivalRest }))
				}
				require.Equal(t, want, d.Odds.Rivals, what)
				assert.Equal(t, stated == "early", len(d.Named) == 0, "%s: %s", what, page)
				assert.NotContains(t, d.Headline, "hold the uploads of that time", what)
				says := func(yes bool, text string) {
					assert.Equal(t, yes, strings.Contains(page, text), "%s: %q in %s", what, text, page)
				}
				says(stated != "early", "vendor B (could hold pictures of 4 of these 4 persons, as entered on "+entered.Format(time.DateOnly))
				says(stated == "early", "4 pictures contain copies recorded as issued to vendor A on 2019-02-14")
				says(stated == "early", "Evidence of when the pictures were found can settle which date is right.")
				says(again != "first time", "Files of this dump were examined before: ")
				says(slices.ContainsFunc(before, func(e findings.Earlier) bool { return !e.Found.Equal(at) }), "of these files, perhaps with others, had another time of the find (entry ")
				contradicted := stated == "early" || stated == "late" && again != "first time" || stated == "stated" && again == "twice" || stated == "middle" && (again == "the same" || again == "twice")
				says(contradicted, "is not used, since it is contradicted")
				assert.Equal(t, d.Case.FoundKnown, stated != "omitted" && !contradicted, what)
				says(lateEntry(entered, at, began, before), "Custody of vendor B, which covers 4 of these pictures, was entered on "+entered.Format(time.RFC3339))
				other := func(e findings.Earlier) bool { return !slices.Equal(e.Named, d.Named) }
				says(slices.ContainsFunc(before, other), "An earlier examination of 3 of these files, perhaps with others, had another result")
			}
		}
	}
	require.Equal(t, 100, variants)
}

// lateEntry reports whether custody was entered after the first examination, or less than 30 days before
// the find or, if no find is stated, before the examination that began.
func lateEntry(entered, found, began time.Time, earlier []findings.Earlier) bool {
	if found.IsZero() {
		found = began
	}
	return len(earlier) > 0 && !entered.Before(earlier[0].Started) || entered.After(found.AddDate(0, 0, -30))
}

// A copy that says an earlier time than the find earns nothing, if the registry's witnesses did not sign it before the
// find: its clock may have been set back.
func TestCopyWithoutWitnessNamesNobody(t *testing.T) {
	for name, c := range map[string]struct {
		bound books.Bound
		named bool
	}{
		"no witnesses":  {books.Bound{}, true},
		"signed before": {books.Bound{Proven: found.AddDate(0, 0, -1)}, true},
		"signed after":  {books.Bound{Proven: found.AddDate(0, 0, 1)}, false},
		"not signed":    {books.Bound{Unproven: true}, false},
		"clock behind":  {books.Bound{After: found.AddDate(0, 0, 1)}, false},
	} {
		var leaks []*findings.Finding
		for n := range 4 {
			l := leakOf(n+1, findings.FoundCopy, "vendor A")
			l.Issued[0].Bound = c.bound
			leaks = append(leaks, l)
		}
		cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
		d := verify.WeighAround(leaks, recipients, cfg, 120, verify.Around{})
		require.Empty(t, checked(t, d, cfg), name)
		require.Equal(t, c.named, len(d.Named) == 1, "%s: %s", name, d.Headline)
		require.Equal(t, !c.named, d.Case.Leaks[0].Copies[0].Late, name)
		require.True(t, d.Case.FoundKnown, name)
		require.Equal(t, !c.named, strings.Contains(strings.Join(d.Sentences(), "\n"), "or later; that this was entered before the find is not shown. One of these dates"), d.Sentences())
	}
}

// An issuer states a time of the find that suits him, and the ledger has another one of these files. Copies are doubted by the
// earliest, and lost keys by the latest. Uploads of between the two may have been chosen.
func TestFindsThatWereStatedBefore(t *testing.T) {
	issued := feb.AddDate(1, 0, 0) // of the copies
	before, after := issued.AddDate(0, -1, 0), issued.AddDate(0, 1, 0)
	for name, c := range map[string]struct {
		now, then, lost time.Time // lost: when the mark key was lost; zero: never
		named           bool
	}{
		"one time":                         {after, after, time.Time{}, true},
		"first not stated":                 {after, time.Time{}, time.Time{}, true},
		"now later, copies between":        {after, before, time.Time{}, false},
		"now not stated, copies after":     {time.Time{}, before, time.Time{}, false},
		"now earlier, copies between":      {before, after, time.Time{}, false},
		"key lost after both":              {after, after, after.AddDate(0, 2, 0), true},
		"now earlier, key lost between":    {after, after.AddDate(0, 3, 0), after.AddDate(0, 2, 0), false},
		"now earlier, key lost after both": {after, after.AddDate(0, 1, 0), after.AddDate(0, 2, 0), false},
	} {
		var leaks []*findings.Finding
		for n := range 4 {
			l := leakOf(n+1, findings.FoundCopy, "vendor A")
			l.Matches[0].Received = issued
			if !c.lost.IsZero() {
				lost := books.KeyState{KeyID: "v1-k", State: books.KeyCompromised, Since: c.lost}
				l.Keys = []books.KeyState{lost}
				l.Reads = []findings.Reading{{Copy: l.Copies[0], KeyID: "v1-k", LogP: l.LogP, Submission: l.Submission}}
			}
			leaks = append(leaks, l)
		}
		cfg := verify.Options{Circumstances: findings.Circumstances{Found: c.now}}
		d := verify.WeighAround(leaks, recipients, cfg, 120, verify.Around{Earlier: []findings.Earlier{{Entry: 9, Started: after.AddDate(1, 0, 0), Shared: 1, Found: c.then}}})
		require.Empty(t, checked(t, d, cfg), name)
		assert.Equal(t, c.named, len(d.Named) == 1, "%s: %s", name, d.Headline)
		first := slices.MinFunc([]time.Time{c.now, c.then}, func(a, b time.Time) int {
			if a.IsZero() || b.IsZero() {
				return b.Compare(a)
			}
			return a.Compare(b)
		})
		assert.Equal(t, issued.After(first), d.Case.Leaks[0].Copies[0].Late, name)
		assert.Equal(t, issued.After(first), d.Case.Leaks[0].Later, name)
		assert.Equal(t, c.now != c.then && !c.then.IsZero(), !d.Case.FoundKnown, name)
	}
}

// Opponent's story: files were examined, copies of what they show were entered afterwards, and the files are examined once more,
// with a later find or none. Another file of the dump that was examined then takes nothing from new files.
func TestFilesThatWereKnown(t *testing.T) {
	issued := feb.AddDate(1, 0, 0) // of the copies
	for _, stated := range []time.Time{{}, issued.AddDate(0, 2, 0)} {
		for known, named := range map[time.Time]bool{{}: true, issued.AddDate(0, 0, 1): true, issued.AddDate(0, 0, -1): false} {
			var leaks []*findings.Finding
			for n := range 3 {
				l := leakOf(n+1, findings.FoundCopy, "vendor A")
				l.Matches[0].Received, l.Known = issued, known
				leaks = append(leaks, l)
			}
			old := leakOf(9, findings.FoundUnknown, "")
			old.Known = issued.AddDate(0, -1, 0)
			cfg := verify.Options{Circumstances: findings.Circumstances{Found: stated}}
			d := verify.WeighAround(append(leaks, old), recipients, cfg, 120, verify.Around{Earlier: []findings.Earlier{{Entry: 9, Started: old.Known, Shared: 1}}})
			require.Empty(t, checked(t, d, cfg))
			assert.Equal(t, named, len(d.Named) == 1, "%s: %s", known, d.Headline)
			assert.Equal(t, named, strings.Contains(strings.Join(d.Public, " "), "the month of 3 is known"), d.Public)
		}
	}
}

// Custody that was entered two seconds before a chosen find, or entered for the very recipient whose
// copies are found, makes nobody's case: only what nothing contradicts speaks against a holder.
func TestLateCustodyEarnsNothing(t *testing.T) {
	dump := func(entered time.Time) (leaks []*findings.Finding) {
		for n := range 20 {
			leaks = append(leaks, leakOf(n+1, findings.FoundUnreadable, "", holds("vendor B", entered)))
		}
		return leaks
	}
	before := []findings.Earlier{{Entry: 9, Started: found.AddDate(0, -1, 0), Shared: 20, Command: "kycmark investigate dump"}}
	entered := found.Add(-2 * time.Second)
	cfg := verify.Options{Circumstances: findings.Circumstances{Found: found}}
	d := verify.WeighFor(dump(entered), recipients, cfg, 120)
	assert.Contains(t, d.Sentences(), "Custody of vendor B, which covers 20 of these pictures, was entered on 2026-04-30T23:59:58Z: less than 30 days before the stated time of the find (2026-05-01T00:00:00Z). No recipient is named for its custody.")
	d = verify.WeighAround(dump(entered), recipients, cfg, 120, verify.Around{Earlier: before})
	assert.False(t, d.Case.FoundKnown, "they were examined a month before")
	assert.NotContains(t, d.Headline+strings.Join(slices.Concat(d.Strength, d.Weakens), " "), "vendor B")
	assert.Contains(t, strings.Join(d.Sentences(), "\n"), "is not used, since it is contradicted: these files were examined before it. Custody therefore counts against no holder.")

	var rest []*findings.Finding
	for n := range 3 {
		rest = append(rest, leakOf(n+1, findings.FoundCopy, "vendor A"), leakOf(n+10, findings.FoundUnmarked, "", holds("vendor A", entered)))
	}
	own := verify.WeighFor(rest, recipients, cfg, 120)
	assert.NotEmpty(t, own.Odds.Rivals, "that the exchange enters custody of vendor A does not explain the rest of the dump")
}
