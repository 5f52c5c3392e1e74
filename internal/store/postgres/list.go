package postgres

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// Numbers are handed over as an array.

// list is List of [sqldb.SearchDialect].
func list(numbers []int64) (from string, arg any) {
	return "unnest($1::bigint[]) AS p(value)", numbers
}

// among is Among of [sqldb.SearchDialect].
func among(numbers []int64) (condition string, arg any) { return "= ANY ($1::bigint[])", numbers }

// probing leaves the planner, which cannot know that a list holds narrow ranges, one
// way: an index search for each entry.
const probing = `(SELECT count(set_config(name, 'off', true)) FROM unnest(ARRAY['enable_hashjoin', 'enable_mergejoin',
	'enable_seqscan', 'enable_bitmapscan', 'enable_material', 'enable_memoize', 'jit']) AS name)`

// blobs runs a query of a number and a blob in the transaction that is open on conn, and calls f
// with each row. Blobs are not copied: they are valid until f returns. An error of f ends the
// query.
func blobs(ctx context.Context, conn *sql.Conn, f func(int64, []byte) error, query string, args ...any) error {
	return conn.Raw(func(raw any) error {
		c, ok := raw.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of %T", raw)
		}
		rows, err := c.Conn().Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var number int64
			var blob pgtype.DriverBytes
			if err := rows.Scan(&number, &blob); err != nil {
				return err
			}
			if err := f(number, blob); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}
