package registry

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

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

// maxSubjects is how many subjects a list holds in memory. If there are more, it reads the uploads again for the next ones. Chosen.
const maxSubjects = 1 << 18

// Subjects walks all subjects, sorted by their bytes. It reads all uploads first: those without a subject, and
// erased ones, do not count. An error ends the walk.
func (r *Registry) Subjects(ctx context.Context) iter.Seq2[*books.Subject, error] {
	return r.subjects(ctx, maxSubjects)
}

// subjects is [Registry.Subjects], and holds twice so many subjects at a time.
func (r *Registry) subjects(ctx context.Context, held int) iter.Seq2[*books.Subject, error] {
	return func(yield func(*books.Subject, error) bool) {
		for last, more := "", true; more; {
			of, err := r.subjectsAfter(ctx, last, held)
			if err != nil {
				yield(nil, err)
				return
			}
			more = len(of) > held
			names := slices.Sorted(maps.Keys(of))
			for _, name := range names[:min(len(names), held)] {
				if last = name; !yield(of[name], nil) {
					return
				}
			}
		}
	}
}

// subjectsAfter returns the first subjects behind the name after: held of them, and some more if there are more.
func (r *Registry) subjectsAfter(ctx context.Context, after string, held int) (map[string]*books.Subject, error) {
	of := make(map[string]*books.Subject)
	upto := "" // uploads of later subjects were dropped; "": of none
	for s, err := range r.Submissions(ctx, time.Time{}) {
		if err != nil {
			return nil, err
		}
		if s.Subject <= after || upto != "" && s.Subject > upto {
			continue
		}
		x := of[s.Subject]
		if x == nil {
			x = &books.Subject{Subject: s.Subject, First: s.Submitted}
			of[s.Subject] = x
		}
		x.Submissions++
		if s.Submitted.Before(x.First) {
			x.First = s.Submitted
		}
		if s.Submitted.After(x.Last) {
			x.Last = s.Submitted
		}
		if len(of) > 2*held {
			names := slices.Sorted(maps.Keys(of))
			upto = names[held]
			maps.DeleteFunc(of, func(name string, _ *books.Subject) bool { return name > upto })
		}
	}
	return of, nil
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
func (r *Registry) WithPrefix(ctx context.Context, prefix string) ([]watermark.Submission, []watermark.CopyID, error) {
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
