// Package sqldb keeps the rows of a registry in a SQL database. What differs between databases is a [schema.Dialect].
// Statements are the common subset of SQL, with $1, $2 for arguments.
//
// Each transaction that writes first locks the ledger's head, so that writers take turns.
// Entries are therefore numbered without gaps, in the order in which they become visible. A difference between the
// ledger, its lists and rows is an error that wraps [records.ErrTampered].
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/access"
	"github.com/kycmark/kycmark/internal/store/keep"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
)

// DB is a registry in a SQL database. Interface [records.Store] says what its methods do; comments here say what is more.
// Each family of tables has a type with its methods.
type DB struct {
	*core
	parties
	uploads
	originals
	erasures
	segments
	counts
	copies
	custody
	ledger
	access.Tables
}

var _ records.Store = (*DB)(nil)

// A core is what all families of tables share: connections, transactions, and what was read of the ledger.
type core struct {
	dialect    schema.Dialect
	write      *sql.DB
	read       *sql.DB // may be the same
	info       *records.Info
	address    string        // of the place of originals; "": in the database
	place      objects.Place // nil: in the database
	last       *lastTree
	facts      *custodyFacts
	witness    *witnessing
	erased     *erasedList
	segmenting *sync.Mutex // held while segments are made: by one builder of a process at a time
	readOnly   bool        // open for investigation only

	// commit ends a transaction; tests replace it to make commits fail.
	commit func(*sql.Tx) error
}

func on(c *core) *DB {
	return &DB{c, parties{c}, uploads{c}, originals{c}, erasures{c}, segments{c}, counts{c}, copies{c}, custody{c}, ledger{c},
		access.Tables{Write: c.write, Read: c.read, Conflict: c.dialect.Conflict, ReadOnly: c.readOnly}}
}

func (d *DB) Kept() records.Kept {
	return keep.Store{Write: d.write, Read: d.read, Lock: d.dialect.Lock, Place: d.place, Free: d.removeErased}
}

// lastTree is the ledger's tree as the last transaction of this process left it. Who writes takes it.
type lastTree struct {
	mu   sync.Mutex
	tree *tlog.Tree // nil: not known
}

func (l *lastTree) swap(tree *tlog.Tree) (before *tlog.Tree) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.tree = l.tree, tree
	return before
}

// Create makes the tables in an empty database and enters the registry that info names.
// write and read are connection pools and may be the same; the DB closes them, and a failing
// Create does so at once. The error wraps [fs.ErrExist] if a registry is there.
func Create(ctx context.Context, dialect schema.Dialect, write, read *sql.DB, info records.Info) (*DB, error) {
	return open(ctx, dialect, write, read, true, func(d *DB) error {
		if err := d.keepAt(ctx, info.Originals, info.ID, true); err != nil {
			return err
		}
		err := d.update(ctx, "create a registry", func(t *tx) error {
			if err := vacant(ctx, t); err != nil {
				return err
			}
			return enter(ctx, t, schema.Info, &info, &info.Seq)
		})
		if err != nil {
			return err
		}
		return d.readInfo(ctx)
	})
}

// vacant returns an error that wraps [fs.ErrExist] if a registry is there.
func vacant(ctx context.Context, q schema.Querier) error {
	n, err := schema.Number(ctx, q, "SELECT count(*) FROM "+schema.Info.Name)
	if err == nil && n > 0 {
		err = fmt.Errorf("the registry: %w", fs.ErrExist)
	}
	return err
}

// Holds reports whether a registry is in a database that was just opened, and closes it.
func Holds(db *sql.DB, err error) bool {
	if err == nil {
		err = errors.Join(vacant(context.Background(), db), db.Close())
	}
	return errors.Is(err, fs.ErrExist)
}

// Open opens a registry. write and read are connection pools and may be the same; the DB closes them, and a failing
// Open does so at once. The error wraps [records.ErrSchema] if the schema has another version or is incomplete.
func Open(ctx context.Context, dialect schema.Dialect, write, read *sql.DB) (*DB, error) {
	return open(ctx, dialect, write, read, false, func(d *DB) error { return d.readInfo(ctx) })
}

// OpenCopy makes the tables that [Transfer] is to fill, if they are missing. write and
// read are connection pools and may be the same; after an error OpenCopy closes them.
func OpenCopy(ctx context.Context, dialect schema.Dialect, write, read *sql.DB) (*DB, error) {
	return open(ctx, dialect, write, read, true, func(*DB) error { return nil })
}

// open checks the version of the schema and then calls ready, which checks or fills the tables. With mayMake it first makes a schema
// that is missing. If any of these fails, open closes write and read, which may be the same.
func open(ctx context.Context, dialect schema.Dialect, write, read *sql.DB, mayMake bool, ready func(*DB) error) (*DB, error) {
	d := on(&core{dialect: dialect, write: write, read: read, last: new(lastTree), facts: new(custodyFacts), witness: new(witnessing), erased: new(erasedList), segmenting: new(sync.Mutex), commit: (*sql.Tx).Commit})
	tables, err := schema.Number(ctx, read, dialect.Tables)
	switch {
	case err != nil:
		err = fmt.Errorf("open: %w", err)
	case tables == 0 && mayMake:
		err = schema.Make(ctx, &dialect, write, read)
	case tables < 3:
		err = fmt.Errorf("%w: there is no kycmark registry", records.ErrSchema)
	}
	if err == nil {
		err = schema.Check(ctx, read)
	}
	if err == nil {
		err = ready(d)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Close closes all connections and then runs Close of the dialect. The handles that
// ForInvestigation returned share these connections.
func (d *DB) Close() error {
	var err error
	if d.read != d.write {
		err = d.read.Close()
	}
	err = errors.Join(err, d.write.Close())
	if d.dialect.Close != nil {
		d.dialect.Close()
	}
	return err
}

// ForInvestigation returns the same registry, on the same connections. Every write fails that
// does not belong to an investigation: the error wraps [records.ErrReadOnly].
func (d *DB) ForInvestigation() records.Store {
	c := *d.core
	c.readOnly = true
	return on(&c)
}

func (d *DB) Info(context.Context) (*records.Info, error) {
	i := *d.info
	i.Unsummed = d.dialect.Unsummed
	return &i, nil
}

// readInfo reads the registry's identity. The error wraps [records.ErrSchema] if it is missing.
func (d *DB) readInfo(ctx context.Context) (err error) {
	d.info, err = schema.Info.One(ctx, d.read, "")
	if errors.Is(err, records.ErrNotFound) {
		return fmt.Errorf("%w: the creation of the registry was interrupted; delete it and create it again", records.ErrSchema)
	}
	if err != nil {
		return err
	}
	err = d.snapshot(ctx, func(q schema.Querier) error { // copies, and files that were examined, are known by the ID
		return onList(ctx, q, &d.dialect, records.EntryRegistry, []records.Info{*d.info})
	})
	if err != nil {
		return fmt.Errorf("the registry's own row: %w", err)
	}
	return d.keepAt(ctx, d.info.Originals, d.info.ID, false)
}

// A Driver is a [records.Driver] of a SQL database. That interface says what its methods do.
type Driver struct {
	At      string                                                                                       // the place
	Places  []objects.Open                                                                               // of originals outside of it
	Make    func(ctx context.Context, at string, info records.Info, places ...objects.Open) (*DB, error) // makes a registry and opens it
	Find    func(ctx context.Context, at string, places ...objects.Open) (*DB, error)                    // opens the registry that is there
	Receive func(ctx context.Context, at string, places ...objects.Open) (*DB, error)                    // opens what [Transfer] fills
}

func (d Driver) Create(ctx context.Context, info records.Info) (records.Store, error) {
	return opened(d.Make(ctx, d.At, info, d.Places...))
}

func (d Driver) Open(ctx context.Context) (records.Store, error) {
	return opened(d.Find(ctx, d.At, d.Places...))
}

// opened keeps a nil *DB from becoming a books.Store that is not nil.
func opened(db *DB, err error) (records.Store, error) {
	if err != nil {
		return nil, err
	}
	return db, nil
}

// Transfer is [Transfer] from a *DB, opened by any Driver. It closes the copy, but not from.
func (d Driver) Transfer(ctx context.Context, from records.Store, originals string, progress func(done, total int)) (size int64, root tlog.Hash, err error) {
	source, ok := from.(*DB)
	if !ok {
		return 0, root, fmt.Errorf("copy a registry: the source is a %T, not a SQL database", from)
	}
	target, err := d.Receive(ctx, d.At, d.Places...)
	if err != nil {
		return 0, root, fmt.Errorf("create registry: %w", err)
	}
	if err = target.keepAt(ctx, originals, source.info.ID, true); err == nil {
		err = apart(ctx, source, target)
	}
	if err == nil {
		size, root, err = Transfer(ctx, source, target, progress)
	}
	return size, root, errors.Join(err, target.Close())
}

// apart checks that target keeps originals at another place than source, by an object that it puts there: one place has
// several addresses. Else an erasure in either registry would remove the originals of both. The error wraps [records.ErrConflict].
func apart(ctx context.Context, source, target *DB) error {
	if source.place == nil || target.place == nil {
		return nil
	}
	probe := records.NewSalt()
	name := objects.NameOf(probe[:])
	err := target.place.Put(ctx, name, probe[:])
	if err == nil {
		if _, err = source.place.Size(ctx, name); err == nil {
			err = fmt.Errorf("%w: a copy keeps originals at a place of its own, got that of the registry: %s", records.ErrConflict, target.address)
		} else if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return errors.Join(err, target.place.Remove(context.WithoutCancel(ctx), name))
}
