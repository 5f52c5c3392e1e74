package phash

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"

	"github.com/kycmark/kycmark/internal/hamming"
)

// A Hit is an entry near the query: Ref is as given to Add, and Distance is in bits.
type Hit = hamming.Hit

// A List finds, among the hashes of one kind that it holds, all that lie near a given one. It compares the query with
// every hash, within any radius: a million hashes of 256 bits take one or two milliseconds. An entry takes 40 bytes,
// or 16 with 64 bits. Within about [MatchRadius] bits package index is faster.
//
// The methods may be called at the same time. A search sees each change that returned before it began.
type List struct {
	kind Kind
	size int // bytes of a hash

	mu     sync.RWMutex
	chunks []chunk // guarded by mu; in the order of their refs, none empty
}

// A chunk holds up to chunkLen entries in the order of their refs, each ref once. It never grows by copying, which leaves hashes in memory.
type chunk struct {
	refs   []int64
	hashes []byte // as package hamming takes them
}

// NewList returns an empty list of hashes of that kind.
func NewList(kind Kind) *List { return &List{kind: kind, size: kind.Len() / 8} }

// Len returns the number of entries.
func (l *List) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := 0
	for _, c := range l.chunks {
		n += len(c.refs)
	}
	return n
}

// Add stores h under ref, in the place of what was stored under ref before. It is quickest when refs ascend. A hash of
// another kind is refused with an error that wraps [ErrKind].
func (l *List) Add(h Hash, ref int64) error {
	if err := l.check(h); err != nil {
		return err
	}
	var b [32]byte
	hash := b[:l.size]
	hamming.Store(hash, &h.Bits)
	l.mu.Lock()
	defer l.mu.Unlock()
	k, i, held := l.find(ref)
	if held {
		copy(l.chunks[k].hashes[len(hash)*i:], hash)
		return nil
	}
	k, i = l.room(k, i)
	c := &l.chunks[k]
	c.refs = slices.Insert(c.refs, i, ref)
	c.hashes = slices.Insert(c.hashes, len(hash)*i, hash...)
	return nil
}

// Remove forgets the entry of ref and reports whether there was an entry. The hash is personal data: Remove overwrites it.
func (l *List) Remove(ref int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	k, i, held := l.find(ref)
	if !held {
		return false
	}
	c := &l.chunks[k]
	c.cut(i, i+1, l.size)
	if len(c.refs) == 0 {
		l.chunks = slices.Delete(l.chunks, k, k+1)
	}
	return true
}

// cut removes the entries from to to-1. It leaves no hash behind: Delete overwrites what is free then.
func (c *chunk) cut(from, to, size int) {
	c.refs = slices.Delete(c.refs, from, to)
	c.hashes = slices.Delete(c.hashes, size*from, size*to)
}

func (l *List) find(ref int64) (k, i int, held bool) {
	k = max(sort.Search(len(l.chunks), func(k int) bool { return l.chunks[k].refs[0] > ref })-1, 0)
	if k < len(l.chunks) {
		i, held = slices.BinarySearch(l.chunks[k].refs, ref)
	}
	return k, i, held
}

// room makes room for an entry at place i of chunk k, and returns where that place is then. It divides a full chunk:
// behind the last entry if the new one belongs there, otherwise in the middle. The caller holds mu.
func (l *List) room(k, i int) (chunkAt, place int) {
	if k < len(l.chunks) && len(l.chunks[k].refs) < chunkLen {
		return k, i
	}
	more := chunk{make([]int64, 0, chunkLen), make([]byte, 0, chunkLen*l.size)}
	if len(l.chunks) == 0 {
		l.chunks = append(l.chunks, more)
		return 0, 0
	}
	at, c := chunkLen/2, &l.chunks[k]
	if i == chunkLen {
		at = chunkLen
	}
	more.refs, more.hashes = append(more.refs, c.refs[at:]...), append(more.hashes, c.hashes[l.size*at:]...)
	c.cut(at, chunkLen, l.size)
	l.chunks = slices.Insert(l.chunks, k+1, more)
	if i < at {
		return k, i
	}
	return k + 1, i - at
}

// Search returns every entry within radius bits of any of the queries, once, at its smallest distance: nearest first,
// equally near entries by Ref. The result is nil if nothing is near, or without queries. A query of another kind is
// refused with an error that wraps [ErrKind]: "nothing is near" must never mean "nothing was compared".
func (l *List) Search(radius int, queries ...Hash) ([]Hit, error) {
	for _, q := range queries {
		if err := l.check(q); err != nil {
			return nil, err
		}
	}
	var hits []Hit
	l.mu.RLock()
	for _, c := range l.chunks {
		for _, q := range queries { // while the chunk is in the processor's cache
			for i, d := range hamming.Near(c.hashes, l.size, &q.Bits, radius) {
				hits = append(hits, Hit{Ref: c.refs[i], Distance: d})
			}
		}
	}
	l.mu.RUnlock()
	return hamming.SortOnce(hits, len(queries)), nil
}

// Nearest returns the k entries nearest to q, or all if there are fewer, in the order of [List.Search] and with its
// errors. It returns none if k is 0 or less.
func (l *List) Nearest(q Hash, k int) ([]Hit, error) {
	if err := l.check(q); err != nil || k <= 0 {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	best := hamming.FindNearest(k)
	for _, c := range l.chunks {
		best.See(c.hashes, l.size, &q.Bits, func(i int) (int64, bool) { return c.refs[i], true })
	}
	return best.Hits(), nil
}

// check returns an error that wraps ErrKind unless h is of the kind of the list.
func (l *List) check(h Hash) error {
	if h.Kind != l.kind || !h.Kind.valid() {
		return fmt.Errorf("%w: %s in a list of %s", ErrKind, h.Kind, l.kind)
	}
	return nil
}

// All yields the entries in the order of their refs. Add and Remove wait until it ends: the loop must not call them.
func (l *List) All() iter.Seq2[int64, Hash] {
	return func(yield func(int64, Hash) bool) {
		l.mu.RLock()
		defer l.mu.RUnlock()
		for _, c := range l.chunks {
			for i, ref := range c.refs {
				if !yield(ref, Hash{l.kind, hamming.Load(c.hashes[l.size*i:][:l.size])}) {
					return
				}
			}
		}
	}
}
