package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"strings"
	"text/template"

	"github.com/pressly/goose/v3"
)

// Words are what the templates in folder migrations write differently for each database.
// Postgres is true for PostgreSQL and false for SQLite.
type Words struct {
	Postgres        bool
	Int, Blob, Real string // names of types
	Name            string // type of a text that is compared by its bytes
	Hex             string // begin of a literal blob, before its hex digits
	Rows, Keyed     string // end of a table with numbered rows, or of a table that its key orders
}

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the steps of the schema in the words of one database. The number that a
// file's name begins with is the version that the step makes. migrations touches no database:
// goose runs each step in a transaction, and keeps the version that was reached in the table
// schema_version. after has what follows the text of a version, in its transaction.
func migrations(words Words, after map[int64]func(context.Context, *sql.Tx) error) (steps []*goose.Migration, err error) {
	files, err := template.ParseFS(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files.Templates() {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return nil, err
		}
		var text strings.Builder
		if err := file.Execute(&text, words); err != nil {
			return nil, err
		}
		run := func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, text.String())
			if then := after[version]; err == nil && then != nil {
				err = then(ctx, tx)
			}
			return err
		}
		steps = append(steps, goose.NewGoMigration(version, &goose.GoFunc{RunTx: run}, nil))
	}
	return steps, nil
}
