package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// manyRows are entered by COPY, which takes three round trips; fewer in one, by arrays of columns.
const manyRows = 500

// insert enters n rows, 1 or more, in the transaction that is open on conn. row returns a value for each of columns.
// From manyRows rows on, insert uses COPY, else one statement.
func insert(ctx context.Context, conn *sql.Conn, table string, columns []string, n int, row func(i int) ([]any, error)) error {
	return conn.Raw(func(raw any) error {
		c, ok := raw.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of %T", raw)
		}
		if n >= manyRows {
			_, err := c.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(n, row))
			return err
		}
		rows := make([][]any, n)
		for i := range rows {
			var err error
			if rows[i], err = row(i); err != nil {
				return err
			}
		}
		return insertArrays(ctx, c.Conn(), table, columns, rows)
	})
}

// insertArrays enters rows, 1 or more, by one statement, whose arguments are one array for each
// column. All values of a column must have the type of its first value.
func insertArrays(ctx context.Context, c *pgx.Conn, table string, columns []string, rows [][]any) error {
	args, casts := make([]any, len(columns)), make([]string, len(columns))
	for i := range columns {
		var err error
		if args[i], casts[i], err = array(rows, i); err != nil {
			return fmt.Errorf("%s.%s: %w", table, columns[i], err)
		}
		casts[i] = fmt.Sprintf("$%d::%s[]", i+1, casts[i])
	}
	_, err := c.Exec(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+
		") SELECT * FROM unnest("+strings.Join(casts, ", ")+")", args...)
	return err
}

// array returns one column (its index) of rows as an array, and the name of the SQL type of its elements. The first row
// decides the type: int64, float64, string or []byte. Other types, or mixed types, are an error. There must be a row.
func array(rows [][]any, column int) (values any, elem string, err error) {
	switch rows[0][column].(type) {
	case int64:
		values, err = columnOf[int64](rows, column)
		return values, "bigint", err
	case float64:
		values, err = columnOf[float64](rows, column)
		return values, "double precision", err
	case string:
		values, err = columnOf[string](rows, column)
		return values, "text", err
	case []byte:
		values, err = columnOf[[]byte](rows, column)
		return values, "bytea", err
	}
	return nil, "", fmt.Errorf("a value of %T", rows[0][column])
}

// columnOf returns the values of one column (its index) of rows. A value of another type than T is an error.
func columnOf[T any](rows [][]any, column int) ([]T, error) {
	out := make([]T, len(rows))
	for i, row := range rows {
		v, ok := row[column].(T)
		if !ok {
			return nil, fmt.Errorf("a value of %T among others", row[column])
		}
		out[i] = v
	}
	return out, nil
}
