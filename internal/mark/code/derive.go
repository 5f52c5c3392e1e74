package code

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

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
