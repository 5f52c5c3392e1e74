package sqldb

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
)

// recentRow is some of the submissions that lie in no segment yet: for each its number and
// the four words of its hash, little endian.
type recentRow struct {
	seq    int64 // of the first
	hashes []byte
}

const (
	recentBytes   = 8 + 32
	recentEntries = 100 // of a row: a page of SQLite's, half of one of PostgreSQL's
)

var recentTable = table[recentRow]{"recent", columns("seq hashes"), func(r *recentRow) []any {
	return []any{&r.seq, blob{&r.hashes}}
}}

// numbered is hashes with the numbers of their submissions, ascending.
type numbered struct {
	seqs   []int64
	hashes []phash.Hash
}

// add appends a submission, whose number is above all before.
func (n *numbered) add(seq int64, h phash.Hash) {
	n.seqs, n.hashes = append(n.seqs, seq), append(n.hashes, h)
}

// appendRecent appends a submission to the hashes of a row of recent.
func appendRecent(to []byte, seq int64, h *phash.Hash) []byte {
	to = binary.LittleEndian.AppendUint64(to, uint64(seq))
	for _, w := range h.Bits {
		to = binary.LittleEndian.AppendUint64(to, w)
	}
	return to
}

// each calls f with the number and the hash of each submission of the row, in their order. All
// calls get the same h: f must copy it. The error wraps [books.ErrTampered] if the row is empty
// or has an incomplete entry at its end; f is then not called.
func (r *recentRow) each(f func(seq int64, h *phash.Hash)) error {
	if len(r.hashes) == 0 || len(r.hashes)%recentBytes != 0 {
		return tampered("a row of recent hashes has %d bytes", len(r.hashes))
	}
	h := phash.Hash{Kind: searched}
	for b := r.hashes; len(b) > 0; b = b[recentBytes:] {
		for i := range h.Bits {
			h.Bits[i] = binary.LittleEndian.Uint64(b[8*i+8:])
		}
		f(int64(binary.LittleEndian.Uint64(b)), &h)
	}
	return nil
}

// eachRecent calls f with the number and the hash of each submission in the rows of recent that
// the query with this tail selects. tail follows the table's name; args are its arguments. f must
// copy h.
func eachRecent(q blobQuery, f func(seq int64, h *phash.Hash), tail string, args ...any) error {
	return q(func(seq int64, hashes []byte) error {
		r := recentRow{seq, hashes}
		return r.each(f)
	}, recentTable.query()+tail, args...)
}

// enterRecent adds submissions to the table recent: first to its last row until that has
// recentEntries submissions, then in new rows. Numbers in all must ascend, and be above all
// numbers in the table. begun is the number of new rows.
func (t *tx) enterRecent(ctx context.Context, all numbered) (begun int, err error) {
	last, err := recentTable.one(ctx, t, " ORDER BY seq DESC LIMIT 1")
	if err != nil && !errors.Is(err, books.ErrNotFound) {
		return 0, err
	}
	if last != nil && len(last.hashes) < recentEntries*recentBytes {
		n := min(len(all.seqs), recentEntries-len(last.hashes)/recentBytes)
		for i := range n {
			last.hashes = appendRecent(last.hashes, all.seqs[i], &all.hashes[i])
		}
		if err := t.setRecent(ctx, last.seq, last.hashes); err != nil {
			return 0, err
		}
		all = numbered{all.seqs[n:], all.hashes[n:]}
	}
	rows := all.rows()
	return len(rows), insert(ctx, t, recentTable, rows...)
}

// rows returns rows of the table recent with all of n: recentEntries submissions in each row,
// fewer in the last. Without submissions the result is nil.
func (n *numbered) rows() (rows []recentRow) {
	for i, seq := range n.seqs {
		if i%recentEntries == 0 {
			rows = append(rows, recentRow{seq, make([]byte, 0, recentBytes*min(recentEntries, len(n.seqs)-i))})
		}
		row := &rows[len(rows)-1]
		row.hashes = appendRecent(row.hashes, seq, &n.hashes[i])
	}
	return rows
}

// setRecent replaces the hashes of a row of recent.
func (t *tx) setRecent(ctx context.Context, row int64, hashes []byte) error {
	_, err := t.ExecContext(ctx, "UPDATE recent SET hashes = $1 WHERE seq = $2", hashes, row)
	return err
}

// dropRecent removes the submissions with numbers up to and including upto from the table
// recent. It keeps the later submissions of a row that has both.
func (t *tx) dropRecent(ctx context.Context, upto int64) error {
	var left numbered
	err := eachRecent(blobsOf(ctx, t), func(seq int64, h *phash.Hash) {
		if seq > upto {
			left.add(seq, *h)
		}
	}, " WHERE seq <= $1 ORDER BY seq DESC LIMIT 1", upto)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, "DELETE FROM recent WHERE seq <= $1", upto); err != nil {
		return err
	}
	return insert(ctx, t, recentTable, left.rows()...)
}

// strike removes submission seq from the table recent, and the row if nothing else is in it. If
// the table does not have the submission, strike does nothing.
func (t *tx) strike(ctx context.Context, seq int64) error {
	row, err := recentTable.one(ctx, t, " WHERE seq <= $1 ORDER BY seq DESC LIMIT 1", seq)
	if errors.Is(err, books.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var left []byte
	if err := row.each(func(s int64, h *phash.Hash) {
		if s != seq {
			left = appendRecent(left, s, h)
		}
	}); err != nil {
		return err
	}
	switch {
	case len(left) == len(row.hashes):
		return nil
	case len(left) == 0:
		_, err = t.ExecContext(ctx, "DELETE FROM recent WHERE seq = $1", row.seq)
	default:
		err = t.setRecent(ctx, row.seq, left)
	}
	return err
}
