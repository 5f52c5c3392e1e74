package specimen

import (
	"fmt"
	"math"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// style is one of the Go fonts.
type style uint8

const (
	regular style = iota
	medium
	bold
	italic
	mono // bold, for the machine readable zone
	styles
)

// typecase holds the parsed fonts; it is read only once made.
type typecase [styles]*sfnt.Font

// newTypecase parses the fonts that are compiled in. It panics if a font cannot be parsed, which
// only a broken build does.
func newTypecase() *typecase {
	var t typecase
	for i, ttf := range [styles][]byte{goregular.TTF, gomedium.TTF, gobold.TTF, goitalic.TTF, gomonobold.TTF} {
		f, err := sfnt.Parse(ttf)
		if err != nil { // the fonts are compiled in: only a broken build gets here
			panic(fmt.Sprintf("specimen: font %d: %v", i, err))
		}
		t[i] = f
	}
	return &t
}

// lettering says how a line of text is set. Sizes are the em in millimetres.
type lettering struct {
	style   style
	size    float64
	colour  ink
	opacity float64 // 0 means 1
	width   float64 // shrink to at most this width, millimetres; 0: any
	pitch   float64 // fixed advance, millimetres; 0: the font's own
	spacing float64 // added between letters, millimetres
	align   float64 // 0 left, 0.5 centred, 1 right of x
	angle   float64 // radians, clockwise
}

const unitsEm = 2048 // of the Go fonts

// text prints one line. The base line goes through (x, y), and l.align says which point of the
// line is there. Control characters are dropped and a line is cut to 200 characters; it is
// squeezed to l.width.
func (c *canvas) text(x, y float64, l lettering, s string) {
	if l.opacity == 0 {
		l.opacity = 1
	}
	s = clip(s)
	width := c.measure(l, s)
	squeeze := 1.0
	if l.width > 0 && width > l.width {
		squeeze = l.width / width
		width = l.width
	}
	var path outline
	cos, sin := math.Cos(l.angle), math.Sin(l.angle)
	pen := -width * l.align
	c.glyphs(l, s, func(segments sfnt.Segments, advance float64) {
		k := l.size / unitsEm
		for _, seg := range segments {
			var p [3]point
			for i, a := range seg.Args {
				u, v := pen+float64(float64(a.X)*k*squeeze), float64(a.Y)*k
				p[i] = point{(x + float64(u*cos) - float64(v*sin)) * c.scale, (y + float64(u*sin) + float64(v*cos)) * c.scale}
			}
			switch seg.Op {
			case sfnt.SegmentOpMoveTo:
				path.add('m', p[0])
			case sfnt.SegmentOpLineTo:
				path.add('l', p[0])
			case sfnt.SegmentOpQuadTo:
				path.add('q', p[0], p[1])
			case sfnt.SegmentOpCubeTo:
				path.add('c', p[0], p[1], p[2])
			}
		}
		pen += advance * squeeze
	})
	c.print(&path, l.colour, l.opacity)
}

// measure returns the width of a line in millimetres, before l.width squeezes it.
func (c *canvas) measure(l lettering, s string) float64 {
	width := 0.0
	c.glyphs(l, s, func(_ sfnt.Segments, advance float64) { width += advance })
	return max(0, width-l.spacing)
}

// glyphs calls do for each letter of s with its outline, in font units, and its advance in
// millimetres. Letters that the font lacks show as its box. A letter that cannot be loaded is left
// out.
func (c *canvas) glyphs(l lettering, s string, do func(sfnt.Segments, float64)) {
	f := c.fonts[l.style]
	var buf sfnt.Buffer
	const ppem = fixed.Int26_6(unitsEm) // so that 26.6 values are font units
	for _, letter := range s {
		i, err := f.GlyphIndex(&buf, letter)
		if err != nil {
			continue
		}
		advance, err := f.GlyphAdvance(&buf, i, ppem, font.HintingNone)
		if err != nil {
			continue
		}
		step := float64(advance)/unitsEm*l.size + l.spacing
		if l.pitch > 0 {
			step = l.pitch
		}
		segments, err := f.LoadGlyph(&buf, i, ppem, nil)
		if err != nil {
			continue
		}
		do(segments, step)
	}
}

// clip returns a line that a page can hold, whatever a name brings: control characters below the
// space and U+FFFD are dropped, and it is cut to 200 characters.
func clip(s string) string {
	const maxRunes = 200
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0xfffd {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxRunes {
		s = string(r[:maxRunes])
	}
	return s
}

// field prints a caption at (x, y) with its value below, as documents do. size is the em of the
// value in millimetres; both are squeezed to width.
func (c *canvas) field(x, y, width float64, caption, value string, captionInk, valueInk ink, size float64) {
	c.text(x, y, lettering{style: regular, size: size * 0.58, colour: captionInk, width: width}, caption)
	c.text(x, y+size*1.02, lettering{style: medium, size: size, colour: valueInk, width: width}, value)
}

// specimen prints the word SPECIMEN centred on (x, y). size is the em in millimetres, angle is in
// radians, clockwise, and opacity is 0 to 1.
func (c *canvas) specimen(x, y, size, angle float64, colour ink, opacity float64) {
	c.text(x, y, lettering{style: bold, size: size, colour: colour, opacity: opacity, align: 0.5, angle: angle, spacing: size * 0.12}, "SPECIMEN")
}
