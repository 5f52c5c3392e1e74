package store

import (
	"fmt"
	"time"

	"github.com/kycmark/kycmark/internal/tlog"
)

// A Salt blinds the commitment that stands in the ledger for a row.
type Salt = [32]byte

// Info names the registry.
type Info struct {
	ID         [16]byte // random
	Created    time.Time
	SealHashes bool // no hash stands in the clear; there is then no search in the store
	Salt       Salt
	Seq        int64
}

// A Recipient is one row of recipients. Seq, here and in every row, is the number
// of its ledger entry and is assigned by the store.
type Recipient struct {
	Name  string
	Kind  string
	Actor string
	Added time.Time
	Salt  Salt
	Seq   int64
}

// A MarkKey is a mark key that is used for issuing.
type MarkKey struct {
	ID         string
	Commitment [32]byte // to the secret
	Since      time.Time
	Salt       Salt
	Seq        int64
}

// States of a mark key.
const (
	KeyActive      = "active"
	KeyRetired     = "retired"
	KeyCompromised = "compromised"
)

// A KeyState says what became of a mark key.
type KeyState struct {
	KeyID   string
	State   string
	Since   time.Time
	Note    string
	Entered time.Time
	Actor   string
	Salt    Salt
	Seq     int64
}

// Next says whether a state may follow this one: what is compromised stays so, and
// its time can only be moved back. The error wraps [ErrConflict].
func (s *KeyState) Next(next *KeyState) error {
	if s.State == KeyCompromised && (next.State != KeyCompromised || !next.Since.Before(s.Since)) {
		return fmt.Errorf("%w: mark key %s; that can be entered for an earlier time, but not taken back", ErrConflict, s)
	}
	return nil
}

// String is "v1-0011223344556677, compromised since 2026-01-31".
func (s *KeyState) String() string {
	return fmt.Sprintf("%s, %s since %s", s.KeyID, s.State, s.Since.UTC().Format(time.DateOnly))
}

// A Submission is one upload. Seq ascends in the order in which rows become visible
// and is never used again, so that indexes in memory can follow it. Of an erased one
// only ID, Submitted, Received, Seq and Erased are left.
type Submission struct {
	ID          [16]byte
	SHA256      [32]byte // of the file
	Size        int64    // bytes
	Format      string
	Decoder     string // that the hashes were made with
	Width       int    // pixels
	Height      int
	Submitted   time.Time
	Received    time.Time
	Subject     string
	Hash        string // text form of a PDQ hash; empty where hashes are sealed
	Area        string // text form of an area hash; likewise
	Chain       string // versions of the ways from pixels to the hashes
	Quality     int    // of Hash, 0..100
	AreaQuality int    // of Area, 0..100
	Kept        bool   // the original is kept, sealed
	Salt        Salt
	Seq         int64
	Erased      int64    // number of the erasure's entry; 0 where it is not erased
	Rendition   [32]byte // SHA-256 of the pixels of a kept original; zero: not entered
}

// Sealed is what is kept of an upload under its own data key; what is not kept is
// empty. Losing Wrapped loses all of it.
type Sealed struct {
	KeyID    string // of the sealing key
	Wrapped  []byte // the data key, sealed under the sealing key
	Hashes   []byte // where hashes are sealed
	Features []byte
	Body     []byte // the file
}

// An Upload is what is entered of one upload.
type Upload struct {
	Submission
	Sealed *Sealed // nil where nothing is kept
}

// A Hash is what the search needs of a submission. Sealed is nil where the hashes
// stand in the clear; it has neither features nor body.
type Hash struct {
	Seq         int64
	ID          [16]byte
	Hash        string
	Area        string
	Quality     int
	AreaQuality int
	Sealed      *Sealed
}

// Features are the sealed local features of a submission; Sealed has nothing else.
type Features struct {
	Seq    int64
	ID     [16]byte
	Sealed Sealed
}

// An Erasure says that uploads were erased.
type Erasure struct {
	Submissions [][16]byte // ascending
	Left        [32]byte   // [Left] of them, set by the store
	Note        string
	Entered     time.Time
	Actor       string
	Salt        Salt
	Seq         int64
}

// Erased is one submission of an erasure.
type Erased struct {
	Erasure int64 // number of its entry
	Seq     int64 // number of the submission's
	ID      [16]byte
}

// A Subject is a customer by an opaque reference.
type Subject struct {
	Subject     string
	Submissions int64     // that were not erased
	First, Last time.Time // when the first and the last of them was submitted
}

// A Copy is one issued copy.
type Copy struct {
	ID         uint64
	Submission [16]byte
	Recipient  string
	Purpose    string
	KeyID      string
	Strength   float64
	Margin     float64 // dB
	Weak       bool
	PSNR       float64 // dB
	SSIM       float64
	Format     string
	Width      int
	Height     int
	SHA256     [32]byte // of the bytes released
	Size       int64    // bytes
	Issued     time.Time
	Actor      string
	Salt       Salt
	Seq        int64
}

// A Receipt is a recipient's signature over the digest of a copy.
type Receipt struct {
	Copy      uint64
	PublicKey [32]byte // Ed25519
	Signature [64]byte
	Entered   time.Time
	Actor     string
	Salt      Salt
	Seq       int64
}

// Custody is one fact of custody: uploads submitted in [From, To], of the list
// where there is one, could be held unmarked.
type Custody struct {
	Recipient   string
	From, To    time.Time
	Submissions [][16]byte // ascending
	Note        string
	Entered     time.Time
	Actor       string
	Salt        Salt
	Seq         int64
}

// An Investigation says that somebody looked for leaks in the registry.
type Investigation struct {
	Started time.Time
	Actor   string
	Command string
	Input   [32]byte // digest of what was investigated
	Files   int64
	Salt    Salt
	Seq     int64
}

// A Checkpoint is the state of the ledger, signed.
type Checkpoint struct {
	Size int64
	Root tlog.Hash
	Note []byte // C2SP tlog-checkpoint with its signatures
	Made time.Time

	Stamp []byte // RFC 3161 timestamp of the note's body; empty: none
}

// Issued counts something of one day and, but for counts of uploads alone, of one
// recipient.
type Issued struct {
	Recipient string
	Day       time.Time // its begin, UTC
	Count     int64
}
