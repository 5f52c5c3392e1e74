package bench

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kycmark/kycmark/internal/store"
)

// Hash rows alone: what is kept of an upload of which nothing but the hashes is kept, with
// the indexes of the table, but without its entry in the ledger. No check of the
// registry holds afterwards.

// A bareFunc enters rows in one transaction.
type bareFunc func(ctx context.Context, uploads []store.Upload) error

// mostRows is the most rows that are entered alone beside a ledger's registry.
const mostRows = 1_000_000

var bareColumns = []string{"seq", "id", "sha256", "size", "format", "decoder", "width", "height", "submitted", "received",
	"subject", "hash", "area", "chain", "quality", "area_quality", "kept", "salt", "erased"}

func bareRow(u *store.Upload) []any {
	return []any{u.Seq, u.ID[:], u.SHA256[:], u.Size, u.Format, u.Decoder, u.Width, u.Height, u.Submitted.UnixMicro(),
		u.Received.UnixMicro(), u.Subject, u.Hash, u.Area, u.Chain, u.Quality, u.AreaQuality, 0, u.Salt[:], 0}
}

// fill enters the rows of all uploads.
func (r *registryRun) fill(ctx context.Context) error {
	if err := r.db.DeferBands(ctx); err != nil {
		return err
	}
	return r.enterRows(ctx, r.out.Size)
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
	return r.enterRows(ctx, min(r.out.Size, mostRows))
}

func (r *registryRun) enterRows(ctx context.Context, n int) (err error) {
	seq := int64(1) // the registry's own entry
	r.out.Rows, r.out.RowsCPU, err = r.timed(ctx, 0, n, bulkBatch, func(uploads []store.Upload) error {
		for i := range uploads {
			seq++
			uploads[i].Seq = seq
		}
		return r.usage.bare(ctx, uploads)
	})
	return err
}

// bareSQLite enters rows in a file.
func bareSQLite(path string) bareFunc {
	return func(ctx context.Context, uploads []store.Upload) error {
		db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_synchronous=FULL")
		if err != nil {
			return err
		}
		defer db.Close()
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
}

// barePostgres enters rows in the schema that the connection searches.
func barePostgres(conn *pgx.Conn) bareFunc {
	return func(ctx context.Context, uploads []store.Upload) error {
		_, err := conn.CopyFrom(ctx, pgx.Identifier{"submission"}, bareColumns,
			pgx.CopyFromSlice(len(uploads), func(i int) ([]any, error) { return bareRow(&uploads[i]), nil }))
		return err
	}
}
