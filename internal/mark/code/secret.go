package code

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

const (
	anySecret    = "KYCMARK-SECRET-KEY-"
	secretPrefix = anySecret + "1-"
	sumSize      = 4 // bytes of the checksum behind the secret
)

var secretBase = base32.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").WithPadding(base32.NoPadding)

// SecretText writes a secret as one line of text, with a checksum: the inverse of [ParseSecret].
func SecretText(secret *[SecretSize]byte) string {
	sum := sha256.Sum256(secret[:])
	return secretPrefix + secretBase.EncodeToString(append(secret[:], sum[:sumSize]...))
}

// KeyLine returns the only line of text that is neither blank nor begins with #, without the spaces
// around it: the key in a key file, which may have comments. If there are several such lines or
// none, KeyLine returns an error that never repeats the text. A line above 64 KB is an error.
func KeyLine(text string) (line string, err error) {
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		l := strings.TrimSpace(sc.Text())
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		if line != "" {
			return "", errors.New("more than one key in the file")
		}
		line = l
	}
	switch {
	case sc.Err() != nil:
		return "", errors.New("no key text found")
	case line == "":
		return "", errors.New("empty")
	}
	return line, nil
}

// ParseSecret reads the one line that [SecretText] writes, without blanks around it. Its errors say whether the line is
// no key, of a later version, or damaged (also if cut short), and never repeat the text.
func ParseSecret(line string) (secret [SecretSize]byte, err error) {
	switch {
	case !strings.HasPrefix(line, anySecret):
		return secret, errors.New("it does not begin with KYCMARK-SECRET-KEY")
	case !strings.HasPrefix(line, secretPrefix):
		return secret, errors.New("made by a later version of kycmark")
	}
	raw, err := secretBase.DecodeString(strings.TrimPrefix(line, secretPrefix))
	if err != nil || len(raw) != SecretSize+sumSize || secretPrefix+secretBase.EncodeToString(raw) != line {
		return secret, errors.New("damaged: wrong length or characters")
	}
	sum := sha256.Sum256(raw[:SecretSize])
	if subtle.ConstantTimeCompare(sum[:sumSize], raw[SecretSize:]) != 1 {
		return secret, errors.New("damaged: its checksum does not match")
	}
	return [SecretSize]byte(raw[:SecretSize]), nil
}

// SecretSize is the size in bytes of a mark key's secret.
const SecretSize = 32

// FormatVersion is the version of the format, part of every derivation.
const FormatVersion = 1

// Derive returns n bytes, 8160 at most, of HKDF-SHA256 (RFC 5869) of a secret, under a context of the format's version
// and label. Another label gives bytes that say nothing of these. It panics for a larger n.
func Derive(secret *[SecretSize]byte, label string, n int) []byte {
	out, err := hkdf.Key(sha256.New, secret[:], nil, fmt.Sprintf("kycmark v%d %s", FormatVersion, label), n)
	if err != nil {
		panic("code: hkdf: " + err.Error()) // only for n > 8160
	}
	return out
}

// KeyID names a key in public, such as "v1-5e0c7a1f90b2d364", and reveals nothing of its secret.
func KeyID(secret *[SecretSize]byte) string {
	return fmt.Sprintf("v%d-%x", FormatVersion, Derive(secret, "key id", 8))
}

// KeySize is the size of a stream's key in bytes.
const KeySize = 32

// A Stream turns key bytes into the integers, signs and permutations of a mark. It is an endless sequence of big-endian
// words: AES-256 in counter mode, from a zero counter. It is not safe for concurrent use.
type Stream struct {
	ctr cipher.Stream
	buf [1024]byte
	at  int
}

// NewStream returns the stream of a key of 32 bytes. It panics if the key has another size.
func NewStream(key []byte) *Stream {
	if len(key) != KeySize {
		panic("code: a key has 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("code: " + err.Error()) // only for other sizes
	}
	s := &Stream{ctr: cipher.NewCTR(block, make([]byte, aes.BlockSize))}
	s.at = len(s.buf)
	return s
}

// Uint32 returns the next word of the stream: its next four bytes, the first the most significant.
func (s *Stream) Uint32() uint32 {
	if s.at == len(s.buf) {
		clear(s.buf[:])
		s.ctr.XORKeyStream(s.buf[:], s.buf[:])
		s.at = 0
	}
	v := binary.BigEndian.Uint32(s.buf[s.at:])
	s.at += 4
	return v
}

// Bytes fills p with the next bytes of the stream. A word of Uint32 is four of them: the two may be
// mixed only if len(p) is a multiple of four.
func (s *Stream) Bytes(p []byte) {
	n := copy(p, s.buf[s.at:])
	s.at += n
	if p = p[n:]; len(p) > 0 { // the buffer is used up
		clear(p)
		s.ctr.XORKeyStream(p, p)
	}
}

// Intn returns an integer in [0, n), 0 < n <= 2^31, without bias: words above the last multiple of n are passed over.
func (s *Stream) Intn(n int) int {
	limit := uint32((uint64(1) << 32 / uint64(n) * uint64(n)) - 1)
	for {
		if v := s.Uint32(); v <= limit {
			return int(v % uint32(n))
		}
	}
}

// Unit returns the next word of the stream over 2^32, in [0, 1).
func (s *Stream) Unit() float64 { return float64(s.Uint32()) / (1 << 32) }

// Shuffle permutes x by the stream: each permutation is equally likely (Fisher and Yates, from the end).
func Shuffle[T any](s *Stream, x []T) {
	for i := len(x) - 1; i > 0; i-- {
		j := s.Intn(i + 1)
		x[i], x[j] = x[j], x[i]
	}
}

// Signs fills x with +1 (bit 0) and -1 (bit 1), from the most significant bit of the next word on.
// It draws whole words: bits of the last word that are left over are lost.
func (s *Stream) Signs(x []float32) {
	var w uint32
	for i := range x {
		if i%32 == 0 {
			w = s.Uint32()
		}
		x[i] = 1 - 2*float32(w>>31)
		w <<= 1
	}
}
