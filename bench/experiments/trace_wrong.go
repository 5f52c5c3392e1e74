package experiments

import (
	"context"
	"fmt"
)

// Wrong counts leaks that were laid over an original which they do not show: marked
// copies of other pictures of the folder.
type Wrong struct {
	Pairs      int       `json:"pairs"`
	Registered int       `json:"registered"` // taken for the original all the same
	Upper95    float64   `json:"registered_upper_95"`
	Accused    int       `json:"accused"` // pairs that accuse any copy of the original: must be 0
	Found      []Failure `json:"found"`   // the pairs registered
	TraceMS    Spread    `json:"trace_ms"`
}

// wrongLeak marks the picture t.other places further in the folder for its own upload and
// traces it, attacked, against picture i.
func (r *traceRun) wrongLeak(ctx context.Context, i int, t *traceTask, out *sighting) {
	other, err := r.cfg.upload(r.cfg.Pictures[(i+t.other)%len(r.cfg.Pictures)])
	if err != nil {
		out.skipped = true // and listed as broken in its own turn
		return
	}
	if other.content == r.subjects[i].content {
		out.skipped = true
		return
	}
	leak, err := r.embed(r.key, other.id, other.image, other.options)
	if err != nil {
		out.skipped = true
		return
	}
	a := r.attacks[(i*r.cfg.Wrong+t.other-1)%len(r.attacks)]
	out.attack = a.Name
	r.look(ctx, &r.subjects[i], a.Apply(leak, other.seed), 0, out)
	if out.misread != nil && *out.misread == other.id {
		out.misread = nil // it is the copy that leaked, whatever it was laid over
	}
}

// wrongTasks are the pairs of every picture. The attacks are spread over all pairs.
func (c *TraceConfig) wrongTasks([]traceTask) ([]traceTask, error) {
	if c.Wrong < 0 || c.Wrong > 0 && c.Wrong >= len(c.Pictures) {
		return nil, fmt.Errorf("%w: %d wrong originals among %d pictures", ErrTrace, c.Wrong, len(c.Pictures))
	}
	var out []traceTask
	for n := range c.Wrong {
		out = append(out, traceTask{kind: ofWrong, other: n + 1})
	}
	return out, nil
}

func (r *traceRun) wrong() *Wrong {
	if r.cfg.Wrong == 0 {
		return nil
	}
	out := &Wrong{Found: []Failure{}}
	var times []float64
	for s := range r.measured {
		for k := range s.seen {
			seen, t := &s.seen[k], &r.plan[k]
			if t.kind != ofWrong || seen.err != nil || seen.skipped {
				continue
			}
			out.Pairs++
			times = append(times, seen.ms)
			if !seen.registered {
				continue
			}
			out.Registered++
			out.Accused += one(len(seen.innocent.framed) > 0)
			out.Found = append(out.Found, Failure{s.result.File, seen.label(t), fmt.Sprintf("%.0f %% of the leak, largest score %.1f", 100*seen.overlap, seen.innocent.score)})
		}
	}
	out.Upper95, out.TraceMS = upperBound(out.Registered, out.Pairs, .95), spreadOf(times)
	return out
}
