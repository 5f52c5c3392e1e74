package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
)

// A timedStore is an empty registry database whose size and processor time can be asked for.
type timedStore struct {
	*sqldb.DB
	bytes  func(context.Context) int64 // on disk, indexes included
	server func(context.Context) time.Duration
	remove func() // closes and removes the store
}

var storeInfo = books.Info{ID: [16]byte{1}, Created: time.Unix(1_500_000_000, 0)}

// newSQLite makes a database file in a folder; "" is the system's folder for temporary files.
func newSQLite(ctx context.Context, dir string) *timedStore {
	dir = ruler.Must(os.MkdirTemp(dir, "kycmark-registry-"))
	path := filepath.Join(dir, "kyc.db")
	db, err := sqlite.Create(ctx, path, storeInfo)
	if err != nil {
		ruler.Check(errors.Join(err, os.RemoveAll(dir)))
	}
	return &timedStore{
		DB: db,
		bytes: func(ctx context.Context) (n int64) { // with what is in the log alone
			pool := ruler.Must(sql.Open("sqlite", path))
			ruler.Check(errors.Join(pool.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&n), pool.Close()))
			return n
		},
		server: func(context.Context) time.Duration { return 0 },
		remove: func() { ruler.Check(errors.Join(db.Close(), os.RemoveAll(dir))) },
	}
}

// newPostgres makes a schema in the database of the address dsn. Processor time is that of the
// server's processes that serve the schema, 0 if these do not run on this machine.
func newPostgres(ctx context.Context, dsn, schema string) *timedStore {
	u, err := url.Parse(dsn)
	if err != nil {
		ruler.Failf("PostgreSQL: malformed address") // which may hold a password
	}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("application_name", schema)
	u.RawQuery = q.Encode()
	conn := ruler.Must(pgx.Connect(ctx, u.String()))
	info := storeInfo
	info.Originals = ruler.Must(os.MkdirTemp("", "kycmark-registry-")) // with the segments
	db, err := postgres.Create(ctx, u.String(), info)
	if err != nil {
		ruler.Check(errors.Join(err, conn.Close(ctx)))
	}
	return &timedStore{
		DB: db,
		bytes: func(ctx context.Context) (n int64) {
			ruler.Check(conn.QueryRow(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
				JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'`, schema).Scan(&n))
			return n
		},
		server: func(ctx context.Context) (sum time.Duration) {
			rows := ruler.Must(conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND backend_type = 'client backend'", schema))
			for _, pid := range ruler.Must(pgx.CollectRows(rows, pgx.RowTo[int32])) {
				sum += otherTime(fmt.Sprint(pid))
			}
			return sum
		},
		remove: func() {
			_, err := conn.Exec(context.Background(), "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" CASCADE")
			ruler.Check(errors.Join(db.Close(), err, conn.Close(context.Background()), os.RemoveAll(info.Originals)))
		},
	}
}
