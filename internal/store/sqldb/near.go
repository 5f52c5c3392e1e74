package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
)

// Near returns the submissions whose area hash lies within radius bits (0 to maxRadius) of any
// of the hashes, in one snapshot. Each submission appears once, with its min distance, the
// nearest first. The error wraps [books.ErrSearch] if radius is out of range, a hash is no area
// hash, or the registry's hashes are sealed.
func (d *DB) Near(ctx context.Context, hashes []phash.Hash, radius int) ([]phash.Hit, error) {
	return d.near(ctx, hashes, radius, (*nearest).search)
}

// NearByScan is [DB.Near] by comparing with every hash: what that is measured by.
func (d *DB) NearByScan(ctx context.Context, hashes []phash.Hash, radius int) ([]phash.Hit, error) {
	return d.near(ctx, hashes, radius, func(n *nearest) error { return n.scan(" WHERE s.erased = 0") })
}

// Searchable counts the submissions that Near can find, and all that were not erased. Each page counts.
func (d *DB) Searchable(ctx context.Context) (found, all int64, err error) {
	err = d.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM submission WHERE area <> '' AND area_quality >= $1),
		(SELECT count(*) FROM submission) - (SELECT count(*) FROM submission WHERE erased > 0)`, phash.MinQuality).Scan(&found, &all)
	return found, all, err
}

// near is [DB.Near] with search as the way to find submissions. near checks the arguments and
// opens a snapshot. search sets found of the nearest that it gets, and near returns that as
// sorted hits.
func (d *DB) near(ctx context.Context, hashes []phash.Hash, radius int, search func(*nearest) error) ([]phash.Hit, error) {
	if radius < 0 || radius > maxRadius {
		return nil, fmt.Errorf("%w: within %d bits; the tables serve %d", books.ErrSearch, radius, maxRadius)
	}
	if d.info.SealHashes {
		return nil, fmt.Errorf("%w: its hashes are sealed", books.ErrSearch)
	}
	for _, h := range hashes {
		if h.Kind != searched {
			return nil, fmt.Errorf("%w: by a hash of kind %s, not %s", books.ErrSearch, h.Kind, searched)
		}
	}
	conn, err := d.read.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	raw, err := conn.BeginTx(ctx, d.dialect.Snapshot)
	if err != nil {
		return nil, err
	}
	defer raw.Rollback()
	n := nearest{ctx: ctx, q: raw, conn: conn, dialect: &d.dialect, hashes: hashes, radius: radius, found: make(map[int64]int)}
	if err := search(&n); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return n.hits(), nil
}

// nearest is one search.
type nearest struct {
	ctx     context.Context
	q       *sql.Tx
	conn    *sql.Conn // of q
	dialect *Dialect
	hashes  []phash.Hash
	radius  int
	found   map[int64]int // min distance, in bits, by the number of the submission
}

// search sets n.found. It finds submissions three ways: submissions in segments by their lists,
// and submissions in recent by comparing each hash there. Submissions between these, which no
// table has, it finds by their own rows.
func (n *nearest) search() error {
	state, err := n.begin()
	if err != nil {
		return err
	}
	segments, err := readSegments(n.ctx, n.q, state.upto)
	if err != nil {
		return err
	}
	found, err := n.candidates(segments)
	if err != nil {
		return err
	}
	if err := n.compare(n.undecided(found)); err != nil {
		return err
	}
	if err := n.recent(max(state.upto, state.since)); err != nil || state.since <= state.upto {
		return err
	}
	return n.scan(" WHERE s.erased = 0 AND s.seq > $1 AND s.seq <= $2", state.upto, state.since)
}

// begin reads where submissions are found.
func (n *nearest) begin() (s searchState, err error) {
	var ready int64
	err = n.q.QueryRowContext(n.ctx, selectState+", "+cmp.Or(n.dialect.Probing, "0")+" FROM search_state WHERE one = 1").
		Scan(append(s.bind(), &ready)...)
	return s, s.check(err)
}

// candidates looks the hashes up in the lists of segments. It returns, by number, the
// submissions with an entry near a hash, and the pieces of their hashes that the entries show. A
// candidate may still be too far away. The error wraps [books.ErrTampered] if a list is damaged.
func (n *nearest) candidates(segments []segment) (map[int64]*pieces, error) {
	var keys []int64
	byID := make(map[int64]*segment, len(segments))
	for i := range segments {
		byID[segments[i].id] = &segments[i]
		for k := range n.hashes {
			keys = segments[i].probes(keys, &n.hashes[k])
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var windows [bandCount][]window
	for i := range windows {
		for k := range n.hashes {
			windows[i] = append(windows[i], windowOf(&n.hashes[k], i))
		}
	}
	found := make(map[int64]*pieces)
	err := readLists(n.blobs, n.dialect, keys, func(p *posting) error {
		id, at := keyed(p.id)
		for _, w := range windows[at.band()] {
			if byID[id].covers(at, uint16(w[0])) {
				p.near(found, w, n.radius, byID[id].first)
			}
		}
		return p.damaged()
	})
	return found, err
}

// near adds the entries of p that are near w to found, by the number of their submission. first
// is the number of the first submission of p's segment; radius is in bits: see [window.near].
// near ignores an incomplete entry at the end, which [posting.damaged] reports.
func (p *posting) near(found map[int64]*pieces, w window, radius int, first int64) {
	_, at := keyed(p.id)
	for e := p.entries; len(e) >= entryBytes; e = e[entryBytes:] {
		entry, offset := readEntry(e)
		if !w.near(entry, radius) {
			continue
		}
		seq := first + int64(offset)
		if found[seq] == nil {
			found[seq] = new(pieces)
		}
		found[seq].add(at.band(), entry)
	}
}

// undecided compares the candidates in found, by number, by the known bits of their hashes. It
// returns the undecided candidates, ascending. A candidate is too far away, and left out, if the
// known bits alone differ by more than the radius. If its entries together show the whole hash,
// the candidate is added to n.found. This is the usual case for near hashes.
func (n *nearest) undecided(found map[int64]*pieces) (rest []int64) {
	for seq, p := range found {
		minDistance := n.radius + 1
		for k := range n.hashes {
			minDistance = min(minDistance, p.distance(&n.hashes[k]))
		}
		switch {
		case minDistance > n.radius:
		case p.known == [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}:
			n.found[seq] = minDistance
		default:
			rest = append(rest, seq)
		}
	}
	slices.Sort(rest)
	return rest
}

// recent compares the hashes in the table recent of submissions with a number above after, and
// adds near submissions to n.found.
func (n *nearest) recent(after int64) error {
	return eachRecent(n.blobs, func(seq int64, h *phash.Hash) {
		if seq > after {
			n.match(seq, h)
		}
	}, " WHERE seq > 0 ORDER BY seq") // by the index, which knows of no former rows
}

// match adds submission seq to n.found, with the min distance of h to the searched hashes, if
// that is not above n.radius bits.
func (n *nearest) match(seq int64, h *phash.Hash) {
	minDistance := n.radius + 1
	for k := range n.hashes {
		minDistance = min(minDistance, h.Distance(n.hashes[k]))
	}
	if minDistance <= n.radius {
		n.found[seq] = minDistance
	}
}

// compare reads the hashes of candidates (numbers of submissions) from their own rows, and adds
// near candidates to n.found.
func (n *nearest) compare(candidates []int64) error {
	for part := range slices.Chunk(candidates, maxList) {
		among, arg := n.dialect.Among(part)
		if err := n.scan(" WHERE s.seq "+among, arg); err != nil {
			return err
		}
	}
	return nil
}

// scan compares the hashes of all submissions that the query with this tail selects, and adds
// near submissions to n.found. tail follows the table's name; args are its arguments. Submissions
// that cannot be searched are passed over. A malformed hash is an error that wraps
// [books.ErrTampered].
func (n *nearest) scan(tail string, args ...any) error {
	return each(n.ctx, n.q, bindArea, func(r *areaRow) error {
		h, ok, err := searchable(r.seq, r.area, r.quality)
		if err != nil {
			return fmt.Errorf("%w: %w", books.ErrTampered, err)
		}
		if !ok {
			return nil
		}
		n.match(r.seq, &h)
		return nil
	}, selectArea+tail, args...)
}

// An areaRow is what the search needs of a submission.
type areaRow struct {
	seq     int64
	area    string
	quality int
}

const selectArea = "SELECT s.seq, s.area, s.area_quality FROM submission s"

// bindArea binds the columns of an areaRow.
func bindArea(r *areaRow) []any { return []any{&r.seq, &r.area, &r.quality} }

// hits returns n.found as a list: the nearest first, equally near submissions by number. Without
// submissions it is empty, not nil.
func (n *nearest) hits() []phash.Hit {
	out := make([]phash.Hit, 0, len(n.found))
	for seq, distance := range n.found {
		out = append(out, phash.Hit{Ref: seq, Distance: distance})
	}
	slices.SortFunc(out, func(a, b phash.Hit) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Ref, b.Ref))
	})
	return out
}

// blobQuery runs a query of a number and a blob and hands its rows on; a blob is valid until
// f returns.
type blobQuery func(f func(int64, []byte) error, query string, args ...any) error

// blobs runs a query of a number and a blob and calls f with each row.
func (n *nearest) blobs(f func(int64, []byte) error, query string, args ...any) error {
	if n.dialect.Blobs != nil {
		return n.dialect.Blobs(n.ctx, n.conn, f, query, args...)
	}
	return blobsOf(n.ctx, n.q)(f, query, args...)
}

// blobsOf returns a blobQuery that runs on q and works with every database.
func blobsOf(ctx context.Context, q querier) blobQuery {
	type row struct {
		number int64
		blob   sql.RawBytes
	}
	return func(f func(int64, []byte) error, query string, args ...any) error {
		return each(ctx, q, func(r *row) []any { return []any{&r.number, &r.blob} },
			func(r *row) error { return f(r.number, r.blob) }, query, args...)
	}
}

// each runs a query and calls f with each row. bind returns the pointers into which a row is
// scanned, in the order of the columns. All calls get the same *T: f must copy what it keeps. An
// error of f ends the query, and each returns that error.
func each[T any](ctx context.Context, q querier, bind func(*T) []any, f func(*T) error, query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var row T
	into := bind(&row)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return unreadable(err)
		}
		if err := f(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}
