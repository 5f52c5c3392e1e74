// Package sqlite keeps a registry in one SQLite file, or in memory.
//
// One connection writes, others read (write-ahead log); a commit is on the disk
// before it returns (synchronous=FULL), and a process that dies at any moment
// leaves the state after some commit. The statements stand in sql/, the schema in
// migrations/.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pressly/goose/v3"
	sqlitelib "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID stands in the header of every registry file ("kycm").
const applicationID = 0x6b79636d

// maxReaders bounds the connections that read at a time.
const maxReaders = 8

// DB is a registry in SQLite.
type DB struct {
	write *sql.DB // one connection
	read  *sql.DB // the same as write where the registry is in memory

	// commit ends a transaction; tests replace it to make commits fail.
	commit func(*sql.Tx) error
}

var _ store.Store = (*DB)(nil)

// Create makes the registry that info names and opens it. An existing file is
// left alone: the error wraps [fs.ErrExist].
func Create(ctx context.Context, dsn string, info store.Info) (*DB, error) {
	path, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	if path != memory {
		if err := durable.WriteFile(path, nil, 0o600, false); err != nil {
			return nil, err
		}
	}
	d, err := create(ctx, path, info)
	if err != nil && path != memory {
		for _, tail := range []string{"", "-wal", "-shm"} {
			os.Remove(path + tail) // nothing was ever kept in it
		}
	}
	return d, err
}

func create(ctx context.Context, path string, info store.Info) (*DB, error) {
	d, err := connect(path)
	if err != nil {
		return nil, err
	}
	if err = migrate(ctx, d.write); err == nil {
		err = d.append(ctx, info, func(tx *sql.Tx, seq int64) error {
			_, err := tx.ExecContext(ctx, addRegistrySQL, info.ID[:], info.Created.UnixMicro(), info.Salt[:], seq)
			return err
		})
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Open opens a registry and brings its schema up to date. It makes no file.
func Open(ctx context.Context, dsn string) (*DB, error) {
	path, err := parseDSN(dsn)
	if err != nil {
		return nil, err
	}
	if path == memory {
		return nil, fmt.Errorf("%w: a registry in memory can only be created", store.ErrSchema)
	}
	if st, err := os.Stat(path); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no file", store.ErrSchema, path)
	}
	d, err := connect(path)
	if err != nil {
		return nil, err
	}
	if err = recognize(ctx, d.read); err == nil {
		err = migrate(ctx, d.write)
	}
	if err == nil {
		_, err = d.Info(ctx)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func connect(path string) (*DB, error) {
	w, err := sql.Open(driverName, writer(path))
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	w.SetMaxIdleConns(1)
	d := &DB{write: w, read: w, commit: (*sql.Tx).Commit}
	if path == memory {
		return d, nil
	}
	if d.read, err = sql.Open(driverName, reader(path)); err != nil {
		w.Close()
		return nil, err
	}
	d.read.SetMaxOpenConns(maxReaders)
	d.read.SetMaxIdleConns(maxReaders)
	return d, nil
}

// Close closes all connections.
func (d *DB) Close() error {
	var err error
	if d.read != d.write {
		err = d.read.Close()
	}
	return errors.Join(err, d.write.Close())
}

// recognize tells a registry from other files before anything is written to it.
func recognize(ctx context.Context, db *sql.DB) error {
	var id int64
	err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id)
	if code(err) == codes.SQLITE_NOTADB {
		return fmt.Errorf("%w: the file is no SQLite database", store.ErrSchema)
	}
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if id != applicationID {
		return fmt.Errorf("%w: the file is no kycmark registry, or its creation was interrupted", store.ErrSchema)
	}
	return nil
}

// migrate applies the embedded migrations that are missing, each in its own
// transaction, and refuses a schema that is later than all of them.
func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir,
		goose.WithDisableGlobalRegistry(true), goose.WithTableName("schema_version"))
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	have, latest, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if have > latest {
		return fmt.Errorf("%w: the registry has schema %d, made by a later version of kycmark; this one knows up to %d",
			store.ErrSchema, have, latest)
	}
	if have == latest {
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// append commits one row and its ledger entry. Write errors are returned as they
// are; after an error of the commit itself the caller cannot know whether the
// rows are there, and asks by their unique names.
func (d *DB) append(ctx context.Context, row store.Row, insert func(tx *sql.Tx, seq int64) error) error {
	return d.update(ctx, func(tx *sql.Tx) error {
		seq, err := appendEntry(ctx, tx, row)
		if err != nil {
			return err
		}
		return insert(tx, seq)
	})
}

func (d *DB) update(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // does nothing after a commit
	if err := f(tx); err != nil {
		return err
	}
	if err := d.commit(tx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func appendEntry(ctx context.Context, tx *sql.Tx, row store.Row) (int64, error) {
	size, head, err := readHead(ctx, tx)
	if err != nil {
		return 0, err
	}
	e := row.Entry()
	e.Seq = size + 1
	raw := e.Encode()
	hash := store.Chain(head, raw)
	if _, err := tx.ExecContext(ctx, addLedgerSQL, e.Seq, raw, hash[:]); err != nil {
		return 0, fmt.Errorf("ledger: %w", err)
	}
	if _, err := tx.ExecContext(ctx, setHeadSQL, e.Seq, hash[:]); err != nil {
		return 0, fmt.Errorf("ledger head: %w", err)
	}
	return e.Seq, nil
}

// querier is a *sql.DB, *sql.Tx or *sql.Conn.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readHead(ctx context.Context, q querier) (size int64, head [32]byte, err error) {
	var h []byte
	if err := q.QueryRowContext(ctx, headSQL).Scan(&size, &h); err != nil {
		return 0, head, fmt.Errorf("ledger head: %w", err)
	}
	if len(h) != len(head) { // the schema checks it, a damaged file need not
		return 0, head, tampered("the ledger's head has %d bytes where %d belong", len(h), len(head))
	}
	return size, [32]byte(h), nil
}

// Head returns the size of the ledger and the hash of its last entry.
func (d *DB) Head(ctx context.Context) (int64, [32]byte, error) { return readHead(ctx, d.read) }

// code returns SQLite's primary result code, 0 for other errors.
func code(err error) int {
	var e *sqlitelib.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// conflict turns a violated unique name into store.ErrConflict.
func conflict(err error, what string) error {
	if code(err) == codes.SQLITE_CONSTRAINT && strings.Contains(err.Error(), "UNIQUE") {
		return fmt.Errorf("%w: %s", store.ErrConflict, what)
	}
	return err
}
