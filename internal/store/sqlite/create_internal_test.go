package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqldb"
)

// Two processes make a registry at one path. The second has made it when the first goes on, or is interrupted.
func TestCreateBesideAnother(t *testing.T) {
	for name, first := range map[string]func(path string, write, read *sql.DB) (*sqldb.DB, error){
		"goes on": func(path string, write, read *sql.DB) (*sqldb.DB, error) {
			return sqldb.Create(t.Context(), dialect(path, nil), write, read, records.Info{ID: [16]byte{1}})
		},
		"is interrupted": func(_ string, write, read *sql.DB) (*sqldb.DB, error) {
			require.NoError(t, read.Close())
			require.NoError(t, write.Close())
			return nil, context.Canceled
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r.db")
			_, err := create(path, func(path string, write, read *sql.DB) (*sqldb.DB, error) {
				second, err := Create(t.Context(), path, records.Info{ID: [16]byte{2}})
				require.NoError(t, err)
				require.NoError(t, second.Close())
				return first(path, write, read)
			})
			require.Error(t, err)
			d, err := Open(t.Context(), path)
			require.NoError(t, err)
			require.NoError(t, d.Close())
		})
	}
}
