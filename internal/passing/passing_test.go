package passing_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/passing"
)

// heldAndFull returns the errors of a SQLite file that another holds, and of one that cannot grow.
func heldAndFull(t *testing.T) (held, full error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	open := func() *sql.Conn {
		db, err := sql.Open("sqlite", path)
		require.NoError(t, err)
		t.Cleanup(func() { db.Close() })
		c, err := db.Conn(t.Context())
		require.NoError(t, err)
		return c
	}
	one, other := open(), open()
	_, err := one.ExecContext(t.Context(), "CREATE TABLE a (b); BEGIN EXCLUSIVE")
	require.NoError(t, err)
	_, held = other.ExecContext(t.Context(), "INSERT INTO a VALUES (1)")
	_, err = one.ExecContext(t.Context(), "COMMIT; PRAGMA max_page_count = 3")
	require.NoError(t, err)
	_, full = one.ExecContext(t.Context(), "INSERT INTO a VALUES (zeroblob(1000000))")
	return held, full
}

func TestErrors(t *testing.T) {
	t.Parallel()
	held, full := heldAndFull(t)
	for _, c := range []struct {
		name           string
		err            error
		is, away, full bool
	}{
		{"a file that another process holds", held, true, true, false},
		{"a file of SQLite on a full disk", full, false, false, true},
		{"a full disk, whose error has the methods of a network's", &fs.PathError{Op: "write", Path: "copy", Err: syscall.ENOSPC}, false, false, true},
		{"a server that is read-only", &pgconn.PgError{Code: "25006"}, true, true, false},
		{"a server that ends the transaction of a process that was stopped", &pgconn.PgError{Code: "25P03"}, true, true, false},
		{"a server that ends the session", &pgconn.PgError{Code: "57P01"}, true, true, false},
		{"a server that refuses a value", &pgconn.PgError{Code: "23505"}, false, false, false},
		{"a connection that was closed before", fmt.Errorf("read: %w", pgconn.ErrConnClosed), true, true, false},
		{"a server that does not listen", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, true, true, false},
		{"a connection that ends", fmt.Errorf("commit: %w", io.ErrUnexpectedEOF), true, true, false},
		{"a bucket", objects.ErrAway, true, false, false},
		{"a program that ends", context.Canceled, true, true, false},
		{"another error", errors.New("no such row"), false, false, false},
	} {
		require.Error(t, c.err, c.name)
		assert.Equal(t, c.is, passing.Is(c.err), c.name)
		assert.Equal(t, c.away, passing.Away(c.err), c.name)
		assert.Equal(t, c.full, passing.Full(c.err), c.name)
	}
}
