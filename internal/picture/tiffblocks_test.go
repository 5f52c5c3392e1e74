package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
)

// tiffOf is a TIFF of strips or tiles with the given bytes.
func tiffOf(order binary.AppendByteOrder, blocks [][]byte, at, sizes uint16, tags ...tag) []byte {
	var data []byte
	var offsets, counts []uint32
	for _, b := range blocks {
		offsets, counts = append(offsets, uint32(8+len(data))), append(counts, uint32(len(b)))
		data = append(data, b...)
	}
	return tiffFile(order, data, append([]tag{long(at, offsets...), long(sizes, counts...)}, tags...)...)
}

// jpegParts splits a JPEG into the tables that blocks can share, and the rest.
func jpegParts(file []byte) (tables, rest []byte) {
	tables, rest = []byte{0xff, 0xd8}, []byte{0xff, 0xd8}
	for i := 2; ; {
		n := i + 2 + int(binary.BigEndian.Uint16(file[i+2:]))
		switch file[i+1] {
		case 0xdb, 0xc4:
			tables = append(tables, file[i:n]...)
		case 0xda:
			return append(tables, 0xff, 0xd9), append(rest, file[i:]...)
		default:
			rest = append(rest, file[i:n]...)
		}
		i = n
	}
}

// bytesTag is a tag with these bytes in a little-endian file, and zeros up to four bytes.
func bytesTag(id uint16, b []byte) (t tag) {
	t = long(id)
	for b = append(bytes.Clone(b), 0, 0, 0); len(b) >= 4; b = b[4:] {
		t.v = append(t.v, binary.LittleEndian.Uint32(b))
	}
	return t
}

// Strips and tiles of JPEG give the pixels that package image/jpeg gives, over the edges of the picture
// too. Of RGB the stored numbers are the colours.
func TestJPEGInTIFF(t *testing.T) {
	img := pattern(70, 45)
	want := image.NewNRGBA(img.Rect)
	raw := image.NewNRGBA(img.Rect)
	const side = 32
	var tiles [][]byte
	var tables []byte
	for y := 0; y < 45; y += side {
		for x := 0; x < 70; x += side {
			tile := image.NewNRGBA(image.Rect(0, 0, side, side))
			draw.Draw(tile, tile.Rect, img, image.Pt(x, y), draw.Src)
			var b bytes.Buffer
			require.NoError(t, jpeg.Encode(&b, tile, nil))
			var rest []byte
			tables, rest = jpegParts(b.Bytes())
			tiles = append(tiles, rest)
			stored, err := jpeg.Decode(&b)
			require.NoError(t, err)
			ycc := stored.(*image.YCbCr)
			for j := range side {
				for i := range side {
					want.Set(x+i, y+j, color.NRGBAModel.Convert(ycc.At(i, j)))
					c := ycc.YCbCrAt(i, j)
					raw.Set(x+i, y+j, color.NRGBA{c.Y, c.Cb, c.Cr, 255})
				}
			}
		}
	}
	file := func(model uint32) []byte {
		return tiffOf(binary.LittleEndian, tiles, 324, 325, long(256, 70), long(257, 45), short(258, 8, 8, 8), short(259, 7), short(262, model),
			short(277, 3), short(322, side), short(323, side), bytesTag(347, tables))
	}
	samePixels(t, want, decode(t, file(6)).Image)
	samePixels(t, raw, decode(t, file(2)).Image)
	for n := range len(file(6)) / 7 { // what is cut is never a picture
		p, err := picture.Decode(file(6)[:7*n], picture.Limits{})
		if err == nil {
			samePixels(t, want, p.Image, n)
		}
	}
	_, err := picture.Decode(tiffOf(binary.LittleEndian, tiles[:1], 273, 279, long(256, 16), long(257, 16), short(258, 8, 8, 8), short(259, 7),
		short(262, 6), short(277, 3), bytesTag(347, tables)), picture.Limits{})
	require.EqualError(t, err, "tiff: a JPEG of 32 x 32 pixels in a block of 16 x 16")
	_, err = picture.Decode(tiffOf(binary.LittleEndian, tiles[:1], 273, 279, long(256, 32), long(257, 32), short(258, 8), short(259, 7),
		short(262, 1), short(277, 1), bytesTag(347, tables)), picture.Limits{})
	require.EqualError(t, err, "tiff: a JPEG of other colours than the directory says")
	_, rest := jpegParts(scansOf(2, 32))
	_, err = picture.Decode(tiffOf(binary.LittleEndian, [][]byte{rest}, 273, 279, long(256, 32), long(257, 32), short(258, 8), short(259, 7),
		short(262, 1), short(277, 1)), picture.Limits{})
	require.EqualError(t, err, "tiff: a progressive JPEG in a TIFF is not supported yet")
}

// A blockLayout is how the same samples are stored.
type blockLayout struct {
	name           string
	depth          uint32
	planes, differ bool
	tile           int // 0: strips of 5 rows
	order          binary.AppendByteOrder
	compression    uint32
	model, samples uint32
	alpha          bool
}

// file stores samples of 8 bits, w x h pixels.
func (l blockLayout) file(w, h int, samples []byte) []byte {
	n, across, down := int(l.samples), w, 5
	if l.tile > 0 {
		across, down = l.tile, l.tile
	}
	planes := [][2]int{{0, n}}
	if l.planes {
		planes = nil
		for c := range n {
			planes = append(planes, [2]int{c, c + 1})
		}
	}
	var blocks [][]byte
	for _, p := range planes {
		for y := 0; y < h; y += down {
			for x := 0; x < w; x += across {
				var out []byte
				for j := y; j < y+down && (l.tile > 0 || j < h); j++ {
					var bits, held uint32
					var before [8]byte
					for i := x; i < x+across; i++ {
						for c := p[0]; c < p[1]; c++ {
							v := byte(0)
							if i < w && j < h {
								v = samples[(j*w+i)*n+c]
							}
							if l.differ {
								v, before[c] = v-before[c], v
							}
							switch l.depth {
							case 16:
								out = l.order.AppendUint16(out, uint16(v)*257)
							case 8:
								out = append(out, v)
							default:
								bits, held = bits<<l.depth|uint32(v)>>(8-l.depth), held+l.depth
								if held == 8 {
									out, bits, held = append(out, byte(bits)), 0, 0
								}
							}
						}
					}
					if held > 0 {
						out = append(out, byte(bits<<(8-held)))
					}
				}
				if l.compression == 8 {
					out = deflated(out)
				}
				blocks = append(blocks, out)
			}
		}
	}
	depths := make([]uint32, n)
	for i := range depths {
		depths[i] = l.depth
	}
	tags := []tag{long(256, uint32(w)), long(257, uint32(h)), short(258, depths...), short(259, l.compression), short(262, l.model), short(277, l.samples)}
	if l.planes {
		tags = append(tags, short(284, 2))
	}
	if l.differ {
		tags = append(tags, short(317, 2))
	}
	if l.alpha {
		tags = append(tags, short(338, 2))
	}
	if l.tile > 0 {
		return tiffOf(l.order, blocks, 324, 325, append(tags, short(322, uint32(across)), short(323, uint32(down)))...)
	}
	return tiffOf(l.order, blocks, 273, 279, append(tags, short(278, uint32(down)))...)
}

// Inks, planes, further samples and small samples are read, whatever their layout.
func TestTIFFLayouts(t *testing.T) {
	const w, h = 21, 18
	le, be := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	for _, l := range []blockLayout{
		{name: "CMYK", depth: 8, order: le, compression: 1, model: 5, samples: 4},
		{name: "CMYK, deflate, differences", depth: 8, order: be, compression: 8, model: 5, samples: 4, differ: true},
		{name: "CMYK, 16 bits", depth: 16, order: be, compression: 8, model: 5, samples: 4},
		{name: "CMYK, planes, tiles", depth: 8, order: le, compression: 8, model: 5, samples: 4, planes: true, tile: 16},
		{name: "CMYK and a spot colour", depth: 8, order: le, compression: 1, model: 5, samples: 5},
		{name: "RGB, planes", depth: 8, order: le, compression: 1, model: 2, samples: 3, planes: true},
		{name: "RGB, planes, differences", depth: 8, order: le, compression: 8, model: 2, samples: 3, planes: true, differ: true},
		{name: "RGB, 16 bits, planes, tiles", depth: 16, order: be, compression: 8, model: 2, samples: 3, planes: true, tile: 16},
		{name: "RGB and more", depth: 8, order: le, compression: 8, model: 2, samples: 5},
		{name: "grey and alpha", depth: 8, order: le, compression: 1, model: 1, samples: 2, alpha: true},
		{name: "4 bits", depth: 4, order: le, compression: 1, model: 1, samples: 1},
		{name: "2 bits, white is 0, tiles", depth: 2, order: be, compression: 8, model: 0, samples: 1, tile: 16},
	} {
		rng := rand.New(rand.NewPCG(29, 1))
		samples := make([]byte, w*h*int(l.samples))
		for i := range samples {
			samples[i] = byte(rng.Uint32())
			if l.depth < 8 { // as they are widened
				samples[i] = byte(uint32(samples[i]) >> (8 - l.depth) * 255 / (1<<l.depth - 1))
			}
		}
		want := image.NewNRGBA(image.Rect(0, 0, w, h))
		for i := range w * h {
			s := samples[i*int(l.samples):][:l.samples]
			c := color.NRGBA{s[0], s[0], s[0], 255}
			switch l.model {
			case 0:
				c = color.NRGBA{255 - s[0], 255 - s[0], 255 - s[0], 255}
			case 2:
				c = color.NRGBA{s[0], s[1], s[2], 255}
			case 5:
				c.R, c.G, c.B = color.CMYKToRGB(s[0], s[1], s[2], s[3])
			}
			if l.alpha {
				c.A = s[1]
			}
			want.SetNRGBA(i%w, i/w, c)
		}
		file := l.file(w, h, samples)
		p := decode(t, file)
		samePixels(t, want, p.Image, l.name)
		assert.Contains(t, p.Decoder, "github.com/kycmark/kycmark/internal/picture ", l.name)
		for range 40 {
			cut := file[:rng.IntN(len(file))]
			_, err := picture.Decode(cut, picture.Limits{})
			require.Error(t, err, "%s, %d of %d", l.name, len(cut), len(file))
			bad := bytes.Clone(file)
			bad[rng.IntN(len(bad))] ^= 1 << rng.IntN(8)
			if p, err := picture.Decode(bad, picture.Limits{MaxPixels: 1 << 20}); err == nil {
				require.NoError(t, sound(p), l.name)
			}
		}
	}
}

// fax writes rows as ITU-T T.4 has them, 8 pixels wide, with end-of-line codes that end with a byte if
// filled is true. The bits of a row are the codes of its runs.
func fax(filled bool, rows ...string) (out []byte) {
	bits := ""
	for _, r := range append(append([]string{""}, rows...), "", "", "", "", "") {
		bits += r
		for filled && (len(bits)+12)%8 > 0 {
			bits += "0"
		}
		bits += "000000000001"
	}
	for len(bits)%8 > 0 {
		bits += "0"
	}
	for i := 0; i < len(bits); i += 8 {
		var b byte
		for _, c := range bits[i : i+8] {
			b = b<<1 | byte(c-'0')
		}
		out = append(out, b)
	}
	return out
}

// Lines of a fax may be filled up to bytes, and codes in front of the fill may end with zeros.
func TestFilledFax(t *testing.T) {
	const white8, white3black5, black8 = "10011", "10000011", "00110101000101" // T.4 table 2: 8 white; 3 white, 5 black; 0 white, 8 black
	rows := []string{white8, white3black5, black8, "1000" + "11" + "1000", white8}
	want := image.NewNRGBA(image.Rect(0, 0, 8, len(rows)))
	for y, black := range []string{"........", "...#####", "########", "...##...", "........"} {
		for x, c := range black {
			v := uint8(255)
			if c == '#' {
				v = 0
			}
			want.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
		}
	}
	for _, filled := range []bool{false, true} {
		stream := fax(filled, rows...)
		for _, s := range [][]byte{stream, stream[:len(stream)-6]} { // also without the codes at the end
			file := tiffOf(binary.LittleEndian, [][]byte{s}, 273, 279, long(256, 8), long(257, uint32(len(rows))), short(258, 1), short(259, 3), short(262, 0), short(277, 1))
			samePixels(t, want, decode(t, file).Image, filled)
		}
		file := tiffOf(binary.LittleEndian, [][]byte{stream[:len(stream)/3]}, 273, 279, long(256, 8), long(257, uint32(len(rows))), short(258, 1), short(259, 3), short(262, 0), short(277, 1))
		_, err := picture.Decode(file, picture.Limits{})
		require.ErrorIs(t, err, picture.ErrFormat)
	}
}

// A colour map that is cut off is an error, not fewer colours.
func TestCutColourMap(t *testing.T) {
	colours := make([]uint32, 3*16)
	for i := range colours {
		colours[i] = uint32(i) * 1000
	}
	file := tiffFile(binary.BigEndian, []byte{0x01, 0x23, 0x45, 0x67}, long(256, 4), long(257, 2), short(258, 4), short(259, 1), short(262, 3), long(273, 8),
		short(277, 1), long(278, 2), long(279, 4), short(320, colours...))
	want := decode(t, file).Image
	assert.Equal(t, color.NRGBA{uint8(5000 / 257), uint8((21000 + 128) / 257), uint8((37000 + 128) / 257), 255}, want.NRGBAAt(1, 1))
	for n := range file {
		if p, err := picture.Decode(file[:n], picture.Limits{}); err == nil {
			samePixels(t, want, p.Image, n)
		}
	}
}
