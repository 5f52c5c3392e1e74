package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/verify/odds"
)

// The thieves of "verdict --thieves": each takes what the model's prior does not draw. All leaks are of
// uploads without marks, except for the copies of thiefSeveral. Only thiefVendor is a listed holder.
const (
	thiefFolder  = "an insider takes a recipient's folder"
	thiefTiles   = "the same, contracts tile all months"
	thiefUnit    = "an insider takes a week, month or quarter"
	thiefDays    = "an insider takes 3 to 1,825 days, log-uniform"
	thiefEven    = "the same, uniform"
	thiefCountry = "an insider takes a country"
	thiefBursts  = "an insider takes bursts of days"
	thiefService = "another service with the same customers in the same weeks"
	thiefNested  = "a wide holder loses what a narrow one also held"
	thiefSeveral = "copies of one, days of an insider, and strangers"
	thiefRequest = "an insider takes the originals of one request"
	thiefVendor  = "a holder loses uneven days of its custody"
)

var thieves = []string{thiefFolder, thiefTiles, thiefUnit, thiefDays, thiefEven, thiefCountry, thiefBursts, thiefService, thiefNested, thiefSeveral, thiefRequest, thiefVendor}

// newTiles draws a registry in which the six recipients held the uploads of all months in turn.
func newTiles(seed uint64) *simWorld {
	w, rng := newSimWorld(seed, worldUploads, worldMonths), rand.New(rand.NewPCG(seed, 0x711e5))
	bounds := append(rng.Perm(worldMonths - 1)[:worldRecipients-1], worldMonths-1)
	slices.Sort(bounds)
	for r := range w.holders {
		h := &w.holders[r]
		h.missing, h.unmarked = make([]bool, worldUploads), make([]bool, worldUploads)
		for i, m := range w.month {
			h.unmarked[i] = m <= bounds[r] && (r == 0 || m > bounds[r-1])
		}
	}
	return w
}

// requestUploads is the number of uploads of a request.
const requestUploads = 40

// newAsked draws a registry of tiles in which recipient 3 held the uploads of one country, of all
// months. Recipient 0 is the country's authority: its copies were issued for 60 requests.
func newAsked(seed uint64) *simWorld {
	w, rng := newTiles(seed), rand.New(rand.NewPCG(seed, 0xa5ced))
	lives, share := make(map[string]bool), .03+.3*rng.Float64()
	for _, subject := range slices.Compact(slices.Clone(w.subject)) {
		lives[subject] = rng.Float64() < share
	}
	country, authority := make([]bool, worldUploads), make([]bool, worldUploads)
	for i, subject := range w.subject {
		country[i] = lives[subject]
	}
	for range 60 {
		pool := indices(country)
		rng.Shuffle(len(pool), func(i, k int) { pool[i], pool[k] = pool[k], pool[i] })
		w.requests = append(w.requests, pool[:requestUploads])
		for _, i := range pool[:requestUploads] {
			authority[i] = true
		}
	}
	w.holders[3].unmarked, w.holders[0].copies = country, authority
	return w
}

// rob draws dump i of a thief, in the place of [simulation.dump].
func (s *simulation) rob(i int) (*simDump, *rand.Rand) {
	rng := rand.New(rand.NewPCG(s.seed, uint64(i)))
	thief := cmp.Or(s.only, thieves[i%len(thieves)])
	worlds := s.worlds
	switch thief {
	case thiefTiles:
		worlds = s.tiles
	case thiefRequest:
		worlds = s.asked
	}
	d := &simDump{simWorld: worlds[i/len(thieves)%len(worlds)], framed: -1, planter: -1, story: thief}
	n := int(math.Round(5 * math.Pow(40, rng.Float64()))) // 5 to 200
	kind, holder := odds.Insider, noHolder
	weight := make([]float64, len(d.cells)) // of each day
	between := func(from, to int) {
		for k := max(from, 0); k < min(to, len(weight)); k++ {
			weight[k] = 1
		}
	}
	pool := d.held(odds.Insider, noHolder)
	days := func(length float64) {
		from := rng.IntN(max(1, len(weight)-int(length)))
		between(from, from+int(length))
	}
	switch thief {
	case thiefFolder:
		between(0, len(weight))
		pool = d.held(odds.Custody, 3+rng.IntN(2))
	case thiefTiles:
		between(0, len(weight))
		pool = d.held(odds.Custody, rng.IntN(worldRecipients))
	case thiefRequest:
		between(0, len(weight))
		pool = slices.Clone(d.requests[rng.IntN(len(d.requests))])
		slices.Sort(pool)
	case thiefUnit:
		at, length := rng.IntN(len(d.cells)), rng.IntN(3)
		unit := func(k int) [2]int { // of a day
			t := d.cells[k].From
			year, week := t.ISOWeek()
			return [][2]int{{year, week}, {t.Year(), int(t.Month())}, {t.Year(), int(t.Month()-1) / 3}}[length]
		}
		for k := range weight {
			if unit(k) == unit(at) {
				weight[k] = 1
			}
		}
	case thiefDays, thiefSeveral:
		days(3 * math.Pow(1825./3, rng.Float64()))
	case thiefEven:
		days(3 + 1822*rng.Float64())
	case thiefService:
		days(14 + 76*rng.Float64())
		kind = odds.Elsewhere
	case thiefCountry:
		between(0, len(weight))
		share, lives := .03+.3*rng.Float64(), make(map[string]bool)
		for _, subject := range slices.Compact(slices.Clone(d.subject)) {
			lives[subject] = rng.Float64() < share
		}
		pool = slices.DeleteFunc(pool, func(u int) bool { return !lives[d.subject[u]] })
	case thiefBursts:
		for k := range weight {
			weight[k] = math.Exp(2 * rng.NormFloat64())
		}
	case thiefNested:
		kind, holder = odds.Custody, 3
		pool = d.held(kind, holder)
		from := d.day[pool[rng.IntN(len(pool))]]
		if d.nested {
			from = d.day[slices.Index(d.month, d.window[0])]
		}
		between(from, from+7+rng.IntN(60))
	case thiefVendor:
		kind, holder = odds.Custody, 3+rng.IntN(2)
		for k := range weight {
			weight[k] = math.Exp(rng.NormFloat64())
		}
		pool = d.held(kind, holder)
	}
	src := s.handle(rng, simSource{kind: kind, holder: holder})
	d.sources = append(d.sources, src)
	top := slices.Max(weight)
	for try, left := 0, n; left > 0 && try < 1_000_000 && len(pool) > 0; try++ {
		at := rng.IntN(len(pool))
		if u := pool[at]; rng.Float64()*top < weight[d.day[u]] {
			d.leaks = append(d.leaks, simLeak{outcomeUnmarked, u, -1, 0, s.leakAttack(rng, outcomeUnmarked, src), nil})
			pool, left = slices.Delete(pool, at, at+1), left-1
		}
	}
	others := rng.IntN(3) * rng.IntN(5)
	if thief == thiefService {
		others = n * (3 + rng.IntN(17))
	}
	if thief == thiefSeveral {
		s.steal(rng, d, odds.Copies, []int{0, 1, 2, 3, 5}[rng.IntN(5)], n/2+1)
	}
	for range others {
		d.leaks = append(d.leaks, simLeak{outcomeStranger, -1, -1, -1, s.anyAttack(rng, outcomeStranger), nil})
	}
	rng.Shuffle(len(d.leaks), func(i, k int) { d.leaks[i], d.leaks[k] = d.leaks[k], d.leaks[i] })
	return d, rng
}

// blame records the greatest ratio of custody of a holder that lost nothing.
func (j *judgement) blame() {
	top := math.Inf(-1)
	for i := range j.v.Hypotheses {
		if h := &j.v.Hypotheses[i]; h.Kind == odds.Custody && !j.isTrue(h) {
			top = math.Max(top, h.LogLR)
		}
	}
	j.set("blamed_10", top >= 1)
	j.set("blamed_100", top >= 2)
}

// thiefTable has a row for each thief.
func thiefTable() ruler.Table {
	return ruler.Table{Name: "thieves", Doc: true, Title: "Thieves that the model's prior does not draw", By: []string{"story"}, Row: rowsOf(thieves...), Total: "all", Columns: []ruler.Column{
		ruler.Of("ten", "blamed_10").When(isTrial("dump")), ruler.Of("hundred", "blamed_100").When(isTrial("dump")),
		ruler.Of("named", "wrong").When(isTrial("dump")), ruler.Of("true", "true").When(ruler.Is("sure", "yes")),
	}, Note: func(ruler.Group) string {
		return "Ten, hundred: custody of a holder that lost nothing has such a ratio (bars 10 and 1 %). Named: a recipient is named wrongly (bar 0). True: of statements of 99 % (bar 98.5 %)."
	}}
}
