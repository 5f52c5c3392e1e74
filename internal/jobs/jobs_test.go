package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/jobs"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/pgtest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
)

var server pgtest.Server

// TestMain collects garbage less often than programs do: that takes less processor time.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "10"); err != nil { // they wait, and leave processors idle
		panic(err)
	}
	jobs.Lease, jobs.Word = 10*time.Second, 4*time.Second // a machine that runs other tests keeps processes waiting for seconds
	debug.SetGCPercent(400)
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// open returns the queue of a new registry, and its address.
func open(t *testing.T, key *registry.SealKey) (*jobs.Queue, string) {
	t.Helper()
	dsn := server.DSN(t)
	r, err := registry.Create(t.Context(), postgres.At(dsn), nil)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return again(t, dsn, key), dsn
}

// An opener returns the queue of a new registry, and its address.
type opener = func(t *testing.T, key *registry.SealKey) (*jobs.Queue, string)

// both runs a test on a server and on a file.
func both(t *testing.T, test func(t *testing.T, open opener)) {
	t.Parallel()
	for name, open := range map[string]opener{"server": open, "file": openFile} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

// openFile returns a queue beside a registry that is not there, and the registry's path.
func openFile(t *testing.T, key *registry.SealKey) (*jobs.Queue, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "registry.db")
	return again(t, path, key), path
}

// again opens the queue of a registry.
func again(t *testing.T, dsn string, key *registry.SealKey) *jobs.Queue {
	t.Helper()
	open := jobs.OpenServer
	if filepath.IsAbs(dsn) {
		open = jobs.OpenFile
	}
	q, err := open(t.Context(), dsn, "registry", key)
	require.NoError(t, err)
	t.Cleanup(q.Close)
	return q
}

// work runs a worker until the end of the test, or until the result is called.
func work(t *testing.T, q *jobs.Queue, kinds map[string]jobs.Func) (end func()) {
	t.Helper()
	return workAt(t, q, 2, kinds)
}

// workAt is work of so many jobs at a time. report may be left out.
func workAt(t *testing.T, q *jobs.Queue, atOnce int, kinds map[string]jobs.Func, report ...func(jobs.Done)) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	report = append(report, func(jobs.Done) {})
	go func() { ended <- q.Work(ctx, atOnce, kinds, report[0]) }()
	end = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	t.Cleanup(end)
	return end
}

// list yields jobs.
func list(all ...jobs.Job) iter.Seq2[jobs.Job, error] {
	return func(yield func(jobs.Job, error) bool) {
		for _, job := range all {
			if !yield(job, nil) {
				return
			}
		}
	}
}

// run runs jobs and returns what came of each, in their order.
func run(t *testing.T, q *jobs.Queue, all ...jobs.Job) (out []string) {
	t.Helper()
	out, _ = await(t, q, all...)
	return out
}

// await is run, and returns what it waited for.
func await(t *testing.T, q *jobs.Queue, all ...jobs.Job) (out, stalls []string) {
	t.Helper()
	require.NoError(t, q.Run(t.Context(), list(all...), func(_ jobs.Job, result json.RawMessage, err error) error {
		if err != nil {
			out = append(out, err.Error())
		} else {
			out = append(out, string(result))
		}
		return nil
	}, func(why error) { stalls = append(stalls, why.Error()) }))
	return out, stalls
}

// rows returns all that the tables of the queue show.
func rows(t *testing.T, dsn, where string) (out []string) {
	t.Helper()
	if filepath.IsAbs(dsn) {
		return rowsOfFile(t, dsn, where)
	}
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	var schema string
	require.NoError(t, c.QueryRow(t.Context(), "SELECT current_schema() || '_queue'").Scan(&schema))
	r, err := c.Query(t.Context(), "SELECT x::text FROM "+schema+".river_job x WHERE "+where)
	require.NoError(t, err)
	out, err = pgx.CollectRows(r, pgx.RowTo[string])
	require.NoError(t, err)
	return out
}

// Results come in the order of the jobs. An error that does not pass is the result, and is tried once; rows
// show neither what was asked nor what came of it.
func TestResults(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		q, dsn := open(t, registry.GenerateSealKey())
		var tries atomic.Int32
		work(t, q, map[string]jobs.Func{"double": func(_ context.Context, do []byte) (any, error) {
			var n int
			if string(do) == `"panic"` {
				panic("subject-4713")
			}
			if err := json.Unmarshal(do, &n); err != nil {
				tries.Add(1)
				return nil, errors.New("customer-4711 is no number")
			}
			time.Sleep(time.Duration(10-n) * time.Millisecond)
			return 2 * n, nil
		}})
		var all []jobs.Job
		var want []string
		for n := range 10 {
			all, want = append(all, jobs.Job{Kind: "double", Do: n}), append(want, fmt.Sprint(2*n))
		}
		all, want = append(all, jobs.Job{Kind: "double", Do: "subject-4712"}), append(want, "the job failed: customer-4711 is no number")
		require.Equal(t, want, run(t, q, all...))
		require.EqualValues(t, 1, tries.Load())
		require.Contains(t, run(t, q, jobs.Job{Kind: "double", Do: "panic"})[0], "panic: subject-4713")
		for _, row := range rows(t, dsn, "true") {
			require.NotRegexp(t, "customer|subject-|number", row)
		}
	})
}

// An error that may pass is tried again, and the command that waits learns of it.
func TestPassing(t *testing.T) {
	t.Parallel()
	for _, passing := range []error{&pgconn.PgError{Code: "57P01"}, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, objects.ErrAway} {
		q, _ := open(t, registry.GenerateSealKey())
		var tries atomic.Int32
		work(t, q, map[string]jobs.Func{"once": func(context.Context, []byte) (any, error) {
			if tries.Add(1) < 3 {
				return nil, fmt.Errorf("read object 4711: %w", passing)
			}
			return "done", nil
		}})
		out, stalls := await(t, q, jobs.Job{Kind: "once"})
		require.Equal(t, []string{`"done"`}, out)
		require.EqualValues(t, 3, tries.Load())
		require.Len(t, stalls, 1)
		require.Contains(t, stalls[0], "tried again: the job failed: read object 4711: "+passing.Error())
	}
}

// A command says that it waits for a worker: also when its job's worker died and no other is there.
func TestNoWorker(t *testing.T) {
	t.Parallel()
	q, dsn := open(t, registry.GenerateSealKey())
	quick := map[string]jobs.Func{"audit": func(context.Context, []byte) (any, error) { return "holds", nil }}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, stalls := await(t, q, jobs.Job{Kind: "audit"}, jobs.Job{Kind: "audit"})
		require.Equal(t, []string{"no worker does a job of kind audit: is \"kycmark work\" running in a home with the keys?"}, stalls)
	})
	require.Eventually(t, func() bool { return len(rows(t, dsn, "true")) == 2 }, time.Minute, 10*time.Millisecond)
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	var schema string
	require.NoError(t, c.QueryRow(t.Context(), "SELECT current_schema()").Scan(&schema))
	_, err = c.Exec(t.Context(), "UPDATE "+schema+"_queue.river_job SET state = 'running', attempt = 1, attempted_by = '{worker-4711}'") // as a dead worker leaves it
	require.NoError(t, err)
	time.Sleep(12 * time.Second)
	work(t, q, quick)
	wg.Wait()
}

// A command says who does a job that takes long, and since when, and nothing else. The lease, which is shorter, is renewed.
func TestLongJob(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		long, _ := open(t, registry.GenerateSealKey())
		var begun atomic.Int32
		work(t, long, map[string]jobs.Func{"submit": func(context.Context, []byte) (any, error) {
			begun.Add(1)
			time.Sleep(12 * time.Second)
			return "done", nil
		}})
		out, stalls := await(t, long, jobs.Job{Kind: "submit"})
		require.Equal(t, []string{`"done"`}, out)
		require.Len(t, stalls, 1)
		require.Regexp(t, fmt.Sprintf(`^job 1: submit: "worker-\d+, process %d on .*" has it since 20\d\d-`, os.Getpid()), stalls[0])
		require.EqualValues(t, 1, begun.Load())
	})
}

// The same job, asked for twice at the same time, is done for one command after the other, so that each has an answer of its own.
func TestOnce(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		q, dsn := open(t, registry.GenerateSealKey())
		var a, b, effects atomic.Int32
		var wg sync.WaitGroup
		results := make([][]string, 2)
		for i := range results {
			wg.Go(func() {
				results[i] = run(t, q, jobs.Job{Kind: "issue", Do: "a", Once: "copy for vendor-a"}, jobs.Job{Kind: "issue", Do: "b", Once: "copy for vendor-b"})
			})
		}
		require.Eventually(t, func() bool { return len(rows(t, dsn, "true")) == 2 }, time.Minute, 10*time.Millisecond)
		work(t, q, map[string]jobs.Func{"issue": func(_ context.Context, do []byte) (any, error) {
			at := &a
			if string(do) == `"b"` {
				at = &b
			}
			defer at.Add(-1)
			assert.EqualValues(t, 1, at.Add(1), "at the same time")
			effects.Add(1)
			time.Sleep(50 * time.Millisecond)
			return json.RawMessage(do), nil
		}})
		wg.Wait()
		require.EqualValues(t, 4, effects.Load())
		for _, r := range results {
			require.Equal(t, []string{`"a"`, `"b"`}, r)
		}
		require.Len(t, rows(t, dsn, "true"), 4)
		for _, row := range rows(t, dsn, "true") {
			require.NotContains(t, row, "vendor")
		}
	})
}

// A worker whose job is another's by now leaves the job's row alone while the other does it, whatever its own attempt comes to.
func TestLost(t *testing.T) {
	t.Parallel()
	key := registry.GenerateSealKey()
	q, dsn := open(t, key)
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	var table string
	require.NoError(t, c.QueryRow(t.Context(), "SELECT current_schema() || '_queue.river_job'").Scan(&table))
	type attempt struct {
		what string
		ends func(ctx context.Context) (any, error)
	}
	for _, first := range long.Cases(2, []attempt{
		{"an answer", func(context.Context) (any, error) { return "the first's", nil }},
		{"an error that may pass", func(context.Context) (any, error) { return nil, objects.ErrAway }},
		{"an error", func(context.Context) (any, error) { return nil, errors.New("the first's") }},
		{"a panic", func(context.Context) (any, error) { panic("the first's") }},
		{"the end of its context", func(ctx context.Context) (any, error) { <-ctx.Done(); return nil, context.Cause(ctx) }},
	}...) {
		what := first.what
		begun, wake := make(chan bool), make(chan bool)
		ctx, cancel := context.WithCancel(t.Context())
		lost := make(chan error, 1)
		ended := make(chan error, 1)
		go func() {
			ended <- q.Work(ctx, 1, map[string]jobs.Func{"erase": func(ctx context.Context, _ []byte) (any, error) {
				begun <- true
				<-wake
				return first.ends(ctx)
			}}, func(d jobs.Done) { lost <- d.Err })
		}()
		results := make(chan []string, 1)
		go func() { results <- run(t, q, jobs.Job{Kind: "erase"}) }()
		<-begun
		_, err := c.Exec(t.Context(), "UPDATE "+table+" SET state = 'available' WHERE state = 'running'") // as another does after the lease
		require.NoError(t, err)
		second, end := make(chan bool), again(t, dsn, key)
		stop := work(t, end, map[string]jobs.Func{"erase": func(context.Context, []byte) (any, error) {
			second <- true
			<-second
			return "the second's", nil
		}})
		release := sync.OnceFunc(func() { close(second) })
		t.Cleanup(release)
		<-second
		where := "state = 'running' AND attempt = 2 AND errors IS NULL AND metadata->'output' IS NULL"
		require.Len(t, rows(t, dsn, where), 1, what)
		close(wake)
		require.ErrorContains(t, <-lost, "the job is another worker's", what)
		time.Sleep(100 * time.Millisecond) // River writes what it is told after 50 ms
		require.Len(t, rows(t, dsn, where), 1, what)
		release()
		require.Equal(t, []string{`"the second's"`}, <-results, what)
		stop()
		cancel()
		require.NoError(t, <-ended)
	}
}

// A worker takes the kinds of jobs that it has functions for.
func TestKinds(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		q, dsn := open(t, registry.GenerateSealKey())
		end := work(t, q, map[string]jobs.Func{"submit": func(context.Context, []byte) (any, error) { return "submitted", nil }})
		issued := make(chan []string, 1)
		go func() { issued <- run(t, q, jobs.Job{Kind: "issue"}) }()
		require.Equal(t, []string{`"submitted"`}, run(t, q, jobs.Job{Kind: "submit"}))
		time.Sleep(1500 * time.Millisecond)
		require.Len(t, rows(t, dsn, "queue = 'issue' AND state = 'available' AND attempt = 0"), 1)
		end()
		work(t, q, map[string]jobs.Func{"issue": func(context.Context, []byte) (any, error) { return "issued", nil }})
		require.Equal(t, []string{`"issued"`}, <-issued)
	})
}

// Who may write to the table but has not the sealing key has no job done: neither one of his own, nor one of
// another kind with a row's bytes. A worker with another key does not use jobs up.
func TestForgedJobs(t *testing.T) {
	t.Parallel()
	key := registry.GenerateSealKey()
	q, dsn := open(t, key)
	forger := again(t, dsn, registry.GenerateSealKey())
	var effects atomic.Int32
	effect := func(context.Context, []byte) (any, error) { return effects.Add(1), nil }
	work(t, q, map[string]jobs.Func{"erase": effect, "audit": effect})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	require.ErrorIs(t, forger.Run(ctx, list(jobs.Job{Kind: "erase", Do: "all"}), nil, nil), context.DeadlineExceeded)
	require.Zero(t, effects.Load())

	require.Equal(t, []string{"1"}, run(t, q, jobs.Job{Kind: "audit"}))
	c, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer c.Close(context.Background())
	var schema string
	require.NoError(t, c.QueryRow(t.Context(), "SELECT current_schema() || '_queue'").Scan(&schema))
	_, err = c.Exec(t.Context(), "INSERT INTO "+schema+".river_job (kind, queue, args, max_attempts) SELECT kind, 'erase', args, 25 FROM "+schema+".river_job WHERE queue = 'audit'")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(rows(t, dsn, "queue = 'erase' AND errors IS NOT NULL")) > 0 }, time.Minute, 20*time.Millisecond)
	require.EqualValues(t, 1, effects.Load())
}

// A command that ends early takes back what was not done; jobs that another command waits for stay.
func TestTakenBack(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		q, dsn := open(t, registry.GenerateSealKey())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- q.Run(ctx, list(jobs.Job{Kind: "issue", Once: "a"}, jobs.Job{Kind: "issue", Once: "b"}), nil, nil)
		}()
		require.Eventually(t, func() bool { return len(rows(t, dsn, "true")) == 2 }, time.Minute, 10*time.Millisecond)
		second, stop := context.WithCancel(t.Context())
		other := make(chan error, 1)
		go func() {
			other <- q.Run(second, list(jobs.Job{Kind: "issue", Once: "b"}, jobs.Job{Kind: "issue", Once: "c"}), nil, nil)
		}()
		require.Eventually(t, func() bool { return len(rows(t, dsn, "true")) == 3 }, time.Minute, 10*time.Millisecond)
		stop()
		require.ErrorIs(t, <-other, context.Canceled)
		require.Len(t, rows(t, dsn, "true"), 2, "c is taken back, b is the first command's")
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.Empty(t, rows(t, dsn, "true"))
	})
}

// Jobs that another command added and takes back, begun or not, are done for the command that still waits for them. That is
// no failure of theirs.
func TestTakenBackByAnother(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		q, dsn := open(t, registry.GenerateSealKey())
		all := []jobs.Job{{Kind: "issue", Once: "a"}, {Kind: "issue", Once: "b"}, {Kind: "issue", Once: "c"}}
		first, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- q.Run(first, list(all...), nil, nil) }()
		require.Eventually(t, func() bool { return len(rows(t, dsn, "true")) == 3 }, time.Minute, 10*time.Millisecond)
		var begun atomic.Int32
		workAt(t, q, 2, map[string]jobs.Func{"issue": func(ctx context.Context, _ []byte) (any, error) {
			if begun.Add(1) <= 2 {
				<-ctx.Done()
				time.Sleep(300 * time.Millisecond) // what is cancelled still runs when it is asked for again
				return nil, ctx.Err()
			}
			return "done", nil
		}}, func(d jobs.Done) { assert.NoError(t, d.Err) })
		require.Eventually(t, func() bool { return begun.Load() == 2 }, time.Minute, 10*time.Millisecond)
		results := make(chan []string, 2)
		go func() { results <- run(t, q, all...) }()
		time.Sleep(300 * time.Millisecond) // it waits for the first command's jobs
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		go func() { results <- run(t, q, all...) }()
		for range 2 {
			require.Equal(t, []string{`"done"`, `"done"`, `"done"`}, <-results)
		}
	})
}

// The role that docs/grants.sql lets use the queue needs no other right. The others have none.
func TestRole(t *testing.T) {
	t.Parallel()
	key := registry.GenerateSealKey()
	_, dsn := open(t, key)
	logins := pgtest.Logins(t, dsn, "../../docs/grants.sql", "issue", "investigate", "intake")
	work(t, again(t, logins["investigate"], key), map[string]jobs.Func{"audit": func(context.Context, []byte) (any, error) { return "holds", nil }})
	require.Equal(t, []string{`"holds"`}, run(t, again(t, logins["investigate"], key), jobs.Job{Kind: "audit"}))
	for _, role := range []string{"intake", "issue"} {
		_, err := jobs.OpenServer(t.Context(), logins[role], "registry", key)
		require.ErrorContains(t, err, "permission denied", role)
	}
}

// A result that is too large for a row fails the job, and says so.
func TestLargeResult(t *testing.T) {
	both(t, func(t *testing.T, open opener) {
		q, _ := open(t, registry.GenerateSealKey())
		work(t, q, map[string]jobs.Func{"investigate": func(context.Context, []byte) (any, error) { return make([]byte, 30<<20), nil }})
		require.Contains(t, run(t, q, jobs.Job{Kind: "investigate"})[0], "output is too large")
	})
}
