package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/watermark"
)

// What submissions are found by. Every submission has a number, by which indexes name it
// ([phash.Hit]). Numbers ascend in the order in which submissions become visible and are
// never used again. An index therefore lacks only what follows the last number that it saw,
// and must only drop what was erased since.

// searchPage is how many submissions are read at a time.
const searchPage = 10_000

// HashesAfter calls add with the area hash ([phash.Area]) and its quality (0 to 100) of
// every submission with a number above after, ascending. It returns the last number that it
// passed. Sealed hashes that key does not open are passed over; key may be nil. An error of
// add ends the walk.
func (e *Engine) HashesAfter(ctx context.Context, key *SealKey, after int64, add func(number int64, hash phash.Hash, quality int) error) (last int64, err error) {
	for {
		page, err := e.r.store.HashesAfter(ctx, after, searchPage)
		if err != nil {
			return after, err
		}
		for i := range page {
			row := &page[i]
			hash, err := areaHash(row, key)
			if err == nil {
				err = add(row.Seq, hash, row.AreaQuality)
			} else if errors.Is(err, ErrSealed) {
				err = nil
			}
			if err != nil {
				return after, err
			}
			after = row.Seq
		}
		if len(page) < searchPage {
			return after, nil
		}
	}
}

// areaHash reads the hash that is searched, and opens it where it is sealed.
func areaHash(row *books.Hash, key *SealKey) (phash.Hash, error) {
	text := row.Area
	if row.Sealed != nil {
		var err error
		if text, err = openHash(row, key); err != nil {
			return phash.Hash{}, err
		}
	}
	hash, err := phash.Parse(text)
	if err != nil {
		return hash, fmt.Errorf("%w: hash of submission number %d: %w", ErrTampered, row.Seq, err)
	}
	return hash, nil
}

// openHash opens the sealed hashes of a submission and returns the hash that is searched.
func openHash(row *books.Hash, key *SealKey) (string, error) {
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

// AreaHash is the area hash of one submission, opened with key, which may be nil where
// the hashes stand in the clear.
func (e *Engine) AreaHash(ctx context.Context, key *SealKey, of watermark.Submission) (phash.Hash, error) {
	row, err := e.r.store.Submission(ctx, of)
	if err != nil {
		return phash.Hash{}, err
	}
	h := books.Hash{Seq: row.Seq, ID: row.ID, Area: row.Area}
	if h.Area == "" {
		if h.Sealed, err = e.r.store.Sealed(ctx, of); err != nil {
			return phash.Hash{}, err
		}
	}
	return areaHash(&h, key)
}

// FeaturesAfter calls add with the local features of every submission that has features and
// a number above after, ascending. It returns the last number that it passed. Features that
// key does not open are passed over. An error of add ends the walk.
func (e *Engine) FeaturesAfter(ctx context.Context, key *SealKey, after int64, add func(number int64, f *parts.Features) error) (last int64, err error) {
	for {
		page, err := e.r.store.FeaturesAfter(ctx, after, searchPage)
		if err != nil {
			return after, err
		}
		for i := range page {
			f, err := openFeatures(&page[i], key)
			if err == nil {
				err = add(page[i].Seq, f)
			} else if errors.Is(err, ErrSealed) {
				err = nil
			}
			if err != nil {
				return after, err
			}
			after = page[i].Seq
		}
		if len(page) < searchPage {
			return after, nil
		}
	}
}

// CheckSealKey says whether a key is the one under which the registry seals. The error
// wraps [ErrSealed] where an upload is sealed under another: the key does not open it,
// and a leak would seem not to show it. The first and the last uploads are looked at;
// since a registry takes no seals of a second key, these speak for the others.
func (e *Engine) CheckSealKey(ctx context.Context, key *SealKey) error {
	if key == nil || key.master == nil {
		return fmt.Errorf("%w: no sealing key", ErrInput)
	}
	of, other, err := e.r.store.SealedUnderOther(ctx, key.id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: submission %s was sealed under the key %s, which %s does not open",
		ErrSealed, watermark.Submission(of), other, key.id)
}

func openFeatures(row *books.Features, key *SealKey) (*parts.Features, error) {
	if key == nil {
		return nil, fmt.Errorf("%w: no sealing key", ErrSealed)
	}
	data, err := key.openDataKey(row.ID, &row.Sealed)
	if err != nil {
		return nil, err
	}
	raw, err := data.open(partFeatures, row.Sealed.Features)
	if err != nil {
		return nil, err
	}
	f := new(parts.Features)
	if err := f.UnmarshalBinary(raw); err != nil {
		return nil, fmt.Errorf("submission number %d: %w", row.Seq, err)
	}
	return f, nil
}

// ErasedAfter calls forget with every submission whose erasure has a greater number
// than after, and returns the number of the last erasure.
func (e *Engine) ErasedAfter(ctx context.Context, after int64, forget func(number int64, id watermark.Submission)) (last int64, err error) {
	gone, err := e.r.store.ErasedAfter(ctx, after)
	if err != nil {
		return after, err
	}
	for _, e := range gone {
		forget(e.Seq, e.ID)
		after = max(after, e.Erasure)
	}
	return after, nil
}

// SubmissionAt is [Registry.Submission] of the one with a number.
func (e *Engine) SubmissionAt(ctx context.Context, number int64) (*Submission, error) {
	s, err := e.r.store.SubmissionBySeq(ctx, number)
	if err != nil {
		return nil, err
	}
	if s.Erased {
		return s, fmt.Errorf("submission number %d: %w", number, ErrErased)
	}
	return s, nil
}

// SealsHashes reports whether the hashes are sealed, so that the registry's database
// cannot be searched: see [CreateOptions].
func (e *Engine) SealsHashes() bool { return e.r.sealHashes }

// Searchable counts the submissions that [Engine.Near] can find.
func (e *Engine) Searchable(ctx context.Context) (int64, error) { return e.r.store.Searchable(ctx) }

// Near searches the registry's database: it returns the numbers of all submissions
// whose area hash lies within [phash.MatchRadius] of any of the hashes, nearest first,
// each once. Where hashes are sealed it fails.
func (e *Engine) Near(ctx context.Context, hashes []phash.Hash) ([]phash.Hit, error) {
	return e.r.store.Near(ctx, hashes, phash.MatchRadius)
}

// DeferSearchTables stops the upkeep of the tables by which uploads are found in the
// registry's database, so that many are submitted faster. Until [Engine.BuildSearchTables]
// a search there compares with each of these uploads.
func (e *Engine) DeferSearchTables(ctx context.Context) error { return e.r.store.DeferBands(ctx) }

// BuildSearchTables makes up for what [Engine.DeferSearchTables] left out, or, anew,
// makes all of these tables again, as after an audit that found them edited. Others may
// use the registry meanwhile, and it may be interrupted and run again. progress, which
// may be nil, is called with how many uploads are done of about how many.
func (e *Engine) BuildSearchTables(ctx context.Context, anew bool, progress func(done, total int64)) error {
	return e.r.store.BuildBands(ctx, anew, progress)
}
