package sqldb_test

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// hashRow is an upload of which nothing is kept but its hash.
func hashRow(n int64) records.Upload {
	sum := sha256.Sum256(fmt.Appendf(nil, "file %d", n))
	return records.Upload{Submission: books.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: 3_000_000, Format: "jpeg", Width: 4000, Height: 3000,
		Submitted: t0, Received: t0, Subject: fmt.Sprintf("subject-%d", n), Hash: fmt.Sprintf("pdq:%x", sum), Quality: 100, Logged: books.Logged{Salt: sum},
		Details: books.Details{Decoder: "test/1", Area: fmt.Sprintf("kycmark/area:%x", sum), Chain: "pdq/1", AreaQuality: 90},
	}}
}

func benchEach(b *testing.B, body func(b *testing.B, d *sqldb.DB)) {
	for _, kind := range []string{"file", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			d := kinds[kind](b, info())
			b.ResetTimer()
			body(b, d)
		})
	}
}

// Uploads that come one by one from 32 callers: an operation is an upload.
func BenchmarkLiveInsert(b *testing.B) {
	benchEach(b, func(b *testing.B, d *sqldb.DB) {
		var n atomic.Int64
		b.SetParallelism(16) // for each of 2 processors
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, err := d.AddSubmissions(b.Context(), []records.Upload{hashRow(n.Add(1))})
				require.NoError(b, err)
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "uploads/s")
	})
}

// Uploads in batches of 5,000: an operation is a batch. With -cpuprofile cpu the share of what lists cost is what
//
//	go tool pprof -top -focus 'Lists|CountedOn' sqldb.test cpu
//
// accounts for.
func BenchmarkBulkInsert(b *testing.B) {
	const batch = 5000
	benchEach(b, func(b *testing.B, d *sqldb.DB) {
		rows := make([]records.Upload, batch)
		for n := range b.N {
			b.StopTimer()
			for i := range rows {
				rows[i] = hashRow(int64(n*batch + i))
			}
			b.StartTimer()
			_, err := d.AddSubmissions(b.Context(), rows)
			require.NoError(b, err)
		}
		b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "uploads/s")
	})
}

// Counts by days among 20,000 uploads of 1,000 days; each hundredth has a copy.
func BenchmarkCountDays(b *testing.B) {
	benchEach(b, func(b *testing.B, d *sqldb.DB) {
		for i := range 7 {
			_, err := d.AddRecipient(b.Context(), recipient(fmt.Sprint("vendor ", i)))
			require.NoError(b, err)
		}
		rows := make([]records.Upload, 5000)
		for n := range int64(4) {
			for i := range rows {
				rows[i] = hashRow(n*5000 + int64(i))
				rows[i].Submitted = t0.AddDate(0, 0, int(n)*250+i/20)
			}
			_, err := d.AddSubmissions(b.Context(), rows)
			require.NoError(b, err)
			for i := 0; i < len(rows); i += 100 {
				c, key := issued(watermark.CopyID(n*5000+int64(i)+1), rows[i].ID, fmt.Sprint("vendor ", i%7))
				require.NoError(b, d.AddCopy(b.Context(), &c, key))
			}
		}
		b.ResetTimer()
		for b.Loop() {
			_, err := d.CountDays(b.Context(), t0.AddDate(9, 0, 0))
			require.NoError(b, err)
		}
	})
}

// Facts of custody are read beside 20,000 others, after one more was entered: an operation is a reading.
func BenchmarkCustodyOneMore(b *testing.B) {
	benchEach(b, func(b *testing.B, d *sqldb.DB) {
		row := hashRow(1)
		_, err := d.AddSubmissions(b.Context(), []records.Upload{row})
		require.NoError(b, err)
		_, err = d.AddRecipient(b.Context(), books.Recipient{Name: "vendor A", Kind: books.KindVendor, Added: t0, Logged: books.Logged{Salt: salt("a")}})
		require.NoError(b, err)
		facts := make([]books.Custody, 20_000)
		for i := range facts {
			facts[i] = custody("vendor A", row.ID)
		}
		require.NoError(b, d.AddCustody(b.Context(), facts...))
		_, err = d.Custody(b.Context())
		require.NoError(b, err)
		b.ResetTimer()
		for b.Loop() {
			b.StopTimer()
			require.NoError(b, d.AddCustody(b.Context(), facts[0]))
			b.StartTimer()
			all, err := d.Custody(b.Context())
			require.NoError(b, err)
			require.Greater(b, len(all), len(facts))
		}
	})
}
