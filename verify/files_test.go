package verify_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/jpeg"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify"
	"github.com/kycmark/kycmark/verify/books"
	"github.com/kycmark/kycmark/verify/findings"
	"github.com/kycmark/kycmark/verify/leaktest"
	"github.com/kycmark/kycmark/verify/registry"
	"github.com/kycmark/kycmark/watermark"
)

// dot is a small picture, another for each number.
func dot(t *testing.T, n int) []byte {
	t.Helper()
	return file(t, imaging.New(8+n, 8, image.White), "png")
}

// searcher is an investigator with an empty registry whose reading takes longer
// the smaller the picture, so that results come out of order.
func searcher(t *testing.T, change ...func(*setup)) *verify.Investigation {
	t.Helper()
	cfg := investigating(leaktest.Config(t))
	cfg.Workers = 4
	for _, f := range change {
		f(&cfg)
	}
	v := newInvestigator(t, cfg)
	v.SetDetect(func(ctx context.Context, _ *watermark.Key, img image.Image) (*watermark.Detection, error) {
		select {
		case <-time.After(time.Duration(40-img.Bounds().Dx()) * time.Millisecond / 4):
			return &watermark.Detection{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	return v
}

func names(t *testing.T, seq func(func(*findings.Finding, error) bool)) (files []string, kinds map[string]findings.Kind) {
	t.Helper()
	kinds = make(map[string]findings.Kind)
	for v, err := range seq {
		require.NoError(t, err)
		files = append(files, v.File)
		kinds[v.File] = v.Kind
	}
	return files, kinds
}

func TestInvestigateFS(t *testing.T) {
	fsys := fstest.MapFS{
		"b/2.png": {Data: dot(t, 1)}, "a.png": {Data: dot(t, 2)}, "b/1.png": {Data: dot(t, 3)}, "z.png": {Data: dot(t, 4)},
		"bad.jpg": {Data: []byte("no picture")}, "empty.png": {}, ".hidden": {Data: dot(t, 5)}, ".in/x.png": {Data: dot(t, 6)}, ".DS_Store": {Data: []byte("\x00\x00\x00\x01Bud1")}, "b/Thumbs.db": {}, "b/._1.png": {}, "b/._2.png": {Data: dot(t, 7)}, // litter, and a picture that is called so
		"pipe.png": {Mode: fs.ModeNamedPipe},
	}
	want := []string{".hidden", ".in/x.png", "a.png", "b/._2.png", "b/1.png", "b/2.png", "bad.jpg", "empty.png", "pipe.png", "z.png"}
	var progress []string
	v := searcher(t, func(c *setup) {
		c.Progress = func(done, total int) { progress = append(progress, fmt.Sprint(done, "/", total)) }
	})
	for range 2 {
		files, kinds := names(t, v.FS(t.Context(), fsys))
		require.Equal(t, want, files)
		require.Equal(t, findings.FoundNoPicture, kinds["bad.jpg"])
		require.Equal(t, findings.FoundDamaged, kinds["empty.png"])
		require.Equal(t, findings.FoundUnopened, kinds["pipe.png"])
		require.Equal(t, findings.FoundUnknown, kinds["z.png"])
	}
	require.Equal(t, "1/10", progress[0])
	require.Equal(t, "10/10", progress[19])
}

// A restless file system has another a.jpg each time.
type restless struct {
	fstest.MapFS
	n byte
}

func (r *restless) Open(name string) (fs.File, error) {
	if name != "a.jpg" {
		return r.MapFS.Open(name)
	}
	r.n++
	return fstest.MapFS{name: {Data: append(slices.Clone(r.MapFS[name].Data), r.n)}}.Open(name)
}

// Opponent's story: a file is exchanged after its digest was entered into the ledger. The report accused by bytes that no entry has.
func TestFileThatChangesMeanwhile(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Workers = 1
	data := file(t, c.marked, "jpeg")
	got := make(map[string]*findings.Finding)
	for l, err := range c.investigator(t, noMark).FS(t.Context(), &restless{MapFS: fstest.MapFS{"a.jpg": {Data: data}, "b.jpg": {Data: data}}}) {
		require.NoError(t, err)
		got[l.File] = l
	}
	require.Equal(t, findings.FoundUnopened, got["a.jpg"].Kind)
	require.Contains(t, got["a.jpg"].Error, "the file was altered since the examination began")
	require.Equal(t, findings.FoundCopy, got["b.jpg"].Kind)
}

// Opponent's story: one file makes the program panic. The service dies with it, and dies again when it goes on.
func TestPanicCostsOneFile(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	data := file(t, c.marked, "jpeg")
	broken := func(ctx context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		if img.Bounds().Dx() == 300 {
			dsp.Together(func() {}, func() { panic("index out of range") })
		}
		return noMark(ctx, k, img)
	}
	got := make(map[string]*findings.Finding)
	for l, err := range c.investigator(t, broken).FS(t.Context(), fstest.MapFS{"a.jpg": {Data: data}, "b.png": {Data: file(t, imaging.Resize(c.marked, 300, 0, imaging.Box), "png")}, "c.jpg": {Data: append(data, 0)}}) {
		require.NoError(t, err)
		got[l.File] = l
	}
	require.Equal(t, findings.FoundUnopened, got["b.png"].Kind)
	require.Contains(t, got["b.png"].Error, "the program failed: index out of range")
	require.Equal(t, findings.FoundCopy, got["a.jpg"].Kind)
	require.Equal(t, findings.FoundCopy, got["c.jpg"].Kind)
}

func TestInvestigateFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	one := write("one.png", dot(t, 1))
	write("dump/sub/2.png", dot(t, 2))
	write("dump/1.png", dot(t, 3))
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for i, name := range []string{"y.png", "in/x.png", "in/", ".DS_Store"} {
		w, err := z.Create(name)
		require.NoError(t, err)
		switch name {
		case "in/":
		case ".DS_Store":
			_, err = w.Write([]byte("\x00\x00\x00\x01Bud1"))
		default:
			_, err = w.Write(dot(t, i))
		}
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	zipped := write("all.ZIP", archive.Bytes())
	badZip := write("bad.zip", []byte("PK"))
	dump := filepath.Join(dir, "dump")

	v := searcher(t)
	files, kinds := names(t, v.Files(t.Context(), zipped, dump, one, badZip))
	require.Equal(t, []string{
		zipped + "!in/x.png", zipped + "!y.png",
		filepath.Join(dump, "1.png"), filepath.Join(dump, "sub", "2.png"), one, badZip,
	}, files)
	require.Equal(t, findings.FoundUnopened, kinds[badZip])
	require.Equal(t, findings.FoundUnknown, kinds[zipped+"!y.png"])

	missing := filepath.Join(dir, "missing")
	files, kinds = names(t, v.Files(t.Context(), missing, one))
	require.Equal(t, []string{missing, one}, files, "one bad input does not stop the others")
	require.Equal(t, findings.FoundMissing, kinds[missing])
}

func TestLimitsOfDumps(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 6 {
		fsys[fmt.Sprintf("%d.png", i)] = &fstest.MapFile{Data: dot(t, i)}
	}
	v := searcher(t, func(c *setup) { c.MaxFiles = 5 })
	n := 0
	for _, err := range v.FS(t.Context(), fsys) {
		require.ErrorIs(t, err, registry.ErrLimit)
		n++
	}
	require.Equal(t, 1, n)

	v = searcher(t, func(c *setup) { c.MaxBytes = 40 })
	for _, err := range v.FS(t.Context(), fsys) {
		var nothing *verify.NothingError
		require.ErrorAs(t, err, &nothing)
		for _, got := range nothing.Files {
			assert.Equal(t, findings.FoundUnopened, got.Kind)
			assert.Contains(t, got.Error, "limit")
			assert.Positive(t, got.Size)
		}
	}
}

func TestTheWalkCanBeLeftAndCancelled(t *testing.T) {
	fsys := fstest.MapFS{}
	for i := range 60 {
		fsys[fmt.Sprintf("%02d.png", i)] = &fstest.MapFile{Data: dot(t, i%20)}
	}
	before := runtime.NumGoroutine()
	v := searcher(t)
	n := 0
	for range v.FS(t.Context(), fsys) {
		if n++; n == 5 {
			break
		}
	}
	require.Equal(t, 5, n)

	ctx, cancel := context.WithCancel(t.Context())
	var last error
	n = 0
	for _, err := range v.FS(ctx, fsys) {
		if last = err; err != nil {
			break
		}
		if n++; n == 3 {
			cancel()
		}
	}
	cancel()
	require.ErrorIs(t, last, context.Canceled)
	require.Less(t, n, 60)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, time.Minute, 10*time.Millisecond,
		"the walk owns its goroutines")
}

// Parallel or not, the verdicts are the same.
func TestWorkersDoNotChangeVerdicts(t *testing.T) {
	t.Parallel()
	c := newCase(t)
	c.Keys = nil // what is traced, others test
	fsys := fstest.MapFS{
		"a.png": {Data: file(t, c.first, "jpeg")}, "b.png": {Data: file(t, imaging.New(300, 200, image.White), "jpeg")},
		"d.png": {Data: file(t, imaging.Crop(passport(7), image.Rect(0, 0, 300, 250)), "jpeg")}, "e.png": {Data: []byte("x")},
	}
	var want []*findings.Finding
	for _, workers := range []int{5, 1} {
		c.Workers = workers
		var got []*findings.Finding
		for v, err := range c.investigator(t, noMark).FS(t.Context(), fsys) {
			require.NoError(t, err)
			got = append(got, v)
		}
		if want == nil {
			want = got
		}
		require.Equal(t, want, got)
	}
}

// More workers than files are no more than files.
func TestManyWorkers(t *testing.T) {
	v := searcher(t, func(c *setup) { c.Workers = math.MaxInt })
	files, _ := names(t, v.FS(t.Context(), fstest.MapFS{"a.png": {Data: dot(t, 1)}, "b.png": {Data: dot(t, 2)}}))
	require.Equal(t, []string{"a.png", "b.png"}, files)
}

// The pages of a PDF are leaks of their own, a bad one among them is damaged, and so is a PDF where nobody opens PDFs.
func TestPDFsInDumps(t *testing.T) {
	fsys := fstest.MapFS{"a.pdf": {Data: []byte("%PDF-1.7 a")}, "b.pdf": {Data: []byte("none")}, "c.png": {Data: dot(t, 1)}}
	v := searcher(t, func(c *setup) {
		c.LeakedPDF = func(_ context.Context, data []byte, page int, _ func(int64) error) (registry.PDFPage, error) {
			switch {
			case string(data) == "none":
				return registry.PDFPage{}, errors.New("no PDF")
			case page == 2:
				return registry.PDFPage{}, errors.New("the page cannot be read")
			}
			return registry.PDFPage{Number: page, Of: 3, File: dot(t, 1+page)}, nil
		}
	})
	files, kinds := names(t, v.FS(t.Context(), fsys))
	require.Equal(t, []string{"a.pdf#page 1", "a.pdf#page 2", "a.pdf#page 3", "b.pdf", "c.png"}, files)
	require.Equal(t, findings.FoundUnknown, kinds["a.pdf#page 1"])
	require.Equal(t, findings.FoundUnopened, kinds["a.pdf#page 2"])
	require.Equal(t, findings.FoundUnknown, kinds["a.pdf#page 3"])
	require.Equal(t, findings.FoundUnopened, kinds["b.pdf"])

	_, kinds = names(t, searcher(t).FS(t.Context(), fstest.MapFS{"a.pdf": fsys["a.pdf"], "c.png": fsys["c.png"]}))
	require.Equal(t, findings.FoundUnsupported, kinds["a.pdf"])
}

// Archives are opened wherever they lie.
func TestArchivesInDumps(t *testing.T) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for i, name := range []string{"b.png", "a.png"} {
		data := dot(t, i)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600}))
		_, err := w.Write(data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	files, kinds := names(t, searcher(t).FS(t.Context(), fstest.MapFS{"in/x.tar": {Data: archive.Bytes()}}))
	require.Equal(t, []string{"in/x.tar!a.png", "in/x.tar!b.png"}, files)
	require.Equal(t, findings.FoundUnknown, kinds["in/x.tar!a.png"])
}

// Opponent's story: a small copy of another recipient lies behind the end of a leaked copy, is taken for its preview, and one
// recipient alone is accused. And two PDFs in one file are taken for one.
func TestCopiesBehindCopies(t *testing.T) {
	cfg := leaktest.Config(t)
	s := newIssuer(t, cfg)
	sub := submit(t, s, file(t, specimen.Render(specimen.Passport, specimen.NewPerson(3), 700), "jpeg"), "p", feb)
	ids := make(map[string]watermark.CopyID)
	copyFor := func(to string) []byte {
		require.NoError(t, cfg.Registry.AddRecipient(t.Context(), books.Recipient{Name: to, Kind: books.KindVendor}))
		var out bytes.Buffer
		c, err := s.Issue(t.Context(), sub.ID, to, registry.WriteTo(&out), nil)
		require.NoError(t, err)
		ids[to] = c.ID
		return out.Bytes()
	}
	shrunk := func(data []byte, side int) []byte {
		img, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		return file(t, imaging.Fit(img, side, side, imaging.Lanczos), "jpeg")
	}
	a, b := copyFor("vendor A"), copyFor("vendor B")
	for name, c := range map[string]struct {
		data []byte
		want []string
	}{
		"another recipient's": {append(bytes.Clone(a), shrunk(b, 450)...), []string{"vendor A", "vendor B"}},
		"its own":             {append(bytes.Clone(a), shrunk(a, 450)...), []string{"vendor A"}},
		"a thumbnail":         {append(bytes.Clone(a), shrunk(b, 160)...), []string{"vendor A"}},
	} {
		v := newInvestigator(t, investigating(cfg))
		var got, want []watermark.CopyID
		for _, to := range c.want {
			want = append(want, ids[to])
		}
		for f, err := range v.FS(t.Context(), fstest.MapFS{"leak.jpg": {Data: c.data}}) {
			require.NoError(t, err)
			for _, r := range f.Reads {
				got = append(got, r.Copy)
			}
		}
		assert.Equal(t, want, got, name)
	}
}

// Opponent's story: a copy in a format that is not read lies in a chunk of another picture, and the dump is cleared.
func TestUnreadPicturesInPictures(t *testing.T) {
	jpg := file(t, specimen.Render(specimen.Passport, specimen.NewPerson(3), 300), "jpeg")
	arithmetic, cut := bytes.Clone(jpg), jpg[:700]
	arithmetic[bytes.Index(jpg, []byte("\xff\xc0"))+1] = 0xc9
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x05\x00" + string(exifEntry(256)) + string(exifEntry(257)) + string(exifEntry(258)) + string(exifEntry(262)) + string(exifEntry(277)) + "\x00\x00\x00\x00"
	for name, c := range map[string]struct {
		part string
		want findings.Kind
	}{
		"arithmetic":  {string(arithmetic), findings.FoundUnsupported},
		"JPEG 2000":   {"\x00\x00\x00\x0cjP  \r\n\x87\n\x00\x00\x00\x14ftypjp2 \x00\x00\x00\x00jp2 ", findings.FoundUnsupported},
		"damaged":     {string(cut), findings.FoundDamaged},
		"a CMYK TIFF": {"II*\x00\x08\x00\x00\x00\x05\x00" + string(exifEntry(256)) + string(exifEntry(257)) + string(exifEntry(258)) + string(exifEntry(262)) + string(exifEntry(273)) + strings.Repeat("\x00", 30), findings.FoundUnsupported},
		"chance":      {"\xff\xd8\xff\xe2\x40\x00" + strings.Repeat("\x01", 600), ""},
		"EXIF":        {exif + strings.Repeat("\x00", 30), ""},
	} {
		dot := dot(t, 1) // the signature and the header have 33 bytes
		chunk := append(binary.BigEndian.AppendUint32(nil, uint32(len(c.part))), "prVt"+c.part...)
		chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
		files, kinds := names(t, searcher(t).FS(t.Context(), fstest.MapFS{"a.png": {Data: slices.Concat(dot[:33], chunk, dot[33:])}}))
		require.Len(t, files, 1+min(len(c.want), 1), "%s: %v", name, kinds)
		require.Equal(t, c.want, kinds[files[len(files)-1]][:len(c.want)], name)
	}
}

// exifEntry is an entry of a directory as TIFF and EXIF have it, with the value 5.
func exifEntry(tag uint16) []byte {
	return append(binary.LittleEndian.AppendUint16(nil, tag), 3, 0, 1, 0, 0, 0, 5, 0, 0, 0)
}

// Opponent's story: what a file is depends on which of two files with its bytes was ready first.
func TestKindOfTheSameBytes(t *testing.T) {
	junk := []byte("\x00\x01\x02\x80 neither a picture nor a text")
	_, kinds := names(t, searcher(t, func(c *setup) { c.Workers = 1 }).FS(t.Context(), fstest.MapFS{"a.xyz": {Data: junk}, "b.jpg": {Data: junk}, "c.png": {Data: dot(t, 1)}, "d.xyz": {Data: junk}}))
	require.Equal(t, map[string]findings.Kind{"a.xyz": findings.FoundNoPicture, "b.jpg": findings.FoundDamaged, "c.png": findings.FoundUnknown, "d.xyz": findings.FoundNoPicture}, kinds)
}

// Opponent's story: an archive has two pictures of one name. A small version of the first, in the file of the second, is dropped.
func TestPreviewsInFilesOfOneName(t *testing.T) {
	blank := specimen.NewBlank(specimen.Passport, 500)
	shot := func(person uint64, side int) []byte {
		img := specimen.Photograph(blank.Fill(specimen.NewPerson(person)), 5, 600, 450)
		return file(t, imaging.Fit(img, side, side, imaging.Lanczos), "jpeg")
	}
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, person := range []uint64{1, 2} {
		w, err := z.Create("a.jpg")
		require.NoError(t, err)
		_, err = w.Write(slices.Concat(shot(person, 600), shot(1, 200)))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	files, _ := names(t, searcher(t).FS(t.Context(), fstest.MapFS{"x.zip": {Data: archive.Bytes()}}))
	require.Equal(t, []string{"x.zip!a.jpg", "x.zip!a.jpg", fmt.Sprintf("x.zip!a.jpg!byte %d.jpg", len(shot(2, 600)))}, files)
}
