package index

import (
	"math/bits"
	"slices"

	"github.com/kycmark/kycmark/internal/hamming"
	"github.com/kycmark/kycmark/phash"
)

// scratch is the memory that one search writes to while it runs: the lists of the tables
// near the query, numbers of entries, and numbers of groups that a kernel found.
type scratch struct {
	runs   []run
	ids    []uint32
	groups [idBlock / idGroup]uint32
}

// search appends to hits the entries within radius bits of q, each once, in no order, and returns hits. It uses the
// tables or a scan, whichever is faster. A negative radius finds nothing. w is scratch space.
func (s *segment) search(q *[4]uint64, radius int, hits []phash.Hit, w *scratch) []phash.Hit {
	if radius < 0 {
		return hits
	}
	t := thresholds(cutsOf(s.tables), radius)
	if s.scans(t, radius) {
		return s.scan(q, radius, hits)
	}
	ends, ok := s.probe(q, t, w)
	if !ok {
		return s.scan(q, radius, hits)
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

func cutsOf(tables []table) []cut {
	cuts := make([]cut, len(tables))
	for i := range tables {
		cuts[i] = tables[i].cut
	}
	return cuts
}

// slack is room for what kernels write or read beyond the end.
const slack = 8

// probe looks up the lists near q in every band, up to t[k] bits from q in band k. The lists of band k end in w.runs at
// ends[k]; w.ids gets room for the longest band. ok is false if a scan of all hashes costs less than to follow the
// lists: in clusters of hashes the lists are long and hold the same entries in every band.
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

// verify appends to hits the candidates ids[:n] that lie within radius bits of q, unless an earlier band has found
// them. t has the thresholds of the bands up to this band. Behind the n numbers ids has slack.
func (s *segment) verify(q *[4]uint64, radius int, ids []uint32, n int, t []int, w *scratch, hits []phash.Hit) []phash.Hit {
	last := uint32(s.n) // entry that was found last
	if !hamming.AVX512 || n == 0 {
		return s.verifySome(q, radius, ids[:n], t, &last, hits)
	}
	for i := n; i%idGroup != 0; i++ {
		ids[i] = ids[n-1] // the same entry twice in a row is one hit
		n = i + 1
	}
	for from := 0; from < n; from += idBlock {
		block := ids[from:min(from+idBlock, n)]
		groups := len(block) / idGroup
		_ = w.groups[groups-1]
		groups = nearIDsAVX512(&q[0], &s.hashes[0], &block[0], groups, radius, &w.groups[0])
		for _, g := range w.groups[:groups] {
			hits = s.verifySome(q, radius, block[idGroup*g:][:idGroup], t, &last, hits)
		}
	}
	return hits
}

// verifySome is verify for a few candidates. In a list the same number may follow itself, so *last
// is the number that was found last; it is updated.
func (s *segment) verifySome(q *[4]uint64, radius int, ids []uint32, t []int, last *uint32, hits []phash.Hit) []phash.Hit {
	for _, id := range ids {
		h := s.hashes[32*int(id):][:32]
		x := [4]uint64{le.Uint64(h) ^ q[0], le.Uint64(h[8:]) ^ q[1], le.Uint64(h[16:]) ^ q[2], le.Uint64(h[24:]) ^ q[3]}
		d := bits.OnesCount64(x[0]) + bits.OnesCount64(x[1]) + bits.OnesCount64(x[2]) + bits.OnesCount64(x[3])
		if d > radius || id == *last || int(id) == s.n || s.isDead(int(id)) {
			continue
		}
		*last = id
		if !s.foundBefore(&x, t) {
			hits = append(hits, phash.Hit{Ref: s.ref(int(id)), Distance: d})
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

// scan appends to hits the entries within radius bits of q, in the order of their refs, by comparing q with all.
func (s *segment) scan(q *[4]uint64, radius int, hits []phash.Hit) []phash.Hit {
	for i, d := range hamming.Near(s.held(), hashSize(s.kind), q, radius) {
		if !s.isDead(i) {
			hits = append(hits, phash.Hit{Ref: s.ref(i), Distance: d})
		}
	}
	return hits
}

func (s *segment) held() []byte { return s.hashes[:s.n*hashSize(s.kind)] }

// Nearest returns the k entries nearest to q, or all if there are fewer, in the order of
// [Index.Search] and with its errors. It returns none if k is 0 or less.
func (x *Index) Nearest(q phash.Hash, k int) ([]phash.Hit, error) {
	if err := x.check(q); err != nil || k <= 0 {
		return nil, err
	}
	x.mu.RLock()
	hits := x.nearest(&q.Bits, k)
	x.mu.RUnlock()
	hamming.Sort(hits)
	return hits[:min(k, len(hits))], nil
}

// nearest returns the k nearest entries, and maybe others, in no order: within a growing radius
// while the tables serve, then by a scan. The caller holds mu for reading.
func (x *Index) nearest(q *[4]uint64, k int) []phash.Hit {
	for radius := phash.MatchRadius / 2; radius < x.kind.Len(); radius += (phash.MatchRadius + 1) / 2 {
		if !x.indexed(radius) {
			break
		}
		if hits := x.within(q, radius); len(hits) >= k {
			return hits
		}
	}
	best := hamming.FindNearest(k)
	for _, s := range x.segments {
		best.See(s.held(), hashSize(x.kind), q, func(i int) (int64, bool) { return s.ref(i), !s.isDead(i) })
	}
	for first, hashes := range x.tail.chunks() {
		best.See(hashes, hashSize(x.kind), q, func(i int) (int64, bool) { return x.tail.refs[first+i], true })
	}
	return best.Hits()
}

// indexed says whether most entries are found by tables within the radius.
func (x *Index) indexed(radius int) bool {
	if len(x.segments) == 0 {
		return false
	}
	s := x.segments[0]
	return !s.scans(thresholds(cutsOf(s.tables), radius), radius)
}
