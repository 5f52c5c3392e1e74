package keyfile_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/test/skip"
)

func TestKeys(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	text := keyfile.EncodeReport(key)
	again, err := keyfile.ParseReport(string(text))
	require.NoError(t, err)
	require.Equal(t, key, again)

	open := keyfile.EncodeReportPublic(key.Public().(ed25519.PublicKey))
	pub, err := keyfile.ParseReportPublic(string(open))
	require.NoError(t, err)
	require.Equal(t, key.Public().(ed25519.PublicKey), pub)

	for name, bad := range map[string][]byte{"empty": nil, "words": []byte("a key"), "the other half": open,
		"rubbish": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})} {
		_, err := keyfile.ParseReport(string(bad))
		assert.ErrorIs(t, err, keyfile.ErrKey, name)
	}
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := x509.MarshalPKCS8PrivateKey(ecdsaKey)
	require.NoError(t, err)
	_, err = keyfile.ParseReport(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: other})))
	require.ErrorIs(t, err, keyfile.ErrKey)
	_, err = keyfile.ParseReportPublic(string(text))
	require.ErrorIs(t, err, keyfile.ErrKey)
}

// The key of RFC 8410 section 10; its ID by "openssl pkey -pubin -outform DER | openssl dgst -sha256".
func TestKeyVectors(t *testing.T) {
	key, err := keyfile.ParseReport("-----BEGIN PRIVATE KEY-----\n" +
		"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n")
	require.NoError(t, err)
	text := keyfile.EncodeReportPublic(key.Public().(ed25519.PublicKey))
	require.Equal(t, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n", string(text))
	require.Equal(t, "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f", keyfile.ReportID(key.Public().(ed25519.PublicKey)))
}

func TestKeysOfOpenssl(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		skip.Test(t, "openssl is not installed: its keys were not read")
	}
	out, err := exec.Command(openssl, "genpkey", "-algorithm", "ed25519").Output()
	require.NoError(t, err)
	key, err := keyfile.ParseReport(string(out))
	require.NoError(t, err)
	text := keyfile.EncodeReport(key)
	require.Equal(t, string(out), string(text))

	cmd := exec.Command(openssl, "pkey", "-pubout")
	cmd.Stdin = bytes.NewReader(text)
	out, err = cmd.Output()
	require.NoError(t, err)
	open := keyfile.EncodeReportPublic(key.Public().(ed25519.PublicKey))
	require.Equal(t, strings.TrimSpace(string(out)), strings.TrimSpace(string(open)))
}
