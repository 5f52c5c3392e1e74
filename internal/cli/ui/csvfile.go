package ui

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

// A CsvFile is a CSV file (RFC 4180) whose first line names its columns, in any order. It is
// read line by line, so that it may be of any length.
type CsvFile struct {
	io.Closer
	lines   *csv.Reader
	columns []string // as in the file
	budget  *budget  // of what is read of a line
}

// A budget reads from its reader until left bytes are used up, and then returns an error. A
// quote that is never closed makes the rest of a file one field, which would have to fit into memory.
type budget struct {
	io.Reader
	left int64
}

// Read reads up to left bytes. If the reader has more, the last call returns an error.
func (b *budget) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("more than %d bytes: is a closing quote missing?", MaxSmall)
	}
	return n, err
}

// A CsvRow is one line of a CsvFile after the first.
type CsvRow struct {
	Line    int   // from 1
	Err     error // what is wrong with it: then it has no cells
	columns []string
	cells   []string
}

// OpenCSV opens a CSV file and reads its first line, the names of the columns. columns lists the names that the file
// may have; the first required names of the list must be there. A wrong first line is a UsageError, and a file that
// cannot be read is not. At MaxSmall bytes of a line reading fails.
func OpenCSV(path string, required int, columns ...string) (*CsvFile, error) {
	f, err := intake.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	c := &CsvFile{Closer: f, budget: &budget{f, MaxSmall}}
	r := bufio.NewReader(c.budget)
	if mark, err := r.Peek(3); err == nil && string(mark) == "\ufeff" {
		r.Discard(3)
	}
	c.lines = csv.NewReader(r)
	c.lines.FieldsPerRecord = -1    // which is checked here
	c.lines.TrimLeadingSpace = true // of the headings
	if c.columns, err = c.lines.Read(); err != nil {
		switch _, broken := errors.AsType[*csv.ParseError](err); {
		case errors.Is(err, io.EOF):
			err = errors.New("no line of headings: the file is empty")
		case broken:
			err = fmt.Errorf("no line of headings: %w", err)
		default:
			f.Close()
			return nil, fmt.Errorf("%s: %w", path, intake.WithoutPath(err))
		}
	}
	c.lines.TrimLeadingSpace = false
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
		return nil, Usagef("%s: %w", path, err)
	}
	return c, nil
}

// Rows yields the lines after the first, each with its line number and with what is wrong with it. Broken quoting
// ends the rows, since the next line cannot be found. An error of reading does as well; its line number is 0.
func (c *CsvFile) Rows(yield func(CsvRow) bool) {
	for {
		c.budget.left = MaxSmall // of each line, for a file of any length
		cells, err := c.lines.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		row, last := CsvRow{Err: err, columns: c.columns, cells: cells}, err != nil
		switch broken, ok := errors.AsType[*csv.ParseError](err); {
		case ok:
			row.Line, row.Err = broken.Line, fmt.Errorf("%w; the lines after it are not read", broken.Err)
		case err == nil:
			row.Line, _ = c.lines.FieldPos(0)
			if len(cells) != len(c.columns) {
				row.Err = fmt.Errorf("%s, want %d", Plural(len(cells), "column"), len(c.columns))
			}
		}
		if !yield(row) || last {
			return
		}
	}
}

// Cell returns the value in the named column, untrimmed; "" if the file has no such column.
func (r CsvRow) Cell(column string) string {
	if i := slices.Index(r.columns, column); i >= 0 {
		return r.cells[i]
	}
	return ""
}
