// Package mapfile maps files into memory. On systems that cannot do so it reads files into the heap.
package mapfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A File is a file's content in memory. It must not be written to.
type File struct {
	data  []byte
	close func([]byte) error
}

// Open maps a regular file of up to maxSize bytes, for reading. While it is open the file must not
// be written or cut; to change it, write another file and rename that over it. An empty file gives
// no bytes. Errors are *[fs.PathError]. The caller must call Close.
func Open(path string, maxSize int64) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	size := int64(0)
	if err == nil {
		size = info.Size()
	}
	m := &File{}
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errors.New("not a regular file")
	case size > maxSize || size != int64(int(size)):
		err = fmt.Errorf("%d bytes are too many", size)
	case size > 0: // an empty file cannot be mapped
		m.data, m.close, err = mapped(f, int(size))
	}
	if err != nil {
		return nil, &fs.PathError{Op: "map", Path: path, Err: err}
	}
	return m, nil
}

// Bytes returns the content. It is valid until Close.
func (f *File) Bytes() []byte { return f.data }

// Close releases the memory; bytes that Bytes returned must not be read afterwards, which may crash
// the process. A second call does nothing. It is not safe for concurrent use.
func (f *File) Close() error {
	data := f.data
	f.data = nil
	if data == nil || f.close == nil {
		return nil
	}
	return f.close(data)
}
