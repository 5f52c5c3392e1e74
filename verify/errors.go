package verify

import (
	"errors"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/store"
)

var (
	// ErrNotFound is wrapped when the registry holds no such submission, copy or recipient.
	ErrNotFound = store.ErrNotFound
	// ErrConflict is wrapped when a name is taken by something else.
	ErrConflict = store.ErrConflict
	// ErrRegistry is wrapped when a file is no registry, or one of a later version.
	ErrRegistry = store.ErrSchema
	// ErrTampered is wrapped when ledger and registry do not bear each other out.
	ErrTampered = store.ErrTampered
	// ErrFormat is wrapped when a file is no readable picture.
	ErrFormat = picture.ErrFormat
	// ErrLimit is wrapped when a file or picture is larger than the limits allow.
	ErrLimit = picture.ErrLimit
	// ErrSealKey is wrapped by every error of [ParseSealKey].
	ErrSealKey = errors.New("verify: not a usable sealing key")
	// ErrSealed is wrapped when a kept original cannot be opened.
	ErrSealed = errors.New("verify: the sealed original cannot be opened")
	// ErrWeak is wrapped when a copy's mark would not survive a messenger.
	ErrWeak = errors.New("verify: the mark would be too weak")
	// ErrInput is wrapped when an argument is unusable.
	ErrInput = errors.New("verify: unusable input")
)
