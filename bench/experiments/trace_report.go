package experiments

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// TraceReport says whose copy was named. Pictures and attacks are in the order of
// the configuration and of the list.
type TraceReport struct {
	KeyID     string         `json:"key_id"`
	Seed      uint64         `json:"seed"`
	MaxSide   int            `json:"max_side,omitempty"`
	Copies    int            `json:"copies"` // of each picture, traced against
	Total     TraceCount     `json:"total"`
	Groups    []TraceGroup   `json:"groups"`
	Attacks   []TraceAttack  `json:"attacks"`
	Pictures  []TracePicture `json:"pictures"`
	Power     []PowerBand    `json:"power"`
	Expected  []ExpectedBand `json:"expected_score"` // the last is of all
	Innocents []Innocents    `json:"innocents"`      // of leaks with a mark, and without one if asked for
	Collusion []Mixture      `json:"collusion,omitempty"`
	Pool      []Pooled       `json:"pool,omitempty"`
	Smaller   []Rendition    `json:"renditions,omitempty"`
	Wrong     *Wrong         `json:"wrong_originals,omitempty"`
	Framed    []Framed       `json:"framed"`      // an alarm: must be empty
	Claims    []Failure      `json:"overclaimed"` // power of at least 0.999, and yet not accused
	Misread   []WrongID      `json:"wrong_ids"`   // decoded without a list, an alarm: must be empty
	Missed    []MissedBar    `json:"missed_bars"` // not empty: the answer is no
	Broken    []Failure      `json:"broken"`
	Errors    []Failure      `json:"errors"` // traces that failed, counted as not named
}

// TraceCount adds up traces of one copy's leaks.
type TraceCount struct {
	Named      int    `json:"named"`  // the right copy first, at 1e-9
	Likely     int    `json:"likely"` // at 1e-6
	Tried      int    `json:"tried"`
	Registered int    `json:"registered"`
	Decoded    int    `json:"decoded"` // the right ID without a list of copies
	Score      Spread `json:"score"`   // of the right copy, of leaks that show the original
	Payload    Spread `json:"payload"`
	LogP       Spread `json:"log10_p"`
	Ratio      Number `json:"seen_over_expected"`   // score, median
	Innocent   Number `json:"innocent_score_max"`   // the largest of all innocent copies
	InnocentP  Number `json:"innocent_payload_max"` // the same of the payload
	At6        int    `json:"innocents_1e-6"`       // innocents with a corrected p of at most 1e-6
	At9        int    `json:"innocents_1e-9"`
	TraceMS    Spread `json:"trace_ms"`
}

// Share is Named/Tried, 0 where nothing was tried.
func (c TraceCount) Share() float64 { return Rate{c.Named, c.Tried}.Share() }

// TraceGroup is that of a family of attacks.
type TraceGroup struct {
	Name string `json:"name"`
	TraceCount
}

// TraceAttack is one attack over all pictures.
type TraceAttack struct {
	Name  string `json:"name"`
	Group string `json:"group"`
	TraceCount
	Missed []string `json:"missed"` // files
}

// TracePicture is one picture under all attacks.
type TracePicture struct {
	File      string `json:"file"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
	Copy      string `json:"copy"`
	PSNR      Number `json:"psnr"`
	SSIM      Number `json:"ssim"`
	Strength  Number `json:"strength"`
	Weak      bool   `json:"weak"`
	PrepareMS Number `json:"prepare_ms"` // of the tracer, once for all leaks
	TraceCount
	Missed []string `json:"missed"` // attacks
}

// Framed is an innocent copy that was accused.
type Framed struct {
	File   string `json:"file"`
	Attack string `json:"attack"`
	Copy   string `json:"copy"`
	LogP   Number `json:"log10_p"`
}

// label says how the leak of a task was made.
func (s *sighting) label(t *traceTask) string {
	switch t.kind {
	case ofMixture:
		return t.mix.Name + ", " + t.attack.Name
	case ofUnmarked:
		return t.attack.Name + ", unmarked"
	case ofRendition:
		return t.attack.Name + ", against a smaller original"
	case ofWrong:
		return fmt.Sprintf("%s of the picture %d further", s.attack, t.other)
	}
	return t.attack.Name
}

// measured goes through the pictures that could be marked.
func (r *traceRun) measured(yield func(*suspect) bool) {
	for i := range r.subjects {
		if s := &r.subjects[i]; s.broken == nil && !yield(s) {
			return
		}
	}
}

// leaked are the sightings of copies under the attacks that are wanted.
func (r *traceRun) leaked(wanted func(name, group string) bool) []*sighting {
	var all []*sighting
	for s := range r.measured {
		for k, a := range r.attacks {
			if wanted(a.Name, a.Group) {
				all = append(all, &s.seen[k])
			}
		}
	}
	return all
}

func (r *traceRun) report() *TraceReport {
	rep := &TraceReport{
		KeyID: r.key.ID(), Seed: r.cfg.Seed, MaxSide: r.cfg.MaxSide, Copies: r.cfg.Issued,
		Groups: []TraceGroup{}, Attacks: []TraceAttack{}, Pictures: []TracePicture{}, Framed: []Framed{}, Claims: []Failure{},
		Misread: []WrongID{}, Missed: []MissedBar{}, Broken: []Failure{}, Errors: []Failure{},
	}
	all := r.leaked(func(string, string) bool { return true })
	rep.Total, rep.Power, rep.Expected = countTraces(all), powerBands(all), expectedBands(all)
	r.reportAttacks(rep)
	r.reportPictures(rep)
	rep.Innocents = []Innocents{r.innocentsOf("marked leaks", &r.null[0], ofLeaked, ofMixture, ofRendition)}
	if r.cfg.Unmarked {
		rep.Innocents = append(rep.Innocents, r.innocentsOf("unmarked leaks", &r.null[1], ofUnmarked))
	}
	rep.Smaller, rep.Wrong = r.renditions(), r.wrong()
	for k, t := range r.plan {
		switch t.kind {
		case ofMixture:
			rep.Collusion = append(rep.Collusion, r.mixture(k))
		case ofPooled:
			rep.Pool = append(rep.Pool, r.pools(k)...)
		}
	}
	rep.bars(r.cfg.Bars)
	return rep
}

// Alarms counts what must not be: innocents accused, or with a corrected p of at most
// 1e-6, and IDs read that are in no leak.
func (rep *TraceReport) Alarms() int {
	n := len(rep.Framed) + len(rep.Misread)
	for _, i := range rep.Innocents {
		n += i.At6
	}
	return n
}

func (r *traceRun) reportAttacks(rep *TraceReport) {
	for k, a := range r.attacks {
		one := TraceAttack{Name: a.Name, Group: a.Group, Missed: []string{}}
		one.TraceCount = countTraces(r.leaked(func(name, _ string) bool { return name == a.Name }))
		for s := range r.measured {
			if !s.seen[k].named(namedAt) {
				one.Missed = append(one.Missed, s.result.File)
			}
		}
		rep.Attacks = append(rep.Attacks, one)
		if n := len(rep.Groups); n == 0 || rep.Groups[n-1].Name != a.Group {
			rep.Groups = append(rep.Groups, TraceGroup{a.Group, countTraces(r.leaked(func(_, group string) bool { return group == a.Group }))})
		}
	}
}

func (r *traceRun) reportPictures(rep *TraceReport) {
	for i := range r.subjects {
		s := &r.subjects[i]
		if s.broken != nil {
			rep.Broken = append(rep.Broken, Failure{File: r.cfg.Pictures[i], Error: s.broken.Error()})
			continue
		}
		s.result.Missed = []string{}
		var seen []*sighting
		for k := range s.seen {
			if r.plan[k].kind == ofLeaked {
				seen = append(seen, &s.seen[k])
				if !s.seen[k].named(namedAt) {
					s.result.Missed = append(s.result.Missed, r.plan[k].attack.Name)
				}
			}
			rep.alarms(s, &r.plan[k], &s.seen[k])
		}
		s.result.TraceCount = countTraces(seen)
		rep.Pictures = append(rep.Pictures, s.result)
	}
}

// alarms enters what must not be.
func (rep *TraceReport) alarms(s *suspect, t *traceTask, seen *sighting) {
	file, label := s.result.File, seen.label(t)
	if seen.err != nil {
		rep.Errors = append(rep.Errors, Failure{File: file, Attack: label, Error: seen.err.Error()})
	}
	if seen.err == nil && t.kind == ofLeaked && seen.registered && seen.power >= powerful && !seen.accused {
		rep.Claims = append(rep.Claims, Failure{file, label, fmt.Sprintf("power %.5f, score %.1f of %.1f expected", seen.power, seen.guilty[0].Score, seen.expected)})
	}
	for _, c := range seen.innocent.framed {
		rep.Framed = append(rep.Framed, Framed{file, label, c.Copy.String(), Number(c.LogP)})
	}
	if seen.misread != nil {
		rep.Misread = append(rep.Misread, WrongID{File: file, Attack: label, Copy: s.result.Copy, Read: seen.misread.String()})
	}
}

// bars notes what was not reached. With nothing traced every bar is missed.
func (rep *TraceReport) bars(bars map[string]float64) {
	for _, name := range slices.Sorted(maps.Keys(bars)) {
		count := rep.Total
		for _, g := range rep.Groups {
			if g.Name == name {
				count = g.TraceCount
			}
		}
		if count.Tried == 0 || count.Share() < bars[name] {
			rep.Missed = append(rep.Missed, MissedBar{Name: name, Bar: Number(bars[name]), Got: Number(count.Share())})
		}
	}
}

// countTraces adds up sightings of one copy each.
func countTraces(seen []*sighting) TraceCount {
	c := TraceCount{Tried: len(seen)}
	var scores, payloads, logs, ratios, times, innocent, innocentP []float64
	for _, s := range seen {
		if s.err != nil {
			continue
		}
		times = append(times, s.ms)
		c.Named += one(s.named(namedAt))
		c.Likely += one(s.named(likelyAt))
		c.Decoded += one(s.decoded)
		if !s.registered {
			continue
		}
		c.Registered++
		right := s.guilty[0]
		scores, payloads, logs = append(scores, right.Score), append(payloads, right.Payload), append(logs, right.LogP)
		if g, ok := s.gain(); ok {
			ratios = append(ratios, g)
		}
		innocent, innocentP = append(innocent, s.innocent.score), append(innocentP, s.innocent.payload)
		c.At6 += s.innocent.at6
		c.At9 += s.innocent.at9
	}
	c.Score, c.Payload, c.LogP, c.TraceMS = spreadOf(scores), spreadOf(payloads), spreadOf(logs), spreadOf(times)
	c.Ratio, c.Innocent, c.InnocentP = spreadOf(ratios).Median, spreadOf(innocent).Max, spreadOf(innocentP).Max
	return c
}

// one is 1 for true.
func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A PowerBand compares the power that traces claim with what they reached.
type PowerBand struct {
	From    float64 `json:"from"`
	To      float64 `json:"to"`
	Leaks   int     `json:"leaks"` // that show the original
	Claimed Number  `json:"mean_power"`
	Accused int     `json:"accused"` // the right copy, as the best
}

// powerBands sorts leaks by the power claimed.
func powerBands(seen []*sighting) []PowerBand {
	edges := []float64{0, .5, .9, .99, powerful, 1}
	var out []PowerBand
	for i, from := range edges[:len(edges)-1] {
		b := PowerBand{From: from, To: edges[i+1]}
		var claimed mean
		for _, s := range seen {
			last := b.To == 1
			if s.err != nil || !s.registered || s.power < b.From || s.power >= b.To && !last {
				continue
			}
			b.Leaks++
			claimed.add(s.power)
			b.Accused += one(s.accused)
		}
		b.Claimed = claimed.value()
		out = append(out, b)
	}
	return out
}

// An ExpectedBand compares the score that traces expect with the one seen.
type ExpectedBand struct {
	From   float64 `json:"from"` // expected score
	To     Number  `json:"to"`
	Leaks  int     `json:"leaks"`
	Low    Number  `json:"seen_over_expected_10"` // quantile
	Median Number  `json:"seen_over_expected_50"`
	High   Number  `json:"seen_over_expected_90"`
	Off    Number  `json:"median_abs_ln"` // median of |ln(seen/expected)|
}

// expectedBands sorts leaks by the score expected; the last band holds all.
func expectedBands(seen []*sighting) []ExpectedBand {
	edges := []float64{0, 5, 10, 20, 50, math.Inf(1)}
	var out []ExpectedBand
	for i := range edges {
		b := ExpectedBand{From: edges[i], To: Number(math.Inf(1))}
		if i+1 < len(edges) {
			b.To = Number(edges[i+1])
		} else {
			b.From = 0
		}
		var ratios, off []float64
		for _, s := range seen {
			if g, ok := s.gain(); ok && s.expected >= b.From && s.expected < float64(b.To) {
				ratios, off = append(ratios, g), append(off, math.Abs(math.Log(max(0, g))))
			}
		}
		slices.Sort(ratios)
		b.Leaks, b.Off = len(ratios), spreadOf(off).Median
		b.Low, b.Median, b.High = quantileOf(ratios, .1), quantileOf(ratios, .5), quantileOf(ratios, .9)
		out = append(out, b)
	}
	return out
}

// quantileOf is a quantile of sorted values, linear between them, or not a number
// where there are none.
func quantileOf(sorted []float64, q float64) Number {
	if len(sorted) == 0 {
		return Number(math.NaN())
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if share := at - float64(i); share > 0 && sorted[i] != sorted[i+1] {
		return Number(sorted[i] + share*(sorted[i+1]-sorted[i]))
	}
	return Number(sorted[i])
}
