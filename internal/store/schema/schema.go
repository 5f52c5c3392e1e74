// Package schema has the tables of a registry in a SQL database: what makes them, and how their rows are read and written.
package schema

import (
	"context"
	"database/sql"
	_ "embed" // the schema
	"fmt"
	"strings"
	"text/template"

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
