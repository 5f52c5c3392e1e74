package seal

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/durable"
)

// ErrBundle is wrapped by errors about files that cannot become a bundle, or that are not exactly as they were signed.
var ErrBundle = errors.New("not a bundle as it was signed")

// Names of the files that sealing adds to what was found.
const (
	publicName    = "public.pem"
	anchorsName   = "tsa-ca.pem"
	statementName = "statement.dsse.json"
	stampName     = "timestamp.tsr"
	paeName       = "statement.pae"
	sigName       = "statement.sig"
	readmeName    = "README.txt"
	listName      = "SHA256SUMS"
	listSigName   = "SHA256SUMS.sig"
)

// unstated are the names of the files that the statement cannot be about, because they are made from the statement.
var unstated = []string{statementName, stampName, paeName, sigName, readmeName, listName, listSigName}

const (
	maxBundle = 1 << 30 // bytes of all files together
	maxFiles  = 10_000
	maxName   = 200 // bytes
)

var errTooLarge = fmt.Errorf("%w: more than %d bytes", ErrBundle, int64(maxBundle))

// A File is one file of a bundle.
type File struct {
	Name  string // relative, with slashes; ASCII letters, digits and -._ only
	About string // one line for README.txt; empty in a bundle that was read
	Data  []byte
}

// A Bundle holds all files of a bundle, sorted by name.
type Bundle struct {
	files []File
}

// newBundle returns a bundle of files, sorted by name; the slice is copied, the contents are
// not. The error wraps [ErrBundle] for names that are not the same on every system, or differ in
// case alone. It also does for too many or too large files.
func newBundle(files []File) (*Bundle, error) {
	if len(files) > maxFiles {
		return nil, fmt.Errorf("%w: more than %d files", ErrBundle, maxFiles)
	}
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	total := int64(0)
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return nil, err
		}
		lower := strings.ToLower(f.Name)
		if seen[lower] {
			return nil, fmt.Errorf("%w: two files with the name %s", ErrBundle, f.Name)
		}
		seen[lower] = true
		if total += int64(len(f.Data)); total > maxBundle {
			return nil, errTooLarge
		}
	}
	return &Bundle{files}, nil
}

// checkName returns an error that wraps [ErrBundle] unless name is a relative path, with
// slashes, of up to maxName bytes. Each part has only ASCII letters, digits and -._, begins with
// neither . nor -, and does not end with a dot. Such a name means the same on every system.
func checkName(name string) error {
	odd := name == "" || len(name) > maxName
	for part := range strings.SplitSeq(name, "/") {
		odd = odd || part == "" || part[0] == '.' || part[len(part)-1] == '.' || part[0] == '-'
		odd = odd || strings.ContainsFunc(part, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
		})
	}
	if odd {
		return fmt.Errorf("%w: %.40q is no name of a file in it", ErrBundle, name)
	}
	return nil
}

// file returns the content of the file with the given name, and whether the bundle has it.
func (b *Bundle) file(name string) ([]byte, bool) {
	i, found := slices.BinarySearchFunc(b.files, name, func(f File, name string) int { return strings.Compare(f.Name, name) })
	if !found {
		return nil, false
	}
	return b.files[i].Data, true
}

// need returns the content of the file with the given name. If the bundle lacks the file, the
// error wraps [ErrBundle] and names the file.
func (b *Bundle) need(name string) ([]byte, error) {
	data, found := b.file(name)
	if !found {
		return nil, fmt.Errorf("%w: there is no %s", ErrBundle, name)
	}
	return data, nil
}

// sums returns the list of all files, by name, with their SHA-256, in the form of sha256sum:
// hex, two spaces, name, line feed. The list leaves out itself and its signature.
func (b *Bundle) sums() []byte {
	var out []byte
	for _, f := range b.files {
		if f.Name != listName && f.Name != listSigName {
			out = fmt.Appendf(out, "%x  %s\n", sha256.Sum256(f.Data), f.Name)
		}
	}
	return out
}

func (f File) subject() Subject { return subject(f.Name, int64(len(f.Data)), sha256.Sum256(f.Data)) }

const (
	filePerm fs.FileMode = 0o600
	dirPerm  fs.FileMode = 0o700

	// maxArchive leaves room for the headers of the files of a bundle, bytes.
	maxArchive = maxBundle + maxFiles*(2*maxName+200)
)

// Write writes the bundle to path, for its owner alone: an archive if path ends in .zip, else a folder, which must be
// empty or new. If something is in the way, the error wraps [fs.ErrExist]. After an error nothing of
// the bundle is left at path, with the exception that [durable.WriteFile] names.
func (b *Bundle) Write(path string) error {
	if !strings.EqualFold(filepath.Ext(path), ".zip") {
		return b.writeFolder(filepath.Clean(path))
	}
	var data bytes.Buffer
	if err := b.Archive(&data); err != nil {
		return err
	}
	return durable.WriteFile(path, data.Bytes(), filePerm, false)
}

// writeFolder writes the files to a new folder beside dir, and then renames that folder to dir,
// which must be empty or not there. If dir has entries, the error wraps [fs.ErrExist]. After an
// error dir has no file of the bundle, but an empty dir may be gone.
func (b *Bundle) writeFolder(dir string) error {
	switch entries, err := os.ReadDir(dir); {
	case len(entries) > 0:
		return &fs.PathError{Op: "write", Path: dir, Err: fs.ErrExist}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), durable.Temporary)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	whole := filepath.Join(temp, "bundle")
	for _, f := range b.files {
		path := filepath.Join(whole, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), dirPerm); err != nil {
			return err
		}
		if err := durable.WriteFile(path, f.Data, filePerm, false); err != nil {
			return err
		}
	}
	os.Remove(dir) // empty or not there: elsewhere than on Unix a folder cannot be renamed over one
	return os.Rename(whole, dir)
}

// Archive writes the files to w as a zip archive. The same files always give the same bytes: sorted by name, not compressed
// (compressed bytes depend on the program that compressed), dated 1980-01-01. After an error w may hold a part of it.
func (b *Bundle) Archive(w io.Writer) error {
	z := zip.NewWriter(w)
	for _, f := range b.files {
		entry, err := z.CreateRaw(&zip.FileHeader{
			Name: f.Name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(f.Data),
			CompressedSize64: uint64(len(f.Data)), UncompressedSize64: uint64(len(f.Data)),
			ReaderVersion: 20, CreatorVersion: 20,
			//lint:ignore SA1019 the field Modified would add an extra field, and archivers show a missing date as nonsense
			ModifiedDate: 1<<5 | 1, // 1980-01-01
		})
		if err != nil {
			return err
		}
		if _, err := entry.Write(f.Data); err != nil {
			return err
		}
	}
	return z.Close()
}

// Read reads a bundle from a folder or an archive at path. It checks the form of the bundle alone, no signature or
// digest: [Bundle.Check] does. Errors about the form wrap [ErrBundle]. In a folder, Read ignores files that file
// managers leave behind (names that begin with a dot, Thumbs.db, desktop.ini).
func Read(path string) (*Bundle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var b *Bundle
	switch {
	case info.IsDir():
		b, err = readFolder(path)
	case info.Mode().IsRegular():
		var data []byte
		if data, err = readFile(os.DirFS(filepath.Dir(path)), filepath.Base(path), maxArchive); err == nil {
			b, err = parseArchive(data)
		}
	default: // a pipe is never opened: it could be waited for without end
		err = fmt.Errorf("%w: neither a folder nor a file", ErrBundle)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// readFolder reads a bundle from the files in dir and its folders. It follows no link out of
// dir; any link there is an error that wraps [ErrBundle], except names that begin with a dot.
func readFolder(dir string) (*Bundle, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return readFiles(root.FS())
}

// parseArchive reads a bundle from the bytes of a zip archive. It accepts exactly the bytes that archive writes, because
// two programs may see different files in an archive with odd headers. It checks no signature. Errors wrap [ErrBundle].
func parseArchive(data []byte) (*Bundle, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: neither a folder nor a zip archive: %w", ErrBundle, err)
	}
	if len(z.File) > maxFiles {
		return nil, fmt.Errorf("%w: more than %d files", ErrBundle, maxFiles)
	}
	for _, f := range z.File { // before z works as a file system, which makes a folder for each slash
		if err := checkName(f.Name); err != nil {
			return nil, err
		}
		if f.Method != zip.Store {
			return nil, fmt.Errorf("%w: %s is compressed; if the archive was packed again, unpack it and check the folder", ErrBundle, f.Name)
		}
	}
	b, err := readFiles(z)
	if err != nil {
		return nil, fmt.Errorf("%w: the archive: %w", ErrBundle, err)
	}
	again := sha256.New()
	if err := b.Archive(again); err != nil || [32]byte(again.Sum(nil)) != sha256.Sum256(data) {
		return nil, fmt.Errorf("%w: the archive is not written as this program writes it; if it was packed again, unpack it and check the folder", ErrBundle)
	}
	return b, nil
}

// readFiles makes a bundle of all files in fsys and its folders, except files that file managers
// leave behind. Links and other files that are not regular, more than maxFiles files, and more
// than maxBundle bytes are errors that wrap [ErrBundle]. Every file is read into memory.
func readFiles(fsys fs.FS) (*Bundle, error) {
	var files []File
	left := int64(maxBundle)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil, name == ".":
			return err
		case leftBehind(d.Name()) && d.IsDir():
			return fs.SkipDir
		case leftBehind(d.Name()), d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%w: %.100q is no plain file", ErrBundle, name)
		case len(files) == maxFiles:
			return fmt.Errorf("%w: more than %d files", ErrBundle, maxFiles)
		}
		data, err := readFile(fsys, name, left)
		left -= int64(len(data))
		files = append(files, File{Name: name, Data: data})
		return err
	})
	if err != nil {
		return nil, err
	}
	return newBundle(files)
}

func leftBehind(name string) bool {
	return strings.HasPrefix(name, ".") || strings.EqualFold(name, "Thumbs.db") || strings.EqualFold(name, "desktop.ini")
}

// readFile reads the file name of fsys, up to limit bytes. For a larger file it returns errTooLarge, if possible before
// it reads any byte. The error does not say limit, but maxBundle.
func readFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errTooLarge
	}
	return data, err
}
