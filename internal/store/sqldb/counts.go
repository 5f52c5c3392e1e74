package sqldb

import (
	"context"
	"time"

	"github.com/kycmark/kycmark/internal/books"
)

// CountSubmitted returns, for each span (both ends included), how many uploads were submitted in
// it and not erased; further pages do not count. Erased uploads are few. Counting all by the index of
// times, and subtracting the erased uploads (+: by their own index) and the further pages (by an index of
// their times), reads no rows except the erased uploads.
func (d *DB) CountSubmitted(ctx context.Context, spans ...[2]time.Time) ([]int, error) {
	out := make([]int, len(spans))
	for i, s := range spans {
		row := d.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM submission WHERE submitted BETWEEN $1 AND $2)
			- (SELECT count(*) FROM submission WHERE erased > 0 AND page < 2 AND +submitted BETWEEN $1 AND $2)
			- (SELECT count(*) FROM submission WHERE page > 1 AND submitted BETWEEN $1 AND $2)`, s[0].UnixMicro(), s[1].UnixMicro())
		if err := row.Scan(&out[i]); err != nil {
			return nil, unreadable(err)
		}
	}
	return out, nil
}

const (
	microsOfDay = 86_400_000_000
	endOfDays   = 2_932_897 // after the year 9999
)

// void selects the copies that are void. It reads the table alone.
func (d *DB) void() string {
	id := d.dialect.Unindexed("copy")
	of := func(state string) string { return "SELECT " + id + " FROM release WHERE state = '" + state + "'" }
	return "(" + of(books.CopyVoid) + " AND " + id + " NOT IN (" + of(books.CopyReleased) + "))"
}

// CountIssued counts, for each recipient and each UTC day of submission, the uploads issued to
// the recipient as copies, each upload once. Void copies and erased uploads do not count, nor does what was
// submitted or issued after until. The result is sorted by recipient and day; days without
// copies are left out. It reads tables alone, as [DB.CountDays] does: no damaged index changes a count, but
// that of IDs.
func (d *DB) CountIssued(ctx context.Context, until time.Time) ([]books.Issued, error) {
	of := d.dialect.Unindexed("c.submission")
	return d.days(ctx, until, "SELECT coalesce(c.recipient, ''), CAST(coalesce(s.submitted, 0) / 86400000000 AS BIGINT) AS day, count(DISTINCT "+of+`)
		FROM copy c LEFT JOIN submission s ON s.id = `+of+` WHERE coalesce(s.erased, 0) = 0 AND coalesce(s.submitted, $1) <= $1 AND c.issued <= $1
			AND `+d.dialect.Unindexed("c.id")+" NOT IN "+d.void()+`
		GROUP BY c.recipient, day ORDER BY c.recipient, day`)
}

// CountDays counts the uploads by the UTC day of their submission (Recipient is ""): all, and the
// erased ones alone. It also counts the copies by recipient and by the UTC day of their issue,
// also copies of erased uploads, but no void ones. Counts end at until, included. Days without any are left out,
// and days ascend.
func (d *DB) CountDays(ctx context.Context, until time.Time) (submitted, erased, issued []books.Issued, err error) {
	submitted, err = d.days(ctx, until, "SELECT '', CAST(coalesce(submitted, 0) / 86400000000 AS BIGINT) AS day, count(*) FROM submission WHERE page < 2 AND submitted + 0 <= $1 GROUP BY day ORDER BY day")
	if err != nil {
		return nil, nil, nil, err
	}
	erased, err = d.days(ctx, until, "SELECT '', CAST(coalesce(submitted, 0) / 86400000000 AS BIGINT) AS day, count(*) FROM submission WHERE erased + 0 > 0 AND page < 2 AND submitted + 0 <= $1 GROUP BY day ORDER BY day")
	if err != nil {
		return nil, nil, nil, err
	}
	issued, err = d.days(ctx, until, "SELECT coalesce(recipient, ''), CAST(coalesce(issued, 0) / 86400000000 AS BIGINT) AS day, count(*) FROM copy WHERE issued <= $1 AND "+d.dialect.Unindexed("id")+" NOT IN "+d.void()+" GROUP BY recipient, day ORDER BY recipient, day")
	return submitted, erased, issued, err
}

// days runs query, whose rows are a recipient, a day (counted from 1970-01-01) and a count. $1
// of the query is until, in microseconds since 1970. The result keeps the order of the rows. It
// is nil if there are no rows.
func (d *DB) days(ctx context.Context, until time.Time, query string) ([]books.Issued, error) {
	rows, err := d.read.QueryContext(ctx, query, until.UnixMicro())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []books.Issued
	for rows.Next() {
		var x books.Issued
		var day int64
		if err := rows.Scan(&x.Recipient, &day, &x.Count); err != nil {
			return nil, unreadable(err)
		}
		if day > 0 && day < endOfDays { // else a row is missing, or was altered
			x.Day = time.UnixMicro(day * microsOfDay).UTC()
			out = append(out, x)
		}
	}
	return out, rows.Err()
}
