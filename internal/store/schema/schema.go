// Package schema has the tables of a registry in a SQL database: what makes them, and how their rows are read and written.
package schema

import (
	"context"
	"database/sql"
	_ "embed" // the schema
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"

	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/records"
)

// Words are what schema.sql writes differently for each database. Postgres is true for PostgreSQL and false for SQLite.
type Words struct {
	Postgres        bool
	Int, Blob, Real string // names of types
	Name            string // type of a text that is compared by its bytes
	Hex             string // begin of a literal blob, before its hex digits
	Rows, Keyed     string // end of a table with numbered rows, or of a table that its key orders
}

//go:embed schema.sql
var schemaText string

// schemaVersion is the version that schema.sql enters.
const schemaVersion = 1

// Make makes the tables, in one transaction. It is no error if another process makes them first.
func Make(ctx context.Context, dialect *Dialect, write, read *sql.DB) error {
	text := new(strings.Builder)
	if err := template.Must(template.New("schema").Parse(schemaText)).Execute(text, dialect.Words); err != nil {
		return err
	}
	raw, err := write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer raw.Rollback()
	if _, err = raw.ExecContext(ctx, text.String()); err == nil {
		err = raw.Commit()
	}
	if err != nil {
		raw.Rollback()
		if Check(ctx, read) == nil {
			return nil
		}
		return fmt.Errorf("make the schema: %w", err)
	}
	return nil
}

// Check compares the version of the schema with schemaVersion. The error wraps [records.ErrSchema].
func Check(ctx context.Context, q Querier) error {
	have, err := Number(ctx, q, "SELECT max(version) FROM schema_version")
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if have != schemaVersion {
		return fmt.Errorf("%w: the registry has schema %d, made by another version of kycmark; this version has schema %d", records.ErrSchema, have, schemaVersion)
	}
	return nil
}

// A Dialect is what a database does in its own way.
type Dialect struct {
	Words Words // of the schema
	// Tables is a query for how many of the tables schema_version, ledger_head and registry are there. Other databases lack them.
	Tables string
	// Questions: arguments may be written ? in place of $1, and are faster so.
	Questions bool
	// Lock ends a query of one row in a transaction that writes, so that others wait there; empty where beginning the
	// transaction does that.
	Lock string
	// Write is how a transaction that writes must begin to see, once it has the lock, what others committed before.
	Write *sql.TxOptions
	// Snapshot is how a transaction that only reads must begin to see one state.
	Snapshot *sql.TxOptions
	// Frozen reports whether a request failed because the database can only be read; nil: none does.
	Frozen func(error) bool
	// Conflict reports whether a unique name or ID is taken.
	Conflict func(error) bool
	// Again reports whether the database gave up a transaction for another's sake, so that it may be run again.
	Again func(error) bool
	// Drift says which table, index or trigger differs from what the schema has; "": none.
	Drift func(ctx context.Context, q *sql.Tx) (what string, err error)
	// Meddler is a query for the name of a trigger, rule or policy that the schema does not have; "": not asked.
	Meddler string
	// Sound asks the database what is wrong with a table and its indexes; "": nothing, or it cannot tell.
	Sound func(ctx context.Context, q *sql.Tx, table string) (wrong string, err error)
	// Unindexed writes a column so that no index serves its condition: all rows are looked at.
	Unindexed func(column string) string
	// Insert enters n rows of a table inside of the transaction that is open on conn. row returns the values of a row.
	Insert func(ctx context.Context, conn *sql.Conn, table string, columns []string, n int, row func(i int) ([]any, error)) error
	// Segments returns the folder of the segments of the registry with this ID, hex, whose originals are
	// kept at an address; "": none are made.
	Segments func(originals, registry string) string
	// Originals opens a place of originals outside of the database.
	Originals objects.Open
	// MayScrub runs before an erasure and says why Scrub would do nothing; nil: it will.
	MayScrub func(ctx context.Context, write *sql.DB) error
	// Scrub runs after an erasure was committed and removes what the database still holds of it in files; nil: nothing.
	Scrub func(ctx context.Context, write *sql.DB) error
	// Unsummed: the server's pages have no checksums.
	Unsummed bool
	// Close runs when the registry is closed, after its connections; nil: nothing.
	Close func()
}

var tables = []string{"came_back", "checkpoint", "conclusion", "copy", "cosigned", "custody", "custody_event", "custody_submission", "erasure", "erasure_submission", "investigation", "key_state", "ledger",
	"ledger_head", "list_node", "mark_key", "notice", "receipt", "recipient", "release", "registry", "removal", "request", "schema_version", "sealed", "segment", "subject", "submission", "token"}

// InTables writes the names of the tables of a registry into a query that has TABLES for them. Others are not looked at.
func InTables(query string) string {
	return strings.ReplaceAll(query, "TABLES", "'"+strings.Join(tables, "', '")+"'")
}

// Differs says which object of a schema differs from want, names with their texts; "": none. The query lists them.
func Differs(ctx context.Context, q *sql.Tx, query string, want map[string]string) (what string, err error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return "", err
		}
		switch made, is := want[name]; {
		case !is:
			return name + " was added", nil
		case made != text:
			return name + " is another", nil
		}
		delete(want, name)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		return name + " is missing", rows.Err()
	}
	return "", rows.Err()
}
