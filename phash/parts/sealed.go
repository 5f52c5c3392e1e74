package parts

import (
	"bytes"
	"cmp"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"
)

// A sealed segment is a file. Each record, the features of an upload or the postings of a bucket, is encrypted by
// itself. A search opens the records that it asks for where they lie, and holds no others. Numbers are little-endian:
//
//	sealedMagic
//	a record for each upload, by rising reference: its features at rest, none if they are none
//	a record for each bucket: 8 bytes a posting, signs and feature
//	a record of what else the caller keeps of the uploads
//	for each upload 16 bytes: reference, and where its record ends
//	for each bucket 4 bytes: the number of its first posting; and the number of all
//	the numbers of uploads, of signs in an address, and of bytes that the caller keeps, 8 bytes each
//	a record of no bytes that authenticates all behind the other records, and what the caller says of it
//
// The nonce of a record is its kind and its number. A key seals one segment, so no nonce repeats. The
// places of records are in the clear: how many features an upload has, and how many a bucket.
const sealedMagic = "kyclocs\x02"

// MaxSealed is the largest number of uploads in a sealed segment. Postings can name 1<<24.
const MaxSealed = 1 << 20

// Kinds of records.
const (
	uploadRecord = iota
	bucketRecord
	keptRecord
	tableRecord
)

const (
	tagSize      = 16           // bytes that sealing adds
	postingSize  = 8            // bytes
	tableRow     = 16           // bytes
	sealedEnd    = 24 + tagSize // bytes
	sealedBuffer = 1 << 16      // bytes; chosen
	maxUnsorted  = 1 << 24      // postings that [WriteSealed] holds at a time, 128 MB; chosen
)

// ErrSnapshot is wrapped when bytes are no sealed segment, or not the segment that is asked for.
var ErrSnapshot = errors.New("parts: unusable segment")

// A RecordError says that a record of a mounted segment was altered. The answer would have lacked what the record holds.
type RecordError struct {
	Name string // as given to [Index.Mount]
	what string
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("segment %s: %s was altered", e.Name, e.what)
}

// sealed is the part of a segment that lies in a file.
type sealed struct {
	name    string
	data    []byte
	aead    cipher.AEAD
	table   []byte // tableRow bytes an upload
	offsets []byte // 4 bytes a bucket, and 4 more
	uploads int
	gone    map[int]bool // uploads that were removed
}

// scratch is memory for the records of one search. err is the first record that did not open.
type scratch struct {
	nonce  [12]byte
	record []byte
	posts  []posting
	err    error
}

// nonceOf returns the nonce of a record, in the memory of m.
func (m *scratch) nonceOf(kind byte, number int) []byte {
	m.nonce[0] = kind
	binary.LittleEndian.PutUint64(m.nonce[4:], uint64(number))
	return m.nonce[:]
}

func (s *sealed) ref(at int) int64 { return int64(binary.LittleEndian.Uint64(s.table[at*tableRow:])) }

// end returns where the record of an upload ends. That of upload -1 is where the first begins.
func (s *sealed) end(at int) uint64 {
	if at < 0 {
		return uint64(len(sealedMagic))
	}
	return binary.LittleEndian.Uint64(s.table[at*tableRow+8:])
}

func (s *sealed) offset(b int) uint64 { return uint64(binary.LittleEndian.Uint32(s.offsets[4*b:])) }

func (s *sealed) count(at int) int {
	return max(0, int(s.end(at)-s.end(at-1))-tagSize-headerSize) / featureSize
}

// feature opens the upload of a feature. It has no data if it was removed, or has no such feature.
func (s *sealed) feature(f uint32, m *scratch) upload {
	at := int(f >> 8)
	if at >= s.uploads || int(f&255) >= s.count(at) {
		m.fail(s, fmt.Sprintf("a posting of feature %d", f))
		return upload{}
	}
	return s.read(at, m)
}

// read opens an upload, in the memory of m. It has no data if it was removed or cannot be opened.
func (s *sealed) read(at int, m *scratch) upload {
	u := upload{ref: s.ref(at)}
	from, to := s.end(at-1), s.end(at)
	if s.gone[at] || from == to {
		return u
	}
	record, err := s.aead.Open(m.record[:0], m.nonceOf(uploadRecord, at), s.data[from:to], nil)
	if m.record = record; err != nil || len(record) != headerSize+featureSize*int(record[1]) {
		m.fail(s, fmt.Sprintf("the record of upload %d", u.ref))
		return u
	}
	u.data = m.record
	return u
}

// bucket opens the postings of a bucket, in the memory of m.
func (s *sealed) bucket(b int, m *scratch) []posting {
	from, n := s.offset(b), s.offset(b+1)-s.offset(b)
	at := s.end(s.uploads-1) + postingSize*from + tagSize*uint64(b)
	raw, err := s.aead.Open(m.record[:0], m.nonceOf(bucketRecord, b), s.data[at:at+postingSize*n+tagSize], nil)
	if err != nil {
		m.fail(s, fmt.Sprintf("bucket %d", b))
		return nil
	}
	m.record, m.posts = raw, m.posts[:0]
	for ; len(raw) > 0; raw = raw[postingSize:] {
		m.posts = append(m.posts, posting{binary.LittleEndian.Uint32(raw), binary.LittleEndian.Uint32(raw[4:])})
	}
	return m.posts
}

// fail notes the first record that did not open.
func (m *scratch) fail(s *sealed, what string) {
	if m.err == nil {
		m.err = &RecordError{s.name, what}
	}
}

// Mount adds the uploads of data, which [WriteSealed] wrote, to the index. None of their references may be
// in the index. The index keeps data, such as a file mapped into memory, until [Index.Unmount]. name names
// it in errors. about is what was said of it when it was written. Mount returns what the caller kept with it. Records of
// features are opened, and so checked, when they are asked for. Errors wrap [ErrSnapshot].
func (x *Index) Mount(name string, data []byte, key cipher.AEAD, about []byte) (kept []byte, err error) {
	s, address, kept, err := openSealed(name, data, key, about)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	g := &segment{sealed: s, address: address, live: int(s.offset(1 << address))}
	for at := range s.uploads {
		if _, ok := x.find(s.ref(at)); ok {
			return nil, fmt.Errorf("%w: upload %d is in the index", ErrSnapshot, s.ref(at))
		}
	}
	old := x.load()
	n := 0 // mounted ones come first, in the order in which they were mounted
	for n < len(old.segments) && old.segments[n].sealed != nil {
		n++
	}
	x.state.Store(&state{slices.Insert(slices.Clone(old.segments), n, g), old.recent})
	return kept, nil
}

// CheckMounted compares the mounted segment of a name with what [WriteSealed] would write of the uploads. The
// error wraps [ErrSnapshot] if they differ, or none is mounted.
func (x *Index) CheckMounted(name string, uploads iter.Seq2[int64, *Features], kept func() []byte, about []byte) error {
	at := slices.IndexFunc(x.load().segments, func(g *segment) bool { return g.sealed != nil && g.sealed.name == name })
	if at < 0 {
		return fmt.Errorf("%w: segment %s: not mounted", ErrSnapshot, name)
	}
	g := x.load().segments[at]
	same := &comparing{g.sealed.data, 0}
	err := writeSealed(same, g.sealed.aead, uploads, kept, about, maxUnsorted)
	if err == nil && same.at != len(same.data) {
		err = errDiffers
	}
	if errors.Is(err, errDiffers) {
		return fmt.Errorf("%w: segment %s: it differs from the uploads", ErrSnapshot, name)
	}
	return err
}

var errDiffers = errors.New("other bytes")

// comparing takes what is written as long as it equals data.
type comparing struct {
	data []byte
	at   int
}

func (c *comparing) Write(b []byte) (int, error) {
	if !bytes.HasPrefix(c.data[c.at:], b) {
		return 0, errDiffers
	}
	c.at += len(b)
	return len(b), nil
}

func (c *comparing) ReadAt(b []byte, at int64) (int, error) {
	return bytes.NewReader(c.data).ReadAt(b, at)
}

// openSealed reads what is in the clear of a sealed segment. Errors wrap [ErrSnapshot].
func openSealed(name string, data []byte, key cipher.AEAD, about []byte) (s *sealed, address int, kept []byte, err error) {
	bad := func(why string) (*sealed, int, []byte, error) {
		return nil, 0, nil, fmt.Errorf("%w: %s", ErrSnapshot, why)
	}
	if len(data) < len(sealedMagic)+sealedEnd || !bytes.HasPrefix(data, []byte(sealedMagic)) {
		return bad("not one, or of another version")
	}
	end := data[len(data)-sealedEnd:]
	uploads, signs, rest := binary.LittleEndian.Uint64(end), binary.LittleEndian.Uint64(end[8:]), binary.LittleEndian.Uint64(end[16:])
	if uploads > MaxSealed || signs < minAddress || signs > maxAddress || rest > uint64(len(data)) {
		return bad("numbers out of range")
	}
	address = int(signs)
	tables := tableRow*int(uploads) + 4<<address + 4
	if len(data) < len(sealedMagic)+tables+sealedEnd {
		return bad("too short")
	}
	tail := data[len(data)-sealedEnd-tables : len(data)-tagSize]
	if _, err := key.Open(nil, new(scratch).nonceOf(tableRecord, 0), end[sealedEnd-tagSize:], authenticated(tail, about)); err != nil {
		return bad("altered, or not what the registry says it is")
	}
	s = &sealed{name: name, data: data, aead: key, uploads: int(uploads), gone: map[int]bool{},
		table: tail[:tableRow*uploads], offsets: tail[tableRow*uploads:]}
	for at := range s.uploads {
		if size := s.end(at) - s.end(at-1); s.end(at) < s.end(at-1) || size != 0 && (size < tagSize+headerSize || size > tagSize+MaxSize) || at > 0 && s.ref(at) <= s.ref(at-1) {
			return bad("places of uploads out of order")
		}
	}
	for b := range 1 << address {
		if s.offset(b) > s.offset(b+1) {
			return bad("places of buckets out of order")
		}
	}
	all := s.end(s.uploads-1) + postingSize*s.offset(1<<address) + tagSize<<address
	if all+rest+tagSize != uint64(len(data)-sealedEnd-tables) {
		return bad("wrong length")
	}
	if kept, err = key.Open(nil, new(scratch).nonceOf(keptRecord, 0), data[all:][:rest+tagSize], nil); err != nil {
		return bad("altered")
	}
	return s, address, kept, nil
}

// Unmount forgets the segment of that name, and data is no longer used. It waits for the searches under way.
func (x *Index) Unmount(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	old := x.load()
	x.state.Store(&state{slices.DeleteFunc(slices.Clone(old.segments), func(g *segment) bool {
		return g.sealed != nil && g.sealed.name == name
	}), old.recent})
	x.reading.Lock()
	defer x.reading.Unlock()
}

// find returns where the upload of ref lies. The caller holds mu.
func (x *Index) find(ref int64) (location, bool) {
	at, ok := x.at[ref]
	if ok {
		return at, true
	}
	for _, g := range x.load().segments {
		if s := g.sealed; s != nil {
			i, ok := sort.Find(s.uploads, func(at int) int { return cmp.Compare(ref, s.ref(at)) })
			if ok && !s.gone[i] {
				return location{g, i}, true
			}
		}
	}
	return location{}, false
}
