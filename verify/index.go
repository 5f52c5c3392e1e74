package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/local"
)

// searched is the kind of hash by which submissions are found.
const searched = phash.Area

// A catalogue follows, in memory, what the submissions of a registry are found by:
// about 100 bytes for the hash of each, and 4 kB for its local features. Numbers of
// submissions ascend in the order in which they become visible and are never used
// again, so what is missing is all that lies beyond the last one seen.
type catalogue struct {
	mu       sync.Mutex
	hashed   int64 // number of the last submission whose hash was read
	featured int64 // the same of features
	erased   int64 // number of the last erasure that was followed
	hashes   *phash.Index
	parts    local.Index
}

// cataloguePage is how many submissions are read at a time.
const cataloguePage = 10_000

// follow brings the catalogue up to date. Hashes of too low a quality to be matched
// on are left out, and so is what key, which may be nil, does not open.
func (c *catalogue) follow(ctx context.Context, s store.Store, key *SealKey) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hashes == nil {
		c.hashes = phash.NewIndex(searched)
	}
	if err := c.followHashes(ctx, s, key); err != nil {
		return fmt.Errorf("load hashes: %w", err)
	}
	if key != nil {
		if err := c.followFeatures(ctx, s, key); err != nil {
			return fmt.Errorf("load features: %w", err)
		}
	}
	gone, err := s.ErasedAfter(ctx, c.erased)
	if err != nil {
		return fmt.Errorf("load erasures: %w", err)
	}
	for _, e := range gone {
		c.hashes.Remove(e.Seq)
		c.parts.Remove(e.Seq)
		c.erased = e.Erasure
	}
	return nil
}

func (c *catalogue) followHashes(ctx context.Context, s store.Store, key *SealKey) error {
	for {
		page, err := s.HashesAfter(ctx, c.hashed, cataloguePage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := c.addHash(&page[i], key); err != nil {
				return err
			}
			c.hashed = page[i].Seq
		}
		if len(page) < cataloguePage {
			return nil
		}
	}
}

func (c *catalogue) addHash(row *store.Hash, key *SealKey) error {
	text := row.Area
	if row.Sealed != nil {
		var err error
		if text, err = openHash(row, key); errors.Is(err, ErrSealed) {
			return nil
		} else if err != nil {
			return err
		}
	}
	hash, err := phash.Parse(text)
	if err != nil {
		return fmt.Errorf("%w: hash of submission number %d: %w", ErrTampered, row.Seq, err)
	}
	_, err = c.hashes.Offer(hash, row.AreaQuality, row.Seq)
	return err
}

// openHash opens the sealed hashes of a submission and returns the one that is
// searched.
func openHash(row *store.Hash, key *SealKey) (string, error) {
	if key == nil {
		return "", fmt.Errorf("%w: no sealing key", ErrSealed)
	}
	data, err := key.openDataKey(row.ID, row.Sealed)
	if err != nil {
		return "", err
	}
	text, err := data.open(partHashes, row.Sealed.Hashes)
	_, area, _ := strings.Cut(string(text), "\n")
	return area, err
}

func (c *catalogue) followFeatures(ctx context.Context, s store.Store, key *SealKey) error {
	for {
		page, err := s.FeaturesAfter(ctx, c.featured, cataloguePage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := c.addFeatures(&page[i], key); err != nil && !errors.Is(err, ErrSealed) {
				return err
			}
			c.featured = page[i].Seq
		}
		if len(page) < cataloguePage {
			return nil
		}
	}
}

func (c *catalogue) addFeatures(row *store.Features, key *SealKey) error {
	data, err := key.openDataKey(row.ID, &row.Sealed)
	if err != nil {
		return err
	}
	raw, err := data.open(partFeatures, row.Sealed.Features)
	if err != nil {
		return err
	}
	var f local.Features
	if err := f.UnmarshalBinary(raw); err != nil {
		return fmt.Errorf("submission number %d: %w", row.Seq, err)
	}
	return c.parts.Add(row.Seq, &f)
}
