package sqldb_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
)

// Tokens and requests are kept by both databases. A registry that is open for investigation only reads tokens and keeps
// requests. The ledger has nothing of them.
func TestAccess(t *testing.T) {
	for kind, create := range kinds {
		t.Run(kind, func(t *testing.T) {
			d := create(t, info())
			size, _, err := d.Head(t.Context())
			require.NoError(t, err)
			store := d.ForInvestigation()
			a := records.Token{Name: "a", ID: "00000001", Digest: [32]byte{1}, Roles: "issue audit", Added: t0,
				Expires: t0.Add(time.Hour)}
			require.ErrorIs(t, store.AddToken(t.Context(), a), records.ErrReadOnly)
			require.ErrorIs(t, store.RevokeToken(t.Context(), "a", t0), records.ErrReadOnly)
			require.NoError(t, d.AddToken(t.Context(), a))
			require.ErrorIs(t, d.AddToken(t.Context(), records.Token{Name: "a", ID: "00000002"}),
				records.ErrConflict)
			require.NoError(t, d.AddToken(t.Context(), records.Token{Name: "B", ID: "00000002", Added: t0}))
			got, err := store.Token(t.Context(), "00000001")
			require.NoError(t, err)
			require.Equal(t, a, *got)
			_, err = store.Token(t.Context(), "00000003")
			require.ErrorIs(t, err, records.ErrNotFound)
			all, err := store.Tokens(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"B", "a"}, []string{all[0].Name, all[1].Name}, "by the bytes of their names")

			require.NoError(t, d.RevokeToken(t.Context(), "a", t0.Add(time.Minute)))
			require.NoError(t, d.RevokeToken(t.Context(), "a", t0.Add(2*time.Minute)))
			require.ErrorIs(t, d.RevokeToken(t.Context(), "c", t0), records.ErrNotFound)
			got, err = store.Token(t.Context(), "00000001")
			require.NoError(t, err)
			require.Equal(t, t0.Add(time.Minute), got.Revoked, "the first time stays")

			r := records.Request{ID: [32]byte{1}, Digest: [32]byte{2}, Made: t0}
			for _, digest := range []byte{2, 3} {
				r.Digest[0] = digest
				there, err := store.Claim(t.Context(), r)
				require.NoError(t, err)
				assert.Equal(t, byte(2), there.Digest[0], "the first request stays")
			}
			require.NoError(t, store.SetAnswer(t.Context(), r.ID, "", "done"))
			require.ErrorIs(t, store.SetAnswer(t.Context(), r.ID, "", "done by another"), records.ErrConflict)
			there, err := store.Claim(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, "done", there.Answer)
			require.NoError(t, store.ForgetRequests(t.Context(), t0))
			there, err = store.Claim(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, "done", there.Answer, "as old as the limit")
			require.NoError(t, store.ForgetRequests(t.Context(), t0.Add(time.Microsecond)))
			there, err = store.Claim(t.Context(), r)
			require.NoError(t, err)
			require.Empty(t, there.Answer, "forgotten")

			after, _, err := d.Check(t.Context())
			require.NoError(t, err)
			require.Equal(t, size, after)
		})
	}
}
