package verify

import "errors"

var (
	// ErrNotFound is wrapped when the registry holds no such submission, copy or recipient.
	ErrNotFound = errors.New("verify: not in the registry")
	// ErrConflict is wrapped when a name is taken by something else.
	ErrConflict = errors.New("verify: already in the registry")
	// ErrRegistry is wrapped when a file is no registry, or one of a later version.
	ErrRegistry = errors.New("verify: not a usable registry")
	// ErrTampered is wrapped when ledger and registry do not bear each other out.
	ErrTampered = errors.New("verify: the ledger does not verify")
	// ErrSealKey is wrapped by every error of [ParseSealKey].
	ErrSealKey = errors.New("verify: not a usable sealing key")
	// ErrSealed is wrapped when a kept original cannot be opened.
	ErrSealed = errors.New("verify: the sealed original cannot be opened")
	// ErrWeak is wrapped when a copy's mark would not survive a messenger.
	ErrWeak = errors.New("verify: the mark would be too weak")
	// ErrFormat is wrapped when a file is no readable picture.
	ErrFormat = errors.New("verify: not a readable picture")
	// ErrLimit is wrapped when a file or picture is larger than the limits allow.
	ErrLimit = errors.New("verify: too large")
	// ErrInput is wrapped when an argument is unusable.
	ErrInput = errors.New("verify: unusable input")
)
