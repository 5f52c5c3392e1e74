package phash

import (
	"encoding/binary"
	"image"
	"image/color"

	"github.com/kycmark/kycmark/internal/dsp"
)

// whole returns every pixel of the picture in orientation o, laid on white paper: an opaque picture
// that begins at (0, 0). It shares its pixels with img if img is such a picture, else it is a copy.
func whole(img image.Image, o orientation) *image.NRGBA {
	m := dsp.AsNRGBA(img)
	if o == orientations[0] && opaque(m) {
		return m
	}
	return taken(m, o, m.Rect.Size())
}

// reduced is [whole] if no side is longer than Step. Otherwise the result has Step × Step pixels, whatever the
// picture's shape: the nearest-neighbour step of the reference's file reader (pdq/cpp/io). Only these pixels are read.
func reduced(img image.Image, o orientation) *image.NRGBA {
	if size := img.Bounds().Size(); max(size.X, size.Y) > Step {
		return taken(img, o, image.Pt(Step, Step))
	}
	return whole(img, o)
}

// taken copies evenly spaced pixels of the picture, laid on white paper, in orientation o. size is the number of
// columns and rows that are taken, before o swaps the axes. If size exceeds the picture's, pixels repeat.
func taken(img image.Image, o orientation, size image.Point) *image.NRGBA {
	b := img.Bounds()
	xs, ys := every(b.Dx(), size.X, o.mirrorX), every(b.Dy(), size.Y, o.mirrorY)
	if o.swap {
		size.X, size.Y = size.Y, size.X
	}
	out := image.NewNRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		line := rowOf(out, y)
		if o.swap {
			copyPixels(line, img, xs[y:y+1], ys)
		} else {
			copyPixels(line, img, xs, ys[y:y+1])
		}
		if !dsp.Opaque(line) {
			whiten(line)
		}
	}
	return out
}

// every returns m of n positions, equally spaced and rounded down; positions repeat if m exceeds n.
// With mirror they count from the last position down.
func every(n, m int, mirror bool) []int {
	at := make([]int, m)
	for i := range at {
		at[i] = int(int64(i) * int64(n) / int64(m))
		if mirror {
			at[i] = n - 1 - at[i]
		}
	}
	return at
}

func rowOf(m *image.NRGBA, y int) []uint8 { return m.Pix[y*m.Stride:][:4*m.Rect.Max.X] }

func opaque(m *image.NRGBA) bool {
	for y := range m.Rect.Dy() {
		if !dsp.Opaque(m.Pix[y*m.Stride:][:4*m.Rect.Dx()]) {
			return false
		}
	}
	return true
}

// copyPixels fills line with the pixels of img at columns xs and rows ys, counted from its upper
// left corner: row by row, four bytes a pixel. Transparency stays. Only NRGBA pictures are fast.
func copyPixels(line []uint8, img image.Image, xs, ys []int) {
	m, fast := img.(*image.NRGBA)
	lo := img.Bounds().Min
	for _, y := range ys {
		for _, x := range xs {
			if fast {
				binary.LittleEndian.PutUint32(line, binary.LittleEndian.Uint32(m.Pix[y*m.Stride+4*x:]))
			} else {
				c := color.NRGBAModel.Convert(img.At(lo.X+x, lo.Y+y)).(color.NRGBA)
				line[0], line[1], line[2], line[3] = c.R, c.G, c.B, c.A
			}
			line = line[4:]
		}
	}
}

// whiten blends pixels with white paper, rounding to nearest.
func whiten(line []uint8) {
	for i := 0; i+4 <= len(line); i += 4 {
		p := line[i : i+4 : i+4]
		a := uint32(p[3])
		for k, v := range p[:3] {
			p[k] = uint8((uint32(v)*a + 255*(255-a) + 127) / 255)
		}
		p[3] = 0xff
	}
}

// An orientation is one of the eight ways in which a picture can lie: mirrored left to right, mirrored top to bottom,
// and then, if swap is set, with rows for columns.
type orientation struct{ mirrorX, mirrorY, swap bool }

// orientations are in the order that [SumTurned] documents.
var orientations = [8]orientation{
	{},
	{mirrorX: true, swap: true},
	{mirrorX: true, mirrorY: true},
	{mirrorY: true, swap: true},
	{mirrorY: true},
	{mirrorX: true},
	{swap: true},
	{mirrorX: true, mirrorY: true, swap: true},
}
