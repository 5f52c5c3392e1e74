package main

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/kycmark/kycmark/phash"
)

// How made-up hashes lie.
const (
	clusters      = 100 // centres of clusters; every fifth hash lies near one
	clusterRadius = 40  // bits from the centre, at most
	templateFlips = 64  // bits in which a document differs from its template, at most
	plantedFlips  = 16  // bits in which a planted query differs from its hash, at most
)

// A corpus is a set of n made-up hashes. Each follows from the seed and its number.
type corpus struct {
	name string // one of corpusNames
	seed uint64
	n    int
}

var corpusNames = []string{"random", "clusters", "one template"}

// hash returns hash i.
func (c corpus) hash(i int) phash.Hash {
	switch {
	case c.name == "one template":
		return c.flip(c.draw(-1), i, templateFlips)
	case c.name == "clusters" && i%5 == 0:
		w := c.word(uint64(i), 7)
		return c.flip(c.draw(-1-int(w%clusters)), i, int(w>>32%(clusterRadius+1)))
	}
	return c.draw(i)
}

// all returns the hashes with their numbers.
func (c corpus) all() iter.Seq2[int64, phash.Hash] {
	return func(yield func(int64, phash.Hash) bool) {
		for i := range c.n {
			if !yield(int64(i), c.hash(i)) {
				return
			}
		}
	}
}

// queries returns n hashes. Every second hash is planted near a hash of the corpus; in the corpus "clusters", near a hash
// of a cluster. The others are unrelated to the corpus.
func (c corpus) queries(n int) []phash.Hash {
	out := c.unrelated(n)
	for i := 0; i < n; i += 2 {
		near := int(c.word(uint64(i), 1) % uint64(c.n))
		if c.name == "clusters" {
			near = near / 5 * 5
		}
		out[i] = c.flip(c.hash(near), c.n+i, int(c.word(uint64(i), 2)%(plantedFlips+1)))
	}
	return out
}

// unrelated returns n hashes that are not in the corpus.
func (c corpus) unrelated(n int) []phash.Hash {
	out := make([]phash.Hash, n)
	for i := range out {
		out[i] = c.draw(1<<30 + i)
	}
	return out
}

// word returns the random number k of hash i, by SplitMix64 (Steele, Lea and Flood, "Fast
// splittable pseudorandom number generators", 2014).
func (c corpus) word(i, k uint64) uint64 {
	z := c.seed + (i*16+k+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// draw returns random hash i, which may be negative.
func (c corpus) draw(i int) phash.Hash {
	h := phash.Hash{Kind: phash.PDQ}
	for k := range h.Bits {
		h.Bits[k] = c.word(uint64(i), uint64(k))
	}
	return h
}

// flip returns h with at most n bits flipped, which i and the corpus's seed choose.
func (c corpus) flip(h phash.Hash, i, n int) phash.Hash {
	other := corpus{seed: c.seed ^ 0x5851f42d4c957f2d ^ uint64(i)<<20}
	for k := range n {
		b := other.word(uint64(k), 3) % 256
		h.Bits[b/64] ^= 1 << (b % 64)
	}
	return h
}

// parseSizes reads numbers from 100 to 1000M, written as 500k or 1M.
func parseSizes(text []string) (sizes []int, err error) {
	for _, t := range text {
		unit, digits := 1, t
		if d, ok := strings.CutSuffix(t, "M"); ok {
			unit, digits = 1_000_000, d
		} else if d, ok := strings.CutSuffix(t, "k"); ok {
			unit, digits = 1000, d
		}
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || n > 1_000_000_000/unit || n*unit < 100 {
			return nil, fmt.Errorf("size: got %q, want a number from 100 to 1000M", t)
		}
		sizes = append(sizes, n*unit)
	}
	return sizes, nil
}

// sizeName writes a number of hashes.
func sizeName(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%g M", float64(n)/1e6)
	}
	return fmt.Sprintf("%g k", float64(n)/1e3)
}
