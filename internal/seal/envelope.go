package seal

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/kycmark/kycmark/internal/keyfile"
)

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
