package odds_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/verify/odds"
)

// A world is a registry of 20,000 uploads of 60 months with six recipients: marked copies
// by request, custody that overlaps, is nested, is a list, or is missing.
type world struct {
	rng   *rand.Rand
	cells []odds.Cell
	month []int          // of each upload
	held  []map[int]bool // by recipient: uploads that it held unmarked
	known []bool         // whether that is recorded
	given []map[int]bool // by recipient: uploads of which it has a marked copy
}

const recipients = 6

func newWorld(rng *rand.Rand) *world {
	first := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
	w := &world{rng: rng, cells: oddstest.Months(first, first.AddDate(0, 59, 0))}
	for m := range w.cells {
		for range 200 + rng.IntN(270) {
			w.month = append(w.month, m)
			w.cells[m].Submissions++
		}
	}
	outer := [2]int{rng.IntN(30), 0}
	outer[1] = outer[0] + 6 + rng.IntN(20)
	for r := range recipients {
		held, given := make(map[int]bool), make(map[int]bool)
		from := rng.IntN(50)
		to := min(from+rng.IntN(8), 59)
		switch r {
		case 0:
			from, to = outer[0], outer[1]
		case 1: // nested in the first
			from = outer[0] + 1 + rng.IntN(3)
			to = min(from+rng.IntN(4), outer[1])
		case 2: // overlaps the first
			from, to = outer[1]-2, min(outer[1]+5, 59)
		}
		listed := r == 5
		since, share := rng.IntN(40), 0.05+0.5*rng.Float64()
		for i, m := range w.month {
			if !listed && m >= from && m <= to || listed && rng.IntN(30) == 0 {
				held[i] = true
			}
			if m >= since && rng.Float64() < share {
				given[i] = true
			}
		}
		w.held, w.given, w.known = append(w.held, held), append(w.given, given), append(w.known, r != 3)
	}
	return w
}

func name(r int) string { return fmt.Sprint("recipient ", r) }

// A theft is where the pictures of a dump come from. from -1 is somebody with everything.
type theft struct {
	recipient int
	copies    bool // the marked ones
	planted   int  // the recipient whose marks were laid onto all of these, -1: nobody's
	uploads   []int
	scrubbed  bool
}

// take draws n of a set, from a range of months of it or from everything.
func (w *world) take(of func(int) bool, n int) []int {
	var all []int
	for i := range w.month {
		if of(i) {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return nil
	}
	if w.rng.IntN(2) == 0 {
		a, b := w.month[all[w.rng.IntN(len(all))]], w.month[all[w.rng.IntN(len(all))]]
		all = slices.DeleteFunc(all, func(i int) bool { return w.month[i] < min(a, b) || w.month[i] > max(a, b) })
	}
	w.rng.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all[:min(n, len(all))]
}

// thefts draws the sources of a dump of n pictures.
func (w *world) thefts(n int) []theft {
	r := w.rng.IntN(recipients)
	other := (r + 1 + w.rng.IntN(recipients-1)) % recipients
	copies := func(r, n int) theft {
		return theft{recipient: r, copies: true, planted: -1, uploads: w.take(func(i int) bool { return w.given[r][i] }, n)}
	}
	custody := func(r, n int) theft {
		return theft{recipient: r, planted: -1, uploads: w.take(func(i int) bool { return w.held[r][i] }, n)}
	}
	insider := func(n int) theft {
		return theft{recipient: -1, planted: -1, uploads: w.take(func(int) bool { return true }, n)}
	}
	switch w.rng.IntN(8) {
	case 0:
		return []theft{copies(r, n)}
	case 1:
		return []theft{custody(r, n)}
	case 2:
		return []theft{insider(n)}
	case 3:
		return []theft{copies(r, n/2+1), insider(n / 2)}
	case 4:
		return []theft{copies(r, 3), custody(other, n)}
	case 5: // all marks removed
		t := copies(r, n)
		t.scrubbed = true
		return []theft{t}
	case 6: // a holder lays another's marks onto some of what it holds
		t := theft{recipient: other, planted: r, uploads: w.take(func(i int) bool { return w.held[other][i] && w.given[r][i] }, n/2+1)}
		if !w.known[other] {
			t.recipient = other // nobody knows that it held these: left to the next test
			t.planted = -1
		}
		return []theft{t, custody(other, n/2)}
	}
	return []theft{insider(n / 3)} // and the rest from elsewhere
}

// dump makes the case of thefts: leaks with evidence as the trace gives it, a score with
// unit noise and an e-value for a predicted strength that is a little wrong.
func (w *world) dump(thefts []theft, strangers int) *odds.Case {
	c := &odds.Case{FoundKnown: true, Cells: w.cells, MarkTrials: 3_000_000}
	for r := range recipients {
		h := odds.Holder{Name: name(r), Copies: make([]int, 60), Unmarked: make([]int, 60)}
		for i, m := range w.month {
			if w.given[r][i] {
				h.Copies[m]++
			}
			if w.held[r][i] && w.known[r] {
				h.Unmarked[m]++
			}
		}
		c.Holders = append(c.Holders, h)
	}
	for _, t := range thefts {
		for _, i := range t.uploads {
			l := odds.Leak{}
			if w.rng.Float64() < 0.03 { // the search misses it
				c.Leaks = append(c.Leaks, l)
				continue
			}
			l.Submission, l.Submitted = fmt.Sprint(i), w.cells[w.month[i]].From
			l.Cluster = fmt.Sprint(i - i%(1+w.rng.IntN(2))) // some persons with two uploads
			strength := 1 + 9*w.rng.Float64()
			for r := range recipients {
				if w.held[r][i] && w.known[r] {
					l.Unmarked = append(l.Unmarked, name(r))
				}
				if w.given[r][i] {
					marked := t.copies && r == t.recipient && !t.scrubbed || r == t.planted
					l.Copies = append(l.Copies, w.evidence(r, i, strength, marked))
				}
			}
			c.Leaks = append(c.Leaks, l)
		}
	}
	for range strangers {
		c.Leaks = append(c.Leaks, odds.Leak{})
	}
	return c
}

func (w *world) evidence(r, i int, strength float64, marked bool) odds.Copy {
	z := w.rng.NormFloat64()
	if marked {
		z += strength * math.Exp(0.25*w.rng.NormFloat64())
	}
	e := strength*z - strength*strength/2
	return odds.Copy{ID: fmt.Sprint(r, " ", i), Recipient: name(r), LnE: e, Miss: 0.5 * math.Erfc((strength-2)/math.Sqrt2), Confirmed: true}
}

// tally counts how the verdicts of simulated dumps do.
type tally struct {
	dumps, named, wrong int // wrong: neither the recipient nor a rival of it lost these copies
	alone, wronglyAlone int // named without a rival
	couldName, didName  int
	falsehoods          int    // recipients whose copies were not in the dump
	stated              [7]int // of those, how many were stated at 10^k or more
}

func simulate(t *testing.T, seed uint64, dumps int) tally {
	out := tally{}
	var w *world
	for d := range dumps {
		rng := rand.New(rand.NewPCG(seed, uint64(d)))
		if d%20 == 0 {
			w = newWorld(rng)
		}
		w.rng = rng
		thefts := w.thefts(5 + rng.IntN(36))
		c := w.dump(thefts, []int{0, 0, 3, 20}[rng.IntN(4)])
		v, err := odds.Weigh(c)
		require.NoError(t, err)
		out.score(c, v, thefts)
	}
	return out
}

func (s *tally) score(c *odds.Case, v *odds.Verdict, thefts []theft) {
	s.dumps++
	copies := make(map[string]bool)
	planted, planters := make(map[string]bool), make(map[string]string)
	for _, t := range thefts {
		if len(t.uploads) == 0 || t.recipient < 0 {
			continue
		}
		if t.copies {
			copies[name(t.recipient)] = true
		}
		if t.planted >= 0 {
			planted[name(t.planted)], planters[name(t.planted)] = true, name(t.recipient)
		}
	}
	for _, n := range v.Named {
		s.named++
		held := copies[n]
		for _, r := range v.Rivals {
			held = held || r.Name == n && planters[n] == r.Other
		}
		if !held {
			s.wrong++
		}
		if slices.Contains(v.Alone(), n) {
			s.alone++
			if !copies[n] {
				s.wronglyAlone++
			}
		}
	}
	for _, r := range v.Recipients {
		if copies[r.Name] && r.Clusters >= 3 {
			s.couldName++
			if slices.Contains(v.Named, r.Name) {
				s.didName++
			}
		}
		if copies[r.Name] || planted[r.Name] { // planted copies are there: who put them there is another question
			continue
		}
		s.falsehoods++
		for k := range s.stated {
			if r.LogE >= float64(k) && r.LogE > 0 {
				s.stated[k]++
			}
		}
	}
}

func (s *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d dumps: %d names, %d of them wrong, %d alone, %d of these wrong; of recipients with 3 clusters or more %d of %d named\n", s.dumps, s.named, s.wrong, s.alone, s.wronglyAlone, s.didName, s.couldName)
	fmt.Fprintf(&b, "%d falsehoods, stated at 10^0, 10^1, ...: %v\n", s.falsehoods, s.stated)
	return b.String()
}

// calibrated holds a tally to what a likelihood ratio promises: an explanation that is not so is
// given 10^k or more with a probability of at most 10^-k, here within what chance explains
// (three standard deviations of a Poisson count, and one).
func (s *tally) calibrated(t *testing.T) {
	assert.Zero(t, s.wrong, "names with no true source among them and their rivals")
	assert.Zero(t, s.wronglyAlone, "wrong names alone")
	for k := 1; k < 7; k++ {
		mean := float64(s.falsehoods) * math.Pow(10, -float64(k))
		assert.LessOrEqual(t, float64(s.stated[k]), mean+3*math.Sqrt(mean)+1, "at 10^%d", k)
	}
	assert.Equal(t, s.couldName, s.didName, "three readable leaks of three persons name their recipient")
}

func TestSimulatedDumps(t *testing.T) {
	dumps := long.Number(200, 400)
	s := simulate(t, 1, dumps) // "go -C bench run . verdict" has 10,000, of pixels
	t.Log("\n" + s.String())
	s.calibrated(t)
	assert.Greater(t, s.named, dumps/4, "and it does name")
}
