package books

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/kycmark/kycmark/watermark"
)

// A Row is anything that the ledger commits to.
type Row interface {
	LedgerEntry() Entry // without Seq
	Number() int64      // of its entry, from 1; 0: not entered yet
	lists() []string    // that it is on; nil: the list of all rows of its kind
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
	if lists := row.lists(); lists != nil {
		return lists
	}
	return []string{kind}
}

func (c Copy) lists() []string          { return []string{CopiesOf(c.Submission), CopyList(c.ID)} }
func (r Receipt) lists() []string       { return []string{CopyList(r.Copy)} }
func (r Release) lists() []string       { return []string{CopyList(r.Copy), ReleasesOf(r.Submission)} }
func (r Return) lists() []string        { return []string{ReturnsOf(r.Copy), ReturnedIn(r.Submission)} }
func (c SubjectChange) lists() []string { return []string{SubjectsOf(c.Submission), EntrySubject} }
func (Logged) lists() []string          { return nil }
func (Investigation) lists() []string   { return nil }

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

// Item is what a list has of it.
func (c *Counted) Item() [32]byte {
	b := make([]byte, 0, 128)
	b = binary.BigEndian.AppendUint64(append(b, "counted\n"...), uint64(c.Seq))
	b = binary.BigEndian.AppendUint64(append(b, c.Of[:]...), uint64(c.Submitted.UnixMicro()))
	if !c.Issued.IsZero() {
		b = append(binary.BigEndian.AppendUint64(b, uint64(c.Issued.UnixMicro())), c.Recipient...)
	}
	return sha256.Sum256(b)
}

// CountedOn names the list by which a row with this entry is counted, and its item there; "": none. submitted is when
// the upload of a copy was submitted.
func CountedOn(row Row, e Entry, submitted time.Time) (name string, item [32]byte) {
	switch r := row.(type) {
	case Submission:
		name = UploadsOf(r.Submitted)
		if r.Page > 1 {
			name = FurtherPages
		}
		return name, (&Counted{Seq: e.Seq, Of: r.ID, Submitted: r.Submitted}).Item()
	case Copy:
		return AllCopies, (&Counted{e.Seq, r.Submission, submitted, r.Recipient, r.Issued}).Item()
	case Release:
		if r.State == CopyVoid {
			return VoidCopies, e.Item()
		}
	}
	return "", item
}

func (l Logged) Number() int64        { return l.Seq }
func (i Investigation) Number() int64 { return i.Entry }

// commit returns SHA-256 over kind, salt and the fields of a row, in their fixed order. Each is written with its
// length in front, so that no two rows have one encoding.
func commit(kind string, salt Salt, fields ...any) [32]byte {
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

// prefixed appends a field with its length in front.
func prefixed(b, field []byte) []byte { return append(length(b, len(field)), field...) }

// length appends the length of a field, n bytes, as "17:".
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

// entry returns the entry of a row, without Seq.
func entry(kind string, at time.Time, salt Salt, fields ...any) Entry {
	return Entry{Kind: kind, Time: at, Commitment: commit(kind, salt, fields...)}
}

func (i Info) LedgerEntry() Entry {
	return entry(EntryRegistry, i.Created, i.Salt, i.ID[:], i.Created, i.SealHashes)
}

func (r Recipient) LedgerEntry() Entry {
	return entry(EntryRecipient, r.Added, r.Salt, r.Name, r.Kind, r.Actor, r.Added)
}

func (k KeyEntry) LedgerEntry() Entry {
	return entry(EntryKey, k.Added, k.Salt, k.ID, k.Commitment[:], k.Added)
}

// LedgerEntry commits to the upload: its digest, times, first subject, hashes, Kept, rendition and place among the pages. The
// entry's time is Received, and Seq is not set.
func (s Submission) LedgerEntry() Entry {
	s = s.AsEntered()
	return entry(EntrySubmission, s.Received, s.Salt, s.ID[:], s.SHA256[:], s.Size, s.Format, s.Decoder,
		s.Width, s.Height, s.Submitted, s.Received, s.Subject, s.Hash, s.Area, s.Chain, s.Quality, s.AreaQuality, s.Kept, s.Rendition[:],
		s.Document[:], s.Page, s.Pages)
}

// LedgerEntry commits to the upload and, by Digest, to the subject reference.
func (c SubjectChange) LedgerEntry() Entry {
	return entry(EntrySubject, c.Entered, c.Salt, c.Submission[:], c.Digest[:], c.Entered, c.Actor)
}

func (c Copy) LedgerEntry() Entry {
	return entry(EntryIssue, c.Issued, c.Salt, uint64(c.ID), c.Submission[:], c.Recipient, c.Purpose, c.KeyID,
		c.Strength, c.Margin, c.Weak, c.PSNR, c.SSIM, c.Format, c.Width, c.Height, c.SHA256[:], c.Size, c.Issued, c.Actor)
}

func (r Release) LedgerEntry() Entry {
	return entry(EntryRelease, r.Entered, r.Salt, uint64(r.Copy), r.Submission[:], r.State, r.Note, r.Entered, r.Actor)
}

func (c Cosigned) LedgerEntry() Entry {
	return entry(EntryCosigned, c.Entered, c.Salt, c.Size, c.Root[:], c.Witness, c.Dated, c.Proof, c.Entered)
}

func (c Custody) LedgerEntry() Entry {
	fields := append([]any{c.Recipient, c.Through, c.From, c.To, c.Note, c.Entered, c.Actor}, list(c.Submissions)...)
	return entry(EntryCustody, c.Entered, c.Salt, fields...)
}

func (s KeyState) LedgerEntry() Entry {
	return entry(EntryKeyState, s.Entered, s.Salt, s.KeyID, s.State, s.Since, s.Note, s.Entered, s.Actor)
}

func (r Receipt) LedgerEntry() Entry {
	return entry(EntryReceipt, r.Entered, r.Salt, uint64(r.Copy), r.PublicKey[:], r.Signature[:], r.Entered, r.Actor)
}

func (r Return) LedgerEntry() Entry {
	return entry(EntryReturn, r.Entered, r.Salt, r.Submission[:], uint64(r.Copy), r.LogP, r.Entered, r.Actor)
}

func (e Erasure) LedgerEntry() Entry {
	fields := []any{e.Left[:], e.Note, e.Entered, e.Actor}
	return entry(EntryErasure, e.Entered, e.Salt, append(fields, list(e.Submissions)...)...)
}

// Left returns the digest of what is left of erased submissions. The erasure commits to it, because the commitments
// of erased rows cannot be checked any more. The digest has no salt.
func Left(erased []Submission) [32]byte {
	fields := []any{len(erased)}
	for _, s := range erased {
		fields = append(fields, s.ID[:], s.Submitted, s.Received, s.Seq, s.Document[:], s.Page, s.Pages)
	}
	return commit("left of submissions", Salt{}, fields...)
}

func (i Investigation) LedgerEntry() Entry {
	return entry(EntryInvestigation, i.Started, i.Salt,
		i.Started, i.Actor, i.Command, i.Input[:], i.Files, i.Found, i.Evidence, i.EvidenceSHA256[:], i.Published, i.Pictures[:])
}

func (c Conclusion) LedgerEntry() Entry {
	fields := []any{c.Investigation, c.Entered, c.Actor, len(c.Named)}
	for _, name := range c.Named {
		fields = append(fields, name)
	}
	for _, id := range c.Copies {
		fields = append(fields, uint64(id))
	}
	return entry(EntryConclusion, c.Entered, c.Salt, fields...)
}

// list are the fields of a list of submissions: how many, then each.
func list(ids []watermark.Submission) []any {
	out := []any{len(ids)}
	for _, id := range ids {
		out = append(out, id[:])
	}
	return out
}
