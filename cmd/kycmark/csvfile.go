package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
)

// A csvFile is a CSV file (RFC 4180) whose first line names its columns, in any order. It is
// read line by line, so that it may be of any length.
type csvFile struct {
	io.Closer
	lines   *csv.Reader
	columns []string // as in the file
}

// A csvRow is one line of a csvFile after the first.
type csvRow struct {
	line    int // from 1
	columns []string
	cells   []string
}

// openCSV opens a file and reads its first line. columns names the columns that the file may
// have; the first required names of that list must be there. Errors name the file; what is
// wrong with the first line is a usageError.
func openCSV(path string, required int, columns ...string) (*csvFile, error) {
	f, err := intake.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReader(f)
	if mark, err := r.Peek(3); err == nil && string(mark) == "\ufeff" {
		r.Discard(3)
	}
	c := &csvFile{Closer: f, lines: csv.NewReader(r)}
	c.lines.FieldsPerRecord = -1 // which is checked here
	if c.columns, err = c.lines.Read(); err != nil {
		err = fmt.Errorf("no line of headings: %w", err)
	}
	for i, name := range c.columns {
		c.columns[i] = strings.TrimSpace(name)
		switch name = c.columns[i]; {
		case slices.Contains(c.columns[:i], name):
			err = fmt.Errorf("two columns %q", name)
		case !slices.Contains(columns, name):
			err = fmt.Errorf("there is no column %.40q, but %s", name, strings.Join(columns, ", "))
		}
	}
	for _, need := range columns[:required] {
		if err == nil && !slices.Contains(c.columns, need) {
			err = fmt.Errorf("the column %s is missing", need)
		}
	}
	if err != nil {
		f.Close()
		return nil, usagef("%s: %w", path, err)
	}
	return c, nil
}

// rows yields the lines after the first, each with what is wrong with it. A mistake after which
// it is not known where the next line begins ends the rows.
func (c *csvFile) rows(yield func(csvRow, error) bool) {
	for {
		cells, err := c.lines.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		row, last := csvRow{columns: c.columns, cells: cells}, err != nil
		var broken *csv.ParseError
		switch {
		case errors.As(err, &broken):
			row.line, err = broken.Line, fmt.Errorf("%w; the lines after it are not read", broken.Err)
		case err == nil:
			row.line, _ = c.lines.FieldPos(0)
			if len(cells) != len(c.columns) {
				err = fmt.Errorf("%s, want %d", plural(len(cells), "column"), len(c.columns))
			}
		}
		if !yield(row, err) || last {
			return
		}
	}
}

// cell returns the value in the named column; "" if the file has no such column.
func (r csvRow) cell(column string) string {
	if i := slices.Index(r.columns, column); i >= 0 {
		return r.cells[i]
	}
	return ""
}
