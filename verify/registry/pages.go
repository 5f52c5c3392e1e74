package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// renderPages marks every page with id, and writes the marked pages as one TIFF, or of a PDF as a PDF. One
// page after the other is in memory. Each page has a mark of its own, as if it were a submission with the
// ID [watermark.Submission.Page]: who averages the pages of a copy adds up marks that lie in different places, and finds
// none. Pages of the same pixels have the same mark, or their average would weaken it. The numbers of the
// result are of the weakest page, its size is that of page 1. The file is opened again, and every page must
// be what was marked. long is the longest side of a page, pixels.
//
// The error names the page. It wraps [ErrWeak] or [watermark.ErrTooSmall] if the mark of a page is not read back.
func (p *prepared) renderPages(ctx context.Context, lim picture.Limits, id watermark.CopyID) (out *rendered, long int, err error) {
	p.mu.Lock()
	limit := p.long
	p.mu.Unlock()
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
		page.shrink(limit)
		long = max(long, page.long)
		m, _, err := page.marker(lim, p.doc.CopyFormat() == "pdf")
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
