package schema

import (
	"context"
	"database/sql"

	"github.com/kycmark/kycmark/internal/objects"
)

// A Dialect is what a database does in its own way.
type Dialect struct {
	Words Words // of the schema
	// Tables is a query for how many of the tables schema_version, ledger_head and registry are there. It tells a registry from other
	// databases.
	Tables string
	// Questions: arguments may be written ? in place of $1, and are faster so.
	Questions bool
	// Lock ends the query that reads the ledger's head in a transaction that writes,
	// so that others wait there; empty where beginning the transaction does that.
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
	// Meddler is a query for the name of a trigger, rule or policy that the schema does not have: it could undo
	// what is written; "": not asked.
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
