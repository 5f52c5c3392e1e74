package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/plan"
	"github.com/kycmark/kycmark/verify/odds"
)

// planSizes are the numbers of requests that are compared.
var planSizes = []int{3, 5, 10, 20, 30, 40}

// Thieves of the experiment, with the explanation that is then true. Their habits are not the plan's model.
var planThieves = [][2]string{
	{"a vendor's uploads", "custody of "}, {"a vendor's copies", "copies of R"}, {"days at the exchange", "a thief at the exchange"}, {"scattered at the exchange", "a thief at the exchange"},
	{"framing a vendor", "a thief at the exchange"}, {"another service", "another service with the same customers"}, {"strangers", "pictures that are not ours"},
}

// plans measures whether planned requests tell explanations apart sooner than requests for random months.
func plans() *ruler.Experiment {
	publishers := 0
	return &ruler.Experiment{
		Name: "plan", Short: "Whether planned requests tell explanations apart sooner than random requests", Plain: true,
		Long: `Simulate publishers who are asked for pictures of months: registries of 60 months, three vendors with
custody (one nested), copies, thieves of all kinds. Each shows five pictures first. Compare the months
that "kycmark plan ask" chooses with random months: the mean log10 ratio of the explanation that is
true, -4 to 4, and how often a wrong explanation reaches 10 and 100.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.IntVar(&publishers, "publishers", 1000, "`number` of publishers to simulate")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			return ruler.Cases(publishers, func(_ context.Context, i int, emit func(ruler.Trial)) {
				askPublisher(rand.New(rand.NewPCG(env.Seed, uint64(i))), planThieves[i%len(planThieves)], emit)
			}), nil
		},
		Fold: func(trials []ruler.Trial) []ruler.Trial { return ruler.Fold(trials, "asked", "requests", "thief") },
		Tables: []ruler.Table{
			{Name: "plan", By: []string{"requests", "asked"}, Columns: planColumns()},
			{Name: "thieves", By: []string{"thief", "asked"}, Where: ruler.Is("requests", "10"), Columns: planColumns()},
		},
	}
}

func planColumns() []ruler.Column {
	return []ruler.Column{ruler.Counts("publishers"), ruler.Means("mean log10 ratio of the truth", "ratio", 2), ruler.Share("truth at 10", "right_10"),
		ruler.Of("wrong at 10", "wrong_10"), ruler.Of("wrong at 100", "wrong_100")}
}

// A publisher has pictures of some months: a share of each.
type publisher struct {
	has                        []float64
	mark                       int // answer with the mark; 0: unmarked
	ours, sends, offers, reads float64
	hidesFrom, hidesTo         int // months that alone are shown, to frame their holder; both 0: all
}

// planWorld draws a registry of 60 months: A held a long time, B a part of it, C another time, and R was issued copies.
func planWorld(rng *rand.Rand) *odds.Case {
	c := &odds.Case{FoundKnown: true}
	for i := range 60 {
		c.Cells = append(c.Cells, odds.Cell{From: time.Date(2020, time.Month(1+i), 1, 0, 0, 0, 0, time.UTC), Submissions: 50 + rng.IntN(400)})
	}
	held := func(from, n int) []int {
		out := make([]int, 60)
		for i := from; i < min(from+n, 60); i++ {
			out[i] = c.Cells[i].Submissions
		}
		return out
	}
	a, n := rng.IntN(24), 8+rng.IntN(28)
	c.Holders = []odds.Holder{{Name: "A", Unmarked: held(a, n)}, {Name: "B", Unmarked: held(a+rng.IntN(n-6), 1+rng.IntN(6))},
		{Name: "C", Unmarked: held(rng.IntN(48), 3+rng.IntN(9))}, {Name: "R", Copies: held(rng.IntN(30), 20+rng.IntN(20))}}
	return c
}

// askPublisher draws a registry and a publisher, and compares planned with random requests.
func askPublisher(rng *rand.Rand, thief [2]string, emit func(ruler.Trial)) {
	c := planWorld(rng)
	p := publisher{has: make([]float64, 60), ours: 1, sends: 0.3 + 0.7*rng.Float64(), offers: 0.4 * rng.Float64(), reads: 0.85 + 0.14*rng.Float64(), hidesTo: 60}
	take := func(counts []int) {
		for i, k := range counts {
			p.has[i] = float64(min(k, 1))
		}
	}
	truth, vendor := thief[1], rng.IntN(3)
	from, days := rng.IntN(1600), int(math.Pow(1800, rng.Float64())) // log-uniform, not of whole months
	switch thief[0] {
	case "a vendor's uploads":
		truth += c.Holders[vendor].Name
		take(c.Holders[vendor].Unmarked)
	case "a vendor's copies":
		take(c.Holders[3].Copies)
		if p.mark = 6; rng.IntN(10) == 0 { // gotMark and the fourth holder
			p.mark = 0
		}
	case "days at the exchange":
		for i := range p.has {
			p.has[i] = math.Max(0, float64(min(from+days, 30*i+30)-max(from, 30*i))/30)
		}
	default:
		for i := range p.has {
			p.has[i] = 1
		}
	}
	switch thief[0] {
	case "framing a vendor":
		p.hidesFrom, p.hidesTo = from/30, from/30+6
		for i, k := range c.Holders[vendor].Unmarked {
			if k > 0 {
				p.hidesFrom, p.hidesTo = i, i+1
			}
		}
	case "another service":
		p.ours = math.Pow(0.005, rng.Float64())
	case "strangers":
		p.ours = 1e-3
	}
	for shown, tries := 0, 0; shown < 5 && tries < 10_000; tries++ {
		i := rng.IntN(60)
		if a := p.answer(rng, i); a >= 2 {
			l := odds.Leak{Submission: fmt.Sprint(shown), Cluster: fmt.Sprint(shown), Submitted: c.Cells[i].From.AddDate(0, 0, 9)}
			if p.mark > 0 {
				l.Copies = []odds.Copy{{Recipient: "R", LnE: 20, Confirmed: true}}
			}
			c.Leaks = append(c.Leaks, l)
			shown++
		} else if a == 1 { // a picture that is not ours says nothing of months
			shown++
		}
	}
	for _, asked := range []string{"planned", "random"} {
		m := ruler.Must(plan.New(c))
		before := 0
		for _, n := range planSizes {
			round := make([]int, n-before)
			for i := range round {
				round[i] = rng.IntN(len(m.Months))
			}
			if asked == "planned" {
				round = ruler.Must(m.Choose(n - before))
			}
			before = n
			var answers []int
			for _, at := range round {
				answers = append(answers, p.answer(rng, at))
			}
			m.Tell(round, answers)
			t := ruler.Trial{Labels: map[string]string{"asked": asked, "requests": fmt.Sprintf("%2d", n), "thief": thief[0]}, Values: map[string]float64{"wrong_10": 0, "wrong_100": 0}}
			for i, s := range m.Sources {
				x, _ := m.Ratio(i, nil, nil)
				if s.Name == truth {
					t.Values["ratio"], t.Values["right_10"] = math.Max(-4, math.Min(4, x)), yes(x >= 1)
				} else if x >= 1 {
					t.Values["wrong_10"], t.Values["wrong_100"] = 1, yes(x >= 2)
				}
			}
			emit(t)
		}
	}
}

// answer draws what the publisher sends when asked for a picture of month i, in the numbers of package plan.
func (p *publisher) answer(rng *rand.Rand, i int) int {
	has := rng.Float64() < p.has[i] && i >= p.hidesFrom && i < p.hidesTo
	switch {
	case has && rng.Float64() >= p.sends, !has && rng.Float64() >= p.offers:
		return 0
	case !has || rng.Float64() >= p.ours*p.reads:
		return 1
	case p.mark > 0 && rng.Float64() < 0.97:
		return p.mark
	}
	return 2
}
