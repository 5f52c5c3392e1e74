package sealing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/watermark"
)

// SealMessage encrypts a message, as JSON, between holders of k under a data key of its own. about says what it
// is: the same text opens it. Only holders of k can write and read such messages.
func (k *Key) SealMessage(about string, clear []byte) ([]byte, error) {
	x, err := Seal(k, aboutID(about), nil, nil, append([]byte{}, clear...))
	if err != nil {
		return nil, err
	}
	return json.Marshal(message{x.KeyID, x.Wrapped, x.Body})
}

// OpenMessage is the inverse of [Key.SealMessage]. The error wraps [records.ErrSealed] if the message was
// altered, sealed under another key, or is about something else. It wraps [ErrKey] if k does not answer.
func (k *Key) OpenMessage(about string, sealed []byte) ([]byte, error) {
	var m message
	if err := json.Unmarshal(sealed, &m); err != nil {
		return nil, fmt.Errorf("%w: no sealed message", records.ErrSealed)
	}
	return Open(k, aboutID(about), &records.Sealed{KeyID: m.Key, Wrapped: m.Wrapped, Body: m.Body}, Original)
}

// message is a sealed message as JSON.
type message struct {
	Key     string `json:"key"`     // ID of the sealing key
	Wrapped []byte `json:"wrapped"` // the data key, encrypted under the sealing key
	Body    []byte `json:"body"`
}

// aboutID stands for the ID of a submission, to which [Seal] binds what it encrypts.
func aboutID(about string) watermark.Submission {
	return watermark.SubmissionOf(sha256.Sum256([]byte("kycmark message v1\x00" + about)))
}

// NewKey makes a key that encrypts under random nonces: 2^32 messages at most. wrapped is the key under k. about says what
// it is for: the same text opens it. The error wraps [ErrKey] if k does not wrap it.
func NewKey(k *Key, about string) (key AEAD, wrapped []byte, err error) {
	var secret [sealSize]byte
	rand.Read(secret[:])
	if wrapped, err = k.SealMessage(about, secret[:]); err != nil {
		return nil, nil, err
	}
	return newAESGCM(secret), wrapped, nil
}

// OpenKey returns the key that [NewKey] made. Errors are as [Key.OpenMessage] has them.
func OpenKey(k *Key, about string, wrapped []byte) (AEAD, error) {
	secret, err := k.OpenMessage(about, wrapped)
	if err == nil && len(secret) != sealSize {
		err = fmt.Errorf("%w: a key of %d bytes, want %d", records.ErrSealed, len(secret), sealSize)
	}
	if err != nil {
		return nil, err
	}
	return newAESGCM([sealSize]byte(secret)), nil
}

// NewSegmentKey makes the key of a segment, with nonces that the caller chooses. wrapped is the
// key under k. The error wraps [ErrKey] if k does not wrap it.
func NewSegmentKey(k *Key, name [16]byte) (key cipher.AEAD, wrapped []byte, err error) {
	secret := make([]byte, sealSize)
	rand.Read(secret)
	if wrapped, err = k.SealMessage(aboutSegment(name), secret); err != nil {
		return nil, nil, err
	}
	key, err = gcm(secret)
	return key, wrapped, err
}

// OpenSegmentKey returns the key that [NewSegmentKey] made. Errors are as [Key.OpenMessage] has them.
func OpenSegmentKey(k *Key, name [16]byte, wrapped []byte) (cipher.AEAD, error) {
	secret, err := k.OpenMessage(aboutSegment(name), wrapped)
	if err != nil {
		return nil, err
	}
	return gcm(secret)
}

func aboutSegment(name [16]byte) string { return "segment " + string(name[:]) }

func gcm(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
