package registry

import (
	"context"
	"encoding/json"
	"image"
	"time"

	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/internal/store/sqlite"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/watermark"
)

// SetClock replaces the registry's clock.
func (r *Registry) SetClock(now func() time.Time) {
	r.clock = func() time.Time { return records.Timestamp(now()) }
}

// Wrap puts something between the registry and its store.
func (r *Registry) Wrap(f func(records.Store) records.Store) { r.store = f(r.store) }

// Inner returns the registry's store.
func (r *Registry) Inner() records.Store { return r.store }

// SetMark replaces marking, which takes a second.
func (s *Issuer) SetMark(mark func(watermark.CopyID, image.Image) (*watermark.Marked, error)) {
	s.prepare = func(_ *watermark.Key, img image.Image, _ *watermark.Options) (marker, error) {
		return fakeMarker{mark, img}, nil
	}
	s.inPixels = true
}

type fakeMarker struct {
	mark func(watermark.CopyID, image.Image) (*watermark.Marked, error)
	img  image.Image
}

func (f fakeMarker) Mark(_ context.Context, id watermark.CopyID) (*watermark.Marked, error) {
	return f.mark(id, f.img)
}

// CreateAs makes a registry in memory with the ID of another, as a forger does.
func CreateAs(ctx context.Context, id [16]byte) (*Registry, error) {
	s, err := sqlite.Create(ctx, ":memory:", records.Info{ID: id, Created: records.Timestamp(time.Now()), Logged: books.Logged{Salt: records.NewSalt()}})
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

// Decoded reports whether the pixels of the original were decoded.
func (o *Opened) Decoded() bool { return o.p != nil && o.p.image != nil }

// RequestedID returns the ID of the copy that answers a request.
func (s *Issuer) RequestedID(ctx context.Context, of watermark.Submission, to string, o IssueOptions) watermark.CopyID {
	r, err := s.cfg.Registry.Recipient(ctx, to)
	if err != nil {
		panic(err)
	}
	id, _, err := s.requested(ctx, of, r, &o, true)
	if err != nil {
		panic(err)
	}
	return id
}
