package experiments_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
)

func TestRegistry(t *testing.T) {
	rep, err := bench.Registry(t.Context(), bench.RegistryOptions{Sizes: []int{3000}, Queries: 32, Live: 500, SQLite: true, Dir: t.TempDir()})
	require.NoError(t, err)
	require.Len(t, rep.Stores, 1)
	s := rep.Stores[0]
	assert.Equal(t, 4, s.Exact, "hits are held against a scan's")
	assert.GreaterOrEqual(t, float64(s.Far.Hits), .5, "planted hashes are found")
	assert.Greater(t, float64(s.Cluster.Hits), 1., "clusters hold more than what was planted")
	assert.Contains(t, rep.Markdown(), "| sqlite | 3 k |")

	rep, err = bench.Registry(t.Context(), bench.RegistryOptions{Sizes: []int{3000}, Queries: 32, Bare: true, SQLite: true, Dir: t.TempDir()})
	require.NoError(t, err)
	assert.Equal(t, s.Far.Hits, rep.Stores[0].Far.Hits)
	assert.Equal(t, s.Cluster.Hits, rep.Stores[0].Cluster.Hits)

	_, err = bench.Registry(t.Context(), bench.RegistryOptions{})
	require.ErrorIs(t, err, bench.ErrStore)
}
