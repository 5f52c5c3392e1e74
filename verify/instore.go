package verify

import (
	"context"
	"fmt"

	"github.com/kycmark/kycmark/phash"
)

// Where an investigation searches: see [Config].
const (
	SearchMemory = "memory"
	SearchStore  = "store"
)

// searches says where this investigation searches, the same at every call.
func (v *Investigator) searches(ctx context.Context) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.where != "" {
		return v.where, nil
	}
	where, r := v.cfg.Search, v.cfg.Registry
	if where == "" {
		where = SearchMemory
		entries, _, err := r.Ledger().Head(ctx)
		if err != nil {
			return "", err
		}
		if entries >= storeFrom && !r.Engine().SealsHashes() {
			uploads, err := r.Engine().Searchable(ctx)
			if err != nil {
				return "", err
			}
			if uploads >= storeFrom {
				where = SearchStore
			}
		}
	}
	v.where = where
	return where, nil
}

// near returns the submissions near any of the queries: within nearRadius (bits) if memory is
// searched, within [phash.MatchRadius] if the store is. A search of memory first brings the
// catalogue up to date, including its local features of parts.
func (v *Investigator) near(ctx context.Context, queries *phash.Leak) ([]candidate, error) {
	where, err := v.searches(ctx)
	if err != nil {
		return nil, err
	}
	var out []candidate
	if where == SearchStore && queries == nil {
		return nil, nil
	}
	if where == SearchStore {
		hits, err := v.cfg.Registry.Engine().Near(ctx, queries.Hashes())
		for _, h := range hits {
			out = append(out, candidate{ref: h.Ref, distance: h.Distance})
		}
		return out, err
	}
	if err := v.found.follow(ctx, v.cfg.Registry, v.cfg.SealKey); err != nil {
		return nil, err
	}
	hits, err := v.found.hashes.SearchLeak(queries, nearRadius)
	for _, h := range hits {
		out = append(out, candidate{ref: h.Ref, distance: h.Distance})
	}
	return out, err
}

// searched counts the submissions that are searched.
func (v *Investigator) searched(ctx context.Context, where string) (int, error) {
	if where == SearchStore {
		n, err := v.cfg.Registry.Engine().Searchable(ctx)
		return int(n), err
	}
	if err := v.found.follow(ctx, v.cfg.Registry, v.cfg.SealKey); err != nil {
		return 0, err
	}
	return v.found.hashes.Len(), nil
}

// beyond says, for the record, what is compared beyond the radius.
func beyond(where string) string {
	if where == SearchStore {
		return "none: the registry's database is searched"
	}
	return fmt.Sprintf("%d of 256 bits, the nearest %d by their pixels", nearRadius, maxNear)
}
