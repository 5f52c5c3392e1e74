package chart

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	rowHeight    = 36 * px // of a holder beside its bars
	tallRow      = 46 * px // with its name above
	custodyThick = 9 * px
	issuedThick  = 7 * px
)

// holders draws a row for each holder, moves t.y down, and returns the y of the end of the rows.
// Below the end it says how many holders are not drawn. Without holders it draws nothing.
func (t *timeline) holders() (bottom int) {
	if len(t.rows) == 0 {
		return t.y
	}
	t.y += 10 * px
	if !t.narrow() {
		t.text(margin, t.y+12*px, pen{size: smallSize, colour: soft}, "recipient")
		t.text(t.end(), t.y+12*px, pen{size: smallSize, colour: soft, anchor: "end"}, "could hold")
		t.y += 18 * px
	}
	for _, h := range t.rows {
		t.holder(h)
	}
	t.ruler()
	bottom = t.y
	if t.left > 0 {
		t.paragraph(pen{size: smallSize, colour: soft}, t.notDrawn())
	}
	return bottom
}

// holder draws the row of a holder at t.y: name, times of custody, days of issue, and how many
// leaked uploads it could hold. It moves t.y below the row.
func (t *timeline) holder(h Holder) {
	t.open(t.says(h))
	t.ruler()
	held := fmt.Sprintf("%s of %s", number(h.Held), number(t.leaks))
	right := pen{size: textSize, colour: ink, anchor: "end"}
	top := t.y + 8*px
	if t.narrow() {
		held = "could hold " + held
		room := t.end() - margin - width(held, smallSize) - 8*px
		right.size = smallSize
		t.text(margin, t.y+15*px, pen{size: textSize, colour: ink}, fit(h.called(), room, textSize))
		t.text(t.end(), t.y+15*px, right, held)
		top = t.y + 22*px
		t.y += tallRow
	} else {
		t.label(margin, t.y+15*px, names-8*px, h)
		t.text(t.end(), t.y+22*px, right, held)
		t.y += rowHeight
	}
	for _, s := range h.Custody {
		t.window(s, top, len(h.Custody) == 1)
	}
	t.issues(h.Issued, top+custodyThick+4*px)
	t.close()
}

// window draws the time of custody s as a bar, two pixels wide or more and cut at the edges of the
// scale. y is the upper edge of the bar. If say is set, the days are written beside the bar, as far
// as there is room. A time outside the scale, or that ends before it begins, is not drawn.
func (t *timeline) window(s Span, y int, say bool) {
	from, to := s.From, s.To
	if to.Before(from) || to.Before(t.scale.from) || from.After(t.scale.to) {
		return
	}
	x := t.scale.x(from)
	w := max(t.scale.x(to)-x, 2*px)
	x = min(x, t.scale.right-w)
	l := looks[Unmarked]
	if s.Listed {
		l.fill = "url(#" + t.ID + "-listed)"
	}
	t.rect(x, y, w, custodyThick, l)
	if !say {
		return
	}
	p := pen{size: smallSize, colour: soft, halo: true}
	switch room := width(s.short(), smallSize) + 5*px; {
	case x+w+room <= t.scale.right:
		t.text(x+w+5*px, y+custodyThick, p, s.short())
	case x-room >= t.scale.left:
		p.anchor = "end"
		t.text(x-5*px, y+custodyThick, p, s.short())
	}
}

// issues draws a bar with the upper edge y for each UTC day in counts on which copies were issued,
// two pixels wide or more. The number of copies does not matter. Bars that would touch become one
// bar.
func (t *timeline) issues(counts []Count, y int) {
	fine := t.scale
	fine.unit = day
	bins := fine.histogram(counts)
	end := -1
	start := 0
	flush := func() {
		if end >= 0 {
			t.rect(start, y, end-start, issuedThick, look{fill: looks[Marked].fill})
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(bins), time.Time.Compare) {
		x := t.scale.x(at)
		w := max(t.scale.x(day.next(at))-x, 2*px)
		if x > end {
			flush()
			start = x
		}
		end = x + w
	}
	flush()
}

// foot writes the legend of the rows and moves t.y below it. Kinds of bars that the chart does not
// have are left out. Without rows it writes nothing.
func (t *timeline) foot() {
	if len(t.rows) == 0 {
		return
	}
	t.y += 4 * px
	keys := []key{{looks[Unmarked], "uploads submitted then could be held unmarked"}}
	listed := false
	for _, h := range t.rows {
		for _, s := range h.Custody {
			listed = listed || s.Listed
		}
	}
	if listed {
		keys = append(keys, key{look{"url(#" + t.ID + "-listed)", looks[Unmarked].stroke}, "only listed uploads of then"})
	}
	keys = append(keys, key{look{fill: looks[Marked].fill}, "marked copies were issued on these days"})
	if t.found {
		keys = append(keys, key{look{shade, axis}, number(t.burst.n) + " of the leaked uploads were submitted then"})
	}
	t.legend(keys)
}

// says returns a row as a sentence, for screen readers and for when the pointer is over the row. It
// names up to five times of custody, and counts the others.
func (t *timeline) says(h Holder) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s could, by admissible custody, hold %s of the %s unmarked", h.inSentence(), number(h.Held), plural(t.leaks, "leaked upload", "leaked uploads"))
	for i, s := range h.Custody {
		if i == 5 {
			fmt.Fprintf(&b, ", and %d more times", len(h.Custody)-i)
			break
		}
		what := "all"
		if s.Listed {
			what = "listed ones"
		}
		fmt.Fprintf(&b, "; %s submitted from %s to %s", what, longDay(s.From), longDay(s.To))
	}
	var n int64
	var first, last time.Time
	for _, c := range h.Issued {
		if c.N <= 0 || c.Day.IsZero() {
			continue
		}
		n += c.n()
		if first.IsZero() || c.Day.Before(first) {
			first = c.Day
		}
		if c.Day.After(last) {
			last = c.Day
		}
	}
	if n > 0 {
		fmt.Fprintf(&b, "; %s issued from %s to %s", plural(n, "marked copy", "marked copies"), longDay(first), longDay(last))
	}
	return b.String() + "."
}

// desc returns, for screen readers, all that the chart shows: title, remark, the counts of states,
// the reach of the axis, and a sentence for each row.
func (t *timeline) desc() string {
	parts := []string{t.title() + "."}
	if r := t.remark(); r != "" {
		parts = append(parts, r)
	}
	for s, name := range stateNames {
		parts = append(parts, fmt.Sprintf("%s: %s.", strings.ToUpper(name[:1])+name[1:], number(t.total[s])))
	}
	parts = append(parts, fmt.Sprintf("The axis goes from %s to %s, by %s.", longDay(t.scale.from), longDay(t.scale.to.AddDate(0, 0, -1)), t.scale.unit))
	for _, h := range t.rows {
		parts = append(parts, t.says(h))
	}
	return strings.TrimSpace(strings.Join(append(parts, t.notDrawn()), " "))
}
