package jpegcoef_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gen2brain/jpegli"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/test/long"
)

const maxPixels = 30_000_000

// files are the JPEGs of the module, and of the shared collection if it is at hand.
func files(t testing.TB) (names []string) {
	shared := filepath.Join(os.Getenv("KYCMARK_SHARED"), "pictures")
	for _, folder := range []string{"../../testdata/pictures", "../picture/testdata", filepath.Join(shared, "photos"), filepath.Join(shared, "documents"), filepath.Join(shared, "odd")} {
		for _, ending := range []string{"*.jpg", "*.jpeg"} {
			found, err := filepath.Glob(filepath.Join(folder, ending))
			require.NoError(t, err)
			names = append(names, found...)
		}
	}
	return names
}

// small returns a small picture with colour in the given form of JPEG.
func small(t testing.TB, w, h int, ratio image.YCbCrSubsampleRatio, progressive bool) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(2*x + y), uint8(x + 2*y + 40), uint8(200 - 2*y + x%5), 255})
		}
	}
	var b bytes.Buffer
	o := jpegli.EncodingOptions{Quality: 85, ChromaSubsampling: ratio, StandardQuantTables: true, OptimizeCoding: true}
	if progressive {
		o.ProgressiveLevel = 2
	}
	require.NoError(t, jpegli.Encode(&b, img, &o))
	return b.Bytes()
}

// forms are pictures of odd sizes in every form that the encoders at hand write.
func forms(t testing.TB) (out [][]byte) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440} {
		for _, progressive := range []bool{false, true} {
			out = append(out, small(t, 53, 37, ratio, progressive))
		}
	}
	for _, img := range []draw.Image{image.NewGray(image.Rect(0, 0, 21, 9)), image.NewRGBA(image.Rect(0, 0, 40, 70))} {
		for i := range 300 {
			img.Set(i%21, i*7%70, color.NRGBA{uint8(i), uint8(2 * i), 90, 255})
		}
		var b bytes.Buffer
		require.NoError(t, jpeg.Encode(&b, img, nil))
		out = append(out, b.Bytes())
	}
	return out
}

// scanOf is the first scan of a file up to its end, without headers.
func scanOf(file []byte) []byte {
	at := 2
	for ; file[at+1] != 0xda; at += 2 + int(file[at+2])<<8 + int(file[at+3]) {
	}
	return file[at+2+int(file[at+2])<<8+int(file[at+3]) : at+bytes.Index(file[at:], []byte{0xff, 0xd9})]
}

func progressive(file []byte) bool {
	return bytes.Contains(file[:min(len(file), 40_000)], []byte{0xff, 0xc2, 0, 17, 8})
}

// again reads a file and writes it.
func again(data []byte, maxPixels int) ([]byte, error) {
	p, err := jpegcoef.Read(data, maxPixels)
	if err != nil {
		return nil, err
	}
	return p.Encode(math.MaxInt)
}

// Every file that is read has the same pixels afterwards, a sequential one the same scan, and no file becomes heavy.
func TestFilesKeepTheirPixels(t *testing.T) {
	all := forms(t)
	for i, name := range files(t) {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		if i%2 == 0 || len(data) < 100_000 || long.On {
			all = append(all, data)
		}
	}
	read := 0
	for i, data := range all {
		again, err := again(data, maxPixels)
		if err != nil {
			require.ErrorIs(t, err, jpegcoef.ErrRefused)
			continue
		}
		read++
		want, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		got, err := jpeg.Decode(bytes.NewReader(again))
		require.NoError(t, err)
		require.Equal(t, want, got, i)
		if progressive(data) {
			assert.True(t, progressive(again))
			assert.Less(t, float64(len(again)), 400+1.03*float64(len(data)), "%d: %d", i, len(data))
		} else {
			assert.True(t, bytes.Equal(scanOf(data), scanOf(again)), i)
		}
	}
	assert.GreaterOrEqual(t, read, long.Number(19, 26))
}

// Pictures of the module, of one to three components and all samplings, shrink as the means of their pixels do.
func TestRows(t *testing.T) {
	all := forms(t)
	photo, err := os.ReadFile("../../testdata/pictures/stranger_coast.jpg")
	require.NoError(t, err)
	for i, data := range append(all[:8], photo) {
		p, err := jpegcoef.Read(data, maxPixels)
		require.NoError(t, err)
		full, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		want := image.NewRGBA(full.Bounds())
		draw.Draw(want, want.Rect, full, image.Point{}, draw.Src)
		for n, allowed := range map[int]float64{8: 1, 4: 5, 2: 6, 1: 8} {
			w, h := p.Size(n)
			y, sum := 0, 0.0
			require.NoError(t, p.Each(p.Rows(n, func(row []uint8) {
				require.Len(t, row, 4*w)
				if y < p.H*n/8 {
					for x := range p.W * n / 8 {
						for c := range 3 {
							d := float64(row[4*x+c]) - mean(want, x*8/n, y*8/n, 8/n, c)
							sum += d * d
						}
					}
				}
				y++
			})))
			assert.Equal(t, h, y)
			assert.Less(t, math.Sqrt(sum/float64(3*w*h)), allowed, "picture %d at %d/8", i, n)
		}
	}
}

// mean is the mean of a square of pixels.
func mean(m *image.RGBA, x, y, side, channel int) float64 {
	sum := 0
	for v := range side {
		for u := range side {
			sum += int(m.Pix[m.PixOffset(x+u, y+v)+channel])
		}
	}
	return float64(sum) / float64(side*side)
}

// A change comes out of the file that is written, in every form, also if it needs codes that the file lacks.
func TestChanged(t *testing.T) {
	for i, data := range forms(t) {
		p, err := jpegcoef.Read(data, maxPixels)
		require.NoError(t, err)
		for low := 1; low <= 8; low *= 2 {
			var delta [][]int16
			for k := range p.Components {
				d := make([]int16, low*low*p.Components[k].Across*p.Components[k].Down)
				for j := range d {
					d[j] = jpegcoef.ChangeUnit * int16(j*37%11-5)
				}
				d[0], d[len(d)-1] = math.MaxInt16, math.MinInt16
				delta = append(delta, d)
			}
			first := p.Components[0].Steps[0]
			if low > 2 {
				first = max(first*5/8, 1)
			}
			changed := p.Changed(low, 0, first, delta...)
			var want, got, alone [][]uint8
			file, err := changed.Encode(math.MaxInt, changed.Rows(8, func(row []uint8) { want = append(want, bytes.Clone(row)) }))
			require.NoError(t, err)
			again, err := jpegcoef.Read(file, maxPixels)
			require.NoError(t, err)
			require.NoError(t, again.Each(again.Rows(8, func(row []uint8) { got = append(got, bytes.Clone(row)) })))
			require.NoError(t, changed.Each(changed.Rows(8, func(row []uint8) { alone = append(alone, bytes.Clone(row)) })))
			assert.Equal(t, want, alone)
			assert.Equal(t, want, got, "form %d, low %d", i, low)
			limited, err := changed.Encode(len(file))
			require.NoError(t, err)
			assert.Equal(t, file, limited)
			limited, err = changed.Encode(len(file) - 1)
			require.NoError(t, err)
			assert.Nil(t, limited, "form %d, low %d", i, low)
			_, err = jpeg.Decode(bytes.NewReader(file))
			require.NoError(t, err)
		}
		plain, err := p.Encode(math.MaxInt)
		require.NoError(t, err)
		same, err := p.Changed(4, 0, 1).Encode(math.MaxInt)
		require.NoError(t, err)
		assert.Equal(t, plain, same, "nothing is changed")
	}
}

// Other metadata than JFIF is left out, and with it a thumbnail that has no mark.
func TestMetadataStaysBehind(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 30, 30)), nil))
	plain := b.Bytes()
	jfif := append([]byte("\xff\xd8\xff\xe0\x00\x13JFIF\x00\x01\x02\x01\x00\x48\x00\x48\x01\x01"), "RGB\xff\xe1\x00\x06abcd\xff\xfe\x00\x04hi"...)
	file, err := again(append(jfif, plain[2:]...), maxPixels)
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(file, []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x02\x01\x00\x48\x00\x48\x00\x00\xff\xdb")))
}

// Hostile sizes are refused before there is memory for them.
func TestLimits(t *testing.T) {
	data := forms(t)[8]
	frame := bytes.Index(data, []byte{0xff, 0xc0})
	require.Positive(t, frame)
	large := bytes.Clone(data)
	copy(large[frame+5:], []byte{0xff, 0xff, 0xff, 0xff})
	for _, limit := range []int{maxPixels, math.MaxInt} {
		_, err := jpegcoef.Read(large, limit)
		assert.ErrorIs(t, err, jpegcoef.ErrRefused)
	}
	_, err := jpegcoef.Read(data, 21*9-1)
	assert.ErrorIs(t, err, jpegcoef.ErrRefused)
	for cut := range data {
		_, err := jpegcoef.Read(data[:cut], maxPixels)
		require.ErrorIs(t, err, jpegcoef.ErrRefused, "cut at %d", cut)
	}
}

// What is read here is decoded by package image/jpeg, with the same pixels before and after.
func FuzzRead(f *testing.F) {
	for _, data := range forms(f) {
		f.Add(data)
	}
	for _, name := range files(f) {
		if data, err := os.ReadFile(name); err == nil && len(data) < 8_000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := jpegcoef.Mend(data, 1<<20); err == nil {
			require.LessOrEqual(t, m.Image.Rect.Dy(), m.Rows)
			require.LessOrEqual(t, m.Wrong, m.Image.Rect.Dy())
		} else {
			require.ErrorIs(t, err, jpegcoef.ErrRefused)
		}
		p, err := jpegcoef.Read(data, 1<<16)
		if err != nil {
			return
		}
		file, err := p.Encode(math.MaxInt, p.Rows(4, func([]uint8) {}))
		if err != nil {
			return
		}
		want, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		got, err := jpeg.Decode(bytes.NewReader(file))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func Benchmark(b *testing.B) {
	data, err := os.ReadFile("../../testdata/pictures/stranger_passport.jpg")
	require.NoError(b, err)
	if name := os.Getenv("KYCMARK_JPEG"); name != "" {
		data, err = os.ReadFile(name)
		require.NoError(b, err)
	}
	p, err := jpegcoef.Read(data, maxPixels)
	require.NoError(b, err)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			p.Each()
		}
	})
	b.Run("full", func(b *testing.B) {
		for b.Loop() {
			jpeg.Decode(bytes.NewReader(data))
		}
	})
	for n := 1; n <= 8; n *= 2 {
		b.Run(fmt.Sprintf("%d of 8", n), func(b *testing.B) {
			for b.Loop() {
				p.Each(p.Rows(n, func([]uint8) {}))
			}
		})
	}
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			p.Encode(math.MaxInt)
		}
	})
}

// Single pixels are those of package image/jpeg, but for its rounding.
func TestSamples(t *testing.T) {
	all := forms(t)
	photo, err := os.ReadFile("../../testdata/pictures/stranger_coast.jpg")
	require.NoError(t, err)
	for i, data := range append(all, photo) {
		p, err := jpegcoef.Read(data, maxPixels)
		require.NoError(t, err)
		full, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		var xs, ys []int
		for x := range 3 * p.W / 4 {
			xs = append(xs, x*4/3)
		}
		for y := range p.H * 5 {
			if i < len(all) || y/5%long.Number(20, 5) == 0 {
				ys = append(ys, y/5)
			}
		}
		got := image.NewNRGBA(image.Rect(0, 0, len(xs), len(ys)))
		require.NoError(t, p.Each(p.Samples(got, xs, ys)))
		off := 0
		for k, y := range ys {
			for j, x := range xs {
				a, b := got.NRGBAAt(j, k), color.NRGBAModel.Convert(full.At(x, y)).(color.NRGBA)
				d := max(a.R, b.R) - min(a.R, b.R) + max(a.G, b.G) - min(a.G, b.G) + max(a.B, b.B) - min(a.B, b.B)
				require.LessOrEqual(t, d, uint8(6), "form %d at %d, %d", i, x, y)
				if d > 0 {
					off++
				}
			}
		}
		assert.Less(t, off, len(xs)*len(ys)/50, "form %d", i)
	}
}

// A zero is changed only by what reaches the limit, and other coefficients by anything.
func TestZerosStay(t *testing.T) {
	var b bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 16, 8)) // a flat block and one with a slope
	for x := range 8 {
		for y := range 8 {
			img.Pix[16*y+x] = 100
			img.Pix[16*y+8+x] = uint8(10 * x)
		}
	}
	require.NoError(t, jpeg.Encode(&b, img, nil))
	p, err := jpegcoef.Read(b.Bytes(), maxPixels)
	require.NoError(t, err)
	plain, err := p.Encode(math.MaxInt)
	require.NoError(t, err)
	const step = jpegcoef.ChangeUnit
	for i, tt := range []struct {
		delta [8]int16 // DC, and the lowest order along the rows and down, of both blocks
		same  bool
	}{
		{[8]int16{step / 2}, false},
		{[8]int16{step/2 - 1}, true},
		{[8]int16{0, step - 1, 1 - step, 0, 0, 0, step - 1}, true},
		{[8]int16{0, step}, false},
		{[8]int16{0, 0, -step}, false},
		{[8]int16{0, 0, 0, 0, 0, step - 1}, false},
	} {
		got, err := p.Changed(2, step, p.Components[0].Steps[0], tt.delta[:]).Encode(math.MaxInt)
		require.NoError(t, err)
		assert.Equal(t, tt.same, bytes.Equal(plain, got), i)
	}
}

// Damage of the codes is found by a pass, and by what writes the file.
func TestDamagedCodes(t *testing.T) {
	data, err := os.ReadFile("../../testdata/pictures/stranger_coast.jpg")
	require.NoError(t, err)
	data = append(bytes.Clone(data[:len(data)/2]), 0xff, 0xd9)
	p, err := jpegcoef.Read(data, maxPixels)
	require.NoError(t, err)
	require.ErrorIs(t, p.Each(), jpegcoef.ErrRefused)
	_, err = p.Encode(math.MaxInt)
	require.ErrorIs(t, err, jpegcoef.ErrRefused)
}
