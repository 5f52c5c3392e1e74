package sqldb

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/tlog"
)

// MaxUploads is the most uploads of which a transaction asks first which are there.
const MaxUploads = maxUploads

// SetCommit replaces the end of every transaction, to see what a failing one leaves.
func (d *DB) SetCommit(f func(*sql.Tx) error) { d.commit = f }

// OneReader leaves one connection that reads. Whatever holds it and asks for another waits for ever.
func (d *DB) OneReader() { d.read.SetMaxOpenConns(1) }

// SetSegmentFrom makes segments of fewer submissions.
func (d *DB) SetSegmentFrom(n int) { d.segmentFrom = n }

// SegmentKeys are keys of sealed segments for tests: what is wrapped is the key. Rows have their hashes in the clear.
func (d *DB) SegmentKeys() *books.SegmentKeys {
	open := func(_ [16]byte, wrapped []byte) (cipher.AEAD, error) {
		block, err := aes.NewCipher(wrapped)
		if err != nil {
			return nil, books.ErrSealed
		}
		return cipher.NewGCM(block)
	}
	return &books.SegmentKeys{
		New: func(name [16]byte) (cipher.AEAD, []byte, error) {
			secret := make([]byte, 32)
			rand.Read(secret)
			key, err := open(name, secret)
			return key, secret, err
		},
		Open:   open,
		Hashes: hashesIn(d.read),
	}
}

// SetScrub replaces what runs after an erasure.
func (d *DB) SetScrub(f func(context.Context, *sql.DB) error) { d.dialect.Scrub = f }

// Raw is the database behind the ledger's back: what an attacker with it can do.
func (d *DB) Raw() *sql.DB { return d.write }

// Check is [DB.Check] in a transaction of the caller.
func Check(ctx context.Context, q querier) (int64, tlog.Hash, error) { return check(ctx, q) }

// Waiting is how many writers wait for their turn.
func (d *DB) Waiting() int {
	d.queue.mu.Lock()
	defer d.queue.mu.Unlock()
	return len(d.queue.wait)
}

// Enqueue lets uploads wait as those of a caller who has not yet asked for the turn; during
// runs in their transaction. The result is the caller's, once somebody has committed them.
func (d *DB) Enqueue(ctx context.Context, uploads []books.Upload, during func()) (err func() error) {
	r := &request{ctx: ctx, uploads: uploads, done: make(chan struct{}), write: func(*tx) error { during(); return nil }}
	d.queue.enter(r)
	return func() error { <-r.done; return r.err }
}

// Uncount makes the lists, and all entries, as the schema before counts had them. The ledger must allow changes.
func (d *DB) Uncount(ctx context.Context) error {
	raw, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer raw.Rollback()
	t := &tx{Tx: raw, dialect: &d.dialect, lists: tlog.NewLists(tlog.Hash{}, nil)}
	entries, err := ledgerTable.rows(ctx, t, " ORDER BY seq")
	if err != nil {
		return err
	}
	rows, err := (&checker{ctx: ctx, q: t}).evidence(1, int64(len(entries)))
	if err != nil {
		return err
	}
	if t.tree, err = tlog.NewTree(0, nil); err != nil {
		return err
	}
	for _, r := range entries {
		e, err := books.ParseEntry(r.entry)
		if err != nil {
			return err
		}
		for _, name := range rows[e.Seq].lists {
			if err := t.lists.Add(ctx, name, e.Item()); err != nil {
				return err
			}
		}
		if e.Lists != (tlog.Hash{}) {
			e.Lists = t.lists.Root()
		}
		if _, err := t.ExecContext(ctx, "UPDATE ledger SET entry = $1, nodes = $2 WHERE seq = $3", e.Encode(), appendLeaf(t.tree, e.Encode()), e.Seq); err != nil {
			return err
		}
	}
	root := t.tree.Root()
	for query, args := range map[string][]any{
		"UPDATE ledger_head SET root = $1":                  {root[:]},
		"DELETE FROM schema_version WHERE version_id >= $1": {countsVersion},
		"DELETE FROM list_node":                             nil,
	} {
		if _, err := t.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	if err := t.writeLists(ctx); err != nil {
		return err
	}
	return raw.Commit()
}
