package parts

import "math/bits"

// A bucketSet lists the buckets that may hold a feature's match, by the signs in
// which they differ from its own, the likeliest first (Lv et al., "Multi-probe LSH",
// 2007).
type bucketSet struct {
	n    int
	flip [maxProbes]uint32
}

// A partial is a set of flipped signs, by their place in the order of sureness.
type partial struct {
	cost float32
	set  uint16
}

// probe fills s with at most limit buckets for an address of n signs.
func (s *bucketSet) probe(margin *[maxAddress]uint8, n, limit int) {
	var order [maxAddress]uint8
	var cost [maxAddress]float32
	for i := range n {
		c := float32(margin[i]) / marginParts
		c = float32(c * c)
		k := i
		for ; k > 0 && cost[k-1] > c; k-- {
			cost[k], order[k] = cost[k-1], order[k-1]
		}
		cost[k], order[k] = c, uint8(i)
	}
	m := min(n, flippable)
	var heap [2 * maxProbes]partial
	heap[0] = partial{cost[0], 1}
	size := 1
	s.flip[0], s.n = 0, 1
	for s.n < limit && size > 0 && heap[0].cost <= maxCost {
		p := heap[0]
		var flip uint32
		for set := p.set; set != 0; set &= set - 1 {
			flip |= 1 << order[bits.TrailingZeros16(set)]
		}
		s.flip[s.n] = flip
		s.n++
		last := bits.Len16(p.set) - 1
		if last+1 >= m {
			size--
			heap[0] = heap[size]
			sink(heap[:size])
			continue
		}
		// The last sign is exchanged for the next, and the next is added.
		heap[0] = partial{p.cost - cost[last] + cost[last+1], p.set&^(1<<last) | 1<<(last+1)}
		sink(heap[:size])
		heap[size] = partial{p.cost + cost[last+1], p.set | 1<<(last+1)}
		size++
		rise(heap[:size])
	}
}

// sink moves the first element of a heap, ordered by cost, down to where it belongs.
func sink(h []partial) {
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(h) {
			return
		}
		if c+1 < len(h) && h[c+1].cost < h[c].cost {
			c++
		}
		if h[i].cost <= h[c].cost {
			return
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
}

// rise moves the last element of a heap, ordered by cost, up to where it belongs.
func rise(h []partial) {
	for i := len(h) - 1; i > 0; {
		p := (i - 1) / 2
		if h[p].cost <= h[i].cost {
			return
		}
		h[i], h[p] = h[p], h[i]
		i = p
	}
}

// A hit is a feature of an upload that may be one of the leak.
type hit struct {
	upload   uint32 // of the state, counted through its segments
	asked    uint16
	feature  uint8
	distance uint8
}

// ask appends the features of s that lie near a.
func (s *segment) ask(out []hit, a *asked, number int, base uint32, set *bucketSet) []hit {
	own, signs, scanned := s.bucket(&a.descriptor), signsOf(&a.descriptor), 0
	for _, flip := range set.flip[:set.n] {
		b := own ^ flip
		posts := s.posts[s.offsets[b]:s.offsets[b+1]]
		if scanned += len(posts); scanned > maxScan && flip != 0 {
			break
		}
		for _, p := range posts {
			if bits.OnesCount32(p.signs^signs) > signsApart || p.feature == erased {
				continue
			}
			u := p.feature >> 8
			d := s.uploads[u].descriptor(int(p.feature & 255))
			if n := d.distance(&a.descriptor); n <= maxApart {
				out = append(out, hit{base + u, uint16(number), uint8(p.feature), uint8(n)})
			}
		}
	}
	return out
}
