package dsp

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// batched returns how many of n samples a kernel does: as many whole batches of size samples, a power of two, as there
// are, and 0 without kernels. The plain loop does the rest.
func batched(n, size int) int {
	if !avx2 {
		return 0
	}
	return n &^ (size - 1)
}

// Parallel splits [0, n) into one run a processor, calls f for each run at once, and returns when
// all are done. With one processor, or n below 2, it calls f(0, n) itself. What f computes must not
// depend on the split. The first panic in f goes on in the caller, when all are done.
func Parallel(n int, f func(from, to int)) {
	k := min(runtime.GOMAXPROCS(0), n)
	if k <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	var failed Panic
	for i := range k {
		wg.Go(func() { failed.Keep(func() { f(n*i/k, n*(i+1)/k) }) })
	}
	wg.Wait()
	failed.Raise()
}

// A Panic is the first panic of several goroutines, for the goroutine that waits for them.
type Panic struct{ first atomic.Pointer[any] }

// Keep calls f, and keeps what f panics with.
func (x *Panic) Keep(f func()) {
	defer func() {
		if p := recover(); p != nil {
			x.first.CompareAndSwap(nil, &p)
		}
	}()
	f()
}

// Raise panics with what was kept, if anything was.
func (x *Panic) Raise() {
	if p := x.first.Load(); p != nil {
		panic(*p)
	}
}

// minWork is the work, in samples read, from which on a filter uses more than one processor: about
// a tenth of a millisecond. Waking a processor takes a few microseconds. Chosen, not measured.
const minWork = 1 << 20

// Shared is [Parallel], except that work below minWork, in samples read, is done by the caller.
func Shared(n, work int, f func(from, to int)) {
	if work < minWork {
		f(0, n)
		return
	}
	Parallel(n, f)
}

// Together runs independent steps, as many at once as there are processors, and returns when all
// are done. With one processor they run in the order given.
func Together(steps ...func()) {
	Parallel(len(steps), func(from, to int) {
		for _, step := range steps[from:to] {
			step()
		}
	})
}
