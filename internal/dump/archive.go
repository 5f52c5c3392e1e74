package dump

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
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
// the caller lists the archive with it. It may also be ErrTooMany or ctx's. What lies in an archive
// before the error is listed, except in a zip.
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
	if at == nil || ctx.Err() != nil {
		return err
	}
	switch {
	case strings.HasPrefix(kind, ".tar"):
		return d.tar(ctx, at, size, err, depth, f.Name)
	case err != nil: // a zip has the list of its files at its end, and others stop there as well
		return err
	case kind == ".zip", kind == office:
		return d.zip(ctx, kind, at, size, depth, f.Name)
	}
	return d.unpack(ctx, kind, at, size, depth, f.Name)
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

// seekable returns an archive's bytes for reading at any place, and their number: from the file itself
// if that is possible, else from a temporary file. A compressed tar is decompressed. Both stay open
// until the dump is closed. r is the file, and whole reads r and is read to its end, for the digest.
// With an error seekable also returns the bytes before the error, or nil if none can be read.
func (d *Dump) seekable(ctx context.Context, kind string, r io.ReadCloser, whole *digested) (io.ReaderAt, int64, error) {
	packed := strings.HasPrefix(kind, ".tar.")
	if at, ok := r.(io.ReaderAt); ok && !packed && kind != sevenZip && kind != rar {
		d.closers = append(d.closers, r)
		_, err := io.Copy(io.Discard, whole)
		return at, whole.n, err
	}
	if packed && kind != tarXZ && kind != tarZstd {
		defer func() {
			io.CopyN(io.Discard, whole, d.left) // bytes behind the compressed data, or behind an error, belong to the file
			r.Close()
		}()
		from, err := decompressed(kind, bufio.NewReader(whole))
		if err != nil {
			return nil, 0, err
		}
		return d.spool(ctx, from)
	}
	at, err := d.ownFile(ctx, r, whole)
	if err != nil || !packed {
		return at, whole.n, err
	}
	tar, err := d.temporary()
	if err != nil {
		return nil, 0, err
	}
	n := int64(0)
	err = d.opts.Unpack(ctx, kind, at, func(_ string, _ bool, r io.Reader) (err error) {
		n, err = d.copy(ctx, tar, r)
		return err
	})
	return tar, n, err
}

// decompressed returns what gzip or bzip2 compressed, by the kind of a tar; of another tar its bytes.
func decompressed(kind string, r io.Reader) (io.Reader, error) {
	switch kind {
	case ".tar.gz":
		return gzip.NewReader(r)
	case ".tar.bz2":
		return bzip2.NewReader(r), nil
	}
	return r, nil
}

// ownFile returns a file of the system with the bytes of r: r itself, or a temporary copy. It is
// closed with the dump. whole reads r and is read to its end.
func (d *Dump) ownFile(ctx context.Context, r io.ReadCloser, whole *digested) (*os.File, error) {
	if f, ok := r.(*os.File); ok {
		d.closers = append(d.closers, f)
		_, err := io.Copy(io.Discard, whole)
		return f, err
	}
	defer r.Close()
	f, err := d.temporary()
	if err == nil {
		_, err = d.copy(ctx, f.File, whole)
	}
	if err != nil {
		return nil, err
	}
	return f.File, nil
}

// spool copies from to a temporary file and returns the file and its number of bytes, also with an
// error. See [Dump.copy].
func (d *Dump) spool(ctx context.Context, from io.Reader) (io.ReaderAt, int64, error) {
	f, err := d.temporary()
	if err != nil {
		return nil, 0, err
	}
	n, err := d.copy(ctx, f, from)
	return f, n, err
}

// A tooLarge error says that more bytes than this limit would have to be unpacked.
type tooLarge int64

// Error returns the error in words.
func (n tooLarge) Error() string {
	return fmt.Sprintf("more than %d bytes would have to be unpacked", int64(n))
}

// copy copies from to to and returns the number of bytes. More than d.left bytes, which it reduces,
// are an error of type tooLarge.
func (d *Dump) copy(ctx context.Context, to io.Writer, from io.Reader) (int64, error) {
	n, err := io.Copy(to, io.LimitReader(&stopped{ctx, from}, d.left+1))
	if err == nil && n > d.left {
		err = tooLarge(d.share)
	}
	d.left -= min(n, d.left)
	return n, err
}

// temporary returns a new temporary file, which is closed with the dump. If the system allows it, the
// file has no name, so nothing is left behind.
func (d *Dump) temporary() (*temporary, error) {
	f, err := os.CreateTemp("", "kycmark-*")
	if err != nil {
		return nil, err
	}
	t := &temporary{f, os.Remove(f.Name()) == nil}
	d.closers = append(d.closers, t)
	return t, nil
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

// unpack lists the files of an archive of size bytes that is read from its beginning to its end: 7z, rar
// or mail. Their bytes go to a temporary file. depth counts the archives around it, under is its name.
// A file whose bytes cannot be had, and a link, is listed with an error.
func (d *Dump) unpack(ctx context.Context, kind string, at io.ReaderAt, size int64, depth int, under string) error {
	t, err := d.temporary()
	if err != nil {
		return err
	}
	end := int64(0)
	list := func(name string, regular bool, r io.Reader) error {
		if intake.Litter(name) {
			return nil
		}
		f, start := File{Name: under + "!" + name}, end
		if !regular {
			f.Err = intake.ErrNotRegular
			return d.add(f)
		}
		n, err := d.copy(ctx, t, r)
		end += n
		switch {
		case ctx.Err() != nil || errors.Is(err, tooLarge(d.share)):
			return err
		case err != nil:
			f.Err = err
		default:
			f.Size = n
			f.Open = func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(io.NewSectionReader(t, start, n)), nil
			}
		}
		return d.entry(ctx, depth+1, f)
	}
	if kind == mailbox || kind == message {
		return mail(kind, io.NewSectionReader(at, 0, size), list)
	}
	return d.opts.Unpack(ctx, kind, at.(*os.File), list) // seekable returned one
}

// zip lists the files of a zip archive of size bytes. Of an office document, kind [office], only
// pictures and documents are listed. depth counts the archives around it, under is its name. Files that are encrypted or compressed by another method, and links, are listed with an
// error, folders and litter not at all. The error is of the archive's directory, ErrTooMany or
// ctx's. If all its files are encrypted, the error says so and none is listed.
func (d *Dump) zip(ctx context.Context, kind string, at io.ReaderAt, size int64, depth int, under string) error {
	z, err := zip.NewReader(at, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are labels
		return err
	}
	if err := intake.Encrypted(z.File); err != nil {
		return err
	}
	from := len(d.Files)
	for _, e := range z.File {
		if e.FileInfo().IsDir() || intake.Litter(e.Name) || kind == office && !inOffice(e.Name) {
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
	if kind == office && len(d.Files) == from {
		return errNoOffice
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
			more, err := d.behind(whole)
			if more {
				t = tar.NewReader(whole)
				continue
			}
			return cmp.Or(broken, err)
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

// behind reports whether another tar archive follows, as "cat a.tar b.tar" makes it, and moves whole to
// its beginning. whole was read up to an end marker. Zeros that fill the last block are passed over. The
// error says that other bytes follow.
func (d *Dump) behind(whole *io.SectionReader) (bool, error) {
	at, err := whole.Seek(0, io.SeekCurrent)
	if err != nil {
		return false, err
	}
	at = (at + tarBlock - 1) / tarBlock * tarBlock
	r := bufio.NewReaderSize(io.NewSectionReader(whole, at, whole.Size()-at), 1<<16)
	for {
		block, err := r.Peek(tarBlock)
		switch {
		case len(bytes.Trim(block, "\x00")) == 0 && err != nil:
			return false, nil
		case len(bytes.Trim(block, "\x00")) == 0:
			r.Discard(tarBlock)
			at += tarBlock
			continue
		case len(block) > tarMark+5 && string(block[tarMark:tarMark+5]) == "ustar":
			_, err := whole.Seek(at, io.SeekStart)
			return err == nil, err
		}
		return false, fmt.Errorf("%d bytes that are no tar archive follow its end", whole.Size()-at)
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
