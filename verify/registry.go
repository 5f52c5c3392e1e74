package verify

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/kycmark/kycmark/watermark"
)

// A Registry holds submissions with their hashes and sealed originals, the
// recipients, the copies issued to them, custody facts, and the ledger that
// binds all of these. It is safe for concurrent use, also by several processes.
type Registry struct{}

// Create makes an empty registry and opens it. The DSN is "file:" and a path,
// which must not exist yet (else the error wraps [fs.ErrExist]), or
// "file::memory:" for one that lives in memory until Close.
func Create(ctx context.Context, dsn string) (*Registry, error) {
	return nil, errors.ErrUnsupported
}

// Open opens an existing registry, "file:" and a path, and brings its schema up
// to date. It never makes one: a missing file is an error that wraps
// [fs.ErrNotExist], a registry of a later version one that wraps [ErrRegistry].
func Open(ctx context.Context, dsn string) (*Registry, error) {
	return nil, errors.ErrUnsupported
}

// Close releases the registry.
func (r *Registry) Close() error { return errors.ErrUnsupported }

// Kinds of recipients.
const (
	Store     = "store"     // the exchange's own working copies
	Vendor    = "vendor"    // a service provider
	Authority = "authority" // law enforcement, a court, a regulator
	Reviewer  = "reviewer"  // a person who looks at uploads
	Partner   = "partner"   // another company
)

// A Recipient is anyone who is handed pictures.
type Recipient struct {
	Name  string    `json:"name"`  // unique
	Kind  string    `json:"kind"`  // one of the constants
	Added time.Time `json:"added"` // set by the registry
	Actor string    `json:"actor,omitempty"`
}

// AddRecipient enters a recipient. A second entry of the same name and kind
// changes nothing; another kind is an error that wraps [ErrConflict].
func (r *Registry) AddRecipient(ctx context.Context, to Recipient) error {
	return errors.ErrUnsupported
}

// Recipients lists all recipients by name.
func (r *Registry) Recipients(ctx context.Context) ([]Recipient, error) {
	return nil, errors.ErrUnsupported
}

// A Submission is one upload as received.
type Submission struct {
	ID        watermark.Submission `json:"submission"` // first 16 bytes of the file's SHA-256
	SHA256    string               `json:"sha256"`     // of the file, hex
	Size      int64                `json:"size"`       // bytes
	Format    string               `json:"format"`     // "jpeg", "png", …
	Width     int                  `json:"width"`      // pixels, upright
	Height    int                  `json:"height"`
	Submitted time.Time            `json:"submitted"`         // when the customer sent it
	Received  time.Time            `json:"received"`          // when the registry took it
	Subject   string               `json:"subject,omitempty"` // opaque reference, never a name
	Hash      string               `json:"hash"`              // "pdq:…", personal data
	Quality   int                  `json:"quality"`           // of the hash, 0..100; below 50 it is not searched
}

// Submission returns one upload; the error wraps [ErrNotFound] if there is none.
func (r *Registry) Submission(ctx context.Context, id watermark.Submission) (*Submission, error) {
	return nil, errors.ErrUnsupported
}

// Submissions walks all uploads submitted at or after since (the zero time:
// all), in the order of their receipt. An error ends it. Writing to the registry
// while walking is allowed.
func (r *Registry) Submissions(ctx context.Context, since time.Time) iter.Seq2[*Submission, error] {
	return func(yield func(*Submission, error) bool) { yield(nil, errors.ErrUnsupported) }
}

// A Copy is what one recipient was handed of one submission.
type Copy struct {
	ID         watermark.CopyID     `json:"copy"`
	Submission watermark.Submission `json:"submission"`
	Recipient  string               `json:"recipient"`
	Purpose    string               `json:"purpose,omitempty"` // the request it answers
	KeyID      string               `json:"key_id"`            // mark key
	Strength   float64              `json:"strength"`          // share of the visibility budget, 0..1
	Margin     float64              `json:"margin"`            // of the read-back, dB
	Weak       bool                 `json:"weak"`
	PSNR       float64              `json:"psnr"`   // dB
	SSIM       float64              `json:"ssim"`   // 0..1
	Format     string               `json:"format"` // "jpeg", "png", …
	Width      int                  `json:"width"`  // pixels
	Height     int                  `json:"height"`
	SHA256     string               `json:"sha256"` // of the bytes released, hex
	Size       int64                `json:"size"`   // bytes
	Issued     time.Time            `json:"issued"`
	Actor      string               `json:"actor,omitempty"`
}

// Copy returns one issued copy; the error wraps [ErrNotFound] if there is none.
func (r *Registry) Copy(ctx context.Context, id watermark.CopyID) (*Copy, error) {
	return nil, errors.ErrUnsupported
}

// Copies lists the copies issued of a submission, oldest first.
func (r *Registry) Copies(ctx context.Context, of watermark.Submission) ([]Copy, error) {
	return nil, errors.ErrUnsupported
}

// CheckLedger recomputes the ledger's hash chain and every commitment in it
// against the rows that it stands for. An error that wraps [ErrTampered] names
// the first entry or row that was edited, removed, added or reordered. The size
// (entries) and head (hex SHA-256) that it returns should be kept elsewhere:
// somebody who rewrites the whole file is found out only by comparing them.
func (r *Registry) CheckLedger(ctx context.Context) (size int64, head string, err error) {
	return 0, "", errors.ErrUnsupported
}
