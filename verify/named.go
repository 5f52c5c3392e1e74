package verify

import (
	"context"
	"errors"

	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/examine"
	"github.com/kycmark/kycmark/verify/internal/holdings"
	"github.com/kycmark/kycmark/verify/internal/weigh"
	"github.com/kycmark/kycmark/verify/registry"
)

// With Config.Against only the listed uploads are searched, so matches say nothing about dates or custody: if all
// matches are of February, February was listed. Marks are unaffected: their error rate does not depend on the choice.

// namedBooks fills b if only named submissions were searched: it counts these, and what leaks show beside them, in
// one cell of time. The history is of the whole registry, and no holder's custody is counted from it.
func (v *Investigator) namedBooks(ctx context.Context, cfg weigh.Basis, b *weigh.Facts, leaks []*findings.Finding) error {
	b.Holdings.Unmarked = make(map[string][]int)
	b.Ever = &holdings.Holdings{Copies: make(map[string][]int), Unmarked: make(map[string][]int)}
	for _, l := range findings.Shown(leaks) {
		b.CountOne(cfg, weigh.Held{Submitted: l.Submitted, Copies: b.Copies[l.Submission], Custody: l.Custody})
	}
	for _, id := range v.cfg.Against {
		if _, known := b.Copies[id]; known {
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
		b.CountOne(cfg, weigh.Held{Submitted: s.Submitted, Copies: examine.HandedOut(copies), Custody: custody})
	}
	return nil
}
