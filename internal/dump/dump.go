// Package dump lists the files of a dump: files, folders with all files below, and archives (zip, tar,
// 7z, rar, gzip, bzip2, xz, zstd), also in folders and in each other. It also lists the pictures in office
// documents, and the pages of PDF and TIFF files. In any other file it looks for pictures, PDFs and archives: see package carve.
//
// The ending of a name tells archives and PDFs. Names inside archives are labels: nothing is ever written under them.
// What cannot be listed is listed with its error. If a tar archive is cut off or broken, its complete files are listed,
// then the archive with the error. If only a checksum at the end fails, all are listed: any may be changed.
package dump

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

var (
	// ErrTooMany is returned when there are more files than [Options] allow.
	ErrTooMany = errors.New("too many files")

	errEncrypted = errors.New("encrypted in its archive")
	errMethod    = errors.New("compressed in its archive by a method that is not known")
	errNested    = fmt.Errorf("more than %d archives within each other, which are not opened", maxDepth)
	errPart      = errors.New("one part of an archive in several files: join the parts first")
	errDirectory = fmt.Errorf("its list of files has more than %d bytes", maxDirectory)
	errOverlap   = errors.New("its files overlap each other")
	errMany      = errors.New("it has more files than are left for one archive: unpack it")
	errNothing   = &picture.FormatError{Reason: "not a picture: an archive or a document in which no picture is", Kind: codec.NoPicture}
	errChanged   = errors.New("it was changed while it was read")
)

// A File is one file of a dump.
type File struct {
	Name string // path, "archive!name" within archives, "file.pdf#page 2" and "file.tif#page 2" of several pages
	Size int64  // bytes, as announced, which need not be true; 0: not known
	Made bool   // Open takes memory of its own to make the bytes
	Err  error  // why it cannot be read; Open is nil then
	Open func(ctx context.Context) (io.ReadCloser, error)

	aside bool // no picture is expected in it: it is left out unless one is there, or it was not looked into
}

// A Container is an archive, a PDF or a picture of several pages that was opened.
type Container struct {
	Name string
	Size int64  // bytes
	Sum  string // SHA-256 in hex; "": it was not read to its end
}

// Options bound what is listed. MaxFiles and MaxPDF are required.
type Options struct {
	Dir string // where relative paths begin; "": the current folder
	// MaxFiles is the max number of files of the dump, pages of PDFs among them. An archive, with
	// what is in it, may have half of what is left, so that no archive takes it all.
	MaxFiles int
	MaxPDF   int64 // bytes of one PDF
	// MaxUnpacked is the max number of bytes unpacked to a temporary file, over all archives. Each may
	// have half of what is left, and [allowance]. 0 means 32 GiB.
	MaxUnpacked int64
	// PDF returns a page of a PDF, from 1 on, as a picture, or their number if page is 0. If nil, PDFs are plain files.
	PDF func(ctx context.Context, file []byte, page int) (picture.PDFPage, error)
	// Repeats reports whether part, in the file of the picture whole, is a smaller version of it and not listed; nil: all are listed.
	// chance: it lies before the end of whole, where other bytes often start as it does. The address of whole tells it from others.
	Repeats func(ctx context.Context, whole *File, part File, chance bool) bool
	// Unpack reads 7z, rar, databases of SQLite and what xz and zstd compressed, as unpack.Files of this module does. If nil, these are
	// listed as plain files.
	Unpack func(ctx context.Context, kind string, archive *os.File, each func(name string, regular bool, r io.Reader) error) error
}

const (
	defaultUnpacked = 32 << 30
	maxDepth        = 4 // of archives inside archives. A backup holds a mailbox, that an e-mail, that a zip, that a document. Chosen

	// An archive may unpack to this many bytes, and to so many times its own. 1.2 MB of a bomb become 1.2 GB.
	// Scans of text that are not compressed shrink to a hundredth. Chosen. It also bounds the time of gzip and zip, which
	// are read in this process: at most about 1 s a MiB (TestTimeOfDeflate).
	baseUnpacked = 256 << 20
	maxRatio     = 200

	// maxVain is the max of [Dump].vain, where an archive that cannot be read counts minVain more. Then what is taken for an
	// archive is not scanned if it cannot be read. Chosen: half a minute, and 4,096 archives.
	maxVain, minVain = 64 << 30, 16 << 20

	// maxDirectory is the max size of a zip's list of files, bytes: half a million files with names of 60 letters. Chosen.
	maxDirectory = 64 << 20
)

// allowance returns how many bytes an archive of size bytes may unpack to.
func allowance(size int64) int64 { return baseUnpacked + maxRatio*min(max(size, 0), 1<<50) }

// A Dump is what was listed.
type Dump struct {
	Files      []File // in the order of the paths, each path's files in lexical order
	Containers []Container

	opts   Options
	room   int        // files that there may be until the end of this archive; MaxFiles outside of archives
	share  int64      // bytes that this archive, with what is in it, may have unpacked
	left   int64      // of share; outside of archives of MaxUnpacked
	stored *temporary // what was unpacked; nil: nothing
	end    int64      // of it, bytes
	vain   int64      // bytes that were read as an archive in vain, and scanned
	last   lastDocument
}

// New returns an empty dump, which the caller must close. MaxUnpacked of 0 or less becomes the
// default; the other options are not checked.
func New(opts Options) *Dump {
	if opts.MaxUnpacked <= 0 {
		opts.MaxUnpacked = defaultUnpacked
	}
	return &Dump{opts: opts, left: opts.MaxUnpacked, room: opts.MaxFiles}
}

// Close closes all files of the dump. They must not be read afterwards.
func (d *Dump) Close() error {
	if d.stored == nil {
		return nil
	}
	err := d.stored.Close()
	d.stored = nil
	return err
}

// Add lists the files at paths: a file, all files of a folder, or what an archive or a PDF holds. It returns only ctx's
// error or [ErrTooMany], at which listing ends; every other failure is listed with its file.
func (d *Dump) Add(ctx context.Context, paths ...string) error {
	for _, p := range paths {
		at := p
		if d.opts.Dir != "" && !filepath.IsAbs(p) {
			at = filepath.Join(d.opts.Dir, p)
		}
		st, err := os.Stat(at)
		switch {
		case err != nil: // one bad input does not end the others
			err = d.add(File{Name: p, Err: err})
		case st.IsDir():
			err = d.AddFS(ctx, folder(at), p)
		default:
			err = d.entry(ctx, 0, File{Name: p, Size: st.Size(), Open: func(context.Context) (io.ReadCloser, error) { return intake.OpenRegular(at) }})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// AddFS lists the files of a tree and does not follow links, which are listed with an error. Litter of systems is left out if
// no picture is in it. If under is not empty, names begin with it, as paths of the system. The error is ctx's or [ErrTooMany].
func (d *Dump) AddFS(ctx context.Context, fsys fs.FS, under string) error {
	return fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		full := name
		if under != "" {
			full = filepath.Join(under, filepath.FromSlash(name))
		}
		switch {
		case err != nil:
			if err := d.add(File{Name: full, Err: err}); err != nil {
				return err
			}
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			return nil
		case !e.Type().IsRegular():
			return d.add(File{Name: full, Err: intake.ErrNotRegular})
		}
		f := File{Name: full, aside: intake.Litter(name), Open: func(context.Context) (io.ReadCloser, error) { return fsys.Open(name) }}
		if info, err := e.Info(); err == nil {
			f.Size = info.Size()
		}
		return d.entry(ctx, 0, f)
	})
}

// add lists a file. The error is [ErrTooMany] at MaxFiles, or errMany if the archive has as many as one may have.
func (d *Dump) add(f File) error {
	switch {
	case len(d.Files) >= d.opts.MaxFiles:
		return ErrTooMany
	case len(d.Files) >= d.room:
		return errMany
	}
	d.Files = append(d.Files, f)
	return nil
}

// entry lists the file f or, if others lie in it, these: of an archive, a PDF, a text or a database. depth counts the
// archives around it. Files of an archive come sorted by name. What cannot be listed is listed with
// its error, so that entry returns only ctx's error, ErrTooMany or, within an archive, errMany.
func (d *Dump) entry(ctx context.Context, depth int, f File) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k := kind(f.Name)
	if b := begins(ctx, f); k == "" || b == onlyOne || k == office && b != ".zip" {
		k = b
	}
	if k == onlyOne || k == database && d.opts.Unpack == nil {
		k = ""
	}
	switch {
	case f.Err == nil && k == tiff:
		return cmp.Or(d.pages(ctx, depth, f), d.tail(ctx, depth, f))
	case f.Err == nil && k == part:
		return d.add(File{Name: f.Name, Size: f.Size, Err: errPart})
	case f.Err != nil || k == ".pdf" && d.opts.PDF == nil || d.opts.Unpack == nil && apart(k):
		return d.add(f)
	case k != ".pdf" && k != "" && depth >= maxDepth:
		return d.add(File{Name: f.Name, Err: errNested})
	}
	from, containers := len(d.Files), len(d.Containers)
	err := d.within(ctx, k, depth, f)
	if errors.Is(err, errMany) {
		if k == "" && len(d.Files) > from && d.Files[from].Name == f.Name { // the picture before the others
			from++
		}
		d.Files, d.Containers = d.Files[:from], d.Containers[:min(containers+1, len(d.Containers))] // of the archive itself
	}
	switch {
	case errors.Is(err, ErrTooMany) || ctx.Err() != nil:
		return cmp.Or(ctx.Err(), err)
	case err == nil && (len(d.Files) > from || k == ""):
		return nil
	case err == nil:
		return d.add(File{Name: f.Name, Size: f.Size, Err: errNothing})
	}
	return d.add(File{Name: f.Name, Size: f.Size, Err: fmt.Errorf("archive: %w", broken(intake.WithoutPath(err)))})
}

// within lists what the archive or the PDF f of kind k holds, within half of the files and of the bytes that are left.
// What an archive unpacked is dropped again if no file is listed of it. The error is of archive or of pdf.
func (d *Dump) within(ctx context.Context, k string, depth int, f File) (err error) {
	from, stored := len(d.Files), d.end
	room, share, left := d.room, d.share, d.left
	d.room = from + (room-from+1)/2
	if d.share = (left + 1) / 2; depth == 0 {
		d.share = min(d.share, allowance(f.Size))
	}
	d.left = d.share
	switch k {
	case ".pdf":
		err = d.pdf(ctx, f)
	case "":
		err = d.carved(ctx, depth, f)
	default:
		err = d.archive(ctx, k, depth, f)
		if k != database { // whose pictures keep the order of its rows
			slices.SortStableFunc(d.Files[from:], func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
		}
	}
	used := d.share - d.left
	if used > 0 && (len(d.Files) == from || errors.Is(err, errMany)) && d.stored.Truncate(stored) == nil {
		d.end, used = stored, 0
	}
	d.room, d.share, d.left = room, share, left-used
	return err
}

// broken adds to the error of an archive, in plain words, that it is cut off, if it is.
func broken(err error) error {
	switch {
	case strings.Contains(err.Error(), "cut off"):
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("cut off: %w", err)
	case errors.Is(err, zip.ErrFormat):
		return fmt.Errorf("cut off, one of several parts, or no zip archive: %w", err)
	}
	return err
}

// load reads the bytes of a PDF, or of a picture. More than MaxPDF of them, as announced or as read, are an error.
func (d *Dump) load(ctx context.Context, f File) ([]byte, error) {
	if f.Size > d.opts.MaxPDF {
		return nil, &picture.LimitError{What: "bytes", Got: f.Size, Max: d.opts.MaxPDF}
	}
	r, err := f.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return intake.ReadAll(r, f.Size, d.opts.MaxPDF)
}
