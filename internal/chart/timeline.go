package chart

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// TimelineData is what [Timeline] draws.
type TimelineData struct {
	Leaks    []Leak
	Registry []Count  // all uploads of the registry, by the day of submission
	Holders  []Holder // the ones that matter first
}

// Timeline draws three panels along one axis of time, as an svg element: when the leaked
// uploads were submitted, when all uploads of the registry were submitted, and what each
// holder could hold and was issued. If most leaks fall into a short time, Timeline names
// that time and shades it from top to bottom. The reader then sees which holders had the
// uploads of that time, and whether several did.
func Timeline(d TimelineData, o Options) string {
	t := &timeline{canvas: newCanvas(o, d.Holders, len(d.Leaks)), data: d}
	t.measure()
	t.head(t.title(), t.remark(), t.keys())
	if t.scale.from.IsZero() {
		return t.svg(t.title(), t.title()+".", "")
	}
	at, top := len(t.out), t.y
	t.drawLeaks()
	t.drawRegistry()
	bottom := t.holders()
	if t.found { // the dotted edges are what a grey print keeps
		t.behind(at, func() {
			x, end := t.scale.x(t.burst.from)-px, t.scale.x(t.burst.to)+px
			t.rect(x, top, end-x, bottom-top, look{fill: shade})
			t.dashed(x, top, bottom, `stroke-width=".7" stroke-dasharray="2 2"`)
			t.dashed(end, top, bottom, `stroke-width=".7" stroke-dasharray="2 2"`)
		})
	}
	t.foot()
	return t.svg(t.title(), t.desc(), hatch(t.ID+"-listed", looks[Unmarked].stroke))
}

type timeline struct {
	canvas
	data   TimelineData
	scale  scale // the zero scale if no time is known
	dated  int   // leaks that have a time
	total  [states]int
	all    int64 // uploads of the registry
	inside int64 // of these, in the burst
	burst  burst
	found  bool // whether there is a burst
}

const (
	margin    = 14 * px
	numbers   = 46 * px // room for the numbers of an axis
	names     = 148 * px
	counts    = 74 * px // room for the count at the right of a row
	leakPanel = 128 * px
	allPanel  = 56 * px
)

// measure sets what is drawn from the data: the counts, the scale of time and the burst. The scale
// covers all leaks, the uploads of the registry (see drawn) and the copies issued. A time of
// custody counts only if nothing seen before it, holder by holder, has a time. Without any time the
// scale stays zero.
func (t *timeline) measure() {
	var first, last time.Time
	see := func(at time.Time) {
		if at = within(at); first.IsZero() || at.Before(first) {
			first = at
		}
		if last.IsZero() || at.After(last) {
			last = at
		}
	}
	var times []time.Time
	for _, l := range t.data.Leaks {
		t.total[min(l.State, Unreadable)]++
		if !l.Submitted.IsZero() {
			times = append(times, within(l.Submitted))
			see(l.Submitted)
		}
	}
	for _, c := range t.drawn() {
		see(c.Day)
	}
	for _, h := range t.rows {
		for _, c := range h.Issued {
			if c.N > 0 && !c.Day.IsZero() {
				see(c.Day)
			}
		}
		for _, s := range h.Custody { // an open end is no reason to draw until it
			if first.IsZero() && !s.To.Before(s.From) {
				see(s.From)
				see(s.To)
			}
		}
	}
	if first.IsZero() {
		return
	}
	left, right := margin+names, t.end()-counts
	if t.narrow() {
		left, right = margin+numbers, t.end()
	}
	t.scale = newScale(first, last, left, right)
	t.dated = len(times)
	t.burst, t.found = findBurst(times, t.scale)
	t.scale = t.scale.padded()
	if t.found {
		for _, c := range t.data.Registry {
			if at := day.floor(c.Day); c.N > 0 && !at.Before(t.burst.from) && at.Before(t.burst.to) {
				t.inside += c.n()
			}
		}
	}
}

const noLeaks = "No leaked picture was matched to an upload"

// drawn adds the uploads of the registry to t.all, and returns the counts, by day, that the axis
// must reach. These are all counts with a day, with an exception. The first and the last thousandth
// of the uploads are left out if the axis is then half as long or shorter. A clock that was wrong
// once must not squeeze the rest. Call it once.
func (t *timeline) drawn() []Count {
	var days []Count
	for _, c := range t.data.Registry {
		if c.N > 0 && !c.Day.IsZero() {
			t.all += c.n()
			days = append(days, c)
		}
	}
	slices.SortFunc(days, func(a, b Count) int { return a.Day.Compare(b.Day) })
	if len(days) == 0 {
		return nil
	}
	from, to := 0, len(days)
	for left := (t.all - 1) / 1000; days[from].n() <= left; from++ {
		left -= days[from].n()
	}
	for left := (t.all - 1) / 1000; days[to-1].n() <= left; to-- {
		left -= days[to-1].n()
	}
	length := func(of []Count) int64 { return within(of[len(of)-1].Day).Unix() - within(of[0].Day).Unix() }
	if 2*length(days[from:to]) > length(days) {
		return days
	}
	return days[from:to]
}

// outside returns the number of uploads of the registry that the axis does not reach. Uploads
// without a day do not count. The scale must be set.
func (t *timeline) outside() (n int64) {
	for _, c := range t.data.Registry {
		if at := within(c.Day); !c.Day.IsZero() && (at.Before(t.scale.from) || !at.Before(t.scale.to)) {
			n += c.n()
		}
	}
	return n
}

// title returns the chart's message in one sentence, without a full stop: the burst if there is
// one, else the number of leaked uploads.
func (t *timeline) title() string {
	switch {
	case t.leaks == 0:
		return noLeaks
	case t.found:
		return fmt.Sprintf("%s of %s leaked uploads were submitted %s", number(t.burst.n), number(t.leaks), t.burst.days())
	}
	return plural(t.leaks, "leaked upload", "leaked uploads") + ", by the time of submission"
}

// remark says, in sentences, how much of the registry the burst is, and how many leaks and uploads
// are not drawn. It returns "" if there is nothing to say.
func (t *timeline) remark() string {
	var out []string
	if t.found && t.all > 0 {
		out = append(out, fmt.Sprintf("%s of the registry’s %s were submitted in that time (%s).",
			number(t.inside), plural(t.all, "upload", "uploads"), percent(t.inside, t.all)))
	}
	if n := t.leaks - t.dated; n > 0 {
		out = append(out, fmt.Sprintf("%s without a time of submission %s not drawn.", number(n), verb(n, "is", "are")))
	}
	if n := t.outside(); n > 0 {
		out = append(out, fmt.Sprintf("%s of the registry’s uploads %s before or after the time drawn.", number(n), verb(int(min(n, 2)), "lies", "lie")))
	}
	return strings.Join(out, " ")
}

// verb returns one if the count n is 1, else many: the forms of a verb.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// percent returns n of of in percent with one decimal, rounded half up. It expects 0 <= n <= of and
// of > 0. A count above 0 is never 0.0 %, and a count below of never 100.0 %: it then says "less
// than" or "more than".
func percent(n, of int64) string {
	p := (2000*n + of) / (2 * of)
	switch {
	case n > 0 && p == 0:
		return "less than 0.1 %"
	case n < of && p == 1000:
		return "more than 99.9 %"
	}
	return fmt.Sprintf("%d.%d %%", p/10, p%10)
}

// keys returns the legend of the leaks, a key with the count for each state; nil if there are no
// leaks.
func (t *timeline) keys() (out []key) {
	for s := range states {
		if t.leaks > 0 {
			out = append(out, key{looks[s], fmt.Sprintf("%s: %s", stateNames[s], number(t.total[s]))})
		}
	}
	return out
}

// panel draws the lines and numbers of a histogram, not its bars, and returns the y of its base. It
// begins at t.y, which it moves down by a gap only. height is in tenths of a pixel, top is the
// largest value of the histogram (1 or more), and says is the label.
func (t *timeline) panel(height int, top int64, says string) (base int) {
	t.y += 12 * px
	base = t.y + height
	for _, v := range levels(top) {
		y := base - part(height, v, top)
		t.line(t.scale.left, y, t.scale.right, y, rule)
		t.text(t.scale.left-5*px, y+4*px, pen{size: smallSize, colour: soft, anchor: "end"}, short(v))
	}
	t.text(t.scale.left-5*px, base+4*px, pen{size: smallSize, colour: soft, anchor: "end"}, "0")
	if t.narrow() {
		t.text(margin, t.y-14*px, pen{size: smallSize, colour: ink, halo: true}, says)
		return base
	}
	y := t.y + 8*px
	for _, line := range wrap(says, names-numbers, textSize) {
		t.text(margin, y, pen{size: textSize, colour: ink}, line)
		y += 15 * px
	}
	return base
}

// drawLeaks draws the histogram of the leaked uploads that have a time, stacked by state, and moves
// t.y down to its base.
func (t *timeline) drawLeaks() {
	bins := make(map[time.Time]*[states]int)
	top := 0
	for _, l := range t.data.Leaks {
		if l.Submitted.IsZero() {
			continue
		}
		at := t.scale.unit.floor(within(l.Submitted))
		if bins[at] == nil {
			bins[at] = new([states]int)
		}
		bins[at][min(l.State, Unreadable)]++
		top = max(top, sum(bins[at]))
	}
	if t.narrow() {
		t.y += 18 * px
	}
	base := t.panel(leakPanel, int64(max(top, 1)), "leaked uploads, by "+t.scale.unit.String())
	for _, at := range t.scale.starts(t.scale.unit) {
		if bins[at] != nil {
			t.stack(at, bins[at], base, top)
		}
	}
	t.line(t.scale.left, base, t.scale.right, base, axis)
	t.y = base
}

// sum returns the count of all states.
func sum(n *[states]int) int { return n[Marked] + n[Unmarked] + n[Unreadable] }

// stack draws the bar of the unit of time that begins at at. n counts the leaks by state, and base
// is the y of the bar's foot. top is the count of the highest bar; a bar of that count gets its
// number above. Each state with a leak is two pixels high or more.
func (t *timeline) stack(at time.Time, n *[states]int, base, top int) {
	var parts []string
	for s := range states {
		if n[s] > 0 {
			parts = append(parts, number(n[s])+" "+stateNames[s])
		}
	}
	t.open(t.scale.unit.name(at) + ": " + strings.Join(parts, ", "))
	x, w := t.bar(at)
	y := base
	for s := range states {
		if n[s] == 0 {
			continue
		}
		h := max(part(leakPanel, int64(n[s]), int64(top)), 2*px)
		y -= h
		t.rect(x, y, w, h, looks[s])
	}
	if all := sum(n); all == top {
		t.text(min(max(x+w/2, t.scale.left+8*px), t.scale.right-8*px), y-3*px, pen{size: smallSize, colour: ink, bold: true, anchor: "middle", halo: true}, number(all))
	}
	t.close()
}

// bar returns the left edge and the width, in tenths of a pixel, of the bar of the unit of time
// that begins at at. A gap is left between bars, and a bar is one pixel wide or more.
func (t *timeline) bar(at time.Time) (x, w int) {
	x = t.scale.x(at)
	w = t.scale.x(t.scale.unit.next(at)) - x
	gap := min(w/5, 4*px)
	return x + gap/2, max(w-gap, px)
}

// drawRegistry draws the histogram of all uploads of the registry and the axis of time below it,
// and moves t.y below the axis. Bars outside the scale are left out.
func (t *timeline) drawRegistry() {
	bins := t.scale.histogram(t.data.Registry)
	top := int64(1)
	for _, n := range bins {
		top = max(top, n)
	}
	t.y += 12 * px
	if t.narrow() {
		t.y += 16 * px
	}
	base := t.panel(allPanel, top, "all uploads of the registry")
	for _, at := range t.scale.starts(t.scale.unit) {
		if n := bins[at]; n > 0 {
			x, w := t.bar(at)
			h := max(part(allPanel, n, top), px/2)
			t.open(t.scale.unit.name(at) + ": " + plural(n, "upload", "uploads"))
			t.rect(x, base-h, w, h, registryLook)
			t.close()
		}
	}
	t.line(t.scale.left, base, t.scale.right, base, axis)
	below := 0
	for _, k := range t.scale.ticks() {
		x := t.scale.x(k.at)
		t.line(x, base, x, base+4*px, axis)
		if k.year != "" {
			t.text(x, base+29*px, pen{size: smallSize, colour: soft, anchor: "middle", halo: true}, k.year)
			below = 13 * px
		}
		room := width(k.label, smallSize) / 2
		t.text(min(x, t.end()+margin-6*px-room), base+16*px, pen{size: smallSize, colour: soft, anchor: "middle", halo: true}, k.label)
	}
	t.y = base + 18*px + below
}
