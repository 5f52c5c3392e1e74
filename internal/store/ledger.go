package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// ErrEntry is wrapped by every error of [ParseEntry].
var ErrEntry = errors.New("malformed ledger entry")

// Kinds of ledger entries, one for each table of evidence.
const (
	KindRegistry   = "registry"
	KindRecipient  = "recipient"
	KindKey        = "key"
	KindSubmission = "submission"
	KindIssue      = "issue"
	KindCustody    = "custody"
)

// entryVersion is written into every entry and commitment; the meaning of a
// version never changes.
const entryVersion = 1

// An Entry is one leaf of the ledger. It says that something of a kind was
// entered at a time, and binds the row's contents by a salted commitment, so that
// the leaf itself holds no personal data and survives the erasure of the row.
type Entry struct {
	Commitment [32]byte
	Kind       string
	Seq        int64 // from 1, without gaps
	Time       time.Time
}

// wireEntry has its keys in ascending order: with ASCII strings and integers
// below 2^53 its encoding is canonical JSON (RFC 8785).
type wireEntry struct {
	Commitment string `json:"commitment"`
	Kind       string `json:"kind"`
	Seq        int64  `json:"seq"`
	Time       string `json:"time"`
	V          int    `json:"v"`
}

const timeLayout = "2006-01-02T15:04:05.000000Z"

// Encode returns the entry as canonical JSON.
func (e Entry) Encode() []byte {
	b, err := json.Marshal(wireEntry{
		Commitment: hex.EncodeToString(e.Commitment[:]), Kind: e.Kind, Seq: e.Seq,
		Time: e.Time.UTC().Format(timeLayout), V: entryVersion,
	})
	if err != nil {
		panic("store: entry: " + err.Error()) // strings and integers always marshal
	}
	return b
}

// ParseEntry reads what [Entry.Encode] writes and nothing else: an entry that
// would be encoded otherwise than it stands is refused.
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
	sum, err := hex.DecodeString(w.Commitment)
	if err != nil || len(sum) != 32 {
		return Entry{}, fmt.Errorf("%w: commitment is not 64 hex digits", ErrEntry)
	}
	t, err := time.Parse(timeLayout, w.Time)
	if err != nil {
		return Entry{}, fmt.Errorf("%w: time: %w", ErrEntry, err)
	}
	e := Entry{Commitment: [32]byte(sum), Kind: w.Kind, Seq: w.Seq, Time: t}
	if !bytes.Equal(e.Encode(), b) {
		return Entry{}, fmt.Errorf("%w: not in canonical form", ErrEntry)
	}
	return e, nil
}

// Chain returns the hash of an entry: SHA-256 of the hash before it (32 zero
// bytes before the first) and the entry's bytes.
func Chain(prev [32]byte, entry []byte) [32]byte {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(entry)
	return [32]byte(h.Sum(nil))
}

// A Row is anything that the ledger commits to.
type Row interface {
	Entry() Entry // without Seq
}

// commit binds the fields of a row, in their fixed order, under its salt. Fields
// are length-prefixed, so that no two rows have one encoding.
func commit(kind string, salt Salt, fields ...any) [32]byte {
	h := sha256.New()
	put := func(s string) {
		h.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	put(fmt.Sprintf("kycmark commitment v%d %s", entryVersion, kind))
	put(string(salt[:]))
	for _, f := range fields {
		put(fieldText(f))
	}
	return [32]byte(h.Sum(nil))
}

func fieldText(f any) string {
	switch f := f.(type) {
	case string:
		return f
	case []byte:
		return string(f)
	case int:
		return strconv.Itoa(f)
	case int64:
		return strconv.FormatInt(f, 10)
	case uint64:
		return strconv.FormatUint(f, 16)
	case bool:
		return strconv.FormatBool(f)
	case float64:
		return strconv.FormatUint(math.Float64bits(f), 16)
	case time.Time:
		return strconv.FormatInt(f.UnixMicro(), 10)
	}
	panic(fmt.Sprintf("store: a commitment over %T", f)) // a row type of this package is wrong
}

// Entry commits to the registry's own identity.
func (i Info) Entry() Entry {
	return Entry{Kind: KindRegistry, Time: i.Created,
		Commitment: commit(KindRegistry, i.Salt, i.ID[:], i.Created)}
}

// Entry commits to the recipient.
func (r Recipient) Entry() Entry {
	return Entry{Kind: KindRecipient, Time: r.Added,
		Commitment: commit(KindRecipient, r.Salt, r.Name, r.Kind, r.Actor, r.Added)}
}

// Entry commits to the key's public name.
func (k MarkKey) Entry() Entry {
	return Entry{Kind: KindKey, Time: k.Since,
		Commitment: commit(KindKey, k.Salt, k.ID, k.Since)}
}

// Entry commits to the upload, its digest and its hash.
func (s Submission) Entry() Entry {
	return Entry{Kind: KindSubmission, Time: s.Received,
		Commitment: commit(KindSubmission, s.Salt, s.ID[:], s.SHA256[:], s.Size, s.Format, s.Decoder,
			s.Width, s.Height, s.Submitted, s.Received, s.Subject, s.Hash, s.Chain, s.Quality)}
}

// Entry commits to the copy and the digest of the bytes released.
func (c Copy) Entry() Entry {
	return Entry{Kind: KindIssue, Time: c.Issued,
		Commitment: commit(KindIssue, c.Salt, c.ID, c.Submission[:], c.Recipient, c.Purpose, c.KeyID,
			c.Strength, c.Margin, c.Weak, c.PSNR, c.SSIM, c.Format, c.Width, c.Height,
			c.SHA256[:], c.Size, c.Issued, c.Actor)}
}

// Entry commits to the fact of custody and its list of submissions.
func (c Custody) Entry() Entry {
	fields := []any{c.Recipient, c.From, c.To, c.Note, c.Entered, c.Actor, len(c.Submissions)}
	for _, s := range c.Submissions {
		fields = append(fields, s[:])
	}
	return Entry{Kind: KindCustody, Time: c.Entered, Commitment: commit(KindCustody, c.Salt, fields...)}
}
