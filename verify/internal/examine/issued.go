package examine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/search"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// issuedLists are the IDs that were issued under mark keys, and whether copies of erased uploads are among them.
type issuedLists struct {
	engine.Lists
	mu     sync.Mutex
	erased int64 // number of the last erasure that was looked at
	gone   bool  // copies of an erased upload were issued
}

// ofErased reports whether copies of an erased upload were issued.
func (l *issuedLists) ofErased(ctx context.Context, v *Examiner) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return true, nil
	}
	var ids []watermark.Submission
	last, err := v.Engine().ErasedAfter(ctx, l.erased, func(_ int64, id watermark.Submission) { ids = append(ids, id) })
	if search.UnlessAltered(err) != nil {
		return false, fmt.Errorf("load erasures: %w", err)
	}
	for _, id := range ids {
		copies, err := v.Cfg.Registry.Copies(ctx, id)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return false, err
		}
		l.gone = l.gone || len(HandedOut(copies)) > 0
	}
	l.erased = last
	return l.gone, nil
}

func (v *Examiner) Engine() *engine.Engine { return v.Cfg.Registry.Engine() }

// CheckRecords reads the records by which every leak is weighed, and notes which were altered.
func (v *Examiner) CheckRecords(ctx context.Context) error {
	altered, err := v.Engine().CheckRecords(ctx)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.altered = altered
	return nil
}

// Damage returns which records were altered, as far as checkRecords noted: see [findings.Record].
func (v *Examiner) Damage() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.altered
}

// HandedOut returns the copies of a list that their recipients have, or may have: all but the void ones.
func HandedOut(copies []books.Copy) []books.Copy {
	return slices.DeleteFunc(copies, func(c books.Copy) bool { return c.State == books.CopyVoid })
}

// Issued returns the copy of an ID that was marked under a key, nil if the registry does not list it. A mark
// under another key is not that copy's.
func (v *Examiner) Issued(ctx context.Context, id watermark.CopyID, keyID string) (*books.Copy, error) {
	c, err := v.Cfg.Registry.Copy(ctx, id)
	if errors.Is(err, registry.ErrNotFound) || err == nil && c.KeyID != keyID {
		return nil, nil
	}
	return c, err
}

// marks returns the marks of a reading of l. If none could be read by its own check, they are looked for among the copies
// that were issued under each key: where the leak shows an upload, and where pilots agree.
func (v *Examiner) marks(ctx context.Context, l *Leak, reading *watermark.Reading) ([]*watermark.Detection, error) {
	all := reading.Marks
	for _, key := range v.Cfg.Keys {
		reading, err := reading.At(l.Image, key, l.shown()...)
		if err != nil {
			return nil, err
		}
		if !reading.Unread(key) {
			continue
		}
		list, err := v.issues.Of(ctx, v.Engine(), key)
		if err != nil {
			return nil, err
		}
		all = append(all, reading.Among(list)...)
	}
	return all, nil
}
