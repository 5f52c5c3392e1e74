// Package unpack reads 7z and rar archives, databases of SQLite and what xz, zstd and bzip2 compressed, from hostile sources. Their
// readers run in a process of their own: see package apart.
package unpack

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/bodgit/sevenzip"
	"github.com/klauspost/compress/zstd"
	"github.com/nwaples/rardecode/v2"
	"github.com/ulikunitz/xz"
	_ "modernc.org/sqlite" // its driver
	"modernc.org/sqlite/vfs"

	"github.com/kycmark/kycmark/internal/apart"
)

// MaxMemory is the maximum number of bytes of data that a process that unpacks has on Linux. "xz -9"
// and "7z -mx=9" take 64 MiB, and a rar may take [maxDictionary]. Chosen.
const MaxMemory = 768 << 20

// baseTime is the processor time that an archive has on Linux, seconds: 3 GB of xz, 0.5 GB of bzip2. It has a second more for each
// MiB of its own. Chosen.
var baseTime int64 = 60

// verb is the first argument of a process that unpacks.
const verb = "unpack-archive"

// Files calls each for the files of an archive, in its order, as [apart.Run] does. kind is ".7z", ".rar", ".sqlite",
// ".tar.xz", ".tar.zst" or ".tar.bz2"; the last three have one file, the tar, and a database has one file of all its
// values. The error wraps [apart.ErrEncrypted] if a password is needed.
func Files(ctx context.Context, kind string, archive *os.File, each func(name string, regular bool, r io.Reader) error) error {
	st, err := archive.Stat()
	if err != nil {
		return err
	}
	return apart.Run(ctx, apart.Job{Verb: verb, Kind: kind, MaxMemory: MaxMemory, MaxTime: baseTime + st.Size()>>20}, archive, each)
}

// Serve is the process that unpacks. main calls it first, and returns if it returns true.
func Serve() (served bool) { return apart.Serve(verb, archive) }

// maxDictionary is the maximum number of bytes that decompressing may look back. The strongest
// presets of xz, 7z and "zstd --long" take 64, 64 and 128 MiB. rar allows more, but writes 32 MiB unless told.
const maxDictionary = 256 << 20

// archive writes the files of an archive to w. The error is the archive's.
func archive(kind string, archive *os.File, w *apart.Writer) error {
	info, err := archive.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	whole := io.NewSectionReader(archive, 0, size)
	switch kind {
	case ".tar.xz":
		r, err := xz.NewReader(whole)
		if err != nil {
			return err
		}
		return w.File("tar", plainReader{r}, nil)
	case ".tar.zst":
		r, err := zstd.NewReader(whole, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxDictionary))
		if err != nil {
			return err
		}
		defer r.Close()
		return w.File("tar", plainReader{r}, nil)
	case ".tar.bz2":
		return w.File("tar", plainReader{bzip2.NewReader(bufio.NewReader(whole))}, nil)
	case ".7z":
		return sevenZip(whole, size, w)
	case ".rar":
		return rar(whole, w)
	case ".sqlite":
		return sqlite(oneFile{whole, info}, w)
	}
	return fmt.Errorf("archive of kind %q: want .7z, .rar, .sqlite, .tar.xz, .tar.zst or .tar.bz2", kind)
}

func sevenZip(r io.ReaderAt, size int64, w *apart.Writer) error {
	z, err := sevenzip.NewReader(r, size)
	if err != nil {
		return plain(err)
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		var from io.ReadCloser
		var failed error
		if f.Mode().IsRegular() {
			failed = apart.Guard(func() (err error) { from, err = f.Open(); return plain(err) })
		}
		if from != nil && failed == nil {
			err = w.File(f.Name, plainReader{from}, nil)
			from.Close()
		} else {
			err = w.File(f.Name, nil, failed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func rar(r io.Reader, w *apart.Writer) error {
	z, err := rardecode.NewReader(r, rardecode.MaxDictionarySize(maxDictionary))
	if err != nil {
		return plain(err)
	}
	for {
		f, err := z.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return plain(err)
		case f.IsDir:
			continue
		case f.Mode().IsRegular():
			err = w.File(f.Name, plainReader{z}, nil)
		default:
			err = w.File(f.Name, nil, nil)
		}
		if err != nil {
			return err
		}
	}
}

// A plainReader reads a file of an archive. Its errors are in plain words.
type plainReader struct{ io.Reader }

func (r plainReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if !errors.Is(err, io.EOF) {
		err = plain(err)
	}
	return n, err
}

// plain returns an error of a reader in plain words, without the reader's name; nil for nil.
func plain(err error) error {
	if err == nil {
		return nil
	}
	if e := (*sevenzip.ReadError)(nil); errors.As(err, &e) && e.Encrypted ||
		errors.Is(err, rardecode.ErrArchiveEncrypted) || errors.Is(err, rardecode.ErrArchivedFileEncrypted) {
		return apart.ErrEncrypted
	}
	if errors.Is(err, rardecode.ErrMultiVolume) {
		return errors.New("a part of an archive of several files, which is not opened: join the parts first")
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "sevenzip: "), "rardecode: "))
}

// minValue is the size from which a value of a database is written, bytes. A picture of less shows no person.
const minValue = 100

// sqlite writes to w one file, "rows": all texts and blobs of a database, each behind its table, column and number of row
// as a key of JSON. A blob of more than a page lies in pieces in the database. Unreadable tables are an error at the end.
func sqlite(file oneFile, w *apart.Writer) error {
	name, files, err := vfs.New(file)
	if err != nil {
		return err
	}
	defer files.Close()
	db, err := sql.Open("sqlite", "file:db?immutable=1&mode=ro&vfs="+name+"&_pragma=trusted_schema(0)&_pragma=cell_size_check(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	tables, err := texts(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name")
	if err != nil {
		return err
	}
	out, in := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var broken error
		for _, t := range tables {
			if err := values(db, t, in); err != nil && broken == nil {
				broken = fmt.Errorf("table %.60q: %w", t, err)
			}
		}
		in.CloseWithError(broken) // nil: the end
	}()
	defer func() { out.Close(); <-ended }()
	return w.File("rows", out, nil)
}

func texts(db *sql.DB, query string) (out []string, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func values(db *sql.DB, table string, w io.Writer) error {
	rows, err := db.Query(`SELECT * FROM "` + strings.ReplaceAll(table, `"`, `""`) + `"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	for n := 1; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range row {
			if len(v) < minValue {
				continue
			}
			if _, err := fmt.Fprintf(w, "\n\"%s.%s %d\":", table, columns[i], n); err != nil {
				return err
			}
			if _, err := io.Copy(w, bytes.NewReader(v)); err != nil {
				return err
			}
		}
	}
	return rows.Err()
}

// oneFile is a file system whose only file is called db.
type oneFile struct {
	r    *io.SectionReader
	info fs.FileInfo
}

func (o oneFile) Open(name string) (fs.File, error) {
	if name != "db" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return theFile{io.NewSectionReader(o.r, 0, o.r.Size()), o.info}, nil
}

// theFile is the open file.
type theFile struct {
	*io.SectionReader
	info fs.FileInfo
}

func (f theFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f theFile) Close() error               { return nil }
