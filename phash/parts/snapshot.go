package parts

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrSnapshot is wrapped when bytes are not a whole snapshot.
var ErrSnapshot = errors.New("parts: unusable snapshot")

// snapshotMagic begins a snapshot; its last byte is the version.
const snapshotMagic = "kyclocl\x01"

// WriteTo writes a snapshot, which [Open] reads: magic, number of uploads, then the
// reference and the features at rest of each, numbers in 8 bytes little-endian,
// and the SHA-256 of all that. Uploads are in rising order of reference: the same
// content gives the same bytes. Removals wait until it is written. An index with a mounted segment is refused.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	x.reading.RLock()
	defer x.reading.RUnlock()
	s := x.load()
	var all []upload
	for _, g := range s.segments {
		if g.sealed != nil {
			return 0, fmt.Errorf("parts: snapshot: segment %s is mounted, and its uploads stay sealed", g.sealed.name)
		}
		all = append(all, g.uploads...)
	}
	all = slices.DeleteFunc(append(all, s.recent.uploads...), gone)
	slices.SortFunc(all, func(a, b upload) int { return cmp.Compare(a.ref, b.ref) })
	sum := sha256.New()
	out := &counting{w: io.MultiWriter(w, sum)}
	out.write(binary.LittleEndian.AppendUint64([]byte(snapshotMagic), uint64(len(all))))
	for i := range all {
		out.write(binary.LittleEndian.AppendUint64(nil, uint64(all[i].ref)))
		out.write(all[i].data)
	}
	out.w = w
	out.write(sum.Sum(nil))
	if out.err != nil {
		return out.n, fmt.Errorf("parts: snapshot: %w", out.err)
	}
	return out.n, nil
}

// counting writes until an error.
type counting struct {
	w   io.Writer
	n   int64
	err error
}

// write writes b and counts the bytes. After an error it does nothing.
func (c *counting) write(b []byte) {
	if c.err == nil {
		var n int
		n, c.err = c.w.Write(b)
		c.n += int64(n)
	}
}

// Open returns the index of a snapshot, whole or not at all. It keeps data, such as
// a file mapped into memory, which must not change: features are read there, and
// only the inverted index is built. Errors wrap [ErrSnapshot].
func Open(data []byte) (*Index, error) {
	body := len(data) - sha256.Size
	if body < len(snapshotMagic)+8 || string(data[:len(snapshotMagic)]) != snapshotMagic {
		return nil, fmt.Errorf("%w: not one, or of another version", ErrSnapshot)
	}
	if sum := sha256.Sum256(data[:body]); !bytes.Equal(sum[:], data[body:]) {
		return nil, fmt.Errorf("%w: wrong checksum", ErrSnapshot)
	}
	rest := data[len(snapshotMagic)+8 : body]
	n := binary.LittleEndian.Uint64(data[len(snapshotMagic):])
	if n > uint64(len(rest)/(8+headerSize)) {
		return nil, fmt.Errorf("%w: %d uploads in %d bytes", ErrSnapshot, n, len(rest))
	}
	all := make([]upload, 0, n)
	for i := range n {
		u, more, err := readUpload(rest)
		if err != nil {
			return nil, fmt.Errorf("%w: upload %d: %w", ErrSnapshot, i, err)
		}
		if len(all) > 0 && u.ref <= all[len(all)-1].ref {
			return nil, fmt.Errorf("%w: upload %d: out of order", ErrSnapshot, i)
		}
		all, rest = append(all, u), more
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrSnapshot, len(rest))
	}
	return built(all), nil
}

// readUpload reads the upload that b begins with, and returns what follows it. u.data lies in b and
// is not owned. Errors wrap ErrFormat.
func readUpload(b []byte) (u upload, rest []byte, err error) {
	if len(b) < 8+headerSize {
		return u, nil, fmt.Errorf("%w: %d bytes", ErrFormat, len(b))
	}
	n := 8 + headerSize + featureSize*int(b[9])
	if n > len(b) {
		return u, nil, fmt.Errorf("%w: %d bytes of %d", ErrFormat, len(b), n)
	}
	u = upload{ref: int64(binary.LittleEndian.Uint64(b)), data: b[8:n:n]}
	return u, b[n:], check(u.data)
}

// built returns an index of uploads, whose refs must differ, in segments of up to maxUploads. It
// keeps the slice.
func built(all []upload) *Index {
	x, s := &Index{at: make(map[int64]location, len(all))}, &state{recent: &recent{}}
	for part := range slices.Chunk(all, maxUploads) {
		g := newSegment(slices.Clip(part))
		for i := range part {
			x.at[part[i].ref] = location{g, i}
		}
		s.segments = append(s.segments, g)
	}
	x.state.Store(s)
	return x
}
