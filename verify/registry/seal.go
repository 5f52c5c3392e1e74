package registry

import (
	"bufio"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/kycmark/kycmark/internal/intake"
)

const (
	sealFamily = "KYCMARK-SEAL-KEY-"
	sealPrefix = sealFamily + "1-"
	sealSize   = 32
	sealSum    = 4

	sealIDPrefix = "seal1-" // of the IDs of our own keys
)

var sealText = base32.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").WithPadding(base32.NoPadding)

// A SealKey is the sealing key: the master key under which the data keys of the
// kept originals are wrapped. It is 32 random bytes of our own, as a key file holds
// them, or a key of a key management service (see [NewSealKey]). It never prints,
// logs or marshals its secret: all formatting verbs show [SealKey.ID], of a copied
// key as well; only [SealKey.Secret] lets the secret out.
//
// The zero SealKey is invalid. A *SealKey is safe for concurrent use, if that of
// its service is.
type SealKey struct {
	// master stands behind two pointers: inside of other structs fmt calls no
	// methods, and follows one pointer where a verb does not fit.
	master **sealMaster
	id     string
}

// A sealMaster wraps data keys.
type sealMaster struct {
	aead   tink.AEAD
	secret []byte // sealSize bytes; nil where a service keeps the key
}

func newSealKey(id string, m sealMaster) *SealKey {
	p := &m
	return &SealKey{master: &p, id: id}
}

// NewSealKey makes a sealing key from a key that a key management service keeps. master is
// the tink.AEAD of the service's client, for example from tink-crypto/tink-go-gcpkms or
// tink-go-awskms. id names the key in public and in the registry. Pass the same id whenever
// the registry is opened, and never give it to another key. The service sees data keys and,
// as associated data, the IDs of submissions. One call wraps the data key of an upload, one
// call opens it.
//
// The error wraps [ErrSealKey].
func NewSealKey(id string, master tink.AEAD) (*SealKey, error) {
	switch err := checkText("ID of a sealing key", id, intake.MaxName); {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrSealKey, err)
	case id == "" || strings.HasPrefix(id, sealIDPrefix):
		return nil, fmt.Errorf("%w: an ID is needed that does not begin with %s", ErrSealKey, sealIDPrefix)
	case master == nil:
		return nil, fmt.Errorf("%w: no master", ErrSealKey)
	}
	return newSealKey(id, sealMaster{aead: master}), nil
}

// GenerateSealKey makes a new key from the operating system's random source.
func GenerateSealKey() *SealKey {
	var s [sealSize]byte
	rand.Read(s[:]) // never fails: crypto/rand aborts the program instead
	return localSealKey(s)
}

func localSealKey(secret [sealSize]byte) *SealKey {
	id, err := hkdf.Key(sha256.New, secret[:], nil, "kycmark seal v1 key id\x00", 8)
	if err != nil {
		panic("registry: hkdf: " + err.Error()) // only for more than 8160 bytes
	}
	master, err := newAEAD(secretdata.NewBytesFromData(secret[:], insecuresecretdataaccess.Token{}))
	if err != nil {
		panic("registry: tink: " + err.Error()) // only for another length of key
	}
	return newSealKey(sealIDPrefix+hex.EncodeToString(id), sealMaster{master, secret[:]})
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
	return localSealKey([sealSize]byte(raw[:sealSize])), nil
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
// [ParseSealKey], or "" where a service keeps the key. Store it like a password,
// apart from the registry.
func (k *SealKey) Secret() string {
	secret := (*k.master).secret
	if secret == nil {
		return ""
	}
	return sealPrefix + sealText.EncodeToString(append(secret[:sealSize:sealSize], sealChecksum(secret)...))
}

// ID names the key in public, such as "seal1-5e0c7a1f90b2d364"; it reveals
// nothing of the secret.
func (k *SealKey) ID() string { return k.id }

// String returns [SealKey.ID].
func (k SealKey) String() string { return k.id }

// GoString returns [SealKey.ID], so that %#v does not print the secret.
func (k SealKey) GoString() string { return "registry.SealKey(" + k.id + ")" }

// Format writes [SealKey.ID] for every verb.
func (k SealKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.id) }

// LogValue logs [SealKey.ID].
func (k SealKey) LogValue() slog.Value { return slog.StringValue(k.id) }

// MarshalText refuses: a key is written only by [SealKey.Secret].
func (k SealKey) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%w: keys do not marshal; use Secret", ErrSealKey)
}
