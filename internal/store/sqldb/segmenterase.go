package sqldb

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
)

// eraseHashes removes submissions from the search tables. rows are the submissions as they were
// before the erasure, with their hashes. Submissions that cannot be searched are passed over. If
// a hash is malformed, because it was edited, eraseHashes looks in all lists.
func eraseHashes(ctx context.Context, t *tx, rows []books.Submission) error {
	segments, err := readSegments(ctx, t, math.MaxInt64)
	if err != nil {
		return err
	}
	for i := range rows {
		h, ok, err := searchable(rows[i].Seq, rows[i].Area, rows[i].AreaQuality)
		if err == nil && !ok {
			continue
		}
		keep := &h
		if err != nil { // the hash was edited: look everywhere
			keep = nil
		}
		if err := t.erase(ctx, segments, rows[i].Seq, keep); err != nil {
			return fmt.Errorf("search tables: %w", err)
		}
	}
	return nil
}

// erase removes submission seq from all segments and from the table recent. h is its hash, or
// nil if the hash is unknown and all lists must be searched. segments are all segments: lists
// that move, or are being made, may have the submission in either segment.
func (t *tx) erase(ctx context.Context, segments []segment, seq int64, h *phash.Hash) error {
	for i := range segments {
		if seq >= segments[i].first && seq <= segments[i].last {
			if err := t.eraseFrom(ctx, &segments[i], seq, h); err != nil {
				return err
			}
		}
	}
	return t.strike(ctx, seq)
}

// eraseFrom removes the entries of submission seq from the lists of segment l. If h is its hash,
// eraseFrom reads only the lists that h belongs to; if h is nil, it reads all lists of l. Empty
// lists are deleted. A damaged list is an error that wraps [books.ErrTampered].
func (t *tx) eraseFrom(ctx context.Context, l *segment, seq int64, h *phash.Hash) (err error) {
	var changed []posting
	see := func(p *posting) error {
		if left, ok := p.without(uint32(seq - l.first)); ok {
			changed = append(changed, posting{p.id, left})
		}
		return p.damaged()
	}
	if h != nil {
		keys := make([]int64, bandCount)
		for i := range keys {
			keys[i] = l.key(placeOf(i, bandOf(h, i)) &^ (l.values() - 1))
		}
		err = readLists(blobsOf(ctx, t), t.dialect, keys, see)
	} else {
		err = eachList(blobsOf(ctx, t), see, postingTable.query()+" WHERE id >= $1 AND id < $2", l.key(0), l.key(endPlace))
	}
	if err != nil {
		return err
	}
	for _, p := range changed {
		if len(p.entries) == 0 {
			_, err = t.ExecContext(ctx, "DELETE FROM posting WHERE id = $1", p.id)
		} else {
			_, err = t.ExecContext(ctx, "UPDATE posting SET entries = $1 WHERE id = $2", p.entries, p.id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// without returns a copy of p's entries except the entries with that offset, and whether p has
// such entries. offset is the submission's number minus the first number of the segment. If
// found is false, left is nil.
func (p *posting) without(offset uint32) (left []byte, found bool) {
	for e := p.entries; len(e) >= entryBytes; e = e[entryBytes:] {
		if binary.LittleEndian.Uint32(e[entryBytes-4:]) == offset {
			found = true
		}
	}
	if !found {
		return nil, false
	}
	for e := p.entries; len(e) >= entryBytes; e = e[entryBytes:] {
		if binary.LittleEndian.Uint32(e[entryBytes-4:]) != offset {
			left = append(left, e[:entryBytes]...)
		}
	}
	return left, true
}
