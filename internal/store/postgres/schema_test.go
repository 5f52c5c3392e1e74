package postgres_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/store/postgres"
)

// A description of every column, constraint, index, trigger and setting of the schema.
var catalog = []string{
	`SELECT c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || ' ' || a.attstorage::text || ' ' ||
		coalesce(a.attstattarget::text, '-1') || ' ' || coalesce(l.collname, '') || ' ' || coalesce(pg_get_expr(f.adbin, f.adrelid), '')
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_collation l ON l.oid = a.attcollation
		LEFT JOIN pg_attrdef f ON f.adrelid = c.oid AND f.adnum = a.attnum
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 ORDER BY c.relname, a.attnum`,
	`SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
		WHERE connamespace = current_schema()::regnamespace AND contype <> 'n' ORDER BY 1`,
	`SELECT pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = current_schema()::regnamespace ORDER BY 1`,
	`SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal ORDER BY 1`,
	`SELECT proname || ' ' || prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace ORDER BY 1`,
	`SELECT relname || ' ' || coalesce(reloptions::text, '') FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 1`,
}

// Registries that users have were made by this schema. A migration that was released never
// changes: a new schema is a further migration, and this digest changes with it.
func TestSchemaIsTheReleasedOne(t *testing.T) {
	dsn := server.DSN(t)
	schema := dsn[strings.LastIndex(dsn, "=")+1:]
	var all strings.Builder
	create(t, dsn)
	_, read, done, err := postgres.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer done()
	for _, query := range catalog {
		rows, err := read.Query(query)
		require.NoError(t, err)
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			fmt.Fprintln(&all, strings.ReplaceAll(line, schema+".", ""))
		}
		require.NoError(t, rows.Err())
	}
	require.Equal(t, "1475dbfcb0d6964ef483468a824e7b29d6bff7967626871ed531e02f98a2bb9c", fmt.Sprintf("%x", sha256.Sum256([]byte(all.String()))), all.String())
}
