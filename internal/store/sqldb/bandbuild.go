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
	buildPart = 1 << 23 // submissions whose hashes are in memory at a time, 56 bytes each
	buildRows = 100_000 // rows of one transaction; others write between two
	buildRest = 1_000   // submissions that are entered while others wait
)

// DeferBands stops the upkeep of the band rows.
func (d *DB) DeferBands(ctx context.Context) error {
	return d.update(ctx, func(t *tx) error {
		state, err := readBandState(ctx, t)
		if err != nil || state.upto != allBands {
			return err
		}
		return t.setBandState(ctx, int64(t.tree.Size()), 0)
	})
}

// errOtherBuild: the rows of two builds would be mixed up.
var errOtherBuild = errors.New("another process builds the search tables")

// A bandBuild enters the band rows that are missing, band by band in the order of the
// table: rows that lie beside each other are entered together, which is what makes
// it fast.
type bandBuild struct {
	d        *DB
	id       int64
	upto     int64 // submissions up to this one are done
	erased   int64 // the last entry that may be an erasure and was seen
	seqs     []int64
	hashes   []phash.Hash   // of seqs
	gone     map[int64]bool // erased since they were read
	progress func(done, total int64)
	done     int64
	total    int64
}

// BuildBands enters the band rows that are missing, or all of them anew.
func (d *DB) BuildBands(ctx context.Context, anew bool, progress func(done, total int64)) error {
	b := &bandBuild{d: d, progress: progress, gone: make(map[int64]bool)}
	if err := b.start(ctx, anew); err != nil || b.upto == allBands {
		return err
	}
	for {
		if err := b.read(ctx); err != nil {
			return fmt.Errorf("search tables: %w", err)
		}
		if len(b.seqs) < buildRest {
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

// start claims the build and removes what an interrupted one has left.
func (b *bandBuild) start(ctx context.Context, anew bool) error {
	var id [8]byte
	rand.Read(id[:])
	b.id = int64(binary.LittleEndian.Uint64(id[:])>>1 | 1)
	return b.d.update(ctx, func(t *tx) error {
		state, err := readBandState(ctx, t)
		if err != nil {
			return err
		}
		b.upto = state.upto
		if anew {
			b.upto = 0
		}
		if b.upto == allBands {
			return nil
		}
		b.total = int64(t.tree.Size()) - b.upto
		if anew || state.build != 0 {
			if _, err := t.ExecContext(ctx, "DELETE FROM band WHERE seq > $1", b.upto); err != nil {
				return err
			}
		}
		return t.setBandState(ctx, b.upto, b.id)
	})
}

// read reads the hashes of the next part.
func (b *bandBuild) read(ctx context.Context) (err error) {
	if b.erased, _, err = b.d.Head(ctx); err != nil {
		return err
	}
	b.seqs, b.hashes = b.seqs[:0], b.hashes[:0]
	for after := b.upto; len(b.seqs) < buildPart; {
		n := len(b.seqs)
		if err := b.page(ctx, b.d.read, after, maxList); err != nil || len(b.seqs) == n {
			return err
		}
		after = b.seqs[len(b.seqs)-1]
	}
	return nil
}

// page reads up to limit searchable submissions after a number.
func (b *bandBuild) page(ctx context.Context, q querier, after int64, limit int64) error {
	return each(ctx, q, bindArea, func(r *areaRow) error {
		h, ok, err := searchable(r.seq, r.area, r.quality)
		if ok {
			b.seqs, b.hashes = append(b.seqs, r.seq), append(b.hashes, h)
		}
		return err
	}, selectArea+fmt.Sprintf(` WHERE s.seq > $1 AND s.area <> '' AND s.area_quality >= %d
		ORDER BY s.seq LIMIT $2`, phash.MinQuality), after, limit)
}

// enter enters the rows of a part and says so.
func (b *bandBuild) enter(ctx context.Context) error {
	all := make([]place, len(b.seqs))
	for i := range bandCount {
		all = all[:0]
		for k, seq := range b.seqs {
			all = append(all, placeOf(i, bandAt(i).value(&b.hashes[k]), seq))
		}
		slices.Sort(all)
		for part := range slices.Chunk(all, buildRows) {
			if err := b.step(ctx, func(t *tx) error { return t.insertPlaces(ctx, b.kept(part)) }); err != nil {
				return err
			}
		}
		if b.progress != nil {
			b.progress(b.done+int64(len(b.seqs))*int64(i+1)/bandCount, max(b.total, b.done+int64(len(b.seqs))))
		}
	}
	b.done += int64(len(b.seqs))
	last := b.seqs[len(b.seqs)-1]
	if err := b.step(ctx, func(t *tx) error { return t.setBandState(ctx, last, b.id) }); err != nil {
		return err
	}
	b.upto = last
	return nil
}

// kept leaves out the rows of submissions that were erased since they were read.
func (b *bandBuild) kept(all []place) []place {
	if len(b.gone) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(p place) bool { return b.gone[p.seq()] })
}

// step runs f in a transaction, after the rows of what was erased were removed: an
// erasure removes those that it sees, this build may have entered others since.
func (b *bandBuild) step(ctx context.Context, f func(*tx) error) error {
	return b.d.update(ctx, func(t *tx) error {
		state, err := readBandState(ctx, t)
		if err != nil {
			return err
		}
		if state.build != b.id {
			return errOtherBuild
		}
		gone, err := erasedAfter(ctx, t, b.erased)
		if err != nil {
			return err
		}
		for _, e := range gone {
			k, ok := slices.BinarySearch(b.seqs, e.Seq)
			if !ok {
				continue
			}
			if err := t.deletePlaces(ctx, places(nil, e.Seq, &b.hashes[k])); err != nil {
				return err
			}
			b.gone[e.Seq] = true
		}
		return f(t)
	})
}

// finish enters the last few while others wait, and ends the build.
func (b *bandBuild) finish(ctx context.Context) error {
	err := b.d.update(ctx, func(t *tx) error {
		state, err := readBandState(ctx, t)
		if err != nil {
			return err
		}
		if state.build != b.id {
			return errOtherBuild
		}
		b.seqs, b.hashes = b.seqs[:0], b.hashes[:0]
		if err := b.page(ctx, t, b.upto, math.MaxInt64); err != nil {
			return err
		}
		var all []place
		for k, seq := range b.seqs {
			all = places(all, seq, &b.hashes[k])
		}
		slices.Sort(all)
		if err := t.insertPlaces(ctx, all); err != nil {
			return err
		}
		return t.setBandState(ctx, allBands, 0)
	})
	b.done += int64(len(b.seqs))
	return err
}
