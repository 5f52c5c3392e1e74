package registry

import (
	"context"
	"fmt"
	"image"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// describe decodes the upload data, computes the hashes and features that it is found by, and
// seals what [Config] says to keep. sum is the SHA-256 of data. pages is the number of pictures
// in the file; only the first is entered. The caller sets Subject, Submitted and Received. The
// error wraps [ErrFormat] or [ErrLimit] if data is no usable picture.
func (s *Issuer) describe(ctx context.Context, data []byte, sum [32]byte) (up *books.Upload, pages int, err error) {
	pic, err := picture.Decode(data, s.cfg.limits(ctx))
	if err != nil {
		return nil, 0, err
	}
	up = &books.Upload{Submission: books.Submission{
		ID: watermark.SubmissionOf(sum), SHA256: sum, Size: pic.Size, Format: pic.Format,
		Width: pic.Image.Rect.Dx(), Height: pic.Image.Rect.Dy(), Logged: books.Logged{Salt: books.NewSalt()},
		Details: books.Details{Decoder: pic.Decoder, Kept: !s.cfg.HashOnly},
	}}
	if up.Kept {
		up.Rendition = engine.RenditionOf(pic.Image)
	}
	flat := picture.Flatten(pic.Image)
	if up.Hash, up.Quality, err = hashText(phash.PDQ, flat); err != nil {
		return nil, 0, err
	}
	if up.Area, up.AreaQuality, err = hashText(phash.Area, flat); err != nil {
		return nil, 0, err
	}
	up.Chain = phash.PDQ.Version() + " " + phash.Area.Version()
	var found *parts.Features
	switch {
	case s.cfg.HashOnly && !s.cfg.Registry.sealHashes:
		return up, pic.Pages, nil
	case s.cfg.HashOnly:
		data = nil
	default:
		if found, err = parts.Extract(flat); err != nil {
			return nil, 0, err
		}
		up.Chain += fmt.Sprintf(" %s%d", books.ChainFeatures, found.Len())
	}
	if up.Sealed, err = s.sealed(up, data, found); err != nil {
		return nil, 0, fmt.Errorf("submission %s: %w", watermark.Submission(up.ID), err)
	}
	return up, pic.Pages, nil
}

// hashText returns the text form of the hash of img of that kind, and the hash's quality (0 to
// 100).
func hashText(kind phash.Kind, img image.Image) (text string, quality int, err error) {
	h, quality, err := phash.Sum(kind, img)
	return h.String(), quality, err
}

// sealed encrypts the file, its features and, if the registry seals hashes, the hashes of up.
// file and found are nil if they are not kept. Sealed hashes are removed from up, so that its
// row has none in the clear. The error wraps [ErrSealKey] if the sealing key does not answer.
func (s *Issuer) sealed(up *books.Upload, file []byte, found *parts.Features) (x *books.Sealed, err error) {
	var hashes, features []byte
	if s.cfg.Registry.sealHashes {
		hashes = []byte(up.Hash + "\n" + up.Area)
		up.Hash, up.Area = "", ""
	}
	if found != nil && found.Len() > 0 {
		if features, err = found.MarshalBinary(); err != nil {
			return nil, err
		}
	}
	return sealing.Seal(s.cfg.SealKey, up.ID, hashes, features, file)
}
