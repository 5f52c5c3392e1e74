package sqldb

import (
	"context"
	"errors"
	"fmt"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/watermark"
)

// Everything in a registry is sealed under one key: who has another would see none of
// the uploads that were sealed under it, and nothing would say so.

// sealEnds is how many of the first and of the last uploads are looked at for a seal of
// another key. What this version enters is all under one: see [sealedAlike].
const sealEnds = 64

// SealedUnderOther returns an upload that was sealed under another key than keyID, and the ID of
// that key. It looks at the first and the last sealEnds uploads and at one further seal. The
// error wraps [books.ErrNotFound] if all of these are under keyID, or there is no seal.
func (d *DB) SealedUnderOther(ctx context.Context, keyID string) (of watermark.Submission, other string, err error) {
	const end = " JOIN (SELECT id FROM submission ORDER BY seq %s LIMIT %d) s ON s.id = x.submission WHERE x.key_id <> $1 LIMIT 1"
	for _, order := range []string{"ASC", "DESC"} {
		of, other, err = sealedOne(ctx, d.read, fmt.Sprintf(end, order, sealEnds), keyID)
		if !errors.Is(err, books.ErrNotFound) {
			return of, other, err
		}
	}
	of, other, err = sealedOne(ctx, d.read, " LIMIT 1") // both ends may be uploads without a seal
	if err == nil && other == keyID {
		err = books.ErrNotFound
	}
	return of, other, err
}

// sealedOne returns the submission and the key's ID of the first seal that the query with this
// tail selects. tail follows the table's name; args are its arguments. The error wraps
// [books.ErrNotFound] if the query selects no seal. sealedOne reads nothing of what is sealed.
func sealedOne(ctx context.Context, q querier, tail string, args ...any) (of watermark.Submission, keyID string, err error) {
	rows, err := collect(ctx, q, func(x *sealedRow) []any { return []any{fixed(x.of[:]), &x.KeyID} },
		"SELECT x.submission, x.key_id FROM sealed x"+tail, args...)
	if err == nil && len(rows) == 0 {
		err = books.ErrNotFound
	}
	if err != nil {
		return of, "", err
	}
	return rows[0].of, rows[0].KeyID, nil
}

// sealedAlike checks that the seals that are to be entered, and the seals that are there, are of
// one key. The error wraps [books.ErrSealed] if they are not. Without seals to enter it does
// nothing. It must run in the transaction that enters the seals, so that two callers cannot
// enter two keys.
func sealedAlike(ctx context.Context, t *tx, entering []sealedRow) error {
	if len(entering) == 0 {
		return nil
	}
	of, keyID, err := sealedOne(ctx, t, " LIMIT 1")
	if errors.Is(err, books.ErrNotFound) {
		of, keyID, err = entering[0].of, entering[0].KeyID, nil
	}
	if err != nil {
		return err
	}
	for i := range entering {
		if x := &entering[i]; x.KeyID != keyID {
			return fmt.Errorf("%w: submission %s was sealed under the key %s, which %s does not open",
				books.ErrSealed, of, keyID, x.KeyID)
		}
	}
	return nil
}
