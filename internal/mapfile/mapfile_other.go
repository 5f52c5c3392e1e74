//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package mapfile

import (
	"io"
	"os"
)

// mapped reads the first size bytes of a file. There is nothing to unmap.
func mapped(f *os.File, size int) ([]byte, func([]byte) error, error) {
	data := make([]byte, size)
	_, err := io.ReadFull(f, data)
	return data, nil, err
}
