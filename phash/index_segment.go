package phash

import (
	"math/bits"
	"slices"
	"sort"
)

// A segment is a part of an index that does not grow: entries in the order of
// their refs, each ref once, and the tables to find the hashes by. Everything
// lies in bytes as it does in a file.
type segment struct {
	kind   Kind
	n      int    // entries; their numbers, positions here, are 0 to n-1
	refs   []byte // 8 a ref, ascending
	hashes []byte // hashSize an entry, and one of zeros that forgotten ones point to
	ids    idList
	tables []table  // none where a scan is faster
	memory Memory   // nil for Go's heap
	lent   [][]byte // what memory lent

	raw   bool     // no tables were built yet
	fixed bool     // the bytes are somebody else's and may not be written
	busy  bool     // a merge or a snapshot reads the bytes: they may not be written
	dead  []uint64 // one bit an entry, set for those removed; nil if there are none
	gone  int      // number of those
}

const refSize = 8

// hashSize is how many bytes a hash takes.
func (k Kind) hashSize() int { return k.Len() / 8 }

func (s *segment) live() int { return s.n - s.gone }

func (s *segment) ref(i int) int64 { return int64(le.Uint64(s.refs[refSize*i:])) }

// bits returns the words of entry i.
func (s *segment) bits(i int) (h [4]uint64) {
	return loadHash(s.hashes[i*s.kind.hashSize():], s.kind)
}

func loadHash(b []byte, k Kind) (h [4]uint64) {
	if !k.wide() {
		h[0] = le.Uint64(b)
		return h
	}
	b = b[:32]
	h[0], h[1], h[2], h[3] = le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), le.Uint64(b[24:])
	return h
}

// storeHash writes as many words as b has room for.
func storeHash(b []byte, h *[4]uint64) {
	for i := range len(b) / 8 {
		le.PutUint64(b[8*i:], h[i])
	}
}

func (s *segment) isDead(i int) bool { return isSet(s.dead, i) }

// size is how many bytes the segment takes.
func (s *segment) size() int64 {
	n := int64(len(s.refs) + len(s.hashes) + 8*len(s.dead))
	for _, t := range s.tables {
		n += int64(len(t.blocks) + len(t.wide) + len(t.lists))
	}
	return n
}

// find returns the number of ref's entry, removed ones aside.
func (s *segment) find(ref int64) (int, bool) {
	if s.n == 0 || ref < s.ref(0) || ref > s.ref(s.n-1) {
		return 0, false
	}
	i := sort.Search(s.n, func(i int) bool { return s.ref(i) >= ref })
	return i, i < s.n && s.ref(i) == ref && !s.isDead(i)
}

// remove marks entry i as removed and erases what tells its hash, unless somebody
// reads the bytes: the segment is replaced then, or wiped later.
func (s *segment) remove(i int) {
	if s.dead == nil {
		s.dead = make([]uint64, s.n/64+1)
	}
	s.dead[i>>6] |= 1 << (i & 63)
	s.gone++
	if !s.busy {
		s.wipe(i)
	}
}

// wipe erases what tells the hash of the removed entry i, where it may.
func (s *segment) wipe(i int) {
	if s.fixed {
		return
	}
	h := s.bits(i)
	for k := range s.tables {
		t := &s.tables[k]
		t.forget(s.ids, t.value(&h), uint32(i), uint32(s.n))
	}
	clear(s.hashes[i*s.kind.hashSize():][:s.kind.hashSize()])
}

// erase overwrites all that the segment holds and gives the memory back. Nobody
// may use it any longer.
func (s *segment) erase() {
	if s.fixed {
		return
	}
	clear(s.refs)
	clear(s.hashes)
	for _, t := range s.tables {
		clear(t.blocks)
		clear(t.wide)
		clear(t.lists)
	}
	s.refs, s.hashes, s.tables, s.n = nil, nil, nil, 0
	for _, b := range s.lent {
		s.memory.Free(b)
	}
	s.lent = nil
}

// scratch is what a search writes to while it runs. It holds numbers of entries
// and parts of the query.
type scratch struct {
	runs   []run
	ids    []uint32
	groups [scanBlock / scanGroup]uint32
}

// search appends the entries within radius bits of q, each once, in no order.
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

// scans says whether a scan is expected to be faster than the tables.
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

// probe looks up the lists near q. It returns where each band's end in w.runs, and
// false if to follow them would cost more than a scan: that happens within
// clusters of hashes, whose lists are long and hold the same entries in every band.
func (s *segment) probe(q *[4]uint64, t []int, w *scratch) (ends []int, ok bool) {
	most, longest, filled, sum := int(float64(s.n)*costScanned/costCandidate), 0, 0, 0
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
		if sum += n; sum > most {
			return nil, false
		}
	}
	w.ids = slices.Grow(w.ids[:0], longest+slack)[:longest+slack]
	return ends, true
}

// verify appends those of the n candidates of the last band of t that are within
// radius and that no band before has found. In ids there is slack.
func (s *segment) verify(q *[4]uint64, radius int, ids []uint32, n int, t []int, w *scratch, hits []Hit) []Hit {
	last := uint32(s.n) // entry that was found last
	if !hasLookupKernels() || n == 0 {
		return s.verifySome(q, radius, ids[:n], t, &last, hits)
	}
	for i := n; i%scanGroup != 0; i++ {
		ids[i] = ids[n-1] // the same entry twice in a row is one hit
		n = i + 1
	}
	for from := 0; from < n; from += scanBlock {
		block := ids[from:min(from+scanBlock, n)]
		groups := nearIDs(q, s.hashes, block, radius, w.groups[:])
		for _, g := range w.groups[:groups] {
			hits = s.verifySome(q, radius, block[scanGroup*g:][:scanGroup], t, &last, hits)
		}
	}
	return hits
}

// verifySome is verify for some candidates. In a list the same number may follow
// itself: last is the one that was found last.
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

// foundBefore says whether a band before the last of t has a hash that differs from
// the query by x.
func (s *segment) foundBefore(x *[4]uint64, t []int) bool {
	for k := range len(t) - 1 {
		if bits.OnesCount32(s.tables[k].value(x)) <= t[k] {
			return true
		}
	}
	return false
}
