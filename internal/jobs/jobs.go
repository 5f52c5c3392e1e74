// Package jobs is a queue of work beside a registry, by River. For a registry in PostgreSQL its tables are in a schema of
// their own, NAME_queue beside the registry's schema NAME. For a registry in a file they are in a file beside it.
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
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/passing"
	"github.com/kycmark/kycmark/verify/registry"
)

// ErrFailed is wrapped when a job failed for good. The text says why, as its worker saw it.
var ErrFailed = errors.New("the job failed")

const (
	maxAttempts  = 25             // of a job: its workers died, or met an error that may pass
	keptFor      = 24 * time.Hour // results of a job are kept, for the command that waits. Chosen
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
	db  database
	sql *statements
	of  string // the registry's ID
	key *registry.SealKey
}

// A database has the rows of a queue.
type database interface {
	querier
	// client returns River's client with this configuration.
	client(cfg *river.Config) (client, error)
	// exec returns the number of rows that the statement changed.
	exec(ctx context.Context, query string, args ...any) (int64, error)
	// insert adds jobs and calls then, in one transaction.
	insert(ctx context.Context, c client, params []river.InsertManyParams, then func(querier, []*rivertype.JobInsertResult) error) error
	// live says that the worker of that number lives, until the result is closed or breaks.
	live(ctx context.Context, number int32) (living, error)
	close()
}

// A querier is a database or a transaction.
type querier interface {
	// rows calls each with the function that scans a row, for each row of the query.
	rows(ctx context.Context, each func(scan func(...any) error) error, query string, args ...any) error
	// many runs a statement with each list of arguments.
	many(ctx context.Context, query string, args [][]any) error
}

// eachRow calls each with the function that scans a row, for the rows of either database.
func eachRow(rows interface {
	Next() bool
	Scan(...any) error
	Err() error
}, each func(scan func(...any) error) error) error {
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A living worker's access to the database.
type living interface {
	exec(ctx context.Context, query string) error
	close(ctx context.Context)
}

// A client is what both kinds of [river.Client] have.
type client interface {
	Start(context.Context) error
	Stop(context.Context) error
	JobCancel(context.Context, int64) (*rivertype.JobRow, error)
}

// statements are the parts of SQL in which databases differ. JSON is passed as a string.
type statements struct {
	table    string
	among    string // condition that id is in the JSON array $1
	by       string // the worker of a running job
	micros   string // the present time of the database, in microseconds since 1970 UTC
	taken    string // seconds since a job was taken
	leased   string // condition that a running job was taken or renewed within a lease
	attended string // condition that the worker of a running job lives, as far as the database knows

	add     string // sets the task ($2) and the word ($3)
	asked   string // sets the word ($2)
	renewed string // renews the lease
	settle  string // sets what [worker.settle] sets
	abandon string // makes a job available again, or ends it after its last attempt
}

// OpenServer opens the queue of the registry with ID of, in PostgreSQL at dsn. It makes missing tables. key seals jobs.
func OpenServer(ctx context.Context, dsn, of string, key *registry.SealKey) (*Queue, error) {
	db, err := openServer(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return &Queue{db: db, sql: &db.queries, of: of, key: key}, nil
}

// OpenFile opens the queue of a registry in the file at path, as [OpenServer] does.
func OpenFile(ctx context.Context, path, of string, key *registry.SealKey) (*Queue, error) {
	db, err := openFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return &Queue{db: db, sql: &db.queries, of: of, key: key}, nil
}

func (q *Queue) Close() { q.db.close() }

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

// wordOf gives a word for the job with this number, as JSON.
func wordOf(nonce []byte, id, at int64) string {
	text, err := json.Marshal(word{at, macOf(nonce, id, at)})
	if err != nil {
		panic("jobs: a word has no JSON: " + err.Error()) // it is a number and bytes
	}
	return string(text)
}

func macOf(nonce []byte, id, at int64) []byte {
	m := hmac.New(sha256.New, nonce)
	fmt.Fprintf(m, "job %d is asked for at %d", id, at)
	return m.Sum(nil)
}

// outcome is what came of a job, before it is sealed.
type outcome struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// aboutTask names the task of a job, and aboutOutcome the outcome of a job with that task. Neither passes for another.
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
	client, err := q.db.client(&river.Config{Logger: quiet})
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
		case ctx.Err() == nil && passing.Is(err) && time.Since(answered) < patience:
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

// once returns a function that hands errors on to stalled, which may be nil: only a text other than the last, and only idleAfter later.
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
	client client
	mu     sync.Mutex
	nonces map[int64][]byte // of the tasks of jobs that are not over
}

// add queues jobs and sets their IDs, all or none. If ctx ends meanwhile, there is time for it: a job without ID is not taken back.
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
	err := q.db.insert(adding, r.client, params, func(tx querier, results []*rivertype.JobInsertResult) error {
		now, err := q.now(adding, tx)
		if err != nil {
			return err
		}
		var tasks [][]any
		for i, x := range results {
			job := &jobs[i]
			if job.id, job.others = x.Job.ID, x.UniqueSkippedAsDuplicate; job.others {
				continue
			}
			sealed, nonce, err := q.seal(job)
			if err != nil {
				return err
			}
			tasks = append(tasks, []any{job.id, string(sealed), wordOf(nonce, job.id, now)})
			r.mu.Lock()
			r.nonces[job.id] = nonce
			r.mu.Unlock()
		}
		return tx.many(adding, "UPDATE "+q.sql.table+" SET "+q.sql.add+" WHERE id = $1", tasks)
	})
	if err != nil { // another process may get the IDs now
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := range jobs {
			delete(r.nonces, jobs[i].id)
			jobs[i].id, jobs[i].others = 0, true // of another process that was over: asked for again
		}
	}
	return err
}

// now returns the present time of the database, in microseconds since 1970 UTC.
func (q *Queue) now(ctx context.Context, tx querier) (now int64, err error) {
	err = tx.rows(ctx, func(scan func(...any) error) error { return scan(&now) }, "SELECT "+q.sql.micros)
	return now, err
}

// say gives the word of a command for all its jobs, again and again until ctx ends.
func (q *Queue) say(ctx context.Context, r *run) {
	for {
		select {
		case <-time.After(Word / words):
		case <-ctx.Done():
			return
		}
		now, err := q.now(ctx, q.db)
		if err != nil {
			continue // the database is away, which await says
		}
		var all [][]any
		r.mu.Lock()
		for id, nonce := range r.nonces {
			all = append(all, []any{id, wordOf(nonce, id, now)})
		}
		r.mu.Unlock()
		_ = q.db.many(ctx, "UPDATE "+q.sql.table+" SET "+q.sql.asked+" WHERE id = $1 AND finalized_at IS NULL", all) // await says it
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
	if json.Unmarshal(said, &w) != nil || !hmac.Equal(w.MAC, macOf(t.Nonce, id, w.At)) || now-w.At > Word.Microseconds() {
		err = errUnasked
	}
	return t.Do, sha256.Sum256(text), err
}

// finished calls done with the outcomes of the jobs at the beginning of the list that are over, and returns their number n.
// why says what the next job waits for, if known: another attempt after a failed one, or a worker that has had the job for
// half a lease or more. If another process added the next job, and it is over, finished adds it again for this process.
func (q *Queue) finished(ctx context.Context, r *run, jobs []added, done func(Job, json.RawMessage, error) error) (n int, why, err error) {
	type state struct {
		over, running, leased bool
		since                 float64 // seconds since it was taken
		by                    string
		output                []byte
	}
	states := make(map[int64]state)
	err = q.db.rows(ctx, func(scan func(...any) error) error {
		var id int64
		var s state
		err := scan(&id, &s.over, &s.running, &s.leased, &s.since, &s.by, &s.output)
		states[id] = s
		return err
	}, "SELECT id, finalized_at IS NOT NULL, state = 'running', "+q.sql.leased+", "+q.sql.taken+", coalesce("+q.sql.by+", ''), metadata->'output' FROM "+
		q.sql.table+" WHERE "+q.sql.among, idsOf(jobs))
	if err != nil {
		return 0, nil, err
	}
	for i := range jobs {
		job := &jobs[i]
		s, there := states[job.id]
		over := !there || s.over
		switch {
		case over && job.others:
			return n, nil, q.add(ctx, r, jobs[i:i+1])
		case over, !s.running && len(s.output) > 0 && !job.others:
			result, failed := q.outcome(job, s.output)
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
		case s.running && s.leased && s.since > Lease.Seconds()/2:
			at := time.Now().Add(-time.Duration(s.since * float64(time.Second)))
			return n, fmt.Errorf("job %d: %s: %.120q has it since %s", job.id, job.Kind, s.by, at.UTC().Format(time.RFC3339)), nil
		default:
			return n, nil, nil
		}
	}
	return n, nil, nil
}

// unattended returns the reason if no worker does a job of a kind.
func (q *Queue) unattended(ctx context.Context, kind string) (why, err error) {
	var busy bool
	err = q.db.rows(ctx, func(scan func(...any) error) error { return scan(&busy) },
		"SELECT EXISTS (SELECT 1 FROM "+q.sql.table+" WHERE state = 'running' AND queue = $1 AND "+q.sql.attended+" AND "+q.sql.leased+")", kind)
	if err != nil || busy {
		return nil, err
	}
	return fmt.Errorf("no worker does a job of kind %s: is \"kycmark work\" running in a home with the keys?", kind), nil
}

// outcome returns the result that a worker sealed as output. The error wraps [ErrFailed] if the worker says that the job
// failed, or left nothing. Other errors say that output is no answer to this job's task.
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
	mine := idsOf(slices.DeleteFunc(slices.Clone(jobs), func(job added) bool { return job.id == 0 || job.others }))
	_, _ = q.db.exec(ctx, "DELETE FROM "+q.sql.table+" WHERE "+q.sql.among+" AND state IN ('available', 'pending', 'retryable', 'scheduled')", mine)
	var running []int64
	err := q.db.rows(ctx, func(scan func(...any) error) error {
		running = append(running, 0)
		return scan(&running[len(running)-1])
	}, "SELECT id FROM "+q.sql.table+" WHERE "+q.sql.among+" AND state = 'running'", mine)
	for _, id := range running {
		if err == nil {
			_, err = r.client.JobCancel(ctx, id)
		}
	}
}

func idsOf(jobs []added) string {
	return "[" + strings.Join(each.Of(jobs, func(job added) string { return strconv.FormatInt(job.id, 10) }), ",") + "]"
}
