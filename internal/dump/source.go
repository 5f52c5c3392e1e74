package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// A source is the bytes of an archive, for reading at any place. A file of the system is open only while
// it is in use: a dump may have more archives than a process may have open files.
type source struct {
	size   int64       // of the part that is looked into, if files are carved
	stored io.ReaderAt // in the dump's temporary file; nil: in a file of its own

	again func() (io.ReadCloser, error) // opens the file
	was   fs.FileInfo                   // of the file when it was listed; nil: not known
	mu    sync.Mutex
	file  io.ReadCloser // an io.ReaderAt; nil: closed
	users int           // under mu

	unread map[string][2]int64 // by ending: from where to where the last archive lies in it that was not read
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

func stat(r io.Reader) fs.FileInfo {
	if f, ok := r.(fs.File); ok {
		if info, err := f.Stat(); err == nil {
			return info
		}
	}
	return nil
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

// opening returns a function that opens a file in the archive with open. The source is in use until then.
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

// ownFile returns a file of the system with the bytes of r: r itself, or a temporary copy of up to limit
// bytes. The caller closes it. whole reads r and is read to its end.
func ownFile(r io.ReadCloser, whole *digested, limit int64) (*temporary, error) {
	if f, ok := r.(*os.File); ok {
		_, err := io.Copy(io.Discard, whole)
		return &temporary{f, true}, err
	}
	defer r.Close()
	t, err := newTemporary()
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(&bounded{Writer: t, limit: limit}, whole); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// A tooLarge error says that more bytes than this limit would have to be unpacked.
type tooLarge int64

func (n tooLarge) Error() string {
	return fmt.Sprintf("more than %d bytes would have to be unpacked", int64(n))
}

// store keeps the bytes of from in the dump's temporary file, and returns them, also with an error. More
// than d.left bytes, which it reduces, are an error of type tooLarge.
func (d *Dump) store(ctx context.Context, from io.Reader) (*source, error) {
	return d.keep(func(w io.Writer) (int64, error) { return io.Copy(w, &stopped{ctx, from}) })
}

// newTemporary returns a new temporary file. If the system allows it, the file has no name, so nothing is left behind.
func newTemporary() (*temporary, error) {
	f, err := os.CreateTemp("", "kycmark-*")
	if err != nil {
		return nil, err
	}
	return &temporary{f, os.Remove(f.Name()) == nil}, nil
}

// A temporary is a file that is deleted when it is closed.
type temporary struct {
	*os.File
	removed bool // nothing is to be deleted: some systems cannot delete an open file
}

// Close closes the file and deletes it unless that was done before.
func (t *temporary) Close() error {
	err := t.File.Close()
	if !t.removed {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}
