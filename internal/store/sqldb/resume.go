package sqldb

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/tlog"
)

// whole reports whether the copy is finished. size (entries) and root are the source registry's.
// If a finished copy differs from these, the error wraps [fs.ErrExist].
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

// resume prepares an interrupted copy so that [transfer.rows] can continue it. The error wraps
// [books.ErrConflict] if the copy's entries are not the first entries of the source. resume
// erases from the copy what was erased from the source since. It deletes the copy's checkpoints and
// changes of subjects, which are copied again. No other rows ever change. A copy without entries
// must hold no rows.
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
		for _, changes := range []string{checkpointTable.name, subjectTable.name} {
			if _, err := to.ExecContext(t.ctx, "DELETE FROM "+changes); err != nil {
				return err
			}
		}
		return nil
	})
}

// eraseAgain erases from the copy what was erased from the source since it was copied.
// Submissions that the copy does not have yet are passed over: they are copied in their erased
// state.
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
			if _, err := blank(t.ctx, to, []books.Submission{{ID: e.ID}}, e.Erasure); err != nil {
				return err
			}
		}
		return nil
	})
}
