// Package passing tells errors that may not come again, such as that of a database that restarts, from others.
package passing

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/kycmark/kycmark/internal/objects"
)

// Is reports whether an error may not come again: the database or another server is away, ends this session, or is held by
// another process for long.
func Is(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		switch server.Code[:2] { // connection, rollback, resources, operator, system
		case "08", "40", "53", "57", "58":
			return true
		}
		// Read-only, as a standby is that is being promoted; a transaction that was idle, or open, for too long.
		return server.Code == "25006" || server.Code == "25P03" || server.Code == "25P04"
	}
	var connecting *pgconn.ConnectError // also: no host takes writes
	var network net.Error
	errors.As(err, &network)
	_, file := network.(syscall.Errno) // errors of files, such as that of a full disk, have the methods of net.Error
	return errors.As(err, &connecting) || pgconn.SafeToRetry(err) || errors.Is(err, pgconn.ErrConnClosed) || network != nil && !file || inFile(err, codes.SQLITE_BUSY) ||
		errors.Is(err, objects.ErrAway) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Away reports whether an error says that the database is away, not a bucket of originals.
func Away(err error) bool { return Is(err) && !errors.Is(err, objects.ErrAway) }

// Full reports whether an error says that a disk of this machine is full.
func Full(err error) bool { return errors.Is(err, syscall.ENOSPC) || inFile(err, codes.SQLITE_FULL) }

// Frozen reports whether an error says that a file or disk of this machine can only be read.
func Frozen(err error) bool {
	return errors.Is(err, syscall.EROFS) || inFile(err, codes.SQLITE_READONLY)
}

func inFile(err error, code int) bool {
	var of *sqlite.Error
	return errors.As(err, &of) && of.Code()&0xff == code
}
