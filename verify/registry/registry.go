package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// A Registry holds submissions with their hashes and sealed originals, recipients, issued copies and custody facts. Its
// ledger binds all of these. A Registry is safe for concurrent use, also by several processes.
type Registry struct {
	store records.Store
	clock func() time.Time // to the precision that rows keep

	custody sync.Mutex // of [Registry.ImportCustody]: what is entered at once is compared with each other

	id, origin string // random, hex; of the ledger
	sealHashes bool
	readOnly   bool
	stamps     StampCheck // of timestamps that bound times; nil: none
}

// newRegistry returns the registry that the store s keeps. If the store's identity cannot be read, it closes s.
func newRegistry(ctx context.Context, s records.Store) (*Registry, error) {
	info, err := s.Info(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Registry{
		store: s, clock: func() time.Time { return records.Timestamp(time.Now()) },
		id: hex.EncodeToString(info.ID[:]), origin: records.Origin(info.ID), sealHashes: info.SealHashes,
	}, nil
}

// CreateOptions are options of [Create]. The zero value works.
type CreateOptions struct {
	// SealHashes also keeps the perceptual hashes sealed, under each submission's own data key: a hash can be turned
	// back into a blurred face. They are searched in memory only, and only by who has the sealing key.
	SealHashes bool
	// Originals is where sealed originals are kept: "", the database, or the path of a folder, or
	// an address that the driver can open ("s3://bucket/prefix"). A relative path begins at the folder
	// of a SQLite file. Several machines need a place that all of them reach.
	Originals string
}

// An OpenPlace function opens a place of originals: packages such as s3 have one.
type OpenPlace = objects.Open

// A Driver names the place of a registry. Packages verify/registry/sqlite and verify/registry/postgres make Drivers, so
// that a program links only the database that it uses.
type Driver = records.Driver

// Create makes an empty registry at a place and opens it; opts may be nil. The caller must close
// it. An existing registry is left alone: the error wraps [fs.ErrExist].
//
//	r, err := registry.Create(ctx, sqlite.At("kyc.db"), nil)
func Create(ctx context.Context, at Driver, opts *CreateOptions) (*Registry, error) {
	info := records.Info{Created: records.Timestamp(time.Now()), Logged: books.Logged{Salt: records.NewSalt()}}
	o := cmp.Or(opts, new(CreateOptions))
	info.SealHashes, info.Originals = o.SealHashes, o.Originals
	rand.Read(info.ID[:])
	s, err := at.Create(ctx, info)
	if err != nil {
		return nil, fmt.Errorf("create registry: %w", err)
	}
	return newRegistry(ctx, s)
}

// Resume opens a registry that [Create] made with the same options, after a program was killed that makes a registry and its
// keys. The ledger has no other entry than of the mark key with that ID: else the error wraps [fs.ErrExist].
func Resume(ctx context.Context, at Driver, opts CreateOptions, keyID string) (*Registry, error) {
	r, err := Open(ctx, at)
	if err != nil {
		return nil, err
	}
	info, err := r.store.Info(ctx)
	size, _, unsized := r.store.Head(ctx)
	keys, unread := r.store.MarkKeys(ctx)
	if err = errors.Join(err, unsized, unread); err == nil && (info.SealHashes != opts.SealHashes || info.Originals != opts.Originals ||
		size != int64(1+len(keys)) || len(keys) > 1 || len(keys) == 1 && keys[0].ID != keyID) {
		err = fmt.Errorf("the registry is in use, or was made otherwise: %w", fs.ErrExist)
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Open opens an existing registry and brings its schema up to date. It never makes a registry.
// The caller must close the result. The error wraps [fs.ErrNotExist] if the file is missing, and
// [ErrRefused] if there is no registry in the database, or one of a later version.
//
//	r, err := registry.Open(ctx, postgres.At("postgres://kyc@db.example/kyc"))
func Open(ctx context.Context, at Driver) (*Registry, error) {
	s, err := at.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	return newRegistry(ctx, s)
}

// OpenForInvestigation is [Open] for programs that look for leaks and do nothing else: the handle searches, reads, and
// logs investigations. Every other write (to issue, submit, erase, sign a checkpoint, or enter recipients, keys,
// receipts or custody) fails with an error that wraps [ErrRefused]. The handle guards against mistakes of a program.
// Against its user the database's own permissions do (docs/registry.md). Opening still updates an old schema.
func OpenForInvestigation(ctx context.Context, at Driver) (*Registry, error) {
	r, err := Open(ctx, at)
	if err != nil {
		return nil, err
	}
	r.store, r.readOnly = r.store.ForInvestigation(), true
	return r, nil
}

// A Ledger is the registry's ledger: an append-only Merkle tree of what was entered, the
// commitments to mark keys, signed checkpoints, and what is proved by them.
type Ledger struct{ r *Registry }

// Ledger returns the registry's ledger.
func (r *Registry) Ledger() *Ledger { return &Ledger{r} }

// Engine returns what package verify searches, counts and enters. Its methods may change with
// any version: use an Investigator of package verify.
func (r *Registry) Engine() *engine.Engine { return engine.New(r.store, r.id, r.sealHashes, r.clock) }

// AccessOf returns what a service over a registry keeps: who may call it, and which requests were made.
func AccessOf(r *Registry) records.Access { return r.store }

// ID names the registry: 16 random bytes, hex, which the ledger's name ends with.
func (r *Registry) ID() string { return r.id }

// Close releases the registry.
func (r *Registry) Close() error { return r.store.Close() }

// AddRecipient enters a recipient. Added and Ref are set by the registry. A second entry of the same name, kind and
// employer changes nothing; another kind or employer, and a name that looks like another recipient's, are errors that
// wrap [ErrConflict]. The error wraps [ErrInput] if the kind is unknown, the name is empty, or a text is too long. It
// also does for a name that reports cannot have as a name: docs/registry.md. Only a reviewer has an employer: a
// recipient that was entered before ([ErrNotFound]) and is no reviewer ([ErrInput]).
func (r *Registry) AddRecipient(ctx context.Context, to books.Recipient) error {
	switch to.Kind {
	case books.KindStore, books.KindVendor, books.KindAuthority, books.KindReviewer, books.KindPartner:
	default:
		return fmt.Errorf("%w: the kind of a recipient is store, vendor, authority, reviewer or partner, not %.40q", ErrInput, to.Kind)
	}
	if to.Name == "" {
		return fmt.Errorf("%w: a recipient needs a name", ErrInput)
	}
	if to.Of != "" && to.Kind != books.KindReviewer {
		return fmt.Errorf("%w: recipient %q is a %s, and only a reviewer has an employer", ErrInput, to.Name, to.Kind)
	}
	if err := errors.Join(records.CheckName("recipient", to.Name, intake.MaxName), records.CheckText("actor", to.Actor, intake.MaxName)); err != nil {
		return err
	}
	to.Ref, to.Blind, to.Digest, to.Added, to.Salt = "", books.Salt{}, books.Digest{}, r.clock(), records.NewSalt()
	if to.Of != "" {
		to = records.NewReviewer(to)
	}
	_, err := r.store.AddRecipient(ctx, to)
	return err
}

// Recipients lists all recipients by name.
func (r *Registry) Recipients(ctx context.Context) ([]books.Recipient, error) {
	return r.store.Recipients(ctx)
}

// Recipient returns the recipient with exactly that name. The error wraps [ErrNotFound] if no recipient has
// it, and [ErrErased] if the name was erased.
func (r *Registry) Recipient(ctx context.Context, name string) (*books.Recipient, error) {
	all, err := r.Recipients(ctx)
	if err != nil {
		return nil, err
	}
	return find(all, name, func(to books.Recipient) bool { return to.Name == name })
}

// find returns the recipient that is accepts. name is for errors, which wrap [ErrNotFound] or [ErrErased].
func find(all []books.Recipient, name string, is func(books.Recipient) bool) (*books.Recipient, error) {
	i := slices.IndexFunc(all, is)
	switch {
	case i < 0:
		return nil, fmt.Errorf("recipient %q: %w", name, ErrNotFound)
	case all[i].Erased():
		return nil, fmt.Errorf("recipient %q: %w", name, ErrErased)
	}
	return &all[i], nil
}

// Submission returns one upload. The error wraps [ErrNotFound] if there is no upload with that ID; a page has none. For
// an erased upload it returns both: the row with what is left, and an error that wraps [ErrErased].
func (r *Registry) Submission(ctx context.Context, id watermark.Submission) (*books.Submission, error) {
	s, err := r.store.Submission(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", id, err)
	}
	if s.Page > 1 {
		return nil, fmt.Errorf("submission %s: %w: it is a page of %s", id, ErrNotFound, s.Document)
	}
	if s.Erased {
		return s, fmt.Errorf("submission %s: %w", id, ErrErased)
	}
	return s, nil
}

// Submissions walks all uploads submitted at or after since (the zero time: all) that were not erased, in the order of
// their receipt. An error ends the walk. Writing to the registry while walking is allowed.
func (r *Registry) Submissions(ctx context.Context, since time.Time) iter.Seq2[*books.Submission, error] {
	return func(yield func(*books.Submission, error) bool) {
		upto, _, err := r.store.Head(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		seen := int64(0)
		every := walk(func(last *books.Submission) ([]books.Submission, error) {
			return r.store.SubmissionsAfter(ctx, last.Seq, listPage)
		})
		for s, err := range every {
			if err == nil && s.Seq <= upto {
				seen++
			}
			if err == nil && (s.Page > 1 || s.Erased || s.Submitted.Before(since)) {
				continue
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
		if all, err := r.store.Searchable(ctx, upto, 0); err != nil || all != seen {
			yield(nil, errors.Join(err, fmt.Errorf("%w: %d submissions are found, and %d were entered", ErrTampered, seen, all)))
		}
	}
}

// Copy returns the row of one issued copy, not its picture, which is not kept. The error wraps
// [ErrNotFound] if there is no copy with that ID.
func (r *Registry) Copy(ctx context.Context, id watermark.CopyID) (*books.Copy, error) {
	c, err := r.store.Copy(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("copy %s: %w", id, err)
	}
	return c, nil
}

// Copies lists the copies issued of a submission, oldest first. Without copies, or for an
// unknown submission, the list is empty.
func (r *Registry) Copies(ctx context.Context, of watermark.Submission) ([]books.Copy, error) {
	return r.store.Copies(ctx, of)
}

// Check recomputes the ledger's tree, and compares every commitment in it with its row. An error that wraps
// [ErrTampered] names the first entry or row that was edited, removed, added or reordered. Size (entries) and head
// (root of the tree, hex) are the state that was checked. Only a state kept elsewhere reveals that the whole registry
// was rewritten. Check verifies no signatures and opens no originals: [Ledger.Audit] does, and compares kept states.
func (l *Ledger) Check(ctx context.Context) (size int64, head string, err error) {
	return stateOf(l.r.store.Check(ctx))
}

// Head returns the size of the ledger (entries) and the root of its tree (hex), as they are
// stored. It checks nothing: [Ledger.Check] does.
func (l *Ledger) Head(ctx context.Context) (size int64, head string, err error) {
	return stateOf(l.r.store.Head(ctx))
}

func stateOf(size int64, root tlog.Hash, err error) (int64, string, error) {
	if err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(root[:]), nil
}

// checkTime returns an error that wraps [ErrInput] if the year of t, in UTC, is not from 0 to 9999: JSON has no such
// times, and rows are never taken out again. what names the time.
func checkTime(what string, t time.Time) error {
	if y := t.UTC().Year(); y < 0 || y > 9999 {
		return fmt.Errorf("%w: the %s is in the year %d", ErrInput, what, y)
	}
	return nil
}

// Clone copies the registry at from, as it is at one moment, to the place to, where no registry is: every row with its
// number and salt, the ledger with its tree, signed checkpoints, and tokens, but nothing else of a service. It then checks the copy as [Ledger.Check]
// does, and returns the ledger's size (entries) and root (hex), which equal the original's. originals is where the copy
// keeps originals, as in [CreateOptions]. progress, if not nil, gets the rows copied and the total after each batch.
//
// Rows are copied in one transaction: an interrupted Clone leaves no row, but sealed originals, which the next Clone
// does not copy again. Another registry in that place is left alone: the error wraps [fs.ErrExist] unless it is this copy
// in its present state. It wraps [ErrConflict] if both would keep originals in one place.
func Clone(ctx context.Context, from, to Driver, originals string, progress func(done, total int)) (size int64, root string, err error) {
	source, err := from.Open(ctx)
	if err != nil {
		return 0, "", fmt.Errorf("open registry: %w", err)
	}
	var sum tlog.Hash
	for range eraseAttempts { // after an erasure the next one copies what is not there yet
		if size, sum, err = to.Transfer(ctx, source, originals, progress); !errors.Is(err, ErrErased) {
			break
		}
	}
	if errors.Is(err, fs.ErrExist) {
		size, sum, err = asCopied(ctx, source, to, originals, err)
	}
	return stateOf(size, sum, errors.Join(err, source.Close()))
}

// asCopied returns the state of the registry at to, if it is a whole copy of source in its present state, with all originals. Else
// the error wraps exists.
func asCopied(ctx context.Context, source records.Store, to Driver, originals string, exists error) (size int64, root tlog.Hash, err error) {
	there, err := to.Open(ctx)
	if err != nil {
		return 0, root, exists
	}
	defer there.Close()
	var states [2][]any
	var place string // of there
	for i, s := range []records.Store{source, there} {
		info, err1 := s.Info(ctx)
		_, root, err2 := s.Head(ctx)
		checkpoints, err3 := s.Checkpoints(ctx)
		tokens, err4 := s.Tokens(ctx)
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return 0, root, errors.Join(exists, err)
		}
		states[i], place = []any{info.ID, root, checkpoints, tokens}, info.Originals
	}
	if place != originals || !reflect.DeepEqual(states[0], states[1]) {
		return 0, root, exists
	}
	size, root, err = there.Check(ctx)
	o, unread := there.CheckObjects(ctx, time.Time{})
	if err = errors.Join(err, unread); err == nil && o.Missing > 0 {
		err = fmt.Errorf("originals of it that are missing: %d", o.Missing)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", exists, err)
	}
	return size, root, err
}
