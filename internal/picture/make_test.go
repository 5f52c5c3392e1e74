package picture_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// This file writes the pictures that the tests read, in containers that no
// encoder at hand writes: with orientation, with odd depths, broken, lying.

// pattern has no symmetry: no turn or mirror of it equals another.
func pattern(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		x, y := i%w, i/w
		copy(img.Pix[4*i:], []byte{byte(x * 31), byte(y * 57), byte(x*y*7 + 90), 255})
	}
	return img
}

// blocks is a pattern of squares of 16 pixels, which JPEG keeps all but
// exactly in every orientation.
func blocks(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 16*w, 16*h))
	small := pattern(w, h)
	for y := range 16 * h {
		for x := range 16 * w {
			img.SetNRGBA(x, y, small.NRGBAAt(x/16, y/16))
		}
	}
	return img
}

// stored gives the pixels that a file with this orientation stores of a
// picture: EXIF 2.32 table 6, "the 0th row represents the visual ... of the
// image, and the 0th column the visual ...".
func stored(upright *image.NRGBA, orientation int) *image.NRGBA {
	w, h := upright.Rect.Dx(), upright.Rect.Dy()
	if orientation > 4 {
		w, h = h, w
	}
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			at := map[int]image.Point{
				1: {x, y}, 2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
				5: {y, x}, 6: {h - 1 - y, x}, 7: {h - 1 - y, w - 1 - x}, 8: {y, w - 1 - x},
			}[orientation]
			out.SetNRGBA(x, y, upright.NRGBAAt(at.X, at.Y))
		}
	}
	return out
}

func must(err error) {
	if err != nil {
		panic(err) // of an encoder, writing into memory
	}
}

func pngBytes(img image.Image) []byte {
	var b bytes.Buffer
	must(png.Encode(&b, img))
	return b.Bytes()
}

func jpegBytes(img image.Image) []byte {
	var b bytes.Buffer
	must(jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}))
	return b.Bytes()
}

func gifBytes(frames ...*image.Paletted) []byte {
	var b bytes.Buffer
	g := &gif.GIF{Config: image.Config{Width: 12, Height: 10, ColorModel: frames[0].Palette}}
	for _, f := range frames {
		g.Image, g.Delay = append(g.Image, f), append(g.Delay, 1)
	}
	must(gif.EncodeAll(&b, g))
	return b.Bytes()
}

func bmpBytes(img image.Image) []byte {
	var b bytes.Buffer
	must(bmp.Encode(&b, img))
	return b.Bytes()
}

func xtiffBytes(img image.Image, c tiff.CompressionType) []byte {
	var b bytes.Buffer
	must(tiff.Encode(&b, img, &tiff.Options{Compression: c, Predictor: c == tiff.Deflate}))
	return b.Bytes()
}

// paletted draws a pattern with n colours.
func paletted(r image.Rectangle, n int) *image.Paletted {
	p := make(color.Palette, n)
	for i := range p {
		p[i] = color.RGBA{byte(i * 37), byte(255 - i*11), byte(i * i), 255}
	}
	img := image.NewPaletted(r, p)
	for i := range img.Pix {
		img.Pix[i] = byte(i * 5 % 7 % n)
	}
	return img
}

// chunk is one of PNG's.
func chunk(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// withChunk puts a chunk behind the IHDR of a PNG.
func withChunk(file []byte, kind string, body []byte) []byte {
	const ihdrEnd = 8 + 12 + 13
	return bytes.Join([][]byte{file[:ihdrEnd], chunk(kind, body), file[ihdrEnd:]}, nil)
}

// rawPNG is made of an IHDR and rows as they come, filter bytes included.
func rawPNG(w, h uint32, depth, colour, interlace byte, rows []byte, more ...[]byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, w)
	ihdr = binary.BigEndian.AppendUint32(ihdr, h)
	ihdr = append(ihdr, depth, colour, 0, 0, interlace)
	parts := append([][]byte{[]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", ihdr)}, more...)
	return bytes.Join(append(parts, chunk("IDAT", deflated(rows)), chunk("IEND", nil)), nil)
}

func deflated(data []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write(data)
	w.Close()
	return z.Bytes()
}

// segment is one of JPEG's, behind SOI in withSegment.
func segment(marker byte, body []byte) []byte {
	out := []byte{0xff, marker}
	return append(binary.BigEndian.AppendUint16(out, uint16(len(body)+2)), body...)
}

func withSegment(file []byte, marker byte, body []byte) []byte {
	return bytes.Join([][]byte{file[:2], segment(marker, body), file[2:]}, nil)
}

// riff is a WebP of these chunks.
func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(kind string, body []byte) []byte {
	out := append(binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body))), body...)
	return append(out, make([]byte, len(body)%2)...)
}

// vp8x is the header of the extended WebP format.
func vp8x(flags byte, w, h int) []byte {
	b := []byte{flags, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), 0, byte(h - 1), byte((h - 1) >> 8), 0}
	return riffChunk("VP8X", b)
}

// bits are written from the least significant on, as VP8L has them.
type bits struct {
	out []byte
	n   uint
}

func (b *bits) put(v uint32, n int) {
	for i := range n {
		if b.n%8 == 0 {
			b.out = append(b.out, 0)
		}
		b.out[len(b.out)-1] |= byte(v>>i&1) << (b.n % 8)
		b.n++
	}
}

// vp8l is lossless WebP at its simplest: no transforms, no colour cache, and
// all 256 values of a channel coded in 8 bits (RFC 9649 section 3).
func vp8l(img *image.NRGBA) []byte {
	var b bits
	b.put(0x2f, 8)
	b.put(uint32(img.Rect.Dx()-1), 14)
	b.put(uint32(img.Rect.Dy()-1), 14)
	b.put(1, 1)   // alpha is used
	b.put(0, 3)   // version
	b.put(0, 1)   // no transform
	b.put(0, 1+1) // no colour cache, one set of codes
	for channel := range 4 {
		b.put(0, 1)    // a normal code: lengths are coded
		b.put(12-4, 4) // of 12 symbols of the code for lengths, in the order 17 18 0 1 2 3 4 5 16 6 7 8
		for symbol := range 12 {
			b.put(map[int]uint32{1: 1, 11: 1}[symbol], 3) // 18 and 8 take one bit each
		}
		b.put(0, 1)   // up to the end
		b.put(0, 256) // 256 times 8: code 0, in order of symbols
		if channel == 0 {
			b.put(1, 1) // 18: zeros for the 24 lengths of copies
			b.put(24-11, 7)
		}
	}
	b.put(1, 1) // distances: a simple code of one symbol
	b.put(0, 1+1)
	b.put(0, 1)
	for i := 0; i < len(img.Pix); i += 4 {
		for _, c := range []int{1, 0, 2, 3} { // green first
			v := img.Pix[i+c]
			for bit := 7; bit >= 0; bit-- { // Huffman codes come from the most significant bit
				b.put(uint32(v>>bit&1), 1)
			}
		}
	}
	return riffChunk("VP8L", b.out)
}

func webpBytes(img *image.NRGBA) []byte { return riff(vp8l(img)) }

// A tag is a TIFF entry of SHORTs, LONGs or RATIONALs, which are two values
// each.
type tag struct {
	id, kind uint16
	v        []uint32
}

func short(id uint16, v ...uint32) tag    { return tag{id, 3, v} }
func long(id uint16, v ...uint32) tag     { return tag{id, 4, v} }
func rational(id uint16, v ...uint32) tag { return tag{id, 5, v} }

// tiffFile lays out one directory; data stands at offset 8. Tags of the same
// id replace earlier ones.
func tiffFile(order binary.AppendByteOrder, data []byte, tags ...tag) []byte {
	last := map[uint16]tag{}
	for _, t := range tags {
		last[t.id] = t
	}
	tags = tags[:0:0]
	for _, t := range last {
		tags = append(tags, t)
	}
	sort.Slice(tags, func(i, j int) bool { return tags[i].id < tags[j].id })

	out := []byte("II*\x00")
	if order.AppendUint16(nil, 1)[0] == 0 {
		out = []byte("MM\x00*")
	}
	values := append([]byte{}, data...)
	entries := order.AppendUint16(nil, uint16(len(tags)))
	for _, t := range tags {
		var v []byte
		count := len(t.v)
		if t.kind == 5 {
			count /= 2
		}
		for _, n := range t.v {
			if t.kind == 3 {
				v = order.AppendUint16(v, uint16(n))
			} else {
				v = order.AppendUint32(v, n)
			}
		}
		entries = order.AppendUint32(order.AppendUint16(order.AppendUint16(entries, t.id), t.kind), uint32(count))
		if len(v) > 4 {
			entries = order.AppendUint32(entries, uint32(8+len(values)))
			values = append(values, v...)
		} else {
			entries = append(entries, append(v, make([]byte, 4-len(v))...)...)
		}
	}
	out = order.AppendUint32(out, uint32(8+len(values)))
	out = append(append(out, values...), entries...)
	return order.AppendUint32(out, 0)
}

// rgbTIFF stores an opaque or unassociated-alpha picture uncompressed.
func rgbTIFF(order binary.AppendByteOrder, img *image.NRGBA, more ...tag) []byte {
	return tiffFile(order, img.Pix, append([]tag{
		long(256, uint32(img.Rect.Dx())), long(257, uint32(img.Rect.Dy())),
		short(258, 8, 8, 8, 8), short(259, 1), short(262, 2), long(273, 8), short(277, 4),
		long(279, uint32(len(img.Pix))), short(338, 2),
	}, more...)...)
}

// exif is an EXIF block with an orientation and another tag before and after.
func exif(order binary.AppendByteOrder, orientation int) []byte {
	return tiffFile(order, nil, short(256, 77), short(274, uint32(orientation)), long(34665, 8, 9, 10))
}

// testdata reads one of the few pictures that are not made here.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// oddFolder finds the shared collection of odd pictures, if it is there.
func oddFolder() (string, bool) {
	shared := os.Getenv("KYCMARK_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	dir := filepath.Join(shared, "pictures", "odd")
	st, err := os.Stat(dir)
	return dir, err == nil && st.IsDir()
}

// samePixels compares without printing thousands of bytes.
func samePixels(t *testing.T, want, got *image.NRGBA, about ...any) {
	t.Helper()
	require.Equal(t, want.Rect, got.Rect, about...)
	for i := 0; i < len(want.Pix); i += 4 {
		if !bytes.Equal(want.Pix[i:i+4], got.Pix[i:i+4]) {
			w := want.Rect.Dx()
			require.Equal(t, want.Pix[i:i+4], got.Pix[i:i+4], append([]any{fmt.Sprintf("pixel %d,%d", i/4%w, i/4/w)}, about...)...)
		}
	}
}
