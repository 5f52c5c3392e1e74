package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readContainer reads all that is read of a HEIC, AVIF or JPEG XL before and after its pixels. What is
// handed to the decoder of HEIC has the size of the file's picture.
func readContainer(t *testing.T, data []byte) {
	for i := range formats {
		f := &formats[i]
		if f.pixels != nil || !f.magic(data) {
			continue
		}
		s := f.readSource(data)
		require.LessOrEqual(t, len(s.ICC), maxICC)
		h, err := f.header(data)
		if err != nil || h.check(f.name, Limits{}.orDefault()) != nil {
			return
		}
		require.GreaterOrEqual(t, h.coded, h.width*h.height)
		if f.plain == nil {
			return
		}
		plain, err := f.plain(data)
		require.NoError(t, err)
		again, err := f.header(plain)
		require.NoError(t, err)
		require.Equal(t, h.coded, again.coded)
		if f.name == "heic" {
			require.Equal(t, []int{1, 1}, []int{again.orientation, again.pages})
			return
		}
		require.Equal(t, h.orientation, again.orientation, "which its decoder applies")
		twice, err := f.plain(plain)
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain, twice))
		return
	}
}

func FuzzContainers(f *testing.F) {
	files, err := filepath.Glob("../../decoders/testdata/*.*")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data[:min(len(data), 4<<10)])
		if len(data) < 10<<10 {
			f.Add(data)
		}
	}
	f.Fuzz(readContainer)
}

// heifOf returns a HEIC of one tile of 256 x 192 pixels, with the properties given after its size, which
// may be another one.
func heifOf(size []byte, extent uint32, properties ...[]byte) []byte {
	links := []byte{0, 1, byte(1 + len(properties)), 1}
	for i := range properties {
		links = append(links, byte(2+i))
	}
	props := bmffBox("ispe", make([]byte, 4), size)
	for _, p := range properties {
		props = append(props, p...)
	}
	meta := bmffBox("meta", make([]byte, 4),
		bmffBox("pitm", make([]byte, 4), be16s(1)),
		bmffBox("iloc", make([]byte, 4), []byte{0x44, 0}, be16s(1, 1, 0, 1), binary.BigEndian.AppendUint32(be32s(8), extent)),
		bmffBox("iinf", make([]byte, 4), be16s(1), bmffBox("infe", []byte{2, 0, 0, 0}, be16s(1, 0), []byte("hvc1\x00"))),
		bmffBox("iprp", bmffBox("ipco", props), bmffBox("ipma", []byte{0, 0, 0, 0}, be32s(1), links)))
	return append(bmffBox("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), meta...)
}

// Sizes, places and turns are checked before a decoder sees the file.
func TestHostileContainers(t *testing.T) {
	turn := func(kind string, v byte) []byte { return bmffBox(kind, []byte{v}) }
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"bomb", heifOf(be32s(60_000, 60_000), 8), "picture has 3600000000 pixels, limit is 100000000"},
		{"too wide", heifOf(be32s(1<<31, 1<<31), 8), "heic: a coded picture of 2147483648 x 2147483648 pixels"},
		{"no size", heifOf(be32s(0, 5), 8), "heic: a coded picture of 0 x 5 pixels"},
		{"beyond the end", heifOf(be32s(256, 192), 1<<30), "heic: truncated: unexpected EOF"},
		{"clip outside", heifOf(be32s(256, 192), 8, bmffBox("clap", be32s(300, 1, 100, 1, 0, 1, 0, 1))), "heic: an orientation or a clip that makes no sense"},
		{"clip of nothing", heifOf(be32s(256, 192), 8, bmffBox("clap", make([]byte, 32))), "heic: an orientation or a clip that makes no sense"},
		{"not decoded", heifOf(be32s(256, 192), 8, turn("irot", 1)), "heic: decoder"},
	} {
		_, err := Decode(c.data, Limits{Decode: noDecoder})
		assert.EqualError(t, err, c.want, c.name)
	}
	h, err := heicHeader(heifOf(be32s(256, 192), 8, turn("irot", 1), turn("imir", 1)))
	require.NoError(t, err)
	assert.Equal(t, 7, h.orientation, "turned left, then left for right")
}

// noDecoder fails.
func noDecoder(string, []byte, int64) (image.Image, error) { return nil, errors.New("decoder") }
