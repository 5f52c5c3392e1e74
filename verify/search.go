package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// near returns the submissions within [tuning.NearRadius] bits of any of the queries, nearest first. The catalogue is first
// brought up to date.
func (c *catalogue) near(ctx context.Context, queries []phash.Hash) ([]candidate, error) {
	if err := c.follow(ctx); err != nil {
		return nil, err
	}
	hits, err := c.hashes.Search(tuning.NearRadius, queries...)
	var out []candidate
	for _, h := range hits {
		out = append(out, candidate{ref: h.Ref, distance: h.Distance})
	}
	return out, err
}

// A candidate is a submission that the search found for a leak, not yet compared by pixels.
type candidate struct {
	ref      int64          // number of the submission in the registry
	distance int            // of the hashes, bits of 256; 0 if it was found by parts
	region   *findings.Quad // where the submission lies in the leak; nil: the whole leak
	score    float64        // [parts.Match.Score]; 0 if it was found by its hash
}

// A catalogue holds in memory, and keeps up to date, what the search of a registry needs:
// for each submission about 100 bytes for its hash, and 4 kB for its local features. Numbers
// of submissions ascend in the order in which submissions become visible. They are never
// used again. The catalogue therefore misses exactly the submissions after the last number
// it has read.
//
// What is in segments of the registry is not read from rows, and features are mapped. A segment that is missing or
// altered is not used: its submissions are read from their rows.
type catalogue struct {
	registry *registry.Registry
	key      *registry.SealKey // nil: local features are left out

	mu       sync.Mutex
	read     int64 // number of the last submission that was read
	erased   int64 // number of the last erasure that was followed
	begun    int64 // entries when it was begun, until their submissions were counted; then 0
	hidden   int   // submissions that were entered and are not found
	hashes   *phash.List
	segments []engine.Segment
	whole    bool // so many submissions that their local features are not read
	parts    *parts.Index
	leaving  sync.RWMutex       // held to search parts, and to exchange a segment of them
	altered  *parts.RecordError // of a segment that was left, whose submissions are not all read; nil: none
	adding   []*engine.Found    // whose features are not in parts yet
	reach    []reach            // by the number of the submission; noUpload beside
	count    [numReaches]int    // submissions by their reach
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

// follow brings the catalogue up to date with the registry: new uploads and erasures. What the key does not open is left
// out and counted.
func (c *catalogue) follow(ctx context.Context) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hashes == nil {
		if err := c.begin(ctx); err != nil {
			return fmt.Errorf("open segments: %w", err)
		}
	}
	key := c.key
	if c.whole {
		key = nil
	}
	if err := errors.Join(c.load(ctx, key, c.hashes.Add), c.index()); err != nil {
		return fmt.Errorf("load hashes and features: %w", err)
	}
	if c.erased, err = c.registry.Engine().ErasedAfter(ctx, c.erased, c.forget); unlessAltered(err) != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	return c.complete(ctx)
}

// complete compares how many submissions the catalogue has with how many there were when it was begun: an index that
// hides a row would hide it from the search. It sets hidden. After an erasure meanwhile, the next search does. The caller holds mu.
func (c *catalogue) complete(ctx context.Context) error {
	if c.begun == 0 {
		return nil
	}
	if c.erased > c.begun { // maybe of submissions that were not there then
		c.begun = c.erased
		return nil
	}
	all, err := c.registry.Engine().Searchable(ctx, c.begun, c.erased)
	altered := errors.Is(err, registry.ErrTampered)
	if err != nil && !altered {
		return err
	}
	have := int64(0)
	for _, how := range c.reach[:min(c.begun+1, int64(len(c.reach)))] {
		if how != noUpload {
			have++
		}
	}
	if c.begun, c.hidden = 0, int(max(all-have, 0)); c.hidden == 0 && (altered || have != all) && c.count[byNoRecord] == 0 {
		c.hidden = 1 // one at least
	}
	return nil
}

// begin opens the segments of the registry. The caller holds mu.
func (c *catalogue) begin(ctx context.Context) (err error) {
	local, segments := new(parts.Index), []engine.Segment(nil)
	if c.key != nil {
		if segments, err = c.registry.Engine().Segments(ctx, c.key, local); err != nil {
			return err
		}
	}
	entries, _, err := c.registry.Ledger().Head(ctx) // after the segments: these have no later number
	if err != nil {
		return err
	}
	all, err := c.registry.Engine().Searchable(ctx, entries, math.MaxInt64)
	if err != nil && !errors.Is(err, registry.ErrTampered) { // complete says it
		return err
	}
	for _, s := range segments {
		if s.Err == nil && (s.First < 1 || s.Last > entries) {
			return fmt.Errorf("%w: a segment has the submissions %d to %d, of %d entries", registry.ErrTampered, s.First, s.Last, entries)
		}
	}
	c.whole = all >= tuning.PartsUpTo && len(segments) == 0 && !c.registry.Engine().SealsHashes()
	c.hashes, c.segments, c.parts, c.begun = phash.NewList(tuning.Searched), segments, local, entries
	return nil
}

// load enters the submissions after number read: from segments, and the others from their rows. It gives their hashes to
// enter. The caller holds mu.
func (c *catalogue) load(ctx context.Context, key *registry.SealKey, enter func(phash.Hash, int64) error) (err error) {
	add := func(f *engine.Found) error { return c.add(f, key != nil, enter) }
	for i := range c.segments {
		s := &c.segments[i]
		if s.Err != nil || s.Last <= c.read {
			continue
		}
		if c.read, err = c.registry.Engine().FoundBy(ctx, key, c.read, s.First-1, add); err != nil {
			return err
		}
		for f := range s.Found() {
			again := false
			if f.FeaturesErr != nil { // its row was damaged: it may be whole again
				if _, err := c.registry.Engine().FoundBy(ctx, key, f.Number-1, f.Number, func(f *engine.Found) error {
					if again = true; f.HashErr == nil && f.FeaturesErr == nil {
						_, err := s.Leave(ctx) // it lacks what the row has
						return errors.Join(err, add(f))
					}
					return add(f)
				}); err != nil {
					return err
				}
			}
			if again {
				continue
			}
			if err := add(f); err != nil {
				return err
			}
		}
		c.read = s.Last
		s.Close()
	}
	c.read, err = c.registry.Engine().FoundBy(ctx, key, c.read, math.MaxInt64, add)
	return err
}

// dismount leaves a segment that was altered, and reads its submissions from their rows.
func (c *catalogue) dismount(ctx context.Context, altered *parts.RecordError) error {
	c.leaving.Lock()
	defer c.leaving.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.segments {
		s := &c.segments[i]
		if s.File != altered.Name || s.Err != nil {
			continue // by another search
		}
		c.altered = altered
		if _, err := s.Leave(ctx); err != nil {
			return err
		}
		c.parts.Unmount(s.File)
		known := func(phash.Hash, int64) error { return nil }
		if _, err := c.registry.Engine().FoundBy(ctx, c.key, s.First-1, s.Last, func(f *engine.Found) error { return c.add(f, true, known) }); err != nil {
			return err
		}
		if err := c.index(); err != nil {
			return err
		}
		s.Err = fmt.Errorf("%w (submissions %d to %d)", altered, s.First, s.Last)
	}
	c.altered = nil
	return nil
}

// featureless reports whether there are no local features to search.
func (c *catalogue) featureless() bool {
	c.leaving.RLock()
	defer c.leaving.RUnlock()
	return c.altered == nil && c.parts.Len() == 0
}

// searching runs a search among the local features of the registry, again for as long as it meets an altered
// segment. While the submissions of an altered segment are not all read, nothing is searched.
func (c *catalogue) searching(ctx context.Context, search func(x *parts.Index) error) error {
	for {
		c.leaving.RLock()
		altered, err := c.altered, error(nil)
		if altered == nil {
			err = search(c.parts)
			errors.As(err, &altered)
		}
		c.leaving.RUnlock()
		if altered == nil {
			return err
		}
		if err := c.dismount(ctx, altered); err != nil {
			return err
		}
	}
}

// last returns the number of the last submission that was read.
func (c *catalogue) last() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

// used lists the segments, for the record. The caller does not hold mu.
func (c *catalogue) used() (out []findings.Segment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.segments {
		u := findings.Segment{File: s.File}
		if s.Err != nil {
			u.Problem = s.Err.Error()
		}
		out = append(out, u)
	}
	return out
}

// add adds a submission to the indices, and gives its hash to enter. Without a sealing key (opens), what is sealed is
// missing, but not damaged. The caller holds mu.
func (c *catalogue) add(f *engine.Found, opens bool, enter func(phash.Hash, int64) error) error {
	hashed := f.HashErr == nil && f.Quality >= phash.MinQuality
	if hashed {
		if err := enter(f.Hash, f.Number); err != nil {
			return err
		}
	}
	if f.Features != nil && !c.parts.Has(f.Number) {
		if c.adding = append(c.adding, f); len(c.adding) == tuning.BulkFeatures {
			if err := c.index(); err != nil {
				return err
			}
		}
	}
	damaged := func(err error) bool { return err != nil && (opens || errors.Is(err, registry.ErrTampered)) }
	how := byNothing
	switch {
	case damaged(f.HashErr) || damaged(f.FeaturesErr):
		how = byNoRecord
	case f.Features != nil || f.Mounted || hashed && opens && f.Kept:
		how = byAll
	case hashed:
		how = byHash
	}
	c.set(f.Number, how)
	return nil
}

// index adds the features of c.adding to c.parts. The caller holds mu.
func (c *catalogue) index() error {
	if len(c.adding) == 0 {
		return nil
	}
	defer func() { c.adding = nil }()
	return c.parts.AddAll(func(yield func(int64, *parts.Features) bool) {
		for _, f := range c.adding {
			if !yield(f.Number, f.Features) {
				return
			}
		}
	})
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

// missing returns how many uploads the search reaches in part or not at all, and how many there are; nil if it
// reaches all.
func (c *catalogue) missing() *findings.Missing {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := &findings.Missing{Whole: c.count[byHash], Flat: c.count[byNothing], Damaged: c.count[byNoRecord] + c.hidden}
	if m.Whole+m.Flat+m.Damaged == 0 {
		return nil
	}
	m.Uploads = c.count[byAll] + m.Whole + m.Flat + m.Damaged
	return m
}

// forget removes the submission of a number, which was erased, from both indices. The caller holds mu.
func (c *catalogue) forget(number int64, _ watermark.Submission) {
	c.hashes.Remove(number)
	c.parts.Remove(number)
	c.set(number, noUpload)
}
