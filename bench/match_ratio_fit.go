package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/capture"
)

const (
	ratioRidge = 1e-4 // weight of the squared weights beside the mean loss of a comparison; chosen on the documents of seed 41
	ratioCllr  = 0.15 // bar: cost of the log likelihood ratio, bits (Brümmer, du Preez, 2006)
	ratioError = 0.2  // bar: mean error of the log10 likelihood ratio
)

// A compared is one comparison.
type compared struct {
	x                  [5]float64 // scaled figures
	holds              bool       // the ratio is for what the leak shows, not against it
	weight             float64    // 1/2 in all for either side, the same for each document of a side
	template, document string
}

// comparisons returns the comparisons that a ratio rests on, weighed. The ratio is an index in [ratioSides].
func comparisons(trials []ruler.Trial, ratio int) (out []compared) {
	count, all := map[string]int{}, map[bool]int{}
	name := func(c *compared) string { return fmt.Sprint(c.holds, c.document) }
	for _, t := range trials {
		if side := slices.Index(ratioSides[ratio][:], t.Labels["of"]); side >= 0 {
			f := capture.Figures{Detail: t.Values["detail"], Text: t.Values["text"], Light: t.Values["light"], Place: t.Values["place"], Noise: t.Values["noise"]}
			c := compared{x: ruler.Must(f.Scaled()), holds: side == 0, template: t.Labels["template"], document: t.Labels["document"]}
			if count[name(&c)]++; count[name(&c)] == 1 {
				all[c.holds]++
			}
			out = append(out, c)
		}
	}
	for i := range out {
		out[i].weight = 0.5 / float64(all[out[i].holds]*count[name(&out[i])])
	}
	return out
}

// units returns the number of independent units on that side of some comparisons that has fewer. The
// unit is the document, or the template if no side is the upload's own capture: how much of a page is
// one person's differs by template, and that decides how alike two persons' documents are.
func units(of []compared, sides [2]string) int {
	seen := map[bool]map[string]bool{true: {}, false: {}}
	for _, c := range of {
		unit := c.document
		if sides[0] != pairOwn {
			unit = c.template
		}
		seen[c.holds][unit] = true
	}
	return min(len(seen[true]), len(seen[false]))
}

// fitted returns the weights of a ratio by logistic regression (Newton's method).
func fitted(of []compared, sides [2]string) capture.Weights {
	const n = 6 // five figures and the constant
	var b [n]float64
	for range 100 {
		var m [n][n + 1]float64 // the second derivatives, and the first
		for _, c := range of {
			x := [n]float64{1}
			copy(x[1:], c.x[:])
			p := 0.0
			for i := range x {
				p += float64(b[i] * x[i])
			}
			p = 1 / (1 + math.Exp(-p))
			for i := range x {
				m[i][n] += float64(c.weight * (yes(c.holds) - p) * x[i])
				for j := range x {
					m[i][j] += float64(c.weight * p * (1 - p) * x[i] * x[j])
				}
			}
		}
		for i := range n {
			ridge := ratioRidge * yes(i > 0)
			m[i][n] -= float64(ridge * b[i])
			m[i][i] += ridge + 1e-12
		}
		for i := range n { // Gauss, Jordan: the matrix is positive definite
			for j := range n {
				if f := m[j][i] / m[i][i]; j != i {
					for k := i; k <= n; k++ {
						m[j][k] -= float64(f * m[i][k])
					}
				}
			}
		}
		for i := range n {
			b[i] += m[i][n] / m[i][i]
		}
	}
	w := capture.Weights{For: sides[0], Against: sides[1], Units: units(of, sides), Constant: math.Round(b[0]*1e3) / 1e3}
	for i := range w.Figures {
		w.Figures[i] = math.Round(b[i+1]*1e3) / 1e3
	}
	return w
}

// ratioTable fits the table of ratios to all trials.
func ratioTable(trials []ruler.Trial) []byte {
	t := capture.RatioTable{Templates: len(ruler.Group(trials).Labels("template"))}
	for i, sides := range ratioSides {
		t.Ratios[i] = fitted(comparisons(trials, i), sides)
	}
	return append(ruler.Must(json.MarshalIndent(t, "", " ")), '\n')
}

// A calibration says how good a ratio is on templates that were held out.
type calibration struct {
	units, comparisons int
	highest            float64 // log10 ratio
	cllr, err          float64
}

func (c calibration) String() string {
	return fmt.Sprintf("%d / %d / %.2f / %.3f / %.3f", c.units, c.comparisons, c.highest, c.cllr, c.err)
}

// heldOut returns the calibration of a ratio: that of each template is fitted to the other templates.
// The error is the mean difference between a stated ratio and the ratio that is found: of the shares
// of both sides among comparisons with about that stated ratio (isotonic regression), limited by the
// same number of units.
func heldOut(trials []ruler.Trial, ratio int) (out calibration) {
	all, limit := comparisons(trials, ratio), 0
	out.units, out.comparisons = units(all, ratioSides[ratio]), len(all)
	stated := make(map[float64]*ratioBlock)
	for _, template := range ruler.Group(trials).Labels("template") {
		held := func(c compared) bool { return c.template == template }
		w := fitted(slices.DeleteFunc(slices.Clone(all), held), ratioSides[ratio])
		limit = max(limit, w.Units)
		for _, c := range all {
			if !held(c) {
				continue
			}
			lr := w.Ratio(c.x)
			out.highest = math.Max(out.highest, lr)
			out.cllr += float64(c.weight * math.Log2(1+math.Pow(10, -lr*(2*yes(c.holds)-1))))
			if stated[lr] == nil {
				stated[lr] = new(ratioBlock)
			}
			stated[lr].add(ratioBlock{own: 2 * c.weight * yes(c.holds), other: 2 * c.weight * (1 - yes(c.holds)), stated: []float64{lr}, weight: []float64{c.weight}})
		}
	}
	var found []ratioBlock
	for _, lr := range slices.Sorted(maps.Keys(stated)) {
		found = append(found, *stated[lr])
		for k := len(found) - 1; k > 0 && found[k-1].own*found[k].other >= found[k].own*found[k-1].other; k-- {
			found[k-1].add(found[k])
			found = found[:k]
		}
	}
	for _, b := range found {
		lr := capture.Limited(math.Log10(b.own/b.other), limit)
		for i, s := range b.stated {
			out.err += float64(b.weight[i] * math.Abs(s-lr))
		}
	}
	return out
}

// A ratioBlock is comparisons with about the same stated ratio.
type ratioBlock struct {
	own, other     float64   // shares of either side
	stated, weight []float64 // of each comparison: the log10 ratio, and the weight
}

func (b *ratioBlock) add(o ratioBlock) {
	b.own, b.other = b.own+o.own, b.other+o.other
	b.stated, b.weight = append(b.stated, o.stated...), append(b.weight, o.weight...)
}

// ratioMissed lists the bars that were missed.
func ratioMissed(trials []ruler.Trial) (out []string) {
	for i, sides := range ratioSides[:3] { // the bars are for the same capture
		if c := heldOut(trials, i); !(c.cllr <= ratioCllr && c.err <= ratioError) {
			out = append(out, fmt.Sprintf("against %s: Cllr %.3f, bar %v; error of log10 %.3f, bar %v", sides[1], c.cllr, ratioCllr, c.err, ratioError))
		}
	}
	return out
}
