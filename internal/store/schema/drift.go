package schema

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"
)

// tables lists the tables of a registry.
var tables = []string{"came_back", "checkpoint", "conclusion", "copy", "cosigned", "custody", "custody_submission", "erasure", "erasure_submission", "investigation", "key_state", "ledger",
	"ledger_head", "list_node", "mark_key", "receipt", "recipient", "release", "registry", "removal", "schema_version", "sealed", "segment", "subject", "submission"}

// InTables writes the names of the tables of a registry into a query that has TABLES for them. Other tables of a database are not
// looked at.
func InTables(query string) string {
	return strings.ReplaceAll(query, "TABLES", "'"+strings.Join(tables, "', '")+"'")
}

// Differs says which object of a schema differs from want, names with their texts; "": none. The query lists the
// objects that are there.
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
