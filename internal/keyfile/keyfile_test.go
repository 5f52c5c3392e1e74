package keyfile_test

import (
	"crypto/ed25519"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/tlog"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

func TestKeysComeBack(t *testing.T) {
	dir := t.TempDir()
	mark, seal := watermark.GenerateKey(), registry.GenerateSealKey()
	require.NoError(t, keyfile.CreateMark(filepath.Join(dir, "mark.key"), mark))
	require.NoError(t, keyfile.CreateSeal(filepath.Join(dir, "seal.key"), seal))

	gotMark, err := keyfile.ReadMark(filepath.Join(dir, "mark.key"))
	require.NoError(t, err)
	require.Equal(t, mark.Secret(), gotMark.Secret())
	gotSeal, err := keyfile.ReadSeal(filepath.Join(dir, "seal.key"))
	require.NoError(t, err)
	require.Equal(t, seal.Secret(), gotSeal.Secret())
	if runtime.GOOS == "windows" {
		return // no permission bits
	}
	for _, name := range []string{"mark.key", "seal.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
}

func TestNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mark.key")
	require.NoError(t, keyfile.CreateMark(path, watermark.GenerateKey()))
	before, err := os.ReadFile(path)
	require.NoError(t, err)

	require.ErrorIs(t, keyfile.CreateMark(path, watermark.GenerateKey()), fs.ErrExist)
	require.ErrorIs(t, keyfile.CreateSeal(path, registry.GenerateSealKey()), fs.ErrExist)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// Halves of two keys beside each other would sign what nobody could check.
func TestLedgerKeyIsWrittenWholeOrNotAtAll(t *testing.T) {
	private, public, err := tlog.GenerateKey("a")
	require.NoError(t, err)
	path, publicPath := filepath.Join(t.TempDir(), "ledger.key"), filepath.Join(t.TempDir(), "ledger.pub")
	require.NoError(t, keyfile.CreateLedger(path, publicPath, private, public))
	got, err := keyfile.ReadPublic(publicPath)
	require.NoError(t, err)
	require.Equal(t, public, got)
	damaged := filepath.Join(t.TempDir(), "ledger.key") // one letter of the key is another
	require.NoError(t, os.WriteFile(damaged, []byte(private[:len(private)-8]+string('A'+(private[len(private)-8]-'A'+4)%20)+private[len(private)-7:]), 0o600))
	_, err = keyfile.ReadLedger(damaged)
	require.ErrorIs(t, err, registry.ErrLedgerKey)
	require.ErrorContains(t, err, damaged)

	alone := filepath.Join(t.TempDir(), "ledger.pub")
	require.ErrorIs(t, keyfile.CreateLedger(path, alone, private, public), fs.ErrExist)
	require.NoFileExists(t, alone, "beside the private half of another key")
	alone = filepath.Join(t.TempDir(), "ledger.key")
	require.ErrorIs(t, keyfile.CreateLedger(alone, publicPath, private, public), fs.ErrExist)
	require.NoFileExists(t, alone, "beside the public half of another key")
}

func TestReportKey(t *testing.T) {
	path, publicPath := filepath.Join(t.TempDir(), "report.key"), filepath.Join(t.TempDir(), "report.pub")
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	require.NoError(t, keyfile.CreateReport(path, publicPath, key))
	got, err := keyfile.ReadReport(path)
	require.NoError(t, err)
	require.Equal(t, key, got)
	public, err := keyfile.ReadReportPublic(publicPath)
	require.NoError(t, err)
	require.Equal(t, key.Public(), public)
	require.False(t, keyfile.Exposed(path))
	require.ErrorIs(t, keyfile.CreateReport(path, publicPath, key), fs.ErrExist)

	alone := filepath.Join(t.TempDir(), "report.key")
	require.ErrorIs(t, keyfile.CreateReport(alone, publicPath, key), fs.ErrExist)
	require.NoFileExists(t, alone, "a key whose public half lies elsewhere is not kept")

	_, err = keyfile.ReadReport(publicPath)
	require.ErrorIs(t, err, keyfile.ErrKey)
	_, err = keyfile.ReadReportPublic(path)
	require.ErrorIs(t, err, keyfile.ErrKey)
	_, err = keyfile.ReadLedger(path)
	require.ErrorIs(t, err, registry.ErrLedgerKey)
}

func TestBadFilesSayWhich(t *testing.T) {
	good := watermark.GenerateKey().Secret()
	for name, text := range map[string]string{
		"empty":     "",
		"comments":  "# nothing\n\n# else\n",
		"text":      "correct horse battery staple\n",
		"cut":       good[:len(good)-5],
		"changed":   good[:len(good)-1] + string('A'+(good[len(good)-1]-'A'+4)%20),
		"twice":     good + "\n" + good + "\n",
		"huge line": strings.Repeat("x", 65<<10),
		"huge":      strings.Repeat("# x\n", 17<<10),
		"binary":    "\xff\xd8\xff\xe0\x00\x00",
	} {
		path := filepath.Join(t.TempDir(), "a.key")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		for kind, read := range map[string]func() error{
			"mark":   func() error { _, err := keyfile.ReadMark(path); return err },
			"seal":   func() error { _, err := keyfile.ReadSeal(path); return err },
			"report": func() error { _, err := keyfile.ReadReport(path); return err },
			"public": func() error { _, err := keyfile.ReadReportPublic(path); return err },
		} {
			err := read()
			if assert.Error(t, err, "%s as %s", name, kind) {
				assert.Contains(t, err.Error(), "key file "+path+": ", "%s as %s", name, kind)
				assert.NotContains(t, err.Error(), "battery", "%s as %s: secrets are not repeated", name, kind)
				assert.NotContains(t, err.Error(), "KEY-1-", "%s as %s: secrets are not repeated", name, kind)
				assert.NotContains(t, err.Error(), "\n", "%s as %s: one line", name, kind)
			}
		}
	}
}

func TestKindsAreNotMixedUp(t *testing.T) {
	dir := t.TempDir()
	mark, seal := filepath.Join(dir, "mark"), filepath.Join(dir, "seal")
	require.NoError(t, keyfile.CreateMark(mark, watermark.GenerateKey()))
	require.NoError(t, keyfile.CreateSeal(seal, registry.GenerateSealKey()))
	_, err := keyfile.ReadMark(seal)
	require.ErrorIs(t, err, watermark.ErrKey)
	_, err = keyfile.ReadSeal(mark)
	require.Error(t, err)
}

func TestMissingAndFolder(t *testing.T) {
	dir := t.TempDir()
	_, err := keyfile.ReadMark(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = keyfile.ReadMark(dir)
	require.ErrorContains(t, err, "is a folder")
}

func TestExposed(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no permission bits
	}
	path := filepath.Join(t.TempDir(), "a.key")
	require.NoError(t, keyfile.CreateMark(path, watermark.GenerateKey()))
	require.False(t, keyfile.Exposed(path))
	require.NoError(t, os.Chmod(path, 0o640))
	require.True(t, keyfile.Exposed(path))
	require.False(t, keyfile.Exposed(path+".none"))
}
