package sqlite

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/records"
)

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
