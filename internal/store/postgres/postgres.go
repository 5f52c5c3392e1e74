// Package postgres keeps a registry in a schema of a PostgreSQL database.
//
// Each process writes on one connection and reads on others; processes take turns at the row of the ledger's head. A
// commit is on the server's disk before it returns: servers that run with fsync=off or full_page_writes=off are
// refused. A registry is made only where pages have checksums.
package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/store/sqldb"
)

// At returns the driver of a registry in the database that dsn names. places open originals outside of it and of folders.
func At(dsn string, places ...objects.Open) records.Driver {
	return sqldb.Driver{At: dsn, Places: places, Make: Create, Find: Open, Receive: OpenCopy}
}

// Create makes the registry that info names in the database that dsn names, and opens it. The database must be there;
// the schema that search_path names is made if it is missing. The error wraps [fs.ErrExist] if a registry is there, and
// [records.ErrSchema] if the address or the server is unusable.
func Create(ctx context.Context, dsn string, info records.Info, places ...objects.Open) (*sqldb.DB, error) {
	s, err := connect(ctx, dsn, places, true)
	if err != nil {
		return nil, err
	}
	d, err := sqldb.Create(ctx, s.dialect(), s.write, s.read, info)
	if conflict(err) {
		err = fs.ErrExist
	}
	return s.named(d, err)
}

// OpenCopy makes the tables for [sqldb.Transfer] to fill, where [Create] would make a registry, or opens the tables
// that are there. It does not check whether these hold a registry: Transfer does.
func OpenCopy(ctx context.Context, dsn string, places ...objects.Open) (*sqldb.DB, error) {
	s, err := connect(ctx, dsn, places, true)
	if err != nil {
		return nil, err
	}
	return s.named(sqldb.OpenCopy(ctx, s.dialect(), s.write, s.read))
}

// Open opens the registry in the database that dsn names. It makes no registry. The error wraps [records.ErrSchema] if
// the database holds no registry, its creation was interrupted, or the server may lose commits.
func Open(ctx context.Context, dsn string, places ...objects.Open) (*sqldb.DB, error) {
	s, err := connect(ctx, dsn, places, false)
	if err != nil {
		return nil, err
	}
	return s.named(sqldb.Open(ctx, s.dialect(), s.write, s.read))
}

// A server is a connected database.
type server struct {
	pool        *pgxpool.Pool
	write, read *sql.DB
	schema      string // that search_path names, or ""
	place       string // database and schema, for errors
	places      []objects.Open
	unsummed    bool // pages have no checksums
}

// connect opens the connections, one to write and the others to read. It refuses a server that may lose acknowledged
// commits: see [server.durable]. It does not look for a registry. With begin it makes the schema, if that is missing.
// After an error all connections are closed.
func connect(ctx context.Context, dsn string, places []objects.Open, begin bool) (*server, error) {
	cfg, schema, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	cfg.AfterConnect = session
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	s := &server{pool: pool, schema: schema, places: places, write: stdlib.OpenDBFromPool(pool), read: stdlib.OpenDBFromPool(pool)}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(int(cfg.MaxConns) - 1)
	s.place = "database " + cfg.ConnConfig.Database
	if schema != "" {
		s.place += ", schema " + schema
	}
	if err = s.durable(ctx); err == nil && begin {
		err = s.makeSchema(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// named returns d, or an error that names the place.
func (s *server) named(d *sqldb.DB, err error) (*sqldb.DB, error) {
	if err != nil {
		err = fmt.Errorf("%s: %w", s.place, err)
	}
	return d, err
}

func (s *server) close() error {
	err := errors.Join(s.read.Close(), s.write.Close())
	s.pool.Close()
	return err
}

// session prepares each new connection. It makes every commit reach the disk first, overriding the server, the role and
// the address; stricter settings stay. It also forbids scans of whole tables: sessions keep their query plans, and a
// plan made for an empty table must not scan a large table. The server notices a lost machine after half a minute.
func session(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false),
		set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false), set_config('tcp_keepalives_count', '4', false),
		CASE WHEN current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')
		THEN set_config('synchronous_commit', 'on', false) END`)
	return err
}

// durable checks the server's settings. fsync and full_page_writes must be on, else a crash may lose acknowledged
// commits or destroy the registry; server_encoding must be UTF8. If a setting is wrong, the error wraps
// [records.ErrSchema]. synchronous_commit is not checked, since [session] sets it.
func (s *server) durable(ctx context.Context) error {
	var fsync, pages, encoding, sums string
	err := s.read.QueryRowContext(ctx, `SELECT current_setting('fsync'), current_setting('full_page_writes'),
		current_setting('server_encoding'), current_setting('data_checksums')`).Scan(&fsync, &pages, &encoding, &sums)
	s.unsummed = sums != "on"
	switch {
	case err != nil:
		return fmt.Errorf("connect: %w", err)
	case fsync != "on" || pages != "on":
		return fmt.Errorf("%w: the server runs with fsync=%s and full_page_writes=%s, so that a crash can destroy the registry",
			records.ErrSchema, fsync, pages)
	case encoding != "UTF8":
		return fmt.Errorf("%w: %s is encoded in %s; it must be UTF8", records.ErrSchema, s.place, encoding)
	}
	return nil
}

// makeSchema makes the schema that the address names, if it is missing; "" names no schema. It
// asks first whether the schema is there, because a role that may use a schema need not be
// allowed to make schemas. The error wraps [records.ErrSchema] if the server would not notice a damaged page. A
// registry that is there can be opened, and an audit says so.
func (s *server) makeSchema(ctx context.Context) error {
	if s.unsummed {
		return fmt.Errorf("%w: the server runs without data checksums: stop it and run pg_checksums --enable", records.ErrSchema)
	}
	if s.schema == "" {
		return nil
	}
	var there bool
	err := s.read.QueryRowContext(ctx, "SELECT count(*) > 0 FROM pg_catalog.pg_namespace WHERE nspname = $1", s.schema).Scan(&there)
	if err == nil && !there {
		_, err = s.write.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+s.schema)
	}
	if err != nil {
		return fmt.Errorf("schema %s: %w", s.schema, err)
	}
	return nil
}

// segments returns the folder of segments beside originals in a folder; "" without such a folder.
func segments(originals, registry string) string {
	if !filepath.IsAbs(originals) {
		return ""
	}
	return filepath.Join(originals, registry, "segments")
}

// dialect returns how package sqldb is to talk to the server. Its Close closes the pool of s.
func (s *server) dialect() schema.Dialect {
	return schema.Dialect{
		Originals: objects.Opener("", s.places),
		Tables:    "SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema()) AND relkind IN ('r', 'p') AND relname IN ('schema_version', 'ledger_head', 'registry')",
		Words:     schema.Words{Postgres: true, Int: "BIGINT", Blob: "BYTEA", Real: "DOUBLE PRECISION", Name: `TEXT COLLATE "C"`, Hex: `'\x`},
		Lock:      unlessIdle + " FOR UPDATE",
		Write:     &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		Snapshot:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		Conflict:  conflict,
		Again:     again,
		Insert:    insert,
		Drift:     drift,
		Meddler:   meddler,
		Sound:     sound,
		Unindexed: func(column string) string { return "(" + column + " || '')" },
		MayScrub:  mayScrub,
		Scrub:     scrub,
		Close:     s.pool.Close,
		Unsummed:  s.unsummed,
		Segments:  segments,
	}
}

// unlessIdle has the server end a transaction that writes if its process does nothing for a minute: a stopped process may hold the
// lock. The address or the server may say another time.
const unlessIdle = ` AND set_config('idle_in_transaction_session_timeout', coalesce(nullif(current_setting('idle_in_transaction_session_timeout'), '0'), '60s'), true) <> ''`

// SQLSTATEs (PostgreSQL documentation, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	dataCorrupted        = "XX001"
	indexCorrupted       = "XX002"
)

// sqlstate returns the code of an error of the server, or "" for other errors.
func sqlstate(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func conflict(err error) bool { return sqlstate(err) == uniqueViolation }

// again: the transaction was rolled back, for the server says so.
func again(err error) bool {
	code := sqlstate(err)
	return code == serializationFailure || code == deadlockDetected
}

// sound returns the first thing that the extension amcheck finds wrong with the indexes of a table. Without
// the extension, and for a role that may not use it, nothing is checked.
func sound(ctx context.Context, q *sql.Tx, table string) (wrong string, err error) {
	const allowed = `SELECT coalesce(min(quote_ident(n.nspname)), '') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE p.proname = 'bt_index_check' AND p.pronargs = 2 AND has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE')`
	var schema string // of the extension
	if err := q.QueryRowContext(ctx, allowed).Scan(&schema); err != nil || schema == "" {
		return "", err
	}
	if _, err := q.ExecContext(ctx, "SAVEPOINT sound"); err != nil {
		return "", err
	}
	_, err = q.ExecContext(ctx, `SELECT `+schema+`.bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_am a ON a.oid = c.relam WHERE i.indrelid = to_regclass($1) AND a.amname = 'btree' AND i.indisvalid`, table)
	if code := sqlstate(err); code == indexCorrupted || code == dataCorrupted {
		wrong, err = err.Error(), nil
	}
	_, back := q.ExecContext(ctx, "ROLLBACK TO SAVEPOINT sound")
	return wrong, errors.Join(err, back)
}

// IsDSN reports whether the address is one of a PostgreSQL server.
func IsDSN(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres:") || strings.HasPrefix(dsn, "postgresql:")
}

// plainName is a name of a schema that needs no quotes.
var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// maxReaders bounds the connections that read at a time. One more writes, since writers take turns anyway.
const maxReaders = 8

// parseDSN reads "postgres://USER@HOST:PORT/DATABASE?PARAMETER=VALUE&…" with the parameters of libpq. schema is that of
// the parameter search_path, or "" for the server's choice. cfg has maxReaders+1 connections unless pool_max_conns says
// otherwise. parseDSN connects to nothing. The error wraps [records.ErrSchema] and repeats no password.
func parseDSN(dsn string) (cfg *pgxpool.Config, schema string, err error) {
	u, err := url.Parse(dsn)
	if err != nil || !IsDSN(dsn) || u.Opaque != "" {
		return nil, "", fmt.Errorf("%w: the address must be postgres://USER@HOST/DATABASE", records.ErrSchema)
	}
	cfg, err = pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, "", fmt.Errorf("%w: the address of the PostgreSQL server: %s", records.ErrSchema, cause(err, u))
	}
	params := cfg.ConnConfig.RuntimeParams
	if schema = params["search_path"]; schema != "" && !plainName.MatchString(schema) {
		return nil, "", fmt.Errorf("%w: search_path must name one schema in small letters, digits and _", records.ErrSchema)
	}
	params["application_name"] = cmp.Or(params["application_name"], "kycmark")
	if !u.Query().Has("pool_max_conns") {
		cfg.MaxConns = maxReaders + 1
	}
	if cfg.MaxConns < 2 {
		return nil, "", fmt.Errorf("%w: pool_max_conns is %d: at least 2 are needed, to read while writing", records.ErrSchema, cfg.MaxConns)
	}
	return cfg, schema, nil
}

// cause returns why pgx refuses the address u, without the address, which holds a password. If
// the reason repeats a password, cause returns "it is malformed" instead.
func cause(err error, u *url.URL) string {
	text := err.Error()
	if _, after, ok := strings.Cut(text, "`: "); ok {
		text = after
	}
	secret, _ := u.User.Password()
	for _, s := range append(u.Query()["password"], secret, u.Query().Get("sslpassword")) {
		if s != "" && (strings.Contains(text, s) || strings.Contains(text, strconv.Quote(s))) {
			return "it is malformed"
		}
	}
	return text
}

// manyRows are entered by COPY, which takes three round trips; fewer in one, by a batch of statements.
const manyRows = 500

// insert enters n rows, 1 or more, in the transaction that is open on conn. row returns a value for each of columns.
// From manyRows rows on, insert uses COPY, else a statement for each row.
func insert(ctx context.Context, conn *sql.Conn, table string, columns []string, n int, row func(i int) ([]any, error)) error {
	return conn.Raw(func(raw any) error {
		c, ok := raw.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of %T", raw)
		}
		if n >= manyRows {
			_, err := c.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, row))
			return err
		}
		query := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + schema.Placeholders(1, len(columns))
		var all pgx.Batch
		for i := range n {
			values, err := row(i)
			if err != nil {
				return err
			}
			all.Queue(query, values...)
		}
		return c.Conn().SendBatch(ctx, &all).Close()
	})
}
