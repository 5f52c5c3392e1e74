package phash

import (
	"cmp"
	"crypto/sha256"
	"slices"
)

// Digest is SHA-256 over what the index holds: the kind's chain as text, a zero byte, and
// then each entry in the order of the refs, the ref in 8 bytes and the hash in as many as it
// has, little-endian. It depends on nothing else, so that whoever builds the index anew
// can see that it is the same. Ten million entries take about two seconds, in which
// nothing can be added or removed.
func (x *Index) Digest() [sha256.Size]byte {
	x.mu.RLock()
	defer x.mu.RUnlock()
	sum := sha256.New()
	sum.Write(append([]byte(x.kind.Version()), 0))
	size := x.kind.hashSize()
	entry := make([]byte, refSize+size)
	write := func(ref int64, hash []byte) {
		le.PutUint64(entry, uint64(ref))
		copy(entry[refSize:], hash)
		sum.Write(entry)
	}
	order := make([]int, x.tail.len())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x.tail.refs[a], x.tail.refs[b]) })
	at := make([]int, len(x.segments)) // of each segment the next entry
	for {
		from, least := -1, int64(0)
		for k, s := range x.segments {
			for at[k] < s.n && s.isDead(at[k]) {
				at[k]++
			}
			if at[k] < s.n && (from < 0 || s.ref(at[k]) < least) {
				from, least = k, s.ref(at[k])
			}
		}
		if len(order) > 0 && (from < 0 || x.tail.refs[order[0]] < least) {
			i := order[0]
			order = order[1:]
			write(x.tail.refs[i], x.tail.hashes[i*size:][:size])
			continue
		}
		if from < 0 {
			return [sha256.Size]byte(sum.Sum(nil))
		}
		s := x.segments[from]
		write(least, s.hashes[at[from]*size:][:size])
		at[from]++
	}
}
