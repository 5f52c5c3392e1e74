package keyfile

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// ErrKey is wrapped by errors about report keys that are not Ed25519 keys in PEM.
var ErrKey = errors.New("not an Ed25519 key in PEM")

// Types of PEM blocks.
const (
	pemPrivate = "PRIVATE KEY" // PKCS #8, RFC 5958
	pemPublic  = "PUBLIC KEY"  // SubjectPublicKeyInfo, RFC 5280 section 4.1
)

// encodeReport returns the private half in the form of "openssl genpkey -algorithm ed25519". The text is secret.
func encodeReport(key ed25519.PrivateKey) []byte {
	der, _ := x509.MarshalPKCS8PrivateKey(key) // fails for other kinds of keys only
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der})
}

// parseReport reads what encodeReport or openssl wrote. The error wraps [ErrKey] and repeats nothing of the text.
func parseReport(text string) (ed25519.PrivateKey, error) {
	return parsePEM[ed25519.PrivateKey](text, pemPrivate, "private", x509.ParsePKCS8PrivateKey)
}

// EncodeReportPublic returns the public half of a report key in the form of "openssl pkey -pubout".
func EncodeReportPublic(key ed25519.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: publicDER(key)})
}

// ParseReportPublic reads what [EncodeReportPublic] or openssl wrote. The error wraps [ErrKey].
func ParseReportPublic(text string) (ed25519.PublicKey, error) {
	return parsePEM[ed25519.PublicKey](text, pemPublic, "public", x509.ParsePKIXPublicKey)
}

// parsePEM reads the first PEM block of text, which must have the type blockType. parse reads
// its DER and must find a key of type K. Text after the block is ignored. half is "private" or
// "public", for errors, which wrap [ErrKey] and repeat nothing of the text.
func parsePEM[K any](text string, blockType, half string, parse func(der []byte) (any, error)) (key K, err error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != blockType {
		return key, fmt.Errorf("%w: no %s key in it", ErrKey, half)
	}
	parsed, err := parse(block.Bytes)
	key, ok := parsed.(K)
	if err != nil || !ok {
		return key, fmt.Errorf("%w: another kind of %s key", ErrKey, half)
	}
	return key, nil
}

// ReportID names a report key: SHA-256 of the public half's SubjectPublicKeyInfo in DER, in
// hex. So does "openssl pkey -pubin -in public.pem -outform DER | openssl dgst -sha256".
func ReportID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(publicDER(key))
	return hex.EncodeToString(sum[:])
}

func publicDER(key ed25519.PublicKey) []byte {
	der, _ := x509.MarshalPKIXPublicKey(key) // fails for other kinds of keys only
	return der
}
