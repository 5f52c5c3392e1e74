package carve

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/test/long"
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

func fold(s string, width int, with string) string {
	var out strings.Builder
	for i := 0; i < len(s); i += width {
		if i > 0 {
			out.WriteString(with)
		}
		out.WriteString(s[i:min(i+width, len(s))])
	}
	return out.String()
}

func each(b []byte, format, with string) string {
	var all []string
	for _, c := range b {
		all = append(all, fmt.Sprintf(format, c))
	}
	return strings.Join(all, with)
}

// mysql writes bytes as mysqldump does between quotes.
func mysql(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		switch c {
		case 0:
			out.WriteString(`\0`)
		case '\n':
			out.WriteString(`\n`)
		case '\r':
			out.WriteString(`\r`)
		case 0x1a:
			out.WriteString(`\Z`)
		case '\'', '"', '\\':
			out.WriteString(`\` + string(rune(c)))
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// python writes bytes as repr does.
func python(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '\n':
			out.WriteString(`\n`)
		case c == '\r':
			out.WriteString(`\r`)
		case c == '\t':
			out.WriteString(`\t`)
		case c == '\\' || c == '\'':
			out.WriteString(`\` + string(rune(c)))
		case c < ' ' || c > 0x7e:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

// octal writes bytes as PostgreSQL did in its format "escape", in a COPY with doubled backslashes.
func octal(b []byte, sign string) string {
	var out strings.Builder
	for _, c := range b {
		switch {
		case c == '\\':
			out.WriteString(sign + sign)
		case c < ' ' || c > 0x7e:
			fmt.Fprintf(&out, sign+"%03o", c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String()
}

func latin1(b []byte) string {
	all := make([]rune, len(b))
	for i, c := range b {
		all[i] = rune(c)
	}
	return string(all)
}

func quoted(t testing.TB, s string) string {
	var out bytes.Buffer
	w := quotedprintable.NewWriter(&out)
	_, err := io.WriteString(w, s)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

func signed(b []byte) string {
	all := make([]string, len(b))
	for i, c := range b {
		all[i] = strconv.Itoa(int(int8(c)))
	}
	return strings.Join(all, ",")
}

func uuencode(b []byte) string {
	var out strings.Builder
	out.WriteString("begin 644 selfie.jpg\n")
	sign := func(v byte) byte {
		if v == 0 {
			return '`'
		}
		return v + ' '
	}
	for ; len(b) > 0; b = b[min(45, len(b)):] {
		line := b[:min(45, len(b))]
		out.WriteByte(sign(byte(len(line))))
		for i := 0; i < len(line); i += 3 {
			var q [3]byte
			copy(q[:], line[i:])
			out.Write([]byte{sign(q[0] >> 2), sign(q[0]<<4&63 | q[1]>>4), sign(q[1]<<2&63 | q[2]>>6), sign(q[2] & 63)})
		}
		out.WriteByte('\n')
	}
	return out.String() + "`\nend\n"
}

// writings are ways in which texts hold the bytes of a file.
// wideOf writes ASCII in so many bytes a sign, the lowest first.
func wideOf(s string, width int) string {
	return each([]byte(s), "%c", strings.Repeat("\x00", width-1)) + strings.Repeat("\x00", width-1)
}

// hexdump writes bytes as hexdump -C does.
func hexdump(b []byte) string {
	var out strings.Builder
	for at := 0; at < len(b); at += 16 {
		line := b[at:min(at+16, len(b))]
		words := strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '.'
			}
			return r
		}, latin1(line))
		fmt.Fprintf(&out, "\n%08x  %-49s |%s|", at, strings.Replace(each(line, "%02x", " ")+" ", " ", " ", 1), words)
	}
	return out.String() + "\n"
}

// perl writes bytes as Data::Dumper does, with as few digits as can be told apart.
func perl(b []byte) string {
	var out strings.Builder
	for i, c := range b {
		switch next := i+1 < len(b) && b[i+1] >= '0' && b[i+1] <= '9'; {
		case c == '"' || c == '\\' || c == '$' || c == '@':
			out.WriteString("\\" + string(rune(c)))
		case c >= ' ' && c < 0x7f:
			out.WriteByte(c)
		case next:
			fmt.Fprintf(&out, "\\%03o", c)
		default:
			fmt.Fprintf(&out, "\\%o", c)
		}
	}
	return `$VAR1 = "` + out.String() + `";`
}

func deflate(t testing.TB, b []byte, to func(io.Writer) io.WriteCloser) string {
	var out bytes.Buffer
	w := to(&out)
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

func writings(t testing.TB) map[string]func([]byte) string {
	std, raw, address := base64.StdEncoding.EncodeToString, base64.RawStdEncoding.EncodeToString, base64.URLEncoding.EncodeToString
	js := func(s string) string {
		b, err := json.Marshal(s)
		require.NoError(t, err)
		return string(b)
	}
	html := func(b []byte) string {
		return "<p>see <img alt=x src=\"data:image/jpeg;base64," + std(b) + "\"></p>"
	}
	return map[string]func([]byte) string{
		"JSON":                       func(b []byte) string { return `{"id":7,"selfie":"` + std(b) + `","z":1}` },
		"JSON, slashes escaped":      func(b []byte) string { return `{"id":7,"selfie":"` + strings.ReplaceAll(std(b), "/", `\/`) + `"}` },
		"JSON, plus escaped":         func(b []byte) string { return `{"selfie":"` + strings.ReplaceAll(std(b), "+", `\u002B`) + `"}` },
		"JSON in JSON":               func(b []byte) string { return js(`{"selfie":"` + std(b) + `"}`) },
		"JSON, lines escaped":        func(b []byte) string { return js(fold(std(b), 76, "\r\n")) },
		"JSON, address":              func(b []byte) string { return `{"photo":"data:image/jpeg;base64,` + std(b) + `"}` },
		"CSV":                        func(b []byte) string { return "1,Ann," + std(b) + ",x\n" },
		"CSV without padding":        func(b []byte) string { return "1,Ann," + raw(b) + "\n2,Bob,-\n" },
		"one a line":                 func(b []byte) string { return "\n" + std(b) + "\n" },
		"XML":                        func(b []byte) string { return "<doc><Photo>" + std(b) + "</Photo></doc>" },
		"XML, lines":                 func(b []byte) string { return "<Photo>\n    " + fold(std(b), 64, "\n    ") + "\n</Photo>" },
		"XML, line ends as entities": func(b []byte) string { return "<p v=\"" + fold(std(b), 76, "&#10;") + "\"/>" },
		"XML, CRLF as entities":      func(b []byte) string { return "<p>" + fold(std(b), 76, "&#xD;\n") + "</p>" },
		"of an address":              func(b []byte) string { return "jwt=" + address(b) + "&x=1" },
		"form":                       func(b []byte) string { return "a=1&photo=" + url.QueryEscape(std(b)) + "&b=2" },
		"LDIF":                       func(b []byte) string { return "dn: cn=a\njpegPhoto:: " + fold(std(b), 64, "\n ") + "\nsn: x\n" },
		"vCard": func(b []byte) string {
			return "BEGIN:VCARD\r\nPHOTO;ENCODING=b;TYPE=JPEG:" + fold(std(b), 74, "\r\n ") + "\r\nEND:VCARD\r\n"
		},
		"vCard 2.1": func(b []byte) string {
			return "PHOTO;JPEG;ENCODING=BASE64:\r\n " + fold(std(b), 72, "\r\n ") + "\r\n\r\nEND:VCARD"
		},
		"mail": func(b []byte) string {
			return "Content-Type: image/jpeg; name=\"selfie.jpg\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + fold(std(b), 76, "\r\n") + "\r\n--b1--\r\n"
		},
		"mail, text right above":   func(b []byte) string { return "see attachment\n" + fold(std(b), 76, "\n") + "\n\nBye" },
		"HTML":                     html,
		"HTML in quoted-printable": func(b []byte) string { return quoted(t, html(b)) },
		"YAML":                     func(b []byte) string { return "photo: !!binary |\n  " + fold(std(b), 76, "\n  ") + "\nname: x\n" },
		"base64 in base64": func(b []byte) string {
			return `{"mail":"` + std([]byte("From: x\n\n"+fold(std(b), 76, "\n")+"\n")) + `"}`
		},
		"within base64, not aligned": func(b []byte) string {
			return `{"blob":"` + std(slices.Concat(bytes.Repeat([]byte("TNEF.."), 20), []byte("x"), b)) + `"}`
		},
		"PEM": func(b []byte) string {
			return "-----BEGIN PKCS7-----\n" + fold(std(slices.Concat(bytes.Repeat([]byte{0x30, 0x82}, 31), b)), 64, "\n") + "\n-----END PKCS7-----\n"
		},
		"shell": func(b []byte) string { return "echo " + fold(std(b), 70, "\\\n") + " | base64 -d" },
		"MySQL, hexadecimal": func(b []byte) string {
			return "INSERT INTO kyc VALUES (1,0x" + strings.ToUpper(hex.EncodeToString(b)) + ",NULL);"
		},
		"PostgreSQL, COPY":    func(b []byte) string { return "1\tAnn\t\\\\x" + hex.EncodeToString(b) + "\tx\n" },
		"SQLite":              func(b []byte) string { return "INSERT INTO kyc VALUES(1,X'" + hex.EncodeToString(b) + "');" },
		"hexadecimal, lines":  func(b []byte) string { return "begin\n" + fold(hex.EncodeToString(b), 60, "\n") + "\nend" },
		"hexadecimal, spaces": func(b []byte) string { return "dump: " + each(b, "%02x", " ") + "." },
		"hexadecimal, colons": func(b []byte) string { return "(" + each(b, "%02X", ":") + ")" },
		"hexadecimal, pairs":  func(b []byte) string { return "(" + fold(fold(hex.EncodeToString(b), 4, " "), 40, "\n") + ")" },
		"C array": func(b []byte) string {
			return "unsigned char a[] = {\n  " + fold(each(b, "0x%02x", ", "), 72, "\n  ") + "\n};"
		},
		"C string":               func(b []byte) string { return `"` + each(b, `\x%02x`, "") + `"` },
		"Python":                 func(b []byte) string { return "{'photo': b'" + python(b) + "', 'x': 1}" },
		"JSON of bytes as signs": func(b []byte) string { return `{"photo":` + js(latin1(b)) + `}` },
		"JSON in ASCII":          func(b []byte) string { return `{"photo":"` + each(b, `\u00%02x`, "") + `"}` },
		"UTF-8 of bytes":         latin1,
		"percent": func(b []byte) string {
			return "photo=" + url.QueryEscape(string(b)) + "&x=1"
		},
		"quoted-printable of bytes": func(b []byte) string { return each(b, "=%02X", "") + "\r\n" },
		"mysqldump":                 func(b []byte) string { return "INSERT INTO `kyc` VALUES (1,_binary '" + mysql(b) + "','x');\n" },
		"quotes twice":              func(b []byte) string { return "VALUES ('" + strings.ReplaceAll(mysql(b), `\'`, "''") + "')" },
		"octal":                     func(b []byte) string { return " 7 | " + octal(b, `\`) + "\n 8 |" },
		"octal, COPY":               func(b []byte) string { return "1\t" + octal(b, `\\`) + "\t2\n" },
		"numbers":                   func(b []byte) string { return `{"type":"Buffer","data":[` + each(b, "%d", ",") + `]}` },
		"numbers, lines":            func(b []byte) string { return "[\n    " + each(b, "%d", ",\n    ") + "\n]" },
		"numbers, signed":           func(b []byte) string { return "[" + signed(b) + "]" },
		"uuencode":                  func(b []byte) string { return "Subject: x\n\n" + uuencode(b) },
		"UTF-16 without a mark":     func(b []byte) string { return wideOf("\n\"x\",\""+std(b)+"\"\n", 2) },
		"UTF-16 of hexadecimal":     func(b []byte) string { return wideOf("1,0x"+hex.EncodeToString(b)+",x", 2) },
		"UTF-32":                    func(b []byte) string { return wideOf(`["`+std(b)+`"]`, 4) },
		"base64, lines joined":      func(b []byte) string { return `"` + fold(std(b), 76, " ") + `"` },
		"base64 in a quoted mail":   func(b []byte) string { return "\n> " + fold(std(b), 76, "\n> ") + "\n\nYes." },
		"base64 in lines of a log": func(b []byte) string {
			return "\n2026-11-01T10:00:00Z DEBUG " + fold(std(b), 1000, "\n2026-11-01T10:00:01Z DEBUG ") + "\n"
		},
		"base64, strings added up":      func(b []byte) string { return "\nx = \"" + fold(std(b), 60, "\" +\n    \"") + "\";" },
		"base64, strings under another": func(b []byte) string { return "x = (\n    '" + fold(std(b), 60, "'\n    '") + "')" },
		"Oracle, parts": func(b []byte) string {
			return "VALUES (to_blob(hextoraw('" + fold(hex.EncodeToString(b), 2000, "')) || to_blob(hextoraw('") + "')));"
		},
		"Oracle, statements": func(b []byte) string {
			return "\nappend(b, hextoraw('" + fold(hex.EncodeToString(b), 2000, "'));\nappend(b, hextoraw('") + "'));\n"
		},
		"hexdump":                  hexdump,
		"C array of short numbers": func(b []byte) string { return "[]byte{" + each(b, "0x%x", ", ") + "}" },
		"Java array":               func(b []byte) string { return "byte[] b = {" + each(b, "(byte) 0x%02x", ", ") + "};" },
		"Perl":                     perl,
		"gzip": func(b []byte) string {
			return "HTTP/1.1 200 OK\r\n\r\n" + deflate(t, b, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }) + "\r\n"
		},
		"zlib": func(b []byte) string {
			return "PACK\x00" + deflate(t, b, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }) + "\x00"
		},
		"zlib of a git object in base64": func(b []byte) string {
			return `{"blob":"` + std([]byte(deflate(t, slices.Concat([]byte("blob 9\x00"), b), func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }))) + `"}`
		},
		"as they are": func(b []byte) string { return "WARC/1.0\r\n\r\n" + string(b) + "\r\nWARC/1.0\r\n" },
	}
}

// onlySome are writings that start a JPEG or PNG alone can be told from.
var onlySome = []string{"Python", "JSON of bytes as signs", "UTF-8 of bytes", "percent", "mysqldump", "quotes twice", "octal", "octal, COPY", "C string", "C array", "JSON in ASCII",
	"quoted-printable of bytes", "numbers", "numbers, lines", "numbers, signed", "Perl", "C array of short numbers", "Java array", "hexdump", "hexadecimal, spaces", "hexadecimal, colons", "hexadecimal, pairs"}

// Opponent's story: a stolen database writes its pictures in a way that the scan does not know, or finds only half of them.
func TestWritings(t *testing.T) {
	files := map[string]func(testing.TB, uint64) []byte{"jpeg": jpegOf, "png": pngOf, "gif": gifOf}
	for name, write := range writings(t) {
		for kind, of := range files {
			if kind == "gif" && slices.Contains(onlySome, name) {
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

// Opponent's story: what a thief's database says beside a picture, or the file's name in a mail, is lost.
func TestLabels(t *testing.T) {
	want := map[string]string{"JSON": "selfie", "JSON, address": "photo", "XML": "Photo", "LDIF": "jpegPhoto", "vCard": "PHOTO", "mail": "selfie.jpg", "YAML": "", "CSV": ""}
	for name, label := range want {
		got, _ := scanned(t, strings.NewReader(writings(t)[name](jpegOf(t, 1))))
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
	for name, write := range writings(t) {
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
		var text []byte
		for _, u := range utf16.Encode([]rune("\ufeffINSERT [dbo].[kyc] VALUES (1, N'Łódź', 0x" + hex.EncodeToString(jpg) + ")")) {
			text = order.AppendUint16(text, u)
		}
		got, _ := scanned(t, iotest.OneByteReader(bytes.NewReader(text)))
		require.Len(t, got, 1)
		assert.True(t, bytes.HasPrefix(got[0].data, jpg))
		assert.False(t, got[0].Plain)
	}
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
	secret := make([]byte, 300_000)
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range secret {
		secret[i] = byte(rng.Uint32())
	}
	text := strings.Repeat("INSERT INTO people VALUES (17,'Ann Smith','12 Long Road, Oxford','2018-02-03');\n", 4000)
	for name, c := range map[string]struct {
		data   string
		opaque bool
	}{
		"random": {string(secret), true}, "random in base64": {text + base64.StdEncoding.EncodeToString(secret) + text, true}, "random in hexadecimal": {hex.EncodeToString(secret), true},
		"compress": {lzw(secret), true}, "base32": {text + base32.StdEncoding.EncodeToString(secret), true}, "base85": {base85(secret), true}, "program": {program(t), false},
		"text": {text, false}, "picture": {string(jpegOf(t, 1)), false}, "zeros": {strings.Repeat("\x00", 1<<20), false}, "text in base64": {base64.StdEncoding.EncodeToString([]byte(text)), false},
	} {
		_, report := scanned(t, strings.NewReader(c.data))
		assert.Equal(t, c.opaque, report.Opaque > 0, "%s: %d", name, report.Opaque)
	}
}

// Opponent's story: a text of starts alone, or of a start in every second byte, takes for ever.
func TestHostileTexts(t *testing.T) {
	bomb := deflate(t, make([]byte, 64<<20), func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	for _, one := range []string{"/9j/", "\xff\xd8\xff", "\xff\xd8\xff\xe0\x00\x02", "PK\x03\x04", "%PDF-1.4", "begin 644 x\n", "ffd8ff", `\xff\xd8\xff`, "255,216,255,", "A", "'\xff\xd8\xff\xe0", "\x1f\x8b\x08\x00", "x\x9c", "x\x9c\x03\x00", "/\x009\x00j\x00", bomb, "AAAAIGZ0eX", "GIF89a", "=\n", "&#10;", `\/`} {
		start := time.Now()
		got, _ := scanned(t, strings.NewReader(strings.Repeat(one, 1<<18/len(one))))
		t.Logf("%-30.30q %7d files, %v", one, len(got), time.Since(start))
	}
}

func FuzzScan(f *testing.F) {
	for _, write := range writings(f) {
		f.Add([]byte(write(pngOf(f, 1)[:300])))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		total := int64(0)
		_, err := Scan(t.Context(), bytes.NewReader(data), func(found Find, copy func(io.Writer) (int64, error)) error {
			n, err := copy(io.Discard)
			require.GreaterOrEqual(t, found.At, int64(0))
			require.Less(t, found.At, int64(len(data)))
			total += n
			return err
		})
		require.NoError(t, err)
		require.LessOrEqual(t, total, int64(len(data)))
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
