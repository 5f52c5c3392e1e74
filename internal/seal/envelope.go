package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/kycmark/kycmark/internal/keyfile"
)

// An envelope is an opened DSSE envelope: what was signed, and the signature.
type envelope struct {
	payload []byte // serialised body
	pae     []byte // its pre-authentication encoding, the very bytes that are signed
	sig     []byte // Ed25519, 64 bytes
}

// reportKey is a report key as package dsse uses keys; signer is nil where it only
// verifies.
type reportKey struct {
	signer crypto.Signer
	public ed25519.PublicKey
}

func (k reportKey) Sign(_ context.Context, data []byte) ([]byte, error) { return sign(k.signer, data) }

func (k reportKey) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(k.public, data, sig) {
		return errors.New("the signature does not hold")
	}
	return nil
}

func (k reportKey) KeyID() (string, error)   { return keyfile.KeyID(k.public), nil }
func (k reportKey) Public() crypto.PublicKey { return k.public }

// signEnvelope signs a payload of [PayloadType] with an Ed25519 key. It returns the DSSE envelope
// as one line of JSON with its line feed: the only form that openEnvelope accepts. For another
// kind of key it returns [keyfile.ErrKey].
func signEnvelope(ctx context.Context, payload []byte, key crypto.Signer) ([]byte, error) {
	public, err := publicOf(key)
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(reportKey{key, public})
	if err != nil {
		return nil, err
	}
	e, err := signer.SignPayload(ctx, PayloadType, payload)
	if err != nil {
		return nil, err
	}
	return encodeEnvelope(e)
}

func encodeEnvelope(e *dsse.Envelope) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// openEnvelope checks an envelope of one signature by key, and returns its content. The bytes
// of text must be exactly as signEnvelope writes them, since DSSE leaves key IDs, unknown
// fields and the looser forms of base64 unsigned. Errors wrap [ErrBundle].
func openEnvelope(ctx context.Context, text []byte, key ed25519.PublicKey) (*envelope, error) {
	var e dsse.Envelope
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("%w: the envelope: %w", ErrBundle, err)
	}
	if e.PayloadType != PayloadType {
		return nil, fmt.Errorf("%w: the envelope holds %.100q, not %s", ErrBundle, e.PayloadType, PayloadType)
	}
	if len(e.Signatures) != 1 {
		return nil, fmt.Errorf("%w: the envelope has %d signatures instead of one", ErrBundle, len(e.Signatures))
	}
	verifier, err := dsse.NewEnvelopeVerifier(reportKey{public: key})
	if err != nil {
		return nil, err
	}
	_, payload, err := verifier.VerifyAndDecode(ctx, &e)
	if err != nil {
		return nil, fmt.Errorf("%w: the statement's signature does not hold: %w", ErrBundle, err)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return nil, fmt.Errorf("%w: the envelope: %w", ErrBundle, err)
	}
	again, err := encodeEnvelope(&dsse.Envelope{
		PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(payload),
		Signatures: []dsse.Signature{{KeyID: keyfile.KeyID(key), Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
	if err != nil || !bytes.Equal(again, text) {
		return nil, fmt.Errorf("%w: the envelope is not written as this program writes it", ErrBundle)
	}
	return &envelope{payload, dsse.PAE(PayloadType, payload), sig}, nil
}

// publicOf is the public half of a signer, which may be a key service's.
func publicOf(key crypto.Signer) (ed25519.PublicKey, error) {
	if key == nil {
		return nil, fmt.Errorf("%w: none", keyfile.ErrKey)
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok || len(public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: another kind of signer", keyfile.ErrKey)
	}
	return public, nil
}

// sign is Ed25519 of the message itself, which crypto.Hash(0) asks for.
func sign(key crypto.Signer, message []byte) ([]byte, error) {
	sig, err := key.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("report key: %w", err)
	}
	return sig, nil
}
