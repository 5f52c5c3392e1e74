package registry_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// upload is a PDF as far as the packages without a reader know.
var upload = []byte("%PDF-1.7 of two pages")

// pdfShop is a shop whose reader finds these pages in upload, and those of copies in any other file.
func pdfShop(t *testing.T, copies func([]byte) ([]registry.PDFPage, error), files ...[]byte) (*registry.Issuer, registry.Config) {
	s, cfg, _ := shop(t, "png", func(c *registry.Config) {
		c.PDF = func(_ context.Context, file []byte, page int, _ func(int64) error) (out []registry.PDFPage, err error) {
			if !bytes.Equal(file, upload) {
				return copies(file)
			}
			for i, f := range files {
				out = append(out, registry.PDFPage{Number: i + 1, Of: len(files), File: f, Width: 400, Height: 300, Reader: "test 1"})
			}
			if page > 0 {
				out = out[page-1 : page]
			}
			return out, nil
		}
	})
	return s, cfg
}

// A copy whose pages are not what was marked is not entered: the reader of this test finds the unmarked
// pages again, or too few, or none.
func TestPDFReadBack(t *testing.T) {
	files := [][]byte{file(t, thumb(1), "jpeg"), file(t, thumb(2), "png")} // too small to be read
	unmarked := func([]byte) (out []registry.PDFPage, err error) {
		for i, f := range files {
			out = append(out, registry.PDFPage{Number: i + 1, Of: len(files), File: f, Width: 400, Height: 300})
		}
		return out, nil
	}
	for want, copies := range map[string]func([]byte) ([]registry.PDFPage, error){
		"read back: page 1 has other pixels": unmarked,
		"read back: it has 1 pages, want 2": func(file []byte) ([]registry.PDFPage, error) {
			out, err := unmarked(file)
			out[0].Of = 1
			return out[:1], err
		},
		"read back: no reader": func([]byte) ([]registry.PDFPage, error) { return nil, errors.New("no reader") },
		"read back: page 1 has 400 x 9 points": func(file []byte) ([]registry.PDFPage, error) {
			out, err := unmarked(file)
			out[0].Height = 9
			return out, err
		},
	} {
		s, cfg := pdfShop(t, copies, files...)
		s.SetMark(func(id watermark.CopyID, img image.Image) (*watermark.Marked, error) {
			return unmarkedMark(id, imaging.Invert(img))
		})
		doc := submit(t, s, upload, "", feb)
		assert.Equal(t, []any{"pdf", 2, 1}, []any{doc.Format, doc.Pages, doc.Page})
		before := checkLedger(t, cfg.Registry)
		var out bytes.Buffer
		_, err := s.Issue(t.Context(), doc.ID, "vendor A", registry.WriteTo(&out), &registry.IssueOptions{Format: "jpeg"})
		require.ErrorContains(t, err, "its copies are TIFF, or PDF of a PDF, not jpeg")
		_, err = s.Issue(t.Context(), doc.ID, "vendor A", registry.WriteTo(&out), nil)
		require.ErrorContains(t, err, want)
		require.Zero(t, out.Len())
		require.Equal(t, before, checkLedger(t, cfg.Registry))
	}
}

// A reader that gives pages that make no sense enters nothing, and without one the file is named.
func TestPDFRefused(t *testing.T) {
	good := passportFile(t, 1, "jpeg")
	for _, change := range []func(*registry.PDFPage){
		func(p *registry.PDFPage) { p.Number = 2 },
		func(p *registry.PDFPage) { p.Of = 3 },
		func(p *registry.PDFPage) { p.Width = 0 },
		func(p *registry.PDFPage) { p.Rotate = 45 },
		func(p *registry.PDFPage) { p.File = good[:len(good)/2] },
		func(p *registry.PDFPage) { p.File = upload },
	} {
		s, _, _ := shop(t, "png", func(c *registry.Config) {
			c.PDF = func(context.Context, []byte, int, func(int64) error) ([]registry.PDFPage, error) {
				p := registry.PDFPage{Number: 1, Of: 1, File: good, Width: 400, Height: 300}
				change(&p)
				return []registry.PDFPage{p}, nil
			}
		})
		_, _, err := s.Submit(t.Context(), bytes.NewReader(upload), "", feb, nil)
		require.ErrorIs(t, err, registry.ErrFormat)
	}
	s, _, _ := shop(t, "png")
	_, _, err := s.Submit(t.Context(), bytes.NewReader(upload), "", feb, nil)
	require.ErrorIs(t, err, picture.ErrFormat)
	require.ErrorContains(t, err, "PDF is not supported yet")
}
