package watermark

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"github.com/kycmark/kycmark/internal/mark/blind"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/mark/pattern"
)

// ErrKey is wrapped by every error of [ParseKey].
var ErrKey = errors.New("watermark: not a usable mark key")

// A Key is a mark key: 32 random bytes from which everything keyed in a mark is derived by HKDF-SHA256 (RFC 5869) under
// a labelled context. Its holder can read and forge marks. It never prints, logs or marshals its secret: all formatting
// verbs show [Key.ID]; only [Key.Secret] lets the secret out.
//
// The zero Key is invalid, and to use it panics. A *Key is safe for concurrent use.
type Key struct {
	// secret stands behind two pointers: inside of other structs fmt calls no methods,
	// and follows one pointer where a verb does not fit.
	secret **[code.SecretSize]byte
	id     string
	once   sync.Once
	kd     *blind.Keys
}

// GenerateKey makes a new key from the operating system's random source.
func GenerateKey() *Key {
	var s [code.SecretSize]byte
	rand.Read(s[:]) // never fails: crypto/rand aborts the program instead
	return newKey(s)
}

// newKey returns the key of a secret. What is derived from the secret is computed when it is first needed.
func newKey(secret [code.SecretSize]byte) *Key {
	at := &secret
	return &Key{secret: &at, id: code.KeyID(at)}
}

// ParseKey reads the text form of a key as written by [Key.Secret]. Blank lines and lines that begin with # are passed
// over, so that a key file may carry comments. Spaces around the key are ignored. The error wraps [ErrKey] and says
// whether the text is no key at all, of a later version, or damaged (cut short, or another checksum). Empty text and a
// second key are errors. The error never repeats the text.
func ParseKey(text string) (*Key, error) {
	line, err := code.KeyLine(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	secret, err := code.ParseSecret(line)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return newKey(secret), nil
}

// Secret returns the text form of the key, one line, the inverse of [ParseKey]. Store it like a password.
func (k *Key) Secret() string { return code.SecretText(*k.secret) }

// ID names the key in public: the version of the mark and 16 hex digits that
// reveal nothing of the secret, such as "v1-5e0c7a1f90b2d364".
func (k *Key) ID() string { return k.id }

// Commitment binds its holder to the secret without revealing it: 32 bytes that only this key yields.
func (k *Key) Commitment() [32]byte { return [32]byte(code.Derive(*k.secret, "commitment", 32)) }

func (k *Key) String() string { return k.id }

// GoString returns [Key.ID], so that %#v does not print the secret.
func (k *Key) GoString() string           { return "watermark.Key(" + k.id + ")" }
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.id) }
func (k *Key) LogValue() slog.Value       { return slog.StringValue(k.id) }

// MarshalText refuses: a key is written only by [Key.Secret].
func (k *Key) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%w: keys do not marshal; use Secret", ErrKey)
}

// keyed returns all that a blind reader knows. It is derived at the first call, once.
func (k *Key) keyed() *blind.Keys {
	k.once.Do(func() { k.kd = blind.NewKeys(pattern.NewKeys(*k.secret)) })
	return k.kd
}

// ErrID is wrapped by the errors of [ParseCopyID] and [ParseSubmission].
var ErrID = errors.New("watermark: malformed identifier")

// A CopyID is the payload of a mark: 64 random bits that name one issued copy.
type CopyID uint64

// NewCopyID draws a copy ID from the operating system's random source.
func NewCopyID() CopyID {
	var b [8]byte
	rand.Read(b[:])
	return CopyID(binary.BigEndian.Uint64(b[:]))
}

// ParseCopyID reads exactly 16 hex digits.
func ParseCopyID(s string) (CopyID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 8 {
		return 0, fmt.Errorf("%w: a copy ID is 16 hex digits, not %q", ErrID, s)
	}
	return CopyID(binary.BigEndian.Uint64(b)), nil
}

// String returns 16 lower-case hex digits.
func (id CopyID) String() string               { return fmt.Sprintf("%016x", uint64(id)) }
func (id CopyID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func (id *CopyID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseCopyID(string(text))
	return err
}

// A Submission names one upload: by default the first 16 bytes of the SHA-256 of
// the file as received. With the mark key it places the mark on the picture.
type Submission [16]byte

// SubmissionOf returns the ID of a file with this SHA-256: its first 16 bytes.
func SubmissionOf(sum [32]byte) Submission { return Submission(sum[:16]) }

// Page returns the ID that places the marks of page k of a document. Page 1 has the ID of the document.
func (s Submission) Page(k int) Submission {
	if k < 2 {
		return s
	}
	const kind = "kycmark commitment v1 page of a submission" // of the registry, with a salt of zeros
	number := strconv.Itoa(k)
	return SubmissionOf(sha256.Sum256(fmt.Appendf(nil, "%d:%s32:%s16:%s%d:%s", len(kind), kind, make([]byte, 32), s[:], len(number), number)))
}

// ParseSubmission reads exactly 32 hex digits.
func ParseSubmission(s string) (Submission, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 16 {
		return Submission{}, fmt.Errorf("%w: a submission ID is 32 hex digits, not %q", ErrID, s)
	}
	return Submission(b), nil
}

// String returns 32 lower-case hex digits.
func (s Submission) String() string               { return hex.EncodeToString(s[:]) }
func (s Submission) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *Submission) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSubmission(string(text))
	return err
}
