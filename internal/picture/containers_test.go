package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture/heif"
	"github.com/kycmark/kycmark/internal/picture/icc"
)

// readContainer reads all that is read of a HEIC or AVIF before and after its pixels.
func readContainer(t *testing.T, data []byte) {
	for i := range formats {
		f := &formats[i]
		if f.pixels != nil || !f.magic(data) {
			continue
		}
		s := f.readSource(data)
		require.LessOrEqual(t, len(s.ICC), icc.MaxBytes)
		if f.header == nil {
			return
		}
		if h, err := f.header(data); err == nil && check(&h, f.name, Limits{}.orDefault()) == nil {
			require.True(t, h.Crop.In(image.Rect(0, 0, int(h.Width), int(h.Height))))
		}
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

// bmffBox returns a box with the joined parts as its body.
func bmffBox(kind string, parts ...[]byte) []byte {
	out := append(make([]byte, 4, 32), kind...)
	for _, p := range parts {
		out = append(out, p...)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}

// be16s returns numbers in 2 bytes each.
func be16s(numbers ...int) (out []byte) {
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	return out
}

// be32s returns numbers in 4 bytes each.
func be32s(numbers ...int64) (out []byte) {
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	return out
}

// Sizes, clips and codecs are checked before a decoder sees the file.
func TestHostileContainers(t *testing.T) {
	box := func(kind string, v byte) []byte { return bmffBox(kind, []byte{v}) }
	avif := func(heic []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(heic, []byte("heic"), []byte("avif")), []byte("hvc1"), []byte("av01"))
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"bomb", heifOf(be32s(60_000, 60_000), 8), "picture has 3600000000 pixels, limit is 200000000"},
		{"too wide", heifOf(be32s(1<<31, 1<<31), 8), "picture has 4611686018427387904 pixels, limit is 200000000"},
		{"no size", heifOf(be32s(0, 5), 8), "heic: picture of 0 x 5 pixels"},
		{"clip outside", avif(heifOf(be32s(256, 192), 8, bmffBox("clap", be32s(300, 1, 100, 1, 0, 1, 0, 1)))), "avif: an orientation or a clip that makes no sense"},
		{"clip of nothing", avif(heifOf(be32s(256, 192), 8, bmffBox("clap", make([]byte, 32)))), "avif: an orientation or a clip that makes no sense"},
		{"not decoded", heifOf(be32s(256, 192), 8, box("irot", 1)), "heic: decoder"},
		{"another codec", bytes.ReplaceAll(heifOf(be32s(256, 192), 8), []byte("hvc1"), []byte("vvc1")), `heic: a picture coded as "vvc1", not as HEVC, is not supported yet`},
		{"without pixels", append(heifOf(be32s(256, 192), 8), "\x00\x00\x01\x00mdat"...), "heic: truncated: unexpected EOF"},
		{"a video", bmffBox("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), "heic: " + heif.ErrSequence.Error()},
	} {
		_, err := Decode(c.data, Limits{Decode: noDecoder})
		assert.EqualError(t, err, c.want, c.name)
	}
	h, err := heif.AVIFHeader(avif(heifOf(be32s(256, 192), 8, box("irot", 1), box("imir", 1))))
	require.NoError(t, err)
	assert.Equal(t, 7, h.Orientation, "turned left, then left for right")
}

// noDecoder fails.
func noDecoder(string, []byte, int64) (image.Image, error) { return nil, errors.New("decoder") }

// hostileMeta returns a HEIC of one tile with these further items, and with these boxes behind the properties.
func hostileMeta(items []byte, iloc []byte, further ...[]byte) []byte {
	infe := func(id int, kind string) []byte {
		return bmffBox("infe", []byte{2, 0, 0, 0}, be16s(id, 0), []byte(kind+"\x00"))
	}
	props := bmffBox("iprp", bytes.Join(append([][]byte{bmffBox("ipco", bmffBox("ispe", make([]byte, 4), be32s(256, 192))),
		bmffBox("ipma", []byte{0, 0, 0, 0}, be32s(1), []byte{0, 1, 1, 1})}, further...), nil))
	meta := bmffBox("meta", make([]byte, 4), bmffBox("pitm", make([]byte, 4), be16s(1)), bmffBox("iloc", iloc),
		bmffBox("iinf", make([]byte, 4), be16s(1), infe(1, "hvc1"), items), props)
	return append(bmffBox("ftyp", []byte("heic\x00\x00\x00\x00mif1heic")), meta...)
}

// Each look for an Exif item reads all of iloc. With millions of both it took days, before any limit: only the first is looked up.
func TestOneExifItemIsLookedUp(t *testing.T) {
	exif := func(id int) []byte { return bmffBox("infe", []byte{2, 0, 0, 0}, be16s(id, 0), []byte("Exif\x00")) }
	iloc := func(first int64) []byte { // items 2 and 3; the second has 4 bytes of a file, which are zero
		return bytes.Join([][]byte{make([]byte, 4), {0x44, 0}, be16s(2, 2, 0, 1), be32s(first, 4), be16s(3, 0, 1), be32s(8+4, 4)}, nil)
	}
	items := append(exif(2), exif(3)...)
	var s Source
	assert.NotNil(t, heif.Describe(&s, hostileMeta(items, iloc(8+4))), "the first is valid")
	assert.Nil(t, heif.Describe(&s, hostileMeta(items, iloc(1<<30))), "the first lies beyond the file, and no other is looked up")
}

// Lists within HEIC and AVIF take no more memory than twice their file's bytes: they are read before any limit.
func TestListsOfContainersTakeLittle(t *testing.T) {
	const n = 1 << 20
	var links []byte // to the one property, in boxes of an item that is named again
	for range n / 256 {
		links = append(append(links, 0, 1, 255), bytes.Repeat([]byte{1}, 255)...)
	}
	kinds := make([]byte, 0, 8*n)
	for i := range n {
		kinds = append(kinds, 0, 0, 0, 8, byte(i>>16), byte(i>>8), byte(i), '!')
	}
	for name, data := range map[string][]byte{
		"properties of the picture": hostileMeta(nil, nil, bmffBox("ipma", []byte{0, 0, 0, 0}, be32s(n/256), links)),
		"properties":                hostileMeta(nil, nil, bmffBox("ipco", bytes.Repeat(bmffBox("pasp"), n))),
		"kinds of boxes":            withMeta(hostileMeta(nil, nil), kinds),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := heif.HEICHeader(data)
		runtime.ReadMemStats(&after)
		got := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes of a file of %d: %v", name, got, len(data), err)
		assert.LessOrEqual(t, got, uint64(2*len(data)), name)
		assert.Equal(t, name == "kinds of boxes", err == nil, name)
	}
}

// withMeta returns a file of ftyp and meta with more boxes at the end of meta.
func withMeta(file, boxes []byte) []byte {
	at := binary.BigEndian.Uint32(file)
	out := append(file, boxes...)
	binary.BigEndian.PutUint32(out[at:], uint32(len(out))-at)
	return out
}
