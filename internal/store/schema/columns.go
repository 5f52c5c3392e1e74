package schema

import (
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// Columns bind fields of rows, for reading and for writing, where the database has another type for them.

// micros keeps a time as microseconds since 1970 UTC.
type micros struct{ t *time.Time }

func Micros(t *time.Time) micros { return micros{t} }

func (m micros) Value() (driver.Value, error) { return m.t.UnixMicro(), nil }

func (m micros) Scan(src any) error {
	n, err := as[int64](src)
	if err == nil {
		*m.t = time.UnixMicro(n).UTC()
	}
	return err
}

// Fixed keeps an array as a blob of its size.
type Fixed []byte

func (f Fixed) Value() (driver.Value, error) { return []byte(f), nil }

// Scan copies a blob into f. The error wraps [records.ErrTampered] if src is no blob, or a blob of another length than f.
func (f Fixed) Scan(src any) error {
	b, err := as[[]byte](src)
	if err != nil {
		return err
	}
	if len(b) != len(f) {
		return fmt.Errorf("%w: a blob of %d bytes where %d belong", records.ErrTampered, len(b), len(f))
	}
	copy(f, b)
	return nil
}

// Sparse keeps an array as fixed does; zeros alone are an empty blob.
type Sparse []byte

func (s Sparse) Value() (driver.Value, error) {
	if slices.ContainsFunc(s, func(b byte) bool { return b != 0 }) {
		return []byte(s), nil
	}
	return []byte{}, nil
}

// Scan copies a blob into s; an empty blob sets s to zeros. The error wraps [records.ErrTampered] if src is no blob, or a
// blob of another length, or one of zeros alone, which Value never writes.
func (s Sparse) Scan(src any) error {
	if b, ok := src.([]byte); ok && len(b) == 0 {
		clear(s)
		return nil
	}
	if err := Fixed(s).Scan(src); err != nil {
		return err
	}
	if !slices.ContainsFunc(s, func(b byte) bool { return b != 0 }) {
		return fmt.Errorf("%w: a blob of zeros where an empty one belongs", records.ErrTampered)
	}
	return nil
}

// blob keeps bytes; none are an empty blob.
type blob struct{ b *[]byte }

func Blob(b *[]byte) blob { return blob{b} }

func (x blob) Value() (driver.Value, error) {
	if *x.b == nil {
		return []byte{}, nil
	}
	return *x.b, nil
}

// Scan copies a blob. NULL, which no table holds, is what a join gives for a missing row.
func (x blob) Scan(src any) error {
	if src == nil {
		*x.b = nil
		return nil
	}
	b, err := as[[]byte](src)
	*x.b = append([]byte(nil), b...) // nil for an empty blob
	return err
}

// text keeps a text as a blob.
type text struct{ s *string }

func Text(s *string) text { return text{s} }

func (x text) Value() (driver.Value, error) { return []byte(*x.s), nil }

func (x text) Scan(src any) error {
	b, err := as[[]byte](src)
	*x.s = string(b)
	return err
}

// erasedBy keeps the number of the erasure of a submission, 0 if it was not erased.
type erasedBy struct{ s *books.Submission }

func (x erasedBy) Value() (driver.Value, error) { return x.s.ErasedBy, nil }

func (x erasedBy) Scan(src any) error {
	n, err := as[int64](src)
	x.s.ErasedBy, x.s.Erased = n, n != 0
	return err
}

// laterSubject reads the subject reference that was entered after its submission, "" if there is
// no such reference. The submission's subject must have been read before.
type laterSubject struct{ s *books.Submission }

func (x laterSubject) Scan(src any) error {
	later, err := as[string](src)
	if later != "" {
		x.s.First, x.s.Subject = x.s.Subject, later
	}
	return err
}

// setAt reads when that reference was entered; 0 is the zero time.
type setAt struct{ s *books.Submission }

func (x setAt) Scan(src any) error {
	if n, ok := src.(int64); ok && n == 0 {
		return nil
	}
	return Micros(&x.s.SetAt).Scan(src)
}

// flag keeps a boolean as 0 or 1.
type flag struct{ b *bool }

func (f flag) Value() (driver.Value, error) {
	if *f.b {
		return int64(1), nil
	}
	return int64(0), nil
}

// Scan reads 0 as false and 1 as true. Every other value is an error that wraps [records.ErrTampered].
func (f flag) Scan(src any) error {
	n, ok := src.(int64)
	if !ok || n != 0 && n != 1 {
		return unexpected(src)
	}
	*f.b = n == 1
	return nil
}

// copyID keeps the ID of a copy as 8 bytes, big endian, as a mark carries them.
type copyID struct{ id *watermark.CopyID }

func CopyID(id *watermark.CopyID) copyID { return copyID{id} }

func (c copyID) Value() (driver.Value, error) {
	return binary.BigEndian.AppendUint64(nil, uint64(*c.id)), nil
}

// Scan reads 8 bytes, big endian. The error wraps [records.ErrTampered] if src is no blob of 8 bytes.
func (c copyID) Scan(src any) error {
	var raw [8]byte
	if err := Fixed(raw[:]).Scan(src); err != nil {
		return err
	}
	*c.id = watermark.CopyID(binary.BigEndian.Uint64(raw[:]))
	return nil
}

// eights keeps IDs of copies, or numbers of entries, as 8 bytes each.
type eights[T watermark.CopyID | int64] struct{ of *[]T }

func (e eights[T]) Value() (driver.Value, error) {
	out := []byte{}
	for _, x := range *e.of {
		out = binary.BigEndian.AppendUint64(out, uint64(x))
	}
	return out, nil
}

func (e eights[T]) Scan(src any) error {
	raw, err := as[[]byte](src)
	*e.of = []T{}
	for ; len(raw) >= 8; raw = raw[8:] {
		*e.of = append(*e.of, T(binary.BigEndian.Uint64(raw)))
	}
	if err == nil && len(raw) > 0 {
		err = Tampered("%d bytes behind the end of a list", len(raw))
	}
	return err
}

// lines keeps a list of names as a text of one name a line.
type lines struct{ names *[]string }

func (l lines) Value() (driver.Value, error) { return strings.Join(*l.names, "\n"), nil }

func (l lines) Scan(src any) error {
	s, err := as[string](src)
	if *l.names = []string{}; s != "" {
		*l.names = strings.Split(s, "\n")
	}
	return err
}

// as returns the value of a column. It is an error if the database holds another type there.
func as[T int64 | string | []byte](src any) (value T, err error) {
	value, ok := src.(T)
	if !ok {
		err = unexpected(src)
	}
	return value, err
}

// scanError is the form of the errors of package database/sql about a column's value.
var scanError = regexp.MustCompile(`^sql: Scan error on column index \d+, name "([^"]*)": `)

// Unreadable returns err, of reading a row, without words of package database/sql. If a column does not hold what its
// type asks for, the error names the column and wraps [records.ErrTampered].
func Unreadable(err error) error {
	column := scanError.FindStringSubmatch(fmt.Sprint(err))
	switch {
	case column == nil:
		return err
	case errors.Is(err, records.ErrTampered):
		return fmt.Errorf("column %s: %w", column[1], errors.Unwrap(err))
	}
	return fmt.Errorf("column %s: %w: it holds a value of another type", column[1], records.ErrTampered)
}

// inEntry names the entry of the present row, " (entry 7)", if the row has a number.
func inEntry(rows *sql.Rows) string {
	names, _ := rows.Columns()
	at := -1
	for _, number := range []string{"seq", "custody", "erasure", "size"} { // of a list; of the last entry of a checkpoint
		if at < 0 {
			at = slices.Index(names, number)
		}
	}
	values := make([]any, len(names))
	for i := range values {
		values[i] = new(any)
	}
	if at < 0 || rows.Scan(values...) != nil {
		return ""
	}
	return fmt.Sprintf(" (entry %v)", *values[at].(*any))
}

func unexpected(src any) error { return fmt.Errorf("%w: a column holds %T", records.ErrTampered, src) }

func Tampered(format string, args ...any) error {
	return fmt.Errorf("%w: %s", records.ErrTampered, fmt.Sprintf(format, args...))
}
