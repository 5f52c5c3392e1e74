package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// Answers are checked as they are read. Every row but a submission is an item of lists, to whose root the
// entries of the ledger commit: rows that an index hides, rows that were edited, and rows that were
// removed make another list. Submissions are compared with their entries.

// readLists returns the lists as they are stored. The error wraps [records.ErrTampered] if their root is missing.
func readLists(ctx context.Context, q schema.Querier, dialect *schema.Dialect) (*tlog.Lists, error) {
	head, err := readHead(ctx, q, "")
	if err != nil {
		return nil, err
	}
	if head.size > 0 && head.lists == (tlog.Hash{}) {
		return nil, schema.Tampered("the root of the lists is missing")
	}
	return tlog.NewLists(head.lists, func(ctx context.Context, ids []string) (map[string][]byte, error) {
		nodes, err := schema.ListNodes.Among(ctx, q, dialect, "id", schema.Each(ids, func(id *string) any { return []byte(*id) }), "")
		return each.Map(nodes, func(n schema.ListNode) (string, []byte) { return string(n.ID), n.Body }), err
	}), nil
}

// listNow returns the list called name. The error wraps [records.ErrTampered] if the lists were changed.
func listNow(ctx context.Context, q schema.Querier, dialect *schema.Dialect, name string) (tlog.List, error) {
	lists, err := readLists(ctx, q, dialect)
	if err != nil {
		return tlog.List{}, err
	}
	list, err := lists.Find(ctx, name)
	return list, damaged(err)
}

// damaged returns an error about lists. If it is about what they are, it wraps [records.ErrTampered].
func damaged(err error) error {
	if errors.Is(err, tlog.ErrProof) {
		return fmt.Errorf("%w: %w", records.ErrTampered, err)
	}
	return err
}

// writeLists writes the nodes of t.lists that append changed, and their root.
func (t *tx) writeLists(ctx context.Context) (err error) {
	if t.lists == nil {
		return nil
	}
	root := t.lists.Root()
	if _, err := t.ExecContext(ctx, "UPDATE ledger_head SET lists = $1 WHERE one = 1", root[:]); err != nil {
		return fmt.Errorf("ledger head: %w", err)
	}
	var args []any
	write := func() {
		if err == nil && len(args) > 0 {
			_, err = t.ExecContext(ctx, "INSERT INTO list_node (id, body) VALUES "+pairs(len(args)/2)+
				" ON CONFLICT (id) DO UPDATE SET body = excluded.body", args...)
		}
		args = nil
	}
	t.lists.Changed(func(id string, body []byte) {
		if args = append(args, []byte(id), body); len(args) == 2*schema.InList {
			write()
		}
	})
	write()
	return err
}

// pairs returns the placeholders of n rows of two columns: "($1, $2), ($3, $4)".
func pairs(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = schema.Placeholders(2*i+1, 2)
	}
	return strings.Join(rows, ", ")
}

// checked returns all items of the list called name, by number: the rows of a table that the query with this
// tail selects. The rows and the list are of one moment. The error wraps [records.ErrTampered] if they differ.
func checked[T records.Row](ctx context.Context, d *core, name string, t schema.Table[T], tail string, args ...any) (rows []T, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		if rows, err = t.Rows(ctx, q, tail, args...); err != nil {
			return err
		}
		return onList(ctx, q, &d.dialect, name, rows)
	})
	return rows, err
}

// snapshot calls f with what shows one moment of all tables.
func (d *core) snapshot(ctx context.Context, f func(q schema.Querier) error) error {
	raw, err := d.read.BeginTx(ctx, d.dialect.Snapshot)
	if err != nil {
		return err
	}
	defer raw.Rollback()
	return f(raw)
}

// onList sorts rows by number and compares them with the list called name. The error wraps [records.ErrTampered].
func onList[T records.Row](ctx context.Context, q schema.Querier, dialect *schema.Dialect, name string, rows []T) error {
	_, err := after(ctx, q, dialect, name, tlog.List{}, bySeq(rows))
	return err
}

func bySeq[T records.Row](rows []T) []T {
	slices.SortFunc(rows, func(a, b T) int { return cmp.Compare(a.Number(), b.Number()) })
	return rows
}

// after compares the list called name with what it was before and rows, which are sorted by number. It
// returns the list. The error wraps [records.ErrTampered].
func after[T records.Row](ctx context.Context, q schema.Querier, dialect *schema.Dialect, name string, before tlog.List, rows []T) (tlog.List, error) {
	lists, err := readLists(ctx, q, dialect)
	if err != nil {
		return before, err
	}
	return found(ctx, q, lists, name, before, rows)
}

// found is [after] with lists that were read.
func found[T records.Row](ctx context.Context, q schema.Querier, lists *tlog.Lists, name string, before tlog.List, rows []T) (tlog.List, error) {
	want, err := lists.Find(ctx, name)
	if err != nil {
		return before, damaged(err)
	}
	got := before
	for _, r := range rows {
		e := records.EntryOf(r)
		e.Seq = r.Number()
		got = got.Add(e.Item())
	}
	if got.N != want.N {
		return before, schema.Tampered("%s: %d are found, and %d were entered", name, got.N, want.N)
	}
	if got != want {
		return before, schema.Tampered("%s: what is found is not what was entered%s", name, edited(ctx, q, rows))
	}
	return want, nil
}

// edited names the entry of the first of rows that is not as it was entered: " (entry 7)".
func edited[T records.Row](ctx context.Context, q schema.Querier, rows []T) string {
	for _, r := range rows {
		e := records.EntryOf(r)
		e.Seq = r.Number()
		was, err := schema.Ledger.One(ctx, q, " WHERE seq = $1", e.Seq)
		if err != nil && !errors.Is(err, records.ErrNotFound) {
			return ""
		}
		if err == nil {
			x, _ := records.ParseEntry(was.Text)
			e.Lists = x.Lists
		}
		if err != nil || !bytes.Equal(e.Encode(), was.Text) {
			return fmt.Sprintf(" (entry %d)", e.Seq)
		}
	}
	return ""
}

// entered compares submissions, as they are read and sorted by number, with their entries; an erased one must be blank. It
// also compares their subjects with the changes of subjects. The error wraps [records.ErrTampered].
func (d uploads) entered(ctx context.Context, q schema.Querier, rows ...books.Submission) error {
	if err := isEntered(ctx, q, rows); err != nil {
		return err
	}
	seen := make(map[int64]bool)
	for i := range rows {
		if by := rows[i].ErasedBy; rows[i].Erased && !seen[by] {
			seen[by] = true
			if _, err := isErased(ctx, q, by); err != nil {
				return err
			}
		}
	}
	return d.haveSubjects(ctx, q, rows)
}

// haveSubjects compares the subjects of submissions, as they are read, with the changes of subjects, which it counts.
func (d uploads) haveSubjects(ctx context.Context, q schema.Querier, rows []books.Submission) error {
	ids := each.Of(rows, func(s books.Submission) watermark.Submission { return s.ID })
	changes, err := ofSubmissions(ctx, q, &d.dialect, schema.Subjects, ids, func(c records.SubjectChange) watermark.Submission { return c.Submission }, records.SubjectsOf)
	if err != nil {
		return err
	}
	for i := range rows {
		s := &rows[i]
		entered := changes[s.ID]
		if s.Erased || len(entered) == 0 {
			continue
		}
		s.Changes = len(entered)
		last := entered[len(entered)-1]
		if s.Subject != last.Subject || !s.SetAt.Equal(last.Entered) || records.SubjectDigest(last.Blind, last.Subject) != last.Digest {
			return schema.Tampered("submission %s: another subject was entered last", s.ID)
		}
	}
	return nil
}

// ofSubmissions returns the rows of a table that are about these submissions, by submission and by number. The rows of each submission are
// compared with the list that list names. The error wraps [records.ErrTampered].
func ofSubmissions[T records.Row](ctx context.Context, q schema.Querier, dialect *schema.Dialect, t schema.Table[T], ids []watermark.Submission,
	about func(T) watermark.Submission, list func(watermark.Submission) string) (map[watermark.Submission][]T, error) {
	lists, err := readLists(ctx, q, dialect)
	if err != nil {
		return nil, err
	}
	ids = records.Ascending(ids) // an ID that is twice in them may be asked for twice
	rows, err := t.Among(ctx, q, dialect, "submission", schema.Each(ids, schema.IDOf), " ORDER BY seq")
	if err != nil {
		return nil, err
	}
	out := make(map[watermark.Submission][]T)
	for _, r := range rows {
		out[about(r)] = append(out[about(r)], r)
	}
	for _, id := range ids {
		if _, err := found(ctx, q, lists, list(id), tlog.List{}, out[id]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// isIssued compares copies, sorted by number, with the entries of copies: all that have numbers above seq, up to upto.
func isIssued(ctx context.Context, q schema.Querier, seq, upto int64, copies []books.Copy) error {
	n := 0
	for seq < upto {
		entries, err := schema.Ledger.Rows(ctx, q, " WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3", seq, upto, page)
		if err != nil {
			return err
		}
		for _, r := range entries {
			if seq++; r.Seq != seq {
				return schema.Tampered("entry %d is missing", seq)
			}
			e, err := records.ParseEntry(r.Text)
			if err != nil {
				return schema.Tampered("entry %d: %v", seq, err)
			}
			if e.Kind != records.EntryIssue {
				continue
			}
			if n == len(copies) || copies[n].Seq != seq {
				return schema.Tampered("the copy of entry %d is missing", seq)
			}
			want := records.EntryOf(copies[n])
			want.Seq, want.Lists = seq, e.Lists
			if !bytes.Equal(want.Encode(), r.Text) {
				return schema.Tampered("copy %s is not as entry %d has it", copies[n].ID, seq)
			}
			n++
		}
		if len(entries) < page && seq < upto {
			return schema.Tampered("entry %d is missing", seq+1)
		}
	}
	if n < len(copies) {
		return schema.Tampered("copy %s has no entry", copies[n].ID)
	}
	return nil
}

// isErased returns what is left of the submissions of an erasure, by ID, compared with what was entered.
func isErased(ctx context.Context, q schema.Querier, erasure int64) ([]books.Submission, error) {
	e, err := schema.Erasures.One(ctx, q, " WHERE seq = $1", erasure)
	if errors.Is(err, records.ErrNotFound) {
		return nil, schema.Tampered("erasure %d is missing", erasure)
	}
	if err != nil {
		return nil, err
	}
	left, err := schema.Submissions.Rows(ctx, q, " WHERE erased > 0 AND erased = $1 ORDER BY id", erasure)
	if err == nil && records.Left(left) != e.Left {
		err = schema.Tampered("the submissions that entry %d erased were edited", erasure)
	}
	return left, err
}

// isEntered compares submissions, sorted by number, with their entries; an erased one must be blank.
func isEntered(ctx context.Context, q schema.Querier, rows []books.Submission) error {
	found, err := schema.Ledger.Among(ctx, q, nil, "seq", schema.Each(rows, func(s *books.Submission) any { return s.Seq }), " ORDER BY seq")
	if err != nil {
		return err
	}
	if len(found) != len(rows) {
		return schema.Tampered("an entry of %d submissions is missing", len(rows))
	}
	for i := range rows {
		if s := &rows[i]; found[i].Seq != s.Seq || !isOf(found[i].Text, s) {
			return schema.Tampered("submission %s is not as entry %d has it", s.ID, s.Seq)
		}
	}
	return nil
}

// isOf reports whether an entry is that of a submission. Of an erased one all but the commitment is compared.
func isOf(entry []byte, s *books.Submission) bool {
	want := records.EntryOf(*s)
	if want.Seq = s.Seq; bytes.Equal(want.Encode(), entry) {
		return true
	}
	e, err := records.ParseEntry(entry)
	if want.Lists = e.Lists; s.Erased {
		want.Commitment = e.Commitment
	}
	return err == nil && s.Erased == blanked(s) && bytes.Equal(want.Encode(), entry)
}

// blanked reports whether a submission has nothing that an erasure removes.
func blanked(s *books.Submission) bool {
	return *s == books.Submission{ID: s.ID, Submitted: s.Submitted, Received: s.Received, Logged: books.Logged{Seq: s.Seq}, Erased: true, ErasedBy: s.ErasedBy,
		Details: books.Details{Document: s.Document, Page: s.Page, Pages: s.Pages}}
}

// ProveLists proves what the lists with these names are, in their order, under their present root, of size entries.
func (d ledger) ProveLists(ctx context.Context, names []string) (size int64, root tlog.Hash, proofs [][][]byte, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) (err error) {
		head, err1 := readHead(ctx, q, "")
		lists, err2 := readLists(ctx, q, &d.dialect)
		if err := cmp.Or(err1, err2); err != nil {
			return err
		}
		size, root = head.size, head.lists
		for _, name := range names {
			proof, err := lists.Prove(ctx, name)
			if err != nil {
				return damaged(err)
			}
			proofs = append(proofs, proof)
		}
		return nil
	})
	return size, root, proofs, err
}
