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

// Envelope encryption: a data key of its own (AES-256-GCM) encrypts what is kept of a submission, and the sealing key
// encrypts the data key. Associated data names the submission and the part, so that no part can be passed off as another.

// An AEAD encrypts and authenticates: authenticated encryption with associated data. Its method
// set is that of Tink's AEAD, which clients of key management services implement.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// A Part is what is encrypted under a data key.
type Part string

// The parts of a submission.
const (
	Original Part = "original"
	Features Part = "features"
	Hashes   Part = "hashes" // text forms of PDQ and area hash, a line each
	Event    Part = "event"  // signed, of the party that captured it

	dataKey Part = "data key" // under the sealing key
)

func (p Part) context(of watermark.Submission) []byte {
	return append([]byte("kycmark seal v1 "+string(p)+"\x00"), of[:]...)
}

// Seal encrypts the parts of a submission under a new data key, and the data key under k, which
// must not be zero. A part that is nil is not kept, and stays nil; an empty part is encrypted.
// The error wraps [ErrKey] if k does not wrap the data key.
func Seal(k *Key, of watermark.Submission, hashes, features, original []byte) (*records.Sealed, error) {
	data, wrapped, err := k.newDataKey(of)
	if err != nil {
		return nil, err
	}
	sealed := func(p Part, clear []byte) (out []byte) {
		if clear != nil && err == nil {
			out, err = data.Encrypt(clear, p.context(of))
		}
		return out
	}
	x := &records.Sealed{KeyID: k.id, Wrapped: wrapped, Hashes: sealed(Hashes, hashes), Features: sealed(Features, features), Body: sealed(Original, original)}
	return x, err
}

// SealAgain encrypts a part, such as a lost original, under the data key of the other parts of x.
func SealAgain(k *Key, of watermark.Submission, x *records.Sealed, p Part, clear []byte) ([]byte, error) {
	data, err := dataKeyOf(k, of, x)
	if err != nil {
		return nil, err
	}
	return data.Encrypt(clear, p.context(of))
}

// Open decrypts the part p of a submission from x: see [Unlock].
func Open(k *Key, of watermark.Submission, x *records.Sealed, p Part) ([]byte, error) {
	open, err := Unlock(k, of, x)
	if err != nil {
		return nil, err
	}
	return open(p)
}

// Unlock unwraps the data key of a submission and returns a function that decrypts its parts from x. An error of either
// wraps [records.ErrSealed] if the part or the data key was altered, is missing, or is of another submission. It also
// does if k is nil, or another key than the parts were sealed under. It wraps [ErrKey] if k does not answer.
func Unlock(k *Key, of watermark.Submission, x *records.Sealed) (opens func(Part) ([]byte, error), err error) {
	data, err := dataKeyOf(k, of, x)
	if err != nil {
		return nil, err
	}
	return func(p Part) ([]byte, error) {
		return open(data, of, p, map[Part][]byte{Original: x.Body, Features: x.Features, Hashes: x.Hashes}[p])
	}, nil
}

// OpenOther decrypts a part that is kept apart from x. Errors are as [Unlock] has them.
func OpenOther(k *Key, of watermark.Submission, x *records.Sealed, p Part, sealed []byte) ([]byte, error) {
	data, err := dataKeyOf(k, of, x)
	if err != nil {
		return nil, err
	}
	return open(data, of, p, sealed)
}

func open(data AEAD, of watermark.Submission, p Part, sealed []byte) ([]byte, error) {
	clear, err := data.Decrypt(sealed, p.context(of))
	if err != nil {
		return nil, fmt.Errorf("%w: the part %q was altered or removed", records.ErrSealed, p)
	}
	return clear, nil
}

// dataKeyOf unwraps the data key of a submission. Errors are as [Unlock] has them.
func dataKeyOf(k *Key, of watermark.Submission, x *records.Sealed) (AEAD, error) {
	if k == nil {
		return nil, fmt.Errorf("%w: no sealing key", records.ErrSealed)
	}
	if x.KeyID != k.id {
		return nil, fmt.Errorf("%w: it was sealed under the key %s, not %s", records.ErrSealed, x.KeyID, k.id)
	}
	secret, err := k.unwrap(of, x.Wrapped)
	if err != nil {
		return nil, err
	}
	if len(secret) != sealSize {
		return nil, fmt.Errorf("%w: its data key was altered", records.ErrSealed)
	}
	return newAESGCM([sealSize]byte(secret)), nil
}

// aesGCM is AES-256-GCM: a random nonce of 12 bytes, the ciphertext, and a tag of 16 (RFC 5116 section 5.2).
type aesGCM struct{ cipher.AEAD }

func newAESGCM(key [sealSize]byte) AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("sealing: AES: " + err.Error()) // only for another length of key
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("sealing: GCM: " + err.Error()) // only for blocks of another size than AES has
	}
	return aesGCM{gcm}
}

func (a aesGCM) Encrypt(plaintext, associatedData []byte) ([]byte, error) {
	return a.Seal(nil, nil, plaintext, associatedData), nil
}

func (a aesGCM) Decrypt(ciphertext, associatedData []byte) ([]byte, error) {
	return a.Open(nil, nil, ciphertext, associatedData)
}

// newDataKey makes a random data key for a submission, and wraps it: encrypted under k, bound to the submission's ID.
func (k *Key) newDataKey(of watermark.Submission) (data AEAD, wrapped []byte, err error) {
	var secret [sealSize]byte
	rand.Read(secret[:]) // never fails: crypto/rand aborts the program instead
	wrapped, err = (*k.master).aead.Encrypt(secret[:], dataKey.context(of))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s does not wrap a data key: %w", ErrKey, k.id, err)
	}
	return newAESGCM(secret), wrapped, nil
}

// unwrap returns the data key, in the clear, that wrapped holds. A service's refusal does not tell an altered data
// key from a failure of the service. So after a refusal unwrap has it open a data key just wrapped, and asks again.
func (k *Key) unwrap(of watermark.Submission, wrapped []byte) ([]byte, error) {
	master := *k.master
	secret, err := master.aead.Decrypt(wrapped, dataKey.context(of))
	if err != nil && master.secret == nil {
		_, fresh, failed := k.newDataKey(of)
		if failed == nil {
			_, failed = master.aead.Decrypt(fresh, dataKey.context(of))
		}
		if failed != nil {
			return nil, fmt.Errorf("%w: %s does not open a data key: %w", ErrKey, k.id, err)
		}
		secret, err = master.aead.Decrypt(wrapped, dataKey.context(of)) // the refusal may have been a passing failure
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its data key was altered", records.ErrSealed)
	}
	return secret, nil
}

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

type message struct {
	Key     string `json:"key"`     // ID of the sealing key
	Wrapped []byte `json:"wrapped"` // the data key, encrypted under the sealing key
	Body    []byte `json:"body"`
}

// aboutID stands for the ID of a submission, to which [Seal] binds what it encrypts.
func aboutID(about string) watermark.Submission {
	return watermark.SubmissionOf(sha256.Sum256([]byte("kycmark message v1\x00" + about)))
}

// NewKey makes a key that encrypts under random nonces: 2^32 messages at most. It returns the key under k. about says
// what it is for: the same text opens it. The error wraps [ErrKey] if k does not wrap it.
func NewKey(k *Key, about string) (wrapped []byte, err error) {
	var secret [sealSize]byte
	rand.Read(secret[:])
	return k.SealMessage(about, secret[:])
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
