package dump

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/kycmark/kycmark/internal/carve"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

const headSize = 1 << 17 // bytes of a file that say whether it is a picture. Chosen

// carved lists the files in f, which is no archive: a text, a database, a mail, a cache. f itself is listed if it is a
// picture, if nothing is in it, or if a part of it was not looked into; the error then says so. depth counts the archives
// around f. The error is ctx's or of add.
func (d *Dump) carved(ctx context.Context, depth int, f File) error {
	r, err := f.Open(ctx)
	if err != nil {
		return d.add(f) // its examination says why
	}
	in := &source{size: math.MaxInt64, again: func() (io.ReadCloser, error) { return f.Open(ctx) }, was: stat(r), file: r, users: 1, unread: make(map[string][2]int64)}
	defer in.done()
	b := bufio.NewReaderSize(&stopped{ctx, r}, headSize)
	head, _ := b.Peek(headSize)
	is := picture.Sniff(head)
	own := is == codec.Readable || is == codec.Unsupported
	if own || is == codec.Video {
		if err := d.add(f); err != nil || !own {
			return err
		}
	}
	at, listed, end, whole := len(d.Containers), len(d.Files), int64(0), (*File)(nil)
	var from io.Reader = b
	all := &digested{Reader: b, sum: sha256.New()}
	if own {
		whole = &f
	} else {
		from = all
		d.Containers = append(d.Containers, Container{Name: f.Name})
	}
	var failed error
	report, err := carve.Scan(ctx, from, func(found carve.Find, copy func(io.Writer) (int64, error)) error {
		if own && found.At == 0 {
			var err error
			end, err = copy(io.Discard)
			return err
		}
		failed = d.found(ctx, depth, f.Name, whole, in, found, copy)
		return failed
	})
	nothing := report.Finds == 0 && len(d.Files) == listed
	switch {
	case own:
	case nothing:
		d.Containers = d.Containers[:at]
	case err == nil:
		d.Containers[at].Size, d.Containers[at].Sum = all.n, hex.EncodeToString(all.sum.Sum(nil))
	}
	if end > 0 && err == nil {
		err = d.inside(ctx, depth, whole, in, 0, end)
	}
	switch {
	case ctx.Err() != nil || failed != nil:
		return cmp.Or(ctx.Err(), failed)
	case err != nil:
		return d.add(File{Name: f.Name, Size: f.Size, Err: err})
	case report.Opaque > 0 && (end > 0 || is == codec.Unknown || is == codec.Text || is == codec.Broken || is == codec.NoPicture):
		return d.add(File{Name: f.Name, Size: f.Size, Err: fmt.Errorf("about %d bytes of it are compressed or encrypted in a way that is not known, and were not looked into", report.Opaque)})
	case !own && (nothing || is == codec.Archive): // of an archive no more than that is found
		if f.aside && (is == codec.Unknown || is == codec.Text || is == codec.NoPicture || is == codec.Sound) {
			return nil
		}
		return d.add(f)
	}
	return nil
}

// found lists a file that lies in another one, in, which is called under. whole is the other one if that is a picture, else nil. copy
// writes the bytes of the file. What is taken for an archive, a PDF or a database, and cannot be read, is scanned as well.
// depth counts the archives around the other one. The error is of add, of reading, or a tooLarge.
func (d *Dump) found(ctx context.Context, depth int, under string, whole *File, in *source, found carve.Find, copy func(io.Writer) (int64, error)) error {
	f := File{Name: under + "!" + found.Name()}
	k := kind(found.Ending)
	archive := k != "" && k != tiff || found.Ending == "" // a database
	_, seekable := in.file.(io.ReaderAt)
	plain := found.Plain && (seekable || in.stored != nil)
	ahead := archive && plain && d.vain < maxVain // it is read before the scan passes it
	from, at, ends := in, found.At, true
	var err error
	unread := in.unread[found.Ending]
	switch said := at >= unread[0] && at < unread[1]; {
	case found.Ending == "" && d.opts.Unpack == nil, ahead && said && (k == ".pdf" || k == rar): // which has no end
		return nil
	case ahead:
		if f.Size, ends = carve.End(ctx, io.NewSectionReader(in, at, in.size-at)); said && !ends {
			d.vain += f.Size
			return nil
		}
	case plain:
		f.Size, err = copy(io.Discard)
	default:
		if from, err = d.keep(copy); from != nil {
			f.Size, at = from.size, 0
		}
	}
	if err != nil {
		return err
	}
	f.Open = from.opening(func() (io.ReadCloser, error) { return from.part(at, f.Size) })
	if archive {
		n := len(d.Files)
		err := d.entry(ctx, depth+1, f)
		read := len(d.Files) != n+1 || d.Files[n].Name != f.Name || d.Files[n].Made || errors.Is(d.Files[n].Err, errNothing)
		switch {
		case err != nil || !ahead && (read || plain || depth >= maxDepth):
			return err
		case !ahead:
			f.aside = true
			return d.inside(ctx, depth, &f, from, 0, f.Size)
		case read && ends:
			_, err = copy(io.Discard)
			return err
		}
		if d.vain += f.Size + minVain; !ends || k == ".zip" { // whose files start as it does
			in.unread[found.Ending] = [2]int64{at, at + f.Size}
		}
		return nil
	}
	if whole != nil && d.opts.Repeats != nil && d.opts.Repeats(ctx, whole, f, found.Chance && in.size < math.MaxInt64 && !whole.aside) {
		return ctx.Err()
	}
	if err := d.add(f); err != nil || depth >= maxDepth {
		return err
	}
	return d.inside(ctx, depth, &f, from, at, f.Size)
}

// inside lists the files in a picture: in its description, and in a TIFF that is cut off what was taken for its rest. So it does in an
// archive that cannot be read. The file has size bytes from byte at of in on. depth counts the archives around it, as in found.
func (d *Dump) inside(ctx context.Context, depth int, whole *File, in *source, at, size int64) error {
	defer func(was int64) { in.size = was }(in.size)
	in.size = at + size
	r, err := whole.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	const magic = 4 // bytes; zeros in their place leave the places of files
	if _, err := io.CopyN(io.Discard, r, magic); err != nil {
		return cmp.Or(ctx.Err(), d.add(File{Name: whole.Name, Err: err}))
	}
	rest := io.LimitReader(&stopped{ctx, r}, size-magic)
	_, err = carve.Scan(ctx, io.MultiReader(bytes.NewReader(make([]byte, magic)), rest), func(found carve.Find, copy func(io.Writer) (int64, error)) error {
		found.At += at
		return d.found(ctx, depth+1, whole.Name, whole, in, found, copy)
	})
	return err
}

// keep stores what copy writes. More than d.left bytes, which it reduces, are an error of type tooLarge.
func (d *Dump) keep(copy func(io.Writer) (int64, error)) (*source, error) {
	if d.stored == nil {
		t, err := newTemporary()
		if err != nil {
			return nil, err
		}
		d.stored = t
	}
	start := d.end
	n, err := copy(&bounded{Writer: io.NewOffsetWriter(d.stored, start), limit: d.left})
	d.left -= min(n, d.left)
	d.end += n
	if errors.As(err, new(tooLarge)) {
		err = tooLarge(d.share)
	}
	return &source{stored: io.NewSectionReader(d.stored, start, n), size: n, unread: make(map[string][2]int64)}, err
}

// A bounded writer writes up to limit bytes. More are an error of type tooLarge.
type bounded struct {
	io.Writer
	limit, n int64
}

// Write writes b, or as much of it as there is room for.
func (w *bounded) Write(b []byte) (int, error) {
	room := b[:min(int64(len(b)), w.limit-w.n)]
	n, err := w.Writer.Write(room)
	w.n += int64(n)
	if err == nil && len(room) < len(b) {
		err = tooLarge(w.limit)
	}
	return n, err
}
