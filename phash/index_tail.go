package phash

// tailLen is how many entries are scanned before they become a segment: 0.04 ms.
const tailLen = 1 << 15

// A tail holds the entries that were added last, in no order.
type tail struct {
	kind   Kind
	refs   []int64
	hashes []byte
	at     map[int64]int // position of a ref
}

func newTail(k Kind) tail { return tail{kind: k, at: map[int64]int{}} }

func (t *tail) len() int { return len(t.refs) }

// add appends an entry whose ref is not held.
func (t *tail) add(h *[4]uint64, ref int64) {
	size := t.kind.hashSize()
	if len(t.hashes)+size > cap(t.hashes) {
		old := t.hashes
		t.hashes = append(make([]byte, 0, max(64*size, 2*len(old))), old...)
		clear(old)
	}
	t.at[ref] = len(t.refs)
	t.refs = append(t.refs, ref)
	n := len(t.hashes)
	t.hashes = t.hashes[:n+size]
	storeHash(t.hashes[n:], h)
}

// remove moves the last entry to the place of ref's.
func (t *tail) remove(ref int64) bool {
	i, ok := t.at[ref]
	if !ok {
		return false
	}
	size, last := t.kind.hashSize(), len(t.refs)-1
	t.refs[i] = t.refs[last]
	copy(t.hashes[size*i:][:size], t.hashes[size*last:])
	t.at[t.refs[i]] = i
	clear(t.hashes[size*last:])
	t.refs, t.hashes = t.refs[:last], t.hashes[:size*last]
	delete(t.at, ref)
	return true
}

func (t *tail) search(q *[4]uint64, radius int, hits []Hit, w *scratch) []Hit {
	return scanHashes(t.kind, t.hashes, q, radius, w, hits, func(hits []Hit, i, d int) []Hit {
		return append(hits, Hit{t.refs[i], d})
	})
}

func (t *tail) hash(i int) []byte { return t.hashes[t.kind.hashSize()*i:][:t.kind.hashSize()] }

// erase overwrites the hashes and leaves the tail empty.
func (t *tail) erase() {
	clear(t.hashes[:cap(t.hashes)])
	*t = newTail(t.kind)
}
