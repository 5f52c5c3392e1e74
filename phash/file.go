package phash

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

var (
	// ErrNotIndex is wrapped when data is no snapshot of an index.
	ErrNotIndex = errors.New("phash: not an index snapshot")
	// ErrVersion is wrapped when a snapshot is of a version, kind or chain of hashes
	// that this version of the package does not know.
	ErrVersion = errors.New("phash: index snapshot of another version")
	// ErrDamaged is wrapped when a snapshot is cut off or not what was written.
	ErrDamaged = errors.New("phash: damaged index snapshot")
)

// A snapshot is, with all numbers little-endian and every part padded with zeros to
// a multiple of 64 bytes:
//
//	header      magic, version (4 bytes), kind (4), chain (32, zero-padded),
//	            number of segments (4), 0 (12), length of the
//	            whole in bytes (8)
//	segments    each: head, refs, hashes, tables
//	  head      entries (8), tables (4), bytes a number (4); for each table first bit
//	            (4), width (4), wide blocks (8)
//	  refs      8 bytes an entry, ascending
//	  hashes    8 or 32 bytes an entry, words in their order; one of zeros at the end
//	  table     blocks, wide blocks, lists, as in type table
//	checksum    SHA-256 of all that goes before, 32 bytes, at the very end
//
// Removed entries are not in it.
const (
	snapshotMagic   = "KYCINDEX"
	snapshotVersion = 1
	snapshotHead    = 128
	snapshotAlign   = 64
	chainLen        = 32
	maxSegments     = 1 << 10
)

// padded returns the bytes that a part of n bytes takes in a snapshot: n rounded up to 64.
func padded(n uint64) uint64 { return (n + snapshotAlign - 1) &^ (snapshotAlign - 1) }

// WriteTo writes a snapshot of the index, which [Index.Mount] reads: all that was added and not
// removed when it began, and no trace of what was removed. Segments with removed entries are built
// anew first. Searches and changes go on meanwhile. WriteTo returns the bytes written; the error
// wraps the error of w.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	x.merging.Lock()
	defer x.merging.Unlock()
	set := x.settle()
	defer x.release(set)

	out := &snapshotWriter{w: bufio.NewWriterSize(w, 1<<20), sum: sha256.New()}
	length := uint64(snapshotHead + sha256.Size)
	for _, s := range set {
		length += s.snapshotLen()
	}
	head := make([]byte, 0, snapshotHead)
	head = append(head, snapshotMagic...)
	head = le.AppendUint32(head, snapshotVersion)
	head = le.AppendUint32(head, uint32(x.kind))
	head = append(head, make([]byte, chainLen)...)
	copy(head[len(head)-chainLen:], x.kind.Version())
	head = le.AppendUint32(head, uint32(len(set)))
	head = append(head, make([]byte, 12)...)
	head = le.AppendUint64(head, length)
	out.part(head[:snapshotHead])
	for _, s := range set {
		s.writeTo(out)
	}
	return out.finish()
}

// settle makes segments of all entries, merges segments that are due or have removed entries, and
// returns all segments. They are marked busy: the caller gives them back by release. The caller holds
// merging.
func (x *Index) settle() (set []*segment) {
	for {
		stale := x.take(func() []*segment {
			x.seal()
			for _, s := range x.segments {
				if s.gone > 0 {
					return []*segment{s}
				}
			}
			if set := due(x.segments, true); set != nil {
				return set
			}
			set = slices.Clone(x.segments)
			for _, s := range set {
				s.busy = true
			}
			return nil
		})
		if stale == nil {
			return set
		}
		x.merge(stale)
	}
}

// release lets the segments of set be written to again, and erases the hashes of entries that were
// removed since they were taken.
func (x *Index) release(set []*segment) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range set {
		s.busy = false
		if s.gone == 0 {
			continue
		}
		for i := range s.n {
			if s.isDead(i) {
				s.wipe(i)
			}
		}
	}
}

// A snapshotWriter writes parts, padded, and sums them up.
type snapshotWriter struct {
	w   *bufio.Writer
	sum hash.Hash
	n   int64
	err error
}

// write writes b and adds it to the checksum. After an error it does nothing: finish returns
// the error.
func (w *snapshotWriter) write(b []byte) {
	if w.err != nil {
		return
	}
	var n int
	n, w.err = w.w.Write(b)
	w.n += int64(n)
	w.sum.Write(b)
}

// part writes b, and zeros up to a multiple of 64 bytes.
func (w *snapshotWriter) part(b []byte) {
	w.write(b)
	w.write(make([]byte, padded(uint64(len(b)))-uint64(len(b))))
}

// finish writes the checksum and flushes. It returns the bytes written in all, and the first error
// of any write, wrapped.
func (w *snapshotWriter) finish() (int64, error) {
	w.write(w.sum.Sum(nil))
	if w.err == nil {
		w.err = w.w.Flush()
	}
	if w.err != nil {
		return w.n, fmt.Errorf("phash: write index: %w", w.err)
	}
	return w.n, nil
}

// head returns the first part of the segment in a snapshot: the numbers of entries and tables,
// and the cut of each table.
func (s *segment) head() []byte {
	b := le.AppendUint64(nil, uint64(s.n))
	b = le.AppendUint32(b, uint32(len(s.tables)))
	b = le.AppendUint32(b, uint32(s.ids.size))
	for _, t := range s.tables {
		b = le.AppendUint32(b, uint32(t.from))
		b = le.AppendUint32(b, uint32(t.width))
		b = le.AppendUint64(b, uint64(len(t.wide)/wideSize))
	}
	return b
}

// parts returns the parts of the segment in a snapshot, in their order.
func (s *segment) parts() [][]byte {
	parts := [][]byte{s.head(), s.refs, s.hashes}
	for _, t := range s.tables {
		parts = append(parts, t.blocks, t.wide, t.lists)
	}
	return parts
}

// snapshotLen returns the bytes that the segment takes in a snapshot.
func (s *segment) snapshotLen() (n uint64) {
	for _, p := range s.parts() {
		n += padded(uint64(len(p)))
	}
	return n
}

// writeTo writes all parts of the segment.
func (s *segment) writeTo(w *snapshotWriter) {
	for _, p := range s.parts() {
		w.part(p)
	}
}

// header reads the header of a snapshot into x, its kind, and returns the number of segments. The error wraps [ErrNotIndex], [ErrVersion] or [ErrDamaged]. The checksum is not looked
// at.
func (x *Index) header(data []byte) (segments int, err error) {
	if len(data) < len(snapshotMagic) || string(data[:len(snapshotMagic)]) != snapshotMagic {
		return 0, ErrNotIndex
	}
	if len(data) < snapshotHead+sha256.Size {
		return 0, fmt.Errorf("%w: cut off after %d bytes", ErrDamaged, len(data))
	}
	if v := le.Uint32(data[8:]); v != snapshotVersion {
		return 0, fmt.Errorf("%w: version %d, not %d", ErrVersion, v, snapshotVersion)
	}
	kind := le.Uint32(data[12:])
	if x.kind = Kind(kind); kind > 255 || !x.kind.valid() {
		return 0, fmt.Errorf("%w: kind of hash number %d", ErrVersion, kind)
	}
	chain := bytes.TrimRight(data[16:16+chainLen], "\x00")
	if string(chain) != x.kind.Version() {
		return 0, fmt.Errorf("%w: chain of hashes %.32q, not %s", ErrVersion, chain, x.kind.Version())
	}
	if length := le.Uint64(data[64:]); length != uint64(len(data)) {
		return 0, fmt.Errorf("%w: %d bytes of %d", ErrDamaged, len(data), length)
	}
	n := le.Uint32(data[48:])
	if n > maxSegments {
		return 0, fmt.Errorf("%w: %d segments", ErrDamaged, n)
	}
	return int(n), nil
}
