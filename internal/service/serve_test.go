package service_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/service"
	"github.com/kycmark/kycmark/verify/registry"
)

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:8080": true, "127.8.9.1:1": true, "[::1]:8080": true, "localhost:8080": true, "[::ffff:127.0.0.1]:1": true,
		":8080": false, "0.0.0.0:8080": false, "[::]:8080": false, "10.0.0.5:8443": false, "localhost.example:80": false, "127.0.0.1": false, "": false,
	} {
		assert.Equal(t, want, service.Loopback(address), address)
	}
}

// An address that others reach needs a certificate, or a proxy in front.
func TestListenRefusesPlainAddresses(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		_, err := service.Listen(t.Context(), address, "", "", false)
		require.ErrorIs(t, err, registry.ErrInput, address)
	}
	_, err := service.Listen(t.Context(), "127.0.0.1:0", "tls.crt", "", false)
	require.ErrorIs(t, err, registry.ErrInput)
	_, err = service.Listen(t.Context(), "127.0.0.1:0", "tls.crt", "tls.key", false)
	require.ErrorIs(t, err, os.ErrNotExist)
	l, err := service.Listen(t.Context(), "0.0.0.0:0", "", "", true)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

// certificate writes a certificate for 127.0.0.1 and its key.
func certificate(t *testing.T) (pool *x509.CertPool, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "kycmark"},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0,
			1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool.AddCert(parsed)
	return pool, cert, key
}

// With a certificate the service speaks TLS alone.
func TestTLS(t *testing.T) {
	w := begin(t)
	pool, cert, key := certificate(t)
	l, err := service.Listen(t.Context(), "127.0.0.1:0", cert, key, false)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.srv.Serve(ctx, l) }()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	got, err := (&http.Client{Transport: transport}).Do(w.request("https://"+l.Addr().String(),
		call{method: "GET", path: "/v1/recipients"}))
	require.NoError(t, err)
	got.Body.Close()
	require.Equal(t, 200, got.StatusCode)
	require.Contains(t, w.raw(l.Addr(), "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", false), "400",
		"plain HTTP has no answer of the service")
	transport.CloseIdleConnections()
	stop()
	require.NoError(t, <-ended)
}

// When the service ends, a request that has begun is answered, and /readyz says that no more shall come.
func TestDrain(t *testing.T) {
	w := begin(t)
	l, err := service.Listen(t.Context(), "127.0.0.1:0", "", "", false)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.srv.Serve(ctx, l) }()
	body, more := io.Pipe() // an upload on its way
	r := w.request("http://"+l.Addr().String(), call{method: "POST", path: "/v1/submissions"})
	r.Body = body
	r.Header.Set("Content-Type", "image/jpeg")
	answers := make(chan int, 1)
	go func() {
		got, err := http.DefaultClient.Do(r)
		if assert.NoError(t, err) {
			_, _ = io.Copy(io.Discard, got.Body)
			got.Body.Close()
			answers <- got.StatusCode
		}
		close(answers)
	}()
	picture := small(t, "chidi_idcard")
	_, err = more.Write(picture[:100])
	require.NoError(t, err)
	for { // until the upload has begun, beside the request for metrics
		metrics := string(w.must(call{method: "GET", path: "/metrics"}).body)
		if strings.Contains(metrics, "\nhttp_server_active_requests 2\n") {
			break
		}
	}
	stop()
	// by another listener
	for w.do(call{method: "GET", path: "/readyz", as: "-"}).status != http.StatusServiceUnavailable {
		require.NoError(t, t.Context().Err())
	}
	_, err = more.Write(picture[100:])
	require.NoError(t, err)
	require.NoError(t, more.Close())
	require.Equal(t, 200, <-answers)
	require.NoError(t, <-ended)
	_, err = net.Dial("tcp", l.Addr().String())
	require.Error(t, err, "it takes no more connections")
	require.EqualValues(t, 3, w.size(), "the upload is entered")
}

// A request that does not end is cut off after the time for draining.
func TestDrainEnds(t *testing.T) {
	w := begin(t)
	cfg := w.srv.Config
	cfg.Times.Drain = 50 * time.Millisecond
	s, err := service.New(cfg)
	require.NoError(t, err)
	l, err := service.Listen(t.Context(), "127.0.0.1:0", "", "", false)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn,
		"POST /v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+w.tokens["all"]+"\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 10)) // 100 Continue: the handler reads
	require.NoError(t, err)
	stop()
	require.ErrorContains(t, <-ended, "were cut off")
	require.EqualValues(t, 2, w.size())
}
