package parts

import (
	"bufio"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"math/bits"
	"slices"
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
	next := slices.Clone(s.offsets)
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

// each calls f for every feature that was not removed: with its first 64 signs, and with upload and number.
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

func (u *upload) erase() {
	clear(u.data)
	u.data = nil
}

// A WriterReader is a file that is being written.
type WriterReader interface {
	io.Writer
	io.ReaderAt
}

// WriteSealed writes uploads to the new file f as a sealed segment. References rise; an upload without
// features is nil or the zero value. kept is called after the last upload: [Index.Mount] returns what it returns, which
// is sealed too. Mount must be called with the same about. key has a nonce of 12 bytes and a tag of 16, as AES-256-GCM
// has, and must seal nothing else. Errors wrap [ErrFormat], or are errors of f.
func WriteSealed(f WriterReader, key cipher.AEAD, uploads iter.Seq2[int64, *Features], kept func() []byte, about []byte) error {
	return writeSealed(f, key, uploads, kept, about, maxUnsorted)
}

// writeSealed is [WriteSealed], and holds so many postings at a time, or the postings of one bucket.
func writeSealed(f WriterReader, key cipher.AEAD, uploads iter.Seq2[int64, *Features], kept func() []byte, about []byte, held uint64) (err error) {
	out := bufio.NewWriterSize(f, sealedBuffer)
	var buf []byte
	var m scratch
	write := func(kind byte, number int, clear []byte) error {
		buf = key.Seal(buf[:0], m.nonceOf(kind, number), clear, nil)
		_, err := out.Write(buf)
		return err
	}
	if _, err = out.WriteString(sealedMagic); err != nil {
		return err
	}
	s := sealed{aead: key}
	at, buckets := uint64(len(sealedMagic)), make([]uint32, 1<<maxAddress)
	for ref, fe := range uploads {
		if s.uploads > 0 && ref <= s.ref(s.uploads-1) || s.uploads == MaxSealed {
			return fmt.Errorf("%w: upload %d of a segment is %d: out of order, or one too many", ErrFormat, s.uploads, ref)
		}
		if fe.Len() > 0 {
			if err = write(uploadRecord, s.uploads, fe.data); err != nil {
				return err
			}
			at += uint64(len(buf))
			u := upload{data: fe.data}
			for k := range u.count() {
				buckets[u.descriptor(k)[0]&(1<<maxAddress-1)]++
			}
		}
		s.table = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(s.table, uint64(ref)), at)
		s.uploads++
	}
	if err = out.Flush(); err != nil {
		return err
	}
	n := 0
	for _, c := range buckets {
		n += int(c)
	}
	g := &segment{address: addressOf(n)}
	for i, c := range buckets[1<<g.address:] { // longer addresses fall into the same bucket
		buckets[i&(1<<g.address-1)] += c
	}
	buckets = buckets[:1<<g.address]
	sum := uint32(0)
	s.offsets = make([]byte, 0, 4*len(buckets)+4)
	for _, c := range buckets {
		s.offsets = binary.LittleEndian.AppendUint32(s.offsets, sum)
		sum += c
	}
	s.offsets = binary.LittleEndian.AppendUint32(s.offsets, sum)
	for first := 0; first < len(buckets); {
		last := first + 1
		for last < len(buckets) && s.offset(last+1)-s.offset(first) <= held {
			last++
		}
		if err = s.writeBuckets(f, g, first, last, buckets, write); err != nil {
			return err
		}
		first = last
	}
	rest := kept()
	if err = write(keptRecord, 0, rest); err != nil {
		return err
	}
	tail := slices.Concat(s.table, s.offsets)
	for _, n := range []int{s.uploads, g.address, len(rest)} {
		tail = binary.LittleEndian.AppendUint64(tail, uint64(n))
	}
	if _, err = out.Write(key.Seal(tail, m.nonceOf(tableRecord, 0), nil, authenticated(tail, about))); err != nil {
		return err
	}
	return out.Flush()
}

func authenticated(tail, about []byte) []byte {
	sum := sha256.Sum256(tail)
	return append(sum[:], about...)
}

// writeBuckets writes the buckets from first to before last. It reads the uploads from f. next is overwritten.
func (s *sealed) writeBuckets(f io.ReaderAt, g *segment, first, last int, next []uint32, write func(byte, int, []byte) error) error {
	base := s.offset(first)
	posts := make([]byte, postingSize*(s.offset(last)-base))
	for b := first; b < last; b++ {
		next[b] = uint32(s.offset(b) - base)
	}
	var m scratch
	in := bufio.NewReaderSize(io.NewSectionReader(f, int64(s.end(-1)), int64(s.end(s.uploads-1)-s.end(-1))), sealedBuffer)
	var raw []byte
	for at := range s.uploads {
		size := int(s.end(at) - s.end(at-1))
		if raw = slices.Grow(raw[:0], size)[:size]; size == 0 {
			continue
		}
		if _, err := io.ReadFull(in, raw); err != nil {
			return err
		}
		var err error
		if m.record, err = s.aead.Open(m.record[:0], m.nonceOf(uploadRecord, at), raw, nil); err != nil {
			return fmt.Errorf("%w: a record that was just written", ErrFormat)
		}
		u := upload{data: m.record}
		for k := range u.count() {
			sign := u.descriptor(k)[0]
			if b := int(g.bucket(sign)); b >= first && b < last {
				p := posts[postingSize*next[b]:]
				binary.LittleEndian.PutUint32(p, signsOf(sign))
				binary.LittleEndian.PutUint32(p[4:], uint32(at)<<8|uint32(k))
				next[b]++
			}
		}
	}
	for b := first; b < last; b++ {
		if err := write(bucketRecord, b, posts[postingSize*(s.offset(b)-base):postingSize*(s.offset(b+1)-base)]); err != nil {
			return err
		}
	}
	return nil
}
