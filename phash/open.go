package phash

import (
	"crypto/sha256"
	"fmt"
	"sync"
)

// Mount adds the entries of data, which [Index.WriteTo] wrote, in the place of what was stored under the
// same refs. It copies nothing: data, for example a mapped file, must stay as it is for as long as the
// index is used. Additions and removals are kept beside data, and of a removed entry the hash stays in
// data: to erase it, write the index anew and delete what data is from.
//
// Before anything is used, data is held against its SHA-256, which must be sum. Every number in data is
// held against its bounds. Both run at about a gigabyte a second. The checksum tells damage, not forgery: keep sum
// where only those may write who may write the index.
//
// Errors wrap [ErrNotIndex], [ErrVersion], [ErrDamaged] or [ErrKind]. After an error the index is as it
// was.
func (x *Index) Mount(data []byte, sum [sha256.Size]byte) error {
	if len(data) < sha256.Size || [sha256.Size]byte(data[len(data)-sha256.Size:]) != sum {
		return fmt.Errorf("%w: cut off, or another snapshot", ErrDamaged)
	}
	y, err := openIndex(data)
	if err == nil && y.kind != x.kind {
		err = fmt.Errorf("%w: %s in an index of %s", ErrKind, y.kind, x.kind)
	}
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, s := range y.segments {
		x.dropAll(s)
		x.insert(s)
	}
	return nil
}

// openIndex returns an index of the entries in data, as in [Index.Mount], whatever its kind.
func openIndex(data []byte) (*Index, error) {
	x := NewIndex(0)
	count, err := x.header(data)
	if err != nil {
		return nil, err
	}
	x.tail = newTail(x.kind)
	body := data[:len(data)-sha256.Size]
	reader := snapshotReader{body[snapshotHead:]}
	checks := []func() error{func() error { return checksum(data) }}
	for range count {
		s, err := reader.segment(x.kind)
		if err != nil {
			return nil, err
		}
		x.segments = append(x.segments, s)
		checks = append(checks, s.validators()...)
	}
	if len(reader.rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrDamaged, len(reader.rest))
	}
	if err := inParallel(checks); err != nil {
		return nil, err
	}
	return x, nil
}

// checksum returns an error that wraps ErrDamaged if the last 32 bytes of data are not the SHA-256
// of the bytes before.
func checksum(data []byte) error {
	end := len(data) - sha256.Size
	if sha256.Sum256(data[:end]) != [sha256.Size]byte(data[end:]) {
		return fmt.Errorf("%w: not what its checksum is of", ErrDamaged)
	}
	return nil
}

// A snapshotReader cuts parts off the front of a snapshot.
type snapshotReader struct{ rest []byte }

// part returns the next part, of so many bytes, without its padding, and moves past it. It is no
// copy. The error wraps ErrDamaged if less is left.
func (r *snapshotReader) part(size uint64) ([]byte, error) {
	if whole := padded(size); size > uint64(len(r.rest)) || whole > uint64(len(r.rest)) {
		return nil, fmt.Errorf("%w: a part of %d bytes in %d", ErrDamaged, size, len(r.rest))
	}
	b := r.rest[:size:size]
	r.rest = r.rest[padded(size):]
	return b, nil
}

const (
	segmentHead = 16
	tableHead   = 16
)

// segment returns the next segment, whose bytes are no copy. Counts and lengths are checked: the
// error wraps ErrDamaged. What the segment holds is still to be checked by its validators.
func (r *snapshotReader) segment(kind Kind) (*segment, error) {
	if len(r.rest) < segmentHead {
		return nil, fmt.Errorf("%w: no head of a segment", ErrDamaged)
	}
	n, tables, idSize := le.Uint64(r.rest), le.Uint32(r.rest[8:]), le.Uint32(r.rest[12:])
	if n == 0 || n > segmentLen || tables > 256/minWidth || tables > 0 && !kind.wide() {
		return nil, fmt.Errorf("%w: %d entries in %d tables", ErrDamaged, n, tables)
	}
	s := &segment{kind: kind, n: int(n), ids: idsUpTo(int(n)), fixed: true}
	if int(idSize) != s.ids.size {
		return nil, fmt.Errorf("%w: numbers of %d bytes", ErrDamaged, idSize)
	}
	head, err := r.part(segmentHead + tableHead*uint64(tables))
	if err != nil {
		return nil, err
	}
	if s.refs, err = r.part(refSize * n); err != nil {
		return nil, err
	}
	if s.hashes, err = r.part(uint64(kind.hashSize()) * (n + 1)); err != nil {
		return nil, err
	}
	from := 0
	for k := range int(tables) {
		t, err := r.table(head[segmentHead+tableHead*k:], from, n, uint64(s.ids.size))
		if err != nil {
			return nil, err
		}
		from += t.width
		s.tables = append(s.tables, t)
	}
	if tables > 0 && from != kind.Len() {
		return nil, fmt.Errorf("%w: bands of %d bits", ErrDamaged, from)
	}
	shareMasks(s.tables)
	return s, nil
}

// table returns the next table, of the band that begins at bit from, of a segment of n entries.
// head has the band and the number of wide blocks; idSize is bytes a number. The error wraps
// ErrDamaged. The lists are still to be validated.
func (r *snapshotReader) table(head []byte, from int, n, idSize uint64) (t table, err error) {
	width, wide := le.Uint32(head[4:]), le.Uint64(head[8:])
	if le.Uint32(head) != uint32(from) || width < minWidth || width > maxWidth || wide > 1<<width>>blockBits {
		return t, fmt.Errorf("%w: a band of %d bits with %d wide blocks", ErrDamaged, width, wide)
	}
	t.cut = cut{from, int(width)}
	if t.blocks, err = r.part(blockSize << (width - blockBits)); err != nil {
		return t, err
	}
	if t.wide, err = r.part(wideSize * wide); err != nil {
		return t, err
	}
	t.lists, err = r.part(idSize*n + idPad)
	return t, err
}

// inParallel runs all checks at the same time. It returns the error of the first in the slice that
// has an error, or nil.
func inParallel(checks []func() error) error {
	errs := make([]error, len(checks))
	var group sync.WaitGroup
	for i, check := range checks {
		group.Go(func() { errs[i] = check() })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// validators are the checks that no search can leave the bounds.
func (s *segment) validators() []func() error {
	checks := []func() error{s.validateRefs}
	for k := range s.tables {
		checks = append(checks, func() error { return s.tables[k].validate(s.n, s.ids) })
	}
	return checks
}

// validateRefs checks that the refs ascend. If they do not, the error wraps ErrDamaged.
func (s *segment) validateRefs() error {
	for i := 1; i < s.n; i++ {
		if s.ref(i) <= s.ref(i-1) {
			return fmt.Errorf("%w: refs do not ascend", ErrDamaged)
		}
	}
	return nil
}

// validate checks that the lists lie one after another and hold n numbers in total, each below n
// when read with l. Otherwise the error wraps [ErrDamaged].
func (t *table) validate(n int, l idList) error {
	sum := uint64(0)
	for b := 0; b < len(t.blocks); b += blockSize {
		first, lengths := le.Uint32(t.blocks[b:]), le.Uint64(t.blocks[b+4:])
		next := sum + uint64(prefixed(lengths))
		if first&wideFlag != 0 {
			var ok bool
			if first, next, ok = t.validateWide(first &^ wideFlag); !ok {
				return fmt.Errorf("%w: wide block", ErrDamaged)
			}
		}
		if uint64(first) != sum {
			return fmt.Errorf("%w: lists do not follow each other", ErrDamaged)
		}
		sum = next
	}
	if sum != uint64(n) {
		return fmt.Errorf("%w: lists of %d numbers, not %d", ErrDamaged, sum, n)
	}
	for i := range uint32(n) {
		if l.at(t.lists, i) >= uint32(n) {
			return fmt.Errorf("%w: number beyond the entries", ErrDamaged)
		}
	}
	return nil
}

// validateWide returns where the lists of wide block number block begin and end. ok is false if the
// block lies beyond t.wide, or if its offsets do not ascend.
func (t *table) validateWide(block uint32) (first uint32, end uint64, ok bool) {
	at := wideSize * uint64(block)
	if at+wideSize > uint64(len(t.wide)) {
		return 0, 0, false
	}
	offsets := t.wide[at:][:wideSize]
	for k := 4; k < wideSize; k += 4 {
		if le.Uint32(offsets[k:]) < le.Uint32(offsets[k-4:]) {
			return 0, 0, false
		}
	}
	return le.Uint32(offsets), uint64(le.Uint32(offsets[wideSize-4:])), true
}
