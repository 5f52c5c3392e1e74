package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/intake"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/test/fromfile"
	longtest "github.com/kycmark/kycmark/internal/test/long"
)

// well checks the form of an error: typed, of one line, without prefixes of
// packages.
func well(err error) error {
	var fe *picture.FormatError
	var le *picture.LimitError
	if !(errors.As(err, &fe) && errors.Is(err, picture.ErrFormat)) && !(errors.As(err, &le) && errors.Is(err, picture.ErrLimit)) {
		return fmt.Errorf("neither format nor limit: %w", err)
	}
	if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") || strings.Contains(s, "invalid format: ") {
		return fmt.Errorf("not one clear line: %q", s)
	}
	return nil
}

func TestReasons(t *testing.T) {
	img := pattern(8, 8)
	jpg := jpegBytes(img)
	sof := bytes.Index(jpg, []byte{0xff, 0xc0})
	patched := func(at int, v byte) []byte {
		out := bytes.Clone(jpg)
		out[at] = v
		return out
	}
	tiffWith := func(tags ...tag) []byte { return rgbTIFF(binary.LittleEndian, img, tags...) }
	rows := bytes.Repeat([]byte{0, 9, 9, 9}, 3)
	for _, c := range []struct {
		data []byte
		want string
	}{
		{nil, "empty file"},
		{[]byte("Dear sir, please find\tthe passport attached.\r\n"), "not a picture: plain text"},
		{[]byte("BMW drives well\n and long enough to hold a header"), "not a picture: plain text"},
		{[]byte("\ufeffÄrger mit Umlauten"), "not a picture: plain text"},
		{append(bytes.Repeat([]byte("a"), 1023), "äöü"...), "not a picture: plain text"},
		{[]byte("\xff\xfeh\x00i\x00"), "not a picture: plain text"},
		{[]byte("<!DOCTYPE html><html><img src=x></html>"), "not a picture: HTML or XML"},
		{[]byte("\ufeff<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>"), "SVG is not supported yet"},
		{[]byte("%PDF-1.7\n%\xe2\xe3"), "PDF is not supported yet"},
		{[]byte("junk\x00\x01%PDF-1.4"), "PDF is not supported yet"},
		{[]byte("8BPS\x00\x01"), "PSD is not supported yet"},
		{[]byte("%!PS-Adobe-3.0 EPSF-3.0\n"), "this picture format (JPEG XR, QOI, DjVu, OpenEXR, JBIG2, XCF, DDS, PCX, FITS, Sun, XWD, DPX, Cineon, MIFF, XPM, MNG, VIPS, EPS) is not supported yet"},
		{[]byte("\x8aMNG\r\n\x1a\n"), "this picture format (JPEG XR, QOI, DjVu, OpenEXR, JBIG2, XCF, DDS, PCX, FITS, Sun, XWD, DPX, Cineon, MIFF, XPM, MNG, VIPS, EPS) is not supported yet"},
		{[]byte("\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x84\x03\x86\x04\x18\x00\xff"), "TGA is not supported yet"},
		{[]byte("\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x84\x03\x86\x04\x18\x00\xff"), "TGA is not supported yet"},
		{[]byte("\x00\x00\x02\x00\x01\x00\x20\x20\x00\x00\x04\x00\x04\x00\x30\x01\x00\x00\x16"), "ICO is not supported yet"},
		{[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), "HEIC is not supported yet"},
		{[]byte("\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif"), "AVIF is not supported yet"},
		{[]byte("\x00\x00\x00\x14ftypcrx \x00\x00\x00\x00crx isom"), "camera raw (Canon CR3) is not supported yet"},
		{[]byte("\x00\x00\x00\x10ftypmif3avif"), "HEIF or AVIF with a small header (mif3) is not supported yet"},
		{[]byte("\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp42"), "a video: its pictures are not supported yet"},
		{bytes.Repeat(append([]byte{0x47}, make([]byte, 187)...), 5), "a video: its pictures are not supported yet"},
		{bytes.Repeat(append([]byte{0, 0, 0, 0, 0x47}, make([]byte, 187)...), 5), "a video: its pictures are not supported yet"},
		{[]byte("OggS\x00\x02\x00\x80theora"), "a video: its pictures are not supported yet"},
		{[]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 _\x00_\x00s\x00u\x00b\x00s\x00t\x00g\x001\x00.\x000\x00_\x003\x00"), "an e-mail of Outlook (.msg) is not supported yet: save it as .eml"},
		{[]byte("\xff\xffff\xfftypheic"[:5]), "not a picture: unknown content, begins with ff ff 66 66 ff"},
		{[]byte("\x00\x00\x00\x0cJXL \r\n\x87\n"), "JPEG XL is not supported yet"},
		{[]byte("\x00\x00\x00\x0cjP  \r\n\x87\n"), "JPEG 2000 is not supported yet"},
		{[]byte("II+\x00\x08\x00\x00\x00"), "BigTIFF is not supported yet"},
		{[]byte("PK\x03\x04rest"), "archive: this kind, or this name of an archive, is not opened: unpack it first"},
		{make([]byte, 100), "not a picture: unknown content, begins with 00 00 00 00 00 00 00 00"},
		{append([]byte("\r\n\x00"), jpg...), "not a picture: 3 foreign bytes before the start of a JPEG"},

		{jpg[:20], "jpeg: truncated: unexpected EOF"},
		{jpg[:len(jpg)-6], "jpeg: truncated: unexpected EOF"},
		{patched(sof+1, 0xc3), "jpeg: lossless JPEG is not supported yet"},
		{patched(sof+1, 0xc9), "jpeg: arithmetic coding is not supported yet"},
		{patched(sof+1, 0xca), "jpeg: arithmetic coding is not supported yet"},
		{patched(sof+1, 0xc5), "jpeg: hierarchical JPEG is not supported yet"},
		{patched(sof+1, 0xcd), "jpeg: hierarchical JPEG is not supported yet"},
		{patched(sof+1, 0xf7), "jpeg: JPEG-LS is not supported yet"},
		{patched(sof+4, 12), "jpeg: 12-bit JPEG is not supported yet"},
		{patched(sof+6, 0), "jpeg: picture of 8 x 0 pixels"},
		{withSegment(jpg, 0xde, jpg[sof+4:sof+19]), "jpeg: hierarchical JPEG is not supported yet"},
		{bytes.Replace(testdata(t, "cmyk.jpg"), []byte("Adobe"), []byte("adobe"), 1),
			"jpeg: CMYK without Adobe marker: which way round its inks are stored is not known"},
		{missingComponent(jpg), "jpeg: no data for colour component 3"},
		{manyScans(1000), "picture has 1001 scans, limit is 100"},

		{pngBytes(img)[:30], "png: truncated: unexpected EOF"},
		{pngBytes(img)[:60], "png: truncated: unexpected EOF"},
		{append([]byte("\x89PNG\r\n\x1a\n"), chunk("tEXt", make([]byte, 13))...), "png: no IHDR chunk at the beginning"},
		{rawPNG(3, 3, 8, 0, 0, rows[:8]), "png: not enough pixel data"},
		{rawPNG(3, 3, 8, 0, 0, append(bytes.Clone(rows), 1)), "png: too much pixel data"},
		{rawPNG(3, 3, 7, 0, 0, rows), "png: unsupported feature: bit depth 7, color type 0"},
		{rawPNG(0, 3, 8, 0, 0, rows), "png: picture of 0 x 3 pixels"},
		{rawPNG(3, 3, 8, 3, 0, rows, chunk("PLTE", make([]byte, 9*3))), "png: palette index out of range"},
		{rawPNG(3, 3, 8, 3, 1, []byte{0, 9, 14: 0}, chunk("PLTE", make([]byte, 9*3))), "png: palette index out of range"},

		{riff(vp8x(2, 8, 8), riffChunk("ANIM", make([]byte, 6))), "webp: truncated: unexpected EOF"},
		{webpBytes(img)[:40], "webp: truncated: unexpected EOF"},
		{riff(vp8x(0, 9, 8), vp8l(img)), "webp: invalid format"},

		{tiffWith(short(259, 6)), "tiff: old-style JPEG compression is not supported yet"},
		{tiffWith(short(259, 50000)), "tiff: Zstandard compression is not supported yet"},
		{tiffWith(short(262, 8)), "tiff: CIELab colours are not supported yet"},
		{tiffWith(short(339, 3)), "tiff: unsupported feature: sample format"},
		{tiffWith(long(254, 1)), "tiff: camera raw (DNG, NEF, CR2, …) is not supported yet"},
		{tiffWith(short(50706, 1)), "tiff: camera raw (DNG, NEF, CR2, …) is not supported yet"},
		{tiffWith(long(273, 1<<30)), "tiff: truncated: unexpected EOF"},
		{tiffWith(short(258, 8, 8, 8, 9)), "tiff: samples of different depths are not supported yet"},
		{[]byte("II*\x00\xff\xff\xff\xff"), "tiff: truncated: unexpected EOF"},
		{tiffFile(binary.LittleEndian, []byte{0, 2}, long(256, 2), long(257, 1), short(258, 8), short(259, 1),
			short(262, 3), long(273, 8), short(277, 1), long(279, 2), short(320, 1, 2, 3, 4, 5, 600)), "tiff: invalid color index"},

		{osBMP(), "bmp: information header of 12 bytes is not supported yet"},
		{patchedBMP(img, 28, 16), "bmp: not supported yet: information header of 40 bytes, 16 bits a pixel, compression 0"},
		{bmpBytes(img)[:60], "bmp: truncated: 60 bytes cannot hold 8 x 8 pixels"},
		{patchedBMP(paletted(image.Rect(0, 0, 8, 8), 6), 14+40+256*4, 255), ""},

		{gifBytes(paletted(image.Rect(0, 0, 12, 10), 3))[:60], "gif: not enough image data"},
		{gifBytes(paletted(image.Rect(0, 0, 12, 10), 3))[:13+3*4], "gif: truncated: unexpected EOF"},
		{append([]byte("GIF89a"), make([]byte, 7)...), "gif: picture of 0 x 0 pixels"},
	} {
		p, err := picture.Decode(c.data, picture.Limits{})
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		var format *picture.FormatError
		if errors.As(err, &format) {
			assert.Equal(t, strings.Contains(c.want, "supported"), format.Kind == codec.Unsupported || format.Kind == codec.Video, c.want)
		}
		if assert.EqualError(t, err, c.want) {
			assert.NoError(t, well(err))
			assert.Nil(t, p)
		}
	}
}

// missingComponent takes the third component out of a JPEG's scan.
func missingComponent(jpg []byte) []byte {
	at := bytes.Index(jpg, []byte{0xff, 0xda})
	two := segment(0xda, []byte{2, jpg[at+5], jpg[at+6], jpg[at+7], jpg[at+8], 0, 63, 0})
	return bytes.Join([][]byte{jpg[:at], two, jpg[at+14:]}, nil)
}

// manyScans adds scans of nothing to a JPEG.
func manyScans(n int) []byte {
	jpg := jpegBytes(pattern(8, 8))
	scan := segment(0xda, []byte{1, 1, 0, 1, 1, 0})
	return bytes.Join([][]byte{jpg[:len(jpg)-2], bytes.Repeat(scan, n), jpg[len(jpg)-2:]}, nil)
}

func osBMP() []byte {
	b := make([]byte, 100)
	copy(b, "BM")
	b[14] = 12
	return b
}

func patchedBMP(img image.Image, at int, v byte) []byte {
	b := bmpBytes(img)
	b[at] = v
	return b
}

// An index beyond the palette is an error in every format that has palettes,
// never a panic and never black.
func TestPaletteIndexes(t *testing.T) {
	small := paletted(image.Rect(0, 0, 8, 8), 3)
	big := image.NewPaletted(small.Rect, append(append(color.Palette{}, small.Palette...), color.White, color.Black))
	copy(big.Pix, small.Pix)
	big.Pix[63] = 4
	_, err := picture.Decode(gifBytes(big), picture.Limits{})
	require.NoError(t, err)

	g := gifBytes(image.NewPaletted(small.Rect, big.Palette[:4]))
	lzw := bytes.Index(g, []byte{0x2c}) // descriptor; the code size follows at 10
	g[lzw+10] = 8                       // codes of 8 bits are read from the same bytes
	_, err = picture.Decode(g, picture.Limits{})
	require.Error(t, err)
	require.NoError(t, well(err))

	b := bmpBytes(big)
	binary.LittleEndian.PutUint32(b[46:], 3) // colours used
	binary.LittleEndian.PutUint32(b[10:], 14+40+3*4)
	b = append(b[:14+40+3*4:14+40+3*4], b[14+40+256*4:]...)
	_, err = picture.Decode(b, picture.Limits{})
	require.EqualError(t, err, "bmp: invalid palette index")
}

// No half pictures, except of JPEGs that say so: every beginning of a file is an error, or shows all that
// the whole file shows (when only a trailer is missing).
func TestTruncatedAnywhere(t *testing.T) {
	img := pattern(9, 7)
	for _, file := range [][]byte{
		jpegBytes(img), testdata(t, "progressive.jpg"), testdata(t, "cmyk.jpg"), pngBytes(img), testdata(t, "interlaced.png"),
		webpBytes(img), testdata(t, "lossy.webp"), testdata(t, "lossy_alpha.webp"),
		rgbTIFF(binary.BigEndian, img), xtiffBytes(img, tiff.Deflate), testdata(t, "group4.tif"),
		bmpBytes(img), gifBytes(paletted(image.Rect(0, 0, 12, 10), 3)),
	} {
		whole := decode(t, file)
		for n := range file {
			p, err := picture.Decode(file[:n], picture.Limits{})
			if err != nil {
				require.NoError(t, well(err), "%s: %d of %d", whole.Format, n, len(file))
				continue
			}
			if p.Incomplete == "" || p.Format != "jpeg" {
				samePixels(t, whole.Image, p.Image, whole.Format, n, len(file))
			}
			require.Equal(t, whole.Orientation, p.Orientation)
		}
	}
}

// Any byte may be any other: an error or some picture, nothing else.
func TestDamagedAnywhere(t *testing.T) {
	img := pattern(5, 4)
	block := exif(binary.LittleEndian, 6)
	for _, file := range [][]byte{
		withSegment(jpegBytes(img), 0xe1, append([]byte("Exif\x00\x00"), block...)),
		testdata(t, "progressive.jpg"), testdata(t, "cmyk.jpg"),
		withChunk(pngBytes(img), "eXIf", block), riff(vp8x(0x18, 5, 4), vp8l(img), riffChunk("EXIF", block)),
		testdata(t, "lossy_alpha.webp"), rgbTIFF(binary.BigEndian, img), xtiffBytes(img, tiff.Deflate), testdata(t, "group4.tif"),
		bmpBytes(paletted(image.Rect(0, 0, 5, 4), 3)), gifBytes(paletted(image.Rect(0, 0, 12, 10), 3)),
	} {
		for i := range file {
			for _, v := range longtest.Cases(2, file[i]^0x10, 0xff, 0, 0x7f) {
				bad := bytes.Clone(file)
				bad[i] = v
				p, err := picture.Decode(bad, picture.Limits{MaxPixels: 1 << 20})
				if err != nil {
					require.NoError(t, well(err))
					continue
				}
				require.NoError(t, sound(p))
			}
		}
	}
}

func TestLimits(t *testing.T) {
	file := pngBytes(pattern(10, 7))
	for _, c := range []struct {
		lim  picture.Limits
		want string
	}{
		{picture.Limits{}, ""},
		{picture.Limits{MaxPixels: 70}, ""},
		{picture.Limits{MaxPixels: 69}, "picture has 70 pixels, limit is 69"},
		{picture.Limits{MaxBytes: int64(len(file))}, ""},
		{picture.Limits{MaxBytes: int64(len(file)) - 2}, fmt.Sprintf("file has %d bytes, limit is %d", len(file), len(file)-2)},
		{picture.Limits{MaxBytes: math.MaxInt64, MaxPixels: math.MaxInt64}, ""},
	} {
		_, err := picture.Decode(file, c.lim)
		if c.want == "" {
			assert.NoError(t, err)
			continue
		}
		assert.EqualError(t, err, c.want)
		assert.ErrorIs(t, err, picture.ErrLimit)
		assert.NotErrorIs(t, err, picture.ErrFormat)
	}

	_, err := intake.ReadAll(bytes.NewReader(file), 0, 40)
	assert.EqualError(t, err, "file is larger than the limit of 40 bytes")
	_, err = intake.ReadAll(endless{}, 0, 1<<20)
	assert.EqualError(t, err, "file is larger than the limit of 1048576 bytes")

	// Each format's largest sides, where a product of 32 bits would overflow.
	huge := gifBytes(paletted(image.Rect(0, 0, 12, 10), 3))
	copy(huge[6:], "\xff\xff\xff\xff")
	sof := bytes.Index(jpegBytes(pattern(8, 8)), []byte{0xff, 0xc0})
	jpg := jpegBytes(pattern(8, 8))
	copy(jpg[sof+5:], "\xff\xff\xff\xff")
	for _, data := range [][]byte{
		rawPNG(1<<32-1, 1<<32-1, 8, 0, 0, nil), rawPNG(1<<31-1, 1<<31-1, 16, 6, 1, nil), huge, jpg,
		rgbTIFF(binary.LittleEndian, pattern(2, 2), long(256, 14_143), long(257, 14_143)),
		riff(vp8x(0x10, 65536, 32767), vp8l(pattern(4, 4))),
		patchedBMP(pattern(2, 2), 21, 0x0f),
	} {
		var le *picture.LimitError
		_, err := picture.Decode(data, picture.Limits{})
		require.ErrorAs(t, err, &le)
		assert.Equal(t, "pixels", le.What)
		assert.Greater(t, le.Got, le.Max)
	}
	_, err = picture.Decode(rgbTIFF(binary.LittleEndian, pattern(2, 2), long(256, 14_142), long(257, 14_142)), picture.Limits{})
	assert.ErrorContains(t, err, "not enough pixel data", "200 megapixels are no limit")
}

// What a decoder does with such bytes must not take the process down.
func TestDecoderPanics(t *testing.T) {
	var none []int
	for want, f := range map[string]func(io.Reader) (image.Image, error){
		"test: decoder failed: runtime error: index out of range [3] with length 0": func(io.Reader) (image.Image, error) { _ = none[3]; return nil, nil },
		"test: decoder failed: unreachable":                                         func(io.Reader) (image.Image, error) { panic("unreachable") },
		"test: two lines":                                                           func(io.Reader) (image.Image, error) { return nil, errors.New("two\nlines") },
		"test: truncated: unexpected EOF":                                           func(io.Reader) (image.Image, error) { return nil, fmt.Errorf("wrapped: %w", io.EOF) },
		"test: header says 1 x 1 pixels, picture has 2 x 1":                         func(io.Reader) (image.Image, error) { return pattern(2, 1), nil },
	} {
		err := picture.DecodeWith(f, []byte{1})
		assert.EqualError(t, err, want)
		assert.NoError(t, well(err))
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// The file's name, and how its bytes come, do not matter.
func TestReadFiles(t *testing.T) {
	file := pngBytes(pattern(10, 7))
	data, err := intake.ReadAll(iotest.OneByteReader(bytes.NewReader(file)), 0, 1<<20)
	require.NoError(t, err)
	p, err := picture.Decode(data, picture.Limits{})
	require.NoError(t, err)
	samePixels(t, pattern(10, 7), p.Image)
	_, err = intake.ReadAll(iotest.ErrReader(io.ErrClosedPipe), 0, 1<<20)
	assert.ErrorIs(t, err, io.ErrClosedPipe)

	dir := t.TempDir()
	path := filepath.Join(dir, "picture.jpg")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	loaded, err := fromfile.Picture(path, picture.Limits{})
	require.NoError(t, err)
	assert.Equal(t, p, loaded)

	_, err = fromfile.Picture(filepath.Join(dir, "none"), picture.Limits{})
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = fromfile.Picture(dir, picture.Limits{})
	assert.ErrorIs(t, err, intake.ErrNotRegular)
	_, err = fromfile.Picture(path, picture.Limits{MaxBytes: 5})
	assert.ErrorIs(t, err, picture.ErrLimit)
	if runtime.GOOS == "linux" {
		_, err = fromfile.Picture("/dev/zero", picture.Limits{})
		assert.ErrorIs(t, err, intake.ErrNotRegular)
	}
}
