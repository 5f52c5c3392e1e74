package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/internal/store/pgtest"
)

// A server whose files may not grow costs an error; what was acknowledged is there,
// and when there is room again the same handle goes on.
func TestDiskFull(t *testing.T) {
	small := pgtest.Server{MaxFile: 18} // a segment of the log has 16 MB
	t.Cleanup(small.Stop)
	d := create(t, small.DSN(t))
	n := 0
	var err error
	for err == nil {
		require.Less(t, n, 100, "the disk was never full")
		if _, err = d.AddSubmissions(t.Context(), []store.Upload{large(n)}); err == nil {
			n++
		}
	}
	require.ErrorContains(t, err, "File too large")
	whole := func() {
		size, _, err := d.Check(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1+n, size, "the registry, and all that were acknowledged")
	}
	whole()
	small.Unlimit(t)
	for range 20 { // each of the lost sessions costs an error
		if _, err = d.AddSubmissions(t.Context(), []store.Upload{large(n)}); err == nil {
			break
		}
	}
	require.NoError(t, err)
	n++
	whole()
}

func large(n int) store.Upload {
	u := upload(n)
	u.Kept = true
	u.Sealed = &store.Sealed{KeyID: "k", Wrapped: []byte{1}, Body: make([]byte, 1<<20)}
	return u
}
