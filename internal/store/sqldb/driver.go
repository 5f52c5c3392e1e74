package sqldb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
)

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
	if originals == source.address && (filepath.IsAbs(originals) || strings.Contains(originals, "://")) {
		return 0, root, fmt.Errorf("%w: a copy keeps originals at a place of its own, got that of the registry: %s", records.ErrConflict, originals)
	}
	target, err := d.Receive(ctx, d.At, d.Places...)
	if err != nil {
		return 0, root, fmt.Errorf("create registry: %w", err)
	}
	if err := target.keepAt(ctx, originals, source.info.ID); err != nil {
		return 0, root, errors.Join(err, target.Close())
	}
	size, root, err = Transfer(ctx, source, target, progress)
	return size, root, errors.Join(err, target.Close())
}
