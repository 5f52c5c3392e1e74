package postgres_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/postgres"
)

var update = flag.Bool("update", false, "write schema.txt anew")

// An audit compares the schema with schema.txt.
func TestSchemaFile(t *testing.T) {
	d := create(t, server.DSN(t))
	made, err := d.Schema(t.Context(), postgres.ObjectsOfSchema)
	require.NoError(t, err)
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(made)) {
		fmt.Fprintf(&all, "%s\t%s\n", name, made[name])
	}
	if *update {
		require.NoError(t, os.WriteFile("schema.txt", []byte(all.String()), 0o644))
	}
	file, err := os.ReadFile("schema.txt")
	require.NoError(t, err)
	require.Equal(t, string(file), all.String(), "go test ./internal/store/postgres -run SchemaFile -update")
}

// An audit names what was added to the schema, and what is missing: also what hides rows.
func TestChangedSchema(t *testing.T) {
	for query, says := range map[string]string{
		"DROP INDEX copy_submission":                                                                                      "index copy_submission is missing",
		"DROP INDEX receipt_copy; CREATE INDEX receipt_copy ON copy (seq)":                                                "index receipt_copy is another",
		"CREATE RULE hide AS ON INSERT TO copy DO INSTEAD NOTHING":                                                        "rule hide of copy was added",
		"ALTER TABLE copy ENABLE ROW LEVEL SECURITY":                                                                      "policy of rows of copy was added",
		"CREATE TABLE other (x int); CREATE VIEW v AS SELECT 1 AS x":                                                      "",
		"ALTER TABLE copy ADD COLUMN x int":                                                                               "column copy.x was added",
		"ALTER TABLE copy ALTER weak DROP NOT NULL":                                                                       "column copy.weak is another",
		"ALTER TABLE ledger DISABLE TRIGGER ledger_is_append_only_1":                                                      "trigger ledger_is_append_only_1 of ledger is another",
		"CREATE OR REPLACE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'": "function ledger_is_append_only is another",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER hide BEFORE INSERT ON copy FOR EACH ROW EXECUTE FUNCTION f()": "trigger hide of copy was added",
		"ANALYZE": "",
	} {
		t.Run(query, func(t *testing.T) {
			dsn := server.DSN(t)
			d := create(t, dsn)
			admin(t, dsn, query)
			_, _, err := d.Check(t.Context())
			if says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, books.ErrTampered)
			require.ErrorContains(t, err, says)
		})
	}
}

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
	require.Equal(t, "16d779da2499e1f1ff9dce2a78bd5503926d2cb96a113bcc253506dbce0892b1", fmt.Sprintf("%x", sha256.Sum256([]byte(all.String()))), all.String())
}
