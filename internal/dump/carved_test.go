package dump_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
)

// photo is a small JPEG, another one for each n.
func photo(t testing.TB, n uint64) string {
	rng := rand.New(rand.NewPCG(n, 7))
	p := image.NewGray(image.Rect(0, 0, 40, 40))
	for i := range p.Pix {
		p.Pix[i] = uint8(rng.Uint32())
	}
	var out bytes.Buffer
	require.NoError(t, jpeg.Encode(&out, p, nil))
	return out.String()
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// Opponent's story: a stolen database, a mailbox, a cache or a saved page is "no picture", and the dump is cleared.
func TestFilesInOtherFiles(t *testing.T) {
	a, b := photo(t, 1), photo(t, 2)
	pictures := func(found ...string) []string {
		for i, f := range found {
			found[i] = f + ": " + []string{a, b}[i%2]
		}
		return found
	}
	mail := "From: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/jpeg; name=\"=?utf-8?q?f=C3=BCr?=.jpg\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64Of(a) + "\r\n\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n" + b + "\r\n--b--\r\n"
	far := "II*\x00\x40\x4b\x4c\x00" + strings.Repeat("pixels..", 25) // a TIFF that is cut off: its directory would be at byte 5,000,000
	var manySmall []entry
	var smallOnes []string
	for i := range 60 {
		manySmall = append(manySmall, entry{fmt.Sprintf("%d.txt", i+10), "small"})
		smallOnes = append(smallOnes, fmt.Sprintf("gap.zip!%d.txt: small", i+10))
	}
	packed := without(zipOf(t, append(manySmall, entry{"x.txt", a}, entry{"y.txt", "small"})...), "x.txt")
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"kyc.sql":     {"INSERT INTO kyc VALUES (1,0x" + hex.EncodeToString([]byte(a)) + "),(2,'" + base64Of(b) + "');\n", pictures("kyc.sql!byte 26, hexadecimal.jpg", fmt.Sprintf("kyc.sql!byte %d, base64.jpg", 34+2*len(a)))},
		"users.json":  {`[{"selfie":"` + base64Of(a) + `"},{"front":"` + base64Of(b) + `"}]`, pictures("users.json!byte 12, base64, selfie.jpg", fmt.Sprintf("users.json!byte %d, base64, front.jpg", 25+len(base64Of(a))))},
		"page.html":   {`<img src="data:image/jpeg;base64,` + base64Of(a) + `">`, pictures("page.html!byte 33, base64.jpg")},
		"m.eml":       {mail, pictures("m.eml!byte 155, base64, für.jpg", fmt.Sprintf("m.eml!byte %d.jpg", strings.Index(mail, b)))},
		"cache.dat":   {"\x01\x02entry\x00" + a + "\x00\x00" + b, pictures("cache.dat!byte 8.jpg", fmt.Sprintf("cache.dat!byte %d.jpg", 10+len(a)))},
		"raw.img":     {strings.Repeat("\x00", 512) + zipOf(t, entry{"in.jpg", a}), pictures("raw.img!byte 512.zip!in.jpg")},
		"glued.jpg":   {a + b, []string{"glued.jpg: " + a + b, fmt.Sprintf("glued.jpg!byte %d.jpg: %s", len(a), b)}},
		"trailer.jpg": {a + "some maker's trailer", []string{"trailer.jpg: " + a + "some maker's trailer"}},
		"drawing.svg": {`<svg xmlns:xlink=""><image xlink:href="data:image/jpeg;base64,` + base64Of(a) + `"/></svg>`, []string{"drawing.svg: ...", "drawing.svg!byte 62, base64.jpg: " + a}},
		"film.mp4":    {"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomiso2" + a, []string{"film.mp4: ..."}},
		"glued.tif":   {a + b, []string{"glued.tif: " + a + b, fmt.Sprintf("glued.tif!byte %d.jpg: %s", len(a), b)}},
		"inner.tif":   {a[:2] + "\xff\xeb" + string([]byte{byte((len(b) + 2) >> 8), byte(len(b) + 2)}) + b + a[2:], []string{"inner.tif: ...", fmt.Sprintf("inner.tif!byte 6.jpg: %s", b)}},
		"export.key":  {"id;photo\n1;" + base64Of(a) + "\n", pictures("export.key!byte 11, base64.jpg")},
		"book.docx":   {tarOf(t, entry{"in.jpg", a}), pictures("book.docx!in.jpg")},
		"words.txt":   {"no picture here", []string{"words.txt: no picture here"}},
		"name.png":    {"\x00\x01not a png" + a, pictures("name.png!byte 11.jpg")},
		"wrong.jpg":   {zipOf(t, entry{"in.jpg", a}), pictures("wrong.jpg!in.jpg")},
		"gap.zip":     {packed, append(append([]string{"gap.zip: ! 1324 bytes of it belong to no file in its list, and were not looked into"}, smallOnes...), "gap.zip!y.txt: small")},
		"stub.zip":    {a + zipOf(t, entry{"y.txt", "small"}), []string{"stub.zip: " + a + zipOf(t, entry{"y.txt", "small"}), "stub.zip!byte 1253.zip!y.txt: small"}},
		"empty":       {"", []string{"empty: "}},
		"disk.img":    {"\x01" + far + a + "'" + base64Of(b) + "'", []string{"disk.img!byte 1.tif: ...", "disk.img!byte 1.tif!byte 208.jpg: " + a, fmt.Sprintf("disk.img!byte 1.tif!byte %d, base64.jpg: %s", 209+len(a), b)}},
	} {
		got := list(t, name, c.text)
		for i, want := range c.want {
			if own, of := strings.CutSuffix(want, ": ..."); of && i < len(got) {
				got[i], c.want[i] = got[i][:min(len(got[i]), len(own))], own
			}
		}
		assert.Equal(t, c.want, got, name)
	}
}

// without is a zip archive whose list of files leaves one out.
func without(archive, name string) string {
	list := strings.Index(archive, "PK\x01\x02")
	from := list + strings.Index(archive[list:], name) - 46
	to := from + 46 + len(name)
	end := []byte(archive[strings.LastIndex(archive, "PK\x05\x06"):])
	n := binary.LittleEndian.Uint16(end[8:]) - 1
	binary.LittleEndian.PutUint16(end[8:], n)
	binary.LittleEndian.PutUint16(end[10:], n)
	binary.LittleEndian.PutUint32(end[12:], binary.LittleEndian.Uint32(end[12:])-uint32(to-from))
	return archive[:from] + archive[to:len(archive)-len(end)] + string(end)
}

// Opponent's story: the pictures lie in an encrypted part, and nobody hears that it was not looked into.
func TestOpaqueFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	secret := make([]byte, 200_000)
	for i := range secret {
		secret[i] = byte(rng.Uint32())
	}
	const said = "bytes of it are compressed or encrypted in a way that is not known, and were not looked into"
	for name, text := range map[string]string{
		"vault.bin": string(secret), "mail.p7m": "Content-Type: application/pkcs7-mime\r\n\r\n" + base64Of(string(secret)), "a.json": `{"blob":"` + base64Of(string(secret)) + `"}`,
		"both.sql": "INSERT (0x" + hex.EncodeToString([]byte(photo(t, 1))) + ",'" + base64Of(string(secret)) + "')",
	} {
		got := list(t, name, text)
		assert.Contains(t, got[len(got)-1], said, name)
		assert.Equal(t, name == "both.sql", len(got) == 2, name)
	}
	assert.Contains(t, list(t, "starts.txt", " "+strings.Repeat("\xff\xd8\xff.", 1<<20+1))[0], "places look like the start of a picture: the rest was not looked into")
}

// Files in others count as files of an archive do, and take as many bytes.
func TestFilesInOtherFilesAreBounded(t *testing.T) {
	text := strings.Repeat("'"+base64Of(photo(t, 1))+"',\n", 30)
	for name, opts := range map[string]dump.Options{"files": {MaxFiles: 20, MaxPDF: 1}, "bytes": {MaxFiles: 100, MaxPDF: 1, MaxUnpacked: 10_000}} {
		d := dump.New(opts)
		require.NoError(t, d.AddFS(t.Context(), fstest.MapFS{"a.sql": {Data: []byte(text)}, "b.jpg": {Data: []byte("b")}}, ""))
		got := contents(t, d, "")
		assert.Contains(t, got[len(got)-2], map[string]string{"files": "a.sql: ! archive: it has more files than are left", "bytes": "a.sql: ! archive: more than 5000 bytes would have to be unpacked"}[name])
		assert.Equal(t, "b.jpg: b", got[len(got)-1])
		require.NoError(t, d.Close())
	}
}

// Opponent's story: a mail that only mentions how a PDF or an archive starts hides the pictures of all later mails.
func TestMentionsOfStarts(t *testing.T) {
	forged := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 1<<60), 1<<60)
	forged = append(forged, 0, 0, 0, 0)
	seven := "7z\xbc\xaf\x27\x1c\x00\x04" + string(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(forged))) + string(forged)
	words := strings.Repeat(" and so on, as in the standard.\n", 4)
	part := zipOf(t, entry{"a.jpg", photo(t, 3)})
	for name, start := range map[string]string{
		"pdf": "Our PDFs start with %PDF-1.4 and a line end", "pdf with an end": "%PDF-1.4 is the start" + words + photo(t, 1) + "%%EOF is the end", "rar": "Rar!\x1a\x07", "7z": seven,
		"database": "SQLite format 3\x00\x10\x00" + strings.Repeat("\x01", 10) + "\x7f\xff\xff\xff", "zip": "PK\x03\x04\x14\x00\x00\x00\x08\x00" + strings.Repeat("\x01", 20),
		"zip that is cut off": strings.Repeat(part[:len(part)-90], 50),
	} {
		text := "From x\n" + strings.Repeat(start+words, 20) + "\nFrom y\n\n" + base64Of(photo(t, 1)) + "\n\nFrom z\n" + zipOf(t, entry{"in.jpg", photo(t, 2)}) + "\n"
		for file, text := range map[string]string{"m.mbox": text, "m.gz": gzipOf(t, text), "m.json": `{"mail":"` + base64Of(text) + `"}`} {
			got := list(t, file, text)
			assert.LessOrEqual(t, len(got), 45, "%s, %s", name, file)
			for _, want := range []string{"base64.jpg: " + photo(t, 1), "in.jpg: " + photo(t, 2)} {
				assert.True(t, slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, want) }), "%s, %s: %.100q", name, file, got)
			}
		}
	}
}

// A database is scanned as it is if no program takes it apart, once.
func TestDatabaseAsItIs(t *testing.T) {
	got := list(t, "a.bin", "SQLite format 3\x00\x02\x00"+strings.Repeat("\x00", 13)+"\x01"+strings.Repeat("\x00", 480)+photo(t, 1))
	assert.Equal(t, []string{"a.bin!byte 512.jpg: " + photo(t, 1)}, got)
}

// Opponent's story: starts of files behind a picture take all files that there may be, and the picture is not listed.
func TestPictureBeforeManyFiles(t *testing.T) {
	bmp := "BM\x40\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x18\x00" + strings.Repeat("\x00", 34)
	got := list(t, "a.jpg", photo(t, 1)+strings.Repeat(bmp, 2000))
	require.Len(t, got, 2)
	assert.True(t, strings.HasPrefix(got[0], "a.jpg: \xff\xd8"))
	assert.Equal(t, "a.jpg: ! archive: it has more files than are left for one archive: unpack it", got[1])
}

// Any file is looked into in bounded time and memory.
func FuzzFiles(f *testing.F) {
	f.Add(`<img src="data:image/png;base64,QUJD"><img src="data:image/png;base64,QU%2BJ D">`)
	f.Add("From a\nContent-Type: image/jpeg\n\n" + base64Of(photo(f, 1)[:200]))
	f.Add("x" + photo(f, 1) + "PK\x03\x04" + zipOf(f, entry{"a.jpg", "a"}))
	f.Fuzz(func(t *testing.T, text string) {
		d := dump.New(options())
		require.NoError(t, d.AddFS(t.Context(), fstest.MapFS{"a": {Data: []byte(text)}}, ""))
		contents(t, d, "")
		require.NotEmpty(t, d.Files)
		require.NoError(t, d.Close())
	})
}
