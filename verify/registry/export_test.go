package registry

import (
	"context"
	"encoding/json"
	"image"
	"time"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/watermark"
)

// SetClock replaces the registry's clock.
func (r *Registry) SetClock(now func() time.Time) { r.now = now }

// Wrap puts something between the registry and its store.
func (r *Registry) Wrap(f func(books.Store) books.Store) { r.store = f(r.store) }

// Inner returns the registry's store.
func (r *Registry) Inner() books.Store { return r.store }

// SetMark replaces marking, which takes a second, and the source of copy IDs.
func (s *Issuer) SetMark(mark func(watermark.CopyID, image.Image) (*watermark.Marked, error), ids func() watermark.CopyID) {
	s.prepare = func(_ *watermark.Key, img image.Image, _ *watermark.Options) (marker, error) {
		return fakeMarker{mark, img}, nil
	}
	if ids != nil {
		s.newID = ids
	}
}

type fakeMarker struct {
	mark func(watermark.CopyID, image.Image) (*watermark.Marked, error)
	img  image.Image
}

func (f fakeMarker) Mark(_ context.Context, id watermark.CopyID) (*watermark.Marked, error) {
	return f.mark(id, f.img)
}

// Seal and Open are tested alone.
func (k *SealKey) Seal(id watermark.Submission, file []byte) (books.Sealed, error) {
	data, wrapped, err := k.newDataKey(id)
	if err != nil {
		return books.Sealed{}, err
	}
	body, err := data.seal(partOriginal, file)
	return books.Sealed{KeyID: k.id, Wrapped: wrapped, Body: body}, err
}

// RawSecret is what no output may hold.
func (k *SealKey) RawSecret() []byte { return (*k.master).secret }

// Open is the inverse of Seal.
func (k *SealKey) Open(id watermark.Submission, x *books.Sealed) ([]byte, error) {
	return k.open(id, x)
}

// SealParts seals texts under one data key: pairs of what a part is and its text.
func (k *SealKey) SealParts(id watermark.Submission, pairs ...string) (map[string][]byte, error) {
	data, wrapped, err := k.newDataKey(id)
	out := map[string][]byte{"": wrapped}
	for i := 0; i < len(pairs) && err == nil; i += 2 {
		out[pairs[i]], err = data.seal(part(pairs[i]), []byte(pairs[i+1]))
	}
	return out, err
}

// OpenPart opens what was sealed as one part as if it were as.
func (k *SealKey) OpenPart(id watermark.Submission, sealed map[string][]byte, what, as string) (string, error) {
	data, err := k.openDataKey(id, &books.Sealed{KeyID: k.id, Wrapped: sealed[""]})
	if err != nil {
		return "", err
	}
	clear, err := data.open(part(as), sealed[what])
	return string(clear), err
}

// CreateAs makes a registry in memory with the ID of another, as a forger does.
func CreateAs(ctx context.Context, id [16]byte) (*Registry, error) {
	s, err := sqlite.Create(ctx, ":memory:", books.Info{ID: id, Created: timestamp(time.Now()), Salt: newSalt()})
	if err != nil {
		return nil, err
	}
	return newRegistry(ctx, s)
}

// EncodeProof writes a proof as CheckProof wants it, whatever it holds.
func EncodeProof(p map[string]any) ([]byte, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var w wireProof
	if err := json.Unmarshal(raw, &w); err != nil {
		return nil, err
	}
	return w.encode()
}
