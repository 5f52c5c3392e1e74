package sqldb_test

import (
	"bytes"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/phash"
)

// traces are the bytes that the search tables and the rows may hold of a hash: as text, as
// words, and seven bands from each on.
func traces(h phash.Hash) (all [][]byte) {
	var words []byte
	for range 2 {
		for _, w := range h.Bits {
			words = binary.LittleEndian.AppendUint64(words, w)
		}
	}
	all = append(all, []byte(h.String()), words[:32])
	for i := range bandCount {
		all = append(all, words[2*i:2*i+entryBytes-4])
	}
	return all
}

// Of the hashes of erased uploads nothing stands in a file of SQLite's, however their entries
// were moved before.
func TestErasedHashesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	d, err := sqlite.Create(t.Context(), filepath.Join(dir, "r.db"), info())
	require.NoError(t, err)
	defer d.Close()
	d.SetSegmentSize(testSegment)
	c := newCorpus(7)
	var erased []phash.Hash
	for k := range 8 {
		for range 20 {
			c.add(t, d, 5+4*k)
		}
		before := maps.Clone(c.kept)
		c.erase(t, d, 13+k)
		for seq, h := range before {
			if _, ok := c.kept[seq]; !ok && c.lone(h) {
				erased = append(erased, h)
			}
		}
	}
	require.Greater(t, len(erased), 200)
	var files []byte
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, path := range paths {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		files = append(files, b...)
	}
	require.Greater(t, listed(t, d), bandCount*1000)
	for _, h := range erased {
		for i, b := range traces(h) {
			require.False(t, bytes.Contains(files, b), "trace %d of %s", i, h)
		}
	}
	for _, h := range c.kept {
		require.True(t, bytes.Contains(files, traces(h)[0]), "what was not erased is there")
		break
	}
}

// lone reports whether a hash is near no other by design, so that no part of it stands for
// another upload.
func (c *corpus) lone(h phash.Hash) bool {
	return !slices.ContainsFunc(c.centres, func(o phash.Hash) bool { return h.Distance(o) < 60 })
}
