package registry

import (
	"cmp"
	"context"
	"fmt"
	"image"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/records"
	"github.com/kycmark/kycmark/phash"
	"github.com/kycmark/kycmark/phash/parts"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/verify/internal/sealing"
	"github.com/kycmark/kycmark/watermark"
)

// describe decodes the upload data, computes the hashes and features that its pages are found by, and
// seals what [SubmitOptions] say to keep. sum is the SHA-256 of data. It sets x.up, a row for each page; the first is
// the submission's and holds the file. It sets x.leftOut, x.lacks, and x.carries if uploads are read. The caller sets Subject, Submitted and Received. The error names the page, and wraps
// [ErrFormat] or [ErrLimit] if data is no usable picture.
func (s *submitting) describe(ctx context.Context, data []byte, sum [32]byte, x *examined) error {
	lease := s.memory.Lease()
	defer lease.Give()
	lim := s.enteringLimits(ctx, lease)
	d, err := picture.OpenDocument(data, lim)
	if err != nil {
		return err
	}
	id, pages := watermark.SubmissionOf(sum), d.Pages()
	for k := 1; k <= pages; k++ {
		row := books.Submission{ID: id, SHA256: sum, Size: int64(len(data))}
		if pages > 1 {
			row.Page, row.Pages = k, pages
		}
		if k > 1 {
			row = books.Submission{SHA256: records.PageDigest(id, k), ID: id.Page(k), Details: books.Details{Document: id, Page: k, Pages: pages}}
		}
		u, pic, carries, err := s.describePage(ctx, row, d, data, lim)
		if err != nil && pages > 1 {
			err = fmt.Errorf("page %d of %d: %w", k, pages, err)
		}
		if err != nil {
			return err
		}
		if s.cfg.RefuseIncomplete && pic.Incomplete != "" {
			return &picture.FormatError{Format: pic.Format, Reason: "refused as incomplete: " + pic.Incomplete}
		}
		x.up, x.leftOut, x.carries = append(x.up, *u), pic.Pages-1, append(x.carries, carries...)
		x.lacks = cmp.Or(x.lacks, pic.Incomplete)
	}
	return nil
}

// lacks returns Lacks of [Imported] for the file of an upload that is there. Whole JPEGs are not decoded.
func (s *submitting) lacks(ctx context.Context, old *books.Submission, file []byte) string {
	lease := s.memory.Lease()
	defer lease.Give()
	decoder := old.Decoder
	if !old.Kept { // it reads whole files, too
		decoder = ""
	}
	return picture.Lacks(file, decoder, s.enteringLimits(ctx, lease))
}

// describePage adds to row what is entered of its page of d. data is the upload, which is sealed with page
// 1. pic is the picture of the page. carries are the marks of issued copies, if uploads are read.
func (s *submitting) describePage(ctx context.Context, row books.Submission, d *picture.Document, data []byte, lim picture.Limits) (up *records.Upload, pic *picture.Picture, carries []books.Return, err error) {
	load := d.Picture
	if s.HashOnly && !s.readsAtSubmit() { // nothing is bound to its pixels
		load = func(k int, lim picture.Limits) (*picture.Picture, error) { return d.Reduced(k, lim, phash.Step) }
	}
	if pic, err = load(max(row.Page, 1), lim); err != nil {
		return nil, nil, nil, err
	}
	size := cmp.Or(pic.Whole, pic.Image.Rect.Size())
	row.Format, row.Width, row.Height = pic.Format, size.X, size.Y
	row.Salt, row.Decoder, row.Kept = records.NewSalt(), pic.Decoder, !s.HashOnly
	up = &records.Upload{Submission: row}
	if up.Kept {
		up.Rendition = engine.RenditionOf(pic.Image)
	}
	flat := picture.Flatten(pic.Image)
	if up.Hash, up.Quality, err = hashText(phash.PDQ, cmp.Or(pic.Nearest, flat)); err != nil {
		return nil, nil, nil, err
	}
	if up.Area, up.AreaQuality, err = hashText(phash.Area, flat); err != nil {
		return nil, nil, nil, err
	}
	if s.readsAtSubmit() {
		if carries, err = s.carried(ctx, flat); err != nil {
			return nil, nil, nil, err
		}
	}
	up.Chain = phash.PDQ.Version() + " " + phash.Area.Version()
	var found *parts.Features
	if s.HashOnly || up.Page > 1 {
		data = nil
	}
	switch {
	case s.HashOnly && !s.cfg.Registry.sealHashes:
		return up, pic, carries, nil
	case !s.HashOnly:
		if found, err = parts.Extract(flat); err != nil {
			return nil, nil, nil, err
		}
		up.Chain += fmt.Sprintf(" %s%d", records.ChainFeatures, found.Len())
	}
	if up.Sealed, err = s.sealed(up, data, found); err != nil {
		return nil, nil, nil, fmt.Errorf("submission %s: %w", up.Whole(), err)
	}
	return up, pic, carries, nil
}

// hashText returns the text form of the hash of img of that kind, and the hash's quality.
func hashText(kind phash.Kind, img image.Image) (text string, quality int, err error) {
	h, quality, err := phash.Sum(kind, img)
	return h.String(), quality, err
}

// sealed encrypts the file, its features and, if the registry seals hashes, the hashes of up, whose row then has none
// in the clear. file and found are nil if they are not kept.
func (s *submitting) sealed(up *records.Upload, file []byte, found *parts.Features) (x *records.Sealed, err error) {
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
