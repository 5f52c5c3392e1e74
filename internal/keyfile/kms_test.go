package keyfile_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/internal/test/kmstest"
	"github.com/kycmark/kycmark/watermark"
)

// New keys are wrapped by a service, and come back from it alone. The service does not see them.
func TestKMS(t *testing.T) {
	server := kmstest.New(t)
	t.Setenv("KYCMARK_KMS_KEY", "transit/kyc")
	path := filepath.Join(t.TempDir(), "mark.key")
	key := watermark.GenerateKey()
	require.NoError(t, keyfile.CreateMark(path, key))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(text), key.Secret())
	require.False(t, keyfile.Plain(path))
	t.Setenv("KYCMARK_KMS_KEY", "") // a file says which key it needs
	got, err := keyfile.ReadMark(path)
	require.NoError(t, err)
	require.Equal(t, key.Secret(), got.Secret())

	refused := func(want string) {
		t.Helper()
		began := time.Now()
		_, err := keyfile.ReadMark(path)
		require.ErrorIs(t, err, keyfile.ErrKMS)
		require.ErrorContains(t, err, "key file "+path+": KMS: ")
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), kmstest.Token)
		require.Less(t, time.Since(began), 5*time.Second)
	}
	host := strings.TrimPrefix(server.URL, "http://")
	t.Setenv("VAULT_TOKEN", "hvs.another")
	refused(host + ", decrypt with transit/kyc: status 403, want 200: VAULT_TOKEN is refused")
	t.Setenv("VAULT_TOKEN", "")
	refused("VAULT_TOKEN is not set, want a token of " + host)
	t.Setenv("VAULT_TOKEN", "two\nlines")
	refused("VAULT_TOKEN has a line break")
	t.Setenv("VAULT_TOKEN", kmstest.Token)
	for _, address := range []string{"", "127.0.0.1:8200", "http://vault.example:8200", "http://localhost:8200", "https://user:" + kmstest.Token + "@vault.example", "https://%zz" + kmstest.Token} {
		t.Setenv("VAULT_ADDR", address)
		refused("want https")
	}
	t.Setenv("VAULT_ADDR", "http://127.0.0.1:1")
	refused("127.0.0.1:1, decrypt with transit/kyc: no answer: dial tcp 127.0.0.1:1: connect")
	t.Setenv("VAULT_ADDR", "https://"+host)
	refused("no answer: the service does not speak https")
	t.Setenv("VAULT_ADDR", server.URL)
	server.Renew()
	refused("status 400, want 200: another key, no such key, or an altered file")
	server.Close()
	refused("no answer")
	t.Setenv("KYCMARK_KMS_KEY", "transit/kyc")
	more := filepath.Join(t.TempDir(), "mark.key")
	require.ErrorIs(t, keyfile.CreateMark(more, key), keyfile.ErrKMS)
	require.NoFileExists(t, more)
	for _, name := range []string{"kyc", "/kyc", "transit/../kyc", "transit/..", "transit/a b", "transit//kyc", "transit/kyc?x"} {
		t.Setenv("KYCMARK_KMS_KEY", name)
		require.ErrorContains(t, keyfile.CreateMark(more, key), "want ENGINE/NAME", name)
	}
}

// A hostile service gets no key, no file is made that it would not open, and no answer takes memory, time, or another request.
func TestHostileKMS(t *testing.T) {
	server := kmstest.New(t)
	t.Setenv("KYCMARK_KMS_KEY", "transit/kyc")
	dir := t.TempDir()
	path := filepath.Join(dir, "mark.key")
	require.NoError(t, keyfile.CreateMark(path, watermark.GenerateKey()))
	elsewhere := kmstest.New(t)
	t.Setenv("VAULT_ADDR", server.URL)
	says := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	raw := func(format string) http.HandlerFunc { // an echo of the token in what is no HTTP
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				fmt.Fprintf(conn, format, r.Header.Get("X-Vault-Token")+"\x1b")
				conn.Close()
			}
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"empty": says(""), "garbage": says("\x00\x1b[2J<html>"), "no data": says(`{"data":null}`), "another type": says(`{"data":{"ciphertext":7,"plaintext":"***"}}`),
		"another file key": says(`{"data":{"ciphertext":"vault:v1:AAAA","plaintext":"AAAAAAAAAAAAAAAAAAAAAA=="}}`), "short": says(`{"data":{"ciphertext":"vault:v1:AAAA","plaintext":"AA=="}}`),
		"lines": says(`{"data":{"ciphertext":"vault:v1:AA\n-> scrypt","plaintext":""}}`), "long": says(`{"data":{"ciphertext":"` + strings.Repeat("A", 2000) + `"}}`),
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		},
		"echo": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("X-Vault-Token"), http.StatusTeapot)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"no header": raw("HTTP/1.1 200 OK\r\n%s\r\n\r\n"), "no status": raw("HTTP/1.1 %s\r\n\r\n"), "no HTTP": raw("%s\r\n\r\n"),
		"no trailer": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n0\r\n%s\r\n\r\n"),
		"hangs up":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		server.Hostile.Store(&h)
		asked := server.Asked.Load()
		_, err := keyfile.ReadMark(path)
		require.Error(t, err, name)
		assert.Equal(t, asked+1, server.Asked.Load(), name)
		assert.NotContains(t, err.Error(), kmstest.Token, name)
		assert.NotContains(t, err.Error(), "\x1b", name)
		require.ErrorIs(t, keyfile.CreateMark(filepath.Join(dir, "new.key"), watermark.GenerateKey()), keyfile.ErrKMS, name)
		_, err = keyfile.Protect(path, false)
		require.Error(t, err, name)
	}
	assert.Zero(t, elsewhere.Asked.Load(), "the token goes nowhere else")
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	server.Hostile.Store(&slow)
	defer keyfile.WaitForKMS(200 * time.Millisecond)()
	_, err := keyfile.ReadMark(path)
	require.ErrorContains(t, err, "context deadline exceeded")
	server.Hostile.Store(nil)
	_, err = keyfile.ReadMark(path)
	require.NoError(t, err, "the file is as it was")
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{path}, left)
}

// A key is encrypted and decrypted in its place, also behind a link, and what a killed command left goes.
func TestProtect(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "mark.key"), filepath.Join(t.TempDir(), "mark.key")
	key := watermark.GenerateKey()
	require.NoError(t, keyfile.CreateMark(path, key))
	require.NoError(t, os.Chmod(path, 0o644))
	require.NoError(t, os.Symlink(path, link))
	left := filepath.Join(dir, ".kycmark-0011223344556677.tmp")
	require.NoError(t, os.WriteFile(left, []byte(key.Secret()), 0o600))
	same := func(plain bool) {
		t.Helper()
		got, err := keyfile.ReadMark(link)
		require.NoError(t, err)
		require.Equal(t, key.Secret(), got.Secret())
		require.Equal(t, plain, keyfile.Plain(path))
		require.False(t, keyfile.Exposed(path))
		info, err := os.Lstat(link)
		require.NoError(t, err)
		require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	}
	protect := func(plain bool, want string) {
		t.Helper()
		under, err := keyfile.Protect(link, plain)
		require.NoError(t, err)
		require.Equal(t, want, under)
		same(plain)
	}
	_, err := keyfile.Protect(link, false)
	require.ErrorIs(t, err, keyfile.ErrUnprotected)
	passphrased(t, "correct horse")
	protect(false, "under the passphrase")
	require.NoFileExists(t, left)
	protect(false, "under the passphrase")
	kmstest.New(t)
	t.Setenv("KYCMARK_KMS_KEY", "transit/kyc")
	protect(false, "under the KMS key transit/kyc")
	t.Setenv("KYCMARK_KMS_KEY", "")
	protect(false, "under the passphrase")
	protect(true, "plain")
	protect(true, "plain")
	long := filepath.Join(dir, "long.key") // plain it can be read, encrypted it could not
	require.NoError(t, os.WriteFile(long, []byte(strings.Repeat("# x\n", 14<<10)+key.Secret()), 0o600))
	_, err = keyfile.Protect(long, false)
	require.ErrorContains(t, err, "limit is 65536")
	_, err = keyfile.ReadMark(long)
	require.NoError(t, err)
	_, err = keyfile.Protect(os.DevNull, true)
	require.ErrorIs(t, err, intake.ErrNotRegular)
	t.Setenv("VAULT_TOKEN", "hvs.another")
	t.Setenv("KYCMARK_KMS_KEY", "transit/kyc")
	_, err = keyfile.Protect(link, false)
	require.ErrorIs(t, err, keyfile.ErrKMS)
	same(true)
}
