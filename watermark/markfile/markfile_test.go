package markfile_test

import (
	"bytes"
	"crypto/sha256"
	"image"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/pixel"
	"github.com/kycmark/kycmark/internal/picture/tiff"
	"github.com/kycmark/kycmark/internal/test/compare"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
	"github.com/kycmark/kycmark/watermark/markfile"
)

func TestMark(t *testing.T) {
	large, err := os.ReadFile("../../testdata/pictures/elif_licence.jpg")
	require.NoError(t, err)
	upload := smaller(t, large, 720)
	key, id := watermark.GenerateKey(), watermark.NewCopyID()
	made, err := markfile.Mark(t.Context(), key, id, upload, nil)
	require.NoError(t, err)
	again, err := markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Submission: made.Submission, Format: "jpeg"})
	require.NoError(t, err)
	assert.True(t, bytes.Equal(made.File, again.File), "the defaults are these")
	assert.Equal(t, 1, made.Pages)

	low, err := markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Quality: 1})
	require.ErrorIs(t, err, markfile.ErrWeak)
	assert.True(t, low.Unread, "it was looked for in the file")
	low, err = markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Quality: 1, AllowWeak: true})
	require.NoError(t, err)
	assert.True(t, low.Unread)
	if long.On {
		marks, err := markfile.Read(t.Context(), low.File, nil, key)
		require.NoError(t, err)
		assert.Empty(t, marks)
	}

	_, err = markfile.Mark(t.Context(), key, id, upload, &markfile.Options{Format: "webp"})
	assert.ErrorContains(t, err, "webp")
	_, err = markfile.Mark(t.Context(), key, id, upload[:1000], nil)
	assert.ErrorContains(t, err, "truncated")
	half, err := markfile.Mark(t.Context(), key, id, upload[:len(upload)/2], nil)
	require.NoError(t, err)
	assert.Contains(t, half.Lacks, "rows are missing")
	_, err = markfile.Mark(t.Context(), key, id, upload, &markfile.Options{MaxPixels: 1000})
	assert.ErrorContains(t, err, "pixels")
	_, err = markfile.Read(t.Context(), []byte("text"), nil, key)
	assert.ErrorContains(t, err, "not a picture")
}

func TestREADME(t *testing.T) {
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	shown := strings.Split(string(example), "\t// README\n")
	require.Len(t, shown, 3)
	assert.Contains(t, string(readme), "```go\n"+strings.ReplaceAll("\n"+shown[1], "\n\t", "\n")[1:]+"```\n")
}

// smaller is a JPEG of a picture at most that many pixels long.
func smaller(t *testing.T, file []byte, side int) []byte {
	t.Helper()
	p, err := picture.Decode(file, picture.Limits{})
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, picture.Encode(&b, picture.Fit(p.Image, side), "jpeg", 90))
	return b.Bytes()
}

// tiffOf is a TIFF of these pages.
func tiffOf(t *testing.T, pages ...image.Image) []byte {
	var files [][]byte
	for _, p := range pages {
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, pixel.ToNRGBA(p), "tiff", 0))
		files = append(files, b.Bytes())
	}
	var b bytes.Buffer
	require.NoError(t, tiff.Join(&b, files))
	return b.Bytes()
}

// Every page of a document carries the copy, in a place of its own, and pages of the same pixels carry it
// in the same place.
func TestPages(t *testing.T) {
	bill, card := specimen.Render(specimen.Bill, specimen.NewPerson(1), 400), specimen.Render(specimen.Passport, specimen.NewPerson(2), 420)
	key, upload := watermark.GenerateKey(), tiffOf(t, bill, card, bill)
	made, err := markfile.Mark(t.Context(), key, 7, upload, nil)
	require.NoError(t, err)
	assert.Equal(t, []any{"tiff", 3, 0}, []any{made.Format, made.Pages, made.LeftOut})
	assert.Equal(t, bill.Rect, made.Image.Rect)
	marks, err := markfile.Read(t.Context(), made.File, nil, key)
	require.NoError(t, err)
	require.Len(t, marks, 3)
	for i, m := range marks {
		assert.Equal(t, []any{watermark.CopyID(7), i + 1}, []any{m.Copy, m.Page})
	}
	doc, err := picture.OpenDocument(made.File, picture.Limits{})
	require.NoError(t, err)
	var pages []*picture.Picture
	for k := range 3 {
		p, err := picture.Decode(doc.Page(k+1), picture.Limits{})
		require.NoError(t, err)
		pages = append(pages, p)
	}
	assert.Equal(t, pages[0].Image.Pix, pages[2].Image.Pix)
	whole := watermark.SubmissionOf(sha256.Sum256(upload))
	for k, img := range map[int]image.Image{1: bill, 2: card} {
		o, err := watermark.Prepare(key, img, &watermark.Options{Submission: whole.Page(k)})
		require.NoError(t, err)
		want, err := o.Mark(t.Context(), 7)
		require.NoError(t, err)
		assert.Equal(t, want.Image.Pix, pages[k-1].Image.Pix, "page %d", k)
	}

	_, err = markfile.Mark(t.Context(), key, 7, upload, &markfile.Options{Format: "jpeg"})
	assert.ErrorContains(t, err, "a file of 3 pages: its copies are TIFF, not jpeg")
	_, err = markfile.Mark(t.Context(), key, 7, tiffOf(t, bill, image.NewGray(image.Rect(0, 0, 20, 20))), nil)
	assert.ErrorContains(t, err, "page 2: ")
	_, err = markfile.Mark(t.Context(), key, 7, tiffOf(t, card, card), &markfile.Options{MaxBytes: 1000})
	assert.ErrorIs(t, err, picture.ErrLimit)
	weak, err := markfile.Mark(t.Context(), key, 7, tiffOf(t, card, image.NewGray(image.Rect(0, 0, 400, 300))), nil)
	require.ErrorIs(t, err, markfile.ErrWeak, "one page without a mark is enough")
	assert.True(t, weak.Weak)
	assert.Equal(t, card.Rect, weak.Image.Rect)

	marks, err = markfile.Read(t.Context(), tiffOf(t, made.Image, image.NewGray(image.Rect(0, 0, 5, 5))), nil, key)
	assert.ErrorContains(t, err, "page 2: ")
	require.Len(t, marks, 1, "the mark of a page that can be read comes with the error")
	assert.Equal(t, []any{watermark.CopyID(7), 1}, []any{marks[0].Copy, marks[0].Page})
}

// A JPEG of any orientation is marked in its coefficients: the copy is stored as the upload, and read upright. Of its
// metadata only the orientation is left.
func TestOrientations(t *testing.T) {
	upright := picture.Fit(specimen.Render(specimen.Passport, specimen.NewPerson(3), 700), 600)
	key := watermark.GenerateKey()
	for _, orientation := range long.Cases(2, 1, 6, 5, 2, 3, 4, 7, 8) {
		stored := picture.Upright(upright, map[int]int{6: 8, 8: 6}[orientation])
		if orientation != 6 && orientation != 8 {
			stored = picture.Upright(upright, orientation) // undoes itself
		}
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, stored, "jpeg", 88))
		exif := append([]byte("\xff\xd8\xff\xe1\x00\x3eExif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x02\x01\x12\x00\x03\x00\x00\x00\x01\x00"), byte(orientation))
		exif = append(exif, "\x00\x00\x88\x25\x00\x04\x00\x00\x00\x01\x00\x00\x00\x26\x00\x00\x00\x00gps gps gps gps gps gps"...)
		exif = exif[:4+0x3c+2]
		upload := append(exif, b.Bytes()[2:]...)
		made, err := markfile.Mark(t.Context(), key, 7, upload, nil)
		require.NoError(t, err)
		assert.Nil(t, made.Image, "its coefficients are marked")
		assert.NotContains(t, string(made.File), "gps gps", "codes hold three such bytes by chance")
		assert.Equal(t, orientation != 1, bytes.Contains(made.File, []byte("Exif")))
		assert.Less(t, float64(len(made.File)), 1.08*float64(len(upload)))
		before, err := picture.Decode(upload, picture.Limits{})
		require.NoError(t, err)
		after, err := picture.Decode(made.File, picture.Limits{})
		require.NoError(t, err)
		assert.Equal(t, orientation, before.Orientation)
		assert.Equal(t, orientation, after.Orientation)
		assert.Greater(t, compare.PSNR(before.Image, after.Image), 41.9, orientation)
		found, err := markfile.Read(t.Context(), made.File, nil, key)
		require.NoError(t, err)
		require.Len(t, found, 1, orientation)
		assert.Equal(t, watermark.CopyID(7), found[0].Copy)
	}
}

// What coefficients cannot hold is marked in pixels: another quality or format, and pictures of low quality. The mark of a
// lossless copy is fainter.
func TestInPixels(t *testing.T) {
	img := specimen.Render(specimen.Passport, specimen.NewPerson(4), 700)
	var high, low bytes.Buffer
	require.NoError(t, picture.Encode(&high, img, "jpeg", 88))
	require.NoError(t, picture.Encode(&low, img, "jpeg", 55))
	key, psnr := watermark.GenerateKey(), map[string]float64{}
	for name, x := range map[string]struct {
		upload []byte
		opts   markfile.Options
		format string
	}{
		"quality": {high.Bytes(), markfile.Options{Quality: 88}, "jpeg"},
		"format":  {high.Bytes(), markfile.Options{Format: "png"}, "png"},
		"low":     {low.Bytes(), markfile.Options{}, "jpeg"},
	} {
		made, err := markfile.Mark(t.Context(), key, 7, x.upload, &x.opts)
		require.NoError(t, err, name)
		assert.NotNil(t, made.Image, name)
		assert.Equal(t, x.format, made.Format, name)
		psnr[name] = made.PSNR
	}
	assert.Greater(t, psnr["format"], psnr["quality"]+0.3)
	var coarse bytes.Buffer
	require.NoError(t, picture.Encode(&coarse, img, "jpeg", 60))
	for _, upload := range [][]byte{high.Bytes(), coarse.Bytes()} {
		made, err := markfile.Mark(t.Context(), key, 7, upload, &markfile.Options{Format: "jpeg"})
		require.NoError(t, err)
		assert.Nil(t, made.Image)
	}
}
