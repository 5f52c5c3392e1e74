package dump_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/tiff"
)

// tiffOf is a TIFF of n pages; page k is k pixels wide.
func tiffOf(t *testing.T, n int) string {
	t.Helper()
	var files [][]byte
	for k := range n {
		page := image.NewNRGBA(image.Rect(0, 0, k+1, 5))
		page.Set(0, 0, color.NRGBA{uint8(k), 9, 9, 255})
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, page, "tiff", 0))
		files = append(files, b.Bytes())
	}
	var b bytes.Buffer
	require.NoError(t, tiff.Join(&b, files))
	return b.String()
}

// countedReads counts the files that are opened.
type countedReads struct {
	fs.FS
	n *int
}

func (c countedReads) Open(name string) (fs.File, error) {
	if name != "." {
		*c.n++
	}
	return c.FS.Open(name)
}

// The pages of a TIFF are files of their own, wherever it lies and whatever it is called.
func TestPages(t *testing.T) {
	o := options()
	o.MaxPDF = 1 << 20
	dir, three := t.TempDir(), tiffOf(t, 3)
	d := dump.New(o)
	defer d.Close()
	bare := write(t, dir, "bare", three)
	require.NoError(t, d.Add(t.Context(), write(t, dir, "a.tif", three), write(t, dir, "one.tiff", tiffOf(t, 1)), bare,
		write(t, dir, "cut.tif", three[:len(three)/2]), write(t, dir, "long.tif", tiffOf(t, codec.MaxPages+1)),
		write(t, dir, "big.tif", three+string(make([]byte, 1<<20))), write(t, dir, "z.zip", zipOf(t, entry{"s.TIF", three}))))
	var got []string
	for _, f := range d.Files {
		text, err := read(t.Context(), f)
		require.NoError(t, err)
		pic, err := picture.Decode([]byte(text), picture.Limits{})
		size := "broken"
		if err == nil {
			size = fmt.Sprintf("%d of %d", pic.Image.Rect.Dx(), pic.Pages)
		}
		got = append(got, f.Name[len(dir)+1:]+": "+size)
	}
	assert.Equal(t, []string{"a.tif#page 1: 1 of 1", "a.tif#page 2: 2 of 1", "a.tif#page 3: 3 of 1", "one.tiff: 1 of 1",
		"bare#page 1: 1 of 1", "bare#page 2: 2 of 1", "bare#page 3: 3 of 1", "cut.tif: 1 of 2", "long.tif: 1 of 201", "big.tif: 1 of 3",
		"z.zip!s.TIF#page 1: 1 of 1", "z.zip!s.TIF#page 2: 2 of 1", "z.zip!s.TIF#page 3: 3 of 1"}, got)
	assert.Len(t, d.Containers, 4)

	reads := 0
	long := dump.New(o)
	defer long.Close()
	require.NoError(t, long.AddFS(t.Context(), countedReads{fstest.MapFS{"a.tif": {Data: []byte(tiffOf(t, 50))}}, &reads}, ""))
	require.Len(t, long.Files, 50)
	for _, f := range long.Files {
		_, err := read(t.Context(), f)
		require.NoError(t, err)
	}
	assert.Equal(t, 4, reads, "for its first bytes, to be listed, for its end, and for all pages")
	require.NoError(t, os.WriteFile(bare, []byte(tiffOf(t, 2)), 0o600))
	_, err := read(t.Context(), d.Files[4])
	require.ErrorContains(t, err, "changed")
}

// Opponent's story: a picture lies behind a TIFF or a 7z, or is attached to a mail that has the name of a TIFF, and is not examined.
func TestBehindATIFF(t *testing.T) {
	small := func(w int) string {
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, w, 9))))
		return b.String()
	}
	archive, err := os.ReadFile("../unpack/testdata/two.7z")
	require.NoError(t, err)
	o := options()
	o.MaxPDF, o.Unpack = 1<<20, func(_ context.Context, _ string, _ *os.File, list func(string, bool, io.Reader) error) error {
		return list("notes.txt", true, strings.NewReader("notes"))
	}
	d := dump.New(o)
	defer d.Close()
	require.NoError(t, d.AddFS(t.Context(), fstest.MapFS{
		"a.tif": {Data: []byte(tiffOf(t, 2) + small(40))}, "b.bin": {Data: []byte(tiffOf(t, 1) + small(41))},
		"c.tif": {Data: []byte("To: x\n\n" + base64.StdEncoding.EncodeToString([]byte(small(42))) + "\n")},
		"d.7z":  {Data: []byte(string(archive) + small(43))},
		"e.rar": {Data: []byte("Rar!\x1a\x07\x01\x00" + strings.Repeat("packed ", 9) + "\x1d\x77\x56\x51\x03\x05\x04\x00" + small(44))},
		"f":     {Data: []byte("SQLite format 3\x00\x02\x00" + strings.Repeat("\x00", 13) + "\x01" + strings.Repeat("\x00", 480) + small(45))},
	}, ""))
	var got []int
	for _, f := range d.Files {
		text, err := read(t.Context(), f)
		require.NoError(t, err, f.Name)
		if pic, err := picture.Decode([]byte(text), picture.Limits{}); err == nil && pic.Image.Rect.Dx() >= 40 {
			got = append(got, pic.Image.Rect.Dx())
		}
	}
	assert.Equal(t, []int{40, 41, 42, 43, 44, 45}, got)
}

// Opponent's story: a few PDFs with much behind their end take all memory for the whole run.
func TestTailOfAPDFIsNotHeld(t *testing.T) {
	o := options()
	o.MaxPDF, o.PDF = 1<<26, func(context.Context, []byte, int) (picture.PDFPage, error) { return picture.PDFPage{Of: 1}, nil }
	d := dump.New(o)
	defer d.Close()
	path := write(t, t.TempDir(), "a.pdf", "%PDF-1.4\n"+strings.Repeat("1 0 obj ", 9)+"%%EOF\n of a %PDF-"+strings.Repeat("\x00", 1<<25))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	require.NoError(t, d.Add(t.Context(), path))
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Len(t, d.Files, 2)
	assert.Equal(t, path+"!behind its end", d.Files[0].Name)
	text, err := read(t.Context(), d.Files[0])
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(text, "%%EOF\n of a %PDF-\x00"))
	assert.EqualValues(t, len(text), d.Files[0].Size)
	assert.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(1<<24))
}
