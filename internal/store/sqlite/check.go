package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kycmark/kycmark/internal/store"
)

// Check recomputes the chain and holds every entry against the row that carries
// its number, all in one snapshot. As numbers are unique in each table, equal
// counts then leave no row without an entry.
func (d *DB) Check(ctx context.Context) (size int64, head [32]byte, err error) {
	tx, err := d.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return 0, head, err
	}
	defer tx.Rollback()
	c := checker{ctx: ctx, tx: tx, seen: make(map[string]int64)}
	if err := c.chain(); err != nil {
		return 0, head, err
	}
	wantSize, wantHead, err := readHead(ctx, tx)
	if err != nil {
		return 0, head, err
	}
	if wantSize != c.size || wantHead != c.head {
		return 0, head, tampered("the ledger ends at entry %d, where %d entries were written", c.size, wantSize)
	}
	if err := c.counts(); err != nil {
		return 0, head, err
	}
	return c.size, c.head, nil
}

func tampered(format string, args ...any) error {
	return fmt.Errorf("%w: %s", store.ErrTampered, fmt.Sprintf(format, args...))
}

type checker struct {
	ctx  context.Context
	tx   *sql.Tx
	size int64
	head [32]byte
	seen map[string]int64 // entries by kind
}

type ledgerRow struct {
	seq         int64
	entry, hash []byte
}

func scanLedger(s scanner) (r ledgerRow, err error) {
	err = s.Scan(&r.seq, &r.entry, &r.hash)
	return r, err
}

// page is how many entries are read at a time: rows are looked up in between, on
// the same connection.
const page = 1000

func (c *checker) chain() error {
	for {
		rows, err := collect(c.ctx, c.tx, scanLedger, ledgerSQL, c.size, page)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := c.entry(r); err != nil {
				return err
			}
		}
		if len(rows) < page {
			return nil
		}
	}
}

func (c *checker) entry(r ledgerRow) error {
	if r.seq != c.size+1 {
		return tampered("entry %d is missing", c.size+1)
	}
	if c.head = store.Chain(c.head, r.entry); string(c.head[:]) != string(r.hash) {
		return tampered("entry %d does not follow from those before it", r.seq)
	}
	e, err := store.ParseEntry(r.entry)
	if err != nil {
		return tampered("entry %d: %v", r.seq, err)
	}
	if e.Seq != r.seq {
		return tampered("entry %d calls itself %d", r.seq, e.Seq)
	}
	c.size = r.seq
	c.seen[e.Kind]++
	return c.row(e)
}

// row compares an entry with the commitment of the row that it stands for.
func (c *checker) row(e store.Entry) error {
	row, err := c.find(e.Kind, e.Seq)
	if errors.Is(err, store.ErrNotFound) {
		return tampered("the %s of entry %d was removed", e.Kind, e.Seq)
	}
	if err != nil {
		return fmt.Errorf("%s of entry %d: %w", e.Kind, e.Seq, err)
	}
	want := row.Entry()
	if want.Commitment != e.Commitment || want.Kind != e.Kind || want.Time.UnixMicro() != e.Time.UnixMicro() {
		return tampered("the %s of entry %d was edited", e.Kind, e.Seq)
	}
	return nil
}

func (c *checker) find(kind string, seq int64) (store.Row, error) {
	const where = " WHERE seq = ?"
	switch kind {
	case store.KindRegistry:
		return one(c.ctx, c.tx, scanInfo, registrySQL+where, seq)
	case store.KindRecipient:
		return one(c.ctx, c.tx, scanRecipient, recipientSQL+where, seq)
	case store.KindKey:
		return one(c.ctx, c.tx, scanMarkKey, markKeySQL+where, seq)
	case store.KindSubmission:
		return one(c.ctx, c.tx, scanSubmission, submissionSQL+where, seq)
	case store.KindIssue:
		return one(c.ctx, c.tx, scanCopy, copySQL+where, seq)
	case store.KindCustody:
		rows, err := custody(c.ctx, c.tx, custodySQL+where, seq)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, store.ErrNotFound
		}
		return rows[0], nil
	}
	return nil, tampered("entry %d is of the unknown kind %q", seq, kind)
}

// counts finds rows that no entry stands for.
func (c *checker) counts() error {
	kinds := []string{store.KindRegistry, store.KindRecipient, store.KindKey, store.KindSubmission, store.KindIssue, store.KindCustody}
	n := make([]int64, len(kinds))
	var sealed, listed, announced int64
	dest := make([]any, 0, len(n)+3)
	for i := range n {
		dest = append(dest, &n[i])
	}
	dest = append(dest, &sealed, &listed, &announced)
	if err := c.tx.QueryRowContext(c.ctx, countsSQL).Scan(dest...); err != nil {
		return err
	}
	for i, kind := range kinds {
		if n[i] != c.seen[kind] {
			return tampered("%d rows of %s, but %d entries", n[i], kind, c.seen[kind])
		}
	}
	if listed != announced {
		return tampered("custody lists %d submissions, but %d were entered", listed, announced)
	}
	var seq int64
	switch err := c.tx.QueryRowContext(c.ctx, unsealedSQL).Scan(&seq); {
	case err == nil:
		return tampered("the sealed original of entry %d was removed", seq)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	if sealed != c.seen[store.KindSubmission] {
		return tampered("%d sealed originals of %d submissions", sealed, c.seen[store.KindSubmission])
	}
	return nil
}
