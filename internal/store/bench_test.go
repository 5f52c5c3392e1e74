package store_test

import (
	"testing"

	"github.com/kycmark/kycmark/internal/store"
)

// What each upload's entry costs.
func BenchmarkEntry(b *testing.B) {
	s := store.Submission{Format: "jpeg", Decoder: "image/jpeg go1.26", Width: 4000, Height: 3000, Submitted: t0, Received: t0,
		Subject: "subject-17", Hash: "pdq:0123456789abcdef", Area: "kycmark/area:0123456789abcdef", Chain: "pdq/1"}
	b.ReportAllocs()
	for n := range b.N {
		s.Seq = int64(n)
		e := s.Entry()
		e.Seq = s.Seq
		e.Encode()
	}
}
