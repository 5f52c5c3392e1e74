//go:build long

package sqldb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/sqldb"
)

// Whatever is entered, erased and built, segments hold what is there, and there are few.
func TestLongSegmentsHoldTheHashes(t *testing.T) {
	eachSegmented(t, func(t *testing.T, d *sqldb.DB, folder string) {
		c := newCorpus(1)
		most := 0
		for k := range 14 {
			if k == 3 {
				c.add(t, d, 3000) // much more than all that follow
			}
			c.add(t, d, 90+40*(k%3))
			if k%2 > 0 {
				c.erase(t, d, 17)
			}
			require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildMissing, nil))
			all := c.check(t, d)
			most = max(most, len(all))
			require.Len(t, inFolder(t, folder), len(all), "no other file is left")
		}
		require.Greater(t, most, 1)
		require.LessOrEqual(t, most, 4)
		calls := 0
		require.NoError(t, d.BuildSegments(t.Context(), d.SegmentKeys(), books.BuildAll, func(done, total int64) { calls++ }))
		require.Len(t, c.check(t, d), 1)
		require.Positive(t, calls)
	})
}
