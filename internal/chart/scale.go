package chart

import (
	"fmt"
	"slices"
	"time"
)

// A unit is a length of time by the calendar, UTC.
type unit uint8

const (
	day unit = iota
	week
	month
	quarter
	year
	decade // enough: the charts draw 300 years
	units
)

// floor returns the beginning of the unit that t is in, UTC. Weeks begin on Monday, decades with a
// year that ends in 0.
func (u unit) floor(t time.Time) time.Time {
	t = t.UTC()
	y, m, d := t.Date()
	switch u {
	case day:
		return date(y, m, d)
	case week: // from Monday on: ISO 8601
		return date(y, m, d-(int(t.Weekday())+6)%7)
	case month:
		return date(y, m, 1)
	case quarter:
		return date(y, m-(m-1)%3, 1)
	case year:
		return date(y, 1, 1)
	}
	return date(y-y%10, 1, 1)
}

// next returns the beginning of the next unit, UTC. t must be the beginning of a unit.
func (u unit) next(t time.Time) time.Time {
	return t.AddDate([units]int{year: 1, decade: 10}[u], [units]int{month: 1, quarter: 3}[u], [units]int{day: 1, week: 7}[u])
}

// String returns the unit's name in the singular.
func (u unit) String() string {
	return [units]string{"day", "week", "month", "quarter", "year", "ten years"}[u]
}

// name returns the name of the unit that begins at t, such as "week of 5 March 2018". t must be the
// beginning of a unit, in UTC.
func (u unit) name(t time.Time) string {
	switch u {
	case day:
		return longDay(t)
	case week:
		return "week of " + longDay(t)
	case month:
		return t.Format("January 2006")
	case quarter:
		return fmt.Sprintf("%s to %s", t.Format("January"), t.AddDate(0, 2, 0).Format("January 2006"))
	case year:
		return t.Format("2006")
	}
	return fmt.Sprintf("%s to %s", t.Format("2006"), u.next(t).AddDate(-1, 0, 0).Format("2006"))
}

// date returns the beginning of a day, UTC.
func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// longDay returns the UTC day of t, such as "5 March 2018".
func longDay(t time.Time) string { return t.UTC().Format("2 January 2006") }

// The charts draw the times from firstTime to before lastTime.
var firstTime, lastTime = date(1900, 1, 1), date(2200, 1, 1)

// within returns t in UTC or, if t is outside what the charts draw, the nearer end: firstTime, or a
// second before lastTime.
func within(t time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Before(firstTime):
		return firstTime
	case !t.Before(lastTime):
		return lastTime.Add(-time.Second)
	}
	return t
}

// A scale lays time out between two edges.
type scale struct {
	from, to    time.Time // to is past the end
	left, right int       // tenths of a pixel
	unit        unit      // of the bars
}

// newScale returns a scale from first to last, widened to whole units, between the edges left and
// right in tenths of a pixel. It takes the smallest unit with bars of 2.2 pixels or more, else
// decades. Both times should be within what the charts draw.
func newScale(first, last time.Time, left, right int) scale {
	const bar = 22 // tenths of a pixel at least
	s := scale{left: left, right: right}
	for s.unit = day; ; s.unit++ {
		s.from, s.to = s.unit.floor(first), s.unit.next(s.unit.floor(last))
		if s.unit == decade || s.units()*bar <= right-left {
			return s
		}
	}
}

// padded returns the scale widened to 15 units or more, on both sides in turn, so that a few days
// do not look like all time. The edges and the unit stay.
func (s scale) padded() scale {
	const minUnits = 15
	for i := 0; s.units() < minUnits; i++ {
		if i%2 == 0 {
			s.to = s.unit.next(s.to)
		} else {
			s.from = s.unit.floor(s.from.Add(-time.Second))
		}
	}
	return s
}

// units returns about how many units the scale has.
func (s scale) units() int {
	days := [units]int{1, 7, 30, 91, 365, 3652}[s.unit]
	return int((s.to.Unix()-s.from.Unix())/86400) / days
}

// x returns the position of t, in tenths of a pixel; times outside the scale lie on an edge.
func (s scale) x(t time.Time) int {
	at, all := t.Unix()-s.from.Unix(), s.to.Unix()-s.from.Unix()
	return s.left + int(min(max(at, 0), all)*int64(s.right-s.left)/all)
}

// starts returns the beginnings of all units u within the scale, ascending. u need not be the unit
// of the scale; the scale's end is left out.
func (s scale) starts(u unit) []time.Time {
	var out []time.Time
	for t := u.floor(s.from); t.Before(s.to); t = u.next(t) {
		if !t.Before(s.from) {
			out = append(out, t)
		}
	}
	return out
}

// A tick is a labelled time.
type tick struct {
	at    time.Time
	label string
	year  string // below the label; "" if the label says the year, or the tick before was of the same year
}

// ticks returns the ticks of the smallest step that leaves room for the labels, ascending. If no
// step does, or no tick falls into the scale, it returns one tick with the year at the left edge.
func (s scale) ticks() []tick {
	for _, form := range []struct {
		unit   unit
		every  int // units from tick to tick
		format string
		room   int // tenths of a pixel that a label takes
	}{
		{day, 1, "2 Jan", 44 * px}, {week, 1, "2 Jan", 44 * px}, {week, 2, "2 Jan", 44 * px},
		{month, 1, "Jan 2006", 62 * px}, {month, 3, "Jan 2006", 62 * px}, {month, 6, "Jan 2006", 62 * px},
		{year, 1, "2006", 38 * px}, {year, 2, "2006", 38 * px}, {year, 5, "2006", 38 * px}, {year, 10, "2006", 38 * px}, {year, 25, "2006", 38 * px}, {year, 50, "2006", 38 * px},
	} {
		starts := slices.DeleteFunc(s.starts(form.unit), func(t time.Time) bool { return ordinal(form.unit, t)%form.every != 0 })
		if len(starts) == 0 || len(starts)*form.room > s.right-s.left+form.room {
			continue
		}
		out := make([]tick, len(starts))
		for i, t := range starts {
			out[i] = tick{at: t, label: t.Format(form.format)}
			if form.unit <= week && (i == 0 || starts[i-1].Year() != t.Year()) {
				out[i].year = t.Format("2006")
			}
		}
		return out
	}
	return []tick{{at: s.from, label: s.from.Format("2006")}}
}

// ordinal returns a number of the unit that begins at t, so that every nth unit can get a tick.
// Months count from 0 within their year, years from the year 0, days and weeks both by weeks since
// 1970. u is a day, week, month or year.
func ordinal(u unit, t time.Time) int {
	switch u {
	case month:
		return int(t.Month()) - 1
	case year:
		return t.Year()
	}
	return int(t.Unix() / (86400 * 7))
}

// histogram adds up counts by the unit of the scale. Its keys are the beginnings of units, UTC;
// units without a count are missing. Times outside what the charts draw count at the nearer end;
// counts without a day are left out. Units outside the scale are not left out.
func (s scale) histogram(counts []Count) map[time.Time]int64 {
	out := make(map[time.Time]int64)
	for _, c := range counts {
		if c.N > 0 && !c.Day.IsZero() {
			out[s.unit.floor(within(c.Day))] += c.n()
		}
	}
	return out
}

// roundUp returns the smallest of 1, 2, 5, 10, 20, 50 … that is not below n; 1 for n below 1.
func roundUp(n int64) int64 {
	for step := int64(1); ; step *= 10 {
		for _, k := range []int64{1, 2, 5} {
			if k*step >= n {
				return k * step
			}
		}
	}
}

// levels returns the whole numbers, ascending and normally two to four, at which a histogram draws
// lines. top is the largest value of the histogram, 1 or more; no level is above it, and none is 0.
func levels(top int64) []int64 {
	step := max(roundUp((top+3)/4), 1)
	var out []int64
	for v := step; v <= top; v += step {
		out = append(out, v)
	}
	return out
}

// A burst is a short time in which most of the leaks were submitted.
type burst struct {
	from, to time.Time // begin of the first day, end of the last
	n        int       // leaks in it
}

// findBurst returns the shortest run of whole UTC days that holds nine tenths of the leaks, else
// three quarters, else half. A run must hold three leaks or more and take up to a fifth of the
// scale. Leaks that follow closely on either side belong to the burst. It returns false if there is
// no such run. leaks may be in any order and is not changed.
func findBurst(leaks []time.Time, s scale) (burst, bool) {
	leaks = slices.SortedFunc(slices.Values(leaks), time.Time.Compare)
	for _, percent := range []int{90, 75, 50} {
		need := max((len(leaks)*percent+99)/100, 3)
		first, shortest := -1, int64(0) // seconds: a time.Duration ends at 292 years
		for i := 0; i+need <= len(leaks); i++ {
			if d := day.next(day.floor(leaks[i+need-1])).Unix() - day.floor(leaks[i]).Unix(); first < 0 || d < shortest {
				first, shortest = i, d
			}
		}
		if first >= 0 && 5*shortest <= s.to.Unix()-s.from.Unix() {
			return grow(leaks, first, first+need-1), true
		}
	}
	return burst{}, false
}

// grow returns the burst of the sorted leaks from index first to last, both included and different,
// with neighbours on either side. A neighbour follows within two days or, if that is more, within
// four times the mean distance of the burst's leaks. Neighbours' neighbours belong to it also.
func grow(leaks []time.Time, first, last int) burst {
	near := max(4*(leaks[last].Unix()-leaks[first].Unix())/int64(last-first), 2*86400)
	for first > 0 && day.floor(leaks[first]).Unix()-day.floor(leaks[first-1]).Unix() < near {
		first--
	}
	for last < len(leaks)-1 && day.floor(leaks[last+1]).Unix()-day.floor(leaks[last]).Unix() < near {
		last++
	}
	return burst{day.floor(leaks[first]), day.next(day.floor(leaks[last])), last - first + 1}
}

// days returns the days of a burst for a sentence, such as "from 1 to 28 February 2018" or "on 5
// March 2018".
func (b burst) days() string {
	last := b.to.AddDate(0, 0, -1)
	switch {
	case last.Equal(b.from):
		return "on " + longDay(b.from)
	case last.Year() != b.from.Year():
		return "from " + longDay(b.from) + " to " + longDay(last)
	case last.Month() != b.from.Month():
		return "from " + b.from.Format("2 January") + " to " + longDay(last)
	}
	return "from " + b.from.Format("2") + " to " + longDay(last)
}

// short returns the UTC days of a time of custody in few letters, such as "Jan 2016 – Jun 2019" for
// whole months.
func (s Span) short() string {
	from, to := day.floor(s.From), day.floor(s.To)
	const long = "2 Jan 2006"
	switch whole := from.Day() == 1 && to.AddDate(0, 0, 1).Day() == 1; {
	case from.Equal(to):
		return from.Format(long)
	case whole && month.floor(from).Equal(month.floor(to)):
		return from.Format("January 2006")
	case whole:
		return from.Format("Jan 2006") + " – " + to.Format("Jan 2006")
	}
	return from.Format(long) + " – " + to.Format(long)
}
