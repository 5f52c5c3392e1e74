package sqldb_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
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
)

// eraserEnv makes the test binary erase every eighth of the first uploads: "FROM TO DSN".
const eraserEnv = "KYCMARK_TEST_ERASER"

// erasers is how many processes erase at a time.
const erasers = 8

// eraser erases uploads one by one, and says so after each. An upload that it erased before it was killed is passed over.
func eraser(task string) error {
	var from, to int
	var dsn string
	if _, err := fmt.Sscan(task, &from, &to, &dsn); err != nil {
		return err
	}
	ctx := context.Background()
	d, err := open(ctx, dsn)
	if err != nil {
		return err
	}
	for n := from; n < to; n += erasers {
		if err := d.Erase(ctx, erasure(fmt.Sprint("letter", n), n)); err != nil && !errors.Is(err, records.ErrErased) {
			return fmt.Errorf("erasure %d: %w", n, err)
		}
		fmt.Println("erase", n)
	}
	return d.Close()
}

// gone is a context that ends when it is asked for the n-th time whether it has.
type gone struct {
	context.Context
	mu   sync.Mutex
	n    int
	done chan struct{}
}

func (g *gone) Done() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 {
		close(g.done)
	}
	return g.done
}

func (g *gone) Err() error {
	select {
	case <-g.done:
		return context.Canceled
	default:
		return nil
	}
}

// A caller gives up while erasures are read. The next call reads all of them, and finds nothing altered.
func TestErasuresReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	d := opened(sqlite.Create(t.Context(), path, info()))(t)
	for n := range 3 {
		s, x := submission(n)
		_, err := add(t.Context(), d, s, x)
		require.NoError(t, err)
		require.NoError(t, d.Erase(t.Context(), erasure("letter", n)))
	}
	for n := 1; ; n++ {
		x, err := sqlite.Open(t.Context(), path)
		require.NoError(t, err)
		_, first := x.ErasedAfter(&gone{Context: t.Context(), n: n, done: make(chan struct{})}, 0)
		all, err := x.ErasedAfter(t.Context(), 0)
		require.NoError(t, err, "after %v", first)
		require.Len(t, all, 3)
		require.NoError(t, x.Close())
		if first == nil {
			break
		}
	}
}

// A client goes away after the commit of its erasure: what the erasure leaves is removed.
func TestErasureWithoutItsClient(t *testing.T) {
	d := opened(sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "r.db"), info()))(t)
	s, x := submission(0)
	_, err := add(t.Context(), d, s, x)
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	d.SetCommit(func(tx *sql.Tx) error { defer leave(); return tx.Commit() })
	scrubbed := false
	d.SetScrub(func(ctx context.Context, _ *sql.DB) error { scrubbed = true; return ctx.Err() })
	require.NoError(t, d.Erase(ctx, erasure("letter", 0)))
	require.True(t, scrubbed)
}

// Processes erase at the same time, and some are killed: no erasure says that the registry was altered, and no object is left.
func TestErasuresBesideEachOther(t *testing.T) {
	for kind, create := range map[string]func(context.Context, string, records.Info) (*sqldb.DB, error){
		"file": func(ctx context.Context, dsn string, i records.Info) (*sqldb.DB, error) {
			return sqlite.Create(ctx, dsn, i)
		},
		"postgres": func(ctx context.Context, dsn string, i records.Info) (*sqldb.DB, error) {
			return postgres.Create(ctx, dsn, i)
		},
	} {
		t.Run(kind, func(t *testing.T) {
			uploads, kills := long.Number(48, 1000), int64(long.Number(2, 20))
			i, dsn := info(), filepath.Join(t.TempDir(), "r.db")
			if i.Originals = t.TempDir(); kind == "postgres" {
				dsn = server.DSN(t)
			}
			d := opened(create(t.Context(), dsn, i))(t)
			for n := range uploads {
				s, x := submission(n)
				_, err := add(t.Context(), d, s, x)
				require.NoError(t, err)
			}
			require.Len(t, files(t, i.Originals), uploads)
			var tried, killed atomic.Int64
			var all sync.WaitGroup
			for from := range erasers {
				all.Go(func() {
					random := rand.New(rand.NewPCG(uint64(from), 2))
					for killedEraser(t, fmt.Sprint(from, " ", uploads, " ", dsn), func() int {
						if tried.Add(1) > kills {
							return -1
						}
						return random.IntN(uploads / erasers * 2 / 3)
					}()) {
						killed.Add(1)
					}
				})
			}
			all.Wait()
			for n := range uploads {
				sub, _ := submission(n)
				s, err := d.Submission(t.Context(), sub.ID)
				require.NoError(t, err)
				require.NotZero(t, s.Erased)
			}
			found, err := d.CheckObjects(t.Context(), time.Time{})
			require.NoError(t, err)
			require.Equal(t, records.Objects{Place: i.Originals}, found)
			require.Empty(t, files(t, i.Originals))
			_, _, err = d.Check(t.Context())
			require.NoError(t, err)
			t.Logf("%d erasures, %d at a time, %d kills", uploads, erasers, killed.Load())
		})
	}
}

// killedEraser runs an eraser, and kills it after so many of its erasures; below 0: never. It reports whether it was killed.
func killedEraser(t *testing.T, task string, after int) bool {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), eraserEnv+"="+task)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if !assert.NoError(t, err) || !assert.NoError(t, cmd.Start()) {
		return false
	}
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); n++ {
		if n == after {
			time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, func() { cmd.Process.Kill() })
		}
	}
	err = cmd.Wait()
	assert.Empty(t, errs.String())
	if cmd.ProcessState.Exited() {
		assert.NoError(t, err)
	}
	return !cmd.ProcessState.Exited()
}
