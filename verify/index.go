package verify

import (
	"context"
	"fmt"
	"sync"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/phash"
)

// A hashIndex follows the registry's hashes in memory. Numbers of submissions
// ascend in the order in which they become visible and are never reused, so what
// is missing is all that lies beyond the last one seen.
type hashIndex struct {
	mu   sync.Mutex
	last int64
	x    *phash.Index
}

// indexPage is how many hashes are read at a time.
const indexPage = 10_000

// follow brings the index up to date. Hashes of too low a quality to be matched
// on are left out.
func (h *hashIndex) follow(ctx context.Context, s store.Store) (*phash.Index, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.x == nil {
		h.x = phash.NewIndex(phash.PDQ)
	}
	for {
		page, err := s.HashesAfter(ctx, h.last, indexPage)
		if err != nil {
			return nil, fmt.Errorf("load hashes: %w", err)
		}
		for _, row := range page {
			if err := h.add(row); err != nil {
				return nil, err
			}
			h.last = row.Ref
		}
		if len(page) < indexPage {
			return h.x, nil
		}
	}
}

func (h *hashIndex) add(row store.Hash) error {
	if row.Quality < phash.MinQuality {
		return nil
	}
	hash, err := phash.Parse(row.Hash)
	if err != nil {
		return fmt.Errorf("%w: hash of submission number %d: %w", ErrTampered, row.Ref, err)
	}
	return h.x.Add(hash, row.Ref)
}
