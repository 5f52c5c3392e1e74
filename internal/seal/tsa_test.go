package seal_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/seal"
)

func TestTSA(t *testing.T) {
	a := newAuthority(t, nil)
	answer, stamp, err := a.tsa(t).Stamp(t.Context(), message)
	require.NoError(t, err)
	again, err := seal.VerifyStamp(answer, message, []*x509.Certificate{a.root})
	require.NoError(t, err)
	require.Equal(t, stamp, again)
}

func TestTSAHostile(t *testing.T) {
	a := newAuthority(t, nil)
	for _, c := range []struct {
		name   string
		change func(*timestamp.Timestamp)
	}{
		{"another digest", func(s *timestamp.Timestamp) { s.HashedMessage = bytes.Repeat([]byte{1}, 32) }},
		{"another nonce", func(s *timestamp.Timestamp) { s.Nonce = big.NewInt(1) }},
		{"no nonce", func(s *timestamp.Timestamp) { s.Nonce = nil }},
	} {
		a.change = c.change
		_, _, err := a.tsa(t).Stamp(t.Context(), message)
		assert.ErrorIs(t, err, seal.ErrTSA, c.name)
		assert.ErrorIs(t, err, seal.ErrStamp, c.name)
	}
}

// What a server answers that is no authority.
func TestTSAOddServers(t *testing.T) {
	a := newAuthority(t, nil)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	reply := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/timestamp-reply")
			w.Write(body)
		}
	}
	to := func(code int, address string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, code) }
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"refuses", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }, "403"},
		{"a page", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>") }, "text/html"},
		{"nothing", reply(nil), "does not hold"},
		{"rubbish", reply([]byte("<html>")), "no DER"},
		{"without end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/timestamp-reply")
			for block := make([]byte, 1<<16); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "more than"},
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/timestamp-reply")
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte{0x30})
		}, "EOF"},
		{"to itself", to(http.StatusTemporaryRedirect, "/"), "without end"},
		{"as a GET", to(http.StatusFound, "/other"), "drops the request"},
		{"to a file", to(http.StatusTemporaryRedirect, "file:///etc/passwd"), "redirects from http to \"file\""},
	} {
		s := httptest.NewServer(c.handler)
		_, _, err := (&seal.TSA{URL: s.URL, Trusted: []*x509.Certificate{a.root}}).Stamp(t.Context(), message)
		s.Close()
		assert.ErrorIs(t, err, seal.ErrTSA, c.name)
		assert.ErrorContains(t, err, c.want, c.name)
	}
}

// A redirect that keeps the request is followed, but not out of https.
func TestTSARedirect(t *testing.T) {
	a := newAuthority(t, nil)
	plain := a.tsa(t)
	s := httptest.NewServer(http.RedirectHandler(plain.URL, http.StatusPermanentRedirect))
	defer s.Close()
	_, _, err := (&seal.TSA{URL: s.URL, Trusted: plain.Trusted}).Stamp(t.Context(), message)
	require.NoError(t, err)

	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusPermanentRedirect))
	defer secure.Close()
	_, _, err = (&seal.TSA{URL: secure.URL, Trusted: plain.Trusted, Transport: secure.Client().Transport}).Stamp(t.Context(), message)
	require.ErrorIs(t, err, seal.ErrTSA)
	require.ErrorContains(t, err, "redirects from https to \"http\"")
}

func TestTSATimes(t *testing.T) {
	a := newAuthority(t, nil)
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	_, _, err := (&seal.TSA{URL: s.URL, Trusted: []*x509.Certificate{a.root}, Timeout: time.Millisecond}).Stamp(t.Context(), message)
	require.ErrorIs(t, err, seal.ErrTSA)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = (&seal.TSA{URL: s.URL, Trusted: []*x509.Certificate{a.root}}).Stamp(ctx, message)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTSAAddress(t *testing.T) {
	a := newAuthority(t, nil)
	for _, address := range []string{"", "tsa.example", "ftp://tsa.example", "file:///etc/passwd", "http://", "http://user:secret@%zz", "data:text/plain,x"} {
		_, _, err := (&seal.TSA{URL: address, Trusted: []*x509.Certificate{a.root}}).Stamp(t.Context(), message)
		assert.ErrorIs(t, err, seal.ErrTSA, address)
		assert.NotContains(t, err.Error(), "secret", address)
	}
	_, _, err := (&seal.TSA{URL: "http://127.0.0.1:1"}).Stamp(t.Context(), message)
	require.ErrorContains(t, err, "no certificate")
	_, _, err = (&seal.TSA{URL: "http://user:secret@127.0.0.1:1", Trusted: []*x509.Certificate{a.root}}).Stamp(t.Context(), message)
	require.ErrorIs(t, err, seal.ErrTSA)
	require.NotContains(t, err.Error(), "secret")
}

func TestParseCertificates(t *testing.T) {
	a := newAuthority(t, nil)
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	text := append([]byte("Subject: x\n"), append(block("CERTIFICATE", a.cert.Raw), block("CERTIFICATE", a.root.Raw)...)...)
	got, err := seal.ParseCertificates(text)
	require.NoError(t, err)
	require.Equal(t, []*x509.Certificate{a.cert, a.root}, got)
	for name, text := range map[string][]byte{"empty": nil, "a key": block("PRIVATE KEY", a.cert.Raw), "rubbish": block("CERTIFICATE", []byte("x"))} {
		_, err := seal.ParseCertificates(text)
		assert.Error(t, err, name)
	}
}
