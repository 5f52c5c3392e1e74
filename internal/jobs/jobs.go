// Package jobs is a queue of work beside a registry in PostgreSQL, by River. Its tables are in a schema of
// their own, NAME_queue beside the registry's schema NAME.
//
// What a job is to do, and what came of it, is sealed under the registry's sealing key. A row of the
// queue shows its kind, its times and its worker alone. Only a holder of that key can have a job done. A task
// opens only as the job with its number, and a result only as the answer to that task. A worker begins a task only while the command
// that asked for it says so. A job may be done twice, after the death of a worker or of its connection: what it does must be idempotent.
//
// A worker has a lease on each of its jobs, which it renews. After the lease, or the worker's death, the job is
// another's. The first worker then ends its attempt and leaves the job's row as it is.
package jobs

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
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

// Tests make these smaller before they open a queue.
var (
	// Lease is how long a job is its worker's without a renewal. Chosen: a shorter pause costs nothing.
	Lease = time.Minute
	// Word is how long a command's word counts that it asks for a job. An old task is not done again. Chosen: a command that is
	// stopped for a shorter time loses nothing.
	Word = 5 * time.Minute
)

// words is how often a command gives its word before the last word ends. Chosen.
const words = 5

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
	cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error { // a stopped process holds no row
		_, err := c.Exec(ctx, fmt.Sprintf("SET idle_in_transaction_session_timeout = %d", Lease.Milliseconds()))
		return err
	}
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

// task is what a job is to do, before it is sealed. Its digest tells it from every other task.
type task struct {
	Nonce []byte          `json:"nonce"` // 32 random bytes: who knows them can give a word
	Do    json.RawMessage `json:"do"`
}

// A word of a command says that it asks for a job, beside the task of the job.
type word struct {
	At  int64  `json:"at"`  // by the clock of the database; microseconds since 1970 UTC
	MAC []byte `json:"mac"` // HMAC-SHA256 under the nonce of the task
}

// wordOf gives a word for the job with this number.
func wordOf(nonce []byte, id, at int64) word {
	m := hmac.New(sha256.New, nonce)
	fmt.Fprintf(m, "job %d is asked for at %d", id, at)
	return word{at, m.Sum(nil)}
}

// micros is the present time of the database for a query.
const micros = "(extract(epoch FROM clock_timestamp()) * 1000000)::int8"

// outcome is what came of a job, before it is sealed.
type outcome struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// aboutTask names the task of a job, and aboutOutcome the outcome of a job whose task has that digest. No message passes for
// another.
func (q *Queue) aboutTask(id int64, kind string) string {
	return fmt.Sprintf("job %d %s %s", id, kind, q.of)
}

func (q *Queue) aboutOutcome(id int64, kind string, asked [32]byte) string {
	return fmt.Sprintf("outcome of %x %d %s %s", asked, id, kind, q.of)
}

// A Job is work to be done.
type Job struct {
	Kind string // a worker has a function for each kind that it takes
	Do   any    // as JSON, for that function
	// Once, if it is not empty, tells jobs apart: a job with the Once of another process's job of that kind waits until
	// that job is over. It is done then, so that each process has the answer to its own task.
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
	r := &run{client: client, nonces: make(map[int64][]byte)}
	var mine []added
	defer func() {
		if err != nil {
			q.takeBack(context.WithoutCancel(ctx), r, mine)
		}
	}()
	running, stop := context.WithCancel(ctx)
	var saying sync.WaitGroup
	saying.Go(func() { q.say(running, r) })
	defer saying.Wait()
	defer stop()
	for job, err := range jobs {
		if err != nil {
			return err
		}
		mine = append(mine, added{Job: job})
		if len(mine)%insertAtOnce == 0 {
			if err := q.add(ctx, r, mine[len(mine)-insertAtOnce:]); err != nil {
				return err
			}
		}
	}
	if err := q.add(ctx, r, mine[len(mine)-len(mine)%insertAtOnce:]); err != nil {
		return err
	}
	return q.await(ctx, r, &mine, done, once(stalled))
}

// await calls done with the results of jobs, and removes these from the list: see [Queue.Run].
func (q *Queue) await(ctx context.Context, r *run, mine *[]added, done func(Job, json.RawMessage, error) error, stalled func(why error)) error {
	rest, attended, answered := minPoll, time.Now(), time.Now()
	for len(*mine) > 0 {
		n, why, err := q.finished(ctx, r, (*mine)[:min(window, len(*mine))], done)
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

// once returns a function that calls stalled, but not with the text of the last call, and not within idleAfter of it.
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
	id     int64    // 0: not there yet
	others bool     // another process added it, and its result is not looked at
	asked  [32]byte // digest of the task
}

// A run is one call of [Queue.Run].
type run struct {
	client *river.Client[pgx.Tx]
	mu     sync.Mutex
	nonces map[int64][]byte // of the tasks of jobs that are not over
}

// add puts jobs into the queue and sets their id. If ctx ends meanwhile, there is time to learn them: a job without is
// not taken back.
func (q *Queue) add(ctx context.Context, r *run, jobs []added) error {
	params := make([]river.InsertManyParams, len(jobs))
	for i, x := range jobs {
		job, opts := row{Sealed: json.RawMessage("null")}, &river.InsertOpts{Queue: x.Kind, MaxAttempts: maxAttempts}
		if x.Once != "" {
			sum := sha256.Sum256([]byte(q.of + x.Once))
			job.Once = hex.EncodeToString(sum[:])
			opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByQueue: true, ByState: []rivertype.JobState{rivertype.JobStateAvailable,
				rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled}}
		}
		params[i] = river.InsertManyParams{Args: job, InsertOpts: opts}
	}
	if len(params) == 0 {
		return nil
	}
	adding, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(takeBackTime, cancel) })()
	return pgx.BeginFunc(adding, q.pool, func(tx pgx.Tx) error {
		results, err := r.client.InsertManyTx(adding, tx, params)
		if err != nil {
			return err
		}
		var now int64
		if err := tx.QueryRow(adding, "SELECT "+micros).Scan(&now); err != nil {
			return err
		}
		var tasks pgx.Batch
		for i, x := range results {
			job := &jobs[i]
			if job.id, job.others = x.Job.ID, x.UniqueSkippedAsDuplicate; job.others {
				continue
			}
			sealed, nonce, err := q.seal(job)
			if err != nil {
				return err
			}
			tasks.Queue("UPDATE "+q.table+" SET args = args || jsonb_build_object('sealed', $2::jsonb), metadata = jsonb_build_object('asked', $3::jsonb) WHERE id = $1",
				job.id, sealed, wordOf(nonce, job.id, now))
			r.mu.Lock()
			r.nonces[job.id] = nonce
			r.mu.Unlock()
		}
		return tx.SendBatch(adding, &tasks).Close()
	})
}

// say gives the word of a command for all its jobs, again and again until ctx ends.
func (q *Queue) say(ctx context.Context, r *run) {
	for {
		select {
		case <-time.After(Word / words):
		case <-ctx.Done():
			return
		}
		var now int64
		if q.pool.QueryRow(ctx, "SELECT "+micros).Scan(&now) != nil {
			continue // the database is away, which await says
		}
		var all pgx.Batch
		r.mu.Lock()
		for id, nonce := range r.nonces {
			all.Queue("UPDATE "+q.table+" SET metadata = metadata || jsonb_build_object('asked', $2::jsonb) WHERE id = $1 AND finalized_at IS NULL", id, wordOf(nonce, id, now))
		}
		r.mu.Unlock()
		q.pool.SendBatch(ctx, &all).Close()
	}
}

// seal returns the task of a job, sealed, and its nonce. It sets asked.
func (q *Queue) seal(job *added) (sealed, nonce []byte, err error) {
	do, err := json.Marshal(job.Do)
	if err != nil {
		return nil, nil, err
	}
	nonce = make([]byte, 32)
	rand.Read(nonce)
	text, err := json.Marshal(task{nonce, do})
	if err != nil {
		return nil, nil, err
	}
	job.asked = sha256.Sum256(text)
	sealed, err = q.key.SealMessage(q.aboutTask(job.id, job.Kind), text)
	return sealed, nonce, err
}

// open returns what a job is to do, and the digest of its task. said is the word of its command, as the row has it, and now
// the time of the database in microseconds since 1970 UTC. The error wraps errSealed, or errUnasked if the word is old or another job's.
func (q *Queue) open(id int64, kind string, sealed, said []byte, now int64) (do []byte, asked [32]byte, err error) {
	var t task
	text, err := q.key.OpenMessage(q.aboutTask(id, kind), sealed)
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return nil, asked, fmt.Errorf("%w: %w", errSealed, err)
	}
	var w word
	if json.Unmarshal(said, &w) != nil || !hmac.Equal(w.MAC, wordOf(t.Nonce, id, w.At).MAC) || now-w.At > Word.Microseconds() {
		err = errUnasked
	}
	return t.Do, sha256.Sum256(text), err
}

// finished calls done for the jobs at the beginning of the list that are over, and returns their number.
// why is what the next job waits for: its attempt failed and another is to come, or a worker, which the row names, has had it for
// half a lease or more. A job of another process that is over is added again, for this process.
func (q *Queue) finished(ctx context.Context, r *run, jobs []added, done func(Job, json.RawMessage, error) error) (n int, why, err error) {
	ids := make([]int64, len(jobs))
	for i := range jobs {
		ids[i] = jobs[i].id
	}
	type state struct {
		ID      int64
		Over    bool
		Running bool
		Leased  bool
		For     float64 // seconds since it was taken
		Since   time.Time
		By      string
		Output  []byte
	}
	rows, err := q.pool.Query(ctx, "SELECT id, finalized_at IS NOT NULL, state = 'running', "+isLeased()+`, coalesce(extract(epoch FROM now() - attempted_at)::float8, 0),
		coalesce(attempted_at, created_at), coalesce(attempted_by[array_upper(attempted_by, 1)], ''), metadata->'output' FROM `+q.table+" WHERE id = ANY($1)", ids)
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
	for i := range jobs {
		job := &jobs[i]
		s, there := states[job.id]
		over := !there || s.Over
		switch {
		case over && job.others:
			return n, nil, q.add(ctx, r, jobs[i:i+1])
		case over, !s.Running && len(s.Output) > 0 && !job.others:
			result, failed := q.outcome(job, s.Output)
			if !over && failed != nil {
				return n, fmt.Errorf("a job is tried again: %w", failed), nil
			}
			if err := done(job.Job, result, failed); err != nil {
				return n, nil, err
			}
			r.mu.Lock()
			delete(r.nonces, job.id)
			r.mu.Unlock()
			n++
		case s.Running && s.Leased && s.For > Lease.Seconds()/2:
			return n, fmt.Errorf("job %d: %s: %.120q has it since %s", job.id, job.Kind, s.By, s.Since.UTC().Format(time.RFC3339)), nil
		default:
			return n, nil, nil
		}
	}
	return n, nil, nil
}

// unattended returns the reason if no worker does a job of a kind.
func (q *Queue) unattended(ctx context.Context, kind string) (why, err error) {
	var busy bool
	err = q.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+q.table+" WHERE state = 'running' AND queue = $1 AND "+q.attended()+" AND "+isLeased()+")", kind).Scan(&busy)
	if err != nil || busy {
		return nil, err
	}
	return fmt.Errorf("no worker does a job of kind %s: is \"kycmark work\" running in a home with the keys?", kind), nil
}

// outcome opens what a worker left of a job. The error wraps [ErrFailed] if its worker says so, or nothing is left. Other
// errors say that the row has something else than the answer to this job's task.
func (q *Queue) outcome(job *added, output []byte) (json.RawMessage, error) {
	if len(output) == 0 {
		return nil, fmt.Errorf("%w: in %d attempts its workers died or had another sealing key, or it was taken out of the queue", ErrFailed, maxAttempts)
	}
	text, err := q.key.OpenMessage(q.aboutOutcome(job.id, job.Kind, job.asked), output)
	if err != nil {
		return nil, fmt.Errorf("job %d: %s: the row has no answer to the task of this job: %w", job.id, job.Kind, err)
	}
	var o outcome
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	if o.Error != "" {
		return nil, fmt.Errorf("%w: %s", ErrFailed, o.Error)
	}
	return o.Result, nil
}

// takeBackTime is how long [Queue.Run] may take to take its jobs back. Chosen.
const takeBackTime = 10 * time.Second

// takeBack removes the jobs that no worker has taken, and cancels the others. Jobs of other processes stay.
// Errors are ignored: what is left is done.
func (q *Queue) takeBack(ctx context.Context, r *run, jobs []added) {
	ctx, cancel := context.WithTimeout(ctx, takeBackTime)
	defer cancel()
	var ids []int64
	for _, job := range jobs {
		if job.id != 0 && !job.others {
			ids = append(ids, job.id)
		}
	}
	q.pool.Exec(ctx, "DELETE FROM "+q.table+" WHERE id = ANY($1) AND state IN ('available', 'pending', 'retryable', 'scheduled')", ids)
	rows, err := q.pool.Query(ctx, "SELECT id FROM "+q.table+" WHERE id = ANY($1) AND state = 'running'", ids)
	if err != nil {
		return
	}
	running, _ := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range running {
		r.client.JobCancel(ctx, id)
	}
}
