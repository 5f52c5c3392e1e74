package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image"

	"github.com/kycmark/kycmark/internal/books"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/internal/engine"
	"github.com/kycmark/kycmark/watermark"
)

// renderPages marks every page with id, and writes the marked pages as one TIFF. One page after the other
// is in memory. Each page has a mark of its own, as if it were a submission with the ID [books.PageID]:
// who averages the pages of a copy adds up marks that lie in different places, and finds none. Pages of
// the same pixels have the same mark, or their average would weaken it. The numbers of the result are of
// the weakest page, its size is that of page 1. The file is decoded again, and every page must have the
// marked pixels. long is the longest side of a page, pixels.
//
// The error names the page. It wraps [ErrWeak] or [watermark.ErrTooSmall] if the mark of a page is not read
// back.
func (p *Prepared) renderPages(ctx context.Context, id watermark.CopyID) (out *rendered, long int, err error) {
	s := p.issuer
	p.mu.Lock()
	limit := p.long
	p.mu.Unlock()
	of := func(k int, err error) error { return fmt.Errorf("page %d of %d: %w", k, p.pages, err) }
	var files [][]byte
	var marked [][32]byte // renditions
	same := make(map[Digest]int)
	for k := 1; k <= p.pages; k++ {
		row, err := s.cfg.Registry.Engine().Page(ctx, books.PageID(p.of, k))
		if err != nil {
			return nil, 0, of(k, err)
		}
		if first, known := same[row.Rendition]; known {
			files, marked = append(files, files[first]), append(marked, marked[first])
			continue
		}
		page, err := s.preparePage(ctx, row, p.file)
		if err != nil {
			return nil, 0, of(k, err)
		}
		page.shrink(limit)
		long = max(long, page.long)
		m, _, err := page.marker()
		if err != nil {
			return nil, 0, of(k, err)
		}
		x, err := s.marked(ctx, m, id)
		if err != nil {
			return nil, 0, of(k, err)
		}
		var file bytes.Buffer
		like := picture.LikeOptions{Format: "tiff", KeepEXIF: s.cfg.KeepEXIF}
		if err := picture.EncodeLike(&file, x.Image, page.pic.Source, like); err != nil {
			return nil, 0, of(k, err)
		}
		same[row.Rendition] = len(files)
		files, marked = append(files, file.Bytes()), append(marked, engine.RenditionOf(x.Image))
		out = out.weaker(x)
	}
	var file bytes.Buffer
	if err := picture.JoinTIFF(&file, files); err != nil {
		return nil, 0, err
	}
	out.file = file.Bytes()
	return out, long, samePages(out.file, marked, s.cfg.limits(ctx))
}

// weaker returns r with the numbers of the mark x where these are weaker. A nil r becomes x.
func (r *rendered) weaker(x *watermark.Marked) *rendered {
	if r == nil {
		return &rendered{Marked: &watermark.Marked{Image: &image.NRGBA{Rect: x.Image.Rect}, Strength: x.Strength, MarginDB: x.MarginDB, Weak: x.Weak,
			PSNR: x.PSNR, SSIM: x.SSIM}, format: "tiff"}
	}
	r.Strength, r.MarginDB, r.Weak = min(r.Strength, x.Strength), min(r.MarginDB, x.MarginDB), r.Weak || x.Weak
	r.PSNR, r.SSIM = min(r.PSNR, x.PSNR), min(r.SSIM, x.SSIM)
	return r
}

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
