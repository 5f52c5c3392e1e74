package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/kycmark/kycmark/internal/passing"
)

// A Func does a job, and must be idempotent. After a passing error (package passing) it is tried again; others end it.
type Func func(ctx context.Context, do []byte) (result any, err error)

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
	renewals      = 6                    // of a lease, before it ends. Chosen
	maxBackoff    = time.Minute          // after an error; 25 attempts take 20 minutes. Chosen

	maxResult = 32 << 20 // bytes of a row's result. Chosen

	never = 10 * 365 * 24 * time.Hour
)

// Errors as rows show them. What went wrong is sealed.
var (
	errSealed  = errors.New("the job does not open with this worker's sealing key as what was asked for")
	errHidden  = errors.New("failed: why is sealed")
	errUnasked = errors.New("its command has not said for a while that it asks for it: repeat the command")
)

// errLost is the error of an attempt at a job that is another worker's by now.
var errLost = errors.New("this worker was stopped, or away from the database, and its lease ran out: the job is another worker's")

// settled is the error of every attempt for River: [worker.settle] has written the row, or the job is another worker's. River
// takes it for a list of jobs with their errors, here an empty list, and leaves the row alone. TestLost shows it.
type settled struct{}

func (settled) Error() string               { return "the row is written" }
func (settled) Jobs() []*rivertype.JobRow   { return nil }
func (settled) ErrorsByID() map[int64]error { return nil }

// A worker does jobs under a name of its own.
type worker struct {
	*Queue
	number int32
	name   string // in the rows of its jobs
	mu     sync.Mutex
	leases map[claim]*lease
}

// thisProcess begins the numbers of this process's workers. An earlier process with the same number, as in a container, had others.
var thisProcess = rand.Int32N(1 << 15)

// ran reports whether the worker of that name was in a process of this machine that is gone.
func ran(name string) bool {
	var number int32
	var pid int
	host, _ := os.Hostname()
	if n, _ := fmt.Sscanf(name, "worker-%d, process %d", &number, &pid); n != 2 || !strings.HasSuffix(name, fmt.Sprintf(" on %.50s", host)) {
		return false
	}
	if pid == os.Getpid() {
		return number>>16 != thisProcess
	}
	p, err := os.FindProcess(pid)
	return err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// A claim is an attempt at a job.
type claim struct {
	id      int64
	attempt int
}

// A lease ends the context of an attempt if it is not renewed in time.
type lease struct {
	end   context.CancelCauseFunc
	timer *time.Timer
}

// Work does jobs of the kinds that it has functions for, atOnce at a time. It ends with ctx, after
// the jobs that it has begun. report is called after each attempt, from several goroutines, unless the job was taken back.
func (q *Queue) Work(ctx context.Context, atOnce int, kinds map[string]Func, report func(Done)) error {
	w := &worker{Queue: q, number: thisProcess<<16 | rand.Int32N(1<<16), leases: make(map[claim]*lease)}
	host, _ := os.Hostname()
	w.name = fmt.Sprintf("worker-%d, process %d on %.50s", w.number, os.Getpid(), host)
	slots, stopping := make(chan struct{}, atOnce), ctx.Done()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[row]) error {
		ctx, leased, end := w.hold(ctx, claim{job.ID, job.Attempt})
		defer end()
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-stopping:
			_ = w.settle(leased, job, ending{state: rivertype.JobStateAvailable, again: 1}) // for another worker
			return settled{}
		case <-ctx.Done(): // taken back, or lost
			_ = w.settle(leased, job, ending{state: rivertype.JobStateAvailable})
			return settled{}
		}
		begun := time.Now()
		err := w.work(ctx, leased, job, kinds[job.Queue])
		if err == nil || !errors.Is(context.Cause(ctx), river.ErrJobCancelledRemotely) {
			report(Done{job.ID, job.Queue, time.Since(begun), err})
		}
		return settled{}
	}))
	queues := make(map[string]river.QueueConfig)
	for kind := range kinds {
		queues[kind] = river.QueueConfig{MaxWorkers: atOnce}
	}
	client, err := q.db.client(&river.Config{
		ID: w.name, Logger: quiet, Queues: queues, Workers: workers,
		FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll, JobTimeout: -1, RescueStuckJobsAfter: never, // [worker.watch] knows who is dead
		CompletedJobRetentionPeriod: keptFor, CancelledJobRetentionPeriod: keptFor, DiscardedJobRetentionPeriod: keptFor,
	})
	if err != nil {
		return err
	}
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	watching, ready := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(watching)
		w.watch(alive, ready)
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

// hold keeps a job's lease until end is called. Contexts end with the lease, and work also if the job is taken back.
func (w *worker) hold(ctx context.Context, c claim) (work, leased context.Context, end func()) {
	leased, lose := context.WithCancelCause(context.WithoutCancel(ctx))
	work, stop := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(leased, func() { stop(errLost) })
	l := &lease{lose, time.AfterFunc(Lease, func() { lose(errLost) })}
	w.mu.Lock()
	w.leases[c] = l
	w.mu.Unlock()
	return work, leased, func() {
		w.mu.Lock()
		delete(w.leases, c)
		w.mu.Unlock()
		l.timer.Stop()
		unhook()
		stop(nil)
		lose(nil)
	}
}

// isMine is the condition that the job $1 is still in attempt $2, of the worker $3.
func (q *Queue) isMine() string {
	return " state = 'running' AND attempt = $2 AND " + q.sql.by + " = $3"
}

func (w *worker) renew(ctx context.Context, c claim) error {
	sent := time.Now()
	done, err := w.db.exec(ctx, "UPDATE "+w.sql.table+" SET "+w.sql.renewed+" WHERE id = $1 AND"+w.isMine(), c.id, c.attempt, w.name)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.leases[c]; l == nil { // it is over
	} else if done == 0 {
		l.end(errLost)
	} else if l.timer.Stop() { // else it ran out meanwhile
		l.timer.Reset(Lease - time.Since(sent))
	}
	return nil
}

func (w *worker) renewAll(ctx context.Context) {
	w.mu.Lock()
	all := slices.Collect(maps.Keys(w.leases))
	w.mu.Unlock()
	for _, c := range all {
		if w.renew(ctx, c) != nil {
			return // the leases run out, unless the database is back before
		}
	}
}

// work does one job and writes the outcome into its row, unless the job is another worker's by now.
func (w *worker) work(ctx, leased context.Context, job *river.Job[row], do Func) error {
	var text, said []byte
	var now int64
	var asked [32]byte
	mine := false
	err := w.db.rows(leased, func(scan func(...any) error) error {
		mine = true
		return scan(&said, &now)
	}, "SELECT metadata->'asked', "+w.sql.micros+" FROM "+w.sql.table+" WHERE id = $1 AND"+w.isMine()+" AND "+w.sql.leased, job.ID, job.Attempt, w.name)
	if err == nil && !mine {
		return errLost
	}
	if err == nil {
		text, asked, err = w.open(job.ID, job.Queue, job.Args.Sealed, said, now)
	}
	if err != nil && !errors.Is(err, errUnasked) {
		return cmp.Or(w.settle(leased, job, ending{state: rivertype.JobStateAvailable, shown: err}), err)
	}
	var result any
	if err == nil {
		result, err = safely(ctx, do, text)
	}
	var o outcome
	e := ending{state: rivertype.JobStateCompleted}
	if err == nil {
		o.Result, err = json.Marshal(result)
	}
	if err == nil && len(o.Result) > maxResult {
		err = fmt.Errorf("output is too large: %d bytes, want %d or fewer", len(o.Result), maxResult)
	}
	if err != nil {
		o = outcome{Error: err.Error()}
		if e = (ending{state: rivertype.JobStateCancelled, shown: errHidden}); passing.Is(err) {
			e.state = rivertype.JobStateAvailable
		}
	}
	text, unsealed := json.Marshal(o)
	if unsealed == nil {
		e.output, unsealed = w.key.SealMessage(w.aboutOutcome(job.ID, job.Queue, asked), text)
	}
	if unsealed != nil { // the key's service is away
		e = ending{state: rivertype.JobStateAvailable, shown: errHidden}
		err = unsealed
	}
	return cmp.Or(w.settle(leased, job, e), err)
}

// An ending is what becomes of a job's row after an attempt.
type ending struct {
	state  rivertype.JobState
	again  int    // 1: the attempt does not count
	shown  error  // in the row; nil: none
	output []byte // sealed; nil: none
}

// settle writes the ending of an attempt, in one statement that leaves the row alone if the job is another's: the error then wraps
// errLost. A job whose attempt failed is tried again later, at most maxAttempts times, unless it was taken back. While the database
// is away, settle tries again until the lease is over.
func (w *worker) settle(leased context.Context, job *river.Job[row], e ending) error {
	var wait time.Duration
	if e.shown != nil && e.state == rivertype.JobStateAvailable {
		wait = min(maxBackoff, time.Second<<min(job.Attempt-1, 6))
		if job.Attempt >= job.MaxAttempts {
			e.state = rivertype.JobStateDiscarded
		}
	}
	shown := ""
	if e.shown != nil {
		shown = e.shown.Error()
	}
	var output any
	if e.output != nil {
		output = string(e.output)
	}
	query := "UPDATE " + w.sql.table + " SET " + w.sql.settle + " WHERE id = $1 AND" + w.isMine()
	for begun := time.Now(); ; {
		done, err := w.db.exec(leased, query, job.ID, job.Attempt, w.name, string(e.state), e.again, wait.Seconds(), shown, output)
		switch {
		case leased.Err() != nil, err == nil && done == 0:
			return errLost
		case err == nil || !passing.Is(err) || time.Since(begun) > patience:
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-leased.Done():
		}
	}
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

// watch holds a lock that says that this worker lives, and gives the jobs of dead workers back to the queue.
// The database ends the lock with the worker's connection. The first result on ready says whether the lock is held. watch also
// renews the leases of this worker, several times before they end.
func (w *worker) watch(ctx context.Context, ready chan<- error) {
	renewing := make(chan struct{})
	go func() {
		defer close(renewing)
		for ctx.Err() == nil {
			select {
			case <-time.After(Lease / renewals):
				w.renewAll(ctx)
			case <-ctx.Done():
			}
		}
	}()
	defer func() { <-renewing }()
	var mine living
	for {
		var err error
		if mine == nil {
			mine, err = w.db.live(ctx, w.number)
		}
		if err == nil {
			err = mine.exec(ctx, w.abandoned())
		}
		if err != nil && mine != nil {
			mine.close(context.WithoutCancel(ctx))
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
				mine.close(context.WithoutCancel(ctx))
			}
			return
		}
	}
}

// abandoned makes the running jobs of dead workers, and jobs without a lease, available again, or ends them after maxAttempts.
func (q *Queue) abandoned() string {
	return "UPDATE " + q.sql.table + " SET " + q.sql.abandon + " WHERE state = 'running' AND NOT (" + q.sql.attended + " AND " + q.sql.leased + ")"
}
