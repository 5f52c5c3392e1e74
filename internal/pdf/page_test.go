package pdf_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/pdf"
	"github.com/kycmark/kycmark/internal/picture"
	writer "github.com/kycmark/kycmark/internal/picture/pdf"
	"github.com/kycmark/kycmark/internal/picture/pixel"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// letter is a page of text: a statement of account, A4.
func letter(n int) []byte {
	draw := "0.1 0.3 0.6 rg 40 770 515 40 re f 1 g BT /F 18 Tf 50 783 Td (Example Bank) Tj ET 0 g\n"
	for i := range 40 {
		v := (i*7919 + n*104729) % 100000
		draw += fmt.Sprintf("BT /F 11 Tf 50 %d Td (%02d.07. payment %d to account %d) Tj ET BT /F 11 Tf 470 %d Td (%d.%02d) Tj ET\n",
			740-17*i, 1+i%31, v, v*n%9973, 740-17*i, v/100, v%100)
	}
	out, table := bytes.NewBufferString("%PDF-1.4\n"), ""
	for i, body := range []string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(draw), draw), "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"} {
		table += fmt.Sprintf("%010d 00000 n \n", out.Len())
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	start := out.Len()
	fmt.Fprintf(out, "xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", table, start)
	return out.Bytes()
}

// pagesOf returns the pages of a file of testdata as pictures.
func pagesOf(t *testing.T, file string, lim pdf.Limits, only int) (pages []*picture.PDFPage, pics []*picture.Picture, err error) {
	t.Helper()
	err = engine.Pages(t.Context(), read(t, file), lim, only, only, func(p *picture.PDFPage) error {
		pic, err := picture.Decode(p.File, picture.Limits{})
		if err == nil {
			pages, pics = append(pages, p), append(pics, pic)
		}
		return err
	})
	return pages, pics, err
}

// A page is a picture with its own pixels, or rendered; pixels are the same on every machine.
func TestPages(t *testing.T) {
	for _, c := range []struct {
		file          string
		page          int
		width, height float64 // points
		rotate        int
		format        string
		size          image.Point // pixels
		pixels        string      // the first bytes of the SHA-256 of the pixels, hex
	}{
		{"jpeg.pdf", 1, 270, 202.5, 0, "jpeg", image.Pt(360, 270), "1717700e6ea5"},
		{"jpeg.pdf", 2, 270, 202.5, 0, "jpeg", image.Pt(360, 270), "1717700e6ea5"},
		{"png.pdf", 1, 270, 202.5, 0, "png", image.Pt(360, 270), "a7c60619f915"},
		{"rotated.pdf", 1, 202.5, 270, 90, "jpeg", image.Pt(270, 360), "0954ae70bcf7"},
		{"cmyk.pdf", 1, 270, 202.5, 0, "png", image.Pt(360, 270), "0c92fb02b144"},
		{"icc.pdf", 1, 525, 331.5, 0, "jpeg", image.Pt(700, 442), "b1e329de5a1c"},
		{"strips.pdf", 1, 200, 200, 0, "png", image.Pt(833, 833), "38aec21c5619"},
		{"chromium.pdf", 1, 612, 792, 0, "png", image.Pt(1700, 2200), "b130764607e5"},
	} {
		pages, pics, err := pagesOf(t, c.file, pdf.Limits{}, c.page)
		require.NoError(t, err, c.file)
		require.Len(t, pages, 1)
		sum := sha256.Sum256(pics[0].Image.Pix)
		p := pages[0]
		assert.Equal(t, []any{c.page, c.width, c.height, c.rotate}, []any{p.Number, p.Width, p.Height, p.Rotate}, c.file)
		assert.Equal(t, []any{c.format, c.size, c.pixels}, []any{pics[0].Format, pics[0].Image.Rect.Max, hex.EncodeToString(sum[:6])}, c.file)
	}
}

// A JPEG keeps the profile that the PDF states, and its own pixels. A PDF of ours states it as well. A picture
// that the PDF inverts is not the JPEG.
func TestProfiles(t *testing.T) {
	pages, pics, err := pagesOf(t, "icc.pdf", pdf.Limits{}, 1)
	require.NoError(t, err)
	require.Len(t, pages, 1)
	assert.Equal(t, ", with profile", pages[0].Reader)
	first := pics[0]
	require.Equal(t, "jpeg", first.Format)
	assert.Len(t, first.Source.ICC, 580)
	var joined bytes.Buffer
	require.NoError(t, writer.Join(&joined, []picture.PDFPage{*pages[0], *pages[0]}))
	again := func(data []byte) (pic *picture.Picture) {
		require.NoError(t, engine.Pages(t.Context(), data, pdf.Limits{}, 2, 2, func(p *picture.PDFPage) (err error) {
			pic, err = picture.Decode(p.File, picture.Limits{})
			return err
		}))
		return pic
	}
	copied := again(joined.Bytes())
	assert.Equal(t, first.Source.ICC, copied.Source.ICC)
	assert.True(t, bytes.Equal(first.Image.Pix, copied.Image.Pix))
	assert.Equal(t, 1, bytes.Count(joined.Bytes(), []byte("acspMSFT"))+bytes.Count(joined.Bytes(), []byte("acspAPPL")), "both pages share it")

	plain := "/Type /XObject /Subtype /Image /Width 700 /Height 442 /ColorSpace [/ICCBased 9 0 R] /BitsPerComponent 8"
	turned := "/Subtype/Image/Width 700/Height 442/ColorSpace[/ICCBased 9 0 R]/BitsPerComponent 8/Decode[1 0 1 0 1 0]"
	require.Equal(t, 2, bytes.Count(joined.Bytes(), []byte(plain)))
	negative := bytes.ReplaceAll(joined.Bytes(), []byte(plain), []byte(fmt.Sprintf("%-*s", len(plain), turned)))
	inverted := again(negative)
	assert.Equal(t, "png", inverted.Format)
	assert.Nil(t, inverted.Source.ICC)
}

// A file that may lack pages or pixels is refused, by the page.
func TestPagesRefused(t *testing.T) {
	for file, want := range map[string]string{
		"encrypted-user.pdf": "not a readable PDF: encrypted under a password",
		"cut.pdf":            "not a readable PDF: damaged, or no PDF",
		"noxref.pdf":         "not a readable PDF: damaged or cut off: its list of objects is broken, so pages may be missing",
		"junk.pdf":           "not a readable PDF: damaged or cut off: its list of objects is broken, so pages may be missing",
		"nopages.pdf":        "not a readable PDF: it has no pages",
		"loop.pdf":           "page 1 of 2: not a readable PDF: could not load page size by index",
		"badpage.pdf":        "page 2 of 4: not a readable PDF: its picture is cut off: 7 bytes of pixels, want 270000",
		"huge.pdf":           "page 1 of 1: over a limit: picture of 60000 x 60000 pixels, limit is 100000000",
	} {
		_, _, err := pagesOf(t, file, pdf.Limits{}, 0)
		assert.EqualError(t, err, want, file)
	}
	_, _, err := pagesOf(t, "badpage.pdf", pdf.Limits{}, 3)
	require.EqualError(t, err, "page 3 of 4: not a readable PDF: the page is missing in the file")
	_, _, err = pagesOf(t, "jpeg.pdf", pdf.Limits{MaxPages: 1}, 0)
	require.ErrorIs(t, err, pdf.ErrLimit)
	_, _, err = pagesOf(t, "jpeg.pdf", pdf.Limits{}, 3)
	require.ErrorIs(t, err, pdf.ErrFormat)
}

// Opponent's story: a copy lies on a page so large that it is rendered with a few pixels, and the page is cleared.
func TestPicturesOnLargePages(t *testing.T) {
	for draw, want := range map[string]string{
		"270 0 0 202 7000 7000 cm /I Do": "page 1 of 1: over a limit: the page is rendered at 16 dpi, and a picture on it has 96", "14000 0 0 10000 0 0 cm /I Do 0 0 99 99 re f": "",
	} {
		out, table := bytes.NewBufferString("%PDF-1.4\n"), ""
		card := read(t, "card.jpg")
		for i, body := range []string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
			"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 14400 14400] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>",
			fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(draw), draw),
			fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width 360 /Height 270 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream", len(card), card)} {
			table += fmt.Sprintf("%010d 00000 n \n", out.Len())
			fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", i+1, body)
		}
		start := out.Len()
		fmt.Fprintf(out, "xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", table, start)
		err := engine.Pages(t.Context(), out.Bytes(), pdf.Limits{Repaired: true}, 1, 1, func(*picture.PDFPage) error { return nil })
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, pdf.ErrLimit)
		require.EqualError(t, err, want)
	}
}

// What is cut off anywhere is refused, and what is changed is refused or gives pictures. With the tag long
// each file is cut and changed at 1,000 places.
func TestPagesDamaged(t *testing.T) {
	places := long.Number(6, 1000)
	for name, data := range map[string][]byte{"jpeg.pdf": read(t, "jpeg.pdf"), "strips.pdf": read(t, "strips.pdf"), "letter": letter(1)} {
		for i := range places {
			err := engine.Pages(t.Context(), data[:len(data)*i/places], pdf.Limits{}, 0, 0, func(*picture.PDFPage) error { return nil })
			assert.ErrorIs(t, err, pdf.ErrFormat, "%s, %d of %d", name, i, places)
			changed := bytes.Clone(data)
			changed[(len(data)*i+i*i%97)/places%len(data)] ^= 1 << (i % 8)
			err = engine.Pages(t.Context(), changed, pdf.Limits{MaxPixels: 1 << 22}, 0, 0, func(p *picture.PDFPage) error {
				_, err := picture.Decode(p.File, picture.Limits{})
				assert.NoError(t, err, "%s, %d of %d", name, i, places)
				return nil
			})
			if err != nil {
				assert.Truef(t, errors.Is(err, pdf.ErrFormat) || errors.Is(err, pdf.ErrLimit), "%s, %d of %d: %v", name, i, places, err)
			}
		}
	}
}

// A rendered page looks as Poppler shows it, apart from the edges of letters.
func TestPagesReference(t *testing.T) {
	if _, err := exec.LookPath("pdftoppm"); err != nil {
		skip.Test(t, "no pdftoppm: install poppler-utils")
	}
	for file, least := range map[string]float64{"strips.pdf": 60, "layers.pdf": 30, "chromium.pdf": 41} {
		_, pics, err := pagesOf(t, file, pdf.Limits{}, 1)
		require.NoError(t, err)
		out, b := filepath.Join(t.TempDir(), "out"), pics[0].Image.Rect
		text, err := exec.CommandContext(t.Context(), "pdftoppm", "-png", "-singlefile", "-scale-to-x", strconv.Itoa(b.Dx()), "-scale-to-y", strconv.Itoa(b.Dy()),
			filepath.Join("testdata", file), out).CombinedOutput()
		require.NoError(t, err, "%s", text)
		data, err := os.ReadFile(out + ".png")
		require.NoError(t, err)
		want, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, likeness(pics[0].Image, pixel.ToNRGBA(want)), least, file)
	}
}

// likeness is the PSNR of two pictures, dB; 0 for pictures of different sizes.
func likeness(a, b *image.NRGBA) float64 {
	if a.Rect != b.Rect {
		return 0
	}
	sum := 0.0
	for i := range a.Pix {
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a.Pix)*3/4)/max(sum, 1e-9))
}

// FuzzPages: whatever the bytes, pictures within the limits or an error of the file.
func FuzzPages(f *testing.F) {
	f.Add(letter(1))
	start := engine.Pages(f.Context(), letter(1), pdf.Limits{}, 0, 0, func(*picture.PDFPage) error { return nil })
	require.NoError(f, start) // it takes longer than a worker of the fuzzer may
	for _, file := range []string{"strips.pdf", "lab.pdf", "loop.pdf", "nopages.pdf", "huge.pdf"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := engine.Pages(t.Context(), data, pdf.Limits{MaxPages: 5, MaxPixels: 1 << 20}, 0, 0, func(p *picture.PDFPage) error {
			_, err := picture.Decode(p.File, picture.Limits{})
			assert.NoError(t, err)
			return nil
		})
		if err != nil && !errors.Is(err, pdf.ErrFormat) && !errors.Is(err, pdf.ErrLimit) {
			t.Error(err)
		}
	})
}
