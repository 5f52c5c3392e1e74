package sqldb_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/sqldb"
)

// Seals of a second key are refused, and where they are there already they are found
// among the first and the last uploads, and anywhere if nothing else is sealed.
func TestOneSealingKey(t *testing.T) {
	each(t, func(t *testing.T, d *sqldb.DB) {
		ctx := t.Context()
		none := func() {
			t.Helper()
			_, _, err := d.SealedUnderOther(ctx, "seal1-x")
			require.ErrorIs(t, err, books.ErrNotFound)
		}
		bare := func(from, n int) {
			var ups []books.Upload
			for i := range n {
				sub, _ := submission(from + i)
				sub.Kept = false
				ups = append(ups, books.Upload{Submission: sub})
			}
			_, err := d.AddSubmissions(ctx, ups)
			require.NoError(t, err)
		}
		sealed := func(n int, keyID string) books.Upload {
			sub, x := submission(n)
			x.KeyID = keyID
			return books.Upload{Submission: sub, Sealed: &x}
		}
		none()
		_, err := d.AddSubmissions(ctx, []books.Upload{sealed(1, "seal1-x"), sealed(2, "seal1-y")})
		require.ErrorIs(t, err, books.ErrSealed, "two in one call")
		bare(100, 70)
		none()
		_, err = d.AddSubmissions(ctx, []books.Upload{sealed(1, "seal1-x")})
		require.NoError(t, err)
		bare(200, 70)
		none()
		of, other, err := d.SealedUnderOther(ctx, "seal1-y")
		require.NoError(t, err, "far from both ends")
		require.Equal(t, sealed(1, "").ID, of)
		require.Equal(t, "seal1-x", other)
		_, err = d.AddSubmissions(ctx, []books.Upload{sealed(2, "seal1-y")})
		require.ErrorIs(t, err, books.ErrSealed)
		require.ErrorContains(t, err, fmt.Sprintf("submission %s was sealed under the key seal1-x, which seal1-y does not open", of))

		// As an earlier version could leave it.
		up := sealed(2, "seal1-x")
		_, err = d.AddSubmissions(ctx, []books.Upload{up, sealed(3, "seal1-x")})
		require.NoError(t, err)
		_, err = d.Raw().Exec("UPDATE sealed SET key_id = 'seal1-y' WHERE submission = $1", up.ID[:])
		require.NoError(t, err)
		of, other, err = d.SealedUnderOther(ctx, "seal1-x")
		require.NoError(t, err, "the others are of the key")
		require.Equal(t, up.ID, of)
		require.Equal(t, "seal1-y", other)
	})
}
