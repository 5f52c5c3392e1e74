package keyfile_test

import (
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// passphrased names a file with a passphrase.
func passphrased(t *testing.T, words string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "passphrase")
	require.NoError(t, os.WriteFile(file, []byte(words+"\n"), 0o600))
	t.Setenv(keyfile.Variable, file)
}

// New keys are encrypted, and come back. A wrong passphrase, and no passphrase, are said; nothing secret is.
func TestPassphrase(t *testing.T) {
	passphrased(t, "correct horse")
	dir := t.TempDir()
	path := filepath.Join(dir, "mark.key")
	key := watermark.GenerateKey()
	require.NoError(t, keyfile.CreateMark(path, key))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), key.Secret())
	require.False(t, keyfile.Plain(path))
	block, _ := pem.Decode(text)
	require.Regexp(t, `^age-encryption\.org/v1\n-> scrypt \S+ 16\n`, string(block.Bytes), "what a guess costs")
	got, err := keyfile.ReadMark(path)
	require.NoError(t, err)
	require.Equal(t, key.Secret(), got.Secret())

	private, public := filepath.Join(dir, "ledger.key"), filepath.Join(dir, "ledger.pub")
	require.NoError(t, keyfile.CreateLedger(private, public, "PRIVATE+KEY+a+00000000+AA==", "a+00000000+AA=="))
	require.False(t, keyfile.Plain(private))
	require.True(t, keyfile.Plain(public), "public keys stay readable")

	passphrased(t, "battery staple")
	_, err = keyfile.ReadMark(path)
	require.EqualError(t, err, "key file "+path+": wrong passphrase")
	require.ErrorIs(t, err, keyfile.ErrPassphrase)
	passphrased(t, "")
	_, err = keyfile.ReadMark(path)
	require.ErrorIs(t, err, keyfile.ErrPassphrase)
	t.Setenv(keyfile.Variable, filepath.Join(dir, "nothing"))
	_, err = keyfile.ReadMark(path)
	require.ErrorIs(t, err, keyfile.ErrPassphrase)
	require.NotErrorIs(t, err, fs.ErrNotExist, "the key is not missing")
	require.ErrorIs(t, keyfile.CreateSeal(filepath.Join(dir, "seal.key"), registry.GenerateSealKey()), keyfile.ErrPassphrase)
	require.NoFileExists(t, filepath.Join(dir, "seal.key"))
}

// testdata/age.key was written by "age -p -a" 1.3.2. Every bit of it counts.
func TestFilesOfAge(t *testing.T) {
	passphrased(t, "correct horse")
	_, err := keyfile.ReadMark("testdata/age.key")
	require.ErrorIs(t, err, watermark.ErrKey, "opened, and no mark key")

	private, _, err := tlog.GenerateKey("example.org/ledger")
	require.NoError(t, err)
	text, err := keyfile.Encrypt(private+"\n", []byte("correct horse"), 4)
	require.NoError(t, err)
	for i, bad := range []string{text[:len(text)/2], strings.Replace(text, "\nYWdl", "\nYWdm", 1), text[:200] + string(text[200]^1) + text[201:], text[:len(text)-50] + "AA" + text[len(text)-48:], "age-encryption.org/v1\n-> X25519 a\nb\n--- c\n" + strings.Repeat("x", 40), "age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 40\nb\n--- c\n" + strings.Repeat("x", 40)} {
		path := filepath.Join(t.TempDir(), "a.key")
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		_, err := keyfile.ReadLedger(path)
		assert.ErrorContains(t, err, "key file "+path, "%d", i)
	}
	path := filepath.Join(t.TempDir(), "a.key")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	_, err = keyfile.ReadLedger(path)
	require.NoError(t, err)
}
