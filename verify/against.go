package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// against compares a leak with the submissions of [Config.Against] in the place of what
// a search would find.
func (v *Investigator) against(ctx context.Context, l *leakPicture, queries *phash.Leak) ([]Match, error) {
	var out []Match
	for _, id := range v.cfg.Against {
		sub, err := v.cfg.Registry.Submission(ctx, id)
		if errors.Is(err, registry.ErrErased) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("submission %s: %w", id, err)
		}
		m := Match{Submission: id, Pixels: PixelsUnknown, Submitted: sub.Submitted, HashOnly: !sub.Kept}
		if m.Distance, err = v.distance(ctx, id, queries); err != nil {
			return nil, err
		}
		if err := v.comparePixels(ctx, l, &m); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b Match) int { return a.Distance - b.Distance })
	return out, nil
}

// distance is that of a submission's hash to the nearest query; all bits where the hash
// cannot be opened, or was erased meanwhile.
func (v *Investigator) distance(ctx context.Context, of watermark.Submission, queries *phash.Leak) (int, error) {
	hash, err := v.cfg.Registry.Engine().AreaHash(ctx, v.cfg.SealKey, of)
	if errors.Is(err, registry.ErrSealed) || err != nil && gone(err) == nil {
		return searched.Len(), nil
	}
	if err != nil {
		return 0, err
	}
	return queries.Distance(hash), nil
}
