package pdf_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/pdf"
)

// engine is started once for all tests.
var engine pdf.Engine

func TestMain(m *testing.M) {
	code := m.Run()
	engine.Close()
	os.Exit(code)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

func open(t *testing.T, name string, lim pdf.Limits) *pdf.Document {
	t.Helper()
	d, err := engine.Open(t.Context(), read(t, name), lim)
	require.NoError(t, err, name)
	t.Cleanup(func() { d.Close() })
	return d
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

func TestPictures(t *testing.T) {
	const same = 0 // the very bytes of the card
	for _, c := range []struct {
		file  string
		names []string
		least float64 // dB of each picture
	}{
		{"jpeg.pdf", []string{"page1-image1.jpg", "page2-image1.jpg"}, same},
		{"rotated.pdf", []string{"page1-image1.jpg"}, same},
		{"flatejpeg.pdf", []string{"page1-image1.jpg"}, same},
		{"form.pdf", []string{"page1-image1.jpg", "page2-image1.jpg"}, same},
		{"objectstreams.pdf", []string{"page1-image1.jpg"}, same},
		{"encrypted-owner.pdf", []string{"page1-image1.jpg"}, same},
		{"ghostscript.pdf", []string{"page1-image1.jpg"}, same},
		{"noxref.pdf", []string{"page1-image1.jpg", "page2-image1.jpg"}, same},
		{"junk.pdf", []string{"page1-image1.jpg", "page2-image1.jpg"}, same},
		{"cut.pdf", []string{"salvaged1.jpg"}, same},
		{"png.pdf", []string{"page1-image1.png"}, 50},
		{"jpeg2000.pdf", []string{"page1-image1.png"}, 30},
		{"cmyk.pdf", []string{"page1-image1.jpg"}, 25},
		{"chromium.pdf", []string{"page1-image1.jpg", "page1-image2.png", "page1.png"}, 50},
		{"ccitt.pdf", []string{"page1-image1.png"}, 6.5},
		{"jbig2.pdf", []string{"page1-image1.png"}, 6.5},
		{"rgb16.pdf", []string{"page1-image1.png"}, 18},
		{"inline.pdf", []string{"page1-image1.png"}, 18},
		{"lab.pdf", []string{"page1-image1.png"}, 4},
		{"strips.pdf", []string{"page1-render1.png"}, 28},
		{"layers.pdf", []string{"page1-render1.png"}, 16},
		{"stencil.pdf", []string{"page1-render1.png"}, 12},
	} {
		t.Run(c.file, func(t *testing.T) {
			d := open(t, c.file, pdf.Limits{})
			var names []string
			for i, p := range d.Pictures() {
				names = append(names, p.Name)
				data, err := d.Read(t.Context(), i)
				require.NoError(t, err, p.Name)
				if p.Name == "page1.png" { // as a submission's page
					pages, _, err := pagesOf(t, c.file, pdf.Limits{}, 1)
					require.NoError(t, err)
					require.Equal(t, pages[0].File, data)
				} else if c.least == same { // Ghostscript ends it once more
					require.True(t, bytes.HasPrefix(data, read(t, "card.jpg")), "%s: %d bytes", p.Name, len(data))
					require.Less(t, len(data), len(read(t, "card.jpg"))+3)
				} else {
					t.Logf("%s: %.1f dB", p.Name, psnr(t, data))
					require.GreaterOrEqual(t, psnr(t, data), c.least, p.Name)
				}
			}
			require.Equal(t, c.names, names)
		})
	}
}

// Pieces of one picture come out at the resolution of the sharpest, layers at 300 dpi at
// least, without the rest of the page.
func TestPiecesAreOnePicture(t *testing.T) {
	for file, want := range map[string]image.Point{"strips.pdf": {X: 360, Y: 270}, "layers.pdf": {X: 500, Y: 375}, "stencil.pdf": {X: 500, Y: 375}} {
		d := open(t, file, pdf.Limits{})
		data, err := d.Read(t.Context(), 0)
		require.NoError(t, err)
		got, err := png.DecodeConfig(bytes.NewReader(data))
		require.NoError(t, err)
		assert.InDelta(t, want.X, got.Width, 1, file)
		assert.InDelta(t, want.Y, got.Height, 1, file)
	}
}

func TestBadFiles(t *testing.T) {
	for file, want := range map[string]string{
		"encrypted-user.pdf": "encrypted under a password",
		"card.jpg":           "damaged, or no PDF",
	} {
		_, err := engine.Open(t.Context(), read(t, file), pdf.Limits{})
		require.ErrorIs(t, err, pdf.ErrFormat, file)
		assert.ErrorContains(t, err, want, file)
	}
	_, err := engine.Open(t.Context(), nil, pdf.Limits{})
	require.ErrorIs(t, err, pdf.ErrFormat)
	assert.Empty(t, open(t, "nopages.pdf", pdf.Limits{}).Pictures())
	for _, p := range open(t, "loop.pdf", pdf.Limits{}).Pictures() {
		assert.ErrorIs(t, p.Err, pdf.ErrFormat)
	}
}

// A bad page or picture is listed with its reason, and the others are read.
func TestBadPages(t *testing.T) {
	d := open(t, "badpage.pdf", pdf.Limits{})
	want := []string{"", "blank, or its data cannot be decoded", ""}
	require.Len(t, d.Pictures(), len(want))
	for i := range want {
		data, err := d.Read(t.Context(), i)
		if want[i] == "" {
			require.NoError(t, err)
			require.Equal(t, read(t, "card.jpg"), data)
			continue
		}
		require.ErrorIs(t, err, pdf.ErrFormat)
		require.ErrorContains(t, err, want[i])
	}
}

func TestLimits(t *testing.T) {
	_, err := engine.Open(t.Context(), read(t, "jpeg.pdf"), pdf.Limits{MaxPages: 1})
	require.ErrorIs(t, err, pdf.ErrLimit)
	_, err = engine.Open(t.Context(), read(t, "jpeg.pdf"), pdf.Limits{MaxPictures: 1})
	require.ErrorIs(t, err, pdf.ErrLimit)
	for _, file := range []string{"huge.pdf", "png.pdf"} {
		d := open(t, file, pdf.Limits{MaxPixels: 50_000})
		_, err := d.Read(t.Context(), 0)
		require.ErrorIs(t, err, pdf.ErrLimit, file)
	}
	d := open(t, "strips.pdf", pdf.Limits{MaxPixels: 50_000}) // of the page
	data, err := d.Read(t.Context(), 0)
	require.NoError(t, err)
	got, err := png.DecodeConfig(bytes.NewReader(data))
	require.NoError(t, err)
	require.Less(t, got.Width*got.Height, 50_000)
}

func TestConcurrentUse(t *testing.T) {
	d := open(t, "jpeg.pdf", pdf.Limits{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			data, err := d.Read(t.Context(), i%2)
			assert.NoError(t, err)
			assert.Len(t, data, len(read(t, "card.jpg")))
		})
		wg.Go(func() {
			data, err := open(t, "strips.pdf", pdf.Limits{}).Read(t.Context(), 0)
			assert.NoError(t, err)
			assert.NotEmpty(t, data)
		})
	}
	wg.Wait()
}

// What costs the file a few bytes costs us many times that.
func TestSalvageIsLimited(t *testing.T) {
	junk := []byte("%PDF-1.4\n" + strings.Repeat("stream\n\xff\xd8\xffendstream\n", 50))
	d, err := engine.Open(t.Context(), junk, pdf.Limits{MaxPictures: 7})
	require.NoError(t, err)
	defer d.Close()
	require.Len(t, d.Names(), 7)
}
