package odds

import (
	"math"
	"slices"
)

// A source hands on no even draw of what it took: some weeks have more than their share. So a part
// is even with a probability of [evenDraw]. Else the probabilities of its blocks of time are drawn
// from a Dirichlet distribution whose mean is the blocks' shares of the submissions.

// tilted returns parts, and for each part that is more probable with uneven draws one more: the
// part with the densities that fit the leaks. Its prior is such that the product over the leaks is
// the exact Dirichlet-multinomial probability if the source alone explains them. p is the profile
// of the source of parts.
func (m *model) tilted(parts []part, p *profile) []part {
	out := parts
	for i := range parts {
		x := parts[i]
		b := m.blocks(&x, p)
		if len(b.size) < minBlocks {
			continue
		}
		tilt, gain := b.tilt()
		x.scale(1-evenDraw, gain)
		out[i].scale(evenDraw, 1)
		if gain == 0 {
			continue
		}
		x.tilt = make([]float64, len(p.counts))
		for k, at := range b.at {
			if at >= 0 {
				x.tilt[k] = tilt[at]
			}
		}
		out = append(out, x)
	}
	return out
}

// scale multiplies all priors of a part by two factors.
func (x *part) scale(a, b float64) {
	x.whole = float64(x.whole * a * b)
	for f := range families {
		x.taken[f] = float64(x.taken[f] * a * b)
	}
}

// blocks divide the submissions and the leaks of a part by calendar units.
type blocks struct {
	size, n []float64 // submissions and leaks, by block
	at      []int     // by cell: the index of its block; -1 without submissions
}

// blocks returns the blocks of a part of the holdings of p's source: months, or weeks if there are
// fewer than [minBlocks] months with submissions, or days. Of leaks, those without the marks of a
// recipient count, or else all leaks.
func (m *model) blocks(x *part, p *profile) (out blocks) {
	counts, leaks := slices.Clone(p.counts), make([]float64, len(p.counts))
	for i := range counts {
		if x.from >= 0 && (i < x.from || i > x.to) {
			counts[i] = 0
		} else if x.set >= 0 {
			counts[i] = min(counts[i], m.sets[x.set].counts[i])
		}
	}
	for _, it := range m.items {
		for _, l := range it.leaks {
			if l := &m.seen[l]; l.has(p.kind, p.holder) && m.in(*x, l) && (l.plain() || p.total[plainLeaks] == 0) {
				leaks[l.cell] += 1 / float64(len(it.leaks))
			}
		}
	}
	for u := 2; u >= 0 && len(out.size) < minBlocks; u-- {
		out = blocks{at: make([]int, len(counts))}
		last := -1
		for i, c := range counts {
			if out.at[i] = -1; c == 0 {
				continue
			}
			if m.units[u][i] != last {
				out.size, out.n, last = append(out.size, 0), append(out.n, 0), m.units[u][i]
			}
			out.at[i] = len(out.size) - 1
			out.size[out.at[i]] += float64(c)
			out.n[out.at[i]] += leaks[i]
		}
	}
	return out
}

// tilt returns the densities by block, compared with an even draw, that fit the leaks. gain is the
// Dirichlet-multinomial probability of these leaks, divided by their probability under the
// densities; 0: an even draw fits better.
func (b *blocks) tilt() (steps []float64, gain float64) {
	all, k := 0.0, 0.0
	for i := range b.size {
		all += b.size[i]
		k += b.n[i]
	}
	best, bestShape, even := math.Inf(-1), 0.0, 0.0
	for i, n := range b.n {
		even += float64(n * ln(b.size[i]/all))
	}
	var s sum
	for _, shape := range shapes {
		a := float64(shape * float64(len(b.size)))
		fit := lnGamma(a) - lnGamma(a+k)
		for i, n := range b.n {
			if x := float64(a * b.size[i] / all); n > 0 {
				fit += lnGamma(x+n) - lnGamma(x)
			}
		}
		s.add(fit - ln(float64(len(shapes))))
		if fit > best {
			best, bestShape = fit, a
		}
	}
	if s.ln() < even-maxEven {
		return nil, 0
	}
	norm := 0.0
	for i, n := range b.n {
		share := b.size[i] / all
		x := (n + float64(bestShape*share)) / float64((k+bestShape)*share)
		steps = append(steps, exp(float64(tiltStep*math.Round(ln(x)/tiltStep))))
		norm += float64(share * steps[i])
	}
	fit := 0.0
	for i, n := range b.n {
		steps[i] /= norm
		fit += float64(n * ln(float64(steps[i]*b.size[i]/all)))
	}
	return steps, exp(s.ln() - fit)
}
