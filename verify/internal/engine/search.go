package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// What submissions are found by. Every submission has a number, by which indexes name it
// ([phash.Hit]). Numbers ascend in the order in which submissions become visible and are
// never used again. An index therefore lacks only what follows the last number that it saw,
// and must only drop what was erased since.

// searchPage is how many submissions are read at a time.
const searchPage = 10_000

// HashesAfter calls add with the area hash ([phash.Area]) and its quality (0 to 100) of every
// submission with a number above after, ascending; erased submissions are left out. It returns
// the last number that it passed, or after. Sealed hashes that key does not open are passed
// over; key may be nil. An error of add ends the walk.
func (e *Engine) HashesAfter(ctx context.Context, key *sealing.Key, after int64, add func(number int64, hash phash.Hash, quality int) error) (last int64, err error) {
	return walk(ctx, e.store.HashesAfter, after, func(row *books.Hash) (int64, error) {
		hash, err := areaHash(row, key)
		switch {
		case errors.Is(err, books.ErrSealed):
			return row.Seq, nil
		case err != nil:
			return row.Seq, err
		}
		return row.Seq, add(row.Seq, hash, row.AreaQuality)
	})
}

// FeaturesAfter calls add with the local features of every submission that has features and a
// number above after, ascending. It returns the last number that it passed, or after. Features
// that key does not open are passed over; key may be nil. An error of add, or malformed
// features, ends the walk.
func (e *Engine) FeaturesAfter(ctx context.Context, key *sealing.Key, after int64, add func(number int64, f *parts.Features) error) (last int64, err error) {
	return walk(ctx, e.store.FeaturesAfter, after, func(row *books.Features) (int64, error) {
		raw, err := sealing.Open(key, row.ID, &row.Sealed, sealing.Features)
		switch {
		case errors.Is(err, books.ErrSealed):
			return row.Seq, nil
		case err != nil:
			return row.Seq, err
		}
		f := new(parts.Features)
		if err := f.UnmarshalBinary(raw); err != nil {
			return row.Seq, fmt.Errorf("submission number %d: %w", row.Seq, err)
		}
		return row.Seq, add(row.Seq, f)
	})
}

// walk reads the rows with a number above after, searchPage at a time, and calls use with each
// row. use returns the row's number; an error of use ends the walk. walk returns the number of
// the last row that was used without an error, or after if there was no such row.
func walk[Row any](ctx context.Context, read func(ctx context.Context, after int64, limit int) ([]Row, error), after int64, use func(*Row) (int64, error)) (last int64, err error) {
	for {
		page, err := read(ctx, after, searchPage)
		if err != nil {
			return after, err
		}
		for i := range page {
			number, err := use(&page[i])
			if err != nil {
				return after, err
			}
			after = number
		}
		if len(page) < searchPage {
			return after, nil
		}
	}
}

// areaHash returns the area hash of row. If the hash is sealed, areaHash opens it with key,
// which may be nil: the error then wraps [books.ErrSealed]. A malformed hash is an error that
// wraps [books.ErrTampered].
func areaHash(row *books.Hash, key *sealing.Key) (phash.Hash, error) {
	text := row.Area
	if row.Sealed != nil {
		both, err := sealing.Open(key, row.ID, row.Sealed, sealing.Hashes)
		if err != nil {
			return phash.Hash{}, err
		}
		_, text, _ = strings.Cut(string(both), "\n")
	}
	hash, err := phash.Parse(text)
	if err != nil {
		return hash, fmt.Errorf("%w: hash of submission number %d: %w", books.ErrTampered, row.Seq, err)
	}
	return hash, nil
}

// AreaHash returns the area hash of one submission, opened with key, which may be nil if hashes
// are in the clear. The error wraps [books.ErrNotFound] if there is no such submission, or
// nothing is left of it, and [books.ErrSealed] if key does not open the hash.
func (e *Engine) AreaHash(ctx context.Context, key *sealing.Key, of watermark.Submission) (phash.Hash, error) {
	row, err := e.store.Submission(ctx, of)
	if err != nil {
		return phash.Hash{}, err
	}
	h := books.Hash{Seq: row.Seq, ID: row.ID, Area: row.Area}
	if h.Area == "" {
		if h.Sealed, err = e.store.Sealed(ctx, of); err != nil {
			return phash.Hash{}, err
		}
	}
	return areaHash(&h, key)
}

// CheckSealKey checks that the registry seals under key. The error wraps [books.ErrSealed] if an
// upload is sealed under another key: key does not open it, and a leak would seem not to show
// it. The first and the last uploads are looked at. Since a registry takes no seals of a second
// key, these are enough. Without sealed uploads every key is right. A nil or zero key is an
// error that wraps [books.ErrInput].
func (e *Engine) CheckSealKey(ctx context.Context, key *sealing.Key) error {
	if sealing.Zero(key) {
		return fmt.Errorf("%w: no sealing key", books.ErrInput)
	}
	of, other, err := e.store.SealedUnderOther(ctx, key.ID())
	if errors.Is(err, books.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: submission %s was sealed under the key %s, which %s does not open",
		books.ErrSealed, watermark.Submission(of), other, key.ID())
}

// ErasedAfter calls forget with the number and ID of every submission whose erasure has a number
// above after. It returns the number of the last erasure, or after if no erasure is later.
func (e *Engine) ErasedAfter(ctx context.Context, after int64, forget func(number int64, id watermark.Submission)) (last int64, err error) {
	gone, err := e.store.ErasedAfter(ctx, after)
	if err != nil {
		return after, err
	}
	for _, e := range gone {
		forget(e.Seq, e.ID)
		after = max(after, e.Erasure)
	}
	return after, nil
}

// SubmissionAt returns the upload with that number. The error wraps [books.ErrNotFound] if there
// is no such upload. For an erased upload it returns both: the row with what is left, and an
// error that wraps [books.ErrErased].
func (e *Engine) SubmissionAt(ctx context.Context, number int64) (*books.Submission, error) {
	s, err := e.store.SubmissionBySeq(ctx, number)
	if err != nil {
		return nil, err
	}
	if s.Erased {
		return s, fmt.Errorf("submission number %d: %w", number, books.ErrErased)
	}
	return s, nil
}

// SealsHashes reports whether the hashes are sealed, so that the registry's database
// cannot be searched.
func (e *Engine) SealsHashes() bool { return e.sealHashes }

// Span returns when the first and the last upload were submitted. Both are the zero time if
// there is no upload.
func (e *Engine) Span(ctx context.Context) (first, last time.Time, err error) {
	return e.store.Span(ctx)
}

// Searchable counts the submissions that [Engine.Near] can find.
func (e *Engine) Searchable(ctx context.Context) (int64, error) { return e.store.Searchable(ctx) }

// Near searches the registry's database: it returns the numbers of all submissions
// whose area hash lies within [phash.MatchRadius] of any of the hashes, nearest first,
// each once. Where hashes are sealed it fails.
func (e *Engine) Near(ctx context.Context, hashes []phash.Hash) ([]phash.Hit, error) {
	return e.store.Near(ctx, hashes, phash.MatchRadius)
}

// DeferSearchTables stops the upkeep of the tables by which uploads are found in the
// registry's database, so that many are submitted faster. Until [Engine.BuildSearchTables]
// a search there compares with each of these uploads.
func (e *Engine) DeferSearchTables(ctx context.Context) error { return e.store.DeferBands(ctx) }

// BuildSearchTables makes up for what [Engine.DeferSearchTables] left out, or, anew,
// makes all of these tables again, as after an audit that found them edited. Others may
// use the registry meanwhile, and it may be interrupted and run again. progress, which
// may be nil, is called with how many uploads are done of about how many.
func (e *Engine) BuildSearchTables(ctx context.Context, anew bool, progress func(done, total int64)) error {
	return e.store.BuildBands(ctx, anew, progress)
}
