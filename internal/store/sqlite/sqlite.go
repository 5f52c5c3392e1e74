// Package sqlite keeps a registry in one SQLite file, or in memory.
//
// One connection writes, others read (write-ahead log); a commit is on the disk before it returns (synchronous=FULL),
// and a process that dies at any moment leaves the state after some commit.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	sqlitelib "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/store/sqldb"
)

// applicationID is written in the header of every registry file ("kycm").
const applicationID = 0x6b79636d

// maxReaders bounds the connections that read at a time.
const maxReaders = 8

// dialect returns how package sqldb is to talk to the file at path. In memory there is no file to scrub after an erasure.
func dialect(path string, places []objects.Open) schema.Dialect {
	base := filepath.Dir(path)
	if path == memory {
		base = ""
	}
	d := schema.Dialect{
		Originals: objects.Opener(base, places),
		Tables:    "SELECT count(*) FROM sqlite_schema WHERE name IN ('schema_version', 'ledger_head', 'registry')",
		Questions: true,
		Words:     schema.Words{Int: "INTEGER", Blob: "BLOB", Real: "REAL", Name: "TEXT", Hex: "x'", Rows: " STRICT", Keyed: " STRICT, WITHOUT ROWID"},
		Snapshot:  &sql.TxOptions{ReadOnly: true},
		Conflict: func(err error) bool {
			return code(err) == codes.SQLITE_CONSTRAINT && strings.Contains(err.Error(), "UNIQUE")
		},
		Frozen:    func(err error) bool { return code(err) == codes.SQLITE_READONLY },
		Again:     func(error) bool { return false }, // who waits for the lock is not turned away
		Drift:     drift,
		Meddler:   schema.InTables("SELECT 'trigger ' || name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN (TABLES) AND (name NOT IN ('ledger_is_append_only_1', 'ledger_is_append_only_2') OR tbl_name <> 'ledger') LIMIT 1"),
		Sound:     sound,
		Unindexed: func(column string) string { return "+" + column },
		Insert:    insert,
		Segments:  func(string, string) string { return path + ".segments" },
		Scrub:     scrub,
	}
	if path == memory {
		d.Scrub, d.Segments = nil, nil
	}
	return d
}

// At returns the driver of a registry in the file at path; ":memory:" is in memory until
// the registry is closed. places open originals outside of the file and of folders.
func At(path string, places ...objects.Open) records.Driver {
	return sqldb.Driver{At: path, Places: places, Make: Create, Find: Open, Receive: OpenCopy}
}

// Create makes the registry that info names in a new file at path, and opens it. path may be
// ":memory:". An existing file is left alone: the error wraps [fs.ErrExist]. A file that a killed Create left is no such file:
// it has no tables. After another error a new file is removed. A path that cannot be used is an error that wraps [records.ErrSchema].
func Create(ctx context.Context, path string, info records.Info, places ...objects.Open) (*sqldb.DB, error) {
	return made(ctx, path, func(path string, write, read *sql.DB) (*sqldb.DB, error) {
		return sqldb.Create(ctx, dialect(path, places), write, read, info)
	})
}

// OpenCopy makes a file at path for [sqldb.Transfer] to fill, or opens the file that an interrupted transfer
// left, which is empty. It does not check whether that is a registry: Transfer does. Another file is left
// alone: the error wraps [records.ErrSchema].
func OpenCopy(ctx context.Context, path string, places ...objects.Open) (*sqldb.DB, error) {
	return made(ctx, path, func(path string, write, read *sql.DB) (*sqldb.DB, error) {
		return sqldb.OpenCopy(ctx, dialect(path, places), write, read)
	})
}

// made calls schema for a new file at path, or for a file that is there and has no tables yet. Others are left: the error wraps [fs.ErrExist].
func made(ctx context.Context, path string, schema func(path string, write, read *sql.DB) (*sqldb.DB, error)) (*sqldb.DB, error) {
	d, err := create(path, schema)
	if !errors.Is(err, fs.ErrExist) {
		return d, err
	}
	path, write, read, failed := openFile(ctx, path, true)
	if failed != nil {
		return nil, fmt.Errorf("%w: %w", err, failed)
	}
	return schema(path, write, read)
}

// create makes an empty file at path and calls schema with its cleaned path and connections to it, which schema must close
// if it fails. If that fails, create removes the file. An existing file is left alone: the error wraps [fs.ErrExist].
func create(path string, schema func(path string, write, read *sql.DB) (*sqldb.DB, error)) (*sqldb.DB, error) {
	path, err := cleanPath(path)
	if err != nil {
		return nil, err
	}
	if path != memory {
		if err := durable.WriteFile(path, nil, 0o600, false); err != nil {
			return nil, err
		}
	}
	write, read, err := connect(path)
	var d *sqldb.DB
	if err == nil {
		d, err = schema(path, write, read)
	}
	if err != nil && path != memory && !sqldb.Holds(sql.Open(driverName, reader(path))) { // another process may have made it
		for _, tail := range []string{"", "-wal", "-shm"} {
			os.Remove(path + tail) // nothing was ever kept in it
		}
	}
	return d, err
}

// Open opens the registry in the file at path. It makes no file: the error wraps [fs.ErrNotExist] if the file is
// missing. It wraps [records.ErrSchema] if the file is no registry, and for ":memory:". A registry in a place that is
// read-only can be read; what writes to it fails.
func Open(ctx context.Context, path string, places ...objects.Open) (*sqldb.DB, error) {
	path, write, read, err := openFile(ctx, path, false)
	if c := code(err); c == codes.SQLITE_CANTOPEN || c == codes.SQLITE_READONLY {
		return openFrozen(ctx, path, err, places)
	}
	if code(err) == codes.SQLITE_IOERR { // the file of locks has no room
		return nil, fmt.Errorf("%w: is the disk full?", err)
	}
	if err != nil {
		return nil, err
	}
	return sqldb.Open(ctx, dialect(path, places), write, read)
}

// openFrozen opens the registry in a file at path that can be read, but beside which SQLite can make
// no file of locks. cause says why: it is returned if a write-ahead log lies beside the file. Then
// another program may be writing, or the file alone is not the whole registry.
func openFrozen(ctx context.Context, path string, cause error, places []objects.Open) (*sqldb.DB, error) {
	if _, err := os.Lstat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the file or its folder is read-only, and a write-ahead log lies beside it. Copy them to a folder that can be written: %w", cause)
	}
	db, err := sql.Open(driverName, strings.Replace(reader(path), "mode=rw", "mode=ro&immutable=1", 1))
	if err != nil {
		return nil, err
	}
	if err := recognize(ctx, db, false); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return sqldb.Open(ctx, dialect(path, places), db, db)
}

// openFile opens the file of a registry and returns its cleaned path and connections. With an error that is SQLite's it
// returns the path too. With began, a file whose creation was interrupted is also accepted: it has no tables yet. The
// error wraps [fs.ErrNotExist] if the file is missing, and [records.ErrSchema] if it is no registry.
func openFile(ctx context.Context, name string, began bool) (path string, write, read *sql.DB, err error) {
	if path, err = cleanPath(name); err != nil {
		return "", nil, nil, err
	}
	if path == memory {
		return "", nil, nil, fmt.Errorf("%w: a registry in memory can only be created", records.ErrSchema)
	}
	if st, err := os.Stat(path); err != nil {
		return "", nil, nil, err
	} else if !st.Mode().IsRegular() {
		return "", nil, nil, fmt.Errorf("%w: %s is no file", records.ErrSchema, path)
	}
	for _, tail := range []string{"", "-wal", "-shm"} { // SQLite does not say which file has no permission
		f, err := os.Open(path + tail)
		if errors.Is(err, fs.ErrPermission) {
			return "", nil, nil, err
		}
		if err == nil {
			f.Close()
		}
	}
	if write, read, err = connect(path); err != nil {
		return "", nil, nil, err
	}
	if err := recognize(ctx, read, began); err != nil {
		return path, nil, nil, errors.Join(err, read.Close(), write.Close())
	}
	return path, write, read, nil
}

// connect returns a pool of one connection that writes, and a pool of up to maxReaders that
// cannot write. For memory both are the same pool. It opens no file: the first query does.
func connect(path string) (write, read *sql.DB, err error) {
	if write, err = sql.Open(driverName, writer(path)); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	write.SetMaxIdleConns(1)
	if path == memory {
		return write, write, nil
	}
	if read, err = sql.Open(driverName, reader(path)); err != nil {
		write.Close()
		return nil, nil, err
	}
	read.SetMaxOpenConns(maxReaders)
	read.SetMaxIdleConns(maxReaders)
	return write, read, nil
}

// recognize checks that the database is a registry, before anything is written to it. With began, a database without tables
// is accepted. The error wraps [records.ErrSchema] if the file is something else. Other errors are about reading it.
func recognize(ctx context.Context, db *sql.DB, began bool) error {
	var id int64
	err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id)
	if code(err) == codes.SQLITE_NOTADB {
		return fmt.Errorf("%w: the file is no SQLite database", records.ErrSchema)
	}
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if id == 0 && began {
		var tables int
		err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables)
		if err != nil || tables == 0 {
			return err
		}
	}
	if id != applicationID {
		return fmt.Errorf("%w: the file is no kycmark registry, or its creation was interrupted", records.ErrSchema)
	}
	return nil
}

// insert enters n rows in the transaction that is open on conn, one by one. A statement of many rows is slower: the driver
// compares each argument with all, and SQLite keeps a journal for the statement. insert calls the driver itself, since
// package database/sql adds a third to the time. The end of ctx ends insert between two rows.
func insert(ctx context.Context, conn *sql.Conn, table string, columns []string, n int, row func(i int) ([]any, error)) error {
	return conn.Raw(func(raw any) error {
		c, ok := raw.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("a connection of %T", raw)
		}
		prepared, err := c.PrepareContext(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES (?"+strings.Repeat(", ?", len(columns)-1)+")")
		if err != nil {
			return err
		}
		defer prepared.Close()
		s, ok := prepared.(driver.StmtExecContext)
		if !ok {
			return fmt.Errorf("a statement of %T", prepared)
		}
		args := make([]driver.NamedValue, len(columns))
		for i := range n {
			values, err := row(i)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			for k, v := range values {
				args[k] = driver.NamedValue{Ordinal: k + 1, Value: v}
			}
			if _, err := s.ExecContext(context.Background(), args); err != nil { // a context that can end costs a goroutine a row
				return err
			}
		}
		return nil
	})
}

// scrubPause is how long scrub waits for the scrub of another process. Chosen.
const scrubPause = 5 * time.Millisecond

// scrub empties the write-ahead log, which still holds pages as they were before an erasure. The file itself does not:
// secure_delete overwrote them. SQLite does not wait until the disk knows that the log is empty; a commit, of nothing,
// does. If others read the registry, scrub fails. Its error says that the erasure itself is done.
func scrub(ctx context.Context, write *sql.DB) error {
	var busy, log, moved int
	var err error
	for began := time.Now(); ; time.Sleep(scrubPause) { // SQLite waits for readers, and not for another erasure's scrub
		err = write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved)
		if err != nil || busy == 0 || time.Since(began) > patience {
			break
		}
	}
	if err == nil && busy != 0 {
		err = readLog{errors.New("others are reading it; it goes when the last program that has the registry open ends")}
	}
	if err == nil {
		_, err = write.ExecContext(ctx, "PRAGMA user_version = 0")
	}
	if err != nil {
		return fmt.Errorf("the erasure is done, but the write-ahead log could not be emptied: %w", err)
	}
	return nil
}

type readLog struct{ error }

func (readLog) Is(target error) bool { return target == context.DeadlineExceeded } // the same again may do it

// code returns SQLite's primary result code, 0 for other errors.
func code(err error) int {
	if e, ok := errors.AsType[*sqlitelib.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

// sound returns the first thing that SQLite finds wrong with a table and its indexes.
func sound(ctx context.Context, q *sql.Tx, table string) (wrong string, err error) {
	err = q.QueryRowContext(ctx, "SELECT integrity_check FROM pragma_integrity_check($1)", table).Scan(&wrong)
	if wrong == "ok" {
		wrong = ""
	}
	return wrong, err
}

// drift compares the schema with that of a registry in memory. SQLite's own tables, such as statistics, do not count.
func drift(ctx context.Context, q *sql.Tx) (what string, err error) {
	d, err := Create(ctx, memory, records.Info{})
	if err != nil {
		return "", err
	}
	defer d.Close()
	want, err := d.Schema(ctx, objectsOfSchema)
	if err != nil {
		return "", err
	}
	return schema.Differs(ctx, q, objectsOfSchema, want)
}

// objectsOfSchema lists tables, indexes, triggers and views, with their text.
const objectsOfSchema = "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1"

const memory = ":memory:"

// cleanPath checks the path of a registry and returns its shortest form; memory stays as it is.
// Parameters behind a path (after ?, # or NUL) are refused: they could switch off what makes a
// registry durable. cleanPath does not look at the file. The error wraps [records.ErrSchema].
func cleanPath(path string) (string, error) {
	switch {
	case path == memory:
		return memory, nil
	case path == "":
		return "", fmt.Errorf("%w: the path of its file is empty", records.ErrSchema)
	case strings.ContainsAny(path, "?#\x00"):
		return "", fmt.Errorf("%w: the path must not contain ?, # or NUL: %.60q", records.ErrSchema, path)
	}
	path = filepath.Clean(filepath.FromSlash(path))
	if path == memory {
		return "", fmt.Errorf("%w: a file cannot be called %s", records.ErrSchema, memory)
	}
	return path, nil
}

// driverName is the name under which modernc.org/sqlite registers itself.
const driverName = "sqlite"

// writer and reader are the driver's addresses of one file. WAL lets readers continue while one writer commits. FULL
// makes every commit reach the disk before it is acknowledged. immediate takes the write lock at the beginning of a
// transaction, so that a transaction cannot fail half-way because of another writer. The cache and the log of 128 MB
// are for IDs, whose rows fall anywhere: a page that many commits change goes from the log to the file once (with a log
// of 32 MB, a million uploads cost a second of processor time more).
//
// No connection maps the file, although a mapping would be faster. If a mapped page cannot be read (a failing disk, a
// truncated file), the process ends. A failed system call ends only the query.
func writer(path string) string {
	return address(path, "_txlock=immediate", "_journal_mode=WAL", "_synchronous=FULL", "_pragma=cache_size(-131072)", "_pragma=wal_autocheckpoint(32000)")
}

func reader(path string) string { return address(path, "_query_only=1", "_pragma=mmap_size(0)") }

// patience is how long a connection waits for the locks of others. Chosen.
const patience = 20 * time.Second

// address returns the driver's address of the file at path: params, and the parameters that all connections share. The
// file must exist: the address never makes a file. memory is an exception.
func address(path string, params ...string) string {
	params = append(params, fmt.Sprintf("_busy_timeout=%d", patience.Milliseconds()), "_foreign_keys=1", "_defensive=1", "_dqs=0",
		"_pragma=trusted_schema(0)", "_pragma=secure_delete(1)")
	if path != memory {
		if filepath.VolumeName(path) != "" {
			path = "/" + path // file:/C:/… (sqlite.org/uri.html, section 3.1)
		}
		path = (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
		params = append(params, "mode=rw") // never make a file here
	}
	return "file:" + path + "?" + strings.Join(params, "&")
}
