package sqldb_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/watermark"
)

var operations = flag.Int("operations", long.Number(300, 2000), "how many operations two processes do on each store")

// writerEnv makes the test binary one of two processes that write: its number, how
// many operations, and the registry.
const writerEnv = "KYCMARK_TEST_WRITER"

// A tally is what a process was told that it entered.
type tally struct{ uploads, copies, others atomic.Int64 }

// writer is one process, with 16 writers in it.
func writer(task string) error {
	var process, n int
	var dsn string
	if _, err := fmt.Sscanf(task, "%d %d %s", &process, &n, &dsn); err != nil {
		return err
	}
	ctx := context.Background()
	d, err := open(ctx, dsn)
	if err != nil {
		return err
	}
	var next atomic.Int64
	var sum tally
	errs := make(chan error, 16)
	for range cap(errs) {
		go func() {
			for {
				i := int(next.Add(1))
				if i > n {
					errs <- nil
					return
				}
				if err := operate(ctx, d, process, i, &sum); err != nil {
					errs <- fmt.Errorf("operation %d: %w", i, err)
					return
				}
			}
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			return err
		}
	}
	fmt.Println(sum.uploads.Load(), sum.copies.Load(), sum.others.Load())
	return d.Close()
}

// operate submits what the other process submits too, issues copies and enters facts.
func operate(ctx context.Context, s records.Store, process, i int, sum *tally) error {
	switch {
	case i%10 < 7:
		added, err := s.AddSubmissions(ctx, []records.Upload{hashRow(int64(i))})
		if err == nil && added[0] {
			sum.uploads.Add(1)
		}
		return err
	case i%10 < 9:
		c, k := issued(watermark.CopyID(process)<<40|watermark.CopyID(i), hashRow(-1).ID, "vendor A")
		sum.copies.Add(1)
		return s.AddCopy(ctx, &c, k)
	default:
		sum.others.Add(1)
		_, err := s.AddInvestigation(ctx, investigation(i))
		return err
	}
}

func TestTwoProcessesWrite(t *testing.T) {
	for kind, dsn := range map[string]func() string{
		"file":     func() string { return filepath.Join(t.TempDir(), "r.db") },
		"postgres": func() string { return server.DSN(t) },
	} {
		t.Run(kind, func(t *testing.T) {
			dsn, create := dsn(), sqlite.Create
			if kind == "postgres" {
				create = postgres.Create
			}
			d := opened(create(t.Context(), dsn, info()))(t)
			_, err := d.AddRecipient(t.Context(), recipient("vendor A"))
			require.NoError(t, err)
			_, err = d.AddSubmissions(t.Context(), []records.Upload{hashRow(-1)})
			require.NoError(t, err)
			_, k := issued(1, [16]byte{}, "")
			_, err = d.AddMarkKey(t.Context(), k)
			require.NoError(t, err)

			began := time.Now()
			n := *operations / 2
			var got [2][3]int64
			var wg sync.WaitGroup
			for p := range got {
				wg.Go(func() {
					cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
					cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %s", writerEnv, p, n, dsn))
					cmd.Stderr = os.Stderr
					out, err := cmd.Output()
					assert.NoError(t, err)
					_, err = fmt.Sscan(string(out), &got[p][0], &got[p][1], &got[p][2])
					assert.NoError(t, err)
				})
			}
			wg.Wait()
			took := time.Since(began)
			size, _, err := d.Check(t.Context())
			require.NoError(t, err)
			uploads := got[0][0] + got[1][0]
			distinct := 0
			for i := 1; i <= n; i++ {
				if i%10 < 7 {
					distinct++
				}
			}
			require.EqualValues(t, distinct, uploads, "each upload was entered once, by one of the two")
			require.Equal(t, 4+uploads+got[0][1]+got[1][1]+got[0][2]+got[1][2], size)
			t.Logf("%d operations in %v, %.0f/s", 2*n, took.Round(time.Millisecond), float64(2*n)/took.Seconds())
		})
	}
}

// A process that goes on while a later version changes the schema writes nothing more.
func TestLaterSchemaMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		_, err := d.AddRecipient(t.Context(), recipient("vendor-a"))
		require.NoError(t, err)
		size, _, err := d.Head(t.Context())
		require.NoError(t, err)
		_, err = d.Raw().Exec("INSERT INTO schema_version (version) VALUES (9999)")
		require.NoError(t, err)
		s, x := submission(1)
		_, err = d.AddSubmissions(t.Context(), []records.Upload{{Submission: s, Sealed: &x}})
		require.ErrorIs(t, err, records.ErrSchema)
		require.ErrorContains(t, err, "schema 9999, made by another version of kycmark; this version has schema 1")
		_, err = d.AddInvestigation(t.Context(), investigation(1))
		require.ErrorIs(t, err, records.ErrSchema)
		now, _, err := d.Head(t.Context())
		require.NoError(t, err)
		require.Equal(t, size, now)
	})
}
