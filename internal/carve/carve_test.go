package carve

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"crypto/md5"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/writings"
)

// noise is a picture whose file holds every byte.
func noise(seed uint64, side int) *image.NRGBA {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range out.Pix {
		out.Pix[i] = uint8(rng.Uint32()) | uint8(i%4/3*255)
	}
	return out
}

func jpegOf(t testing.TB, seed uint64) []byte {
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, noise(seed, 60), nil))
	return out.Bytes()
}

func pngOf(t testing.TB, seed uint64) []byte {
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, noise(seed, 24)))
	return out.Bytes()
}

func gifOf(t testing.TB, seed uint64) []byte {
	var out bytes.Buffer
	require.NoError(t, gif.Encode(&out, noise(seed, 40), nil))
	return out.Bytes()
}

func webpOf(t testing.TB, seed uint64) []byte {
	body := append([]byte("WEBPVP8 "), noise(seed, 40).Pix...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func zipOf(t testing.TB, seed uint64) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("a.jpg")
	require.NoError(t, err)
	_, err = w.Write(jpegOf(t, seed))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

// a found file of a scan.
type found struct {
	Find
	data []byte
}

func scanned(t testing.TB, r io.Reader) ([]found, Report) {
	var out []found
	report, err := Scan(t.Context(), r, func(f Find, copy func(io.Writer) (int64, error)) error {
		var b bytes.Buffer
		n, err := copy(&b)
		assert.Equal(t, int64(b.Len()), n)
		out = append(out, found{f, b.Bytes()})
		return err
	})
	require.NoError(t, err)
	return out, report
}

// untold are the kinds of files that cannot be told in a writing without quotes, of which the first signs are as they are.
var untold = map[string][]string{"octal": {"gif"}, "octal, COPY": {"gif"}, "percent": {"gif", "zip"}, "UTF-8 of bytes": {"gif", "webp", "zip"},
	"OCaml": {"gif", "webp", "zip"}, "JSON of surrogates": {"gif", "webp", "zip"}}

// Opponent's story: a stolen database writes its pictures in a way that the scan does not know, or finds only half of them.
func TestWritings(t *testing.T) {
	files := map[string]func(testing.TB, uint64) []byte{"jpeg": jpegOf, "png": pngOf, "gif": gifOf, "webp": webpOf, "zip": zipOf}
	for name, write := range writings.All(t) {
		for kind, of := range files {
			if slices.Contains(untold[name], kind) {
				continue
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				a, b := of(t, 1), of(t, 2)
				text := "-- a text of people\n" + write(a) + "\n, and of others: " + write(b) + "\n"
				got, report := scanned(t, iotest.HalfReader(strings.NewReader(text)))
				require.Len(t, got, 2, "%.300q", text)
				assert.Equal(t, 2, report.Finds)
				assert.Zero(t, report.Opaque)
				for i, want := range [][]byte{a, b} {
					require.True(t, bytes.Equal(want, got[i].data[:min(len(want), len(got[i].data))]) && len(got[i].data) <= len(want)+2, "%d of %d bytes, at %s", len(got[i].data), len(want), got[i].Place)
				}
				assert.NotEqual(t, got[0].Name(), got[1].Name())
			})
		}
	}
}

// Opponent's story: data of a PNG looks like the frame of a JPEG without its start, the PNG is cut off there, and its mark is
// lost.
func TestFramesInAPNG(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 64, 64))
	copy(img.Pix, "\xff\xa8\xff\xc0\x00\x0b\x08\x00\x09\x00\x09\x01\x01\x11\x00\xff\xda")
	var b bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img))
	got, _ := scanned(t, strings.NewReader("blob "+b.String()+" end"))
	require.Len(t, got, 1)
	require.True(t, bytes.HasPrefix(got[0].data, b.Bytes()), "%d of %d bytes", len(got[0].data), b.Len())
}

// Opponent's story: what a thief's database says beside a picture, or the file's name in a mail, is lost.
func TestLabels(t *testing.T) {
	want := map[string]string{"JSON": "selfie", "JSON, address": "photo", "XML": "Photo", "LDIF": "jpegPhoto", "vCard": "PHOTO", "mail": "selfie.jpg", "YAML": "", "CSV": ""}
	for name, label := range want {
		got, _ := scanned(t, strings.NewReader(writings.All(t)[name](jpegOf(t, 1))))
		require.Len(t, got, 1, name)
		assert.Equal(t, label, got[0].Label, name)
	}
	got, _ := scanned(t, strings.NewReader(`{"../../etc!#\u202e":"`+base64.StdEncoding.EncodeToString(jpegOf(t, 1))+`"}`))
	require.Len(t, got, 1)
	assert.NotContains(t, got[0].Name(), "/")
	assert.NotContains(t, got[0].Name(), "!")
	assert.NotContains(t, got[0].Name(), "#")
}

// Opponent's story: the picture lies across the end of a buffer, and half of it is lost.
func TestAnyPlace(t *testing.T) {
	jpg := jpegOf(t, 3)
	for name, write := range writings.All(t) {
		text := write(jpg)
		for range long.Number(2, 40) {
			before := strings.Repeat("some words of a text. ", (bufferSize-margin)/22) + strings.Repeat(" ", rand.IntN(len(text)+2*margin))
			for _, at := range []string{before, before[bufferSize/2:], before + before[margin:]} {
				got, _ := scanned(t, iotest.DataErrReader(strings.NewReader(at+text)))
				if assert.Len(t, got, 1, name) {
					assert.True(t, bytes.HasPrefix(got[0].data, jpg), "%s: %d bytes before", name, len(at))
				}
			}
		}
	}
}

// Opponent's story: the byte before a picture in a binary file happens to be a quote, and the picture is cut at the next one.
func TestQuoteBeforeBytes(t *testing.T) {
	exif := slices.Concat([]byte("\xff\xd8\xff\xe1\x75\x30Exif\x00\x00"), bytes.Repeat([]byte("'\"a"), 0x752e)[:0x7530-8], jpegOf(t, 1)[2:])
	for _, quote := range []string{"'", `"`} {
		for _, file := range [][]byte{jpegOf(t, 1), pngOf(t, 2), exif} {
			got, _ := scanned(t, strings.NewReader("\x00\x01 cache "+quote+string(file)+"\x00"))
			require.Len(t, got, 1)
			assert.True(t, bytes.Equal(file, got[0].data), "%d of %d bytes", len(got[0].data), len(file))
			assert.True(t, got[0].Plain)
		}
	}
}

// Opponent's story: of the many pictures of a large dump some are lost, or found twice.
func TestManyPictures(t *testing.T) {
	n := long.Number(20, 1000)
	row := strings.Repeat("INSERT INTO people VALUES (17,'Ann Smith','12 Long Road, Oxford','2018-02-03',0.25,NULL);\n", long.Number(50, 6000))
	want := make(map[string]int)
	var parts []io.Reader
	for i := range n {
		a, b := jpegOf(t, uint64(2*i)), pngOf(t, uint64(2*i+1))
		want[string(a)]++
		want[string(b)]++
		parts = append(parts, strings.NewReader(row), strings.NewReader("VALUES ('"+base64.StdEncoding.EncodeToString(a)+"',0x"+hex.EncodeToString(b)+");\n"))
	}
	start := time.Now()
	got, _ := scanned(t, io.MultiReader(parts...))
	t.Logf("%d pictures among %d MB: %d found in %v", 2*n, n*len(row)>>20, len(got), time.Since(start))
	assert.Len(t, got, 2*n)
	for _, f := range got {
		want[string(f.data)]--
	}
	for _, left := range want {
		assert.Zero(t, left)
	}
}

// tiffOf returns a TIFF with its directory behind its picture.
func tiffOf(t testing.TB) []byte {
	var out bytes.Buffer
	require.NoError(t, tiff.Encode(&out, noise(3, 40), nil))
	return out.Bytes()
}

// Opponent's story: a TIFF whose directory names itself as the next one, and the scan never ends.
func TestDirectoryThatNamesItself(t *testing.T) {
	file := tiffOf(t)
	at := binary.LittleEndian.Uint32(file[4:])
	entries := binary.LittleEndian.Uint16(file[at:])
	for _, next := range []uint32{at, 8, at - 2} {
		binary.LittleEndian.PutUint32(file[at+2+12*uint32(entries):], next)
		got, _ := scanned(t, bytes.NewReader(slices.Concat(file, jpegOf(t, 1))))
		require.Len(t, got, 2)
	}
}

// Opponent's story: files that lie behind each other in a raw image are taken for one, and all but the first are lost.
func TestKinds(t *testing.T) {
	var zipped, gzipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	for _, name := range []string{"a.jpg", "inner.zip"} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		require.NoError(t, err)
		_, err = w.Write(append(jpegOf(t, 9), zipped.Bytes()...))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	g := gzip.NewWriter(&gzipped)
	_, err := g.Write(jpegOf(t, 8))
	require.NoError(t, err)
	require.NoError(t, g.Close())
	box := func(kind, s string) string { return string([]byte{0, 0, 0, byte(8 + len(s))}) + kind + s }
	files := []string{
		string(jpegOf(t, 1)), string(pngOf(t, 2)), string(gifOf(t, 3)), zipped.String(), "BM" + "\x80\x00\x00\x00" + "\x00\x00\x00\x00" + "\x36\x00\x00\x00" + "\x28\x00\x00\x00" + "\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x18\x00" + strings.Repeat("\x00", 98),
		"RIFF\x20\x00\x00\x00WEBPVP8 " + strings.Repeat("w", 24), box("ftyp", "heic\x00\x00\x00\x00mif1heic") + box("meta", "abcdefgh") + box("mdat", "0123"),
		"%PDF-1.4\n" + strings.Repeat("obj ", 20) + "%%EOF\n1 0 obj more\n%%EOF\n",
	}
	want := []string{".jpg", ".png", ".gif", ".zip", ".bmp", ".webp", ".heic", ".pdf"}
	var image bytes.Buffer
	for _, f := range files {
		image.WriteString(f)
		image.Write(bytes.Repeat([]byte{0}, 512-image.Len()%512))
	}
	got, _ := scanned(t, bytes.NewReader(image.Bytes()))
	require.Len(t, got, len(files))
	for i, f := range files {
		assert.Equal(t, want[i], got[i].Ending)
		assert.True(t, got[i].Plain)
		assert.Equal(t, f, string(got[i].data), want[i])
		assert.Equal(t, f, string(image.Bytes()[got[i].At:][:len(f)]))
	}
	glued, _ := scanned(t, bytes.NewReader(slices.Concat(jpegOf(t, 1), jpegOf(t, 2), jpegOf(t, 3)[:2000], jpegOf(t, 4))))
	require.Len(t, glued, 4)
	assert.Len(t, glued[2].data, 2000)
	packed, _ := scanned(t, io.MultiReader(strings.NewReader("cache entry"), &gzipped))
	require.Len(t, packed, 1)
	assert.Equal(t, ".jpg", packed[0].Ending)
	broken := pngOf(t, 2)
	broken = append(broken[:len(broken)/2:len(broken)/2], "1000\r\n"...)
	behind, _ := scanned(t, bytes.NewReader(slices.Concat(broken, jpegOf(t, 1), tiffOf(t), jpegOf(t, 3))))
	require.Len(t, behind, 4)
	assert.Equal(t, tiffOf(t), behind[2].data)
}

// Opponent's story: a script of SQL Server is UTF-16, in which no sign of base64 follows another.
func TestUTF16(t *testing.T) {
	jpg := jpegOf(t, 1)
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		text := inUTF16("\ufeffINSERT [dbo].[kyc] VALUES (1, N'Łódź', 0x"+hex.EncodeToString(jpg)+")", order)
		got, _ := scanned(t, iotest.OneByteReader(bytes.NewReader(text)))
		require.Len(t, got, 1)
		assert.True(t, bytes.HasPrefix(got[0].data, jpg))
		assert.False(t, got[0].Plain)
	}
}

// Opponent's story: base64 in JSON or UTF-16 is missed where it starts, and what begins in its middle is no picture.
func TestStartsInBase64(t *testing.T) {
	img := noise(5, 40)
	for i := range img.Pix[:2000] { // slashes
		img.Pix[i] = 255
	}
	var tif, bitmap, packed bytes.Buffer
	require.NoError(t, tiff.Encode(&tif, img, nil))
	require.NoError(t, bmp.Encode(&bitmap, img))
	g := gzip.NewWriter(&packed)
	g.Name = "a.jpg"
	_, err := g.Write(jpegOf(t, 1))
	require.NoError(t, err)
	require.NoError(t, g.Close())
	white := strings.Repeat("\xff", 300)
	for name, c := range map[string]struct{ file, want string }{
		"tiff": {tif.String(), tif.String()}, "bmp": {bitmap.String(), bitmap.String()}, "gzip": {packed.String(), string(jpegOf(t, 1))},
		"MM": {"MM\x00*\x00\x00\x10\x00" + white, "MM\x00*"}, "rar": {"Rar!\x1a\x07\x01\x00" + white, "Rar!"}, "database": {"SQLite format 3\x00\x02\x00" + strings.Repeat("\xff", 500), "SQLite"},
	} {
		text := `{"selfie":"` + base64.StdEncoding.EncodeToString([]byte(c.file)) + `","z":1}`
		escaped := strings.ReplaceAll(text, "/", `\/`)
		for way, text := range map[string][]byte{
			"escaped": []byte(escaped), "UTF-16": inUTF16(text, binary.LittleEndian), "UTF-16, escaped": inUTF16(escaped, binary.LittleEndian), "UTF-16, high bytes first": inUTF16(escaped, binary.BigEndian),
		} {
			got, _ := scanned(t, bytes.NewReader(text))
			if assert.Len(t, got, 1, "%s, %s", name, way) {
				assert.True(t, bytes.HasPrefix(got[0].data, []byte(c.want)), "%s, %s: %.20q", name, way, got[0].data)
			}
		}
	}
}

func inUTF16(s string, order binary.AppendByteOrder) (text []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		text = order.AppendUint16(text, u)
	}
	return text
}

// lzw writes bytes as 12-bit numbers, as compress does with bytes that do not repeat.
func lzw(b []byte) string {
	var out []byte
	for i := 0; i+1 < len(b); i += 2 {
		x, y := uint32(b[i])*13%4096, uint32(b[i+1])*11%4096
		out = append(out, byte(x), byte(x>>8|y<<4), byte(y>>4))
	}
	return "\x1f\x9d\x90" + string(out)
}

// inWords writes lines of 16 bytes, with a format for each number of size bytes.
func inWords(b []byte, format string, size int) string {
	var out strings.Builder
	for i := 0; i+16 <= len(b); i += size {
		if i%16 == 0 {
			out.WriteByte('\n')
		}
		if size == 2 {
			fmt.Fprintf(&out, format, binary.LittleEndian.Uint16(b[i:]))
		} else {
			fmt.Fprintf(&out, format, b[i:i+size])
		}
	}
	return out.String()
}

func base85(b []byte) string {
	out := make([]byte, ascii85.MaxEncodedLen(len(b)))
	return "<~" + string(out[:ascii85.Encode(out, b)]) + "~>"
}

// program returns a program: this test.
func program(t testing.TB) string {
	name, err := os.Executable()
	require.NoError(t, err)
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(b[:2<<20])
}

// Opponent's story: an encrypted container has no start of a picture, and the report says that it holds none.
func TestOpaque(t *testing.T) {
	secret := make([]byte, long.Number(75_000, 300_000))
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range secret {
		secret[i] = byte(rng.Uint32())
	}
	text := strings.Repeat("INSERT INTO people VALUES (17,'Ann Smith','12 Long Road, Oxford','2018-02-03');\n", 4000)
	list := func(format string, of func(byte) any) string {
		var out strings.Builder
		for _, c := range secret {
			fmt.Fprintf(&out, format, of(c))
		}
		return out.String()
	}
	same := func(c byte) any { return c }
	for name, c := range map[string]struct {
		data   string
		opaque bool
	}{
		"numbers": {list("%d, ", same), true}, "typed numbers": {list("uint8(%d), ", same), true}, "octal": {list("%03o\n", same), true}, "digits 0 and 1": {list("%08b ", same), true},
		"assembler": {list("\tdb %03Xh\n", same), true}, "words of od": {inWords(secret, " %06o", 2), true}, "words of hexdump": {inWords(secret, "    %04x", 2), true},
		"S-records":                 {inWords(secret, "\nS1130000%XFF", 16), true},
		"addresses of the internet": {list("%d.12.34.56\n", same), false}, "percentages": {list("%d, ", func(c byte) any { return c % 100 }), false},
		"identifiers": {list("10%06d\n", func(c byte) any { return int(c) * 3571 }), false}, "telephone numbers": {list("+49 30 90%03d77\n", same), false},
		"MD5 of passwords": {list("%x\n", func(c byte) any { return md5.Sum([]byte{c}) }), false}, "places": {list("%d.520008,13.404954\n", same), false},
		"random": {string(secret), true}, "random in base64": {text + base64.StdEncoding.EncodeToString(secret) + text, true}, "random in hexadecimal": {hex.EncodeToString(secret), true},
		"picture and random in one base64": {base64.StdEncoding.EncodeToString(append(jpegOf(t, 1), secret...)), true},
		"base64 of another alphabet":       {base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").EncodeToString(secret), true},
		"compress":                         {lzw(secret), true}, "base32": {text + base32.StdEncoding.EncodeToString(secret), true}, "base85": {base85(secret), true}, "uuencode": {writings.Uuencode(secret), true}, "program": {program(t), false},
		"text": {text, false}, "picture": {string(jpegOf(t, 1)), false}, "zeros": {strings.Repeat("\x00", 1<<20), false}, "text in base64": {base64.StdEncoding.EncodeToString([]byte(text)), false},
	} {
		_, report := scanned(t, strings.NewReader(c.data))
		assert.Equal(t, c.opaque, report.Opaque > 0, "%s: %d", name, report.Opaque)
	}
	for name, write := range writings.Listings() {
		_, report := scanned(t, strings.NewReader(write(secret)))
		silent := name == "xxd -b" || name == "od -A d -t u2" // addresses of eight digits beside words of eight, and words of five
		assert.Equal(t, !silent, report.Opaque > 0, name)
	}
}

// Opponent's story: a text of starts alone, or of a start in every second byte, takes for ever.
func TestHostileTexts(t *testing.T) {
	bomb := writings.Compressed(t, make([]byte, 64<<20), func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	for _, one := range []string{"/9j/", "\xff\xd8\xff", "\xff\xd8\xff\xe0\x00\x02", "PK\x03\x04", "%PDF-1.4", "ffd8ff", `\xff\xd8\xff`, "255,216,255,", "A", "'\xff\xd8\xff\xe0", "\x1f\x8b\x08\x00", "x\x9c", "x\x9c\x03\x00", "/\x009\x00j\x00", bomb, "AAAAIGZ0eX", "GIF89a", "=\n", "&#10;", `\/`} {
		start := time.Now()
		got, _ := scanned(t, strings.NewReader(strings.Repeat(one, long.Number(1<<16, 1<<18)/len(one))))
		t.Logf("%-30.30q %7d files, %v", one, len(got), time.Since(start))
	}
}

// Opponent's story: a database of pages without bytes, behind a picture, is found again without end, and the picture is dropped.
func TestDatabaseWithoutBytes(t *testing.T) {
	for size, want := range map[string]int{"\x00\x00": 2, "\x00\x03": 2, "\x03\x00": 2, "\x01\x00": 2, "\x02\x00": 3, "\x00\x01": 3} {
		database := "SQLite format 3\x00" + size + strings.Repeat("\x00", 13) + "\x01" + strings.Repeat("\x00", 68)
		finds := 0
		_, err := Scan(t.Context(), strings.NewReader(string(jpegOf(t, 1))+database+strings.Repeat("\x00", 1<<16)+string(jpegOf(t, 2))), func(_ Find, copy func(io.Writer) (int64, error)) error {
			if finds++; finds > want {
				return io.ErrNoProgress
			}
			_, err := copy(io.Discard)
			return err
		})
		assert.NoError(t, err, "%q", size)
		assert.Equal(t, want, finds, "%q", size)
	}
}

// Opponent's story: lists of a TIFF that lie over each other take gigabytes, and the fill bytes of a JPEG's head, in a PNG, an
// hour. The second would take longer than a test may.
func TestHostilePictures(t *testing.T) {
	const entries, count = 900, 32_000
	file := binary.LittleEndian.AppendUint32([]byte("II*\x00"), 8)
	directory := func(n int, entry func(i int) (tag, kind uint16, count, value uint32), next uint32) {
		file = binary.LittleEndian.AppendUint16(file, uint16(n))
		for i := range n {
			tag, kind, count, value := entry(i)
			file = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(file, tag), kind)
			file = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(file, count), value)
		}
		file = binary.LittleEndian.AppendUint32(file, next)
	}
	directory(5, func(i int) (uint16, uint16, uint32, uint32) { return uint16(256 + i + i/4*13), 3, 1, 1 }, 8+2+60+4)
	directory(entries, func(int) (uint16, uint16, uint32, uint32) {
		return 273, 3, count, 8 + 2 + 60 + 4 + 2 + 12*entries + 4
	}, 0)
	file = append(file, bytes.Repeat([]byte{1, 0}, count)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, report := scanned(t, bytes.NewReader(file))
	runtime.ReadMemStats(&after)
	assert.Positive(t, report.Finds)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))

	png := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x02\x00\x00\x00\x90\x91\x68\x36"), 16<<20)
	png = append(append(png, "IDAT"...), bytes.Repeat([]byte{0xff}, 16<<20)...)
	_, report = scanned(t, bytes.NewReader(png))
	assert.Positive(t, report.Finds)
}

func FuzzScan(f *testing.F) {
	for _, write := range writings.All(f) {
		f.Add([]byte(write(pngOf(f, 1)[:300])))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Scan(t.Context(), bytes.NewReader(data), func(found Find, copy func(io.Writer) (int64, error)) error {
			_, err := copy(io.Discard)
			require.GreaterOrEqual(t, found.At, int64(0))
			require.Less(t, found.At, int64(len(data)))
			return err
		})
		require.NoError(t, err)
	})
}

// BenchmarkScan gives the speed of a scan of SQL text without pictures, and of one that is all pictures, beside reading alone.
//
//	go test -run '^$' -bench Scan ./internal/carve
func BenchmarkScan(b *testing.B) {
	row := "INSERT INTO `people` VALUES (17,'Ann Smith','12 Long Road, Oxford','2018-02-03 10:11:12','ann.smith@example.org',NULL,0.25,'9f86d081884c7d659a2feaa0c55ad015');\n"
	text := []byte(strings.Repeat(row, 64<<20/len(row)))
	pictures := []byte(strings.Repeat(row+"('"+base64.StdEncoding.EncodeToString(jpegOf(b, 1))+"'),\n", 3000))
	for name, data := range map[string][]byte{"text": text, "base64": pictures} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				scanned(b, bytes.NewReader(data))
			}
		})
	}
}
