package main

import (
	"fmt"
	"math"

	"github.com/kycmark/kycmark/bench/ruler"
)

// traceAlarms lists innocent copies that were accused or have a p of at most 1e-6, and IDs
// decoded that are not in the leak.
func traceAlarms(trials []ruler.Trial) (out []string) {
	for _, t := range trials {
		if t.Values["framed"] > 0 || t.Values["innocents_1e-6"] > 0 {
			out = append(out, fmt.Sprintf("ALARM: innocent copy: %s under %s (%s): %.0f accused, %.0f with a p of 1e-6 or less %s",
				t.Labels["picture"], t.Labels["attack"], t.Labels["kind"], t.Values["framed"], t.Values["innocents_1e-6"], t.Labels["framed"]))
		}
	}
	return append(out, wrongIDs(trials, "attack")...)
}

// kind returns a condition: the leak of a trial is of one of the kinds.
func kind(kinds ...string) func(*ruler.Trial) bool { return ruler.Is("kind", kinds...) }

// traceTables returns the tables of a trace.
func traceTables() []ruler.Table {
	named, registered := ruler.Of("named", "named"), ruler.Of("shown to be the original", "registered")
	scores := []ruler.Column{
		ruler.Quantiles("score min / median", "score", 1, 0, .5), ruler.Quantiles("payload min / median", "payload", 1, 0, .5),
		ruler.Quantiles("log10 p median / max", "log10_p", 0, .5, 1),
	}
	notNamed := ruler.List("not named", "attack", func(t *ruler.Trial) bool { n, ok := t.Values["named"]; return ok && n == 0 })
	return append([]ruler.Table{
		{Name: "groups", Where: kind(ofLeaked), By: []string{"group"}, Total: "all", Columns: []ruler.Column{
			ruler.Share("share", "named"), named, ruler.Of("at 1e-6", "likely"), registered, ruler.Of("decoded without a list", "decoded"),
			ruler.Quantiles("largest innocent score", "max_innocent", 1, 1), ruler.Quantiles("payload", "max_innocent_payload", 1, 1),
			ruler.Sums("innocents at 1e-6", "innocents_1e-6"),
		}},
		{Name: "attacks", Where: kind(ofLeaked), By: []string{"attack"}, Columns: append(append([]ruler.Column{named}, scores...),
			ruler.Of("decoded", "decoded"), ruler.Quantiles("score seen / expected", "ratio", 2, .5))},
		{Name: "pictures", Where: func(t *ruler.Trial) bool { return kind(ofLeaked)(t) || ruler.Has("psnr")(t) }, By: []string{"picture"}, Columns: []ruler.Column{
			ruler.Means("PSNR, dB", "psnr", 1), ruler.Means("SSIM", "ssim", 4), ruler.Means("strength", "strength", 2), named,
			ruler.Of("decoded", "decoded"), notNamed,
		}},
		{Name: "power", Where: ruler.And(kind(ofLeaked), ruler.Has("accused")), By: []string{"power claimed"}, Row: bandOrder("to 1", 0, .5, .9, .99, .999), Columns: []ruler.Column{
			ruler.Counts("leaks"), ruler.Means("mean power", "power", 4), ruler.Sums("accused", "accused"),
			{Head: "rate of misses, upper 95 % limit", Cell: func(g ruler.Group) string {
				return ruler.Short(ruler.UpperBound(int(g.Count()-g.Sum("accused")), int(g.Count()), .95))
			}},
		}},
		{Name: "expected", Where: ruler.And(kind(ofLeaked), ruler.Has("ratio")), By: []string{"score expected"}, Row: bandOrder("and more", 0, 5, 10, 20, 50), Total: "all", Columns: []ruler.Column{
			ruler.Counts("leaks"), ruler.Quantiles("seen / expected: 10 %, median, 90 %", "ratio", 2, .1, .5, .9),
			ruler.Quantiles("median of abs ln(seen / expected)", "off", 3, .5),
		}},
		{Name: "short", Doc: true, Where: ruler.And(kind(ofLeaked), ruler.Has("named")), By: []string{"attack"}, Heads: []string{"after"}, Row: attackRows(), Total: "all", Columns: []ruler.Column{
			named, ruler.Of("ID decoded without a list of copies", "decoded")}},
	}, tracePartTables(scores, named, registered)...)
}

// tracePartTables returns the tables of what a trace measures if a flag asks for it.
func tracePartTables(scores []ruler.Column, named, registered ruler.Column) []ruler.Table {
	return []ruler.Table{
		{Name: "innocents", Title: "Copies that are not in the leak. A score of such a copy is standard normal or less; the e-value's mean is at most 1.",
			Where: ruler.And(kind(ofLeaked, ofMixture, ofRendition, ofUnmarked), ruler.Has("innocents")), By: []string{"kind"}, Total: "all", Columns: []ruler.Column{
				ruler.Counts("leaks that show the original"), ruler.Sums("trials", "innocents"), ruler.Sums("accused", "framed"),
				ruler.UpperOf("upper 95 % limit", "framed", "innocents"),
				ruler.Sums("at 1e-6", "innocents_1e-6"), ruler.Sums("at 1e-9", "innocents_1e-9"),
				ruler.Quantiles("largest score", "max_innocent", 2, 1), ruler.Quantiles("payload", "max_innocent_payload", 2, 1),
				ruler.Quotient("e-value mean", "sum_e", "innocents", 3),
				ruler.Quantiles("max", "max_e", 1, 1), ruler.Sums("wrong IDs decoded", "wrong"),
			}},
		{Name: "scores", Where: ruler.Is("statistic", "score"), By: []string{"carrier"}, Heads: []string{"innocents of"}, Columns: []ruler.Column{
			ruler.Counts("scores"), ofBins("exceeded by 10^-1 / 10^-3 / 10^-5 (normal 1.28, 3.09, 4.26)", "score", scoreBin, 2, 1e-1, 1e-3, 1e-5),
		}},
		{Name: "collusion", Where: kind(ofMixture), By: []string{"mix", "attack", "copies"}, Total: "all", Heads: []string{"mix", "then", "copies"}, Columns: []ruler.Column{
			ruler.Counts("leaks"), ruler.SumOf("colluders named at 1e-6", "named_1e-6", "colluders"),
			ruler.Sums("at 1e-9", "named_1e-9"), ruler.Sums("leaks with one named", "one"), ruler.Sums("with all", "all"),
			ruler.Quantiles("lowest score of a colluder", "min_score", 1, 0), ruler.Sums("innocents accused", "framed"),
		}},
		{Name: "renditions", Where: kind(ofRendition), By: []string{"side", "group"}, Heads: []string{"original kept at, px", "group"}, Columns: []ruler.Column{
			named, ruler.Of("with the full original", "named_full"), ruler.Quantiles("score / that with the full original", "kept", 2, .5),
		}},
		{Name: "wrong", Where: kind(ofWrong, ofLeaked), By: []string{"kind"}, Row: ruler.RowNames{{Name: "a wrong original", Values: []string{ofWrong}}, {Name: "the right one", Values: []string{ofLeaked}}},
			Heads: []string{"laid over"}, Columns: []ruler.Column{
				ruler.Counts("pairs"), registered, ruler.Upper("upper 95 % limit", "registered"), ruler.Sums("innocents accused", "framed"),
			}},
	}
}

// bandOrder puts the rows of bands in the order of the edges.
func bandOrder(last string, edges ...float64) ruler.RowNames {
	var names []string
	for _, e := range edges {
		names = append(names, band(e, last, edges...))
	}
	return rowsOf(names...)
}

// scorePlot plots the quantiles of innocents' scores over the quantiles of a standard normal
// variable. Points below the line are smaller than normal.
func scorePlot(name, statistic string) ruler.Plot {
	return ruler.Plot{
		Name: name, Title: "Quantiles of the " + statistic + " of innocent copies; the line is equality", X: "standard normal", Y: statistic,
		Where: ruler.Is("statistic", statistic), By: "carrier", Line: func(x float64) float64 { return x },
		Points: func(g ruler.Group) (out [][2]float64) {
			for _, share := range shares(g.Count()) {
				out = append(out, [2]float64{math.Sqrt2 * math.Erfcinv(2*share), exceeded(g, share, scoreBin)})
			}
			return out
		},
	}
}

// shares are eight a decade to both sides, as far out as there are n values.
func shares(n float64) (out []float64) {
	last := int(8 * math.Log10(n))
	for k := last; k >= 3; k-- {
		out = append(out, 1-math.Pow(10, -float64(k)/8))
	}
	for k := 3; k <= last; k++ {
		out = append(out, math.Pow(10, -float64(k)/8))
	}
	return out
}
