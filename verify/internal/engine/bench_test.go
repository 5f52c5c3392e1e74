package engine_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/skip"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

var uploads = flag.Int("uploads", 10_000, "uploads of the registry of a benchmark")

// What a process does before its first search by parts: it reads and opens the features of all uploads, and
// indexes them, 32,768 at a time.
func BenchmarkFirstSearch(b *testing.B) {
	db, err := sqlite.Create(b.Context(), filepath.Join(b.TempDir(), "r.db"), records.Info{ID: [16]byte{9}, Created: time.Unix(1_500_000_000, 0)})
	require.NoError(b, err)
	defer db.Close()
	key, r := sealing.Generate(), rand.New(rand.NewPCG(1, 2))
	for left := *uploads; left > 0; left -= 5000 {
		var all []records.Upload
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
func madeUp(b *testing.B, key *sealing.Key, r *rand.Rand) records.Upload {
	b.Helper()
	row := madeUpRow(r)
	data := make([]byte, 16, parts.MaxSize)
	data[0], data[1] = 1, 200
	binary.LittleEndian.PutUint32(data[4:], 640)
	binary.LittleEndian.PutUint32(data[8:], 480)
	for range 200 {
		data = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(data, r.Uint64()), r.Uint64())
		data = binary.LittleEndian.AppendUint32(data, uint32(r.IntN(1000))|uint32(r.IntN(900))<<11)
	}
	binary.LittleEndian.PutUint32(data[12:], crc32.Update(crc32.ChecksumIEEE(data[:12]), crc32.IEEETable, data[16:]))
	sealed, err := sealing.Seal(key, row.ID, nil, data, []byte("file"))
	require.NoError(b, err)
	return records.Upload{Sealed: sealed, Submission: row}
}

// madeUpRow is the row of an upload with a random hash.
func madeUpRow(r *rand.Rand) books.Submission {
	id := watermark.Submission(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, r.Uint64()), r.Uint64()))
	h := phash.Hash{Kind: phash.Area, Bits: [4]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}}
	return books.Submission{ID: id, SHA256: [32]byte(append(id[:], id[:]...)), Size: 4, Format: "jpeg", Width: 640, Height: 480,
		Details: books.Details{Decoder: "test/1", Area: h.String(), AreaQuality: 90, Chain: "test/1" + records.ChainFeatures + "200", Kept: true},
		Logged:  books.Logged{Salt: records.NewSalt()}}
}

// What segments of hashes cost: to make them of rows, to open them in a process, and to search with the 16 hashes of a leak.
//
//	go test ./verify/internal/engine -run '^$' -bench Segments -benchtime 1x -uploads 1000000
func BenchmarkSegments(b *testing.B) {
	db, err := sqlite.Create(b.Context(), filepath.Join(b.TempDir(), "r.db"), records.Info{ID: [16]byte{9}, Created: time.Unix(1_500_000_000, 0)})
	require.NoError(b, err)
	defer db.Close()
	key, r := sealing.Generate(), rand.New(rand.NewPCG(1, 2))
	for left := *uploads; left > 0; left -= 5000 {
		all := make([]records.Upload, min(left, 5000))
		for i := range all {
			all[i] = records.Upload{Submission: madeUpRow(r)}
			all[i].Kept, all[i].Chain = false, "test/1"
		}
		_, err := db.AddSubmissions(b.Context(), all)
		require.NoError(b, err)
	}
	e := engine.New(db, "09", false, time.Now)
	sqldb.SegmentFrom = 1
	var made, opened, anonymous, searched float64
	for b.Loop() {
		debug.FreeOSMemory()
		at, _ := used(b)
		require.NoError(b, e.BuildSegments(b.Context(), key))
		then, _ := used(b)
		made += then - at
		debug.FreeOSMemory()
		at, before := used(b)
		x := phash.NewList(phash.Area)
		all, err := e.Segments(b.Context(), key, new(parts.Index))
		require.NoError(b, err)
		for i := range all {
			require.NoError(b, all[i].Err)
			for f := range all[i].Found() {
				require.NoError(b, x.Add(f.Hash, f.Number))
			}
			all[i].Close()
		}
		require.Equal(b, *uploads, x.Len())
		then, _ = used(b)
		opened += then - at
		debug.FreeOSMemory()
		at, after := used(b)
		anonymous += after - before
		queries := make([]phash.Hash, 16)
		for i := range queries {
			queries[i] = phash.Hash{Kind: phash.Area, Bits: [4]uint64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()}}
		}
		for range 10 {
			_, err = x.Search(64, queries...)
			require.NoError(b, err)
		}
		then, _ = used(b)
		searched += (then - at) / 10
	}
	b.ReportMetric(made/float64(b.N), "make-cpu-s")
	b.ReportMetric(opened/float64(b.N), "open-cpu-s")
	b.ReportMetric(anonymous/float64(b.N), "private-MB")
	b.ReportMetric(1000*searched/float64(b.N), "leak-cpu-ms")
}

// used returns the processor time of this process in seconds, and its private memory in MB. It skips the
// benchmark on systems other than Linux.
func used(b *testing.B) (seconds, mb float64) {
	b.Helper()
	const tick, page = 100, 4096 // of Linux on common processors
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		skip.Test(b, "not Linux")
	}
	memory, err := os.ReadFile("/proc/self/statm")
	require.NoError(b, err)
	var user, system, all, resident, shared float64
	_, err = fmt.Sscanf(strings.Join(strings.Fields(string(stat))[13:15], " "), "%g %g", &user, &system)
	require.NoError(b, err)
	_, err = fmt.Sscanf(string(memory), "%g %g %g", &all, &resident, &shared)
	require.NoError(b, err)
	return (user + system) / tick, (resident - shared) * page / 1e6
}
