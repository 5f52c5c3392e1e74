package experiments_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
)

// TestPairs traces two drawn passports against each other, then goes on with photographed
// ones where that ended.
func TestPairs(t *testing.T) {
	state := filepath.Join(t.TempDir(), "pairs.jsonl")
	steps := 0
	cfg := bench.PairsConfig{
		Config: bench.Config{Seed: 5, MaxSide: 480, Attacks: []string{"telegram"}, Progress: func(done, total int) { steps++ }},
		Pairs:  2, Group: 2, Issued: 5, State: state,
	}
	rep, err := bench.Pairs(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, 2, steps)
	assert.Equal(t, 2, rep.Documents)
	assert.False(t, rep.Failed())
	text := rep.Markdown()
	assert.Contains(t, text, "| **other persons' documents** | **all** | 2 | 0 (0.00 %) | 0.00 % | 77.64 % | 0 | 0 | 77.64 % | - |", "%v", rep.Wrong)
	assert.Contains(t, text, "| the original's own, marked | rendered | 2 | 2 (100.00 %) | 22.36 % | 100.00 % | 2 | 0 | 77.64 % | 2 |", "%v", rep.Missed)
	assert.NotContains(t, text, "| other captures of")

	before, err := os.ReadFile(state)
	require.NoError(t, err)
	require.Equal(t, 3, bytes.Count(before, []byte("\n")))
	require.NoError(t, os.WriteFile(state, append(before, `{"seed":5,"group":1,"coun`...), 0o600)) // cut short
	cfg.Pairs = 4
	rep, err = bench.Pairs(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, 4, steps, "what was counted is not traced again")
	assert.Equal(t, 4, rep.Documents)
	text = rep.Markdown()
	assert.Contains(t, text, "| other captures of the same card | photographed | 4 | 0 (0.00 %) |", "%v", rep.Wrong)
	assert.Contains(t, text, "| telegram | 0/4 | 0/4 | 0/0 |")

	cfg.Issued = 6
	_, err = bench.Pairs(t.Context(), cfg)
	assert.ErrorIs(t, err, bench.ErrPairs, "counts of other settings are not added up")
}

// A wrong pair that is registered, or accuses, fails the run.
func TestPairsFail(t *testing.T) {
	count := func(kind int, pairs, taken, accusing int) *bench.PairsReport {
		return &bench.PairsReport{Media: []bench.PairMedia{{Medium: "scanned", Counts: []bench.PairCount{{Kind: kind, Attack: "none", Pairs: pairs, Taken: taken, Accusing: accusing}}}}}
	}
	for kind := range 2 {
		assert.False(t, count(kind, 10000, 3, 0).Failed())
		assert.True(t, count(kind, 10000, 4, 0).Failed())
	}
	assert.False(t, count(2, 100, 100, 0).Failed(), "the right ones")
	for kind := range 3 {
		assert.True(t, count(kind, 100000, 0, 1).Failed())
	}
}
