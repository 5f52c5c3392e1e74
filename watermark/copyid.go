package watermark

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

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
