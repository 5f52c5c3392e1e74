package examine_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dump"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/verify/internal/examine"
)

// listed are the names and contents of the files in a dump of one file.
func listed(t *testing.T, text string) (got []string) {
	look := func(ctx context.Context, f dump.File) *examine.Look {
		r, err := f.Open(ctx)
		require.NoError(t, err)
		defer r.Close()
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		p, err := picture.Decode(data, picture.Limits{})
		if err != nil {
			return nil
		}
		return examine.LookAt(data, p.Image)
	}
	d := dump.New(dump.Options{MaxFiles: 100, MaxPDF: 1, Repeats: func(ctx context.Context, whole *dump.File, part dump.File, within bool) bool {
		if p := look(ctx, part); p != nil {
			return p.Repeats(ctx, look(ctx, *whole))
		}
		return within
	}})
	defer d.Close()
	require.NoError(t, d.AddFS(t.Context(), fstest.MapFS{"a.jpg": {Data: []byte(text)}}, ""))
	for _, f := range d.Files {
		r, err := f.Open(t.Context())
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		got = append(got, string(data))
	}
	return got
}

func jpegOf(t *testing.T, img image.Image, quality int) string {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}))
	return b.String()
}

// segment is a JPEG with one more segment behind its start.
func segment(file string, marker byte, body string) string {
	head := binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2))
	return file[:2] + string(head) + body + file[2:]
}

// embedded are the places in a JPEG in which programs and cameras keep smaller versions of it. Each puts the picture in into a file.
var embedded = map[string]func(file, in string) string{
	"EXIF": func(file, in string) string { return segment(file, 0xe1, exifWith(in)) },
	"makernote": func(file, in string) string {
		return segment(file, 0xe1, "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x7c\x92\x07\x00\x09\x00\x00\x00\x1a\x00\x00\x00\x00\x00\x00\x00MAKER\x00\x01\x02"+in)
	},
	"XMP": func(file, in string) string {
		return segment(file, 0xe1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta><xmpGImg:image>"+strings.ReplaceAll(fold(base64.StdEncoding.EncodeToString([]byte(in)), 76), "\n", "&#xA;")+"</xmpGImg:image></x:xmpmeta>")
	},
	"Photoshop": func(file, in string) string {
		return segment(file, 0xed, "Photoshop 3.0\x008BIM\x04\x0c\x00\x00"+string(binary.BigEndian.AppendUint32(nil, uint32(28+len(in))))+strings.Repeat("\x00", 28)+in)
	},
	"JFXX":        func(file, in string) string { return segment(file, 0xe0, "JFXX\x00\x10"+in) },
	"behind":      func(file, in string) string { return file + in },
	"behind, MPF": func(file, in string) string { return segment(file, 0xe2, "MPF\x00II*\x00") + in },
}

// exifWith is a block of EXIF whose first directory begins as that of a TIFF does, as phones write it, and whose second one has a thumbnail.
func exifWith(thumb string) string {
	put := binary.LittleEndian.AppendUint32
	entry := func(tag uint16, kind byte, value uint32) string {
		return string(put(put([]byte{byte(tag), byte(tag >> 8), kind, 0}, 1), value))
	}
	ifd0 := "\x05\x00" + entry(256, 4, 4000) + entry(257, 4, 3000) + entry(274, 3, 1) + entry(296, 3, 2) + entry(531, 3, 1)
	at := uint32(8 + len(ifd0) + 4)
	ifd1 := "\x02\x00" + entry(0x201, 4, at+2+24+4) + entry(0x202, 4, uint32(len(thumb))) + "\x00\x00\x00\x00"
	return "Exif\x00\x00II*\x00\x08\x00\x00\x00" + ifd0 + string(put(nil, at)) + ifd1 + thumb
}

func fold(s string, width int) string {
	var lines []string
	for line := range slices.Chunk([]byte(s), width) {
		lines = append(lines, string(line))
	}
	return strings.Join(lines, "\n")
}

// Opponent's story: a picture of ours is hidden where cameras keep a preview, in a picture of another document, and is passed over. And
// a picture is counted twice since its camera kept a preview.
func TestPreviews(t *testing.T) {
	blank := specimen.NewBlank(specimen.Templates()[0], 1000)
	shot := func(person uint64) *image.NRGBA {
		return specimen.Photograph(blank.Fill(specimen.NewPerson(person)), 5, 1200, 900)
	}
	own := shot(1)
	file := jpegOf(t, own, 90)
	wide := imaging.CropCenter(own, 1200, 800)
	bars := imaging.PasteCenter(imaging.New(160, 120, color.Black), imaging.Resize(wide, 160, 107, imaging.Lanczos))
	page := func(person uint64) *image.NRGBA { return blank.Fill(specimen.NewPerson(person)) }
	changed := imaging.Paste(imaging.Clone(page(1)), imaging.Crop(page(2), image.Rect(0, 250, 1000, 300)), image.Pt(0, 250))
	gain := jpegOf(t, imaging.Resize(imaging.Invert(own), 300, 0, imaging.Box), 80)
	small := func(img image.Image, side, quality int) string {
		return jpegOf(t, imaging.Fit(img, side, side, imaging.Lanczos), quality)
	}
	cases := map[string]struct {
		file, in string
		listed   bool
	}{
		"thumbnail":           {file, small(own, 160, 75), false},
		"preview":             {file, small(own, 480, 80), false},
		"half":                {file, small(own, 600, 70), false},
		"turned":              {file, small(imaging.Rotate270(own), 320, 80), false},
		"between bars":        {jpegOf(t, wide, 90), jpegOf(t, bars, 80), false},
		"gain map":            {file, segment(gain, 0xe1, "http://ns.adobe.com/xap/1.0/\x00 hdrgm:Version=\"1.0\""), false},
		"another person":      {file, small(shot(2), 480, 80), true},
		"a thumbnail of it":   {file, small(shot(2), 160, 75), true},
		"one line of another": {jpegOf(t, page(1), 90), small(changed, 600, 80), true},
		"as large as it":      {file, small(own, 1000, 40), true},
		"another, large":      {file, small(shot(3), 1200, 40), true},
	}
	for name, c := range cases {
		for _, where := range slices.Sorted(maps.Keys(embedded)) {
			segments := !strings.HasPrefix(where, "behind")
			switch {
			case len(c.in) > 40_000 && segments: // a segment has 64 KiB
				continue
			case !long.On && name != "preview" && name != "another person" && where != "EXIF" && where != "behind":
				continue
			}
			got := listed(t, embedded[where](c.file, c.in))
			if assert.Len(t, got, map[bool]int{false: 1, true: 2}[c.listed], "%s, %s", name, where) && c.listed {
				assert.Equal(t, c.in, got[1], "%s, %s", name, where)
			}
		}
	}
}
