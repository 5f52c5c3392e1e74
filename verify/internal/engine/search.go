package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// What submissions are found by. Every submission has a number, by which indexes name it ([phash.Hit]). Numbers ascend
// in the order in which submissions become visible and are never used again. An index therefore lacks only what follows
// the last number that it saw, and must only drop what was erased since.

// searchPage is how many submissions are read at a time: with their features about 40 MB.
const searchPage = 10_000

// Found is what one submission is found by, as far as it could be opened.
type Found struct {
	Number   int64
	ID       watermark.Submission // zero if its row cannot be read
	Kept     bool                 // the original is kept, and with it its local features
	Hash     phash.Hash           // of kind [phash.Area]; zero if HashErr is set
	Quality  int                  // of Hash, 0 to 100
	Features *parts.Features      // nil: none, not asked for, not opened, or mounted
	Mounted  bool                 // the features are in a mounted segment

	// HashErr and FeaturesErr say why the hash or the features cannot be used. They wrap [records.ErrTampered] or
	// [records.ErrSealed]. Without a sealing key they are nil for features, and wrap [records.ErrSealed] for a sealed hash.
	HashErr, FeaturesErr error
}

// FoundBy calls use with what every submission with a number above after, up to upto, is found by, ascending; erased
// submissions are left out. key opens what is sealed; with a nil key features are not read. What was altered, removed
// or cannot be read is in the errors of its [Found], and the walk goes on. FoundBy returns the last number that it
// passed, or after. An error of use, of the database or of the service that keeps key ends the walk.
func (e *Engine) FoundBy(ctx context.Context, key *sealing.Key, after, upto int64, use func(*Found) error) (last int64, err error) {
	for after < upto {
		page, err := e.store.SearchedAfter(ctx, after, searchPage, key != nil)
		if err != nil {
			return after, err
		}
		for i := range page {
			if page[i].Seq > upto {
				return after, nil
			}
			f, err := e.found(&page[i], key, key != nil)
			if err == nil {
				err = use(f)
			}
			if err != nil {
				return after, err
			}
			after = f.Number
		}
		if len(page) < searchPage {
			break
		}
	}
	return after, nil
}

// found opens what the submission of row is found by. The error is of the service that keeps key alone.
func (e *Engine) found(row *records.Searched, key *sealing.Key, features bool) (*Found, error) {
	f := &Found{Number: row.Seq, ID: row.ID, Kept: row.Kept, Quality: row.AreaQuality, HashErr: row.Err, FeaturesErr: row.Err}
	n := records.StatedFeatures(&row.Details)
	if row.Err != nil {
		return f, nil
	}
	features = features && row.Kept && n != 0 // else none belong to it
	open := func(sealing.Part) ([]byte, error) { return nil, records.ErrSealed }
	if e.sealHashes || features {
		var locked error
		if open, locked = sealing.Unlock(key, row.ID, &row.Sealed); errors.Is(locked, sealing.ErrKey) {
			return nil, locked
		} else if locked != nil {
			open = func(sealing.Part) ([]byte, error) { return nil, locked }
		}
	}
	text := row.Area
	if e.sealHashes {
		var both []byte
		both, f.HashErr = open(sealing.Hashes)
		_, text, _ = strings.Cut(string(both), "\n")
	}
	if f.HashErr == nil {
		f.Hash, f.HashErr = areaHash(text)
	}
	if features {
		f.Features, f.FeaturesErr = readFeatures(open, n)
	}
	for _, err := range []*error{&f.HashErr, &f.FeaturesErr} {
		if *err != nil {
			*err = fmt.Errorf("submission %s: %w", row.ID, *err)
		}
	}
	return f, nil
}

// readFeatures opens the local features of a submission. Their number must be n.
func readFeatures(open func(sealing.Part) ([]byte, error), n int) (*parts.Features, error) {
	raw, err := open(sealing.Features)
	if err != nil {
		return nil, err
	}
	f := new(parts.Features)
	if err := f.UnmarshalBinary(raw); err != nil {
		return nil, fmt.Errorf("%w: local features: %w", records.ErrTampered, err)
	}
	if f.Len() != n {
		return nil, fmt.Errorf("%w: %d local features, and %d were entered", records.ErrTampered, f.Len(), n)
	}
	return f, nil
}

// areaHash reads the text form of an area hash. The error wraps [records.ErrTampered].
func areaHash(text string) (phash.Hash, error) {
	hash, err := phash.Parse(text)
	if err == nil && hash.Kind != phash.Area {
		err = fmt.Errorf("a hash of kind %s, not %s", hash.Kind, phash.Area)
	}
	if err != nil {
		return phash.Hash{}, fmt.Errorf("%w: %w", records.ErrTampered, err)
	}
	return hash, nil
}

// AreaHash returns the area hash of one submission, opened with key, which may be nil if hashes are in the clear. The
// error wraps [records.ErrNotFound] if nothing is left of it.
func (e *Engine) AreaHash(ctx context.Context, key *sealing.Key, of watermark.Submission) (phash.Hash, error) {
	row, err := e.store.Submission(ctx, of)
	if err != nil {
		return phash.Hash{}, err
	}
	if row.Erased {
		return phash.Hash{}, records.ErrNotFound
	}
	x := records.Searched{Seq: row.Seq, ID: row.ID, Details: books.Details{Area: row.Area}}
	if e.sealHashes {
		sealed, err := e.store.Sealed(ctx, of, false)
		if err != nil {
			return phash.Hash{}, err
		}
		x.Sealed = *sealed
	}
	f, err := e.found(&x, key, false)
	if err != nil {
		return phash.Hash{}, err
	}
	return f.Hash, f.HashErr
}

// CheckSealKey checks that the registry seals under key. The error wraps [records.ErrSealed] if uploads are sealed
// under another key: key does not open them, and a leak would seem not to show them. Some uploads are looked at. Since
// a registry takes no seals of a second key, these are enough. Without sealed uploads every key is right. A nil or zero
// key is an error that wraps [records.ErrInput].
func (e *Engine) CheckSealKey(ctx context.Context, key *sealing.Key) error {
	if sealing.Zero(key) {
		return fmt.Errorf("%w: no sealing key", records.ErrInput)
	}
	of, other, err := e.store.SealedUnderOther(ctx, key.ID())
	if errors.Is(err, records.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: submission %s was sealed under the key %s, which %s does not open",
		records.ErrSealed, watermark.Submission(of), other, key.ID())
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

// SubmissionAt returns the upload with that number. For an erased upload it returns both: the row with what is left,
// and an error that wraps [records.ErrErased].
func (e *Engine) SubmissionAt(ctx context.Context, number int64) (*books.Submission, error) {
	s, err := e.store.SubmissionBySeq(ctx, number)
	if err != nil {
		return nil, err
	}
	if s.Erased {
		return s, fmt.Errorf("submission number %d: %w", number, records.ErrErased)
	}
	return s, nil
}

func (e *Engine) SealsHashes() bool { return e.sealHashes }

func (e *Engine) Span(ctx context.Context) (first, last time.Time, err error) {
	return e.store.Span(ctx)
}

func (e *Engine) Searchable(ctx context.Context, upto, erasure int64) (int64, error) {
	return e.store.Searchable(ctx, upto, erasure)
}
