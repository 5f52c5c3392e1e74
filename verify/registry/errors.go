package registry

import (
	"errors"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/internal/sealing"
)

var (
	// ErrNotFound is wrapped when the registry holds no such submission, copy or recipient.
	ErrNotFound = records.ErrNotFound
	// ErrConflict is wrapped when a name is taken by something else.
	ErrConflict = records.ErrConflict
	// ErrRegistry is wrapped when a file is no registry, or one of a later version.
	ErrRegistry = records.ErrSchema
	// ErrTampered is wrapped when ledger and registry do not bear each other out.
	ErrTampered = records.ErrTampered
	// ErrErased is wrapped when the upload was there and its person was erased.
	ErrErased = records.ErrErased
	// ErrFrozen is wrapped by whatever would write to a registry whose file or folder can only be read.
	ErrFrozen = records.ErrFrozen
	// ErrReadOnly is wrapped by whatever a registry that is open for investigation only refuses.
	ErrReadOnly = records.ErrReadOnly
	// ErrCheckpoint is wrapped when a checkpoint is malformed, not signed, or signed wrongly.
	ErrCheckpoint = tlog.ErrCheckpoint
	// ErrLedgerKey is wrapped when a key of a ledger or of a witness is unusable.
	ErrLedgerKey = tlog.ErrKey
	// ErrProof is wrapped when a proof does not hold or cannot be given.
	ErrProof = errors.New("verify: no proof")
	// ErrMarkKey is wrapped when a mark key must not be used for issuing.
	ErrMarkKey = records.ErrMarkKey
	// ErrReceipt is wrapped when a recipient's signature does not hold: of a receipt, or of custody.
	ErrReceipt = errors.New("verify: the recipient's signature does not hold")
	// ErrFormat is wrapped when a file is no readable picture.
	ErrFormat = picture.ErrFormat
	// ErrLimit is wrapped when a file or picture is larger than the limits allow.
	ErrLimit = picture.ErrLimit
	// ErrSealKey is wrapped where a sealing key cannot be read, or its key management service does not answer.
	ErrSealKey = sealing.ErrKey
	// ErrSealed is wrapped when a kept original cannot be opened, and when something is
	// to be sealed under another key than what is there.
	ErrSealed = records.ErrSealed
	// ErrWeak is wrapped when a copy's mark would not survive a messenger.
	ErrWeak = errors.New("verify: the mark would be too weak")
	// ErrNothingLeft is wrapped by a writer of copies that failed before any byte left.
	ErrNothingLeft = errors.New("verify: no byte left")
	// ErrNoEntry is wrapped when the registry could not take an entry, such as on a full disk: other entries
	// would also fail.
	ErrNoEntry = errors.New("verify: could not be logged")
	// ErrInput is wrapped when an argument is unusable.
	ErrInput = records.ErrInput
)
