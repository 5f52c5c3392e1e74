package registry

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
)

// Clone copies a registry, as it is at one moment, to an address as of
// [Create] where no registry is: every row with its number and salt, the ledger with
// its tree, and the signed checkpoints. It then checks the copy as
// [Registry.CheckLedger] does and returns its size and root, which are those of the
// original. Progress, where it is not nil, is told how many rows of how many are
// copied.
//
// What it leaves when it fails or is killed cannot be opened as a registry. Called again
// it goes on there; what was erased from the original meanwhile is erased from the copy.
// Until then such a rest holds what the original held: delete it where it is given up.
// Another registry in that place is left alone: the error wraps [fs.ErrExist], or
// [ErrConflict] where it is the interrupted copy of another one.
func Clone(ctx context.Context, from, to string, progress func(done, total int)) (size int64, root string, err error) {
	open, create := sqlite.Open, sqlite.OpenCopy
	if postgres.IsDSN(from) {
		open = postgres.Open
	}
	if postgres.IsDSN(to) {
		create = postgres.OpenCopy
	}
	source, err := open(ctx, from)
	if err != nil {
		return 0, "", fmt.Errorf("open registry: %w", err)
	}
	target, err := create(ctx, to)
	if err != nil {
		return 0, "", errors.Join(fmt.Errorf("create registry: %w", err), source.Close())
	}
	size, sum, err := sqldb.Transfer(ctx, source, target, progress)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = fmt.Errorf("the copy is not whole yet, and goes on when it is started again: %w", err)
	}
	if err = errors.Join(err, target.Close(), source.Close()); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(sum[:]), nil
}
