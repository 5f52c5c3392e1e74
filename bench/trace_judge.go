package main

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/attack"
	"github.com/kycmark/kycmark/watermark"
)

// Limits of log10 p for a copy to be named, and to be likely.
const (
	namedAt  = -9
	likelyAt = -6
)

// sight traces a leak that contains the first copies of s; guilty is their number. It
// returns the trial, which the caller completes and emits, and the trace. After an error
// the trace is nil, and the leak counts as not named. If ctx is done, sight ends the case.
func (r *traceRun) sight(ctx context.Context, s *suspect, by tracer, leak image.Image, guilty int, kind string, a attack.Attack) (ruler.Trial, *watermark.TraceResult) {
	t := ruler.Trial{
		Labels: map[string]string{"picture": s.Name, "kind": kind, "attack": a.Name, "group": a.Group},
		Values: map[string]float64{"named": 0, "likely": 0, "registered": 0, "decoded": 0},
	}
	traced, err := by.Trace(ctx, leak)
	ruler.Check(context.Cause(ctx))
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
		v["named"], v["likely"] = yes(first && traced.Registered && c.LogP <= namedAt), yes(first && c.LogP <= likelyAt)
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

// countColluders enters how many copies in a mixture have a p of at most 1e-6, and of at most 1e-9.
// It also enters the lowest scores of these copies.
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

// scoreBin is the width of a bin of scores.
const scoreBin = 1. / 64

// innocents counts the scores of copies that are not in the leaks.
type innocents struct{ score, payload histogram }

// newInnocents returns empty histograms with bins of scoreBin.
func newInnocents() innocents { return innocents{newHistogram(scoreBin), newHistogram(scoreBin)} }

// add counts the scores of copies that are not in a leak.
func (n innocents) add(copies []watermark.CopyEvidence) {
	for _, c := range copies {
		n.score.add(c.Score)
		n.payload.add(c.Payload)
	}
}
