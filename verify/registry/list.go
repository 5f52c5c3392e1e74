package registry

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

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
