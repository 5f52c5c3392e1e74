// Package records defines what a store keeps beside the values of package books: sealed originals, segments, ledger
// entries and lists. Package sqldb keeps all of them in a database; packages sqlite and postgres open one each.
package records

import (
	"context"
	"errors"
	"time"

	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// Package registry hands most of these on under the same names.
var (
	ErrRefused  = errors.New("refused") // nothing was written, and the same call will be refused again
	ErrNotFound = As(errors.New("not in the registry"), ErrRefused)
	ErrConflict = As(errors.New("already in the registry"), ErrRefused)  // a unique name or ID is taken by another row
	ErrErased   = As(errors.New("erased from the registry"), ErrRefused) // the upload was there and its person was erased
	ErrReadOnly = As(errors.New("the registry is open for investigation only"), ErrRefused)
	ErrFrozen   = As(errors.New("the registry's file or folder is read-only"), ErrReadOnly)
	ErrMarkKey  = As(errors.New("the mark key is not in use"), ErrRefused)
	ErrInput    = As(errors.New("verify: unusable input"), ErrRefused)
	ErrSchema   = As(errors.New("not a usable registry"), ErrRefused) // no registry, or another schema
	ErrTampered = errors.New("the ledger does not verify")            // ledger and rows do not bear each other out
	ErrSealed   = errors.New("the sealed original cannot be opened")
	ErrUnread   = errors.New("the place of originals does not let it be read") // wrapped beside ErrSealed
)

// As returns an error with the text of err that wraps err and also kind.
func As(err, kind error) error { return kindred{err, kind} }

type kindred struct {
	error
	kind error
}

func (k kindred) Unwrap() []error { return []error{k.error, k.kind} }

// A Driver makes and opens the registry at one place: a file, a schema of a database.
type Driver interface {
	// Create makes the registry that info names and opens it. The error wraps [fs.ErrExist] if a registry is there.
	Create(ctx context.Context, info Info) (Store, error)
	// Open opens the existing registry. The error wraps [fs.ErrNotExist] or ErrSchema if there is no usable registry.
	Open(ctx context.Context) (Store, error)
	// Transfer copies the registry from to this place, which must not hold a registry, and returns the ledger's size
	// (entries) and root. originals is the address where the copy keeps originals. progress, if not nil, is called after
	// each batch with the rows done and the total. An interrupted Transfer leaves no registry; the next starts again.
	Transfer(ctx context.Context, from Store, originals string, progress func(done, total int)) (size int64, root tlog.Hash, err error)
}

// Store keeps the rows of one registry. Every Add commits its rows and their ledger entries in one transaction or leaves
// no trace. Times are kept to the microsecond. All methods may be called concurrently, also from several processes.
//
// After a failed commit (a lost connection, a failing disk) it is unknown whether the rows
// are there. The caller looks the rows up by their unique names, or enters them again.
type Store interface {
	Access
	Close() error
	// ForInvestigation returns the same registry for callers who only search it. Every write
	// but AddInvestigation and AddConclusion then fails with an error that wraps ErrReadOnly.
	ForInvestigation() Store
	Info(ctx context.Context) (*Info, error)

	// AddRecipient reports false where the same name and kind is there already. The error wraps ErrConflict if the
	// name has another kind, or looks like another recipient's.
	AddRecipient(ctx context.Context, r books.Recipient) (added bool, err error)
	Recipients(ctx context.Context) ([]books.Recipient, error) // by name

	// AddMarkKey reports false where the key is there already. If the ID has another commitment, the error wraps ErrConflict.
	AddMarkKey(ctx context.Context, k KeyEntry) (added bool, err error)
	MarkKeys(ctx context.Context) ([]KeyEntry, error) // in the order of entry
	// AddKeyState enters what became of a mark key, unless [Next] forbids it: the error then wraps
	// ErrConflict. The caller has checked that the key is there.
	AddKeyState(ctx context.Context, s books.KeyState) error
	KeyStates(ctx context.Context) ([]books.KeyState, error) // in the order of entry

	// AddSubmissions enters uploads in one transaction and says which uploads are new. An upload that is listed twice
	// is new once. The error wraps ErrErased if an upload was erased before. It wraps ErrConflict if another file has
	// the same ID, and ErrSealed if the stored upload is sealed under another key. After an error no upload is entered,
	// unless the outcome of the commit is unknown. The pages of an upload follow it, and are entered if it is new.
	// A return that is entered already, as with an earlier page, is left out.
	AddSubmissions(ctx context.Context, uploads []Upload) (added []bool, err error)
	Submission(ctx context.Context, id watermark.Submission) (*books.Submission, error)
	// SubmissionsAmong returns the submissions that have one of these IDs, in any order.
	SubmissionsAmong(ctx context.Context, ids []watermark.Submission) ([]books.Submission, error)
	// WithPrefix lists the submissions, pages included, and the copies whose IDs lie between low and high, ends included,
	// at most max of each. Of low and high a copy's ID has the first 8 bytes.
	WithPrefix(ctx context.Context, low, high watermark.Submission, max int) ([]watermark.Submission, []watermark.CopyID, error)
	// SubmissionBySeq and SubmissionsAfter return pages also.
	SubmissionBySeq(ctx context.Context, seq int64) (*books.Submission, error)
	// SubmissionsAfter, like the other pages, returns up to limit rows with a greater number, ascending.
	SubmissionsAfter(ctx context.Context, seq int64, limit int) ([]books.Submission, error)
	SubmissionsOf(ctx context.Context, subject string) ([]books.Submission, error) // at present, in the order of entry
	// CheckSubject compares the indexes that SubmissionsOf asks with all uploads. The error wraps ErrTampered.
	CheckSubject(ctx context.Context, subject string) error
	// SetSubjects enters changes of subjects in one transaction, in their order, and says of each whether the subject
	// is another one than before. A change to the present subject is not entered. The reference that a change replaces
	// is blanked, unless it came with the upload: the upload's own entry commits to that one. The error wraps ErrErased
	// or ErrNotFound if an upload is not there; then no change is entered.
	SetSubjects(ctx context.Context, changes []SubjectChange) (changed []bool, err error)
	// Span returns when the first and the last upload were submitted. Both are the zero time if there is no upload.
	Span(ctx context.Context) (first, last time.Time, err error)
	// CountSubmitted counts the uploads submitted in each span, ends included, that were
	// not erased. It compares as CountDays does.
	CountSubmitted(ctx context.Context, spans ...[2]time.Time) ([]int, error)
	// CountDays counts uploads and copies by days, up to until, included. Void copies do not count. Counts are compared
	// with lists of the ledger: the error of a difference wraps ErrTampered.
	CountDays(ctx context.Context, until time.Time) (*Counts, error)
	// SearchedAfter leaves out erased uploads. Without features, those are not read. A row
	// that cannot be read is returned with its Err.
	SearchedAfter(ctx context.Context, seq int64, limit int, features bool) ([]Searched, error)
	// Sealed returns all sealed parts of an upload, the file itself only if file is set. The error wraps
	// ErrNotFound if nothing is kept, and ErrSealed if the file is an object that is missing or changed. It wraps
	// ErrSealed and ErrUnread if the object is there, and cannot be read.
	Sealed(ctx context.Context, id watermark.Submission, file bool) (*Sealed, error)
	// Restore has seal set Body, of what is sealed of an upload, if the original is lost: its object is missing, has another size
	// or cannot be opened, or its row has no body. It puts that body in the original's place, and reports whether it did.
	Restore(ctx context.Context, id watermark.Submission, seal func(x *Sealed) error) (restored bool, err error)
	// CheckObjects compares the objects that rows name with the objects that are there. Objects that no row
	// names and that were written before the time sweep are removed. Unread says what of the place could not be listed.
	CheckObjects(ctx context.Context, sweep time.Time) (Objects, error)
	// SealedUnderOther returns an upload sealed under another key than keyID, and that key's ID. The search is quick
	// rather than complete. The error wraps ErrNotFound if it finds no such upload.
	SealedUnderOther(ctx context.Context, keyID string) (of watermark.Submission, other string, err error)

	// Searchable counts the submissions with numbers up to upto, without the submissions of erasures with numbers up to
	// erasure; each page counts. The error wraps ErrTampered if in all they are not as many as were entered.
	Searchable(ctx context.Context, upto, erasure int64) (int64, error)
	// Segments calls mount with each segment in the order of the numbers that they cover, and returns all. A segment with
	// Err is not mounted. Erased uploads may be in a segment: the caller follows ErasedAfter. fresh fetches objects anew.
	Segments(ctx context.Context, fresh bool, mount MountSegment) ([]Segment, error)
	// BuildSegments makes the segments that are due or were found altered. It may be interrupted and run again.
	BuildSegments(ctx context.Context, write WriteSegment) error

	// Erase blanks the rows of the submissions that e lists, and of all their pages, removes what was sealed of them, and
	// enters e. The error wraps ErrNotFound or ErrErased if a submission is missing or erased; then nothing is erased.
	// Other errors may say that the erasure is done, and not all old data is freed. If all are erased, or e lists none,
	// Erase frees what a killed process left. With Reviewer it erases the name of that reviewer, and lists no submission.
	// The error wraps ErrInput if the note has a submission's subject reference.
	Erase(ctx context.Context, e Erasure) error
	// ErasedAfter lists the submissions whose erasure has a greater number.
	ErasedAfter(ctx context.Context, erasure int64) ([]Erased, error)

	// AddCopy enters a copy and sets its Seq. It first enters the mark key key if the registry does not have it. The
	// error wraps ErrErased if the submission was erased, and ErrMarkKey if the mark key is not active. Both conditions
	// include what others entered up to the commit. It wraps ErrNotFound if the submission is not there, and
	// ErrConflict if the copy's ID is taken, or another key has the key's ID.
	AddCopy(ctx context.Context, c *books.Copy, key KeyEntry) error
	Copy(ctx context.Context, id watermark.CopyID) (*books.Copy, error)
	// AddRelease enters what became of a copy. added is false if that is entered already, or if an attempt begins and the
	// copy was released. The error wraps ErrConflict if a copy was released and r makes it void. It
	// does if the copy is void and an attempt begins, or if r makes it void for its only attempt, and another began. It
	// wraps ErrNotFound if there is no such copy of the submission.
	AddRelease(ctx context.Context, r books.Release, only bool) (added bool, err error)
	Releases(ctx context.Context, of watermark.Submission) ([]books.Release, error) // of its copies, in the order of entry
	Copies(ctx context.Context, of watermark.Submission) ([]books.Copy, error)      // in the order of issue
	CopiesAfter(ctx context.Context, seq int64, limit int) ([]books.Copy, error)    // without bounds
	// IssuedAfter gives the IDs of the copies that were issued under a mark key and have a greater number, and the
	// greatest number. Who reads one of them in a leak looks its copy up.
	IssuedAfter(ctx context.Context, keyID string, seq int64) (ids []watermark.CopyID, last int64, err error)
	// CopyOfFile gives the only copy that was issued as the bytes with that SHA-256. The error wraps ErrNotFound if there is no such
	// copy, or if the picture took no mark: then several copies, or the upload, have these bytes.
	CopyOfFile(ctx context.Context, sum books.Digest) (*books.Copy, error)
	AddReceipt(ctx context.Context, r books.Receipt) error
	Receipts(ctx context.Context, of watermark.CopyID) ([]books.Receipt, error) // in the order of entry

	// AddReturn reports false where it is entered already that the upload carries the mark of the copy. The error wraps
	// ErrNotFound if the upload or the copy is not there.
	AddReturn(ctx context.Context, r books.Return) (added bool, err error)
	Returns(ctx context.Context, of watermark.CopyID) ([]books.Return, error)            // in the order of entry
	ReturnedIn(ctx context.Context, upload watermark.Submission) ([]books.Return, error) // in the order of entry

	// AddCustody enters facts in one transaction.
	AddCustody(ctx context.Context, facts ...books.Custody) error
	// AddSignedCustody enters a fact on one upload, and the event that it rests on, sealed under that upload's data key.
	// It is false if a fact of the recipient on the upload rests on that event already. Of an erased upload no event is kept.
	AddSignedCustody(ctx context.Context, c books.Custody, event []byte) (added bool, err error)
	CustodyEvent(ctx context.Context, entry int64) ([]byte, error) // as it was given; the error may wrap ErrNotFound
	// Custody gives all facts, in the order of entry. The slice is not to be changed.
	Custody(ctx context.Context) ([]books.Custody, error)
	// CustodyOf gives the facts on unmarked uploads whose times include the submission's, ends included, and whose list, if there is
	// one, names it. Of a list it gives the submission alone. The error wraps ErrNotFound for an unknown submission.
	CustodyOf(ctx context.Context, submission watermark.Submission) ([]books.Custody, error)
	CustodyBy(ctx context.Context, recipient string) ([]books.Custody, error)

	// AddInvestigation enters that an investigation began, and returns the number of the entry.
	AddInvestigation(ctx context.Context, i books.Investigation) (seq int64, err error)
	Investigations(ctx context.Context) ([]books.Investigation, error)
	AddConclusion(ctx context.Context, c books.Conclusion) error
	Conclusions(ctx context.Context) ([]books.Conclusion, error) // in the order of entry

	// Kept is what is kept beside the registry, and is no evidence. A store for investigation may write it as well.
	Kept() Kept

	// Check recomputes the ledger from its first entry, holds every row against it,
	// and returns its size and root. It calls each with every entry, in their order.
	Check(ctx context.Context, each ...func(Entry)) (size int64, root tlog.Hash, err error)
	// Head returns the same without checking anything.
	Head(ctx context.Context) (size int64, root tlog.Hash, err error)
	// Entries returns up to limit encoded entries after number seq.
	Entries(ctx context.Context, seq int64, limit int) ([][]byte, error)
	// Nodes returns nodes of the ledger's tree, in the order asked for.
	Nodes(ctx context.Context, ids []tlog.NodeID) ([]tlog.Hash, error)
	// ProveLists proves what lists are, under their present root (see [tlog.CheckList]), which the last entry, size, has.
	ProveLists(ctx context.Context, names []string) (size int64, root tlog.Hash, proofs [][][]byte, err error)
	// AddCheckpoint keeps a signed checkpoint and returns the kept checkpoint. If a
	// checkpoint of the same state is already kept, AddCheckpoint returns the earlier
	// checkpoint unchanged. The error wraps ErrConflict if the ledger never was in that state. No signature is checked.
	AddCheckpoint(ctx context.Context, c books.Checkpoint) (*books.Checkpoint, error)
	// ChangeCheckpoint calls change with the kept checkpoint of that size (entries). It
	// keeps the note and the stamp that change leaves, enters the rows that change returns, and returns the
	// result. No other caller changes the checkpoint meanwhile. change may be called more than once; after an error of
	// change nothing is kept. The error wraps ErrNotFound if no checkpoint of that size is kept.
	ChangeCheckpoint(ctx context.Context, size int64, change func(*books.Checkpoint) ([]Cosigned, error)) (*books.Checkpoint, error)
	// Cosigned lists the signatures of witnesses and the timestamps, in the order of entry.
	Cosigned(ctx context.Context) ([]Cosigned, error)
	// TrustWitnesses says whose signatures bound the times of custody: public keys as text. The error wraps [tlog.ErrKey].
	TrustWitnesses(keys []string) error
	// TrustTimestamps says which timestamps bound them as well; nil: none.
	TrustTimestamps(check books.StampCheck)
	// Checkpoints lists the signed checkpoints that are kept, by size.
	Checkpoints(ctx context.Context) ([]books.Checkpoint, error)
}

// A Token lets a program call a service over the registry.
type Token struct {
	Name    string   // unique, also among revoked tokens: the ledger has it as the actor
	ID      string   // unique; the public part of the token's text
	Digest  [32]byte // SHA-256 of the secret part
	Roles   string   // with spaces between them
	Added   time.Time
	Expires time.Time // zero: never
	Revoked time.Time // zero: not revoked
}

// A Request was made to a service with an idempotency key.
type Request struct {
	ID     [32]byte // of the caller and its key
	Digest [32]byte // MAC of the request under the key
	Answer string   // what the answer is made from; "": not known yet
	Made   time.Time
}

// A Notice is a message to an address that asked for it, until it is delivered.
type Notice struct {
	ID    [16]byte // of what happened: the same for every address
	Hook  string   // name of the address
	Body  string   // JSON, without personal data
	Made  time.Time
	Due   time.Time // of the next try
	Tries int64
}

// Access keeps who may call a service, which requests were made, and which notices are not delivered. The ledger has no entries of it. A registry that is
// open for investigation only keeps requests, and changes no token: the error wraps ErrReadOnly.
type Access interface {
	// AddToken enters a token. The error wraps ErrConflict if the name was used.
	AddToken(ctx context.Context, t Token) error
	Tokens(ctx context.Context) ([]Token, error) // by name
	// Token returns the token with an ID. The error wraps ErrNotFound.
	Token(ctx context.Context, id string) (*Token, error)
	// RevokeToken enters when a token is revoked. An earlier time stays. The error wraps ErrNotFound for an unknown name.
	RevokeToken(ctx context.Context, name string, at time.Time) error

	// Claim enters a request, unless there is a request with its ID, and returns what is entered.
	Claim(ctx context.Context, r Request) (*Request, error)
	// SetAnswer replaces the answer of a request. The error wraps ErrConflict if its answer is not the one before.
	SetAnswer(ctx context.Context, id [32]byte, before, answer string) error
	// ForgetRequests removes the requests that were made before a time.
	ForgetRequests(ctx context.Context, before time.Time) error

	// AddNotice enters a notice, unless there is one with its ID and hook.
	AddNotice(ctx context.Context, n Notice) error
	// DueNotices lists the notices of a hook that are due at a time, the oldest first, at most limit.
	DueNotices(ctx context.Context, hook string, at time.Time, limit int) ([]Notice, error)
	// TryNotice enters that a notice is tried, and when it is due again. It reports false if another process has it.
	TryNotice(ctx context.Context, n *Notice, again time.Time) (bool, error)
	RemoveNotice(ctx context.Context, n *Notice) error
}
