package registry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/watermark"
)

// describe decodes an upload with its digest, finds what it is matched by, and seals
// what is kept of it. It also gives the number of pictures in the file.
func (s *Issuer) describe(data []byte, sum [32]byte) (*books.Upload, int, error) {
	pic, err := picture.Decode(data, s.cfg.limits())
	if err != nil {
		return nil, 0, err
	}
	up, err := s.describePicture(pic, data, sum)
	return up, pic.Pages, err
}

func (s *Issuer) describePicture(pic *picture.Picture, data []byte, sum [32]byte) (up *books.Upload, err error) {
	up = &books.Upload{Submission: books.Submission{
		ID: [16]byte(sum[:16]), SHA256: sum, Size: pic.Size, Format: pic.Format,
		Width: pic.Image.Rect.Dx(), Height: pic.Image.Rect.Dy(), Salt: newSalt(),
		Details: books.Details{Decoder: pic.Decoder, Kept: !s.cfg.HashOnly},
	}}
	if up.Kept {
		up.Rendition = renditionOf(pic.Image)
	}
	flat := picture.Flatten(pic.Image)
	if up.Hash, up.Quality, err = hashText(phash.PDQ, flat); err != nil {
		return nil, err
	}
	if up.Area, up.AreaQuality, err = hashText(phash.Area, flat); err != nil {
		return nil, err
	}
	up.Chain = phash.PDQ.Version() + " " + phash.Area.Version()
	var found *parts.Features
	switch {
	case s.cfg.HashOnly && !s.cfg.Registry.sealHashes:
		return up, nil
	case s.cfg.HashOnly:
		data = nil
	default:
		if found, err = parts.Extract(flat); err != nil {
			return nil, err
		}
	}
	if up.Sealed, err = s.sealed(up, data, found); err != nil {
		return nil, fmt.Errorf("submission %s: %w", watermark.Submission(up.ID), err)
	}
	return up, nil
}

func hashText(kind phash.Kind, img image.Image) (text string, quality int, err error) {
	h, quality, err := phash.Sum(kind, img)
	return h.String(), quality, err
}

// sealed encrypts what is kept of an upload under one new data key. file and found are nil
// if they are not kept. Sealed hashes are removed from the upload's row.
func (s *Issuer) sealed(up *books.Upload, file []byte, found *parts.Features) (*books.Sealed, error) {
	data, wrapped, err := s.cfg.SealKey.newDataKey(up.ID)
	if err != nil {
		return nil, err
	}
	x := &books.Sealed{KeyID: s.cfg.SealKey.id, Wrapped: wrapped}
	if s.cfg.Registry.sealHashes {
		if x.Hashes, err = data.seal(partHashes, []byte(up.Hash+"\n"+up.Area)); err != nil {
			return nil, err
		}
		up.Hash, up.Area = "", ""
	}
	if found != nil && found.Len() > 0 {
		raw, err := found.MarshalBinary()
		if err != nil {
			return nil, err
		}
		if x.Features, err = data.seal(partFeatures, raw); err != nil {
			return nil, err
		}
	}
	if file != nil {
		x.Body, err = data.seal(partOriginal, file)
	}
	return x, err
}

// renditionOf is SHA-256 of the pixels of an upright picture: a line "kycmark rendition
// v1", one with width and height, then R, G, B and A of each pixel, not premultiplied,
// row by row.
func renditionOf(img *image.NRGBA) (sum [32]byte) {
	h := sha256.New()
	width, height := img.Rect.Dx(), img.Rect.Dy()
	fmt.Fprintf(h, "kycmark rendition v1\n%d %d\n", width, height)
	for y := range height {
		h.Write(img.Pix[y*img.Stride:][:4*width])
	}
	h.Sum(sum[:0])
	return sum
}

// CheckRendition checks that a kept original, decoded and upright, has the pixels of the
// picture that was entered. A doctored original can then neither be marked nor support an
// accusation. The error wraps [ErrSealed] if the same decoder gives other pixels. A
// different decoder, or a different version of it, may give other pixels.
func (e *Engine) CheckRendition(ctx context.Context, of watermark.Submission, decoder string, img *image.NRGBA) error {
	row, err := e.r.store.Submission(ctx, of)
	if err != nil {
		return fmt.Errorf("submission %s: %w", of, err)
	}
	return sameRendition(row, decoder, img)
}

func sameRendition(row *books.Submission, decoder string, img *image.NRGBA) error {
	if row.Rendition != (Digest{}) && row.Decoder == decoder && row.Rendition != renditionOf(img) {
		return fmt.Errorf("submission %s: %w: %s gives other pixels than were entered", row.ID, ErrSealed, decoder)
	}
	return nil
}
