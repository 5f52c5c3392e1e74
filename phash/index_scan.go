package phash

import "math/bits"

const (
	scanGroup = 8    // hashes that a kernel compares at once
	scanBlock = 8192 // hashes between two looks at the result
)

// scan appends the entries within radius bits of q by comparing q with all.
func (s *segment) scan(q *[4]uint64, radius int, hits []Hit, w *scratch) []Hit {
	return scanHashes(s.kind, s.hashes[:s.n*s.kind.hashSize()], q, radius, w, hits, func(hits []Hit, i, d int) []Hit {
		if s.isDead(i) {
			return hits
		}
		return append(hits, Hit{s.ref(i), d})
	})
}

// scanHashes calls found for each hash within radius bits of q, in order.
func scanHashes(k Kind, hashes []byte, q *[4]uint64, radius int, w *scratch, hits []Hit, found func(hits []Hit, i, d int) []Hit) []Hit {
	if radius < 0 {
		return hits
	}
	if !k.wide() {
		return scan64(hashes, q[0], radius, hits, found)
	}
	done := 0
	if hasScanKernel() && radius < 256 {
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

// halfRadius is the greatest radius at which the first half of an unrelated hash is
// further away nearly always.
const halfRadius = 45

// scan256 compares the hashes numbered from from to to. Where it can be foreseen,
// the first half of the bits decides.
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

func scan64(hashes []byte, q uint64, radius int, hits []Hit, found func(hits []Hit, i, d int) []Hit) []Hit {
	for i := range len(hashes) / 8 {
		if d := bits.OnesCount64(le.Uint64(hashes[8*i:]) ^ q); d <= radius {
			hits = found(hits, i, d)
		}
	}
	return hits
}
