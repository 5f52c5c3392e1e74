package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/watermark"
)

// Custody says that a recipient could hold uploads unmarked: those submitted
// from From up to and including To, or, where Submissions are listed, those of
// the list that were submitted in that time.
type Custody struct {
	Recipient   string                 `json:"recipient"`
	From        time.Time              `json:"from"`
	To          time.Time              `json:"to"`
	Submissions []watermark.Submission `json:"submissions,omitempty"`
	Note        string                 `json:"note,omitempty"` // where this is known from
	Entered     time.Time              `json:"entered"`        // set by the registry
	Actor       string                 `json:"actor,omitempty"`
}

// AddCustody enters a custody fact. Its time of entry is recorded: what is
// entered after a leak was found is not admissible against it. A recipient that is not
// there is an error that wraps [ErrNotFound], as is such a submission; times out of order, or
// of years after 9999, are ones that wrap [ErrInput].
func (r *Registry) AddCustody(ctx context.Context, c Custody) error {
	row, err := r.custodyRow(ctx, c)
	if err != nil {
		return err
	}
	return r.store.AddCustody(ctx, row)
}

// ImportCustody enters many facts, those left out that are there already, and returns
// how many it entered. Where any is unusable none is entered, and wrong holds what is
// wrong with each, nil for those that are right.
func (r *Registry) ImportCustody(ctx context.Context, facts []Custody) (added int, wrong []error, err error) {
	there, err := r.store.Custody(ctx)
	if err != nil {
		return 0, nil, err
	}
	known := make(map[[32]byte]bool)
	for _, c := range there {
		known[said(c)] = true
	}
	var rows []store.Custody
	wrong = make([]error, len(facts))
	for i, c := range facts {
		row, err := r.custodyRow(ctx, c)
		if err != nil && !errors.Is(err, ErrInput) && !errors.Is(err, ErrNotFound) {
			return 0, nil, err
		}
		wrong[i] = err
		if !known[said(row)] {
			rows, known[said(row)] = append(rows, row), true
		}
	}
	if slices.ContainsFunc(wrong, func(err error) bool { return err != nil }) {
		return 0, wrong, nil
	}
	return len(rows), nil, r.store.AddCustody(ctx, rows...)
}

// custodyRow checks a fact.
func (r *Registry) custodyRow(ctx context.Context, c Custody) (store.Custody, error) {
	if err := errors.Join(checkTime("begin of custody", c.From), checkTime("end of custody", c.To)); err != nil {
		return store.Custody{}, err
	}
	row := store.Custody{
		Recipient: c.Recipient, From: timestamp(c.From), To: timestamp(c.To),
		Note: c.Note, Entered: r.clock(), Actor: c.Actor, Salt: newSalt(),
	}
	if err := errors.Join(checkText("note", c.Note, intake.MaxNote), checkText("actor", c.Actor, intake.MaxName)); err != nil {
		return row, err
	}
	if c.To.Before(c.From) {
		return row, fmt.Errorf("%w: custody ends (%s) before it begins (%s)", ErrInput, day(c.To), day(c.From))
	}
	if _, err := r.recipient(ctx, c.Recipient); err != nil {
		return row, err
	}
	for _, s := range c.Submissions {
		if _, err := r.Submission(ctx, s); err != nil && !errors.Is(err, ErrErased) {
			return row, err
		}
		row.Submissions = append(row.Submissions, s)
	}
	slices.SortFunc(row.Submissions, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	row.Submissions = slices.Compact(row.Submissions)
	return row, nil
}

// said is the same for facts that say the same, whoever entered them when.
func said(c store.Custody) [32]byte {
	c.Actor, c.Entered, c.Salt = "", time.Time{}, store.Salt{}
	return c.Entry().Commitment
}

// Custody lists the facts that cover a submission, in the order of entry. Of a fact's
// list it gives the submission alone: others' are nobody's business who asks for one.
func (r *Registry) Custody(ctx context.Context, of watermark.Submission) ([]Custody, error) {
	rows, err := r.store.CustodyOf(ctx, of)
	return publicCustody(rows), err
}

// AllCustody lists all custody facts in the order of entry.
func (r *Registry) AllCustody(ctx context.Context) ([]Custody, error) {
	rows, err := r.store.Custody(ctx)
	return publicCustody(rows), err
}

// CustodyBy lists the facts about a recipient in the order of entry.
func (r *Registry) CustodyBy(ctx context.Context, recipient string) ([]Custody, error) {
	if _, err := r.recipient(ctx, recipient); err != nil {
		return nil, err
	}
	rows, err := r.store.CustodyBy(ctx, recipient)
	return publicCustody(rows), err
}

func publicCustody(rows []store.Custody) []Custody {
	out := make([]Custody, len(rows))
	for i, c := range rows {
		out[i] = Custody{Recipient: c.Recipient, From: c.From, To: c.To, Note: c.Note, Entered: c.Entered, Actor: c.Actor}
		for _, s := range c.Submissions {
			out[i].Submissions = append(out[i].Submissions, s)
		}
	}
	return out
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
