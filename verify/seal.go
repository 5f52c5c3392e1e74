package verify

import "errors"

// A SealKey is the sealing key: 32 random bytes under which the data keys of the
// kept originals are wrapped. It never prints, logs or marshals its secret: all
// formatting verbs show [SealKey.ID]; only [SealKey.Secret] lets the secret out.
//
// The zero SealKey is invalid. A *SealKey is safe for concurrent use.
type SealKey struct {
	secret [32]byte
	id     string
}

// GenerateSealKey makes a new key from the operating system's random source.
func GenerateSealKey() *SealKey { return &SealKey{} }

// ParseSealKey reads the text form of a key as written by [SealKey.Secret]. Blank
// lines and lines that begin with # are passed over. The error wraps [ErrSealKey]
// and never repeats the text.
func ParseSealKey(text string) (*SealKey, error) { return nil, errors.ErrUnsupported }

// Secret returns the text form of the key, one line, the inverse of
// [ParseSealKey]. Store it like a password, apart from the registry.
func (k *SealKey) Secret() string { return "" }

// ID names the key in public, such as "seal1-5e0c7a1f90b2d364".
func (k *SealKey) ID() string { return k.id }
