package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/tlog"
)

// mustBeEmpty returns an error that wraps [books.ErrConflict] if any table holds rows, except
// the ledger's head and the segments.
func (d *DB) mustBeEmpty(ctx context.Context) error {
	for _, s := range append(transferred, transferStep{table: infoTable.name}) {
		n, err := count(ctx, d.read, s.table)
		if err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: it holds rows, of a registry or of a copy that was interrupted", books.ErrConflict)
		}
	}
	return nil
}

// count returns how many rows a table has.
func count(ctx context.Context, q querier, table string) (n int, err error) {
	if err = q.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		err = fmt.Errorf("%s: %w", table, err)
	}
	return n, err
}

// Transfer copies the registry from, in its state at one moment, into to, a database of
// [OpenCopy]. It checks the copy and compares the roots of the ledgers. Size (entries) and root
// are the copy's. progress, if not nil, is called with the rows copied and the total. Transfer
// closes neither database.
//
// After an error or a kill the copy is no registry. The next Transfer from the same registry
// continues the copy, whatever was written to the source or erased from it meanwhile. If the
// copy is whole, Transfer only frees old data in its files and builds its segments. An
// interrupted copy of another registry is left alone, and the error wraps [books.ErrConflict]. A
// whole copy that differs from the source is left alone, and the error wraps [fs.ErrExist].
func Transfer(ctx context.Context, from, to *DB, progress func(done, total int)) (size int64, root tlog.Hash, err error) {
	source, err := from.read.BeginTx(ctx, from.dialect.Snapshot)
	if err != nil {
		return 0, root, err
	}
	defer source.Rollback()
	t := &transfer{ctx: ctx, from: source, of: from, to: to, progress: progress}
	if t.info, err = infoTable.one(ctx, source, ""); err != nil {
		return 0, root, err
	}
	t.info.Originals = to.originals.address
	if size, root, err = readHead(ctx, source, ""); err != nil {
		return 0, root, err
	}
	if whole, err := t.whole(size, root); err != nil {
		return 0, root, err
	} else if !whole {
		if err := t.rows(); err != nil {
			return 0, root, err
		}
		if err := t.finish(size, root); err != nil {
			return 0, root, err
		}
	}
	to.info = t.info
	if err := errors.Join(to.removeErased(ctx), t.scrub()); err != nil {
		return 0, root, err
	}
	return size, root, to.BuildSegments(ctx, nil, books.BuildDue, nil)
}

type transfer struct {
	ctx         context.Context
	from        querier
	of          *DB         // that from reads
	info        *books.Info // of the registry that is copied
	to          *DB
	progress    func(done, total int)
	done, total int
}

// scrub frees old data in the copy's files if anything was ever erased from the source. An
// earlier run may have copied that data, and have been killed after it erased the data again.
func (t *transfer) scrub() error {
	if t.to.dialect.Scrub == nil {
		return nil
	}
	if n, err := count(t.ctx, t.from, erasureTable.name); err != nil || n == 0 {
		return err
	}
	return t.to.dialect.Scrub(t.ctx, t.to.write)
}

// A transferStep copies the rows of one table that are not there.
type transferStep struct {
	table string
	run   func(*transfer) error
}

// Rows that are written at a time. Sealed ones hold pictures.
const (
	transferRows   = 2000
	transferSealed = 8
)

// transferred lists all tables except the registry's name, which comes last, and the
// ledger's head. The ledger comes first, since it says which registry is copied. Each table
// comes after the tables that it refers to.
var transferred = []transferStep{
	all(ledgerTable, transferRows, "seq"),
	all(recipientTable, transferRows, "seq"),
	all(markKeyTable, transferRows, "seq"),
	all(keyStateTable, transferRows, "seq"),
	all(submissionTable, transferRows, "seq"),
	all(subjectTable, transferRows, "seq"),
	{sealedTable.name, (*transfer).sealed},
	all(erasureTable, transferRows, "seq"),
	all(erasureListTable, transferRows, "erasure", "submission"),
	all(copyTable, transferRows, "seq"),
	all(releaseTable, transferRows, "seq"),
	all(receiptTable, transferRows, "seq"),
	all(custodyTable, transferRows, "seq"),
	all(custodyListTable, transferRows, "custody", "submission"),
	all(handOnTable, transferRows, "seq"),
	all(investigationTable, transferRows, "seq"),
	all(conclusionTable, transferRows, "seq"),
	all(checkpointTable, transferRows, "size"),
	all(cosignedTable, transferRows, "seq"),
}

// rows copies the rows that the copy does not have yet, table by table, in the order of
// transferred. It first resumes an interrupted copy. t.total becomes the number of rows of the
// source, and t.done the number in the copy. Errors name the table.
func (t *transfer) rows() error {
	if err := t.resume(); err != nil {
		return err
	}
	for _, s := range transferred {
		n, err := count(t.ctx, t.from, s.table)
		if err != nil {
			return err
		}
		t.total += n
	}
	for _, s := range transferred {
		n, err := count(t.ctx, t.to.read, s.table)
		if err == nil {
			t.done += n
			err = s.run(t)
		}
		if err != nil {
			return fmt.Errorf("copy the rows of %s: %w", s.table, err)
		}
	}
	return nil
}

// all returns the step that copies the table from in the order of key, atATime rows a
// transaction. key names columns that identify a row. The step begins behind the largest key in
// the copy: all smaller keys must be there.
func all[T any](from table[T], atATime int, key ...string) transferStep {
	return transferStep{from.name, func(t *transfer) error {
		where, args := "", []any(nil)
		switch last, err := from.one(t.ctx, t.to.read, " ORDER BY "+strings.Join(key, " DESC, ")+" DESC LIMIT 1"); {
		case err == nil:
			bound := from.bind(last)
			for _, k := range key {
				args = append(args, bound[slices.Index(from.columns, k)])
			}
			where = " WHERE (" + strings.Join(key, ", ") + ") > " + in(1, len(key))
		case !errors.Is(err, books.ErrNotFound):
			return err
		}
		return stream(t, from, atATime, func(*T) error { return nil }, where+" ORDER BY "+strings.Join(key, ", "), args...)
	}}
}

// sealed copies the sealed rows that the copy does not have, in the order of the submissions'
// numbers. In the order of their random IDs it would be unknown how far a copy has come. It
// opens no seal.
func (t *transfer) sealed() error {
	const by = " JOIN submission s ON s.id = sealed.submission"
	var last int64
	err := t.to.read.QueryRowContext(t.ctx, "SELECT s.seq FROM sealed"+by+" ORDER BY s.seq DESC LIMIT 1").Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := t.sameObjects(); err != nil {
		return err
	}
	return stream(t, sealedTable, transferSealed, t.original, by+" WHERE s.seq > $1 ORDER BY s.seq", last)
}

// sameObjects checks that what an interrupted copy keeps as objects is in this place. The error wraps
// [books.ErrConflict] if it is not.
func (t *transfer) sameObjects() error {
	last, err := sealedTable.one(t.ctx, t.to.read, " WHERE object_size > 0 LIMIT 1")
	if errors.Is(err, books.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = t.to.fetch(t.ctx, last)
	}
	if errors.Is(err, books.ErrSealed) {
		err = fmt.Errorf("%w: the interrupted copy keeps its originals at another place: %w", books.ErrConflict, err)
	}
	return err
}

// original brings the original of a sealed row to where the copy keeps originals. An object that is there
// already, from an earlier copy, is not copied again: objects never change.
func (t *transfer) original(x *sealedRow) error {
	if place := t.to.place(); place != nil && x.Object.Size > 0 {
		switch size, err := place.Size(t.ctx, x.Object.Name); {
		case err == nil && size == x.Object.Size:
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if err := t.of.fetch(t.ctx, x); err != nil {
		return fmt.Errorf("submission %s: %w", x.of, err)
	}
	x.Object = books.Object{}
	return t.to.put(t.ctx, &x.Sealed)
}

// stream copies the rows that the query with this tail selects from the table from, in
// transactions of atATime rows. each changes a row before it is
// written. tail follows the table's name; args are its arguments. progress is
// called after each transaction. After an error the earlier transactions stay.
func stream[T any](t *transfer, from table[T], atATime int, each func(*T) error, tail string, args ...any) error {
	rows, err := t.from.QueryContext(t.ctx, from.query()+tail, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var batch []T
	for more := true; more; {
		if more = rows.Next(); more {
			batch = append(batch, *new(T))
			if err := rows.Scan(from.bind(&batch[len(batch)-1])...); err != nil {
				return unreadable(err)
			}
			if err := each(&batch[len(batch)-1]); err != nil {
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
}

// write runs f in a transaction of the copy. The tx has no tree, and nothing locks the ledger: f
// must insert entries like other rows and never call append. An error of f rolls back.
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

// finish enters the head of the ledger (size in entries, and root) and the registry's name. It then
// checks the copy, all in one transaction. So a copy with another root, or that does not verify, never becomes a registry.
func (t *transfer) finish(size int64, root tlog.Hash) error {
	return t.write(func(to *tx) error {
		if err := insert(t.ctx, to, infoTable, *t.info); err != nil {
			return err
		}
		if _, err := to.ExecContext(t.ctx, "UPDATE ledger_head SET size = $1, root = $2 WHERE one = 1", size, root[:]); err != nil {
			return err
		}
		if err := to.makeLists(t.ctx, size); err != nil {
			return err
		}
		n, sum, err := check(t.ctx, to)
		if err == nil && (n != size || sum != root) {
			err = errors.New("the copy has another ledger")
		}
		return err
	})
}
