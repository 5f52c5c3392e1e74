package dump_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/picture"
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
	require.NoError(t, picture.JoinTIFF(&b, files))
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
		write(t, dir, "cut.tif", three[:len(three)/2]), write(t, dir, "long.tif", tiffOf(t, picture.MaxPages+1)),
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
	assert.Equal(t, 2, reads, "to be listed, and for all pages")
	require.NoError(t, os.WriteFile(bare, []byte(tiffOf(t, 2)), 0o600))
	_, err := read(t.Context(), d.Files[4])
	require.ErrorContains(t, err, "changed")
}

// A thumbnail that shows something else than its JPEG is a file of its own, so that what was covered later is still
// found. A thumbnail of the same picture, and a small one, are not listed.
func TestThumbnails(t *testing.T) {
	shot := image.NewNRGBA(image.Rect(0, 0, 800, 600))
	for i := range shot.Pix {
		shot.Pix[i] = uint8(i / 32000 * 9)
		if i%4 == 3 {
			shot.Pix[i] = 255
		}
	}
	covered := imaging.Paste(shot, imaging.New(300, 200, color.White), image.Pt(60, 60))
	file := func(img image.Image) []byte {
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, img, "jpeg", 90))
		return b.Bytes()
	}
	large, small := file(imaging.Resize(shot, 400, 0, imaging.Box)), file(imaging.Resize(shot, 160, 0, imaging.Box))
	with := func(img image.Image, thumbnail []byte) string {
		le, main := binary.LittleEndian, file(img)
		exif := []byte("Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00\x0e\x00\x00\x00\x02\x00") // an empty directory, and one of two entries
		for tag, v := range map[uint16]int{513: 14 + 2 + 24 + 4, 514: len(thumbnail)} {
			exif = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(exif, tag), 4), 1), uint32(v))
		}
		exif = append(le.AppendUint32(exif, 0), thumbnail...)
		head := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(len(exif)+2))
		return string(head) + string(exif) + string(main[2:])
	}
	o := options()
	o.MaxPDF = 1 << 20
	d, dir := dump.New(o), t.TempDir()
	defer d.Close()
	require.NoError(t, d.Add(t.Context(), write(t, dir, "covered.jpg", with(covered, large)), write(t, dir, "same.jpg", with(shot, large)),
		write(t, dir, "small.jpg", with(covered, small)), write(t, dir, "z.zip", zipOf(t, entry{"broken.jpg", with(covered, large)[:len(large)+100]}))))
	var got []string
	for _, f := range d.Files {
		got = append(got, strings.TrimPrefix(f.Name, dir+"/"))
	}
	assert.Equal(t, []string{"covered.jpg", "covered.jpg#thumbnail", "same.jpg", "small.jpg", "z.zip!broken.jpg", "z.zip!broken.jpg#thumbnail"}, got)
	r, err := d.Files[1].Open(t.Context())
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(large, data))
}
