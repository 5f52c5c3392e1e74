package pdfs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"os"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/apart"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/jpeg"
	"github.com/kycmark/kycmark/internal/picture/pdf"
	"github.com/kycmark/kycmark/internal/test/aparttest"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/internal/test/wasmtest"
)

// TestMain is also the process that reads, as it is in the command, or one that hangs.
// It collects garbage less often than programs do: that takes less processor time.
func TestMain(m *testing.M) {
	aparttest.Serve(verb)
	wasmtest.Keep()
	if Serve() {
		return
	}
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// encoded is a picture as a page's file.
func encoded(t *testing.T, img image.Image, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, picture.EncodeLike(&b, img, picture.Source{Format: format}, picture.LikeOptions{Format: format}))
	if format == "png" {
		return b.Bytes()
	}
	plain, err := jpeg.Plain(b.Bytes(), 1, nil)
	require.NoError(t, err)
	return plain
}

// What JoinPDF writes is read again: the same files, pixels, sizes and rotations.
func TestRoundTrip(t *testing.T) {
	img := specimen.Render(specimen.Passport, specimen.NewPerson(7), 500)
	var pages []picture.PDFPage
	for i := range 5 {
		format := []string{"jpeg", "png"}[i%2]
		pages = append(pages, picture.PDFPage{Number: i + 1, Of: 5, File: encoded(t, img, format), Width: 595.276, Height: 841.89 / float64(i+1), Rotate: i % 4 * 90})
	}
	var file, again bytes.Buffer
	require.NoError(t, pdf.Join(&file, pages))
	require.NoError(t, pdf.Join(&again, pages))
	require.Equal(t, file.Bytes(), again.Bytes())
	lim := picture.Limits{PDF: picture.ReadingPDF(t.Context(), New().Pages)}
	d, err := picture.OpenDocument(file.Bytes(), lim)
	require.NoError(t, err)
	require.Equal(t, 5, d.Pages())
	for i, want := range pages {
		got := d.PDF(i + 1)
		assert.InDeltaSlice(t, []float64{want.Width, want.Height, float64(want.Rotate)}, []float64{got.Width, got.Height, float64(got.Rotate)}, 0.001)
		if i%2 == 0 {
			assert.Equal(t, want.File, got.File)
		}
		pic, err := d.Picture(i+1, lim)
		require.NoError(t, err)
		written, err := picture.Decode(want.File, picture.Limits{})
		require.NoError(t, err)
		assert.Equal(t, written.Image, pic.Image, i)
		assert.Equal(t, "pdf", pic.Format)
		assert.Contains(t, pic.Decoder, "github.com/klippa-app/go-pdfium")
	}
	pic, err := picture.Decode(file.Bytes(), lim)
	require.NoError(t, err)
	require.Equal(t, 5, pic.Pages)
	lim.PDF, lim.Page = picture.ReadingPDF(t.Context(), New().Pages), 4
	d, err = picture.OpenDocument(file.Bytes(), lim)
	require.NoError(t, err)
	require.Equal(t, 4, d.PDF(4).Number)
	_, err = picture.OpenDocument(file.Bytes()[:file.Len()-9], lim)
	require.ErrorIs(t, err, picture.ErrFormat)
}

// A file of too many pages is refused before they are read.
func TestLimits(t *testing.T) {
	page := picture.PDFPage{File: encoded(t, image.NewGray(image.Rect(0, 0, 8, 8)), "jpeg"), Width: 8, Height: 8}
	var file bytes.Buffer
	require.NoError(t, pdf.Join(&file, tooMany(page)))
	_, err := New().Pages(t.Context(), file.Bytes(), 0, nil)
	require.ErrorIs(t, err, picture.ErrLimit)
	require.EqualError(t, err, "pdf: 201 pages, limit is 200")
}

// tooMany is a document of one page too many.
func tooMany(page picture.PDFPage) (out []picture.PDFPage) {
	for range codec.MaxPages + 1 {
		out = append(out, page)
	}
	return out
}

// A page of 14,400 inches is rendered at the max number of pixels.
func TestHugePage(t *testing.T) {
	pages, err := New().Pages(t.Context(), statement("[0 0 1036800 990]"), 0, nil)
	require.NoError(t, err)
	pic, err := picture.Decode(pages[0].File, picture.Limits{})
	require.NoError(t, err)
	require.LessOrEqual(t, pic.Image.Rect.Dx(), 16_384)
}

// A scan of nearly the max number of pixels is read.
func TestHugeScan(t *testing.T) {
	for _, side := range long.Cases(1, 90, 9000) {
		img := image.NewNRGBA(image.Rect(0, 0, side, side))
		draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
		var file bytes.Buffer
		scan := picture.PDFPage{Number: 1, Of: 1, File: encoded(t, img, "png"), Width: 595, Height: 595}
		require.NoError(t, pdf.Join(&file, []picture.PDFPage{scan}))
		_, err := New().Pages(t.Context(), file.Bytes(), 0, nil)
		require.NoError(t, err)
	}
}

// A file beyond its time, and one that needs more memory than its caller has, are not supported, and cost no second time. A repeated
// page that was read is free.
func TestBeyond(t *testing.T) {
	const slow = "[.0001 .0001] 0 d 0 0 m 595 842 l 0 842 l 595 0 l S"
	file := statement("[0 0 595 842]", slow)
	r := New()
	defer r.Close()
	_, _, spent, err := r.read(t.Context(), strict, file, 0, time.Second, nil)
	require.ErrorIs(t, err, apart.ErrTime)
	require.Less(t, spent, 2*time.Second)

	sum := sha256.Sum256(file)
	r.charge(t.Context(), sum, 1, nil, maxProcessor(len(file)), nil)
	_, err = r.Pages(t.Context(), file, 0, nil)
	require.EqualError(t, err, "pdf: cannot be read within 20 s of processor time")
	require.ErrorIs(t, err, picture.ErrLimit)
	var format *picture.FormatError
	require.ErrorAs(t, err, &format)
	require.Equal(t, codec.Unsupported, format.Kind)
	left, err := r.charged(sum, 1, time.Second)
	require.NoError(t, err)
	require.Equal(t, time.Second, left, "the page was read before")

	full, booked := errors.New("full"), []int64{}
	bomb, err := os.ReadFile("../../internal/pdf/testdata/bomb.pdf")
	require.NoError(t, err)
	_, err = r.Pages(t.Context(), bomb, 0, func(bytes int64) error {
		if booked = append(booked, bytes); len(booked) > 1 {
			return full
		}
		return nil
	})
	require.ErrorIs(t, err, full)
	require.Equal(t, []int64{512 << 20, 1280 << 20}, booked)
}

// statement is a PDF of one page of this MediaBox, with a content.
func statement(box string, content ...string) []byte {
	content = append(content, "0.5 g 9 9 50 50 re f")
	out := bytes.NewBufferString("%PDF-1.4\n")
	var table string
	for i, body := range []string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox " + box + " /Contents 4 0 R >>", fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(content[0]), content[0])} {
		table += fmt.Sprintf("%010d 00000 n \n", out.Len())
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	start := out.Len()
	fmt.Fprintf(out, "xref\n0 5\n0000000000 65535 f \n%strailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", table, start)
	return out.Bytes()
}

// A reader that hangs is ended with the context: when Pages returns, its process is gone.
func TestCancel(t *testing.T) {
	aparttest.Cancelled(t, func(ctx context.Context) error {
		_, err := New().Pages(ctx, statement("[0 0 9 9]"), 0, nil)
		return err
	})
}

// The pages of a leaked PDF are counted and read, also of a file that a submission may not be. A file that
// inflates to a gigabyte is given up with its context, and a process that is killed harms no other file.
func TestLeaked(t *testing.T) {
	read := func(name string) []byte {
		data, err := os.ReadFile("../../internal/pdf/testdata/" + name)
		require.NoError(t, err)
		return data
	}
	r := New()
	defer r.Close()
	count := func(name string) int {
		p, err := r.Leaked(t.Context(), read(name), 0, nil)
		require.NoError(t, err)
		require.Nil(t, p.File)
		return p.Of
	}
	require.Equal(t, 2, count("noxref.pdf"))
	require.Equal(t, 4, count("badpage.pdf"))
	_, err := r.Pages(t.Context(), read("noxref.pdf"), 1, nil)
	require.ErrorIs(t, err, picture.ErrFormat)
	_, err = r.Leaked(t.Context(), read("badpage.pdf"), 2, nil)
	require.EqualError(t, err, "page 2 of 4: not a readable PDF: its picture is cut off: 7 bytes of pixels, want 270000")
	for round := range 3 {
		p, err := r.Leaked(t.Context(), read("noxref.pdf"), 1, nil)
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(p.File, []byte("\xff\xd8")))
		_, err = r.Pages(t.Context(), read("noxref.pdf"), 1, nil)
		require.ErrorIs(t, err, picture.ErrFormat, "though the page is kept")
		p, err = r.Leaked(t.Context(), read("badpage.pdf"), 1, nil)
		require.NoError(t, err, "page 2 is read ahead")
		require.Equal(t, 1, p.Number)
		switch round {
		case 0:
			aparttest.Kill(t, r.pools[0])
		case 1:
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			_, err = r.Leaked(ctx, read("bomb.pdf"), 1, nil)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			for _, file := range []string{"", "%PDF-1.4 nothing"} {
				_, err = r.Leaked(t.Context(), []byte(file), 0, nil)
				require.EqualError(t, err, "not a readable PDF: damaged, or no PDF")
			}
		}
	}
}
