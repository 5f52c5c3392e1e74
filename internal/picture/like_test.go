package picture_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/codec"
	longtest "github.com/kycmark/kycmark/internal/test/long"
)

func like(t *testing.T, p *picture.Picture, o picture.LikeOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, picture.EncodeLike(&b, p.Image, p.Source, o))
	return b.Bytes()
}

// photo is a picture with colours, edges and noise, of a size that is no multiple
// of any block.
func photo(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	state := uint32(1)
	for y := range h {
		for x := range w {
			state = state*1664525 + 1013904223
			n := int(state>>28) - 8
			wave := int(60 * math.Sin(float64(x)/17) * math.Cos(float64(y)/23))
			c := color.NRGBA{clip(120 + wave + n), clip(110 + x*80/w - wave/2 + n), clip(90 + y*90/h + n), 255}
			if (x/40+y/30)%5 == 0 {
				c.R, c.B = c.B, c.R
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func clip(v int) uint8 { return uint8(min(max(v, 0), 255)) }

// nudged stands for a marked picture: it differs by one or two steps.
func nudged(img *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	state := uint32(7)
	for i := 0; i < len(img.Pix); i += 4 {
		state = state*1664525 + 1013904223
		n := int(state>>30) - 1
		for c := range 3 {
			out.Pix[i+c] = clip(int(img.Pix[i+c]) + n)
		}
		out.Pix[i+3] = 255
	}
	return out
}

func gray(img *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	for i := 0; i < len(img.Pix); i += 4 {
		g := img.Pix[i+1]
		out.Pix[i], out.Pix[i+1], out.Pix[i+2], out.Pix[i+3] = g, g, g, 255
	}
	return out
}

// jpegOf writes a JPEG as the source of a copy.
func jpegOf(t *testing.T, img *image.NRGBA, s picture.Source, quality int) []byte {
	t.Helper()
	s.Format = "jpeg"
	return like(t, &picture.Picture{Image: img, Source: s}, picture.LikeOptions{Quality: quality})
}

// A copy of a JPEG has its subsampling and tables, is progressive if it was, and
// weighs as much as the unmarked picture would.
func TestLikeJPEG(t *testing.T) {
	img := photo(201, 133)
	for _, s := range []codec.Subsampling{codec.Sub444, codec.Sub422, codec.Sub440, codec.Sub420, codec.SubGray} {
		for _, progressive := range []bool{false, true} {
			for _, quality := range longtest.Cases(3, codec.MinQualityLike, 92, 100, 85, 98) {
				src, about := img, []any{"%v, progressive %v, quality %d", s, progressive, quality}
				if s == codec.SubGray {
					if src = gray(img); progressive {
						continue
					}
				}
				file := jpegOf(t, src, picture.Source{Subsampling: s, Progressive: progressive, Gray: s == codec.SubGray}, quality)
				p := decode(t, file)
				require.Equal(t, s, p.Source.Subsampling, about...)
				require.Equal(t, progressive, p.Source.Progressive, about...)
				require.Equal(t, quality, p.Source.Quality, about...)

				plain := like(t, p, picture.LikeOptions{})
				p.Image = nudged(p.Image)
				marked := like(t, p, picture.LikeOptions{})
				q := decode(t, marked)
				assert.InDelta(t, quality, q.Source.Quality, 3, about...)
				q.Source.Quality = quality
				assert.Equal(t, picture.Look(p.Source), picture.Look(q.Source), about...)
				assert.Equal(t, samplingFactors(file), samplingFactors(marked), about...)
				assert.InEpsilon(t, len(plain), len(marked), 0.15, about...)
				assert.Less(t, meanDifference(p.Image, q.Image), 7.0, about...)
			}
		}
	}
}

// Where the copy comes out heavier than its source, as a mark makes smooth ones,
// the quality gives way by one to three, unless it was asked for; but no further than
// the copy would be lighter than it was heavier.
func TestLikeGivesWay(t *testing.T) {
	smooth := blocks(12, 9)
	p := decode(t, jpegOf(t, smooth, picture.Source{Subsampling: codec.Sub444}, 90))
	p.Image = nudged(p.Image)
	heavy := like(t, p, picture.LikeOptions{})
	assert.Contains(t, []int{87, 88, 89}, decode(t, heavy).Source.Quality)
	assert.Less(t, len(heavy), len(like(t, p, picture.LikeOptions{Quality: 90})))
	p.Image = picture.Fit(p.Image, 150)
	assert.Equal(t, 90, decode(t, like(t, p, picture.LikeOptions{})).Source.Quality, "another size cannot be compared")
	best := decode(t, jpegOf(t, photo(120, 90), picture.Source{Subsampling: codec.Sub444}, 100))
	best.Image = nudged(best.Image)
	assert.GreaterOrEqual(t, decode(t, like(t, best, picture.LikeOptions{})).Source.Quality, 99)
	low := decode(t, jpegOf(t, smooth, picture.Source{}, codec.MinQualityLike))
	low.Image = nudged(low.Image)
	assert.Equal(t, codec.MinQualityLike, decode(t, like(t, low, picture.LikeOptions{})).Source.Quality)
}

// samplingFactors reads them from the frame header, independently of the package.
func samplingFactors(file []byte) (out []byte) {
	for at := 2; file[at+1] != 0xda; at += 2 + int(binary.BigEndian.Uint16(file[at+2:])) {
		if kind := file[at+1]; kind == 0xc0 || kind == 0xc1 || kind == 0xc2 {
			for c := range int(file[at+9]) {
				out = append(out, file[at+11+3*c])
			}
		}
	}
	return out
}

func TestSamplingFactors(t *testing.T) {
	for s, want := range map[codec.Subsampling][]byte{
		codec.Sub444: {0x11, 0x11, 0x11}, codec.Sub422: {0x21, 0x11, 0x11}, codec.Sub440: {0x12, 0x11, 0x11}, codec.Sub420: {0x22, 0x11, 0x11},
	} {
		for _, progressive := range []bool{false, true} {
			file := jpegOf(t, photo(40, 24), picture.Source{Subsampling: s, Progressive: progressive}, 90)
			assert.Equal(t, want, samplingFactors(file), s)
		}
	}
	assert.Equal(t, []byte{0x11}, samplingFactors(jpegOf(t, gray(photo(40, 24)), picture.Source{Subsampling: codec.SubGray, Gray: true}, 90)))
}

// Qualities of the family of tables that nearly everybody uses are found exactly.
func TestQualityOfAllTables(t *testing.T) {
	for q := 1; q <= 100; q++ {
		p := decode(t, encode(t, pattern(8, 8), "jpeg", q))
		assert.Equal(t, q, p.Source.Quality)
		want := max(q, codec.MinQualityLike)
		assert.Equal(t, want, p.Source.LikeQuality(p.Image.Rect))
		assert.Equal(t, want, decode(t, like(t, p, picture.LikeOptions{})).Source.Quality)
		assert.Equal(t, q, decode(t, like(t, p, picture.LikeOptions{Quality: q})).Source.Quality, "asked for")
	}
	large := image.Rect(0, 0, 100, codec.Large)
	assert.Equal(t, 60, picture.Source{Quality: 60}.LikeQuality(large))
	assert.Equal(t, codec.MinQualityLarge, picture.Source{Quality: 30}.LikeQuality(large))
	for _, p := range []*picture.Picture{decode(t, pngBytes(pattern(8, 8))), decode(t, bmpBytes(pattern(8, 8)))} {
		assert.Zero(t, p.Source.Quality)
		assert.Equal(t, codec.DefaultQuality, decode(t, like(t, p, picture.LikeOptions{Format: "jpeg"})).Source.Quality)
	}
}

// Cameras have tables of their own: the quality is the one of like coarseness.
// In a grey picture there is one table.
func TestQualityOfOtherTables(t *testing.T) {
	file := jpegOf(t, gray(pattern(8, 8)), picture.Source{Gray: true}, 90)
	table := file[bytes.Index(file, []byte{0xff, 0xdb})+5:][:64]
	standard := bytes.Clone(table)
	each := func(f func(i int, v byte) byte) []byte {
		out := bytes.Clone(standard)
		for i := range out {
			out[i] = f(i, out[i])
		}
		return out
	}
	flat := func(v byte) []byte { return each(func(int, byte) byte { return v }) }
	for name, c := range map[string]struct {
		table     []byte
		low, high int
	}{
		"the standard's":  {standard, 90, 90},
		"rounded up":      {each(func(i int, v byte) byte { return v + byte(i%2) }), 88, 90},
		"twice as coarse": {each(func(_ int, v byte) byte { return 2 * v }), 79, 81},
		"all ones":        {flat(1), 100, 100},
		"flat and fine":   {flat(3), 96, 98},
		"flat and coarse": {flat(40), 50, 70},
		"coarsest":        {flat(255), 1, 15},
		"flatter":         {each(func(i int, v byte) byte { return v + 4 - byte(i/8) }), 85, 92},
		"none":            {flat(0), 0, 0},
	} {
		copy(table, c.table)
		got := picture.SourceOf("jpeg", file).Quality
		assert.GreaterOrEqual(t, got, c.low, name)
		assert.LessOrEqual(t, got, c.high, name)
	}
}

// Factors that have no name become the next finer one that has: a copy never has
// less colour than its source.
func TestSubsamplingWithoutName(t *testing.T) {
	file := encode(t, pattern(32, 32), "jpeg", 90)
	sof := bytes.Index(file, []byte{0xff, 0xc0})
	for factors, want := range map[[3]byte]codec.Subsampling{
		{0x11, 0x11, 0x11}: codec.Sub444, {0x22, 0x22, 0x22}: codec.Sub444, {0x22, 0x21, 0x21}: codec.Sub440,
		{0x41, 0x11, 0x11}: codec.Sub422, {0x42, 0x11, 0x11}: codec.Sub420, {0x22, 0x11, 0x22}: codec.Sub444,
		{0x31, 0x11, 0x11}: codec.Sub422, {0x11, 0x22, 0x22}: codec.Sub444, {0x14, 0x11, 0x11}: codec.Sub440,
	} {
		for c, f := range factors {
			file[sof+11+3*c] = f
		}
		assert.Equal(t, want, picture.SourceOf("jpeg", file).Subsampling, "% x", factors)
	}
}

// Grey stays grey in every format that can say so, and only if the pixels are.
func TestLikeGray(t *testing.T) {
	img := gray(photo(33, 21))
	for format, file := range map[string][]byte{
		"jpeg": jpegOf(t, img, picture.Source{Gray: true}, 90), "png": grayPNG(img), "tiff": like(t, &picture.Picture{Image: img, Source: picture.Source{Format: "tiff", Gray: true}}, picture.LikeOptions{}),
	} {
		p := decode(t, file)
		require.True(t, p.Source.Gray, format)
		for _, out := range []string{"jpeg", "png", "tiff"} {
			q := decode(t, like(t, p, picture.LikeOptions{Format: out}))
			assert.True(t, q.Source.Gray, "%s to %s", format, out)
			if out != "jpeg" {
				samePixels(t, p.Image, q.Image)
			}
		}
		decode(t, like(t, p, picture.LikeOptions{Format: "bmp"}))
		p.Image = photo(33, 21)
		assert.False(t, decode(t, like(t, p, picture.LikeOptions{})).Source.Gray, format)
		p.Image = translucent(33, 21)
		decode(t, like(t, p, picture.LikeOptions{}))
	}
}

func grayPNG(img *image.NRGBA) []byte {
	g := image.NewGray(img.Rect)
	for i := range g.Pix {
		g.Pix[i] = img.Pix[4*i]
	}
	return pngBytes(g)
}

// What a PNG says of its colours in numbers goes with the pixels, to PNG.
func TestLikePNGColours(t *testing.T) {
	img := pattern(9, 7)
	gamma := []byte{0, 1, 0x86, 0xa0}
	file := withChunk(withChunk(pngBytes(img), "gAMA", gamma), "sRGB", []byte{0})
	p := decode(t, file)
	q := decode(t, like(t, p, picture.LikeOptions{}))
	samePixels(t, img, q.Image)
	assert.Equal(t, picture.Look(p.Source), picture.Look(q.Source))
	assert.Contains(t, string(like(t, p, picture.LikeOptions{})), "gAMA"+string(gamma))
	assert.NotContains(t, string(like(t, p, picture.LikeOptions{Format: "jpeg"})), "gAMA")
	odd := withChunk(pngBytes(img), "gAMA", append(gamma, private...))
	assert.NotContains(t, string(like(t, decode(t, odd), picture.LikeOptions{})), "gAMA", "of another size than it has")
}

// The same pixels give the same file, also at once.
func TestLikeAtOnce(t *testing.T) {
	p := decode(t, withMetadata(jpegOf(t, photo(90, 60), picture.Source{Subsampling: codec.Sub444}, 90), camera(binary.BigEndian)))
	want := like(t, p, picture.LikeOptions{KeepEXIF: true})
	var wg sync.WaitGroup
	got := make([][]byte, 4)
	for i := range got {
		wg.Go(func() {
			var b bytes.Buffer
			if picture.EncodeLike(&b, p.Image, p.Source, picture.LikeOptions{KeepEXIF: true}) == nil {
				got[i] = b.Bytes()
			}
		})
	}
	wg.Wait()
	for _, g := range got {
		assert.Equal(t, want, g)
	}
}

func TestLikeErrors(t *testing.T) {
	p := decode(t, jpegOf(t, photo(20, 20), picture.Source{Subsampling: codec.Sub444}, 90))
	for name, o := range map[string]picture.LikeOptions{"format": {Format: "webp"}, "quality": {Quality: 101}, "low": {Quality: -1}} {
		assert.Error(t, picture.EncodeLike(&bytes.Buffer{}, p.Image, p.Source, o), name)
	}
	gif := picture.Source{Format: "gif"}
	assert.ErrorIs(t, picture.EncodeLike(&bytes.Buffer{}, p.Image, gif, picture.LikeOptions{}), picture.ErrFormat)
	assert.ErrorIs(t, picture.EncodeLike(&bytes.Buffer{}, image.NewNRGBA(image.Rectangle{}), p.Source, picture.LikeOptions{}), picture.ErrFormat)
	for _, format := range []string{"jpeg", "png", "tiff", "bmp"} {
		assert.ErrorIs(t, picture.EncodeLike(full{}, p.Image, p.Source, picture.LikeOptions{Format: format}), errFull, format)
	}
}

// jpegli brings a decoder, which it registers with package image. Ours is the
// standard library's, and for those who link us in image.Decode stays what it was:
// image/jpeg pads the rows of grey pictures to blocks of 8, jpegli does not.
func TestStandardDecoderComesFirst(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 5, 5)), nil))
	img, _, err := image.Decode(&b)
	require.NoError(t, err)
	assert.Equal(t, 8, img.(*image.Gray).Stride)
}

func BenchmarkLike(b *testing.B) {
	img := photo(4000, 3000)
	for name, s := range map[string]picture.Source{
		"image-jpeg-420": {Subsampling: codec.Sub420}, "jpegli-422": {Subsampling: codec.Sub422}, "jpegli-444": {Subsampling: codec.Sub444},
	} {
		s.Format, s.Quality = "jpeg", 92
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := picture.EncodeLike(&bytes.Buffer{}, img, s, picture.LikeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What jpegli writes is the same on every machine: its floating point is
// WebAssembly's. The digests are of amd64; other processors run this test too.
func TestLikeVectors(t *testing.T) {
	img := nudged(blocks(9, 7)) // made of integers
	for want, s := range map[string]picture.Source{
		"3f794b8bc79c6f21": {Subsampling: codec.Sub444},
		"748eac9b36c31fee": {Subsampling: codec.Sub422},
		"312e1ac72735c642": {Subsampling: codec.Sub440},
		"22def10cdbfb4ed8": {Subsampling: codec.Sub420, Progressive: true},
	} {
		sum := sha256.Sum256(jpegOf(t, img, s, 91))
		assert.Equal(t, want, hex.EncodeToString(sum[:8]))
	}
}
