// Package hamming finds, among many hashes, all that differ from a given one in few bits, by comparing with each.
//
// A hash has one or four words of 64 bits. In memory hashes lie one after another, the words little-endian: 8 or 32
// bytes a hash. On amd64 assembly passes over hashes that are too far; internal/test/kernels writes it. With the build tag
// purego, and on other processors, hashes are compared one by one. This changes the time and no result.
package hamming

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"
)

var le = binary.LittleEndian

// Only time depends on these numbers, except group, the hashes that a kernel compares. Bench match search measured them.
const (
	group      = 8
	block      = 8192 // hashes between two looks at what a kernel found
	halfRadius = 45   // bits: up to this radius half of a hash shows that an unrelated hash is too far
)

// Load returns the words of b, at most four. The other words are 0.
func Load(b []byte) (h [4]uint64) {
	for i := range len(b) / 8 {
		h[i] = le.Uint64(b[8*i:])
	}
	return h
}

// Store writes as many words as b has room for.
func Store(b []byte, h *[4]uint64) {
	for i := range len(b) / 8 {
		le.PutUint64(b[8*i:], h[i])
	}
}

// Near yields, in order, each hash within radius bits of q: its number and its distance. A hash has size bytes, 8 or
// 32. A negative radius finds nothing.
func Near(hashes []byte, size int, q *[4]uint64, radius int) iter.Seq2[int, int] {
	return func(yield func(i, d int) bool) {
		switch {
		case radius < 0:
		case size == 8:
			near64(hashes, q[0], radius, yield)
		default:
			near256(hashes, q, radius, yield)
		}
	}
}

func near64(hashes []byte, q uint64, radius int, yield func(i, d int) bool) {
	for i := range len(hashes) / 8 {
		if d := bits.OnesCount64(le.Uint64(hashes[8*i:]) ^ q); d <= radius && !yield(i, d) {
			return
		}
	}
}

func near256(hashes []byte, q *[4]uint64, radius int, yield func(i, d int) bool) {
	done, all := 0, len(hashes)/32
	if (AVX512 || AVX2) && radius < 256 {
		var found [block / group]uint32
		for n := all &^ (group - 1); done < n; {
			next := min(done+block, n)
			groups := nearGroups(q, hashes[32*done:32*next], radius, found[:])
			for _, g := range found[:groups] {
				if from := done + group*int(g); !compare(hashes, from, from+group, q, radius, yield) {
					return
				}
			}
			done = next
		}
	}
	compare(hashes, done, all, q, radius, yield)
}

// nearGroups writes to out the numbers of the groups of hashes that have a hash within radius bits of q, and returns how
// many. There is at least one group, and radius is 0 to 255. The processor has AVX512 or AVX2.
func nearGroups(q *[4]uint64, hashes []byte, radius int, out []uint32) int {
	groups := len(hashes) / (32 * group)
	_ = out[groups-1]
	if AVX512 {
		return nearAVX512(&q[0], &hashes[0], groups, radius, &out[0])
	}
	return nearAVX2(&q[0], &hashes[0], groups, radius, &out[0])
}

// compare yields the hashes within radius bits of q of those numbered from to to-1. It reports whether to go on. At a
// radius up to halfRadius it passes over a hash whose first half is too far.
func compare(hashes []byte, from, to int, q *[4]uint64, radius int, yield func(i, d int) bool) bool {
	q0, q1, q2, q3 := q[0], q[1], q[2], q[3]
	hashes = hashes[:32*to]
	half := radius <= halfRadius
	for i := from; i < to; i++ {
		h := hashes[32*i:][:32]
		d := bits.OnesCount64(le.Uint64(h)^q0) + bits.OnesCount64(le.Uint64(h[8:])^q1)
		if half && d > radius {
			continue
		}
		d += bits.OnesCount64(le.Uint64(h[16:])^q2) + bits.OnesCount64(le.Uint64(h[24:])^q3)
		if d <= radius && !yield(i, d) {
			return false
		}
	}
	return true
}

// A Hit is an entry near a query.
type Hit struct {
	Ref      int64 // of the entry
	Distance int   // bits, 0 to 256
}

// Sort sorts hits in place by distance, then by ref. If hits are many they are dealt out by
// distance first, and then the hits of a scan are in order already.
func Sort(hits []Hit) {
	byRef := func(a, b Hit) int { return cmp.Compare(a.Ref, b.Ref) }
	if len(hits) < 64 {
		slices.SortFunc(hits, func(a, b Hit) int {
			return cmp.Or(cmp.Compare(a.Distance, b.Distance), byRef(a, b))
		})
		return
	}
	var at [258]int // where the hits of each distance begin
	for _, h := range hits {
		at[h.Distance+1]++
	}
	for d := range 257 {
		at[d+1] += at[d]
	}
	ends, dealt := at, make([]Hit, len(hits))
	for _, h := range hits {
		dealt[ends[h.Distance]] = h
		ends[h.Distance]++
	}
	copy(hits, dealt)
	for d := range 257 {
		if same := hits[at[d]:at[d+1]]; !slices.IsSortedFunc(same, byRef) {
			slices.SortFunc(same, byRef)
		}
	}
}

// SortOnce sorts the hits of that many queries as Sort does, and returns the first hit of each ref.
func SortOnce(hits []Hit, queries int) []Hit {
	Sort(hits)
	if queries < 2 {
		return hits
	}
	seen := make(map[int64]bool, len(hits))
	return slices.DeleteFunc(hits, func(h Hit) bool {
		again := seen[h.Ref]
		seen[h.Ref] = true
		return again
	})
}

// Nearest holds the nearest of the hashes that it has seen, and some more.
type Nearest struct {
	k      int
	radius int // beyond it lies none of the k nearest
	hits   []Hit
}

// FindNearest returns a Nearest for k hashes, at least one.
func FindNearest(k int) *Nearest { return &Nearest{k: k, radius: 256} }

// See adds hashes of size bytes, as Near takes them, that may be among the k nearest to q. entry returns the ref of
// hash i, and false if the hash does not count.
func (b *Nearest) See(hashes []byte, size int, q *[4]uint64, entry func(i int) (ref int64, ok bool)) {
	for first := 0; size*first < len(hashes); first += block {
		part := hashes[size*first : min(size*(first+block), len(hashes))]
		for i, d := range Near(part, size, q, b.radius) {
			if ref, ok := entry(first + i); ok {
				b.hits = append(b.hits, Hit{ref, d})
			}
		}
		if (len(b.hits)-block)/2 > b.k { // twice k may be no number
			Sort(b.hits)
			b.hits = b.hits[:b.k]
			b.radius = b.hits[b.k-1].Distance
		}
	}
}

// Hits returns the k nearest, or all if there are fewer, as Sort sorts them.
func (b *Nearest) Hits() []Hit {
	Sort(b.hits)
	return b.hits[:min(b.k, len(b.hits))]
}
