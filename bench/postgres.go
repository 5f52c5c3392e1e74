package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
)

// A postgresServer asks a PostgreSQL server what a schema takes.
type postgresServer struct {
	conn        *pgx.Conn
	dsn, schema string // dsn selects the schema and names the application after it
}

func newPostgresServer(ctx context.Context, dsn, schema string) (*postgresServer, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("PostgreSQL: malformed address") // which may hold a password
	}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("application_name", schema)
	u.RawQuery = q.Encode()
	conn, err := pgx.Connect(ctx, u.String())
	return &postgresServer{conn, u.String(), schema}, err
}

func (s *postgresServer) drop() error {
	_, err := s.conn.Exec(context.Background(), "DROP SCHEMA "+pgx.Identifier{s.schema}.Sanitize()+" CASCADE")
	return err
}

// bytes returns what the schema takes on disk, indexes included.
func (s *postgresServer) bytes(ctx context.Context) (n int64, err error) {
	err = s.conn.QueryRow(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'`, s.schema).Scan(&n)
	return n, err
}

// cpu returns the processor time of the server's processes behind the application. It reports
// false if these do not run on this machine.
func (s *postgresServer) cpu(ctx context.Context) (sum time.Duration, ok bool) {
	rows, err := s.conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND backend_type = 'client backend'", s.schema)
	if err != nil {
		return 0, false
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	for _, pid := range pids {
		t, ok := otherTime(fmt.Sprint(pid))
		if !ok {
			return 0, false
		}
		sum += t
	}
	return sum, err == nil && len(pids) > 0
}
