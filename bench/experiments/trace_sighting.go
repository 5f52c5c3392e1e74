package experiments

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/watermark"
)

// Limits of log10 p for a copy to be named, and to be likely.
const (
	namedAt  = -9
	likelyAt = -6
)

// powerful is the power from which "no copy of ours" is a finding.
const powerful = .999

// A sighting is what a trace told of one leak.
type sighting struct {
	err        error
	skipped    bool   // there was nothing to trace
	attack     string // that of a wrong original, which the task does not name
	ms         float64
	registered bool
	guilty     []watermark.CopyEvidence // the copies that are in the leak
	first      bool                     // the best copy is one of these
	accused    bool                     // and accused
	power      float64
	expected   float64 // score
	overlap    float64
	decoded    bool // without a list, a guilty copy
	misread    *watermark.CopyID
	innocent   innocents
}

// innocents sums up the copies that are not in a leak.
type innocents struct {
	n              int
	score, payload float64 // the largest
	at6, at9       int
	framed         []watermark.CopyEvidence // accused
	sumE, mostE    float64
	scores         []float64 // until they are added to the null distributions
	payloads       []float64
}

// look traces a leak in which the first copies of s are, as many as guilty says.
func (r *traceRun) look(ctx context.Context, s *suspect, leak image.Image, guilty int, out *sighting) *watermark.TraceResult {
	return r.trial(ctx, s.tracer, s.ids, leak, guilty, out)
}

// trial is look with any tracer of copies ids.
func (r *traceRun) trial(ctx context.Context, by tracer, ids []watermark.CopyID, leak image.Image, guilty int, out *sighting) *watermark.TraceResult {
	start := r.now()
	t, err := by.Trace(ctx, leak)
	out.ms = r.since(start)
	if err != nil {
		out.err = err
		return nil
	}
	out.judge(t, ids, guilty)
	return t
}

// judge compares a trace with what is in the leak: the first copies of ids.
func (s *sighting) judge(t *watermark.TraceResult, ids []watermark.CopyID, guilty int) {
	s.registered, s.power, s.expected, s.overlap = t.Registered, t.Power, t.Expected, t.Overlap
	s.guilty = make([]watermark.CopyEvidence, guilty)
	s.innocent = innocents{score: math.Inf(-1), payload: math.Inf(-1)}
	if t.Decoded != nil {
		s.decoded = slices.Contains(ids[:guilty], *t.Decoded)
		if !s.decoded {
			s.misread = t.Decoded
		}
	}
	if len(t.Copies) == 0 {
		if len(t.Accused) > 0 {
			s.err = fmt.Errorf("%d copies accused by a leak that does not show the original", len(t.Accused))
		}
		return
	}
	if len(t.Copies) != len(ids) {
		s.err = fmt.Errorf("%d copies traced, not %d", len(t.Copies), len(ids))
		return
	}
	copy(s.guilty, t.Copies)
	s.first = t.Best >= 0 && t.Best < guilty
	s.accused = s.first && slices.Contains(t.Accused, t.Copies[t.Best].Copy)
	for _, c := range t.Copies[guilty:] {
		s.innocent.add(c, slices.Contains(t.Accused, c.Copy))
	}
}

func (n *innocents) add(c watermark.CopyEvidence, accused bool) {
	n.n++
	n.score, n.payload = max(n.score, c.Score), max(n.payload, c.Payload)
	if c.LogP <= likelyAt {
		n.at6++
	}
	if c.LogP <= namedAt {
		n.at9++
	}
	if accused {
		n.framed = append(n.framed, c)
	}
	e := math.Pow(10, c.LogE)
	n.sumE += e
	n.mostE = max(n.mostE, e)
	n.scores, n.payloads = append(n.scores, c.Score), append(n.payloads, c.Payload)
}

// named tells whether the one leaked copy comes first at a limit of log10 p.
func (s *sighting) named(limit float64) bool {
	return s.err == nil && s.first && s.guilty[0].LogP <= limit
}

// gain is the score seen over that expected, and whether there is one.
func (s *sighting) gain() (float64, bool) {
	if s.err != nil || len(s.guilty) == 0 || !(s.expected > 0) {
		return 0, false
	}
	return s.guilty[0].Score / s.expected, true
}
