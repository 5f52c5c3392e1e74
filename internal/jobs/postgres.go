package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

const connections = 8 // of a process, beside those to the registry

// A server has the rows of a queue in a PostgreSQL database, in a schema beside the registry's.
type server struct {
	serverQuerier
	pool    *pgxpool.Pool
	schema  string
	queries statements
}

// openServer opens the queue of the registry at dsn, and makes its schema and tables if they are missing.
func openServer(ctx context.Context, dsn string) (*server, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the address of the PostgreSQL server is malformed") // it may hold a password
	}
	cfg.MaxConns = connections
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error { // a stopped process holds no row
		_, err := c.Exec(ctx, fmt.Sprintf("SET idle_in_transaction_session_timeout = %d", Lease.Milliseconds()))
		return err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &server{serverQuerier: serverQuerier{pool}, pool: pool}
	if err := s.prepare(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

// prepare makes the queue's schema and tables, or brings them up to date, if they are not. A role that
// may only use them needs no other right.
func (s *server) prepare(ctx context.Context) error {
	if err := s.pool.QueryRow(ctx, "SELECT current_schema() || '_queue'").Scan(&s.schema); err != nil {
		return err
	}
	s.queries = s.words()
	m, err := rivermigrate.New(riverpgxv5.New(s.pool), &rivermigrate.Config{Schema: s.schema, Logger: quiet})
	if err != nil {
		return err
	}
	if v, err := m.Validate(ctx, nil); err != nil || v.OK {
		return err
	}
	one, err := s.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer one.Release()
	if _, err := one.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", s.schema); err != nil { // one process at a time
		return err
	}
	defer one.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(hashtextextended($1, 0))", s.schema)
	// CREATE SCHEMA IF NOT EXISTS would need the right to make schemas also where an administrator made this one.
	if _, err := one.Exec(ctx, `DO $$DECLARE queue text := quote_ident(current_schema() || '_queue'); BEGIN
		IF to_regnamespace(queue) IS NULL THEN EXECUTE 'CREATE SCHEMA ' || queue; END IF; END$$`); err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func (s *server) words() statements {
	table, state := pgx.Identifier{s.schema, "river_job"}.Sanitize(), pgx.Identifier{s.schema, "river_job_state"}.Sanitize()
	const by, back = "attempted_by[array_upper(attempted_by, 1)]", "$4 = 'available' AND metadata ? 'cancel_attempted_at'"
	since := fmt.Sprintf("now() - interval '%d milliseconds'", Lease.Milliseconds())
	return statements{
		table: table, among: "id IN (SELECT value::int8 FROM jsonb_array_elements_text($1::jsonb))", by: by,
		micros:  "(extract(epoch FROM clock_timestamp()) * 1000000)::int8",
		taken:   "coalesce(extract(epoch FROM now() - coalesce(attempted_at, created_at))::float8, 0)",
		add:     "args = args || jsonb_build_object('sealed', $2::jsonb), metadata = jsonb_build_object('asked', $3::jsonb)",
		asked:   "metadata = metadata || jsonb_build_object('asked', $2::jsonb)",
		renewed: "metadata = metadata || jsonb_build_object('renewed', extract(epoch FROM now()))",
		leased:  "(coalesce(attempted_at > " + since + ", false) OR coalesce(metadata->'renewed' > to_jsonb(extract(epoch FROM " + since + ")), false))",
		attended: `EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
			AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
			AND classid = '` + table + `'::regclass::oid AND 'worker-' || objid::int8::int4 = split_part(` + by + `, ',', 1))`,
		settle: `attempt = attempt - $5, scheduled_at = now() + make_interval(secs => $6),
			state = (CASE WHEN ` + back + ` THEN 'cancelled' ELSE $4::text END)::` + state + `,
			finalized_at = CASE WHEN $4 <> 'available' OR ` + back + ` THEN now() END,
			errors = CASE WHEN $7 = '' THEN errors ELSE array_append(errors, jsonb_build_object('at', now(), 'attempt', attempt, 'error', $7::text, 'trace', '')) END,
			metadata = CASE WHEN $8::jsonb IS NULL THEN metadata ELSE metadata || jsonb_build_object('output', $8::jsonb) END`,
		abandon: "state = (CASE WHEN attempt >= max_attempts THEN 'discarded' ELSE 'available' END)::" + state + ", finalized_at = CASE WHEN attempt >= max_attempts THEN now() END",
	}
}

func (s *server) close() { s.pool.Close() }

func (s *server) client(cfg *river.Config) (client, error) {
	cfg.Schema = s.schema
	return river.NewClient(riverpgxv5.New(s.pool), cfg)
}

func (s *server) exec(ctx context.Context, query string, args ...any) (int64, error) {
	done, err := s.pool.Exec(ctx, query, args...)
	return done.RowsAffected(), err
}

// A serverQuerier is a server or a transaction.
type serverQuerier struct {
	q interface {
		Query(context.Context, string, ...any) (pgx.Rows, error)
		SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
	}
}

func (s serverQuerier) rows(ctx context.Context, each func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := s.q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachRow(rows, each)
}

func (s serverQuerier) many(ctx context.Context, query string, args [][]any) error {
	var all pgx.Batch
	for _, x := range args {
		all.Queue(query, x...)
	}
	return s.q.SendBatch(ctx, &all).Close()
}

func (s *server) insert(ctx context.Context, c client, params []river.InsertManyParams, then func(querier, []*rivertype.JobInsertResult) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		results, err := c.(*river.Client[pgx.Tx]).InsertManyTx(ctx, tx, params)
		if err != nil {
			return err
		}
		return then(serverQuerier{tx}, results)
	})
}

// live opens the connection that holds the lock of a worker.
func (s *server) live(ctx context.Context, number int32) (living, error) {
	c, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	// A machine that is lost is noticed after half a minute; without this the server's system asks after two hours.
	_, err = c.Exec(ctx, "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4")
	if err == nil {
		_, err = c.Exec(ctx, "SELECT pg_advisory_lock('"+s.queries.table+"'::regclass::oid::int8::int4, $1)", number)
	}
	if err != nil {
		c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return locked{c}, nil
}

// locked is a connection that holds the lock of a worker.
type locked struct{ *pgx.Conn }

func (l locked) exec(ctx context.Context, query string) error {
	_, err := l.Exec(ctx, query)
	return err
}

func (l locked) close(ctx context.Context) { l.Close(ctx) }
