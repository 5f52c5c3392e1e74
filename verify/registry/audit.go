package registry

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/durable"
	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// AuditOptions say what an audit is to look at beside the ledger itself.
type AuditOptions struct {
	// Keys are the public texts of the keys that the ledger's checkpoints were signed with; each must be signed with
	// one of them. They are needed where there are checkpoints.
	Keys []string
	// Witnesses are the public keys of witnesses: their signatures are checked where they are.
	Witnesses []string
	// Checkpoints are texts kept outside the registry: by a witness, an auditor, a
	// report. The ledger must begin with each of them.
	Checkpoints []string
	// SealKey, where set, opens every sealed original and compares its digest, and its
	// pixels where the decoder is that of its entry. It also opens the sealed hashes and local
	// features that uploads are found by. Originals kept outside of the database that no submission has are removed if they are
	// older than an hour: interrupted runs leave such ones. Those stay that are newer than the ledger's last entry: the registry
	// may be an old copy. If the ledger does not hold, all stay.
	SealKey *SealKey
	Readers
	// Progress, where set, is called after each original.
	Progress func(done, total int)
}

// An Audit is the result of one.
type Audit struct {
	Holds       bool               `json:"holds"`
	Size        int64              `json:"size"`        // entries
	Head        string             `json:"head"`        // root of the tree over them, hex
	Checkpoints []books.Checkpoint `json:"checkpoints"` // kept ones that hold
	Outside     []books.Checkpoint `json:"outside"`     // those handed in that hold
	Originals   int                `json:"originals"`   // opened, with the digests that were entered
	Swept       int                `json:"swept"`       // originals of no submission that were removed
	Left        int                `json:"left"`        // originals of no submission that stay, older than an hour
	Unread      []string           `json:"unread"`      // originals that their place does not let be read: nothing is known of them
	Problems    []string           `json:"problems"`    // why it does not hold
	Reserved    int                `json:"reserved"`    // copies whose release is not confirmed
	Unsummed    bool               `json:"unsummed"`    // the database server would not notice a damaged page: it keeps no checksums
	Clock       []string           `json:"clock"`       // entries that were made when a clock was wrong; such custody counts from later on
}

// Audit checks the ledger and compares every row with the ledger, as [Ledger.Check] does. It checks the signatures of
// the kept checkpoints, and that the ledger begins with each kept or given checkpoint. With a sealing key it also
// checks the originals. Problems lists what does not hold; the error is then nil. An error says that a check could not
// be done. It wraps [ErrInput] if there are checkpoints and no key to check them with.
func (l *Ledger) Audit(ctx context.Context, o AuditOptions) (*Audit, error) {
	entered, damage := l.r.store.Cosigned(ctx) // first: others may sign or date another checkpoint meanwhile
	kept, err := l.r.store.Checkpoints(ctx)
	unread := errors.Is(err, ErrTampered) // Check says it
	if err != nil && !unread {
		return nil, err
	}
	if len(o.Keys) == 0 && len(kept)+len(o.Checkpoints) > 0 {
		return nil, fmt.Errorf("%w: there are checkpoints, but no key of the ledger to check them with", ErrInput)
	}
	a := &Audit{Checkpoints: []books.Checkpoint{}, Outside: []books.Checkpoint{}, Unread: []string{}, Problems: []string{}, Clock: []string{}}
	x := auditing{a, l, o}
	info, err := l.r.store.Info(ctx)
	if err != nil {
		return nil, err
	}
	a.Unsummed = info.Unsummed
	for _, k := range kept {
		c, err := x.checkpoint(ctx, []byte(k.Text))
		if err == nil {
			err = ofItsRow(k)
		}
		if err := a.note(err, fmt.Sprintf("kept checkpoint of %d entries: ", k.Size)); err != nil {
			return nil, err
		}
		if err == nil {
			c.Made = k.Made
			a.Checkpoints = append(a.Checkpoints, *c)
		}
	}
	for i, text := range o.Checkpoints {
		c, err := x.checkpoint(ctx, []byte(text))
		if err := a.note(err, fmt.Sprintf("checkpoint %d that was handed in: ", i+1)); err != nil {
			return nil, err
		}
		if err == nil {
			a.Outside = append(a.Outside, *c)
		}
	}
	var signed []records.Cosigned
	if !unread {
		signed = x.cosigned(kept, entered)
		if err := a.note(damage, ""); err != nil {
			return nil, err
		}
	}
	facts, err := l.r.store.Custody(ctx)
	if err := a.note(err, ""); err != nil {
		return nil, err
	}
	clock := newClock(a, signed, facts)
	of := each.Map(kept, func(k books.Checkpoint) (int64, books.Checkpoint) { return k.Size, k })
	var last time.Time
	size, root, err := l.r.store.Check(ctx, clock.next, func(e records.Entry) { last = e.Time; a.madeBetween(e, of) })
	clock.end(clock.seq)
	if clock.groups > maxClock {
		a.Clock = append(a.Clock, fmt.Sprintf("%d more groups of entries were made when a clock was wrong", clock.groups-maxClock))
	}
	others := a.Problems
	a.Problems = []string{}
	if err := a.note(err, ""); err != nil {
		return nil, err
	}
	a.Problems = append(a.Problems, others...) // what Check found comes first
	if err == nil {
		a.Size, a.Head = size, hex.EncodeToString(root[:])
	}
	for c, err := range l.r.AllCopies(ctx) {
		if err := a.note(err, ""); err != nil {
			return nil, err
		}
		if err == nil && c.State == books.CopyReserved {
			a.Reserved++
		}
	}
	if o.SealKey != nil {
		if err := x.originals(ctx, last); err != nil {
			return nil, err
		}
	}
	a.Holds = len(a.Problems) == 0
	return a, nil
}

// A clock notes entries that were made when a clock was wrong: an entry before them is later, or a witness signed what is
// before them later, or signed them earlier. Entries one after the other are noted together, at most maxClock groups; custody by itself.
type clock struct {
	a      *Audit
	signed []records.Cosigned // by size
	first  []records.Cosigned // the earliest of signed from each on
	facts  map[int64]*books.Custody
	behind int // signed with fewer entries

	latest         time.Time
	because, group string // what latest is of; what is wrong with the entries since begin
	begin, seq     int64
	groups         int
}

func newClock(a *Audit, signed []records.Cosigned, facts []books.Custody) *clock {
	c := &clock{a: a, signed: signed, first: slices.Clone(signed), facts: make(map[int64]*books.Custody)}
	for i := len(signed) - 1; i >= 0; i-- {
		if i+1 < len(signed) && c.first[i+1].Dated.Before(c.first[i].Dated) {
			c.first[i] = c.first[i+1]
		}
	}
	for i := range facts {
		c.facts[facts[i].Seq] = &facts[i]
	}
	return c
}

func (c *clock) next(e records.Entry) {
	c.seq = e.Seq
	for ; c.behind < len(c.signed) && c.signed[c.behind].Size < e.Seq; c.behind++ {
		if s := c.signed[c.behind]; s.Dated.After(c.latest) {
			c.latest, c.because = s.Dated, fmt.Sprintf("%s the %d before at %s", dating(s), s.Size, moment(s.Dated))
		}
	}
	by, because := e.Time, ""
	if c.latest.After(e.Time.Add(records.ClocksApart)) {
		because = c.because
	}
	if c.behind < len(c.signed) && c.first[c.behind].Dated.Before(by) {
		s := c.first[c.behind]
		if by = s.Dated; e.Time.After(by.Add(records.ClocksApart)) {
			because = dating(s) + " it at " + moment(by)
		}
	}
	switch fact := c.facts[e.Seq]; {
	case because == "":
		c.end(e.Seq - 1)
	case fact != nil:
		counts := "it counts from " + moment(fact.EnteredAt()) + " on"
		if fact.Unproven {
			counts = "it does not count, since no trusted witness or authority dated it"
		}
		c.a.Clock = append(c.a.Clock, fmt.Sprintf("the custody of %s of entry %d: made at %s, although %s: %s", fact.Recipient, e.Seq, moment(e.Time), because, counts))
		c.end(e.Seq - 1)
	case c.group == "":
		c.begin, c.group = e.Seq, fmt.Sprintf(": made at %s, although %s: a clock was wrong", moment(e.Time), because)
	}
	if by.After(c.latest) {
		c.latest, c.because = by, fmt.Sprintf("entry %d says %s", e.Seq, moment(e.Time))
	}
}

// madeBetween notes a kept checkpoint that was made, it says, before its last entry or after the entry that follows. No entry
// commits to that time, and nothing but lists for readers rests on it.
func (a *Audit) madeBetween(e records.Entry, kept map[int64]books.Checkpoint) {
	for _, c := range []books.Checkpoint{kept[e.Seq], kept[e.Seq-1]} {
		if c.Size == e.Seq && c.Made.Add(records.ClocksApart).Before(e.Time) || c.Size > 0 && c.Size < e.Seq && c.Made.After(e.Time.Add(records.ClocksApart)) {
			a.Clock = append(a.Clock, fmt.Sprintf("the checkpoint of %d entries: made at %s, although entry %d says %s: a clock was wrong, or its time was edited", c.Size, moment(c.Made), e.Seq, moment(e.Time)))
		}
	}
}

func dating(s records.Cosigned) string {
	if s.Witness == "" {
		return "an authority dated"
	}
	return "a witness signed"
}

func (c *clock) end(last int64) {
	if c.group == "" {
		return
	}
	which := fmt.Sprintf("entries %d to %d", c.begin, last)
	if c.begin == last {
		which = fmt.Sprintf("entry %d", last)
	}
	if c.groups++; c.groups <= maxClock {
		c.a.Clock = append(c.a.Clock, which+c.group)
	}
	c.group = ""
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// maxClock is how many groups of entries with a wrong clock an audit names. Chosen.
const maxClock = 100

// note adds err to Problems, after the text what, and returns nil, if err says that something does not hold. It
// returns every other error, which ends the audit.
func (a *Audit) note(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrTampered), errors.Is(err, ErrCheckpoint), errors.Is(err, ErrSealed):
		a.Problems = append(a.Problems, what+err.Error())
		return nil
	}
	return err
}

// An auditing is an audit at work.
type auditing struct {
	*Audit
	l *Ledger
	o AuditOptions
}

// originals opens what is sealed of every upload with o.SealKey: the original, and the hash and local features that it is
// found by. last is the time of the ledger's last entry.
func (a auditing) originals(ctx context.Context, last time.Time) error {
	sweep := time.Now().Add(-durable.Settled)
	if len(a.Problems) > 0 {
		sweep = time.Time{}
	} else if last.Before(sweep) {
		sweep = last
	}
	objects, err := a.l.r.store.CheckObjects(ctx, sweep)
	if err != nil {
		return err
	}
	a.Swept, a.Left = objects.Removed, objects.Extra-objects.Removed
	if objects.Unread != "" {
		a.Unread = append(a.Unread, objects.Unread)
	}
	has := func(f *engine.Found) bool { return f.Kept || a.l.r.sealHashes || f.ID == (watermark.Submission{}) }
	total, done := 0, 0
	if _, err := a.l.r.Engine().FoundBy(ctx, nil, 0, math.MaxInt64, func(f *engine.Found) error {
		if has(f) {
			total++
		}
		return nil
	}); err != nil {
		return err
	}
	if err := a.note(a.l.r.Engine().CheckSegments(ctx, a.o.SealKey), ""); err != nil {
		return err
	}
	_, err = a.l.r.Engine().FoundBy(ctx, a.o.SealKey, 0, math.MaxInt64, func(f *engine.Found) error {
		if !has(f) {
			return a.note(f.HashErr, "")
		}
		if err := a.upload(ctx, f); err != nil {
			return err
		}
		if done++; a.o.Progress != nil {
			a.o.Progress(done, max(done, total)) // uploads may come in meanwhile
		}
		return nil
	})
	return err
}

// upload notes what is wrong with one upload, or counts its original as good. It skips erased uploads.
func (a auditing) upload(ctx context.Context, f *engine.Found) error {
	if f.ID == (watermark.Submission{}) { // its row cannot be read
		return a.note(f.HashErr, "")
	}
	s, err := a.l.r.store.Submission(ctx, f.ID)
	if err == nil && s.Erased {
		return nil
	}
	if err == nil && s.Kept {
		err = a.original(ctx, s)
	}
	switch {
	case errors.Is(err, records.ErrUnread):
		if s.Page < 2 {
			a.Unread = append(a.Unread, err.Error())
		}
		err = nil
	case err == nil && s.Kept && s.Page < 2:
		a.Originals++
	}
	for _, err := range []error{err, f.HashErr, f.FeaturesErr} {
		if err := a.note(err, ""); err != nil {
			return err
		}
	}
	return nil
}

// original opens the kept original of s and compares its digest, and its pixels if the decoder is still that of
// the entry. An upload that was erased meanwhile is no error.
func (a auditing) original(ctx context.Context, s *books.Submission) error {
	file, err := a.l.r.Original(ctx, a.o.SealKey, s.Whole())
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrErased) {
		if row, again := a.l.r.store.Submission(ctx, s.ID); again == nil && row.Erased {
			return nil // meanwhile
		}
		return fmt.Errorf("submission %s: %w: nothing is there", s.ID, ErrSealed)
	}
	if err != nil {
		return err
	}
	_, _, err = engine.DecodePage(s, file, picture.Limits{MaxBytes: int64(len(file)), MaxPixels: phash.MaxPixels, Decode: picture.Decoding(ctx, a.o.Decode), PDF: picture.ReadingPDF(ctx, a.o.PDF)})
	if err != nil && !errors.Is(err, ErrSealed) {
		err = fmt.Errorf("submission %s: %w: %w", s.ID, ErrSealed, err)
	}
	return err
}
