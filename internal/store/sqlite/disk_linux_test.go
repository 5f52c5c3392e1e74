package sqlite_test

import (
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// smallDisk is a folder that takes some megabytes: a file system of its own where the
// test may mount one, else a limit on the size of files. More makes it larger.
func smallDisk(t *testing.T) (dir string, more func()) {
	dir = t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=3m"); err == nil {
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
		return dir, func() { require.NoError(t, syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT, "size=100m")) }
	}
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old))
	small := old
	small.Cur = 1 << 20
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small))
	more = func() { syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old) }
	t.Cleanup(func() {
		more()
		signal.Reset(syscall.SIGXFSZ)
	})
	return dir, more
}

// A disk that is full costs an error; what was acknowledged is there, and when there
// is room again the same handle goes on.
func TestDiskFull(t *testing.T) {
	dir, more := smallDisk(t)
	d := fill(t, filepath.Join(dir, "r.db"))
	n, acked := 100, []int{}
	var err error
	for ; err == nil; n++ {
		require.Less(t, n, 1000, "the disk was never full")
		if err = addLarge(t, d, n); err == nil {
			acked = append(acked, n)
		}
	}
	require.Regexp(t, "disk is full|disk I/O error", err.Error())
	require.NotEmpty(t, acked)
	full := n - 1
	require.Error(t, addLarge(t, d, full), "it stays full")
	verify := func(d *sqldb.DB) {
		_, _, err := d.Check(t.Context())
		require.NoError(t, err)
		for _, n := range acked {
			s, _ := submission(n)
			_, err := d.Sealed(t.Context(), s.ID, true)
			require.NoError(t, err)
		}
	}
	verify(d)
	more()
	require.NoError(t, addLarge(t, d, full))
	acked = append(acked, full)
	verify(d)
	require.NoError(t, d.Close())
	d, err = sqlite.Open(t.Context(), filepath.Join(dir, "r.db"))
	require.NoError(t, err)
	defer d.Close()
	verify(d)
}

// A registry that cannot be opened for a full disk says so, and opens when there is room.
func TestOpenOnFullDisk(t *testing.T) {
	dir, more := smallDisk(t)
	path := filepath.Join(dir, "r.db")
	require.NoError(t, fill(t, path).Close())
	if os.WriteFile(filepath.Join(dir, "rest"), make([]byte, 4<<20), 0o600) == nil {
		skip.Test(t, "no file system of its own can be mounted")
	}
	_, err := sqlite.Open(t.Context(), path)
	require.ErrorContains(t, err, "is the disk full?")
	more()
	d, err := sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func addLarge(t *testing.T, s records.Store, n int) error {
	sub, x := submission(n)
	x.Body = make([]byte, 100_000)
	_, err := add(t.Context(), s, sub, x)
	return err
}

// A registry on a read-only disk costs a clear error, and is whole afterwards.
func TestReadOnlyDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.db")
	mounted := syscall.Mount("none", dir, "tmpfs", 0, "") == nil
	if mounted {
		t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	}
	d := fill(t, path)
	before, _, err := d.Head(t.Context())
	require.NoError(t, err)
	require.NoError(t, d.Close())
	if mounted {
		require.NoError(t, syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	} else {
		require.NoError(t, os.Chmod(path, 0o400))
		require.NoError(t, os.Chmod(dir, 0o500))
		t.Cleanup(func() { os.Chmod(dir, 0o700) })
		if f, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
			f.Close()
			skip.Test(t, "whom no permission stops, and who may not mount, such as root in most containers, has no read-only disk")
		}
	}
	d, err = sqlite.Open(t.Context(), path)
	if err == nil {
		err = addLarge(t, d, 100)
		d.Close()
	}
	require.ErrorContains(t, err, "read-only")
	if mounted {
		require.NoError(t, syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT, ""))
	} else {
		require.NoError(t, os.Chmod(dir, 0o700))
		require.NoError(t, os.Chmod(path, 0o600))
	}
	d, err = sqlite.Open(t.Context(), path)
	require.NoError(t, err)
	defer d.Close()
	size, _, err := d.Check(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, size)
	require.NoError(t, addLarge(t, d, 100))
}
