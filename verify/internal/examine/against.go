package examine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/conclude"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// against compares the pixels of a leak with every submission of [verify.Options].Against, and returns the matches, nearest
// hash first, however far they are. Erased submissions are passed over.
func (v *Examiner) against(ctx context.Context, l *Leak, queries []phash.Hash) ([]findings.Match, error) {
	var out []findings.Match
	for _, id := range v.Cfg.Against {
		sub, err := v.Cfg.Registry.Submission(ctx, id)
		if errors.Is(err, registry.ErrErased) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("submission %s: %w", id, err)
		}
		m := findings.Match{Submission: id, Pixels: findings.PixelsUnknown, Submitted: sub.Submitted, HashOnly: !sub.Kept}
		if err := v.comparePages(ctx, l, &m); err != nil {
			return nil, err
		}
		if m.Distance, err = v.Distance(ctx, conclude.PageOf(&m), queries); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b findings.Match) int { return a.Distance - b.Distance })
	return out, nil
}

// Distance returns the minimum distance of a submission's hash to the queries, in bits of 256. It
// is 256 if the hash cannot be opened, or was erased meanwhile.
func (v *Examiner) Distance(ctx context.Context, of watermark.Submission, queries []phash.Hash) (int, error) {
	hash, err := v.Engine().AreaHash(ctx, v.Cfg.SealKey, of)
	if err != nil {
		return tuning.Searched.Len(), gone(err)
	}
	nearest := tuning.Searched.Len()
	for _, q := range queries {
		nearest = min(nearest, q.Distance(hash))
	}
	return nearest, nil
}
