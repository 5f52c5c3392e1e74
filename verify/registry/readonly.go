package registry

import "context"

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
	r.store, r.readOnly = r.store.ForInvestigation(), true
	return r, nil
}
