//go:build long

package verify_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
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
	v := newInvestigator(t, c.setup)
	for n, img := range map[int]*image.NRGBA{8: merged(o, stranger.Rect, 8), 0: stranger} {
		leak := examine(t, v, img)
		assert.Equal(t, findings.FoundUnknown, leak.Kind)
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

// Opponent's story: beside vendor A's copy lies a picture of an erased upload, whose mark is too damaged to be read. "No mark of another recipient's
// copy was found" was said, and "from a vendor" was supported.
func TestLongMarkMayBeInAPart(t *testing.T) {
	c := newCase(t)
	stranger := specimen.Scene(600, 460)
	o, err := watermark.Prepare(leaktest.Key(), stranger, nil)
	require.NoError(t, err)
	v := newInvestigator(t, c.setup)
	for n, beside := range map[int]*image.NRGBA{8: merged(o, stranger.Rect, 8), 0: stranger} {
		got := examine(t, v, below(600, imaging.Resize(c.marked, 600, 0, imaging.Lanczos), beside))
		require.Equal(t, []watermark.CopyID{c.copy.ID}, confirmed(got), got.Note)
		assert.Equal(t, n > 0, got.Sync < -6, "%v", got.Sync)
		all := strings.Join(standsUp(t, v, got).Sentences(), " ")
		assert.NotContains(t, all, "“These pictures come from a vendor”: supported")
	}
}

// A person who is registered under two references, with two photographs of one passport, is one
// person; another person's passport of the same template is another's.
func TestLongOneDocumentUnderTwoReferences(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	var leaks []*findings.Finding
	for i, name := range []string{"anna_passport", "anna_passport_again", "bruno_passport"} {
		sub := submit(t, s, readFile(t, filepath.Join("../testdata/pictures", name+".jpg")), "", feb)
		l := leakOf(i+1, findings.FoundCopy, "vendor A")
		l.Submission = sub.ID
		verify.SetSubject(l, []string{"ref-1", "ref-2", "ref-3"}[i])
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
		verify.SetSubject(l, "ref-1")
	}
	same, notCompared, err = v.SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Empty(t, same)
	require.Zero(t, notCompared)

	verify.SetSubject(leaks[2], "ref-3")
	other := investigating(cfg)
	other.SealKey = registry.GenerateSealKey()
	_, notCompared, err = newInvestigator(t, other).SameDocuments(t.Context(), leaks)
	require.NoError(t, err)
	require.Equal(t, 3, notCompared)
}

// A search finds the same with segments and without, and its record names them. A segment that was altered
// or removed is named, and costs no answer: its uploads are read from the database.
func TestLongSearchInSegments(t *testing.T) {
	c := newCase(t)
	turned := imaging.Rotate90(c.marked)
	var digest string
	look := func(what string, indexed int, problems ...string) {
		for _, key := range []*registry.SealKey{c.Config.SealKey, nil} {
			cfg := c.setup
			cfg.SealKey = key
			inv := newInvestigator(t, cfg)
			inv.SetDetect(reads(c.copy.ID))
			v := examine(t, inv, turned)
			assert.Equal(t, map[bool]findings.Kind{true: findings.FoundUnconfirmed, false: findings.FoundCopy}[key == nil || indexed < 3], v.Kind, what)
			d, err := inv.Weigh(t.Context(), []*findings.Finding{v})
			require.NoError(t, err)
			if key == nil {
				require.Empty(t, d.Record.Segments, what)
			} else {
				require.Len(t, d.Record.Segments, len(problems), what)
			}
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
	all := buildSegments(t, c.Registry, c.Config.SealKey)
	require.Len(t, all, 1)
	path := filepath.Join(c.path+".segments", all[0].File)
	look("in a segment", 3, "")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	altered := bytes.Clone(whole)
	altered[len(altered)-1] ^= 1
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
	assert.Equal(t, findings.FoundUnknown, examine(t, open, turned).Kind, "it has the old segment mapped")
	require.NoFileExists(t, path)
	look("erased", 2)

	db, err := sql.Open("sqlite", c.path)
	require.NoError(t, err)
	defer db.Close()
	require.Len(t, buildSegments(t, c.Registry, c.Config.SealKey), 1)
	look("made anew", 2, "")
	_, err = db.Exec("UPDATE segment SET last = 9223372036854775807")
	require.NoError(t, err)
	look("such a number would take all memory", 2, "altered")
}
