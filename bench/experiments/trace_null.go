package experiments

import (
	"math"
	"slices"
	"sync"
)

// nullScores are the scores of innocents over a run. Tasks add to it in any order.
type nullScores struct {
	mu             sync.Mutex
	score, payload shiftedHistogram
}

// add takes the scores out of a sighting.
func (n *nullScores) add(s *sighting) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, v := range s.innocent.scores {
		n.score.add(v)
		n.payload.add(s.innocent.payloads[i])
	}
	s.innocent.scores, s.innocent.payloads = nil, nil
}

// A shiftedHistogram counts values from -16 to 16.
type shiftedHistogram struct{ histogram }

const histogramMiddle, histogramUnit = 4, 4

func (h *shiftedHistogram) add(v float64) { h.histogram.add(v/histogramUnit + histogramMiddle) }

func (h *shiftedHistogram) quantile(p float64) float64 {
	return (h.histogram.quantile(p) - histogramMiddle) * histogramUnit
}

// A Quantile is the value that a share of scores exceeds, beside that of a standard
// normal variable.
type Quantile struct {
	Share  float64 `json:"share"`
	Normal float64 `json:"normal"`
	Seen   Number  `json:"seen"`
}

// quantiles are eight a decade to both sides, as far out as there are values.
func (h *shiftedHistogram) quantiles() []Quantile {
	out := []Quantile{}
	if h.n == 0 {
		return out
	}
	last := int(quantilesADecade * math.Log10(float64(h.n)))
	first := int(math.Ceil(quantilesADecade * math.Log10(2)))
	add := func(share float64) {
		out = append(out, Quantile{share, math.Sqrt2 * math.Erfcinv(2*share), Number(h.quantile(share))})
	}
	for k := last; k >= first; k-- {
		add(1 - math.Pow(10, -float64(k)/quantilesADecade))
	}
	add(.5)
	for k := first; k <= last; k++ {
		add(math.Pow(10, -float64(k)/quantilesADecade))
	}
	return out
}

// Innocents are the copies that are not in the leaks, over all leaks of a kind.
type Innocents struct {
	Name       string     `json:"name"`
	Leaks      int        `json:"leaks"`
	Registered int        `json:"registered"`
	Trials     int        `json:"trials"` // a leak that shows its original, and an innocent copy
	Score      Number     `json:"score_max"`
	Payload    Number     `json:"payload_max"`
	File       string     `json:"score_max_file,omitempty"`
	Attack     string     `json:"score_max_attack,omitempty"`
	At6        int        `json:"at_1e-6"` // with a corrected p of at most 1e-6
	At9        int        `json:"at_1e-9"`
	Accused    int        `json:"accused"` // must be 0
	Upper95    float64    `json:"accused_upper_95"`
	MeanE      Number     `json:"mean_e"` // at most 1, but for chance
	MostE      Number     `json:"max_e"`
	Decoded    int        `json:"decoded"` // IDs read without a list that are in no leak: must be 0
	Scores     []Quantile `json:"scores"`
	Payloads   []Quantile `json:"payloads"`
}

// innocentsOf adds up the sightings of some kinds of leaks.
func (r *traceRun) innocentsOf(name string, scores *nullScores, kinds ...int) Innocents {
	out := Innocents{Name: name, Score: Number(math.NaN()), Payload: Number(math.NaN()), MeanE: Number(math.NaN()), MostE: Number(math.NaN())}
	sum, most, score, payload := 0., 0., math.Inf(-1), math.Inf(-1)
	for s := range r.measured {
		for k := range s.seen {
			seen, n := &s.seen[k], &s.seen[k].innocent
			if !slices.Contains(kinds, r.plan[k].kind) || seen.err != nil {
				continue
			}
			out.Leaks++
			if seen.misread != nil {
				out.Decoded++
			}
			if seen.registered {
				out.Registered++
			}
			if n.n == 0 {
				continue
			}
			out.Trials += n.n
			out.At6 += n.at6
			out.At9 += n.at9
			out.Accused += len(n.framed)
			sum, most, payload = sum+n.sumE, max(most, n.mostE), max(payload, n.payload)
			if n.score > score {
				score, out.File, out.Attack = n.score, s.result.File, seen.label(&r.plan[k])
			}
		}
	}
	out.Upper95 = upperBound(out.Accused, out.Trials, .95)
	if out.Trials > 0 {
		out.Score, out.Payload = Number(score), Number(payload)
		out.MeanE, out.MostE = Number(sum/float64(out.Trials)), Number(most)
	}
	out.Scores, out.Payloads = scores.score.quantiles(), scores.payload.quantiles()
	return out
}
