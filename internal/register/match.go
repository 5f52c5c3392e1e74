package register

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// A pair is a feature of the leak and one of the original that may be the same.
type pair struct {
	from, to feature
	weight   float64
}

func (p *pair) points() geometry.Pair { return geometry.Pair{From: p.from.Point, To: p.to.Point} }

// neighbours are a feature's two best places in the original.
type neighbours struct {
	from, best, second int
	dot, next          float32
}

// ratio returns the distance of the best descriptor in parts of the distance of the second
// best: near 1 if the match is ambiguous.
func (n *neighbours) ratio() float64 {
	return math.Sqrt(max(2-2*float64(n.dot), 1e-6) / max(2-2*float64(n.next), 1e-6))
}

// match returns pairs of features p of the leak with features q of the original. Unambiguous pairs come first, the
// surest first, with weight 1. Each ambiguous feature gives two pairs of weight repeatWeight, to its two best places.
// match returns nil for fewer than 4 features p or 8 features q.
func match(p, q *features) []pair {
	if len(p.at) < 4 || len(q.at) < 8 {
		return nil
	}
	var sure, repeated []neighbours
	for _, n := range nearest(p, q) {
		switch {
		case n.dot > minDot && n.ratio() < maxRatio:
			sure = append(sure, n)
		case n.dot > repeatDot:
			repeated = append(repeated, n)
		}
	}
	slices.SortStableFunc(sure, func(a, b neighbours) int { return cmp.Compare(a.ratio(), b.ratio()) })
	slices.SortStableFunc(repeated, func(a, b neighbours) int { return cmp.Compare(b.dot, a.dot) })
	sure, repeated = sure[:min(len(sure), maxSure)], repeated[:min(len(repeated), maxRepeated)]
	var out []pair
	for _, n := range sure {
		out = append(out, pair{p.at[n.from], q.at[n.best], 1})
	}
	for _, n := range repeated {
		out = append(out, pair{p.at[n.from], q.at[n.best], repeatWeight})
	}
	for _, n := range repeated {
		out = append(out, pair{p.at[n.from], q.at[n.second], repeatWeight})
	}
	return out
}

// nearest returns, for each feature of p, the feature of q with the largest product of descriptors. It also returns the
// feature with the largest product elsewhere: see secondBest. q must have a feature.
func nearest(p, q *features) []neighbours {
	n := len(q.at)
	columns := dsp.NewPlane(n, dims) // of descriptors, dimension by dimension
	for i := range n {
		for k := range dims {
			columns.Pix[k*n+i] = q.desc[i*dims+k]
		}
	}
	out := make([]neighbours, len(p.at))
	dsp.Shared(len(out), len(out)*len(q.desc), func(from, to int) {
		all := dsp.NewPlane(n, atOnce)
		for ; from < to; from += atOnce {
			some := dsp.Plane{W: n, H: min(atOnce, to-from), Pix: all.Pix}
			dsp.Combine(some, columns, p.desc[from*dims:])
			for j := range some.H {
				dots := some.Row(j)
				b := dsp.ArgMax(dots)
				s, next := secondBest(dots, q, b)
				out[from+j] = neighbours{from + j, b, s, dots[b], next}
			}
		}
	})
	return out
}

// secondBest returns the feature of q with the largest product, and that product, among the features that lie elsewhere
// than feature b. dots has the product of each feature of q. If no feature lies elsewhere, secondBest returns b and -1.
func secondBest(dots []float32, q *features, b int) (int, float32) {
	at := q.at[b]
	far := elsewhere * levelScales[at.level]
	far = float64(far * far)
	second, next := b, float32(-1)
	for i, d := range dots {
		if d > next {
			dx, dy := q.at[i].X-at.X, q.at[i].Y-at.Y
			if float64(dx*dx)+float64(dy*dy) > far {
				second, next = i, d
			}
		}
	}
	return second, next
}
