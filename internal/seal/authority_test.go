package seal_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/seal"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// stamped is the time that the authorities of tests state. It is that of the test: package pkcs7
// signs its own time, too, which must fall into the certificate's.
var stamped = time.Now().UTC().Truncate(time.Second)

// An authority is a timestamp authority of a test: a root, and a certificate by it
// that signs.
type authority struct {
	root, cert *x509.Certificate
	rootKey    crypto.Signer
	key        crypto.Signer
	time       time.Time
	change     func(*timestamp.Timestamp) // of an answer, before it is signed
}

// stampUsage is the extended key usage that RFC 3161 asks for.
func stampUsage(critical bool, more ...asn1.ObjectIdentifier) pkix.Extension {
	value, err := asn1.Marshal(append([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}}, more...))
	if err != nil {
		panic(err)
	}
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: critical, Value: value}
}

// newAuthority makes one whose certificate is changed by change, if not nil.
func newAuthority(t testing.TB, change func(*x509.Certificate)) *authority {
	t.Helper()
	a := &authority{time: stamped, rootKey: newKey(t, false), key: newKey(t, false)}
	a.root = issue(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"},
		NotBefore: stamped.AddDate(-5, 0, 0), NotAfter: stamped.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, a.rootKey, a.rootKey)
	a.renew(t, a.key, change)
	return a
}

// renew gives the authority another certificate.
func (a *authority) renew(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "Test Authority"},
		NotBefore: stamped.AddDate(-1, 0, 0), NotAfter: stamped.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{stampUsage(true)},
	}
	if change != nil {
		change(c)
	}
	a.key, a.cert = key, issue(t, c, a.root, key, a.rootKey)
}

func newKey(t testing.TB, withRSA bool) crypto.Signer {
	t.Helper()
	if withRSA {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		require.NoError(t, err)
		return key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

// issue signs c for key; it signs itself without an issuer.
func issue(t testing.TB, c, issuer *x509.Certificate, key, issuerKey crypto.Signer) *x509.Certificate {
	t.Helper()
	if issuer == nil {
		issuer = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, key.Public(), issuerKey)
	require.NoError(t, err)
	out, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return out
}

// answer answers a request.
func (a *authority) answer(query []byte) ([]byte, error) {
	req, err := timestamp.ParseRequest(query)
	if err != nil {
		return nil, err
	}
	ts := &timestamp.Timestamp{
		HashAlgorithm: req.HashAlgorithm, HashedMessage: req.HashedMessage, Nonce: req.Nonce,
		Time: a.time, Accuracy: time.Second, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1},
		AddTSACertificate: req.Certificates,
	}
	if a.change != nil {
		a.change(ts)
	}
	return ts.CreateResponseWithOpts(a.cert, a.key, crypto.SHA256)
}

// stamp is an answer for a digest, without a nonce.
func (a *authority) stamp(t testing.TB, digest [32]byte) []byte {
	t.Helper()
	query, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true}).Marshal()
	require.NoError(t, err)
	out, err := a.answer(query)
	require.NoError(t, err)
	return out
}

// content is the signed content (TSTInfo) of an answer.
func content(t testing.TB, answer []byte) []byte {
	t.Helper()
	ts, err := timestamp.ParseResponse(answer)
	require.NoError(t, err)
	p7, err := pkcs7.Parse(ts.RawToken)
	require.NoError(t, err)
	return p7.Content
}

// granted wraps a token in an answer.
func granted(t testing.TB, token []byte) []byte {
	t.Helper()
	out, err := asn1.Marshal(struct {
		Status struct{ Status int }
		Token  asn1.RawValue
	}{Token: asn1.RawValue{FullBytes: token}})
	require.NoError(t, err)
	return out
}

// tsa is the authority behind a server.
func (a *authority) tsa(t testing.TB) *seal.TSA {
	t.Helper()
	return a.tsaBy(t, a.answer)
}

func (a *authority) tsaBy(t testing.TB, answer func([]byte) ([]byte, error)) *seal.TSA {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "application/timestamp-query", r.Header.Get("Content-Type"))
		out, err := answer(query)
		if !assert.NoError(t, err) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.Write(out)
	}))
	t.Cleanup(s.Close)
	return &seal.TSA{URL: s.URL, Trusted: []*x509.Certificate{a.root}}
}

// openssl is the path of the program, which .ci/run installs.
func openssl(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		skip.Test(t, "openssl is not installed: what it signs and checks was not compared")
	}
	return path
}

// byOpenssl answers as the authority by "openssl ts -reply", which states the time of
// its machine. essAlgorithm is the digest by which it names its certificate.
func (a *authority) byOpenssl(t testing.TB, essAlgorithm string) func([]byte) ([]byte, error) {
	t.Helper()
	program, dir := openssl(t), t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	require.NoError(t, err)
	write := func(name string, data []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	write("serial", []byte("0A\n"))
	write("tsa.cnf", fmt.Appendf(nil, `[tsa]
default_tsa = here
[here]
serial = serial
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
signer_digest = sha256
ess_cert_id_alg = %s
`, essAlgorithm))
	return func(query []byte) ([]byte, error) {
		if err := os.WriteFile(filepath.Join(dir, "query.tsq"), query, 0o600); err != nil {
			return nil, err
		}
		cmd := exec.Command(program, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-signer", "cert.pem", "-inkey", "key.pem", "-out", "answer.tsr")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("openssl ts -reply: %w: %s", err, out)
		}
		return os.ReadFile(filepath.Join(dir, "answer.tsr"))
	}
}
