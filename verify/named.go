package verify

import (
	"context"
	"errors"

	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/registry"
)

// With Config.Against only the listed uploads are searched, so matches say nothing about
// dates or custody: if all matches are of February, February was listed. Marks are
// unaffected: their error rate does not depend on the choice.

// namedBooks fills b if only named submissions were searched: it counts these, and what leaks show beside them, in
// one cell of time. The history is of the whole registry, and no holder's custody is counted from it.
func (v *Investigator) namedBooks(ctx context.Context, cfg Basis, b *books, leaks []*Finding) error {
	b.holdings.Unmarked = make(map[string][]int)
	b.ever = &engine.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}
	for _, l := range shown(leaks) {
		b.countOne(cfg, held{l.Submitted, b.copies[l.Submission], l.Custody})
	}
	for _, id := range v.cfg.Against {
		if _, known := b.copies[id]; known {
			continue // a leak shows it
		}
		s, err := v.cfg.Registry.Submission(ctx, id)
		if errors.Is(err, registry.ErrErased) {
			continue // as in the comparison
		}
		if err != nil {
			return err
		}
		copies, err := v.cfg.Registry.Copies(ctx, id)
		if err != nil {
			return err
		}
		custody, err := v.cfg.Registry.Custody(ctx, registry.CustodyFilter{Submission: id})
		if err != nil {
			return err
		}
		b.countOne(cfg, held{s.Submitted, handedOut(copies), custody})
	}
	return nil
}
