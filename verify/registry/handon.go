package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/intake"
)

// AddHandOn enters that a party had copies of another recipient; Entered and Salt are set. The error
// wraps [ErrNotFound] if a party or a submission is not there. It wraps [ErrInput] if both parties are
// one, How is no such way, Document is empty, or times are out of order.
func (r *Registry) AddHandOn(ctx context.Context, h HandOn) error {
	if err := errors.Join(checkTime("begin of the copies", h.From), checkTime("end of the copies", h.To), checkTime("time of handing on", h.When),
		books.CheckText("document", h.Document, intake.MaxNote), books.CheckText("purpose", h.Purpose, intake.MaxNote), books.CheckText("actor", h.Actor, intake.MaxName)); err != nil {
		return err
	}
	switch {
	case !slices.Contains([]string{HandedOn, Channel, Misrouted}, h.How):
		return fmt.Errorf("%w: the way is %.40q, want %q, %q or %q", ErrInput, h.How, HandedOn, Channel, Misrouted)
	case h.Giver == h.Taker:
		return fmt.Errorf("%w: both parties are %q", ErrInput, h.Giver)
	case h.Document == "":
		return fmt.Errorf("%w: no document says so", ErrInput)
	case h.To.Before(h.From):
		return fmt.Errorf("%w: the copies end (%s) before they begin (%s)", ErrInput, day(h.To), day(h.From))
	}
	for _, name := range []string{h.Giver, h.Taker} {
		if err := r.checkRecipient(ctx, name); err != nil {
			return err
		}
	}
	for _, s := range h.Submissions {
		if _, err := r.Submission(ctx, s); err != nil && !errors.Is(err, ErrErased) {
			return err
		}
	}
	h.Submissions = books.Ascending(h.Submissions)
	h.From, h.To, h.When, h.Entered, h.Salt = books.Timestamp(h.From), books.Timestamp(h.To), books.Timestamp(h.When), r.clock(), books.NewSalt()
	return r.store.AddHandOn(ctx, h)
}

// HandOns lists who had copies besides their recipients, in the order of entry.
func (r *Registry) HandOns(ctx context.Context) ([]HandOn, error) { return r.store.HandOns(ctx) }
