package experiments

import (
	"fmt"
	"slices"

	"github.com/kycmark/kycmark/internal/attack"
)

// Mixture is one way to collude, over all pictures.
type Mixture struct {
	Mix       string `json:"mix"`
	Then      string `json:"then"` // the attack after it
	Copies    int    `json:"copies"`
	Leaks     int    `json:"leaks"`
	Colluders int    `json:"colluders"`  // Leaks x Copies
	Named     int    `json:"named_1e-6"` // of these
	NamedAt9  int    `json:"named_1e-9"`
	AtLeast1  int    `json:"leaks_with_one_named"` // at 1e-6
	All       int    `json:"leaks_with_all_named"`
	Framed    int    `json:"innocents_accused"` // must be 0
	Score     Spread `json:"score"`             // of the colluders
	Payload   Spread `json:"payload"`
	MostScore Number `json:"innocent_score_max"`
	Missed    Number `json:"not_registered"` // leaks
}

var defaultThen = []string{"jpeg75", "whatsapp_twice", "thumb320", "screen_photo"}

// mixtures lists the tasks of collusion.
func (c *TraceConfig) mixtures([]traceTask) ([]traceTask, error) {
	names, then := c.Mixes, c.Then
	if len(names) == 0 {
		for _, m := range attack.Mixes() {
			names = append(names, m.Name)
		}
	}
	if len(then) == 0 {
		then = defaultThen
	}
	var plan []traceTask
	for _, name := range names {
		m, err := attack.FindMix(name)
		if err != nil {
			return nil, fmt.Errorf("bench: %w", err)
		}
		for i, name := range then {
			a, err := attack.Find(name)
			if err != nil {
				return nil, fmt.Errorf("bench: %w", err)
			}
			if i > 0 && m.Name != attack.Mixes()[0].Name {
				continue
			}
			for _, k := range c.Colluders {
				if k < 2 || k > c.Issued {
					return nil, fmt.Errorf("%w: %d colluders of %d copies", ErrTrace, k, c.Issued)
				}
				plan = append(plan, traceTask{kind: ofMixture, attack: a, mix: m, colluders: k})
			}
		}
	}
	return plan, nil
}

// mixture adds up the sightings of one way to collude.
func (r *traceRun) mixture(k int) Mixture {
	t := r.plan[k]
	out := Mixture{Mix: t.mix.Name, Then: t.attack.Name, Copies: t.colluders}
	var scores, payloads, innocent []float64
	for s := range r.measured {
		seen := &s.seen[k]
		if seen.err != nil {
			continue
		}
		out.Leaks++
		out.Colluders += t.colluders
		if !seen.registered {
			out.Missed++
		} else {
			innocent = append(innocent, seen.innocent.score)
		}
		named := 0
		for _, c := range seen.guilty {
			scores, payloads = append(scores, c.Score), append(payloads, c.Payload)
			if seen.registered && c.LogP <= likelyAt {
				named++
			}
			if seen.registered && c.LogP <= namedAt {
				out.NamedAt9++
			}
		}
		out.Named += named
		if named > 0 {
			out.AtLeast1++
		}
		if named == t.colluders {
			out.All++
		}
		out.Framed += len(seen.innocent.framed)
	}
	out.Score, out.Payload, out.MostScore = spreadOf(scores), spreadOf(payloads), Number(largest(innocent))
	return out
}

func largest(v []float64) float64 { return float64(spreadOf(v).Max) }

// A Spread sums up values; all are null without any.
type Spread struct {
	Min    Number `json:"min"`
	Median Number `json:"median"`
	Max    Number `json:"max"`
}

func spreadOf(values []float64) Spread {
	v := slices.Sorted(slices.Values(values))
	return Spread{quantileOf(v, 0), quantileOf(v, .5), quantileOf(v, 1)}
}
