package odds

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/internal/test/long"
)

// oracle is the model written down again without any short cut: all sets of up to three
// sources, all parts, shares integrated out exactly, all sums in plain floats.
type oracle struct {
	c       *Case
	o       Options
	sources []osource
	sets    []func(l *Leak) bool
	counts  [][]int
	joint   bool // copies of two recipients are in one leak
}

type osource struct {
	kind, name string
	counts     []int
	has        func(l *Leak) bool
	own        int
}

func newOracle(c *Case) *oracle {
	o := &oracle{c: c, o: c.Options.WithDefaults()}
	all := make([]int, len(c.Cells))
	for i, cell := range c.Cells {
		all[i] = cell.Submissions
	}
	covered := func(has func(*Leak) bool) bool {
		return slices.ContainsFunc(c.Leaks, func(l Leak) bool { return has(&l) })
	}
	add := func(kind, name string, counts []int, has func(*Leak) bool) {
		if total(counts) == 0 {
			return
		}
		if covered(has) {
			o.sources = append(o.sources, osource{kind, name, counts, has, len(o.sets)})
		}
		o.sets, o.counts = append(o.sets, has), append(o.counts, counts)
	}
	for _, h := range c.Holders {
		add(Copies, h.Name, h.Copies, func(l *Leak) bool {
			return slices.ContainsFunc(l.Copies, func(c Copy) bool { return c.Recipient == h.Name })
		})
	}
	for _, h := range c.Holders {
		add(Custody, h.Name, h.Unmarked, func(l *Leak) bool { return slices.Contains(l.Unmarked, h.Name) })
	}
	for i, h := range c.Holders {
		has := func(l *Leak) bool {
			others := slices.ContainsFunc(l.Unmarked, func(n string) bool { return n != h.Name && o.share(h, n) < 0.9 })
			for _, c := range l.Copies {
				others = others || c.Recipient == h.Name && len(c.Others) > 0
			}
			return others && slices.ContainsFunc(l.Copies, func(c Copy) bool { return c.Recipient == h.Name })
		}
		if covered(func(l *Leak) bool { return has(l) && o.mark(l, h.Name) > 1 }) {
			o.sources = append(o.sources, osource{Planted, h.Name, h.Copies, has, i})
		}
	}
	o.joint = slices.ContainsFunc(c.Leaks, func(l Leak) bool {
		return slices.IndexFunc(c.Holders, func(h Holder) bool { return !(o.mark(&l, h.Name) > 999) }) < 0 && len(c.Holders) == 2
	})
	if o.joint {
		union := make([]int, len(all))
		for k := range all {
			union[k] = min(all[k], c.Holders[0].Copies[k]+c.Holders[1].Copies[k])
		}
		o.sources = append(o.sources, osource{Coalition, "", union, func(l *Leak) bool { return len(l.Copies) > 0 }, -1})
	}
	matched := func(l *Leak) bool { return l.Submission != "" }
	o.sources = append(o.sources, osource{Unlisted, "", all, matched, -1}, osource{Insider, "", all, matched, -1}, osource{Elsewhere, "", all, nil, -1})
	return o
}

func (o *oracle) mark(l *Leak, name string) float64 {
	for _, c := range l.Copies {
		if c.Recipient == name {
			if !c.Confirmed {
				return 1
			}
			miss := math.Max(c.Miss, o.o.MinMiss)
			return rounded((1-miss)*math.Exp(c.LnE) + miss)
		}
	}
	return math.NaN()
}

// g is what the marks of a leak count under a source.
func (o *oracle) g(s osource, l *Leak) float64 {
	g, n, both := 0.0, 0.0, 1.0
	for _, h := range o.c.Holders {
		if x := o.mark(l, h.Name); !math.IsNaN(x) {
			g, n, both = g+x, n+1, both*x
			if s.kind == Planted && o.joint && h.Name != s.name {
				return o.mark(l, s.name) * (1 + x) / 2
			}
		}
	}
	switch {
	case s.kind == Copies || s.kind == Planted:
		return o.mark(l, s.name)
	case s.kind != Coalition:
		return 1
	case n == 2:
		return (g + both) / 3
	}
	return g
}

// share is how much of the submissions of which h has copies another held unmarked, if
// what it held lies evenly in each cell.
func (o *oracle) share(h Holder, other string) (share float64) {
	for _, x := range o.c.Holders {
		for k := range x.Unmarked {
			if x.Name == other {
				share += float64(h.Copies[k]) * float64(x.Unmarked[k]) / float64(o.c.Cells[k].Submissions) / float64(total(h.Copies))
			}
		}
	}
	return share
}

// choice is one part: its prior shares and what each leak has under it, d = 0 and 1.
type choice struct {
	whole float64
	taken [families]float64
	v     [2][]float64
}

func (o *oracle) choices(s osource) (out []choice) {
	first, last := span(s.counts)
	times := o.times(first, last)
	if s.kind == Elsewhere {
		all := float64(total(s.counts))
		foreign := func(whole float64, taken [families]float64, u float64, size float64, in func(l *Leak) bool) {
			c := choice{whole: whole, taken: taken}
			for i := range o.c.Leaks {
				l := &o.c.Leaks[i]
				v := 1 - u - l.FalseMatch
				if l.Submission != "" {
					if v = l.FalseMatch / all; in(l) {
						v += u / size
					}
				}
				c.v[0], c.v[1] = append(c.v[0], v), append(c.v[1], v)
			}
			out = append(out, c)
		}
		for _, u := range o.o.Reuse {
			even := 1 / float64(len(o.o.Reuse))
			foreign(even, [families]float64{}, u, all, func(*Leak) bool { return true })
		}
		const shares = 24 // the squared sines of equidistant angles have Jeffreys' prior
		for j := range shares {
			u := math.Pow(math.Sin((float64(j)+0.5)*math.Pi/2/shares), 2)
			for _, x := range times {
				both := (x.taken[calendar] + x.taken[ranges]) / 2 / shares
				foreign(0, [families]float64{both, both, both}, u, float64(total(s.counts[x.from:x.to+1])), o.within(x))
			}
		}
		return out
	}
	part := func(whole float64, taken [families]float64, size float64, in func(l *Leak) bool) {
		c := choice{whole: whole, taken: taken}
		for i := range o.c.Leaks {
			l := &o.c.Leaks[i]
			v, bare := 1-l.Recall, 1-l.Recall
			if l.Submission != "" {
				v, bare = 0, 0
				if s.has(l) && in(l) {
					v, bare = l.Recall/size*o.g(s, l), l.Recall/size
				}
			}
			c.v[0], c.v[1] = append(c.v[0], v), append(c.v[1], bare)
			if s.kind == Planted {
				c.v[1][i] = v
			}
		}
		out = append(out, c)
	}
	common := func(i int) (size float64) {
		for k := range s.counts {
			size += float64(min(s.counts[k], o.counts[i][k]))
		}
		return size
	}
	var sets []int
	for i := range o.sets {
		if i != s.own && common(i) > 0 {
			sets = append(sets, i)
		}
	}
	whole := [families]float64{}
	if len(sets) == 0 {
		whole[named] = 1
	}
	part(1, whole, float64(total(s.counts)), func(*Leak) bool { return true })
	for _, x := range times {
		if size := float64(total(s.counts[x.from : x.to+1])); size > 0 {
			part(0, x.taken, size, o.within(x))
		}
	}
	for _, i := range sets {
		part(0, [families]float64{named: 1 / float64(len(sets))}, common(i), o.sets[i])
	}
	return out
}

// within reports whether a leak is of a time.
func (o *oracle) within(x part) func(l *Leak) bool {
	return func(l *Leak) bool { k := CellOf(o.c.Cells, l.Submitted); return k >= x.from && k <= x.to }
}

// times are all ranges and calendar units of the cells from first to last, all with submissions.
func (o *oracle) times(first, last int) (out []part) {
	n, harmonic := last-first+1, 0.0
	for k := 1; k <= n; k++ {
		harmonic += 1 / float64(k)
	}
	for from := first; from <= last; from++ {
		for to := from; to <= last; to++ {
			k := to - from + 1
			out = append(out, part{from: from, to: to, taken: [families]float64{ranges: 1 / harmonic / float64(k*(n-k+1))}})
		}
	}
	names := []func(t time.Time) string{
		func(t time.Time) string { return t.Format(time.DateOnly) },
		func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, w) },
		func(t time.Time) string { return t.Format("2006-01") },
		func(t time.Time) string { return fmt.Sprint(t.Year(), (t.Month()-1)/3) },
		func(t time.Time) string { return fmt.Sprint(t.Year()) },
	}
	for _, name := range names {
		before := len(out)
		for k := first; k <= last; k++ {
			if len(out) == before || name(o.c.Cells[k].From) != name(o.c.Cells[k-1].From) {
				out = append(out, part{from: k})
			}
			out[len(out)-1].to = k
		}
		for i := range out[before:] {
			out[before+i].taken[calendar] = 1. / 5 / float64(len(out)-before)
		}
	}
	return out
}

// maxOracle is the maximum number of leaks of a case for the oracle.
const maxOracle = 4

// dirichlet is the mean over shares of the product over leaks, by Dirichlet-multinomial counts.
func dirichlet(v [][]float64) float64 {
	k, n := len(v), len(v[0])
	var sums [maxOracle + 1][maxOracle + 1]float64 // by the numbers of leaks from the second and the third source
	sums[0][0] = 1
	column := func(h, i int) float64 {
		if h < k {
			return v[h][i]
		}
		return 0
	}
	for i := range n {
		for b := i + 1; b >= 0; b-- { // of the leaks 0 to i, from high counts to low ones
			for c := i + 1 - b; c >= 0; c-- {
				x := sums[b][c] * column(0, i)
				if b > 0 {
					x += sums[b-1][c] * column(1, i)
				}
				if c > 0 {
					x += sums[b][c-1] * column(2, i)
				}
				sums[b][c] = x
			}
		}
	}
	total := 0.0
	for b := range n + 1 {
		for c := range n + 1 - b {
			if x := sums[b][c]; x > 0 {
				total += x * rising(0.5, n-b-c) * rising(0.5, b) * rising(0.5, c)
			}
		}
	}
	return total / rising(float64(k)/2, n)
}

// rising is x (x+1) ... (x+n-1).
func rising(x float64, n int) float64 {
	p := 1.0
	for i := range n {
		p *= x + float64(i)
	}
	return p
}

// ratios are the raw log10 ratios of all questions, by kind and name.
func (o *oracle) ratios() map[string]float64 {
	grid := len(o.o.Tau) * len(o.o.Rho) * len(o.o.Kappa) * families
	type family struct{ with, without, fewer []float64 }
	out := make(map[string]*family)
	for _, s := range o.sources {
		out[s.kind+s.name] = &family{make([]float64, grid), make([]float64, grid), make([]float64, grid)}
	}
	choices := make([][]choice, len(o.sources))
	for i, s := range o.sources {
		choices[i] = joined(o.choices(s))
	}
	enter := func(set []int) {
		p := o.probability(set, choices)
		for i, s := range o.sources {
			with := slices.Contains(set, i)
			without := !with
			for _, k := range set {
				other := o.sources[k]
				if s.kind == Copies && other.kind == Coalition {
					with, without = true, false
				}
				if s.kind == Copies && other.kind == Planted && (o.joint || other.name == s.name) {
					without = false
				}
				if s.kind == Insider && other.kind == Unlisted {
					with, without = false, false
				}
			}
			f := out[s.kind+s.name]
			for g := range p {
				if with {
					f.with[g] = math.Max(f.with[g], p[g])
				}
				if without {
					f.without[g] = math.Max(f.without[g], p[g])
				}
				if without && len(set) < 3 {
					f.fewer[g] = math.Max(f.fewer[g], p[g])
				}
			}
		}
	}
	for a := range o.sources {
		enter([]int{a})
		for b := range a {
			enter([]int{a, b})
			for c := range b {
				enter([]int{a, b, c})
			}
		}
	}
	ratio := make(map[string]float64)
	for name, f := range out {
		lo, hi := math.Inf(1), math.Inf(-1)
		for g := range f.with {
			lo, hi = math.Min(lo, math.Log10(f.with[g]/f.without[g])), math.Max(hi, math.Log10(f.with[g]/f.fewer[g]))
		}
		switch {
		case lo > 0:
			ratio[name] = lo
		case hi < 0:
			ratio[name] = hi
		default:
			ratio[name] = 0
		}
	}
	return ratio
}

// joined adds up the priors of choices that are equal otherwise.
func joined(all []choice) (out []choice) {
	for _, c := range all {
		k := slices.IndexFunc(out, func(x choice) bool { return slices.Equal(x.v[0], c.v[0]) && slices.Equal(x.v[1], c.v[1]) })
		if k < 0 {
			out = append(out, c)
			continue
		}
		out[k].whole += c.whole
		for f := range families {
			out[k].taken[f] += c.taken[f]
		}
	}
	return out
}

func (o *oracle) probability(set []int, choices [][]choice) []float64 {
	p := make([]float64, len(o.o.Tau)*len(o.o.Rho)*len(o.o.Kappa)*families)
	coalitions := 0.0
	for _, s := range set {
		if o.sources[s].kind == Coalition {
			coalitions++
		}
	}
	var who [][]int // removed by each source: all ways in which sources of copies may
	who = [][]int{make([]int, len(set))}
	for i, s := range set {
		for _, w := range who {
			if o.sources[s].kind == Copies || o.sources[s].kind == Coalition {
				w = slices.Clone(w)
				w[i] = 1
				who = append(who, w)
			}
		}
	}
	at := make([]int, len(set))
	for {
		for _, removed := range who {
			var v [][]float64
			for i, s := range set {
				v = append(v, choices[s][at[i]].v[removed[i]])
			}
			mean := dirichlet(v)
			g := 0
			for _, tau := range o.o.Tau {
				for _, rho := range o.o.Rho {
					for f := range families {
						w := mean
						for i, s := range set {
							w *= (1-tau)*choices[s][at[i]].whole + tau*choices[s][at[i]].taken[f]
						}
						switch {
						case slices.Max(removed) == 1:
							w *= rho / float64(len(who)-1)
						case len(who) > 1:
							w *= 1 - rho
						}
						for _, kappa := range o.o.Kappa {
							p[g] += w * math.Pow(kappa, coalitions)
							g++
						}
					}
				}
			}
		}
		i := 0
		for ; i < len(at); i++ {
			if at[i]++; at[i] < len(choices[set[i]]) {
				break
			}
			at[i] = 0
		}
		if i == len(at) {
			return p
		}
	}
}

// smallCase is a registry of a few cells with one or two holders and a few leaks.
func smallCase(rng *rand.Rand) *Case {
	const cells = 4
	first := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &Case{FoundKnown: true, Cells: Months(first, first.AddDate(0, cells-1, 0)), MarkTrials: 1e6, MatchTrials: 1e6,
		Options: Options{Tau: []float64{0.3, 0.8}, Rho: []float64{0.1}, Reuse: []float64{0.01, 0.2}}}
	for i := range c.Cells {
		c.Cells[i].Submissions = 50 + rng.IntN(100)
	}
	for h := range 1 + rng.IntN(2) {
		x := Holder{Name: fmt.Sprint("h", h), Copies: make([]int, cells), Unmarked: make([]int, cells)}
		for k := range cells {
			x.Copies[k] = 1 + rng.IntN(c.Cells[k].Submissions)
			if rng.IntN(2) == 0 {
				x.Unmarked[k] = 1 + rng.IntN(c.Cells[k].Submissions)
			}
		}
		c.Holders = append(c.Holders, x)
	}
	for i := range 1 + rng.IntN(4) {
		l := Leak{Recall: 0.9, FalseMatch: 0.001}
		if rng.IntN(5) > 0 {
			k := rng.IntN(cells)
			if rng.IntN(2) == 0 {
				k = 1
			}
			l.Submission, l.Cluster, l.Submitted = fmt.Sprint(i), fmt.Sprint(i), c.Cells[k].From
			for _, h := range c.Holders {
				if h.Unmarked[k] > 0 && rng.IntN(2) == 0 {
					l.Unmarked = append(l.Unmarked, h.Name)
				}
				if rng.IntN(2) == 0 {
					l.Copies = append(l.Copies, Copy{Recipient: h.Name, LnE: []float64{-10, 0, 2, 8}[rng.IntN(4)], Miss: 0.1 * rng.Float64(), Confirmed: rng.IntN(4) > 0})
				}
			}
		}
		c.Leaks = append(c.Leaks, l)
	}
	return c
}

// The search leaves out parts that fit badly, and parts that hold no leak of a source. So it is a
// little off the mean over all of them: by how much, this shows. A source in a set with others that
// explains no leak lacks the prior of the parts without a leak, at most tau: this lowers the side of
// the source in question alone, so that the error downwards is larger.
func TestAgainstTheOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 4))
	cases := long.Cases(1, 12, 36)[0]
	var all []float64
	mixed := 0
	for i := 0; i < cases || mixed < cases/3; i++ {
		c := smallCase(rng)
		if i >= cases { // mixtures
			c.Options.Kappa = []float64{0.001, 0.1}
			for k := range c.Leaks {
				for j := range c.Leaks[k].Copies {
					x := &c.Leaks[k].Copies[j]
					x.LnE, x.Confirmed = []float64{-3, 8, 9}[rng.IntN(3)], true
				}
			}
		}
		o := newOracle(c)
		if i >= cases && !o.joint {
			continue
		}
		v, err := Weigh(c)
		require.NoError(t, err)
		if o.joint {
			mixed++
		}
		want := o.ratios()
		for _, h := range v.Hypotheses {
			name := h.Name
			if h.Kind == Custody {
				name = h.Holders[0]
			}
			kind := h.Kind
			if kind == Foreign { // what leaks say for a collection from elsewhere
				kind = Elsewhere
			}
			w, ok := want[kind+name]
			if !ok || h.Kind == Elsewhere || h.Kind == Unlisted { // these have no ratio
				continue
			}
			if h.Kind == Copies {
				w = math.Max(w, math.Log10(0.1))
			}
			if h.Kind == Foreign { // TestStrangersByCount holds that limit
				w = math.Min(w, newModel(c, c.Options.WithDefaults()).strangers())
			}
			all = append(all, h.Raw-w)
			assert.InDelta(t, w, h.Raw, 0.6, "case %d: %s %s", i, h.Kind, name)
			assert.Less(t, h.Raw, w+0.25, "case %d: %s %s is not overstated", i, h.Kind, name)
		}
	}
	slices.Sort(all)
	t.Logf("of %d ratios: least %.3f, 10 %% %.3f, median %.3f, 90 %% %.3f, greatest %.3f too high (log10)",
		len(all), all[0], all[len(all)/10], all[len(all)/2], all[len(all)*9/10], all[len(all)-1])
}
