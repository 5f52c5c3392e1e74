package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli/ui"
)

// No argument may have a password or a token in an address; names, times and other addresses are left alone.
func TestNoSecretsInArguments(t *testing.T) {
	for _, bad := range []string{
		"https://user:pw@tsa.example", "--tsa=http://token@tsa.example/x", "HTTPS://u:p@h", "seen at https://u:p@h/x", "s3://key:secret@b/p", "s3://b/p?endpoint=https://u:p@h",
		"postgres://u:pw@h/db", "postgresql://u:p@h", "postgres:u:pw@h", "postgres:// u:pw@h/db", "postgres://u@h/db?password=pw", "postgres://u@h/db?x=1&sslpassword=pw",
	} {
		assert.Error(t, ui.NoSecrets([]string{"investigate", bad}), bad)
	}
	assert.NoError(t, ui.NoSecrets([]string{
		"postgres://kyc@/postgres?host=/a,/b&port=1,2", "https://tsa.example/a@b", "name@example.org", "17:30", "2026-11-20T10:00:00Z", "C:\\leaks", "s3://b/p?endpoint=https://h:9000",
		"witness.example+0011+AQ==", "leaks/a:b@c.jpg", "mail from a@b: see https://h/x", "http://127.0.0.1:80/x"}))
}

// Credentials come from the file, for their host and scheme alone.
func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	require.NoError(t, os.WriteFile(file, []byte("https://a:1@one.example\nhttps://b:p%40w@two.example:8443\n"), 0o600))
	t.Setenv(ui.CredentialsVariable, file)
	for address, want := range map[string]string{
		"": "", "https://one.example/tsa": "https://a:1@one.example/tsa", "http://one.example/tsa": "http://one.example/tsa",
		"https://TWO.example:8443": "https://b:p%40w@TWO.example:8443", "https://two.example": "https://two.example", "https://three.example": "https://three.example",
	} {
		got, err := ui.WithCredentials(address)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	require.NoError(t, os.WriteFile(file, []byte("https://a:secret@[one\n"), 0o600))
	_, err := ui.WithCredentials("https://one.example")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "secret")
}
