package sqldb

import (
	"context"
	"errors"
	"fmt"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/watermark"
)

// Everything in a registry is sealed under one key: who has another would see none of
// the uploads that were sealed under it, and nothing would say so.

// sealsSeen is how many seals are looked at for one of a key: damaged ones do not hide the key.
const sealsSeen = 64

// SealedUnderOther looks at sealsSeen seals. If one of these is under keyID, the error wraps [records.ErrNotFound]: what
// is said to be under another key then cannot be opened, and who reads it says so.
func (d uploads) SealedUnderOther(ctx context.Context, keyID string) (of watermark.Submission, other string, err error) {
	return sealedUnderOther(ctx, d.read, keyID)
}

func sealedUnderOther(ctx context.Context, q schema.Querier, keyID string) (of watermark.Submission, other string, err error) {
	if _, _, err = sealedOne(ctx, q, "=", keyID); err == nil {
		return of, "", records.ErrNotFound
	}
	if !errors.Is(err, records.ErrNotFound) {
		return of, "", err
	}
	return sealedOne(ctx, q, "<>", keyID)
}

// sealedOne returns the submission and the key's ID of a seal whose key's ID is, or is not, keyID. The error wraps
// [records.ErrNotFound] if sealsSeen seals have no such ID. sealedOne reads nothing of what is sealed.
func sealedOne(ctx context.Context, q schema.Querier, is, keyID string) (of watermark.Submission, other string, err error) {
	rows, err := schema.Collect(ctx, q, func(x *schema.Sealed) []any { return []any{schema.Blob(&x.Body), &x.KeyID} }, fmt.Sprintf(
		"SELECT x.submission, x.key_id FROM (SELECT submission, key_id FROM sealed LIMIT %d) x WHERE x.key_id %s $1 LIMIT 1", sealsSeen, is), keyID)
	if err == nil && len(rows) == 0 {
		err = records.ErrNotFound
	}
	if err != nil {
		return of, "", err
	}
	copy(of[:], rows[0].Body) // damaged, it may have another length
	return of, rows[0].KeyID, nil
}

// sealedAlike checks that the seals that are to be entered, and the seals that are there, are of one key. The error
// wraps [records.ErrSealed] if they are not. Without seals to enter it does nothing. It must run in the transaction that
// enters the seals, so that two callers cannot enter two keys.
func sealedAlike(ctx context.Context, t *tx, entering []schema.Sealed) error {
	if len(entering) == 0 {
		return nil
	}
	of, keyID, err := sealedUnderOther(ctx, t, entering[0].KeyID)
	if errors.Is(err, records.ErrNotFound) {
		of, keyID, err = entering[0].Of, entering[0].KeyID, nil
	}
	if err != nil {
		return err
	}
	for i := range entering {
		if x := &entering[i]; x.KeyID != keyID {
			return fmt.Errorf("%w: submission %s was sealed under the key %s, which %s does not open", records.ErrSealed, of, keyID, x.KeyID)
		}
	}
	return nil
}
