//go:build long

package verify_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/odds"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A leak that matches no upload may still carry a mark: of an upload that was erased, or is another registry's. The finding
// says so if no ID is read. It does not of a stranger without a mark.
func TestLongMarkMayBeHere(t *testing.T) {
	c := newCase(t)
	stranger := specimen.Scene(600, 460)
	o, err := watermark.Prepare(leaktest.Key(), stranger, nil)
	require.NoError(t, err)
	v := newInvestigator(t, c.Config)
	for n, img := range map[int]*image.NRGBA{8: merged(o, stranger.Rect, 8), 0: stranger} {
		leak := examine(t, v, img)
		assert.Equal(t, verify.FoundUnknown, leak.Finding)
		assert.Empty(t, leak.Reads)
		if n == 0 {
			assert.Zero(t, leak.Sync)
			assert.NotContains(t, leak.Note, "may be here")
		} else {
			assert.Less(t, leak.Sync, -10.0)
			assert.Contains(t, leak.Note, "A mark of a key that was tried may be here")
		}
	}
}

// A person who is registered under two references, with two photographs of one passport, is one
// person; another person's passport of the same template is another's.
func TestLongOneDocumentUnderTwoReferences(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	var leaks []*verify.Verdict
	for i, name := range []string{"anna_passport", "anna_passport_again", "bruno_passport"} {
		sub := submit(t, s, readFile(t, filepath.Join("../testdata/pictures", name+".jpg")), "", feb)
		l := leakOf(i+1, verify.FoundCopy, "vendor A")
		l.Submission = sub.ID
		l.SetSubject([]string{"ref-1", "ref-2", "ref-3"}[i])
		leaks = append(leaks, l)
	}
	v := newInvestigator(t, investigating(cfg))
	same, notCompared, err := v.SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Zero(t, notCompared)
	require.Len(t, same, 1)
	require.Equal(t, leaks[0].Submission, same[0].Submissions[0])
	require.Equal(t, leaks[1].Submission, same[0].Submissions[1])
	units := verify.Units(leaks, 0, same...)
	require.Equal(t, units[leaks[0].Submission], units[leaks[1].Submission])
	require.NotEqual(t, units[leaks[0].Submission], units[leaks[2].Submission])

	for _, l := range leaks { // one subject: nothing to compare
		l.SetSubject("ref-1")
	}
	same, notCompared, err = v.SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Empty(t, same)
	require.Zero(t, notCompared)

	leaks[2].SetSubject("ref-3")
	other := investigating(cfg)
	other.SealKey = registry.GenerateSealKey()
	_, notCompared, err = newInvestigator(t, other).SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Equal(t, 3, notCompared)
}

// Uploads that one vendor held at both brands are weighed together if the investigator states that both names
// are of one party, and else apart. Each ledger gets the names that its registry knows.
func TestLongOnePartyOfTwoRegistries(t *testing.T) {
	a, b := newBrand(t, "A", "vendor-x", "other"), newBrand(t, "B", "vendor-x", "third")
	var leaks []*image.NRGBA
	for i := range 3 {
		at := feb.AddDate(0, 0, i)
		x, y := submit(t, a.Issuer, file(t, passport(uint64(10+i)), "jpeg"), "", at), submit(t, b.Issuer, file(t, passport(uint64(20+i)), "jpeg"), "", at)
		if i < 2 {
			of, _ := a.issue(t, x, "vendor-x")
			leaks = append(leaks, of)
			of, _ = b.issue(t, y, "vendor-x")
			leaks = append(leaks, of)
		} else {
			leaks = append(leaks, passport(uint64(10+i)), passport(uint64(20+i)))
		}
	}
	for i := range 2 { // uploads that did not leak
		at := feb.AddDate(0, 6+i, 0)
		submit(t, a.Issuer, file(t, passport(uint64(50+i)), "jpeg"), "", at)
		submit(t, b.Issuer, file(t, passport(uint64(70+i)), "jpeg"), "", at)
	}
	for _, x := range []*brand{a, b} {
		x.holds(t, "vendor-x", feb, feb.AddDate(0, 0, 10))
	}
	cfg := together(a, b)
	cfg.Found, cfg.UploadsPerSubject = time.Now().Add(time.Second), 1
	weigh := func(leaks []*image.NRGBA, parties ...[]string) (*verify.Investigator, *verify.DumpVerdict) {
		cfg.Parties = parties
		v := quiet(newInvestigator(t, cfg))
		var all []*verify.Verdict
		for _, l := range leaks {
			all = append(all, examine(t, v, l))
		}
		d, err := v.Weigh(t.Context(), all)
		require.NoError(t, err)
		return v, d
	}
	v, d := weigh(leaks, []string{"A/vendor-x", "B/vendor-x"})
	const both = "A/vendor-x = B/vendor-x"
	require.Equal(t, []string{both}, d.Named, d.Headline)
	require.Contains(t, d.Headline, both)
	require.Equal(t, 4, d.Hypotheses[0].Clusters)
	page := requireFindings(t, v, d)
	assert.Contains(t, page, "The investigator states that these names are of one party: "+both)
	assert.Contains(t, page, "3 of these pictures show uploads that A has.")
	held := false
	for _, l := range d.Case.Leaks {
		held = held || len(l.Unmarked) == 1 && l.Unmarked[0] == both
	}
	assert.True(t, held, "custody of both")

	v, d = weigh(leaks[:4]) // the marked ones
	require.Equal(t, []string{"A/vendor-x", "B/vendor-x"}, d.Named, d.Headline)
	requireFindings(t, v, d)
	require.Len(t, d.Earlier, 8, "each ledger has each examination")
	for _, e := range d.Earlier {
		require.Contains(t, []string{"A", "B"}, e.Registry)
	}
	last := quiet(a.alone(t))
	got := examine(t, last, leaks[3])
	single, err := last.Weigh(t.Context(), []*verify.Verdict{got})
	require.NoError(t, err)
	require.Equal(t, []string{"vendor-x"}, single.Earlier[len(single.Earlier)-1].Named, "as A calls it")

	cfg.Parties = [][]string{{"A/vendor-x", "B/nobody"}}
	lost := newInvestigator(t, cfg)
	_, err = lost.Weigh(t.Context(), nil)
	require.ErrorIs(t, err, registry.ErrInput)
	require.ErrorContains(t, err, `no recipient "B/nobody"`)

	require.NoError(t, a.Registry.AddRecipient(t.Context(), registry.Recipient{Name: "x = B/vendor-x", Kind: registry.KindVendor}))
	cfg.Parties = nil
	_, err = newInvestigator(t, cfg).Weigh(t.Context(), nil)
	require.ErrorContains(t, err, "would read as that of a party in several registries")
}

// Customers sent one picture to both brands, which a messenger made two files of. An unmarked leak of it speaks
// no more against those who held the one file than against those who held the other.
func TestLongOneCaptureInTwoFiles(t *testing.T) {
	a, b := newBrand(t, "A", "vendor-x"), newBrand(t, "B", "vendor-y")
	var leaks []*image.NRGBA
	for i := range 4 {
		img := passport(uint64(30 + i))
		submit(t, a.Issuer, file(t, img, "jpeg"), fmt.Sprint("a-", i), feb.AddDate(0, 0, i))
		submit(t, b.Issuer, file(t, img, "png"), fmt.Sprint("b-", i), feb.AddDate(0, 1, i))
		submit(t, a.Issuer, file(t, passport(uint64(80+i)), "jpeg"), "", feb.AddDate(0, 6, i))
		submit(t, b.Issuer, file(t, passport(uint64(90+i)), "jpeg"), "", feb.AddDate(0, 7, i))
		leaks = append(leaks, img)
	}
	a.holds(t, "vendor-x", feb, feb.AddDate(0, 0, 10))
	b.holds(t, "vendor-y", feb.AddDate(0, 1, 0), feb.AddDate(0, 1, 10))
	cfg := together(a, b)
	cfg.Found = time.Now().Add(time.Second)
	v := quiet(newInvestigator(t, cfg))
	var all []*verify.Verdict
	for _, l := range leaks {
		got := examine(t, v, l)
		require.Equal(t, verify.FoundUnmarked, got.Finding, got.Note)
		require.Len(t, got.In, 2)
		require.NotZero(t, got.In[1].Submission)
		require.Len(t, got.Custody, 2)
		all = append(all, got)
	}
	d, err := v.Weigh(t.Context(), all)
	require.NoError(t, err)
	var held []float64
	for _, h := range d.Hypotheses {
		if h.Kind == odds.Custody {
			held = append(held, h.LogLR)
			require.Equal(t, []string{"A/vendor-x", "B/vendor-y"}, h.Holders, "nothing distinguishes the two")
		}
	}
	require.Len(t, held, 1)
	require.Equal(t, 8, sum(d, "A"))
	require.Equal(t, 8, sum(d, "B"))
	page := requireFindings(t, v, d)
	assert.Contains(t, page, "4 of these pictures show uploads that several registries have: one file, or files of one capture.")
}

// A search finds the same with segments and without, and its record names them. A segment that was altered
// or removed is named, and costs no answer: its uploads are read from the database.
func TestLongSearchInSegments(t *testing.T) {
	c := newCase(t)
	turned := imaging.Rotate90(c.marked)
	var digest string
	look := func(what string, indexed int, problems ...string) {
		for _, key := range []*registry.SealKey{c.Config.SealKey, nil} {
			cfg := c.Config
			cfg.SealKey = key
			inv := newInvestigator(t, cfg)
			inv.SetDetect(reads(c.copy.ID))
			v := examine(t, inv, turned)
			assert.Equal(t, verify.FoundCopy, v.Finding, what)
			assert.Equal(t, key == nil || indexed < 3, v.Unconfirmed, what)
			d, err := inv.Weigh(t.Context(), []*verify.Verdict{v})
			require.NoError(t, err)
			require.Len(t, d.Record.Segments, len(problems), what)
			for i, s := range d.Record.Segments {
				assert.Contains(t, s.Problem, problems[i], what)
				assert.Equal(t, problems[i] == "", s.Problem == "", what)
				assert.NotContains(t, s.Problem, c.path)
			}
			assert.Equal(t, indexed, d.Record.Indexed, what)
			if indexed == 3 {
				digest = cmp.Or(digest, d.Record.Index)
				assert.Equal(t, digest, d.Record.Index, what)
			}
		}
	}
	look("without", 3)
	require.NoError(t, c.Registry.Engine().BuildSegments(t.Context(), nil, true, nil))
	_, all, err := c.Registry.Engine().Segments(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, all, 1)
	path := filepath.Join(c.path+".segments", all[0].File)
	look("in a segment", 3, "")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	altered := bytes.Clone(whole)
	altered[len(altered)/2] ^= 1
	require.NoError(t, os.WriteFile(path, altered, 0o600))
	look("altered", 3, all[0].File+" of the submissions 1 to ")
	_, _, err = c.Registry.Ledger().Check(t.Context())
	require.ErrorContains(t, err, all[0].File)
	require.NoError(t, os.Remove(path))
	look("removed", 3, "no such file")
	require.NoError(t, os.WriteFile(path, whole, 0o600))

	open := c.investigator(t, noMark)
	assert.Equal(t, c.firstID, examine(t, open, turned).Submission)
	_, err = c.Registry.EraseSubmissions(t.Context(), []watermark.Submission{c.firstID}, "desk", "letter 5")
	require.NoError(t, err)
	assert.Equal(t, verify.FoundUnknown, examine(t, open, turned).Finding, "it has the old segment mapped")
	require.NoFileExists(t, path)
	look("erased", 2, "")

	db, err := sql.Open("sqlite", c.path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("UPDATE segment SET others = x'feffffffffffffff'")
	require.NoError(t, err)
	_, err = c.investigator(t, noMark).Investigate(t.Context(), "leak.jpg", file(t, turned, "jpeg"))
	require.ErrorIs(t, err, registry.ErrTampered, "such a number would take all memory")
}
