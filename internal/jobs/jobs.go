// Package jobs is a queue of work beside a registry in PostgreSQL, by River. Its tables are in a schema of
// their own, NAME_queue beside the registry's schema NAME.
//
// What a job is to do, and what came of it, is sealed under the registry's sealing key. So a row of the
// queue shows its kind and its times alone, and only a holder of that key can have a job done. A job
// may be done twice, after the death of a worker or of its connection: what it does must be idempotent.
package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/kycmark/kycmark/verify/registry"
)

// ErrFailed is wrapped when a job failed for good. The text says why, as its worker saw it.
var ErrFailed = errors.New("the job failed")

const (
	maxAttempts  = 25             // of a job: its workers died, or met an error that may pass
	keptFor      = 24 * time.Hour // results of a job are kept, for the command that waits. Chosen
	connections  = 8              // of a process, beside those to the registry
	insertAtOnce = 100            // jobs; the first are done while later ones are made. Chosen
	window       = 64             // jobs that are asked for at a time. Chosen

	// An awaiting process asks for results after minPoll, and rests up to maxPoll if no job is over. Chosen.
	minPoll, maxPoll = 20 * time.Millisecond, 500 * time.Millisecond

	patience  = time.Minute      // with a database that does not answer. Chosen
	idleAfter = 10 * time.Second // without a worker that does a job: worth a warning. Chosen
)

// A Queue is the queue of a registry, for one process. It is safe for concurrent use.
type Queue struct {
	pool   *pgxpool.Pool
	schema string
	table  string // of jobs, for SQL
	of     string // the registry's ID
	key    *registry.SealKey
}

// Open opens the queue of a registry, whose address is dsn and whose ID is of. It makes the tables if they
// are missing. key seals the jobs.
func Open(ctx context.Context, dsn, of string, key *registry.SealKey) (*Queue, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("queue: the address of the PostgreSQL server is malformed") // it may hold a password
	}
	cfg.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	q := &Queue{pool: pool, of: of, key: key}
	if err := q.prepare(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("queue: %w", err)
	}
	return q, nil
}

// Close closes the connections.
func (q *Queue) Close() { q.pool.Close() }

// prepare makes the queue's schema and tables, or brings them up to date, if they are not. A role that
// may only use them needs no other right.
func (q *Queue) prepare(ctx context.Context) error {
	if err := q.pool.QueryRow(ctx, "SELECT current_schema() || '_queue'").Scan(&q.schema); err != nil {
		return err
	}
	q.table = pgx.Identifier{q.schema, "river_job"}.Sanitize()
	m, err := rivermigrate.New(riverpgxv5.New(q.pool), &rivermigrate.Config{Schema: q.schema, Logger: quiet})
	if err != nil {
		return err
	}
	if v, err := m.Validate(ctx, nil); err != nil || v.OK {
		return err
	}
	one, err := q.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer one.Release()
	if _, err := one.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", q.schema); err != nil { // one process at a time
		return err
	}
	defer one.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(hashtextextended($1, 0))", q.schema)
	if _, err := one.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{q.schema}.Sanitize()); err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// quiet keeps River from writing: errors of the database come back with the next request.
var quiet = slog.New(slog.DiscardHandler)

// row is a job as the database keeps it.
type row struct {
	Once   string          `json:"once,omitempty" river:"unique"` // digest: see [Job]
	Sealed json.RawMessage `json:"sealed"`
}

// Kind is River's: all jobs are of one. The name of a queue is what [Job.Kind] says.
func (row) Kind() string { return "kycmark" }

// outcome is what came of a job, before it is sealed.
type outcome struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// about names what is sealed: a job of a kind, or its outcome. No message passes for another.
func (q *Queue) about(what, kind string) string { return what + " " + kind + " " + q.of }

// A Job is work to be done.
type Job struct {
	Kind string // a worker has a function for each kind that it takes
	Do   any    // as JSON, for that function
	// Once, if it is not empty, tells jobs apart: a job with the Once of another job of that kind, which is not
	// done yet, is that job.
	Once string
}

// Run adds jobs and waits for them. It calls done with the result of each, in their order. An error of a
// job that failed for good wraps [ErrFailed]. The first error of jobs, of done or of the database ends it.
// Run then takes back its jobs that were not done. stalled may be nil. It is called with what Run waits
// for: a worker, the database, or what a job failed for that is tried again.
func (q *Queue) Run(ctx context.Context, jobs iter.Seq2[Job, error], done func(job Job, result json.RawMessage, err error) error, stalled func(why error)) (err error) {
	client, err := river.NewClient(riverpgxv5.New(q.pool), &river.Config{Schema: q.schema, Logger: quiet})
	if err != nil {
		return err
	}
	var mine []added
	defer func() {
		if err != nil {
			q.takeBack(context.WithoutCancel(ctx), client, mine)
		}
	}()
	for job, err := range jobs {
		if err != nil {
			return err
		}
		mine = append(mine, added{Job: job})
		if len(mine)%insertAtOnce == 0 {
			if err := q.add(ctx, client, mine[len(mine)-insertAtOnce:]); err != nil {
				return err
			}
		}
	}
	if err := q.add(ctx, client, mine[len(mine)-len(mine)%insertAtOnce:]); err != nil {
		return err
	}
	return q.await(ctx, client, &mine, done, once(stalled))
}

// await calls done with the results of jobs, and removes these from the list: see [Queue.Run].
func (q *Queue) await(ctx context.Context, client *river.Client[pgx.Tx], mine *[]added, done func(Job, json.RawMessage, error) error, stalled func(why error)) error {
	rest, attended, answered := minPoll, time.Now(), time.Now()
	for len(*mine) > 0 {
		n, why, err := q.finished(ctx, client, (*mine)[:min(window, len(*mine))], done)
		if *mine = (*mine)[n:]; err == nil && n == 0 && why == nil && time.Since(attended) > idleAfter {
			attended = time.Now()
			why, err = q.unattended(ctx, (*mine)[0].Kind)
		}
		switch {
		case err == nil:
			answered = time.Now()
		case ctx.Err() == nil && Passing(err) && time.Since(answered) < patience:
			why = fmt.Errorf("the database is away: %w", err)
		default:
			return err
		}
		if why != nil {
			stalled(why)
		}
		if n > 0 {
			rest, attended = minPoll, time.Now()
			continue
		}
		select {
		case <-time.After(rest):
			rest = min(maxPoll, rest*3/2)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// once returns a function that calls stalled, but not with the text of the last call, and not within
// idleAfter of it.
func once(stalled func(why error)) func(why error) {
	last, at := "", time.Time{}
	return func(why error) {
		if text := why.Error(); stalled != nil && text != last && time.Since(at) > idleAfter {
			last, at = text, time.Now()
			stalled(why)
		}
	}
}

// added is a job in the queue.
type added struct {
	Job
	id     int64 // 0: not there yet
	others bool  // another process added it
}

// add puts jobs into the queue and sets their id. If ctx ends meanwhile, there is time to learn them: a job without is
// not taken back.
func (q *Queue) add(ctx context.Context, client *river.Client[pgx.Tx], jobs []added) error {
	params := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		text, err := json.Marshal(job.Do)
		if err != nil {
			return err
		}
		var r row
		if r.Sealed, err = q.key.SealMessage(q.about("job", job.Kind), text); err != nil {
			return err
		}
		opts := &river.InsertOpts{Queue: job.Kind, MaxAttempts: maxAttempts}
		if job.Once != "" {
			sum := sha256.Sum256([]byte(q.of + job.Once))
			r.Once = hex.EncodeToString(sum[:])
			opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByQueue: true, ByState: []rivertype.JobState{rivertype.JobStateAvailable,
				rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled}}
		}
		params[i] = river.InsertManyParams{Args: r, InsertOpts: opts}
	}
	if len(params) == 0 {
		return nil
	}
	adding, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(takeBackTime, cancel) })()
	results, err := client.InsertMany(adding, params)
	for i, r := range results {
		jobs[i].id, jobs[i].others = r.Job.ID, r.UniqueSkippedAsDuplicate
	}
	return err
}

// finished calls done for the jobs at the beginning of the list that are over, and returns their number.
// why is the error of the next job, if an attempt failed and another is to come. A job that another process added and took
// back is added again.
func (q *Queue) finished(ctx context.Context, client *river.Client[pgx.Tx], jobs []added, done func(Job, json.RawMessage, error) error) (n int, why, err error) {
	ids := make([]int64, len(jobs))
	for i := range jobs {
		ids[i] = jobs[i].id
	}
	type state struct {
		ID       int64
		Over     bool
		Complete bool
		Running  bool
		Taken    bool // back: see [Queue.takeBack]
		Output   []byte
	}
	rows, err := q.pool.Query(ctx, "SELECT id, finalized_at IS NOT NULL, state = 'completed', state = 'running', metadata ? 'cancel_attempted_at', metadata->'output' FROM "+q.table+" WHERE id = ANY($1)", ids)
	if err != nil {
		return 0, nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[state])
	if err != nil {
		return 0, nil, err
	}
	states := make(map[int64]state)
	for _, s := range all {
		states[s.ID] = s
	}
	for i, job := range jobs {
		s, there := states[job.id]
		if job.others && !s.Complete && (!there || s.Over && s.Taken) {
			return n, nil, q.add(ctx, client, jobs[i:i+1])
		}
		if there && !s.Over {
			if len(s.Output) > 0 && !s.Running {
				_, why = q.outcome(job.Kind, s.Output, false)
				why = fmt.Errorf("a job is tried again: %w", why)
			}
			return n, why, nil
		}
		result, failed := q.outcome(job.Kind, s.Output, s.Complete)
		if err := done(job.Job, result, failed); err != nil {
			return n, nil, err
		}
		n++
	}
	return n, nil, nil
}

// unattended returns the reason if no worker does a job of a kind.
func (q *Queue) unattended(ctx context.Context, kind string) (why, err error) {
	var busy bool
	err = q.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+q.table+" WHERE state = 'running' AND queue = $1 AND "+q.attended()+")", kind).Scan(&busy)
	if err != nil || busy {
		return nil, err
	}
	return fmt.Errorf("no worker does a job of kind %s: is \"kycmark work\" running in a home with the keys?", kind), nil
}

// outcome opens what a worker left of a job. complete says that the job was done.
func (q *Queue) outcome(kind string, output []byte, complete bool) (json.RawMessage, error) {
	if len(output) == 0 {
		return nil, fmt.Errorf("%w: in %d attempts its workers died or had another sealing key, or it was taken out of the queue", ErrFailed, maxAttempts)
	}
	text, err := q.key.OpenMessage(q.about("outcome", kind), output)
	if err != nil {
		return nil, err
	}
	var o outcome
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	if !complete || o.Error != "" {
		return nil, fmt.Errorf("%w: %s", ErrFailed, o.Error)
	}
	return o.Result, nil
}

// takeBackTime is how long [Queue.Run] may take to take its jobs back. Chosen.
const takeBackTime = 10 * time.Second

// takeBack removes the jobs that no worker has taken, and cancels the others. Jobs of other processes stay.
// Errors are ignored: what is left is done.
func (q *Queue) takeBack(ctx context.Context, client *river.Client[pgx.Tx], jobs []added) {
	ctx, cancel := context.WithTimeout(ctx, takeBackTime)
	defer cancel()
	var ids []int64
	for _, job := range jobs {
		if job.id != 0 && !job.others {
			ids = append(ids, job.id)
		}
	}
	q.pool.Exec(ctx, "DELETE FROM "+q.table+" WHERE id = ANY($1) AND state IN ('available', 'retryable', 'scheduled')", ids)
	rows, err := q.pool.Query(ctx, "SELECT id FROM "+q.table+" WHERE id = ANY($1) AND state = 'running'", ids)
	if err != nil {
		return
	}
	running, _ := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range running {
		client.JobCancel(ctx, id)
	}
}
