// Package jpegcopy makes marked copies of JPEG files from their coefficients. Pixels are not decoded at full size.
package jpegcopy

import (
	"context"
	"errors"
	"image"
	"sync"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/watermark"
)

// An Upload is a JPEG whose copies are marked in its coefficients. It is safe for concurrent use.
type Upload struct {
	*picture.Picture             // without Image
	Size             image.Point // pixels, upright

	stored   image.Point // pixels, as stored
	original func() (*watermark.JPEG, error)
}

// Open reads the header of an upload, and keeps file. It returns nil if copies must be marked in their pixels, also if it is broken.
func Open(key *watermark.Key, file []byte, lim picture.Limits, of watermark.Submission) *Upload {
	pic, size, ok := picture.JPEG(file, lim)
	if !ok {
		return nil
	}
	u := &Upload{Picture: pic, Size: size, stored: size}
	if pic.Orientation > 4 {
		u.Size.X, u.Size.Y = size.Y, size.X
	}
	u.original = sync.OnceValues(func() (*watermark.JPEG, error) {
		return watermark.PrepareJPEG(key, file, pic.Orientation, of)
	})
	return u
}

// Mark returns the file of a copy, with the metadata of picture.LikeOptions. After the last copy, which takes less memory,
// the upload must not be used any more. Mark returns nil without an error if it cannot, or the mark is weak.
func (u *Upload) Mark(ctx context.Context, id watermark.CopyID, last, keepEXIF bool) (*watermark.Marked, []byte, error) {
	original, err := u.original()
	if errors.Is(err, watermark.ErrCoefficients) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	mark := original.Mark
	if last {
		mark = original.MarkLast
	}
	marked, file, err := mark(ctx, id)
	if err != nil || marked.Weak {
		return nil, nil, err
	}
	file, err = picture.Dress(u.Picture, file, u.stored, keepEXIF)
	return marked, file, err
}
