package postgres

import (
	"context"
	"database/sql"
	_ "embed"
	"strings"

	"github.com/kycmark/kycmark/internal/store/schema"
)

// made has a line for each column, index, trigger, function, rule and policy of the schema: a name, a
// tab, and its text.
//
//go:embed schema.txt
var made string

// Where triggers, rules and policies of rows are found.
const (
	triggers = "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN (TABLES) AND NOT t.tgisinternal"
	rules    = "FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = current_schema()::regnamespace AND c.relname IN (TABLES)"
	policies = "FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname IN (TABLES) AND relrowsecurity"
)

// objectsOf lists them as they are. Rules and policies of rows can hide rows; the schema has none. Other
// tables may be in the same schema.
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
