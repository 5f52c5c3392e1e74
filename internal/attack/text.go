package attack

import (
	"image"
	"image/color"

	"github.com/disintegration/imaging"
	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// Write draws a line of ASCII text on p, so wide that it takes width pixels, with capitals capital
// pixels high. Its baseline begins at (x, y); what lies outside p is cut. The bitmap font is
// enlarged smoothly; bold multiplies the darkness of its soft edges, and 1 leaves them as they are.
func Write(p *image.NRGBA, text string, x, y, width, capital, bold int, c color.NRGBA) {
	const capBits = 9 // height of a capital in the font
	face := basicfont.Face7x13
	mask := imaging.New(face.Advance*len(text), face.Height, color.Black)
	d := font.Drawer{Dst: mask, Src: image.NewUniform(color.White), Face: face, Dot: fixed.P(0, face.Ascent)}
	d.DrawString(text)
	height := max(1, face.Height*capital/capBits)
	mask = imaging.Resize(mask, max(1, width), height, imaging.CatmullRom)
	y -= height * face.Ascent / face.Height
	box := mask.Rect.Add(image.Pt(x, y)).Intersect(p.Rect)
	for v := box.Min.Y; v < box.Max.Y; v++ {
		for u := box.Min.X; u < box.Max.X; u++ {
			a := min(255, bold*int(mask.Pix[(v-y)*mask.Stride+4*(u-x)]))
			s := p.Pix[v*p.Stride+4*u:][:3:3]
			for i, v := range [3]uint8{c.R, c.G, c.B} {
				s[i] = uint8((int(s[i])*(255-a) + int(v)*a + 127) / 255)
			}
		}
	}
}
