package dump_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
)

// list is what a dump of one file holds.
func list(t *testing.T, name, text string) []string {
	t.Helper()
	dir := t.TempDir()
	d := dump.New(options())
	defer d.Close()
	require.NoError(t, d.Add(t.Context(), write(t, dir, name, text)))
	return contents(t, d, dir)
}

// A picture is a picture, whatever its name says.
func TestPicturesNamedAsArchives(t *testing.T) {
	for _, name := range []string{"a.zip", "a.gz", "a.tar.gz", "a.tar", "a.7z", "a.rar", "a.bz2", "a.zst", "a.xz", "a.pdf", "a.docx", "a.7z.001"} {
		assert.Equal(t, []string{name + ": " + photo(t, 1)}, list(t, name, photo(t, 1)))
	}
}

// A file that was compressed without an archive is one file, or the archive that it is.
func TestOneCompressedFile(t *testing.T) {
	long := fmt.Sprintf("%x", sha256.Sum256(nil))
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a.jpg.gz": {gzipOf(t, long), []string{"a.jpg.gz!a.jpg: " + long}},
		"3f2a":     {gzipOf(t, long), []string{"3f2a!3f2a: " + long}},
		"b.zip.gz": {gzipOf(t, zipOf(t, entry{"in.jpg", "in"})), []string{"b.zip.gz!b.zip!in.jpg: in"}},
		"c.gz":     {gzipOf(t, tarOf(t, entry{"in.jpg", "in"})), []string{"c.gz!in.jpg: in"}},
		"d.jpg.gz": {gzipOf(t, long)[:40], []string{"d.jpg.gz!d.jpg: ", "d.jpg.gz: ! archive: cut off: unexpected EOF"}},
		"e.gz":     {"no gzip", []string{"e.gz: ! archive: cut off: unexpected EOF"}},
		"f.gz":     {gzipOf(t, ""), []string{"f.gz: ! archive: cut off: unexpected EOF"}},
	} {
		got := list(t, name, c.text)
		require.Len(t, got, len(c.want), name)
		for i := range got {
			assert.True(t, strings.HasPrefix(got[i], c.want[i]), "%q, want %q", got[i], c.want[i])
		}
	}
	bzip, err := os.ReadFile(bzipped)
	require.NoError(t, err)
	assert.Equal(t, []string{"g!x.jpg: bzip2"}, list(t, "g", string(bzip)))
}

// One part of an archive says so, whatever its bytes are.
func TestPartsOfArchives(t *testing.T) {
	const want = ": ! one part of an archive in several files: join the parts first"
	for _, name := range []string{"a.zip.001", "a.7z.002", "a.Z01", "a.r00", "a.tar.gz.ab", "a.rar.1234"} {
		assert.Equal(t, []string{name + want}, list(t, name, "any bytes"))
	}
	whole := zipOf(t, entry{"a.jpg", "a"}, entry{"b.jpg", "b"})
	assert.Contains(t, list(t, "last.zip", whole[50:])[0], ": ! ", "the last part of several: its list names what the others hold")
}

// Whatever is listed is named, though it holds nothing.
func TestEmptyArchives(t *testing.T) {
	for _, text := range []string{zipOf(t), zipOf(t, entry{"a/", ""}, entry{".DS_Store", "x"})} {
		assert.Equal(t, []string{"a.zip: ! not a picture: an archive or a document in which no picture is"}, list(t, "a.zip", text))
	}
	assert.Equal(t, []string{"a.tar: ! not a picture: an archive or a document in which no picture is"}, list(t, "a.tar", strings.Repeat("\x00", 1024)))
	mail := "Subject: x\r\n\r\nno files\r\n"
	assert.Equal(t, []string{"a.eml: " + mail}, list(t, "a.eml", mail))
}

// Archives are opened in each other, to a depth.
func TestDepth(t *testing.T) {
	text, name := "card", "card.jpg"
	for i := range 6 {
		text, name = zipOf(t, entry{name, text}), fmt.Sprint(i, ".zip")
	}
	assert.Equal(t, []string{"5.zip!4.zip!3.zip!2.zip!1.zip: ! more than 4 archives within each other, which are not opened"}, list(t, "5.zip", text))
	mail := "Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(zipOf(t, entry{"c.docx", zipOf(t, entry{"[Content_Types].xml", ""}, entry{"word/media/i.jpg", "card"})})))
	assert.Equal(t, []string{"m.tgz!b.mbox!byte 87, base64, a.zip!c.docx!word/media/i.jpg: card"}, list(t, "m.tgz", gzipOf(t, tarOf(t, entry{"b.mbox", "From x\n" + mail + "\n"}))))
}

// A bomb costs itself a line, and nothing else: neither the archives beside it nor those around it.
func TestBombs(t *testing.T) {
	zeros := gzipOf(t, strings.Repeat("\x00", 2<<20))
	honest := entry{"leaks.zip", zipOf(t, entry{"a.jpg", "honest"})}
	bomb := entry{"bomb.tgz", zeros}
	var many []entry
	for i := range 400 {
		many = append(many, entry{fmt.Sprint(i, ".jpg"), "x"})
	}
	outer := []entry{{"0.tgz", zeros}, bomb, {"many.zip", zipOf(t, many...)}, {"many2.zip", zipOf(t, many...)}, honest}
	dir := t.TempDir()
	o := options()
	o.MaxFiles, o.MaxUnpacked = 300, 1<<20
	d := dump.New(o)
	defer d.Close()
	paths := []string{write(t, dir, "outer.zip", zipOf(t, outer...))}
	for i := range 30 { // they would take all, half by half
		paths = append(paths, write(t, dir, fmt.Sprint("b", i, ".tgz"), zeros))
	}
	require.NoError(t, d.Add(t.Context(), append(paths, write(t, dir, "z.tgz", gzipOf(t, tarOf(t, entry{"b.jpg", "honest"}))))...))
	got := strings.Join(contents(t, d, dir), "\n")
	assert.Contains(t, got, "outer.zip!bomb.tgz: ! archive: more than ")
	assert.Contains(t, got, "outer.zip!many2.zip: ! archive: it has more files")
	assert.Contains(t, got, "outer.zip!leaks.zip!a.jpg: honest")
	assert.Contains(t, got, "b29.tgz: ! archive: more than ")
	assert.Contains(t, got, "z.tgz!b.jpg: honest")
	assert.Len(t, d.Files, 5+30+1)
}

// A zip whose files lie on the same bytes is no zip that a program wrote.
func TestOverlappingZip(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("a.jpg")
	require.NoError(t, err)
	_, err = w.Write(bytes.Repeat([]byte("x0y1"), 1000))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	data := b.Bytes()
	at, end := bytes.Index(data, []byte("PK\x01\x02")), bytes.Index(data, []byte("PK\x05\x06"))
	row, tail := data[at:end], data[end:]
	const n = 500
	binary.LittleEndian.PutUint16(tail[8:], n)
	binary.LittleEndian.PutUint16(tail[10:], n)
	binary.LittleEndian.PutUint32(tail[12:], uint32(n*len(row)))
	packed := binary.LittleEndian.Uint32(row[20:])
	binary.LittleEndian.PutUint32(row[20:], 200*packed)
	overlapping := string(data[:at]) + strings.Repeat(string(row), n) + string(tail)
	assert.Equal(t, []string{"a.zip: ! archive: its files overlap each other"}, list(t, "a.zip", overlapping))
}

// Opponent's story: a picture lies in a file of a zip archive behind the end of what was compressed, where no program reads.
func TestBehindCompressedBytes(t *testing.T) {
	var b, packed bytes.Buffer
	w, err := flate.NewWriter(&packed, 9)
	require.NoError(t, err)
	_, err = io.WriteString(w, "small")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	packed.WriteString(photo(t, 1))
	z := zip.NewWriter(&b)
	raw, err := z.CreateRaw(&zip.FileHeader{Name: "a.txt", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte("small")), UncompressedSize64: 5, CompressedSize64: uint64(packed.Len())})
	require.NoError(t, err)
	_, err = packed.WriteTo(raw)
	require.NoError(t, err)
	_, err = z.Create("b.txt")
	require.NoError(t, err)
	require.NoError(t, z.Close())
	got := list(t, "a.zip", b.String())
	assert.Equal(t, []string{fmt.Sprintf("a.zip: ! %d bytes of it belong to no file in its list, and were not looked into", len(photo(t, 1))), "a.zip!a.txt: small", "a.zip!b.txt: ", "a.zip!byte 46, of no file: " + photo(t, 1)}, got)
}

// counted is a folder that counts its open files.
type counted struct {
	fs.FS
	open, most *atomic.Int32
}

func (c counted) Open(name string) (fs.File, error) {
	f, err := c.FS.Open(name)
	if err != nil {
		return nil, err
	}
	at, is := f.(io.ReaderAt)
	if !is { // a folder
		return f, nil
	}
	n := c.open.Add(1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	return countedFile{f, at, c.open}, nil
}

type countedFile struct {
	fs.File
	io.ReaderAt
	open *atomic.Int32
}

func (f countedFile) Close() error { f.open.Add(-1); return f.File.Close() }

// A dump has more archives than a process may have open files.
func TestOpenFiles(t *testing.T) {
	files := fstest.MapFS{}
	for i := range 300 {
		files[fmt.Sprint(i, ".zip")] = &fstest.MapFile{Data: []byte(zipOf(t, entry{"a.jpg", "zip"}, entry{"b.zip", zipOf(t, entry{"b.jpg", "nested"})}))}
		files[fmt.Sprint(i, ".tar")] = &fstest.MapFile{Data: []byte(tarOf(t, entry{"a.jpg", "tar"}))}
	}
	var open, most atomic.Int32
	d := dump.New(options())
	require.NoError(t, d.AddFS(t.Context(), counted{files, &open, &most}, ""))
	require.Len(t, d.Files, 900)
	require.Zero(t, open.Load())
	var all sync.WaitGroup
	for part := range 4 {
		all.Go(func() {
			for i := part; i < len(d.Files); i += 2 {
				text, err := read(t.Context(), d.Files[i])
				assert.NoError(t, err)
				assert.Contains(t, []string{"zip", "tar", "nested"}, text)
			}
		})
	}
	all.Wait()
	assert.Zero(t, open.Load())
	assert.LessOrEqual(t, most.Load(), int32(8))
	require.NoError(t, d.Close())

	dir := t.TempDir()
	d = dump.New(options())
	defer d.Close()
	path := write(t, dir, "a.zip", zipOf(t, entry{"a.jpg", "one"}))
	require.NoError(t, d.Add(t.Context(), path))
	write(t, dir, "a.zip", zipOf(t, entry{"a.jpg", "another"}))
	_, err := read(t.Context(), d.Files[0])
	require.ErrorContains(t, err, "changed while it was read")
}

// The list of files in a zip archive is bounded before it is kept: it states its own length, but may lie.
func TestLongDirectory(t *testing.T) {
	data := []byte(zipOf(t, entry{strings.Repeat("n", 60_000), ""}))
	at, end := bytes.Index(data, []byte("PK\x01\x02")), bytes.Index(data, []byte("PK\x05\x06"))
	long := string(data[:at]) + strings.Repeat(string(data[at:end]), 64<<20/60_000+1) + string(data[end:])
	assert.Equal(t, []string{"a.zip: ! archive: its list of files has more than 67108864 bytes"}, list(t, "a.zip", long))
}
