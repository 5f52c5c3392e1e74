package registry

import (
	"context"
	"fmt"

	"github.com/kycmark/kycmark/internal/books"
)

// OpenForInvestigation is [Open] for those who look for leaks and do nothing else:
// the handle searches, reads, and logs investigations. Whatever would issue, submit,
// erase, sign a checkpoint, or enter recipients, keys, receipts or custody fails
// with an error that wraps [ErrReadOnly]. It guards against mistakes of a program; against
// its user the database's own permissions do (docs/registry.md).
func OpenForInvestigation(ctx context.Context, at Driver) (*Registry, error) {
	r, err := Open(ctx, at)
	if err != nil {
		return nil, err
	}
	r.store = investigationStore{r.store}
	return r, nil
}

// readOnly reports whether the registry is open for investigation only.
func (r *Registry) readOnly() bool {
	_, ok := r.store.(investigationStore)
	return ok
}

// investigationStore refuses whatever writes but AddInvestigation.
type investigationStore struct{ books.Store }

func refused(what string) error { return fmt.Errorf("%s: %w", what, ErrReadOnly) }

func (investigationStore) AddRecipient(context.Context, books.Recipient) (bool, error) {
	return false, refused("enter a recipient")
}

func (investigationStore) AddMarkKey(context.Context, books.KeyEntry) (bool, error) {
	return false, refused("enter a mark key")
}

func (investigationStore) AddKeyState(context.Context, books.KeyState) error {
	return refused("enter a key's state")
}

func (investigationStore) AddSubmissions(context.Context, []books.Upload) ([]bool, error) {
	return nil, refused("submit")
}

func (investigationStore) Erase(context.Context, books.Erasure) error { return refused("erase") }

func (investigationStore) AddCopies(context.Context, []books.Copy, books.KeyEntry) error {
	return refused("issue")
}

func (investigationStore) AddReceipt(context.Context, books.Receipt) error {
	return refused("enter a receipt")
}

func (investigationStore) AddCustody(context.Context, ...books.Custody) error {
	return refused("enter custody")
}

func (investigationStore) AddCheckpoint(context.Context, books.Checkpoint) (*books.Checkpoint, error) {
	return nil, refused("keep a checkpoint")
}

func (investigationStore) ChangeCheckpoint(context.Context, int64, func(*books.Checkpoint) error) (*books.Checkpoint, error) {
	return nil, refused("change a checkpoint")
}

func (investigationStore) DeferBands(context.Context) error {
	return refused("defer the search tables")
}

func (investigationStore) BuildBands(context.Context, bool, func(done, total int64)) error {
	return refused("build the search tables")
}
