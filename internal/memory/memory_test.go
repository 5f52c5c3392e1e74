package memory_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
)

// Pictures never have more than their share together, and all have their turn. Each waits for an original, and for a
// second picture, while it has memory.
func TestNeverMore(t *testing.T) {
	const limit = 800
	b := memory.New(limit)
	var mu sync.Mutex
	held, most := map[string]int64{}, map[string]int64{}
	note := func(kind string, n int64) {
		mu.Lock()
		defer mu.Unlock()
		held[kind] += n
		most[kind] = max(most[kind], held[kind])
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			file, pic := b.File(), b.Picture()
			if !assert.NoError(t, file.Take(t.Context(), rng.Int64N(300))) { // one may be larger than the share
				return
			}
			for range 2 {
				n := 1 + rng.Int64N(500)
				assert.NoError(t, pic.Take(t.Context(), n))
				note("picture", n)
				file.Give()
				orig, m := b.Original(), 1+rng.Int64N(200)
				assert.NoError(t, orig.Take(t.Context(), m))
				note("original", m)
				time.Sleep(time.Millisecond / 4)
				note("original", -m)
				orig.Give()
				note("picture", -n)
			}
			pic.Give()
			pic.Give() // nothing is given back twice
		})
	}
	all.Wait()
	require.LessOrEqual(t, most["picture"], int64(500))
	require.LessOrEqual(t, most["original"], int64(200))
	require.Greater(t, most["picture"], int64(250), "and they do work at the same time")
}

// What one picture may not have is refused at once, also when all memory is free.
func TestTooMuch(t *testing.T) {
	b := memory.New(800)
	l := b.Picture()
	err := l.Take(t.Context(), 501)
	var limit *picture.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, picture.LimitError{What: picture.MemoryBytes, Got: 501, Max: 500}, *limit)
	require.NoError(t, l.Take(t.Context(), 500))

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	second := b.Picture()
	require.ErrorIs(t, second.Take(ctx, 1), context.DeadlineExceeded, "none is free")
	l.Give()
	require.NoError(t, second.Take(t.Context(), 500), "a lease that waited in vain holds nothing")
}

// Who waits for something else has little memory, and others go on. If there is no room to wait, it keeps what it has.
func TestAside(t *testing.T) {
	b := memory.New(800)
	first, second, rest := b.Picture(), b.Picture(), b.File()
	require.NoError(t, first.Take(t.Context(), 500))
	require.NoError(t, first.Aside(t.Context(), rest, 100, func() {
		require.NoError(t, second.Take(t.Context(), 500))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, second.Aside(ctx, b.File(), 1, func() {
			assert.ErrorIs(t, b.Picture().Take(ctx, 1), context.DeadlineExceeded)
		}), context.DeadlineExceeded)
		second.Give()
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, second.Take(ctx, 1), context.DeadlineExceeded, "the first has its memory again")
	require.NoError(t, rest.Take(t.Context(), 100), "and nothing else")

	waits := 0
	second.Around = func(wait func() error) error { // called if there is no room alone
		waits++
		first.Give()
		return wait()
	}
	require.NoError(t, second.Take(t.Context(), 500))
	require.NoError(t, second.Take(t.Context(), 400))
	require.Equal(t, 1, waits)
}

// A picture that needs more than processors use at a time is alone.
func TestAlone(t *testing.T) {
	b := memory.New(1 << 50)
	l := b.Picture()
	require.NoError(t, l.Take(t.Context(), 1<<45))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.True(t, errors.Is(b.Picture().Take(ctx, 1), context.DeadlineExceeded))
}

// The machine says how much there is.
func TestLimit(t *testing.T) {
	n := memory.Limit()
	require.Greater(t, n, int64(64<<20))
	require.Less(t, n, int64(1<<45))
}
