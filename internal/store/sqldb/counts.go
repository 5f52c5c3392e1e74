package sqldb

import (
	"context"
	"time"

	"github.com/kycmark/kycmark/internal/store"
)

// CountSubmitted counts the uploads submitted in each span, ends included.
func (d *DB) CountSubmitted(ctx context.Context, spans ...[2]time.Time) ([]int64, error) {
	out := make([]int64, len(spans))
	for i, s := range spans {
		row := d.read.QueryRowContext(ctx, "SELECT count(*) FROM submission WHERE submitted BETWEEN $1 AND $2", s[0].UnixMicro(), s[1].UnixMicro())
		if err := row.Scan(&out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const microsOfDay = 86_400_000_000

// CountIssued counts, for each recipient and each day (of UTC) of submission, the
// uploads of which copies were issued to it.
func (d *DB) CountIssued(ctx context.Context) ([]store.Issued, error) {
	return d.days(ctx, `SELECT c.recipient, s.submitted / 86400000000 AS day, count(DISTINCT c.submission)
		FROM copy c JOIN submission s ON s.id = c.submission GROUP BY c.recipient, day ORDER BY c.recipient, day`)
}

// CountDays counts, by days of UTC, the uploads by their submission and, for each
// recipient, the copies by their issue.
func (d *DB) CountDays(ctx context.Context) (submitted, issued []store.Issued, err error) {
	submitted, err = d.days(ctx, "SELECT '', submitted / 86400000000 AS day, count(*) FROM submission GROUP BY day ORDER BY day")
	if err != nil {
		return nil, nil, err
	}
	issued, err = d.days(ctx, "SELECT recipient, issued / 86400000000 AS day, count(*) FROM copy GROUP BY recipient, day ORDER BY recipient, day")
	return submitted, issued, err
}

func (d *DB) days(ctx context.Context, query string) ([]store.Issued, error) {
	rows, err := d.read.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []store.Issued
	for rows.Next() {
		var x store.Issued
		var day int64
		if err := rows.Scan(&x.Recipient, &day, &x.Count); err != nil {
			return nil, err
		}
		x.Day = time.UnixMicro(day * microsOfDay).UTC()
		out = append(out, x)
	}
	return out, rows.Err()
}
