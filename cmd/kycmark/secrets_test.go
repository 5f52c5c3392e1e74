package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli/ui"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/test/kmstest"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// A whole story with a passphrase or a KMS, credentials and a subject: all verbs work, and no output, row, report or bundle has a
// secret. Subjects are in no file for others. A wrong passphrase, or another key of the KMS, is said at once.
func TestNoSecretIsKept(t *testing.T) {
	if testing.Short() {
		skip.Test(t, "copies are marked without -short only")
	}
	t.Run("passphrase", func(t *testing.T) { noSecretIsKept(t, "wrong passphrase") })
	if !long.On {
		return // TestProtectKilled has keys under a KMS
	}
	t.Run("KMS", func(t *testing.T) {
		server := kmstest.New(t)
		t.Setenv("KYCMARK_KMS_KEY", "transit/kyc")
		noSecretIsKept(t, "another key")
		require.Positive(t, server.Asked.Load())
	})
}

func noSecretIsKept(t *testing.T, wrong string) {
	const pass, password, subject = "planted-passphrase", "planted-password", "planted-subject"
	dir, kms := t.TempDir(), os.Getenv("VAULT_ADDR")
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) { require.NoError(t, os.WriteFile(path(name), []byte(text), 0o600)) }
	write("pass", pass+"\n")
	write("credentials", "https://user:"+password+"@127.0.0.1:1\n")
	require.NoError(t, os.Mkdir(path("up"), 0o700))
	require.NoError(t, os.WriteFile(path("up/"+subject+".jpg"), tiny(t, 1), 0o600))
	var all bytes.Buffer // of what commands print
	run := func(code int, args ...string) string {
		t.Helper()
		cmd := exec.Command("kycmark", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "KYCMARK_HOME="+path("kyc"), "KYCMARK_PASSPHRASE_FILE="+path("pass"), "KYCMARK_CREDENTIALS="+path("credentials"), "AWS_SECRET_ACCESS_KEY="+password, "PGPASSWORD="+password)
		out, _ := cmd.CombinedOutput()
		require.Equal(t, code, cmd.ProcessState.ExitCode(), "%v: %s", args, out)
		all.Write(out)
		return string(out)
	}
	run(0, "init", "kyc")
	assert.NotContains(t, run(0, "doctor"), "unencrypted")
	run(0, "key", "protect", "--plain")
	assert.Contains(t, run(0, "doctor"), "kycmark key protect")
	run(0, "key", "protect")
	run(0, "recipient", "add", "vendor-a", "--kind", "vendor")
	run(0, "submit", "--subject-from", "name", "up")
	run(0, "issue", "--to", "vendor-a", "--all", "--allow-weak", "--out", "copies")
	run(0, "checkpoint")
	run(ui.ExitFatal, "checkpoint", "--witness-url", "https://127.0.0.1:1", "--witness", "w.example+00000000+AQ==")
	run(0, "keygen", "--out", "other.key")
	quiet := all.Len()
	require.Equal(t, ui.ExitUsage, func() int {
		cmd := exec.Command("kycmark", "investigate", "copies", "--bundle", "no.zip", "--tsa", "https://user:"+password+"@127.0.0.1:1")
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "KYCMARK_HOME="+path("kyc"))
		out, _ := cmd.CombinedOutput()
		all.Write(out)
		return cmd.ProcessState.ExitCode()
	}())
	run(0, "investigate", "copies", "--report", "report.html", "--findings", "findings.json", "--bundle", "bundle")
	assert.NotContains(t, all.String()[quiet:], subject, "what an investigation prints")
	run(0, "audit", "--originals")
	run(0, "list", "investigations")
	run(0, "doctor")
	write("pass", "another\n")
	t.Setenv("VAULT_ADDR", kmstest.New(t).URL) // whose keys are others
	assert.Contains(t, run(ui.ExitFatal, "issue", "--to", "vendor-a", "--all", "--out", "more"), wrong)
	write("pass", pass+"\n")
	t.Setenv("VAULT_ADDR", kms)

	t.Setenv("KYCMARK_PASSPHRASE_FILE", path("pass"))
	mark, err := keyfile.ReadMark(path("kyc/keys/mark.key"))
	require.NoError(t, err)
	seal, err := keyfile.ReadSeal(path("kyc/keys/seal.key"))
	require.NoError(t, err)
	ledger, err := keyfile.ReadLedger(path("kyc/keys/ledger.key"))
	require.NoError(t, err)
	files := map[string][]byte{"what was printed": all.Bytes()}
	require.NoError(t, filepath.WalkDir(dir, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, file)
		if name == "pass" || name == "credentials" || strings.HasPrefix(name, "up/") {
			return nil
		}
		files[name], err = os.ReadFile(file)
		return err
	}))
	require.Greater(t, len(files), 10)
	for name, data := range files {
		secrets := []string{pass, password, mark.Secret(), seal.Secret(), ledger, "BEGIN PRIVATE KEY", kmstest.Token}
		if strings.HasPrefix(name, "bundle/") || strings.HasPrefix(name, "copies/") || name == "report.html" || name == "findings.json" {
			secrets = append(secrets, subject)
		}
		for _, secret := range secrets {
			assert.False(t, bytes.Contains(data, []byte(secret)), "%s has %s", name, secret)
		}
	}
}
