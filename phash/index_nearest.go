package phash

// Nearest returns the k entries nearest to q, or all if there are fewer, in the
// order of [Index.Search] and with its errors.
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

// nearest collects the k nearest entries, and maybe others, in no order: within a
// growing radius while the tables serve, then by a scan. The caller holds mu.
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
	best.scan(x.kind, x.tail.hashes, q, w, func(i int) (int64, bool) { return x.tail.refs[i], true })
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
