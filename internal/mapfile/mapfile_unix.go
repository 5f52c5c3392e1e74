//go:build linux || darwin || freebsd || netbsd || openbsd

package mapfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapped maps the first size bytes of a file for reading, size above 0, and returns the function
// that unmaps them. The file may be closed while it is mapped.
func mapped(f *os.File, size int) ([]byte, func([]byte) error, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	return data, unix.Munmap, err
}
