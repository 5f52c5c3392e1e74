package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/verify/odds"
)

// Size of a simulated registry.
const (
	worldUploads    = 20_000
	worldMonths     = 120
	worldRecipients = 6
	windowShare     = 0.03 // of the uploads, in the narrow window of custody
)

// A simWorld is a simulated registry: uploads without pictures, and what six recipients hold of them.
type simWorld struct {
	months  []odds.Cell
	month   []int       // of each upload, an index into months
	subject []string    // of each upload: the person
	at      []time.Time // of each upload: when the person submitted it, ascending
	cells   []odds.Cell // days with uploads
	day     []int       // of each upload, an index into cells
	holders []worldHolder
	window  [2]int // first and last month of the narrow window
	rival   bool   // recipient 2 has recorded custody of the same window
	nested  bool   // the window lies within the wide custody of recipient 3
}

// A worldHolder is a recipient. Its slices have one element per upload.
type worldHolder struct {
	name     string
	copies   []bool // the recipient was issued a marked copy
	unmarked []bool // admissible custody says that the recipient held the upload unmarked
	late     bool   // that record was entered after the leaks were found
	missing  []bool // the recipient held the upload unmarked, without an admissible record
}

// newSimWorld draws a registry of the given size. Recipients 0 to 2 have overlapping and nested
// copies. Recipient 3 has wide custody, 4 has custody of the narrow window. Recipient 5 held uploads
// without a record, or with a record that was entered too late to count.
func newSimWorld(seed uint64, uploads, months int) *simWorld {
	rng := rand.New(rand.NewPCG(seed, 0x3017d))
	first := time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC)
	w := &simWorld{months: oddstest.Months(first, first.AddDate(0, months-1, 0))}
	w.fill(rng, uploads)
	for _, t := range w.at {
		day := t.Truncate(24 * time.Hour)
		if n := len(w.cells); n == 0 || !w.cells[n-1].From.Equal(day) {
			w.cells = append(w.cells, odds.Cell{From: day})
		}
		w.cells[len(w.cells)-1].Submissions++
		w.day = append(w.day, len(w.cells)-1)
	}
	for i := range worldRecipients {
		w.holders = append(w.holders, worldHolder{
			name: "recipient " + string(rune('A'+i)), copies: make([]bool, uploads),
			unmarked: make([]bool, uploads), missing: make([]bool, uploads),
		})
	}
	w.drawWindow(rng)
	w.hold(rng, seed)
	return w
}

// hold draws what each recipient holds of each upload.
func (w *simWorld) hold(rng *rand.Rand, seed uint64) {
	h, months := w.holders, len(w.months)
	start := rng.IntN(months / 2) // of marking
	shares := [worldRecipients]float64{.15 + .3*rng.Float64(), .3 + .5*rng.Float64(), 0, .05 + .15*rng.Float64(), 0, .02 + .05*rng.Float64()}
	wide := months/15 + 1 + rng.IntN(months/5)
	from := max(0, w.window[0]-rng.IntN(wide))
	to := max(from+wide, w.window[1]+1)
	if !w.nested {
		from, to = besideWindow(w.window, wide, months)
	}
	late := rng.IntN(months - months/10)
	for i, m := range w.month {
		for k := range h {
			h[k].copies[i] = m >= start && rng.Float64() < shares[k]
		}
		h[2].copies[i] = h[0].copies[i] && rng.IntN(2) == 0
		inWindow := m >= w.window[0] && m <= w.window[1]
		h[3].unmarked[i] = m >= from && m < to
		h[4].unmarked[i] = inWindow
		h[2].unmarked[i] = w.rival && inWindow
		h[5].missing[i] = m >= late && m < late+3+int(seed%8)
	}
}

// fill draws the month, the time and the person of each upload. Months grow and vary in size, and a
// day of a weekend has a third of the uploads of another day. Every fourth person submits a second
// upload.
func (w *simWorld) fill(rng *rand.Rand, uploads int) {
	months := len(w.months)
	weight, sum := make([]float64, months), 0.0
	growth := 3 * rng.Float64()
	for m := range weight {
		weight[m] = (1 + growth*float64(m)/float64(months)) * (.7 + .6*rng.Float64())
		sum += weight[m]
	}
	carried := 0.0
	for m := range weight {
		carried += weight[m] / sum * float64(uploads)
		for len(w.month) < int(math.Round(carried)) && len(w.month) < uploads {
			w.month = append(w.month, m)
		}
	}
	for len(w.month) < uploads {
		w.month = append(w.month, months-1)
	}
	person := 0
	for i, m := range w.month {
		w.months[m].Submissions++
		at := w.months[m].From.Add(time.Duration(rng.IntN(28*24)) * time.Hour)
		for at.Weekday()%6 == 0 && rng.IntN(3) > 0 {
			at = w.months[m].From.Add(time.Duration(rng.IntN(28*24)) * time.Hour)
		}
		w.at = append(w.at, at)
		if i == 0 || rng.IntN(4) > 0 {
			person++
		}
		w.subject = append(w.subject, fmt.Sprint("s", person))
	}
	slices.SortFunc(w.at, time.Time.Compare) // months are ascending already
}

// drawWindow places a window that holds about windowShare of the uploads.
func (w *simWorld) drawWindow(rng *rand.Rand) {
	months := len(w.months)
	from := months/10 + rng.IntN(months-months/5)
	to, n := from, w.months[from].Submissions
	for to+1 < months && float64(n)+.5*float64(w.months[to+1].Submissions) <= windowShare*float64(len(w.month)) {
		to++
		n += w.months[to].Submissions
	}
	w.window, w.rival, w.nested = [2]int{from, to}, rng.IntN(2) == 0, rng.IntN(2) == 0
}

// besideWindow returns a range of at most wide months, the end excluded, on the side of the
// window that has more room.
func besideWindow(window [2]int, wide, months int) (from, to int) {
	if before := window[0]; before >= months-window[1]-1 {
		return max(0, before-wide), before
	}
	return window[1] + 1, min(months, window[1]+1+wide)
}

// holdings returns what a case says of the recipients: numbers of uploads by day.
func (w *simWorld) holdings() []odds.Holder {
	var out []odds.Holder
	for _, h := range w.holders {
		x := odds.Holder{Name: h.name, Copies: w.byDay(h.copies), Held: w.byDay(h.unmarked)}
		if !h.late {
			x.Unmarked, x.Held = x.Held, nil
		}
		out = append(out, x)
	}
	return out
}

// byDay counts the uploads that are true in has, by day. It returns nil if no upload is.
func (w *simWorld) byDay(has []bool) []int {
	if !slices.Contains(has, true) {
		return nil
	}
	out := make([]int, len(w.cells))
	for _, i := range indices(has) {
		out[w.day[i]]++
	}
	return out
}

// indices returns the places of the true elements, ascending.
func indices(has []bool) []int {
	var out []int
	for i, yes := range has {
		if yes {
			out = append(out, i)
		}
	}
	return out
}

// Ways in which a thief takes pictures.
const (
	takeSample    = "sample"    // any of them
	takeRange     = "range"     // uploads of consecutive months
	takePartition = "partition" // uploads that another recipient has as well
	takeRequest   = "request"   // uploads of one delivery
)

var takes = []string{takeSample, takeRange, takePartition, takeRequest}

// take returns at most n of the held uploads, in random order, as a thief gets them in the way
// that how names. If the way leaves no upload, all held uploads can be taken.
func (w *simWorld) take(rng *rand.Rand, held []int, how string, n int) []int {
	if len(held) == 0 {
		return nil
	}
	pool := slices.Clone(held)
	switch how {
	case takeRange:
		from, to := rng.IntN(len(w.months)), rng.IntN(len(w.months))
		from, to = min(from, to), max(from, to)
		first, last := w.month[held[0]], w.month[held[len(held)-1]]
		from, to = first+from*(last-first+1)/len(w.months), first+to*(last-first+1)/len(w.months)
		pool = slices.DeleteFunc(pool, func(i int) bool { return w.month[i] < from || w.month[i] > to })
	case takePartition:
		other := w.holders[rng.IntN(len(w.holders))]
		pool = slices.DeleteFunc(pool, func(i int) bool { return !other.copies[i] && !other.unmarked[i] })
	case takeRequest:
		at := rng.IntN(len(held))
		pool = pool[at:min(len(held), at+20+rng.IntN(200))]
	}
	if len(pool) == 0 {
		pool = slices.Clone(held)
	}
	rng.Shuffle(len(pool), func(i, k int) { pool[i], pool[k] = pool[k], pool[i] })
	return pool[:min(n, len(pool))]
}
