package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
)

// iccProfile is a profile as far as its header goes: of a size, for a kind of pixels.
func iccProfile(size int, model string) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(i * i >> 3)
	}
	binary.BigEndian.PutUint32(p, uint32(size))
	copy(p[12:], "mntr"+model+"XYZ ")
	copy(p[36:], "acsp")
	return p
}

func rgbProfile(size int) []byte { return iccProfile(size, "RGB ") }

// iccp is the body of a PNG's chunk.
func iccp(profile []byte) []byte { return append([]byte("some name\x00\x00"), deflated(profile)...) }

func withProfile(jpg, profile []byte) []byte {
	return withSegments(jpg, iccSegments(profile, 60_000)...)
}

func withSegments(jpg []byte, bodies ...[]byte) []byte {
	for i := len(bodies) - 1; i >= 0; i-- {
		jpg = withSegment(jpg, 0xe2, bodies[i])
	}
	return jpg
}

// Profiles are the same bytes afterwards, from every format into every other.
func TestProfileStays(t *testing.T) {
	img := photo(20, 12)
	for _, size := range []int{128, 3144, 3145, 65_519, 65_520, 200_001} {
		icc := rgbProfile(size)
		full := jpegOf(t, img, picture.Source{Subsampling: codec.Sub444, Progressive: true}, 90)
		for name, file := range map[string][]byte{
			"jpeg": withProfile(encode(t, img, "jpeg", 90), icc), "jpeg 4:4:4": withProfile(full, icc),
			"png": withChunk(pngBytes(img), "iCCP", iccp(icc)), "webp": riff(vp8x(0x20, 20, 12), riffChunk("ICCP", icc), vp8l(img)),
			"tiff": tiffWithProfile(t, img, icc),
		} {
			p := decode(t, file)
			require.True(t, bytes.Equal(icc, p.Source.ICC), "%s, %d bytes", name, size)
			for _, format := range []string{"jpeg", "png", "tiff"} {
				q := decode(t, like(t, p, picture.LikeOptions{Format: format}))
				assert.True(t, bytes.Equal(icc, q.Source.ICC), "%s to %s, %d bytes", name, format, size)
				if format != "jpeg" {
					samePixels(t, p.Image, q.Image, name, format)
				}
			}
			decode(t, like(t, p, picture.LikeOptions{Format: "bmp"}))
		}
	}
}

func tiffWithProfile(t *testing.T, img *image.NRGBA, icc []byte) []byte {
	return like(t, &picture.Picture{Image: img, Source: picture.Source{Format: "tiff", ICC: icc}}, picture.LikeOptions{})
}

// What is no whole profile of a sensible size for these pixels is left out.
func TestProfileRefused(t *testing.T) {
	img := pattern(9, 7)
	jpg, good := encode(t, img, "jpeg", 90), rgbProfile(1000)
	parts := iccSegments(good, 400)
	swapped, count, zero := bytes.Clone(parts[1]), bytes.Clone(parts[1]), bytes.Clone(parts[0])
	count[13], zero[12] = 9, 0
	wrongSize, wrongMagic := bytes.Clone(good), bytes.Clone(good)
	wrongSize[3]++
	wrongMagic[36] = 'A'
	many := make([][]byte, 300)
	for i := range many {
		many[i] = parts[0]
	}
	for name, file := range map[string][]byte{
		"missing part":     withSegments(jpg, parts[0], parts[2]),
		"part twice":       withSegments(jpg, parts[0], swapped, swapped),
		"other count":      withSegments(jpg, parts[0], count, parts[2]),
		"number zero":      withSegments(jpg, zero, parts[1], parts[2]),
		"too many":         withSegments(jpg, many...),
		"no numbers":       withSegments(jpg, []byte("ICC_PROFILE\x00")),
		"states more":      withProfile(jpg, wrongSize),
		"no magic":         withProfile(jpg, wrongMagic),
		"short":            withProfile(jpg, good[:127]),
		"inks":             withProfile(jpg, iccProfile(1000, "CMYK")),
		"grey for colours": withProfile(jpg, iccProfile(1000, "GRAY")),
		"5 MiB in JPEG":    withProfile(jpg, rgbProfile(5<<20)),
		"5 MiB in PNG":     withChunk(pngBytes(img), "iCCP", iccp(rgbProfile(5<<20))),
		"cut in PNG":       withChunk(pngBytes(img), "iCCP", iccp(good)[:300]),
		"method in PNG":    withChunk(pngBytes(img), "iCCP", append([]byte("name\x00\x01"), deflated(good)...)),
		"no name in PNG":   withChunk(pngBytes(img), "iCCP", append([]byte("\x00\x00"), deflated(good)...)),
		"no zlib in PNG":   withChunk(pngBytes(img), "iCCP", append([]byte("name\x00\x00"), good...)),
	} {
		p := decode(t, file)
		assert.Nil(t, p.Source.ICC, name)
		assert.NotContains(t, string(like(t, p, picture.LikeOptions{})), "ICC", name)
	}
	inOrder := decode(t, withSegments(jpg, parts[2], parts[0], parts[1]))
	assert.True(t, bytes.Equal(good, inOrder.Source.ICC), "parts may stand in any order")
}

// A grey picture's profile is for grey pixels only.
func TestProfileOfGray(t *testing.T) {
	img, icc := gray(photo(20, 12)), iccProfile(500, "GRAY")
	p := decode(t, withProfile(jpegOf(t, img, picture.Source{Gray: true}, 90), icc))
	require.True(t, bytes.Equal(icc, p.Source.ICC))
	for _, format := range []string{"jpeg", "png", "tiff"} {
		assert.True(t, bytes.Equal(icc, decode(t, like(t, p, picture.LikeOptions{Format: format})).Source.ICC), format)
	}
	p.Image = photo(20, 12)
	for _, format := range []string{"jpeg", "png", "tiff"} {
		assert.Nil(t, decode(t, like(t, p, picture.LikeOptions{Format: format})).Source.ICC, format)
	}
}

// A profile that inflates to gigabytes costs no more than it states, and one that
// states more than it is costs what it is.
func TestProfileBombs(t *testing.T) {
	img := pattern(8, 8)
	huge := rgbProfile(64 << 20)
	lying := rgbProfile(1000)
	binary.BigEndian.PutUint32(lying, 4<<20)
	long := append(rgbProfile(1000), make([]byte, 64<<20)...)
	for name, file := range map[string][]byte{
		"states 64 MiB": withChunk(pngBytes(img), "iCCP", iccp(huge)),
		"states 4 MiB":  withChunk(pngBytes(img), "iCCP", iccp(lying)),
		"goes on":       withChunk(pngBytes(img), "iCCP", iccp(long)),
	} {
		got := allocated(func() { decode(t, file) })
		assert.LessOrEqual(t, got, uint64(300<<10), name)
	}
}

// Colours that a file names in other words than a profile stay in its copies.
func TestNamedColours(t *testing.T) {
	le := binary.LittleEndian
	camera := func(space uint32, index string) []byte {
		const exifAt, interopAt = 100, 200
		out := tiffFile(le, nil, short(274, 1), long(34665, exifAt))
		inner := tiffFile(le, nil, short(40961, space), long(40965, interopAt))
		out = append(append(out, make([]byte, exifAt-len(out))...), inner[8:]...)
		last := tiffFile(le, nil, tag{1, 4, []uint32{le.Uint32([]byte("R" + index + "\x00"))}})
		out = append(append(out, make([]byte, interopAt-len(out))...), last[8:]...)
		return withSegment(jpegBytes(pattern(16, 16)), 0xe1, append([]byte("Exif\x00\x00"), out...))
	}
	cicp := func(primaries, transfer byte) []byte {
		return withChunk(pngBytes(pattern(16, 16)), "cICP", []byte{primaries, transfer, 0, 1})
	}
	name := func(s string) string { return string([]byte(s)[0]) + "\x00" + s[1:2] } // in UTF-16
	for what, c := range map[string]struct {
		file    []byte
		profile string
	}{
		"a camera's Adobe RGB":      {camera(0xffff, "03"), "c\x00o\x00m\x00p"},
		"ColorSpace 2":              {camera(2, "98"), "c\x00o\x00m\x00p"},
		"sRGB":                      {camera(1, "98"), ""},
		"unknown":                   {camera(0xffff, "98"), ""},
		"PNG in Display P3":         {cicp(12, 13), name("Di")},
		"PNG in sRGB":               {cicp(1, 13), ""},
		"PNG of high dynamic range": {cicp(9, 16), ""},
	} {
		p := decode(t, c.file)
		for _, format := range []string{"jpeg", "tiff"} {
			icc := decode(t, like(t, p, picture.LikeOptions{Format: format})).Source.ICC
			if c.profile == "" {
				assert.Nil(t, icc, "%s in %s", what, format)
			} else {
				assert.Contains(t, string(icc), c.profile, "%s in %s", what, format)
			}
		}
		if p.Format == "png" {
			assert.Contains(t, string(like(t, p, picture.LikeOptions{})), "cICP", what)
		}
	}
}

// iccSegments cuts a profile into APP2 bodies of at most size bytes.
func iccSegments(profile []byte, size int) (out [][]byte) {
	n := (len(profile) + size - 1) / size
	for i := range n {
		part := profile[i*size : min((i+1)*size, len(profile))]
		out = append(out, append([]byte("ICC_PROFILE\x00"+string([]byte{byte(i + 1), byte(n)})), part...))
	}
	return out
}
