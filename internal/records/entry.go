package records

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

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
