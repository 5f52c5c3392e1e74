package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

var crashes = flag.Int("crashes", 40, "how many losses of power are simulated in each test")

// An ack is a write that was acknowledged when so much was done on the disk.
type ack struct {
	what string
	n    int
	when int
}

// A clerk submits, issues and erases, and keeps what was acknowledged.
type clerk struct {
	disk  *disk
	d     *sqldb.DB
	other *sql.DB // of another program
	acks  []ack
	sizes map[int64]bool // of the ledger, after commits
}

func hire(t *testing.T, seed uint64) *clerk {
	k := &clerk{disk: newDisk(t, seed), sizes: make(map[int64]bool)}
	path := filepath.Join(k.disk.dir, "r.db")
	var err error
	k.d, err = sqlite.Create(t.Context(), path, info())
	require.NoError(t, err)
	_, err = k.d.AddRecipient(t.Context(), books.Recipient{Name: "vendor A", Kind: "vendor", Added: t0})
	require.NoError(t, err)
	k.other, _, err = sqlite.Connect(path)
	require.NoError(t, err)
	t.Cleanup(func() { k.other.Close(); k.d.Close() })
	k.note(t, "made", 0, nil)
	return k
}

func (k *clerk) note(t *testing.T, what string, n int, err error) bool {
	if err != nil {
		require.ErrorContains(t, err, "disk I/O error")
		return false
	}
	size, _, err := k.d.Head(t.Context())
	require.NoError(t, err)
	k.sizes[size] = true
	k.acks = append(k.acks, ack{what, n, k.disk.now()})
	return true
}

// person is a text that upload n has in its sealed body.
func person(n int) string { return fmt.Sprintf("person %d of the crash test;", n) }

// work goes on until n uploads are through. Whatever fails is done again.
func (k *clerk) work(t *testing.T, uploads int) {
	ctx := t.Context()
	until := func(what string, n int, do func(ctx context.Context) error, there error) {
		for try := 0; ; try++ {
			require.Less(t, try, 20, "it never goes on")
			err := do(ctx)
			if try > 0 && errors.Is(err, there) { // it was committed, though it said that it failed
				err, what = nil, strings.TrimSuffix(what, " wholly")
			}
			if k.note(t, what, n, err) {
				return
			}
		}
	}
	for n := range uploads {
		s, x := submission(n)
		x.Body = bytes.Repeat([]byte(person(n)), 700)
		until("submit", n, func(ctx context.Context) error {
			_, err := k.d.AddSubmissions(ctx, []records.Upload{{Submission: s, Sealed: &x}})
			return err
		}, records.ErrConflict)
		until("issue", n, func(ctx context.Context) error {
			return k.d.AddCopy(ctx, &books.Copy{ID: watermark.CopyID(n), Submission: s.ID, Recipient: "vendor A", KeyID: "v1-key", Format: "png", Issued: t0},
				records.KeyEntry{ID: "v1-key", Added: t0})
		}, records.ErrConflict)
		if n%7 == 3 { // another program moves the log into the file
			var busy, log, moved int
			_ = k.other.QueryRowContext(ctx, "PRAGMA wal_checkpoint").Scan(&busy, &log, &moved)
		}
		if n%9 == 5 {
			gone, _ := submission(n - 2)
			until("erase wholly", n-2, func(ctx context.Context) error {
				return k.d.Erase(ctx, records.Erasure{Submissions: []watermark.Submission{gone.ID}, Entered: t0})
			}, records.ErrErased)
		}
	}
}

// survived opens what a loss of power left and finds all that was acknowledged before.
func (k *clerk) survived(t *testing.T, files map[string][]byte, when int) {
	t.Helper()
	dir := write(t, files)
	d, err := sqlite.Open(t.Context(), filepath.Join(dir, "r.db"))
	require.NoError(t, err)
	defer d.Close()
	_, _, err = d.Check(t.Context())
	require.NoError(t, err)
	for _, a := range k.acks {
		if a.when > when || a.what == "made" {
			continue
		}
		sub, _ := submission(a.n)
		s, err := d.Submission(t.Context(), sub.ID)
		require.NoError(t, err, "submission %d", a.n)
		switch a.what {
		case "issue":
			_, err := d.Copy(t.Context(), watermark.CopyID(a.n))
			require.NoError(t, err, "copy %d was released", a.n)
		case "erase":
			require.NotZero(t, s.Erased, "the erasure of %d was acknowledged", a.n)
		case "erase wholly":
			require.NotZero(t, s.Erased, "the erasure of %d was acknowledged", a.n)
			for path, data := range files {
				require.False(t, bytes.Contains(data, []byte(person(a.n))), "%d stands in %s", a.n, filepath.Base(path))
			}
		}
	}
}

// moments are those after which power is lost: more of them around acknowledgements.
func (k *clerk) moments(random *rand.Rand, n int) []int {
	first := k.acks[0].when
	out := make([]int, n)
	for i := range out {
		out[i] = first + random.IntN(k.disk.now()-first+1)
		if i%2 == 0 {
			out[i] = k.acks[random.IntN(len(k.acks))].when
		}
	}
	return out
}

// Whatever of the writes that no fsync covers is lost, torn or out of order when power
// is lost: all that was acknowledged is there, the ledger verifies, and of whom an
// erasure was acknowledged nothing is left.
func TestPowerLoss(t *testing.T) {
	k := hire(t, 1)
	k.work(t, 40)
	random := rand.New(rand.NewPCG(2, uint64(*crashes)))
	for _, when := range k.moments(random, *crashes) {
		k.survived(t, k.disk.after(when, random), when)
	}
	t.Logf("%d losses of power over %d writes, %d acknowledgements", *crashes, k.disk.now(), len(k.acks))
}

// An fsync that fails, and loses for good what it was to write, costs an error: what is
// acknowledged before and after, by the same handle, is there after a loss of power.
func TestFailedSync(t *testing.T) {
	for of, likely := range map[string]float64{"r.db": 0.7, "r.db-wal": 0.3, "any": 0.3} {
		t.Run(of, func(t *testing.T) {
			k := hire(t, 3)
			rolls := rand.New(rand.NewPCG(4, 4))
			k.disk.mu.Lock()
			k.disk.failSync = func(path string) bool {
				return (of == "any" || filepath.Base(path) == of) && rolls.Float64() < likely
			}
			k.disk.mu.Unlock()
			k.work(t, 30)
			require.Greater(t, k.disk.failed, 2)
			random := rand.New(rand.NewPCG(5, uint64(*crashes)))
			for _, when := range k.moments(random, *crashes/2) {
				k.survived(t, k.disk.after(when, random), when)
			}
			t.Logf("%d losses of power, %d failed fsyncs, %d acknowledgements", *crashes/2, k.disk.failed, len(k.acks))
		})
	}
}

// A disk that acknowledges what it forgets takes acknowledged rows with it, which no
// program can prevent. What is left is the state after some earlier commit, so that a
// checkpoint that was kept elsewhere finds it out.
func TestDiskThatForgets(t *testing.T) {
	k := hire(t, 6)
	k.work(t, 20)
	random := rand.New(rand.NewPCG(7, 7))
	for _, when := range k.moments(random, *crashes/4) {
		dir := write(t, k.disk.all(when))
		d, err := sqlite.Open(t.Context(), filepath.Join(dir, "r.db"))
		require.NoError(t, err)
		size, _, err := d.Check(t.Context())
		require.NoError(t, err)
		require.True(t, k.sizes[size], "the ledger had never %d entries", size)
		require.NoError(t, d.Close())
	}
}

// A file that loses its end while it is read costs an error, and the program lives.
func TestFileCutShort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d := fill(t, path)
	for n := 100; n < 120; n++ {
		s, x := submission(n)
		x.Body = make([]byte, 100_000)
		_, err := add(t.Context(), d, s, x)
		require.NoError(t, err)
	}
	gone, _ := submission(100)
	require.NoError(t, d.Erase(t.Context(), records.Erasure{Submissions: []watermark.Submission{gone.ID}, Entered: t0})) // all of it is in the file
	require.NoError(t, os.Truncate(path, 64<<10))
	for n := 100; n < 120; n++ {
		s, _ := submission(n)
		_, err := d.Sealed(t.Context(), s.ID, true)
		require.Error(t, err)
	}
	_, _, err := d.Check(t.Context())
	require.Error(t, err)
}
