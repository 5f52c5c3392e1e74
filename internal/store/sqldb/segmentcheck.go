package sqldb

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
)

// A segmentCheck compares the search tables with the hashes, and may read both in any order.
// It counts the entries and adds up keyed hashes of them. The key is drawn for this one
// check, so that other entries of the same sum cannot be prepared.
type segmentCheck struct {
	state       searchState
	seed        maphash.Seed
	rows, sum   uint64 // that there should be
	found, have uint64 // that there are
}

// A filed is an entry of a submission, or in band -1 its whole hash.
type filed struct {
	seq    int64
	band   int
	window window
	bits   [4]uint64
}

// start begins a check: it reads which submissions the search tables must hold.
func (c *segmentCheck) start(ctx context.Context, q querier) (err error) {
	c.seed = maphash.MakeSeed()
	c.state, err = readSearchState(ctx, q)
	return err
}

// expect counts what the search tables must hold of s: an entry in each band if s lies in
// segments, its whole hash if s lies in recent, else nothing. A malformed hash is an error that
// wraps [books.ErrTampered].
func (c *segmentCheck) expect(s *books.Submission) error {
	h, ok, err := searchable(s.Seq, s.Area, s.AreaQuality)
	if err != nil {
		return tampered("area hash: %v", err)
	}
	switch {
	case !ok:
	case s.Seq <= c.state.upto:
		for i := range bandCount {
			c.rows++
			c.sum += maphash.Comparable(c.seed, filed{seq: s.Seq, band: i, window: windowOf(&h, i)})
		}
	case s.Seq > c.state.since:
		c.rows++
		c.sum += maphash.Comparable(c.seed, filed{seq: s.Seq, band: -1, bits: h.Bits})
	}
	return nil
}

// see counts an entry that the search tables hold.
func (c *segmentCheck) see(f filed) {
	c.found++
	c.have += maphash.Comparable(c.seed, f)
}

// finish reads the search tables and compares their entries with what expect counted: the number
// of entries and the sum of their keyed hashes. A difference is an error that wraps
// [books.ErrTampered].
func (c *segmentCheck) finish(ctx context.Context, q querier) error {
	err := eachRecent(blobsOf(ctx, q), func(seq int64, h *phash.Hash) { c.see(filed{seq: seq, band: -1, bits: h.Bits}) }, "")
	if err != nil {
		return err
	}
	segments, err := readSegments(ctx, q, math.MaxInt64)
	if err != nil {
		return err
	}
	err = eachList(blobsOf(ctx, q), func(p *posting) error { return c.list(segments, p) }, postingTable.query())
	switch {
	case err != nil:
		return err
	case c.found != c.rows:
		return tampered("%d entries in the search tables, where %d belong", c.found, c.rows)
	case c.have != c.sum:
		return tampered("the search tables differ from the hashes")
	}
	return nil
}

// list counts the entries of p, which is a list or a part of a list. segments are all segments.
// The error wraps [books.ErrTampered] if p belongs to no segment, lies where no search looks, or
// holds an entry of another list. Lists of a segment that a build is making, or left behind, do
// not count.
func (c *segmentCheck) list(segments []segment, p *posting) error {
	id, at := keyed(p.id)
	k := slices.IndexFunc(segments, func(l segment) bool { return l.id == id })
	if k < 0 {
		return tampered("a list of the search tables belongs to no segment")
	}
	l := &segments[k]
	if l.first > c.state.upto && c.state.build != 0 {
		return nil // it is being made, or that was interrupted
	}
	if err := p.damaged(); err != nil {
		return err
	}
	if l.first > c.state.upto || at < l.from || at >= l.to || at%l.values() != 0 {
		return tampered("a list of the search tables stands where no search looks")
	}
	for e := p.entries; len(e) > 0; e = e[entryBytes:] {
		if place(binary.LittleEndian.Uint16(e))&^(l.values()-1) != at&(1<<bandBits-1) {
			return tampered("an entry is in a wrong list of the search tables")
		}
		w, offset := readEntry(e)
		c.see(filed{seq: l.first + int64(offset), band: at.band(), window: w})
	}
	return nil
}
