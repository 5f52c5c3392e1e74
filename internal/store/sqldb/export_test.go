package sqldb

import (
	"context"
	"database/sql"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
)

// SetCommit replaces the end of every transaction, to see what a failing one leaves.
func (d *DB) SetCommit(f func(*sql.Tx) error) { d.commit = f }

// OneReader leaves one connection that reads. Whatever holds it and asks for another waits for ever.
func (d *DB) OneReader() { d.read.SetMaxOpenConns(1) }

// SetScrub replaces what runs after an erasure.
func (d *DB) SetScrub(f func(context.Context, *sql.DB) error) { d.dialect.Scrub = f }

// Raw is the database behind the ledger's back: what an attacker with it can do.
func (d *DB) Raw() *sql.DB { return d.write }

// Check is [DB.Check] in a transaction of the caller.
func Check(ctx context.Context, q schema.Querier) (int64, tlog.Hash, error) { return check(ctx, q) }

// BeforeSize has f run before the size of each object is asked for.
func (d *DB) BeforeSize(f func()) { d.place = asked{d.place, f} }

type asked struct {
	objects.Place
	before func()
}

func (a asked) Size(ctx context.Context, name objects.Name) (int64, error) {
	a.before()
	return a.Place.Size(ctx, name)
}
