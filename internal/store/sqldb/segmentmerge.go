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

// check returns an error if err is one, or if this version of kycmark does not know the scheme of
// the search tables.
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

// enterHashes makes new submissions searchable.
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

// tend makes a segment of the recent hashes if there are enough, and continues the merging
// of segments. begun is how many rows of recent hashes were begun, and a row holds
// recentEntries hashes. The merging moves mergePace entries for each of these hashes.
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

// recentSegment makes a segment of the recent hashes.
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

// span is how many of the hashes fit in a segment.
func (n *numbered) span() int {
	k := len(n.seqs)
	for n.seqs[k-1]-n.seqs[0] >= seqSpan {
		k--
	}
	return k
}

// makeSegment makes a segment at once.
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

// entries returns the entries of a segment between two places of one band.
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

// merge begins to merge segments where it is time, then moves some lists of the newest segment that
// is being made of others. It returns how many entries moved, at least 1; 0 says
// that there is nothing to do.
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

// mature returns the segments at the end that should become one: all behind the first have
// at least a fourth of its size. So each segment is more than four times as large as all behind
// it: at most three are there among a million submissions, seven among 10^9; and until
// then an entry moves 6.4 times on average, or 17, fewer than mergePace allows for.
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

// beginMerge makes an empty segment, into which moveLists moves the lists of the given
// segments.
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

// moveLists moves the next lists of all segments whose target l is.
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

// takeLists removes the lists of a segment between two places, and appends their entries as
// they stand in the segment that they move to.
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
