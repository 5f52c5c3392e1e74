package tlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/tlog"
)

func (s shelf) nodes(_ context.Context, ids []tlog.NodeID) ([]tlog.Hash, error) { return s.read(ids) }

// flips calls f with h, each of its bits turned in turn, and says which.
func flips(h *tlog.Hash, f func(what string)) {
	for bit := range 8 * len(h) {
		h[bit/8] ^= 1 << (bit % 8)
		f(fmt.Sprintf("bit %d", bit))
		h[bit/8] ^= 1 << (bit % 8)
	}
}

// someFlips is flips with four of the bits, for the loops over all trees.
func someFlips(h *tlog.Hash, f func()) {
	for i := 0; i < len(h); i += 9 {
		h[i] ^= 1 << (i % 8)
		f()
		h[i] ^= 1 << (i % 8)
	}
}

// path is the audit path as RFC 6962, section 2.1.1, defines it.
func path(m int, all [][]byte) []tlog.Hash {
	n := len(all)
	if n == 1 {
		return nil
	}
	k := 1
	for 2*k < n {
		k *= 2
	}
	if m < k {
		return append(path(m, all[:k]), mth(all[k:]))
	}
	return append(path(m-k, all[k:]), mth(all[:k]))
}

// subproof is the consistency proof as RFC 6962, section 2.1.2, defines it.
func subproof(m int, all [][]byte, known bool) []tlog.Hash {
	n := len(all)
	if m == n {
		if known {
			return nil
		}
		return []tlog.Hash{mth(all)}
	}
	k := 1
	for 2*k < n {
		k *= 2
	}
	if m <= k {
		return append(subproof(m, all[:k], known), mth(all[k:]))
	}
	return append(subproof(m-k, all[k:], false), mth(all[:k]))
}

func TestInclusionOfEveryLeaf(t *testing.T) {
	all := entries(maxLeaves)
	_, s := grow(t, all) // larger than the trees that are proved
	for size := 1; size <= maxLeaves; size++ {
		root := mth(all[:size])
		for index := range size {
			leaf := tlog.LeafHash(all[index])
			proof, err := tlog.Inclusion(t.Context(), uint64(index), uint64(size), s.nodes)
			require.NoError(t, err)
			require.Equal(t, path(index, all[:size]), proof, "leaf %d of %d", index, size)
			verify := func() error {
				return tlog.VerifyInclusion(leaf, uint64(index), uint64(size), proof, root)
			}
			require.NoError(t, verify(), "leaf %d of %d", index, size)
			if size > 20 && index%16 > 1 {
				continue // the flips of all of them take long
			}
			refused := func() { require.ErrorIs(t, verify(), tlog.ErrProof, "leaf %d of %d", index, size) }
			someFlips(&leaf, refused)
			someFlips(&root, refused)
			for i := range proof {
				someFlips(&proof[i], refused)
			}
			for bit := range 64 {
				err := tlog.VerifyInclusion(leaf, uint64(index)^1<<bit, uint64(size), proof, root)
				require.ErrorIs(t, err, tlog.ErrProof, "leaf %d of %d, bit %d of the index", index, size, bit)
			}
		}
	}
}

func TestConsistencyOfEverySize(t *testing.T) {
	all := entries(maxLeaves)
	_, s := grow(t, all)
	for size := 1; size <= maxLeaves; size++ {
		root := mth(all[:size])
		for old := 1; old <= size; old++ {
			oldRoot := mth(all[:old])
			proof, err := tlog.Consistency(t.Context(), uint64(old), uint64(size), s.nodes)
			require.NoError(t, err)
			require.Equal(t, subproof(old, all[:size], true), proof, "%d of %d", old, size)
			verify := func() error {
				return tlog.VerifyConsistency(uint64(old), uint64(size), proof, oldRoot, root)
			}
			require.NoError(t, verify(), "%d of %d", old, size)
			if size > 20 && old%16 > 1 {
				continue
			}
			refused := func() { require.ErrorIs(t, verify(), tlog.ErrProof, "%d of %d", old, size) }
			someFlips(&oldRoot, refused)
			someFlips(&root, refused)
			for i := range proof {
				someFlips(&proof[i], refused)
			}
		}
	}
}

// Every single bit of one proof of each kind, and proofs cut or padded.
func TestProofsHoldToTheLastBit(t *testing.T) {
	all := entries(maxLeaves)
	_, s := grow(t, all)
	const old, index, size = 77, 70, 109
	leaf, oldRoot, root := tlog.LeafHash(all[index]), mth(all[:old]), mth(all[:size])
	in, err := tlog.Inclusion(t.Context(), index, size, s.nodes)
	require.NoError(t, err)
	con, err := tlog.Consistency(t.Context(), old, size, s.nodes)
	require.NoError(t, err)

	inclusion := func() error { return tlog.VerifyInclusion(leaf, index, size, in, root) }
	consistency := func() error { return tlog.VerifyConsistency(old, size, con, oldRoot, root) }
	for _, c := range []struct {
		name   string
		verify func() error
		parts  []*tlog.Hash
		proof  *[]tlog.Hash
	}{
		{"inclusion", inclusion, []*tlog.Hash{&leaf, &root}, &in},
		{"consistency", consistency, []*tlog.Hash{&oldRoot, &root}, &con},
	} {
		require.NoError(t, c.verify(), c.name)
		for i := range *c.proof {
			c.parts = append(c.parts, &(*c.proof)[i])
		}
		for i, p := range c.parts {
			flips(p, func(what string) { assert.ErrorIs(t, c.verify(), tlog.ErrProof, "%s, part %d, %s", c.name, i, what) })
		}
		whole := *c.proof
		for n := range whole {
			*c.proof = whole[:n]
			assert.ErrorIs(t, c.verify(), tlog.ErrProof, "%s cut to %d", c.name, n)
		}
		*c.proof = append(slices.Clone(whole), tlog.Hash{})
		assert.ErrorIs(t, c.verify(), tlog.ErrProof, "%s with one more", c.name)
		*c.proof = whole
		slices.Reverse(whole)
		assert.ErrorIs(t, c.verify(), tlog.ErrProof, "%s turned round", c.name)
	}
}

func TestEdgesOfProofs(t *testing.T) {
	none := func(context.Context, []tlog.NodeID) ([]tlog.Hash, error) {
		t.Error("nodes asked for")
		return nil, nil
	}
	empty, one := tlog.EmptyRoot(), tlog.LeafHash([]byte("1"))

	for _, c := range []struct{ old, size uint64 }{{0, 0}, {0, 5}, {5, 5}} {
		proof, err := tlog.Consistency(t.Context(), c.old, c.size, none)
		require.NoError(t, err)
		assert.Empty(t, proof, "%d of %d", c.old, c.size)
	}
	proof, err := tlog.Inclusion(t.Context(), 0, 1, none)
	require.NoError(t, err)
	assert.Empty(t, proof)

	assert.NoError(t, tlog.VerifyConsistency(0, 0, nil, empty, empty))
	assert.NoError(t, tlog.VerifyConsistency(0, 5, nil, empty, one))
	assert.ErrorIs(t, tlog.VerifyConsistency(0, 0, nil, one, one), tlog.ErrProof)
	assert.ErrorIs(t, tlog.VerifyConsistency(0, 5, nil, one, one), tlog.ErrProof)
	assert.ErrorIs(t, tlog.VerifyConsistency(0, 5, []tlog.Hash{one}, empty, one), tlog.ErrProof)
	assert.ErrorIs(t, tlog.VerifyConsistency(3, 5, nil, one, one), tlog.ErrProof)
	assert.NoError(t, tlog.VerifyInclusion(one, 0, 1, nil, one))

	const big = tlog.MaxSize + 1
	for name, ask := range map[string]func() ([]tlog.Hash, error){
		"leaf beyond":       func() ([]tlog.Hash, error) { return tlog.Inclusion(t.Context(), 5, 5, none) },
		"no leaves":         func() ([]tlog.Hash, error) { return tlog.Inclusion(t.Context(), 0, 0, none) },
		"shrinking":         func() ([]tlog.Hash, error) { return tlog.Consistency(t.Context(), 6, 5, none) },
		"inclusion, huge":   func() ([]tlog.Hash, error) { return tlog.Inclusion(t.Context(), 0, big, none) },
		"consistency, huge": func() ([]tlog.Hash, error) { return tlog.Consistency(t.Context(), 1, big, none) },
		"verify inclusion":  func() ([]tlog.Hash, error) { return nil, tlog.VerifyInclusion(one, 0, big, nil, one) },
		"verify beyond":     func() ([]tlog.Hash, error) { return nil, tlog.VerifyInclusion(one, 1, 1, nil, one) },
		"verify shrinking":  func() ([]tlog.Hash, error) { return nil, tlog.VerifyConsistency(6, 5, nil, one, one) },
		"verify huge":       func() ([]tlog.Hash, error) { return nil, tlog.VerifyConsistency(1, big, nil, one, one) },
	} {
		_, err := ask()
		assert.ErrorIs(t, err, tlog.ErrProof, name)
	}
}

// The largest trees that there may be ask for few nodes.
func TestProofsOfTheLargestTrees(t *testing.T) {
	const size uint64 = tlog.MaxSize
	count := 0
	any := func(_ context.Context, ids []tlog.NodeID) ([]tlog.Hash, error) {
		count = len(ids)
		return make([]tlog.Hash, len(ids)), nil
	}
	for _, at := range []uint64{1, 2, 1 << 31, 1<<62 - 1, 1 << 62, 1<<62 + 1, size - 2, size - 1} {
		proof, err := tlog.Inclusion(t.Context(), at, size, any)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(proof), 63)
		assert.Less(t, count, 128)
		assert.ErrorIs(t, tlog.VerifyInclusion(tlog.Hash{}, at, size, proof, tlog.Hash{}), tlog.ErrProof)

		proof, err = tlog.Consistency(t.Context(), at, size, any)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(proof), 64)
		assert.Less(t, count, 128)
		assert.ErrorIs(t, tlog.VerifyConsistency(at, size, proof, tlog.Hash{}, tlog.Hash{}), tlog.ErrProof)
	}
}

func TestNodesThatFail(t *testing.T) {
	lost := errors.New("connection lost")
	for name, nodes := range map[string]tlog.Nodes{
		"error": func(context.Context, []tlog.NodeID) ([]tlog.Hash, error) { return nil, lost },
		"too few": func(_ context.Context, ids []tlog.NodeID) ([]tlog.Hash, error) {
			return make([]tlog.Hash, len(ids)-1), nil
		},
	} {
		_, err := tlog.Inclusion(t.Context(), 3, 7, nodes)
		assert.Error(t, err, name)
		assert.NotErrorIs(t, err, tlog.ErrProof, "a store's failure proves nothing")
		_, err = tlog.Consistency(t.Context(), 3, 7, nodes)
		assert.Error(t, err, name)
		assert.NotErrorIs(t, err, tlog.ErrProof, "a store's failure proves nothing")
		assert.Equal(t, name == "error", errors.Is(err, lost), name)
	}
}
