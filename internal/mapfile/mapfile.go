// Package mapfile provides memory outside Go's heap: files mapped into memory, and huge pages.
// On systems without them it reads files into the heap.
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

// Open maps a regular file of at most maxSize bytes. While it is open the file must not be
// written or cut; to change it, write another file and rename that over it.
func Open(path string, maxSize int64) (*File, error) {
	f, size, err := regular("map", path, maxSize)
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

// regular opens a regular file of at most maxSize bytes. op is the word for errors.
func regular(op, path string, maxSize int64) (f *os.File, size int, err error) {
	if f, err = os.Open(path); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = &os.PathError{Op: op, Path: path, Err: fmt.Errorf("not a regular file")}
	case info.Size() > maxSize || info.Size() != int64(int(info.Size())):
		err = &os.PathError{Op: op, Path: path, Err: fmt.Errorf("%d bytes are too many", info.Size())}
	default:
		return f, int(info.Size()), nil
	}
	f.Close()
	return nil, 0, err
}

// Bytes returns the content. It is valid until Close.
func (f *File) Bytes() []byte { return f.data }

// Close releases the memory.
func (f *File) Close() error {
	data := f.data
	f.data = nil
	if data == nil || f.close == nil {
		return nil
	}
	return f.close(data)
}

// Load reads a regular file of at most maxSize bytes into huge pages. Random access is faster
// there than in a mapped file, and no other process can change the content.
func Load(path string, maxSize int64) (*File, error) {
	f, size, err := regular("read", path, maxSize)
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

// Pages allocates huge pages, if the system has them. It implements phash.Memory.
type Pages struct{}

// hugePage is the size of a huge page on the common processors.
const hugePage = 2 << 20
