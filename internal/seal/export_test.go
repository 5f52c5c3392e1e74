package seal

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"math/big"
	"slices"
)

func SignEnvelope(ctx context.Context, payload []byte, key crypto.Signer) ([]byte, error) {
	return signEnvelope(ctx, payload, key)
}

func OpenEnvelope(ctx context.Context, text []byte, key ed25519.PublicKey) ([]byte, error) {
	e, err := openEnvelope(ctx, text, key)
	if err != nil {
		return nil, err
	}
	return e.payload, nil
}

func MarshalStatement(files []File, inputs []Input, p Predicate) Statement {
	return newStatement(files, inputs, p)
}

func ParseStatement(payload []byte) (*Statement, error) { return parseStatement(payload) }

func VerifyStampNonce(answer []byte, digest [32]byte, nonce *big.Int, trusted []*x509.Certificate) (*Stamp, error) {
	return verifyStamp(answer, digest, nonce, trusted)
}

// NewBundle takes files as they are, so that tests can change them.
func NewBundle(files []File) (*Bundle, error) { return newBundle(files) }

const MaxStamp = maxStamp

func ParseArchive(data []byte) (*Bundle, error) { return parseArchive(data) }

// Relist signs the list of files anew, as the holder of the key could.
func Relist(files []File, key crypto.Signer) (*Bundle, error) {
	kept := slices.DeleteFunc(slices.Clone(files), func(f File) bool { return f.Name == listName || f.Name == listSigName })
	b, err := newBundle(kept)
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
