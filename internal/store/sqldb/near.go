package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"slices"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/phash"
)

// Near returns the submissions whose area hash lies within radius bits of any of the
// hashes, in one snapshot.
func (d *DB) Near(ctx context.Context, hashes []phash.Hash, radius int) ([]phash.Hit, error) {
	return d.near(ctx, hashes, radius, (*nearest).search)
}

// NearByScan is [DB.Near] by comparing with every hash: what that is measured by.
func (d *DB) NearByScan(ctx context.Context, hashes []phash.Hash, radius int) ([]phash.Hit, error) {
	return d.near(ctx, hashes, radius, func(n *nearest) error { return n.scan(" WHERE s.erased = 0") })
}

// Searchable counts the submissions that Near can find.
func (d *DB) Searchable(ctx context.Context) (n int64, err error) {
	err = d.read.QueryRowContext(ctx, "SELECT count(*) FROM submission WHERE area <> '' AND area_quality >= $1", phash.MinQuality).Scan(&n)
	return n, err
}

func (d *DB) near(ctx context.Context, hashes []phash.Hash, radius int, search func(*nearest) error) ([]phash.Hit, error) {
	if radius < 0 || radius > maxRadius {
		return nil, fmt.Errorf("%w: within %d bits; the tables serve %d", store.ErrSearch, radius, maxRadius)
	}
	if d.info.SealHashes {
		return nil, fmt.Errorf("%w: its hashes are sealed", store.ErrSearch)
	}
	for _, h := range hashes {
		if h.Kind != searched {
			return nil, fmt.Errorf("%w: by a hash of kind %s, not %s", store.ErrSearch, h.Kind, searched)
		}
	}
	raw, err := d.read.BeginTx(ctx, d.dialect.Snapshot)
	if err != nil {
		return nil, err
	}
	defer raw.Rollback()
	n := nearest{ctx: ctx, q: raw, dialect: &d.dialect, hashes: hashes, radius: radius, found: make(map[int64]int)}
	if err := search(&n); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return n.hits(), nil
}

// nearest is one search.
type nearest struct {
	ctx     context.Context
	q       *sql.Tx
	dialect *Dialect
	hashes  []phash.Hash
	radius  int
	found   map[int64]int // least distance by the number of the submission
}

func (n *nearest) search() error {
	state, last, err := n.begin()
	if err != nil {
		return err
	}
	state.upto = min(state.upto, last)
	ranges, values := n.ranges(state.upto)
	if int64(len(ranges)) > state.upto { // comparing with every hash is less work
		state.upto = 0
	}
	if state.upto > 0 {
		found, err := n.candidates(ranges, values, state.upto)
		if err != nil {
			return err
		}
		if err := n.compare(found); err != nil {
			return err
		}
	}
	if state.upto < last {
		return n.scan(" WHERE s.erased = 0 AND s.seq > $1", state.upto)
	}
	return nil
}

// begin reads the state of the tables and the number of the last submission.
func (n *nearest) begin() (s bandState, last int64, err error) {
	var ready int64
	err = n.q.QueryRowContext(n.ctx, "SELECT scheme, upto, build, coalesce((SELECT max(seq) FROM submission), 0), "+
		cmp.Or(n.dialect.Probing, "0")+" FROM band_state WHERE one = 1").Scan(&s.scheme, &s.upto, &s.build, &last, &ready)
	return s, last, s.check(err)
}

// A stretch is a range of values of one band: 4 bits of the band, 24 of the first
// value, 24 of the last.
type stretch int64

// Values that lie so close that no more than mergeBelow rows are expected between
// them are read as one range: reading on is cheaper than looking up.
const mergeBelow = 1.5

// ranges lists what must be looked up among rows submissions, in the order of the
// table, and the values of the hashes in each band.
func (n *nearest) ranges(rows int64) (all []stretch, values [bandCount][]uint32) {
	var probes []uint32
	for i := range bandCount {
		b := bandAt(i)
		probes = probes[:0]
		for k := range n.hashes {
			v := b.value(&n.hashes[k])
			values[i] = append(values[i], v)
			probes = b.probes(probes, v)
		}
		slices.Sort(probes)
		gap := uint32(min(mergeBelow*float64(int64(1)<<b.width)/float64(rows+1), 1<<valueBits))
		for from := 0; from < len(probes); {
			to := from
			for to+1 < len(probes) && probes[to+1]-probes[to] <= gap {
				to++
			}
			all = append(all, stretch(i)<<(2*valueBits)|stretch(probes[from])<<valueBits|stretch(probes[to]))
			from = to + 1
		}
	}
	return all, values
}

// candidates returns, ascending, the submissions up to number upto that have a band
// within its flips of a hash's.
func (n *nearest) candidates(ranges []stretch, values [bandCount][]uint32, upto int64) ([]int64, error) {
	var found []int64
	for part := range slices.Chunk(ranges, maxList) {
		list, arg := n.dialect.List(numbers(part))
		err := each(n.ctx, n.q, func(p *place) []any { return []any{(*int64)(p)} }, func(p *place) error {
			i, value := p.band(), p.value()
			near := func(v uint32) bool { return bits.OnesCount32(v^value) <= bandAt(i).flips }
			if p.seq() <= upto && slices.ContainsFunc(values[i], near) {
				found = append(found, p.seq())
			}
			return nil
		}, selectPlaces+"FROM "+list+` CROSS JOIN band b
			WHERE b.band = CAST(p.value >> 48 AS SMALLINT) AND b.value BETWEEN
				CAST((p.value >> 24) & 16777215 AS INTEGER) AND CAST(p.value & 16777215 AS INTEGER)`, arg)
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// compare reads the hashes of candidates.
func (n *nearest) compare(candidates []int64) error {
	for part := range slices.Chunk(candidates, maxList) {
		among, arg := n.dialect.Among(part)
		if err := n.scan(" WHERE s.seq "+among, arg); err != nil {
			return err
		}
	}
	return nil
}

// scan compares the hashes of all submissions that the tail of a query selects.
func (n *nearest) scan(tail string, args ...any) error {
	return each(n.ctx, n.q, bindArea, func(r *areaRow) error {
		h, ok, err := searchable(r.seq, r.area, r.quality)
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrTampered, err)
		}
		if !ok {
			return nil
		}
		least := n.radius + 1
		for k := range n.hashes {
			least = min(least, h.Distance(n.hashes[k]))
		}
		if least <= n.radius {
			n.found[r.seq] = least
		}
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

func bindArea(r *areaRow) []any { return []any{&r.seq, &r.area, &r.quality} }

// hits returns what was found, nearest first, equally near ones in the order of entry.
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

// each runs a query and hands its rows on, one at a time.
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
			return err
		}
		if err := f(&row); err != nil {
			return err
		}
	}
	return rows.Err()
}
