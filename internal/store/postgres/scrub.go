package postgres

import (
	"context"
	"database/sql"
	"fmt"
)

// scrub frees the versions of rows as they were before an erasure, so that their places are used again. It overwrites
// nothing: docs/registry.md says what stays readable. The error says that the erasure itself is done.
func scrub(ctx context.Context, write *sql.DB) error {
	if _, err := write.ExecContext(ctx, "VACUUM (INDEX_CLEANUP ON) submission, subject, sealed, recipient"); err != nil {
		return fmt.Errorf("the erasure is done, but the old rows could not be freed: %w", err)
	}
	return nil
}

// notOurs are the tables that VACUUM would pass over with no more than a warning: who may
// vacuum owns the table or the database, or holds MAINTAIN, which there is from 17 on.
const notOurs = `SELECT current_user::text, coalesce(string_agg(c.relname, ', ' ORDER BY c.relname), '')
	FROM pg_catalog.pg_class c, pg_catalog.pg_database d
	WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
	AND c.relkind IN ('r', 'p') AND c.relname IN ('submission', 'subject', 'sealed', 'recipient')
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
