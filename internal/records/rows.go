package records

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/mapfile"
	"github.com/kycmark/kycmark/internal/objects"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// The types of this file are what a registry keeps, what its ledger commits to, and what users of package
// verify/registry see, all at once. Their JSON is that of the command, of reports and of proofs.

func NewSalt() (s books.Salt) {
	rand.Read(s[:]) // never fails: crypto/rand aborts the program instead
	return s
}

// Timestamp returns a time as rows keep it: in UTC, in whole microseconds.
func Timestamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// CheckText is [intake.CheckText] for a text of a row. Its error wraps [ErrInput].
func CheckText(what, s string, maxBytes int) error {
	return input(intake.CheckText(what, s, maxBytes))
}

// CheckName is [intake.CheckName] for a name in a row. Its error wraps [ErrInput].
func CheckName(what, s string, maxBytes int) error {
	return input(intake.CheckName(what, s, maxBytes))
}

func input(err error) error {
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrInput, err)
	}
	return err
}

// CheckErasure checks that a note, which the ledger keeps, does not have the name that is erased, as a word. Its error wraps [ErrInput].
func CheckErasure(whose, name, note string) error {
	if name != "" && regexp.MustCompile(`(^|[^\pL\pN])`+regexp.QuoteMeta(name)+`($|[^\pL\pN])`).MatchString(note) {
		return fmt.Errorf("%w: the note names the %s, and the ledger would keep it", ErrInput, whose)
	}
	return nil
}

// Info names the registry.
type Info struct {
	ID         [16]byte // random
	Created    time.Time
	SealHashes bool   // every hash is kept sealed, also in segments
	Originals  string // address of the place of new originals; "": the database. The ledger has nothing of it
	Unsummed   bool   // the database server's pages have no checksums; no row has it
	books.Logged
}

// Origin names the ledger of the registry with this ID, as its checkpoints and its key do.
func Origin(id [16]byte) string { return "kycmark/" + hex.EncodeToString(id[:]) }

// A KeyEntry is the entry of a mark key in the ledger: the commitment to its secret.
type KeyEntry struct {
	ID         string       `json:"key_id"`
	Commitment books.Digest `json:"commitment"` // to the secret; see [watermark.Key.Commitment]
	Added      time.Time    `json:"added"`
	books.Logged
}

// PageDigest returns the digest for the file in the row of page 2 and up of a submission, which begins with the row's ID.
func PageDigest(of watermark.Submission, page int) books.Digest {
	return commit("page of a submission", books.Salt{}, of[:], page)
}

// PageID returns the ID of the row of a page. Pages 0 and 1 are the submission's own row.
func PageID(of watermark.Submission, page int) watermark.Submission { return of.Page(page) }

// AsEntered returns the submission with the subject reference of its own ledger entry.
func AsEntered(s books.Submission) books.Submission {
	if !s.SetAt.IsZero() {
		s.Subject, s.First, s.SetAt, s.Changes = s.First, "", time.Time{}, 0
	}
	return s
}

// A SubjectChange says which subject an upload belongs to, after the upload was entered without a
// subject or under a wrong one. The last change of an upload counts. The ledger commits to Digest
// alone, so that Subject and Blind can be blanked: they are blank in a row that a later change
// replaced, and of an erased upload. The row then still verifies, and tells no reference.
type SubjectChange struct {
	Submission watermark.Submission
	Subject    string   // "": blanked
	Blind      [32]byte // random, so that Digest cannot be guessed from a reference; zero: blanked
	Digest     [32]byte // [SubjectDigest] of both
	Entered    time.Time
	Actor      string
	books.Logged
}

// SubjectDigest returns the SHA-256 that binds a subject reference to the random blind.
func SubjectDigest(blind [32]byte, subject string) [32]byte {
	return commit("subject reference", blind, subject)
}

// NameDigest returns the SHA-256 that binds the name of a reviewer to the random blind.
func NameDigest(blind [32]byte, name string) [32]byte {
	return commit("name of a reviewer", blind, name)
}

// NewReviewer returns a reviewer with a random reference, and with the digest that binds the name.
func NewReviewer(r books.Recipient) books.Recipient {
	r.Blind = NewSalt()
	ref := NewSalt()
	r.Ref = fmt.Sprintf("reviewer-%x", ref[:8])
	r.Digest = NameDigest(r.Blind, r.Name)
	return r
}

// ChainFeatures begins the last item of [books.Details].Chain of an original that is kept: the way from
// its pixels to its local features. Their number follows in decimal.
const ChainFeatures = "kycmark/parts/1:"

// StatedFeatures returns how many local features a kept original has by its Chain; -1 if that has no such number.
func StatedFeatures(d *books.Details) int {
	_, number, _ := strings.Cut(d.Chain, ChainFeatures)
	if n, err := strconv.Atoi(number); err == nil {
		return n
	}
	return -1
}

// Sealed is what is kept of an upload, encrypted under a data key of its own. A part that
// is not kept is empty. Losing Wrapped loses all of it.
type Sealed struct {
	KeyID    string // of the sealing key
	Wrapped  []byte // the data key, encrypted under the sealing key
	Hashes   []byte // if the registry seals hashes
	Features []byte
	Body     []byte // the file; nil if it is an object
	Object   Object // the file, where it is kept outside of the database
}

// An Object names a sealed original that is kept outside of the database. The zero Object names none.
type Object struct {
	Name objects.Name // SHA-256 of the sealed bytes
	Size int64        // bytes
}

// Objects are what [Store.CheckObjects] found.
type Objects struct {
	Place   string // "": originals are in the database
	Kept    int    // that rows name
	Missing int    // of these, that are not there or have another size
	Extra   int    // that no row names
	Removed int    // of these
	Unread  string // the first part of the place that could not be listed, and why; "": none
}

// A Segment is a file of what the submissions from number First to Last are found by.
type Segment struct {
	Name        [16]byte
	File        string
	First, Last int64
	Root        tlog.Hash // of the first Last entries of the ledger
	Wrapped     []byte    // its key, under the sealing key
	Err         error     // why it cannot be used; nil if it can be

	// Leave is called with a segment that turns out altered: the next builder makes it anew. It reports whether the segment is in use.
	Leave func(context.Context) (used bool, err error)
}

// MakeSegments is the hint of an error about a segment.
const MakeSegments = "the next kycmark submit makes it again"

// A WriteSegment fills the file of a segment. It returns the key of the file, wrapped, and how many submissions are in it.
type WriteSegment func(ctx context.Context, f parts.WriterReader, s *Segment) (wrapped []byte, n int64, err error)

// A MountSegment uses a segment, and closes its file unless it returns an error. The error wraps [ErrSealed] or
// [parts.ErrSnapshot] if the segment is altered.
type MountSegment func(s *Segment, f *mapfile.File) error

// Ascending returns a list of submissions as rows keep it: sorted, each submission once.
func Ascending(ids []watermark.Submission) []watermark.Submission {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b watermark.Submission) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// An Upload is what is entered of one upload.
type Upload struct {
	books.Submission
	Sealed  *Sealed        // nil if nothing is kept
	Returns []books.Return // of copies whose marks were read in it, entered with it
}

// A Searched row is what the search needs of a submission that was not erased. Sealed has no body, and is zero if nothing is
// sealed. Details have Area, AreaQuality, Chain and Kept. If the row cannot be read, Err says why, and only Seq is set besides.
type Searched struct {
	Seq int64
	ID  watermark.Submission
	books.Details
	Sealed Sealed
	Err    error // wraps ErrTampered
}

// An Erasure says that uploads, or the name of a reviewer, were erased.
type Erasure struct {
	Whose       string                 // subject whose uploads they must be; "": any. Not entered
	Reviewer    string                 // [books.Recipient].Ref; "": uploads were erased
	Submissions []watermark.Submission // ascending
	Left        [32]byte               // [Left] of them, set by the store
	Note        string
	Entered     time.Time
	Actor       string
	books.Logged
}

// Erased is one submission of an erasure.
type Erased struct {
	Erasure int64 // number of its entry
	Entered time.Time
	Seq     int64 // number of the submission's
	ID      watermark.Submission

	Submitted time.Time
	Page      int // see [books.Submission]
}

// SetState sets State of a copy by its releases, in the order of entry. Releases after the time found do not count, unless
// the copy was issued after it as well, or found is zero.
func SetState(c *books.Copy, releases []books.Release, found time.Time) {
	c.State = books.CopyReserved
	for _, r := range releases {
		late := !found.IsZero() && r.Entered.After(found) && !c.Issued.After(found)
		if r.Copy == c.ID && c.State != books.CopyReleased && !late {
			c.State = r.State
		}
	}
}

// ClocksApart is how much later than an entry an earlier one may be, by the clock of another machine. Chosen.
const ClocksApart = time.Hour

// fileDigest is the number of bytes of a [FileDigest].
const fileDigest = 16

// FileDigest returns 16 bytes by which investigations of one file find each other: of a SHA-256 over
// the registry's ID and the file's SHA-256. It cannot be computed without the file.
func FileDigest(registry string, sum [32]byte) [fileDigest]byte {
	all := commit("file examined", books.Salt{}, registry, sum[:])
	return [fileDigest]byte(all[:])
}

// Has reports whether a file with that [FileDigest] was examined.
func Has(i *books.Investigation, file [fileDigest]byte) bool {
	n := len(i.Digests) / fileDigest
	at := sort.Search(n, func(k int) bool { return bytes.Compare(i.Digests[fileDigest*k:][:fileDigest], file[:]) >= 0 })
	return at < n && bytes.Equal(i.Digests[fileDigest*at:][:fileDigest], file[:])
}

// A Cosigned is the signature of a witness, or a timestamp, of a checkpoint: the first Size entries were there then.
// Entries that follow its own entry were made later.
type Cosigned struct {
	Size    int64
	Root    books.Digest
	Witness string    // the public key that signed, as text; "": Proof is an RFC 3161 timestamp
	Dated   time.Time // by the witness's clock
	Proof   []byte    // the checkpoint with that signature alone, or the timestamp, DER
	Entered time.Time
	books.Logged
}

// Counts are counts by UTC days, in the order of days, and first of recipients. Days without any are left out.
type Counts struct {
	Submitted []books.Issued // uploads by the day of their submission, erased ones too; Recipient is ""
	Erased    []books.Issued // of these the erased ones
	Issued    []books.Issued // copies by the day of their issue, of erased uploads too
	Held      []books.Issued // uploads with copies, each once for a recipient, by the day of the upload's submission; erased ones do not count
}

// A KeptItem is something that is kept beside a registry, and is no evidence.
type KeptItem struct {
	ID      [16]byte // random
	Kind    string   // "spool" or "investigation"
	Made    time.Time
	Expires time.Time // 1970: it stays until it is removed
	Wrapped []byte    // its key, under the sealing key
}

// A KeptPart is a named stream of bytes of an item.
type KeptPart struct {
	Of      [16]byte // the item
	Name    string
	Version [16]byte // random
	Chunks  int64
	Size    int64    // bytes, clear
	SHA256  [32]byte // of the clear bytes
}

// Kept is what is kept beside a registry. Errors of all methods wrap ErrNotFound if the item, the part or the chunk is not there.
type Kept interface {
	Add(ctx context.Context, item KeptItem) error // nothing if its ID is there
	// Show enters that an item shows submissions. The error wraps ErrNotFound if the item or one of them is not there.
	Show(ctx context.Context, id [16]byte, shows ...watermark.Submission) error
	// Item returns an item and its parts by name; with names these parts alone, if they are there.
	Item(ctx context.Context, id [16]byte, names ...string) (*KeptItem, []KeptPart, error)
	Parts(ctx context.Context, id [16]byte) (int64, error)      // how many parts an item has
	Items(ctx context.Context, kind string) ([]KeptItem, error) // in the order in which they were made
	// Showing lists the items that show one of the submissions, as Items does.
	Showing(ctx context.Context, of ...watermark.Submission) ([]KeptItem, error)
	// Unfinished lists the items that have the part begun and not the part done, as Items does.
	Unfinished(ctx context.Context, begun, done string) ([]KeptItem, error)
	// AddChunk keeps chunk n of a version of a part. What a killed process left of it goes with the item.
	AddChunk(ctx context.Context, of *KeptPart, n int64, body []byte) error
	Chunk(ctx context.Context, of *KeptPart, n int64) ([]byte, error)
	// Publish has a version of a part read from now on, and removes its other versions. The error wraps ErrConflict if chunks of
	// the version are gone, since another was published meanwhile, or if the item has a part called unless.
	Publish(ctx context.Context, p KeptPart, unless string) error
	Remove(ctx context.Context, id [16]byte) error
	// Expired lists the items that expired before a time.
	Expired(ctx context.Context, before time.Time) ([]KeptItem, error)
}
