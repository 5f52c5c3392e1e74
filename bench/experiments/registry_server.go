package experiments

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kycmark/kycmark/phash"
)

// measure runs groups of queries, and returns the mean cost of the first n.
func (r *registryRun) measure(ctx context.Context, near nearFunc, groups iter.Seq[[]phash.Hash], n int) (l Lookup, err error) {
	hits, left := 0, n
	cpu, start := r.cpu(ctx), time.Now()
	for q := range groups {
		if left--; left < 0 {
			break
		}
		found, err := near(ctx, q, phash.MatchRadius)
		if err != nil {
			return l, err
		}
		hits += len(found)
	}
	l.Wall = perQuery(time.Since(start), n)
	l.CPU, l.Hits = perQuery(r.cpu(ctx)-cpu, n), Number(float64(hits)/float64(n))
	return l, nil
}

// cpu is what the process and the server behind it have used.
func (r *registryRun) cpu(ctx context.Context) time.Duration {
	server, ok := r.usage.server(ctx)
	r.out.ServerSeen = ok
	return processTime() + server
}

func perQuery(d time.Duration, n int) Number { return Number(d.Seconds() * 1000 / float64(n)) }

// serverUsage asks a PostgreSQL server what a schema takes.
type serverUsage struct {
	conn        *pgx.Conn
	dsn, schema string
	name        string // of the application that is measured
}

func newServerUsage(ctx context.Context, dsn, schema string) (*serverUsage, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errors.New("bench: the address of the PostgreSQL server is malformed")
	}
	s := &serverUsage{schema: schema, name: schema}
	q := u.Query()
	q.Set("search_path", schema)
	q.Set("application_name", s.name)
	u.RawQuery = q.Encode()
	s.dsn = u.String()
	s.conn, err = pgx.Connect(ctx, s.dsn)
	return s, err
}

func (s *serverUsage) close() error { return s.conn.Close(context.Background()) }

func (s *serverUsage) drop() error {
	_, err := s.conn.Exec(context.Background(), "DROP SCHEMA "+pgx.Identifier{s.schema}.Sanitize()+" CASCADE")
	return err
}

// bytes is what the schema takes on disk, indexes included.
func (s *serverUsage) bytes(ctx context.Context) (n int64, err error) {
	err = s.conn.QueryRow(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'r'`, s.schema).Scan(&n)
	return n, err
}

// cpu is what the server's processes behind the measured connections have used, as
// long as they run on this machine.
func (s *serverUsage) cpu(ctx context.Context) (time.Duration, bool) {
	rows, err := s.conn.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND backend_type = 'client backend'", s.name)
	if err != nil {
		return 0, false
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil || len(pids) == 0 {
		return 0, false
	}
	sum := time.Duration(0)
	for _, pid := range pids {
		t, ok := otherTime(fmt.Sprint(pid))
		if !ok {
			return 0, false
		}
		sum += t
	}
	return sum, true
}
