package seal

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/kycmark/kycmark/internal/each"
)

// ErrTSA is wrapped by errors about an authority that gave no valid timestamp.
var ErrTSA = errors.New("no timestamp")

const (
	defaultTimeout = 30 * time.Second
	maxRedirects   = 3
	typeQuery      = "application/timestamp-query" // RFC 3161 section 3.4
	typeReply      = "application/timestamp-reply"
)

// A TSA is a timestamp authority that answers by HTTP (RFC 3161 section 3.4).
type TSA struct {
	URL       string              // http or https; user and password in it are used and never printed
	Trusted   []*x509.Certificate // certificates of the authority or of its issuers; at least 1
	Timeout   time.Duration       // of the whole exchange; 0: 30 s
	Transport http.RoundTripper   // nil: http.DefaultTransport
}

// Stamp sends a SHA-256 digest, nothing else of the stamped bytes, to the authority. It returns
// the answer unchanged (TimeStampResp in DER), and what it says. Stamp checks the answer as
// [VerifyStamp] does, and that it belongs to this request by its nonce. It asks once, within
// Timeout. Errors wrap [ErrTSA]; if an answer came and is invalid, they also wrap [ErrStamp].
func (t *TSA) Stamp(ctx context.Context, digest [32]byte) ([]byte, *Stamp, error) {
	address, err := t.address()
	if err != nil {
		return nil, nil, err
	}
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, nil, err
	}
	request := timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: digest[:], Certificates: true, Nonce: nonce}
	query, err := request.Marshal()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrTSA, err)
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(t.Timeout, defaultTimeout))
	defer cancel()
	answer, err := t.ask(ctx, address, query)
	if err != nil {
		return nil, nil, fmt.Errorf("%w from %s: %w", ErrTSA, address.Redacted(), err)
	}
	stamp, err := verifyStamp(answer, digest, nonce, t.Trusted)
	if err != nil {
		return nil, nil, fmt.Errorf("%w from %s: %w", ErrTSA, address.Redacted(), err)
	}
	return answer, stamp, nil
}

// address checks that there are trusted certificates, and parses URL, which must have http or
// https and a host. Errors wrap [ErrTSA] and do not repeat a password that URL may hold.
func (t *TSA) address() (*url.URL, error) {
	if len(t.Trusted) == 0 {
		return nil, fmt.Errorf("%w: no certificate to check it with", ErrTSA)
	}
	u, err := url.Parse(t.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: the authority's address cannot be read", ErrTSA) // err repeats the address
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: %q is no address by http or https", ErrTSA, u.Redacted())
	}
	return u, nil
}

// ask posts query, a TimeStampReq in DER, to address and returns the body of the answer, up to
// maxStamp bytes. Another status than 200, another type than [typeReply] and a longer body are
// errors. ask does not read the answer. Errors repeat no password of address.
func (t *TSA) ask(ctx context.Context, address *url.URL, query []byte) ([]byte, error) {
	resp, answer, err := post(ctx, t.Transport, address, query, maxStamp, http.Header{"Content-Type": {typeQuery}, "Accept": {typeReply}})
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %.100s", resp.Status)
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || kind != typeReply {
		return nil, fmt.Errorf("it answers with %.100q instead of %s", resp.Header.Get("Content-Type"), typeReply)
	}
	return answer, nil
}

// post posts a body, and returns the answer with its whole body; a body of more than limit bytes is an error. Errors repeat no password.
func post(ctx context.Context, by http.RoundTripper, address *url.URL, body []byte, limit int, head http.Header) (resp *http.Response, answer []byte, err error) {
	client := http.Client{Transport: by, CheckRedirect: checkRedirect}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, bareURL(err)
	}
	req.Header = head
	if resp, err = client.Do(req); err != nil {
		return nil, nil, bareURL(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, int64(limit)+1))
	if err == nil && len(answer) > limit {
		err = fmt.Errorf("it answers with more than %d bytes", limit)
	}
	return resp, answer, err
}

// checkRedirect accepts up to maxRedirects redirects that keep the request a POST and do not leave https. req is the
// next request; via are the requests before it, at least 1, the oldest first. A nil error lets the client go on.
func checkRedirect(req *http.Request, via []*http.Request) error {
	last := via[len(via)-1].URL
	switch {
	case len(via) > maxRedirects:
		return errors.New("it redirects without end")
	case req.Method != http.MethodPost:
		return errors.New("it redirects in a way that drops the request")
	case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || last.Scheme == "https"):
		return fmt.Errorf("it redirects from %s to %.20q", last.Scheme, req.URL.Scheme)
	}
	return nil
}

// bareURL returns an error of package net/http without its address, which may hold a password.
func bareURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// ParseCertificates reads all certificates in a PEM text, in their order, and ignores other blocks and text between them. A
// text without certificates is an error, as is a certificate that cannot be read. It checks neither signatures nor dates.
func ParseCertificates(text []byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("no certificate in PEM")
	}
	return out, nil
}

func encodeCertificates(certs []*x509.Certificate) []byte {
	return slices.Concat(each.Of(certs, func(c *x509.Certificate) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	})...)
}

// fingerprint returns the SHA-256 of a certificate in hex, as "openssl x509 -fingerprint
// -sha256" prints it, without the colons.
func fingerprint(c *x509.Certificate) string { return fmt.Sprintf("%x", sha256.Sum256(c.Raw)) }

// ErrWitness is wrapped by errors about a witness that did not sign.
var ErrWitness = errors.New("not signed by the witness")

const (
	typeSize     = "text/x.tlog.size" // C2SP tlog-witness
	maxSignature = 1 << 16            // bytes of an answer. Chosen
)

// A Witness signs checkpoints that continue the checkpoint which it signed last. It is asked by HTTP (C2SP tlog-witness).
type Witness struct {
	URL       string            // before "/add-checkpoint"; http or https; user and password in it are never printed
	Transport http.RoundTripper // nil: http.DefaultTransport
}

// Sign returns the lines of signatures that the witness answers with, unchecked. request returns what it is asked with, if
// it signed so many entries last. It has 30 s. The error wraps [ErrWitness], or is of request.
func (w *Witness) Sign(ctx context.Context, request func(signed int64) ([]byte, error)) ([]byte, error) {
	address, err := url.Parse(strings.TrimSuffix(w.URL, "/") + "/add-checkpoint")
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Host == "" {
		return nil, fmt.Errorf("%w: it has no address by http or https", ErrWitness)
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	signed := int64(0) // by a new witness, or as it answers
	for range 3 {      // others may have it sign meanwhile
		body, err := request(signed)
		if err != nil {
			return nil, err
		}
		answer, now, err := w.ask(ctx, address, body)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrWitness, address.Redacted(), err)
		}
		if answer != nil {
			return answer, nil
		}
		signed = now
	}
	return nil, fmt.Errorf("%w %s: others have it sign all the time", ErrWitness, address.Redacted())
}

// ask posts a request. If the answer is nil, the witness last signed the number of entries that ask returns.
func (w *Witness) ask(ctx context.Context, address *url.URL, body []byte) (answer []byte, signed int64, err error) {
	resp, answer, err := post(ctx, w.Transport, address, body, maxSignature, http.Header{})
	switch {
	case err != nil:
		return nil, 0, err
	case resp.StatusCode == http.StatusOK && len(answer) > 0:
		return answer, 0, nil
	case resp.StatusCode == http.StatusConflict && resp.Header.Get("Content-Type") == typeSize:
		if signed, err = strconv.ParseInt(strings.TrimSuffix(string(answer), "\n"), 10, 64); err == nil {
			return nil, signed, nil
		}
	}
	return nil, 0, fmt.Errorf("it answers %.100s", resp.Status)
}
