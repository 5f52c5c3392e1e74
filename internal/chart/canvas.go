package chart

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Lengths are in tenths of a pixel.
const px = 10

// A canvas collects an SVG's elements from top to bottom.
type canvas struct {
	Options
	b strings.Builder
	y int // where the next thing goes
}

// tenths writes a length in pixels.
func tenths(v int) string {
	s := strconv.Itoa(v / px)
	if v < 0 && v > -px {
		s = "-0"
	}
	if r := max(v%px, -(v % px)); r != 0 {
		s += "." + strconv.Itoa(r)
	}
	return s
}

func (c *canvas) rect(x, y, w, h int, l look) {
	fmt.Fprintf(&c.b, `<rect x="%s" y="%s" width="%s" height="%s" fill="%s"`, tenths(x), tenths(y), tenths(w), tenths(h), l.fill)
	if l.stroke != "" {
		fmt.Fprintf(&c.b, ` stroke="%s" stroke-width=".7"`, l.stroke)
	}
	c.b.WriteString("/>\n")
}

func (c *canvas) line(x1, y1, x2, y2 int, colour string) {
	fmt.Fprintf(&c.b, `<path d="M%s %sL%s %s" stroke="%s"/>`+"\n", tenths(x1), tenths(y1), tenths(x2), tenths(y2), colour)
}

// A pen writes text.
type pen struct {
	size   int // pixels
	colour string
	bold   bool
	anchor string // start (or ""), middle, end
	halo   bool   // white around it, over lines
}

func (c *canvas) text(x, y int, p pen, s string) {
	fmt.Fprintf(&c.b, `<text x="%s" y="%s" font-size="%d" fill="%s"`, tenths(x), tenths(y), p.size, p.colour)
	if p.bold {
		c.b.WriteString(` font-weight="600"`)
	}
	if p.anchor != "" {
		fmt.Fprintf(&c.b, ` text-anchor="%s"`, p.anchor)
	}
	if p.halo {
		c.b.WriteString(` stroke="#fff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"`)
	}
	fmt.Fprintf(&c.b, ">%s</text>\n", escape(s))
}

// paragraph writes text in lines of at most width and moves down.
func (c *canvas) paragraph(x, width int, p pen, s string) {
	for _, line := range wrap(s, width, p.size) {
		c.y += p.size * 14
		c.text(x, c.y, p, line)
	}
	c.y += p.size * 3
}

// open begins a group that shows text when it is pointed at.
func (c *canvas) open(title string) {
	fmt.Fprintf(&c.b, "<g><title>%s</title>\n", escape(title))
}

func (c *canvas) close() { c.b.WriteString("</g>\n") }

// svg gives the document: the card, and on it what was drawn down to c.y.
func (c *canvas) svg(title, desc, defs string) string {
	height := (c.y + 12*px + px - 1) / px
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" style="max-width:100%%;height:auto" role="img" aria-label="%s" aria-describedby="%s-desc" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif">`+"\n",
		c.Width, height, c.Width, height, escape(title), c.ID)
	fmt.Fprintf(&out, "<title>%s</title>\n<desc id=\"%s-desc\">%s</desc>\n", escape(title), c.ID, escape(desc))
	out.WriteString(defs)
	fmt.Fprintf(&out, `<rect x=".5" y=".5" width="%d" height="%d" rx="4" fill="#fff" stroke="%s"/>`+"\n", c.Width-1, height-1, border)
	out.WriteString(c.b.String())
	out.WriteString("</svg>\n")
	return out.String()
}

// hatch defines a pattern: stripes of the colour on white.
func hatch(id, colour string) string {
	return fmt.Sprintf(`<defs><pattern id="%s" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/><rect width="2.2" height="5" fill="%s"/></pattern></defs>`+"\n", id, colour)
}

// escape makes text what HTML and XML both read as that text. What XML 1.0 section 2.2
// does not allow is replaced.
func escape(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' || r == 0xfffe || r == 0xffff {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd")))
}

// clean makes a name from outside harmless to the text around it. It replaces line breaks by
// spaces and removes controls of the text direction. It keeps at most three combining marks
// on a letter, since more marks would reach into other rows.
func clean(s string) string {
	marks := 0
	return strings.Map(func(r rune) rune {
		if marks++; !unicode.Is(unicode.Mn, r) {
			marks = 0
		}
		switch {
		case marks > 3, r == '\u200e', r == '\u200f', r == '\u061c':
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// quoted is a name within a sentence, in which it may run from right to left: between
// Unicode's first strong isolate and its end, UAX 9 section 2.3.
func quoted(name string) string { return "\u2068" + clean(name) + "\u2069" }

// width is about what the text takes, in tenths of a pixel: a little more than Arial and
// the fonts made to its measures do.
func width(s string, size int) int {
	w := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		w += advance(g) * size
	}
	return w / 100
}

// advance is of one character as readers see it, in thousandths of the font's size.
func advance(g *uniseg.Graphemes) int {
	r := g.Runes()[0]
	switch {
	case g.Width() == 0:
		return 0
	case g.Width() > 1:
		return 1300
	case strings.ContainsRune("ijl.,:;|!'I ftr()", r):
		return 340
	case strings.ContainsRune("mwMW@%", r):
		return 960
	case unicode.IsUpper(r), r > unicode.MaxLatin1:
		return 760
	}
	return 600
}

// fit cuts the text to at most limit units of the drawing at a font size, and ends a cut text
// with an ellipsis. It cuts between characters as readers see them (grapheme clusters).
func fit(s string, limit, size int) string {
	if s = clean(s); width(s, size) <= limit {
		return s
	}
	var out strings.Builder
	left := limit*100 - 1000*size // of the ellipsis
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if left -= advance(g) * size; left < 0 {
			break
		}
		out.WriteString(g.Str())
	}
	return strings.TrimRight(out.String(), " ") + "…"
}

// wrap breaks text at spaces into lines of at most limit units of the drawing at a font size.
// A single longer word keeps a line of its own.
func wrap(s string, limit, size int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if longer := line + " " + word; line != "" && width(longer, size) > limit {
			lines, line = append(lines, line), word
		} else {
			line = strings.TrimPrefix(longer, " ")
		}
	}
	return append(lines, line)
}

// twoLines breaks a name into at most two lines of at most limit units of the drawing at a
// font size, and cuts longer lines.
func twoLines(s string, limit, size int) []string {
	lines := wrap(clean(s), limit, size)
	if len(lines) > 2 {
		lines = []string{lines[0], strings.Join(lines[1:], " ")}
	}
	for i := range lines {
		lines[i] = fit(lines[i], limit, size)
	}
	return lines
}

// label writes a holder's name, and its kind where the name leaves room, in two lines.
func (c *canvas) label(x, y, room int, h Holder) {
	lines := twoLines(h.called(), room, textSize)
	for i, line := range lines {
		c.text(x, y+14*px*i, pen{size: textSize, colour: ink}, line)
	}
	if len(lines) == 1 {
		c.text(x, y+14*px, pen{size: smallSize, colour: soft}, fit(h.Kind, room, smallSize))
	}
}

// part is n of so many parts of a length.
func part(length int, n, of int64) int { return int(int64(length) * n / of) }

// number writes a count with commas between thousands.
func number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short writes a round number of an axis in few letters.
func short(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1e9, "bn"}, {1e6, "M"}, {1e3, "k"}} {
		if n < max(u.size, 1e5) {
			continue
		}
		if tenths := n % u.size * 10 / u.size; tenths > 0 {
			return fmt.Sprintf("%d.%d%s", n/u.size, tenths, u.name)
		}
		return number(n/u.size) + u.name
	}
	return number(n)
}

func plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return number(n) + " " + one
	}
	return number(n) + " " + many
}
