package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/watermark"
)

// Limits of log10 p for a copy to be named, and to be likely.
const (
	namedAt  = -9
	likelyAt = -6
)

// sight traces a leak that contains the first copies of s; guilty is their number. It
// returns the trial, which the caller completes and emits, and the trace. After an error
// the trace is nil, and the leak counts as not named.
func (r *traceRun) sight(ctx context.Context, s *suspect, by tracer, leak image.Image, guilty int, kind string, a attack.Attack) (ruler.Trial, *watermark.TraceResult) {
	t := ruler.Trial{
		Labels: map[string]string{"picture": s.Name, "kind": kind, "attack": a.Name, "group": a.Group},
		Values: map[string]float64{"named": 0, "likely": 0, "registered": 0, "decoded": 0},
	}
	start := r.now()
	traced, err := by.Trace(ctx, leak)
	t.Values["ms"] = r.since(start)
	if err == nil {
		err = judgeTrace(&t, traced, s.ids, guilty)
	}
	if err != nil {
		t.Error = err.Error()
		return t, nil
	}
	null := s.null[0]
	if kind == ofUnmarked {
		null = s.null[1]
	}
	if kind != ofWrong && len(traced.Copies) > 0 {
		null.add(traced.Copies[guilty:])
	}
	return t, traced
}

// judgeTrace compares a trace with what is in the leak: the first copies of ids.
func judgeTrace(t *ruler.Trial, traced *watermark.TraceResult, ids []watermark.CopyID, guilty int) error {
	v := t.Values
	v["registered"], v["power"], v["expected"], v["overlap"] = yes(traced.Registered), traced.Power, traced.Expected, traced.Overlap
	if traced.Decoded != nil {
		right := slices.Contains(ids[:guilty], *traced.Decoded)
		v["decoded"] = yes(right)
		if !right {
			v["wrong"], t.Labels["got"] = 1, traced.Decoded.String()
		}
	}
	switch {
	case len(traced.Copies) == 0 && len(traced.Accused) > 0:
		return fmt.Errorf("%d copies accused by a leak that does not show the original", len(traced.Accused))
	case len(traced.Copies) == 0:
		return nil
	case len(traced.Copies) != len(ids):
		return fmt.Errorf("%d copies traced, not %d", len(traced.Copies), len(ids))
	}
	first := traced.Best >= 0 && traced.Best < guilty
	v["accused"] = yes(first && slices.Contains(traced.Accused, traced.Copies[traced.Best].Copy))
	if guilty == 1 {
		c := traced.Copies[0]
		v["score"], v["payload"], v["log10_p"] = c.Score, c.Payload, c.LogP
		v["named"], v["likely"] = yes(first && c.LogP <= namedAt), yes(first && c.LogP <= likelyAt)
		if traced.Expected > 0 {
			v["ratio"] = c.Score / traced.Expected
			v["off"] = math.Abs(math.Log(c.Score / traced.Expected))
			t.Labels["score expected"] = band(traced.Expected, "and more", 0, 5, 10, 20, 50)
		}
		t.Labels["power claimed"] = band(traced.Power, "to 1", 0, .5, .9, .99, .999)
	}
	countInnocents(t, traced, guilty)
	return nil
}

// band names the band of edges that a value lies in, as "0.5 to 0.9".
func band(v float64, last string, edges ...float64) string {
	for i := len(edges) - 1; i >= 0; i-- {
		if v < edges[i] && i > 0 {
			continue
		}
		if i == len(edges)-1 {
			return fmt.Sprintf("%g %s", edges[i], last)
		}
		return fmt.Sprintf("%g to %g", edges[i], edges[i+1])
	}
	return ""
}

// countInnocents enters the copies that are not in the leak.
func countInnocents(t *ruler.Trial, traced *watermark.TraceResult, guilty int) {
	v := t.Values
	v["innocents"], v["max_innocent"], v["max_innocent_payload"] = float64(len(traced.Copies)-guilty), math.Inf(-1), math.Inf(-1)
	for _, c := range traced.Copies[guilty:] {
		v["max_innocent"], v["max_innocent_payload"] = max(v["max_innocent"], c.Score), max(v["max_innocent_payload"], c.Payload)
		v["innocents_1e-6"] += yes(c.LogP <= likelyAt)
		v["innocents_1e-9"] += yes(c.LogP <= namedAt)
		e := math.Pow(10, c.LogE)
		v["sum_e"] += e
		v["max_e"] = max(v["max_e"], e)
		if slices.Contains(traced.Accused, c.Copy) {
			v["framed"]++
			t.Labels["framed"] = c.Copy.String()
		}
	}
}

func (r *traceRun) leak(ctx context.Context, s *suspect) error {
	for _, a := range r.attacks {
		t, _ := r.sight(ctx, s, s.tracer, a.Apply(s.marked, s.Seed), 1, ofLeaked, a)
		if score, ok := t.Values["score"]; ok && t.Values["registered"] == 1 {
			s.scores[a.Name] = score
		}
		s.named[a.Name] = t.Values["named"] == 1
		s.emit(t)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (r *traceRun) leakUnmarked(ctx context.Context, s *suspect) error {
	for _, a := range r.attacks {
		if !r.unmarked {
			break
		}
		t, _ := r.sight(ctx, s, s.tracer, a.Apply(s.Image, s.Seed), 0, ofUnmarked, a)
		s.emit(t)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// leakWrong marks other pictures of the folder for uploads of their own and traces them,
// attacked, against s. The attacks are spread over all pairs.
func (r *traceRun) leakWrong(ctx context.Context, s *suspect) error {
	i := slices.IndexFunc(r.env.Pictures, func(path string) bool { return ruler.Name(path) == s.Name })
	for n := 1; n <= r.wrong; n++ {
		other, err := r.env.Upload(r.env.Pictures[(i+n)%len(r.env.Pictures)])
		if err != nil || other.Content == s.Content {
			continue // and listed as broken in its own turn
		}
		leak, err := r.embed(r.env.Key, other.Copy, other.Image, other.Options)
		if err != nil {
			continue
		}
		a := r.attacks[(i*r.wrong+n-1)%len(r.attacks)]
		t, traced := r.sight(ctx, s, s.tracer, a.Apply(leak, other.Seed), 0, ofWrong, a)
		if traced != nil && traced.Decoded != nil && *traced.Decoded == other.Copy {
			delete(t.Values, "wrong") // it is the copy that leaked, whatever it was laid over
		}
		t.Labels["of"] = other.Name
		s.emit(t)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (r *traceRun) leakToRenditions(ctx context.Context, s *suspect) error {
	for n, side := range r.renditions {
		for _, a := range r.attacks {
			t, _ := r.sight(ctx, s, s.smaller[n], a.Apply(s.marked, s.Seed), 1, ofRendition, a)
			t.Labels["side"], t.Values["named_full"] = strconv.Itoa(side), yes(s.named[a.Name])
			score, ok := t.Values["score"]
			if full := s.scores[a.Name]; ok && full > 0 && t.Values["registered"] == 1 {
				t.Values["kept"] = score / full
			}
			s.emit(t)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

func (r *traceRun) leakMixtures(ctx context.Context, s *suspect) error {
	for _, m := range r.mixings {
		leak, err := m.mix.Apply(s.copies[:m.colluders], s.Seed)
		if err != nil {
			return err
		}
		t, traced := r.sight(ctx, s, s.tracer, m.then.Apply(leak, s.Seed), m.colluders, ofMixture, m.then)
		t.Labels["mix"], t.Labels["copies"] = m.mix.Name, strconv.Itoa(m.colluders)
		delete(t.Values, "named")
		delete(t.Values, "likely")
		if traced != nil {
			t.Values["colluders"] = float64(m.colluders)
			if len(traced.Copies) > 0 {
				countColluders(&t, traced.Copies[:m.colluders])
			}
		}
		s.emit(t)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

func countColluders(t *ruler.Trial, guilty []watermark.CopyEvidence) {
	v := t.Values
	v["min_score"], v["min_payload"] = math.Inf(1), math.Inf(1)
	for _, c := range guilty {
		v["named_1e-6"] += yes(c.LogP <= likelyAt)
		v["named_1e-9"] += yes(c.LogP <= namedAt)
		v["min_score"], v["min_payload"] = min(v["min_score"], c.Score), min(v["min_payload"], c.Payload)
	}
	v["one"], v["all"] = yes(v["named_1e-6"] > 0), yes(int(v["named_1e-6"]) == len(guilty))
}

// leakPools makes several leaks of a picture's copy and pools them: singly, by twos, by
// fours and so on, no leak in two subsets of a size.
func (r *traceRun) leakPools(ctx context.Context, s *suspect) error {
	for _, a := range r.pools {
		traced := make([]*watermark.TraceResult, r.poolLeaks)
		var failed error
		for n := range traced {
			seed := r.env.Draw(fmt.Sprintf("pool %s %d", a.Name, n), s.Content)
			if traced[n], failed = s.tracer.Trace(ctx, a.Apply(handled(s.marked, seed, n), seed)); failed != nil {
				break
			}
		}
		for size := 1; size <= len(traced) && failed == nil; size *= 2 {
			for at := 0; at+size <= len(traced) && failed == nil; at += size {
				t := ruler.Trial{Labels: map[string]string{"picture": s.Name, "kind": ofPooled, "attack": a.Name, "leaks": strconv.Itoa(size)}}
				if t.Values, failed = r.poolOf(traced[at:at+size], s.Copy); failed == nil {
					s.emit(t)
				}
			}
		}
		if failed != nil {
			s.emit(ruler.Trial{Labels: map[string]string{"picture": s.Name, "kind": ofPooled, "attack": a.Name}, Error: failed.Error()})
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// handled is a copy as one of its many handlers passes it on: the first as it is, others
// with up to 6 % cut off each side, so that no two leaks are the same.
func handled(p *image.NRGBA, seed uint64, n int) *image.NRGBA {
	if n == 0 {
		return p
	}
	random := rand.New(rand.NewPCG(seed, uint64(n)))
	cut := func(side int) int { return int(.06 * random.Float64() * float64(side)) }
	w, h := p.Rect.Dx(), p.Rect.Dy()
	out, _ := p.SubImage(image.Rect(cut(w), cut(h), w-cut(w), h-cut(h))).(*image.NRGBA) // always one
	return out
}

// poolOf pools the leaks that lie on the original. Leaks whose trace lists no copy are left out.
func (r *traceRun) poolOf(leaks []*watermark.TraceResult, guilty watermark.CopyID) (map[string]float64, error) {
	v := map[string]float64{"named": 0, "score": 0, "payload": 0, "log10_p": 0, "innocents_1e-6": 0}
	shown := slices.DeleteFunc(slices.Clone(leaks), func(t *watermark.TraceResult) bool { return len(t.Copies) == 0 })
	if len(shown) == 0 {
		return v, nil
	}
	copies, err := r.pool(shown)
	if err != nil {
		return nil, err
	}
	lowest := math.Inf(1) // log10 p of an innocent
	for _, c := range copies {
		if c.Copy == guilty {
			v["score"], v["payload"], v["log10_p"] = c.Score, c.Payload, c.LogP
			continue
		}
		lowest = min(lowest, c.LogP)
		v["innocents_1e-6"] += yes(c.LogP <= likelyAt)
	}
	v["named"] = yes(v["log10_p"] <= namedAt && v["log10_p"] < lowest)
	return v, nil
}

// innocents counts the scores of copies that are not in the leaks, in bins.
type innocents struct {
	name           string
	score, payload map[float64]float64
}

// scoreBin is the width of a bin of scores.
const scoreBin = 1. / 64

func newInnocents(name string) *innocents {
	return &innocents{name, map[float64]float64{}, map[float64]float64{}}
}

func (n *innocents) add(copies []watermark.CopyEvidence) {
	for _, c := range copies {
		n.score[math.Floor(c.Score/scoreBin)*scoreBin]++
		n.payload[math.Floor(c.Payload/scoreBin)*scoreBin]++
	}
}

func (n *innocents) emit(emit func(ruler.Trial)) {
	emitBins(n.name, "score", n.score, emit)
	emitBins(n.name, "payload", n.payload, emit)
}
