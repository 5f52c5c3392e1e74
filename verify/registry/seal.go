package registry

import "github.com/kycmark/kycmark/verify/internal/sealing"

// A SealKey is the sealing key: the master key under which the data keys of the kept originals are wrapped. It is 32
// random bytes of our own, as a key file holds them, or a key of a key management service (see [NewSealKey]). Its
// method Secret returns the text that [ParseSealKey] reads, or "" if a service keeps the key. Its method ID names the
// key in public. All formatting verbs, logs and encodings show the ID alone.
//
// The zero SealKey is invalid. A *SealKey is safe for concurrent use, if that of its service is.
type SealKey = sealing.Key

// An AEAD encrypts and decrypts with associated data. Its method set is that of Tink's tink.AEAD.
type AEAD = sealing.AEAD

// NewSealKey makes a sealing key from a key that a key management service keeps. master is the AEAD of the service's
// client, for example from tink-crypto/tink-go-gcpkms or tink-go-awskms. id names the key in public and in the
// registry. Pass the same id whenever the registry is opened, and never give it to another key. The service sees data
// keys and, as associated data, the IDs of submissions. One call wraps the data key of an upload, one call opens it.
func NewSealKey(id string, master AEAD) (*SealKey, error) { return sealing.New(id, master) }

// GenerateSealKey makes a new key from the operating system's random source.
func GenerateSealKey() *SealKey { return sealing.Generate() }

// ParseSealKey reads the text form of a key as written by its method Secret. Blank lines and lines that begin with #
// are passed over. The error never repeats the text.
func ParseSealKey(text string) (*SealKey, error) { return sealing.Parse(text) }
