package memory_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// Pictures and their uploads never have more than the limit together, and all have their turn. Each picture waits for an
// upload, and for a second picture, while it has memory.
func TestNeverMore(t *testing.T) {
	const limit = 800
	b := memory.New(limit)
	var mu sync.Mutex
	var held, most int64
	note := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		held += n
		most = max(most, held)
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			l := b.Lease()
			if !assert.NoError(t, l.TakeFile(t.Context(), rng.Int64N(900))) { // one may be larger than the limit
				return
			}
			for range 2 {
				n := 1 + rng.Int64N(600)
				assert.NoError(t, l.Take(t.Context(), n))
				note(n)
				m := 1 + rng.Int64N(200)
				give, err := b.Original(t.Context(), m)
				if assert.NoError(t, err) {
					note(m)
					time.Sleep(time.Millisecond / 4)
					note(-m)
					give()
				}
				note(-n)
			}
			l.Give()
			l.Give() // nothing is given back twice
		})
	}
	all.Wait()
	require.LessOrEqual(t, most, int64(limit))
	require.Greater(t, most, int64(limit/2), "and they do work at the same time")
}

// Of two large pictures the second waits for the first.
func TestOneLargePictureAtATime(t *testing.T) {
	b := memory.New(800)
	first, second := b.Lease(), b.Lease()
	require.NoError(t, first.Take(t.Context(), 400))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, second.Take(ctx, 400), context.DeadlineExceeded)
	first.Give()
	require.NoError(t, second.Take(t.Context(), 400), "a lease that waited in vain holds nothing")
}

// What one picture may not have is refused at once, also when all memory is free.
func TestTooMuch(t *testing.T) {
	b := memory.New(800)
	l := b.Lease()
	for max, take := range map[int64]func(n int64) error{
		600: func(n int64) error { defer l.Give(); return l.Take(t.Context(), n) },
		200: func(n int64) error {
			give, err := b.Original(t.Context(), n)
			if err == nil {
				give()
			}
			return err
		},
	} {
		var limit *picture.LimitError
		require.ErrorAs(t, take(max+1), &limit)
		require.Equal(t, picture.LimitError{What: codec.MemoryBytes, Got: max + 1, Max: max}, *limit)
		require.NoError(t, take(max))
	}
}

// Pictures cannot have the last quarter, so that an upload never waits for the pictures.
func TestOriginalsDoNotWaitForPictures(t *testing.T) {
	b := memory.New(800)
	l := b.Lease()
	require.NoError(t, l.Take(t.Context(), 600))
	give, err := b.Original(t.Context(), 200)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = b.Original(ctx, 1)
	require.ErrorIs(t, err, context.DeadlineExceeded, "another upload waits")
	give()
	_, err = b.Original(t.Context(), 200)
	require.NoError(t, err)
}

// The machine says how much there is.
func TestLimit(t *testing.T) {
	n := memory.Limit()
	require.Greater(t, n, int64(64<<20))
	require.Less(t, n, int64(1<<45))
}

// A lease that finds the memory taken gives up after Wait. Try does at once. Neither takes anything then.
func TestGivesUpWaiting(t *testing.T) {
	b := memory.New(800) // 600 bytes for pictures
	b.Wait = time.Millisecond
	first, l := b.Lease(), b.Lease()
	require.True(t, first.Try(400))
	require.True(t, first.Try(100), "it grows")
	require.ErrorIs(t, l.Take(t.Context(), 200), memory.ErrBusy)
	require.False(t, l.Try(200))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Take(ctx, 200), context.Canceled, "the caller's end is no lack of memory")
	first.Give()
	require.NoError(t, l.Take(t.Context(), 600))
	l.Give()
	for range 2 {
		require.True(t, l.Try(1<<40), "what is larger than all has all")
	}
	l.Give()
}
