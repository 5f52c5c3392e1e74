package phash

import (
	"math/bits"
	"slices"
)

// scratch is the memory that one search writes to while it runs: the lists of the tables
// near the query, numbers of entries, and numbers of groups that a kernel found.
type scratch struct {
	runs   []run
	ids    []uint32
	groups [scanBlock / scanGroup]uint32
}

// search appends to hits the entries within radius bits of q, each once, in no order, and returns
// hits. It uses the tables or a scan, whichever is faster. A negative radius finds nothing. w is
// scratch space.
func (s *segment) search(q *[4]uint64, radius int, hits []Hit, w *scratch) []Hit {
	if radius < 0 {
		return hits
	}
	t := thresholds(cutsOf(s.tables), radius)
	if s.scans(t, radius) {
		return s.scan(q, radius, hits, w)
	}
	ends, ok := s.probe(q, t, w)
	if !ok {
		return s.scan(q, radius, hits, w)
	}
	from := 0
	for k := range s.tables {
		n := s.ids.gather(s.tables[k].lists, w.runs[from:ends[k]], w.ids)
		hits = s.verify(q, radius, w.ids, n, t[:k+1], w, hits)
		from = ends[k]
	}
	return hits
}

// scans reports whether a scan of all hashes is expected to be faster than the tables, with
// threshold t[k] for band k. It is true without tables.
func (s *segment) scans(t []int, radius int) bool {
	if len(s.tables) == 0 || radius >= s.kind.Len() {
		return true
	}
	cost, ok := expectedCost(cutsOf(s.tables), t, s.n)
	return !ok || cost > costScanned*float64(s.n)
}

// cutsOf returns the bands of the tables.
func cutsOf(tables []table) []cut {
	cuts := make([]cut, len(tables))
	for i := range tables {
		cuts[i] = tables[i].cut
	}
	return cuts
}

// slack is room for what kernels write or read beyond the end.
const slack = 8

// probe looks up the lists near q in every band, up to t[k] bits from q in band k. The lists of
// band k end in w.runs at ends[k]; w.ids gets room for the longest band. ok is false if a scan of
// all hashes costs less than to follow the lists: in clusters of hashes the lists are long and hold
// the same entries in every band.
func (s *segment) probe(q *[4]uint64, t []int, w *scratch) (ends []int, ok bool) {
	maxSum, longest, filled, sum := int(float64(s.n)*costScanned/costCandidate), 0, 0, 0
	ends = make([]int, len(s.tables))
	for k := range s.tables {
		tab := &s.tables[k]
		count := ball(tab.width, t[k])
		room := filled + count + slack
		w.runs = slices.Grow(w.runs[:filled], count+slack)[:room]
		n := 0
		filled, n = tab.probe(tab.value(q), tab.masks[:count], w.runs, filled)
		ends[k] = filled
		longest = max(longest, n)
		if sum += n; sum > maxSum {
			return nil, false
		}
	}
	w.ids = slices.Grow(w.ids[:0], longest+slack)[:longest+slack]
	return ends, true
}

// verify appends to hits the candidates ids[:n] that lie within radius bits of q, unless an
// earlier band has found them. t has the thresholds of the bands up to this band. Behind the n
// numbers ids has slack.
func (s *segment) verify(q *[4]uint64, radius int, ids []uint32, n int, t []int, w *scratch, hits []Hit) []Hit {
	last := uint32(s.n) // entry that was found last
	if !avx512 || n == 0 {
		return s.verifySome(q, radius, ids[:n], t, &last, hits)
	}
	for i := n; i%scanGroup != 0; i++ {
		ids[i] = ids[n-1] // the same entry twice in a row is one hit
		n = i + 1
	}
	for from := 0; from < n; from += scanBlock {
		block := ids[from:min(from+scanBlock, n)]
		groups := len(block) / scanGroup
		_ = w.groups[groups-1]
		groups = nearIDsAVX512(&q[0], &s.hashes[0], &block[0], groups, radius, &w.groups[0])
		for _, g := range w.groups[:groups] {
			hits = s.verifySome(q, radius, block[scanGroup*g:][:scanGroup], t, &last, hits)
		}
	}
	return hits
}

// verifySome is verify for a few candidates. In a list the same number may follow itself, so *last
// is the number that was found last; it is updated.
func (s *segment) verifySome(q *[4]uint64, radius int, ids []uint32, t []int, last *uint32, hits []Hit) []Hit {
	for _, id := range ids {
		h := s.hashes[32*int(id):][:32]
		x := [4]uint64{le.Uint64(h) ^ q[0], le.Uint64(h[8:]) ^ q[1], le.Uint64(h[16:]) ^ q[2], le.Uint64(h[24:]) ^ q[3]}
		d := bits.OnesCount64(x[0]) + bits.OnesCount64(x[1]) + bits.OnesCount64(x[2]) + bits.OnesCount64(x[3])
		if d > radius || id == *last || int(id) == s.n || s.isDead(int(id)) {
			continue
		}
		*last = id
		if !s.foundBefore(&x, t) {
			hits = append(hits, Hit{s.ref(int(id)), d})
		}
	}
	return hits
}

// foundBefore reports whether a band before the last of t finds a hash that differs from the query
// by x. t has the thresholds of the first bands.
func (s *segment) foundBefore(x *[4]uint64, t []int) bool {
	for k := range len(t) - 1 {
		if bits.OnesCount32(s.tables[k].value(x)) <= t[k] {
			return true
		}
	}
	return false
}

// scan appends to hits the entries within radius bits of q, in the order of their refs, by
// comparing q with all. w is scratch space.
func (s *segment) scan(q *[4]uint64, radius int, hits []Hit, w *scratch) []Hit {
	return scanHashes(s.kind, s.hashes[:s.n*s.kind.hashSize()], q, radius, w, hits, func(hits []Hit, i, d int) []Hit {
		if s.isDead(i) {
			return hits
		}
		return append(hits, Hit{s.ref(i), d})
	})
}

// scanHashes calls found, in order, for each hash of kind k within radius bits of q: with the
// number i of the hash in hashes and its distance d. It passes hits through found and returns what
// found returned last. A negative radius finds nothing. w is scratch space.
func scanHashes(k Kind, hashes []byte, q *[4]uint64, radius int, w *scratch, hits []Hit, found func(hits []Hit, i, d int) []Hit) []Hit {
	if radius < 0 {
		return hits
	}
	if !k.wide() {
		return scan64(hashes, q[0], radius, hits, found)
	}
	done := 0
	if (avx512 || avx2) && radius < 256 {
		for n := len(hashes) / 32 &^ (scanGroup - 1); done < n; {
			block := min(scanBlock, n-done)
			groups := nearGroups(q, hashes[32*done:32*(done+block)], radius, w.groups[:])
			for _, g := range w.groups[:groups] {
				from := done + scanGroup*int(g)
				hits = scan256(hashes, from, from+scanGroup, q, radius, hits, found)
			}
			done += block
		}
	}
	return scan256(hashes, done, len(hashes)/32, q, radius, hits, found)
}

// nearGroups writes to out the numbers of the groups of scanGroup hashes that have a hash
// within radius bits of q, and returns how many. There is at least one group, and radius
// is 0 to 255. The processor has avx512 or avx2.
func nearGroups(q *[4]uint64, hashes []byte, radius int, out []uint32) int {
	groups := len(hashes) / (32 * scanGroup)
	_ = out[groups-1]
	if avx512 {
		return nearAVX512(&q[0], &hashes[0], groups, radius, &out[0])
	}
	return nearAVX2(&q[0], &hashes[0], groups, radius, &out[0])
}

// scan256 calls found for each hash within radius bits of q, of those numbered from to to-1. It
// returns hits as found left it. At a radius up to halfRadius it passes over a hash whose first
// half is too far.
func scan256(hashes []byte, from, to int, q *[4]uint64, radius int, hits []Hit, found func(hits []Hit, i, d int) []Hit) []Hit {
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
		if d <= radius {
			hits = found(hits, i, d)
		}
	}
	return hits
}

// scan64 calls found for each 64-bit hash within radius bits of q. It returns hits as found
// left it.
func scan64(hashes []byte, q uint64, radius int, hits []Hit, found func(hits []Hit, i, d int) []Hit) []Hit {
	for i := range len(hashes) / 8 {
		if d := bits.OnesCount64(le.Uint64(hashes[8*i:]) ^ q); d <= radius {
			hits = found(hits, i, d)
		}
	}
	return hits
}

// Nearest returns the k entries nearest to q, or all if there are fewer, in the order of
// [Index.Search] and with its errors. It returns none if k is 0 or less.
func (x *Index) Nearest(q Hash, k int) ([]Hit, error) {
	if err := x.check(q); err != nil || k <= 0 {
		return nil, err
	}
	x.mu.RLock()
	hits := x.nearest(&q.Bits, k)
	x.mu.RUnlock()
	sortHits(hits)
	return hits[:min(k, len(hits))], nil
}

// nearest returns the k nearest entries, and maybe others, in no order: within a growing radius
// while the tables serve, then by a scan. The caller holds mu for reading.
func (x *Index) nearest(q *[4]uint64, k int) []Hit {
	for radius := MatchRadius / 2; radius < x.kind.Len(); radius += (MatchRadius + 1) / 2 {
		if !x.indexed(radius) {
			break
		}
		if hits := x.within(q, radius); len(hits) >= k {
			return hits
		}
	}
	w := x.scratch()
	defer x.scratches.Put(w)
	best := nearestHits{k: k, radius: x.kind.Len()}
	for _, s := range x.segments {
		best.scan(s.kind, s.hashes[:s.n*s.kind.hashSize()], q, w, func(i int) (int64, bool) { return s.ref(i), !s.isDead(i) })
	}
	for first, hashes := range x.tail.chunks() {
		best.scan(x.kind, hashes, q, w, func(i int) (int64, bool) { return x.tail.refs[first+i], true })
	}
	return best.hits
}

// indexed says whether most entries are found by tables within the radius.
func (x *Index) indexed(radius int) bool {
	if len(x.segments) == 0 {
		return false
	}
	s := x.segments[0]
	return !s.scans(thresholds(cutsOf(s.tables), radius), radius)
}

// nearestHits holds the k nearest entries of what a scan has seen, and some more.
type nearestHits struct {
	k      int
	radius int // beyond it lies none of the k
	hits   []Hit
}

// scan adds the hashes, of one kind, that may be among the k nearest to q. entry returns the ref of
// hash i, and false if the entry was removed. w is scratch space.
func (b *nearestHits) scan(kind Kind, hashes []byte, q *[4]uint64, w *scratch, entry func(i int) (ref int64, ok bool)) {
	block := scanBlock * kind.hashSize()
	for from := 0; from < len(hashes); from += block {
		part := hashes[from:min(from+block, len(hashes))]
		first := from / kind.hashSize()
		b.hits = scanHashes(kind, part, q, b.radius, w, b.hits, func(hits []Hit, i, d int) []Hit {
			if ref, ok := entry(first + i); ok {
				hits = append(hits, Hit{ref, d})
			}
			return hits
		})
		if (len(b.hits)-scanBlock)/2 > b.k { // twice k may be no number
			b.prune()
		}
	}
}

// prune keeps the k nearest.
func (b *nearestHits) prune() {
	sortHits(b.hits)
	b.hits = b.hits[:b.k]
	b.radius = b.hits[b.k-1].Distance
}
