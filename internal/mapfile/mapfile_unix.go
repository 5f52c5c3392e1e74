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

// Alloc returns size zero bytes outside Go's heap, for Free to release. It asks for huge pages,
// which the system may not give. It returns nil if size is 0 or less, or if the system has no
// memory.
func (Pages) Alloc(size int) []byte {
	if size <= 0 {
		return nil
	}
	whole := (size + hugePage - 1) / hugePage * hugePage
	b, err := unix.Mmap(-1, 0, whole, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	askForHugePages(b)
	return b[:size]
}

// Free releases b, which Alloc returned, with its capacity unchanged. nil is ignored, and so is an
// error of the system.
func (Pages) Free(b []byte) {
	if cap(b) > 0 {
		_ = unix.Munmap(b[:cap(b)]) // fails for what is no mapping alone
	}
}
