package postgres_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/records"
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
			require.ErrorIs(t, err, records.ErrTampered)
			require.ErrorContains(t, err, says)
		})
	}
}
