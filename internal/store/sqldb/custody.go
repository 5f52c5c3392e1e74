package sqldb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// custody is facts of custody, and whose signatures bound them.
type custody struct{ *core }

// AddCustody sorts each list and drops repetitions. Package registry checks recipients, submissions and times before.
func (d custody) AddCustody(ctx context.Context, facts ...books.Custody) error {
	return d.update(ctx, "enter custody", func(t *tx) error {
		_, err := t.addCustody(ctx, facts...)
		return err
	})
}

func (d custody) AddSignedCustody(ctx context.Context, c books.Custody, event []byte) (added bool, err error) {
	return d.adding(ctx, "enter custody", func(t *tx) (bool, error) {
		old, err := schema.Number(ctx, t, "SELECT count(*) FROM custody_submission l JOIN custody c ON c.seq = l.custody WHERE l.submission = $1 AND c.recipient = $2 AND c.event = $3",
			c.Submissions[0][:], c.Recipient, c.Event[:])
		if err != nil || old > 0 {
			return false, err
		}
		seq, err := t.addCustody(ctx, c)
		if err != nil {
			return false, err
		}
		erased, err := schema.Number(ctx, t, "SELECT erased FROM submission WHERE id = $1", c.Submissions[0][:])
		if err != nil || erased > 0 { // since the event was sealed
			return true, err
		}
		return true, insert(ctx, t, schema.CustodyEvents, schema.CustodyEvent{Of: seq, Sealed: event})
	})
}

func (d custody) CustodyEvent(ctx context.Context, entry int64) ([]byte, error) {
	row, err := schema.CustodyEvents.One(ctx, d.read, " WHERE custody = $1", entry)
	if err != nil {
		return nil, fmt.Errorf("event of the custody of entry %d: %w", entry, err)
	}
	return row.Sealed, nil
}

// addCustody enters facts, and returns the number of the last entry.
func (t *tx) addCustody(ctx context.Context, facts ...books.Custody) (last int64, err error) {
	var rows []schema.Custody
	var lines []schema.Listed
	for _, c := range facts {
		c.Submissions = records.Ascending(c.Submissions)
		if c.Seq, err = t.append(ctx, c); err != nil {
			return 0, err
		}
		rows = append(rows, schema.Custody{Listed: int64(len(c.Submissions)), Custody: c})
		lines = append(lines, schema.Lists(c.Seq, c.Submissions)...)
		last = c.Seq
	}
	if err := insert(ctx, t, schema.CustodyFacts, rows...); err != nil {
		return 0, err
	}
	return last, insert(ctx, t, schema.CustodyLists, lines...)
}

// custodyFacts are the facts of custody as they were read last. Callers have the slice: facts are only added.
type custodyFacts struct {
	mu       sync.Mutex
	list     tlog.List
	cosigned tlog.List // what bounded them
	facts    []books.Custody
}

// witnessing are the signatures of witnesses and the timestamps as they were read last.
type witnessing struct {
	mu      sync.Mutex
	keys    []string           // public keys of the witnesses that are trusted
	stamps  books.StampCheck   // of the timestamps that are trusted; nil: none
	list    tlog.List          // of all signatures
	signed  []records.Cosigned // all, in the order of entry
	trusted []records.Cosigned // signatures of trusted witnesses and timestamps that hold, the most entries first
}

func (d custody) TrustWitnesses(keys []string) error {
	for _, k := range keys {
		if _, _, err := tlog.OpenCosigned(nil, k); errors.Is(err, tlog.ErrKey) {
			return err
		}
	}
	d.trust(func(x *witnessing) { x.keys = keys })
	return nil
}

func (d custody) TrustTimestamps(check books.StampCheck) {
	d.trust(func(x *witnessing) { x.stamps = check })
}

// trust sets what is trusted, and forgets what was read before.
func (d custody) trust(set func(x *witnessing)) {
	d.facts.mu.Lock()
	defer d.facts.mu.Unlock()
	d.facts.list, d.facts.facts = tlog.List{}, nil
	d.witness.mu.Lock()
	defer d.witness.mu.Unlock()
	d.witness.list, d.witness.signed, d.witness.trusted = tlog.List{}, nil, nil
	set(d.witness)
}

func (d custody) Cosigned(ctx context.Context) ([]records.Cosigned, error) {
	return checked(ctx, d.core, records.EntryCosigned, schema.Cosigned, "")
}

// Custody reads what was entered since it was called last. If signatures came meanwhile, which bound facts, it reads all.
func (d custody) Custody(ctx context.Context) (facts []books.Custody, err error) {
	d.facts.mu.Lock()
	defer d.facts.mu.Unlock()
	x := d.facts
	err = d.snapshot(ctx, func(q schema.Querier) error {
		now, err := listNow(ctx, q, &d.dialect, records.EntryCustody)
		if err != nil {
			return err
		}
		signed, err := listNow(ctx, q, &d.dialect, records.EntryCosigned)
		if err != nil || now == x.list && signed == x.cosigned {
			return err
		}
		if signed != x.cosigned || len(x.facts) == 0 {
			x.list, x.facts = tlog.List{}, []books.Custody{}
		}
		last := int64(0)
		if n := len(x.facts); n > 0 {
			last = x.facts[n-1].Seq
		}
		read, err := readCustody(ctx, q, " WHERE seq > $1 ORDER BY seq", last)
		if err == nil {
			_, err = after(ctx, q, &d.dialect, records.EntryCustody, x.list, read)
		}
		if err == nil {
			var rows []dated
			for i := range read {
				rows = append(rows, dated{read[i].Seq, read[i].Entered, &read[i].Bound})
			}
			err = bounds(d).bound(ctx, q, rows)
		}
		if err != nil {
			x.list, x.facts = tlog.List{}, nil // the next call reads all
			return err
		}
		x.list, x.cosigned, x.facts = now, signed, append(x.facts, read...)
		return nil
	})
	return slices.Clip(x.facts), err
}

// A dated is a row whose bound is to be set: the number of its entry, the time that it states, and the bound.
type dated struct {
	seq int64
	at  time.Time
	*books.Bound
}

// bounds finds between which times rows were entered.
type bounds struct{ *core }

// bound sets the bounds of rows, in the order of entry.
func (d bounds) bound(ctx context.Context, q schema.Querier, rows []dated) error {
	if len(rows) == 0 {
		return nil
	}
	if err := bounded(ctx, q, rows); err != nil {
		return err
	}
	return d.witnessed(ctx, q, rows)
}

// bounded sets After of rows that were entered when a clock was behind. It compares each with the entries 1, 2,
// 4, 8 … before it: half of the ledger and more would have to be entered with that clock to hide it.
func bounded(ctx context.Context, q schema.Querier, rows []dated) error {
	times := make(map[int64]time.Time)
	var args []any
	for _, c := range rows {
		for back := int64(1); back < c.seq; back *= 2 {
			if _, ok := times[c.seq-back]; !ok {
				times[c.seq-back] = time.Time{}
				args = append(args, c.seq-back)
			}
		}
	}
	entries, err := schema.Ledger.Among(ctx, q, nil, "seq", args, "")
	if err == nil && len(entries) != len(args) {
		err = schema.Tampered("%d of %d entries before custody or copies are missing", len(args)-len(entries), len(args))
	}
	if err != nil {
		return err
	}
	for _, r := range entries {
		e, err := records.ParseEntry(r.Text)
		if leaf := tlog.LeafHash(r.Text); err != nil || e.Seq != r.Seq || !bytes.HasPrefix(r.Nodes, leaf[:]) { // the tree is an audit's
			return schema.Tampered("entry %d is not the one in the ledger's tree", r.Seq)
		}
		times[r.Seq] = e.Time
	}
	for _, c := range rows {
		for back := int64(1); back < c.seq; back *= 2 {
			if at := times[c.seq-back]; at.After(c.at.Add(records.ClocksApart)) && at.After(c.After) {
				c.After = at
			}
		}
	}
	return nil
}

// witnessed sets After of rows that say an earlier time than a signature of any witness before them. If witnesses or
// timestamps are trusted, it sets Proven, or Unproven. rows are in the order of entry.
func (d bounds) witnessed(ctx context.Context, q schema.Querier, rows []dated) error {
	x := d.witness
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := d.readWitnesses(ctx, q); err != nil {
		return err
	}
	next, latest := 0, time.Time{}
	for _, c := range rows {
		for ; next < len(x.signed) && x.signed[next].Seq < c.seq; next++ {
			if at := x.signed[next].Dated; at.After(latest) {
				latest = at
			}
		}
		if latest.After(c.at) && latest.After(c.After) {
			c.After = latest
		}
	}
	if len(x.keys) == 0 && x.stamps == nil {
		return nil
	}
	next, first := 0, time.Time{}
	for _, c := range slices.Backward(rows) {
		for ; next < len(x.trusted) && x.trusted[next].Size >= c.seq; next++ {
			if at := x.trusted[next].Dated; first.IsZero() || at.Before(first) {
				first = at
			}
		}
		c.Proven, c.Unproven = first, first.IsZero()
	}
	return nil
}

// readWitnesses brings d.witness, whose lock the caller holds, up to date.
func (d bounds) readWitnesses(ctx context.Context, q schema.Querier) error {
	x := d.witness
	now, err := listNow(ctx, q, &d.dialect, records.EntryCosigned)
	if err != nil || now == x.list {
		return err
	}
	signed, err := schema.Cosigned.Rows(ctx, q, "")
	if err == nil {
		err = onList(ctx, q, &d.dialect, records.EntryCosigned, signed) // sorts them
	}
	if err != nil {
		return err
	}
	var trusted []records.Cosigned
	for _, s := range signed {
		known := false
		if s.Witness == "" && x.stamps != nil {
			state := tlog.Checkpoint{Origin: records.Origin(d.info.ID), Size: uint64(s.Size), Root: s.Root}
			latest, err := x.stamps(s.Proof, sha256.Sum256([]byte(state.Body())))
			known, s.Dated = err == nil, latest // others' timestamps bound nothing
		} else if slices.Contains(x.keys, s.Witness) {
			c, at, err := tlog.OpenCosigned(s.Proof, s.Witness) // an audit names what does not hold
			known = err == nil && c.Origin == records.Origin(d.info.ID) && int64(c.Size) == s.Size && c.Root == s.Root && at.Equal(s.Dated)
		}
		if !known {
			continue
		}
		is, err := rootAt(ctx, q, s.Size)
		if err != nil {
			return err
		}
		if is == s.Root { // it is of the first entries of this ledger
			trusted = append(trusted, s)
		}
	}
	slices.SortStableFunc(trusted, func(a, b records.Cosigned) int { return cmp.Compare(b.Size, a.Size) })
	x.list, x.signed, x.trusted = now, signed, trusted
	return nil
}

func (d custody) CustodyBy(ctx context.Context, recipient string) ([]books.Custody, error) {
	facts, err := d.Custody(ctx)
	others := func(c books.Custody) bool { return c.Recipient != recipient }
	return slices.DeleteFunc(append([]books.Custody{}, facts...), others), err
}

// CustodyOf leaves a list out, because it may be as long as the registry.
func (d custody) CustodyOf(ctx context.Context, submission watermark.Submission) ([]books.Custody, error) {
	s, err := uploads(d).Submission(ctx, submission)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", submission, err)
	}
	facts, err := d.Custody(ctx)
	if err != nil {
		return nil, err
	}
	out := []books.Custody{}
	for i := range facts {
		c := &facts[i]
		if c.Through != "" || s.Submitted.Before(c.From) || s.Submitted.After(c.To) {
			continue
		}
		if len(c.Submissions) > 0 {
			_, named := slices.BinarySearchFunc(c.Submissions, submission, func(a, b watermark.Submission) int { return bytes.Compare(a[:], b[:]) })
			if !named {
				continue
			}
		}
		out = append(out, *c)
		if last := &out[len(out)-1]; len(c.Submissions) > 0 {
			last.Submissions = []watermark.Submission{submission}
		}
	}
	return out, nil
}

// readCustody reads facts with their lists. tail follows the table's name in the query (" ORDER BY seq"), and args are
// its arguments. The error wraps [records.ErrTampered] if a list is longer or shorter than was entered.
func readCustody(ctx context.Context, q schema.Querier, tail string, args ...any) ([]books.Custody, error) {
	rows, err := schema.CustodyFacts.Rows(ctx, q, tail, args...)
	if err != nil {
		return nil, err
	}
	out := make([]books.Custody, len(rows))
	for i, r := range rows {
		if r.Listed > 0 {
			if r.Submissions, err = schema.ReadList(ctx, q, schema.CustodyLists, r.Seq); err != nil {
				return nil, err
			}
			if int64(len(r.Submissions)) != r.Listed {
				return nil, schema.Tampered("the custody of entry %d lists %d submissions, but %d were entered", r.Seq, len(r.Submissions), r.Listed)
			}
		}
		out[i] = r.Custody
	}
	return out, nil
}

// readErasures reads erasures with the submissions that they list. tail follows the table's name in the query.
func readErasures(ctx context.Context, q schema.Querier, tail string, args ...any) ([]records.Erasure, error) {
	rows, err := schema.Erasures.Rows(ctx, q, tail, args...)
	for i := range rows {
		if err == nil {
			rows[i].Submissions, err = schema.ReadList(ctx, q, schema.ErasureLists, rows[i].Seq)
		}
	}
	return rows, err
}
