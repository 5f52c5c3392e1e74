package main

import (
	"cmp"
	"context"
	"math"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
)

// after returns cases that begin when prepare is done. The first case to run calls prepare. If
// prepare fails, every case fails with its error.
func after(prepare func(context.Context), cases []ruler.Case) []ruler.Case {
	var once sync.Once
	var failed error
	return ruler.Cases(len(cases), func(ctx context.Context, i int, emit func(ruler.Trial)) {
		once.Do(func() { failed = ruler.Catch(func() { prepare(ctx) }) })
		ruler.Check(failed)
		cases[i](ctx, emit)
	})
}

// parallel calls f for 0 to n-1, as many at a time as env has workers. An error by which a call fails
// ends the case, and no call is begun after the error.
func parallel(ctx context.Context, env *ruler.Env, n int, f func(ctx context.Context, i int)) {
	group, some := errgroup.WithContext(ctx)
	group.SetLimit(max(1, env.Workers))
	for i := range n {
		if some.Err() == nil {
			group.Go(func() error { return ruler.Catch(func() { f(some, i) }) })
		}
	}
	ruler.Check(cmp.Or(group.Wait(), context.Cause(ctx)))
}

// inTurn returns the attacks of the names, in the order of the names.
func inTurn(names []string) (attacks []attack.Attack, err error) {
	for _, name := range names {
		a, err := hard.Find(name)
		if err != nil {
			return nil, err
		}
		attacks = append(attacks, a)
	}
	return attacks, nil
}

// shortest returns the processor time of the shortest of so many runs of f, in ms. f must run on the goroutine that calls it.
func shortest(runs int, f func()) float64 {
	runtime.LockOSThread() // processor time is a thread's
	defer runtime.UnlockOSThread()
	best := math.Inf(1)
	for range runs {
		start := threadTime()
		f()
		best = min(best, (threadTime()-start).Seconds()*1000)
	}
	return best
}
