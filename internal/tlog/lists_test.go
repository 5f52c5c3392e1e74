package tlog_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/tlog"
)

// nodesOf keeps the nodes of lists as a store does.
type nodesOf map[string][]byte

func (s nodesOf) read(_ context.Context, ids []string) (map[string][]byte, error) {
	out := make(map[string][]byte)
	for _, id := range ids {
		if body, ok := s[id]; ok {
			out[id] = body
		}
	}
	return out, nil
}

// grown returns a store of n lists, "list 0" and so on, of 1 to 3 items, which was opened again after
// every few items, and its root.
func grown(t testing.TB, n int) (nodesOf, tlog.Hash, map[string]tlog.List) {
	t.Helper()
	s, want := make(nodesOf), make(map[string]tlog.List)
	l := tlog.NewLists(tlog.Hash{}, s.read)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 2 * n {
		name := fmt.Sprintf("list %d", i%n)
		item := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		if i >= n && rng.IntN(2) == 0 {
			continue
		}
		want[name] = want[name].Add(item)
		require.NoError(t, l.Add(t.Context(), name, item))
		if rng.IntN(5) == 0 {
			l.Changed(func(id string, body []byte) { s[id] = body })
			l = tlog.NewLists(l.Root(), s.read)
		}
	}
	l.Changed(func(id string, body []byte) { s[id] = body })
	return s, l.Root(), want
}

// What was read is found without reading, also that a list is missing.
func TestReadLists(t *testing.T) {
	for _, n := range []int{0, 1, 300} {
		s, root, want := grown(t, n)
		reads := 0
		l := tlog.NewLists(root, func(ctx context.Context, ids []string) (map[string][]byte, error) {
			reads += len(ids)
			return s.read(ctx, ids)
		})
		names := append(slices.Collect(maps.Keys(want)), "no list")
		require.NoError(t, l.Read(t.Context(), names...))
		require.Equal(t, len(s), reads)
		for _, name := range names {
			got, err := l.Find(t.Context(), name)
			require.NoError(t, err)
			require.Equal(t, want[name], got)
		}
		require.Equal(t, len(s), reads)
		for id := range s {
			s[id] = []byte("damaged")
		}
		if n > 0 {
			require.ErrorIs(t, tlog.NewLists(root, s.read).Read(t.Context(), names...), tlog.ErrProof)
		}
	}
}

func TestLists(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 500} {
		s, root, want := grown(t, n)
		l := tlog.NewLists(root, s.read)
		again := tlog.NewLists(tlog.Hash{}, nil) // never stored: in another order, and at once
		for name, list := range want {
			got, err := l.Find(t.Context(), name)
			require.NoError(t, err)
			require.Equal(t, list, got)
		}
		for i := range 2 * n {
			name := fmt.Sprintf("list %d", i%n)
			if got, err := again.Find(t.Context(), name); err == nil && got.N < want[name].N {
				item := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
				require.NoError(t, again.Add(t.Context(), name, item))
			}
		}
		require.Equal(t, root, again.Root(), "the root does not depend on the order of the lists, nor on when they were stored")
		nodes := make(nodesOf)
		again.Nodes(func(id string, body []byte) { nodes[id] = body })
		require.Equal(t, s, nodes, "no node is left over")
		got, err := l.Find(t.Context(), "another")
		require.NoError(t, err)
		require.Zero(t, got)
	}
}

// The opponent hides a list, shortens it, or shows another's: no flipped bit, missing node, or exchanged
// node leads to an answer.
func TestListsHoldToTheLastBit(t *testing.T) {
	s, root, want := grown(t, 40)
	ids := make([]string, 0, len(s))
	for id := range s {
		ids = append(ids, id)
	}
	answers := func(s nodesOf, root tlog.Hash) {
		for name, list := range want {
			if got, err := tlog.NewLists(root, s.read).Find(t.Context(), name); err == nil {
				require.Equal(t, list, got)
			} else {
				require.ErrorIs(t, err, tlog.ErrProof)
			}
		}
		if got, err := tlog.NewLists(root, s.read).Find(t.Context(), "another"); err == nil {
			require.Zero(t, got)
		}
	}
	for k, id := range ids {
		damaged := maps.Clone(s)
		delete(damaged, id)
		answers(damaged, root)
		damaged[id] = s[ids[(k+1)%len(ids)]]
		answers(damaged, root)
		for _, bit := range []int{0, 77, 8*len(s[id]) - 1} {
			damaged[id] = bytes.Clone(s[id])
			damaged[id][bit/8] ^= 1 << (bit % 8)
			answers(damaged, root)
		}
	}
}

func TestListProofs(t *testing.T) {
	s, root, want := grown(t, 40)
	want["another"] = tlog.List{}
	for name, list := range want {
		proof, err := tlog.NewLists(root, s.read).Prove(t.Context(), name)
		require.NoError(t, err)
		got, err := tlog.CheckList(root, name, proof)
		require.NoError(t, err)
		require.Equal(t, list, got)
		refused := func(root tlog.Hash, proof [][]byte) {
			got, err := tlog.CheckList(root, name, proof)
			require.ErrorIs(t, err, tlog.ErrProof, "%v", got)
		}
		refused(root, proof[:len(proof)-1])
		refused(root, append(proof[:len(proof):len(proof)], proof[0]))
		refused(tlog.Hash{1}, proof)
		if list.N > 0 {
			_, err := tlog.CheckList(tlog.Hash{}, name, proof)
			require.ErrorIs(t, err, tlog.ErrProof, "nothing is in a ledger without lists")
		}
		for i := range proof {
			for _, bit := range []int{0, 300, 8*len(proof[i]) - 1} {
				proof[i][bit/8] ^= 1 << (bit % 8)
				refused(root, proof)
				proof[i][bit/8] ^= 1 << (bit % 8)
			}
		}
	}
	got, err := tlog.CheckList(tlog.Hash{}, "any", nil)
	require.NoError(t, err)
	require.Zero(t, got, "a registry without lists")
}

// The format never changes: roots are in ledgers.
func TestListsVector(t *testing.T) {
	_, root, _ := grown(t, 40)
	require.Equal(t, "0b40518e28548a66fa3a67425df1064f8349a1e78866766ff65f6bb3c76c64ba", fmt.Sprintf("%x", root))
}
