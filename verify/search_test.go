package verify_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// buildSegments makes segments of a small registry.
func buildSegments(t *testing.T, r *registry.Registry, key *registry.SealKey) []engine.Segment {
	t.Helper()
	require.NoError(t, builtSegments(t, r, key))
	all, err := r.Engine().Segments(t.Context(), key, new(parts.Index))
	require.NoError(t, err)
	return all
}

// builtSegments is buildSegments, and returns the error.
func builtSegments(t *testing.T, r *registry.Registry, key *registry.SealKey) error {
	from := sqldb.SegmentFrom
	sqldb.SegmentFrom = 1
	defer func() { sqldb.SegmentFrom = from }()
	return r.Engine().BuildSegments(t.Context(), key)
}

func TestNewInvestigatorRefuses(t *testing.T) {
	cfg := investigating(leaktest.Config(t))
	cfg.MaxPixels = phash.MaxPixels + 1
	_, err := cfg.Begin()
	require.ErrorIs(t, err, registry.ErrInput)
	cfg.MaxPixels, cfg.Claimed = 0, -1
	_, err = cfg.Begin()
	require.ErrorIs(t, err, registry.ErrInput)
}

// Uploads are found in a segment without reading their rows. However the segment was altered, what is
// found is the same, and the record names it. The next builder makes it anew.
func TestSearchInSegments(t *testing.T) {
	t.Parallel()
	c := newLargeCase(t)
	c.Keys = nil // what is traced, others test
	b := c.marked.Rect
	leak := file(t, imaging.Crop(c.marked, image.Rect(b.Dx()/4, b.Dy()/4, b.Dx()*3/4, b.Dy()*3/4)), "png")
	look := func(what, problem string) *findings.Finding {
		t.Helper()
		inv := newInvestigator(t, c.setup)
		inv.SetDetect(noMark)
		v, err := inv.File(t.Context(), "leak.png", leak)
		require.NoError(t, err)
		require.NotEmpty(t, v.Matches, what)
		assert.Equal(t, c.firstID, v.Matches[0].Submission, what)
		d, err := inv.Weigh(t.Context(), []*findings.Finding{v})
		require.NoError(t, err)
		require.Len(t, d.Record.Segments, 1, what)
		s := d.Record.Segments[0]
		assert.Contains(t, s.Problem, problem, what)
		assert.Equal(t, problem == "", s.Problem == "", "%s: %s", what, s.Problem)
		assert.NotContains(t, s.Problem, c.path)
		return v
	}
	all := buildSegments(t, c.Registry, c.Config.SealKey)
	require.Len(t, all, 1)
	path := filepath.Join(c.path+".segments", all[0].File)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	look("whole", "")

	// A search that ends while it reads the rows of an altered segment leaves no gap to the next search.
	inv := newInvestigator(t, c.setup)
	inv.SetDetect(noMark)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, again := range []bool{false, true} {
		if again {
			require.ErrorIs(t, inv.Leave(ended, all[0].File), context.Canceled)
		}
		v, err := inv.File(t.Context(), "leak.png", leak)
		require.NoError(t, err)
		require.NotEmpty(t, v.Matches, "again: %v", again)
		assert.Equal(t, c.firstID, v.Matches[0].Submission)
	}

	// What it is not: in the clear, of another key, or good to somebody without the key.
	found := 0
	_, err = c.Registry.Engine().FoundBy(t.Context(), c.Config.SealKey, 0, math.MaxInt64, func(f *engine.Found) error {
		clear, err := f.Features.MarshalBinary()
		require.NoError(t, err)
		for at := 16; at+16 <= len(clear); at += 20 {
			require.NotContains(t, string(whole), string(clear[at:at+16]))
			found++
		}
		require.NotContains(t, string(whole), string(binary.LittleEndian.AppendUint64(nil, f.Hash.Bits[0])))
		return nil
	})
	require.NoError(t, err)
	require.Positive(t, found)

	altered := func(what, problem string, data []byte) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		look(what, problem)
	}
	for i, at := range long.Cases(1, len(whole)/2, 20, len(whole)-20) {
		data := bytes.Clone(whole)
		data[at] ^= 0x10
		require.NoError(t, os.WriteFile(path, data, 0o600))
		inv := newInvestigator(t, c.setup)
		inv.SetDetect(noMark)
		v, err := inv.File(t.Context(), "leak.png", leak)
		require.NoError(t, err)
		require.NotEmpty(t, v.Matches, i)
		assert.Equal(t, c.firstID, v.Matches[0].Submission, i)
		_, err = c.Registry.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: c.Config.SealKey})
		require.NoError(t, err)
	}
	changed := bytes.Clone(whole)
	for at := 100; at < len(changed); at += 200 {
		changed[at] ^= 1
	}
	altered("records", all[0].File, changed)
	a, err := c.Registry.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: c.Config.SealKey})
	require.NoError(t, err)
	assert.False(t, a.Holds)
	assert.Contains(t, strings.Join(a.Problems, "\n"), all[0].File)
	if long.On {
		altered("cut", all[0].File, whole[:len(whole)-1])
	}
	require.NoError(t, os.Remove(path))
	look("removed", "no such file")
	require.NoError(t, os.WriteFile(path, whole, 0o600))
	look("restored", "")
	a, err = c.Registry.Ledger().Audit(t.Context(), registry.AuditOptions{})
	require.NoError(t, err)
	assert.Contains(t, strings.Join(a.Problems, "\n"), all[0].File, "until it is made anew")
	again := buildSegments(t, c.Registry, c.Config.SealKey)
	require.NotEqual(t, all[0].File, again[0].File)
	require.NoFileExists(t, path)
	look("made anew", "")
	path, all = filepath.Join(c.path+".segments", again[0].File), again
	a, err = c.Registry.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: c.Config.SealKey})
	require.NoError(t, err)
	assert.True(t, a.Holds, a.Problems)

	// A row that claims more than the file has would hide uploads.
	db, err := sql.Open("sqlite", c.path)
	require.NoError(t, err)
	defer db.Close()
	for _, change := range long.Cases(1, "last = last + 1", "wrapped = x'00'", "last = 9223372036854775807", "first = first + 1") {
		_, err = db.Exec("CREATE TABLE saved AS SELECT * FROM segment; UPDATE segment SET " + change + "")
		require.NoError(t, err)
		look(change, all[0].File)
		_, err = db.Exec("DELETE FROM segment; INSERT INTO segment SELECT * FROM saved; DROP TABLE saved")
		require.NoError(t, err)
	}

	// Rows are not read. Here they cannot be.
	_, err = db.Exec("CREATE TABLE saved AS SELECT submission, features FROM sealed; UPDATE sealed SET features = x'00'")
	require.NoError(t, err)
	assert.Nil(t, look("rows", "").Searched.Missing)
	_, err = db.Exec("UPDATE sealed SET features = (SELECT features FROM saved WHERE saved.submission = sealed.submission); DROP TABLE saved")
	require.NoError(t, err)

	// An erasure leaves no byte of it, and the next builder makes it again.
	_, err = c.Registry.EraseSubmissions(t.Context(), []watermark.Submission{c.firstID}, "desk", "letter 5")
	require.NoError(t, err)
	require.NoFileExists(t, path)
	buildSegments(t, c.Registry, c.Config.SealKey)
	v, err := c.investigator(t, noMark).File(t.Context(), "leak.png", leak)
	require.NoError(t, err)
	assert.Equal(t, findings.FoundUnknown, v.Kind)
	a, err = c.Registry.Ledger().Audit(t.Context(), registry.AuditOptions{SealKey: c.Config.SealKey})
	require.NoError(t, err)
	assert.True(t, a.Holds, a.Problems)
}
