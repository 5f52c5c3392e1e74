package parts

import (
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// An Index finds uploads that a leak shows, in whole or in part. Its methods may run at the same time: a search sees
// all additions and removals that returned before it. A removal waits for running searches. The zero Index is ready.
type Index struct {
	mu      sync.Mutex // held to change the index
	at      map[int64]location
	state   atomic.Pointer[state]
	reading sync.RWMutex // held to read features, and to erase them
}

// A location is where an upload lies: in a segment, or among the recent ones if that is nil.
type location struct {
	in *segment
	at int
}

// A state is what a search sees. It is immutable, except that removed uploads are erased.
type state struct {
	segments []*segment // sealed ones; then each at least twice as large as the next when it was made, or full
	recent   *recent
}

// recent holds the uploads that were added last. A search makes a segment of them for as
// long as no upload is added; maxRecent uploads become a segment that stays.
type recent struct {
	uploads []upload
	once    sync.Once
	as      *segment
}

// segment returns a segment of the recent uploads, made at the first call.
func (r *recent) segment() *segment {
	r.once.Do(func() { r.as = newSegment(slices.Clone(r.uploads)) })
	return r.as
}

// load returns what a search sees now. If nothing was ever added, the state is empty.
func (x *Index) load() *state {
	if s := x.state.Load(); s != nil {
		return s
	}
	return &state{recent: &recent{}}
}

// Len returns the number of uploads.
func (x *Index) Len() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := len(x.at)
	for _, g := range x.load().segments {
		if g.sealed != nil {
			n += g.sealed.uploads - g.dead
		}
	}
	return n
}

// Has reports whether the index holds the upload of ref.
func (x *Index) Has(ref int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ok := x.find(ref)
	return ok
}

// upload returns the upload of ref, nil if the index does not hold it. The caller holds mu, and
// reading for as long as it reads the features, which may lie in m.
func (x *Index) upload(ref int64, m *scratch) *upload {
	at, ok := x.find(ref)
	switch {
	case !ok:
		return nil
	case at.in != nil:
		u := at.in.read(at.at, m)
		return &u
	}
	return &x.load().recent.uploads[at.at]
}

// Add stores a copy of the features of an upload under ref, in the place of what was stored under
// ref before. The error wraps [ErrFormat] if f is nil or the zero value.
func (x *Index) Add(ref int64, f *Features) error {
	return x.AddAll(func(yield func(int64, *Features) bool) { yield(ref, f) })
}

// AddAll is Add for many uploads. It builds their inverted index at once, which is quicker. Of uploads
// with one ref the last counts. After an error, which wraps [ErrFormat], the uploads before it are added.
func (x *Index) AddAll(added iter.Seq2[int64, *Features]) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var batch []upload
	at := make(map[int64]int)
	flush := func() {
		if len(batch) > 0 {
			x.add(batch...)
			batch = nil
			clear(at)
		}
	}
	defer flush()
	for ref, f := range added {
		if f == nil || len(f.data) == 0 {
			return fmt.Errorf("%w: not extracted from a picture", ErrFormat)
		}
		if at, ok := x.find(ref); ok {
			x.remove(ref, at)
		}
		u := upload{ref, slices.Clone(f.data)}
		if i, ok := at[ref]; ok {
			batch[i] = u
			continue
		}
		at[ref] = len(batch)
		if batch = append(batch, u); len(batch) == maxUploads {
			flush()
		}
	}
	return nil
}

// add appends uploads, whose refs are not in the index, to the recent ones. maxRecent recent
// uploads become a segment. The caller holds mu.
func (x *Index) add(more ...upload) {
	if x.at == nil {
		x.at = map[int64]location{}
	}
	old := x.load()
	r := &recent{uploads: slices.Concat(old.recent.uploads, more)}
	for i := len(old.recent.uploads); i < len(r.uploads); i++ {
		x.at[r.uploads[i].ref] = location{nil, i}
	}
	next := &state{old.segments, r}
	if len(r.uploads) >= maxRecent {
		next = x.settle(next)
	}
	x.state.Store(next)
}

// settle returns state s with its recent uploads made a segment. The last segments are merged into it, one by one,
// while the next has less than twice the uploads merged so far. No merge exceeds maxUploads. Removed uploads are left
// out. settle moves the entries of x.at; the caller holds mu and stores the state.
func (x *Index) settle(s *state) *state {
	all, keep := slices.DeleteFunc(slices.Clone(s.recent.uploads), gone), len(s.segments)
	for keep > 0 {
		last := s.segments[keep-1]
		live := len(last.uploads) - last.dead
		if last.sealed != nil || live >= 2*len(all) || live+len(all) > maxUploads {
			break
		}
		all = append(slices.DeleteFunc(slices.Clone(last.uploads), gone), all...)
		keep--
	}
	merged := newSegment(all)
	for i := range all {
		x.at[all[i].ref] = location{merged, i}
	}
	return &state{append(slices.Clone(s.segments[:keep]), merged), &recent{}}
}

func gone(u upload) bool { return u.data == nil }

// Remove forgets the upload of ref and reports whether there was one. It waits for the searches
// under way. The features, which are personal data, are overwritten in the index, except in a mounted segment.
func (x *Index) Remove(ref int64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	at, ok := x.find(ref)
	if ok {
		x.remove(ref, at)
	}
	return ok
}

// remove forgets the upload of ref, which lies at the location, and overwrites its features. It waits for the searches under way. The caller holds mu.
func (x *Index) remove(ref int64, at location) {
	delete(x.at, ref)
	x.reading.Lock()
	defer x.reading.Unlock()
	if at.in != nil {
		at.in.erase(at.at)
		return
	}
	old := x.load()
	r := &recent{uploads: slices.Clone(old.recent.uploads)}
	r.uploads[at.at].erase()
	x.state.Store(&state{old.segments, r})
}
