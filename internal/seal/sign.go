package seal

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	_ "embed" // the template of README.txt
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/kycmark/kycmark/internal/each"
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
// Ed25519 key, also of a key service; tsa, unless it is nil, stamps the statement. Errors wrap [ErrBundle] if c cannot
// become a bundle or key signs other bytes, [keyfile.ErrKey] or [ErrTSA]. A key service's failure wraps its own error.
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
	files = append(b.files, File{statementName, "the signed statement: a DSSE envelope around an in-toto Statement", text},
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

const (
	statementType = "https://in-toto.io/Statement/v1"
	// predicateType names the form of a [Predicate], which docs/report.md describes. A predicate
	// with another meaning gets another number.
	predicateType = "https://github.com/kycmark/kycmark/report/v1"
)

// inputPrefix begins the names of those subjects that were examined. The name of a file of a bundle never has a colon.
const inputPrefix = "input:"

// A Statement is an in-toto Statement v1: a claim (the predicate) about files (the subjects).
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"` // the bundle's files by name, then the inputs by path
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// A Subject is an in-toto ResourceDescriptor: a file by name and digest. Subjects of the same file are equal by ==.
type Subject struct {
	Name   string `json:"name"` // of an input: "input:" and its path
	Digest struct {
		SHA256 string `json:"sha256"` // lower-case hex
	} `json:"digest"`
	Annotations struct {
		Size int64 `json:"size"` // bytes
	} `json:"annotations"`
}

func subject(name string, size int64, sum [32]byte) (s Subject) {
	s.Name, s.Annotations.Size = name, size
	s.Digest.SHA256 = hex.EncodeToString(sum[:])
	return s
}

// input describes an examined file. The bytes of path that are not UTF-8 become U+FFFD.
func input(path string, size int64, sum [32]byte) Subject {
	return subject(inputPrefix+strings.ToValidUTF8(path, "\uFFFD"), size, sum)
}

// A Predicate is what a bundle says about itself.
type Predicate struct {
	Made   time.Time       `json:"made"`             // UTC, by the clock of the machine that signed
	Tool   string          `json:"tool"`             // name and version
	Record json.RawMessage `json:"record,omitempty"` // the record of the investigation, as in the findings
	Ledger *Ledger         `json:"ledger,omitempty"` // nil: the bundle has no proofs
}

// A Ledger names the state of a registry's ledger that the proofs rest on.
type Ledger struct {
	Key        string `json:"key"`        // public key name+hash+key that the checkpoint is checked with
	Checkpoint string `json:"checkpoint"` // C2SP tlog-checkpoint, a signed note
}

// newStatement returns the statement about files, which must be sorted by name, and about inputs
// in any order. The inputs are sorted by name and digest, and an input that is there twice is
// stated once. Made of p is cut to whole seconds, in UTC. Neither slice is changed.
func newStatement(files []File, inputs []Subject, p Predicate) Statement {
	p.Made = p.Made.UTC().Truncate(time.Second)
	s := Statement{Type: statementType, PredicateType: predicateType, Predicate: p, Subject: each.Of(files, File.subject)}
	inputs = slices.SortedFunc(slices.Values(inputs), func(a, b Subject) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Digest.SHA256, b.Digest.SHA256))
	})
	s.Subject = append(s.Subject, slices.Compact(inputs)...)
	return s
}

// parseStatement reads what newStatement made and JSON encoded, and refuses every other form. So two readers cannot see
// two statements in one payload (a field that is there twice, or in another case). Errors wrap [ErrBundle]. It checks
// no signature, and compares no subject with a file.
func parseStatement(payload []byte) (*Statement, error) {
	var s Statement
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("%w: the statement: %w", ErrBundle, err)
	}
	s.Predicate.Made = s.Predicate.Made.UTC().Truncate(time.Second)
	switch again, err := json.Marshal(s); {
	case s.Type != statementType:
		return nil, fmt.Errorf("%w: the statement is of type %.100q, not %s", ErrBundle, s.Type, statementType)
	case s.PredicateType != predicateType:
		return nil, fmt.Errorf("%w: the predicate is of type %.100q, not %s", ErrBundle, s.PredicateType, predicateType)
	case len(s.Subject) == 0:
		return nil, fmt.Errorf("%w: the statement has no subject", ErrBundle)
	case err != nil || !bytes.Equal(intake.EscapedJSON(again), intake.EscapedJSON(payload)): // earlier versions wrote no such escapes
		return nil, fmt.Errorf("%w: the statement is not written as this program writes it", ErrBundle)
	}
	return &s, nil
}

// inputs returns the subjects that are examined files, in their order, with inputPrefix.
func (s *Statement) inputs() []Subject {
	return slices.DeleteFunc(slices.Clone(s.Subject), func(x Subject) bool { return !strings.HasPrefix(x.Name, inputPrefix) })
}
