package experiments_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
)

// Whatever the number of workers, each picture is prepared once, each of its
// tasks is done once between that and its release, and few pictures are held.
func TestPool(t *testing.T) {
	const pictures, tasks = 23, 7
	for _, workers := range []int{1, 2, 5, 64} {
		var mu sync.Mutex
		done := make([][tasks]int, pictures)
		state := make([]string, pictures)
		held, most, last := 0, 0, 0
		job := bench.Job{
			Pictures: pictures, Tasks: tasks,
			Prepare: func(_ context.Context, i int) bool {
				mu.Lock()
				defer mu.Unlock()
				assert.Empty(t, state[i])
				state[i] = "ready"
				held++
				most = max(most, held)
				return i%5 != 0
			},
			Task: func(_ context.Context, i, k int) {
				mu.Lock()
				defer mu.Unlock()
				assert.Equal(t, "ready", state[i])
				done[i][k]++
			},
			Release: func(i int) {
				mu.Lock()
				defer mu.Unlock()
				assert.Equal(t, "ready", state[i])
				state[i] = "released"
				held--
			},
			Progress: func(done, total int) {
				assert.Equal(t, pictures*tasks, total)
				assert.Greater(t, done, last)
				last = done
			},
		}
		require.NoError(t, job.Run(t.Context(), workers))
		for i := range done {
			want := [tasks]int{1, 1, 1, 1, 1, 1, 1}
			if i%5 == 0 { // could not be prepared
				want = [tasks]int{}
			}
			assert.Equal(t, want, done[i])
			assert.Equal(t, "released", state[i])
		}
		assert.LessOrEqual(t, most, 2*workers)
		assert.Equal(t, pictures*tasks, last)
	}
}

func TestPoolStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	n := 0
	job := bench.Job{
		Pictures: 10, Tasks: 10,
		Prepare: func(context.Context, int) bool { return true },
		Task: func(context.Context, int, int) {
			mu.Lock()
			defer mu.Unlock()
			if n++; n == 15 {
				cancel()
			}
		},
		Release: func(int) {},
	}
	err := job.Run(ctx, 3)
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, n, 20)
}
