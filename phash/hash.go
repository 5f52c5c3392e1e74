package phash

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

var (
	// ErrKind is wrapped when a kind is unknown, or when a hash of one kind meets an index of another.
	ErrKind = errors.New("phash: wrong kind of hash")
	// ErrSyntax is wrapped when a text is not a hash.
	ErrSyntax = errors.New("phash: malformed hash")
	// ErrPicture is wrapped when a picture cannot be hashed at all: nil, or
	// larger than any that this package would unfold in memory.
	ErrPicture = errors.New("phash: unusable picture")
)

// A Kind is a hash algorithm. Its numbers and names are stored in registries:
// they are never changed and never reused, and the zero Kind is invalid.
type Kind uint8

// The kinds of hash. Bits of different kinds have nothing to do with each other.
const (
	PDQ        Kind = iota + 1 // 256 bits, facebook/ThreatExchange
	Perception                 // 64 bits, corona10/goimagehash PerceptionHash
	Difference                 // 64 bits, corona10/goimagehash DifferenceHash
	Average                    // 64 bits, corona10/goimagehash AverageHash
	Area                       // 256 bits, this package's own: PDQ's transform of the means of 64 × 64 blocks
)

var kindNames = [...]string{
	PDQ:        "pdq",
	Perception: "goimagehash/perception",
	Difference: "goimagehash/difference",
	Average:    "goimagehash/average",
	Area:       "kycmark/area",
}

// ParseKind returns the kind with that name, as [Kind.String] writes it. The error wraps [ErrKind].
func ParseKind(name string) (Kind, error) {
	for k := PDQ; int(k) < len(kindNames); k++ {
		if kindNames[k] == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%w: %.40q, want one of %s", ErrKind, name, strings.Join(kindNames[PDQ:], ", "))
}

// String returns the kind's name: "pdq", "kycmark/area", or "goimagehash/" with
// "perception", "difference" or "average".
func (k Kind) String() string {
	if !k.valid() {
		return fmt.Sprintf("phash.Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// Len returns the number of bits of a hash of this kind: 256, 64, or 0 for an invalid kind.
func (k Kind) Len() int {
	switch {
	case !k.valid():
		return 0
	case k == Perception || k == Difference || k == Average:
		return 64
	}
	return 256
}

// Version names the frozen steps from decoded pixels to bits, such as "pdq/1". Store the version with every hash:
// hashes of two versions may differ by a few bits on one picture. The steps behind a name never change.
func (k Kind) Version() string { return k.String() + "/1" }

// valid reports whether k is one of the kinds of this version.
func (k Kind) valid() bool { return k >= PDQ && int(k) < len(kindNames) }

// A Hash is one perceptual hash. Hashes are comparable with ==.
type Hash struct {
	Kind Kind
	// Bits in the order of the digits: Bits[0] holds the first 16 hex digits.
	// The 64-bit kinds use Bits[0] alone and leave the rest 0.
	Bits [4]uint64
}

// Parse reads the form that [Hash.String] writes and no other: the kind's name, a colon, and 64 or 16 lower-case hex
// digits. A hash list of the reference holds bare digits: put "pdq:" before each. Errors wrap [ErrSyntax], or [ErrKind]
// if the name is not one of a kind.
func Parse(s string) (Hash, error) {
	name, digits, ok := strings.Cut(s, ":")
	if !ok {
		return Hash{}, fmt.Errorf("%w: no kind before the digits, want kind:digits", ErrSyntax)
	}
	kind, err := ParseKind(name)
	if err != nil {
		return Hash{}, err
	}
	if want := kind.Len() / 4; len(digits) != want {
		return Hash{}, fmt.Errorf("%w: %s has %d hex digits, not %d", ErrSyntax, kind, want, len(digits))
	}
	if strings.ToLower(digits) != digits {
		return Hash{}, fmt.Errorf("%w: hex digits must be lower case", ErrSyntax)
	}
	raw, err := hex.DecodeString(digits)
	if err != nil {
		return Hash{}, fmt.Errorf("%w: %w", ErrSyntax, err)
	}
	h := Hash{Kind: kind}
	for i := range len(raw) / 8 {
		h.Bits[i] = binary.BigEndian.Uint64(raw[8*i:])
	}
	return h, nil
}

// String returns the hash as text with its kind, such as "pdq:f8f8f0cc…".
func (h Hash) String() string { return h.Kind.String() + ":" + h.Hex() }

// Hex returns the digits alone, 4 bits each. The digits of PDQ are in the order of the reference.
func (h Hash) Hex() string {
	var raw [32]byte
	for i, w := range h.Bits {
		binary.BigEndian.PutUint64(raw[8*i:], w)
	}
	return hex.EncodeToString(raw[:h.Kind.Len()/8])
}

// Distance returns the number of bits in which two hashes of one kind differ. Hashes of different kinds are further
// apart than any radius: the distance is math.MaxInt.
func (h Hash) Distance(o Hash) int {
	if h.Kind != o.Kind {
		return math.MaxInt
	}
	d := 0
	for i, w := range h.Bits {
		d += bits.OnesCount64(w ^ o.Bits[i])
	}
	return d
}
