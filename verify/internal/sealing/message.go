package sealing

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/kycmark/kycmark/internal/books"
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

// OpenMessage is the inverse of [Key.SealMessage]. The error wraps [books.ErrSealed] if the message was
// altered, sealed under another key, or is about something else. It wraps [ErrKey] if k does not answer.
func (k *Key) OpenMessage(about string, sealed []byte) ([]byte, error) {
	var m message
	if err := json.Unmarshal(sealed, &m); err != nil {
		return nil, fmt.Errorf("%w: no sealed message", books.ErrSealed)
	}
	return Open(k, aboutID(about), &books.Sealed{KeyID: m.Key, Wrapped: m.Wrapped, Body: m.Body}, Original)
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
