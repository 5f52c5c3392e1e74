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
