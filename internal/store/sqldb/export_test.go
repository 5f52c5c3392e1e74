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

// SetCommit replaces the end of every transaction, to see what a failing one leaves.
func (d *DB) SetCommit(f func(*sql.Tx) error) { d.commit = f }

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
