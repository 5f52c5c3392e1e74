package dump

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A source is the bytes of an archive, for reading at any place. A file of the system is open only while
// it is in use: a dump may have more archives than a process may have open files.
type source struct {
	size   int64
	stored io.ReaderAt // in the dump's temporary file; nil: in a file of its own

	again func() (io.ReadCloser, error) // opens the file
	was   fs.FileInfo                   // of the file when it was listed; nil: not known
	mu    sync.Mutex
	file  io.ReadCloser // an io.ReaderAt; nil: closed
	users int           // under mu
}

// use opens the file if it is closed. The caller calls done later. The error is of opening the file, or [errChanged].
func (s *source) use() error {
	if s.stored != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		f, err := s.again()
		if err != nil {
			return err
		}
		if now := stat(f); now != nil && s.was != nil && (now.Size() != s.was.Size() || !now.ModTime().Equal(s.was.ModTime())) {
			f.Close()
			return errChanged
		}
		s.file = f
	}
	s.users++
	return nil
}

func (s *source) done() {
	if s.stored != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.file.Close()
		s.file = nil
	}
}

// stat returns what the system says of an open file, or nil.
func stat(r io.Reader) fs.FileInfo {
	f, ok := r.(fs.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	return info
}

// ReadAt reads while the source is in use.
func (s *source) ReadAt(b []byte, at int64) (int, error) {
	if s.stored != nil {
		return s.stored.ReadAt(b, at)
	}
	return s.file.(io.ReaderAt).ReadAt(b, at)
}

// part returns n bytes from byte at on, for reading while the source is in use.
func (s *source) part(at, n int64) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(s, at, n)), nil
}

// opening returns a function that opens a file in the archive with open. The source is in use until that
// file is closed.
func (s *source) opening(open func() (io.ReadCloser, error)) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		if err := s.use(); err != nil {
			return nil, err
		}
		r, err := open()
		if err != nil {
			s.done()
			return nil, err
		}
		return &inUse{ReadCloser: r, of: s}, nil
	}
}

// inUse is an open file of an archive.
type inUse struct {
	io.ReadCloser
	of *source
}

// Close closes the file. It must be called once.
func (u *inUse) Close() error {
	defer u.of.done()
	return u.ReadCloser.Close()
}

// A folder is a tree of files like [os.DirFS]. It also has names that are not UTF-8: package fs
// refuses them, and leaks from old or foreign systems contain them. Only names that the folder
// has listed are opened, so nothing outside can be named.
type folder string

func (f folder) path(name string) string {
	if os.IsPathSeparator(f[len(f)-1]) {
		return string(f) + filepath.FromSlash(name)
	}
	return string(f) + string(filepath.Separator) + filepath.FromSlash(name)
}

func (f folder) Open(name string) (fs.File, error)          { return os.Open(f.path(name)) }
func (f folder) Stat(name string) (fs.FileInfo, error)      { return os.Stat(f.path(name)) }
func (f folder) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(f.path(name)) }
