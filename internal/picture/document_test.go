package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	xtiff "golang.org/x/image/tiff"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	"github.com/kycmark/kycmark/internal/picture/tiff"
)

// joined is a TIFF of these pages, as our encoder writes it.
func joined(t testing.TB, pages ...image.Image) []byte {
	t.Helper()
	var files [][]byte
	for _, p := range pages {
		var b bytes.Buffer
		require.NoError(t, picture.Encode(&b, p, "tiff", 0))
		files = append(files, b.Bytes())
	}
	var out bytes.Buffer
	require.NoError(t, tiff.Join(&out, files))
	return out.Bytes()
}

// Every page is read as it was written, in its place, and each alone is a file of one page.
func TestEachPageIsRead(t *testing.T) {
	pages := []*image.NRGBA{pattern(31, 20), blocks(64, 48), pattern(20, 31)}
	file := joined(t, pages[0], pages[1], pages[2])
	whole, err := picture.Decode(file, picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, 3, whole.Pages)
	samePixels(t, pages[0], whole.Image)
	d, err := picture.OpenDocument(file, picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, 3, d.Pages())
	before := bytes.Clone(file)
	for k, want := range pages {
		pic, err := picture.Decode(d.Page(k+1), picture.Limits{})
		require.NoError(t, err)
		require.Equal(t, 1, pic.Pages)
		samePixels(t, want, pic.Image, k)
	}
	require.Equal(t, before, file, "a file is only read")
}

// A thumbnail, as cameras add it, is no page.
func TestThumbnailIsNoPage(t *testing.T) {
	file := rgbTIFF(binary.LittleEndian, pattern(31, 20))
	le := binary.LittleEndian
	at := le.Uint32(file[4:])
	le.PutUint32(file[at+2+12*uint32(le.Uint16(file[at:])):], uint32(len(file)))
	file = le.AppendUint16(file, 2)
	for _, e := range [][4]uint32{{259, 3, 1, 6}, {513, 4, 1, 8}} {
		file = le.AppendUint16(le.AppendUint16(file, uint16(e[0])), uint16(e[1]))
		file = le.AppendUint32(le.AppendUint32(file, e[2]), e[3])
	}
	file = le.AppendUint32(file, 0)
	d, err := picture.OpenDocument(file, picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, 1, d.Pages())
	pic, err := picture.Decode(file, picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, 1, pic.Pages)
}

// Copies have a profile and EXIF, whose places move with their page.
func TestJoinedPagesKeepMetadata(t *testing.T) {
	profile := bytes.Repeat([]byte("rgb profile "), 50)
	src := picture.Source{Format: "tiff", ICC: profile}
	var files [][]byte
	for k := range 3 {
		var b bytes.Buffer
		require.NoError(t, picture.EncodeLike(&b, pattern(40+k, 30), src, picture.LikeOptions{KeepEXIF: true}))
		files = append(files, b.Bytes())
	}
	var out bytes.Buffer
	require.NoError(t, tiff.Join(&out, files))
	d, err := picture.OpenDocument(out.Bytes(), picture.Limits{})
	require.NoError(t, err)
	require.Equal(t, 3, d.Pages())
	for k := range 3 {
		pic, err := picture.Decode(d.Page(k+1), picture.Limits{})
		require.NoError(t, err)
		assert.Equal(t, 40+k, pic.Image.Rect.Dx())
		assert.Equal(t, picture.SourceOf("tiff", files[k]).ICC, pic.Source.ICC)
	}
	require.Error(t, tiff.Join(&out, [][]byte{files[0], []byte("no TIFF")}))
}

// chained is a TIFF of many directories that share one picture's pixels, w x h as the header says.
func chained(n int, w, h uint32) []byte {
	var b bytes.Buffer
	must(xtiff.Encode(&b, pattern(16, 16), nil))
	file := b.Bytes()
	le := binary.LittleEndian
	at := le.Uint32(file[4:])
	dir := bytes.Clone(file[at : at+2+12*uint32(le.Uint16(file[at:]))+4])
	for e := 2; e+12 <= len(dir); e += 12 {
		switch le.Uint16(dir[e:]) {
		case 256:
			le.PutUint16(dir[e+2:], 4)
			le.PutUint32(dir[e+8:], w)
		case 257:
			le.PutUint16(dir[e+2:], 4)
			le.PutUint32(dir[e+8:], h)
		}
	}
	link := 4
	for range n {
		le.PutUint32(file[link:], uint32(len(file)))
		file = append(file, dir...)
		link = len(file) - 4
	}
	le.PutUint32(file[link:], 0)
	return file
}

// A document that would cost too much, or lacks pages, is refused before a page is decoded.
func TestHostileDocuments(t *testing.T) {
	open := func(file []byte) error {
		d, err := picture.OpenDocument(file, picture.Limits{})
		if err == nil {
			assert.GreaterOrEqual(t, d.Pages(), 1)
		}
		return err
	}
	require.NoError(t, open(chained(codec.MaxPages, 16, 16)))
	require.ErrorIs(t, open(chained(codec.MaxPages+1, 16, 16)), picture.ErrLimit)
	require.ErrorIs(t, open(chained(50_000, 16, 16)), picture.ErrLimit)
	require.ErrorContains(t, open(chained(200, 10_000, 10_000)), "pixels on all pages")
	require.ErrorContains(t, open(chained(2, 1<<31, 1<<31)), "pixels on all pages")
	loop := chained(3, 16, 16)
	copy(loop[len(loop)-4:], loop[4:8])
	require.ErrorContains(t, open(loop), "leads back")
	two := joined(t, pattern(11, 7), blocks(16, 16))
	for cut := range two {
		d, err := picture.OpenDocument(two[:cut], picture.Limits{})
		if err != nil {
			require.ErrorIs(t, err, picture.ErrFormat)
			continue
		}
		whole := true // a page that is missing is never passed over
		for k := range d.Pages() {
			_, err := picture.Decode(d.Page(k+1), picture.Limits{})
			whole = whole && err == nil
		}
		require.False(t, whole && d.Pages() < 2, cut)
	}
	rng := rand.New(rand.NewPCG(27, 1))
	for range 300 { // no panic
		flipped := bytes.Clone(two)
		flipped[len(two)-1-rng.IntN(400)] ^= 1 << rng.IntN(8) // in the directory of page 2
		flipped[rng.IntN(len(two))] ^= 1 << rng.IntN(8)
		if d, err := picture.OpenDocument(flipped, picture.Limits{}); err == nil {
			for k := range d.Pages() {
				picture.Decode(d.Page(k+1), picture.Limits{MaxPixels: 1 << 20})
			}
		}
	}
}

func FuzzDocument(f *testing.F) {
	f.Add(joined(f, pattern(31, 20), blocks(64, 48)))
	f.Add(chained(3, 16, 16))
	f.Add(jpegBytes(pattern(31, 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		lim := picture.Limits{MaxBytes: 1 << 20, MaxPixels: 1 << 16}
		d, err := picture.OpenDocument(data, lim)
		if err != nil {
			return
		}
		for k := range min(d.Pages(), 4) {
			if pic, err := picture.Decode(d.Page(k+1), lim); err == nil && d.Pages() > 1 && pic.Pages != 1 {
				t.Errorf("page %d has %d pages", k+1, pic.Pages)
			}
		}
	})
}

func TestFileOf(t *testing.T) {
	for name, want := range map[string]string{
		"a.zip!b.pdf" + picture.PageLabel(7, 12): "a.zip!b.pdf",
		"b.pdf#page 2.pdf#page 1":                "b.pdf#page 2.pdf",
		"b#page 2.jpg":                           "",
		"b.pdf#page ":                            "",
		"b.pdf#page -1":                          "",
		"#page 3":                                "",
		"b.jpg":                                  "",
	} {
		file, is := picture.FileOf(name)
		if want == "" && name != "#page 3" {
			assert.False(t, is, name)
			continue
		}
		assert.True(t, is, name)
		assert.Equal(t, want, file, name)
	}
}
