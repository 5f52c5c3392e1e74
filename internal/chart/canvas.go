package chart

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// Lengths are in tenths of a pixel.
const px = 10

// A canvas collects an SVG's elements from top to bottom. Its methods take positions and sizes
// in tenths of a pixel, and font sizes in pixels.
type canvas struct {
	Options
	leaks int      // all leaked uploads
	rows  []Holder // that are drawn, with counts between 0 and leaks
	left  int      // holders that are not drawn
	out   []byte   // elements
	y     int      // where the next thing goes
}

// newCanvas returns an empty canvas with the first [maxRows] holders.
func newCanvas(o Options, holders []Holder, leaks int) canvas {
	c := canvas{Options: o.ready(), leaks: max(leaks, 0)}
	c.rows = slices.Clone(holders[:min(len(holders), maxRows)])
	c.left = len(holders) - len(c.rows)
	for i := range c.rows {
		for _, count := range []*int{&c.rows[i].Held, &c.rows[i].Copies, &c.rows[i].Confirmed} {
			*count = min(max(*count, 0), c.leaks)
		}
	}
	return c
}

// narrow says whether names stand above their bars instead of beside them.
func (c *canvas) narrow() bool { return c.Width < narrow }

// end is the right edge of what is drawn.
func (c *canvas) end() int { return c.Width*px - margin }

// behind draws what draw draws below all elements from offset at of c.out on.
func (c *canvas) behind(at int, draw func()) {
	end := len(c.out)
	draw()
	late := slices.Clone(c.out[end:])
	c.out = slices.Insert(c.out[:end], at, late...)
}

// printf adds markup. Arguments from outside must be escaped.
func (c *canvas) printf(format string, a ...any) { c.out = fmt.Appendf(c.out, format, a...) }

// tenths returns a length as a number of pixels.
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

// rect draws a rectangle with its upper left corner at x, y.
func (c *canvas) rect(x, y, w, h int, l look) {
	c.printf(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"`, tenths(x), tenths(y), tenths(w), tenths(h), l.fill)
	if l.stroke != "" {
		c.printf(` stroke="%s" stroke-width=".7"`, l.stroke)
	}
	c.printf("/>\n")
}

// line draws a straight line.
func (c *canvas) line(x1, y1, x2, y2 int, colour string) {
	c.printf(`<path d="M%s %sL%s %s" stroke="%s"/>`+"\n", tenths(x1), tenths(y1), tenths(x2), tenths(y2), colour)
}

// ruler draws a line at c.y from edge to edge, between two rows.
func (c *canvas) ruler() { c.line(margin, c.y, c.end(), c.y, rule) }

// dashed draws a vertical line of dashes. width and dash are attributes of SVG.
func (c *canvas) dashed(x, top, bottom int, attributes string) {
	c.printf(`<path d="M%s %sV%s" stroke="%s" %s/>`+"\n", tenths(x), tenths(top), tenths(bottom), axis, attributes)
}

// A pen writes text.
type pen struct {
	size   int // pixels
	colour string
	bold   bool
	anchor string // start (or ""), middle, end
	halo   bool   // white around it, over lines
}

// text writes s on the base line y. The anchor says which point of s lies at x.
func (c *canvas) text(x, y int, p pen, s string) {
	c.printf(`<text x="%s" y="%s" font-size="%d" fill="%s"`, tenths(x), tenths(y), p.size, p.colour)
	if p.bold {
		c.printf(` font-weight="600"`)
	}
	if p.anchor != "" {
		c.printf(` text-anchor="%s"`, p.anchor)
	}
	if p.halo {
		c.printf(` stroke="#fff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"`)
	}
	c.printf(">%s</text>\n", escape(s))
}

// paragraph writes text in lines from edge to edge, and moves down.
func (c *canvas) paragraph(p pen, s string) {
	for _, line := range wrap(s, c.end()-margin, p.size) {
		c.y += p.size * 14
		c.text(margin, c.y, p, line)
	}
	c.y += p.size * 3
}

// head writes the title, the remark unless that is "", and a legend unless there are no keys.
func (c *canvas) head(title, remark string, keys []key) {
	c.y = 8 * px
	c.paragraph(pen{size: titleSize, colour: ink, bold: true}, title)
	if remark != "" {
		c.paragraph(pen{size: textSize, colour: soft}, remark)
	}
	if len(keys) > 0 {
		c.legend(keys)
		c.y += 6 * px
	}
}

// A key is an entry of a legend.
type key struct {
	look
	says string
}

// legend writes keys from left to right, in as many lines as they take.
func (c *canvas) legend(keys []key) {
	x := margin
	c.y += 16 * px
	for _, k := range keys {
		w := 16*px + width(k.says, textSize) + 14*px
		if x > margin && x+w > c.end() {
			x = margin
			c.y += 18 * px
		}
		c.rect(x, c.y-9*px, 10*px, 10*px, k.look)
		c.text(x+16*px, c.y, pen{size: textSize, colour: ink}, k.says)
		x += w
	}
	c.y += 8 * px
}

// notDrawn says how many holders are not drawn; "" if all are.
func (c *canvas) notDrawn() string {
	if c.left == 0 {
		return ""
	}
	return plural(c.left, "recipient", "recipients") + " more not drawn."
}

// open begins a group of elements. A browser shows title when the pointer is over the group.
func (c *canvas) open(title string) { c.printf("<g><title>%s</title>\n", escape(title)) }

// close ends the group.
func (c *canvas) close() { c.printf("</g>\n") }

// svg returns the document: a card, and on it what was drawn down to c.y. title and desc are
// for screen readers, defs is markup of definitions or "".
func (c *canvas) svg(title, desc, defs string) string {
	height := (c.y + 12*px + px - 1) / px
	var out []byte
	out = fmt.Appendf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" style="max-width:100%%;height:auto" role="img" aria-label="%s" aria-describedby="%s-desc" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif">`+"\n",
		c.Width, height, c.Width, height, escape(title), c.ID)
	out = fmt.Appendf(out, "<title>%s</title>\n<desc id=\"%s-desc\">%s</desc>\n%s", escape(title), c.ID, escape(desc), defs)
	out = fmt.Appendf(out, `<rect x=".5" y=".5" width="%d" height="%d" rx="4" fill="#fff" stroke="%s"/>`+"\n", c.Width-1, height-1, border)
	return string(out) + string(c.out) + "</svg>\n"
}

// hatch returns the definition of a pattern: stripes of the colour on white.
func hatch(id, colour string) string {
	return fmt.Sprintf(`<defs><pattern id="%s" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/><rect width="2.2" height="5" fill="%s"/></pattern></defs>`+"\n", id, colour)
}

// escape returns markup that HTML and XML both read as the text s. Characters that XML 1.0
// section 2.2 does not allow become U+FFFD.
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

// quoted returns a name for use within a sentence. Unicode's first strong isolate and its end
// (UAX 9 section 2.3) enclose the name, since it may run from right to left.
func quoted(name string) string { return "\u2068" + clean(name) + "\u2069" }

// width estimates the width of text in tenths of a pixel: a little more than the text takes in
// Arial and in fonts of the same measures.
func width(s string, size int) int {
	w := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		w += advance(g) * size
	}
	return w / 100
}

// advance estimates the width of the present character as readers see it (a grapheme cluster),
// in thousandths of the font's size.
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

// label writes a holder's name in at most two lines of the width room, from the base line y on.
// If the name takes one line, the second line is the holder's kind.
func (c *canvas) label(x, y, room int, h Holder) {
	lines := twoLines(h.called(), room, textSize)
	for i, line := range lines {
		c.text(x, y+14*px*i, pen{size: textSize, colour: ink}, line)
	}
	if len(lines) == 1 {
		c.text(x, y+14*px, pen{size: smallSize, colour: soft}, fit(h.Kind, room, smallSize))
	}
}

// part returns length * n / of, rounded towards zero.
func part(length int, n, of int64) int { return int(int64(length) * n / of) }

// number returns a count with commas between thousands.
func number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short returns a round number of an axis in few letters, such as 1.5M. It expects n >= 0.
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

// plural returns the count n with the word that fits: one for 1, else many.
func plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return number(n) + " " + one
	}
	return number(n) + " " + many
}
