package tlog_test

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/merkle/testonly"

	"github.com/kycmark/kycmark/internal/tlog"
)

// maxLeaves is the largest tree that the tests try: past a power of two.
const maxLeaves = 130

// mth is the Merkle tree hash as RFC 6962, section 2.1, defines it.
func mth(entries [][]byte) tlog.Hash {
	switch n := len(entries); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, entries[0]...))
	default:
		k := 1 << (bits.Len(uint(n-1)) - 1) // the largest power of two below n
		left, right := mth(entries[:k]), mth(entries[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

// entries returns n different ones, of lengths from 1 byte.
func entries(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "%d", i*i)
	}
	return out
}

// A shelf keeps nodes as a store does.
type shelf map[tlog.NodeID]tlog.Hash

func (s shelf) read(ids []tlog.NodeID) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(ids))
	for i, id := range ids {
		h, ok := s[id]
		if !ok {
			return nil, fmt.Errorf("no node %v", id)
		}
		out[i] = h
	}
	return out, nil
}

func (s shelf) write(t testing.TB, nodes []tlog.Node) {
	for _, n := range nodes {
		require.NotContains(t, s, n.NodeID, "a node completed twice")
		s[n.NodeID] = n.Hash
	}
}

// grow appends all entries to an empty tree.
func grow(t testing.TB, all [][]byte) (*tlog.Tree, shelf) {
	t.Helper()
	tree, err := tlog.NewTree(0, nil)
	require.NoError(t, err)
	s := shelf{}
	for _, e := range all {
		s.write(t, tree.Append(tlog.LeafHash(e)))
	}
	return tree, s
}

// The vectors of the certificate-transparency test suite, as the merkle module
// publishes them for tests.
func TestVectors(t *testing.T) {
	inputs, roots := testonly.LeafInputs(), testonly.RootHashes()
	require.Len(t, inputs, 8)
	require.Len(t, roots, 9)
	assert.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", fmt.Sprintf("%x", tlog.EmptyRoot()))
	for n := range len(inputs) + 1 {
		tree, _ := grow(t, inputs[:n])
		assert.Equal(t, fmt.Sprintf("%x", roots[n]), fmt.Sprintf("%x", tree.Root()), "%d leaves", n)
		assert.Equal(t, mth(inputs[:n]), tree.Root(), "%d leaves", n)
	}
}

func TestResumesAtEverySize(t *testing.T) {
	all := entries(maxLeaves)
	s := shelf{}
	for n := range all {
		border, err := s.read(tlog.Border(uint64(n)))
		require.NoError(t, err, "the border of %d leaves is stored", n)
		tree, err := tlog.NewTree(uint64(n), border)
		require.NoError(t, err)
		require.Equal(t, mth(all[:n]), tree.Root(), "%d leaves", n)

		done := tree.Append(tlog.LeafHash(all[n]))
		require.Len(t, done, 1+bits.TrailingZeros64(^uint64(n)), "%d leaves", n)
		for level, node := range done {
			require.Equal(t, tlog.NodeID{Level: uint(level), Index: uint64(n) >> level}, node.NodeID)
			require.Equal(t, mth(all[n+1-1<<level:n+1]), node.Hash)
		}
		s.write(t, done)
		require.Equal(t, uint64(n+1), tree.Size())
		require.Equal(t, mth(all[:n+1]), tree.Root(), "%d leaves", n+1)
	}
	require.Less(t, len(s), 2*maxLeaves)
}

func TestNewTreeRefuses(t *testing.T) {
	for size, border := range map[uint64]int{0: 1, 1: 0, 6: 1, 7: 2, 8: 3, tlog.MaxSize: 62, tlog.MaxSize + 1: 1} {
		_, err := tlog.NewTree(size, make([]tlog.Hash, border))
		assert.Error(t, err, "size %d with %d hashes", size, border)
	}
	tree, err := tlog.NewTree(tlog.MaxSize, make([]tlog.Hash, 63))
	require.NoError(t, err)
	assert.Len(t, tlog.Border(tree.Size()), 63)
}

// What the caller does with its border later must not reach the tree.
func TestNewTreeCopies(t *testing.T) {
	all := entries(7)
	_, s := grow(t, all)
	border, err := s.read(tlog.Border(7))
	require.NoError(t, err)
	tree, err := tlog.NewTree(7, border)
	require.NoError(t, err)
	clear(border)
	assert.Equal(t, mth(all), tree.Root())
}

func BenchmarkAppend(b *testing.B) {
	tree, err := tlog.NewTree(0, nil)
	require.NoError(b, err)
	entry := make([]byte, 200)
	for b.Loop() {
		tree.Append(tlog.LeafHash(entry))
	}
}
