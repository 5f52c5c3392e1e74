package code

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
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
