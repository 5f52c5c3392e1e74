package sqldb

import (
	"context"
	"database/sql"
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

// next removes the requests of the next transaction from the queue and returns them, oldest
// first: up to maxRequests, with up to maxUploads uploads together. A request with more uploads
// comes alone. If no request waits, the result is empty.
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

// withdraw removes r from the queue and returns true. It returns false if r does not wait any
// more, because a writer has taken r into a transaction.
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

// update runs write in a transaction and returns after the commit. The transaction may hold
// other callers' requests. write may run more than once, and must then set its results anew. An
// error of write rolls back all that it wrote. what names the deed ("erase") in the error that
// wraps [books.ErrReadOnly], if the registry is open for investigation only.
func (d *DB) update(ctx context.Context, what string, write func(*tx) error) error {
	return d.request(&request{ctx: ctx, what: what, write: write})
}

// ForInvestigation returns the same registry, on the same connections. Every request fails that
// does not belong to an investigation: the error wraps [books.ErrReadOnly].
func (d *DB) ForInvestigation() books.Store {
	out := *d
	out.readOnly = true
	return &out
}

// request puts r into the queue and waits until r is done, by this caller or by another. The
// caller that gets the turn commits what waits until r is done. If r.ctx ends while r waits,
// request removes r and returns its error. Later it waits for the outcome. A request without
// write and uploads does nothing. The error wraps [books.ErrReadOnly] if r writes to a registry
// that is open for investigation only, and [books.ErrFrozen] if the database can only be read.
func (d *DB) request(r *request) error {
	err := d.await(r)
	if err != nil && d.dialect.Frozen != nil && d.dialect.Frozen(err) {
		return books.ErrFrozen
	}
	return err
}

// await is request with the errors of the database as they are.
func (d *DB) await(r *request) error {
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

// commitAll does the requests of batch, 1 or more, in one transaction. It sets added and err of
// each request, and closes its done. If the transaction is rolled back, commitAll does each
// request alone, so that no request fails for another's sake. After an error that wraps
// [errCommit] it repeats nothing, since the rows may be there. The end of one context does not
// stop a transaction of several requests.
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

// transact does the requests of batch in one transaction. If the database gave the transaction
// up (Again of the dialect), or after errKnown, transact repeats it: attempts runs in all, and no run after ctx has
// ended. It returns the error of the last run.
func (d *DB) transact(ctx context.Context, batch []*request) error {
	for n := 1; ; n++ {
		err := d.try(ctx, batch, n > 1)
		if err == nil || n == attempts || !errors.Is(err, errKnown) && !d.dialect.Again(err) || ctx.Err() != nil {
			return err
		}
	}
}

// try does the requests in one transaction: first the uploads of all, then each write in turn.
// The end of ctx stops the transaction before the commit, but not during it. An error that wraps
// [errCommit] leaves unknown whether the transaction was committed. Any other error means that
// it was rolled back.
func (d *DB) try(ctx context.Context, batch []*request, again bool) error {
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
	t := &tx{Tx: raw, conn: conn, dialect: &d.dialect, again: again}
	last := d.queue.last
	d.queue.last = nil // it grows with what may be rolled back
	if err := t.lock(ctx, last); err != nil {
		return err
	}
	if err := t.current(ctx, d.schema); err != nil {
		return err
	}
	if err := t.alone(ctx); err != nil {
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

// alone returns an error that wraps [books.ErrTampered] if something in the database may change what is written:
// an erased original could be put back, an entry left out.
func (t *tx) alone(ctx context.Context) error {
	if t.dialect.Meddler == "" {
		return nil
	}
	var name string
	if err := t.QueryRowContext(ctx, t.dialect.Meddler).Scan(&name); errors.Is(err, sql.ErrNoRows) {
		return nil
	} else if err != nil {
		return err
	}
	return tampered("the database has a %s, which was added: nothing was written", name)
}

// uploads enters the uploads of all requests of batch together. It sets added of each request:
// for each of its uploads, whether the upload is new.
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
