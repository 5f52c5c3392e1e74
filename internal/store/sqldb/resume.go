package sqldb

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/watermark"
)

// whole reports whether the copy is finished. A finished copy that differs from the source
// registry in size (entries) or root is an error.
func (t *transfer) whole(size int64, root tlog.Hash) (bool, error) {
	switch _, err := infoTable.one(t.ctx, t.to.read, ""); {
	case errors.Is(err, books.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	n, sum, err := readHead(t.ctx, t.to.read, "")
	if err == nil && (n != size || sum != root) {
		err = fmt.Errorf("another registry is there, or this one as it was at another time: %w", fs.ErrExist)
	}
	return true, err
}

// resume makes sure that what the copy has is of the registry, and brings it up to date:
// only submissions and checkpoints ever change.
func (t *transfer) resume() error {
	last, err := ledgerTable.one(t.ctx, t.to.read, " ORDER BY seq DESC LIMIT 1")
	if errors.Is(err, books.ErrNotFound) {
		return t.to.mustBeEmpty(t.ctx)
	}
	if err != nil {
		return err
	}
	border := tlog.Border(uint64(last.seq))
	want, err := readNodes(t.ctx, t.from, border)
	if err != nil && !errors.Is(err, books.ErrTampered) { // it is shorter
		return err
	}
	have, err := readNodes(t.ctx, t.to.read, border)
	if err != nil {
		return err
	}
	if !slices.Equal(want, have) {
		return fmt.Errorf("%w: it holds the interrupted copy of another registry", books.ErrConflict)
	}
	if err := t.eraseAgain(); err != nil {
		return err
	}
	return t.write(func(to *tx) error {
		_, err := to.ExecContext(t.ctx, "DELETE FROM "+checkpointTable.name)
		return err
	})
}

// eraseAgain erases from the copy what was erased from the registry since.
func (t *transfer) eraseAgain() error {
	gone, err := erasedAfter(t.ctx, t.from, 0)
	if err != nil {
		return err
	}
	return t.write(func(to *tx) error {
		for _, e := range gone {
			var erased int64
			err := to.QueryRowContext(t.ctx, "SELECT erased FROM submission WHERE seq = $1", e.Seq).Scan(&erased)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			if err != nil || erased != 0 {
				continue // it is copied as it is, or was
			}
			if err := blank(t.ctx, to, []watermark.Submission{e.ID}, e.Erasure); err != nil {
				return err
			}
		}
		return nil
	})
}
