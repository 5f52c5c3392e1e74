package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/kycmark/kycmark/verify/odds"
)

// A request asks the publisher for pictures of one month. Its answer is nothing, a picture that is not
// ours, an unmarked picture of ours, or one with a recipient's mark. Each explanation gives each
// answer a probability; the rates are the defaults of package odds. Counts by month say nothing
// here, since we chose the months: only what is sent, and what cannot be sent, counts.

// Constants of the answers. Chosen, except as said.
const (
	falseMark = 1e-9   // the promise of reading a mark
	removed   = 0.2    // probability that a source of copies removed all marks
	offers    = 0.2    // probability that a publisher without a picture of the month sends another picture
	named     = 1. / 3 // probability that a thief at the exchange took just what one holder had
	ranges    = 1. / 3 // probability that such a thief took a range of months
	capRatio  = 2      // log10: more than this is no gain to a plan
	samples   = 40     // simulated answers of each explanation
	maxMonths = 1_200  // of a case
	maxAsked  = 200    // requests of a plan
	maxEdges  = 12     // ends of ranges that are compared
	floor     = 0.01   // smallest share of an explanation in what a plan serves
)

var (
	defaults = odds.Options{}.WithDefaults()
	// withheld are equally probable shares of the pictures that a publisher has and does not send. The
	// largest bounds what silence can say.
	withheld = []float64{0.05, 0.2, 0.5, 0.9, 0.99}
)

// Answers to one request; [gotMark] plus the index of a recipient is its mark.
const (
	gotNothing = iota
	gotForeign
	gotBare
	gotMark
)

// A setting is one way in which an explanation can hold.
type setting struct {
	prior    float64
	has      []bool // by kind of month
	withheld float64
	ours     float64 // share of what is sent that is ours, 0..1
	mark     int     // answer for a picture with the source's mark, 0: unmarked

	of [][]float64 // by kind, by answer: the probability of an answer to a request for such a month
}

// chance returns the probability of an answer to a request for a picture of one kind of month.
func (s *setting) chance(kind, answer int) float64 { return s.of[kind][answer] }

// fill computes the probabilities of all answers. marks is the number of recipients.
func (s *setting) fill(marks int) {
	for kind := range s.has {
		row := make([]float64, gotMark+marks)
		for a := range row {
			row[a] = s.probability(kind, a)
		}
		s.of = append(s.of, row)
	}
}

// probability returns one element of the table that fill makes.
func (s *setting) probability(kind, answer int) float64 {
	sent, ours := offers, defaults.FalseMatch
	if s.has[kind] {
		sent, ours = 1-s.withheld, s.ours
	}
	bare, marked := ours, 0.0
	if s.mark > 0 && s.has[kind] {
		bare, marked = ours*defaults.MinMiss, ours*(1-defaults.MinMiss)
	}
	switch answer {
	case gotNothing:
		return 1 - sent
	case gotForeign:
		return sent * (1 - bare - marked)
	case gotBare:
		return sent * math.Max(bare, defaults.FalseMatch)
	case s.mark:
		return sent * math.Max(marked, falseMark)
	}
	return sent * falseMark
}

// A Source is one explanation of where the publisher's pictures come from.
type Source struct {
	Name     string
	settings []setting
	given    float64 // log10 of how well it explains the leaks that are there, against the best
}

// A Model is what can be asked in one registry.
type Model struct {
	Sources []Source
	Months  []time.Time
	kindOf  []int   // by month: months of one kind are held by the same parties
	kinds   [][]int // by kind: its months, the month with the most submissions first
	marks   int     // recipients
}

// New returns the model of a case: its holders, and the leaks that are there already. The error wraps
// [ErrPlan] if the case has no month with a submission.
func New(c *odds.Case) (*Model, error) {
	m := &Model{marks: len(c.Holders)}
	count := m.months(c)
	if len(m.Months) == 0 || len(m.Months) > maxMonths {
		return nil, fmt.Errorf("%w: the findings have %d months with submissions, want 1 to %d", ErrPlan, len(m.Months), maxMonths)
	}
	var held [][]int // by source, by month
	for _, h := range c.Holders {
		for _, cells := range [][]int{h.Unmarked, h.Copies} {
			held = append(held, m.byMonth(c, cells))
		}
	}
	kind := make(map[string]int)
	for i := range m.Months {
		key := make([]byte, len(held))
		for k := range held {
			if held[k][i] > 0 {
				key[k] = 1
			}
		}
		id, known := kind[string(key)]
		if !known {
			id = len(kind)
			kind[string(key)], m.kinds = id, append(m.kinds, nil)
		}
		m.kindOf, m.kinds[id] = append(m.kindOf, id), append(m.kinds[id], i)
	}
	for _, months := range m.kinds {
		slices.SortStableFunc(months, func(a, b int) int { return count[b] - count[a] })
	}
	m.sources(c, held)
	m.weigh(c)
	return m, nil
}

// months sets Months to the calendar months with submissions, and returns their submissions.
func (m *Model) months(c *odds.Case) (count []int) {
	for _, x := range c.Cells {
		if x.Submissions == 0 {
			continue
		}
		if at := monthOf(x.From); len(m.Months) == 0 || !m.Months[len(m.Months)-1].Equal(at) {
			m.Months, count = append(m.Months, at), append(count, 0)
		}
		count[len(count)-1] += x.Submissions
	}
	return count
}

// monthOf returns the beginning of the month, UTC, in which t lies.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// byMonth adds up counts by cell to counts by month.
func (m *Model) byMonth(c *odds.Case, cells []int) []int {
	out := make([]int, len(m.Months))
	for i, n := range cells {
		if at, ok := slices.BinarySearchFunc(m.Months, monthOf(c.Cells[i].From), time.Time.Compare); ok {
			out[at] += n
		}
	}
	return out
}

// sources sets Sources: what each holder held and was issued, a thief at the exchange, another service with
// the same customers, and pictures that are not ours. held has two elements for each holder.
func (m *Model) sources(c *odds.Case, held [][]int) {
	add := func(name string, has []bool, prior, ours float64, mark int) {
		i := slices.IndexFunc(m.Sources, func(s Source) bool { return s.Name == name })
		if i < 0 {
			i, m.Sources = len(m.Sources), append(m.Sources, Source{Name: name})
		}
		for _, w := range withheld {
			x := setting{prior: prior / float64(len(withheld)), has: has, withheld: w, ours: ours, mark: mark}
			x.fill(m.marks)
			m.Sources[i].settings = append(m.Sources[i].settings, x)
		}
	}
	all := make([]bool, len(m.kinds))
	for k := range all {
		all[k] = true
	}
	var folders [][]bool // what holders had
	for k, counts := range held {
		has := make([]bool, len(m.kinds))
		for kind, months := range m.kinds {
			has[kind] = counts[months[0]] > 0
		}
		name := c.Holders[k/2].Name
		if slices.Contains(has, true) {
			folders = append(folders, has)
		}
		switch {
		case !slices.Contains(has, true):
		case k%2 == 0:
			add("custody of "+name, has, 1, defaults.Recall, 0)
		default:
			add("copies of "+name, has, 1-removed, defaults.Recall, gotMark+k/2)
			add("copies of "+name, has, removed, defaults.Recall, 0)
		}
	}
	add("a thief at the exchange", all, 1-ranges-named, defaults.Recall, 0)
	if len(folders) == 0 {
		folders = [][]bool{all}
	}
	for _, has := range folders {
		add("a thief at the exchange", has, named/float64(len(folders)), defaults.Recall, 0)
	}
	edges := []int{0} // where the kind of month changes
	for i := range m.kindOf[1:] {
		if m.kindOf[i] != m.kindOf[i+1] {
			edges = append(edges, i+1)
		}
	}
	edges = append(edges, len(m.kindOf))
	if len(edges) > maxEdges {
		edges = []int{0, len(m.kindOf)}
	}
	of := float64(len(edges)*(len(edges)-1)) / 2
	for i, from := range edges {
		for _, to := range edges[i+1:] {
			has := make([]bool, len(m.kinds))
			for _, kind := range m.kindOf[from:to] {
				has[kind] = true
			}
			add("a thief at the exchange", has, ranges/of, defaults.Recall, 0)
		}
	}
	for _, u := range defaults.Reuse {
		add("another service with the same customers", all, 1/float64(len(defaults.Reuse)), u+defaults.FalseMatch*(1-u), 0)
	}
	add("pictures that are not ours", all, 1, defaults.FalseMatch, 0)
}

// weigh multiplies the settings by how well they explain the leaks that are there. Others chose those
// leaks, so that only what a source cannot have had speaks against it.
func (m *Model) weigh(c *odds.Case) {
	persons := make(map[string]bool)
	for _, l := range c.Leaks {
		at, ok := slices.BinarySearchFunc(m.Months, monthOf(l.Submitted), time.Time.Compare)
		if l.Submission == "" || !ok || persons[l.Cluster] {
			continue
		}
		persons[l.Cluster] = true
		answer := gotBare
		for _, x := range l.Copies {
			if x.Confirmed && x.LnE >= odds.SureLnE {
				answer = gotMark + slices.IndexFunc(c.Holders, func(h odds.Holder) bool { return h.Name == x.Recipient })
			}
		}
		for i := range m.Sources {
			for j := range m.Sources[i].settings {
				s := &m.Sources[i].settings[j]
				switch ours := s.chance(m.kindOf[at], answer); {
				case answer == gotBare && s.has[m.kindOf[at]] && s.ours < defaults.Recall:
					s.prior *= s.ours // another service: few files are shared
				case answer == gotBare && (!s.has[m.kindOf[at]] || s.mark > 0):
					s.prior *= defaults.FalseMatch
				case answer >= gotMark && s.mark != answer:
					s.prior *= falseMark
				case ours == 0:
					s.prior = 0
				}
			}
		}
	}
	m.level()
}

// level sets how well each source explains what is known, against the best.
func (m *Model) level() {
	best := math.Inf(-1)
	for i := range m.Sources {
		m.Sources[i].given = m.ratioTo(i, nil, nil)
		best = math.Max(best, m.Sources[i].given)
	}
	for i := range m.Sources {
		m.Sources[i].given -= best
	}
}

// Tell enters the answers to requests for months, given by their indices. Ratios and further plans
// count them.
func (m *Model) Tell(months, answers []int) {
	for i := range m.Sources {
		for j := range m.Sources[i].settings {
			s := &m.Sources[i].settings[j]
			for k, at := range months {
				s.prior *= s.chance(m.kindOf[at], answers[k])
			}
		}
	}
	m.level()
}

// ratioTo returns log10 of the probability of answers to requests for kinds of months, under source i.
func (m *Model) ratioTo(i int, kinds, answers []int) float64 {
	sum := 0.0
	for j := range m.Sources[i].settings {
		s := &m.Sources[i].settings[j]
		p := s.prior
		for k, kind := range kinds {
			p *= s.chance(kind, answers[k])
		}
		sum += p
	}
	return math.Log10(math.Max(sum, 1e-300))
}

// Ratio returns log10 of the ratio of source i to the best other source, after answers to requests for months,
// given by their indices; the leaks that are there count. against is the index of that other source.
func (m *Model) Ratio(i int, months, answers []int) (ratio float64, against int) {
	kinds := make([]int, len(months))
	for k, at := range months {
		kinds[k] = m.kindOf[at]
	}
	best := math.Inf(-1)
	for o := range m.Sources {
		if x := m.ratioTo(o, kinds, answers); o != i && x > best {
			best, against = x, o
		}
	}
	return m.ratioTo(i, kinds, answers) - best, against
}

// answer returns the answer to a request for a kind of month that a setting gives with the chance x,
// 0..1. marks is the number of recipients.
func (s *setting) answer(kind, marks int, x float64) int {
	for a := range gotMark + marks {
		if x -= s.chance(kind, a); x < 0 {
			return a
		}
	}
	return gotNothing
}

// A sample is a publisher for whom a source is true, in one of its settings.
type sample struct {
	source  int
	setting *setting
	weight  float64
	chances []float64   // one for each request
	so      [][]float64 // by source, by setting: the probability of the answers so far
}

// Choose returns n months to ask for, by their indices: step by step the kind of month after which the
// source that is true is expected to stand out most. Each source counts by how well it explains the
// leaks that are there. The expectation is a simulation with a fixed seed. The error wraps
// [ErrPlan].
func (m *Model) Choose(n int) (months []int, err error) {
	if n < 1 || n > maxAsked {
		return nil, fmt.Errorf("%w: %d requests, want 1 to %d", ErrPlan, n, maxAsked)
	}
	all := m.simulate(n)
	used := make([]int, len(m.kinds))
	for step := range n {
		best, choice := math.Inf(-1), 0
		for kind := range m.kinds {
			sum := 0.0
			for k := range all {
				sum += all[k].weight * m.after(&all[k], kind, all[k].chances[step], false)
			}
			if sum > best+1e-9 {
				best, choice = sum, kind
			}
		}
		for k := range all {
			m.after(&all[k], choice, all[k].chances[step], true)
		}
		months = append(months, m.kinds[choice][used[choice]%len(m.kinds[choice])])
		used[choice]++
	}
	return months, nil
}

// simulate draws publishers of each source, who get n requests.
func (m *Model) simulate(n int) (all []sample) {
	for i, source := range m.Sources {
		total := 0.0
		for _, s := range source.settings {
			total += s.prior
		}
		for k := range samples {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(k)))
			x := sample{source: i, weight: math.Max(math.Pow(10, source.given), floor)}
			at := rng.Float64() * total
			for j := range source.settings {
				x.setting = &source.settings[j]
				if at -= x.setting.prior; at < 0 {
					break
				}
			}
			for range n {
				x.chances = append(x.chances, rng.Float64())
			}
			for _, o := range m.Sources {
				var p []float64
				for _, s := range o.settings {
					p = append(p, s.prior)
				}
				x.so = append(x.so, p)
			}
			all = append(all, x)
		}
	}
	return all
}

// after returns how far the true source of a sample stands out after one more request. This is log10
// of the ratio to the best other source, at most [capRatio]. chance decides the answer. With keep
// the request counts from then on.
func (m *Model) after(x *sample, kind int, chance float64, keep bool) float64 {
	answer := x.setting.answer(kind, m.marks, chance)
	with, without := 0.0, 0.0
	for o := range m.Sources {
		sum := 0.0
		for j := range m.Sources[o].settings {
			p := x.so[o][j] * m.Sources[o].settings[j].chance(kind, answer)
			if sum += p; keep {
				x.so[o][j] = p
			}
		}
		if o == x.source {
			with = sum
		} else {
			without = math.Max(without, sum)
		}
	}
	return math.Min(math.Log10(math.Max(with, 1e-300)/math.Max(without, 1e-300)), capRatio)
}

// Likeliest returns the answers that source i gives to requests for months if it withholds nothing: for
// each month its likeliest.
func (m *Model) Likeliest(i int, months []int) (answers []int) {
	var s *setting
	for j := range m.Sources[i].settings {
		if x := &m.Sources[i].settings[j]; s == nil || x.prior > s.prior {
			s = x
		}
	}
	for _, at := range months {
		best := gotNothing
		for a := range gotMark + m.marks {
			if s.chance(m.kindOf[at], a) > s.chance(m.kindOf[at], best) {
				best = a
			}
		}
		answers = append(answers, best)
	}
	return answers
}
