package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	_ "embed" // the template of README.txt
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/keyfile"
)

// content is what a bundle is made of.
type content struct {
	files     []File    // the report and what belongs to it
	inputs    []Subject // what was examined, each by [input]
	predicate Predicate
}

// sign makes a bundle of c: it adds keys, the statement, its timestamp, README.txt and the signed list. key is an
// Ed25519 key, which may be a key service's; tsa stamps the statement unless tsa is nil. Errors wrap [ErrBundle] if c
// cannot become a bundle or the key signs other bytes than asked for, [keyfile.ErrKey] or [ErrTSA]. A key service's
// failure wraps its own error.
func (c content) sign(ctx context.Context, key crypto.Signer, tsa *TSA) (*Bundle, error) {
	public, err := publicHalf(key)
	if err != nil {
		return nil, err
	}
	for _, f := range c.files {
		own := func(name string) bool { return strings.EqualFold(f.Name, name) }
		if own(publicName) || own(anchorsName) || slices.ContainsFunc(unstated, own) {
			return nil, fmt.Errorf("%w: %s is a name of its own", ErrBundle, f.Name)
		}
	}
	files := append(slices.Clone(c.files), File{publicName, "public half of the key that signed", keyfile.EncodeReportPublic(public)})
	if tsa != nil {
		files = append(files, File{anchorsName, "certificates that the timestamp is checked with", encodeCertificates(tsa.Trusted)})
	}
	b, err := newBundle(files)
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(newStatement(b.files, c.inputs, c.predicate))
	if err != nil {
		return nil, fmt.Errorf("%w: the statement: %w", ErrBundle, err)
	}
	payload = intake.EscapedJSON(payload) // names of inputs may have characters that a terminal obeys
	text, err := signEnvelope(payload, key)
	if err != nil {
		return nil, err
	}
	opened, err := openEnvelope(text, public) // a key service may have signed other bytes
	if err != nil {
		return nil, err
	}
	if _, err := parseStatement(opened.Payload); err != nil {
		return nil, err
	}
	files = append(b.files,
		File{statementName, "the signed statement: a DSSE envelope around an in-toto Statement", text},
		File{paeName, "the very bytes that the statement's signature is over", opened.pae()},
		File{sigName, "that signature, Ed25519, 64 bytes", opened.Signatures[0].Sig})
	r := readme{KeyID: keyfile.ReportID(public), Payload: len(payload), Inputs: len(c.inputs)}
	if tsa != nil {
		answer, stamp, err := tsa.Stamp(ctx, sha256.Sum256(text))
		if err != nil {
			return nil, err
		}
		files = append(files, File{stampName, "the timestamp of " + statementName + " (RFC 3161)", answer})
		r.Stamp, r.Trusted = stamp, tsa.Trusted
	}
	if b, err = newBundle(files); err != nil {
		return nil, err
	}
	r.Files = b.files
	explained, err := r.text()
	if err != nil {
		return nil, err
	}
	return signList(append(b.files, File{Name: readmeName, Data: explained}), key)
}

// signList returns a bundle of files, the list of their digests, and the list's signature by
// key. files must not hold a list. Errors wrap [ErrBundle], or the error of key.
func signList(files []File, key crypto.Signer) (*Bundle, error) {
	b, err := newBundle(files)
	if err != nil {
		return nil, err
	}
	list := b.sums()
	sig, err := sign(key, list)
	if err != nil {
		return nil, err
	}
	return newBundle(append(b.files, File{Name: listName, Data: list}, File{Name: listSigName, Data: sig}))
}

//go:embed readme.txt.tmpl
var readmeTemplate string

// A readme is what the template of README.txt is filled with.
type readme struct {
	Files   []File // sorted by name, without README.txt, the list and its signature
	KeyID   string
	Payload int    // bytes of the statement in the envelope
	Inputs  int    // examined files
	Stamp   *Stamp // nil without a timestamp
	Trusted []*x509.Certificate
}

// text returns README.txt: the template, filled with r. It panics if the template is malformed.
func (r readme) text() ([]byte, error) {
	t := template.Must(template.New(readmeName).Funcs(template.FuncMap{
		"pad":         func(s string) string { return fmt.Sprintf("%-22s", s) },
		"utc":         func(s *Stamp) string { return s.Time.Format("2006-01-02 15:04:05 UTC") },
		"fingerprint": fingerprint,
	}).Parse(readmeTemplate))
	var out bytes.Buffer
	err := t.Execute(&out, r)
	return out.Bytes(), err
}

// payloadType is the DSSE payload type of in-toto Statements in JSON.
const payloadType = "application/vnd.in-toto+json"

// An envelope is a DSSE envelope. JSON writes byte slices in base64, as DSSE wants them.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// pae returns DSSE's pre-authentication encoding of the payload: the very bytes that are signed.
func (e *envelope) pae() []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.PayloadType), e.PayloadType, len(e.Payload), e.Payload)
}

// text returns the envelope as one line of JSON with its line feed.
func (e *envelope) text() ([]byte, error) {
	text, err := json.Marshal(e)
	return append(text, '\n'), err
}

// signEnvelope signs a payload of [payloadType] and returns the envelope's text, one line of JSON. It does not check
// the signature. Errors wrap [keyfile.ErrKey] if key is nil or not an Ed25519 key.
func signEnvelope(payload []byte, key crypto.Signer) ([]byte, error) {
	public, err := publicHalf(key)
	if err != nil {
		return nil, err
	}
	e := &envelope{PayloadType: payloadType, Payload: payload}
	sig, err := sign(key, e.pae())
	if err != nil {
		return nil, err
	}
	e.Signatures = []signature{{keyfile.ReportID(public), sig}}
	return e.text()
}

// openEnvelope reads an envelope with exactly one signature, checks it with key, and returns it. The bytes of text must
// be exactly as signEnvelope writes them, because DSSE leaves key IDs, unknown fields and loose forms of base64
// unsigned. Errors wrap [ErrBundle]. It does not read the payload.
func openEnvelope(text []byte, key ed25519.PublicKey) (*envelope, error) {
	var e envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("%w: the envelope: %w", ErrBundle, err)
	}
	if e.PayloadType != payloadType {
		return nil, fmt.Errorf("%w: the envelope holds %.100q, not %s", ErrBundle, e.PayloadType, payloadType)
	}
	if len(e.Signatures) != 1 {
		return nil, fmt.Errorf("%w: the envelope has %d signatures instead of one", ErrBundle, len(e.Signatures))
	}
	if !ed25519.Verify(key, e.pae(), e.Signatures[0].Sig) {
		return nil, fmt.Errorf("%w: the statement's signature does not hold", ErrBundle)
	}
	if again, err := e.text(); err != nil || !bytes.Equal(again, text) || e.Signatures[0].KeyID != keyfile.ReportID(key) {
		return nil, fmt.Errorf("%w: the envelope is not written as this program writes it", ErrBundle)
	}
	return &e, nil
}

// publicHalf returns the public half of a signer, which may be a key service's. Errors wrap
// [keyfile.ErrKey] if the signer is nil or of another kind than Ed25519. It signs nothing.
func publicHalf(key crypto.Signer) (ed25519.PublicKey, error) {
	if key == nil {
		return nil, fmt.Errorf("%w: none", keyfile.ErrKey)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok || len(public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: another kind of signer", keyfile.ErrKey)
	}
	return public, nil
}

// sign returns the Ed25519 signature of the message itself, which crypto.Hash(0) asks for.
func sign(key crypto.Signer, message []byte) ([]byte, error) {
	sig, err := key.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("report key: %w", err)
	}
	return sig, nil
}
