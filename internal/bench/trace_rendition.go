package bench

import "fmt"

// Rendition is what is left of the evidence where the original was kept only so
// large.
type Rendition struct {
	Side int `json:"max_side"` // pixels
	TraceCount
	Kept Number `json:"score_over_full"` // median, of leaks that show the original
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
		for s := range r.measured {
			for k, t := range r.plan {
				if t.kind != ofRendition || t.other != n {
					continue
				}
				small, full := &s.seen[k], &s.seen[t.full]
				seen = append(seen, small)
				if small.err == nil && full.err == nil && small.registered && full.registered && full.guilty[0].Score > 0 {
					kept = append(kept, small.guilty[0].Score/full.guilty[0].Score)
				}
			}
		}
		out = append(out, Rendition{side, countTraces(seen), spreadOf(kept).Median})
	}
	return out
}
