// Package search finds the uploads of a registry that a leak may show, by hashes and by local features, not by pixels.
package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/tuning"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// Near updates the catalogue, and returns the submissions within [tuning.NearRadius] bits of any of the queries, nearest first.
func (c *Catalogue) Near(ctx context.Context, queries []phash.Hash) ([]Candidate, error) {
	if err := c.Follow(ctx); err != nil {
		return nil, err
	}
	hits, err := c.Hashes.Search(tuning.NearRadius, queries...)
	return each.Of(hits, func(h phash.Hit) Candidate { return Candidate{Ref: h.Ref, Distance: h.Distance} }), err
}

// A Candidate is a submission that the search found for a leak, not yet compared by pixels.
type Candidate struct {
	Ref      int64          // number of the submission in the registry
	Distance int            // of the hashes, bits of 256; 0 if it was found by parts
	Region   *findings.Quad // where the submission lies in the leak; nil: the whole leak
	Score    float64        // [parts.Match.Score]; 0 if it was found by its hash
}

// A Catalogue holds in memory, and keeps up to date, what the search of a registry needs: for each submission about 100
// bytes for its hash, and 4 kB for its local features. Numbers of submissions ascend in the order in which submissions
// become visible. They are never used again. So the catalogue misses the submissions after the last number it has read.
//
// What is in segments of the registry is not read from rows, and features are mapped. A segment that is missing or
// altered is not used: its submissions are read from their rows.
type Catalogue struct {
	Registry *registry.Registry
	Key      *registry.SealKey // nil: local features are left out

	mu       sync.Mutex
	read     int64 // number of the last submission that was read
	erased   int64 // number of the last erasure that was followed
	begun    int64 // entries when it was begun, until their submissions were counted; then 0
	hidden   int   // submissions that were entered and are not found
	Hashes   *phash.List
	segments []engine.Segment
	whole    bool // so many submissions that their local features are not read
	Parts    *parts.Index
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

// Follow brings the catalogue up to date with the registry: new uploads and erasures. What the key does not open is only counted.
func (c *Catalogue) Follow(ctx context.Context) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Hashes == nil {
		if err := c.begin(ctx); err != nil {
			return fmt.Errorf("open segments: %w", err)
		}
	}
	key := c.Key
	if c.whole {
		key = nil
	}
	if err := errors.Join(c.load(ctx, key, c.Hashes.Add), c.index()); err != nil {
		return fmt.Errorf("load hashes and features: %w", err)
	}
	if c.erased, err = c.Registry.Engine().ErasedAfter(ctx, c.erased, c.forget); UnlessAltered(err) != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	return c.complete(ctx)
}

// complete compares how many submissions the catalogue has with how many there were when it was begun: an index that
// hides a row would hide it from the search. It sets hidden. After an erasure meanwhile, the next search does. The caller holds mu.
func (c *Catalogue) complete(ctx context.Context) error {
	if c.begun == 0 {
		return nil
	}
	if c.erased > c.begun { // maybe of submissions that were not there then
		c.begun = c.erased
		return nil
	}
	all, err := c.Registry.Engine().Searchable(ctx, c.begun, c.erased)
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
func (c *Catalogue) begin(ctx context.Context) (err error) {
	local, segments := new(parts.Index), []engine.Segment(nil)
	if c.Key != nil {
		if segments, err = c.Registry.Engine().Segments(ctx, c.Key, local); err != nil {
			return err
		}
	}
	entries, _, err := c.Registry.Ledger().Head(ctx) // after the segments: these have no later number
	if err != nil {
		return err
	}
	all, err := c.Registry.Engine().Searchable(ctx, entries, math.MaxInt64)
	if err != nil && !errors.Is(err, registry.ErrTampered) { // complete says it
		return err
	}
	for _, s := range segments {
		if s.Err == nil && (s.First < 1 || s.Last > entries) {
			return fmt.Errorf("%w: a segment has the submissions %d to %d, of %d entries", registry.ErrTampered, s.First, s.Last, entries)
		}
	}
	c.whole = all >= tuning.PartsUpTo && len(segments) == 0 && !c.Registry.Engine().SealsHashes()
	c.Hashes, c.segments, c.Parts, c.begun = phash.NewList(tuning.Searched), segments, local, entries
	return nil
}

// load gives enter the hashes of the submissions after number read, from segments and rows. The caller holds mu.
func (c *Catalogue) load(ctx context.Context, key *registry.SealKey, enter func(phash.Hash, int64) error) (err error) {
	add := func(f *engine.Found) error { return c.add(f, key != nil, enter) }
	for i := range c.segments {
		s := &c.segments[i]
		if s.Err != nil || s.Last <= c.read {
			continue
		}
		if c.read, err = c.Registry.Engine().FoundBy(ctx, key, c.read, s.First-1, add); err != nil {
			return err
		}
		for f := range s.Found() {
			again := false
			if f.FeaturesErr != nil { // its row was damaged: it may be whole again
				if _, err := c.Registry.Engine().FoundBy(ctx, key, f.Number-1, f.Number, func(f *engine.Found) error {
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
	c.read, err = c.Registry.Engine().FoundBy(ctx, key, c.read, math.MaxInt64, add)
	return err
}

// Dismount leaves a segment that was altered, and reads its submissions from their rows.
func (c *Catalogue) Dismount(ctx context.Context, altered *parts.RecordError) error {
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
		c.Parts.Unmount(s.File)
		known := func(phash.Hash, int64) error { return nil }
		if _, err := c.Registry.Engine().FoundBy(ctx, c.Key, s.First-1, s.Last, func(f *engine.Found) error { return c.add(f, true, known) }); err != nil {
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

// Featureless reports whether there are no local features to search.
func (c *Catalogue) Featureless() bool {
	c.leaving.RLock()
	defer c.leaving.RUnlock()
	return c.altered == nil && c.Parts.Len() == 0
}

// Searching runs a search among the local features of the registry, again for as long as it meets an altered
// segment. While the submissions of an altered segment are not all read, nothing is searched.
func (c *Catalogue) Searching(ctx context.Context, search func(x *parts.Index) error) error {
	for {
		c.leaving.RLock()
		altered, err := c.altered, error(nil)
		if altered == nil {
			err = search(c.Parts)
			errors.As(err, &altered)
		}
		c.leaving.RUnlock()
		if altered == nil {
			return err
		}
		if err := c.Dismount(ctx, altered); err != nil {
			return err
		}
	}
}

func (c *Catalogue) Last() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

// Used lists the segments, for the record. The caller does not hold mu.
func (c *Catalogue) Used() (out []findings.Segment) {
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
func (c *Catalogue) add(f *engine.Found, opens bool, enter func(phash.Hash, int64) error) error {
	hashed := f.HashErr == nil && f.Quality >= phash.MinQuality
	if hashed {
		if err := enter(f.Hash, f.Number); err != nil {
			return err
		}
	}
	if f.Features != nil && !c.Parts.Has(f.Number) {
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
func (c *Catalogue) index() error {
	if len(c.adding) == 0 {
		return nil
	}
	defer func() { c.adding = nil }()
	return c.Parts.AddAll(func(yield func(int64, *parts.Features) bool) {
		for _, f := range c.adding {
			if !yield(f.Number, f.Features) {
				return
			}
		}
	})
}

// set enters the reach of a submission. The caller holds mu.
func (c *Catalogue) set(number int64, how reach) {
	if more := number + 1 - int64(len(c.reach)); more > 0 {
		c.reach = append(c.reach, make([]reach, more)...)
	}
	c.count[c.reach[number]]--
	c.reach[number] = how
	c.count[how]++
}

// Damaged notes that the row of a submission cannot be read. The catalogue need not have it.
func (c *Catalogue) Damaged(number int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(number, byNoRecord)
}

// Missing returns how many uploads the search reaches in part or not at all, and how many there are; nil: it reaches all.
func (c *Catalogue) Missing() *findings.Missing {
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
func (c *Catalogue) forget(number int64, _ watermark.Submission) {
	c.Hashes.Remove(number)
	c.Parts.Remove(number)
	c.set(number, noUpload)
}

// UnlessAltered returns an error of reading erasures, nil if they were altered: the caller notes that, and nothing is concluded.
func UnlessAltered(err error) error {
	if errors.Is(err, registry.ErrTampered) {
		return nil
	}
	return err
}
