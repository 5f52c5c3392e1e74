// Package books holds the values of a registry that users, reports and proofs see: recipients, uploads, copies,
// custody, keys. Their JSON is that of the command. It has no store and no logic beyond what a value says of itself.
package books

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/watermark"
)

// Kinds of recipients.
const (
	KindStore     = "store"     // the exchange's own working copies
	KindVendor    = "vendor"    // a service provider
	KindAuthority = "authority" // law enforcement, a court, a regulator
	KindReviewer  = "reviewer"  // a person who looks at uploads
	KindPartner   = "partner"   // another company
)

// States of a mark key.
const (
	KeyActive      = "active"      // marks copies
	KeyRetired     = "retired"     // reads marks, makes no copies
	KeyCompromised = "compromised" // others may hold the key: since then they can make its marks
)

// States of a copy.
const (
	CopyReserved = "reserved" // its release is not confirmed: the recipient may have it
	CopyReleased = "released"
	CopyVoid     = "void" // no byte of it was handed out
)

// A Salt blinds the commitment to a row.
type Salt = [32]byte

// Logged ties a row to the ledger. Salt blinds the row's commitment. Seq is the number of the
// row's entry, from 1; the store assigns it.
type Logged struct {
	Salt Salt  `json:"-"`
	Seq  int64 `json:"-"`
}

// Number returns the number of the row's entry, from 1; 0: not entered yet.
func (l Logged) Number() int64 { return l.Seq }

// A Recipient is anyone who is handed pictures.
type Recipient struct {
	Name string `json:"name"` // unique
	Kind string `json:"kind"` // one of the constants
	// Of is the employer of a reviewer, a recipient. What the reviewer is handed counts for the employer. It never
	// changes: a person who moves to another employer is another recipient.
	Of string `json:"of,omitempty"`
	// Ref is random, and set by the registry. Rows and findings have it in the place of the name of a reviewer with an
	// employer. The name of an erased reviewer is Ref as well.
	Ref   string    `json:"ref,omitempty"`
	Added time.Time `json:"added"` // set by the registry
	Actor string    `json:"actor,omitempty"`
	// Digest binds Name to the random Blind. Both are zero without an employer, and Blind once the name is erased.
	Blind, Digest [32]byte `json:"-"`
	Logged
}

// Party returns the recipient that copies for r count for, and the reference of its reviewer, or "".
func (r *Recipient) Party() (recipient, reviewer string) {
	if r.Of != "" {
		return r.Of, r.Ref
	}
	return r.Name, ""
}

// Erased reports whether the name of r, a reviewer, was erased.
func (r *Recipient) Erased() bool { return r.Of != "" && r.Name == r.Ref }

// A KeyState says what a mark key is fit for from a time on.
type KeyState struct {
	KeyID   string    `json:"key_id"`
	State   string    `json:"state"` // one of the constants
	Since   time.Time `json:"since"`
	Note    string    `json:"note,omitempty"` // how that is known
	Entered time.Time `json:"entered"`        // set by the registry
	Actor   string    `json:"actor,omitempty"`
	Logged
}

// String is "v1-0011223344556677, compromised since 2026-01-31".
func (s KeyState) String() string {
	return fmt.Sprintf("%s, %s since %s", s.KeyID, s.State, s.Since.UTC().Format(time.DateOnly))
}

// A MarkKey is a mark key in its present state.
type MarkKey struct {
	KeyState
	Commitment Digest    `json:"commitment"` // to the secret; see [watermark.Key.Commitment]
	Added      time.Time `json:"added"`      // when the commitment was entered
}

// A Submission is one upload as received, or page 2 and up of one: see [Details].Page. Seq ascends in the order in
// which rows become visible and is never used again, so that indexes in memory can follow it. Of an erased submission
// only ID, Submitted, Received, Seq, its place among the pages and who erased it are left.
type Submission struct {
	ID        watermark.Submission `json:"submission"` // first 16 bytes of the file's SHA-256
	SHA256    Digest               `json:"sha256"`     // of the file
	Size      int64                `json:"size"`       // bytes
	Format    string               `json:"format"`     // "jpeg", "png", …
	Width     int                  `json:"width"`      // pixels, upright
	Height    int                  `json:"height"`
	Submitted time.Time            `json:"submitted"`         // when the customer sent it
	Received  time.Time            `json:"received"`          // when the registry took it
	Subject   string               `json:"subject,omitempty"` // opaque reference, never a name
	Hash      string               `json:"hash"`              // "pdq:…", personal data; "" if hashes are sealed
	Quality   int                  `json:"quality"`           // of Hash, 0..100
	Erased    bool                 `json:"erased,omitempty"`
	Details   `json:"-"`
	ErasedBy  int64 `json:"-"` // number of the erasure's entry; 0 if not erased
	Logged
}

// Details are what the ledger commits to of a submission, and what only a proof shows.
type Details struct {
	Decoder     string `json:"decoder"` // that the hashes were made with
	Area        string `json:"area"`    // text form of the area hash; "" if hashes are sealed
	Chain       string `json:"chain"`   // versions of the ways from pixels to the hashes; of a kept original also [records.ChainFeatures] and the number of its local features
	AreaQuality int    `json:"area_quality"`
	Kept        bool   `json:"kept"`               // the original is kept, sealed
	Rendition   Digest `json:"rendition,omitzero"` // of the pixels of a kept original; zero: not entered
	Actor       string `json:"actor"`              // who entered it

	Document watermark.Submission `json:"document,omitzero"` // of page 2 and up: the ID of page 1, which is the submission's
	Page     int                  `json:"page,omitempty"`    // from 1; 0: the only one
	Pages    int                  `json:"pages,omitempty"`   // of the submission; 0: one

	First string    `json:"-"` // subject reference with which the upload was entered, if SetAt is not zero
	SetAt time.Time `json:"-"` // when Subject was entered; zero: with the upload

	Changes int `json:"-"` // how often a subject reference was entered after the upload
}

// Whole returns the ID of the submission that the row is a page of: its own, if it is page 1 or the only page.
func (s *Submission) Whole() watermark.Submission {
	if s.Page < 2 {
		return s.ID
	}
	return s.Document
}

// A Copy is what one recipient was handed of one submission.
type Copy struct {
	ID         watermark.CopyID     `json:"copy"`
	Submission watermark.Submission `json:"submission"`
	Recipient  string               `json:"recipient"`
	Reviewer   string               `json:"reviewer,omitempty"` // the recipient's reviewer that was shown it: [Recipient].Ref
	Purpose    string               `json:"purpose,omitempty"`  // the request that it answers
	KeyID      string               `json:"key_id"`             // mark key
	Marking
	Format string    `json:"format"` // "jpeg", "png", "webp", "tiff", "bmp" or "pdf"
	Width  int       `json:"width"`  // pixels
	Height int       `json:"height"`
	SHA256 Digest    `json:"sha256"` // of the bytes released
	Size   int64     `json:"size"`   // bytes
	Issued time.Time `json:"issued"` // when the copy was entered, before its first byte left
	Bound            // of Issued; lists of all copies are without it
	Actor  string    `json:"actor,omitempty"`
	State  string    `json:"state,omitempty"` // one of the constants, by the [Release] entered last
	Logged
}

// ReceiptMessage is what the recipient of a copy signs with Ed25519 (RFC 8032, not prehashed): three lines, each ended
// by a line feed: "kycmark receipt v1", the SHA-256 of the file received, and the copy's ID, both in lower-case hex.
func (c *Copy) ReceiptMessage() []byte {
	return fmt.Appendf(nil, "kycmark receipt v1\n%s\n%s\n", c.SHA256, c.ID)
}

// A Release says what became of a copy after it was entered. A copy that was released stays so. A void
// copy can still be entered as released: then the earlier entry was wrong. [CopyReserved] says that another attempt begins.
type Release struct {
	Copy       watermark.CopyID     `json:"copy"`
	Submission watermark.Submission `json:"submission"`     // of the copy
	State      string               `json:"state"`          // one of the constants
	Note       string               `json:"note,omitempty"` // how that is known
	Entered    time.Time            `json:"entered"`        // set by the registry
	Actor      string               `json:"actor,omitempty"`
	Logged
}

// A Return says that an upload came in with the mark of an issued copy: the copy came back.
type Return struct {
	Submission watermark.Submission `json:"submission"` // the upload
	Copy       watermark.CopyID     `json:"copy"`       // whose mark it carries; as a rule of another upload
	LogP       float64              `json:"log10_p"`    // that an upload without a mark is read like this
	Entered    time.Time            `json:"entered"`    // set by the registry
	Actor      string               `json:"actor,omitempty"`
	Logged     `json:"-"`
}

// Marking is how strongly a copy was marked, and how well its mark was read back.
type Marking struct {
	Strength float64 `json:"strength"` // share of the visibility budget, 0..1
	Margin   float64 `json:"margin"`   // of the read-back, dB
	Weak     bool    `json:"weak"`     // the read-back failed
	PSNR     float64 `json:"psnr"`     // dB
	SSIM     float64 `json:"ssim"`     // 0..1, at a long side of at most 1024 pixels
}

// A Receipt is a recipient's signature over the copy that it was handed. The recipient
// cannot say later that it never had these bytes, and the exchange cannot replace them.
type Receipt struct {
	Copy      watermark.CopyID `json:"copy"`
	PublicKey Digest           `json:"public_key"` // Ed25519
	Signature Signature        `json:"signature"`  // of [Copy.ReceiptMessage]
	Entered   time.Time        `json:"entered"`    // set by the registry
	Actor     string           `json:"actor,omitempty"`
	Logged
}

// Custody says that a recipient could hold unmarked uploads. These are the uploads submitted from From up to and
// including To. If Submissions lists uploads, the fact is limited to listed uploads of that time.
//
// With Through it says that the recipient had copies that were issued to the recipient of that name. These are
// the copies issued from From up to and including To, of listed uploads if Submissions lists uploads.
type Custody struct {
	Recipient   string                 `json:"recipient"`
	Reviewer    string                 `json:"reviewer,omitempty"` // the recipient's reviewer that held the uploads: [Recipient].Ref
	Through     string                 `json:"through,omitempty"`  // "": unmarked uploads are meant
	From        time.Time              `json:"from"`
	To          time.Time              `json:"to"`
	Submissions []watermark.Submission `json:"submissions,omitempty"` // ascending
	Note        string                 `json:"note,omitempty"`        // how this is known
	Event       Digest                 `json:"event,omitzero"`        // SHA-256 of the signed event of the recipient that says so, as it was received; zero: none
	Scheme      string                 `json:"scheme,omitempty"`      // how the event is signed
	Entered     time.Time              `json:"entered"`               // by the clock of the machine that entered it
	Bound
	Actor string `json:"actor,omitempty"`
	Logged
}

// A Bound is what other entries and witnesses say of the time of an entry.
type Bound struct {
	After    time.Time `json:"after,omitzero"`     // an earlier entry is of this time: the entry's clock was behind
	Proven   time.Time `json:"proven,omitzero"`    // a trusted witness or authority dated the entry then, first
	Unproven bool      `json:"unproven,omitempty"` // some are trusted, and none dated the entry
}

// countsFrom returns since when an entry of the time entered counts: Proven, else the later one of entered and After.
func (b *Bound) countsFrom(entered time.Time) time.Time {
	switch {
	case !b.Proven.IsZero():
		return b.Proven
	case b.After.After(entered):
		return b.After
	}
	return entered
}

// EnteredAt returns from when on the fact counts.
func (c *Custody) EnteredAt() time.Time { return c.countsFrom(c.Entered) }

// LaterThan reports whether it is not proven that the copy was entered up to t.
func (c *Copy) LaterThan(t time.Time) bool { return c.Unproven || c.countsFrom(c.Issued).After(t) }

// Always is later than any upload. A fact whose To it is has no end.
var Always = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// Before reports whether the fact was proven before t.
func (c *Custody) Before(t time.Time) bool { return !c.Unproven && c.EnteredAt().Before(t) }

// Of reports whether the fact says that its recipient had a copy of another.
func (c *Custody) Of(x *Copy) bool {
	return c.Through == x.Recipient && !x.Issued.Before(c.From) && !x.Issued.After(c.To) &&
		(len(c.Submissions) == 0 || slices.Contains(c.Submissions, x.Submission))
}

// An Investigation says that the registry was searched for leaks.
type Investigation struct {
	Entry   int64     `json:"entry"` // its number in the ledger
	Started time.Time `json:"started"`
	Actor   string    `json:"actor,omitempty"`
	Command string    `json:"command,omitempty"` // as a shell would take it, 4,000 bytes at most
	Input   Digest    `json:"input"`             // of the list of files
	Files   int64     `json:"files"`
	Salt    Salt      `json:"-"`

	// Found is when the files were found, as stated; zero: not stated. Evidence says how that is
	// known, and EvidenceSHA256 is of a file that shows it.
	Found          time.Time `json:"found,omitzero"`
	Evidence       string    `json:"evidence,omitempty"`
	EvidenceSHA256 Digest    `json:"evidence_sha256,omitzero"`
	// Published says that anybody could take the files then, where Evidence says.
	Published bool `json:"published,omitempty"`
	// Pictures is the SHA-256 of Digests, which has the [records.FileDigest] of each file that could be read, ascending.
	Pictures Digest  `json:"pictures,omitzero"`
	Digests  []byte  `json:"-"`
	Earlier  []int64 `json:"earlier,omitempty"` // entries of the investigations before of any of these files, ascending
}

// Number returns the number of its entry.
func (i Investigation) Number() int64 { return i.Entry }

// Earliest returns the earlier of two times. A zero time is not known: then it is the other.
func Earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// A Conclusion says what came of an investigation: the recipients it named, and the copies confirmed in its files.
type Conclusion struct {
	Investigation int64              `json:"investigation"` // number of its entry
	Entered       time.Time          `json:"entered"`
	Named         []string           `json:"named"`
	Copies        []watermark.CopyID `json:"copies"`
	Evidence      Digest             `json:"evidence"` // SHA-256 of all that it follows from
	Actor         string             `json:"actor,omitempty"`
	Logged
}

// Says reports whether c says the same of the same investigation as o, whenever it was entered. Lists are sorted.
func (c *Conclusion) Says(o *Conclusion) bool {
	return c.Investigation == o.Investigation && slices.Equal(c.Named, o.Named) && slices.Equal(c.Copies, o.Copies) && c.Evidence == o.Evidence
}

// A Checkpoint is a signed state of the ledger: its first Size entries, and the root of the Merkle tree (RFC 6962) over
// them. With a kept checkpoint anybody can find out later whether the ledger still begins with these entries. A store
// keeps Size, Root, Made, Text and Stamp.
type Checkpoint struct {
	Origin    string    `json:"origin"` // names the registry
	Size      int64     `json:"size"`   // entries
	Root      Digest    `json:"root"`
	Made      time.Time `json:"made,omitzero"`
	Signers   []string  `json:"signers"`         // names beside the signatures, the ledger's own first; not checked
	Witnesses []Witness `json:"witnesses"`       // those whose signatures were checked, if their keys were given
	Text      string    `json:"text"`            // as it is handed out: C2SP tlog-checkpoint, a signed note
	Stamp     []byte    `json:"stamp,omitempty"` // RFC 3161 timestamp of Body, DER, as it was kept; not checked
}

// Body returns what is signed and what is stamped: Text up to the blank line before the
// signatures, with one line feed at its end. Witnesses that sign later do not change it.
func (c *Checkpoint) Body() []byte {
	body, _, _ := strings.Cut(c.Text, "\n\n")
	return []byte(body + "\n")
}

// A Witness is another party that signed a checkpoint.
type Witness struct {
	Name string    `json:"name"`
	Key  string    `json:"key"`           // its public key, as text
	Time time.Time `json:"time,omitzero"` // of the signature, by the witness's clock, UTC, whole seconds; zero: the signature has no time
}

// A StampCheck checks an RFC 3161 timestamp of a SHA-256 digest. It returns the latest time that the timestamp may be of.
type StampCheck func(stamp []byte, digest [32]byte) (latest time.Time, err error)

// Issued is a count of one day and, unless it counts uploads alone, of one recipient.
type Issued struct {
	Recipient string
	Day       time.Time // its begin, UTC
	Count     int
}

// An Entry is one line of the ledger. It has no personal data: the row that it commits to is read apart.
type Entry struct {
	Number     int64     `json:"entry"` // from 1
	Kind       string    `json:"kind"`  // of row: "submission", "issue", "release", "erasure" and others
	Time       time.Time `json:"time"`
	Commitment Digest    `json:"commitment"` // to the row, salted
}

// A Digest is 32 bytes, as a rule a SHA-256. Its text form is 64 lower-case hex digits.
type Digest [32]byte

func (d Digest) String() string                   { return hex.EncodeToString(d[:]) }
func (d Digest) MarshalText() ([]byte, error)     { return hex.AppendEncode(nil, d[:]), nil }
func (d *Digest) UnmarshalText(text []byte) error { return unhex(d[:], text) }

// A Signature is one of Ed25519. Its text form is 128 lower-case hex digits.
type Signature [64]byte

func (s Signature) String() string                   { return hex.EncodeToString(s[:]) }
func (s Signature) MarshalText() ([]byte, error)     { return hex.AppendEncode(nil, s[:]), nil }
func (s *Signature) UnmarshalText(text []byte) error { return unhex(s[:], text) }

// unhex reads lower-case hex digits, exactly two for each byte, into dst.
func unhex(dst, text []byte) error {
	raw := make([]byte, len(dst))
	if len(text) == 2*len(dst) {
		if _, err := hex.Decode(raw, text); err == nil && hex.EncodeToString(raw) == string(text) {
			copy(dst, raw)
			return nil
		}
	}
	return fmt.Errorf("%.20q is not %d lower-case hex digits", text, 2*len(dst))
}
