package sqldb

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

func (d parties) AddMarkKey(ctx context.Context, k records.KeyEntry) (added bool, err error) {
	return d.adding(ctx, "enter a mark key", func(t *tx) (bool, error) { return ensureMarkKey(ctx, t, k) })
}

// ensureMarkKey enters a mark key in the transaction t unless it is there, and reports whether
// it did. The error wraps [records.ErrConflict] if a key with another commitment has the ID.
func ensureMarkKey(ctx context.Context, t *tx, k records.KeyEntry) (added bool, err error) {
	old, err := schema.MarkKeys.One(ctx, t, " WHERE id = $1", k.ID)
	switch {
	case err == nil && old.Commitment != k.Commitment:
		return false, fmt.Errorf("%w: another mark key has the ID %s", records.ErrConflict, k.ID)
	case !errors.Is(err, records.ErrNotFound):
		return false, err
	}
	return true, enter(ctx, t, schema.MarkKeys, &k, &k.Seq)
}

func (d parties) MarkKeys(ctx context.Context) ([]records.KeyEntry, error) {
	return checked(ctx, d.core, records.EntryKey, schema.MarkKeys, "")
}

func (d parties) AddKeyState(ctx context.Context, s books.KeyState) error {
	return d.update(ctx, "enter a key's state", func(t *tx) error {
		last, err := t.keyState(ctx, s.KeyID)
		if err != nil {
			return err
		}
		// A compromised key stays compromised, and its time can only be moved back.
		if last.State == books.KeyCompromised && (s.State != books.KeyCompromised || !s.Since.Before(last.Since)) {
			return fmt.Errorf("%w: mark key %s; that can be entered for an earlier time, but not taken back",
				records.ErrConflict, last)
		}
		return enter(ctx, t, schema.KeyStates, &s, &s.Seq)
	})
}

// keyState returns the state that was entered last for the mark key with that ID. If no state
// was entered, it returns the zero KeyState: the key is active.
func (t *tx) keyState(ctx context.Context, id string) (*books.KeyState, error) {
	s, err := schema.KeyStates.One(ctx, t, " WHERE key_id = $1 ORDER BY seq DESC LIMIT 1", id)
	if errors.Is(err, records.ErrNotFound) {
		return &books.KeyState{}, nil
	}
	return s, err
}

func (d parties) KeyStates(ctx context.Context) ([]books.KeyState, error) {
	return checked(ctx, d.core, records.EntryKeyState, schema.KeyStates, "")
}

// copies are copies with what became of them: releases, receipts and returns.
type copies struct{ *core }

func (d copies) AddCopy(ctx context.Context, c *books.Copy, key records.KeyEntry) error {
	err := d.update(ctx, "issue", func(t *tx) error {
		if _, err := present(ctx, t, c.Submission); err != nil {
			return err
		}
		if _, err := ensureMarkKey(ctx, t, key); err != nil {
			return err
		}
		s, err := t.keyState(ctx, key.ID)
		if err == nil && s.State != "" && s.State != books.KeyActive {
			err = fmt.Errorf("%w: %s", records.ErrMarkKey, s)
		}
		if err != nil {
			return err
		}
		return enter(ctx, t, schema.Copies, c, &c.Seq)
	})
	if err != nil && d.dialect.Conflict(err) {
		return fmt.Errorf("%w: a copy ID is taken", records.ErrConflict)
	}
	return err
}

func (d copies) Copy(ctx context.Context, id watermark.CopyID) (*books.Copy, error) {
	c, _, err := d.issued(ctx, id)
	return c, err
}

// issued returns a copy and its receipts, in the order of entry. The error wraps [records.ErrNotFound] if
// there is no such copy, and [records.ErrTampered] if others were entered.
func (d copies) issued(ctx context.Context, id watermark.CopyID) (c *books.Copy, receipts []books.Receipt, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		if c, receipts, err = issued(ctx, q, &d.dialect, id); err == nil {
			err = bounds(d).bound(ctx, q, []dated{{c.Seq, c.Issued, &c.Bound}})
		}
		return err
	})
	return c, receipts, err
}

// issued is [DB.issued] of what q shows.
func issued(ctx context.Context, q schema.Querier, dialect *schema.Dialect, id watermark.CopyID) (*books.Copy, []books.Receipt, error) {
	copies, err1 := schema.Copies.Rows(ctx, q, " WHERE id = $1", schema.CopyID(&id))
	receipts, err2 := schema.Receipts.Rows(ctx, q, " WHERE copy = $1 ORDER BY seq", schema.CopyID(&id))
	releases, err3 := schema.Releases.Rows(ctx, q, " WHERE copy = $1 ORDER BY seq", schema.CopyID(&id))
	if err := cmp.Or(err1, err2, err3); err != nil {
		return nil, nil, err
	}
	items := slices.Concat(each.Of(copies, func(c books.Copy) records.Row { return c }),
		each.Of(receipts, func(r books.Receipt) records.Row { return r }), each.Of(releases, func(r books.Release) records.Row { return r }))
	if err := onList(ctx, q, dialect, records.CopyList(id), items); err != nil {
		return nil, nil, err
	}
	if len(copies) == 0 {
		return nil, nil, records.ErrNotFound
	}
	records.SetState(&copies[0], releases, time.Time{})
	return &copies[0], receipts, nil
}

func (d copies) AddRelease(ctx context.Context, r books.Release, only bool) (added bool, err error) {
	return d.adding(ctx, "enter a release", func(t *tx) (bool, error) {
		c, _, err1 := issued(ctx, t, t.dialect, r.Copy)
		before, err2 := schema.Releases.Rows(ctx, t, " WHERE copy = $1", schema.CopyID(&r.Copy))
		if err := cmp.Or(err1, err2); err != nil {
			return false, err
		}
		again := slices.ContainsFunc(before, func(x books.Release) bool { return x.State == books.CopyReserved })
		switch {
		case c.Submission != r.Submission:
			return false, records.ErrNotFound
		case r.State == books.CopyReserved && c.State == books.CopyVoid:
			return false, fmt.Errorf("%w: copy %s is void", records.ErrConflict, r.Copy)
		case r.State == books.CopyReserved && (again || c.State != books.CopyReserved), r.State == c.State && r.State != books.CopyReserved:
			return false, nil
		case again && only && r.State == books.CopyVoid:
			return false, fmt.Errorf("%w: another attempt to hand out copy %s began", records.ErrConflict, r.Copy)
		case r.State != books.CopyReserved && c.State != books.CopyReserved && (c.State != books.CopyVoid || r.State != books.CopyReleased):
			return false, fmt.Errorf("%w: copy %s is entered as released", records.ErrConflict, r.Copy)
		}
		return true, enter(ctx, t, schema.Releases, &r, &r.Seq)
	})
}

func (d copies) Releases(ctx context.Context, of watermark.Submission) ([]books.Release, error) {
	return checked(ctx, d.core, records.ReleasesOf(of), schema.Releases, " WHERE submission = $1", of[:])
}

func (d copies) Copies(ctx context.Context, of watermark.Submission) (copies []books.Copy, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		if copies, err = schema.Copies.Rows(ctx, q, " WHERE submission = $1", of[:]); err != nil {
			return err
		}
		releases, err := schema.Releases.Rows(ctx, q, " WHERE submission = $1", of[:])
		if err != nil {
			return err
		}
		if err := onList(ctx, q, &d.dialect, records.ReleasesOf(of), releases); err != nil {
			return err
		}
		if err := onList(ctx, q, &d.dialect, records.CopiesOf(of), copies); err != nil {
			return err
		}
		setStates(copies, releases)
		var rows []dated
		for i := range copies {
			rows = append(rows, dated{copies[i].Seq, copies[i].Issued, &copies[i].Bound})
		}
		return bounds(d).bound(ctx, q, rows)
	})
	return copies, err
}

func setStates(copies []books.Copy, releases []books.Release) {
	of := make(map[watermark.CopyID][]books.Release, len(releases))
	for _, r := range releases {
		of[r.Copy] = append(of[r.Copy], r)
	}
	for i := range copies {
		records.SetState(&copies[i], of[copies[i].ID], time.Time{})
	}
}

func (d copies) CopiesAfter(ctx context.Context, seq int64, limit int) (copies []books.Copy, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		if copies, err = schema.Copies.Rows(ctx, q, " WHERE seq > $1 ORDER BY seq LIMIT $2", seq, limit); err != nil {
			return err
		}
		head, err := readHead(ctx, q, "")
		if err != nil {
			return err
		}
		upto := head.size
		if n := len(copies); n > 0 && n == limit {
			upto = copies[n-1].Seq
		}
		if err := isIssued(ctx, q, seq, upto, copies); err != nil {
			return err
		}
		ids := each.Of(copies, func(c books.Copy) watermark.Submission { return c.Submission })
		of, err := ofSubmissions(ctx, q, &d.dialect, schema.Releases, ids, func(r books.Release) watermark.Submission { return r.Submission }, records.ReleasesOf)
		setStates(copies, slices.Concat(slices.Collect(maps.Values(of))...))
		return err
	})
	return copies, err
}

// IssuedAfter compares the rows with nothing. It leaves out an ID that is malformed.
func (d copies) IssuedAfter(ctx context.Context, keyID string, seq int64) (ids []watermark.CopyID, last int64, err error) {
	type row struct {
		seq int64
		id  []byte
	}
	last = seq
	rows, err := schema.Collect(ctx, d.read, func(r *row) []any { return []any{&r.seq, &r.id} }, "SELECT seq, id FROM copy WHERE key_id = $1 AND seq > $2 ORDER BY seq", keyID, seq)
	for _, r := range rows {
		if last = r.seq; len(r.id) == 8 {
			ids = append(ids, watermark.CopyID(binary.BigEndian.Uint64(r.id)))
		}
	}
	return ids, last, err
}

func (d copies) CopyOfFile(ctx context.Context, sum books.Digest) (*books.Copy, error) {
	rows, err := schema.Copies.Rows(ctx, d.read, " WHERE sha256 = $1 LIMIT 2", sum[:])
	if err != nil || len(rows) != 1 || rows[0].Submission == watermark.SubmissionOf(sum) {
		return nil, cmp.Or(err, records.ErrNotFound)
	}
	c, err := d.Copy(ctx, rows[0].ID)
	if err == nil && c.SHA256 != sum {
		err = schema.Tampered("copy %s: the SHA-256 of its file", c.ID)
	}
	return c, err
}

func (d copies) AddReceipt(ctx context.Context, r books.Receipt) error {
	return d.update(ctx, "enter a receipt", func(t *tx) error {
		return enter(ctx, t, schema.Receipts, &r, &r.Seq)
	})
}

func (d copies) Receipts(ctx context.Context, of watermark.CopyID) ([]books.Receipt, error) {
	_, receipts, err := d.issued(ctx, of)
	if errors.Is(err, records.ErrNotFound) {
		return []books.Receipt{}, nil
	}
	return receipts, err
}

func (d copies) AddReturn(ctx context.Context, r books.Return) (added bool, err error) {
	return d.adding(ctx, "enter a return", func(t *tx) (bool, error) {
		if _, err := present(ctx, t, r.Submission); err != nil {
			return false, err
		}
		return addReturn(ctx, t, r)
	})
}

// addReturn is [DB.AddReturn] in the transaction t, which has the upload.
func addReturn(ctx context.Context, t *tx, r books.Return) (added bool, err error) {
	if _, _, err := issued(ctx, t, t.dialect, r.Copy); err != nil {
		return false, err
	}
	old, err := schema.Returns.Rows(ctx, t, " WHERE submission = $1 AND copy = $2", r.Submission[:], schema.CopyID(&r.Copy))
	if err != nil || len(old) > 0 {
		return false, err
	}
	return true, enter(ctx, t, schema.Returns, &r, &r.Seq)
}

func (d copies) Returns(ctx context.Context, of watermark.CopyID) ([]books.Return, error) {
	return checked(ctx, d.core, records.ReturnsOf(of), schema.Returns, " WHERE copy = $1", schema.CopyID(&of))
}

func (d copies) ReturnedIn(ctx context.Context, upload watermark.Submission) ([]books.Return, error) {
	return checked(ctx, d.core, records.ReturnedIn(upload), schema.Returns, " WHERE submission = $1", upload[:])
}

// ledger is the entries, their tree and its checkpoints, and investigations.
type ledger struct{ *core }

func (d ledger) AddInvestigation(ctx context.Context, i books.Investigation) (int64, error) {
	err := d.transact(ctx, func(t *tx) error {
		return enter(ctx, t, schema.Investigations, &i, &i.Entry)
	})
	if err != nil {
		return 0, err
	}
	return i.Entry, nil
}

func (d ledger) Investigations(ctx context.Context) ([]books.Investigation, error) {
	all, err := checked(ctx, d.core, records.EntryInvestigation, schema.Investigations, "")
	return all, errors.Join(err, filesEntered(all))
}

func (d ledger) AddConclusion(ctx context.Context, c books.Conclusion) error {
	return d.transact(ctx, func(t *tx) error { return enter(ctx, t, schema.Conclusions, &c, &c.Seq) })
}

func (d ledger) Conclusions(ctx context.Context) ([]books.Conclusion, error) {
	return checked(ctx, d.core, records.EntryConclusion, schema.Conclusions, "")
}

func (d ledger) Head(ctx context.Context) (int64, tlog.Hash, error) {
	h, err := readHead(ctx, d.read, "")
	return h.size, h.root, err
}

func (d ledger) Entries(ctx context.Context, seq int64, limit int) ([][]byte, error) {
	rows, err := schema.Ledger.Rows(ctx, d.read, " WHERE seq > $1 ORDER BY seq LIMIT $2", seq, limit)
	return each.Of(rows, func(r schema.Entry) []byte { return r.Text }), err
}

func (d ledger) Nodes(ctx context.Context, ids []tlog.NodeID) ([]tlog.Hash, error) {
	return readNodes(ctx, d.read, ids)
}

func (d ledger) AddCheckpoint(ctx context.Context, c books.Checkpoint) (kept *books.Checkpoint, err error) {
	err = d.update(ctx, "keep a checkpoint", func(t *tx) error {
		if err := t.holds(ctx, c); err != nil {
			return err
		}
		kept, err = schema.Checkpoints.One(ctx, t, " WHERE size = $1", c.Size)
		switch {
		case errors.Is(err, records.ErrNotFound):
			kept = &c
			return insert(ctx, t, schema.Checkpoints, c)
		case err == nil && kept.Root != c.Root:
			return fmt.Errorf("%w: another checkpoint of %d entries", records.ErrConflict, c.Size)
		}
		return err
	})
	return kept, err
}

func (d ledger) ChangeCheckpoint(ctx context.Context, size int64, change func(*books.Checkpoint) ([]records.Cosigned, error)) (c *books.Checkpoint, err error) {
	err = d.update(ctx, "change a checkpoint", func(t *tx) error {
		if c, err = schema.Checkpoints.One(ctx, t, " WHERE size = $1", size); err != nil {
			return fmt.Errorf("checkpoint of %d entries: %w", size, err)
		}
		more, err := change(c)
		if err != nil {
			return err
		}
		for i := range more {
			if err := enter(ctx, t, schema.Cosigned, &more[i], &more[i].Seq); err != nil {
				return err
			}
		}
		_, err = t.ExecContext(ctx, "UPDATE checkpoint SET note = $1, stamp = $2 WHERE size = $3", schema.Text(&c.Text), schema.Blob(&c.Stamp), size)
		return err
	})
	return c, err
}

// holds checks that the root of the ledger's first c.Size entries is c.Root. The error wraps [records.ErrConflict] if it
// is another root, or c.Size is not from 1 to the ledger's size. holds checks no signature.
func (t *tx) holds(ctx context.Context, c books.Checkpoint) error {
	if c.Size < 1 || uint64(c.Size) > t.tree.Size() {
		return fmt.Errorf("%w: a checkpoint of %d entries, where there are %d", records.ErrConflict, c.Size, t.tree.Size())
	}
	then, err := rootAt(ctx, t, c.Size)
	if err == nil && then != c.Root {
		err = fmt.Errorf("%w: a checkpoint of another ledger", records.ErrConflict)
	}
	return err
}

func (d ledger) Checkpoints(ctx context.Context) ([]books.Checkpoint, error) {
	return schema.Checkpoints.Rows(ctx, d.read, " ORDER BY size")
}
