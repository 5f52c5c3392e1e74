package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Leaks that come while a group answers are one question. Each leak receives its own answer, also if who asked for all gave up.
func TestLeaksTogether(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan int, 10), make(chan struct{}, 10)
	g := newGrouped(Groups{N: 1, Ask: func(ctx context.Context, _ int, question []byte) ([]byte, error) {
		var q groupQuestion
		var a groupAnswer
		if err := json.Unmarshal(question, &q); err != nil {
			return nil, err
		}
		for _, l := range q.Leaks {
			a.Hits = append(a.Hits, [][]byte{append([]byte("hits of "), l...)})
		}
		asked <- len(q.Leaks)
		select {
		case <-answer:
			return json.Marshal(a)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	g.asking[0].turn = make(chan struct{}, 1)
	var all sync.WaitGroup
	leak := func(ctx context.Context, name string, want error) {
		all.Go(func() {
			hits, err := g.leak(ctx, 0, []string{"a.features"}, []byte(name))
			if want == nil {
				assert.NoError(t, err)
				assert.Equal(t, [][]byte{[]byte("hits of " + name)}, hits)
			} else {
				assert.True(t, errors.Is(err, want) || errors.Is(err, errLeft), "%v", err)
			}
		})
	}
	waiting := func(n int) {
		require.Eventually(t, func() bool {
			g.asking[0].mu.Lock()
			defer g.asking[0].mu.Unlock()
			return len(g.asking[0].wait) == n
		}, time.Minute, time.Millisecond)
	}
	leak(t.Context(), "0", nil)
	require.Equal(t, 1, <-asked)
	for n := range 5 {
		leak(t.Context(), fmt.Sprint("later ", n), nil)
	}
	waiting(5)
	answer <- struct{}{}
	require.Equal(t, 5, <-asked)
	answer <- struct{}{}
	all.Wait()

	first, stop := context.WithCancel(t.Context())
	leak(first, "left", context.Canceled)
	require.Equal(t, 1, <-asked)
	second, end := context.WithCancel(t.Context())
	leak(second, "asks", context.Canceled)
	waiting(1)
	leak(t.Context(), "stays", nil)
	waiting(2)
	stop()
	require.Equal(t, 2, <-asked) // by one of the two
	end()
	answer <- struct{}{}
	answer <- struct{}{}
	all.Wait()
}

// A question has up to maxAskedBytes of leaks and maxAnswers, and one leak at least.
func TestLargeQuestions(t *testing.T) {
	t.Parallel()
	var a asking
	for range 5 {
		a.wait = append(a.wait, &askedLeak{files: make([]string, maxAnswers/2)})
	}
	require.Len(t, a.take(a.wait[0]), 2)
	require.Len(t, a.wait, 3)
	a.wait = nil
	large := make([]byte, maxAskedBytes/2)
	for range 3 {
		a.wait = append(a.wait, &askedLeak{question: large})
	}
	a.wait = append(a.wait, &askedLeak{question: make([]byte, 2*maxAskedBytes)}, &askedLeak{files: []string{"another"}})
	last := a.wait[2]
	require.Len(t, a.take(a.wait[3]), 1)
	require.Len(t, a.take(a.wait[0]), 2)
	require.Len(t, a.take(last), 1)
	require.Empty(t, a.take(last))
	require.Len(t, a.wait, 1)
}
