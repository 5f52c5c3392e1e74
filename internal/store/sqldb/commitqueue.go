package sqldb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/tlog"
)

// Writers of one process take turns, and who has the turn commits for all who wait:
// a commit costs a write to the disk, however many rows are in it (flat combining:
// Hendler, Incze, Shavit, Tzafrir, SPAA 2010).

// A request is what one caller wants to have written: uploads, or what write does.
type request struct {
	ctx          context.Context
	what         string          // "submit", for errors
	investigates bool            // is also allowed in a registry that is open for investigation only
	write        func(*tx) error // runs again after a transaction was rolled back: it must set anew what it keeps
	uploads      []books.Upload
	added        []bool // of uploads
	err          error
	done         chan struct{} // closed when added and err are set
}

type commitQueue struct {
	turn chan struct{} // holds one value while a writer has the turn
	last *tlog.Tree    // as the last transaction left it; only the writer with the turn uses it
	mu   sync.Mutex
	wait []*request // in the order of their coming
}

// newCommitQueue returns an empty queue.
func newCommitQueue() *commitQueue { return &commitQueue{turn: make(chan struct{}, 1)} }

// Most requests and uploads of one transaction.
const (
	maxRequests = 256
	maxUploads  = 4096
)

// next takes what belongs into the next transaction.
func (q *commitQueue) next() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, uploads := 0, 0
	for n < len(q.wait) && n < maxRequests {
		if uploads += len(q.wait[n].uploads); n > 0 && uploads > maxUploads {
			break
		}
		n++
	}
	batch := q.wait[:n:n]
	q.wait = q.wait[n:]
	return batch
}

// enter puts a request at the end of the queue.
func (q *commitQueue) enter(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wait = append(q.wait, r)
}

// withdraw reports whether r was still waiting.
func (q *commitQueue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.wait {
		if q.wait[i] == r {
			q.wait = append(q.wait[:i:i], q.wait[i+1:]...)
			return true
		}
	}
	return false
}

// update runs write in a transaction. what names the deed ("erase") if the registry is open
// for investigation only, and update therefore fails.
func (d *DB) update(ctx context.Context, what string, write func(*tx) error) error {
	return d.request(&request{ctx: ctx, what: what, write: write})
}

// ForInvestigation returns the same registry, in which every request fails that does not
// belong to an investigation.
func (d *DB) ForInvestigation() books.Store {
	out := *d
	out.readOnly = true
	return &out
}

// request waits until r is done, by this caller or by another.
func (d *DB) request(r *request) error {
	if d.readOnly && !r.investigates {
		return fmt.Errorf("%s: %w", r.what, books.ErrReadOnly)
	}
	if r.write == nil && len(r.uploads) == 0 {
		return nil
	}
	r.done = make(chan struct{})
	d.queue.enter(r)
	select {
	case <-r.done:
		return r.err
	case d.queue.turn <- struct{}{}:
	case <-r.ctx.Done():
		if d.queue.withdraw(r) {
			return r.ctx.Err()
		}
		<-r.done // another writer commits the request: it must not keep what this caller gives up
		return r.err
	}
	defer func() { <-d.queue.turn }()
	for {
		select {
		case <-r.done:
			return r.err
		default:
			d.commitAll(d.queue.next())
		}
	}
}

// errCommit is wrapped by errors that leave unknown whether the transaction was committed.
var errCommit = errors.New("commit")

// errPanicked is what the other writers of a transaction receive after a panic ended the
// transaction.
var errPanicked = errors.New("a writer panicked, and all who were committed with it were rolled back")

// commitAll does the requests in one transaction. If that is rolled back it does
// each alone, so that none fails for another's sake.
func (d *DB) commitAll(batch []*request) {
	for _, r := range batch {
		r.err = errPanicked // until it is known
	}
	defer func() {
		for _, r := range batch {
			close(r.done)
		}
	}()
	ctx := batch[0].ctx // which need not be that of who has the turn
	if len(batch) > 1 {
		ctx = context.WithoutCancel(ctx) // what one gives up must not fail the others
	}
	err := d.transact(ctx, batch)
	if err == nil || len(batch) == 1 || errors.Is(err, errCommit) {
		for _, r := range batch {
			r.err = err
		}
		return
	}
	for _, r := range batch {
		r.err = d.transact(r.ctx, []*request{r})
	}
}

// attempts is how often a transaction is run that the database gave up.
const attempts = 10

// transact does the requests in a transaction, again where the database gave it up.
func (d *DB) transact(ctx context.Context, batch []*request) error {
	for n := 1; ; n++ {
		err := d.try(ctx, batch)
		if err == nil || n == attempts || !d.dialect.Again(err) || ctx.Err() != nil {
			return err
		}
	}
}

// try does the requests in one transaction: first the uploads of all, then each write in turn.
// An error that wraps [errCommit] leaves unknown whether the transaction was committed. Any
// other error means that it was rolled back.
func (d *DB) try(ctx context.Context, batch []*request) error {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	// Who is cancelled gives up before the commit or not at all: a commit that is cut
	// off would leave everybody who is in it in doubt.
	raw, err := conn.BeginTx(context.WithoutCancel(ctx), d.dialect.Write)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer raw.Rollback() // does nothing after a commit
	t := &tx{Tx: raw, conn: conn, dialect: &d.dialect, segmentSize: d.segmentSize}
	last := d.queue.last
	d.queue.last = nil // it grows with what may be rolled back
	if err := t.lock(ctx, last); err != nil {
		return err
	}
	if err := t.uploads(ctx, batch); err != nil {
		return err
	}
	for _, r := range batch {
		if r.write == nil {
			continue
		}
		if err := r.write(t); err != nil {
			return err
		}
	}
	if err := t.flush(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.commit(raw); err != nil {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	d.queue.last = t.tree
	return nil
}

// uploads enters the uploads of all requests together.
func (t *tx) uploads(ctx context.Context, batch []*request) error {
	var all []books.Upload
	for _, r := range batch {
		all = append(all, r.uploads...)
	}
	if len(all) == 0 {
		return nil
	}
	added, err := addUploads(ctx, t, all)
	if err != nil {
		return err
	}
	for _, r := range batch {
		n := len(r.uploads)
		r.added, added = added[:n:n], added[n:]
	}
	return nil
}
