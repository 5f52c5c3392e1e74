//go:build long

package verify_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/verify/registry/postgres"
	"github.com/kycmark/kycmark/verify/registry/sqlite"
)

// An audit names the row of which a column was altered, in each column of each table of PostgreSQL to which the ledger commits. TestEveryEditByRawSQLIsFound has
// edits of the row that says which registry it is.
func TestLongAuditNamesRowsInPostgreSQL(t *testing.T) {
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
	r, err := registry.Open(ctx, postgres.At(dsn))
	require.NoError(t, err)
	defer r.Close()
	audit := func() []string {
		a, err := r.Ledger().Audit(ctx, registry.AuditOptions{SealKey: c.SealKey, Keys: []string{ledger}})
		require.NoError(t, err)
		return a.Problems
	}
	require.Empty(t, audit())
	tried := 0
	for _, table := range []string{"recipient", "submission", "sealed", "copy", "release", "custody", "receipt", "came_back", "mark_key", "key_state", "cosigned", "investigation", "conclusion",
		"erasure", "erasure_submission", "custody_submission", "subject", "checkpoint", "ledger", "ledger_head", "list_node"} {
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
		key := cmp.Or(map[string]string{"sealed": "submission", "ledger_head": "one"}[table], keyOf[table], "seq")
		for _, x := range columns {
			changed := map[string]string{"text": "%s || 'x'", "bytea": `%s || '\x01'`, "bigint": "%s + 1000001", "double precision": "%s + 0.5"}[x.Kind]
			if slices.Contains([]string{"sealed.hashes", "checkpoint.made"}, table+"."+x.Name) {
				continue // nothing rests on them: no hashes are sealed here
			}
			if changed == "" {
				t.Errorf("%s.%s is of another type: %s", table, x.Name, x.Kind)
				continue
			}
			tried++
			var id any
			require.NoError(t, db.QueryRow(ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY 1 LIMIT 1", key, table)).Scan(&id), table)
			name := fmt.Sprintf(`entry %v\b`, id)
			switch b, ok := id.([]byte); {
			case table == "checkpoint":
				name = fmt.Sprintf(`checkpoint of %v entries|entry %[1]v\b`, id)
			case table == "ledger_head":
				name = "ledger has no head|ledger ends|ledger head|root of the lists"
			case ok:
				name = fmt.Sprintf("%x", b)
			}
			var found []string
			func() {
				tx := fmt.Sprintf("CREATE TABLE saved AS SELECT * FROM %[1]s", table)
				run(tx)
				defer run(fmt.Sprintf("DELETE FROM %[1]s; INSERT INTO %[1]s SELECT * FROM saved; DROP TABLE saved", table))
				_, err := db.Exec(ctx, fmt.Sprintf("UPDATE %s SET %s = "+fmt.Sprintf(changed, x.Name)+" WHERE %s = $1", table, x.Name, key), id)
				require.NoError(t, err)
				found = audit()
			}()
			assert.Regexp(t, name, strings.Join(found, "\n"), "%s.%s", table, x.Name)
			assert.NotRegexp(t, noSQL, strings.Join(found, "\n"), "%s.%s", table, x.Name)
		}
	}
	t.Logf("%d columns", tried)
	require.Greater(t, tried, 128)
}
