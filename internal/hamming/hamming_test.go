package hamming_test

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/hamming"
	"github.com/kycmark/kycmark/internal/test/simd"
)

// distance is the number of bits in which two hashes differ.
func distance(a, b [4]uint64) (d int) {
	for i := range a {
		d += bits.OnesCount64(a[i] ^ b[i])
	}
	return d
}

// made returns n hashes of size bytes as memory and as words. Of every five, one lies within 70 bits of the first.
func made(r *rand.Rand, n, size int) (memory []byte, hashes [][4]uint64) {
	memory = make([]byte, n*size)
	for i := range n {
		var h [4]uint64
		for k := range size / 8 {
			h[k] = r.Uint64()
		}
		if i > 0 && i%5 == 0 {
			h = hashes[0]
			for range r.IntN(70) {
				h[r.IntN(size/8)] ^= 1 << r.IntN(64)
			}
		}
		hashes = append(hashes, h)
		hamming.Store(memory[i*size:][:size], &h)
	}
	return memory, hashes
}

// Every kernel finds what comparing the hashes one by one finds, in the same order.
func FuzzNear(f *testing.F) {
	for _, n := range []uint16{0, 1, 7, 8, 9, 17, 300, 8191, 8192, 8193, 16_399} {
		for _, radius := range []int16{-1, 0, 3, 31, 45, 46, 60, 255, 256} {
			f.Add(n, radius, uint64(n), n%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, n uint16, radius int16, seed uint64, wide bool) {
		size := 8
		if wide {
			size = 32
		}
		r := rand.New(rand.NewPCG(seed, 0))
		memory, hashes := made(r, int(n), size)
		var q [4]uint64
		if n > 0 {
			q = hashes[0]
		}
		q[0] ^= 1
		type found struct{ i, d int }
		var want []found
		for i, h := range hashes {
			require.Equal(t, h, hamming.Load(memory[i*size:][:size]))
			if d := distance(h, q); d <= int(radius) {
				want = append(want, found{i, d})
			}
		}
		simd.WithKernels(func(kernels string) {
			var got []found
			for i, d := range hamming.Near(memory, size, &q, int(radius)) {
				got = append(got, found{i, d})
			}
			require.Equal(t, want, got, kernels)
			for i, d := range hamming.Near(memory, size, &q, int(radius)) {
				require.Equal(t, want[0], found{i, d}, "a caller may stop")
				break
			}
		})
	})
}

// The nearest are the first of all hits, whatever the number that is asked for, and whichever hashes do not count.
func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{8, 32} {
		memory, hashes := made(r, 30_000, size)
		q := hashes[0]
		var all []hamming.Hit
		for i, h := range hashes {
			if i%3 != 0 {
				all = append(all, hamming.Hit{Ref: int64(-i), Distance: distance(h, q)})
			}
		}
		hamming.Sort(all)
		for _, k := range []int{1, 2, 24, 9_000, len(all), len(all) + 1, math.MaxInt} {
			best := hamming.FindNearest(k)
			for _, at := range [][2]int{{0, 100}, {100, len(hashes)}} {
				best.See(memory[size*at[0]:size*at[1]], size, &q, func(i int) (int64, bool) { return int64(-at[0] - i), (at[0]+i)%3 != 0 })
			}
			require.Equal(t, all[:min(k, len(all))], best.Hits(), k)
		}
	}
}
