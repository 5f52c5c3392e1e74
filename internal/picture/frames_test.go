package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/picture"
)

// A shot is a frame of one colour, and what becomes of it.
type shot struct {
	at   image.Rectangle
	c    color.NRGBA
	over bool
	then byte // 0: stays, 1: cleared, 2: restored
}

var canvas = image.Rect(0, 0, 12, 10)

var (
	red   = color.NRGBA{R: 255, A: 255}
	green = color.NRGBA{G: 255, A: 255}
	blue  = color.NRGBA{B: 255, A: 255}
	empty = color.NRGBA{}
)

// shots show each disposal, a frame that shows what is there already, and transparent frames.
var shots = []shot{
	{canvas, red, true, 0},
	{image.Rect(2, 2, 6, 6), green, true, 1},
	{image.Rect(6, 0, 12, 4), blue, true, 2},
	{image.Rect(0, 0, 2, 2), empty, true, 0},
	{image.Rect(8, 8, 12, 10), green, true, 0},
	{image.Rect(9, 9, 12, 10), green, true, 0},
}

func animatedGIF(shots []shot) []byte {
	g := &gif.GIF{Config: image.Config{Width: canvas.Dx(), Height: canvas.Dy()}}
	for _, s := range shots {
		f := image.NewPaletted(s.at, color.Palette{s.c, color.NRGBA{1, 2, 3, 255}})
		g.Image, g.Delay, g.Disposal = append(g.Image, f), append(g.Delay, 1), append(g.Disposal, []byte{gif.DisposalNone, gif.DisposalBackground, gif.DisposalPrevious}[s.then])
	}
	var b bytes.Buffer
	must(gif.EncodeAll(&b, g))
	return b.Bytes()
}

// part is a picture of a shot's size and colour.
func (s shot) part() *image.NRGBA {
	img := image.NewNRGBA(image.Rectangle{Max: s.at.Size()})
	for i := range len(img.Pix) / 4 {
		copy(img.Pix[4*i:], []byte{s.c.R, s.c.G, s.c.B, s.c.A})
	}
	return img
}

// animatedPNG begins with a still picture that is no frame, unless it is nil.
func animatedPNG(still *image.NRGBA, shots []shot) []byte {
	out := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 12), 10), 8, 6, 0, 0, 0))...)
	out = append(out, chunk("acTL", make([]byte, 8))...)
	data := func(img *image.NRGBA) []byte {
		rows := []byte(nil)
		for y := range img.Rect.Dy() {
			rows = append(append(rows, 0), img.Pix[y*img.Stride:][:4*img.Rect.Dx()]...)
		}
		return deflated(rows)
	}
	if still != nil {
		out = append(out, chunk("IDAT", data(still))...)
	}
	for i, s := range shots {
		control := make([]byte, 4)
		for _, n := range []int{s.at.Dx(), s.at.Dy(), s.at.Min.X, s.at.Min.Y} {
			control = binary.BigEndian.AppendUint32(control, uint32(n))
		}
		blend := byte(0)
		if s.over {
			blend = 1
		}
		out = append(out, chunk("fcTL", append(control, 0, 1, 0, 1, s.then, blend))...)
		pixels := data(s.part())
		if i == 0 && still == nil {
			out = append(out, chunk("IDAT", pixels)...)
			continue
		}
		for n := range 2 { // in two pieces
			half := [][]byte{pixels[:len(pixels)/2], pixels[len(pixels)/2:]}[n]
			out = append(out, chunk("fdAT", append([]byte{0, 0, 0, byte(i)}, half...))...)
		}
	}
	return append(out, chunk("IEND", nil)...)
}

func animatedWebP(shots []shot) []byte {
	chunks := [][]byte{vp8x(0x12, canvas.Dx(), canvas.Dy()), riffChunk("ANIM", make([]byte, 6))}
	for _, s := range shots {
		var body []byte
		for _, n := range []int{s.at.Min.X / 2, s.at.Min.Y / 2, s.at.Dx() - 1, s.at.Dy() - 1, 1} {
			body = append(body, byte(n), byte(n>>8), 0)
		}
		flags := s.then
		if !s.over {
			flags |= 2
		}
		chunks = append(chunks, riffChunk("ANMF", append(append(body, flags), vp8l(s.part())...)))
	}
	return riff(chunks...)
}

// An animation has its first frame, as browsers show it, or the still picture in front. It is one page, and
// Pages counts the frames.
func TestFirstFrame(t *testing.T) {
	still := shot{at: canvas, c: color.NRGBA{7, 8, 9, 255}}.part()
	small := []shot{{image.Rect(2, 4, 6, 8), green, false, 1}, shots[0]}
	onCanvas := image.NewNRGBA(canvas)
	for y := 4; y < 8; y++ {
		for x := 2; x < 6; x++ {
			onCanvas.SetNRGBA(x, y, green)
		}
	}
	for name, c := range map[string]struct {
		file   []byte
		frames int
		want   *image.NRGBA
	}{
		"gif":              {animatedGIF(shots), len(shots), shots[0].part()},
		"gif, equal ones":  {animatedGIF([]shot{shots[0], shots[0]}), 1, shots[0].part()},
		"gif, small":       {animatedGIF(small), 2, onCanvas},
		"png":              {animatedPNG(nil, shots), len(shots), shots[0].part()},
		"png with a still": {animatedPNG(still, shots), len(shots) + 1, still},
		"webp":             {animatedWebP(shots[:2]), 2, shots[0].part()},
		"webp, small":      {animatedWebP(small), 2, onCanvas},
	} {
		p := decode(t, c.file)
		samePixels(t, c.want, p.Image, name)
		assert.Equal(t, c.frames, p.Pages, name)
		d, err := picture.OpenDocument(c.file, picture.Limits{})
		require.NoError(t, err, name)
		require.Equal(t, 1, d.Pages(), name)
		assert.Equal(t, c.file, d.Page(1), name)
		for n := range c.file { // cut off: an error, or the first frame
			p, err := picture.Decode(c.file[:n], picture.Limits{})
			if err == nil {
				samePixels(t, c.want, p.Image, name, n)
			}
			bad := bytes.Clone(c.file)
			bad[n] ^= 1 << (n % 8)
			if p, err := picture.Decode(bad, picture.Limits{MaxPixels: 1 << 16}); err == nil {
				require.NoError(t, sound(p), name)
			}
		}
	}
}

// A canvas that would cost too much is refused before a frame is decoded, and a frame beside the canvas too.
func TestHostileFrames(t *testing.T) {
	vast := animatedWebP(shots[:2])
	copy(vast[24:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) // the canvas
	_, err := picture.Decode(vast, picture.Limits{})
	require.ErrorIs(t, err, picture.ErrLimit)
	_, err = picture.Decode(animatedWebP([]shot{{image.Rect(10, 8, 14, 12), green, true, 0}, shots[0]}), picture.Limits{})
	require.EqualError(t, err, "webp: the size or the place of its first frame makes no sense")
}
