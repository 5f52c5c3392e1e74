package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
)

// An entry is one field of a directory with its value in the order of the file.
type entry struct {
	tag, kind uint16
	value     []byte
}

// sizes are those of the types 1 to 10 (TIFF 6.0 section 2).
var sizes = []int{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8}

// layout writes a directory that begins at an offset, with its values behind it.
func layout(order binary.AppendByteOrder, at, next int, entries ...entry) []byte {
	out := order.AppendUint16(nil, uint16(len(entries)))
	values, behind := []byte{}, at+2+12*len(entries)+4
	for _, e := range entries {
		out = order.AppendUint16(order.AppendUint16(out, e.tag), e.kind)
		out = order.AppendUint32(out, uint32(len(e.value)/sizes[e.kind]))
		if len(e.value) <= 4 {
			out = append(out, append(bytes.Clone(e.value), make([]byte, 4-len(e.value))...)...)
		} else {
			out = order.AppendUint32(out, uint32(behind+len(values)))
			values = append(values, e.value...)
		}
	}
	return append(order.AppendUint32(out, uint32(next)), values...)
}

// private marks what must never reach a copy.
const private = "PRIVATE"

// camera is the EXIF of a phone with everything that such blocks hold: places
// also where nobody looks for them, and the thumbnail.
func camera(order binary.AppendByteOrder) []byte {
	text := func(tag uint16, s string) entry { return entry{tag, 2, append([]byte(s), 0)} }
	u16 := func(tag, v uint16) entry { return entry{tag, 3, order.AppendUint16(nil, v)} }
	ratio := func(tag, kind uint16, v ...uint32) entry {
		var b []byte
		for _, n := range v {
			b = order.AppendUint32(b, n)
		}
		return entry{tag, kind, b}
	}
	pointer := func(tag uint16, to int) entry { return entry{tag, 4, order.AppendUint32(nil, uint32(to))} }
	blob := func(tag uint16) entry { return entry{tag, 7, []byte(private + " 48.1N 11.5E")} }

	const exifAt, gpsAt, thumbAt = 1000, 2000, 3000
	header := []byte("II*\x00")
	if order.AppendUint16(nil, 1)[0] == 0 {
		header = []byte("MM\x00*")
	}
	out := order.AppendUint32(header, 8)
	place := func(at, next int, entries ...entry) {
		out = append(append(out, make([]byte, at-len(out))...), layout(order, at, next, entries...)...)
	}
	place(8, thumbAt, text(270, private), text(271, "Maker"), text(272, "Model 7"), u16(274, 6), ratio(282, 5, 300, 1), u16(296, 2),
		text(305, private), text(306, "2024:05:06 07:08:09"), text(315, private), text(316, private), blob(700), text(33432, private),
		blob(34377), pointer(34665, exifAt), pointer(34853, gpsAt), blob(40091))
	place(exifAt, 0, ratio(33434, 5, 1, 250), u16(34855, 400), entry{36864, 7, []byte("0232")}, text(36867, "2024:05:06 07:08:09"),
		text(36868, private), text(36880, "+01:00"), ratio(37380, 10, 0xffffffff, 3), blob(37500), blob(37510), u16(40961, 0xffff),
		entry{40962, 4, order.AppendUint32(nil, 9999)}, pointer(40965, gpsAt), text(42016, private), text(42032, private), text(42033, private),
		ratio(42034, 5, 24, 1, 70, 1, 28, 10, 28, 10), text(42036, "Lens 24-70"), text(42037, private))
	place(gpsAt, 0, text(1, "N"), ratio(2, 5, 48, 1, 8, 1, 0, 1), text(29, private))
	place(thumbAt, 0, u16(259, 6), pointer(513, 4000), pointer(514, 20), text(270, private))
	return append(append(out, make([]byte, 4000-len(out))...), "\xff\xd8\xff"+private+"\xff\xd9"...)
}

// metadata is everything of a JPEG in front of its pixels.
func withMetadata(jpg []byte, exif []byte) []byte {
	for _, s := range [][]byte{
		segment(0xfe, []byte(private)),
		segment(0xed, []byte("Photoshop 3.0\x008BIM"+private)),
		segment(0xe2, []byte("MPF\x00"+private)),
		segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x exif:GPSLatitude='48,8N'>"+private)),
		segment(0xe1, append([]byte("Exif\x00\x00"), exif...)),
	} {
		jpg = append(append(jpg[:2:2], s...), jpg[2:]...)
	}
	return append(jpg, "\xff\xd8\xff"+private...)
}

func TestMetadataIsDropped(t *testing.T) {
	for name, file := range sources(t) {
		p := decode(t, file)
		require.Contains(t, string(file), private, name)
		for _, format := range []string{"jpeg", "png", "tiff", "bmp"} {
			got := like(t, p, picture.LikeOptions{Format: format})
			for _, no := range []string{private, "Exif", "eXIf", "xap", "Maker", "2024", "GPS"} {
				assert.NotContains(t, string(got), no, "%s to %s", name, format)
			}
		}
	}
}

// sources are files of all formats that carry EXIF, in both byte orders.
func sources(t *testing.T) map[string][]byte {
	img := blocks(6, 4)
	out := map[string][]byte{}
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		block := camera(order)
		out["jpeg "+name] = withMetadata(encode(t, img, "jpeg", 90), block)
		out["png "+name] = withChunk(withChunk(pngBytes(img), "eXIf", block), "tEXt", []byte("Comment\x00"+private))
		out["webp "+name] = riff(vp8x(0x08, img.Rect.Dx(), img.Rect.Dy()), vp8l(img), riffChunk("EXIF", block), riffChunk("XMP ", []byte(private)))
	}
	return out
}

func TestMetadataIsKeptByList(t *testing.T) {
	for name, file := range sources(t) {
		p := decode(t, file)
		for _, format := range []string{"jpeg", "png", "tiff"} {
			about := name + " to " + format
			got := like(t, p, picture.LikeOptions{Format: format, KeepEXIF: true})
			require.NotContains(t, string(got), private, about)
			q := decode(t, got)
			assert.Equal(t, 1, q.Orientation, about)
			assert.Equal(t, p.Image.Rect, q.Image.Rect, about)
			outer, inner := picture.ReadEXIF(got)
			w, h := p.Image.Rect.Dx(), p.Image.Rect.Dy()
			for tag, want := range map[uint16][]byte{
				271: []byte("Maker\x00"), 272: []byte("Model 7\x00"), 274: {1, 0}, 282: {44, 1, 0, 0, 1, 0, 0, 0}, 296: {2, 0},
				306: []byte("2024:05:06 07:08:09\x00"),
			} {
				assert.Equal(t, want, outer[tag], "%s: %d", about, tag)
			}
			assert.Equal(t, map[uint16][]byte{
				33434: {1, 0, 0, 0, 250, 0, 0, 0}, 34855: {144, 1}, 36864: []byte("0232"), 36867: []byte("2024:05:06 07:08:09\x00"),
				37380: {255, 255, 255, 255, 3, 0, 0, 0}, 40961: {255, 255}, 40962: {byte(w), 0, 0, 0}, 40963: {byte(h), 0, 0, 0},
				42034: {24, 0, 0, 0, 1, 0, 0, 0, 70, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 10, 0, 0, 0},
				42036: []byte("Lens 24-70\x00"),
			}, inner, about)
			for _, no := range []uint16{270, 305, 315, 316, 513, 700, 33432, 34377, 34853, 40091} {
				assert.NotContains(t, outer, no, about)
			}
		}
	}
}

// TIFF keeps EXIF in its own directories.
func TestMetadataOfTIFF(t *testing.T) {
	img := blocks(3, 2)
	file := rgbTIFF(binary.BigEndian, img, short(274, 3), rational(282, 600, 1), long(34853, 8))
	for _, format := range []string{"tiff", "jpeg"} {
		outer, _ := picture.ReadEXIF(like(t, decode(t, file), picture.LikeOptions{Format: format, KeepEXIF: true}))
		assert.Equal(t, []byte{88, 2, 0, 0, 1, 0, 0, 0}, outer[282], format)
		assert.Equal(t, []byte{1, 0}, outer[274], format)
		assert.NotContains(t, outer, uint16(34853), format)
	}
}

// What is not as the standard has it is not kept: neither texts where numbers
// belong, nor dates that are none, nor more values than there should be.
func TestMetadataOutOfForm(t *testing.T) {
	order := binary.LittleEndian
	for name, e := range map[string]entry{
		"text for a number":  {33434, 2, []byte(private + "\x00")},
		"bytes for a number": {37386, 7, []byte(private + private)},
		"many numbers":       {34855, 3, []byte(private + " " + private + " ")},
		"date":               {36867, 2, []byte("48.1:N1:5E PRIVATE:\x00")},
		"version":            {36864, 7, []byte("PRIV")},
		"fraction":           {37521, 2, []byte(private + "\x00")},
		"no end":             {42035, 2, []byte(private)},
		"long name":          {42035, 2, []byte(strings.Repeat(private, 10) + "\x00")},
		"control":            {42035, 2, []byte("\x1b" + private + "\x00")},
		"empty":              {42035, 2, []byte("\x00")},
		"outside":            {42035, 2, nil},
	} {
		block := layout(order, 8, 0, entry{34665, 4, order.AppendUint32(nil, 100)})
		block = append(append(order.AppendUint32([]byte("II*\x00"), 8), block...), make([]byte, 100)...)[:100]
		block = append(block, layout(order, 100, 0, e)...)
		p := decode(t, withSegment(encode(t, pattern(9, 7), "jpeg", 0), 0xe1, append([]byte("Exif\x00\x00"), block...)))
		got := like(t, p, picture.LikeOptions{KeepEXIF: true})
		assert.NotContains(t, string(got), "PRIV", name)
		_, inner := picture.ReadEXIF(got)
		assert.NotContains(t, inner, e.tag, name)
	}
}

// FuzzLike: whatever a file says of itself, a copy of it is a sound file with one
// orientation, no thumbnail and no places.
func FuzzLike(f *testing.F) {
	img := pattern(9, 7)
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		block := camera(order)
		f.Add(withMetadata(jpegBytes(img), block))
		f.Add(withChunk(pngBytes(img), "eXIf", block))
		f.Add(riff(vp8x(0x28, 9, 7), riffChunk("ICCP", rgbProfile(300)), vp8l(img), riffChunk("EXIF", block)))
		f.Add(rgbTIFF(order, img, short(274, 6), long(34665, 8), long(34853, 8)))
	}
	f.Add(withProfile(jpegBytes(img), rgbProfile(70_000)))
	f.Add(withChunk(pngBytes(img), "iCCP", iccp(rgbProfile(1000))))
	f.Add(withChunk(pngBytes(image.NewGray(image.Rect(0, 0, 5, 5))), "gAMA", []byte{0, 1, 2, 3}))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.Clone(data)
		repairChecksums(data)
		p, err := picture.Decode(data, picture.Limits{MaxBytes: 1 << 18, MaxPixels: 1 << 14})
		if err != nil {
			return
		}
		for _, format := range []string{"jpeg", "png", "tiff"} {
			var b bytes.Buffer
			if err := picture.EncodeLike(&b, p.Image, p.Source, picture.LikeOptions{Format: format, KeepEXIF: true}); err != nil {
				t.Fatal(format, err)
			}
			q, err := picture.Decode(b.Bytes(), picture.Limits{})
			if err != nil || q.Image.Rect != p.Image.Rect || q.Orientation != 1 {
				t.Fatal(format, err, q)
			}
			outer, inner := picture.ReadEXIF(b.Bytes())
			for tag := range outer {
				if tag == 34853 || tag == 513 || tag == 700 {
					t.Fatal(format, tag)
				}
			}
			for tag := range inner {
				if tag == 37500 || tag == 37510 || tag == 40965 {
					t.Fatal(format, tag)
				}
			}
			if format != "png" && len(q.Source.ICC) > 0 && !bytes.Equal(q.Source.ICC, p.Source.ICC) {
				t.Fatal(format, "another profile")
			}
		}
	})
}
