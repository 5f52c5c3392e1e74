package unpack

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	_ "modernc.org/sqlite" // its driver
	"modernc.org/sqlite/vfs"

	"github.com/kycmark/kycmark/internal/apart"
)

// minValue is the size from which a value of a database is written, bytes. A picture of less shows no person.
const minValue = 100

// sqlite writes to w one file, "rows": all texts and blobs of a database, each behind its table, column and number of row
// as a key of JSON. A blob of more than a page lies in pieces in the database. A table that cannot be read is an error
// at the end.
func sqlite(r *io.SectionReader, w *apart.Writer) error {
	name, files, err := vfs.New(oneFile{r})
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
	tables, err := texts(db, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
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

// values writes the values of a table.
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
type oneFile struct{ r *io.SectionReader }

func (o oneFile) Open(name string) (fs.File, error) {
	if name != "db" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &theFile{io.NewSectionReader(o.r, 0, o.r.Size())}, nil
}

// theFile is the open file. It tells only its size.
type theFile struct{ *io.SectionReader }

func (f *theFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *theFile) Close() error               { return nil }
func (f *theFile) Name() string               { return "db" }
func (f *theFile) Mode() fs.FileMode          { return 0o400 }
func (f *theFile) ModTime() time.Time         { return time.Time{} }
func (f *theFile) IsDir() bool                { return false }
func (f *theFile) Sys() any                   { return nil }
