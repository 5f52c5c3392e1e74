package sqldb

import (
	"context"
	"hash/maphash"

	"github.com/kycmark/kycmark/internal/store"
)

// A bandCheck holds table band against the hashes of the submissions, in whatever
// order both are read: rows are counted, and their hashes under a key that is drawn
// for this one check are added up, so that nobody can prepare other rows of that sum.
type bandCheck struct {
	state        bandState
	seed         maphash.Seed
	rows, sum    uint64 // that there should be
	found, total uint64 // that there are
	row          []place
}

func (b *bandCheck) start(ctx context.Context, q querier) (err error) {
	b.seed = maphash.MakeSeed()
	b.state, err = readBandState(ctx, q)
	return err
}

// expect takes in a submission.
func (b *bandCheck) expect(s *store.Submission) error {
	if s.Seq > b.state.upto {
		return nil
	}
	h, ok, err := searchable(s.Seq, s.Area, s.AreaQuality)
	if err != nil {
		return tampered("area hash: %v", err)
	}
	if !ok {
		return nil
	}
	b.row = places(b.row[:0], s.Seq, &h)
	for _, p := range b.row {
		b.rows++
		b.sum += maphash.Comparable(b.seed, p)
	}
	return nil
}

// finish reads the table. Rows beyond the state are those of a build that goes on, or
// was interrupted.
func (b *bandCheck) finish(ctx context.Context, q querier) error {
	err := each(ctx, q, func(p *place) []any { return []any{(*int64)(p)} }, func(p *place) error {
		if p.seq() > b.state.upto && b.state.build != 0 {
			return nil
		}
		b.found++
		b.total += maphash.Comparable(b.seed, *p)
		return nil
	}, selectPlaces+"FROM band b")
	switch {
	case err != nil:
		return err
	case b.found != b.rows:
		return tampered("%d rows in the search tables, where %d belong", b.found, b.rows)
	case b.total != b.sum:
		return tampered("the search tables are not those of the hashes")
	}
	return nil
}
