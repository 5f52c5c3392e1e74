package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/internal/tlog"
)

// CreateEmpty brings an empty database to the latest schema, for [Transfer] to fill.
// Until that is done it is no registry, and [Open] refuses it. It closes the
// connections when it fails.
func CreateEmpty(ctx context.Context, dialect Dialect, write, read *sql.DB) (*DB, error) {
	d := newDB(dialect, write, read)
	err := d.migrate(ctx)
	if err == nil {
		err = d.mustBeEmpty(ctx)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func (d *DB) mustBeEmpty(ctx context.Context) error {
	for _, s := range append(transferred, transferStep{table: infoTable.name}) {
		var n int
		if err := d.read.QueryRowContext(ctx, "SELECT count(*) FROM "+s.table).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: it holds rows, of a registry or of a copy that was interrupted", store.ErrConflict)
		}
	}
	return nil
}

// Transfer copies a registry, as it is at one moment, into a database of
// [CreateEmpty], checks the copy and compares the roots of the ledgers. Size and root
// are those of the copy. Progress, where it is not nil, is told how many rows of how
// many are there. What an error or a kill leaves is no registry, or a whole one whose
// search tables [DB.BuildBands] has to complete.
func Transfer(ctx context.Context, from, to *DB, progress func(done, total int)) (size int64, root tlog.Hash, err error) {
	source, err := from.read.BeginTx(ctx, from.dialect.Snapshot)
	if err != nil {
		return 0, root, err
	}
	defer source.Rollback()
	t := &transfer{ctx: ctx, from: source, to: to, progress: progress}
	if err := t.rows(); err != nil {
		return 0, root, err
	}
	if size, root, err = readHead(ctx, source, ""); err != nil {
		return 0, root, err
	}
	if err := t.finish(size, root); err != nil {
		return 0, root, err
	}
	if to.info, err = to.readInfo(ctx); err != nil {
		return size, root, err
	}
	return size, root, to.BuildBands(ctx, false, nil)
}

type transfer struct {
	ctx         context.Context
	from        querier
	to          *DB
	progress    func(done, total int)
	done, total int
}

// A transferStep copies one table.
type transferStep struct {
	table string
	run   func(*transfer) error
}

// Rows that are written at a time. Sealed ones hold pictures.
const (
	transferRows   = 2000
	transferSealed = 8
)

// transferred are all tables but the registry's name, which comes last, and the
// ledger's head: each after those that it refers to.
var transferred = []transferStep{
	all(recipientTable, "seq", transferRows),
	all(markKeyTable, "seq", transferRows),
	all(keyStateTable, "seq", transferRows),
	all(submissionTable, "seq", transferRows),
	all(sealedTable, "submission", transferSealed),
	all(erasureTable, "seq", transferRows),
	all(erasureListTable, "erasure, submission", transferRows),
	all(copyTable, "seq", transferRows),
	all(receiptTable, "seq", transferRows),
	all(custodyTable, "seq", transferRows),
	all(custodyListTable, "custody, submission", transferRows),
	all(investigationTable, "seq", transferRows),
	all(ledgerTable, "seq", transferRows),
	all(checkpointTable, "size", transferRows),
}

func (t *transfer) rows() error {
	for _, s := range transferred {
		var n int
		if err := t.from.QueryRowContext(t.ctx, "SELECT count(*) FROM "+s.table).Scan(&n); err != nil {
			return fmt.Errorf("%s: %w", s.table, err)
		}
		t.total += n
	}
	for _, s := range transferred {
		if err := s.run(t); err != nil {
			return fmt.Errorf("copy the rows of %s: %w", s.table, err)
		}
	}
	return nil
}

// all copies the rows of a table in an order, some at a time.
func all[T any](from table[T], order string, atATime int) transferStep {
	return transferStep{from.name, func(t *transfer) error {
		rows, err := t.from.QueryContext(t.ctx, from.query()+" ORDER BY "+order)
		if err != nil {
			return err
		}
		defer rows.Close()
		var batch []T
		for more := true; more; {
			if more = rows.Next(); more {
				batch = append(batch, *new(T))
				if err := rows.Scan(from.bind(&batch[len(batch)-1])...); err != nil {
					return err
				}
			}
			if len(batch) == atATime || !more {
				if err := t.write(func(to *tx) error { return insert(t.ctx, to, from, batch...) }); err != nil {
					return err
				}
				if t.done += len(batch); t.progress != nil {
					t.progress(t.done, t.total)
				}
				batch = nil
			}
		}
		return rows.Err()
	}}
}

// write runs f in a transaction of the copy, past its ledger.
func (t *transfer) write(f func(*tx) error) error {
	conn, err := t.to.write.Conn(t.ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	raw, err := conn.BeginTx(t.ctx, t.to.dialect.Write)
	if err != nil {
		return err
	}
	defer raw.Rollback()
	if err := f(&tx{Tx: raw, conn: conn, dialect: &t.to.dialect}); err != nil {
		return err
	}
	return raw.Commit()
}

// finish enters the head and the registry's name in the transaction in which the copy
// is checked, so that it is no registry before.
func (t *transfer) finish(size int64, root tlog.Hash) error {
	info, err := infoTable.one(t.ctx, t.from, "")
	if err != nil {
		return err
	}
	return t.write(func(to *tx) error {
		if err := insert(t.ctx, to, infoTable, *info); err != nil {
			return err
		}
		if _, err := to.ExecContext(t.ctx, "UPDATE ledger_head SET size = $1, root = $2 WHERE one = 1", size, root[:]); err != nil {
			return err
		}
		if err := to.setSearchState(t.ctx, searchState{since: size, deferred: true}); err != nil {
			return err
		}
		n, sum, err := check(t.ctx, to)
		if err == nil && (n != size || sum != root) {
			err = errors.New("the copy has another ledger")
		}
		return err
	})
}
