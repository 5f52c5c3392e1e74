package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// AddCustody enters facts of custody, all or none. Their time of entry is recorded: a fact that is entered after
// a leak was found is not admissible against it. The error wraps [ErrNotFound] if a recipient or a submission is
// not there. It wraps [ErrInput] if times are out of order or of years outside 0 to 9999, or a text is too long.
// It wraps [ErrInput] as well if Through is the recipient itself, or a reviewer with an employer. The custody of such a
// reviewer is entered as the employer's, with Reviewer set. Erased submissions are allowed.
func (r *Registry) AddCustody(ctx context.Context, facts ...books.Custody) error {
	rows := make([]books.Custody, len(facts))
	for i, c := range facts {
		var err error
		if rows[i], err = checkCustody(ctx, r, c); err != nil {
			return err
		}
	}
	return r.store.AddCustody(ctx, rows...)
}

// HeldThrough returns the custody of unmarked uploads that a fact with Through implies. The facts up to a number of the ledger's
// entries say which uploads the recipient called Through held. HeldThrough returns facts about the uploads among them that
// c means by From, To and Submissions. Nothing is entered. The error wraps [ErrNotFound] if there is no recipient Through.
func HeldThrough(ctx context.Context, r *Registry, c books.Custody, entries int64) (out []books.Custody, err error) {
	facts, err := r.Custody(ctx, CustodyFilter{Recipient: c.Through})
	if err != nil {
		return nil, err
	}
	c.Note, c.Through = "through "+intake.InSentence(c.Through)+": "+c.Note, ""
	for _, held := range facts {
		x := c
		if held.From.After(x.From) {
			x.From = held.From
		}
		if held.To.Before(x.To) {
			x.To = held.To
		}
		if listed := len(c.Submissions) > 0; !listed {
			x.Submissions = held.Submissions
		} else if len(held.Submissions) > 0 {
			x.Submissions = slices.DeleteFunc(slices.Clone(c.Submissions), func(s watermark.Submission) bool { return !slices.Contains(held.Submissions, s) })
			if len(x.Submissions) == 0 {
				continue
			}
		}
		if held.Seq <= entries && held.Through == "" && !x.To.Before(x.From) {
			out = append(out, x)
		}
	}
	return out, nil
}

// ImportCustody enters many facts and returns how many were new. Facts that say the same as an entered or an earlier
// fact are left out. facts is changed to what the registry has; a new fact lacks its number in the ledger. If any fact is
// unusable, no fact is entered, and err is nil: wrong then has an error or nil for each fact. Else wrong is nil.
func (r *Registry) ImportCustody(ctx context.Context, facts []books.Custody) (_ int, wrong []error, _ error) {
	r.custody.Lock()
	defer r.custody.Unlock()
	there, err := r.store.Custody(ctx)
	if err != nil {
		return 0, nil, err
	}
	rows, wrong := make([]books.Custody, len(facts)), make([]error, len(facts))
	seen := make(map[fewOf]bool)
	for i, c := range facts {
		rows[i], wrong[i] = checkCustody(ctx, r, c)
		if err := wrong[i]; err != nil && !errors.Is(err, ErrInput) && !errors.Is(err, ErrNotFound) {
			return 0, nil, err
		}
		seen[few(&rows[i])] = true
	}
	if slices.ContainsFunc(wrong, func(err error) bool { return err != nil }) {
		return 0, wrong, nil
	}
	known := make(map[[32]byte]books.Custody)
	for i := range there {
		if seen[few(&there[i])] {
			known[said(there[i])] = there[i]
		}
	}
	var added []books.Custody
	for i, c := range rows {
		id := said(c)
		if _, is := known[id]; !is {
			known[id], added = c, append(added, c)
		}
		facts[i] = known[id]
	}
	return len(added), nil, r.store.AddCustody(ctx, added...)
}

// checkCustody checks a fact and returns it ready for the store: times in whole microseconds, the list sorted, Entered
// and Salt set. The error wraps [ErrInput], or [ErrNotFound] if the recipient or a listed submission is not there.
func checkCustody(ctx context.Context, r *Registry, c books.Custody) (books.Custody, error) {
	if err := errors.Join(checkTime("begin of custody", c.From), checkTime("end of custody", c.To)); err != nil {
		return books.Custody{}, err
	}
	c.From, c.To, c.Entered, c.Salt = records.Timestamp(c.From), records.Timestamp(c.To), r.clock(), records.NewSalt()
	if err := checkNote(c.Actor, c.Note); err != nil {
		return c, err
	}
	if c.To.Before(c.From) {
		return c, fmt.Errorf("%w: custody ends (%s) before it begins (%s)", ErrInput, day(c.To), day(c.From))
	}
	to, err := r.Recipient(ctx, c.Recipient)
	if err != nil {
		return c, err
	}
	c.Recipient, c.Reviewer = to.Party()
	if c.Event != (books.Digest{}) || c.Scheme != "" {
		return c, fmt.Errorf("%w: custody by an event, without the event", ErrInput)
	}
	if c.Recipient == c.Through {
		return c, fmt.Errorf("%w: %q had its own copies through itself", ErrInput, c.Recipient)
	}
	if c.Through != "" {
		switch from, err := r.Recipient(ctx, c.Through); {
		case err != nil:
			return c, err
		case from.Of != "":
			return c, fmt.Errorf("%w: %q is a reviewer, want its employer %q", ErrInput, c.Through, from.Of)
		}
	}
	for _, s := range c.Submissions {
		if _, err := r.Submission(ctx, s); err != nil && !errors.Is(err, ErrErased) {
			return c, err
		}
	}
	c.Submissions = records.Ascending(c.Submissions)
	return c, nil
}

// said returns the same digest for facts that say the same, regardless of who entered them and when.
func said(c books.Custody) [32]byte {
	c.Actor, c.Entered, c.Salt = "", time.Time{}, books.Salt{}
	return records.EntryOf(c).Commitment
}

// fewOf is so much of a fact that few facts have the same: it is compared faster than what is said.
type fewOf struct {
	recipient string
	from      int64                // microseconds since 1970 UTC
	first     watermark.Submission // of the list
}

func few(c *books.Custody) (f fewOf) {
	f.recipient, f.from = c.Recipient, c.From.UnixMicro()
	if len(c.Submissions) > 0 {
		f.first = c.Submissions[0]
	}
	return f
}

// A CustodyFilter selects facts of custody. The zero CustodyFilter selects all. At most one field is set.
type CustodyFilter struct {
	Submission watermark.Submission // facts that cover this upload, unmarked
	Recipient  string               // facts about this recipient, and about its reviewers
}

// Custody lists the facts of custody that the filter selects, in the order of entry. For one submission, the lists of
// the facts hold that submission alone, since the others do not concern it. The error wraps [ErrNotFound] if there is
// no such recipient or submission, and [ErrInput] if both fields of the filter are set.
func (r *Registry) Custody(ctx context.Context, which CustodyFilter) ([]books.Custody, error) {
	switch {
	case which.Submission != (watermark.Submission{}) && which.Recipient != "":
		return nil, fmt.Errorf("%w: custody of one submission and by one recipient at once", ErrInput)
	case which.Submission != (watermark.Submission{}):
		return r.store.CustodyOf(ctx, which.Submission)
	case which.Recipient == "":
		all, err := r.store.Custody(ctx)
		return append([]books.Custody{}, all...), err
	}
	to, err := r.Recipient(ctx, which.Recipient)
	if err != nil {
		return nil, err
	}
	recipient, reviewer := to.Party()
	facts, err := r.store.CustodyBy(ctx, recipient)
	return slices.DeleteFunc(facts, func(c books.Custody) bool { return reviewer != "" && c.Reviewer != reviewer }), err
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// maxEvent is how long a signed event may be, bytes. Chosen: events of capture vendors have some kilobytes.
const maxEvent = 1 << 20

// AddSignedCustody enters a fact of custody that rests on a signed event of its recipient, such as a vendor that
// captured the picture. c lists the one upload that the fact is about, and c.Scheme says how the event is signed: the
// caller has checked the signature. event is what was received, at most 1 MiB. It is kept, sealed, until the upload is
// erased; the ledger commits to its SHA-256. An event of the same recipient on the same upload is entered once, and
// entered is false from the second time on. The error is as that of [Registry.AddCustody] for the fact. It wraps
// [ErrSealed] if nothing of the upload is sealed.
func (i *Issuer) AddSignedCustody(ctx context.Context, c books.Custody, event []byte) (entered bool, err error) {
	switch {
	case len(c.Submissions) != 1 || c.Through != "":
		return false, fmt.Errorf("%w: custody by an event: %d uploads, want 1 that was held unmarked", ErrInput, len(c.Submissions))
	case len(event) == 0 || len(event) > maxEvent || c.Scheme == "":
		return false, fmt.Errorf("%w: custody by an event: %d bytes, signed %q, want 1 to %d bytes and how they are signed", ErrInput, len(event), c.Scheme, maxEvent)
	}
	r, of, scheme := i.cfg.Registry, c.Submissions[0], c.Scheme
	c.Event, c.Scheme = books.Digest{}, ""
	if c, err = checkCustody(ctx, r, c); err != nil {
		return false, err
	}
	if err := records.CheckText("scheme", scheme, intake.MaxName); err != nil {
		return false, err
	}
	c.Event, c.Scheme = sha256.Sum256(event), scheme
	x, err := r.store.Sealed(ctx, of, false)
	if err != nil {
		return false, fmt.Errorf("submission %s: %w", of, err)
	}
	sealed, err := sealing.SealAgain(i.cfg.SealKey, of, x, sealing.Event, event)
	if err != nil {
		return false, fmt.Errorf("submission %s: %w", of, err)
	}
	return r.store.AddSignedCustody(ctx, c, sealed)
}

// CustodyEvent opens the signed event that a fact of custody of one upload rests on, as it was received. The error
// wraps [ErrNotFound] if the fact rests on none, and [ErrSealed] if the event was altered, or its upload erased.
func CustodyEvent(ctx context.Context, r *Registry, key *SealKey, c books.Custody) ([]byte, error) {
	if len(c.Submissions) != 1 || c.Event == (books.Digest{}) {
		return nil, fmt.Errorf("%w: the custody of entry %d rests on no event", ErrNotFound, c.Seq)
	}
	of := c.Submissions[0]
	sealed, err := r.store.CustodyEvent(ctx, c.Seq)
	if err != nil {
		return nil, err
	}
	x, err := r.store.Sealed(ctx, of, false)
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	event, err := sealing.OpenOther(key, of, x, sealing.Event, sealed)
	if err == nil && sha256.Sum256(event) != c.Event {
		err = fmt.Errorf("%w: its event is not the one of entry %d", ErrTampered, c.Seq)
	}
	if err != nil {
		return nil, fmt.Errorf("submission %s: %w", of, err)
	}
	return event, nil
}
