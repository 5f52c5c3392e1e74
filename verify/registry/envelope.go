package registry

import (
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/watermark"
)

// Envelope encryption through tink: a data key of its own (AES-256-GCM) encrypts what is
// kept of a submission, and the sealing key encrypts the data key. Associated data names the
// submission and the part, so that no part can be passed off as another.

// A part is what is encrypted under a data key.
type part string

const (
	partDataKey  part = "data key" // under the sealing key
	partOriginal part = "original"
	partFeatures part = "features"
	partHashes   part = "hashes" // text forms of PDQ and area hash, a line each
)

func (p part) context(of watermark.Submission) []byte {
	return append([]byte("kycmark seal v1 "+string(p)+"\x00"), of[:]...)
}

// A dataKey encrypts the parts of one submission.
type dataKey struct {
	aead tink.AEAD
	of   watermark.Submission
}

// newAEAD is AES-256-GCM with a random nonce of 12 bytes in front (RFC 5116
// section 5.2). The error is about the key's length alone.
func newAEAD(key secretdata.Bytes) (tink.AEAD, error) {
	params, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: sealSize, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantNoPrefix,
	})
	if err != nil {
		return nil, err
	}
	k, err := aesgcm.NewKey(key, 0, params)
	if err != nil {
		return nil, err
	}
	return aesgcm.NewAEAD(k)
}

// newDataKey makes a data key and wraps it. The error wraps [ErrSealKey]: it is the
// master's.
func (k *SealKey) newDataKey(of watermark.Submission) (dataKey, []byte, error) {
	secret, err := secretdata.NewBytesFromRand(sealSize)
	if err != nil {
		return dataKey{}, nil, err
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return dataKey{}, nil, err
	}
	wrapped, err := (*k.master).aead.Encrypt(secret.Data(insecuresecretdataaccess.Token{}), partDataKey.context(of))
	if err != nil {
		return dataKey{}, nil, fmt.Errorf("%w: %s does not wrap a data key: %w", ErrSealKey, k.id, err)
	}
	return dataKey{aead, of}, wrapped, nil
}

// openDataKey is the inverse of newDataKey. The error wraps [ErrSealed] if the wrapped key
// was altered, and [ErrSealKey] if the master key does not answer.
func (k *SealKey) openDataKey(of watermark.Submission, x *books.Sealed) (dataKey, error) {
	if x.KeyID != k.id {
		return dataKey{}, fmt.Errorf("%w: it was sealed under the key %s, not %s", ErrSealed, x.KeyID, k.id)
	}
	secret, err := k.unwrap(of, x.Wrapped)
	if err != nil {
		return dataKey{}, err
	}
	aead, err := newAEAD(secretdata.NewBytesFromData(secret, insecuresecretdataaccess.Token{}))
	if err != nil {
		return dataKey{}, fmt.Errorf("%w: its data key was altered", ErrSealed)
	}
	return dataKey{aead, of}, nil
}

// unwrap opens a wrapped data key. A service says in its own words why it does not, so
// it is asked for what it must be able to do: open a data key that it has just wrapped.
func (k *SealKey) unwrap(of watermark.Submission, wrapped []byte) ([]byte, error) {
	master := *k.master
	secret, err := master.aead.Decrypt(wrapped, partDataKey.context(of))
	if err != nil && master.secret == nil {
		if k.roundTrip(of) != nil {
			return nil, fmt.Errorf("%w: %s does not open a data key: %w", ErrSealKey, k.id, err)
		}
		secret, err = master.aead.Decrypt(wrapped, partDataKey.context(of)) // it may have failed but once
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its data key was altered", ErrSealed)
	}
	return secret, nil
}

// roundTrip wraps and opens a new data key that is used for nothing else, as a test of the
// sealing key.
func (k *SealKey) roundTrip(of watermark.Submission) error {
	_, wrapped, err := k.newDataKey(of)
	if err != nil {
		return err
	}
	_, err = (*k.master).aead.Decrypt(wrapped, partDataKey.context(of))
	return err
}

func (d dataKey) seal(p part, clear []byte) ([]byte, error) {
	return d.aead.Encrypt(clear, p.context(d.of))
}

// open is the inverse of seal. Its error wraps [ErrSealed].
func (d dataKey) open(p part, sealed []byte) ([]byte, error) {
	clear, err := d.aead.Decrypt(sealed, p.context(d.of))
	if err != nil {
		return nil, fmt.Errorf("%w: its %s was altered", ErrSealed, p)
	}
	return clear, nil
}

// open decrypts the original of a submission. The error wraps [ErrSealed] or [ErrSealKey].
func (k *SealKey) open(of watermark.Submission, x *books.Sealed) ([]byte, error) {
	data, err := k.openDataKey(of, x)
	if err != nil {
		return nil, err
	}
	return data.open(partOriginal, x.Body)
}
