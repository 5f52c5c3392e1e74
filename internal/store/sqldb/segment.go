package sqldb

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"github.com/kycmark/kycmark/phash"
)

// Entries lie in segments, as in a log-structured merge tree (O'Neil, Cheng, Gawlick,
// O'Neil, 1996). The entries of the latest submissions are sorted and made into a segment at
// once, and segments are merged into larger segments. In a table sorted by hashes, every row
// would fall into a page of its own. The 16 written pages of each submission were most of
// the cost of entering it. With segments each entry is written again only when its segment
// at least doubles, together with all its neighbours.

// A segment has the entries of size submissions, of numbers first to last: in each band 1<<bits
// lists, by the first bits of the value. What is erased is not taken off size.
type segment struct {
	id, first, last, size int64
	bits                  int
	reach                 place // lists below are made
	target                int64 // segment that its lists move to, in the order of places; 0: none

	from, to place // of the lists that it has, see [readSegments]
}

var segmentTable = table[segment]{"lot", columns("id first last size bits reach target"), func(l *segment) []any {
	return []any{&l.id, &l.first, &l.last, &l.size, &l.bits, (*int64)(&l.reach), &l.target}
}}

// A posting is a list, or a part of one.
type posting struct {
	id      int64
	entries []byte
}

var postingTable = table[posting]{"posting", columns("id entries"), func(p *posting) []any {
	return []any{&p.id, blob{&p.entries}}
}}

const (
	partBits    = 24
	placeBits   = 20
	maxSegment  = 1<<(63-partBits-placeBits) - 1
	partEntries = 112 // of a part: two in a page of SQLite's, four in one of PostgreSQL's
	listEntries = 80  // of a list, on average, at most
)

// newSegment returns a segment for size submissions with numbers from first to last. It has no
// list yet (reach is 0), and is in no table. bits is chosen so that a list has up to listEntries
// entries on average, but never exceeds bandBits.
func newSegment(id, first, last, size int64) segment {
	l := segment{id: id, first: first, last: last, size: size}
	for l.bits < bandBits && size>>l.bits > listEntries {
		l.bits++
	}
	return l
}

// values is how many values share a list of the segment.
func (l *segment) values() place { return 1 << (bandBits - l.bits) }

// key is the number of the first part of the list that begins at a place.
func (l *segment) key(at place) int64 { return (l.id<<placeBits + int64(at)) << partBits }

// keyed returns what [segment.key] was made of.
func keyed(key int64) (id int64, at place) {
	return key >> (placeBits + partBits), place(key >> partBits & (1<<placeBits - 1))
}

// lists sorts entries into the lists of the segment that begin at from (included) to to
// (excluded). Both places are in one band and begin lists; to may be the band's end. All entries
// must belong there. lists returns rows of the table posting, ascending: parts of up to
// partEntries entries, and no rows for empty lists. Entries of a list keep their order.
func (l *segment) lists(from, to place, entries []byte) (rows []posting) {
	shift := bandBits - l.bits
	first := from & (1<<bandBits - 1) >> shift
	list := func(e []byte) int { return int(place(binary.LittleEndian.Uint16(e)>>shift) - first) }
	ends := make([]int, (to-from)>>shift)
	for e := entries; len(e) > 0; e = e[entryBytes:] {
		ends[list(e)] += entryBytes
	}
	end := 0
	for i, n := range ends {
		ends[i] = end // of the list before: it moves on to its own
		end += n
	}
	sorted := make([]byte, len(entries))
	for e := entries; len(e) > 0; e = e[entryBytes:] {
		i := list(e)
		ends[i] += copy(sorted[ends[i]:], e[:entryBytes])
	}
	start := 0
	for i, end := range ends {
		key := l.key(from + place(i)<<shift)
		for part := range slices.Chunk(sorted[start:end], partEntries*entryBytes) {
			rows = append(rows, posting{key, part})
			key++
		}
		start = end
	}
	return rows
}

// probes appends to to the keys of all lists of the segment that may have the entries near h. In
// each band these are the list of h's value, and the lists whose first bits differ from it in
// one bit.
func (l *segment) probes(to []int64, h *phash.Hash) []int64 {
	for i := range bandCount {
		at := placeOf(i, bandOf(h, i)) &^ (l.values() - 1)
		to = l.probe(to, at)
		for v := l.values(); v < 1<<bandBits; v <<= 1 {
			to = l.probe(to, at^v)
		}
	}
	return to
}

// probe appends to to the key of the list that begins at a place. If the segment has no lists
// there (from is included, to excluded), probe appends nothing.
func (l *segment) probe(to []int64, at place) []int64 {
	if at < l.from || at >= l.to {
		return to
	}
	return append(to, l.key(at))
}

// covers reports whether the list that begins at a place may have entries near a value of that
// band. At most bandFlips of the list's bits may differ.
func (l *segment) covers(at place, value uint16) bool {
	return bits.OnesCount16((uint16(at)^value)>>(bandBits-l.bits)) <= bandFlips
}

// readSegments reads the segments that begin with a number up to upto, sorted by their first
// numbers, and sets from and to. While a segment moves to another (target), the moved lists
// belong to the other. The error wraps [books.ErrTampered] if a segment is malformed.
func readSegments(ctx context.Context, q querier, upto int64) ([]segment, error) {
	segments, err := segmentTable.rows(ctx, q, " WHERE first <= $1 ORDER BY first, id", upto)
	if err != nil {
		return nil, fmt.Errorf("search tables: %w", err)
	}
	reach := make(map[int64]place, len(segments))
	for _, l := range segments {
		if l.id < 1 || l.id > maxSegment || l.bits < 0 || l.bits > bandBits || l.reach < 0 || l.reach > endPlace || l.last-l.first >= seqSpan {
			return nil, tampered("segment %d of the search tables: malformed", l.id)
		}
		reach[l.id] = l.reach
	}
	for i := range segments {
		segments[i].from, segments[i].to = reach[segments[i].target], segments[i].reach
	}
	return segments, nil
}

// maxList is how many numbers one statement is handed.
const maxList = 50_000

// readLists calls f with each part of the lists that begin at keys (of [segment.key]), in any
// order. Lists that are not there are passed over. The posting and its entries are valid until f
// returns. An error of f ends readLists.
func readLists(q blobQuery, dialect *Dialect, keys []int64, f func(*posting) error) error {
	for part := range slices.Chunk(keys, maxList) {
		list, arg := dialect.List(part)
		err := eachList(q, f, "SELECT b.id, b.entries FROM "+list+
			" CROSS JOIN posting b WHERE b.id BETWEEN p.value AND p.value + 16777215", arg)
		if err != nil {
			return err
		}
	}
	return nil
}

// eachList runs a query of lists and calls f with each list.
func eachList(q blobQuery, f func(*posting) error, query string, args ...any) error {
	return q(func(id int64, entries []byte) error { return f(&posting{id, entries}) }, query, args...)
}

// damaged is an error about entries that no search can read.
func (p *posting) damaged() error {
	if len(p.entries)%entryBytes == 0 {
		return nil
	}
	return tampered("a list of the search tables has %d bytes", len(p.entries))
}

// nextSegment returns a number above all segments in the table; it enters no segment. Numbers
// above maxSegment are an error, because they do not fit in the keys of lists.
func (t *tx) nextSegment(ctx context.Context) (id int64, err error) {
	err = t.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) + 1 FROM lot").Scan(&id)
	if err == nil && id > maxSegment {
		err = fmt.Errorf("search tables: there are no more than %d segments; make them anew", maxSegment)
	}
	return id, err
}

// insertLists enters lists of a segment.
func (t *tx) insertLists(ctx context.Context, rows []posting) error {
	if err := insert(ctx, t, postingTable, rows...); err != nil {
		return fmt.Errorf("search tables: %w", err)
	}
	return nil
}

// dropLists deletes the lists of l from the place from (included) to the place to (excluded).
func (t *tx) dropLists(ctx context.Context, l *segment, from, to place) error {
	_, err := t.ExecContext(ctx, "DELETE FROM posting WHERE id >= $1 AND id < $2", l.key(from), l.key(to))
	return err
}

// dropSegment removes a segment without lists.
func (t *tx) dropSegment(ctx context.Context, l *segment) error {
	_, err := t.ExecContext(ctx, "DELETE FROM lot WHERE id = $1", l.id)
	return err
}

// setReach notes that the lists of a segment are made up to a place.
func (t *tx) setReach(ctx context.Context, l *segment, reach place) error {
	l.reach = reach
	_, err := t.ExecContext(ctx, "UPDATE lot SET reach = $1 WHERE id = $2", int64(reach), l.id)
	return err
}
