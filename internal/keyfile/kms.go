package keyfile

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/kycmark/kycmark/internal/intake"
)

// ErrKMS is wrapped if a key management service does not wrap or open a key file.
var ErrKMS = errors.New("KMS")

// Variables of the environment. Vault's own command reads the last two. A namespace stands before the engine: NAMESPACE/ENGINE/NAME.
const (
	kmsVariable = "KYCMARK_KMS_KEY" // ENGINE/NAME, such as transit/kyc: the key that wraps new key files
	kmsAddress  = "VAULT_ADDR"
	kmsToken    = "VAULT_TOKEN"

	maxAnswer = 64 << 10 // bytes. Real answers have about 300
)

var (
	kmsTimeout = 15 * time.Second // of a request with its answer. Chosen; tests wait for less
	kmsName    = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+$`)
	ciphertext = regexp.MustCompile(`^[!-~]{1,100}$`) // a word of a file's head; real ones have 69 characters
	kmsContext = []byte("kycmark key file v1")
)

// A transit is a key in the transit engine of Vault or OpenBao. It is an AEADWithContext of Tink.
type transit struct {
	name    string // ENGINE/NAME
	address *url.URL
	token   string
}

// newTransit returns the key of a name, at the service that the environment names. The address must be of https, or of this
// machine: it gets the token. Errors wrap [ErrKMS] and repeat no secret.
func newTransit(name string) (*transit, error) {
	address, err := url.Parse(os.Getenv(kmsAddress))
	k := &transit{name, address, os.Getenv(kmsToken)}
	switch {
	case !kmsName.MatchString(name) || !fs.ValidPath(name):
		return nil, fmt.Errorf("%w: key %.100q, want ENGINE/NAME, such as transit/kyc", ErrKMS, name)
	case err != nil || address.Host == "" || address.User != nil:
		return nil, fmt.Errorf("%w: %s has no address of a Vault or OpenBao, want https://HOST:8200 without credentials", ErrKMS, kmsAddress)
	case address.Scheme != "https" && (address.Scheme != "http" || !net.ParseIP(address.Hostname()).IsLoopback()):
		return nil, fmt.Errorf("%w: %s is %q, want https, or http at 127.0.0.1", ErrKMS, kmsAddress, address.Scheme)
	case k.token == "":
		return nil, fmt.Errorf("%w: %s is not set, want a token of %s", ErrKMS, kmsToken, address.Host)
	case strings.ContainsFunc(k.token, unicode.IsControl):
		return nil, fmt.Errorf("%w: %s has a line break or another control character in it", ErrKMS, kmsToken)
	}
	return k, nil
}

// EncryptWithContext returns a ciphertext of printable ASCII without spaces. Errors wrap [ErrKMS].
func (k *transit) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	a, err := k.ask(ctx, "encrypt", transitData{Plaintext: plaintext, Associated: associatedData})
	if err == nil && !ciphertext.MatchString(a.Ciphertext) {
		err = fmt.Errorf("%w: %s answers without a ciphertext of 1 to 100 characters", ErrKMS, k.address.Host)
	}
	return []byte(a.Ciphertext), err
}

// DecryptWithContext is the inverse of EncryptWithContext. It does not tell a wrong answer of the service from a right one.
func (k *transit) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	a, err := k.ask(ctx, "decrypt", transitData{Ciphertext: string(ciphertext), Associated: associatedData})
	return a.Plaintext, err
}

// transitData are the values of requests and answers. JSON has bytes in base64, as the engine wants.
type transitData struct {
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Associated []byte `json:"associated_data,omitempty"`
}

// ask posts a request to the engine, once. No redirect gets the token. Errors wrap [ErrKMS] without the answer.
func (k *transit) ask(ctx context.Context, do string, in transitData) (transitData, error) {
	ctx, cancel := context.WithTimeout(ctx, kmsTimeout)
	defer cancel()
	fail := func(format string, args ...any) (transitData, error) {
		return transitData{}, fmt.Errorf("%w: %s, %s with %s: %w", ErrKMS, k.address.Host, do, k.name, fmt.Errorf(format, args...))
	}
	body, _ := json.Marshal(in) // never fails
	to := k.address.JoinPath("v1", path.Dir(k.name), do, path.Base(k.name))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return fail("no request")
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "X-Vault-Request": {"true"}, "X-Vault-Token": {k.token}}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fail("no answer: %w", unquoted(err, "the service does not speak "+to.Scheme+", or broke off"))
	}
	defer resp.Body.Close()
	text, err := intake.ReadAll(resp.Body, 0, maxAnswer)
	if err != nil {
		return fail("its answer: %w", unquoted(err, fmt.Sprintf("it broke off, or has more than %d bytes", maxAnswer)))
	}
	if resp.StatusCode != http.StatusOK {
		return fail("status %d, want 200: %s", resp.StatusCode, cmp.Or(refusals[resp.StatusCode], "of no known meaning"))
	}
	var answer struct {
		Data transitData `json:"data"`
	}
	if json.Unmarshal(text, &answer) != nil {
		return fail("its answer is not of a transit engine")
	}
	return answer.Data, nil
}

// unquoted returns an error of the network or of a certificate, without the address, and otherwise for all others: errors
// about HTTP repeat what the service wrote, which may be the token.
func unquoted(err error, otherwise string) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	_, network := errors.AsType[net.Error](err)
	if _, certificate := errors.AsType[*tls.CertificateVerificationError](err); network || certificate {
		return err
	}
	return errors.New(otherwise)
}

// refusals are what states of HTTP mean, by the engine's documentation.
var refusals = map[int]string{
	http.StatusBadRequest:         "another key, no such key, or an altered file",
	http.StatusForbidden:          kmsToken + " is refused",
	http.StatusNotFound:           "no such engine",
	http.StatusServiceUnavailable: "the service is sealed or away",
}

// withKMS wraps with a key of the service, and opens what it wrapped: a file key that does not come back would be lost.
func withKMS(name string) wrapper {
	return func(fileKey []byte) (stanza, body string, err error) {
		k, err := newTransit(name)
		if err != nil {
			return "", "", err
		}
		wrapped, err := k.EncryptWithContext(context.Background(), fileKey, kmsContext)
		if err != nil {
			return "", "", err
		}
		again, err := k.DecryptWithContext(context.Background(), wrapped, kmsContext)
		if err == nil && !bytes.Equal(again, fileKey) {
			err = fmt.Errorf("%w: %s with %s: does not return what it wrapped", ErrKMS, k.address.Host, name)
		}
		return transitStanza + " " + name + " " + string(wrapped), "", err
	}
}
