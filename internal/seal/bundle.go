package seal

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kycmark/kycmark/internal/keyfile"
)

// ErrBundle is wrapped when files are no bundle, or none that can be made.
var ErrBundle = errors.New("not a bundle as it was signed")

// Files that every bundle has, and those for a timestamp.
const (
	PublicName    = "public.pem"
	AnchorsName   = "tsa-ca.pem"
	StatementName = "statement.dsse.json"
	StampName     = "timestamp.tsr"

	paeName     = "statement.pae"
	sigName     = "statement.sig"
	readmeName  = "README.txt"
	listName    = "SHA256SUMS"
	listSigName = "SHA256SUMS.sig"
)

const (
	maxBundle = 1 << 30 // bytes of all files together
	maxFiles  = 10_000
	maxName   = 200 // bytes
)

// A File is one of a bundle.
type File struct {
	Name  string // relative, with slashes; ASCII letters, digits and -._ only
	About string // one line for README.txt; empty in what was read
	Data  []byte
}

// Content is what a bundle is made of.
type Content struct {
	Files     []File  // the report and what belongs to it
	Inputs    []Input // what was examined
	Predicate Predicate
}

// A Bundle is all files of a bundle, sorted by name.
type Bundle struct {
	files []File
}

// Files are all files, sorted by name. They must not be changed.
func (b *Bundle) Files() []File { return b.files }

// File is the content of the file of that name.
func (b *Bundle) File(name string) ([]byte, bool) {
	i, found := slices.BinarySearchFunc(b.files, name, func(f File, name string) int { return strings.Compare(f.Name, name) })
	if !found {
		return nil, false
	}
	return b.files[i].Data, true
}

// Seal makes a bundle of c, signed with an Ed25519 key and stamped by tsa, unless that is
// nil. The error wraps [ErrBundle] where c cannot be a bundle, [keyfile.ErrKey] or [ErrTSA].
func Seal(ctx context.Context, c Content, key crypto.Signer, tsa *TSA) (*Bundle, error) {
	public, err := publicOf(key)
	if err != nil {
		return nil, err
	}
	files, err := stated(c.Files, public, tsa)
	if err != nil {
		return nil, err
	}
	payload, err := json.Marshal(newStatement(files, c.Inputs, c.Predicate))
	if err != nil {
		return nil, fmt.Errorf("%w: the statement: %w", ErrBundle, err)
	}
	text, err := signEnvelope(ctx, payload, key)
	if err != nil {
		return nil, err
	}
	opened, err := openEnvelope(ctx, text, public) // a signer that is a service may be wrong
	if err != nil {
		return nil, err
	}
	if _, err := parseStatement(opened.payload); err != nil {
		return nil, err
	}
	files = append(files,
		File{StatementName, "the signed statement: a DSSE envelope around an in-toto Statement", text},
		File{paeName, "the very bytes that the statement's signature is over", opened.pae},
		File{sigName, "that signature, Ed25519, 64 bytes", opened.sig})
	r := readme{KeyID: keyfile.KeyID(public), Payload: len(payload), Inputs: len(c.Inputs)}
	if tsa != nil {
		answer, stamp, err := tsa.Stamp(ctx, digest(text))
		if err != nil {
			return nil, err
		}
		files = append(files, File{StampName, "the timestamp of " + StatementName + " (RFC 3161)", answer})
		r.Stamp, r.Trusted = stamp, tsa.Trusted
	}
	return list(files, r, key)
}

// stated are the files that the statement is about, sorted by name.
func stated(given []File, public ed25519.PublicKey, tsa *TSA) ([]File, error) {
	for _, f := range given {
		if reserved(f.Name) {
			return nil, fmt.Errorf("%w: %s is a name of its own", ErrBundle, f.Name)
		}
	}
	text, err := keyfile.EncodePublic(public)
	if err != nil {
		return nil, err
	}
	files := append(slices.Clone(given), File{PublicName, "public half of the key that signed", text})
	if tsa != nil {
		files = append(files, File{AnchorsName, "certificates that the timestamp is checked with", encodeCertificates(tsa.Trusted)})
	}
	b, err := newBundle(files)
	if err != nil {
		return nil, err
	}
	return b.files, nil
}

// list adds README.txt and the signed list of all files.
func list(files []File, r readme, key crypto.Signer) (*Bundle, error) {
	r.Files = slices.Clone(files)
	text, err := r.text()
	if err != nil {
		return nil, err
	}
	b, err := newBundle(append(files, File{Name: readmeName, Data: text}))
	if err != nil {
		return nil, err
	}
	sums := b.sums()
	sig, err := sign(key, sums)
	if err != nil {
		return nil, err
	}
	return newBundle(append(b.files, File{Name: listName, Data: sums}, File{Name: listSigName, Data: sig}))
}

// newBundle sorts files and checks names and sizes.
func newBundle(files []File) (*Bundle, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	if len(files) > maxFiles {
		return nil, fmt.Errorf("%w: more than %d files", ErrBundle, maxFiles)
	}
	total := int64(0)
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		if err := checkName(f.Name); err != nil {
			return nil, err
		}
		lower := strings.ToLower(f.Name)
		if seen[lower] {
			return nil, fmt.Errorf("%w: two files with the name %s", ErrBundle, f.Name)
		}
		seen[lower] = true
		if total += int64(len(f.Data)); total > maxBundle {
			return nil, errTooLarge
		}
	}
	return &Bundle{files}, nil
}

var errTooLarge = fmt.Errorf("%w: more than %d bytes", ErrBundle, int64(maxBundle))

// checkName keeps to names that are the same on every system and in every archive.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("%w: %.40q is no name of a file in it", ErrBundle, name)
	}
	for part := range strings.SplitSeq(name, "/") {
		odd := strings.ContainsFunc(part, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
		})
		if odd || part == "" || part[0] == '.' || part[len(part)-1] == '.' || part[0] == '-' {
			return fmt.Errorf("%w: %.40q is no name of a file in it", ErrBundle, name)
		}
	}
	return nil
}

// reserved are the names of files that Seal makes.
func reserved(name string) bool {
	for _, own := range []string{PublicName, AnchorsName, StatementName, StampName, paeName, sigName, readmeName, listName, listSigName} {
		if strings.EqualFold(name, own) {
			return true
		}
	}
	return false
}

// unstated are the files that the statement cannot be about, since they come of it.
func unstated(name string) bool {
	switch name {
	case StatementName, StampName, paeName, sigName, readmeName, listName, listSigName:
		return true
	}
	return false
}

// sums lists all files but the list and its signature as sha256sum does.
func (b *Bundle) sums() []byte {
	var out []byte
	for _, f := range b.files {
		if f.Name == listName || f.Name == listSigName {
			continue
		}
		sum := digest(f.Data)
		out = fmt.Appendf(out, "%s  %s\n", hex.EncodeToString(sum[:]), f.Name)
	}
	return out
}

func digest(data []byte) [32]byte { return sha256.Sum256(data) }
