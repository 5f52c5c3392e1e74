package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
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

// Strips may share their bytes and share tables: a small file makes each strip cost as much as the file. What all of them
// have together is bounded, and tables are gone through once.
func TestSharedBytesOfJPEGInTIFF(t *testing.T) {
	const n, side = 1000, 8
	tables, rest := jpegParts(jpegBytes(pattern(side, side)))
	comment := append([]byte{0xff, 0xfe, 0xff, 0xff}, make([]byte, 0xfffd)...)
	file := func(tables, strip []byte) []byte {
		offsets, counts := make([]uint32, n), make([]uint32, n)
		for i := range n {
			offsets[i], counts[i] = 8, uint32(len(strip))
		}
		return tiffFile(binary.LittleEndian, strip, long(256, side), long(257, n*side), short(258, 8, 8, 8), short(259, 7), short(262, 6),
			long(273, offsets...), short(277, 3), long(278, side), long(279, counts...), bytesTag(347, tables))
	}
	with := func(part, more []byte) []byte { return append(append([]byte{0xff, 0xd8}, more...), part[2:]...) }
	whole := file(tables, rest)
	plain := allocated(func() { decode(t, whole) })
	commented := allocated(func() { decode(t, file(with(tables, comment), rest)) })
	assert.Less(t, commented, plain+100*uint64(len(comment)), "comments are not for each strip")
	for name, data := range map[string][]byte{
		"tables": file(with(tables, bytes.Repeat(tables[2:len(tables)-2], 100)), rest), // of which only the last count
		"strips": file(tables, append(rest, make([]byte, 1<<16)...)),
	} {
		_, err := picture.Decode(data, picture.Limits{})
		assert.ErrorIs(t, err, picture.ErrLimit, name)
		assert.ErrorContains(t, err, "bytes in all strips or tiles", name)
	}
}

// bitsOf packs zeros and ones, with zeros up to whole bytes.
func bitsOf(bits string) (out []byte) {
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

// Faxes of Group 3 and 4 are read in both models of colours, also without the codes at their end.
func TestFax(t *testing.T) {
	const white8, white3black5, black8, end = "10011", "10000011", "00110101000101", "000000000001" // T.4 table 2: 8 white; 3 white, 5 black; 0 white, 8 black
	rows := []string{white8, white3black5, black8, "1000" + "11" + "1000", white8}
	want := image.NewNRGBA(image.Rect(0, 0, 8, len(rows)))
	inverse := image.NewNRGBA(want.Rect)
	for y, black := range []string{"........", "...#####", "########", "...##...", "........"} {
		for x, c := range black {
			v := uint8(255)
			if c == '#' {
				v = 0
			}
			want.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
			inverse.SetNRGBA(x, y, color.NRGBA{255 - v, 255 - v, 255 - v, 255})
		}
	}
	one := ""
	for _, r := range rows {
		one += end + r
	}
	for _, data := range []string{one, one + strings.Repeat(end, 6)} {
		file := func(model uint32, stream []byte) []byte {
			return tiffOf(binary.LittleEndian, [][]byte{stream}, 273, 279, long(256, 8), long(257, uint32(len(rows))), short(258, 1), short(259, 3), short(262, model), short(277, 1))
		}
		stream := bitsOf(data)
		samePixels(t, want, decode(t, file(0, stream)).Image)
		samePixels(t, inverse, decode(t, file(1, stream)).Image)
		_, err := picture.Decode(file(0, stream[:len(stream)/3]), picture.Limits{})
		require.ErrorIs(t, err, picture.ErrFormat)
	}
	// Group 4: the same file with the other model, and without the codes at the end.
	g4 := testdata(t, "group4.tif")
	whole := decode(t, g4).Image
	le := binary.LittleEndian
	dir := le.Uint32(g4[4:])
	value := func(file []byte, id uint16) []byte {
		for e := dir + 2; ; e += 12 {
			if le.Uint16(file[e:]) == id {
				return file[e+8:]
			}
		}
	}
	other := bytes.Clone(g4)
	le.PutUint16(value(other, 262), 1-le.Uint16(value(g4, 262)))
	flipped := decode(t, other).Image
	for i := range whole.Pix {
		if i%4 < 3 {
			require.Equal(t, 255-whole.Pix[i], flipped.Pix[i])
		}
	}
	bare := bytes.Clone(g4)
	le.PutUint32(value(bare, 279), le.Uint32(value(bare, 279))-3)
	samePixels(t, whole, decode(t, bare).Image)
}

// A colour map that is cut off is an error, not fewer colours.
func TestCutColourMap(t *testing.T) {
	colours := make([]uint32, 3*256)
	for i := range colours {
		colours[i] = uint32(i) * 80
	}
	file := tiffFile(binary.BigEndian, []byte{0, 1, 2, 3}, long(256, 2), long(257, 2), short(258, 8), short(259, 1), short(262, 3), long(273, 8),
		short(277, 1), long(278, 2), long(279, 4), short(320, colours...))
	want := decode(t, file).Image
	for n := range file {
		if p, err := picture.Decode(file[:n], picture.Limits{}); err == nil {
			samePixels(t, want, p.Image, n)
		}
	}
}

// What x/image/tiff does not read is unsupported, and the error says what it is.
func TestUnsupportedTIFF(t *testing.T) {
	img := pattern(8, 8)
	for want, tags := range map[string][]tag{
		"CMYK colours":                          {short(262, 5)},
		"CIELab colours":                        {short(262, 8)},
		"YCbCr colours without JPEG":            {short(262, 6)},
		"separate planes":                       {short(284, 2)},
		"samples of different depths":           {short(258, 8, 8, 8, 9)},
		"5 samples a pixel in colour model 2":   {short(277, 5), short(258, 8, 8, 8, 8, 8)},
		"4 samples a pixel in colour model 2":   {short(338, 0)},
		"4 samples a pixel in colour model 1":   {short(262, 1)},
		"old-style JPEG compression":            {short(259, 6)},
		"16 bits a sample":                      {short(259, 7), short(277, 3), short(258, 16, 16, 16)},
		"faxes in two dimensions (Group 3 2-D)": {short(259, 3), short(262, 0), short(277, 1), short(258, 1), long(292, 1)},
	} {
		var fe *picture.FormatError
		_, err := picture.Decode(rgbTIFF(binary.LittleEndian, img, tags...), picture.Limits{})
		require.ErrorAs(t, err, &fe, want)
		assert.Equal(t, codec.Unsupported, fe.Kind, want)
		assert.Contains(t, err.Error(), "tiff: "+want)
	}
}
