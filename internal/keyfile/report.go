package keyfile

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// ErrKey is wrapped when a key is no Ed25519 key in PEM.
var ErrKey = errors.New("not an Ed25519 key in PEM")

const (
	pemPrivate = "PRIVATE KEY" // PKCS #8, RFC 5958
	pemPublic  = "PUBLIC KEY"  // SubjectPublicKeyInfo, RFC 5280 section 4.1
)

// GenerateKey makes a report key.
func GenerateKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// EncodePrivate is the key as openssl reads it (PKCS #8). It is secret.
func EncodePrivate(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: der}), nil
}

// ParsePrivate reads what [EncodePrivate] or "openssl genpkey -algorithm ed25519"
// wrote. The error wraps [ErrKey] and repeats nothing of the text.
func ParsePrivate(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemPrivate {
		return nil, fmt.Errorf("%w: no private key in it", ErrKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: another kind of private key", ErrKey)
	}
	return key, nil
}

// EncodePublic is the public half as openssl reads it.
func EncodePublic(key ed25519.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der}), nil
}

// ParsePublic reads what [EncodePublic] or "openssl pkey -pubout" wrote. The error
// wraps [ErrKey].
func ParsePublic(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemPublic {
		return nil, fmt.Errorf("%w: no public key in it", ErrKey)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: another kind of public key", ErrKey)
	}
	return key, nil
}

// KeyID names a public key: SHA-256 of its SubjectPublicKeyInfo in DER, in hex. So
// does "openssl pkey -pubin -in public.pem -outform DER | openssl dgst -sha256".
func KeyID(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "" // of no key that was parsed or generated
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
