// Package mapfile gives memory that Go's heap does not: files mapped into memory,
// and huge pages. Where the system has neither, files are read and the heap serves.
package mapfile

import (
	"fmt"
	"io"
	"os"
)

// A File is a file's content in memory. It must not be written to.
type File struct {
	data  []byte
	close func([]byte) error
}

// Open maps a regular file of at most so many bytes. Nobody may write to the file
// or cut it while it is open: replace it by another under its name.
func Open(path string, most int64) (*File, error) {
	f, size, err := regular("map", path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size == 0 {
		return &File{}, nil
	}
	data, unmap, err := mapped(f, size)
	if err != nil {
		return nil, &os.PathError{Op: "map", Path: path, Err: err}
	}
	return &File{data, unmap}, nil
}

// regular opens a regular file of at most so many bytes.
func regular(op, path string, most int64) (f *os.File, size int, err error) {
	if f, err = os.Open(path); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = &os.PathError{Op: op, Path: path, Err: fmt.Errorf("not a regular file")}
	case info.Size() > most || info.Size() != int64(int(info.Size())):
		err = &os.PathError{Op: op, Path: path, Err: fmt.Errorf("%d bytes are too many", info.Size())}
	default:
		return f, int(info.Size()), nil
	}
	f.Close()
	return nil, 0, err
}

// Bytes is the content, until Close.
func (f *File) Bytes() []byte { return f.data }

// Close gives the memory back.
func (f *File) Close() error {
	data := f.data
	f.data = nil
	if data == nil || f.close == nil {
		return nil
	}
	return f.close(data)
}

// Load reads a regular file of at most so many bytes into huge pages, where random
// access is faster than in a mapped file, and which nobody else can change.
func Load(path string, most int64) (*File, error) {
	f, size, err := regular("read", path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := Pages{}.Alloc(size)
	free := func(b []byte) error { Pages{}.Free(b); return nil }
	if data == nil {
		data, free = make([]byte, size), nil
	}
	loaded := &File{data, free}
	if _, err := io.ReadFull(f, data); err != nil {
		loaded.Close()
		return nil, &os.PathError{Op: "read", Path: path, Err: err}
	}
	return loaded, nil
}

// Pages allots memory of its own to each caller, in huge pages where the system
// has them for the asking. It is what phash calls a Memory.
type Pages struct{}

// hugePage is the size of a huge page on the common processors.
const hugePage = 2 << 20
