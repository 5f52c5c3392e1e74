package seal_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"io"
)

// fixedKey is a key of tests, and no secret.
func fixedKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// A wrongSigner signs other bytes than it is given.
type wrongSigner struct{ ed25519.PrivateKey }

func (w wrongSigner) Sign(r io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	return w.PrivateKey.Sign(r, append([]byte("x"), message...), opts)
}
