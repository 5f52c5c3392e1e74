package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"os"
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

// shown returns what is seen with each shot, as the specifications say, pixel by pixel.
func shown(shots []shot) (out []*image.NRGBA) {
	now := image.NewNRGBA(canvas)
	for _, s := range shots {
		before := bytes.Clone(now.Pix)
		for y := s.at.Min.Y; y < s.at.Max.Y; y++ {
			for x := s.at.Min.X; x < s.at.Max.X; x++ {
				if s.c.A == 255 || !s.over {
					now.SetNRGBA(x, y, s.c)
				}
			}
		}
		out = append(out, &image.NRGBA{Pix: bytes.Clone(now.Pix), Stride: now.Stride, Rect: now.Rect})
		switch s.then {
		case 1:
			for y := s.at.Min.Y; y < s.at.Max.Y; y++ {
				for x := s.at.Min.X; x < s.at.Max.X; x++ {
					now.SetNRGBA(x, y, empty)
				}
			}
		case 2:
			copy(now.Pix, before)
		}
	}
	return out
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

// Frames are pages: as browsers show them, and equal ones once.
func TestFramesArePages(t *testing.T) {
	inPlace := append(shots[:3:3], shot{image.Rect(0, 0, 4, 4), empty, false, 0}, shot{canvas, blue, false, 0}, shot{canvas, blue, true, 0})
	webp := []shot{shots[0], shots[1], shots[3], inPlace[3], inPlace[3], shots[4]} // restores nothing
	still := shot{at: canvas, c: color.NRGBA{7, 8, 9, 255}}.part()
	for name, c := range map[string]struct {
		file []byte
		want []*image.NRGBA
	}{
		"gif":              {animatedGIF(shots), shown(shots)},
		"png":              {animatedPNG(nil, inPlace), shown(inPlace)},
		"png with a still": {animatedPNG(still, inPlace), append([]*image.NRGBA{still}, shown(inPlace)...)},
		"webp":             {animatedWebP(webp), shown(webp)},
	} {
		var want []*image.NRGBA
		for i, img := range c.want {
			old := false
			for _, before := range c.want[:i] {
				old = old || bytes.Equal(before.Pix, img.Pix)
			}
			if !old {
				want = append(want, img)
			}
		}
		require.Less(t, len(want), len(c.want), name)
		first, err := picture.Decode(c.file, picture.Limits{})
		require.NoError(t, err, name)
		samePixels(t, want[0], first.Image, name)
		assert.Equal(t, len(c.want), first.Pages, name)
		d, err := picture.OpenDocument(c.file, picture.Limits{})
		require.NoError(t, err, name)
		require.Equal(t, len(want), d.Pages(), name)
		for order := range 3 {
			for k := range want {
				switch order {
				case 1:
					k = len(want) - 1 - k
				case 2: // as two readers may ask
					k = min(k^1, len(want)-1)
				}
				p, err := picture.Decode(d.Page(k+1), picture.Limits{})
				require.NoError(t, err, name)
				samePixels(t, want[k], p.Image, name, k)
				assert.Equal(t, 1, p.Pages, name)
			}
		}
		for n := range c.file { // never fewer pages in silence
			if d, err := picture.OpenDocument(c.file[:n], picture.Limits{}); err == nil && d.Pages() != len(want) {
				p, err := picture.Decode(d.Page(1), picture.Limits{})
				require.Equal(t, 1, d.Pages(), "%s cut at %d", name, n)
				if name == "gif" && err == nil { // one without an end, as many are
					samePixels(t, want[0], p.Image, n)
					require.Equal(t, 1, p.Pages)
					continue
				}
				require.Error(t, err, "%s cut at %d", name, n)
			}
		}
		step := 5
		if os.Getenv("KYCMARK_LONG") != "" {
			step = 1
		}
		for n := 0; n < len(c.file); n += step {
			bad := bytes.Clone(c.file)
			bad[n] ^= 1 << (n % 8)
			if d, err := picture.OpenDocument(bad, picture.Limits{MaxPixels: 1 << 16}); err == nil {
				for k := range d.Pages() {
					picture.Decode(d.Page(k+1), picture.Limits{MaxPixels: 1 << 16})
				}
			}
		}
	}
	same := animatedGIF([]shot{shots[0], shots[0]})
	d, err := picture.OpenDocument(same, picture.Limits{})
	require.NoError(t, err)
	assert.Equal(t, 1, d.Pages())
	assert.Equal(t, same, d.Page(1))
}

// An animation that would cost too much is refused before its frames are decoded.
func TestHostileFrames(t *testing.T) {
	many := make([]shot, picture.MaxPages+1)
	for i := range many {
		many[i] = shot{canvas, color.NRGBA{byte(i), byte(i >> 8), 0, 255}, true, 0}
	}
	_, err := picture.OpenDocument(animatedGIF(many), picture.Limits{})
	require.EqualError(t, err, "file has more than 200 pages")
	_, err = picture.OpenDocument(animatedGIF(many), picture.Limits{MaxPixels: 1000})
	require.EqualError(t, err, "picture has 24120 pixels in all frames, limit is 4000")
	outside := animatedPNG(nil, []shot{shots[0], {image.Rect(10, 9, 14, 12), green, true, 0}})
	_, err = picture.OpenDocument(outside, picture.Limits{})
	require.EqualError(t, err, "png: frame 2 of 2: it lies outside of the picture")
	vast := animatedWebP(shots[:2])
	copy(vast[24:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}) // the canvas
	var d *picture.Document
	assert.Less(t, allocated(func() { d, err = picture.OpenDocument(vast, picture.Limits{}) }), uint64(100<<10))
	require.NoError(t, err)
	require.Equal(t, 1, d.Pages())
	_, err = picture.Decode(vast, picture.Limits{})
	require.ErrorIs(t, err, picture.ErrLimit)
}

// mpf is an index of pictures of these types, behind each other from byte at of the file on.
func mpf(at int, sizes []int, types ...uint32) []byte {
	var list []uint32
	for i, kind := range types {
		offset := 0
		if i > 0 {
			offset = at
			for _, s := range sizes[:i] {
				offset += s
			}
		}
		list = append(list, kind<<16, uint32(sizes[i]), uint32(offset), 0)
	}
	return append([]byte("MPF\x00"), tiffFile(binary.LittleEndian, nil, long(0xb001, uint32(len(types))), long(0xb002, list...))...)
}

// Of a JPEG's further pictures its views are pages; previews and gain maps are not.
func TestViewsOfJPEG(t *testing.T) {
	first, second, third := jpegBytes(pattern(31, 20)), jpegBytes(blocks(4, 3)), jpegBytes(pattern(16, 16))
	const disparity, preview, undefined = 0x020002, 0x010001, 0
	file := func(types ...uint32) []byte {
		none := mpf(0, make([]int, len(types)), types...)
		head := len(first) + 4 + len(none)
		sizes := []int{head, len(second), len(third)}[:len(types)]
		out := withSegment(first, 0xe2, mpf(-10, sizes, types...)) // offsets count from behind SOI, marker, size and name
		for i := 1; i < len(types); i++ {
			out = append(out, [][]byte{second, third}[i-1]...)
		}
		return out
	}
	for _, c := range []struct {
		types []uint32
		want  [][]byte
	}{
		{[]uint32{disparity, disparity}, [][]byte{first, second}},
		{[]uint32{disparity, preview, disparity}, [][]byte{first, third}},
		{[]uint32{disparity, undefined, preview}, [][]byte{first}},
	} {
		data := file(c.types...)
		d, err := picture.OpenDocument(data, picture.Limits{})
		require.NoError(t, err)
		require.Equal(t, len(c.want), d.Pages(), c.types)
		assert.Equal(t, len(c.want), decode(t, data).Pages)
		for k, want := range c.want {
			p := decode(t, d.Page(k+1))
			samePixels(t, decode(t, want).Image, p.Image, c.types, k)
			assert.Equal(t, 1, p.Pages)
		}
	}
	cut := file(disparity, disparity)
	_, err := picture.OpenDocument(cut, picture.Limits{MaxPixels: 1000})
	require.NoError(t, err)
	sized := bytes.LastIndex(cut, []byte{0xff, 0xc0}) + 5 // the size of the second
	copy(cut[sized:], []byte{0xff, 0xff})
	_, err = picture.OpenDocument(cut, picture.Limits{MaxPixels: 1000})
	require.EqualError(t, err, "picture has 4194240 pixels on all pages, limit is 16000")
	d, err := picture.OpenDocument(cut[:len(cut)-1], picture.Limits{})
	require.NoError(t, err)
	assert.Equal(t, 1, d.Pages())
}
