package registry

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// maxSkipped is how many bytes of a compressed tar archive are read only to be
// passed over, because their file is larger than any upload.
const maxSkipped = 4 << 30

var (
	errEncrypted = errors.New("encrypted in its archive")
	errNested    = errors.New("an archive within an archive, which is not opened")
)

// Uploads lists files for [Issuer.Import]: files themselves, folders (all files below, in lexical order, without hidden
// files), and archives, also in folders: zip, tar, and tar with gzip, by their endings. Links below a folder are not
// followed. Names in archives are labels, and nothing is ever written. A file that cannot be read is listed with its
// error. In a compressed tar archive, files that the caller does not open may have up to 4 GiB together; the rest of
// the archive is then left out, with an error.
func Uploads(paths ...string) iter.Seq[Upload] {
	return func(yield func(Upload) bool) {
		for _, p := range paths {
			if !uploadsOf(p, yield) {
				return
			}
		}
	}
}

// uploadsOf yields the files at p: a file, an archive, or all files below a folder. Like yield, it reports whether to go
// on. Errors are yielded as an Upload with Err.
func uploadsOf(p string, yield func(Upload) bool) bool {
	return intake.Walk(p, func(name string, f fs.DirEntry, err error) bool {
		if err != nil {
			return yield(Upload{Name: name, Err: err})
		}
		if name != p && intake.Litter(filepath.ToSlash(name)) {
			return true
		}
		info, err := f.Info()
		switch {
		case err != nil:
			return yield(Upload{Name: name, Err: err})
		case !info.Mode().IsRegular(): // to open a pipe would be to wait forever
			return yield(Upload{Name: name, Err: intake.ErrNotRegular})
		}
		return uploadFile(name, info, yield)
	})
}

// archiveKind returns the kind of archive that the ending of name says: ".zip", ".tar" or ".tar.gz" (also for .tgz).
func archiveKind(name string) string {
	name = strings.ToLower(name)
	for _, kind := range []string{".zip", ".tar", ".tar.gz", ".tgz"} {
		if strings.HasSuffix(name, kind) {
			return strings.Replace(kind, ".tgz", ".tar.gz", 1)
		}
	}
	return ""
}

// uploadFile yields the file at p or, if p ends like an archive, the files in it, and reports whether to go on. An
// error about the archive is yielded after its files.
func uploadFile(p string, info fs.FileInfo, yield func(Upload) bool) bool {
	list := map[string]func(string, func(Upload) bool) (bool, error){
		".zip": uploadZip, ".tar": uploadTar, ".tar.gz": uploadTar,
	}[archiveKind(p)]
	if list == nil {
		return yield(Upload{Name: p, Modified: info.ModTime(), Size: info.Size(), Open: func() (io.ReadCloser, error) { return intake.OpenRegular(p) }})
	}
	going, err := list(p, yield)
	return going && (err == nil || yield(Upload{Name: p, Err: fmt.Errorf("archive: %w", err)}))
}

// uploadZip yields the files of the zip archive at p, named p!NAME, and reports whether to go on. The error is about
// the archive as a whole; nothing was then yielded.
func uploadZip(p string, yield func(Upload) bool) (bool, error) {
	z, err := zip.OpenReader(p)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are labels
		return true, err
	}
	defer z.Close()
	if err := intake.Encrypted(z.File); err != nil {
		return true, err
	}
	for _, f := range z.File {
		u := Upload{Name: p + "!" + f.Name, Path: p + "/" + f.Name, Modified: f.Modified, Open: f.Open}
		switch {
		case f.FileInfo().IsDir() || intake.Litter(f.Name):
			continue
		case f.Flags&1 != 0: // APPNOTE 4.4.4
			u.Err = errEncrypted
		case !f.Mode().IsRegular():
			u.Err = intake.ErrNotRegular
		case archiveKind(f.Name) != "":
			u.Err = errNested
		}
		if !yield(u) {
			return false, nil
		}
	}
	return true, nil
}

// uploadTar yields the files of the tar archive at p, named p!NAME, while it reads the archive, and reports whether
// to go on. A file can be read only until yield returns.
func uploadTar(p string, yield func(Upload) bool) (bool, error) {
	f, err := intake.OpenRegular(p)
	if err != nil {
		return true, intake.WithoutPath(err)
	}
	defer f.Close()
	var r io.Reader = f // which seeks over what is not read
	left := int64(1) << 62
	if archiveKind(p) == ".tar.gz" {
		z, err := gzip.NewReader(bufio.NewReader(f))
		if err != nil {
			return true, err
		}
		r, left = z, maxSkipped
	}
	for t := intake.Tar(r); left >= 0; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			rest := min(left, maxSkipped)
			if n, err := io.Copy(io.Discard, io.LimitReader(r, rest)); err != nil || n < rest { // read up to gzip's checksum
				return true, err
			}
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return true, err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader || intake.Litter(path.Clean(h.Name)) {
			continue
		}
		read := false
		u := Upload{Name: p + "!" + h.Name, Path: p + "/" + h.Name, Modified: h.ModTime, Size: h.Size,
			Open: func() (io.ReadCloser, error) { read = true; return io.NopCloser(t), nil }}
		switch {
		case h.Typeflag != tar.TypeReg:
			u.Err = intake.ErrNotRegular
		case archiveKind(h.Name) != "":
			u.Err = errNested
		}
		if !yield(u) {
			return false, nil
		}
		if !read {
			left -= h.Size
		}
	}
	return true, fmt.Errorf("%w: too much in it that is too large to be read; what follows is left out", ErrLimit)
}

// listPage is how many rows are read at a time: what a list holds in memory.
const listPage = 1000

// AllCopies walks all issued copies in the order of issue, including copies of erased
// uploads. An error ends the walk. Writing to the registry while walking is allowed.
func (r *Registry) AllCopies(ctx context.Context) iter.Seq2[*books.Copy, error] {
	return walk(func(last *books.Copy) ([]books.Copy, error) { return r.store.CopiesAfter(ctx, last.Seq, listPage) })
}

// walk yields all rows of the pages that next returns, until a page has fewer than listPage rows. next is called with
// the last row of the page before, at first with a zero row.
func walk[Row any](next func(last *Row) ([]Row, error)) iter.Seq2[*Row, error] {
	return func(yield func(*Row, error) bool) {
		last := new(Row)
		for {
			page, err := next(last)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				last = &page[i]
				if !yield(last, nil) {
					return
				}
			}
			if len(page) < listPage {
				return
			}
		}
	}
}

// Investigations lists all investigations in the order of entry.
func (l *Ledger) Investigations(ctx context.Context) ([]books.Investigation, error) {
	return l.r.store.Investigations(ctx)
}

// A shown ID has at least minPrefix digits: tables print 8. At most maxFound IDs of each kind are listed.
const minPrefix, maxFound = 4, 10

// WithPrefix lists the submissions and copies whose IDs begin with these hex digits, 4 or more, as tables print them. The
// error wraps [ErrInput] if prefix is no such text.
func WithPrefix(ctx context.Context, r *Registry, prefix string) ([]watermark.Submission, []watermark.CopyID, error) {
	size := hex.EncodedLen(len(watermark.Submission{}))
	if len(prefix) < minPrefix || len(prefix) > size {
		return nil, nil, fmt.Errorf("%w: ID %.40q: got %d hex digits, want %d to %d", ErrInput, prefix, len(prefix), minPrefix, size)
	}
	low, err := watermark.ParseSubmission(prefix + strings.Repeat("0", size-len(prefix)))
	high, also := watermark.ParseSubmission(prefix + strings.Repeat("f", size-len(prefix)))
	if err = errors.Join(err, also); err != nil {
		return nil, nil, fmt.Errorf("%w: ID %.40q is not hex digits", ErrInput, prefix)
	}
	subs, copies, err := r.store.WithPrefix(ctx, low, high, maxFound)
	subs = slices.DeleteFunc(subs, func(id watermark.Submission) bool {
		_, err := r.Submission(ctx, id)
		return errors.Is(err, ErrNotFound) // a page
	})
	if len(prefix) > hex.EncodedLen(8) {
		copies = nil
	}
	return subs, copies, err
}

// EntriesAfter lists up to limit entries of a ledger after the entry of a number; 0: from the first. The error wraps
// [ErrTampered] if an entry cannot be read.
func EntriesAfter(ctx context.Context, l *Ledger, number int64, limit int) ([]books.Entry, error) {
	lines, err := l.r.store.Entries(ctx, number, limit)
	if err != nil {
		return nil, err
	}
	out := make([]books.Entry, len(lines))
	for i, line := range lines {
		e, err := records.ParseEntry(line)
		if err == nil && e.Seq != number+int64(i)+1 {
			err = fmt.Errorf("its number is %d", e.Seq)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: entry %d: %w", ErrTampered, number+int64(i)+1, err)
		}
		out[i] = books.Entry{Number: e.Seq, Kind: e.Kind, Time: e.Time, Commitment: e.Commitment}
	}
	return out, nil
}
