// Package intake reads what comes from outside: files that may be hostile, and texts that users enter.
package intake

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kycmark/kycmark/internal/picture"
)

// ErrNotRegular is why a pipe, a device or a link is not read.
var ErrNotRegular = errors.New("not a regular file")

// maxAhead is how many bytes are allocated for a file before it is read. Chosen: the default limit of a picture.
const maxAhead = picture.DefaultMaxBytes

// OpenRegular opens a regular file; links are followed. It refuses folders, pipes and devices, which might wait
// forever, with an error that wraps [ErrNotRegular]. The file may be replaced between the check and the opening.
func OpenRegular(name string) (*os.File, error) {
	if st, err := os.Stat(name); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	return os.Open(name)
}

// ReadAll reads all of r, into memory. size is how many bytes it is said to have: so many, up to limit and maxAhead,
// are allocated at once. If r has more than limit bytes, the error is a *[picture.LimitError].
func ReadAll(r io.Reader, size, limit int64) ([]byte, error) {
	data := bytes.NewBuffer(make([]byte, 0, max(0, min(size, limit, maxAhead))+bytes.MinRead))
	n, err := data.ReadFrom(io.LimitReader(r, max(limit, limit+1))) // limit+1 overflows for the maximum limit
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if n > limit {
		return nil, &picture.LimitError{What: "bytes", Got: n, Max: limit}
	}
	return data.Bytes(), nil
}

// ReadFile reads a regular file of up to limit bytes. Its errors are *[fs.PathError], that of a larger file wraps a
// *[picture.LimitError].
func ReadFile(name string, limit int64) ([]byte, error) {
	f, err := OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size := int64(0)
	if st, err := f.Stat(); err == nil {
		size = st.Size()
	}
	data, err := ReadAll(f, size, limit)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// Walk calls each with the file at path or, if that is a folder, with all files below it, in lexical order. Hidden files
// and folders below are passed over, and links are not followed. A path that cannot be read comes with its error. Walk
// ends when each returns false, and reports whether it did not.
func Walk(path string, each func(name string, f fs.DirEntry, err error) bool) bool {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return each(path, fs.FileInfoToDirEntry(info), err)
	}
	going := true
	root := path + string(filepath.Separator) // a link to a folder is followed where it is named
	_ = filepath.WalkDir(root, func(name string, f fs.DirEntry, err error) error {
		switch hidden := err == nil && name != root && strings.HasPrefix(f.Name(), "."); {
		case hidden && f.IsDir():
			return fs.SkipDir
		case !hidden && (err != nil || !f.IsDir()):
			going = each(name, f, err)
		}
		if !going {
			return fs.SkipAll
		}
		return nil
	})
	return going
}

// Litter reports whether an operating system makes files of this name by itself. name is a path with slashes.
func Litter(name string) bool {
	switch base := path.Base(name); base {
	case ".DS_Store", "Thumbs.db", "desktop.ini":
		return true
	default: // AppleDouble files hold no pictures
		return strings.HasPrefix(base, "._") || strings.HasPrefix(name, "__MACOSX/")
	}
}

// Tar reads a tar archive that ends with a block of zeros or more. Without them Next returns io.ErrUnexpectedEOF, while
// package tar itself takes an archive for whole that is cut off between two files.
func Tar(r io.Reader) *tar.Reader {
	seeker, _ := r.(io.Seeker)
	return tar.NewReader(&tarBlocks{Reader: r, Seeker: cmp.Or[io.Seeker](seeker, (*os.File)(nil))})
}

// A tarBlocks reads the blocks of a tar archive.
type tarBlocks struct {
	io.Reader
	io.Seeker       // a nil file cannot seek, and package tar reads on
	header    *byte // where package tar wants all headers
	end       bool  // the last header was zeros
}

func (t *tarBlocks) Read(p []byte) (int, error) {
	n, err := io.ReadFull(t.Reader, p)
	if errors.Is(err, io.EOF) && !t.end {
		err = io.ErrUnexpectedEOF
	}
	if t.header = cmp.Or(t.header, &p[0]); t.header == &p[0] && n == 512 {
		t.end = len(bytes.Trim(p, "\x00")) == 0
	}
	return n, err
}

// Encrypted returns an error if a zip archive has files, and all are encrypted.
func Encrypted(files []*zip.File) error {
	n := 0
	for _, f := range files {
		switch {
		case f.FileInfo().IsDir():
		case f.Flags&1 == 0: // APPNOTE 4.4.4
			return nil
		default:
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("encrypted: unpack it with its password first (files in it: %d)", n)
}

// WithoutPath returns the cause of the first *[fs.PathError] that err wraps, for callers that name the file
// themselves. It returns other errors, and nil, unchanged.
func WithoutPath(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
