package hamming

import (
	"cmp"
	"slices"
)

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
