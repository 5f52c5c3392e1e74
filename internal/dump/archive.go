package dump

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"cmp"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
)

// archive lists the files of the archive f, of the given kind, and adds it to the containers. depth
// counts the archives around it. The error says why the archive, or a part of it, cannot be listed:
// the caller lists the archive with it. It may also be ErrTooMany or ctx's. What lies in a tar
// before the error is listed.
func (d *Dump) archive(ctx context.Context, kind string, depth int, f File) error {
	r, err := f.Open(ctx)
	if err != nil {
		return err
	}
	whole := &digested{Reader: &stopped{ctx, r}, sum: sha256.New()}
	at, size, err := d.seekable(ctx, kind, r, whole)
	c := Container{Name: f.Name, Size: whole.n}
	if whole.ended {
		c.Sum = hex.EncodeToString(whole.sum.Sum(nil))
	}
	d.Containers = append(d.Containers, c)
	switch {
	case at == nil || ctx.Err() != nil:
		return err
	case kind != ".zip":
		return d.tar(ctx, at, size, err, depth, f.Name)
	case err != nil: // the list of files is at the archive's end
		return err
	}
	return d.zip(ctx, at, size, depth, f.Name)
}

// A digested reader computes SHA-256 and size of what is read through it.
type digested struct {
	io.Reader
	sum   hash.Hash
	n     int64
	ended bool
}

// Read reads and counts bytes, and adds them to the digest.
func (d *digested) Read(b []byte) (int, error) {
	n, err := d.Reader.Read(b)
	d.sum.Write(b[:n])
	d.n += int64(n)
	d.ended = d.ended || errors.Is(err, io.EOF)
	return n, err
}

// seekable returns an archive's uncompressed bytes for reading at any place, and their number: from
// the file itself if that is possible, else from a temporary file. Both stay open until the dump is
// closed. r is the file, and whole reads r and is read to its end, for the digest. With an error
// seekable also returns the bytes before the error, or nil if none can be read.
func (d *Dump) seekable(ctx context.Context, kind string, r io.ReadCloser, whole *digested) (io.ReaderAt, int64, error) {
	if at, ok := r.(io.ReaderAt); ok && (kind == ".zip" || kind == ".tar") {
		d.closers = append(d.closers, r)
		_, err := io.Copy(io.Discard, whole)
		return at, whole.n, err
	}
	defer func() {
		io.CopyN(io.Discard, whole, d.left) // bytes behind the compressed data, or behind an error, belong to the file
		r.Close()
	}()
	var from io.Reader = bufio.NewReader(whole)
	switch kind {
	case ".tar.gz":
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, 0, err
		}
		from = z
	case ".tar.bz2":
		from = bzip2.NewReader(from)
	}
	return d.spool(ctx, from)
}

// spool copies from to a temporary file and returns the file and its number of bytes, also with an
// error. More than d.left bytes, which it reduces, are an error. If the system allows it, the file
// has no name, so nothing is left behind. It is closed with the dump.
func (d *Dump) spool(ctx context.Context, from io.Reader) (io.ReaderAt, int64, error) {
	f, err := os.CreateTemp("", "kycmark-*")
	if err != nil {
		return nil, 0, err
	}
	d.closers = append(d.closers, &temporary{f, os.Remove(f.Name()) == nil})
	n, err := io.Copy(f, io.LimitReader(&stopped{ctx, from}, d.left+1))
	if err == nil && n > d.left {
		err = fmt.Errorf("more than %d bytes would have to be unpacked", d.opts.MaxUnpacked)
	}
	d.left -= min(n, d.left)
	return f, n, err
}

// A temporary is a file that is deleted when it is closed.
type temporary struct {
	*os.File
	removed bool // already removed; some systems cannot remove an open file
}

// Close closes the file and deletes it unless that was done before.
func (t *temporary) Close() error {
	err := t.File.Close()
	if !t.removed {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}

// A stopped reader returns ctx's error once ctx has ended.
type stopped struct {
	ctx context.Context
	r   io.Reader
}

// Read reads unless ctx has ended.
func (s *stopped) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// zip lists the files of a zip archive of size bytes. depth counts the archives around it, under is
// its name. Files that are encrypted or compressed by another method, and links, are listed with an
// error, folders and litter not at all. The error is of the archive's directory, ErrTooMany or
// ctx's. If all its files are encrypted, the error says so and none is listed.
func (d *Dump) zip(ctx context.Context, at io.ReaderAt, size int64, depth int, under string) error {
	z, err := zip.NewReader(at, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are labels
		return err
	}
	if err := intake.Encrypted(z.File); err != nil {
		return err
	}
	for _, e := range z.File {
		if e.FileInfo().IsDir() || intake.Litter(e.Name) {
			continue
		}
		f := File{Name: under + "!" + e.Name, Open: func(context.Context) (io.ReadCloser, error) { return e.Open() }}
		switch {
		case e.Flags&1 != 0: // APPNOTE 4.4.4
			f = File{Name: f.Name, Err: errEncrypted}
		case e.Method != zip.Store && e.Method != zip.Deflate:
			f = File{Name: f.Name, Err: errMethod}
		case !e.Mode().IsRegular():
			f = File{Name: f.Name, Err: intake.ErrNotRegular}
		}
		if err := d.entry(ctx, depth+1, f); err != nil {
			return err
		}
	}
	return nil
}

// tar lists the complete files of a tar archive of size bytes at at. broken is the error that ended
// its unpacking before, nil if it is whole; tar returns broken, or the error at which the archive
// breaks off, after the files before it. depth counts the archives around it, under is its name.
// Links and sparse files are listed with an error.
func (d *Dump) tar(ctx context.Context, at io.ReaderAt, size int64, broken error, depth int, under string) error {
	if size == 0 {
		return cmp.Or(broken, io.ErrUnexpectedEOF) // an archive without files still has an end marker
	}
	whole := io.NewSectionReader(at, 0, size)
	for t := tar.NewReader(whole); ; { // seeks over the files' bytes
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return broken
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return cmp.Or(broken, err)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader || intake.Litter(path.Clean(h.Name)) {
			continue
		}
		start, err := whole.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		f := File{Name: under + "!" + h.Name, Size: h.Size, Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(at, start, h.Size)), nil
		}}
		switch {
		case sparse(h):
			f = File{Name: f.Name, Err: errSparse}
		case h.Typeflag != tar.TypeReg:
			f = File{Name: f.Name, Err: intake.ErrNotRegular}
		case h.Size > size-start:
			return fmt.Errorf("cut off in %.200q: %w", h.Name, cmp.Or(broken, io.ErrUnexpectedEOF))
		}
		if err := d.entry(ctx, depth+1, f); err != nil {
			return err
		}
	}
}

// sparse reports whether a tar archive stores the file's bytes in pieces, in GNU's old or new form.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}
