package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// allocated measures what one call allocates in all, in bytes: never less than
// what is live at any moment of it.
func allocated(f func()) uint64 {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Files that promise or inflate to more than they are. Each must be refused,
// or decoded, within a budget, and soon.
func TestBombs(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	lim := picture.Limits{MaxPixels: 10_000_000}
	jpg := jpegBytes(pattern(8, 8))
	sof := bytes.Index(jpg, []byte{0xff, 0xc0})
	copy(jpg[sof+5:], []byte{0x0c, 0x00, 0x0c, 0x00}) // 3072 x 3072
	progressive := bytes.Clone(testdata(t, "progressive.jpg"))
	copy(progressive[bytes.Index(progressive, []byte{0xff, 0xc2})+5:], []byte{0x0c, 0x00, 0x0c, 0x00})
	zeros := deflated(make([]byte, 64*mib))
	tiles := func(w, h, tw, th uint32) []byte {
		return tiffFile(binary.LittleEndian, zeros, long(256, w), long(257, h), short(258, 8), short(259, 8), short(262, 1),
			short(277, 1), long(322, tw), long(323, th), long(324, 8), long(325, uint32(len(zeros))))
	}
	gifBomb := gifBytes(paletted(image.Rect(0, 0, 12, 10), 3))
	copy(gifBomb[6:], "\x00\x0c\x00\x0c")
	copy(gifBomb[bytes.IndexByte(gifBomb, 0x2c)+5:], "\x00\x0c\x00\x0c")

	for _, c := range []struct {
		name   string
		data   []byte
		want   string // "" when it decodes
		budget uint64
	}{
		{"png: zTXt of 64 MiB", withChunk(pngBytes(pattern(8, 8)), "zTXt", append([]byte("a\x00\x00"), zeros...)), "", 200 * kib},
		{"png: iCCP of 64 MiB", withChunk(pngBytes(pattern(8, 8)), "iCCP", append([]byte("a\x00\x00"), zeros...)), "", 200 * kib},
		{"png: header alone", rawPNG(3000, 3000, 16, 6, 0, nil), "png: truncated: 68 bytes cannot hold 3000 x 3000 pixels", 20 * kib},
		{"png: rows of 64 MiB for one pixel", rawPNG(1, 1, 8, 0, 0, make([]byte, 64*mib)), "png: too much pixel data", 66 * mib}, // the test makes 64 MiB of them
		{"jpeg: header alone", jpg, "", 20 * kib},
		{"jpeg: progressive header alone", progressive, "", 20 * kib},
		{"jpeg: a million scans", manyScans(1_000_000), "picture has 1000001 scans, limit is 100", 20 * kib},
		{"jpeg: 60 scans of 9 megapixels", scansOf(60, 3072), "picture has 566231040 pixels in all scans, limit is 160000000", 20 * kib},
		{"gif: header alone", gifBomb, "gif: not enough image data", 10 * mib},
		{"webp: canvas alone", riff(vp8x(0x10, 3000, 3000), riffChunk("ALPH", []byte{0})), "webp: truncated: unexpected EOF", 10 * mib},
		{"webp: header alone", riff(riffChunk("VP8L", []byte{0x2f, 0xb7, 0xcb, 0xed, 0x12, 0})), "", 40 * mib},
		{"tiff: tile of 64 MiB on one pixel", tiles(1, 1, 8192, 8192), "tiff: tiles of 8192 x 8192 pixels in a picture of 1 x 1", 20 * kib},
		{"tiff: tile beside a narrow picture", tiles(1, 10_000_000, 17, 10_000_000), "tiff: tiles of 17 x 10000000 pixels in a picture of 1 x 10000000", 20 * kib},
		{"tiff: tile deflating to more than it holds", tiles(512, 512, 512, 512), "", 12 * mib},
		{"tiff: many tiles", tiles(8000, 1000, 8, 8), "picture has 125000 tiles, limit is 100000", 20 * kib},
		{"tiff: tiles of a megapixel for a few pixels each", tiles(1, 6400, 16384, 64), "picture has 104857600 pixels in all tiles, limit is 16777216", 20 * kib},
		{"tiff: as many tiles as allowed", tiles(8000, 800, 8, 8), "tiff: inconsistent header", 20 * kib},
		{"tiff: many samples", rgbTIFF(binary.LittleEndian, pattern(4, 4), short(277, 65535), short(258, make([]uint32, 60000)...)), "tiff: 65535 samples a pixel in colour model 2 are not supported yet", 900 * kib},
		{"tiff: many strips", tiffFile(binary.LittleEndian, nil, long(256, 1), long(257, 9_000_000), short(258, 8), short(262, 1), long(273, 8), long(278, 1), long(279, 1)),
			"picture has 9000000 strips, limit is 100000", 20 * kib},
		{"tiff: many values", tiffFile(binary.LittleEndian, nil, long(256, make([]uint32, 200_000)...), long(257, 1)), "", 900 * kib},
		{"bmp: header alone", patchedBMP(pattern(2, 2), 19, 0x0c), "bmp: truncated: 70 bytes cannot hold 3074 x 2 pixels", 20 * kib},
	} {
		var err error
		start := time.Now()
		got := allocated(func() { _, err = picture.Decode(c.data, lim) })
		assert.Less(t, time.Since(start), 10*time.Second, c.name)
		assert.LessOrEqual(t, got, c.budget, "%s: %v", c.name, err)
		if c.want != "" {
			assert.EqualError(t, err, c.want, c.name)
		}
		t.Logf("%-45s %9d bytes allocated: %v", c.name, got, err)
	}
}

// What decoding allocates in all for each pixel, in the costliest kinds of
// file that the decoders take: the package comment promises a bound.
func TestBytesPerPixel(t *testing.T) {
	const side, promised = 1024, 56
	deep := image.NewNRGBA64(image.Rect(0, 0, side, side))
	for i := range deep.Pix {
		deep.Pix[i] = byte(i * 7919 >> 5)
	}
	grey := deflated(make([]byte, 8*side*side)) // one bit a pixel, deflated from the most the decoder reads
	for name, file := range map[string][]byte{
		"png 16-bit RGBA":     pngBytes(deep),
		"tiff 16-bit RGBA":    xtiffBytes(deep, tiff.Deflate),
		"tiff strip too long": tiffFile(binary.LittleEndian, grey, long(256, side), long(257, side), short(258, 1), short(259, 8), short(262, 1), short(274, 6), long(273, 8), short(277, 1), long(279, uint32(len(grey)))),
		"webp lossless":       webpBytes(pattern(side, side)),
		"png turned":          withChunk(pngBytes(deep), "eXIf", exif(binary.LittleEndian, 6)),
		"jpeg":                jpegBytes(pattern(side, side)),
		"jpeg progressive":    progressive(3, side),
		"jpeg CMYK":           progressive(4, side),
	} {
		var err error
		got := allocated(func() { _, err = picture.Decode(file, picture.Limits{}) })
		require.NoError(t, err, name)
		each := float64(got) / (side * side)
		assert.LessOrEqual(t, each, float64(promised), name)
		t.Logf("%-20s %5.1f bytes a pixel", name, each)
	}
}

// progressive is a JPEG of n components with one scan, of mean values that are
// all zero: in the tables of Go's encoder two zero bits say "as before".
func progressive(n, side int) []byte {
	jpg := jpegBytes(pattern(8, 8))
	out := append([]byte{0xff, 0xd8}, segment(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x01"))...)
	sof := []byte{8, byte(side >> 8), byte(side), byte(side >> 8), byte(side), byte(n)}
	sos := []byte{byte(n)}
	for i := range n {
		sof, sos = append(sof, byte(i+1), 0x11, 0), append(sos, byte(i+1), 0)
	}
	for at := 2; jpg[at+1] != 0xda; {
		size := 2 + int(binary.BigEndian.Uint16(jpg[at+2:]))
		if kind := jpg[at+1]; kind == 0xdb || kind == 0xc4 {
			out = append(out, jpg[at:at+size]...)
		}
		at += size
	}
	out = append(append(out, segment(0xc2, sof)...), segment(0xda, append(sos, 0, 0, 0))...)
	return append(append(out, make([]byte, n*side*side/64*2/8)...), 0xff, 0xd9)
}

// scansOf is a progressive JPEG of n scans, each of all of its square.
func scansOf(n, side int) []byte {
	jpg := progressive(1, side)
	at := bytes.Index(jpg, []byte{0xff, 0xda})
	return slices.Concat(jpg[:len(jpg)-2], bytes.Repeat(jpg[at:at+10], n-1), jpg[len(jpg)-2:])
}

// The made bombs of the shared collection, against the same kind of budget.
func TestOddBombs(t *testing.T) {
	dir, ok := oddFolder()
	if !ok {
		skip.Test(t, "no folder of odd pictures at %s: set KYCMARK_SHARED", dir)
	}
	for _, name := range []string{"made_bomb_header_2g.png", "made_bomb_jpeg_65500x65500.jpg", "made_bomb_valid_30000x30000.png",
		"made_bomb_ztxt_64mib.png", "big_65536x65536.png", "big_20000x14000.jpg", "bad_truncated.jpg", "bad_corrupt_header.jpg"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		got := allocated(func() { _, err = picture.Decode(data, picture.Limits{}) })
		assert.LessOrEqual(t, got, uint64(200<<10), name)
		t.Logf("%-35s %7d bytes allocated: %v", name, got, err)
	}
}
