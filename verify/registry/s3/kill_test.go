package s3_test

import (
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/s3test"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/registry/s3"
	"github.com/kycmark/kycmark/watermark"
)

var kills = flag.Int("kills", 8, "how often the server is killed")

// The server is killed while uploads are entered and erased. What was acknowledged is there afterwards, what
// was erased is not, and a sweep leaves the objects of rows alone.
func TestKilledServer(t *testing.T) {
	server := s3test.Start(t)
	salt := sha256.Sum256([]byte("salt"))
	d, err := sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "r.db"), records.Info{ID: [16]byte{1}, Created: time.Unix(1e9, 0), Originals: server.Address, Logged: books.Logged{Salt: salt}}, s3.Open)
	require.NoError(t, err)
	defer d.Close()
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	kept, erased := make(map[watermark.Submission]string), make(map[watermark.Submission]bool)
	var next, failed atomic.Int64
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1)
				sum := sha256.Sum256(fmt.Append(nil, n))
				s := books.Submission{ID: [16]byte(sum[:]), SHA256: sum, Size: 1, Format: "jpeg", Submitted: time.Unix(1e9, 0), Received: time.Unix(1e9, 0),
					Hash: fmt.Sprintf("pdq:%064x", n), Details: books.Details{Decoder: "test/1", Area: fmt.Sprintf("kycmark/area:%064x", n), Chain: "pdq/1", Kept: true}, Logged: books.Logged{Salt: sum}}
				body := fmt.Sprintf("body %d %032x", n, sum)
				limited, cancel := context.WithTimeout(ctx, time.Second)
				added, err := d.AddSubmissions(limited, []records.Upload{{Submission: s, Sealed: &records.Sealed{KeyID: "seal1-x", Wrapped: []byte{1}, Body: []byte(body)}}})
				cancel()
				if err != nil {
					failed.Add(1)
					continue
				}
				if !added[0] {
					t.Error("not added")
				}
				mu.Lock()
				kept[s.ID] = body
				mu.Unlock()
				if n%3 > 0 {
					continue
				}
				limited, cancel = context.WithTimeout(ctx, time.Second)
				_ = d.Erase(limited, records.Erasure{Submissions: []watermark.Submission{s.ID}, Entered: time.Unix(1e9, 0), Logged: books.Logged{Salt: sum}})
				cancel()
				if row, err := d.Submission(context.WithoutCancel(ctx), s.ID); err == nil && row.Erased {
					mu.Lock()
					delete(kept, s.ID)
					erased[s.ID] = true
					mu.Unlock()
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(uint64(*kills), 1))
	for range *kills {
		time.Sleep(time.Duration(20+random.IntN(200)) * time.Millisecond)
		server.Kill()
		time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
		server.Run(t)
	}
	time.Sleep(100 * time.Millisecond)
	stop()
	workers.Wait()
	found, err := d.CheckObjects(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	t.Logf("%d uploads kept, %d erased, %d refused, %d objects swept", len(kept), len(erased), failed.Load(), found.Removed)
	require.NotEmpty(t, kept)
	require.NotEmpty(t, erased)
	require.Zero(t, found.Missing)
	for id, body := range kept {
		x, err := d.Sealed(t.Context(), id, true)
		require.NoError(t, err)
		require.Equal(t, body, string(x.Body))
	}
	for id := range erased {
		_, err := d.Sealed(t.Context(), id, true)
		require.ErrorIs(t, err, records.ErrNotFound)
	}
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
	// A server may still write the object of a request that its client has given up: the next sweep finds it.
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		again, err := d.CheckObjects(context.WithoutCancel(ctx), time.Now().Add(time.Hour))
		assert.NoError(t, err)
		assert.Equal(t, records.Objects{Place: server.Address, Kept: found.Kept}, again, "objects and rows are the same set")
	}, time.Minute, 100*time.Millisecond)
}
