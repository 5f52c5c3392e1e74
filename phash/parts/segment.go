package parts

import (
	"math/bits"
)

// An upload is the features at rest of an upload; data is nil once the upload was removed.
type upload struct {
	ref  int64
	data []byte
}

func (u *upload) count() int {
	if len(u.data) == 0 {
		return 0
	}
	return int(u.data[1])
}

func (u *upload) descriptor(k int) descriptor {
	return readDescriptor(u.data[headerSize+k*featureSize:])
}

func (u *upload) feature(k int) feature { return readFeature(u.data[headerSize+k*featureSize:]) }
func (u *upload) place(k int) place     { return readPlace(u.data[headerSize+k*featureSize+8*words:]) }

// A segment is a number of uploads that are searched together: an inverted index from the first signs of descriptors to
// features. It is immutable, except that removed uploads are erased.
type segment struct {
	sealed  *sealed  // nil: the segment lies in memory
	uploads []upload // none if it is sealed
	dead    int      // uploads that were removed
	live    int      // features of uploads that were not removed
	address int      // signs that choose a bucket
	offsets []uint32 // of the buckets in postings, and one more
	posts   []posting
}

// A posting is a feature in a bucket.
type posting struct {
	signs   uint32 // the 32 signs behind the longest address
	feature uint32 // upload and number: the upload's place in the segment times 256, and its own
}

// erased is the feature of postings that were removed.
const erased = ^uint32(0)

// newSegment returns a segment of uploads, with its postings sorted by bucket. The number of features decides how many
// signs are an address, minAddress to maxAddress. The segment keeps the slice.
func newSegment(uploads []upload) *segment {
	s := &segment{uploads: uploads}
	n := 0
	for i := range uploads {
		n += uploads[i].count()
	}
	s.address = addressOf(n)
	s.offsets = make([]uint32, 1<<s.address+1)
	s.each(func(first uint64, _ uint32) { s.offsets[s.bucket(first)+1]++ })
	for i := range s.offsets[1:] {
		s.offsets[i+1] += s.offsets[i]
	}
	s.posts, s.live = make([]posting, n), n
	next := make([]uint32, 1<<s.address)
	copy(next, s.offsets)
	s.each(func(first uint64, f uint32) {
		b := s.bucket(first)
		s.posts[next[b]] = posting{signsOf(first), f}
		next[b]++
	})
	return s
}

// addressOf returns how many signs choose the bucket of a segment of n features.
func addressOf(n int) int { return min(max(bits.Len(uint(n))-1-perBucket, minAddress), maxAddress) }

func (s *segment) size() int {
	if s.sealed != nil {
		return s.sealed.uploads
	}
	return len(s.uploads)
}

// read returns an upload, for as long as m is not used again. It has no data if it was removed.
func (s *segment) read(at int, m *scratch) upload {
	if s.sealed != nil {
		return s.sealed.read(at, m)
	}
	return s.uploads[at]
}

// shown returns the upload of a feature, as read does.
func (s *segment) shown(f uint32, m *scratch) upload {
	if s.sealed != nil {
		return s.sealed.feature(f, m)
	}
	return s.uploads[f>>8]
}

// postings returns what a bucket lists, for as long as m is not used again.
func (s *segment) postings(b uint32, m *scratch) []posting {
	if s.sealed != nil {
		return s.sealed.bucket(int(b), m)
	}
	return s.posts[s.offsets[b]:s.offsets[b+1]]
}

// each calls f for every feature that was not removed: with its first 64 signs, and with its upload and
// number as posting.feature has them.
func (s *segment) each(f func(first uint64, feature uint32)) {
	for i := range s.uploads {
		u := &s.uploads[i]
		for k := range u.count() {
			f(u.descriptor(k)[0], uint32(i)<<8|uint32(k))
		}
	}
}

// bucket returns the bucket in which a feature with these first 64 signs is listed.
func (s *segment) bucket(first uint64) uint32 { return uint32(first) & (1<<s.address - 1) }

// signsOf returns the 32 signs behind the signs that an address may take.
func signsOf(first uint64) uint32 { return uint32(first >> maxAddress) }

// erase removes upload s.uploads[at] and its postings from the segment. Features in
// memory are overwritten with zeros. The place stays empty: no other upload gets it. An upload must be
// erased only once, and the caller holds Index.reading for writing, so that no search reads.
func (s *segment) erase(at int) {
	if s.sealed != nil {
		s.live -= s.sealed.count(at)
		s.dead++
		s.sealed.gone[at] = true
		return
	}
	u := &s.uploads[at]
	for k := range u.count() {
		b := s.bucket(u.descriptor(k)[0])
		for i := s.offsets[b]; i < s.offsets[b+1]; i++ {
			if s.posts[i].feature == uint32(at)<<8|uint32(k) {
				s.posts[i] = posting{0, erased}
			}
		}
	}
	s.live -= u.count()
	s.dead++
	u.erase()
}

// erase overwrites the features and forgets them.
func (u *upload) erase() {
	clear(u.data)
	u.data = nil
}
