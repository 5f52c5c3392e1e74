package seal

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/keyfile"
	"github.com/kycmark/kycmark/verify/findings"
)

// Trust holds keys and certificates that a verifier has from another source than the bundle.
// Without Trust a bundle is checked with its own keys and certificates. That check shows that
// the bundle is unchanged. It does not show who made the bundle, or when.
type Trust struct {
	Key    ed25519.PublicKey   // report key of the exchange
	TSA    []*x509.Certificate // certificates of the timestamp authority or its issuers
	Ledger string              // public key name+hash+key of the ledger
}

// A Check is one question about a bundle. Err is nil if the answer is yes. Skipped is true if
// the question could not be asked; Text then says why.
type Check struct {
	Name    string // such as "key": docs/report.md lists all names
	Text    string // what holds, in plain words; empty if Err is not nil
	Skipped bool
	Err     error // wraps [ErrBundle], [keyfile.ErrKey], [ErrStamp], [registry.ErrProof] or an error of verify
}

// A Result is what came of checking a bundle. Each field after Checks is empty or nil if the
// check of that thing failed or was not made.
type Result struct {
	Checks    []Check
	KeyID     string // of the report key that the bundle brings
	Statement *Statement
	Stamp     *Stamp
	Findings  *findings.File
}

// Holds says whether there are checks, and none of them failed.
func (r *Result) Holds() bool {
	return len(r.Checks) > 0 && !slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Err != nil })
}

// add adds a check to r and returns whether it holds: err is nil. text says what then holds;
// after an error the check has no text. name is such as "key".
func (r *Result) add(name, text string, err error) bool {
	if err != nil {
		text = ""
	}
	r.Checks = append(r.Checks, Check{Name: name, Text: text, Err: err})
	return err == nil
}

func (r *Result) skip(name, why string) {
	r.Checks = append(r.Checks, Check{Name: name, Text: why, Skipped: true})
}

// concluded adds a check that compares numbers and words; text says what holds if err is nil. If another version of
// kycmark wrote the words, err wraps [findings.ErrVersion]: the numbers were compared, and the check counts as skipped.
func (r *Result) concluded(name, text string, err error) {
	if errors.Is(err, findings.ErrVersion) {
		r.skip(name, strings.TrimPrefix(err.Error(), findings.ErrVersion.Error()+": "))
		return
	}
	r.add(name, text, err)
}

// elsewhere ends the text of a check that was made with the bundle's own key or certificate.
const elsewhere = ": compare that with what you have from elsewhere"

// verify adds the checks of keys, signatures, digests and the timestamp to r, and sets KeyID, Statement and Stamp.
// trust holds what the verifier has from elsewhere; the rest comes from the bundle. After a wrong key, or a wrong
// signature of the statement, verify stops. It does not look into report and findings, and asks no network or clock.
func (b *Bundle) verify(trust Trust, r *Result) {
	key, text, err := b.key(trust.Key)
	if key != nil {
		r.KeyID = keyfile.ReportID(key)
	}
	if !r.add("key", text, err) {
		return // a wrong key's signatures say nothing
	}
	r.add("list", "the list of files is signed by this key", b.checkList(key))
	r.add("files", fmt.Sprintf("%d files, each with the digest in the list, none missing, none added", len(b.files)-2), b.checkFiles())
	payload, err := b.open(key)
	if !r.add("signature", "the statement is signed by this key", err) {
		return
	}
	s, text, err := b.checkStatement(payload)
	if r.add("statement", text, err) {
		r.Statement = s
	}
	if _, has := b.file(stampName); has {
		if stamp, text, err := b.checkStamp(trust.TSA); r.add("timestamp", text, err) {
			r.Stamp = stamp
		}
	} else if len(trust.TSA) > 0 {
		r.add("timestamp", "", fmt.Errorf("%w: the bundle has no timestamp", ErrStamp))
	}
}

// key returns the public key in the bundle, and a sentence about it for a Check. trusted is the key that the bundle
// must be signed with, or nil for any key. If the bundle has another key, key returns that key and an error that wraps
// [keyfile.ErrKey]. A key that is missing or written otherwise wraps [ErrBundle]. It checks no signature.
func (b *Bundle) key(trusted ed25519.PublicKey) (ed25519.PublicKey, string, error) {
	data, err := b.need(publicName)
	if err != nil {
		return nil, "", err
	}
	key, err := keyfile.ParseReportPublic(string(data))
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", publicName, err)
	}
	if !bytes.Equal(keyfile.EncodeReportPublic(key), data) {
		return nil, "", fmt.Errorf("%w: %s is not written as this program writes it", ErrBundle, publicName)
	}
	switch id := keyfile.ReportID(key); {
	case trusted == nil:
		return key, "signed by the key that the bundle brings, " + id + elsewhere, nil
	case !trusted.Equal(key):
		return key, "", fmt.Errorf("%s: the key is %s, want the given key %s", publicName, id, keyfile.ReportID(trusted))
	default:
		return key, "signed by the given key, " + id, nil
	}
}

// checkList checks that key signed the list of files. It does not compare the list with the
// files: [Bundle.checkFiles] does. The error wraps [ErrBundle].
func (b *Bundle) checkList(key ed25519.PublicKey) error {
	list, err1 := b.need(listName)
	sig, err2 := b.need(listSigName)
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	if !ed25519.Verify(key, list, sig) {
		return fmt.Errorf("%w: the signature of %s does not hold", ErrBundle, listName)
	}
	return nil
}

// checkFiles compares the digests and names of all files with the list of files, except the list
// and its signature. The error wraps [ErrBundle] and names a file that was added, changed or
// removed. It checks no signature: [Bundle.checkList] does.
func (b *Bundle) checkFiles() error {
	list, err := b.need(listName)
	if err != nil {
		return err
	}
	listed := map[string]string{} // name to line
	for line := range strings.Lines(string(list)) {
		if _, name, ok := strings.Cut(line, "  "); ok {
			listed[strings.TrimSuffix(name, "\n")] = line
		}
	}
	sums := b.sums()
	for line := range strings.Lines(string(sums)) {
		_, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		switch want, ok := listed[name]; {
		case !ok:
			return fmt.Errorf("%w: %s was added, it is not in the list", ErrBundle, name)
		case want != line:
			return fmt.Errorf("%w: %s was changed, it has another digest than in the list", ErrBundle, name)
		}
		delete(listed, name)
	}
	if len(listed) > 0 {
		return fmt.Errorf("%w: there is no %.100q, which is in the list", ErrBundle, first(listed))
	}
	if !bytes.Equal(sums, list) {
		return fmt.Errorf("%w: %s is not written as this program writes it", ErrBundle, listName)
	}
	return nil
}

func first[V any](m map[string]V) string { return slices.Min(slices.Collect(maps.Keys(m))) }

// open checks that key signed the statement's envelope, and returns its payload, the statement as JSON. It also
// compares two files that repeat parts of the envelope: the signed bytes and the signature. Errors wrap [ErrBundle].
func (b *Bundle) open(key ed25519.PublicKey) ([]byte, error) {
	text, err := b.need(statementName)
	if err != nil {
		return nil, err
	}
	e, err := openEnvelope(text, key)
	if err != nil {
		return nil, err
	}
	for _, want := range []File{{Name: paeName, Data: e.pae()}, {Name: sigName, Data: e.Signatures[0].Sig}} {
		if got, ok := b.file(want.Name); !ok || !bytes.Equal(got, want.Data) {
			return nil, fmt.Errorf("%w: %s is not what %s holds", ErrBundle, want.Name, statementName)
		}
	}
	return e.Payload, nil
}

// checkStatement reads the statement payload and compares its subjects with the files of the bundle: each file that the
// statement can be about must be a subject, with equal digest and size. Inputs are not compared. The text, a sentence
// for a Check, says when and by which program the statement was made. Errors wrap [ErrBundle].
func (b *Bundle) checkStatement(payload []byte) (*Statement, string, error) {
	s, err := parseStatement(payload)
	if err != nil {
		return nil, "", err
	}
	left := map[string]Subject{} // files that the statement must be about
	for _, f := range b.files {
		if !slices.Contains(unstated, f.Name) {
			left[f.Name] = f.subject()
		}
	}
	files := len(left)
	for _, x := range s.Subject {
		if strings.HasPrefix(x.Name, inputPrefix) {
			continue
		}
		switch want, ok := left[x.Name]; {
		case !ok:
			return nil, "", fmt.Errorf("%w: the statement is about %.100q, which is not there", ErrBundle, x.Name)
		case want != x:
			return nil, "", fmt.Errorf("%w: %s is not the file that the statement is about", ErrBundle, x.Name)
		}
		delete(left, x.Name)
	}
	if len(left) > 0 {
		return nil, "", fmt.Errorf("%w: the statement says nothing about %s", ErrBundle, first(left))
	}
	made := s.Predicate.Made.UTC().Format(time.RFC3339)
	return s, fmt.Sprintf("stated on %s by %s, of %d files and %d inputs", made, s.Predicate.Tool, files, len(s.Subject)-files), nil
}

// checkStamp checks the timestamp of the envelope with trusted certificates; if there are no trusted certificates, with
// the bundle's own. It returns the stamp and a sentence for a Check, which says if the bundle's own were used. Errors
// wrap [ErrStamp], or [ErrBundle] if these are missing.
func (b *Bundle) checkStamp(trusted []*x509.Certificate) (*Stamp, string, error) {
	answer, _ := b.file(stampName)
	envelope, _ := b.file(statementName)
	given := len(trusted) > 0
	if !given {
		text, err := b.need(anchorsName)
		if err != nil {
			return nil, "", err
		}
		if trusted, err = ParseCertificates(text); err != nil {
			return nil, "", fmt.Errorf("%w: %s: %w", ErrStamp, anchorsName, err)
		}
	}
	stamp, err := VerifyStamp(answer, sha256.Sum256(envelope), trusted)
	if err != nil {
		return nil, "", err
	}
	text := fmt.Sprintf("it existed on %s, says %s", stamp.Time.Format(time.RFC3339), stamp.Authority)
	if !given {
		text += "; checked with the certificate that the bundle brings, " + stamp.Anchor + elsewhere
	}
	return stamp, text, nil
}
