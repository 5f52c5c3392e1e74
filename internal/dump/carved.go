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

	"github.com/kycmark/kycmark/internal/carve"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// errAlone ends the scan of a picture, behind which nothing is looked for.
var errAlone = errors.New("a picture alone")

// headSize is the size of what of a file says whether it is a picture, bytes. A JPEG names the pictures behind it within
// 64 KiB of Exif and as much of colours.
const headSize = 1 << 17

// carved lists the files in f, which is no archive: a text, a database, a mail, a cache. f itself is listed if it is a
// picture, if nothing is in it, or if a part of it was not looked into; the error then says so. depth counts the archives
// around f. The error is ctx's or of add.
func (d *Dump) carved(ctx context.Context, depth int, f File) error {
	r, err := f.Open(ctx)
	if err != nil {
		return d.add(f) // its examination says why
	}
	in := &source{again: func() (io.ReadCloser, error) { return f.Open(ctx) }, was: stat(r), file: r, users: 1}
	defer in.done()
	b := bufio.NewReaderSize(&stopped{ctx, r}, headSize)
	head, _ := b.Peek(headSize)
	is := picture.Sniff(head)
	own := is == codec.Readable || is == codec.Unsupported
	if own {
		if err := d.add(f); err != nil {
			return err
		}
	}
	if is == codec.Video || bytes.HasPrefix(head, []byte("\xff\xd8")) && bytes.Contains(head, []byte("MPF\x00")) { // CIPA DC-007: behind it lie other sizes of it
		if own {
			return nil
		}
		return d.add(f)
	}
	at, first := len(d.Containers), true
	var from io.Reader = b
	whole := &digested{Reader: b, sum: sha256.New()}
	if !own {
		from = whole
		d.Containers = append(d.Containers, Container{Name: f.Name})
	}
	var failed error
	report, err := carve.Scan(ctx, from, func(found carve.Find, copy func(io.Writer) (int64, error)) error {
		inner := !own || found.At > 0
		if first && inner && is == codec.Readable {
			return errAlone // no more is known of where it ends
		}
		if first = false; !inner {
			if _, err := copy(io.Discard); !errors.Is(err, carve.ErrCut) {
				return err
			}
			return nil
		}
		failed = d.found(ctx, depth, f.Name, in, found, copy)
		return failed
	})
	switch {
	case own:
	case report.Finds == 0:
		d.Containers = d.Containers[:at]
	case err == nil:
		d.Containers[at].Size, d.Containers[at].Sum = whole.n, hex.EncodeToString(whole.sum.Sum(nil))
	}
	switch {
	case ctx.Err() != nil || failed != nil:
		return cmp.Or(ctx.Err(), failed)
	case errors.Is(err, errAlone):
		return nil
	case err != nil:
		return d.add(File{Name: f.Name, Size: f.Size, Err: err})
	case report.Opaque > 0 && (own && report.Finds > 1 || is == codec.Unknown || is == codec.Text || is == codec.Broken):
		return d.add(File{Name: f.Name, Size: f.Size, Err: fmt.Errorf("about %d bytes of it are compressed or encrypted in a way that is not known, and were not looked into", report.Opaque)})
	case !own && (report.Finds == 0 || is == codec.Archive): // of an archive no more than that is found
		return d.add(f)
	}
	return nil
}

// found lists a file that lies in another one, called under. in is the other one, and copy writes the bytes of the file. depth
// counts the archives around the other one. The error is of add, of reading, or a tooLarge.
func (d *Dump) found(ctx context.Context, depth int, under string, in *source, found carve.Find, copy func(io.Writer) (int64, error)) error {
	f := File{Name: under + "!" + found.Name()}
	from, at := in, found.At
	var err error
	if _, seekable := in.file.(io.ReaderAt); found.Plain && seekable {
		f.Size, err = copy(io.Discard)
	} else if from, err = d.keep(copy); from != nil {
		f.Size, at = from.size, 0
	}
	cut := errors.Is(err, carve.ErrCut)
	if err != nil && !cut {
		return err
	}
	f.Open = from.opening(func() (io.ReadCloser, error) { return from.part(at, f.Size) })
	if kind(found.Ending) != "" {
		err = d.entry(ctx, depth+1, f)
	} else {
		err = d.add(f)
	}
	if err != nil || !cut {
		return err
	}
	return d.inCut(ctx, depth, f, from, at)
}

// inCut lists the files in f, a TIFF that is cut off: what followed it may have been taken for its rest. f lies in the source in at
// a place. depth counts the archives around f, as in found.
func (d *Dump) inCut(ctx context.Context, depth int, f File, in *source, at int64) error {
	if depth >= maxDepth {
		return nil // f itself is said to be damaged
	}
	r, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	const magic = 4 // bytes; zeros in their place leave the places of files
	if _, err := io.CopyN(io.Discard, r, magic); err != nil {
		return err
	}
	_, err = carve.Scan(ctx, io.MultiReader(bytes.NewReader(make([]byte, magic)), &stopped{ctx, r}), func(found carve.Find, copy func(io.Writer) (int64, error)) error {
		found.At += at
		return d.found(ctx, depth+1, f.Name, in, found, copy)
	})
	if errors.Is(err, carve.ErrStarts) {
		return nil // as above
	}
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
	return &source{stored: io.NewSectionReader(d.stored, start, n), size: n}, err
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
