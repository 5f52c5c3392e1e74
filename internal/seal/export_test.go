package seal

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"math/big"
	"slices"
)

const (
	MaxStamp      = maxStamp
	PayloadType   = payloadType
	StatementType = statementType
	PredicateType = predicateType
)

// Content is what any bundle is made of, whether or not it is an investigation's.
type Content struct {
	Files     []File
	Inputs    []Subject
	Predicate Predicate
}

func Sign(ctx context.Context, c Content, key crypto.Signer, tsa *TSA) (*Bundle, error) {
	return content{c.Files, c.Inputs, c.Predicate}.sign(ctx, key, tsa)
}

// Relist signs the list of files anew, as the holder of the key could.
func Relist(files []File, key crypto.Signer) (*Bundle, error) {
	return signList(slices.DeleteFunc(slices.Clone(files), func(f File) bool { return f.Name == listName || f.Name == listSigName }), key)
}

// Files returns all files, sorted by name.
func (b *Bundle) Files() []File { return b.files }

func (b *Bundle) File(name string) ([]byte, bool) { return b.file(name) }

// Verify makes the checks that need no findings.
func (b *Bundle) Verify(trust Trust) *Result {
	r := &Result{}
	b.verify(trust, r)
	return r
}

func (s *Statement) Inputs() []Subject { return s.inputs() }

func OpenEnvelope(text []byte, key ed25519.PublicKey) ([]byte, error) {
	e, err := openEnvelope(text, key)
	if err != nil {
		return nil, err
	}
	return e.Payload, nil
}

func VerifyStampNonce(answer []byte, digest [32]byte, nonce *big.Int, trusted []*x509.Certificate) (*Stamp, error) {
	return verifyStamp(answer, digest, nonce, trusted)
}

var (
	SignEnvelope   = signEnvelope
	Input          = input
	NewStatement   = newStatement
	ParseStatement = parseStatement
	NewBundle      = newBundle
	ParseArchive   = parseArchive
)
