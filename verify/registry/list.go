package registry

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"
)

// listPage is how many rows are read at a time: what a list holds in memory.
const listPage = 1000

// AllCopies walks all issued copies in the order of issue, including copies of erased
// uploads. An error ends the walk. Writing to the registry while walking is allowed.
func (r *Registry) AllCopies(ctx context.Context) iter.Seq2[*Copy, error] {
	return walk(func(last *Copy) ([]Copy, error) { return r.store.CopiesAfter(ctx, last.Seq, listPage) })
}

// Subjects walks all subjects, sorted by their bytes. It reads all uploads first: those without a subject, and
// erased ones, do not count. An error ends the walk.
func (r *Registry) Subjects(ctx context.Context) iter.Seq2[*Subject, error] {
	return func(yield func(*Subject, error) bool) {
		of := make(map[string]*Subject)
		for s, err := range r.Submissions(ctx, time.Time{}) {
			if err != nil {
				yield(nil, err)
				return
			}
			x := of[s.Subject]
			if x == nil {
				x = &Subject{Subject: s.Subject, First: s.Submitted}
				of[s.Subject] = x
			}
			x.Submissions++
			if s.Submitted.Before(x.First) {
				x.First = s.Submitted
			}
			if s.Submitted.After(x.Last) {
				x.Last = s.Submitted
			}
		}
		delete(of, "")
		for _, name := range slices.Sorted(maps.Keys(of)) {
			if !yield(of[name], nil) {
				return
			}
		}
	}
}

// walk yields all rows of the pages that next returns, until a page has fewer than listPage
// rows. next is called with the last row of the page before, at first with a zero row. An error
// of next is yielded with a nil row and ends the walk.
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
func (l *Ledger) Investigations(ctx context.Context) ([]Investigation, error) {
	return l.r.store.Investigations(ctx)
}
