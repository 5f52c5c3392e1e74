package experiments

import (
	"fmt"
	"iter"
	"slices"

	"github.com/kycmark/kycmark/phash"
)

// matchHashes are hashes made from a seed, each from its number alone.
type matchHashes struct {
	seed uint64
	n    int
	hash func(m *matchHashes, i int) phash.Hash
	near func(m *matchHashes, i int) phash.Hash // what planted query i is made from
}

// A matchSort is one way in which hashes may lie.
type matchSort struct {
	name string
	make func(seed uint64, n int) matchHashes
}

// chosenCorpora are those of the names, all without names.
func chosenCorpora(names []string) (chosen []matchSort, err error) {
	if len(names) == 0 {
		return matchCorpora, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(matchCorpora, func(c matchSort) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: %q", ErrCorpus, name)
		}
		chosen = append(chosen, matchCorpora[i])
	}
	return chosen, nil
}

var matchCorpora = []matchSort{
	{"random", func(seed uint64, n int) matchHashes {
		random := func(m *matchHashes, i int) phash.Hash { return m.draw(i) }
		return matchHashes{seed, n, random, func(m *matchHashes, i int) phash.Hash {
			return m.hash(m, int(m.word(uint64(i), 1)%uint64(m.n)))
		}}
	}},
	{"clusters", func(seed uint64, n int) matchHashes {
		return matchHashes{seed, n, clusteredHash, func(m *matchHashes, i int) phash.Hash {
			return m.hash(m, int(m.word(uint64(i), 1)%uint64(m.n))/5*5)
		}}
	}},
	{"one template", func(seed uint64, n int) matchHashes {
		template := func(m *matchHashes, i int) phash.Hash { return m.flip(m.draw(-1), i, templateFlips) }
		return matchHashes{seed, n, template, func(m *matchHashes, i int) phash.Hash {
			return m.hash(m, int(m.word(uint64(i), 1)%uint64(m.n)))
		}}
	}},
}

const (
	clusters      = 100
	clusterRadius = 40 // bits
	templateFlips = 64 // bits in which a document differs from its template, most of them
	plantedFlips  = 16 // most bits in which a query differs from its hash
)

// clusteredHash is of a cluster for every fifth hash.
func clusteredHash(m *matchHashes, i int) phash.Hash {
	if i%5 != 0 {
		return m.draw(i)
	}
	w := m.word(uint64(i), 7)
	return m.flip(m.draw(-1-int(w%clusters)), i, int(w>>32%(clusterRadius+1)))
}

// word is one of the numbers that belong to i.
func (m *matchHashes) word(i, k uint64) uint64 {
	// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
	// generators", 2014).
	z := m.seed + (i*16+k+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// draw is random hash i, which may be negative.
func (m *matchHashes) draw(i int) phash.Hash {
	h := phash.Hash{Kind: phash.PDQ}
	for k := range h.Bits {
		h.Bits[k] = m.word(uint64(i), uint64(k))
	}
	return h
}

// flip changes at most n bits of h, for hash i.
func (m *matchHashes) flip(h phash.Hash, i, n int) phash.Hash {
	other := matchHashes{seed: m.seed ^ 0x5851f42d4c957f2d ^ uint64(i)<<20}
	for k := range n {
		b := other.word(uint64(k), 3) % 256
		h.Bits[b/64] ^= 1 << (b % 64)
	}
	return h
}

func (m *matchHashes) all() iter.Seq2[int64, phash.Hash] {
	return func(yield func(int64, phash.Hash) bool) {
		for i := range m.n {
			if !yield(int64(i), m.hash(m, i)) {
				return
			}
		}
	}
}

// queries are planted near a hash, every second one; the others are unrelated in
// the random corpus, and all lie near one in the others, where that is what costs.
func (m *matchHashes) queries(n int) []phash.Hash {
	unrelated := m.unrelated(n)
	for i := range unrelated {
		if i%2 == 0 {
			unrelated[i] = m.flip(m.near(m, i), m.n+i, int(m.word(uint64(i), 2)%(plantedFlips+1)))
		}
	}
	return unrelated
}

// unrelated are hashes that are not in the corpus.
func (m *matchHashes) unrelated(n int) []phash.Hash {
	out := make([]phash.Hash, n)
	for i := range out {
		out[i] = m.draw(1<<30 + i)
	}
	return out
}

// variant stands for the hash of one of a picture's eight orientations: unrelated
// to the others.
func (m *matchHashes) variant(h phash.Hash, turn int) phash.Hash {
	if turn == 0 {
		return h
	}
	other := matchHashes{seed: h.Bits[0]}
	return other.draw(turn)
}
