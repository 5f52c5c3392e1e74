//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

// syncDir syncs the folder dir to the disk, so that a new name in it survives a power cut: fsync of the file does not
// ensure that (fsync(2)). File systems that cannot sync folders (EINVAL, ENOTSUP) are no error.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
