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

// storeFrom is the number of uploads from which the registry's database is searched
// unless [Config] says otherwise: 20 million take 2 GB of memory for their hashes and
// 80 GB for their local features.
const storeFrom = 20_000_000

// searches says where this investigation searches, the same at every call.
func (v *Investigator) searches(ctx context.Context) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.where != "" {
		return v.where, nil
	}
	where, s := v.cfg.Search, v.cfg.Registry.store
	if where == "" {
		where = SearchMemory
		entries, _, err := s.Head(ctx)
		if err != nil {
			return "", err
		}
		if entries >= storeFrom && !v.cfg.Registry.sealHashes {
			uploads, err := s.Searchable(ctx)
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

// near returns the submissions near any of the queries: within nearRadius in memory,
// within [phash.MatchRadius] in the store.
func (v *Investigator) near(ctx context.Context, queries []phash.Query) ([]candidate, error) {
	where, err := v.searches(ctx)
	if err != nil {
		return nil, err
	}
	var out []candidate
	if where == SearchStore {
		hashes := make([]phash.Hash, len(queries))
		for i, q := range queries {
			hashes[i] = q.Hash
		}
		hits, err := v.cfg.Registry.store.Near(ctx, hashes, phash.MatchRadius)
		for _, h := range hits {
			out = append(out, candidate{ref: h.Ref, distance: h.Distance})
		}
		return out, err
	}
	if err := v.found.follow(ctx, v.cfg.Registry.store, v.cfg.SealKey); err != nil {
		return nil, err
	}
	hits, err := v.found.hashes.SearchEach(queries, nearRadius)
	for _, h := range hits {
		out = append(out, candidate{ref: h.Ref, distance: h.Distance})
	}
	return out, err
}

// searched counts the submissions that are searched.
func (v *Investigator) searched(ctx context.Context, where string) (int, error) {
	if where == SearchStore {
		n, err := v.cfg.Registry.store.Searchable(ctx)
		return int(n), err
	}
	if err := v.found.follow(ctx, v.cfg.Registry.store, v.cfg.SealKey); err != nil {
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

// checkSearch checks where a registry is to be searched.
func checkSearch(where string, r *Registry) error {
	switch {
	case where != "" && where != SearchMemory && where != SearchStore:
		return fmt.Errorf("%w: the search is in %s or %s, not %.40q", ErrInput, SearchMemory, SearchStore, where)
	case where == SearchStore && r.sealHashes:
		return fmt.Errorf("%w: the hashes are sealed, so that they can be searched in %s only", ErrInput, SearchMemory)
	}
	return nil
}

// DeferSearchTables stops the upkeep of the tables by which uploads are found in the
// registry's database, so that many are submitted faster. Until [Registry.BuildSearchTables]
// a search there compares with each of these uploads.
func (r *Registry) DeferSearchTables(ctx context.Context) error { return r.store.DeferBands(ctx) }

// BuildSearchTables makes up for what [Registry.DeferSearchTables] left out, or, anew,
// makes all of these tables again, as after an audit that found them edited. Others may
// use the registry meanwhile, and it may be interrupted and run again. progress, which
// may be nil, is called with how many uploads are done of about how many.
func (r *Registry) BuildSearchTables(ctx context.Context, anew bool, progress func(done, total int64)) error {
	return r.store.BuildBands(ctx, anew, progress)
}
