package verify_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// A search finds the same with segments and without, and its record names them. A segment that was altered
// or removed is named, and costs no answer: its uploads are read from the database.
func TestSearchInSegments(t *testing.T) {
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
	require.NoError(t, c.Registry.Engine().BuildSegments(t.Context(), true, nil))
	_, all, err := c.Registry.Engine().Segments(t.Context())
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

func TestNewInvestigatorRefuses(t *testing.T) {
	cfg := investigating(leaktest.Config(t))
	cfg.MaxPixels = phash.MaxPixels + 1
	_, err := verify.NewInvestigator(cfg)
	require.ErrorIs(t, err, registry.ErrInput)
	cfg.MaxPixels, cfg.Claimed, cfg.Drawn = 0, math.MaxInt, true
	_, err = verify.NewInvestigator(cfg)
	require.ErrorIs(t, err, registry.ErrInput)
}
