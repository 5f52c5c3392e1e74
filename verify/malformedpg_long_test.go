//go:build long

package verify_test

import (
	"cmp"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// garbagePostgreSQL is as garbage, within what the types of PostgreSQL hold.
var garbagePostgreSQL = map[string][]string{
	"text":             {"'no such word'", "NULL"},
	"bytea":            {`'\x01'`, "NULL"},
	"bigint":           {"-9223372036854775807", "NULL"},
	"double precision": {"'NaN'", "NULL"},
}

// A malformed row ends nothing in PostgreSQL either. Its constraints are dropped, as damaged files and whoever owns the tables
// can do.
func TestLongMalformedRowsInPostgreSQL(t *testing.T) {
	dsn := server.DSN(t)
	ctx := t.Context()
	c := newCase(t)
	ledger := malformable(t, c)
	_, _, err := registry.Clone(ctx, sqlite.At(c.path), postgres.At(dsn), "", nil)
	require.NoError(t, err)
	db, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer db.Close(ctx)
	run := func(query string) {
		_, err := db.Exec(ctx, query)
		require.NoError(t, err, query)
	}
	run("SET session_replication_role = replica") // no triggers
	leak, stranger := file(t, c.marked, "jpeg"), file(t, specimen.Render(specimen.Residence, specimen.NewPerson(9), 200), "png")
	tried, altered := 0, 0
	for _, table := range []string{"recipient", "copy", "custody", "conclusion", "erasure", "checkpoint", "cosigned", "ledger", "list_node"} {
		rows, err := db.Query(ctx, "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c'", table)
		require.NoError(t, err)
		checks, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for _, name := range checks {
			run(fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %q", table, name))
		}
		type column struct{ Name, Kind string }
		rows, err = db.Query(ctx, "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1 AND table_schema = current_schema() ORDER BY ordinal_position", table)
		require.NoError(t, err)
		columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
		require.NoError(t, err)
		key := cmp.Or(keyOf[table], "seq")
		for _, x := range columns {
			values := garbagePostgreSQL[x.Kind]
			if x.Name == key || x.Name == "id" || x.Name == "name" || table == "checkpoint" && (x.Name == "made" || x.Name == "stamp") || len(values) == 0 {
				continue // keys have no NULL; nothing commits to when a checkpoint was made
			}
			value := values[tried%len(values)]
			if tried++; os.Getenv("KYCMARK_GARBAGE") == "" && tried%4 != 0 {
				continue // each fourth column; all with KYCMARK_GARBAGE=1
			}
			t.Run(table+"."+x.Name+" "+value, func(t *testing.T) {
				run(fmt.Sprintf("ALTER TABLE %s ALTER %s DROP NOT NULL", table, x.Name))
				run(fmt.Sprintf("CREATE TABLE saved AS SELECT %[2]s AS was, %[3]s AS at FROM %[1]s ORDER BY %[3]s LIMIT 1", table, x.Name, key))
				run(fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s = (SELECT at FROM saved)", table, x.Name, value, key))
				defer run(fmt.Sprintf("UPDATE %[1]s SET %[2]s = (SELECT was FROM saved) WHERE %[3]s = (SELECT at FROM saved); DROP TABLE saved", table, x.Name, key))
				if goesOn(t, c, ledger, postgres.At(dsn), leak, stranger, 0) {
					altered++
				}
			})
		}
	}
	require.Greater(t, tried, 40)
	require.NotZero(t, altered)
}
