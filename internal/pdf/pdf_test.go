package pdf_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/pdf"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/wasmtest"
)

// engine is started once for all tests.
var engine pdf.Engine

func TestMain(m *testing.M) {
	wasmtest.Keep()
	os.Exit(m.Run())
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// card is the picture that nearly all files show.
func card(t *testing.T) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(read(t, "card.jpg")))
	require.NoError(t, err)
	return img
}

// psnr compares with the card in luma, dB, at the card's size.
func psnr(t *testing.T, data []byte) float64 {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		img, err = jpeg.Decode(bytes.NewReader(data))
	}
	require.NoError(t, err)
	want := card(t)
	b := want.Bounds()
	got := imaging.Resize(img, b.Dx(), b.Dy(), imaging.Box)
	sum := 0.0
	for y := range b.Dy() {
		for x := range b.Dx() {
			d := float64(color.GrayModel.Convert(got.At(x, y)).(color.Gray).Y) - float64(color.GrayModel.Convert(want.At(x, y)).(color.Gray).Y)
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(b.Dx()*b.Dy())/max(sum, 1))
}

// A page of one picture is that picture, with the coefficients of its JPEG if it has one. Every other page is
// rendered, so that a page gives one picture. Damaged files are read as far as they can be repaired.
func TestOnePictureAPage(t *testing.T) {
	for _, c := range []struct {
		file   string
		pages  int
		format string
		min    float64 // dB of the first page, as the card; 0: it shows more
	}{
		{"jpeg.pdf", 2, "jpeg", 53},
		{"rotated.pdf", 1, "jpeg", 0},
		{"flatejpeg.pdf", 1, "jpeg", 53},
		{"form.pdf", 2, "jpeg", 53},
		{"objectstreams.pdf", 1, "jpeg", 53},
		{"encrypted-owner.pdf", 1, "jpeg", 53},
		{"ghostscript.pdf", 1, "jpeg", 53},
		{"noxref.pdf", 2, "jpeg", 53},
		{"junk.pdf", 2, "jpeg", 53},
		{"png.pdf", 1, "png", 50},
		{"jpeg2000.pdf", 1, "png", 30},
		{"cmyk.pdf", 1, "png", 25},
		{"chromium.pdf", 1, "png", 0},
		{"ccitt.pdf", 1, "png", 6.5},
		{"jbig2.pdf", 1, "png", 6.5},
		{"rgb16.pdf", 1, "png", 18},
		{"inline.pdf", 1, "png", 18},
		{"lab.pdf", 1, "png", 4},
		{"strips.pdf", 1, "png", 0},
		{"layers.pdf", 1, "png", 0},
		{"stencil.pdf", 1, "png", 0},
	} {
		pages, pics, err := pagesOf(t, c.file, pdf.Limits{Repaired: true}, 0)
		require.NoError(t, err, c.file)
		require.Len(t, pages, c.pages, c.file)
		assert.Equal(t, c.format, pics[0].Format, c.file)
		if c.min > 0 {
			assert.GreaterOrEqual(t, psnr(t, pages[0].File), c.min, c.file)
		}
	}
}

func TestBadFiles(t *testing.T) {
	for file, want := range map[string]string{
		"encrypted-user.pdf": "encrypted under a password",
		"card.jpg":           "damaged, or no PDF",
		"cut.pdf":            "damaged, or no PDF",
		"nopages.pdf":        "it has no pages",
		"loop.pdf":           "could not load page size by index",
	} {
		_, _, err := pagesOf(t, file, pdf.Limits{Repaired: true}, 0)
		require.ErrorIs(t, err, pdf.ErrFormat, file)
		assert.ErrorContains(t, err, want, file)
	}
}

// Pages that are read ahead end at a bad page without an error, which comes when that page is asked for.
func TestReadAhead(t *testing.T) {
	read := func(first, last int) (numbers []int, err error) {
		err = engine.Pages(t.Context(), read(t, "badpage.pdf"), pdf.Limits{}, first, last, func(p *picture.PDFPage) error {
			numbers = append(numbers, p.Number, p.Of)
			return nil
		})
		return numbers, err
	}
	got, err := read(1, 4)
	require.NoError(t, err)
	assert.Equal(t, []int{1, 4}, got)
	got, err = read(2, 4)
	require.ErrorContains(t, err, "page 2 of 4: ")
	assert.Empty(t, got)
	got, err = read(1, 0)
	require.NoError(t, err)
	assert.Equal(t, []int{0, 4}, got, "the number of pages alone")
}

// Opponent's story: the pictures are attached to a PDF of one empty page, and nobody hears of them.
// Or they are in a form, whose fields are not rendered.
func TestAttachedFiles(t *testing.T) {
	requireAttached(t, 2, "/Names << /EmbeddedFiles << /Names [(a.jpg) 4 0 R (b.jpg) 4 0 R] >> >>")
	requireAttached(t, 1, "/AcroForm << /Fields [] >>")
	requireAttached(t, 0, "")
}

func requireAttached(t *testing.T, want int, catalog string) {
	t.Helper()
	file, offsets := "%PDF-1.7\n", ""
	for i, object := range []string{
		"<< /Type /Catalog /Pages 2 0 R " + catalog + " >>",
		"<< /Type /Pages /Count 1 /Kids [3 0 R] >>", "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
		"<< /Type /Filespec /F (a.jpg) /EF << /F 5 0 R >> >>", "<< /Type /EmbeddedFile /Length 3 >>\nstream\nabc\nendstream",
	} {
		offsets += fmt.Sprintf("%010d 00000 n \n", len(file))
		file += fmt.Sprintf("%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	file += fmt.Sprintf("xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", offsets, len(file))
	err := engine.Pages(t.Context(), []byte(file), pdf.Limits{Repaired: true}, 1, 0, func(p *picture.PDFPage) error {
		assert.Equal(t, picture.PDFPage{Of: 1, Attached: want}, *p)
		return nil
	})
	require.NoError(t, err)
}
