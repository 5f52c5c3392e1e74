package seal

import (
	"bytes"
	"context"
	"crypto"
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
