// Package sealing encrypts what is kept of submissions. Only the holder of the sealing key can
// read a sealed part. Destroying a submission's data key destroys its parts.
package sealing

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/records"
)

const (
	sealFamily = "KYCMARK-SEAL-KEY-"
	sealPrefix = sealFamily + "1-"
	sealSize   = 32
	sealSum    = 4

	sealIDPrefix = "seal1-" // of the IDs of our own keys
)

var sealText = base32.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").WithPadding(base32.NoPadding)

// ErrKey is wrapped if a sealing key cannot be read, or its key management service does not answer.
var ErrKey = errors.New("verify: not a usable sealing key")

// A Key is the sealing key: the master key under which the data keys of the kept originals are wrapped. It is 32 random
// bytes of our own, as a key file holds them, or a key of a key management service (see [New]). It never prints, logs
// or marshals its secret: all formatting verbs show [Key.ID], of a copied key as well. Only [Key.Secret] has it.
//
// The zero Key is invalid. A *Key is safe for concurrent use, if that of its service is.
type Key struct {
	// master stands behind two pointers: inside of other structs fmt calls no
	// methods, and follows one pointer where a verb does not fit.
	master **sealMaster
	id     string
}

// A sealMaster wraps data keys.
type sealMaster struct {
	aead   AEAD
	secret []byte // sealSize bytes; nil where a service keeps the key
}

func newSealKey(id string, m sealMaster) *Key {
	p := &m
	return &Key{master: &p, id: id}
}

// New makes a key from master, the AEAD of a key management service. id names the key in public;
// it has 1 to [intake.MaxName] bytes and does not begin as the IDs of our own keys. New does not
// call the service. The error wraps [ErrKey].
func New(id string, master AEAD) (*Key, error) {
	switch err := records.CheckText("ID of a sealing key", id, intake.MaxName); {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	case id == "" || strings.HasPrefix(id, sealIDPrefix):
		return nil, fmt.Errorf("%w: an ID is needed that does not begin with %s", ErrKey, sealIDPrefix)
	case master == nil:
		return nil, fmt.Errorf("%w: no master", ErrKey)
	}
	return newSealKey(id, sealMaster{aead: master}), nil
}

func Generate() *Key {
	var s [sealSize]byte
	rand.Read(s[:]) // never fails: crypto/rand aborts the program instead
	return localSealKey(s)
}

// localSealKey returns the key of a secret of our own. Its ID is derived from the secret and reveals nothing of it.
func localSealKey(secret [sealSize]byte) *Key {
	id, err := hkdf.Key(sha256.New, secret[:], nil, "kycmark seal v1 key id\x00", 8)
	if err != nil {
		panic("sealing: hkdf: " + err.Error()) // only for more than 8160 bytes
	}
	return newSealKey(sealIDPrefix+hex.EncodeToString(id), sealMaster{newAESGCM(secret), secret[:]})
}

// Parse reads the text form of a key as written by [Key.Secret], with its checksum. Blank lines
// and lines that begin with # are passed over. A mark key, a damaged text, or several keys are
// errors. The error wraps [ErrKey] and never repeats the text.
func Parse(text string) (*Key, error) {
	line, err := code.KeyLine(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	case strings.HasPrefix(line, "KYCMARK-SECRET-KEY-"):
		return nil, fmt.Errorf("%w: this is a mark key", ErrKey)
	case !strings.HasPrefix(line, sealFamily):
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrKey, strings.TrimSuffix(sealFamily, "-"))
	case !strings.HasPrefix(line, sealPrefix):
		return nil, fmt.Errorf("%w: made by a later version of kycmark", ErrKey)
	}
	raw, err := sealText.DecodeString(strings.TrimPrefix(line, sealPrefix))
	if err != nil || len(raw) != sealSize+sealSum || sealText.EncodeToString(raw) != strings.TrimPrefix(line, sealPrefix) {
		return nil, fmt.Errorf("%w: damaged: wrong length or characters", ErrKey)
	}
	if subtle.ConstantTimeCompare(sealChecksum(raw[:sealSize]), raw[sealSize:]) != 1 {
		return nil, fmt.Errorf("%w: damaged: its checksum does not match", ErrKey)
	}
	return localSealKey([sealSize]byte(raw[:sealSize])), nil
}

func sealChecksum(secret []byte) []byte {
	sum := sha256.Sum256(append([]byte(sealPrefix), secret...))
	return sum[:sealSum]
}

// Secret returns the text form of the key, one line, or "" where a service keeps the key. Store it apart from the registry.
func (k *Key) Secret() string {
	secret := (*k.master).secret
	if secret == nil {
		return ""
	}
	return sealPrefix + sealText.EncodeToString(append(secret[:sealSize:sealSize], sealChecksum(secret)...))
}

// Zero reports whether k is nil or the zero Key, which neither seals nor opens.
func Zero(k *Key) bool { return k == nil || k.master == nil }

// ID names the key in public, such as "seal1-5e0c7a1f90b2d364"; it reveals nothing of the secret.
func (k *Key) ID() string    { return k.id }
func (k Key) String() string { return k.id }

// GoString returns [Key.ID], so that %#v does not print the secret.
func (k Key) GoString() string           { return "registry.SealKey(" + k.id + ")" }
func (k Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.id) }
func (k Key) LogValue() slog.Value       { return slog.StringValue(k.id) }

// MarshalText refuses: a key is written only by [Key.Secret].
func (k Key) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%w: keys do not marshal; use Secret", ErrKey)
}
