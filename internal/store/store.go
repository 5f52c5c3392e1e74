// Package store defines what a registry keeps and what its ledger says about it.
// The folders below it keep these rows in one database each and share no SQL.
package store

import (
	"context"
	"errors"
	"time"
)

// Package verify hands these on under the same names.
var (
	ErrNotFound = errors.New("not in the registry")
	ErrConflict = errors.New("already in the registry")    // a unique name or ID is taken by another row
	ErrTampered = errors.New("the ledger does not verify") // ledger and rows do not bear each other out
	ErrSchema   = errors.New("not a usable registry")      // no registry, or a later schema
)

// A Salt blinds the commitment that stands in the ledger for a row.
type Salt = [32]byte

// Info names the registry.
type Info struct {
	ID      [16]byte // random
	Created time.Time
	Salt    Salt
	Seq     int64
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

// A MarkKey is a mark key that was used for issuing.
type MarkKey struct {
	ID    string
	Since time.Time
	Salt  Salt
	Seq   int64
}

// A Submission is one upload.
type Submission struct {
	Ref       int64 // assigned by the store, ascending in the order in which rows become visible
	ID        [16]byte
	SHA256    [32]byte // of the file
	Size      int64    // bytes
	Format    string
	Decoder   string // that the hash was made with
	Width     int    // pixels
	Height    int
	Submitted time.Time
	Received  time.Time
	Subject   string
	Hash      string // text form of a phash.Hash
	Chain     string // version of the way from pixels to Hash
	Quality   int    // 0..100
	Salt      Salt
	Seq       int64
}

// Sealed is an encrypted original.
type Sealed struct {
	KeyID   string // of the sealing key
	Wrapped []byte // the data key, sealed under the sealing key
	Body    []byte // the file, sealed under the data key
}

// A Hash is what the search needs of a submission.
type Hash struct {
	Ref     int64
	Hash    string
	Quality int
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

// Store keeps the rows of one registry. Every Add commits the row and its ledger
// entry in one transaction or leaves no trace; times are kept to the microsecond.
// All methods may be called concurrently.
type Store interface {
	Close() error
	Info(ctx context.Context) (*Info, error)

	// AddRecipient reports false where the same name and kind is there already.
	AddRecipient(ctx context.Context, r Recipient) (added bool, err error)
	Recipients(ctx context.Context) ([]Recipient, error)

	// AddSubmission reports false where the same ID is there already.
	AddSubmission(ctx context.Context, s Submission, sealed Sealed) (added bool, err error)
	Submission(ctx context.Context, id [16]byte) (*Submission, error)
	SubmissionByRef(ctx context.Context, ref int64) (*Submission, error)
	SubmissionsAfter(ctx context.Context, ref int64, limit int) ([]Submission, error)
	// Span returns when the first and the last upload were submitted; the zero
	// time for both where there is none.
	Span(ctx context.Context) (first, last time.Time, err error)
	HashesAfter(ctx context.Context, ref int64, limit int) ([]Hash, error)
	Sealed(ctx context.Context, id [16]byte) (*Sealed, error)

	// AddCopy enters the mark key first where it was never used before.
	AddCopy(ctx context.Context, c Copy, key MarkKey) error
	Copy(ctx context.Context, id uint64) (*Copy, error)
	Copies(ctx context.Context, of [16]byte) ([]Copy, error)

	AddCustody(ctx context.Context, c Custody) error
	Custody(ctx context.Context) ([]Custody, error)
	CustodyOf(ctx context.Context, submission [16]byte) ([]Custody, error)

	// Check recomputes the ledger from its first entry and returns its size and
	// the hash of its last entry.
	Check(ctx context.Context) (size int64, head [32]byte, err error)
	// Head returns the same without checking anything.
	Head(ctx context.Context) (size int64, head [32]byte, err error)
}
