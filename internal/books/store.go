// Package books defines what a registry keeps and what its ledger says about it.
// Package sqldb below it keeps these rows in a database, packages sqlite and
// postgres open one each.
package books

import (
	"context"
	"errors"
	"time"

	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/watermark"
)

// Package registry hands these on under the same names.
var (
	ErrNotFound = errors.New("not in the registry")
	ErrConflict = errors.New("already in the registry")    // a unique name or ID is taken by another row
	ErrErased   = errors.New("erased from the registry")   // the upload was there and its person was erased
	ErrTampered = errors.New("the ledger does not verify") // ledger and rows do not bear each other out
	ErrSchema   = errors.New("not a usable registry")      // no registry, or a later schema
	ErrSearch   = errors.New("the registry cannot be searched so")
	ErrReadOnly = errors.New("the registry is open for investigation only")
	ErrMarkKey  = errors.New("the mark key is not in use")
	ErrSealed   = errors.New("the sealed original cannot be opened")
)

// A Driver makes and opens the registry at one place: a file, a schema of a database.
type Driver interface {
	// Create makes the registry that info names and opens it. The error wraps
	// [fs.ErrExist] if a registry is there.
	Create(ctx context.Context, info Info) (Store, error)
	// Open opens the registry that is there and brings its schema up to date. The error
	// wraps [fs.ErrNotExist] or ErrSchema if there is none.
	Open(ctx context.Context) (Store, error)
	// Transfer copies the registry from to this place, where none is, and returns the
	// ledger's size and root. progress, if not nil, is called after each batch of rows.
	// An interrupted Transfer leaves no registry, and the next one goes on with it.
	Transfer(ctx context.Context, from Store, progress func(done, total int)) (size int64, root tlog.Hash, err error)
}

// Store keeps the rows of one registry. Every Add commits its rows and their ledger
// entries in one transaction or leaves no trace; times are kept to the microsecond.
// All methods may be called concurrently, from several processes too.
//
// After an error of a commit itself (a lost connection, a disk that fails) nobody
// knows whether the rows are there: the caller asks by their unique names, or enters
// them again.
type Store interface {
	Close() error
	Info(ctx context.Context) (*Info, error)

	// AddRecipient reports false where the same name and kind is there already.
	AddRecipient(ctx context.Context, r Recipient) (added bool, err error)
	Recipients(ctx context.Context) ([]Recipient, error)

	// AddMarkKey reports false where the key is there already.
	AddMarkKey(ctx context.Context, k KeyEntry) (added bool, err error)
	MarkKeys(ctx context.Context) ([]KeyEntry, error)
	// AddKeyState enters what became of a mark key, unless [KeyState.Next] forbids it.
	AddKeyState(ctx context.Context, s KeyState) error
	KeyStates(ctx context.Context) ([]KeyState, error) // in the order of entry

	// AddSubmissions enters uploads in one transaction and says which were not there
	// before. One that was erased is an error that wraps ErrErased, another file of
	// the same ID one that wraps ErrConflict, one sealed under another key than what is
	// there one that wraps ErrSealed; then none is entered.
	AddSubmissions(ctx context.Context, uploads []Upload) (added []bool, err error)
	Submission(ctx context.Context, id watermark.Submission) (*Submission, error)
	SubmissionBySeq(ctx context.Context, seq int64) (*Submission, error)
	// SubmissionsAfter, like the other pages, returns up to limit rows with a greater
	// number, ascending.
	SubmissionsAfter(ctx context.Context, seq int64, limit int) ([]Submission, error)
	SubmissionsOf(ctx context.Context, subject string) ([]Submission, error)
	// SubjectsAfter returns up to limit subjects that sort after the given one, ascending,
	// with their uploads that were not erased.
	SubjectsAfter(ctx context.Context, subject string, limit int) ([]Subject, error)
	// Span returns when the first and the last upload were submitted; the zero
	// time for both where there is none.
	Span(ctx context.Context) (first, last time.Time, err error)
	// CountSubmitted counts the uploads submitted in each span, ends included, that were
	// not erased.
	CountSubmitted(ctx context.Context, spans ...[2]time.Time) ([]int64, error)
	// CountIssued counts, for each recipient and each day (of UTC) of submission, the
	// uploads of which copies were issued to it. What was erased, or submitted or issued
	// after until, does not count.
	CountIssued(ctx context.Context, until time.Time) ([]Issued, error)
	// CountDays counts, by days of UTC, the uploads by their submission and, for each
	// recipient, the copies by their issue, up to until, of erased ones too.
	CountDays(ctx context.Context, until time.Time) (submitted []Issued, issued []Issued, err error)
	HashesAfter(ctx context.Context, seq int64, limit int) ([]Hash, error)
	FeaturesAfter(ctx context.Context, seq int64, limit int) ([]Features, error)
	Sealed(ctx context.Context, id watermark.Submission) (*Sealed, error)
	// SealedUnderOther returns an upload that was sealed under another key, as far as
	// that is told quickly. None is ErrNotFound.
	SealedUnderOther(ctx context.Context, keyID string) (of watermark.Submission, other string, err error)

	// Near returns every submission whose area hash lies within radius bits of any of
	// the hashes, nearest first, equally near ones by number, each once with its least
	// distance. Submissions of too low a quality to be matched on are left out.
	// A radius over [phash.MatchRadius], a hash of another kind, and a registry whose
	// hashes are sealed are errors that wrap ErrSearch.
	Near(ctx context.Context, hashes []phash.Hash, radius int) ([]phash.Hit, error)
	// Searchable counts the submissions that Near can find.
	Searchable(ctx context.Context) (int64, error)
	// DeferBands stops the upkeep of what Near looks up, so that many submissions are
	// entered faster. Until BuildBands Near compares those with each of its hashes.
	DeferBands(ctx context.Context) error
	// BuildBands makes up for what DeferBands left out, and from then on entering a
	// submission keeps it up again; anew makes everything again. Others may read and
	// write meanwhile. progress, if not nil, is called with how many submissions are
	// done of about how many. One that is interrupted leaves a registry that is searched
	// correctly, and is run again.
	BuildBands(ctx context.Context, anew bool, progress func(done, total int64)) error

	// Erase blanks the rows of the submissions that e lists, removes what was sealed
	// of them, and enters e. What has been erased before is an error that wraps
	// ErrErased.
	Erase(ctx context.Context, e Erasure) error
	// ErasedAfter lists the submissions whose erasure has a greater number.
	ErasedAfter(ctx context.Context, erasure int64) ([]Erased, error)

	// AddCopies enters copies in one transaction and sets their Seq, and before them their mark key
	// where it was never entered. Copies of an erased submission are refused with an
	// error that wraps ErrErased, those under a key that is not active with one that
	// wraps ErrMarkKey: what others entered up to the commit counts.
	AddCopies(ctx context.Context, copies []Copy, key KeyEntry) error
	Copy(ctx context.Context, id watermark.CopyID) (*Copy, error)
	Copies(ctx context.Context, of watermark.Submission) ([]Copy, error)
	CopiesAfter(ctx context.Context, seq int64, limit int) ([]Copy, error)
	AddReceipt(ctx context.Context, r Receipt) error
	Receipts(ctx context.Context, of watermark.CopyID) ([]Receipt, error)

	// AddCustody enters facts in one transaction.
	AddCustody(ctx context.Context, facts ...Custody) error
	Custody(ctx context.Context) ([]Custody, error)
	// CustodyOf gives, of each list that names the submission, the submission alone.
	CustodyOf(ctx context.Context, submission watermark.Submission) ([]Custody, error)
	CustodyBy(ctx context.Context, recipient string) ([]Custody, error)

	// AddInvestigation returns the number of the entry.
	AddInvestigation(ctx context.Context, i Investigation) (seq int64, err error)
	Investigations(ctx context.Context) ([]Investigation, error)

	// Check recomputes the ledger from its first entry, holds every row against it,
	// and returns its size and root.
	Check(ctx context.Context) (size int64, root tlog.Hash, err error)
	// Head returns the same without checking anything.
	Head(ctx context.Context) (size int64, root tlog.Hash, err error)
	// Entries returns up to limit encoded entries after number seq.
	Entries(ctx context.Context, seq int64, limit int) ([][]byte, error)
	// Nodes returns nodes of the ledger's tree, in the order asked for.
	Nodes(ctx context.Context, ids []tlog.NodeID) ([]tlog.Hash, error)
	// AddCheckpoint keeps a signed checkpoint and returns the one that is kept: where
	// there is one of the same state, that one, unchanged.
	AddCheckpoint(ctx context.Context, c Checkpoint) (*Checkpoint, error)
	// ChangeCheckpoint hands the kept checkpoint of that size to change, keeps the note
	// and the stamp that it leaves, and returns it. Nobody else changes it meanwhile.
	// change may be called again.
	ChangeCheckpoint(ctx context.Context, size int64, change func(*Checkpoint) error) (*Checkpoint, error)
	// Checkpoints lists the signed checkpoints that are kept, by size.
	Checkpoints(ctx context.Context) ([]Checkpoint, error)
}
