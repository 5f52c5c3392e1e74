package engine_test

import (
	"encoding/binary"
	"flag"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

var uploads = flag.Int("uploads", 10_000, "uploads of the registry of a benchmark")

// What a process does before its first search by parts: it reads and opens the features of all uploads, and
// indexes them, 32,768 at a time.
func BenchmarkFirstSearch(b *testing.B) {
	db, err := sqlite.Create(b.Context(), filepath.Join(b.TempDir(), "r.db"), books.Info{ID: [16]byte{9}, Created: time.Unix(1_500_000_000, 0)})
	require.NoError(b, err)
	defer db.Close()
	key, r := sealing.Generate(), rand.New(rand.NewPCG(1, 2))
	for left := *uploads; left > 0; left -= 5000 {
		var all []books.Upload
		for range min(left, 5000) {
			all = append(all, madeUp(b, key, r))
		}
		_, err := db.AddSubmissions(b.Context(), all)
		require.NoError(b, err)
	}
	e := engine.New(db, "09", false, time.Now)
	for b.Loop() {
		var x parts.Index
		var some []*engine.Found
		index := func() {
			require.NoError(b, x.AddAll(func(yield func(int64, *parts.Features) bool) {
				for _, f := range some {
					if !yield(f.Number, f.Features) {
						return
					}
				}
			}))
			some = nil
		}
		_, err := e.FoundBy(b.Context(), key, 0, math.MaxInt64, func(f *engine.Found) error {
			if some = append(some, f); len(some) == 1<<15 {
				index()
			}
			return nil
		})
		require.NoError(b, err)
		index()
		require.Equal(b, *uploads, x.Len())
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N**uploads), "us/upload")
}

// madeUp is an upload with 200 random features.
func madeUp(b *testing.B, key *sealing.Key, r *rand.Rand) books.Upload {
	b.Helper()
	id := watermark.Submission(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, r.Uint64()), r.Uint64()))
	data := make([]byte, 16, parts.MaxSize)
	data[0], data[1] = 1, 200
	binary.LittleEndian.PutUint32(data[4:], 640)
	binary.LittleEndian.PutUint32(data[8:], 480)
	for range 200 {
		data = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(data, r.Uint64()), r.Uint64())
		data = binary.LittleEndian.AppendUint32(data, uint32(r.IntN(1000))|uint32(r.IntN(900))<<11)
	}
	binary.LittleEndian.PutUint32(data[12:], crc32.Update(crc32.ChecksumIEEE(data[:12]), crc32.IEEETable, data[16:]))
	sealed, err := sealing.Seal(key, id, nil, data, []byte("file"))
	require.NoError(b, err)
	h := phash.Hash{Kind: phash.Area, Bits: [4]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}}
	return books.Upload{Sealed: sealed, Submission: books.Submission{ID: id, SHA256: [32]byte(append(id[:], id[:]...)), Size: 4, Format: "jpeg", Width: 640, Height: 480,
		Details: books.Details{Decoder: "test/1", Area: h.String(), AreaQuality: 90, Chain: "test/1" + books.ChainFeatures + "200", Kept: true},
		Logged:  books.Logged{Salt: books.NewSalt()}}}
}
