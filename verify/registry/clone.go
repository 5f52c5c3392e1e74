package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
)

// Clone copies the registry at from, as it is at one moment, to the place to, where no registry is: every row with its
// number and salt, the ledger with its tree, and the signed checkpoints. It then checks the copy as [Ledger.Check]
// does, and returns the ledger's size (entries) and root (hex), which equal the original's. originals is where the copy
// keeps originals, as in [CreateOptions]. progress, if not nil, is called after each batch with the rows copied and the
// total.
//
// An interrupted Clone leaves a part of a copy, which cannot be opened as a registry. The next Clone goes on with it,
// and erases from it what was erased from the original meanwhile. Until then the part holds what the original held:
// delete it when you give up. Another registry in that place is left alone: the error wraps [fs.ErrExist] unless it is
// this copy, or [ErrConflict] if it is the interrupted copy of another registry.
func Clone(ctx context.Context, from, to Driver, originals string, progress func(done, total int)) (size int64, root string, err error) {
	source, err := from.Open(ctx)
	if err != nil {
		return 0, "", fmt.Errorf("open registry: %w", err)
	}
	size, sum, err := to.Transfer(ctx, source, originals, progress)
	if errors.Is(err, fs.ErrExist) {
		if n, root, e := asCopied(ctx, source, to, originals); e == nil {
			size, sum, err = n, root, nil
		}
	}
	return stateOf(size, sum, errors.Join(err, source.Close()))
}

// asCopied returns the state of the registry at to, if it is a copy of source in its present state.
func asCopied(ctx context.Context, source records.Store, to Driver, originals string) (size int64, root tlog.Hash, err error) {
	there, err := to.Open(ctx)
	if err != nil {
		return 0, root, err
	}
	of, err1 := source.Info(ctx)
	info, err2 := there.Info(ctx)
	_, want, err3 := source.Head(ctx)
	size, root, err4 := there.Head(ctx)
	if err = errors.Join(err1, err2, err3, err4, there.Close()); err == nil && (root != want || of.ID != info.ID || info.Originals != originals) {
		err = fs.ErrExist
	}
	return size, root, err
}
