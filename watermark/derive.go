package watermark

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// secretSize is the size in bytes of a mark key's secret.
const secretSize = 32

// formatVersion is the version of the format, part of every derivation.
const formatVersion = 1

// derive returns n bytes of HKDF-SHA256 (RFC 5869) of a secret, under a context of the
// format's version and label.
func derive(secret *[secretSize]byte, label string, n int) []byte {
	out, err := hkdf.Key(sha256.New, secret[:], nil, fmt.Sprintf("kycmark v%d %s", formatVersion, label), n)
	if err != nil {
		panic("code: hkdf: " + err.Error()) // only for n > 8160
	}
	return out
}

// keyID names a key in public and reveals nothing of its secret.
func keyID(secret *[secretSize]byte) string {
	return fmt.Sprintf("v%d-%x", formatVersion, derive(secret, "key id", 8))
}
