package bench

import (
	"context"
	"database/sql"
	"time"

	"github.com/jackc/pgx/v5"
)

// Rows without a ledger: what a search reads, entered in a tenth of the time. No
// check of the registry holds afterwards.

// A bareFunc enters rows: numbers of uploads and their hashes.
type bareFunc func(ctx context.Context, seqs []int64, areas []string) error

// fillBatch is how many rows are entered in a transaction.
const fillBatch = 100_000

// bareColumns are those that no search reads, of the length that they have in a real row.
const bareColumns = `, 2000000, 'jpeg', 'go/image/jpeg go1.26', 4032, 3024, 0, 0, '0123456789abcdef0123456789abcdef', '', `

const bareNames = `seq, id, sha256, size, format, decoder, width, height, submitted, received, subject, hash, area,
	chain, quality, area_quality, kept, salt, erased`

// fill enters the rows of all uploads without their entries in the ledger.
func (r *registryRun) fill(ctx context.Context) error {
	if err := r.db.DeferBands(ctx); err != nil {
		return err
	}
	start := time.Now()
	if err := r.fillBare(ctx); err != nil {
		return err
	}
	r.out.Fill = Number(time.Since(start).Seconds())
	return nil
}

func (r *registryRun) fillBare(ctx context.Context) error {
	seqs, areas := make([]int64, 0, fillBatch), make([]string, 0, fillBatch)
	for i := range r.out.Size {
		seqs = append(seqs, int64(i)+2) // 1 is the registry's own entry
		areas = append(areas, areaHash(r.hashes.hash(&r.hashes, i)).String())
		if len(seqs) < fillBatch && i < r.out.Size-1 {
			continue
		}
		if err := r.usage.bare(ctx, seqs, areas); err != nil {
			return err
		}
		seqs, areas = seqs[:0], areas[:0]
	}
	return nil
}

// bareSQLite enters rows in a file.
func bareSQLite(path string) bareFunc {
	return func(ctx context.Context, seqs []int64, areas []string) error {
		db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
		if err != nil {
			return err
		}
		defer db.Close()
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		stmt, err := tx.PrepareContext(ctx, `INSERT INTO submission (`+bareNames+`) VALUES ($1,
			CAST(printf('%016d', $1) AS BLOB), zeroblob(32)`+bareColumns+`$2, 'pdq/1 kycmark/area/1', 100, 100, 0, zeroblob(32), 0)`)
		if err != nil {
			return err
		}
		defer stmt.Close()
		for i := range seqs {
			if _, err := stmt.ExecContext(ctx, seqs[i], areas[i]); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
}

// barePostgres enters rows in a schema that the connection searches first.
func barePostgres(conn *pgx.Conn, schema string) bareFunc {
	return func(ctx context.Context, seqs []int64, areas []string) error {
		_, err := conn.Exec(ctx, `INSERT INTO `+pgx.Identifier{schema, "submission"}.Sanitize()+` (`+bareNames+`)
			SELECT seq, convert_to(lpad(seq::text, 16, '0'), 'UTF8'), decode(repeat('00', 32), 'hex')`+bareColumns+
			`area, 'pdq/1 kycmark/area/1', 100, 100, 0, decode(repeat('00', 32), 'hex'), 0
			FROM unnest($1::bigint[], $2::text[]) AS t(seq, area)`, seqs, areas)
		return err
	}
}
