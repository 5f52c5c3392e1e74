package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/picture"
)

// seeds are small files of every kind, and the small ones of the shared
// collection where that is at hand: large ones take the fuzzer minutes each.
func seeds(f *testing.F) [][]byte {
	img, block := pattern(9, 7), exif(binary.BigEndian, 6)
	pal := paletted(image.Rect(0, 0, 12, 10), 5)
	out := [][]byte{
		withSegment(jpegBytes(img), 0xe1, append([]byte("Exif\x00\x00"), block...)),
		progressive(3, 8), progressive(4, 8), manyScans(3),
		withChunk(pngBytes(img), "eXIf", block), pngBytes(pal), pngBytes(translucent(5, 3)),
		rawPNG(3, 3, 16, 4, 1, make([]byte, 50)), rawPNG(9, 9, 1, 3, 1, make([]byte, 40), chunk("PLTE", make([]byte, 6))),
		riff(vp8x(0x18, 9, 7), vp8l(img), riffChunk("EXIF", block)), webpBytes(img),
		rgbTIFF(binary.LittleEndian, img, short(274, 8)), rgbTIFF(binary.BigEndian, img, short(338, 1)),
		xtiffBytes(pal, tiff.Deflate), xtiffBytes(img, tiff.Deflate),
		tiffFile(binary.LittleEndian, make([]byte, 512), long(256, 16), long(257, 16), short(258, 8), short(262, 1), short(277, 1),
			long(322, 16), long(323, 16), long(324, 8), long(325, 256)),
		bmpBytes(img), bmpBytes(pal), bmpBytes(translucent(3, 3)), gifBytes(pal), gifBytes(pal, pal),
		[]byte("\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif"), []byte("<svg/>"), {},
	}
	for _, name := range []string{"progressive.jpg", "cmyk.jpg", "lossy.webp", "lossy_alpha.webp", "interlaced.png", "group4.tif"} {
		out = append(out, testdata(f, name))
	}
	dir, ok := oddFolder()
	if !ok {
		return out
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range files {
		if st, err := os.Stat(name); err != nil || st.Size() > 8_000 {
			continue
		}
		if data, err := os.ReadFile(name); err == nil {
			out = append(out, data)
		}
	}
	return out
}

// FuzzDecode: whatever the bytes, a sound picture within the limits or an
// error of the promised form; and what is decoded is decoded the same again.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	lim := picture.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 18}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.Clone(data) // which belongs to the fuzzer
		repairChecksums(data)
		before := bytes.Clone(data)
		p, err := picture.Decode(data, lim)
		if !bytes.Equal(before, data) {
			t.Fatal("input changed")
		}
		if err != nil {
			if p != nil {
				t.Fatal("picture and error")
			}
			if err := well(err); err != nil {
				t.Fatal(err)
			}
			return
		}
		if err := sound(p); err != nil {
			t.Fatal(err)
		}
		if n := int64(len(p.Image.Pix) / 4); n > lim.MaxPixels {
			t.Fatalf("%d pixels", n)
		}
		again, err := picture.Decode(data, lim)
		if err != nil || !bytes.Equal(p.Image.Pix, again.Image.Pix) {
			t.Fatalf("another picture the second time: %v", err)
		}
		var out bytes.Buffer
		if err := picture.Encode(&out, p.Image, "png", 0); err != nil && !errors.Is(err, picture.ErrFormat) {
			t.Fatal(err)
		}
	})
}

// repairChecksums lets changes inside PNG chunks get past their CRC.
func repairChecksums(data []byte) {
	if !bytes.HasPrefix(data, []byte("\x89PNG")) {
		return
	}
	for at := 8; len(data)-at >= 12; {
		size := int(binary.BigEndian.Uint32(data[at:]))
		if size > len(data)-at-12 {
			return
		}
		crc := crc32.ChecksumIEEE(data[at+4 : at+8+size])
		binary.BigEndian.PutUint32(data[at+8+size:], crc)
		at += 12 + size
	}
}

// FuzzOrientation: the walkers of EXIF and of each container, without the
// guard that decoders have. They never panic, and 1 to 8 comes out.
func FuzzOrientation(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	for o := range 10 {
		f.Add(exif(binary.LittleEndian, o))
		f.Add(append([]byte("Exif\x00\x00"), exif(binary.BigEndian, o)...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if o := picture.ExifOrientation(data); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
		picture.Walk(data)
	})
}

func BenchmarkDecodeJPEG2MPix(b *testing.B) {
	img := blocks(108, 75) // 1728 x 1200
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] += byte(i * 7919 >> 7 & 15) // some noise
		}
	}
	file := jpegBytes(img)
	b.SetBytes(int64(len(img.Pix) / 4)) // so MB/s reads as megapixels a second
	b.ReportAllocs()
	for b.Loop() {
		if _, err := picture.Decode(file, picture.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
