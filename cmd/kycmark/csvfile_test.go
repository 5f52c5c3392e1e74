package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/cli"
	bookverbs "github.com/kycmark/kycmark/internal/cli/books"
	"github.com/kycmark/kycmark/internal/cli/ui"
)

// A table whose last quote is never closed is not read into memory as a whole: a manifest names the line.
func TestEndlessField(t *testing.T) {
	dir := t.TempDir()
	endless := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Truncate(path, ui.MaxSmall+1<<16), "the rest is zeros")
		return path
	}
	var usage *ui.UsageError
	uploads, done, err := bookverbs.ManifestUploads(endless("manifest.csv", "file\na.jpg\n\"b.jpg"))
	require.NoError(t, err)
	defer done()
	var errs []error
	for u := range uploads {
		errs = append(errs, u.Err)
	}
	require.Len(t, errs, 2)
	assert.ErrorContains(t, errs[1], "more than 67108864 bytes")

	_, err = ui.OpenCSV(endless("headings.csv", ""), 1, "file")
	assert.NotErrorAs(t, err, &usage)
	assert.ErrorContains(t, err, "headings.csv: more than 67108864 bytes")
}

// A manifest may be of any length, if its lines are short.
func TestLongManifest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.csv")
	const lines = ui.MaxSmall>>20 + 1
	line := "none.jpg," + strings.Repeat("x", 1<<20) + "\n"
	require.NoError(t, os.WriteFile(path, []byte("file,subject\n"+strings.Repeat(line, lines)), 0o600))
	uploads, done, err := bookverbs.ManifestUploads(path)
	require.NoError(t, err)
	defer done()
	n := 0
	for u := range uploads {
		require.ErrorContains(t, u.Err, "none.jpg: no such file")
		n++
	}
	require.Equal(t, lines, n)
}

// So may a list of subjects: its lines after 64 MiB are entered as the lines before.
func TestLongListOfSubjects(t *testing.T) {
	dir := t.TempDir()
	home, path := filepath.Join(dir, "kyc"), filepath.Join(dir, "subjects.csv")
	var out, errs bytes.Buffer
	require.Equal(t, ui.ExitDone, cli.Run(t.Context(), []string{"init", home}, nil, &out, &errs), &errs)
	errs.Reset()
	const lines = ui.MaxSmall>>20 + 1
	line := strings.Repeat("x", 1<<20) + "," + strings.Repeat("0", 32) + "\n"
	require.NoError(t, os.WriteFile(path, []byte("subject,submission\n"+strings.Repeat(line, lines)), 0o600))
	require.Equal(t, ui.ExitSome, cli.Run(t.Context(), []string{"subject", "set", "--home", home, "--manifest", path}, nil, &out, &errs))
	assert.Equal(t, lines, strings.Count(errs.String(), "subject reference"), "each line says that its subject is too long")
	assert.NotContains(t, errs.String(), "closing quote")
}

// Each line of a manifest is an upload or an error, whatever the file is.
func FuzzManifest(f *testing.F) {
	dir := f.TempDir()
	require.NoError(f, os.WriteFile(filepath.Join(dir, "a.jpg"), []byte("x"), 0o600))
	for _, text := range []string{"file,subject,at\na.jpg,s,2018-02-03\n", "\ufefffile\n\"a.jpg\"\nb.jpg\n", "at,file\n2018-02-03T04:05:06Z,a.jpg\n", "subject\nx\n", "file\n\"a"} {
		f.Add([]byte(text))
	}
	path := filepath.Join(dir, "m.csv")
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(path, data, 0o600))
		uploads, done, err := bookverbs.ManifestUploads(path)
		if err != nil {
			return
		}
		for u := range uploads {
			require.NotEmpty(t, u.Name)
			require.True(t, (u.Open == nil) == (u.Err != nil))
		}
		require.NoError(t, done())
	})
}

// A receipt's key and signature are read from any file, or refused.
func FuzzReceipt(f *testing.F) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(f, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(f, err)
	f.Add([]byte(public), ed25519.Sign(private, []byte("x")))
	f.Add(der, []byte(strings.Repeat("0a", 64)))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), []byte("-"))
	key, sig := filepath.Join(f.TempDir(), "key"), filepath.Join(f.TempDir(), "sig")
	f.Fuzz(func(t *testing.T, public, signature []byte) {
		require.NoError(t, os.WriteFile(key, public, 0o600))
		require.NoError(t, os.WriteFile(sig, signature, 0o600))
		_, _, _ = bookverbs.SignatureOf(key, sig)
	})
}
