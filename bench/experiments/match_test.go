package experiments_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
)

func TestMatchIndex(t *testing.T) {
	rep, err := bench.MatchIndex(t.Context(), bench.MatchIndexOptions{Sizes: []int{6000}, Queries: 50, Dir: t.TempDir()})
	require.NoError(t, err)
	require.Len(t, rep.Corpora, 3)
	for _, c := range rep.Corpora {
		assert.Positive(t, c.Checked, c.Name)
		assert.GreaterOrEqual(t, c.Hits, .5, "planted hashes are found: %s", c.Name)
		assert.Positive(t, float64(c.Search), c.Name)
		assert.Positive(t, float64(c.InsertRate), c.Name)
		assert.GreaterOrEqual(t, c.Snapshot, int64(6000*40), c.Name)
	}
	assert.Greater(t, rep.Corpora[1].Hits, .5, "clusters hold more than what was planted")
	text := rep.Markdown()
	for _, want := range []string{"| 6 k | random |", "| 6 k | clusters |", "| 6 k | one template |", "5 of 5"} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "| peer |")
	assert.True(t, strings.HasSuffix(rep.SVG(), "</svg>\n"))
}

func TestMatchIndexPeer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the peer of this test is a shell script")
	}
	peer := func(says string) string {
		path := filepath.Join(t.TempDir(), "peer")
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+says+"\n"), 0o700))
		return path
	}
	for says, want := range map[string]error{
		`[ $(wc -c <"$1") -eq 160000 ] && [ $(wc -c <"$2") -eq 160 ] && [ "$3" = 31 ] && printf 'other\t1.5\t3\n'`: nil,
		`printf 'other\t1.5\t4\n'`: bench.ErrPeer,
		`printf 'other\t1.5\n'`:    bench.ErrPeer,
		`exit 1`:                   bench.ErrPeer,
	} {
		opt := bench.MatchIndexOptions{Sizes: []int{5000}, Queries: 5, Corpora: []string{"random"}, Dir: t.TempDir(), Peer: peer(says)}
		rep, err := bench.MatchIndex(t.Context(), opt)
		if want != nil {
			require.ErrorIs(t, err, want, says)
			continue
		}
		require.NoError(t, err)
		assert.Contains(t, rep.Markdown(), "| 5 k | random | other | 1.500 |")
	}
}

func TestMatchIndexOptions(t *testing.T) {
	_, err := bench.MatchIndex(t.Context(), bench.MatchIndexOptions{Corpora: []string{"none"}})
	require.ErrorIs(t, err, bench.ErrCorpus)
	_, err = bench.MatchIndex(t.Context(), bench.MatchIndexOptions{Sizes: []int{3}})
	require.Error(t, err)
	sizes, err := bench.ParseSizes([]string{"100", "500k", "10M"})
	require.NoError(t, err)
	assert.Equal(t, []int{100, 500_000, 10_000_000}, sizes)
	for _, bad := range []string{"", "M", "-1M", "99", "1G", "2000M", "0k"} {
		_, err := bench.ParseSizes([]string{bad})
		assert.Error(t, err, bad)
	}
}
