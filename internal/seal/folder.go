package seal

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kycmark/kycmark/internal/durable"
)

const (
	filePerm fs.FileMode = 0o644
	dirPerm  fs.FileMode = 0o755
)

// Write writes the bundle to path: as an archive where that ends in .zip, else as a
// folder, which must be empty or not there. Either all of it is there afterwards or
// nothing. An error wraps [fs.ErrExist] where something is in the way; overwrite lets an
// archive be replaced, never a folder.
func (b *Bundle) Write(path string, overwrite bool) error {
	if isArchive(path) {
		var buf bytes.Buffer
		if err := b.archive(&buf); err != nil {
			return err
		}
		return durable.WriteFile(path, buf.Bytes(), filePerm, overwrite)
	}
	return b.writeFolder(filepath.Clean(path))
}

func isArchive(path string) bool { return strings.EqualFold(filepath.Ext(path), ".zip") }

func (b *Bundle) writeFolder(dir string) error {
	switch entries, err := os.ReadDir(dir); {
	case err == nil && len(entries) > 0:
		return &fs.PathError{Op: "write", Path: dir, Err: fs.ErrExist}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	var unique [8]byte
	rand.Read(unique[:]) // never fails: crypto/rand
	temp := filepath.Join(filepath.Dir(dir), ".kycmark-"+hex.EncodeToString(unique[:])+".tmp")
	if err := os.Mkdir(temp, dirPerm); err != nil {
		return err
	}
	err := b.fill(temp)
	if err == nil {
		os.Remove(dir) // empty or not there: elsewhere than on Unix a folder cannot be renamed over one
		err = os.Rename(temp, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return nil
}

func (b *Bundle) fill(dir string) error {
	for _, f := range b.files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), dirPerm); err != nil {
			return err
		}
		if err := durable.WriteFile(path, f.Data, filePerm, false); err != nil {
			return err
		}
	}
	return nil
}

// archive writes the one archive that these files have: sorted, stored, without times.
// Compressed bytes depend on who compressed.
func (b *Bundle) archive(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, f := range b.files {
		h := &zip.FileHeader{
			Name: f.Name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(f.Data),
			CompressedSize64: uint64(len(f.Data)), UncompressedSize64: uint64(len(f.Data)),
			ReaderVersion: 20, CreatorVersion: 20,
			//lint:ignore SA1019 Modified would add an extra field, and without a date archivers show one that is none
			ModifiedDate: 1<<5 | 1, // 1980-01-01
		}
		entry, err := z.CreateRaw(h)
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.Data); err != nil {
			return err
		}
	}
	return z.Close()
}

// Read reads a bundle from a folder or an archive. It checks the form of the bundle only;
// errors about the form wrap [ErrBundle]. In a folder, Read ignores files that file managers
// leave behind (names that begin with a dot, Thumbs.db, desktop.ini).
func Read(path string) (*Bundle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var b *Bundle
	switch mode := info.Mode(); {
	case mode.IsDir():
		b, err = readFolder(path)
	case mode.IsRegular():
		b, err = readArchive(path)
	default: // to open a pipe would be to wait forever
		err = fmt.Errorf("%w: neither a folder nor a file", ErrBundle)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

func readFolder(dir string) (*Bundle, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var files []File
	left := int64(maxBundle)
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case leftBehind(d.Name()) && d.IsDir():
			return fs.SkipDir
		case leftBehind(d.Name()):
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%w: %.100q is no plain file", ErrBundle, name)
		case len(files) == maxFiles:
			return fmt.Errorf("%w: more than %d files", ErrBundle, maxFiles)
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := readFile(f, left)
		if err != nil {
			return err
		}
		left -= int64(len(data))
		files = append(files, File{Name: name, Data: data})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return newBundle(files)
}

func leftBehind(name string) bool {
	return strings.HasPrefix(name, ".") || strings.EqualFold(name, "Thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// readFile reads a file of at most limit bytes. It returns errTooLarge for a larger file, if
// possible before it reads any byte.
func readFile(f fs.File, limit int64) ([]byte, error) {
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		return nil, errTooLarge
	}
	return readUpTo(f, limit)
}

// readUpTo reads all of r, at most limit bytes. It returns errTooLarge if r has more.
func readUpTo(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}

// maxArchive has room for the headers of the files that a bundle may have.
const maxArchive = maxBundle + maxFiles*(2*maxName+200)

func readArchive(path string) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readFile(f, maxArchive)
	if err != nil {
		return nil, err
	}
	return parseArchive(data)
}

func parseArchive(data []byte) (*Bundle, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: neither a folder nor a zip archive: %w", ErrBundle, err)
	}
	if len(z.File) > maxFiles {
		return nil, fmt.Errorf("%w: more than %d files", ErrBundle, maxFiles)
	}
	var files []File
	left := int64(maxBundle)
	for _, entry := range z.File {
		content, err := readEntry(entry, left)
		if err != nil {
			return nil, fmt.Errorf("%w: %.100q: %w", ErrBundle, entry.Name, err)
		}
		left -= int64(len(content))
		files = append(files, File{Name: entry.Name, Data: content})
	}
	b, err := newBundle(files)
	if err != nil {
		return nil, err
	}
	// What two archivers see in an archive with odd headers need not be the same files.
	same := &comparer{want: data}
	if err := b.archive(same); err != nil || len(same.want) > 0 {
		return nil, fmt.Errorf("%w: the archive is not written as this program writes it; if it was packed again, unpack it and check the folder", ErrBundle)
	}
	return b, nil
}

// readEntry reads one file of an archive, at most limit bytes. It refuses compressed files.
func readEntry(entry *zip.File, limit int64) ([]byte, error) {
	if entry.Method != zip.Store {
		return nil, errors.New("it is compressed; if the archive was packed again, unpack it and check the folder")
	}
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readUpTo(r, limit)
}

// A comparer takes exactly the bytes of want.
type comparer struct{ want []byte }

func (c *comparer) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(c.want, p) {
		return 0, errors.New("other bytes")
	}
	c.want = c.want[len(p):]
	return len(p), nil
}
