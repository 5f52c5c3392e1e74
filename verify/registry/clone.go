package registry

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/kycmark/kycmark/internal/store/postgres"
	"github.com/kycmark/kycmark/internal/store/sqldb"
	"github.com/kycmark/kycmark/internal/store/sqlite"
)

// Clone copies a registry, as it is at one moment, to an address as of
// [Create] where no registry is: every row with its number and salt, the ledger with
// its tree, and the signed checkpoints. It then checks the copy as
// [Registry.CheckLedger] does and returns its size and root, which are those of the
// original. Progress, where it is not nil, is told how many rows of how many are
// copied. What it leaves when it fails cannot be opened as a registry and must be
// deleted before it is called again.
func Clone(ctx context.Context, from, to string, progress func(done, total int)) (size int64, root string, err error) {
	open, create := sqlite.Open, sqlite.CreateEmpty
	if postgres.IsDSN(from) {
		open = postgres.Open
	}
	if postgres.IsDSN(to) {
		create = postgres.CreateEmpty
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
	if err != nil {
		err = fmt.Errorf("the copy is not whole and must be deleted: %w", err)
	}
	if err = errors.Join(err, target.Close(), source.Close()); err != nil {
		return 0, "", err
	}
	return size, hex.EncodeToString(sum[:]), nil
}
