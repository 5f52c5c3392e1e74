package sqldb_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
)

// Seals of a second key are refused, wherever the first is among the uploads. A damaged seal changes nothing.
func TestOneSealingKey(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		none := func() {
			t.Helper()
			_, _, err := d.SealedUnderOther(ctx, "seal1-x")
			require.ErrorIs(t, err, records.ErrNotFound)
		}
		bare := func(from, n int) {
			var ups []records.Upload
			for i := range n {
				sub, _ := submission(from + i)
				sub.Kept = false
				ups = append(ups, records.Upload{Submission: sub})
			}
			_, err := d.AddSubmissions(ctx, ups)
			require.NoError(t, err)
		}
		sealed := func(n int, keyID string) records.Upload {
			sub, x := submission(n)
			x.KeyID = keyID
			return records.Upload{Submission: sub, Sealed: &x}
		}
		none()
		_, err := d.AddSubmissions(ctx, []records.Upload{sealed(1, "seal1-x"), sealed(2, "seal1-y")})
		require.ErrorIs(t, err, records.ErrSealed, "two in one call")
		bare(100, 70)
		none()
		_, err = d.AddSubmissions(ctx, []records.Upload{sealed(1, "seal1-x")})
		require.NoError(t, err)
		bare(200, 70)
		none()
		of, other, err := d.SealedUnderOther(ctx, "seal1-y")
		require.NoError(t, err, "far from both ends")
		require.Equal(t, sealed(1, "").ID, of)
		require.Equal(t, "seal1-x", other)
		_, err = d.AddSubmissions(ctx, []records.Upload{sealed(2, "seal1-y")})
		require.ErrorIs(t, err, records.ErrSealed)
		require.ErrorContains(t, err, fmt.Sprintf("submission %s was sealed under the key seal1-x, which seal1-y does not open", of))

		// A damaged seal does not make the key another one.
		up := sealed(2, "seal1-x")
		_, err = d.AddSubmissions(ctx, []records.Upload{up, sealed(3, "seal1-x")})
		require.NoError(t, err)
		for _, id := range []any{up.ID[:], of[:]} {
			_, err = d.Raw().Exec("UPDATE sealed SET key_id = 'seal0-x' WHERE submission = $1", id)
			require.NoError(t, err)
			none()
			_, err = d.AddSubmissions(ctx, []records.Upload{sealed(2, "seal1-x")})
			require.NoError(t, err)
		}
		_, _, err = d.SealedUnderOther(ctx, "seal1-y")
		require.NoError(t, err)
	})
}
