package experiments

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/odds"
)

// Sizes of a simulated registry.
const (
	worldUploads    = 20_000
	worldMonths     = 120
	worldRecipients = 6
	// windowShare is the share of the registry's uploads in the narrow window of custody.
	windowShare = 0.03
)

// A world is a simulated registry: uploads without pictures, and what its six recipients
// were given.
type world struct {
	months  []odds.Cell
	month   []int    // of each upload
	subject []string // of each upload
	at      []time.Time
	holders []worldHolder
	window  [2]int // months, from and to: the narrow window
	// rival: the window is recorded of a second recipient, too; nested: it lies in the wide
	// custody of a third.
	rival, nested bool
}

// A worldHolder is a recipient.
type worldHolder struct {
	name     string
	copies   []bool // by upload: a marked copy was issued
	unmarked []bool // by upload: admissible custody covers it
	missing  []bool // by upload: it had it unmarked, and nothing admissible says so
}

// newWorld draws a registry. Recipients 0 to 2 have overlapping and nested copies, 3 has
// wide custody, 4 that of the narrow window, in half of the worlds nested in it, and 5 custody that is not
// recorded, or was entered too late to count.
func newWorld(seed uint64, uploads, months int) *world {
	rng := rand.New(rand.NewPCG(seed, 0x3017d))
	first := time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC)
	w := &world{months: odds.Months(first, first.AddDate(0, months-1, 0))}
	w.fill(rng, uploads)
	for i := range worldRecipients {
		w.holders = append(w.holders, worldHolder{
			name: "recipient " + string(rune('A'+i)), copies: make([]bool, uploads),
			unmarked: make([]bool, uploads), missing: make([]bool, uploads),
		})
	}
	w.narrow(rng)
	h := w.holders
	start := rng.IntN(months / 2) // of marking
	shares := [worldRecipients]float64{.15 + .3*rng.Float64(), .3 + .5*rng.Float64(), 0, .05 + .15*rng.Float64(), 0, .02 + .05*rng.Float64()}
	wide := months/15 + 1 + rng.IntN(months/5)
	from := max(0, w.window[0]-rng.IntN(wide))
	to := max(from+wide, w.window[1]+1)
	if !w.nested {
		from, to = beside(w.window, wide, months)
	}
	late := rng.IntN(months - months/10)
	for i := range uploads {
		m := w.month[i]
		for k := range h {
			h[k].copies[i] = m >= start && rng.Float64() < shares[k]
		}
		h[2].copies[i] = h[0].copies[i] && rng.IntN(2) == 0
		in := m >= w.window[0] && m <= w.window[1]
		h[3].unmarked[i] = m >= from && m < to
		h[4].unmarked[i] = in
		h[2].unmarked[i] = w.rival && in
		h[5].missing[i] = m >= late && m < late+3+int(seed%8)
	}
	return w
}

// fill draws how many uploads each month has, and whose they are: every fourth person
// submits two.
func (w *world) fill(rng *rand.Rand, uploads int) {
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
		w.at = append(w.at, w.months[m].From.Add(time.Duration(rng.IntN(27*24))*time.Hour))
		if i == 0 || rng.IntN(4) > 0 {
			person++
		}
		w.subject = append(w.subject, fmt.Sprint("s", person))
	}
}

// narrow places a window of about windowShare of the uploads.
func (w *world) narrow(rng *rand.Rand) {
	months := len(w.months)
	from := months/10 + rng.IntN(months-months/5)
	to, n := from, w.months[from].Submissions
	for to+1 < months && float64(n)+.5*float64(w.months[to+1].Submissions) <= windowShare*float64(len(w.month)) {
		to++
		n += w.months[to].Submissions
	}
	w.window, w.rival, w.nested = [2]int{from, to}, rng.IntN(2) == 0, rng.IntN(2) == 0
}

// beside is a range of months before or after a window, whichever has more room.
func beside(window [2]int, wide, months int) (from, to int) {
	if before := window[0]; before >= months-window[1]-1 {
		return max(0, before-wide), before
	}
	return window[1] + 1, min(months, window[1]+1+wide)
}

// holdings are what a case says of the recipients.
func (w *world) holdings() []odds.Holder {
	var out []odds.Holder
	for _, h := range w.holders {
		out = append(out, odds.Holder{Name: h.name, Copies: w.counts(h.copies), Unmarked: w.counts(h.unmarked)})
	}
	return out
}

// counts are by month; nil: none.
func (w *world) counts(has []bool) []int {
	out, any := make([]int, len(w.months)), false
	for i, yes := range has {
		if yes {
			out[w.month[i]]++
			any = true
		}
	}
	if !any {
		return nil
	}
	return out
}

// heldOf are the uploads that are held, in order.
func heldOf(has []bool) []int {
	var out []int
	for i, yes := range has {
		if yes {
			out = append(out, i)
		}
	}
	return out
}

// How a thief takes pictures.
const (
	takeSample    = "sample"
	takeRange     = "range"
	takePartition = "partition"
	takeRequest   = "request"
)

var takes = []string{takeSample, takeRange, takePartition, takeRequest}

// take is what a thief who takes pictures in a way gets of what somebody held, at most n of
// them, in no order.
func (w *world) take(rng *rand.Rand, held []int, how string, n int) []int {
	if len(held) == 0 {
		return nil
	}
	pool := held
	switch how {
	case takeRange: // of months, any as likely as any other
		from, to := rng.IntN(len(w.months)), rng.IntN(len(w.months))
		if from > to {
			from, to = to, from
		}
		first, last := w.month[held[0]], w.month[held[len(held)-1]]
		from, to = first+from*(last-first+1)/len(w.months), first+to*(last-first+1)/len(w.months)
		pool = slices.DeleteFunc(slices.Clone(held), func(i int) bool { return w.month[i] < from || w.month[i] > to })
	case takePartition: // what another was given, too
		other := w.holders[rng.IntN(len(w.holders))]
		pool = slices.DeleteFunc(slices.Clone(held), func(i int) bool { return !other.copies[i] && !other.unmarked[i] })
	case takeRequest: // what was asked for on one occasion
		at := rng.IntN(len(held))
		pool = slices.Clone(held[at:min(len(held), at+20+rng.IntN(200))])
	}
	if len(pool) == 0 {
		pool = held
	}
	out := slices.Clone(pool)
	rng.Shuffle(len(out), func(i, k int) { out[i], out[k] = out[k], out[i] })
	return out[:min(n, len(out))]
}
