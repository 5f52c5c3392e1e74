package home_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/home"
	"github.com/kycmark/kycmark/internal/keyfile"
)

// The accounts at capture vendors are read with their secrets, without the line feeds of their files. What is wrong is
// said with the hook's name, and never with a secret.
func TestHooks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kyc")
	_, err := home.Create(t.Context(), dir, "", nil)
	require.NoError(t, err)
	for name, text := range map[string]string{"secret": "of ours and theirs\n", "token": " tok \r\n", "api": "sig\n", "empty": "\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "keys", name), []byte(text), 0o600))
	}
	config := filepath.Join(dir, "kycmark.toml")
	own, err := os.ReadFile(config)
	require.NoError(t, err)
	with := func(lines string) *home.Home {
		require.NoError(t, os.WriteFile(config, []byte(string(own)+lines), 0o600))
		h, err := home.Open(dir)
		require.NoError(t, err)
		return h
	}
	none, err := home.HooksOf(with(""))
	require.NoError(t, err)
	require.Empty(t, none)

	const most = "[hooks.eu]\nvendor = \"sumsub\"\nrecipient = \"vendor-a\"\napi = \"https://api.example.com\"\n"
	h := with(most + "secret = \"keys/secret\"\ntoken = \"keys/token\"\napi_secret = \"keys/api\"\n")
	got, err := home.HooksOf(h)
	require.NoError(t, err)
	want := home.Hook{Vendor: "sumsub", Recipient: "vendor-a", API: "https://api.example.com", Secret: "of ours and theirs", Token: "tok", APISecret: "sig"}
	require.Equal(t, map[string]home.Hook{"eu": want}, got)
	require.Contains(t, h.KeyFiles(), filepath.Join(dir, "keys", "secret"), "the command warns if others can read it")

	for lines, says := range map[string]string{
		"token = \"keys/token\"\n":                            `hook "eu": want vendor, recipient, secret, api and token`,
		"secret = \"keys/missing\"\ntoken = \"keys/token\"\n": "missing",
		"secret = \"keys/empty\"\ntoken = \"keys/token\"\n":   "keys/empty is empty",
	} {
		_, err := home.HooksOf(with(most + lines))
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "tok\"")
	}
}

// The addresses that are told what happens are read with their secrets.
func TestWebhooks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kyc")
	_, err := home.Create(t.Context(), dir, "", nil)
	require.NoError(t, err)
	for name, text := range map[string]string{"hook": "whsec_abc\n", "empty": " \n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "keys", name), []byte(text), 0o600))
	}
	config := filepath.Join(dir, "kycmark.toml")
	own, err := os.ReadFile(config)
	require.NoError(t, err)
	with := func(lines string) *home.Home {
		require.NoError(t, os.WriteFile(config, []byte(string(own)+"[webhooks.siem]\n"+lines), 0o600))
		h, err := home.Open(dir)
		require.NoError(t, err)
		return h
	}
	h := with("url = \"https://siem.example.com/k\"\nsecret = \"keys/hook\"\nevents = [\"copy.void\"]\n")
	got, err := home.WebhooksOf(h)
	require.NoError(t, err)
	require.Equal(t, map[string]home.Webhook{"siem": {URL: "https://siem.example.com/k", Secret: "whsec_abc", Events: []string{"copy.void"}}}, got)
	require.Contains(t, h.KeyFiles(), filepath.Join(dir, "keys", "hook"), "the command warns if others can read it")
	for lines, says := range map[string]string{
		"url = \"https://siem.example.com\"\n":                            `webhook "siem": want url and secret`,
		"url = \"https://siem.example.com\"\nsecret = \"keys/missing\"\n": "missing",
		"url = \"https://siem.example.com\"\nsecret = \"keys/empty\"\n":   "keys/empty is empty",
	} {
		_, err := home.WebhooksOf(with(lines))
		require.ErrorContains(t, err, says)
	}
}

// Opponent's story: "key protect" encrypts what kycmark.toml names, and the service takes the encrypted text for the secret: each
// event is answered with 401.
func TestProtectedSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kyc")
	_, err := home.Create(t.Context(), dir, "", nil)
	require.NoError(t, err)
	pass := filepath.Join(dir, "pass")
	for name, text := range map[string]string{"pass": "a passphrase\n", "keys/secret": "of theirs\n", "keys/token": "tok\n", "keys/api": "sig\n", "keys/hook": "whsec_abc\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	config, err := os.OpenFile(filepath.Join(dir, "kycmark.toml"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = config.WriteString(`[hooks.eu]
vendor = "sumsub"
recipient = "vendor-a"
api = "https://api.example.com"
secret = "keys/secret"
token = "keys/token"
api_secret = "keys/api"
[webhooks.siem]
url = "https://siem.example.com"
secret = "keys/hook"
`)
	require.NoError(t, errors.Join(err, config.Close()))
	h, err := home.Open(dir)
	require.NoError(t, err)
	hooks, err := home.HooksOf(h)
	require.NoError(t, err)
	webhooks, err := home.WebhooksOf(h)
	require.NoError(t, err)

	t.Setenv("KYCMARK_PASSPHRASE_FILE", pass)
	work := keyfile.Work
	defer func() { keyfile.Work = work }()
	keyfile.Work = 4
	for _, file := range h.KeyFiles() {
		_, err := keyfile.Protect(file, false)
		require.NoError(t, err)
		require.False(t, keyfile.Plain(file))
	}
	got, err := home.HooksOf(h)
	require.NoError(t, err)
	require.Equal(t, hooks, got)
	notices, err := home.WebhooksOf(h)
	require.NoError(t, err)
	require.Equal(t, webhooks, notices)

	require.NoError(t, os.WriteFile(pass, []byte("another\n"), 0o600))
	_, err = home.HooksOf(h)
	require.ErrorIs(t, err, keyfile.ErrPassphrase)
	require.ErrorContains(t, err, `hook "eu"`)
}
