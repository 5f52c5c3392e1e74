package verify

import (
	"context"
	"fmt"
	"sync"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Where an investigation searches: see [Config].
const (
	SearchMemory = "memory"
	SearchStore  = "store"
)

// searches returns where this investigation searches, [SearchMemory] or [SearchStore]. If
// [Config].Search is empty, the store is searched from [storeFrom] uploads on, unless its hashes
// are sealed. The first call decides for all that follow.
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

// near returns the submissions near any of the queries, nearest first: within [nearRadius] bits if
// memory is searched, within [phash.MatchRadius] if the store is. If memory is searched, the
// catalogue is first brought up to date, even if queries is nil. nil queries find nothing.
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

// searched returns the number of submissions whose hashes are searched: of the store, or of memory
// after it was brought up to date. where is the result of [Investigator.searches].
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

// searched is the kind of hash by which submissions are found.
const searched = phash.Area

// A catalogue holds in memory, and keeps up to date, what the search of a registry needs:
// for each submission about 100 bytes for its hash, and 4 kB for its local features. Numbers
// of submissions ascend in the order in which submissions become visible. They are never
// used again. The catalogue therefore misses exactly the submissions after the last number
// it has read.
type catalogue struct {
	mu       sync.Mutex
	hashed   int64 // number of the last submission whose hash was read
	featured int64 // the same of features
	erased   int64 // number of the last erasure that was followed
	hashes   *phash.Index
	parts    parts.Index
}

// follow brings the catalogue up to date with r: new hashes, new local features, and erasures.
// Hashes of a quality too low to be matched are left out, and so is what key does not open. A nil
// key leaves out all local features.
func (c *catalogue) follow(ctx context.Context, r *registry.Registry, key *registry.SealKey) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hashes == nil {
		c.hashes = phash.NewIndex(searched)
	}
	if c.hashed, err = r.Engine().HashesAfter(ctx, key, c.hashed, c.addHash); err != nil {
		return fmt.Errorf("load hashes: %w", err)
	}
	if key != nil {
		if c.featured, err = r.Engine().FeaturesAfter(ctx, key, c.featured, c.parts.Add); err != nil {
			return fmt.Errorf("load features: %w", err)
		}
	}
	if c.erased, err = r.Engine().ErasedAfter(ctx, c.erased, c.forget); err != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	return nil
}

// addHash adds the hash of the submission of a number, unless its quality, 0..100, is below
// [phash.MinQuality].
func (c *catalogue) addHash(number int64, hash phash.Hash, quality int) error {
	_, err := c.hashes.Offer(hash, quality, number)
	return err
}

// forget removes the submission of a number, which was erased, from both indices. It does not need
// the submission's ID.
func (c *catalogue) forget(number int64, _ watermark.Submission) {
	c.hashes.Remove(number)
	c.parts.Remove(number)
}
