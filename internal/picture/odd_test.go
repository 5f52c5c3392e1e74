package picture_test

import (
	"bytes"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// odd is what must become of each file of the shared collection of odd
// pictures: an error, or a picture whose mean colour (red, green and blue
// multiplied by alpha, then alpha; 0 to 255) is the one that ImageMagick
// 6.9.11 reads, without profiles:
//
//	convert FILE[0] -coalesce -auto-orient +profile '*' -depth 8 rgba:-
type odd struct {
	file   string
	format string
	w, h   int
	turned int // orientation stored
	pages  int
	mean   [4]float64
	err    string
}

var odds = []odd{
	{file: "avif_example.avif", err: "AVIF is not supported yet"},
	{file: "bad_corrupt_header.jpg", err: "jpeg: truncated: unexpected EOF"},
	{file: "bad_exif.jpg", format: "jpeg", w: 636, h: 227, mean: [4]float64{177.9, 159.2, 156.4, 255}},
	{file: "bad_junk_before_soi.jpg", format: "jpeg", w: 1024, h: 768, mean: [4]float64{117.1, 115.8, 116.8, 255}}, // its junk is between segments
	{file: "bad_png_ihdr.png", err: "png: no IHDR chunk at the beginning"},
	{file: "bad_truncated.jpg", err: "jpeg: truncated: 10000 bytes cannot hold 2725 x 2225 pixels"},
	{file: "bad_truncated.png", err: "png: truncated: unexpected EOF"},
	{file: "big_20000x14000.jpg", err: "picture has 280000000 pixels, limit is 200000000"},
	{file: "big_65536x65536.png", err: "picture has 4294967296 pixels, limit is 200000000"},
	{file: "bmp_32bit.bmp", format: "bmp", w: 127, h: 64, mean: [4]float64{121.5, 118.4, 122.9, 255}},
	{file: "bmp_palette.bmp", format: "bmp", w: 150, h: 103, mean: [4]float64{144.7, 94.5, 70.3, 255}},
	{file: "exif_gps_thumbnail.jpg", format: "jpeg", w: 640, h: 480, mean: [4]float64{152.4, 132.8, 77.3, 255}},
	{file: "exif_orientation_1.jpg", format: "jpeg", w: 450, h: 600, turned: 1, mean: [4]float64{114.9, 117.4, 99.5, 255}},
	{file: "exif_orientation_2.jpg", format: "jpeg", w: 450, h: 600, turned: 2, mean: [4]float64{100.0, 103.0, 83.1, 255}},
	{file: "exif_orientation_3.jpg", format: "jpeg", w: 450, h: 600, turned: 3, mean: [4]float64{100.0, 102.9, 83.1, 255}},
	{file: "exif_orientation_4.jpg", format: "jpeg", w: 450, h: 600, turned: 4, mean: [4]float64{100.0, 102.9, 83.1, 255}},
	{file: "exif_orientation_5.jpg", format: "jpeg", w: 450, h: 600, turned: 5, mean: [4]float64{100.1, 103.0, 83.2, 255}},
	{file: "exif_orientation_6.jpg", format: "jpeg", w: 450, h: 600, turned: 6, mean: [4]float64{100.2, 103.1, 83.3, 255}},
	{file: "exif_orientation_7.jpg", format: "jpeg", w: 450, h: 600, turned: 7, mean: [4]float64{99.9, 102.8, 83.1, 255}},
	{file: "exif_orientation_8.jpg", format: "jpeg", w: 450, h: 600, turned: 8, mean: [4]float64{100.2, 103.1, 83.2, 255}},
	{file: "gif_animated.gif", format: "gif", w: 80, h: 80, pages: 10, mean: [4]float64{32.7, 50.7, 61.4, 89.4}},
	{file: "heic_example.heic", err: "HEIC is not supported yet"},
	{file: "heic_iphone.heic", err: "HEIC is not supported yet"},
	{file: "jp2_relax.jp2", err: "JPEG 2000 is not supported yet"},
	{file: "jpeg_12bit.jpg", err: "jpeg: 12-bit JPEG is not supported yet"},
	{file: "jpeg_arithmetic.jpg", err: "jpeg: arithmetic coding is not supported yet"},
	{file: "jpeg_cmyk_invalid_icc.jpg", format: "jpeg", w: 493, h: 500, mean: [4]float64{64.9, 38.5, 209.1, 255}},
	{file: "jpeg_cmyk_no_profile.jpg", format: "jpeg", w: 500, h: 333, mean: [4]float64{109.0, 132.1, 109.6, 255}},
	{file: "jpeg_gainmap_8mp.jpg", format: "jpeg", w: 3840, h: 2160, mean: [4]float64{99.9, 97.9, 97.4, 255}},
	{file: "jpeg_gray.jpg", format: "jpeg", w: 400, h: 267, mean: [4]float64{38.7, 38.7, 38.7, 255}},
	{file: "jpeg_lossless_sof3.jpg", err: "jpeg: lossless JPEG is not supported yet"},
	{file: "jpeg_progressive_icc.jpg", format: "jpeg", w: 1200, h: 799, mean: [4]float64{109.2, 124.6, 85.7, 255}},
	{file: "jpeg_xyb_icc.jpg", format: "jpeg", w: 290, h: 442, mean: [4]float64{96.9, 126.5, 103.0, 255}}, // wrong colours without its profile
	{file: "made_bad_crc.png", err: "png: flate: corrupt input before offset 110"},
	{file: "made_bitflips.jpg", format: "jpeg", w: 640, h: 480, mean: [4]float64{165.8, 72.9, 41.7, 255}},
	{file: "made_bomb_header_2g.png", err: "picture has 4611686014132420609 pixels, limit is 200000000"},
	{file: "made_bomb_jpeg_65500x65500.jpg", err: "picture has 4290250000 pixels, limit is 200000000"},
	{file: "made_bomb_valid_30000x30000.png", err: "picture has 900000000 pixels, limit is 200000000"},
	{file: "made_bomb_ztxt_64mib.png", format: "png", w: 16, h: 16, mean: [4]float64{128, 128, 128, 255}},
	{file: "made_empty.jpg", err: "empty file"},
	{file: "made_png_named.jpg", format: "png", w: 68, h: 68, mean: [4]float64{249.7, 212.5, 213.8, 255}},
	{file: "made_text_named.jpg", err: "not a picture: plain text"},
	{file: "made_trailing_data.jpg", format: "jpeg", w: 400, h: 267, mean: [4]float64{38.7, 38.7, 38.7, 255}},
	{file: "pdf_png_and_jpg.pdf", err: "PDF is not supported yet"},
	{file: "pdf_scan_multipage.pdf", err: "PDF is not supported yet"},
	{file: "png_16bit_gray_alpha.png", format: "png", w: 109, h: 96, mean: [4]float64{0, 0, 0, 8.0}},
	{file: "png_16bit_rgb_icc.png", format: "png", w: 149, h: 227, mean: [4]float64{81.9, 98.1, 110.2, 255}},
	{file: "png_1x1.png", format: "png", w: 1, h: 1, mean: [4]float64{131, 141, 192, 255}},
	{file: "png_6x1024.png", format: "png", w: 6, h: 1024, mean: [4]float64{189.7, 201.9, 226.2, 255}},
	{file: "png_940x2.png", format: "png", w: 940, h: 2, mean: [4]float64{255, 255, 255, 255}},
	{file: "png_alpha_large.png", format: "png", w: 2048, h: 1536, mean: [4]float64{0, 0, 0, 1.8}},
	{file: "png_apng.png", format: "png", w: 128, h: 64, pages: 3, mean: [4]float64{254, 0, 0, 255}},
	// Its gAMA of 1 is applied by ImageMagick (35.8, 30.5, 11.7) and not here.
	{file: "png_interlaced_rgba.png", format: "png", w: 162, h: 150, mean: [4]float64{21.1, 19.5, 2.6, 85.6}},
	{file: "png_palette_alpha.png", format: "png", w: 68, h: 68, mean: [4]float64{249.7, 212.5, 213.8, 255}},
	{file: "tiff_16bit_gray.tif", format: "tiff", w: 64, h: 64, turned: 1, mean: [4]float64{1, 1, 1, 255}},
	{file: "tiff_fax_multipage.tif", format: "tiff", w: 2464, h: 3248, pages: 2, mean: [4]float64{235.8, 235.8, 235.8, 255}},
	{file: "tiff_lzw.tiff", format: "tiff", w: 150, h: 100, mean: [4]float64{82.4, 73.7, 82.6, 255}},
	{file: "tiff_tiled_jpeg.tif", format: "tiff", w: 300, h: 225, mean: [4]float64{116.4, 78.9, 77.2, 255}},
	{file: "webp_alpha.webp", format: "webp", w: 300, h: 300, mean: [4]float64{30.8, 30.6, 30.9, 61.8}},
	{file: "webp_animated.webp", format: "webp", w: 80, h: 80, pages: 9, mean: [4]float64{33.5, 50.6, 60.8, 89.4}},
	{file: "webp_lossless.webp", format: "webp", w: 600, h: 400, mean: [4]float64{82.8, 74.1, 83.0, 255}},
	{file: "webp_lossy.webp", format: "webp", w: 600, h: 400, mean: [4]float64{83.0, 74.1, 83.4, 255}},
}

func TestOddPictures(t *testing.T) {
	dir, ok := oddFolder()
	if !ok {
		skip.Test(t, "no folder of odd pictures at %s: set KYCMARK_SHARED", dir)
	}
	known := map[string]bool{}
	var upright []*image.NRGBA
	for _, o := range odds {
		known[o.file] = true
		admitted := int64(0)
		var p *picture.Picture
		var err error
		took := int64(allocated(func() {
			p, err = fromfile.Picture(filepath.Join(dir, o.file), picture.Limits{Admit: func(decoding, pixels int64) error {
				admitted = decoding
				return nil
			}})
		}))
		if o.err != "" {
			if assert.EqualError(t, err, o.err, o.file) {
				assert.NoError(t, well(err), o.file)
			}
			continue
		}
		if !assert.NoError(t, err, o.file) {
			continue
		}
		require.NoError(t, sound(p), o.file)
		// All that is ever allocated is more than the peak.
		assert.LessOrEqual(t, took, admitted+p.Size+4<<20, "%s: memory of decoding", o.file)
		assert.Equal(t, o.format, p.Format, o.file)
		assert.Equal(t, image.Rect(0, 0, o.w, o.h), p.Image.Rect, o.file)
		assert.Equal(t, max(o.turned, 1), p.Orientation, o.file)
		assert.Equal(t, max(o.pages, 1), p.Pages, o.file)
		assert.InDeltaSlice(t, o.mean[:], means(p.Image), 0.7, o.file)
		if o.turned > 1 {
			upright = append(upright, p.Image)
		}
	}
	for _, img := range upright {
		assert.Less(t, meanDifference(img, upright[0]), 6.0, "the seven that show one picture, each compressed for itself")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		assert.True(t, known[e.Name()], "%s is not in the table", e.Name())
	}
}

// A picture that is not admitted takes no memory, and its error stays what it is.
func TestNotAdmitted(t *testing.T) {
	for format, data := range map[string][]byte{"jpeg": encoded(t, "jpeg"), "png": encoded(t, "png"), "tiff": encoded(t, "tiff")} {
		full := &picture.LimitError{What: codec.MemoryBytes, Got: 3_000_000_000, Max: 1_000_000_000}
		var err error
		took := allocated(func() { _, err = picture.Decode(data, picture.Limits{Admit: func(int64, int64) error { return full }}) })
		require.ErrorIs(t, err, picture.ErrLimit, format)
		require.EqualError(t, err, "picture needs 3000 MB of memory, limit is 1000 MB (--max-memory)", format)
		require.Less(t, took, uint64(4<<20), format)
	}
}

// encoded is a picture of 4 megapixels.
func encoded(t *testing.T, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, picture.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 2000, 2000)), format, 90))
	return b.Bytes()
}

// means gives the mean of red, green and blue over black, and of alpha.
func means(img *image.NRGBA) []float64 {
	var sum [4]float64
	for i := 0; i < len(img.Pix); i += 4 {
		a := float64(img.Pix[i+3])
		for c := range 3 {
			sum[c] += float64(img.Pix[i+c]) * a / 255
		}
		sum[3] += a
	}
	for c := range sum {
		sum[c] /= float64(len(img.Pix) / 4)
	}
	return sum[:]
}

func meanDifference(a, b *image.NRGBA) float64 {
	sum := 0.0
	for i := range a.Pix {
		sum += max(float64(a.Pix[i])-float64(b.Pix[i]), float64(b.Pix[i])-float64(a.Pix[i]))
	}
	return sum / float64(len(a.Pix))
}
