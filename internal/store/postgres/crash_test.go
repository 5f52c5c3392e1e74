package postgres_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

var crashes = flag.Int("crashes", long.Number(2, 4), "how often the server is crashed")

// A done is a write that was acknowledged.
type done struct {
	what string
	n    int
}

// A shift is some writers who go on over a crash: each until one of them met an error and it
// then wrote again.
type shift struct {
	d     *sqldb.DB
	first chan struct{} // closed after the first acknowledgement
	once  sync.Once
	mu    sync.Mutex
	acks  []done
}

func (s *shift) note(what string, n int, err error) bool {
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acks = append(s.acks, done{what, n})
	s.once.Do(func() { close(s.first) })
	return true
}

// write submits n, issues its copy n, and erases every third; it returns the first error.
// What was committed though its commit failed is not acknowledged.
func (s *shift) write(t *testing.T, n int) error {
	u := large(n)
	u.Sealed.Body = u.Sealed.Body[:20_000]
	_, err := s.d.AddSubmissions(t.Context(), []records.Upload{u})
	if !s.note("submit", n, err) {
		return err
	}
	err = s.d.AddCopy(t.Context(), &books.Copy{ID: watermark.CopyID(n), Submission: u.ID, Recipient: "vendor A", KeyID: "v1-key", Format: "png", Issued: t0},
		records.KeyEntry{ID: "v1-key", Added: t0})
	if !s.note("issue", n, err) {
		return err
	}
	if n%3 > 0 {
		return nil
	}
	err = s.d.Erase(t.Context(), records.Erasure{Submissions: []watermark.Submission{u.ID}, Entered: t0})
	s.note("erase", n, err)
	return err
}

// run writes from several goroutines until each has written after one of them failed.
func (s *shift) run(t *testing.T, from int) {
	const writers = 3
	var wg sync.WaitGroup
	var failed atomic.Bool
	end := time.Now().Add(3 * time.Minute)
	for w := range writers {
		wg.Go(func() {
			for n := from + w; ; n += writers {
				after := failed.Load()
				err := s.write(t, n)
				switch {
				case err == nil && after:
					return
				case err != nil:
					failed.Store(true)
					time.Sleep(5 * time.Millisecond)
				}
				if !assert.True(t, time.Now().Before(end), "no crash, or no recovery: %v", err) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// Whichever of the server's processes is killed, and when: the server recovers, all that
// was acknowledged is there, the ledger verifies, and the same handle goes on.
func TestServerCrash(t *testing.T) {
	d := create(t, server.DSN(t))
	_, err := d.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: "vendor", Added: t0})
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(uint64(*crashes), 3))
	total := 0
	for crash := range *crashes {
		s := &shift{d: d, first: make(chan struct{})}
		victim := []string{"postmaster", "client backend", "checkpointer", "walwriter"}[crash%4]
		after := time.Duration(random.IntN(60_000)) * time.Microsecond
		var wg sync.WaitGroup
		wg.Go(func() {
			<-s.first
			time.Sleep(after)
			if victim == "postmaster" {
				server.Crash(t)
			} else {
				server.CrashOne(t, victim)
			}
		})
		s.run(t, crash*1_000_000)
		wg.Wait()
		server.Ready(t)
		survived(t, d, s.acks)
		total += len(s.acks)
	}
	t.Logf("%d crashes, %d acknowledged writes", *crashes, total)
}

// survived asks again where a session was lost.
func survived(t *testing.T, d *sqldb.DB, acks []done) {
	t.Helper()
	var err error
	for range 20 {
		if _, _, err = d.Check(t.Context()); err == nil || errors.Is(err, records.ErrTampered) {
			break
		}
	}
	require.NoError(t, err)
	for _, a := range acks {
		s, err := d.Submission(t.Context(), upload(a.n).ID)
		require.NoError(t, err, "submission %d was acknowledged", a.n)
		switch a.what {
		case "issue":
			_, err := d.Copy(t.Context(), watermark.CopyID(a.n))
			require.NoError(t, err, "copy %d was released", a.n)
		case "erase":
			require.NotZero(t, s.Erased, "the erasure of %d was acknowledged", a.n)
		}
	}
}
