package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// manyRows are entered by COPY, which takes three round trips; fewer in one, by
// arrays of columns.
const manyRows = 500

// insert enters rows inside of the transaction that is open on conn.
func insert(ctx context.Context, conn *sql.Conn, table string, columns []string, rows [][]any) error {
	for _, row := range rows {
		for i, v := range row { // pointers and driver.Valuers, which neither way can encode
			var err error
			if row[i], err = driver.DefaultParameterConverter.ConvertValue(v); err != nil {
				return err
			}
		}
	}
	return conn.Raw(func(raw any) error {
		c, ok := raw.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of %T", raw)
		}
		if len(rows) >= manyRows {
			_, err := c.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
			return err
		}
		return insertArrays(ctx, c.Conn(), table, columns, rows)
	})
}

// insertArrays enters rows by one statement, whose arguments are one array for each column.
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

// array is a column of rows, with the type of its elements.
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

// columnOf returns the values of one column, which all have the type T.
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
