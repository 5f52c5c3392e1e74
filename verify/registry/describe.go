package registry

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"math"

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
// the submission's and holds the file. It sets x.leftOut and x.lacks. The caller sets Subject, Submitted and Received. The error names the page, and wraps
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
		u, pic, err := s.describePage(ctx, row, d, data, lim)
		if err != nil && pages > 1 {
			err = fmt.Errorf("page %d of %d: %w", k, pages, err)
		}
		if err != nil {
			return err
		}
		if s.cfg.RefuseIncomplete && pic.Incomplete != "" {
			return &picture.FormatError{Format: pic.Format, Reason: "refused as incomplete: " + pic.Incomplete}
		}
		x.up, x.leftOut = append(x.up, *u), pic.Pages-1
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
// 1. pic is the picture of the page. Returns are the marks of issued copies, if uploads are read.
func (s *submitting) describePage(ctx context.Context, row books.Submission, d *picture.Document, data []byte, lim picture.Limits) (up *records.Upload, pic *picture.Picture, err error) {
	load := d.Picture
	if s.HashOnly && !s.readsAtSubmit() { // nothing is bound to its pixels
		load = func(k int, lim picture.Limits) (*picture.Picture, error) { return d.Reduced(k, lim, phash.Step) }
	}
	if pic, err = load(max(row.Page, 1), lim); err != nil {
		return nil, nil, err
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
		return nil, nil, err
	}
	if up.Area, up.AreaQuality, err = hashText(phash.Area, flat); err != nil {
		return nil, nil, err
	}
	if s.readsAtSubmit() {
		if up.Returns, err = s.carried(ctx, up.Whole(), flat, s.Actor); err != nil {
			return nil, nil, err
		}
	}
	up.Chain = phash.PDQ.Version() + " " + phash.Area.Version()
	var found *parts.Features
	if s.HashOnly || up.Page > 1 {
		data = nil
	}
	switch {
	case s.HashOnly && !s.cfg.Registry.sealHashes:
		return up, pic, nil
	case !s.HashOnly:
		if found, err = parts.Extract(flat); err != nil {
			return nil, nil, err
		}
		up.Chain += fmt.Sprintf(" %s%d", records.ChainFeatures, found.Len())
	}
	if up.Sealed, err = s.sealed(up, data, found); err != nil {
		return nil, nil, fmt.Errorf("submission %s: %w", up.Whole(), err)
	}
	return up, pic, nil
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

// renderPages marks every page with id, and writes the marked pages as one TIFF, or of a PDF as a PDF. One
// page after the other is in memory. Each page has a mark of its own, as if it were a submission with the
// ID [watermark.Submission.Page]: who averages the pages of a copy adds up marks that lie in different places, and finds
// none. Pages of the same pixels have the same mark, or their average would weaken it. The numbers of the
// result are of the weakest page, its size is that of page 1. The file is opened again, and every page must
// be what was marked. No page gets more than side pixels on its long side; long is the longest.
//
// The error names the page. It wraps [ErrWeak] or [watermark.ErrTooSmall] if the mark of a page is not read back.
func (p *prepared) renderPages(ctx context.Context, lim picture.Limits, id watermark.CopyID, side int) (out *rendered, long int, err error) {
	of := func(k int, err error) error { return fmt.Errorf("page %d of %d: %w", k, p.pages, err) }
	var files [][]byte
	var marked [][32]byte // renditions
	same := make(map[books.Digest]int)
	for k := 1; k <= p.pages; k++ {
		row, err := p.cfg.Registry.Engine().Page(ctx, p.of.Page(k))
		if err != nil {
			return nil, 0, of(k, err)
		}
		if first, known := same[row.Rendition]; known {
			files, marked = append(files, files[first]), append(marked, marked[first])
			continue
		}
		page, err := p.preparePage(row, p.doc, p.how, lim)
		if err != nil {
			return nil, 0, of(k, err)
		}
		long = max(long, min(side, page.long))
		m, _, err := page.marker(lim, p.doc.CopyFormat() == "pdf", side)
		if err != nil {
			return nil, 0, of(k, err)
		}
		x, err := p.marked(ctx, m, id)
		if err != nil {
			return nil, 0, of(k, err)
		}
		file, err := page.pic.EncodePage(x.Image, picture.LikeOptions{KeepEXIF: p.how.KeepEXIF})
		if err != nil {
			return nil, 0, of(k, err)
		}
		same[row.Rendition] = len(files)
		files, marked = append(files, file), append(marked, engine.RenditionOf(x.Image))
		out = out.weaker(x)
	}
	var file bytes.Buffer
	if err := p.doc.Join(&file, files); err != nil {
		return nil, 0, err
	}
	out.file, out.format = file.Bytes(), p.doc.CopyFormat()
	if out.format == "pdf" {
		return out, long, p.samePDF(ctx, out.file, p.doc, files, id)
	}
	return out, long, samePages(out.file, marked, p.cfg.limits(ctx))
}

// weaker returns r with the numbers of the mark x where these are weaker. A nil r becomes x.
func (r *rendered) weaker(x *watermark.Marked) *rendered {
	if r == nil {
		r = &rendered{Marked: new(*x), size: x.Image.Rect.Size()}
		r.Image = nil // not kept in memory
		return r
	}
	r.Strength, r.MarginDB, r.Weak = min(r.Strength, x.Strength), min(r.MarginDB, x.MarginDB), r.Weak || x.Weak
	r.PSNR, r.SSIM = min(r.PSNR, x.PSNR), min(r.SSIM, x.SSIM)
	return r
}

// samePDF opens a copy that is a PDF as an upload is opened. It compares the sizes of the pages with the original doc,
// and their pixels with files, which were joined. It reads the mark on each page. Pages of the same file are read once.
func (p *prepared) samePDF(ctx context.Context, file []byte, doc *picture.Document, files [][]byte, id watermark.CopyID) error {
	lim := p.cfg.limits(ctx)
	lim.MaxBytes = int64(len(file))
	d, err := picture.OpenDocument(file, lim)
	if err == nil && d.Pages() != len(files) {
		err = fmt.Errorf("it has %d pages, want %d", d.Pages(), len(files))
	}
	read := make(map[*byte]bool)
	for k := 1; err == nil && k <= len(files); k++ {
		got, want := d.PDF(k), doc.PDF(k)
		if got.Rotate != want.Rotate || math.Abs(got.Width-want.Width) > pointError || math.Abs(got.Height-want.Height) > pointError {
			err = fmt.Errorf("page %d has %g x %g points, turned by %d degrees, want %g x %g and %d", k, got.Width, got.Height, got.Rotate, want.Width, want.Height, want.Rotate)
		} else if f := files[k-1]; !read[&f[0]] {
			read[&f[0]] = true
			err = p.samePage(ctx, d, k, f, id)
		}
	}
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

// samePage compares page k of a copy with the file that was written, pixel for pixel, and reads its mark.
func (p *prepared) samePage(ctx context.Context, copied *picture.Document, k int, file []byte, id watermark.CopyID) error {
	lim := p.cfg.limits(ctx)
	got, err := copied.Picture(k, lim)
	if err != nil {
		return err
	}
	lim.MaxBytes = math.MaxInt64
	written, err := picture.Decode(file, lim)
	if err != nil {
		return err
	}
	if !bytes.Equal(got.Image.Pix, written.Image.Pix) || got.Image.Rect != written.Image.Rect {
		return fmt.Errorf("page %d has other pixels than were written", k)
	}
	if p.how.AllowWeak {
		return nil
	}
	mark, err := watermark.Detect(ctx, p.cfg.Key, got.Image)
	if err == nil && (!mark.Found || mark.Copy != id) {
		err = fmt.Errorf("page %d: %w: it is not read from the copy itself", k, ErrWeak)
	}
	return err
}

// pointError is by how much the size of a page may differ after it was written, points.
const pointError = 0.01

// samePages decodes a file and compares the pixels of its pages with these renditions.
func samePages(file []byte, marked [][sha256.Size]byte, lim picture.Limits) error {
	d, err := picture.OpenDocument(file, lim)
	if err == nil && d.Pages() != len(marked) {
		err = fmt.Errorf("it has %d pages, want %d", d.Pages(), len(marked))
	}
	for k := 1; err == nil && k <= len(marked); k++ {
		var pic *picture.Picture
		page := d.Page(k)
		if pic, err = picture.Decode(page, picture.Limits{MaxBytes: int64(len(page)), MaxPixels: lim.MaxPixels}); err == nil && engine.RenditionOf(pic.Image) != marked[k-1] {
			err = fmt.Errorf("page %d has other pixels than were marked", k)
		}
	}
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}
