package postgres

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strings"

	"github.com/kycmark/kycmark/internal/store/schema"
)

// made has a line for each column, index, trigger, function, rule and policy of the schema: a name, a tab, and its text.
//
//go:embed schema.txt
var made string

// Where triggers, rules and policies of rows are found.
const (
	triggers = "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN (TABLES) AND NOT t.tgisinternal"
	rules    = "FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN (TABLES)"
	policies = "FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname IN (TABLES) AND relrowsecurity"
)

// objectsOf lists them as they are. Rules and policies of rows can hide rows; the schema has none, but may have other tables.
const objectsOf = `SELECT name, text FROM (
	SELECT 'column ' || c.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END AS text
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN (TABLES) AND a.attnum > 0 AND NOT a.attisdropped
	UNION ALL
	SELECT 'index ' || c.relname, regexp_replace(pg_get_indexdef(i.indexrelid), '[^ ]*\.', '') || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class o ON o.oid = i.indrelid
		WHERE c.relnamespace = current_schema()::regnamespace AND o.relname IN (TABLES)
	UNION ALL
	SELECT 'trigger ' || t.tgname || ' of ' || c.relname, encode(sha256(convert_to(regexp_replace(pg_get_triggerdef(t.oid), ' ON [^ ]*\.', ' ON '), 'UTF8')), 'hex') || ' ' || t.tgenabled::text
		` + triggers + `
	UNION ALL
	SELECT 'function ' || proname, encode(sha256(convert_to(prosrc, 'UTF8')), 'hex') FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname = 'ledger_is_append_only'
	UNION ALL
	SELECT 'rule ' || r.rulename || ' of ' || c.relname, '' ` + rules + `
	UNION ALL
	SELECT 'policy of rows of ' || relname, '' ` + policies + `
) AS objects ORDER BY name`

// objectsOfSchema is [objectsOf] with the names of the tables.
var objectsOfSchema = schema.InTables(objectsOf)

// meddler names a trigger, rule or policy of rows that the schema does not have. A disabled trigger does nothing.
var meddler = schema.InTables("SELECT 'trigger ' || t.tgname || ' of ' || c.relname " + triggers + ` AND (t.tgname NOT IN ('ledger_is_append_only_1', 'ledger_is_append_only_2') OR c.relname <> 'ledger') AND t.tgenabled <> 'D'
	UNION ALL SELECT 'rule ' || r.rulename || ' of ' || c.relname ` + rules + " UNION ALL SELECT 'policy of rows of ' || relname " + policies + " LIMIT 1")

// drift says which column, index, trigger, function, rule or policy differs from the schema.
func drift(ctx context.Context, q *sql.Tx) (what string, err error) {
	want := make(map[string]string)
	for line := range strings.Lines(made) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		want[name] = text
	}
	return schema.Differs(ctx, q, objectsOfSchema, want)
}

// scrub frees the versions of rows as they were before an erasure, so that their places are used again. It overwrites
// nothing: docs/registry.md says what stays readable. The error says that the erasure itself is done.
func scrub(ctx context.Context, write *sql.DB) error {
	if _, err := write.ExecContext(ctx, "VACUUM (INDEX_CLEANUP ON) submission, subject, sealed, recipient, segment"); err != nil {
		return fmt.Errorf("the erasure is done, but the old rows could not be freed: %w", err)
	}
	return nil
}

// notOurs are the tables that VACUUM would pass over with no more than a warning: who may
// vacuum owns the table or the database, or holds MAINTAIN, which there is from 17 on.
const notOurs = `SELECT current_user::text, coalesce(string_agg(c.relname, ', ' ORDER BY c.relname), '')
	FROM pg_catalog.pg_class c, pg_catalog.pg_database d
	WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
	AND c.relkind IN ('r', 'p') AND c.relname IN ('submission', 'subject', 'sealed', 'recipient', 'segment')
	AND d.datname = current_database()
	AND NOT pg_has_role(c.relowner, 'USAGE') AND NOT pg_has_role(d.datdba, 'USAGE')
	AND NOT CASE WHEN current_setting('server_version_num')::int >= 170000
		THEN has_table_privilege(c.oid, 'MAINTAIN') ELSE false END`

// mayScrub checks whether the role may run VACUUM on the tables that scrub frees. If not, the error names the role and
// the tables. Else erased rows would stay in the files while the erasure counts as done.
func mayScrub(ctx context.Context, write *sql.DB) error {
	var role, tables string
	if err := write.QueryRowContext(ctx, notOurs).Scan(&role, &tables); err != nil {
		return fmt.Errorf("whether old rows can be freed: %w", err)
	}
	if tables == "" {
		return nil
	}
	return fmt.Errorf("permission denied for role %s to free old rows by VACUUM of %s: that takes their owner, or from PostgreSQL 17 on GRANT MAINTAIN",
		role, tables)
}
