package code

import (
	"bufio"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
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
