package verify

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/watermark"
)

// A vendor's event of each upload makes the history no longer than the days, and spans without a list stay as they are.
func TestHistoryOfEvents(t *testing.T) {
	at := func(hours int) time.Time { return time.Date(2018, 3, 1, hours, 0, 0, 0, time.UTC) }
	fact := func(of string, from, to time.Time, list ...watermark.Submission) books.Custody {
		return books.Custody{Recipient: of, From: from, To: to, Submissions: list}
	}
	one, two := watermark.Submission{1}, watermark.Submission{2}
	h := &holdings.Holdings{Facts: []books.Custody{fact("b", at(0), at(9))}}
	for n := range 30 {
		h.Facts = append(h.Facts, fact("a", at(23-n%20), at(23-n%20), one))
	}
	h.Facts = append(h.Facts, fact("a", at(24), at(24), one), fact("a", at(5), at(30), one, two), fact("a", at(1), at(2)))
	got := historyOf(h, []books.Recipient{{Name: "a"}, {Name: "b"}, {Name: "c"}})
	require.Equal(t, []findings.CustodySpan{{From: at(4), To: at(23), Listed: 30}, {From: at(24), To: at(24), Listed: 1},
		{From: at(5), To: at(30), Listed: 2}, {From: at(1), To: at(2)}}, got.Recipients[0].Custody)
	require.Equal(t, []findings.CustodySpan{{From: at(0), To: at(9)}}, got.Recipients[1].Custody)
	require.Nil(t, got.Recipients[2].Custody)
}
