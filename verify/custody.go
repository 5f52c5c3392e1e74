package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
// entered after a leak was found is not admissible against it.
func (r *Registry) AddCustody(ctx context.Context, c Custody) error {
	if err := errors.Join(checkText("note", c.Note, maxNote), checkText("actor", c.Actor, maxName)); err != nil {
		return err
	}
	if c.To.Before(c.From) {
		return fmt.Errorf("%w: custody ends (%s) before it begins (%s)", ErrInput, day(c.To), day(c.From))
	}
	if _, err := r.recipient(ctx, c.Recipient); err != nil {
		return err
	}
	subs := make([][16]byte, len(c.Submissions))
	for i, s := range c.Submissions {
		if _, err := r.Submission(ctx, s); err != nil {
			return err
		}
		subs[i] = s
	}
	slices.SortFunc(subs, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return r.store.AddCustody(ctx, store.Custody{
		Recipient: c.Recipient, From: timestamp(c.From), To: timestamp(c.To), Submissions: slices.Compact(subs),
		Note: c.Note, Entered: r.clock(), Actor: c.Actor, Salt: newSalt(),
	})
}

// Custody lists the facts that cover a submission, in the order of entry.
func (r *Registry) Custody(ctx context.Context, of watermark.Submission) ([]Custody, error) {
	rows, err := r.store.CustodyOf(ctx, of)
	return publicCustody(rows), err
}

// AllCustody lists all custody facts in the order of entry.
func (r *Registry) AllCustody(ctx context.Context) ([]Custody, error) {
	rows, err := r.store.Custody(ctx)
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
