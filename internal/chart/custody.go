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
	c := &custody{newCanvas(o, holders, leaks)}
	if c.leaks == 0 {
		c.head(noLeaks, "", nil)
		return c.svg(noLeaks, noLeaks+".", "")
	}
	title := "Who could have held the leaked upload"
	if c.leaks > 1 {
		title = fmt.Sprintf("Who could have held the %s leaked uploads", number(c.leaks))
	}
	var keys []key
	for _, m := range measures {
		keys = append(keys, m.key)
	}
	c.head(title, custodyRemark, keys)
	start, all := margin+names, c.end()-60*px // edges of a bar of all leaks
	if c.narrow() {
		start, all = margin, c.end()-56*px
	}
	at, top := len(c.out), c.y
	for _, h := range c.rows {
		c.row(h, start, all-start)
	}
	bottom := c.y
	c.ruler()
	if len(c.rows) > 0 {
		c.behind(at, func() { c.dashed(all, top, bottom, `stroke-dasharray="3 3"`) })
		c.y += 14 * px
		c.text(all, c.y, pen{size: smallSize, colour: soft, anchor: "middle"}, "all "+number(c.leaks))
	}
	if c.left > 0 {
		c.paragraph(pen{size: smallSize, colour: soft}, c.notDrawn())
	}
	return c.svg(title, c.desc(title), "")
}

const custodyRemark = "Who could have held an upload need not have released it. One upload can count for several recipients. Custody that is not admissible does not count."

// measures are the bars of each holder.
var measures = []struct {
	key
	of func(Holder) int
}{
	{key{looks[Unmarked], "could hold unmarked"}, func(h Holder) int { return h.Held }},
	{key{look{"#fff", looks[Marked].fill}, "was issued a marked copy of"}, func(h Holder) int { return h.Copies }},
	{key{looks[Marked], "carry the confirmed mark of that copy"}, func(h Holder) int { return h.Confirmed }},
}

type custody struct{ canvas }

const (
	barThick = 9 * px
	barGap   = 3 * px
)

// row draws the bars of a holder with their numbers at c.y, and moves c.y below them. Bars begin at
// x = start; length is the length of a bar of all leaks. A count of 0 gets a thin line, a small
// count a bar of two pixels.
func (c *custody) row(h Holder, start, length int) {
	c.open(c.says(h))
	c.ruler()
	y := c.y + 8*px
	if c.narrow() {
		c.text(margin, y+8*px, pen{size: textSize, colour: ink}, fit(h.called(), c.end()-margin, textSize))
		y += 15 * px
	} else {
		c.label(margin, y+10*px, names-8*px, h)
	}
	for _, m := range measures {
		n := m.of(h)
		long := part(length, int64(n), int64(c.leaks))
		p := pen{size: smallSize, colour: ink, halo: true}
		if n > 0 {
			c.rect(start, y, max(long, 2*px), barThick, m.look)
		} else {
			c.line(start, y, start, y+barThick, axis)
			p.colour = soft
		}
		c.text(start+long+5*px, y+barThick, p, number(n))
		y += barThick + barGap
	}
	c.y = y + 6*px
	c.close()
}

// says returns the counts of a row as a sentence, for screen readers and for when the pointer is
// over the row.
func (c *custody) says(h Holder) string {
	return fmt.Sprintf("%s could hold %s unmarked, by admissible custody, and was issued marked copies of %s; %s the confirmed mark of such a copy.",
		h.inSentence(), number(h.Held), number(h.Copies), verb(h.Confirmed, "1 carries", number(h.Confirmed)+" carry"))
}

// desc returns, for screen readers, all that the chart shows: title, remark, a sentence for each
// row, and how many holders are not drawn.
func (c *custody) desc(title string) string {
	parts := []string{title + ".", custodyRemark}
	for _, h := range c.rows {
		parts = append(parts, c.says(h))
	}
	return strings.TrimSpace(strings.Join(append(parts, c.notDrawn()), " "))
}
