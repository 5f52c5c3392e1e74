package seal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kycmark/kycmark/internal/keyfile"
)

// Trust holds keys and certificates that a verifier has from another source than the bundle.
// Without Trust a bundle is checked with its own key and certificates. That check shows that
// the bundle is unchanged. It does not show who made the bundle, or when.
type Trust struct {
	Key ed25519.PublicKey   // report key of the exchange
	TSA []*x509.Certificate // certificates of the timestamp authority or its issuers
}

// A Check is one question about a bundle. Err is nil where the answer is yes.
type Check struct {
	Name string // "key", "list", "files", "signature", "statement" or "timestamp"
	Text string // what holds, in plain words
	Err  error  // wraps [ErrBundle], [keyfile.ErrKey] or [ErrStamp]
}

// A Result is what came of checking a bundle. Statement and Stamp are set only where
// their checks hold.
type Result struct {
	Checks    []Check
	KeyID     string // of the key in the bundle
	Statement *Statement
	Stamp     *Stamp // nil without a timestamp
}

// Holds says whether every check does.
func (r *Result) Holds() bool {
	for _, c := range r.Checks {
		if c.Err != nil {
			return false
		}
	}
	return len(r.Checks) > 0
}

func (r *Result) add(name, text string, err error) bool {
	if err != nil {
		text = ""
	}
	r.Checks = append(r.Checks, Check{name, text, err})
	return err == nil
}

// Verify checks everything about the bundle but what its report says: keys,
// signatures, digests and the timestamp. It takes no network, and the system's clock
// has no say in it.
func (b *Bundle) Verify(ctx context.Context, trust Trust) *Result {
	r := &Result{}
	key, text, err := b.key(trust.Key)
	if key != nil {
		r.KeyID = keyfile.KeyID(key)
	}
	if !r.add("key", text, err) {
		return r // a wrong key's signatures say nothing
	}
	r.add("list", "the list of files is signed by this key", b.checkList(key))
	r.add("files", fmt.Sprintf("%d files, each with the digest in the list, none missing, none added", len(b.files)-2), b.checkFiles())
	opened, err := b.open(ctx, key)
	if !r.add("signature", "the statement is signed by this key", err) {
		return r
	}
	s, err := b.checkStatement(opened)
	if r.add("statement", statementText(s), err) {
		r.Statement = s
	}
	if _, has := b.File(StampName); has {
		stamp, text, err := b.checkStamp(trust.TSA)
		if r.add("timestamp", text, err) {
			r.Stamp = stamp
		}
	} else if len(trust.TSA) > 0 {
		r.add("timestamp", "", fmt.Errorf("%w: the bundle has no timestamp", ErrStamp))
	}
	return r
}

// key is the key in the bundle, which must be the trusted one if there is one.
func (b *Bundle) key(trusted ed25519.PublicKey) (ed25519.PublicKey, string, error) {
	data, ok := b.File(PublicName)
	if !ok {
		return nil, "", missing(PublicName)
	}
	key, err := keyfile.ParsePublic(data)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", PublicName, err)
	}
	if again, err := keyfile.EncodePublic(key); err != nil || !bytes.Equal(again, data) {
		return nil, "", fmt.Errorf("%w: %s is not written as this program writes it", ErrBundle, PublicName)
	}
	switch {
	case trusted == nil:
		return key, "signed by the key that the bundle brings, " + keyfile.KeyID(key) + ": compare that with what you have from elsewhere", nil
	case !trusted.Equal(key):
		return key, "", fmt.Errorf("%w: signed by the key %s, not by the given one, %s", keyfile.ErrKey, keyfile.KeyID(key), keyfile.KeyID(trusted))
	}
	return key, "signed by the given key, " + keyfile.KeyID(key), nil
}

func missing(name string) error { return fmt.Errorf("%w: there is no %s", ErrBundle, name) }

// checkList checks the signature of the list, whatever it says.
func (b *Bundle) checkList(key ed25519.PublicKey) error {
	list, ok := b.File(listName)
	if !ok {
		return missing(listName)
	}
	sig, ok := b.File(listSigName)
	if !ok {
		return missing(listSigName)
	}
	if !ed25519.Verify(key, list, sig) {
		return fmt.Errorf("%w: the signature of %s does not hold", ErrBundle, listName)
	}
	return nil
}

// checkFiles holds the files against the list.
func (b *Bundle) checkFiles() error {
	list, ok := b.File(listName)
	if !ok {
		return missing(listName)
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
		return missing(fmt.Sprintf("%.100q, which is in the list", slices.Min(slices.Collect(maps.Keys(listed)))))
	}
	if !bytes.Equal(sums, list) {
		return fmt.Errorf("%w: %s is not written as this program writes it", ErrBundle, listName)
	}
	return nil
}

// open opens the envelope and compares the two files that repeat it.
func (b *Bundle) open(ctx context.Context, key ed25519.PublicKey) (*envelope, error) {
	text, ok := b.File(StatementName)
	if !ok {
		return nil, missing(StatementName)
	}
	opened, err := openEnvelope(ctx, text, key)
	if err != nil {
		return nil, err
	}
	for _, f := range []File{{Name: paeName, Data: opened.pae}, {Name: sigName, Data: opened.sig}} {
		if got, ok := b.File(f.Name); !ok || !bytes.Equal(got, f.Data) {
			return nil, fmt.Errorf("%w: %s is not what %s holds", ErrBundle, f.Name, StatementName)
		}
	}
	return opened, nil
}

// checkStatement holds the statement against the files that it is about.
func (b *Bundle) checkStatement(opened *envelope) (*Statement, error) {
	s, err := parseStatement(opened.payload)
	if err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for _, f := range b.files {
		if !unstated(f.Name) {
			left[f.Name] = true
		}
	}
	for _, x := range s.Subject {
		if strings.HasPrefix(x.Name, inputPrefix) {
			continue
		}
		data, ok := b.File(x.Name)
		switch {
		case !ok || !left[x.Name]:
			return nil, fmt.Errorf("%w: the statement is about %.100q, which is not there", ErrBundle, x.Name)
		case subject(x.Name, int64(len(data)), digest(data)) != x:
			return nil, fmt.Errorf("%w: %s is not the file that the statement is about", ErrBundle, x.Name)
		}
		delete(left, x.Name)
	}
	if len(left) > 0 {
		return nil, fmt.Errorf("%w: the statement says nothing about %s", ErrBundle, slices.Min(slices.Collect(maps.Keys(left))))
	}
	return s, nil
}

func statementText(s *Statement) string {
	if s == nil {
		return ""
	}
	inputs := len(s.Inputs())
	return fmt.Sprintf("stated on %s by %s, of %d files and %d inputs", s.Predicate.Made.UTC().Format(time.RFC3339), s.Predicate.Tool,
		len(s.Subject)-inputs, inputs)
}

// checkStamp checks the timestamp of the envelope with trusted certificates, else with those in
// the bundle.
func (b *Bundle) checkStamp(trusted []*x509.Certificate) (*Stamp, string, error) {
	answer, _ := b.File(StampName)
	envelope, _ := b.File(StatementName)
	given := len(trusted) > 0
	if !given {
		text, ok := b.File(AnchorsName)
		if !ok {
			return nil, "", missing(AnchorsName)
		}
		var err error
		if trusted, err = ParseCertificates(text); err != nil {
			return nil, "", fmt.Errorf("%w: %s: %w", ErrStamp, AnchorsName, err)
		}
	}
	stamp, err := VerifyStamp(answer, digest(envelope), trusted)
	if err != nil {
		return nil, "", err
	}
	text := fmt.Sprintf("it existed on %s, says %s", stamp.Time.Format(time.RFC3339), stamp.Authority)
	if !given {
		text += "; checked with the certificate that the bundle brings, " + stamp.Anchor + ": compare that with what you have from elsewhere"
	}
	return stamp, text, nil
}
