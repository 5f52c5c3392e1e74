package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// AddMarkKey enters the commitment to a mark key in the ledger, not the key. Call it before the first copy is marked,
// so that the key cannot be said later to be chosen to fit. A key that is already entered stays unchanged, and added is
// false. The error wraps [ErrInput] if key is nil, and [ErrConflict] if another key has its ID.
func (l *Ledger) AddMarkKey(ctx context.Context, key *watermark.Key) (added bool, err error) {
	if key == nil {
		return false, fmt.Errorf("%w: the mark key is nil", ErrInput)
	}
	return l.r.store.AddMarkKey(ctx, records.KeyEntry{ID: key.ID(), Commitment: key.Commitment(), Added: l.r.clock(), Logged: books.Logged{Salt: records.NewSalt()}})
}

// MarkKeys lists the mark keys in the order of entry, each with the state that was entered last.
// A key without an entered state is active since its entry.
func (l *Ledger) MarkKeys(ctx context.Context) ([]books.MarkKey, error) {
	rows, err1 := l.r.store.MarkKeys(ctx)
	states, err2 := l.r.store.KeyStates(ctx)
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	at, out := make(map[string]int, len(rows)), make([]books.MarkKey, len(rows))
	for i, k := range rows {
		at[k.ID] = i
		out[i] = books.MarkKey{
			KeyState:   books.KeyState{KeyID: k.ID, State: books.KeyActive, Since: k.Added, Entered: k.Added},
			Commitment: k.Commitment, Added: k.Added,
		}
	}
	for _, s := range states {
		if i, ok := at[s.KeyID]; ok {
			out[i].KeyState = s
		}
	}
	return out, nil
}

// MarkKey returns the mark key with that ID, such as "v1-0011223344556677", in its present
// state. The error wraps [ErrNotFound] if no such key was entered.
func (l *Ledger) MarkKey(ctx context.Context, id string) (*books.MarkKey, error) {
	all, err := l.MarkKeys(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(k books.MarkKey) bool { return k.KeyID == id }); i >= 0 {
		return &all[i], nil
	}
	return nil, fmt.Errorf("mark key %s: %w", id, ErrNotFound)
}

// SetKeyState enters the state s of a mark key; Entered is set by the registry. A compromised key stays so: only an
// earlier time may be entered for it, else the error wraps [ErrConflict]. A state that is entered already is left as it
// is; so is a retired key that is retired later. The error wraps [ErrNotFound] if the key was never entered. It wraps
// [ErrInput] if the state is unknown, begins in the future or before the year 0, or a text is too long.
func (l *Ledger) SetKeyState(ctx context.Context, s books.KeyState) error {
	switch s.State {
	case books.KeyActive, books.KeyRetired, books.KeyCompromised:
	default:
		return fmt.Errorf("%w: the state of a key is active, retired or compromised, not %.40q", ErrInput, s.State)
	}
	if err := checkNote(s.Actor, s.Note); err != nil {
		return err
	}
	now := l.r.clock()
	if s.Since.After(now) {
		return fmt.Errorf("%w: %s lies in the future", ErrInput, moment(s.Since))
	}
	if err := checkTime("begin of the state", s.Since); err != nil {
		return err
	}
	k, err := l.MarkKey(ctx, s.KeyID)
	if err != nil {
		return err
	}
	s.Since = records.Timestamp(s.Since)
	if k.State == s.State && (s.Since.Equal(k.Since) || s.State == books.KeyRetired && s.Since.After(k.Since)) {
		return nil
	}
	s.Entered, s.Salt = now, records.NewSalt()
	return l.r.store.AddKeyState(ctx, s)
}

// mayIssue returns an error that wraps [ErrRefused] if the mark key with that ID was never entered or is not active,
// before anything is marked. The store checks again when it commits.
func mayIssue(ctx context.Context, l *Ledger, id string) error {
	k, err := l.MarkKey(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: the registry does not know %s", records.ErrMarkKey, id)
	}
	if err == nil && k.State != books.KeyActive {
		err = fmt.Errorf("%w: %s", records.ErrMarkKey, k.KeyState)
	}
	return err
}
