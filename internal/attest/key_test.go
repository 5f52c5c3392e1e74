package attest_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/attest"
)

// fixedKey is a key of tests, and no secret.
func fixedKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func TestKeys(t *testing.T) {
	key, err := attest.GenerateKey()
	require.NoError(t, err)
	text, err := attest.EncodePrivate(key)
	require.NoError(t, err)
	again, err := attest.ParsePrivate(text)
	require.NoError(t, err)
	require.Equal(t, key, again)

	open, err := attest.EncodePublic(public(key))
	require.NoError(t, err)
	pub, err := attest.ParsePublic(open)
	require.NoError(t, err)
	require.Equal(t, public(key), pub)

	for name, bad := range map[string][]byte{"empty": nil, "words": []byte("a key"), "the other half": open,
		"rubbish": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})} {
		_, err := attest.ParsePrivate(bad)
		assert.ErrorIs(t, err, attest.ErrKey, name)
	}
	other, err := x509.MarshalPKCS8PrivateKey(newKey(t, false))
	require.NoError(t, err)
	_, err = attest.ParsePrivate(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: other}))
	require.ErrorIs(t, err, attest.ErrKey)
	_, err = attest.ParsePublic(text)
	require.ErrorIs(t, err, attest.ErrKey)
}

// The key of RFC 8410 section 10; its ID by "openssl pkey -pubin -outform DER | openssl dgst -sha256".
func TestKeyVectors(t *testing.T) {
	key, err := attest.ParsePrivate([]byte("-----BEGIN PRIVATE KEY-----\n" +
		"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"))
	require.NoError(t, err)
	text, err := attest.EncodePublic(public(key))
	require.NoError(t, err)
	require.Equal(t, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n", string(text))
	require.Equal(t, "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f", attest.KeyID(public(key)))
}

func TestKeysOfOpenssl(t *testing.T) {
	out, err := exec.Command(openssl(t), "genpkey", "-algorithm", "ed25519").Output()
	require.NoError(t, err)
	key, err := attest.ParsePrivate(out)
	require.NoError(t, err)
	text, err := attest.EncodePrivate(key)
	require.NoError(t, err)
	require.Equal(t, string(out), string(text))

	cmd := exec.Command(openssl(t), "pkey", "-pubout")
	cmd.Stdin = bytes.NewReader(text)
	out, err = cmd.Output()
	require.NoError(t, err)
	open, err := attest.EncodePublic(public(key))
	require.NoError(t, err)
	require.Equal(t, strings.TrimSpace(string(out)), strings.TrimSpace(string(open)))
}

// A wrongSigner signs other bytes than it is given.
type wrongSigner struct{ ed25519.PrivateKey }

func (w wrongSigner) Sign(r io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	return w.PrivateKey.Sign(r, append([]byte("x"), message...), opts)
}
