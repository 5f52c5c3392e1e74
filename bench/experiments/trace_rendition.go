package experiments

import "fmt"

// Rendition is what is left of the evidence where the original was kept only so
// large.
type Rendition struct {
	Side int `json:"max_side"` // pixels
	TraceCount
	Kept   Number           `json:"score_over_full"` // median, of leaks that show the original
	Groups []RenditionGroup `json:"groups"`
}

// RenditionGroup is the same of one group of attacks.
type RenditionGroup struct {
	Name  string `json:"group"`
	Tried int    `json:"tried"`
	Named int    `json:"named"`
	Full  int    `json:"named_in_full"` // with the full original
	Kept  Number `json:"score_over_full"`
}

// renditionTasks are every attack against every rendition.
func (c *TraceConfig) renditionTasks(plan []traceTask) ([]traceTask, error) {
	var out []traceTask
	for n, side := range c.Renditions {
		if side < 64 {
			return nil, fmt.Errorf("%w: a rendition of %d pixels", ErrTrace, side)
		}
		for k, t := range plan {
			out = append(out, traceTask{kind: ofRendition, attack: t.attack, other: n, full: k})
		}
	}
	return out, nil
}

// renditions sets traces against each rendition beside those against the full
// original.
func (r *traceRun) renditions() []Rendition {
	var out []Rendition
	for n, side := range r.cfg.Renditions {
		var seen []*sighting
		var kept []float64
		one := Rendition{Side: side}
		of := map[string][]float64{}
		for k, t := range r.plan {
			if t.kind != ofRendition || t.other != n {
				continue
			}
			if g := len(one.Groups); g == 0 || one.Groups[g-1].Name != t.attack.Group {
				one.Groups = append(one.Groups, RenditionGroup{Name: t.attack.Group})
			}
			g := &one.Groups[len(one.Groups)-1]
			for s := range r.measured {
				small, full := &s.seen[k], &s.seen[t.full]
				seen = append(seen, small)
				g.count(small, full)
				if small.err == nil && full.err == nil && small.registered && full.registered && full.guilty[0].Score > 0 {
					kept = append(kept, small.guilty[0].Score/full.guilty[0].Score)
					of[g.Name] = append(of[g.Name], kept[len(kept)-1])
				}
			}
		}
		for i := range one.Groups {
			one.Groups[i].Kept = spreadOf(of[one.Groups[i].Name]).Median
		}
		one.TraceCount, one.Kept = countTraces(seen), spreadOf(kept).Median
		out = append(out, one)
	}
	return out
}

func (g *RenditionGroup) count(small, full *sighting) {
	g.Tried++
	if small.named(namedAt) {
		g.Named++
	}
	if full.named(namedAt) {
		g.Full++
	}
}
