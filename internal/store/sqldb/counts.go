package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// Counts of whole days are what the lists of days have; tables only say which days there are. Uploads of a part of a day, and
// copies, are read and compared with their lists.

const (
	microsOfDay = 86_400_000_000
	dayOf       = 24 * time.Hour
)

func dayBegin(t time.Time) time.Time { return t.UTC().Truncate(dayOf) }

// uploadDays counts all uploads by the day of their submission, as entered. The error wraps [records.ErrTampered] if days are
// missing. The query goes from day to day by the index of times.
func uploadDays(ctx context.Context, q schema.Querier, lists *tlog.Lists) (days []books.Issued, err error) {
	times, err := schema.Collect(ctx, q, func(t *time.Time) []any { return []any{schema.Micros(t)} }, `WITH RECURSIVE day (first) AS (
		SELECT (SELECT min(submitted) FROM submission) UNION
		SELECT (SELECT min(submitted) FROM submission WHERE submitted >= first - (first % 86400000000 + 86400000000) % 86400000000 + 86400000000) FROM day WHERE first IS NOT NULL
		) SELECT first FROM day WHERE first IS NOT NULL ORDER BY first`)
	if err != nil {
		return nil, err
	}
	all, err1 := lists.Find(ctx, records.EntrySubmission)
	pages, err2 := lists.Find(ctx, records.FurtherPages)
	if err := cmp.Or(err1, err2); err != nil {
		return nil, damaged(err)
	}
	if err := lists.Read(ctx, each.Of(times, records.UploadsOf)...); err != nil {
		return nil, damaged(err)
	}
	left := all.N - pages.N
	for _, t := range times {
		of, err := lists.Find(ctx, records.UploadsOf(t))
		if err != nil {
			return nil, damaged(err)
		}
		if day := dayBegin(t); of.N > 0 && (len(days) == 0 || !days[len(days)-1].Day.Equal(day)) {
			days = append(days, books.Issued{Day: day, Count: int(of.N)})
			left -= of.N
		}
	}
	if left != 0 {
		return nil, schema.Tampered("counts by days: %d uploads are found, and %d were entered", all.N-pages.N-left, all.N-pages.N)
	}
	return days, nil
}

// ofDay returns the uploads of the day of a time, in the order of entry, compared with their list.
func ofDay(ctx context.Context, q schema.Querier, lists *tlog.Lists, t time.Time) ([]records.Counted, error) {
	begin := dayBegin(t).UnixMicro()
	rows, err := schema.Collect(ctx, q, func(c *records.Counted) []any {
		return []any{&c.Seq, schema.Fixed(c.Of[:]), schema.Micros(&c.Submitted)}
	},
		"SELECT seq, id, submitted FROM submission WHERE submitted BETWEEN $1 AND $2 AND page < 2 ORDER BY seq", begin, begin+microsOfDay-1)
	if err != nil {
		return nil, err
	}
	return rows, areCounted(ctx, lists, records.UploadsOf(t), rows)
}

// areCounted compares uploads or copies with the list called name. The error wraps [records.ErrTampered].
func areCounted(ctx context.Context, lists *tlog.Lists, name string, rows []records.Counted) error {
	want, err := lists.Find(ctx, name)
	if err != nil {
		return damaged(err)
	}
	var got tlog.List
	for i := range rows {
		got = got.Add(rows[i].Item())
	}
	switch {
	case got.N != want.N:
		err = schema.Tampered("counts by days: %s: %d are found, and %d were entered", name, got.N, want.N)
	case got != want:
		err = schema.Tampered("counts by days: %s: what is found is not what was entered", name)
	}
	return err
}

// counts are uploads and copies by days.
type counts struct{ *core }

// erasedUploads returns the erased uploads without their further pages, by day of submission.
func (d counts) erasedUploads(ctx context.Context) ([]records.Erased, error) {
	gone, err := erasures(d).ErasedAfter(ctx, 0)
	gone = slices.DeleteFunc(gone, func(e records.Erased) bool { return e.Page > 1 })
	slices.SortFunc(gone, func(a, b records.Erased) int { return a.Submitted.Compare(b.Submitted) })
	return gone, err
}

// counting calls f with what shows one moment of all tables, and its lists.
func (d counts) counting(ctx context.Context, f func(q schema.Querier, lists *tlog.Lists) error) error {
	return d.snapshot(ctx, func(q schema.Querier) error {
		lists, err := readLists(ctx, q, &d.dialect)
		if err != nil {
			return err
		}
		return f(q, lists)
	})
}

// CountSubmitted returns, for each span (both ends included), how many uploads were submitted in
// it and not erased; further pages do not count.
func (d counts) CountSubmitted(ctx context.Context, spans ...[2]time.Time) ([]int, error) {
	out := make([]int, len(spans))
	if len(spans) == 0 {
		return out, nil
	}
	gone, err := d.erasedUploads(ctx)
	if err != nil {
		return nil, err
	}
	err = d.counting(ctx, func(q schema.Querier, lists *tlog.Lists) error {
		days, err := uploadDays(ctx, q, lists)
		if err != nil {
			return err
		}
		for i, s := range spans {
			within := func(t time.Time) bool { return !t.Before(s[0]) && !t.After(s[1]) }
			for _, x := range days {
				switch first, last := x.Day, x.Day.Add(dayOf-time.Microsecond); {
				case last.Before(s[0]), first.After(s[1]):
				case within(first) && within(last):
					out[i] += x.Count
				default:
					rows, err := ofDay(ctx, q, lists, first)
					if err != nil {
						return err
					}
					for _, r := range rows {
						if within(r.Submitted) {
							out[i]++
						}
					}
				}
			}
			for _, e := range gone {
				if within(e.Submitted) {
					out[i]--
				}
			}
		}
		return nil
	})
	return out, err
}

// Span returns when the first and the last upload were submitted, in UTC. Erased uploads count.
// Both are the zero time if there is no upload.
func (d counts) Span(ctx context.Context) (first, last time.Time, err error) {
	err = d.counting(ctx, func(q schema.Querier, lists *tlog.Lists) error {
		days, err := uploadDays(ctx, q, lists)
		if err != nil || len(days) == 0 {
			return err
		}
		begin, err1 := ofDay(ctx, q, lists, days[0].Day)
		end, err2 := ofDay(ctx, q, lists, days[len(days)-1].Day)
		if err := cmp.Or(err1, err2); err != nil {
			return err
		}
		earlier := func(a, b records.Counted) int { return a.Submitted.Compare(b.Submitted) }
		first, last = slices.MinFunc(begin, earlier).Submitted, slices.MaxFunc(end, earlier).Submitted
		return nil
	})
	return first, last, err
}

// CountDays counts uploads and copies by days, up to until, included.
func (d counts) CountDays(ctx context.Context, until time.Time) (*records.Counts, error) {
	out := new(records.Counts)
	gone, err := d.erasedUploads(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range gone {
		if !e.Submitted.After(until) {
			out.Erased = tally(out.Erased, "", e.Submitted)
		}
	}
	err = d.counting(ctx, func(q schema.Querier, lists *tlog.Lists) error {
		days, err := uploadDays(ctx, q, lists)
		if err != nil {
			return err
		}
		for _, x := range days {
			if x.Day.After(until) {
				break
			}
			if !x.Day.Add(dayOf - time.Microsecond).After(until) {
				out.Submitted = append(out.Submitted, x)
				continue
			}
			rows, err := ofDay(ctx, q, lists, x.Day)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if !r.Submitted.After(until) {
					out.Submitted = tally(out.Submitted, "", r.Submitted)
				}
			}
		}
		copies, err := d.copiesCounted(ctx, q, lists, until)
		if err != nil {
			return err
		}
		copies = slices.DeleteFunc(copies, func(c records.Counted) bool { return c.Issued.After(until) })
		out.Issued, out.Held = countCopies(copies, until, gone)
		return nil
	})
	return out, err
}

// tally adds one to the last of counts if that is of this recipient and of the day of a time, else a new count.
func tally(counts []books.Issued, recipient string, t time.Time) []books.Issued {
	day := dayBegin(t)
	if n := len(counts); n == 0 || counts[n-1].Recipient != recipient || !counts[n-1].Day.Equal(day) {
		counts = append(counts, books.Issued{Recipient: recipient, Day: day})
	}
	counts[len(counts)-1].Count++
	return counts
}

// copiesCounted returns all copies but the void ones, in the order of entry, compared with their list. Entries after until make none void.
func (d counts) copiesCounted(ctx context.Context, q schema.Querier, lists *tlog.Lists, until time.Time) ([]records.Counted, error) {
	copies, err := schema.Collect(ctx, q, func(c *records.Counted) []any {
		return []any{&c.Seq, schema.Fixed(c.Of[:]), &c.Recipient, schema.Micros(&c.Issued), schema.Micros(&c.Submitted)}
	}, "SELECT c.seq, c.submission, c.recipient, c.issued, s.submitted FROM copy c JOIN submission s ON s.id = c.submission ORDER BY c.seq")
	if err != nil {
		return nil, err
	}
	if err := areCounted(ctx, lists, records.AllCopies, copies); err != nil {
		return nil, err
	}
	said, err := schema.Releases.Rows(ctx, q, " WHERE state = $1", books.CopyVoid)
	if err != nil {
		return nil, err
	}
	if _, err := found(ctx, q, lists, records.VoidCopies, tlog.List{}, bySeq(said)); err != nil {
		return nil, err
	}
	void := make(map[int64]bool)
	for _, r := range said {
		c, _, err := issued(ctx, q, &d.dialect, r.Copy)
		if err != nil {
			return nil, err
		}
		void[c.Seq] = void[c.Seq] || c.State == books.CopyVoid && !r.Entered.After(until)
	}
	return slices.DeleteFunc(copies, func(c records.Counted) bool { return void[c.Seq] }), nil
}

// countCopies counts copies by recipient and day of issue. held counts their uploads by recipient and day of submission: the
// uploads that were submitted up to until and not erased. It sorts copies.
func countCopies(copies []records.Counted, until time.Time, gone []records.Erased) (issued, held []books.Issued) {
	slices.SortFunc(copies, func(a, b records.Counted) int {
		return cmp.Or(cmp.Compare(a.Recipient, b.Recipient), a.Issued.Compare(b.Issued))
	})
	for _, c := range copies {
		issued = tally(issued, c.Recipient, c.Issued)
	}
	erased := each.Map(gone, func(e records.Erased) (watermark.Submission, bool) { return e.ID, true })
	slices.SortFunc(copies, func(a, b records.Counted) int {
		return cmp.Or(cmp.Compare(a.Recipient, b.Recipient), a.Submitted.Compare(b.Submitted), bytes.Compare(a.Of[:], b.Of[:]))
	})
	for i, c := range copies {
		again := i > 0 && copies[i-1].Recipient == c.Recipient && copies[i-1].Of == c.Of
		if !again && !erased[c.Of] && !c.Submitted.After(until) {
			held = tally(held, c.Recipient, c.Submitted)
		}
	}
	return issued, held
}
