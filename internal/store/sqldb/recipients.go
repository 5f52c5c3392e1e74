package sqldb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/schema"
	"github.com/kycmark/kycmark/verify/books"
)

// parties are recipients and mark keys.
type parties struct{ *core }

func (d parties) AddRecipient(ctx context.Context, r books.Recipient) (added bool, err error) {
	return d.adding(ctx, "enter a recipient", func(t *tx) (bool, error) {
		all, err := schema.Recipients.Rows(ctx, t, "")
		if err != nil {
			return false, err
		}
		named := func(name string) func(books.Recipient) bool {
			return func(x books.Recipient) bool { return x.Name == name }
		}
		if i := slices.IndexFunc(all, named(r.Name)); i >= 0 {
			return false, same(&all[i], &r)
		}
		for _, o := range all {
			if intake.Alike(o.Name, r.Name) {
				return false, fmt.Errorf("%w: recipient %+q looks like recipient %+q, want another name", records.ErrConflict, r.Name, o.Name)
			}
		}
		if r.Of != "" {
			i := slices.IndexFunc(all, named(r.Of))
			if i < 0 {
				return false, fmt.Errorf("employer %q of recipient %q: %w", r.Of, r.Name, records.ErrNotFound)
			}
			if all[i].Kind == books.KindReviewer {
				return false, fmt.Errorf("%w: employer %q of recipient %q is a reviewer itself, want a recipient of another kind", records.ErrInput, r.Of, r.Name)
			}
		}
		return true, enter(ctx, t, schema.Recipients, &r, &r.Seq)
	})
}

// same returns an error that wraps [records.ErrConflict] if a recipient of that name is of another kind or employer.
func same(old, r *books.Recipient) error {
	switch {
	case old.Kind != r.Kind:
		return fmt.Errorf("%w: recipient %q is a %s", records.ErrConflict, r.Name, old.Kind)
	case old.Of != r.Of:
		return fmt.Errorf("%w: recipient %q has the employer %q, got %q: a person who moves is another recipient", records.ErrConflict, r.Name, old.Of, r.Of)
	}
	return nil
}

// Recipients compares the names of reviewers with their digests. Erased names need an erasure.
func (d parties) Recipients(ctx context.Context) (all []books.Recipient, err error) {
	err = d.snapshot(ctx, func(q schema.Querier) error {
		if all, err = schema.Recipients.Rows(ctx, q, ""); err != nil {
			return err
		}
		if err := onList(ctx, q, &d.dialect, records.EntryRecipient, all); err != nil {
			return err
		}
		var erased []records.Erasure
		if slices.ContainsFunc(all, func(r books.Recipient) bool { return r.Erased() }) {
			if erased, err = readErasures(ctx, q, ""); err != nil {
				return err
			}
			if err := onList(ctx, q, &d.dialect, records.EntryErasure, erased); err != nil {
				return err
			}
		}
		return namesHold(all, erased)
	})
	slices.SortFunc(all, func(a, b books.Recipient) int { return cmp.Compare(a.Name, b.Name) })
	return all, err
}

// namesHold compares the names of recipients with their digests. An erased name must have one of the erasures.
func namesHold(all []books.Recipient, erasures []records.Erasure) error {
	for i := range all {
		r := &all[i]
		holds := r.Blind == [32]byte{} && r.Digest == [32]byte{} && r.Ref == ""
		switch {
		case r.Erased():
			holds = r.Blind == [32]byte{} && slices.ContainsFunc(erasures, func(e records.Erasure) bool { return e.Reviewer == r.Ref })
		case r.Of != "":
			holds = records.NameDigest(r.Blind, r.Name) == r.Digest
		}
		if !holds {
			return schema.Tampered("the name of the recipient of entry %d was edited", r.Seq)
		}
	}
	return nil
}

func (c *checker) recipients(_, _ int64, rows []books.Recipient) error {
	erasures, err := schema.Erasures.Rows(c.ctx, c.q, " WHERE reviewer <> ''")
	if err != nil {
		return err
	}
	return namesHold(rows, erasures)
}

// blankName puts the reference of a reviewer in the place of the name. The error wraps [records.ErrNotFound] or
// [records.ErrErased].
func blankName(ctx context.Context, t *tx, ref string) error {
	r, err := schema.Recipients.One(ctx, t, " WHERE ref = $1", ref)
	if err == nil && r.Erased() {
		err = records.ErrErased
	}
	if err != nil {
		return fmt.Errorf("recipient %s: %w", ref, err)
	}
	_, err = t.ExecContext(ctx, "UPDATE recipient SET name = ref, blind = $1 WHERE ref = $2", []byte{}, ref)
	return err
}

// isNameErased checks that an erasure of a name left the reference alone. The error wraps [records.ErrTampered].
func (c *checker) isNameErased(e *records.Erasure) error {
	r, err := schema.Recipients.One(c.ctx, c.q, " WHERE ref = $1", e.Reviewer)
	if errors.Is(err, records.ErrNotFound) || err == nil && !r.Erased() {
		err = schema.Tampered("the name that entry %d erased is there", e.Seq)
	}
	return err
}
