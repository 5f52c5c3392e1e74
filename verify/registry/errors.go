package registry

import (
	"errors"

	"github.com/kycmark/kycmark/internal/memory"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
)

// Three errors say what a failed call means for the next one. An error that wraps none of them is the caller's ctx, damage
// (ErrTampered, ErrSealed), or of a proof.
var (
	// ErrUnavailable is wrapped when nothing was written, since the registry cannot take entries now, such as on a
	// full disk or without its server. Other entries would also fail. The same call may succeed later.
	ErrUnavailable = errors.New("verify: could not be logged")
	// ErrRefused is wrapped when nothing was written, and the same call will be refused again: by ErrNotFound,
	// ErrConflict, ErrErased, ErrInput, ErrFormat, ErrLimit, ErrWeak, ErrMarkKey and ErrReadOnly, or if [Config] refuses
	// marked uploads.
	ErrRefused = records.ErrRefused
	// ErrBusy is wrapped when nothing was written, since other pictures had the memory for longer than MaxWait of [Config].
	// The same call may succeed later.
	ErrBusy = memory.ErrBusy
)

var (
	// ErrNotFound is wrapped when the registry holds no such submission, copy or recipient.
	ErrNotFound = records.ErrNotFound
	// ErrConflict is wrapped when a name or an ID is taken by something else.
	ErrConflict = records.ErrConflict
	// ErrErased is wrapped when the upload was there and its person was erased.
	ErrErased = records.ErrErased
	// ErrInput is wrapped when an argument is unusable.
	ErrInput = records.ErrInput
	// ErrFormat is wrapped when a file is no readable picture.
	ErrFormat = picture.ErrFormat
	// ErrLimit is wrapped when a file or picture is larger than the limits allow.
	ErrLimit = picture.ErrLimit
	// ErrWeak is wrapped when a copy's mark would not survive a messenger.
	ErrWeak = records.As(errors.New("verify: the mark would be too weak"), ErrRefused)
	// ErrMarkKey is wrapped when a mark key must not be used for issuing.
	ErrMarkKey = records.ErrMarkKey
	// ErrReadOnly is wrapped when the registry's file can only be read, or it is open for investigation only.
	ErrReadOnly = records.ErrReadOnly
	// ErrTampered is wrapped when ledger and registry do not bear each other out.
	ErrTampered = records.ErrTampered
	// ErrSealed is wrapped when a kept original cannot be opened, and when something is
	// to be sealed under another key than what is there.
	ErrSealed = records.ErrSealed
	// ErrCheckpoint is wrapped when a checkpoint is malformed, not signed, or signed wrongly.
	ErrCheckpoint = tlog.ErrCheckpoint
	// ErrLedgerKey is wrapped when a key of a ledger or of a witness is unusable.
	ErrLedgerKey = tlog.ErrKey
	// ErrProof is wrapped when a proof or a recipient's signature does not hold, or a proof cannot be given.
	ErrProof = errors.New("verify: no proof")
	// ErrNothingLeft is wrapped by a [Hand] that failed before any byte left.
	ErrNothingLeft = errors.New("verify: no byte left")
)

var (
	errReceipt = records.As(errors.New("verify: the recipient's signature does not hold"), ErrProof)
	errMarked  = records.As(errors.New("verify: the upload carries the mark of an issued copy"), ErrRefused)
)
