package records

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/each"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// A Row is anything that the ledger commits to.
type Row interface {
	Number() int64 // of its entry, from 1; 0: not entered yet
}

// What is read from tables is compared with lists ([tlog.Lists]), so that a damaged index hides nothing.

// CopiesOf names the list of a submission's copies.
func CopiesOf(s watermark.Submission) string { return "copies of " + s.String() }

// CopyList names the list of a copy, followed by its receipts and releases.
func CopyList(id watermark.CopyID) string { return "copy " + id.String() }

// ReleasesOf names the list of the releases of a submission's copies.
func ReleasesOf(s watermark.Submission) string { return "releases of " + s.String() }

// ReturnsOf names the list of the uploads that carry the mark of a copy.
func ReturnsOf(id watermark.CopyID) string { return "returns of copy " + id.String() }

// ReturnedIn names the list of the copies whose marks an upload carries.
func ReturnedIn(s watermark.Submission) string { return "returned in " + s.String() }

// SubjectsOf names the list of a submission's changes of subjects.
func SubjectsOf(s watermark.Submission) string { return "subjects of " + s.String() }

// ListsOf names the lists that a row with this entry is on.
func ListsOf(row Row, kind string) []string {
	switch r := row.(type) {
	case books.Copy:
		return []string{CopiesOf(r.Submission), CopyList(r.ID)}
	case books.Receipt:
		return []string{CopyList(r.Copy)}
	case books.Release:
		return []string{CopyList(r.Copy), ReleasesOf(r.Submission)}
	case books.Return:
		return []string{ReturnsOf(r.Copy), ReturnedIn(r.Submission)}
	case SubjectChange:
		return []string{SubjectsOf(r.Submission), EntrySubject}
	}
	return []string{kind} // of all rows of its kind
}

// Counts by days are compared with lists as well, whose items are what is counted.

// UploadsOf names the list of the uploads submitted on the UTC day of a time. Its items are [Counted].
func UploadsOf(t time.Time) string { return "uploads of " + t.UTC().Format(time.DateOnly) }

// More lists.
const (
	FurtherPages = "further pages" // all pages but the first of each upload
	AllCopies    = "copies"        // of [Counted]
	VoidCopies   = "void copies"   // all releases that say so
)

// A Counted is what counts by days have of an upload or a copy.
type Counted struct {
	Seq       int64                // number of the entry
	Of        watermark.Submission // the upload
	Submitted time.Time            // when that was submitted
	Recipient string               // of a copy
	Issued    time.Time            // the copy; zero: an upload
}

func (c *Counted) Item() [32]byte {
	b := make([]byte, 0, 128)
	b = binary.BigEndian.AppendUint64(append(b, "counted\n"...), uint64(c.Seq))
	b = binary.BigEndian.AppendUint64(append(b, c.Of[:]...), uint64(c.Submitted.UnixMicro()))
	if !c.Issued.IsZero() {
		b = append(binary.BigEndian.AppendUint64(b, uint64(c.Issued.UnixMicro())), c.Recipient...)
	}
	return sha256.Sum256(b)
}

// CountedOn names the list by which a row with this entry is counted, and its item there; "": none. submitted is of a copy's upload.
func CountedOn(row Row, e Entry, submitted time.Time) (name string, item [32]byte) {
	switch r := row.(type) {
	case books.Submission:
		name = UploadsOf(r.Submitted)
		if r.Page > 1 {
			name = FurtherPages
		}
		return name, (&Counted{Seq: e.Seq, Of: r.ID, Submitted: r.Submitted}).Item()
	case books.Copy:
		return AllCopies, (&Counted{e.Seq, r.Submission, submitted, r.Recipient, r.Issued}).Item()
	case books.Release:
		if r.State == books.CopyVoid {
			return VoidCopies, e.Item()
		}
	}
	return "", item
}

// commit returns SHA-256 over kind, salt and the fields of a row, in their fixed order. Each is written with its
// length in front, so that no two rows have one encoding.
func commit(kind string, salt books.Salt, fields ...any) [32]byte {
	var text [64]byte // of a field
	b := make([]byte, 0, 1024)
	b = prefixed(b, append(strconv.AppendInt(append(text[:0], "kycmark commitment v"...), entryVersion, 10), " "+kind...))
	b = prefixed(b, salt[:])
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			b = append(length(b, len(f)), f...)
		case []byte:
			b = prefixed(b, f)
		default:
			b = prefixed(b, appendField(text[:0], f))
		}
	}
	return sha256.Sum256(b)
}

func prefixed(b, field []byte) []byte { return append(length(b, len(field)), field...) }

func length(b []byte, n int) []byte { return append(strconv.AppendInt(b, int64(n), 10), ':') }

// appendField appends the text of a field: integers in decimal, 64-bit patterns (of CopyIDs and floats) in hex, times
// as microseconds since 1970 UTC, booleans as "true" or "false".
func appendField(b []byte, f any) []byte {
	switch f := f.(type) {
	case int:
		return strconv.AppendInt(b, int64(f), 10)
	case int64:
		return strconv.AppendInt(b, f, 10)
	case uint64:
		return strconv.AppendUint(b, f, 16)
	case bool:
		return strconv.AppendBool(b, f)
	case float64:
		if f == 0 {
			f = 0 // SQLite keeps no sign of zero
		}
		return strconv.AppendUint(b, math.Float64bits(f), 16)
	case time.Time:
		return strconv.AppendInt(b, f.UnixMicro(), 10)
	}
	panic(fmt.Sprintf("books: a commitment over %T", f)) // a row type of this package is wrong
}

func entry(kind string, at time.Time, salt books.Salt, fields ...any) Entry {
	return Entry{Kind: kind, Time: at, Commitment: commit(kind, salt, fields...)}
}

// EntryOf returns the entry of a row, without Seq. It commits to all that the row says; of a submission to what it was
// entered with, and of a change of subjects to the reference by Digest alone.
func EntryOf(row Row) Entry {
	switch r := row.(type) {
	case Info:
		return entry(EntryRegistry, r.Created, r.Salt, r.ID[:], r.Created, r.SealHashes)
	case books.Recipient:
		return entry(EntryRecipient, r.Added, r.Salt, cmp.Or(r.Ref, r.Name), r.Kind, r.Of, r.Digest[:], r.Actor, r.Added)
	case KeyEntry:
		return entry(EntryKey, r.Added, r.Salt, r.ID, r.Commitment[:], r.Added)
	case books.Submission:
		r = AsEntered(r)
		return entry(EntrySubmission, r.Received, r.Salt, r.ID[:], r.SHA256[:], r.Size, r.Format, r.Decoder,
			r.Width, r.Height, r.Submitted, r.Received, r.Subject, r.Hash, r.Area, r.Chain, r.Quality, r.AreaQuality, r.Kept, r.Rendition[:],
			r.Document[:], r.Page, r.Pages, r.Actor)
	case SubjectChange:
		return entry(EntrySubject, r.Entered, r.Salt, r.Submission[:], r.Digest[:], r.Entered, r.Actor)
	case books.Copy:
		return entry(EntryIssue, r.Issued, r.Salt, uint64(r.ID), r.Submission[:], r.Recipient, r.Reviewer, r.Purpose, r.KeyID,
			r.Strength, r.Margin, r.Weak, r.PSNR, r.SSIM, r.Format, r.Width, r.Height, r.SHA256[:], r.Size, r.Issued, r.Actor)
	case books.Release:
		return entry(EntryRelease, r.Entered, r.Salt, uint64(r.Copy), r.Submission[:], r.State, r.Note, r.Entered, r.Actor)
	case Cosigned:
		return entry(EntryCosigned, r.Entered, r.Salt, r.Size, r.Root[:], r.Witness, r.Dated, r.Proof, r.Entered)
	case books.Custody:
		fields := append([]any{r.Recipient, r.Reviewer, r.Through, r.From, r.To, r.Note, r.Event[:], r.Scheme, r.Entered, r.Actor}, list(r.Submissions)...)
		return entry(EntryCustody, r.Entered, r.Salt, fields...)
	case books.KeyState:
		return entry(EntryKeyState, r.Entered, r.Salt, r.KeyID, r.State, r.Since, r.Note, r.Entered, r.Actor)
	case books.Receipt:
		return entry(EntryReceipt, r.Entered, r.Salt, uint64(r.Copy), r.PublicKey[:], r.Signature[:], r.Entered, r.Actor)
	case books.Return:
		return entry(EntryReturn, r.Entered, r.Salt, r.Submission[:], uint64(r.Copy), r.LogP, r.Entered, r.Actor)
	case Erasure:
		fields := []any{r.Reviewer, r.Left[:], r.Note, r.Entered, r.Actor}
		return entry(EntryErasure, r.Entered, r.Salt, append(fields, list(r.Submissions)...)...)
	case books.Investigation:
		fields := []any{r.Started, r.Actor, r.Command, r.Input[:], r.Files, r.Found, r.Evidence, r.EvidenceSHA256[:], r.Published, r.Pictures[:]}
		return entry(EntryInvestigation, r.Started, r.Salt, append(fields, each.Of(r.Earlier, func(n int64) any { return n })...)...)
	case books.Conclusion:
		fields := []any{r.Investigation, r.Entered, r.Actor, r.Evidence[:], len(r.Named)}
		fields = append(fields, each.Of(r.Named, func(name string) any { return name })...)
		return entry(EntryConclusion, r.Entered, r.Salt, append(fields, each.Of(r.Copies, func(id watermark.CopyID) any { return uint64(id) })...)...)
	}
	panic(fmt.Sprintf("rows: no entry of a %T", row)) // a row type is missing above
}

// Left returns the digest of what is left of erased submissions. The erasure commits to it, because the commitments
// of erased rows cannot be checked any more. The digest has no salt.
func Left(erased []books.Submission) [32]byte {
	fields := []any{len(erased)}
	for _, s := range erased {
		fields = append(fields, s.ID[:], s.Submitted, s.Received, s.Seq, s.Document[:], s.Page, s.Pages)
	}
	return commit("left of submissions", books.Salt{}, fields...)
}

func list(ids []watermark.Submission) []any {
	return append([]any{len(ids)}, each.Of(ids, func(id watermark.Submission) any { return id[:] })...)
}

// ErrEntry is wrapped by every error of [ParseEntry].
var ErrEntry = errors.New("malformed ledger entry")

// Kinds of ledger entries, one for each table of evidence.
const (
	EntryRegistry      = "registry"
	EntryRecipient     = "recipient"
	EntryKey           = "key"
	EntrySubmission    = "submission"
	EntryIssue         = "issue"
	EntryRelease       = "release"
	EntryReceipt       = "receipt"
	EntryReturn        = "return"
	EntryCustody       = "custody"
	EntryKeyState      = "key-state"
	EntryErasure       = "erasure"
	EntrySubject       = "subject"
	EntryInvestigation = "investigation"
	EntryConclusion    = "conclusion"
	EntryCosigned      = "cosigned"
)

// entryVersion is written into every entry and commitment; the meaning of a version never changes.
const entryVersion = 1

// An Entry is one leaf of the ledger. It says which kind of row was entered at which time. A salted commitment binds
// the row's contents. The leaf itself therefore holds no personal data, and survives the erasure of the row.
type Entry struct {
	Commitment [32]byte
	Kind       string
	Lists      [32]byte // root of the lists ([tlog.Lists]) with this entry; zero, encoded as "": an entry that follows has it
	Seq        int64    // from 1, without gaps
	Time       time.Time
}

// wireEntry is the JSON form of an entry. The form is canonical (RFC 8785): its keys ascend,
// strings are ASCII, integers are below 2^53, and there are no spaces.
type wireEntry struct {
	Commitment string `json:"commitment"`
	Kind       string `json:"kind"`
	Lists      string `json:"lists"`
	Seq        int64  `json:"seq"`
	Time       string `json:"time"`
	V          int    `json:"v"`
}

func (e Entry) Item() [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64(e.Commitment[:], uint64(e.Seq)))
}

const timeLayout = "2006-01-02T15:04:05.000000Z"

// Encode returns the entry as canonical JSON, with the time in UTC, cut to microseconds. The
// kind must be one of the constants, since Encode escapes nothing.
func (e Entry) Encode() []byte {
	b := make([]byte, 0, 192)
	b = hex.AppendEncode(append(b, `{"commitment":"`...), e.Commitment[:])
	b = append(append(append(b, `","kind":"`...), e.Kind...), `","lists":"`...)
	if e.Lists != [32]byte{} {
		b = hex.AppendEncode(b, e.Lists[:])
	}
	b = append(strconv.AppendInt(append(b, `","seq":`...), e.Seq, 10), `,"time":"`...)
	b = append(e.Time.UTC().AppendFormat(b, timeLayout), `","v":`...)
	return append(strconv.AppendInt(b, entryVersion, 10), '}')
}

// ParseEntry reads exactly what [Entry.Encode] writes. Any other form of the same entry is refused, so that no two
// encodings have one meaning. An unknown kind of lower-case letters is accepted. The error wraps [ErrEntry].
func ParseEntry(b []byte) (Entry, error) {
	var w wireEntry
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrEntry, err)
	}
	if w.V != entryVersion {
		return Entry{}, fmt.Errorf("%w: version %d", ErrEntry, w.V)
	}
	if strings.ContainsFunc(w.Kind, func(r rune) bool { return r != '-' && (r < 'a' || r > 'z') }) {
		return Entry{}, fmt.Errorf("%w: kind %.40q", ErrEntry, w.Kind)
	}
	e := Entry{Kind: w.Kind, Seq: w.Seq}
	sum, err := hex.DecodeString(w.Commitment)
	if err != nil || len(sum) != 32 {
		return Entry{}, fmt.Errorf("%w: commitment is not 64 hex digits", ErrEntry)
	}
	copy(e.Commitment[:], sum)
	if sum, err = hex.DecodeString(w.Lists); err != nil || len(sum) != 0 && len(sum) != 32 {
		return Entry{}, fmt.Errorf("%w: lists is not 64 hex digits", ErrEntry)
	}
	copy(e.Lists[:], sum)
	if e.Time, err = time.Parse(timeLayout, w.Time); err != nil {
		return Entry{}, fmt.Errorf("%w: time: %w", ErrEntry, err)
	}
	if !bytes.Equal(e.Encode(), b) {
		return Entry{}, fmt.Errorf("%w: not in canonical form", ErrEntry)
	}
	return e, nil
}
