package sqlite_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/sqlite"
)

// Registries that users have were made by this schema. A migration that was released never
// changes: a new schema is a further migration, and this digest changes with it.
func TestSchemaIsTheReleasedOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	fill(t, path)
	write, read, err := sqlite.Connect(path)
	require.NoError(t, err)
	defer write.Close()
	defer read.Close()
	rows, err := read.Query("SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
	require.NoError(t, err)
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var kind, name, sql string
		require.NoError(t, rows.Scan(&kind, &name, &sql))
		fmt.Fprintln(&all, kind, name, sql)
	}
	require.NoError(t, rows.Err())
	require.Equal(t, "b566504f867d2b7641f1d72c83d6b001d78ab89c8c7f2bbecc0389e3d3bc72c1", fmt.Sprintf("%x", sha256.Sum256([]byte(all.String()))), all.String())
}
