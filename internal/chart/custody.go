package chart

import (
	"fmt"
	"strings"
)

// Custody draws three counts of leaked uploads for each holder, as an svg element:
//
//   - uploads that the holder could have held unmarked;
//   - uploads that the holder was issued marked copies of;
//   - uploads that carry the confirmed mark of such a copy.
//
// leaks is the number of all leaked uploads; a negative number counts as 0.
func Custody(leaks int, holders []Holder, o Options) string {
	c := &custody{canvas: canvas{Options: o.ready()}, leaks: max(leaks, 0)}
	c.rows, c.left = c.shown(holders, c.leaks)
	room := c.Width*px - 2*margin
	c.y = 8 * px
	c.paragraph(margin, room, pen{size: titleSize, colour: ink, bold: true}, c.title())
	if c.leaks == 0 {
		return c.svg(c.title(), c.title()+".", "")
	}
	c.paragraph(margin, room, pen{size: textSize, colour: soft}, custodyRemark)
	var keys []key
	for _, m := range measures {
		keys = append(keys, key{m.look, m.says})
	}
	c.legend(margin, room, keys)
	c.y += 6 * px
	c.place()
	before := c.b.String()
	c.b.Reset()
	for _, h := range c.rows {
		c.row(h)
	}
	rows := c.b.String()
	c.b.Reset()
	c.b.WriteString(before)
	c.all()
	c.b.WriteString(rows)
	c.axis()
	if c.left > 0 {
		c.paragraph(margin, room, pen{size: smallSize, colour: soft}, fmt.Sprintf("%s more not drawn.", plural(c.left, "recipient", "recipients")))
	}
	return c.svg(c.title(), c.desc(), "")
}

const custodyRemark = "Who could have held an upload need not have released it. One upload can count for several recipients. Custody that is not admissible does not count."

// measures are the bars of each holder.
var measures = []struct {
	look
	says string
	of   func(Holder) int
}{
	{looks[Unmarked], "could hold unmarked", func(h Holder) int { return h.Held }},
	{look{"#fff", looks[Marked].fill}, "was issued a marked copy of", func(h Holder) int { return h.Copies }},
	{looks[Marked], "carry the confirmed mark of that copy", func(h Holder) int { return h.Confirmed }},
}

type custody struct {
	canvas
	leaks      int
	rows       []Holder
	left       int // holders that are not drawn
	start, end int // edges of the bars, tenths of a pixel
	first      int // where the rows begin
}

func (c *custody) title() string {
	switch c.leaks {
	case 0:
		return noLeaks
	case 1:
		return "Who could have held the leaked upload"
	}
	return fmt.Sprintf("Who could have held the %s leaked uploads", number(c.leaks))
}

// place finds the edges.
func (c *custody) place() {
	c.start, c.end = margin+names, c.Width*px-margin-60*px
	if c.Width < narrow {
		c.start, c.end = margin, c.Width*px-margin-56*px
	}
	c.first = c.y
}

const (
	bar    = 9 * px
	barGap = 3 * px
)

func (c *custody) row(h Holder) {
	c.open(c.says(h))
	c.line(margin, c.y, c.Width*px-margin, c.y, rule)
	y := c.y + 8*px
	if c.Width < narrow {
		c.text(margin, y+8*px, pen{size: textSize, colour: ink}, fit(h.called(), c.Width*px-2*margin, textSize))
		y += 15 * px
	} else {
		c.label(margin, y+10*px, names-8*px, h)
	}
	for _, m := range measures {
		n := m.of(h)
		if n > 0 {
			c.rect(c.start, y, max(c.length(n), 2*px), bar, m.look)
		} else {
			c.line(c.start, y, c.start, y+bar, axis)
		}
		p := pen{size: smallSize, colour: ink, halo: true}
		if n == 0 {
			p.colour = soft
		}
		c.text(c.start+c.length(n)+5*px, y+bar, p, number(n))
		y += bar + barGap
	}
	c.y = y + 6*px
	c.close()
}

func (c *custody) length(n int) int {
	return part(c.end-c.start, int64(n), int64(c.leaks))
}

// all draws the line that a bar of all leaks would reach, behind the rows.
func (c *custody) all() {
	if len(c.rows) > 0 {
		fmt.Fprintf(&c.b, `<path d="M%s %sV%s" stroke="%s" stroke-dasharray="3 3"/>`+"\n", tenths(c.end), tenths(c.first), tenths(c.y), axis)
	}
}

// axis ends the rows and says what that line is.
func (c *custody) axis() {
	c.line(margin, c.y, c.Width*px-margin, c.y, rule)
	if len(c.rows) == 0 {
		return
	}
	c.y += 14 * px
	c.text(c.end, c.y, pen{size: smallSize, colour: soft, anchor: "middle"}, "all "+number(c.leaks))
}

func (c *custody) says(h Holder) string {
	kind := ""
	if h.Kind != "" {
		kind = " (" + clean(h.Kind) + ")"
	}
	return fmt.Sprintf("%s%s could hold %s unmarked, by admissible custody, and was issued marked copies of %s; %s the confirmed mark of such a copy.",
		quoted(h.called()), kind, number(h.Held), number(h.Copies), verb(h.Confirmed, "1 carries", number(h.Confirmed)+" carry"))
}

func (c *custody) desc() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s. %s", c.title(), custodyRemark)
	for _, h := range c.rows {
		b.WriteString(" " + c.says(h))
	}
	if c.left > 0 {
		fmt.Fprintf(&b, " %s more not drawn.", plural(c.left, "recipient", "recipients"))
	}
	return b.String()
}
