package sqldb

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/kycmark/kycmark/phash"
)

const (
	buildPart  = 1 << 23 // submissions of a segment that is made at once; in memory 48 bytes each
	buildStep  = 1 << 20 // entries of a transaction, at most about twice; others write between two
	buildRest  = 1_000   // submissions that are entered while others wait
	buildPage  = 50_000  // submissions that are read at a time
	buildMerge = 1 << 20 // entries that move in a transaction
)

// DeferBands stops the making and merging of segments until [DB.BuildBands]. New submissions are
// entered in the table recent alone, whose hashes a search compares one by one. A second call
// does nothing.
func (d *DB) DeferBands(ctx context.Context) error {
	return d.update(ctx, "defer the search tables", func(t *tx) error {
		state, err := readSearchState(ctx, t)
		if err != nil || state.deferred {
			return err
		}
		state.deferred = true
		return t.setSearchState(ctx, state)
	})
}

// errOtherBuild: the lists of two builds would be mixed up.
var errOtherBuild = errors.New("another process builds the search tables")

// A segmentBuild makes segments of the submissions that lie in none, large ones, list by list in the
// order of the table.
type segmentBuild struct {
	d        *DB
	state    searchState
	erased   int64 // the last entry that may be an erasure and was seen
	all      numbered
	segment  segment        // of all
	gone     map[int64]bool // erased since they were read
	progress func(done, total int64)
	done     int64
	total    int64
}

// BuildBands makes the missing segments after [DB.DeferBands] or an interrupted build, and ends
// the deferral. With anew it makes all segments again. Otherwise, if segments are kept up, it
// does nothing. Others may write meanwhile. progress, if not nil, is called with the submissions
// done and an estimated total. If another process begins a build, this build ends with an error.
func (d *DB) BuildBands(ctx context.Context, anew bool, progress func(done, total int64)) error {
	b := &segmentBuild{d: d, progress: progress, gone: make(map[int64]bool)}
	if err := b.start(ctx, anew); err != nil || b.state.build == 0 {
		return err
	}
	for {
		if err := b.read(ctx); err != nil {
			return fmt.Errorf("search tables: %w", err)
		}
		if len(b.all.seqs) < buildRest {
			break
		}
		if err := b.enter(ctx); err != nil {
			return err
		}
	}
	if err := b.finish(ctx); err != nil {
		return err
	}
	if progress != nil {
		progress(b.done, b.done)
	}
	if d.dialect.Settle == "" {
		return nil
	}
	_, err := d.write.ExecContext(ctx, d.dialect.Settle)
	return err
}

// start claims the build with a random ID. Without anew it claims nothing, and leaves
// b.state.build at 0, if nothing is deferred or interrupted. It deletes the segments that an
// interrupted build has left, and with anew all segments and recent hashes. b.total is the
// number of entries to come, which is not below the number of submissions.
func (b *segmentBuild) start(ctx context.Context, anew bool) error {
	var id [8]byte
	rand.Read(id[:])
	return b.d.update(ctx, "build the search tables", func(t *tx) (err error) {
		if b.state, err = readSearchState(ctx, t); err != nil {
			return err
		}
		s := &b.state
		if !anew && !s.deferred && s.build == 0 {
			return nil
		}
		size := int64(t.tree.Size())
		if anew {
			s.upto, s.since = 0, size
		}
		b.total = size - s.upto
		if anew {
			for _, table := range []string{postingTable.name, segmentTable.name, recentTable.name} {
				if _, err := t.ExecContext(ctx, "DELETE FROM "+table); err != nil {
					return err
				}
			}
		} else if err := t.dropSegments(ctx, s.upto); err != nil {
			return err
		}
		s.deferred, s.build = true, int64(binary.LittleEndian.Uint64(id[:])>>1|1)
		return t.setSearchState(ctx, *s)
	})
}

// dropSegments removes the segments that begin with a number above upto, and their lists.
func (t *tx) dropSegments(ctx context.Context, upto int64) error {
	segments, err := segmentTable.rows(ctx, t, " WHERE first > $1", upto)
	if err != nil {
		return err
	}
	for i := range segments {
		if err := errors.Join(t.dropLists(ctx, &segments[i], 0, endPlace), t.dropSegment(ctx, &segments[i])); err != nil {
			return err
		}
	}
	return nil
}

// read reads the hashes of the next searchable submissions, about buildPart, into b.all. b.all
// then fits in one segment; it is empty if no submission is left. b.erased is the ledger's size
// before the reading: erasures that are entered later may be missed in b.all.
func (b *segmentBuild) read(ctx context.Context) (err error) {
	if b.erased, _, err = b.d.Head(ctx); err != nil {
		return err
	}
	b.all.seqs, b.all.hashes = b.all.seqs[:0], b.all.hashes[:0]
	for after := b.state.upto; len(b.all.seqs) < buildPart; {
		n := len(b.all.seqs)
		if err := b.page(ctx, b.d.read, after, buildPage); err != nil {
			return err
		}
		if len(b.all.seqs) == n {
			break
		}
		after = b.all.seqs[len(b.all.seqs)-1]
	}
	if len(b.all.seqs) > 0 {
		n := b.all.span()
		b.all.seqs, b.all.hashes = b.all.seqs[:n], b.all.hashes[:n]
	}
	return nil
}

// page appends to b.all up to limit searchable submissions with numbers above after, ascending.
func (b *segmentBuild) page(ctx context.Context, q querier, after int64, limit int64) error {
	return each(ctx, q, bindArea, func(r *areaRow) error {
		h, ok, err := searchable(r.seq, r.area, r.quality)
		if ok {
			b.all.add(r.seq, h)
		}
		return err
	}, selectArea+fmt.Sprintf(` WHERE s.seq > $1 AND s.area <> '' AND s.area_quality >= %d
		ORDER BY s.seq LIMIT $2`, phash.MinQuality), after, limit)
}

// enter makes a segment of b.all, about buildStep entries a transaction, and calls progress
// after each. Searches see the segment only from the last transaction on, which moves
// b.state.upto and drops the submissions from the table recent.
func (b *segmentBuild) enter(ctx context.Context) error {
	n := int64(len(b.all.seqs))
	if err := b.step(ctx, func(t *tx) error { return b.begin(ctx, t) }); err != nil {
		return err
	}
	wide := place(1 << bandBits)
	for wide > b.segment.values() && n*int64(wide)>>bandBits > buildStep {
		wide >>= 1
	}
	for at := place(0); at < endPlace; at += wide {
		err := b.step(ctx, func(t *tx) error {
			return t.insertLists(ctx, b.segment.lists(at, at+wide, b.entries(at, at+wide)))
		})
		if err != nil {
			return err
		}
		if b.progress != nil {
			b.progress(b.done+n*int64(at+wide)/int64(endPlace), max(b.total, b.done+n))
		}
	}
	b.done += n
	return b.step(ctx, func(t *tx) error {
		b.state.upto = b.segment.last
		return errors.Join(t.setReach(ctx, &b.segment, endPlace), t.setSearchState(ctx, b.state), t.dropRecent(ctx, b.state.upto))
	})
}

// begin numbers the segment of b.all and enters it without lists, so that erasures know of it.
func (b *segmentBuild) begin(ctx context.Context, t *tx) error {
	id, err := t.nextSegment(ctx)
	if err != nil {
		return err
	}
	n := len(b.all.seqs)
	b.segment = newSegment(id, b.all.seqs[0], b.all.seqs[n-1], int64(n))
	return insert(ctx, t, segmentTable, b.segment)
}

// entries returns the entries of b.segment from the place from (included) to the place to
// (excluded), which are in one band. It first removes the submissions in b.gone, which were
// erased since they were read, from b.all, and empties b.gone.
func (b *segmentBuild) entries(from, to place) []byte {
	if len(b.gone) == 0 {
		return b.all.entries(&b.segment, from, to)
	}
	var kept numbered
	for k, seq := range b.all.seqs {
		if !b.gone[seq] {
			kept.add(seq, b.all.hashes[k])
		}
	}
	b.all, b.gone = kept, make(map[int64]bool)
	return b.all.entries(&b.segment, from, to)
}

// step runs f in a transaction. Before f it notes in b.gone which submissions of b.all were
// erased since they were read: an erasure removes only entries that the segment already has. If
// another build has begun, step returns errOtherBuild and does not run f.
func (b *segmentBuild) step(ctx context.Context, f func(*tx) error) error {
	return b.d.update(ctx, "build the search tables", func(t *tx) error {
		state, err := readSearchState(ctx, t)
		if err != nil {
			return err
		}
		if state.build != b.state.build {
			return errOtherBuild
		}
		gone, err := erasedAfter(ctx, t, b.erased)
		if err != nil {
			return err
		}
		for _, e := range gone {
			if _, ok := slices.BinarySearch(b.all.seqs, e.Seq); ok {
				b.gone[e.Seq] = true
			}
		}
		return f(t)
	})
}

// finish makes segments of the submissions that are left, in one transaction for which other
// writers wait. In it the build and the deferral end. Then finish merges segments. If another
// build has begun, it returns errOtherBuild.
func (b *segmentBuild) finish(ctx context.Context) error {
	err := b.d.update(ctx, "build the search tables", func(t *tx) error {
		state, err := readSearchState(ctx, t)
		if err != nil {
			return err
		}
		if state.build != b.state.build {
			return errOtherBuild
		}
		b.all = numbered{}
		if err := b.page(ctx, t, state.upto, math.MaxInt64); err != nil {
			return err
		}
		for rest := b.all; len(rest.seqs) > 0; {
			n := rest.span()
			if err := t.makeSegment(ctx, numbered{rest.seqs[:n], rest.hashes[:n]}); err != nil {
				return err
			}
			state.upto = rest.seqs[n-1]
			rest = numbered{rest.seqs[n:], rest.hashes[n:]}
		}
		if err := t.dropRecent(ctx, state.upto); err != nil {
			return err
		}
		state.since, state.deferred, state.build = 0, false, 0
		return t.setSearchState(ctx, state)
	})
	if err != nil {
		return err
	}
	b.done += int64(len(b.all.seqs))
	return b.d.mergeSegments(ctx)
}

// mergeSegments merges segments until no merge is due, about buildMerge entries a transaction.
func (d *DB) mergeSegments(ctx context.Context) error {
	for more := true; more; {
		err := d.update(ctx, "build the search tables", func(t *tx) error {
			state, err := readSearchState(ctx, t)
			if err != nil {
				return err
			}
			more = true // in a transaction that is run again, too
			for left := buildMerge; left > 0; {
				moved, err := t.merge(ctx, state.upto)
				if err != nil || moved == 0 {
					more = false
					return err
				}
				left -= moved
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
