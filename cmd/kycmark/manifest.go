package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kycmark/kycmark/verify/registry"
)

// A manifest is a CSV file (RFC 4180) that says whose uploads files are and when they
// were sent. It is read line by line, so that it may be of any length.
type manifest struct {
	*os.File
	csv     *csv.Reader
	columns map[string]int
	failed  bool // the rest cannot be read
}

// openManifest reads the line of headings.
func openManifest(path string) (*manifest, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(f)
	if mark, err := r.Peek(3); err == nil && string(mark) == "\ufeff" {
		r.Discard(3)
	}
	m := &manifest{File: f, csv: csv.NewReader(r), columns: map[string]int{}}
	m.csv.FieldsPerRecord = -1
	if err := m.readColumns(); err != nil {
		f.Close()
		return nil, usagef("%s: %w", path, err)
	}
	return m, nil
}

func (m *manifest) readColumns() error {
	head, err := m.csv.Read()
	if err != nil {
		return fmt.Errorf("no line of headings: %w", err)
	}
	for i, name := range head {
		if _, twice := m.columns[name]; twice {
			return fmt.Errorf("two columns %q", name)
		}
		switch name {
		case "file", "subject", "at":
			m.columns[name] = i
		default:
			return fmt.Errorf("a column %.40q; there are file, subject and at", name)
		}
	}
	if _, ok := m.columns["file"]; !ok {
		return errors.New("no column file")
	}
	return nil
}

// uploads are the files of the manifest; a line that is wrong is one of them, with
// what is wrong.
func (m *manifest) uploads(yield func(registry.Upload) bool) {
	for !m.failed {
		row, err := m.csv.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		line := 0
		if err == nil {
			line, _ = m.csv.FieldPos(0)
		}
		var u registry.Upload
		var broken *csv.ParseError
		switch {
		case errors.As(err, &broken): // where the next line begins is not known
			line, m.failed = broken.Line, true
			u.Err = fmt.Errorf("%w; the rest of the manifest is left out", broken.Err)
		case err != nil:
			m.failed, u.Err = true, err
		case len(row) != len(m.columns):
			u.Err = fmt.Errorf("%s, want %d", plural(len(row), "column"), len(m.columns))
		default:
			u = m.upload(row)
		}
		if u.Err != nil {
			u.Name = fmt.Sprintf("%s:%d", m.Name(), line)
		}
		if !yield(u) {
			return
		}
	}
}

func (m *manifest) upload(row []string) (u registry.Upload) {
	cell := func(column string) string {
		if i, ok := m.columns[column]; ok {
			return row[i]
		}
		return ""
	}
	path := cell("file")
	if path == "" {
		u.Err = errors.New("no file")
		return u
	}
	if path = filepath.FromSlash(path); !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(m.Name()), path)
	}
	at, err := parseSent(cell("at"))
	if err != nil {
		u.Err = err
		return u
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		u.Err = fmt.Errorf("%s: %s", path, reason(err))
		return u
	case info.IsDir():
		u.Err = fmt.Errorf("%s: is a folder", path)
		return u
	}
	return registry.Upload{Name: path, Subject: cell("subject"), At: at, Modified: info.ModTime(), Size: info.Size(),
		Open: func() (io.ReadCloser, error) { return openRegular(path) }}
}
