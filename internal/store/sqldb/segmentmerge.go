package sqldb

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
)

const (
	segmentSize = 16_384         // submissions that are compared one by one before they are made a segment
	mergeAt     = 4              // a segment is merged with those behind it when they have a fourth of its size
	mergePace   = 32 * bandCount // entries that move for each submission that comes: see [mature]
	mergeStep   = 8192           // entries that move at a time, about
)

// A searchState says where submissions are found.
type searchState struct {
	scheme   int64
	upto     int64 // up to this number they lie in segments
	since    int64 // after both numbers they stand in recent; up to since nowhere but in their rows
	deferred bool  // no segments are made until [DB.BuildBands]
	build    int64 // who makes segments; 0: who enters submissions, unless they are deferred
}

const selectState = "SELECT scheme, upto, since, deferred, build"

// bind binds the columns of the state.
func (s *searchState) bind() []any {
	return []any{&s.scheme, &s.upto, &s.since, flag{&s.deferred}, &s.build}
}

// readSearchState reads the state of the search tables.
func readSearchState(ctx context.Context, q querier) (s searchState, err error) {
	err = q.QueryRowContext(ctx, selectState+" FROM search_state WHERE one = 1").Scan(s.bind()...)
	return s, s.check(err)
}

// check returns err, the error of reading the state, if it is not nil. Else it checks that this
// version of kycmark knows the scheme of the search tables: if not, the error wraps
// [books.ErrSchema].
func (s *searchState) check(err error) error {
	if err == nil && s.scheme != bandScheme {
		err = fmt.Errorf("%w: its search tables are of scheme %d; this version of kycmark knows %d", books.ErrSchema, s.scheme, bandScheme)
	}
	if err != nil {
		return fmt.Errorf("search tables: %w", err)
	}
	return nil
}

// setSearchState replaces the state of the search tables.
func (t *tx) setSearchState(ctx context.Context, s searchState) error {
	_, err := t.ExecContext(ctx, "UPDATE search_state SET upto = $1, since = $2, deferred = $3, build = $4 WHERE one = 1",
		s.upto, s.since, flag{&s.deferred}, s.build)
	return err
}

// enterHashes enters new submissions, sorted by number, in the table recent. Submissions that
// cannot be searched are passed over. If this begins new rows of recent, enterHashes tends the
// segments, unless that is deferred or a build makes them.
func enterHashes(ctx context.Context, t *tx, rows []books.Submission) error {
	var all numbered
	for i := range rows {
		h, ok, err := searchable(rows[i].Seq, rows[i].Area, rows[i].AreaQuality)
		if err != nil {
			return err
		}
		if ok {
			all.add(rows[i].Seq, h)
		}
	}
	if len(all.seqs) == 0 {
		return nil
	}
	state, err := readSearchState(ctx, t)
	if err != nil {
		return err
	}
	begun, err := t.enterRecent(ctx, all)
	if err == nil && begun > 0 && !state.deferred && state.build == 0 {
		err = t.tend(ctx, state, begun)
	}
	if err != nil {
		return fmt.Errorf("search tables: %w", err)
	}
	return nil
}

// tend makes a segment of the recent hashes if there are enough, and continues the merging of
// segments. state is the stored search state. begun is how many rows of recent hashes this
// transaction began, of recentEntries hashes each. The merging moves about mergePace entries for
// each of these hashes, so that it keeps up with new submissions.
func (t *tx) tend(ctx context.Context, state searchState, begun int) error {
	var rows int
	if err := t.QueryRowContext(ctx, "SELECT count(*) FROM recent").Scan(&rows); err != nil {
		return err
	}
	if rows > t.segmentSize/recentEntries {
		if err := t.recentSegment(ctx, &state); err != nil {
			return err
		}
	}
	for left := begun * recentEntries * mergePace; left > 0; {
		moved, err := t.merge(ctx, state.upto)
		if err != nil || moved == 0 {
			return err
		}
		left -= moved
	}
	return nil
}

// recentSegment makes a segment of the hashes in the table recent and removes them from that
// table. state.upto becomes the last number of the segment, and is stored. Hashes that do not
// fit in the segment (see [numbered.span]) stay in recent. The table must not be empty.
func (t *tx) recentSegment(ctx context.Context, state *searchState) error {
	var all numbered
	if err := eachRecent(blobsOf(ctx, t), func(seq int64, h *phash.Hash) { all.add(seq, *h) }, " ORDER BY seq"); err != nil {
		return err
	}
	n := all.span()
	if err := t.makeSegment(ctx, numbered{all.seqs[:n], all.hashes[:n]}); err != nil {
		return err
	}
	state.upto = all.seqs[n-1]
	if err := t.setSearchState(ctx, *state); err != nil {
		return err
	}
	return t.dropRecent(ctx, state.upto)
}

// span returns how many of the first hashes of n fit in one segment: their numbers must differ
// by less than seqSpan. n must not be empty.
func (n *numbered) span() int {
	k := len(n.seqs)
	for n.seqs[k-1]-n.seqs[0] >= seqSpan {
		k--
	}
	return k
}

// makeSegment enters a segment with all lists of all, in one transaction. all must not be empty,
// and must fit in one segment (see [numbered.span]). The caller stores the search state.
func (t *tx) makeSegment(ctx context.Context, all numbered) error {
	id, err := t.nextSegment(ctx)
	if err != nil {
		return err
	}
	l := newSegment(id, all.seqs[0], all.seqs[len(all.seqs)-1], int64(len(all.seqs)))
	l.reach = endPlace
	if err := insert(ctx, t, segmentTable, l); err != nil {
		return err
	}
	for at := place(0); at < endPlace; at += 1 << bandBits {
		if err := t.insertLists(ctx, l.lists(at, at+1<<bandBits, all.entries(&l, at, at+1<<bandBits))); err != nil {
			return err
		}
	}
	return nil
}

// entries returns the entries of n for segment l from the place from (included) to the place to
// (excluded), in the order of numbers. Both places are in one band; to may be its end.
func (n *numbered) entries(l *segment, from, to place) []byte {
	all := make([]byte, 0, (len(n.seqs)*int(to-from)>>bandBits+16)*entryBytes)
	i := from.band()
	for k, seq := range n.seqs {
		if at := placeOf(i, bandOf(&n.hashes[k], i)); at >= from && at < to {
			all = windowOf(&n.hashes[k], i).appendEntry(all, uint32(seq-l.first))
		}
	}
	return all
}

// merge does one step of merging segments that begin with a number up to upto. It begins a merge
// if one is due, and then moves some lists to the newest segment that is not complete. moved is
// the number of moved entries, and never below 1 after a move. 0 says that there is nothing to
// merge.
func (t *tx) merge(ctx context.Context, upto int64) (moved int, err error) {
	segments, err := readSegments(ctx, t, upto)
	if err != nil {
		return 0, err
	}
	if some := mature(segments); some != nil {
		if err := t.beginMerge(ctx, some); err != nil {
			return 0, err
		}
		if segments, err = readSegments(ctx, t, upto); err != nil {
			return 0, err
		}
	}
	for i := len(segments) - 1; i >= 0; i-- {
		if segments[i].reach < endPlace {
			return t.moveLists(ctx, &segments[i], segments)
		}
	}
	return 0, nil
}

// mature returns the segments at the end that should become one, or nil. segments are sorted by
// number. A segment matures when all segments behind it have together a fourth (1/mergeAt) of
// its size. So each segment is more than four times as large as all behind it. There are up to
// three segments among a million submissions, and up to seven among 10^9. Until then an entry
// moves 6.4 times on average, or 17, fewer than mergePace allows for. Segments that are being
// merged are passed over.
func mature(segments []segment) []segment {
	free := len(segments)
	for free > 0 && segments[free-1].target == 0 && segments[free-1].reach == endPlace {
		free--
	}
	segments = segments[free:]
	var behind int64
	first := len(segments)
	for i := len(segments) - 1; i >= 0; i-- {
		if mergeAt*behind >= segments[i].size && segments[len(segments)-1].last-segments[i].first < seqSpan {
			first = i
		}
		behind += segments[i].size
	}
	if first == len(segments) {
		return nil
	}
	return segments[first:]
}

// beginMerge enters an empty segment for all submissions of the given segments, which follow one
// another, and makes it their target. moveLists then moves their lists.
func (t *tx) beginMerge(ctx context.Context, segments []segment) error {
	id, err := t.nextSegment(ctx)
	if err != nil {
		return err
	}
	size := int64(0)
	for i := range segments {
		size += segments[i].size
		if _, err := t.ExecContext(ctx, "UPDATE lot SET target = $1 WHERE id = $2", id, segments[i].id); err != nil {
			return err
		}
	}
	return insert(ctx, t, segmentTable, newSegment(id, segments[0].first, segments[len(segments)-1].last, size))
}

// moveLists moves the next lists, about mergeStep entries within one band, into l from all
// segments whose target is l. It sets l.reach to the end of these lists. After the last lists it
// deletes the emptied segments. moved is the number of moved entries; 1 if the lists were empty.
func (t *tx) moveLists(ctx context.Context, l *segment, segments []segment) (moved int, err error) {
	wide := l.values()
	for i := range segments {
		if segments[i].target == l.id {
			wide = max(wide, segments[i].values())
		}
	}
	for wide < 1<<bandBits && l.size*int64(wide)>>(bandBits-1) <= mergeStep {
		wide <<= 1
	}
	from, to := l.reach, l.reach+wide
	var all []byte
	for i := range segments {
		if segments[i].target != l.id {
			continue
		}
		if all, err = t.takeLists(ctx, &segments[i], l, from, to, all); err != nil {
			return 0, err
		}
	}
	if err := t.insertLists(ctx, l.lists(from, to, all)); err != nil {
		return 0, err
	}
	if err := t.setReach(ctx, l, to); err != nil {
		return 0, err
	}
	for i := range segments {
		if segments[i].target == l.id && to == endPlace {
			if err := t.dropSegment(ctx, &segments[i]); err != nil {
				return 0, err
			}
		}
	}
	return max(1, len(all)/entryBytes), nil
}

// takeLists deletes the lists of l from the place from (included) to the place to (excluded),
// and returns all with their entries appended. Their offsets are changed to count from the first
// number of target. An entry of another list is an error that wraps [books.ErrTampered].
func (t *tx) takeLists(ctx context.Context, l, target *segment, from, to place, all []byte) ([]byte, error) {
	by := l.first - target.first
	err := eachList(blobsOf(ctx, t), func(p *posting) error {
		if err := p.damaged(); err != nil {
			return err
		}
		for e := p.entries; len(e) > 0; e = e[entryBytes:] {
			w, offset := readEntry(e)
			at := placeOf(from.band(), binary.LittleEndian.Uint16(e))
			if at < from || at >= to || int64(offset)+by > math.MaxUint32 {
				return tampered("an entry is in a wrong list of the search tables")
			}
			all = w.appendEntry(all, offset+uint32(by))
		}
		return nil
	}, postingTable.query()+" WHERE id >= $1 AND id < $2 ORDER BY id", l.key(from), l.key(to))
	if err != nil {
		return nil, err
	}
	return all, t.dropLists(ctx, l, from, to)
}
