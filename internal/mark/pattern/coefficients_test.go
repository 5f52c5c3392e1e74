package pattern

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/jpegcoef"
	"github.com/kycmark/kycmark/internal/mark/code"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/picture/pixel"
	"github.com/kycmark/kycmark/internal/test/long"
)

// coded is a smooth picture as a JPEG of steps of 1 or a little more.
func coded(t *testing.T, w, h, quality int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(60 + x*120/w), uint8(90 + y*90/h), uint8(120 + (x+y)*60/(w+h)), 255})
		}
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}))
	return b.Bytes()
}

// shaped is the mark of a key on a canvas.
func shaped(c *Canvas) Shaped {
	kd := NewKeys(&[code.SecretSize]byte{3})
	w, h := CanonicalSize(c.Size())
	blind := Lay(kd.Pattern(kd.Payload.Encode(1), nil, nil), kd.Placement([16]byte{1}, w, h), w, h)
	return c.Shape(blind, blind, kd.Tracer([16]byte{1}, 1, w, h), 1)
}

// pixels decodes a JPEG, upright.
func pixels(t *testing.T, file []byte, orientation int) *image.NRGBA {
	img, err := jpeg.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	return picture.Upright(pixel.ToNRGBA(img), orientation)
}

// In coefficients a mark is what it is in pixels, upright, whatever the orientation of the file, but for the steps of
// quantisation and the orders that are left out.
func TestChangedIsTheMarkInPixels(t *testing.T) {
	for _, orientation := range long.Cases(3, 1, 6, 3, 2, 4, 5, 7, 8) {
		p := coded(t, 1501, 1003, 100)
		if orientation == 1 {
			p = coded(t, 2611, 613, 100) // of fewer orders
		}
		c, err := JPEGCanvas(p, orientation)
		require.NoError(t, err)
		s := shaped(c)
		s.Scale(2) // so that rounding to 8 bits does not hide it
		source := pixels(t, p, orientation)
		w, h := c.Size()
		require.Equal(t, image.Rect(0, 0, w, h), source.Rect)
		want := image.NewNRGBA(source.Rect)
		(&Canvas{Source: source, w: w, h: h, as: &lossy}).Add(want, s) // without dither
		file, _, _, err := c.write(s, 0, []float64{0}, image.Point{})
		require.NoError(t, err)
		got := pixels(t, file, orientation)
		var mark, both, square float64
		for i := range want.Pix {
			a, b := float64(want.Pix[i])-float64(source.Pix[i]), float64(got.Pix[i])-float64(source.Pix[i])
			mark, both, square = mark+a*a, both+a*b, square+b*b
		}
		assert.Greater(t, both/math.Sqrt(mark*square), 0.75, orientation)
		assert.InDelta(t, 1, both/mark, 0.12, orientation)
	}
}

// A change is the cosine transform of the enlarged plane, in steps.
func TestChangeIsTheTransform(t *testing.T) {
	p := coded(t, 1501, 1003, 100)
	c, err := JPEGCanvas(p, 1)
	require.NoError(t, err)
	s := shaped(c)
	s.luma.Scale(20)
	got := c.change(0, s.luma, lowOrders, 1)
	k := &c.jpeg.Components[0]
	e := dsp.NewScaler(s.luma, 8*k.InX, float64(s.luma.W)/1501, float64(s.luma.H)/1003)
	off, n := 0, 0
	rows := dsp.NewPlane(8*k.InX, 8*k.InY)
	for y := range rows.H {
		e.Row(y, rows.Row(y))
	}
	for block := 0; block < k.InX*k.InY; block += 37 {
		bx, by := block%k.InX, block/k.InX
		for v := range 8 {
			for u := range 8 {
				sum := 0.0
				for y := range 8 {
					for x := range 8 {
						sum += float64(rows.Row(8*by + y)[8*bx+x]) * math.Cos(math.Pi*float64((2*x+1)*u)/16) * math.Cos(math.Pi*float64((2*y+1)*v)/16)
					}
				}
				for _, order := range [...]int{u, v} {
					if sum /= 2; order == 0 {
						sum /= math.Sqrt2
					}
				}
				want := math.Round(math.Max(-127, math.Min(127, sum/float64(k.Steps.Step(u, v)))))
				if n++; want != math.Floor(float64(got[64*(by*k.Across+bx)+8*v+u])/jpegcoef.ChangeUnit+0.5) {
					off++
				}
			}
		}
	}
	assert.LessOrEqual(t, off, n/1000, "of %d: only what lies on a boundary of rounding", n)
}

// Coarse steps leave enough of a mark, since the step of DC becomes finer. A mark of nothing then moves pixels by half of that
// step at most.
func TestCoarseSteps(t *testing.T) {
	for _, side := range long.Cases(1, 1280, 4000) {
		c, err := JPEGCanvas(coded(t, side, side*3/4, 55), 1)
		require.NoError(t, err)
		require.Less(t, c.first, c.jpeg.Components[0].Steps[0])
		s := shaped(c)
		w, h := CanonicalSize(c.Size())
		own := NewKeys(&[code.SecretSize]byte{3}).Tracer([16]byte{1}, 1, w, h)
		written, err := c.Write(s, own, image.Point{})
		require.NoError(t, err)
		assert.Greater(t, written.Carried, MinCarried, side)
		s.Scale(0)
		written, err = c.Write(s, own, image.Point{})
		require.NoError(t, err)
		assert.InDeltaSlice(t, c.canon.Luma().Pix, written.Canonical.Luma().Pix, float64(c.first)/16+2, "samples and pixels are rounded")
	}
	c, err := JPEGCanvas(coded(t, 1280, 960, 90), 1)
	require.NoError(t, err)
	assert.Equal(t, c.jpeg.Components[0].Steps[0], c.first, "fine steps stay")
	assert.Equal(t, &ofCopies, c.as)
}

// The limit on the weight chooses how many zeros are changed.
func TestWeight(t *testing.T) {
	c, err := JPEGCanvas(coded(t, 801, 603, 100), 1)
	require.NoError(t, err)
	s := shaped(c)
	zeros := []float64{0.5, 1, 100}
	var sizes []int
	for i := range zeros {
		file, _, _, err := c.write(s, 0, zeros[:i+1], image.Point{})
		require.NoError(t, err)
		sizes = append(sizes, len(file))
	}
	assert.Greater(t, sizes[0], sizes[1])
	assert.Greater(t, sizes[1], sizes[2])
	file, _, _, err := c.write(s, float64(sizes[1])/float64(c.jpeg.Weight()), zeros, image.Point{})
	require.NoError(t, err)
	assert.Len(t, file, sizes[1])
}

func TestTurned(t *testing.T) {
	plane := dsp.NewPlane(5, 3)
	img := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	for i := range plane.Pix {
		plane.Pix[i], img.Pix[4*i] = float32(i), uint8(i)
	}
	for orientation := 1; orientation <= 8; orientation++ {
		got, want := turned(plane, orientation), picture.Upright(img, orientation)
		require.Equal(t, want.Rect, image.Rect(0, 0, got.W, got.H))
		for i, v := range got.Pix {
			assert.Equal(t, want.Pix[4*i], uint8(v), "orientation %d", orientation)
		}
		assert.Equal(t, want, turnedFlat(img, orientation))
		assert.Equal(t, plane, stored(got, orientation))
	}
}

// A large picture has less blue difference, and least without grain, where blotches would be seen.
func TestBlueOfLargePictures(t *testing.T) {
	assert.InDelta(t, math.Pow(0.5, 0.375), ofCopies.blueGain(4000)/ofCopies.blueGain(1500), 1e-6)
	assert.Equal(t, ofCopies.flatGain(1900), ofCopies.flatGain(4000), "luma of flats falls no further")
	if !long.On {
		return
	}
	level := func(c *Canvas) float64 {
		square := 0.0
		blue := shaped(c).chroma.Pix
		for _, x := range blue {
			square += float64(x * x)
		}
		return math.Sqrt(square / float64(len(blue)))
	}
	var today []float64
	for _, side := range []int{1500, 4000} {
		img, err := jpeg.Decode(bytes.NewReader(coded(t, side, side*3/4, 95)))
		require.NoError(t, err)
		c, err := NewCanvas(img)
		require.NoError(t, err)
		today = append(today, level(c))
	}
	assert.InDelta(t, math.Pow(0.5, 0.375)*maskSmooth*maskSmooth, today[1]/today[0], 0.02)
}
