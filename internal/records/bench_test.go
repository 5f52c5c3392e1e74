package records_test

import (
	"testing"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
)

// What each upload's entry costs.
func BenchmarkEntry(b *testing.B) {
	s := books.Submission{Format: "jpeg", Width: 4000, Height: 3000, Submitted: t0, Received: t0,
		Subject: "subject-17", Hash: "pdq:0123456789abcdef",
		Details: books.Details{Decoder: "image/jpeg go1.26", Area: "kycmark/area:0123456789abcdef", Chain: "pdq/1"}}
	b.ReportAllocs()
	for n := range b.N {
		s.Seq = int64(n)
		e := records.EntryOf(s)
		e.Seq = s.Seq
		e.Encode()
	}
}
