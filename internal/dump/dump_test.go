package dump_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/skip"
)

type entry struct{ name, text string }

func zipOf(t testing.TB, entries ...entry) string {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, e := range entries {
		w, err := z.Create(e.name)
		require.NoError(t, err)
		_, err = io.WriteString(w, e.text)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return buf.String()
}

func tarOf(t testing.TB, entries ...entry) string {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.text)), Mode: 0o600, Typeflag: tar.TypeReg}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if e.text == "link" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, "/etc/passwd", 0
		}
		require.NoError(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := io.WriteString(w, e.text)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	return buf.String()
}

func gzipOf(t testing.TB, text string) string {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.String()
}

// bzipped is a tar archive of one file, x.jpg, of the text "bzip2"; the standard library does not write the format.
const bzipped = "testdata/one.tar.bz2"

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o700))
	require.NoError(t, os.WriteFile(p, []byte(text), 0o600))
	return p
}

func options() dump.Options { return dump.Options{MaxFiles: 1000, MaxPDF: 1000} }

// contents are the files by what they hold, or why they cannot be read, without dir.
func contents(t *testing.T, d *dump.Dump, dir string) (out []string) {
	t.Helper()
	for _, f := range d.Files {
		name := filepath.ToSlash(strings.TrimPrefix(f.Name, dir+string(filepath.Separator)))
		text, err := read(t.Context(), f)
		if err != nil {
			text = "! " + err.Error()
		}
		out = append(out, name+": "+text)
	}
	return out
}

func read(ctx context.Context, f dump.File) (string, error) {
	if f.Err != nil {
		return "", f.Err
	}
	r, err := f.Open(ctx)
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

func TestEveryKindOfDump(t *testing.T) {
	dir := t.TempDir()
	inner := zipOf(t, entry{"in.jpg", "zip in zip"}, entry{"deep.tar", tarOf(t, entry{"x.jpg", "x"})})
	paths := []string{
		write(t, dir, "one.jpg", "one"),
		write(t, dir, "a.ZIP", zipOf(t, entry{"y.jpg", "y"}, entry{"b/x.jpg", "x"}, entry{"b/", ""}, entry{".DS_Store", ""}, entry{"../../up.jpg", "up"}, entry{"inner.zip", inner})),
		write(t, dir, "t.tar", tarOf(t, entry{"z/", ""}, entry{"z/2.jpg", "two"}, entry{"z/1.jpg", "first"}, entry{"link.jpg", "link"}, entry{"inner.tgz", gzipOf(t, tarOf(t, entry{"g.jpg", "tgz in tar"}))})),
		write(t, dir, "t.tar.gz", gzipOf(t, tarOf(t, entry{"2.jpg", "two"}, entry{"1.jpg", strings.Repeat("long ", 1000)}))),
		filepath.FromSlash(bzipped),
		write(t, dir, "folder/in.zip", zipOf(t, entry{"f.jpg", "zip in folder"})),
		filepath.Join(dir, "missing.jpg"),
		write(t, dir, "bad.zip", "PK"), write(t, dir, "bad.tar", "no tar"), write(t, dir, "bad.tgz", "this is no gzip file"), write(t, dir, "plain.pdf", "%PDF"),
	}
	paths[5] = filepath.Dir(paths[5])
	write(t, dir, "folder/a.jpg", "a")
	write(t, dir, "folder/.hidden/b.jpg", "b")
	write(t, dir, "folder/Thumbs.db", "")
	d := dump.New(options())
	require.NoError(t, d.Add(t.Context(), paths...))
	want := []string{
		"one.jpg: one",
		"a.ZIP!../../up.jpg: up", "a.ZIP!b/x.jpg: x", "a.ZIP!inner.zip!deep.tar!x.jpg: x",
		"a.ZIP!inner.zip!in.jpg: zip in zip", "a.ZIP!y.jpg: y",
		"t.tar!inner.tgz!g.jpg: tgz in tar", "t.tar!link.jpg: ! not a regular file", "t.tar!z/1.jpg: first", "t.tar!z/2.jpg: two",
		"t.tar.gz!1.jpg: " + strings.Repeat("long ", 1000), "t.tar.gz!2.jpg: two",
		bzipped + "!x.jpg: bzip2",
		"folder/.hidden/b.jpg: b", "folder/a.jpg: a", "folder/in.zip!f.jpg: zip in folder",
		"missing.jpg: ! ", "bad.zip: ! archive: cut off, one of several parts, or no zip archive: zip: not a valid zip file", "bad.tar: ! archive: cut off: unexpected EOF", "bad.tgz: ! archive: gzip: invalid header", "plain.pdf: %PDF",
	}
	got := contents(t, d, dir)
	require.Len(t, got, len(want))
	for i := range want {
		assert.True(t, strings.HasPrefix(got[i], want[i]), "%q, want %q", got[i], want[i])
	}
	require.NoError(t, d.Close())
}

// Trees that are no folders hold the same. Files that are called by a digest alone are what they begin as; documents
// that are zip archives inside are none.
func TestKindsWithoutNames(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.WriteString(z, tarOf(t, entry{"c.jpg", "c"}))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	archive := zipOf(t, entry{"a.jpg", "a"})
	for name, text := range map[string]string{
		"1": archive, "2": tarOf(t, entry{"b.jpg", "b"}), "3.bin": packed.String(), "4": "\xff\xd8\xff", "5": "", "6.docx": archive, "7.jpg": archive,
		"8.zip": zipOf(t, entry{"3f2a", archive}, entry{"x.docx", archive}),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	d := dump.New(options())
	defer d.Close()
	require.NoError(t, d.AddFS(t.Context(), os.DirFS(dir), ""))
	var names []string
	for _, f := range d.Files {
		require.NoError(t, f.Err, f.Name)
		names = append(names, f.Name)
	}
	assert.Equal(t, []string{"1!a.jpg", "2!b.jpg", "3.bin!c.jpg", "4", "5", "6.docx!a.jpg", "7.jpg!a.jpg", "8.zip!3f2a!a.jpg", "8.zip!x.docx!a.jpg"}, names)
}

// "cat a.tar b.tar" makes one archive, of which tar programs show the first unless told otherwise.
func TestTarsBehindEachOther(t *testing.T) {
	dir := t.TempDir()
	a, b := tarOf(t, entry{"1.jpg", "one"}), tarOf(t, entry{"2.jpg", "two"})
	d := dump.New(options())
	defer d.Close()
	require.NoError(t, d.Add(t.Context(), write(t, dir, "ab.tar", a+b), write(t, dir, "padded.tar", a+strings.Repeat("\x00", 9000)), write(t, dir, "tail.tar", a+"words"), write(t, dir, "hiding.tar", a+strings.Repeat("\x00", 600)+b+photo(t, 1))))
	assert.Equal(t, []string{
		"ab.tar!1.jpg: one", "ab.tar!behind its end!2.jpg: two", "padded.tar!1.jpg: one",
		"tail.tar!1.jpg: one", "hiding.tar!1.jpg: one", "hiding.tar!behind its end!byte 2648.jpg: " + photo(t, 1),
	}, contents(t, d, dir))
}

func TestOffice(t *testing.T) {
	dir := t.TempDir()
	text := entry{"[Content_Types].xml", "<Types/>"}
	document := zipOf(t, text, entry{"word/document.xml", "<w/>"}, entry{"word/media/image1.jpg", "card"}, entry{"word/embeddings/sheet.xlsx", zipOf(t, text, entry{"xl/media/image1.png", "bill"})})
	d := dump.New(options())
	defer d.Close()
	require.NoError(t, d.Add(t.Context(), write(t, dir, "a.docx", document), write(t, dir, "b", document), write(t, dir, "empty.pptx", zipOf(t, text)), write(t, dir, "old.docx", "\xd0\xcf\x11\xe0")))
	assert.Equal(t, []string{
		"a.docx!word/embeddings/sheet.xlsx!xl/media/image1.png: bill", "a.docx!word/media/image1.jpg: card",
		"b!word/embeddings/sheet.xlsx!xl/media/image1.png: bill", "b!word/media/image1.jpg: card",
		"empty.pptx: ! not a picture: an archive or a document in which no picture is", "old.docx: \xd0\xcf\x11\xe0",
	}, contents(t, d, dir))
}

// Archives that this process opens are read in bounded time and memory, whatever they are, and none is passed over.
func FuzzArchives(f *testing.F) {
	kinds := []string{"a.zip", "a.docx", "a.tar", "a.tgz", "a.gz"}
	inner := zipOf(f, entry{"x.jpg", "x"}, entry{"x.jpg", "again"})
	for i, seed := range []string{inner, zipOf(f, entry{"word/media/a.png", "a"}), tarOf(f, entry{"in.zip", inner}, entry{"b/c.jpg", "c"}) + tarOf(f, entry{"d.jpg", "d"}),
		gzipOf(f, tarOf(f, entry{"e.jpg", "e"})), gzipOf(f, "one") + gzipOf(f, "two")} {
		f.Add(uint8(i), seed)
	}
	f.Fuzz(func(t *testing.T, kind uint8, text string) {
		d := dump.New(dump.Options{MaxFiles: 100, MaxPDF: 1000, MaxUnpacked: 1 << 20})
		require.NoError(t, d.AddFS(t.Context(), fstest.MapFS{kinds[int(kind)%len(kinds)]: {Data: []byte(text)}}, ""))
		contents(t, d, "")
		require.True(t, len(d.Files) > 0 || len(d.Containers) > 0)
		require.NoError(t, d.Close())
	})
}

func TestFS(t *testing.T) {
	fsys := fstest.MapFS{"b.zip": {Data: []byte(zipOf(t, entry{"x.jpg", "x"}))}, "a.jpg": {Data: []byte("a")}, "p": {Mode: os.ModeNamedPipe}}
	d := dump.New(options())
	defer d.Close()
	require.NoError(t, d.AddFS(t.Context(), fsys, ""))
	require.Equal(t, []string{"a.jpg: a", "b.zip!x.jpg: x", "p: ! not a regular file"}, contents(t, d, ""))
}

// Names are what the system has: bytes, which need not be UTF-8.
func TestFoldersWithNamesThatAreNoUTF8(t *testing.T) {
	if runtime.GOOS != "linux" {
		skip.Test(t, "its file systems may have no such names")
	}
	dir := t.TempDir()
	write(t, dir, "r\xe9sum\xe9.jpg", "latin 1")
	write(t, dir, "\xff\xfe/a.jpg", "below")
	write(t, dir, "\xff\xfe/b\x80.zip", zipOf(t, entry{"x\xff.jpg", "in zip"}))
	write(t, dir, "\xff\xfe/.DS_Store", "")
	write(t, dir, "z.jpg", "z")
	require.NoError(t, os.Symlink(filepath.Join(dir, "z.jpg"), filepath.Join(dir, "l\xff.jpg")))
	want := []string{"l\xff.jpg: ! not a regular file", "r\xe9sum\xe9.jpg: latin 1", "z.jpg: z",
		"\xff\xfe/a.jpg: below", "\xff\xfe/b\x80.zip!x\xff.jpg: in zip"}
	linked := filepath.Join(t.TempDir(), "li\xffnk")
	require.NoError(t, os.Symlink(dir, linked))
	for _, path := range []string{dir, dir + "/", linked} {
		d := dump.New(options())
		defer d.Close()
		require.NoError(t, d.Add(t.Context(), path))
		require.Equal(t, want, contents(t, d, strings.TrimSuffix(path, "/")), path)
	}
}

func TestEncryptedEntries(t *testing.T) {
	data := []byte(zipOf(t, entry{"a.jpg", "a"}, entry{"b.jpg", "b"}))
	central := bytes.Index(data, []byte("PK\x01\x02"))
	data[central+8] |= 1 // general purpose bit flag of the first entry
	d := dump.New(options())
	defer d.Close()
	dir := t.TempDir()
	require.NoError(t, d.Add(t.Context(), write(t, dir, "a.zip", string(data))))
	require.Equal(t, []string{"a.zip!a.jpg: ! encrypted in its archive", "a.zip!b.jpg: b"}, contents(t, d, dir))
}

func TestLimits(t *testing.T) {
	dir := t.TempDir()
	var many []entry
	for i := range 20 {
		many = append(many, entry{fmt.Sprint(i, ".jpg"), "x"})
	}
	o := options()
	o.MaxFiles = 30
	for _, p := range []string{write(t, dir, "many.zip", zipOf(t, many...)), write(t, dir, "many.tgz", gzipOf(t, tarOf(t, many...))), write(t, dir, "many.pdf", strings.Repeat("x\n", 20))} {
		o.PDF = words
		d := dump.New(o)
		require.NoError(t, d.Add(t.Context(), p, write(t, dir, "few.zip", zipOf(t, many[:5]...)))) // one input does not end the others
		require.Len(t, d.Files, 6)
		require.ErrorContains(t, d.Files[0].Err, "archive: it has more files than are left for one archive")
		require.NoError(t, d.Close())
	}
	plain := filepath.Join(dir, "plain")
	for _, e := range many {
		write(t, plain, e.name, e.text)
	}
	o.MaxFiles = 19
	d := dump.New(o)
	require.ErrorIs(t, d.Add(t.Context(), plain), dump.ErrTooMany)
	o = options()
	o.MaxUnpacked = 10_000
	d = dump.New(o)
	defer d.Close()
	bomb := write(t, dir, "bomb.tgz", gzipOf(t, strings.Repeat("\x00", 1<<20)))
	require.NoError(t, d.Add(t.Context(), bomb, write(t, dir, "b.jpg", "b")))
	few := write(t, dir, "few.tgz", gzipOf(t, tarOf(t, entry{"c.jpg", "c"})))
	require.NoError(t, d.Add(t.Context(), few))
	require.Equal(t, []string{"bomb.tgz: ! archive: more than 5000 bytes would have to be unpacked", "b.jpg: b", "few.tgz!c.jpg: c"}, contents(t, d, dir))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, dump.New(o).Add(ctx, bomb), context.Canceled)
}

// An archive that opens with a password alone is one archive, not many files.
func TestArchivesUnderAPassword(t *testing.T) {
	data := []byte(zipOf(t, entry{"in/", ""}, entry{"in/a.jpg", "a"}, entry{"in/b.jpg", "b"}))
	for at, n := 0, 0; ; n++ {
		i := bytes.Index(data[at:], []byte("PK\x01\x02"))
		if i < 0 {
			break
		}
		if at += i + 8; n > 0 { // the first is the folder
			data[at] |= 1 // general purpose bit flag
		}
	}
	method := []byte(zipOf(t, entry{"a.jpg", "a"}, entry{"b.jpg", "b"}))
	method[bytes.Index(method, []byte("PK\x01\x02"))+10] = 14 // LZMA
	d := dump.New(options())
	defer d.Close()
	dir := t.TempDir()
	require.NoError(t, d.Add(t.Context(), write(t, dir, "a.zip", string(data)), write(t, dir, "b.zip", string(method))))
	require.Equal(t, []string{"a.zip: ! archive: encrypted: unpack it with its password first (files in it: 2)",
		"b.zip!a.jpg: ! compressed in its archive by a method that is not known", "b.zip!b.jpg: b"}, contents(t, d, dir))
}

// What is unpacked is gone when the dump is closed.
func TestTemporaryFiles(t *testing.T) {
	tmp, dir := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Setenv("TMP", tmp)
	d := dump.New(options())
	require.NoError(t, d.Add(t.Context(), write(t, dir, "a.tgz", gzipOf(t, tarOf(t, entry{"a.jpg", "a"})))))
	require.Equal(t, []string{"a.tgz!a.jpg: a"}, contents(t, d, dir))
	require.NoError(t, d.Close())
	left, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, left)
}

// words is a PDF for tests: every word is a page.
func words(ctx context.Context, data []byte, page int) (picture.PDFPage, error) {
	text := strings.Fields(string(data))
	switch {
	case bytes.HasPrefix(data, []byte("no")):
		return picture.PDFPage{}, errors.New("no PDF")
	case page > 0 && text[page-1] == "bad":
		return picture.PDFPage{}, errors.New("bad page")
	case page > 0:
		return picture.PDFPage{Number: page, Of: len(text), File: []byte(text[page-1])}, ctx.Err()
	}
	return picture.PDFPage{Of: len(text), Attached: bytes.Count(data, []byte("attached"))}, ctx.Err()
}

func TestPDFs(t *testing.T) {
	o := options()
	o.MaxPDF, o.PDF = 100, words
	dir := t.TempDir()
	d := dump.New(o)
	require.NoError(t, d.Add(t.Context(),
		write(t, dir, "a.pdf", "one\nbad\nthree"), write(t, dir, "b.PDF", "no"), write(t, dir, "c.pdf", ""), write(t, dir, "e.pdf", "attached"), write(t, dir, "big.pdf", strings.Repeat("x", 101)),
		// two files of one name
		write(t, dir, "d.zip", zipOf(t, entry{"x.pdf", "first"}, entry{"x.pdf", "second"}, entry{"i.zip", zipOf(t, entry{"y.pdf", "nested"})}, entry{"z.pdf", strings.Repeat("x", 101)}))))
	want := []string{
		"a.pdf#page 1: one", "a.pdf#page 2: ! bad page", "a.pdf#page 3: three",
		"b.PDF: ! no PDF", "c.pdf: ! not a picture: an archive or a document in which no picture is", "e.pdf: ! this PDF has attached files or a form (1), which were not looked into: save them beside it", "e.pdf#page 1: attached", "big.pdf: ! file is larger than the limit of 100 bytes",
		"d.zip!i.zip!y.pdf#page 1: nested", "d.zip!x.pdf#page 1: first", "d.zip!x.pdf#page 1: second",
		"d.zip!z.pdf: ! file is larger than the limit of 100 bytes",
	}
	require.Equal(t, want, contents(t, d, dir))
	var wg sync.WaitGroup
	for range 8 {
		for i, f := range d.Files {
			wg.Go(func() {
				text, err := read(t.Context(), f)
				if !strings.Contains(want[i], "! ") {
					assert.NoError(t, err)
					assert.True(t, strings.HasSuffix(want[i], ": "+text), "%s: %s", f.Name, text)
				}
			})
		}
	}
	wg.Wait()
	require.NoError(t, d.Close())
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a.txt", "\ufeffx y.jpg\r\n\n#1.jpg\nlast.jpg")
	z := write(t, dir, "z.txt", "with\nline.jpg\x00two.jpg\x00")
	got, err := dump.Expand([]string{"first.jpg", "@" + a, "-", "@" + z, "./@x"}, strings.NewReader("stdin.jpg\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"first.jpg", "x y.jpg", "#1.jpg", "last.jpg", "stdin.jpg", "with\nline.jpg", "two.jpg", "./@x"}, got)
	_, err = dump.Expand([]string{"@" + dir + "/none"}, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = dump.Expand([]string{"@" + dir}, nil)
	require.ErrorContains(t, err, dir+": not a regular file", "it says which")
}

// What is found of an archive or a PDF is its own digest, however deep it lies and whether or not it can be opened.
func TestContainersAreDigested(t *testing.T) {
	dir := t.TempDir()
	inner := zipOf(t, entry{"in.jpg", "zip in zip"})
	packed := gzipOf(t, tarOf(t, entry{"x.jpg", "x"})) + strings.Repeat("behind its end", 5000)
	want := map[string]string{
		"a.zip": zipOf(t, entry{"y.jpg", "y"}, entry{"inner.zip", inner}), "a.zip!inner.zip": inner,
		"b.tar": tarOf(t, entry{"scan.pdf", "2 pictures"}), "b.tar!scan.pdf": "2 pictures",
		"c.tgz": packed, "d.zip": "no archive", "e.tar.gz": "no archive either",
	}
	for name, text := range want {
		if !strings.Contains(name, "!") {
			write(t, dir, name, text)
		}
	}
	o := options()
	o.PDF = words
	d := dump.New(o)
	defer d.Close()
	require.NoError(t, d.Add(t.Context(), dir))
	got := make(map[string]dump.Container)
	for _, c := range d.Containers {
		name := filepath.ToSlash(strings.TrimPrefix(c.Name, dir+string(filepath.Separator)))
		require.NotContains(t, got, name, "once")
		got[name] = c
	}
	require.Len(t, got, len(want))
	for name, text := range want {
		assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte(text))), got[name].Sum, name)
		assert.Equal(t, int64(len(text)), got[name].Size, name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f.pdf"), []byte("1 picture"), 0o600))
	d = dump.New(o)
	defer d.Close()
	require.NoError(t, d.Add(t.Context(), filepath.Join(dir, "f.pdf"), filepath.Join(dir, "b.tar"), filepath.Join(dir, "b.tar"), filepath.Join(dir, "b.tar")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f.pdf"), []byte("2 picture"), 0o600))
	_, err := read(t.Context(), d.Files[0])
	require.ErrorContains(t, err, "changed while it was read", "when it is opened again")
}
