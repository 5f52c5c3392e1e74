package picture_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/picture"
)

func decode(t testing.TB, data []byte) *picture.Picture {
	t.Helper()
	p, err := picture.Decode(data, picture.Limits{})
	require.NoError(t, err)
	require.NoError(t, sound(p))
	return p
}

// sound checks what every Picture promises.
func sound(p *picture.Picture) error {
	img := p.Image
	w, h := img.Rect.Dx(), img.Rect.Dy()
	switch {
	case img.Rect.Min != image.Point{} || w < 1 || h < 1:
		return fmt.Errorf("bounds %v", img.Rect)
	case img.Stride != 4*w || len(img.Pix) < 4*w*h:
		return fmt.Errorf("stride %d and %d bytes for %d x %d", img.Stride, len(img.Pix), w, h)
	case p.Orientation < 1 || p.Orientation > 8:
		return fmt.Errorf("orientation %d", p.Orientation)
	case p.Pages < 1:
		return fmt.Errorf("%d pages", p.Pages)
	case p.Decoder == "" || p.Format == "":
		return fmt.Errorf("decoder %q, format %q", p.Decoder, p.Format)
	}
	return nil
}

func translucent(w, h int) *image.NRGBA {
	img := pattern(w, h)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = byte(i * 13)
	}
	return img
}

func asNRGBA(img image.Image) *image.NRGBA {
	b := img.Bounds()
	out := image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Set(x, y, img.At(b.Min.X+x, b.Min.Y+y))
		}
	}
	return out
}

func TestLosslessFormatsAreExact(t *testing.T) {
	opaque, clear := pattern(13, 9), translucent(13, 9)
	pal := paletted(image.Rect(0, 0, 12, 10), 6)
	le, be := binary.LittleEndian, binary.BigEndian
	for _, c := range []struct {
		name, format string
		data         []byte
		want         *image.NRGBA
	}{
		{"png rgb", "png", pngBytes(opaque), opaque},
		{"png rgba", "png", pngBytes(clear), clear},
		{"png palette", "png", pngBytes(pal), asNRGBA(pal)},
		{"webp", "webp", webpBytes(clear), clear},
		{"webp extended", "webp", riff(vp8x(0x10, 13, 9), vp8l(clear)), clear},
		{"tiff little-endian", "tiff", rgbTIFF(le, clear), clear},
		{"tiff big-endian", "tiff", rgbTIFF(be, clear), clear},
		{"tiff deflate", "tiff", xtiffBytes(opaque, tiff.Deflate), opaque},
		{"tiff palette", "tiff", xtiffBytes(pal, tiff.Uncompressed), asNRGBA(pal)},
		{"bmp rgb", "bmp", bmpBytes(opaque), opaque},
		{"bmp palette", "bmp", bmpBytes(pal), asNRGBA(pal)},
		{"gif", "gif", gifBytes(pal), asNRGBA(pal)},
	} {
		p, err := picture.Decode(c.data, picture.Limits{})
		require.NoError(t, err, c.name)
		require.NoError(t, sound(p), c.name)
		assert.Equal(t, c.format, p.Format, c.name)
		assert.Equal(t, 1, p.Orientation, c.name)
		assert.Equal(t, 1, p.Pages, c.name)
		assert.Equal(t, int64(len(c.data)), p.Size, c.name)
		assert.Equal(t, sha256.Sum256(c.data), p.SHA256, c.name)
		samePixels(t, c.want, p.Image, c.name)
	}
}

func TestDecoderIsNamedWithVersion(t *testing.T) {
	assert.Equal(t, "image/png "+runtime.Version(), decode(t, pngBytes(pattern(2, 2))).Decoder)
	// Test binaries do not know the versions of modules.
	assert.Contains(t, decode(t, bmpBytes(pattern(2, 2))).Decoder, "x/image/bmp ")
}

// The four squares of the pictures in testdata, with each format's tolerance.
func TestLossyFormats(t *testing.T) {
	white, black := color.NRGBA{255, 255, 255, 255}, color.NRGBA{0, 0, 0, 255}
	grey, red := color.NRGBA{127, 127, 127, 255}, color.NRGBA{255, 0, 0, 255}
	for _, c := range []struct {
		file      string
		alpha     uint8
		squares   [4]color.NRGBA
		tolerance int
	}{
		{"progressive.jpg", 255, [4]color.NRGBA{white, black, grey, red}, 1},
		{"cmyk.jpg", 255, [4]color.NRGBA{white, black, grey, red}, 1},
		{"lossy.webp", 255, [4]color.NRGBA{white, black, grey, red}, 1},
		{"lossy_alpha.webp", 128, [4]color.NRGBA{white, black, grey, red}, 1},
		{"interlaced.png", 255, [4]color.NRGBA{white, black, grey, red}, 0},
		{"group4.tif", 255, [4]color.NRGBA{white, black, black, black}, 0},
	} {
		p := decode(t, testdata(t, c.file))
		require.Equal(t, image.Rect(0, 0, 32, 32), p.Image.Rect, c.file)
		for i, want := range c.squares {
			got := p.Image.NRGBAAt(8+16*(i%2), 8+16*(i/2))
			want.A = c.alpha
			for n, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B), int(got.A) - int(want.A)} {
				assert.LessOrEqual(t, max(d, -d), c.tolerance, "%s square %d channel %d: %v, want %v", c.file, i, n, got, want)
			}
		}
	}
}

// All eight orientations, in every container that can hold one and in both
// byte orders, show the same picture.
func TestOrientation(t *testing.T) {
	want, squares := pattern(7, 5), blocks(3, 2)
	var jpegs []*image.NRGBA
	for o := 1; o <= 8; o++ {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			img := stored(want, o)
			block := exif(order, o)
			w, h := img.Rect.Dx(), img.Rect.Dy()
			for name, data := range map[string][]byte{
				"png":                   withChunk(pngBytes(img), "eXIf", block),
				"webp":                  riff(vp8x(0x18, w, h), vp8l(img), riffChunk("EXIF", block)),
				"webp, EXIF with title": riff(vp8x(0x18, w, h), vp8l(img), riffChunk("EXIF", append([]byte("Exif\x00\x00"), block...))),
				"tiff":                  rgbTIFF(order, img, short(274, uint32(o))),
			} {
				p := decode(t, data)
				assert.Equal(t, o, p.Orientation, name)
				samePixels(t, want, p.Image, name, o)
			}
			p := decode(t, withSegment(jpegBytes(stored(squares, o)), 0xe1, append([]byte("Exif\x00\x00"), block...)))
			assert.Equal(t, o, p.Orientation)
			jpegs = append(jpegs, p.Image)
		}
	}
	for i := range jpegs {
		samePixels(t, jpegs[0], jpegs[i], "jpeg, orientation", i/2+1)
	}
	require.Equal(t, squares.Rect, jpegs[0].Rect)
	assert.Less(t, meanDifference(squares, jpegs[0]), 1.0)
}

func TestOrientationThatIsNotThere(t *testing.T) {
	img := pattern(7, 5)
	thumbnail := exif(binary.LittleEndian, 1)
	second := tiffFile(binary.LittleEndian, nil, short(256, 1))
	second = binary.LittleEndian.AppendUint32(second[:len(second)-4], uint32(len(second))) // next directory
	second = append(second, thumbnail[binary.LittleEndian.Uint32(thumbnail[4:]):]...)
	for name, block := range map[string][]byte{
		"empty":                 {},
		"no TIFF":               []byte("orientation=6"),
		"zero":                  exif(binary.LittleEndian, 0),
		"nine":                  exif(binary.BigEndian, 9),
		"cut":                   exif(binary.LittleEndian, 6)[:20],
		"directory beyond end":  []byte("II*\x00\xff\xff\xff\x7f"),
		"directory at the end":  []byte("II*\x00\x08\x00\x00\x00"),
		"directory at 2^32-1":   []byte("MM\x00*\xff\xff\xff\xff"),
		"text type":             {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 2, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0},
		"no values":             {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0},
		"values beyond the end": {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 9, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0},
		"of the thumbnail":      second,
	} {
		for _, data := range [][]byte{
			withChunk(pngBytes(img), "eXIf", block),
			riff(vp8x(0x18, 7, 5), vp8l(img), riffChunk("EXIF", block)),
			withSegment(jpegBytes(img), 0xe1, append([]byte("Exif\x00\x00"), block...)),
		} {
			p := decode(t, data)
			assert.Equal(t, 1, p.Orientation, "%s, %s", name, p.Format)
			assert.Equal(t, img.Rect, p.Image.Rect, "%s, %s", name, p.Format)
		}
	}
	// The first EXIF block counts, and XMP in front of it is none.
	data := jpegBytes(img)
	data = withSegment(data, 0xe1, append([]byte("Exif\x00\x00"), exif(binary.LittleEndian, 3)...))
	data = withSegment(data, 0xe1, append([]byte("Exif\x00\x00"), exif(binary.LittleEndian, 6)...))
	data = withSegment(data, 0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta/>"))
	assert.Equal(t, 6, decode(t, data).Orientation)
	assert.Equal(t, 1, decode(t, rgbTIFF(binary.LittleEndian, img, short(274, 0))).Orientation)
}

// Every 16-bit level becomes the nearest 8-bit one.
func TestSixteenBitsAreRounded(t *testing.T) {
	grey := image.NewGray16(image.Rect(0, 0, 256, 256))
	deep := image.NewNRGBA64(grey.Rect)
	for v := range 1 << 16 {
		grey.SetGray16(v%256, v/256, color.Gray16{uint16(v)})
		deep.SetNRGBA64(v%256, v/256, color.NRGBA64{uint16(v), uint16(v), 65535 - uint16(v), uint16(v ^ 0x5555)})
	}
	near := func(v uint16) uint8 { return uint8(math.Round(float64(v) / 257)) }
	for name, data := range map[string][]byte{
		"png": pngBytes(grey), "tiff": xtiffBytes(grey, tiff.Deflate),
	} {
		img := decode(t, data).Image
		for v := range 1 << 16 {
			n := near(uint16(v))
			require.Equal(t, color.NRGBA{n, n, n, 255}, img.NRGBAAt(v%256, v/256), "%s %d", name, v)
		}
	}
	for name, data := range map[string][]byte{
		"png": pngBytes(deep), "tiff": xtiffBytes(deep, tiff.Deflate),
	} {
		img := decode(t, data).Image
		for v := range 1 << 16 {
			n, inv := near(uint16(v)), near(65535-uint16(v))
			require.Equal(t, color.NRGBA{n, n, inv, near(uint16(v ^ 0x5555))}, img.NRGBAAt(v%256, v/256), "%s %d", name, v)
		}
	}
}

// TIFF may store colours multiplied by alpha; they are divided again.
func TestAssociatedAlpha(t *testing.T) {
	for _, bits := range []uint32{8, 16} {
		var data []byte
		most := 1<<bits - 1
		put := func(v int) {
			if bits == 16 {
				data = append(data, byte(v), byte(v>>8))
			} else {
				data = append(data, byte(v))
			}
		}
		for a := 0; a < 256; a += 5 {
			alpha := a * most / 255
			for _, part := range []float64{1, 0.5, 0} {
				put(int(math.Round(float64(alpha) * part)))
			}
			put(alpha)
		}
		w := uint32(len(data) / 4 / (int(bits) / 8))
		p := decode(t, tiffFile(binary.LittleEndian, data, long(256, w), long(257, 1), short(258, bits, bits, bits, bits),
			short(259, 1), short(262, 2), long(273, 8), short(277, 4), long(279, uint32(len(data))), short(338, 1)))
		for x := 1; x < int(w); x++ {
			c := p.Image.NRGBAAt(x, 0)
			require.Equal(t, uint8(x*5), c.A)
			require.Equal(t, uint8(255), c.R)
			require.InDelta(t, 128, c.G, 0.5*255/float64(x*5)*float64(9-bits/2)+1, "alpha %d", c.A)
			require.Equal(t, uint8(0), c.B)
		}
		assert.Equal(t, color.NRGBA{}, p.Image.NRGBAAt(0, 0))
	}
	// A colour brighter than its alpha cannot be; it is full, not wrapped.
	p := decode(t, rgbTIFF(binary.LittleEndian, &image.NRGBA{Pix: []byte{200, 100, 0, 100}, Stride: 4, Rect: image.Rect(0, 0, 1, 1)}, short(338, 1)))
	assert.Equal(t, color.NRGBA{255, 255, 0, 100}, p.Image.NRGBAAt(0, 0))
}

func TestOddDepths(t *testing.T) {
	p := decode(t, rawPNG(10, 1, 1, 0, 0, []byte{0, 0b10110010, 0b01000000}))
	want := []uint8{255, 0, 255, 255, 0, 0, 255, 0, 0, 255}
	for x, v := range want {
		assert.Equal(t, color.NRGBA{v, v, v, 255}, p.Image.NRGBAAt(x, 0), "%d", x)
	}
	p = decode(t, rawPNG(4, 1, 2, 0, 0, []byte{0, 0b00011011}))
	for x := range 4 {
		assert.Equal(t, uint8(85*x), p.Image.NRGBAAt(x, 0).G)
	}
	// A transparent colour (tRNS) in true colour, grey and palette.
	p = decode(t, rawPNG(2, 1, 8, 2, 0, []byte{0, 1, 2, 3, 4, 5, 6}, chunk("tRNS", []byte{0, 4, 0, 5, 0, 6})))
	assert.Equal(t, []byte{1, 2, 3, 255, 4, 5, 6, 0}, p.Image.Pix)
	p = decode(t, rawPNG(2, 1, 8, 3, 0, []byte{0, 0, 1}, chunk("PLTE", []byte{1, 2, 3, 4, 5, 6}), chunk("tRNS", []byte{9})))
	assert.Equal(t, []byte{1, 2, 3, 9, 4, 5, 6, 255}, p.Image.Pix)
}

// Old writers put 8-bit values into TIFF's 16-bit colour map.
func TestNarrowColourMap(t *testing.T) {
	file := func(colours ...uint32) []byte {
		return tiffFile(binary.LittleEndian, []byte{0, 1}, long(256, 2), long(257, 1), short(258, 8), short(259, 1),
			short(262, 3), long(273, 8), short(277, 1), long(279, 2), short(320, colours...))
	}
	assert.Equal(t, []byte{10, 30, 50, 255, 20, 40, 255, 255}, decode(t, file(10, 20, 30, 40, 50, 255)).Image.Pix)
	assert.Equal(t, []byte{0, 0, 0, 255, 0, 0, 1, 255}, decode(t, file(10, 20, 30, 40, 50, 256)).Image.Pix)
}

// Many writers leave the alpha of 32-bit BMP at zero throughout.
func TestInvisibleBMP(t *testing.T) {
	v5 := func(alpha byte) []byte {
		b := make([]byte, 14+124, 200)
		copy(b, "BM")
		b[10], b[14] = 14+124, 124
		b[18], b[22], b[26], b[28] = 2, 1, 1, 32
		return append(b, 3, 2, 1, alpha, 6, 5, 4, 0)
	}
	assert.Equal(t, []byte{1, 2, 3, 255, 4, 5, 6, 255}, decode(t, v5(0)).Image.Pix)
	assert.Equal(t, []byte{1, 2, 3, 7, 4, 5, 6, 0}, decode(t, v5(7)).Image.Pix)
}

// The first frame of a GIF lies on its canvas, which is transparent elsewhere.
func TestGIFFrameOnCanvas(t *testing.T) {
	first, second := paletted(image.Rect(3, 2, 9, 7), 4), paletted(image.Rect(0, 0, 12, 10), 4)
	p := decode(t, gifBytes(first, second, second))
	assert.Equal(t, 2, p.Pages, "equal frames count once")
	assert.Equal(t, image.Rect(0, 0, 12, 10), p.Image.Rect)
	for y := range 10 {
		for x := range 12 {
			want := color.NRGBA{}
			if (image.Point{x, y}.In(first.Rect)) {
				want = color.NRGBAModel.Convert(first.At(x, y)).(color.NRGBA)
			}
			assert.Equal(t, want, p.Image.NRGBAAt(x, y), "%d,%d", x, y)
		}
	}
}

func TestPagesOfTIFF(t *testing.T) {
	img := pattern(3, 2)
	file := rgbTIFF(binary.LittleEndian, img)
	next := len(file) - 4
	page := file[binary.LittleEndian.Uint32(file[4:]):]
	file = append(binary.LittleEndian.AppendUint32(file[:next:next], uint32(next+4)), page...)
	assert.Equal(t, 2, decode(t, file).Pages)
	photometric := []byte{6, 1, 3, 0, 1, 0, 0, 0} // the entry's value is behind it
	cmyk := bytes.Clone(file)
	cmyk[bytes.Index(file[binary.LittleEndian.Uint32(file[4:]):], photometric)+int(binary.LittleEndian.Uint32(file[4:]))+len(photometric)] = 5
	d, err := picture.OpenDocument(cmyk, picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, 2, d.Pages(), "a page that cannot be read hides no other")
	_, err = d.Picture(1, picture.Limits{})
	require.ErrorContains(t, err, "CMYK colours are not supported yet")
	second, err := d.Picture(2, picture.Limits{})
	require.NoError(t, err)
	samePixels(t, img, second.Image)
	binary.LittleEndian.PutUint32(file[next:], 8+uint32(len(img.Pix))) // back to itself or nonsense
	assert.LessOrEqual(t, decode(t, file).Pages, 512)
}

func TestBytesBehindThePictureAreIgnored(t *testing.T) {
	img := blocks(2, 2)
	other := jpegBytes(pattern(40, 40))
	for _, file := range [][]byte{jpegBytes(img), pngBytes(img), webpBytes(img), bmpBytes(img), rgbTIFF(binary.LittleEndian, img), gifBytes(paletted(image.Rect(0, 0, 12, 10), 3))} {
		samePixels(t, decode(t, file).Image, decode(t, append(bytes.Clone(file), other...)).Image)
	}
}

func TestDecodeLeavesItsInputAlone(t *testing.T) {
	for _, file := range [][]byte{xtiffBytes(pattern(30, 20), tiff.Deflate), rgbTIFF(binary.LittleEndian, pattern(9, 9), short(317, 2)), pngBytes(pattern(9, 9)), testdata(t, "cmyk.jpg")} {
		before := bytes.Clone(file)
		p := decode(t, file)
		assert.True(t, bytes.Equal(before, file))
		kept := bytes.Clone(p.Image.Pix)
		clear(file)
		assert.True(t, bytes.Equal(kept, p.Image.Pix))
	}
}
