package sqldb

import (
	"context"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/watermark"
)

// AddCustody enters facts of custody with their lists, in one transaction. It sorts each list
// and drops repetitions. Package registry checks recipients, submissions and times before.
func (d *DB) AddCustody(ctx context.Context, facts ...books.Custody) error {
	return d.update(ctx, "enter custody", func(t *tx) error {
		var rows []custodyRow
		var lines []listed
		for _, c := range facts {
			c.Submissions = books.Ascending(c.Submissions)
			c.Seq = t.append(c)
			rows = append(rows, custodyRow{listed: int64(len(c.Submissions)), Custody: c})
			lines = append(lines, lists(c.Seq, c.Submissions)...)
		}
		if err := insert(ctx, t, custodyTable, rows...); err != nil {
			return err
		}
		return insert(ctx, t, custodyListTable, lines...)
	})
}

// AddHandOn enters who had copies besides their recipient. Package registry checks it before.
func (d *DB) AddHandOn(ctx context.Context, h books.HandOn) error {
	return d.update(ctx, "enter a hand-on", func(t *tx) error {
		h.Seq = t.append(h)
		return insert(ctx, t, handOnTable, h)
	})
}

// HandOns lists who had copies besides their recipients, in the order of entry.
func (d *DB) HandOns(ctx context.Context) ([]books.HandOn, error) {
	return handOnTable.rows(ctx, d.read, " ORDER BY seq")
}

// lists returns the rows of a list of submissions that belongs to the row with the number in.
func lists(in int64, ids []watermark.Submission) []listed {
	out := make([]listed, len(ids))
	for i, id := range ids {
		out[i] = listed{in, id}
	}
	return out
}

// Custody lists all facts in the order of entry.
func (d *DB) Custody(ctx context.Context) ([]books.Custody, error) {
	return readCustody(ctx, d.read, " ORDER BY seq")
}

// CustodyBy lists the facts about a recipient in the order of entry.
func (d *DB) CustodyBy(ctx context.Context, recipient string) ([]books.Custody, error) {
	return readCustody(ctx, d.read, " WHERE recipient = $1 ORDER BY seq", recipient)
}

// CustodyOf lists the facts that cover an upload in the order of entry. The upload's time of
// submission must lie from From to To, both included, and a list, if there is one, must name the
// upload. Submissions of such a fact is this upload alone, because a list may be as long as the
// registry. For an unknown upload the result is empty.
func (d *DB) CustodyOf(ctx context.Context, submission watermark.Submission) ([]books.Custody, error) {
	rows, err := custodyTable.rows(ctx, d.read, ` WHERE seq IN (
		SELECT c.seq FROM submission s
		JOIN custody c ON c.listed = 0 AND c.since <= s.submitted AND s.submitted <= c.until
		WHERE s.id = $1
		UNION ALL
		SELECT c.seq FROM submission s
		JOIN custody_submission l ON l.submission = s.id
		JOIN custody c ON c.seq = l.custody AND c.since <= s.submitted AND s.submitted <= c.until
		WHERE s.id = $1)
	ORDER BY seq`, submission[:])
	out := make([]books.Custody, 0, len(rows))
	for _, r := range rows {
		if r.listed > 0 {
			r.Submissions = []watermark.Submission{submission}
		}
		out = append(out, r.Custody)
	}
	return out, err
}

// readCustody reads facts with their lists. tail follows the table's name in the query (" ORDER BY
// seq"), and args are its arguments. The error wraps [books.ErrTampered] if a list is longer or
// shorter than was entered.
func readCustody(ctx context.Context, q querier, tail string, args ...any) ([]books.Custody, error) {
	rows, err := custodyTable.rows(ctx, q, tail, args...)
	if err != nil {
		return nil, err
	}
	out := make([]books.Custody, len(rows))
	for i, r := range rows {
		if r.listed > 0 {
			if r.Submissions, err = readList(ctx, q, custodyListTable, r.Seq); err != nil {
				return nil, err
			}
			if int64(len(r.Submissions)) != r.listed {
				return nil, tampered("the custody of entry %d lists %d submissions, but %d were entered", r.Seq, len(r.Submissions), r.listed)
			}
		}
		out[i] = r.Custody
	}
	return out, nil
}

// readList returns the submissions, sorted by ID, that the row with the number of lists. t is
// the table of the lists: custodyListTable or erasureListTable.
func readList(ctx context.Context, q querier, t table[listed], of int64) ([]watermark.Submission, error) {
	rows, err := t.rows(ctx, q, " WHERE "+t.columns[0]+" = $1 ORDER BY submission", of)
	out := make([]watermark.Submission, len(rows))
	for i, r := range rows {
		out[i] = r.id
	}
	return out, err
}
