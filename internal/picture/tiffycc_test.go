package picture_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/skip"
)

// samples are a YCbCr picture: its size, and how many luma samples share a
// chroma sample. The codes follow from the place.
type samples struct{ w, h, across, down int }

func (s samples) at(x, y int) (luma, cb, cr byte) {
	cx, cy := x/s.across, y/s.down
	return byte(x*37 + y*101), byte(90 + cx*23 + cy*5), byte(200 - cx*11 - cy*29)
}

// strip packs rows from y on into data units (TIFF 6.0 section 21); what hangs
// over is 255, so that it shows where it should not.
func (s samples) strip(y0, rows int) (out []byte) {
	for y := y0; y < y0+rows; y += s.down {
		for x := 0; x < s.w; x += s.across {
			for i := range s.across * s.down {
				luma, _, _ := s.at(x+i%s.across, y+i/s.across)
				if x+i%s.across >= s.w || y+i/s.across >= y0+rows {
					luma = 255
				}
				out = append(out, luma)
			}
			_, cb, cr := s.at(x, y)
			out = append(out, cb, cr)
		}
	}
	return out
}

// A squeeze is a compression: its number, and how it packs a strip.
type squeeze func([]byte) (uint32, []byte)

func zlibbed(b []byte) (uint32, []byte)    { return 8, deflated(b) }
func zlibbedOld(b []byte) (uint32, []byte) { return 32946, deflated(b) }

// packBits writes runs, literals of up to three bytes, and no-operations.
func packBits(b []byte) (uint32, []byte) {
	out := []byte{0x80}
	for len(b) > 0 {
		n := 1
		for n < len(b) && n < 128 && b[n] == b[0] {
			n++
		}
		if n > 1 {
			out = append(out, byte(1-n), b[0])
		} else {
			n = min(3, len(b))
			out = append(append(out, byte(n-1)), b[:n]...)
		}
		b = b[n:]
	}
	return 32773, append(out, 0x80)
}

// literalLZW starts anew before codes get longer than 9 bits.
func literalLZW(b []byte) (uint32, []byte) {
	var codes []uint32
	for i, v := range b {
		if i%200 == 0 {
			codes = append(codes, 256)
		}
		codes = append(codes, uint32(v))
	}
	codes = append(codes, 257)
	out := make([]byte, len(codes)*9/8+1)
	for i, c := range codes {
		for bit := range 9 {
			at := 9*i + bit
			out[at/8] |= byte(c>>(8-bit)&1) << (7 - at%8)
		}
	}
	return 5, out
}

// yccTIFF writes strips of so many rows; nil is no compression.
func yccTIFF(order binary.AppendByteOrder, s samples, rows int, pack squeeze, more ...tag) []byte {
	if pack == nil {
		pack = func(b []byte) (uint32, []byte) { return 1, b }
	}
	var data []byte
	var offsets, counts []uint32
	compression := uint32(1)
	for y := 0; y < s.h; y += rows {
		n, strip := pack(s.strip(y, min(rows, s.h-y)))
		compression = n
		offsets, counts = append(offsets, uint32(8+len(data))), append(counts, uint32(len(strip)))
		data = append(data, strip...)
	}
	return tiffFile(order, data, append([]tag{
		long(256, uint32(s.w)), long(257, uint32(s.h)), short(258, 8, 8, 8), short(259, compression), short(262, 6),
		long(273, offsets...), short(277, 3), long(278, uint32(rows)), long(279, counts...),
		short(530, uint32(s.across), uint32(s.down)),
	}, more...)...)
}

// ccir are the reference levels of ITU-R BT.601: TIFF 6.0 section 20.
var ccir = []tag{rational(532, 16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)}

// A space is what section 21 computes with.
type space struct{ red, green, blue, black, white, chroma float64 }

var fullRange = space{0.299, 0.587, 0.114, 0, 255, 255}

// colour follows the words of sections 20 and 21.
func (s space) colour(y, cb, cr byte) color.NRGBA {
	l := (float64(y) - s.black) * 255 / (s.white - s.black)
	b := (float64(cb)-128)*127/(s.chroma-128)*(2-2*s.blue) + l
	r := (float64(cr)-128)*127/(s.chroma-128)*(2-2*s.red) + l
	g := (l - s.blue*b - s.red*r) / s.green
	level := func(v float64) uint8 { return uint8(math.Round(max(0, min(v, 255)))) }
	return color.NRGBA{level(r), level(g), level(b), 255}
}

func (s samples) picture(in space) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, s.w, s.h))
	for y := range s.h {
		for x := range s.w {
			img.SetNRGBA(x, y, in.colour(s.at(x, y)))
		}
	}
	return img
}

func TestYCbCrTIFF(t *testing.T) {
	packs := map[string]squeeze{"none": nil, "PackBits": packBits, "LZW": literalLZW, "deflate": zlibbed, "old deflate": zlibbedOld}
	for _, sub := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}, {4, 2}, {4, 4}} {
		for _, size := range [][2]int{{16, 8}, {13, 9}, {1, 1}, {3, 1}, {1, 7}} {
			s := samples{size[0], size[1], sub[0], sub[1]}
			want := s.picture(fullRange)
			for name, pack := range packs {
				for _, strips := range []int{1, 2, 100} { // in units of chroma rows
					p := decode(t, yccTIFF(binary.LittleEndian, s, strips*s.down, pack))
					samePixels(t, want, p.Image, name, s, strips)
					assert.Equal(t, "tiff", p.Format)
					assert.Contains(t, p.Decoder, "github.com/kycmark/kycmark/internal/picture ")
					samePixels(t, want, decode(t, yccTIFF(binary.BigEndian, s, strips*s.down, pack)).Image, name, s, strips)
				}
			}
		}
	}
}

// Strips that end within a data unit begin a new one, as in libtiff.
func TestYCbCrStripsOfOddRows(t *testing.T) {
	s := samples{5, 8, 2, 2}
	img := decode(t, yccTIFF(binary.LittleEndian, s, 3, packBits)).Image
	for y := range s.h {
		for x := range s.w {
			luma, _, _ := s.at(x, y)
			start := y / 3 * 3
			cx, cy := x/2*2, start+(y-start)/2*2 // where strip takes the chroma from
			_, cb, cr := s.at(cx, cy)
			require.Equal(t, fullRange.colour(luma, cb, cr), img.NRGBAAt(x, y), "%d,%d", x, y)
		}
	}
}

func TestYCbCrColours(t *testing.T) {
	s := samples{64, 64, 1, 1}
	bt709 := rational(529, 2126, 10000, 7152, 10000, 722, 10000)
	for name, c := range map[string]struct {
		tags []tag
		want space
	}{
		"defaults":   {nil, fullRange},
		"full range": {[]tag{rational(529, 299, 1000, 587, 1000, 114, 1000), rational(532, 0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1)}, fullRange},
		"CCIR":       {ccir, space{0.299, 0.587, 0.114, 16, 235, 240}},
		"FFmpeg":     {[]tag{rational(532, 15, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1)}, space{0.299, 0.587, 0.114, 15, 235, 240}},
		"as LONGs":   {[]tag{long(532, 16, 235, 128, 240, 128, 240)}, space{0.299, 0.587, 0.114, 16, 235, 240}},
		"BT.709":     {[]tag{bt709}, space{0.2126, 0.7152, 0.0722, 0, 255, 255}},
		"fractions":  {[]tag{bt709, rational(532, 33, 2, 470, 2, 256, 2, 481, 2, 128, 1, 481, 2)}, space{0.2126, 0.7152, 0.0722, 16.5, 235, 240.5}},
	} {
		p := decode(t, yccTIFF(binary.BigEndian, s, 16, nil, c.tags...))
		want := s.picture(c.want)
		off := 0
		for i := range want.Pix {
			d := int(want.Pix[i]) - int(p.Image.Pix[i])
			require.LessOrEqual(t, max(d, -d), 1, name)
			off += max(d, -d)
		}
		assert.LessOrEqual(t, off, 4, "%s: ties apart, rounding is exact", name)
	}
	// The extremes of what the tags can say do not wrap round.
	p := decode(t, yccTIFF(binary.BigEndian, s, 16, nil, rational(529, 1, 1, 1, math.MaxUint32, 1, 1),
		rational(532, 0, 1, 1, math.MaxUint32, 128, 1, math.MaxUint32, 1, 0, 1, 1, math.MaxUint32)))
	assert.Equal(t, uint8(255), p.Image.NRGBAAt(1, 0).R)
}

func TestYCbCrOrientation(t *testing.T) {
	s := samples{7, 5, 2, 2}
	plain := s.picture(fullRange)
	for o := 1; o <= 8; o++ {
		p := decode(t, yccTIFF(binary.LittleEndian, s, 2, packBits, short(274, uint32(o))))
		assert.Equal(t, o, p.Orientation)
		samePixels(t, plain, stored(p.Image, o), o)
	}
}

func TestYCbCrReasons(t *testing.T) {
	s := samples{9, 7, 2, 2}
	with := func(pack squeeze, tags ...tag) []byte { return yccTIFF(binary.LittleEndian, s, 4, pack, tags...) }
	shortStrip := func(pack squeeze) squeeze {
		return func(b []byte) (uint32, []byte) { return pack(b[:len(b)-1]) }
	}
	plain := func(b []byte) (uint32, []byte) { return 1, b }
	flipped := func(b []byte) (uint32, []byte) {
		out := deflated(b)
		out[len(out)-1] ^= 1 // checksum
		return 8, out
	}
	for i, c := range []struct {
		data []byte
		want string
	}{
		{with(shortStrip(plain)), "tiff: truncated: unexpected EOF"},
		{with(shortStrip(packBits)), "tiff: truncated: unexpected EOF"},
		{with(shortStrip(literalLZW)), "tiff: truncated: unexpected EOF"},
		{with(shortStrip(zlibbed)), "tiff: truncated: unexpected EOF"},
		{with(flipped), "tiff: zlib: invalid checksum"},
		{with(nil, long(273, 8, 1<<30)), "tiff: truncated: unexpected EOF"},
		{with(nil, long(273, 8, math.MaxUint32), long(279, 60, math.MaxUint32)), "tiff: truncated: unexpected EOF"},
		{with(nil, long(273, 8)), "tiff: nothing says where strip 1 lies"},
		{with(nil, long(279, 60)), "tiff: nothing says where strip 1 lies"},
		{with(nil, rational(273, 8, 1, 8, 1)), "tiff: nothing says where strip 0 lies"},
		{with(nil, short(259, 7)), "tiff: truncated: unexpected EOF"},
		{with(nil, short(259, 4)), "tiff: 8 bits a sample are not supported yet in such files"},
		{with(nil, short(277, 4)), "tiff: 4 samples a pixel in colour model 6 are not supported yet"},
		{with(nil, short(258, 8, 8, 16)), "tiff: samples of different depths are not supported yet"},
		{with(nil, short(317, 2)), "tiff: predictor 2 is not supported yet in such files"},
		{with(nil, short(322, 16), short(323, 16)), "tiff: truncated: 300 bytes cannot hold 9 x 7 pixels"},
		{with(nil, short(284, 2)), "tiff: separate planes of subsampled YCbCr are not supported yet"},
		{with(nil, short(530, 2, 3)), "tiff: chroma subsampling 2 x 3"},
		{with(nil, short(530, 2)), "tiff: chroma subsampling 2 x 0"},
		{with(nil, rational(530, 2, 1, 2, 1)), "tiff: chroma subsampling 0 x 0"},
		{with(nil, rational(529, 299, 0, 587, 1000, 114, 1000)), "tiff: YCbCr coefficients or reference levels are damaged"},
		{with(nil, rational(529, 299, 1000)), "tiff: YCbCr coefficients or reference levels are damaged"},
		{with(nil, rational(529, 1, 2, 0, 1, 1, 2)), "tiff: impossible YCbCr coefficients"},
		{with(nil, rational(532, 16, 1, 16, 1, 128, 1, 240, 1, 128, 1, 240, 1)), "tiff: reference white is not above reference black"},
		{with(nil, long(256, 0)), "tiff: picture of 0 x 7 pixels"},
		{with(nil, long(257, 0)), "tiff: picture of 9 x 0 pixels"},
		{with(nil, long(256, 20_000), long(257, 20_000)), "picture has 400000000 pixels, limit is 100000000"},
		{with(nil, long(257, 9_000_000), long(278, 1)), "picture has 9000000 strips, limit is 100000"},
		{with(nil, long(256, 5_000)), "tiff: truncated: 276 bytes cannot hold 5000 x 7 pixels"},
	} {
		p, err := picture.Decode(c.data, picture.Limits{})
		if assert.EqualError(t, err, c.want, "%d", i) {
			assert.NoError(t, well(err))
			assert.Nil(t, p)
		}
	}
	// Without a limit a picture that no memory holds is an error as well.
	_, err := picture.Decode(with(nil, long(256, math.MaxUint32), long(257, math.MaxInt32)), picture.Limits{MaxPixels: math.MaxInt64})
	require.Error(t, err)
	require.NoError(t, well(err))
	// Defaults: 2 x 2, one strip, no compression.
	whole := yccTIFF(binary.LittleEndian, s, 8, nil)
	for _, id := range []uint16{259, 278, 530} {
		at := bytes.LastIndex(whole, binary.LittleEndian.AppendUint16(nil, id))
		bare := bytes.Clone(whole)
		binary.LittleEndian.PutUint16(bare[at:], 60000)
		samePixels(t, s.picture(fullRange), decode(t, bare).Image, fmt.Sprint(id))
	}
}

func TestYCbCrTruncatedOrChanged(t *testing.T) {
	for _, pack := range []squeeze{nil, packBits, literalLZW, zlibbed} {
		file := yccTIFF(binary.LittleEndian, samples{5, 5, 2, 2}, 2, pack, ccir...)
		want := decode(t, file).Image
		for n := range file {
			p, err := picture.Decode(file[:n], picture.Limits{})
			if err != nil {
				require.NoError(t, well(err))
				continue
			}
			samePixels(t, want, p.Image, n, len(file))
		}
		for i := range file {
			for _, v := range []byte{0, 1, 2, 0x7f, 0x80, 0xff, file[i] ^ 0x10} {
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

func TestYCbCrBombs(t *testing.T) {
	const mib = 1 << 20
	lim := picture.Limits{MaxPixels: 10_000_000}
	zeros := func([]byte) (uint32, []byte) { return 8, deflated(make([]byte, 64*mib)) }
	one := samples{64, 64, 2, 2}
	for _, c := range []struct {
		name   string
		data   []byte
		fails  bool
		budget uint64
	}{
		{"strip of 64 MiB", yccTIFF(binary.LittleEndian, one, 64, zeros), false, 100 << 10},
		{"header alone", yccTIFF(binary.LittleEndian, one, 64, packBits, long(256, 3000), long(257, 3000)), true, 20 << 10},
		{"far strip", yccTIFF(binary.LittleEndian, samples{1000, 1000, 1, 1}, 1000, nil, long(273, 1<<24)), true, 20 << 10},
		{"one column", yccTIFF(binary.LittleEndian, samples{1, 9000, 4, 1}, 9000, nil), false, 130 << 10},
		{"as many strips as allowed", yccTIFF(binary.LittleEndian, samples{1, 100_000, 1, 1}, 1, packBits), false, 1 * mib},
	} {
		var err error
		got := allocated(func() { _, err = picture.Decode(c.data, lim) })
		assert.Equal(t, c.fails, err != nil, "%s: %v", c.name, err)
		assert.LessOrEqual(t, got, c.budget, c.name)
		t.Logf("%-28s %9d bytes allocated: %v", c.name, got, err)
	}
}

// A file of FFmpeg's in the shared collection: 2 x 2, PackBits, 320 strips,
// and CCIR levels but for a black of 15. The means are those of OpenCV 4.6.0,
// which reads it through libtiff; ImageMagick 6.9.11 shows it green. libtiff
// cuts luma and chroma off to whole levels before it adds them, hence the
// tolerance: in the mean pixels differ by 0.69 levels and at most by 3.
//
//	python3 -c "import cv2; print(cv2.imread('FILE').mean((0, 1))[::-1])"
func TestYCbCrOfFFmpeg(t *testing.T) {
	odd, ok := oddFolder()
	path := filepath.Join(odd, "..", "documents", "idcard_turkey_specimen_phone_clutter.tif")
	if !ok {
		skip.Test(t, "no %s: set KYCMARK_SHARED", path)
	}
	p, err := picture.Load(path, picture.Limits{})
	require.NoError(t, err)
	require.NoError(t, sound(p))
	require.Equal(t, image.Rect(0, 0, 1080, 1920), p.Image.Rect)
	assert.InDeltaSlice(t, []float64{128.25, 102.12, 66.15, 255}, means(p.Image), 1.1)
}
