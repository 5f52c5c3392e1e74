package sqldb

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
)

// eraseHashes removes submissions that are erased from what they are found by.
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

// erase removes a submission of a hash, or of any where h is nil, wherever it stands: lists
// that move, or are being made, may have it on either side.
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

// eraseFrom removes the entries of submission seq from the lists of a segment: from the lists that
// its hash h belongs to or, if h is nil, from whatever list has it.
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

// without returns a copy of the entries except the entries of an offset, and whether there
// were entries of that offset.
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
