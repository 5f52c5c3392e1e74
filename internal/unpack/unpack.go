// Package unpack reads 7z and rar archives, databases of SQLite and what xz, zstd and bzip2 compressed, from hostile sources. Their
// readers run in a process of their own: see package apart.
package unpack

import (
	"context"
	"io"
	"os"

	"github.com/kycmark/kycmark/internal/apart"
)

// MaxMemory is the maximum number of bytes of data that a process that unpacks has on Linux. "xz -9"
// and "7z -mx=9" take 64 MiB, and a rar may take [maxDictionary]. Chosen.
const MaxMemory = 768 << 20

// baseTime is the processor time that an archive has on Linux, seconds: 3 GB of xz, 0.5 GB of bzip2. It has a second more for each
// MiB of its own. Chosen.
var baseTime int64 = 60

// verb is the first argument of a process that unpacks.
const verb = "unpack-archive"

// Files calls each for the files of an archive, in its order, as [apart.Run] does. kind is ".7z", ".rar", ".sqlite",
// ".tar.xz", ".tar.zst" or ".tar.bz2"; the last three have one file, the tar, and a database has one file of all its
// values. The error wraps [apart.ErrEncrypted] if a password is needed.
func Files(ctx context.Context, kind string, archive *os.File, each func(name string, regular bool, r io.Reader) error) error {
	st, err := archive.Stat()
	if err != nil {
		return err
	}
	return apart.Run(ctx, apart.Job{Verb: verb, Kind: kind, MaxMemory: MaxMemory, MaxTime: baseTime + st.Size()>>20}, archive, each)
}

// Serve is the process that unpacks. main calls it first, and returns if it returns true.
func Serve() (served bool) { return apart.Serve(verb, archive) }
