//go:build unix

package durable

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes a folder's new entry last: fsync of the file does not
// (fsync(2)). File systems that cannot sync folders say EINVAL or ENOTSUP.
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
