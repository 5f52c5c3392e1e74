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

// newCanvas returns an empty canvas with the first [maxRows] of holders; c.left counts the others.
// leaks is the number of all leaked uploads; below 0 counts as 0. The holders' counts are limited
// to 0 to leaks, in copies: holders is not changed.
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

// behind draws what draw draws, but below the elements of c.out from offset at on. at is an earlier
// len(c.out). draw only appends to c.out.
func (c *canvas) behind(at int, draw func()) {
	end := len(c.out)
	draw()
	late := slices.Clone(c.out[end:])
	c.out = slices.Insert(c.out[:end], at, late...)
}

// printf adds markup, formatted as by fmt.Sprintf, without a line break at the end. Arguments from
// outside must be escaped by the caller: see [escape].
func (c *canvas) printf(format string, a ...any) { c.out = fmt.Appendf(c.out, format, a...) }

// tenths returns v, a length in tenths of a pixel, as a decimal number of pixels, such as "12.5".
// It is negative for v below 0.
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

// rect draws a rectangle w wide and h high with its upper left corner at x, y, filled as l says. An
// l.stroke of "" draws no outline.
func (c *canvas) rect(x, y, w, h int, l look) {
	c.printf(`<rect x="%s" y="%s" width="%s" height="%s" fill="%s"`, tenths(x), tenths(y), tenths(w), tenths(h), l.fill)
	if l.stroke != "" {
		c.printf(` stroke="%s" stroke-width=".7"`, l.stroke)
	}
	c.printf("/>\n")
}

// line draws a straight line from x1, y1 to x2, y2, one pixel wide. colour is a colour of SVG.
func (c *canvas) line(x1, y1, x2, y2 int, colour string) {
	c.printf(`<path d="M%s %sL%s %s" stroke="%s"/>`+"\n", tenths(x1), tenths(y1), tenths(x2), tenths(y2), colour)
}

// ruler draws a line at c.y from edge to edge, between two rows.
func (c *canvas) ruler() { c.line(margin, c.y, c.end(), c.y, rule) }

// dashed draws a vertical line at x from y top to bottom, in the colour of axes. attributes is
// markup of the path element, such as stroke-dasharray, which makes the dashes; it is not escaped.
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

// text writes s, which it escapes, on the base line y in the style p. p.anchor says which point of
// s lies at x. s is neither cut nor wrapped.
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

// paragraph writes s in lines from edge to edge, as many as it takes, below c.y, and moves c.y
// below them.
func (c *canvas) paragraph(p pen, s string) {
	for _, line := range wrap(s, c.end()-margin, p.size) {
		c.y += p.size * 14
		c.text(margin, c.y, p, line)
	}
	c.y += p.size * 3
}

// head begins a chart at the top: the title, then the remark unless it is "", then a legend unless
// keys is empty. It moves c.y below them.
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

// legend writes keys from left to right, in as many lines as they take, and moves c.y below them. A
// key wider than the canvas is not cut.
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

// svg returns the document: a card as high as c.y needs, and on it what was drawn. title and desc
// are texts for screen readers, which svg escapes. defs is markup of definitions, or "". The canvas
// must not be drawn on afterwards.
func (c *canvas) svg(title, desc, defs string) string {
	height := (c.y + 12*px + px - 1) / px
	var out []byte
	out = fmt.Appendf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" style="max-width:100%%;height:auto" role="img" aria-label="%s" aria-describedby="%s-desc" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif">`+"\n",
		c.Width, height, c.Width, height, escape(title), c.ID)
	out = fmt.Appendf(out, "<title>%s</title>\n<desc id=\"%s-desc\">%s</desc>\n%s", escape(title), c.ID, escape(desc), defs)
	out = fmt.Appendf(out, `<rect x=".5" y=".5" width="%d" height="%d" rx="4" fill="#fff" stroke="%s"/>`+"\n", c.Width-1, height-1, border)
	return string(out) + string(c.out) + "</svg>\n"
}

// hatch returns markup that defines a pattern for fills: slanted stripes of the colour on white.
// Fill with url(#id). id and colour are not escaped.
func hatch(id, colour string) string {
	return fmt.Sprintf(`<defs><pattern id="%s" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/><rect width="2.2" height="5" fill="%s"/></pattern></defs>`+"\n", id, colour)
}

// escape returns markup that HTML and XML both read as the text s, also within an attribute.
// Characters that XML 1.0 section 2.2 does not allow, and bytes that are not UTF-8, become U+FFFD.
func escape(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' || r == 0xfffe || r == 0xffff {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd")))
}

// clean returns a name from outside, harmless to the text around it; markup is left to [escape].
// White space of any kind becomes spaces, controls become U+FFFD, marks of the text direction go. A
// letter keeps up to three combining marks, since more marks would reach into other rows.
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

// quoted returns a cleaned name for use within a sentence. Unicode's first strong isolate and its
// end (UAX 9 section 2.3) enclose the name, since it may run from right to left.
func quoted(name string) string { return "\u2068" + clean(name) + "\u2069" }

// width estimates the width of s in tenths of a pixel at a font size in pixels. The estimate is a
// little more than the text takes in Arial and in fonts of the same measures.
func width(s string, size int) int {
	w := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		w += advance(g) * size
	}
	return w / 100
}

// advance estimates the width of the grapheme cluster that g is at (a character as readers see it),
// in thousandths of the font's size: 0 to 1300.
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

// fit returns s, cleaned, cut to the width limit in tenths of a pixel at a font size in pixels. A
// cut text ends with an ellipsis, which counts. It cuts between grapheme clusters, the characters
// that readers see.
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

// wrap breaks s at white space into lines up to the width limit, in tenths of a pixel, at a font
// size in pixels. A single longer word keeps a line of its own. It returns one line for "".
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

// twoLines breaks a name, cleaned, into one or two lines and cuts longer lines with an ellipsis.
// limit is the width in tenths of a pixel, size the font size in pixels.
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

// label writes a holder's name at x in up to two lines of the width room, the first on the base
// line y. If the name takes one line, the second line is the holder's kind. Longer texts are cut;
// c.y stays.
func (c *canvas) label(x, y, room int, h Holder) {
	lines := twoLines(h.called(), room, textSize)
	for i, line := range lines {
		c.text(x, y+14*px*i, pen{size: textSize, colour: ink}, line)
	}
	if len(lines) == 1 {
		c.text(x, y+14*px, pen{size: smallSize, colour: soft}, fit(h.Kind, room, smallSize))
	}
}

// part returns length * n / of, rounded towards zero. of must not be 0.
func part(length int, n, of int64) int { return int(int64(length) * n / of) }

// number returns a count with commas between thousands.
func number[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short returns a round number of an axis in few letters: as 1.5M, 200k or 3bn from 100,000 on,
// else with commas. Digits beyond the first decimal are cut off. It expects n >= 0.
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

// plural returns the count n, with commas, and a noun: one if n is 1, else many.
func plural[N int | int64](n N, one, many string) string {
	if n == 1 {
		return number(n) + " " + one
	}
	return number(n) + " " + many
}
