package jobs

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/kycmark/kycmark/internal/objects"
)

// A Func does a job. It must be idempotent. After an error that may pass (see [Passing]), the job is tried
// again; another error ends it.
type Func func(ctx context.Context, do []byte) (result any, err error)

// Passing reports whether an error may not come again: the database or another server is away, or ends this
// session.
func Passing(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		return slices.Contains(passing, server.Code[:2])
	}
	var network net.Error
	errors.As(err, &network)
	var connecting *pgconn.ConnectError // also: no host takes writes
	_, file := network.(syscall.Errno)  // errors of files, such as that of a full disk, have the methods of net.Error
	return network != nil && !file || errors.As(err, &connecting) || errors.Is(err, objects.ErrAway) || pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Away reports whether an error says that the database is away, not a bucket of originals.
func Away(err error) bool { return Passing(err) && !errors.Is(err, objects.ErrAway) }

// passing are classes of SQLSTATEs: connection, rollback, resources, operator, system.
var passing = []string{"08", "40", "53", "57", "58"}

// A Done says that a worker's attempt at a job is over.
type Done struct {
	ID   int64
	Kind string
	Took time.Duration
	Err  error // nil: the job is done
}

const (
	fetchCooldown = 5 * time.Millisecond // between requests for jobs: short jobs must not wait. Chosen
	fetchPoll     = time.Second          // jobs whose notice was lost
	watchInterval = time.Second          // between looks for the jobs of dead workers. Chosen
	maxBackoff    = time.Minute          // after an error; 25 attempts take 20 minutes. Chosen

	never = 10 * 365 * 24 * time.Hour
)

// backoff is River's rule for when a job is tried again.
type backoff struct{}

// NextRetry doubles the wait after each error, from one second on.
func (backoff) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(min(maxBackoff, time.Second<<min(len(job.Errors), 6)))
}

// Errors as rows show them. What went wrong is sealed.
var (
	errSealed = errors.New("the job does not open with this worker's sealing key")
	errHidden = errors.New("failed: why is sealed")
)

// Work does jobs of the kinds that it has functions for, atOnce at a time. It ends with ctx, after
// the jobs that it has begun. report is called after each attempt, from several goroutines.
func (q *Queue) Work(ctx context.Context, atOnce int, kinds map[string]Func, report func(Done)) error {
	name := rand.Int32()
	slots := make(chan struct{}, atOnce)
	stopping := ctx.Done()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[row]) error {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-stopping:
			return river.JobSnooze(0) // for another worker
		case <-ctx.Done():
			return ctx.Err()
		}
		begun := time.Now()
		err := q.work(ctx, job, kinds[job.Queue])
		report(Done{job.ID, job.Queue, time.Since(begun), err})
		switch {
		case err == nil, errors.Is(err, errSealed):
			return err
		case Passing(err):
			return errHidden
		}
		return river.JobCancel(errHidden)
	}))
	queues := make(map[string]river.QueueConfig)
	for kind := range kinds {
		queues[kind] = river.QueueConfig{MaxWorkers: atOnce}
	}
	client, err := river.NewClient(riverpgxv5.New(q.pool), &river.Config{
		ID: workerName(name), Schema: q.schema, Logger: quiet, Queues: queues, Workers: workers, RetryPolicy: backoff{},
		FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll, JobTimeout: -1, RescueStuckJobsAfter: never, // [Queue.watch] knows who is dead
		CompletedJobRetentionPeriod: keptFor, CancelledJobRetentionPeriod: keptFor, DiscardedJobRetentionPeriod: keptFor,
	})
	if err != nil {
		return err
	}
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	watching := make(chan struct{})
	ready := make(chan error, 1)
	go func() {
		defer close(watching)
		q.watch(alive, name, ready)
	}()
	defer func() { stop(); <-watching }()
	if err := <-ready; err != nil {
		return err
	}
	if err := client.Start(alive); err != nil {
		return err
	}
	<-ctx.Done()
	return client.Stop(alive)
}

// workerName is a worker's name in the rows of the jobs that it takes.
func workerName(n int32) string { return fmt.Sprintf("worker-%d", n) }

// work does one job, and keeps what came of it with the job.
func (q *Queue) work(ctx context.Context, job *river.Job[row], do Func) error {
	text, err := q.key.OpenMessage(q.about("job", job.Queue), job.Args.Sealed)
	if err != nil {
		return fmt.Errorf("%w: %w", errSealed, err)
	}
	var o outcome
	result, err := safely(ctx, do, text)
	if err == nil {
		o.Result, err = json.Marshal(result)
	}
	if err == nil {
		err = q.keep(ctx, job.Queue, o)
	}
	if err != nil {
		return errors.Join(err, q.keep(ctx, job.Queue, outcome{Error: err.Error()}))
	}
	return nil
}

// safely calls do. River would write what a panic says into the job's row.
func safely(ctx context.Context, do Func, text []byte) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return do(ctx, text)
}

// keep seals what came of a job, and keeps it with the job: River does so for at most 32 MB.
func (q *Queue) keep(ctx context.Context, kind string, o outcome) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	sealed, err := q.key.SealMessage(q.about("outcome", kind), text)
	if err != nil {
		return err
	}
	return river.RecordOutput(ctx, json.RawMessage(sealed))
}

// watch holds a lock that says that this worker lives, and gives the jobs of dead workers back to the queue.
// The database ends the lock with the worker's connection. A worker that lives and lost its connection
// may so do a job beside another worker. The first result on ready says whether the lock is held.
func (q *Queue) watch(ctx context.Context, name int32, ready chan<- error) {
	var mine *pgx.Conn
	for {
		var err error
		if mine == nil {
			mine, err = q.live(ctx, name)
		}
		if err == nil {
			_, err = mine.Exec(ctx, q.abandoned())
		}
		if err != nil && mine != nil {
			mine.Close(context.WithoutCancel(ctx))
			mine = nil
		}
		select {
		case ready <- err:
		default:
		}
		select {
		case <-time.After(watchInterval):
		case <-ctx.Done():
			if mine != nil {
				mine.Close(context.WithoutCancel(ctx))
			}
			return
		}
	}
}

// live opens the connection that holds the lock of this worker.
func (q *Queue) live(ctx context.Context, name int32) (*pgx.Conn, error) {
	c, err := pgx.ConnectConfig(ctx, q.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	// A machine that is lost is noticed after half a minute; without this the server's system asks after two hours.
	if _, err := c.Exec(ctx, "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 4"); err != nil {
		c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	if _, err := c.Exec(ctx, "SELECT pg_advisory_lock('"+q.table+"'::regclass::oid::int8::int4, $1)", name); err != nil {
		c.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return c, nil
}

// abandoned is the statement that makes the running jobs of dead workers available again, or ends them
// after maxAttempts.
func (q *Queue) abandoned() string {
	const over = "attempt >= max_attempts"
	return `UPDATE ` + q.table + ` SET
		state = (CASE WHEN ` + over + ` THEN 'discarded' ELSE 'available' END)::` + pgx.Identifier{q.schema, "river_job_state"}.Sanitize() + `,
		finalized_at = CASE WHEN ` + over + ` THEN now() END
		WHERE state = 'running' AND NOT ` + q.attended()
}

// attended is the condition that the worker of a running job lives.
func (q *Queue) attended() string {
	return `EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
		AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
		AND classid = '` + q.table + `'::regclass::oid AND 'worker-' || objid::int8::int4 = attempted_by[array_upper(attempted_by, 1)])`
}
