package dsp

import (
	"runtime"
	"sync"
)

// Parallel splits [0, n) into one run a processor, calls f for each at once, and
// returns when all are done. What f computes must not depend on the split.
func Parallel(n int, f func(from, to int)) {
	k := min(runtime.GOMAXPROCS(0), n)
	if k <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	for i := range k {
		wg.Go(func() { f(n*i/k, n*(i+1)/k) })
	}
	wg.Wait()
}
