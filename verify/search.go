package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/findings"
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
			uploads, _, err := r.Engine().Searchable(ctx)
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
		n, _, err := v.cfg.Registry.Engine().Searchable(ctx)
		return int(n), err
	}
	if err := v.found.follow(ctx, v.cfg.Registry, v.cfg.SealKey); err != nil {
		return 0, err
	}
	return v.found.hashes.Len(), nil
}

// missing returns how many uploads a search cannot find, or only in part; nil if it finds all.
// In the store the search looks at whole pictures alone, and nothing tells flat from damaged. The
// count of the store is made once.
func (v *Investigator) missing(ctx context.Context) (*findings.Missing, error) {
	where, err := v.searches(ctx)
	if err != nil || where == SearchMemory {
		return v.found.missing(), err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.inStore == nil {
		hashed, all, err := v.cfg.Registry.Engine().Searchable(ctx)
		if err != nil {
			return nil, err
		}
		v.inStore = &findings.Missing{Uploads: int(all), Whole: int(hashed), Flat: int(all - hashed)}
	}
	return v.inStore, nil
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
	mu     sync.Mutex
	read   int64 // number of the last submission that was read
	erased int64 // number of the last erasure that was followed
	hashes *phash.Index
	parts  parts.Index
	reach  []reach         // by the number of the submission; noUpload beside
	count  [numReaches]int // submissions by their reach
}

// A reach says how far the search can find one upload.
type reach uint8

// Reaches of the search.
const (
	noUpload   reach = iota // no upload has the number, or it was erased
	byAll                   // by its hash and by its parts, as far as it has these
	byHash                  // as a whole alone
	byNothing               // it is too flat, or sealed and there is no key
	byNoRecord              // what it would be found by was altered or removed, or cannot be read
	numReaches
)

// follow brings the catalogue up to date with r: new uploads and erasures. Hashes of a quality too
// low to be matched are left out. What key does not open is left out and counted. A nil key leaves
// out all local features.
func (c *catalogue) follow(ctx context.Context, r *registry.Registry, key *registry.SealKey) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hashes == nil {
		c.hashes = phash.NewIndex(searched)
	}
	c.read, err = r.Engine().FoundBy(ctx, key, c.read, func(f *engine.Found) error { return c.add(f, key != nil) })
	if err != nil {
		return fmt.Errorf("load hashes and features: %w", err)
	}
	if c.erased, err = r.Engine().ErasedAfter(ctx, c.erased, c.forget); err != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	return nil
}

// add adds a submission to the indices. opens reports whether there is a sealing key: without one,
// what is sealed is missing, but not damaged. The caller holds mu.
func (c *catalogue) add(f *engine.Found, opens bool) (err error) {
	hashed := false
	if f.HashErr == nil {
		if hashed, err = c.hashes.Offer(f.Hash, f.Quality, f.Number); err != nil {
			return err
		}
	}
	if f.Features != nil {
		if err := c.parts.Add(f.Number, f.Features); err != nil {
			return err
		}
	}
	damaged := func(err error) bool { return err != nil && (opens || errors.Is(err, registry.ErrTampered)) }
	how := byNothing
	switch {
	case damaged(f.HashErr) || damaged(f.FeaturesErr):
		how = byNoRecord
	case f.Features != nil || hashed && opens && f.Kept && f.Stated:
		how = byAll
	case hashed:
		how = byHash
	}
	c.set(f.Number, how)
	return nil
}

// set enters the reach of a submission. The caller holds mu.
func (c *catalogue) set(number int64, how reach) {
	if more := number + 1 - int64(len(c.reach)); more > 0 {
		c.reach = append(c.reach, make([]reach, more)...)
	}
	c.count[c.reach[number]]--
	c.reach[number] = how
	c.count[how]++
}

// damaged notes that the row of a submission cannot be read. The catalogue need not have it.
func (c *catalogue) damaged(number int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(number, byNoRecord)
}

// missing returns how many uploads the search reaches in part or not at all; nil if it reaches all.
func (c *catalogue) missing() *findings.Missing {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &findings.Missing{Whole: c.count[byHash], Flat: c.count[byNothing], Damaged: c.count[byNoRecord]}
	if *m == (findings.Missing{}) {
		return nil
	}
	m.Uploads = c.count[byAll] + m.Whole + m.Flat + m.Damaged
	return m
}

// forget removes the submission of a number, which was erased, from both indices. It does not need
// the submission's ID. The caller holds mu.
func (c *catalogue) forget(number int64, _ watermark.Submission) {
	c.hashes.Remove(number)
	c.parts.Remove(number)
	c.set(number, noUpload)
}
