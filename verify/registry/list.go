package registry

import (
	"context"
	"iter"
	"time"

	"github.com/kycmark/kycmark/internal/store"
)

// listPage is how many rows are read at a time: what a list holds in memory.
const listPage = 1000

// AllCopies walks all issued copies in the order of issue, those of erased uploads too. An
// error ends the walk. Writing to the registry while walking is allowed.
func (r *Registry) AllCopies(ctx context.Context) iter.Seq2[*Copy, error] {
	seq := int64(0)
	return walk(func() ([]store.Copy, error) { return r.store.CopiesAfter(ctx, seq, listPage) },
		func(c *store.Copy) *Copy {
			seq = c.Seq
			return publicCopy(c)
		})
}

// A Subject is a customer by the opaque reference under which uploads were entered.
type Subject struct {
	Subject     string    `json:"subject"`
	Submissions int64     `json:"submissions"` // uploads that were not erased
	First       time.Time `json:"first"`       // when the first of them was submitted
	Last        time.Time `json:"last"`        // when the last of them was submitted
}

// Subjects walks all subjects in the order in which the database sorts them. Uploads
// without a subject do not count. An error ends the walk.
func (r *Registry) Subjects(ctx context.Context) iter.Seq2[*Subject, error] {
	after := ""
	return walk(func() ([]store.Subject, error) { return r.store.SubjectsAfter(ctx, after, listPage) },
		func(s *store.Subject) *Subject {
			after = s.Subject
			return &Subject{Subject: s.Subject, Submissions: s.Submissions, First: s.First, Last: s.Last}
		})
}

// walk yields what public makes of every row of the pages that next returns, until a page
// is not full.
func walk[Row, Public any](next func() ([]Row, error), public func(*Row) *Public) iter.Seq2[*Public, error] {
	return func(yield func(*Public, error) bool) {
		for {
			page, err := next()
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				if !yield(public(&page[i]), nil) {
					return
				}
			}
			if len(page) < listPage {
				return
			}
		}
	}
}
