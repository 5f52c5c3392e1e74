package dump

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/carve"
	"github.com/kycmark/kycmark/internal/intake"
)

// archive lists the files of the archive f, of the given kind, and adds it to the containers. depth counts the archives
// around it. The error says why the archive, or a part of it, cannot be listed: the caller lists the archive with it.
// It may also be ErrTooMany or ctx's. What lies in an archive before the error is listed, except in a zip.
func (d *Dump) archive(ctx context.Context, kind string, depth int, f File) error {
	r, err := f.Open(ctx)
	if err != nil {
		return err
	}
	whole := &digested{Reader: &stopped{ctx, r}, sum: sha256.New()}
	at := len(d.Containers)
	d.Containers = append(d.Containers, Container{Name: f.Name})
	defer func() {
		c := &d.Containers[at]
		if c.Size = whole.n; whole.ended {
			c.Sum = hex.EncodeToString(whole.sum.Sum(nil))
		}
	}()
	if kind == sevenZip || kind == rar || kind == database {
		own, err := ownFile(r, whole, d.left)
		if err != nil {
			return err
		}
		defer own.Close()
		return cmp.Or(d.unpack(ctx, func(list lister) error { return d.opts.Unpack(ctx, kind, own.File, list) }, depth, f.Name), d.tail(ctx, depth, f))
	}
	packed := compression(kind)
	var in *source
	if packed == "" {
		in, err = d.seekable(ctx, f, r, whole)
	} else {
		in, err = d.decompress(ctx, packed, r, whole)
	}
	if in == nil || ctx.Err() != nil {
		return cmp.Or(ctx.Err(), err)
	}
	defer in.done()
	switch {
	case strings.HasPrefix(kind, ".tar") || packed != "" && isTar(in):
		return d.tar(ctx, in, err, depth, f.Name)
	case packed != "":
		return d.single(ctx, in, err, depth, f.Name)
	case err != nil: // a zip has the list of its files at its end, and others stop there as well
		return err
	}
	return d.zip(ctx, kind, in, depth, f.Name)
}

// A lister is called for the files of an archive, in their order. A file that is not regular (a link) has
// no bytes. r returns an error if the file's bytes cannot be had; the files after it may be whole.
type lister = func(name string, regular bool, r io.Reader) error

// A digested reader computes SHA-256 and size of what is read through it.
type digested struct {
	io.Reader
	sum   hash.Hash
	n     int64
	ended bool
}

func (d *digested) Read(b []byte) (int, error) {
	n, err := d.Reader.Read(b)
	d.sum.Write(b[:n])
	d.n += int64(n)
	d.ended = d.ended || errors.Is(err, io.EOF)
	return n, err
}

// seekable returns the bytes of f for reading at any place: from the file itself if that is possible, else
// a copy. r is the open file, which is closed with the source. whole reads r and is read to its end.
func (d *Dump) seekable(ctx context.Context, f File, r io.ReadCloser, whole *digested) (*source, error) {
	if _, ok := r.(io.ReaderAt); !ok {
		defer r.Close()
		return d.store(ctx, whole)
	}
	in := &source{again: func() (io.ReadCloser, error) { return f.Open(ctx) }, was: stat(r), file: r, users: 1}
	_, err := io.Copy(io.Discard, whole)
	in.size = whole.n
	return in, err
}

// decompress returns what a file decompresses to, as it is stored. packed is ".gz", ".bz2", ".xz" or
// ".zst". whole reads r, and is read to its end; r is closed. With an error decompress also returns the
// bytes before the error, or nil if none can be read.
func (d *Dump) decompress(ctx context.Context, packed string, r io.ReadCloser, whole *digested) (in *source, err error) {
	if packed == ".xz" || packed == ".zst" || packed == ".bz2" && d.opts.Unpack != nil {
		own, err := ownFile(r, whole, d.left)
		if err != nil {
			return nil, err
		}
		defer own.Close()
		err = d.opts.Unpack(ctx, ".tar"+packed, own.File, func(_ string, _ bool, r io.Reader) (err error) {
			in, err = d.store(ctx, r)
			return err
		})
		return in, err
	}
	defer func() {
		io.CopyN(io.Discard, whole, d.left) // bytes behind the compressed data, or behind an error, belong to the file
		r.Close()
	}()
	var from io.Reader = bufio.NewReader(whole)
	if packed == ".bz2" {
		from = bzip2.NewReader(from)
	} else if from, err = gzip.NewReader(from); err != nil {
		return nil, err
	}
	return d.store(ctx, from)
}

// single lists the file that was compressed without an archive; in has its bytes. broken is the error that ended
// decompressing, nil if the file is whole; single returns it. depth is as in entry; under is the name of the compressed file.
func (d *Dump) single(ctx context.Context, in *source, broken error, depth int, under string) error {
	if in.size == 0 || errors.As(broken, new(tooLarge)) {
		return cmp.Or(broken, io.ErrUnexpectedEOF)
	}
	name := under[strings.LastIndexAny(under, `!/\`)+1:]
	if compression(kind(name)) != "" {
		name = strings.TrimSuffix(name, path.Ext(name))
	}
	f := File{Name: under + "!" + name, Size: in.size, Open: in.opening(func() (io.ReadCloser, error) { return in.part(0, in.size) })}
	return cmp.Or(d.entry(ctx, depth+1, f), broken)
}

// A stopped reader returns ctx's error once ctx has ended.
type stopped struct {
	ctx context.Context
	r   io.Reader
}

func (s *stopped) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// unpack lists the files of an archive that is read from its beginning to its end, 7z or rar: find calls its argument for
// each. Their bytes are stored. depth counts the archives around that archive, under is its name. A link, and a file without bytes, is listed with an error.
func (d *Dump) unpack(ctx context.Context, find func(lister) error, depth int, under string) error {
	return find(func(name string, regular bool, r io.Reader) error {
		f := File{Name: under + "!" + name, aside: intake.Litter(name)}
		if !regular {
			f.Err = intake.ErrNotRegular
			return d.add(f)
		}
		in, err := d.store(ctx, r)
		switch {
		case ctx.Err() != nil || errors.As(err, new(tooLarge)):
			return cmp.Or(ctx.Err(), err)
		case err != nil && (in == nil || in.size == 0):
			f.Err = err
			return d.add(f)
		}
		f.Size, f.Open = in.size, in.opening(func() (io.ReadCloser, error) { return in.part(0, in.size) })
		if listing := d.entry(ctx, depth+1, f); listing != nil || err == nil {
			return listing
		}
		return d.add(File{Name: f.Name, Err: err}) // what was read before the error is looked into
	})
}

// zipBzip2 is the method of a zip archive whose files bzip2 compressed (APPNOTE 4.4.5).
const zipBzip2 = 12

// maxLoose is how many bytes may lie between two files of a zip archive, or behind the last one, that belong to none. Chosen.
const maxLoose = 128

// zip lists the files of a zip archive. Of an office document, kind [office], it lists what may be a picture or has one.
// depth counts the archives around it, under is its name. Files that are encrypted or compressed by another method, and
// links, are listed with an error. The error is of the archive's directory, ErrTooMany or ctx's. If all its files are
// encrypted, or if it is a bomb, the error says so.
func (d *Dump) zip(ctx context.Context, kind string, in *source, depth int, under string) error {
	at := &listed{source: in, left: maxDirectory}
	z, err := zip.NewReader(at, in.size)
	if at.left < 0 {
		return errDirectory
	}
	at.left = 0
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are labels
		return err
	}
	z.RegisterDecompressor(zipBzip2, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
	if err := intake.Encrypted(z.File); err != nil {
		return err
	}
	packed, size, limit := uint64(0), uint64(0), uint64(allowance(in.size))
	for _, e := range z.File {
		packed += min(e.CompressedSize64, 1<<40)
		if size += min(e.UncompressedSize64, 1<<40); packed > uint64(in.size) {
			return errOverlap
		} else if size > limit {
			return tooLarge(limit)
		}
	}
	if err := d.gaps(ctx, in, z, depth, under); err != nil {
		return err
	}
	for _, e := range z.File {
		if e.FileInfo().IsDir() && e.CompressedSize64 == 0 {
			continue
		}
		f := File{Name: under + "!" + e.Name, Size: int64(min(e.UncompressedSize64, 1<<40)), Open: in.opening(e.Open)} // more are an error of Open
		switch {
		case e.Flags&1 != 0: // APPNOTE 4.4.4
			f = File{Name: f.Name, Err: errEncrypted}
		case e.Method != zip.Store && e.Method != zip.Deflate && e.Method != zipBzip2:
			f = File{Name: f.Name, Err: errMethod}
		case !e.Mode().IsRegular():
			f = File{Name: f.Name, Err: intake.ErrNotRegular}
		}
		f.aside = kind == office && !MayBePicture(e.Name) || intake.Litter(e.Name)
		if err := d.entry(ctx, depth+1, f); err != nil {
			return err
		}
	}
	return nil
}

// gaps lists the files in what lies before, between and behind the files of a zip archive. If that is more than the heads of files
// and their list, it also lists the archive with an error.
func (d *Dump) gaps(ctx context.Context, in *source, z *zip.Reader, depth int, under string) error {
	list := int64(22 + len(z.Comment))
	places := make([][2]int64, 0, len(z.File)+1) // where files end, and where their heads, without extra fields, and bytes start
	for _, e := range z.File {
		list += 46 + int64(len(e.Name)+len(e.Extra)+len(e.Comment))
		if at, err := e.DataOffset(); err == nil { // else opening it says why
			places = append(places, [2]int64{at - 30 - int64(len(e.Name)), at + int64(e.CompressedSize64) - beyond(ctx, e)})
		}
	}
	places = append(places, [2]int64{in.size - list, in.size - list})
	slices.SortFunc(places, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	end, loose := int64(0), int64(0)
	for _, p := range append(places, [2]int64{in.size, 0}) {
		if n := p[0] - end; n > maxLoose {
			from, head := end, make([]byte, maxLoose)
			in.ReadAt(head, end)
			if at := bytes.Index(head[:maxLoose-30], []byte("PK\x03\x04")); at >= 0 { // of a file that is not in the list
				from += int64(at + 30 + int(binary.LittleEndian.Uint16(head[at+26:])))
			}
			if err := d.between(ctx, in, min(from, p[0]), p[0], depth, fmt.Sprintf("%s!byte %d, of no file", under, from)); err != nil {
				return err
			}
			if p[1] > 0 {
				loose += n
			}
		}
		end = max(end, p[1])
	}
	if loose == 0 {
		return nil
	}
	return d.add(File{Name: under, Size: in.size, Err: fmt.Errorf("%d bytes of it belong to no file in its list, and were not looked into", loose)})
}

// beyond returns how many bytes of a file in a zip archive lie behind the end of what was deflated.
func beyond(ctx context.Context, e *zip.File) int64 {
	r, err := e.OpenRaw()
	if err != nil || e.Method != zip.Deflate {
		return 0
	}
	b := bufio.NewReader(&stopped{ctx, r})
	if _, err := io.CopyN(io.Discard, flate.NewReader(b), int64(min(e.UncompressedSize64, 1<<40))+1); !errors.Is(err, io.EOF) { // reading the file says why
		return 0
	}
	n, _ := io.Copy(io.Discard, b)
	return n
}

// listed reads a zip archive. While its files are listed, left is how many more bytes may be read. Package zip keeps 8
// times as much in memory; it believes no number that the archive states, so that there is no other limit.
type listed struct {
	*source
	left int64 // 0: any; below 0: there were more
}

// ReadAt reads while the source is in use.
func (l *listed) ReadAt(b []byte, at int64) (int, error) {
	if l.left < 0 {
		return 0, errDirectory
	}
	n, err := l.source.ReadAt(b, at)
	if l.left > 0 {
		l.left = cmp.Or(l.left-int64(n), -1)
	}
	return n, err
}

// tar lists the complete files of a tar archive. broken is the error that ended its decompressing before, nil if it is
// whole; tar returns broken, or the error at which the archive breaks off, after the files before it. depth counts the
// archives around it, under is its name. Links and sparse files are listed with an error.
func (d *Dump) tar(ctx context.Context, in *source, broken error, depth int, under string) error {
	if in.size == 0 {
		return cmp.Or(broken, io.ErrUnexpectedEOF) // an archive without files still has an end marker
	}
	whole := io.NewSectionReader(in, 0, in.size)
	for t := intake.Tar(whole); ; { // seeks over the files' bytes
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			at, err := whole.Seek(0, io.SeekCurrent)
			return cmp.Or(broken, err, d.between(ctx, in, at, in.size, depth, under+"!behind its end"))
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return cmp.Or(broken, err)
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		start, err := whole.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		f := File{Name: under + "!" + h.Name, Size: h.Size, Open: in.opening(func() (io.ReadCloser, error) { return in.part(start, h.Size) })}
		inPieces := func(key string) bool { return strings.HasPrefix(key, "GNU.sparse.") }
		switch {
		case h.Typeflag != tar.TypeReg || slices.ContainsFunc(slices.Collect(maps.Keys(h.PAXRecords)), inPieces):
			f = File{Name: f.Name, Err: intake.ErrNotRegular}
		case h.Size > in.size-start:
			return fmt.Errorf("cut off in %.200q: %w", h.Name, cmp.Or(broken, io.ErrUnexpectedEOF))
		}
		f.aside = intake.Litter(path.Clean(h.Name))
		if err := d.entry(ctx, depth+1, f); err != nil {
			return err
		}
	}
}

func isTar(in *source) bool {
	mark := make([]byte, 5)
	n, _ := in.ReadAt(mark, tarMark)
	return string(mark[:n]) == "ustar"
}

// tail lists the files behind the end that the structure of a file says, if it says one. depth is as in behind.
func (d *Dump) tail(ctx context.Context, depth int, f File) error {
	r, err := f.Open(ctx)
	if err != nil {
		return err
	}
	end, ends := carve.End(ctx, r)
	if r.Close(); !ends || end >= f.Size {
		return nil
	}
	return d.entry(ctx, depth+1, f.behind(end, f.Size))
}

// behind returns what lies in a file of size bytes from byte at on.
func (f File) behind(at, size int64) File {
	return File{Name: f.Name + "!behind its end", Size: size - at, aside: true, Open: func(ctx context.Context) (io.ReadCloser, error) {
		r, err := f.Open(ctx)
		if err == nil {
			_, err = io.CopyN(io.Discard, r, at)
		}
		return r, err
	}}
}

// between lists the files in what lies between two places of an archive, which is called name. depth counts the archives around it.
func (d *Dump) between(ctx context.Context, in *source, from, to int64, depth int, name string) error {
	open := in.opening(func() (io.ReadCloser, error) { return in.part(from, to-from) })
	return d.entry(ctx, depth+1, File{Name: name, Size: to - from, aside: true, Open: open})
}
