package verify

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"github.com/kycmark/kycmark/internal/store"
	"github.com/kycmark/kycmark/watermark"
)

const (
	sealFamily = "KYCMARK-SEAL-KEY-"
	sealPrefix = sealFamily + "1-"
	sealSize   = 32
	sealSum    = 4
)

var sealText = base32.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").WithPadding(base32.NoPadding)

// A SealKey is the sealing key: 32 random bytes under which the data keys of the
// kept originals are wrapped. It never prints, logs or marshals its secret: all
// formatting verbs show [SealKey.ID], of a copied key as well; only [SealKey.Secret]
// lets the secret out.
//
// The zero SealKey is invalid. A *SealKey is safe for concurrent use.
type SealKey struct {
	// secret stands behind two pointers: inside of other structs fmt calls no
	// methods, and follows one pointer where a verb does not fit.
	secret **[sealSize]byte
	id     string
}

// GenerateSealKey makes a new key from the operating system's random source.
func GenerateSealKey() *SealKey {
	var s [sealSize]byte
	rand.Read(s[:]) // never fails: crypto/rand aborts the program instead
	return newSealKey(s)
}

func newSealKey(secret [sealSize]byte) *SealKey {
	p := &secret
	k := &SealKey{secret: &p}
	k.id = "seal1-" + hex.EncodeToString(k.derive("key id", nil, 8))
	return k
}

// ParseSealKey reads the text form of a key as written by [SealKey.Secret]. Blank
// lines and lines that begin with # are passed over. The error wraps [ErrSealKey]
// and never repeats the text.
func ParseSealKey(text string) (*SealKey, error) {
	line, err := keyLine(text)
	switch {
	case err != nil:
		return nil, err
	case strings.HasPrefix(line, "KYCMARK-SECRET-KEY-"):
		return nil, fmt.Errorf("%w: this is a mark key", ErrSealKey)
	case !strings.HasPrefix(line, sealFamily):
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrSealKey, strings.TrimSuffix(sealFamily, "-"))
	case !strings.HasPrefix(line, sealPrefix):
		return nil, fmt.Errorf("%w: made by a later version of kycmark", ErrSealKey)
	}
	raw, err := sealText.DecodeString(strings.TrimPrefix(line, sealPrefix))
	if err != nil || len(raw) != sealSize+sealSum || sealText.EncodeToString(raw) != strings.TrimPrefix(line, sealPrefix) {
		return nil, fmt.Errorf("%w: damaged: wrong length or characters", ErrSealKey)
	}
	sum := sealChecksum(raw[:sealSize])
	if subtle.ConstantTimeCompare(sum, raw[sealSize:]) != 1 {
		return nil, fmt.Errorf("%w: damaged: its checksum does not match", ErrSealKey)
	}
	return newSealKey([sealSize]byte(raw[:sealSize])), nil
}

// keyLine returns the only line that is neither blank nor a comment.
func keyLine(text string) (string, error) {
	var line string
	sc := bufio.NewScanner(strings.NewReader(text))
	for sc.Scan() {
		l := strings.TrimSpace(sc.Text())
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		if line != "" {
			return "", fmt.Errorf("%w: more than one key in the file", ErrSealKey)
		}
		line = l
	}
	if sc.Err() != nil {
		return "", fmt.Errorf("%w: no key text found", ErrSealKey)
	}
	if line == "" {
		return "", fmt.Errorf("%w: empty", ErrSealKey)
	}
	return line, nil
}

func sealChecksum(secret []byte) []byte {
	sum := sha256.Sum256(append([]byte(sealPrefix), secret...))
	return sum[:sealSum]
}

// Secret returns the text form of the key, one line, the inverse of
// [ParseSealKey]. Store it like a password, apart from the registry.
func (k *SealKey) Secret() string {
	raw := append((*k.secret)[:sealSize:sealSize], sealChecksum((*k.secret)[:])...)
	return sealPrefix + sealText.EncodeToString(raw)
}

// ID names the key in public, such as "seal1-5e0c7a1f90b2d364"; it reveals
// nothing of the secret.
func (k *SealKey) ID() string { return k.id }

// String returns [SealKey.ID].
func (k SealKey) String() string { return k.id }

// GoString returns [SealKey.ID], so that %#v does not print the secret.
func (k SealKey) GoString() string { return "verify.SealKey(" + k.id + ")" }

// Format writes [SealKey.ID] for every verb.
func (k SealKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.id) }

// LogValue logs [SealKey.ID].
func (k SealKey) LogValue() slog.Value { return slog.StringValue(k.id) }

// MarshalText refuses: a key is written only by [SealKey.Secret].
func (k SealKey) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%w: keys do not marshal; use Secret", ErrSealKey)
}

// derive returns n bytes of HKDF-SHA256 (RFC 5869) under a label and a context.
func (k *SealKey) derive(label string, context []byte, n int) []byte {
	out, err := hkdf.Key(sha256.New, (*k.secret)[:], nil, "kycmark seal v1 "+label+"\x00"+string(context), n)
	if err != nil {
		panic("verify: hkdf: " + err.Error()) // only for n > 8160
	}
	return out
}

// seal encrypts a file under a data key of its own (AES-256-GCM, random nonce in
// front), and the data key under a key that is derived from the sealing key for
// this submission alone. The submission ID is associated data of both, so that no
// original can be passed off as another's.
func (k *SealKey) seal(id watermark.Submission, file []byte) (store.Sealed, error) {
	var data [32]byte
	rand.Read(data[:])
	body, err := aead(data[:])
	if err != nil {
		return store.Sealed{}, err
	}
	wrap, err := aead(k.derive("wrap", id[:], 32))
	if err != nil {
		return store.Sealed{}, err
	}
	return store.Sealed{
		KeyID:   k.id,
		Wrapped: wrap.Seal(nil, nil, data[:], sealContext("data key", id)),
		Body:    body.Seal(nil, nil, file, sealContext("original", id)),
	}, nil
}

// open is the inverse of seal. Its error wraps [ErrSealed].
func (k *SealKey) open(id watermark.Submission, x *store.Sealed) ([]byte, error) {
	if x.KeyID != k.id {
		return nil, fmt.Errorf("%w: it was sealed under the key %s, not %s", ErrSealed, x.KeyID, k.id)
	}
	wrap, err := aead(k.derive("wrap", id[:], 32))
	if err != nil {
		return nil, err
	}
	data, err := wrap.Open(nil, nil, x.Wrapped, sealContext("data key", id))
	if err != nil || len(data) != 32 {
		return nil, fmt.Errorf("%w: its data key was altered", ErrSealed)
	}
	body, err := aead(data)
	if err != nil {
		return nil, err
	}
	file, err := body.Open(nil, nil, x.Body, sealContext("original", id))
	if err != nil {
		return nil, fmt.Errorf("%w: it was altered", ErrSealed)
	}
	return file, nil
}

func aead(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func sealContext(what string, id watermark.Submission) []byte {
	return append([]byte("kycmark seal v1 "+what+"\x00"), id[:]...)
}
