package experiments

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kycmark/kycmark/internal/books"
)

// Hash rows alone: what is kept of an upload of which nothing but the hashes is kept, with
// the indexes of the table, but without its entry in the ledger. No check of the
// registry holds afterwards.

// A bareFunc makes a connection that enters rows, each call in a transaction.
type bareFunc func(context.Context) (add func([]books.Upload) error, done func() error, err error)

// mostRows is the most rows that are entered alone beside a ledger's registry.
const mostRows = 1_000_000

var bareColumns = []string{"seq", "id", "sha256", "size", "format", "decoder", "width", "height", "submitted", "received",
	"subject", "hash", "area", "chain", "quality", "area_quality", "kept", "salt", "erased"}

func bareRow(u *books.Upload) []any {
	return []any{u.Seq, u.ID[:], u.SHA256[:], u.Size, u.Format, u.Decoder, u.Width, u.Height, u.Submitted.UnixMicro(),
		u.Received.UnixMicro(), u.Subject, u.Hash, u.Area, u.Chain, u.Quality, u.AreaQuality, 0, u.Salt[:], 0}
}

// fill enters the rows of all uploads, with IDs that ascend and without subjects: where
// nothing asks for these their indexes are only in the way.
func (r *registryRun) fill(ctx context.Context) error {
	if err := r.db.DeferBands(ctx); err != nil {
		return err
	}
	_, _, err := r.enterRows(ctx, r.out.Size, func(u *books.Upload) {
		binary.BigEndian.PutUint64(u.ID[:], uint64(u.Seq))
		u.Subject = ""
	})
	return err
}

// rows enters rows in a store of their own.
func (r *registryRun) rows(ctx context.Context) (err error) {
	kept := *r
	if err := r.open(ctx); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, r.usage.close())
		r.db, r.usage = kept.db, kept.usage
	}()
	r.out.Rows, r.out.RowsCPU, err = r.enterRows(ctx, min(r.out.Size, mostRows), func(*books.Upload) {})
	return err
}

func (r *registryRun) enterRows(ctx context.Context, n int, change func(*books.Upload)) (rate, us Number, err error) {
	add, done, err := r.usage.bare(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, done()) }()
	seq := int64(1) // the registry's own entry
	return r.timed(ctx, 0, n, bulkBatch, func(uploads []books.Upload) error {
		for i := range uploads {
			seq++
			uploads[i].Seq = seq
			change(&uploads[i])
		}
		return add(uploads)
	})
}

// bareSQLite enters rows in a file, with the settings of a registry's writer.
func bareSQLite(path string) bareFunc {
	return func(ctx context.Context) (func([]books.Upload) error, func() error, error) {
		db, err := sql.Open("sqlite", "file:"+path+
			"?_txlock=immediate&_synchronous=FULL&_pragma=cache_size(-131072)&_pragma=wal_autocheckpoint(8000)")
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(1)
		return func(uploads []books.Upload) error { return insertSQLite(ctx, db, uploads) }, db.Close, nil
	}
}

func insertSQLite(ctx context.Context, db *sql.DB, uploads []books.Upload) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	stmt, err := tx.PrepareContext(ctx, `INSERT INTO submission (`+strings.Join(bareColumns, ", ")+`) VALUES (?`+
		strings.Repeat(", ?", len(bareColumns)-1)+`)`)
	if err != nil {
		return err
	}
	defer stmt.Close()
	for i := range uploads {
		if _, err := stmt.ExecContext(ctx, bareRow(&uploads[i])...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// barePostgres enters rows in the schema that the connection searches.
func barePostgres(conn *pgx.Conn) bareFunc {
	return func(ctx context.Context) (func([]books.Upload) error, func() error, error) {
		return func(uploads []books.Upload) error {
			_, err := conn.CopyFrom(ctx, pgx.Identifier{"submission"}, bareColumns,
				pgx.CopyFromSlice(len(uploads), func(i int) ([]any, error) { return bareRow(&uploads[i]), nil }))
			return err
		}, func() error { return nil }, nil
	}
}
