package picture_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/disintegration/imaging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/oddjpeg"
	"github.com/kycmark/kycmark/phash"
)

// small returns a shipped picture, 240 pixels wide.
func small(t *testing.T) image.Image {
	f, err := os.ReadFile("../../testdata/pictures/chidi_idcard.jpg")
	require.NoError(t, err)
	img, err := jpeg.Decode(bytes.NewReader(f))
	require.NoError(t, err)
	return imaging.Resize(img, 240, 0, imaging.Box)
}

// ofTurbo are the PDQ hashes of what djpeg of libjpeg-turbo 2.1.5 makes of files.
var ofTurbo = map[string]string{
	"no end":                     "pdq:f476f03abb7e4ab4078903c7786f7c7e839087627c450805887cf819d7c345de",
	"one wrong word":             "pdq:f036f43aab7e4bb4078903c7782f7c7e8390c7627cc50045887cfc19c7c345de",
	"restart interval lost":      "pdq:75f6f0389b7e4ab407890347786f7c7e839087e27cc54805887cf819d7c305de",
	"bytes behind the start":     "pdq:f476f03abb7e4ab4078903c7786f7c7e839087627c450805887cf819d7c345de",
	"1x1, 2x2, 2x2":              "pdq:f536f03b9f7e0ab4078903c3786d7c7e8390c7e27c450805887cf819d7c345de",
	"2x2, 2x1, 1x2":              "pdq:f476f03abb7e4ab4078903c7786f7c7e839087627c450805887cf819d7c345de",
	"3x1":                        "pdq:f476f03abb7e4ab4078903c7786f7c7e839087627c450805887cf819d7c345de",
	"3x2":                        "pdq:f476f03abb7e4ab4078903c7786f7c7e839087627c450805887cf819d7c345de",
	"1x4":                        "pdq:f476f03abb7e4ab4078903c7786f7c7e839087627c450805887cf819d7c345de",
	"progressive in part":        "pdq:7476f03abb7e4ab4078903c7786f7c7e839087627c450845887cf819d7c345de",
	"progressive in part, 3x1":   "pdq:7476f03abb7e4ab4078903c7786f7c7e839087627c450845887cf819d7c345de",
	"a scan each, with restarts": "pdq:f476f03abb7e4ab4078903c7786f7c7e839087627c450805887cf819d7c345de",
	"inks":                       "pdq:f476f43abb7e4ab4078903c3786d7c7e839087627c450805887cf819d7c34dde",
}

// JPEGs that libjpeg-turbo opens are opened, and those that are whole have its hash. Of the others the rows are known that
// are there.
func TestRareJPEGs(t *testing.T) {
	img := small(t)
	whole, err := picture.Decode(oddjpeg.Encode(img, oddjpeg.Kind{Sampling: []byte{0x22, 0x11, 0x11}}), picture.Limits{})
	require.NoError(t, err)
	says := map[string]string{
		"last tenth missing":    "the last 36 of 180 rows are missing",
		"half missing":          "the last 100 of 180 rows are missing",
		"one wrong word":        "data are missing or wrong in 8 of 180 rows",
		"restart interval lost": "data are missing or wrong in 16 of 180 rows",
	}
	for _, s := range oddjpeg.Samples(img) {
		p, err := picture.Decode(s.File, picture.Limits{})
		require.NoError(t, err, s.Name)
		assert.Equal(t, says[s.Name], p.Incomplete, s.Name)
		if s.Cut {
			h := p.Image.Rect.Dy()
			assert.Less(t, h, 180, s.Name)
			far := 0
			for i, v := range p.Image.Pix {
				if d := int(v) - int(whole.Image.Pix[i]); d > 3 || d < -3 {
					far++
				}
			}
			assert.Zero(t, far, s.Name)
			continue
		}
		assert.Equal(t, whole.Image.Rect, p.Image.Rect, s.Name)
		got, _, err := phash.Sum(phash.PDQ, p.Image)
		require.NoError(t, err)
		want, err := phash.Parse(ofTurbo[s.Name])
		require.NoError(t, err)
		assert.LessOrEqual(t, got.Distance(want), 10, s.Name)
	}
}

// Of too few rows nothing is made. Behind the data of another file a picture ends.
func TestTooDamaged(t *testing.T) {
	file := oddjpeg.Encode(small(t), oddjpeg.Kind{Sampling: []byte{0x22, 0x11, 0x11}})
	for _, share := range []float64{.9, .95, .99} {
		_, err := picture.Decode(oddjpeg.Cut(file, share, 0), picture.Limits{})
		require.ErrorIs(t, err, picture.ErrFormat, share)
	}
	r := rand.NewChaCha8([32]byte{})
	other := make([]byte, len(file))
	_, err := r.Read(other)
	require.NoError(t, err)
	half := oddjpeg.Cut(file, .5, 0)
	p, err := picture.Decode(append(append(half, other...), "\xff\xd9"...), picture.Limits{})
	require.NoError(t, err)
	assert.InDelta(t, 96, p.Image.Rect.Dy(), 16)
	assert.Contains(t, p.Incomplete, "of 180 rows are missing")
}

// A PNG of an app has the colours of the PNG that it was made from.
func TestPNGOfApp(t *testing.T) {
	for _, alpha := range []uint8{255, 51} {
		img := image.NewNRGBA(image.Rect(0, 0, 40, 30))
		for i := range 1200 {
			img.SetNRGBA(i%40, i/40, color.NRGBA{250, uint8(i % 40 * 5), 0, alpha})
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, img))
		p, err := picture.Decode(asApp(t, b.Bytes(), img), picture.Limits{})
		require.NoError(t, err)
		for i, v := range p.Image.Pix {
			require.InDelta(t, img.Pix[i], v, 3)
		}
	}
}

// asApp returns a PNG as Xcode writes it: a chunk before all, blue first, alpha multiplied in, and no zlib.
func asApp(t *testing.T, file []byte, img *image.NRGBA) []byte {
	var raw bytes.Buffer
	w, err := flate.NewWriter(&raw, 9)
	require.NoError(t, err)
	channels := 4
	if img.Opaque() {
		channels = 3
	}
	for y := range 30 {
		row := []byte{0}
		for x := range 40 {
			c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			row = append(row, []byte{c.B, c.G, c.R, c.A}[:channels]...)
		}
		_, err := w.Write(row)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	chunk := func(out []byte, kind string, body []byte) []byte {
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		out = append(append(out, kind...), body...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(append([]byte(kind), body...)))
	}
	out := chunk(bytes.Clone(file[:8]), "CgBI", []byte{0x50, 0, 0x20, 6})
	out = append(out, file[8:33]...) // IHDR
	half := raw.Len() / 2
	out = chunk(chunk(out, "IDAT", raw.Bytes()[:half]), "IDAT", raw.Bytes()[half:])
	return chunk(out, "IEND", nil)
}
