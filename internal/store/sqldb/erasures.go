package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// erasures are erasures, and what they leave to be removed.
type erasures struct{ *core }

// Erase sets Left and Seq of e. After the commit it frees the rest.
func (d erasures) Erase(ctx context.Context, e records.Erasure) error {
	if d.readOnly {
		return fmt.Errorf("erase: %w", records.ErrReadOnly)
	}
	if d.dialect.MayScrub != nil {
		if err := d.dialect.MayScrub(ctx, d.write); err != nil {
			return fmt.Errorf("nothing was erased: %w", err)
		}
	}
	if len(e.Submissions) == 0 && e.Reviewer == "" {
		return d.freed(ctx, nil)
	}
	whole := records.Ascending(e.Submissions)
	lost, err := originals(d).lost(ctx, whole)
	if err != nil {
		return err
	}
	var left error
	err = d.update(ctx, "erase", func(t *tx) error {
		old, err := withPages(ctx, t, whole)
		if err != nil {
			return err
		}
		if e.Whose != "" {
			now, err := schema.Numbers(ctx, t, "SELECT seq FROM ("+uploadsOf("s.subject", "x.reference")+") AS found", e.Whose)
			if err != nil || slices.ContainsFunc(old, func(s books.Submission) bool { return s.Page < 2 && !slices.Contains(now, s.Seq) }) {
				return cmp.Or(err, records.ErrErased) // as far as the subject is concerned: another has it since
			}
		}
		e.Submissions = nil
		for _, s := range old {
			e.Submissions = append(e.Submissions, s.ID)
			now, err := schema.Present.One(ctx, t, " WHERE id = $1", s.ID[:])
			if err == nil {
				whose := "subject of submission " + s.ID.String()
				err = cmp.Or(records.CheckErasure(whose, s.Subject, e.Note), records.CheckErasure(whose, now.Subject, e.Note))
			}
			if err != nil {
				return err
			}
		}
		e.Left = records.Left(old)
		if e.Seq, err = t.append(ctx, e); err != nil {
			return err
		}
		if err := insert(ctx, t, schema.Erasures, e); err != nil {
			return err
		}
		if e.Reviewer != "" {
			if err := blankName(ctx, t, e.Reviewer); err != nil {
				return err
			}
		}
		const drop = "UPDATE segment SET state = $1, wrapped = $2 WHERE first <= $3 AND last >= $3"
		for i := range old { // their segments are out of use from now on, without keys: they are to be removed
			if _, err := t.ExecContext(ctx, drop, segmentIdle, []byte{}, old[i].Seq); err != nil {
				return err
			}
		}
		if left, err = blank(ctx, t, old, e.Seq); err != nil {
			return err
		}
		return insert(ctx, t, schema.ErasureLists, schema.Lists(e.Seq, e.Submissions)...)
	})
	if err != nil && !errors.Is(err, records.ErrErased) {
		return err
	} else if err != nil {
		lost = nil // that other erasure removed it
	}
	return cmp.Or(d.freed(context.WithoutCancel(ctx), errors.Join(left, lost)), err) // the erasure before may have been killed
}

// freed removes what erasures left: objects, segments, and old data in files. Its errors come after err.
func (d erasures) freed(ctx context.Context, err error) error {
	err = errors.Join(err, originals(d).removeErased(ctx), segments(d).cleanSegments(ctx))
	if d.dialect.Scrub != nil {
		err = errors.Join(err, d.dialect.Scrub(ctx, d.write))
	}
	return err
}

// withPages returns the rows of the submissions ids and of all their pages, sorted by ID. The error is of [present].
func withPages(ctx context.Context, t *tx, ids []watermark.Submission) ([]books.Submission, error) {
	rows, err := present(ctx, t, ids...)
	for _, s := range rows {
		if s.Page == 0 {
			continue
		}
		further, err := schema.Submissions.Rows(ctx, t, " WHERE page > 1 AND document = $1", s.ID[:])
		if err != nil {
			return nil, err
		}
		if len(further) != s.Pages-1 {
			return nil, schema.Tampered("submission %s: %d further pages are found, and %d were entered", s.ID, len(further), s.Pages-1)
		}
		rows = append(rows, further...)
	}
	slices.SortFunc(rows, func(a, b books.Submission) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return rows, err
}

// present returns the rows of the submissions ids, in this order. The error wraps [records.ErrNotFound] if a submission
// is missing or a page of another one, and [records.ErrErased] if it was erased.
func present(ctx context.Context, t *tx, ids ...watermark.Submission) ([]books.Submission, error) {
	rows := make([]books.Submission, len(ids))
	for i, id := range ids {
		s, err := schema.Submissions.One(ctx, t, " WHERE id = $1", id[:])
		if err == nil && s.ErasedBy != 0 {
			err = records.ErrErased
		}
		if err == nil && s.Page > 1 {
			err = fmt.Errorf("page %d of submission %s, which is to be named: %w", s.Page, s.Document, records.ErrNotFound)
		}
		if err != nil {
			return nil, fmt.Errorf("submission %s: %w", id, err)
		}
		rows[i] = *s
	}
	inOrder := slices.Clone(rows)
	slices.SortFunc(inOrder, func(a, b books.Submission) int { return cmp.Compare(a.Seq, b.Seq) })
	return rows, isEntered(ctx, t, slices.CompactFunc(inOrder, func(a, b books.Submission) bool { return a.Seq == b.Seq }))
}

// blank removes from the rows of submissions all that an erasure removes, and deletes their
// sealed rows. ID, number and times stay. erasure is the number of the erasure's entry. Its place among the pages stays.
// left wraps [records.ErrTampered] and names the submissions whose originals were not found.
func blank(ctx context.Context, t *tx, rows []books.Submission, erasure int64) (left, err error) {
	var zero [32]byte
	for i := range rows {
		id := rows[i].ID
		if _, err := t.ExecContext(ctx, `UPDATE submission SET sha256 = $1, size = 0, format = '', decoder = '', width = 0,
			height = 0, subject = '', hash = '', area = '', chain = '', quality = 0, area_quality = 0, kept = 0, actor = '',
			salt = $1, erased = $2, rendition = $4 WHERE id = $3`, zero[:], erasure, id[:], []byte{}); err != nil {
			return nil, err
		}
		found := int64(0)
		for _, where := range []string{"submission = $1", "substr(submission, 1) = $1"} { // a damaged index does not hide it from a walk
			if found > 0 || where != "submission = $1" && !(rows[i].Kept && rows[i].Page < 2) {
				break
			}
			if _, err := t.ExecContext(ctx, "INSERT INTO removal SELECT object FROM sealed WHERE "+where+" AND object_size > 0", id[:]); err != nil {
				return nil, err
			}
			var err error
			if found, err = schema.Changed(t.ExecContext(ctx, "DELETE FROM sealed WHERE "+where, id[:])); err != nil {
				return nil, err
			}
		}
		if found == 0 && rows[i].Kept && rows[i].Page < 2 {
			left = errors.Join(left, schema.Tampered("submission %s was erased, but its sealed original was not found: it may be left", id))
		}
		if _, err := t.ExecContext(ctx, "DELETE FROM custody_event WHERE custody IN (SELECT custody FROM custody_submission WHERE submission = $1)", id[:]); err != nil {
			return nil, err
		}
		if err := blankSubject(ctx, t, id); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// An erasedList has what was read of erasures: the submissions that they erased.
type erasedList struct {
	mu   sync.Mutex
	last int64 // number of the last erasure
	list tlog.List
	gone []records.Erased
}

// ErasedAfter returns what later erasures erased, sorted by erasure. It reads each erasure once, and compares them with their list.
func (d erasures) ErasedAfter(ctx context.Context, erasure int64) ([]records.Erased, error) {
	x := d.erased
	x.mu.Lock()
	defer x.mu.Unlock()
	err := d.snapshot(ctx, func(q schema.Querier) error {
		rows, err := readErasures(ctx, q, " WHERE seq > $1 ORDER BY seq", x.last)
		if err != nil {
			return err
		}
		now, err := after(ctx, q, &d.dialect, records.EntryErasure, x.list, rows)
		if err != nil {
			return err
		}
		var more []records.Erased
		last := x.last // what was read counts all at once, or not at all
		for _, e := range rows {
			left, err := isErased(ctx, q, e.Seq)
			if err != nil {
				return err
			}
			if !slices.EqualFunc(left, e.Submissions, func(s books.Submission, id watermark.Submission) bool { return s.ID == id }) {
				return schema.Tampered("other submissions are erased than entry %d lists", e.Seq)
			}
			for _, s := range left {
				more = append(more, records.Erased{Erasure: e.Seq, Entered: e.Entered, Seq: s.Seq, ID: s.ID, Submitted: s.Submitted, Page: s.Page})
			}
			last = e.Seq
		}
		x.last, x.list, x.gone = last, now, append(x.gone, more...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	from := sort.Search(len(x.gone), func(i int) bool { return x.gone[i].Erasure > erasure })
	return slices.Clone(x.gone[from:]), nil
}

// finishErasures is cleanSegments if an interrupted erasure left its segments, and this process may write.
func (d segments) finishErasures(ctx context.Context) error {
	left, err := schema.Number(ctx, d.read, "SELECT count(*) FROM segment WHERE state = $1 AND last > 0", segmentIdle)
	if err != nil || left == 0 || d.readOnly {
		return err
	}
	if err = d.cleanSegments(ctx); err == nil || d.frozen(err) {
		return nil
	}
	if errors.Is(err, errUnread) {
		return err
	}
	return schema.Tampered("an erasure is not finished: %v", err)
}
