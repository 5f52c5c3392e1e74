package experiments_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
)

func TestLookalikes(t *testing.T) {
	steps := 0
	rep, err := bench.Lookalikes(t.Context(), bench.LookalikeConfig{Documents: 4, Parts: 2, Within: time.Nanosecond, Side: 640, Near: 1, Again: 1, Progress: func(done, total int) {
		steps++
		assert.Equal(t, 8, total)
	}})
	require.NoError(t, err)
	assert.Equal(t, 2, steps, "a batch of rendered ones, and one of photographed ones")
	assert.Equal(t, []int{1, 4}, []int{rep.Parts, rep.Documents}, "the first part alone: the time is up")
	for i, medium := range []string{"rendered", "photographed"} {
		own, others := rep.Own[i], rep.Others[i]
		assert.Equal(t, medium, own.Medium)
		assert.Equal(t, [2]int{2, 2}, [2]int{own.Pairs, own.Same}, "%s: %+v", medium, rep.Missed)
		assert.Equal(t, [2]int{2, 0}, [2]int{others.Pairs, others.Same}, "%s: %+v", medium, rep.Passed)
	}
	assert.Equal(t, [2]int{2, 0}, [2]int{rep.Again[1].Pairs, rep.Again[1].Same}, "%+v", rep.Passed)
	assert.Zero(t, rep.Wrong())
	assert.Contains(t, rep.Markdown(), "| other captures of the same card | photographed | 2 | 0 |")
}
