package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/verify/odds"
)

// Bars of verdicts on dumps.
const (
	barNamed = 0.999 // of true recipients with three surviving marked leaks are named
	barSure  = 0.985 // of statements of 99 % are true
)

// calibrationBins are the lower limits of the bins of log10 likelihood ratios.
var calibrationBins = []float64{math.Inf(-1), -3, -2, -1.5, -1, -.5, -.1, .1, .5, 1, 1.5, 2, 2.5, 3, 4, 5}

// verdict measures whether verdicts on simulated dumps are right. [simDump.judge] lists the trials
// of a dump.
func verdict() *ruler.Experiment {
	var path, story string
	dumps, worlds := 0, 0
	return &ruler.Experiment{
		Name: "verdict", Short: "Whether verdicts on dumps are right", Plain: true,
		Long: `Simulate investigations: a registry of 20,000 uploads, six recipients with overlapping,
nested and missing custody, thieves who take samples, ranges, partitions and single
requests, dumps of 5 to 400 leaks of mixed origin, some scrubbed, some salted to have
another recipient blamed. What each leak is found to be is drawn from a table that was
recorded on pixels ("verdict record"), never from the model that judges.

Exit 1 when a bar is missed: no false accusation, no recipient named alone whose copies
another put there, 99.9 % of true sources named that three surviving marks speak for,
98.5 % of statements of 99 % true, every window found that 20 unmarked leaks came from.`,
		Flags: func(fs *pflag.FlagSet) {
			fs.StringVar(&path, "outcomes", "", "draw from this table, a `file` that verdict record wrote (default: the shipped one)")
			fs.IntVar(&dumps, "dumps", 10_000, "`number` of dumps to simulate")
			fs.IntVar(&worlds, "worlds", 64, "`number` of registries, which dumps come from in turn")
			fs.StringVar(&story, "story", "", "the only `story` to simulate (default: all)")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if dumps < 1 || worlds < 1 {
				return nil, errors.New("--dumps and --worlds take 1 or more")
			}
			table, err := outcomesOf(path)
			if err != nil {
				return nil, err
			}
			s := &simulation{outcome: newDrawer(table), seed: env.Seed, only: story}
			for i := range worlds {
				s.worlds = append(s.worlds, newSimWorld(env.Seed<<16+uint64(i), worldUploads, worldMonths))
			}
			cases := make([]ruler.Case, dumps)
			for i := range cases {
				cases[i] = func(_ context.Context, emit func(ruler.Trial)) error { return s.simulate(i, emit) }
			}
			return cases, nil
		},
		Tables: verdictTables(),
		Plots:  verdictPlots(),
		Missed: verdictMissed,
	}
}

// outcomesOf reads a table of outcomes; "" is the shipped one.
func outcomesOf(path string) (*outcomeTable, error) {
	if path == "" {
		return readOutcomes(bytes.NewReader(recordedOutcomes))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readOutcomes(io.Reader(file))
}

// simulate draws dump i and what an investigation finds of it, and compares the verdict with the
// truth.
func (s *simulation) simulate(i int, emit func(ruler.Trial)) error {
	d, rng := s.dump(i)
	c := s.caseOf(rng, d)
	start := time.Now()
	v, err := odds.Weigh(c)
	if err != nil {
		return fmt.Errorf("dump %d, %s: %w", i, d.story, err)
	}
	for _, t := range d.judge(v, time.Since(start)) {
		if t.Labels["trial"] == "case" {
			t.Labels["dump"] = fmt.Sprint(i)
		}
		emit(t)
	}
	return nil
}

func isTrial(kind string) func(*ruler.Trial) bool { return ruler.Is("trial", kind) }

func verdictTables() []ruler.Table {
	safe := func(t *ruler.Trial) bool { return t.Values["safe"] >= 3 }
	return []ruler.Table{{
		Name: "stories", Title: "Dumps", By: []string{"story"}, Row: rowsOf(storyNames()...), Total: "all", Where: isTrial("dump"), Columns: []ruler.Column{
			ruler.Counts("dumps"), ruler.Sums("listed", "listed"), ruler.Sums("top", "top"), ruler.Sums("stated", "stated"), ruler.Sums("stated and top", "stated_top"),
			ruler.Sums("named", "named"), ruler.Sums("alone", "alone"), ruler.Sums("wrongly", "wrong"), ruler.Upper("at most", "wrong"),
			ruler.Sums("framed", "framed"), ruler.Sums("framed alone", "framed_alone"), ruler.Sums("rival listed", "beside"), ruler.Sums("rival unlisted", "open"),
			ruler.Sums("no rival", "outside"), ruler.Sums("flagged", "warned"),
		},
		Note: func(ruler.Group) string {
			return "Listed: a hypothesis is true. Top: the one with the greatest ratio is. Stated: a true one reaches 10. " +
				"Named: a recipient is named; alone: without a rival; wrongly: no leak was made of the recipient's copies. " +
				"Framed: the recipient that another wants blamed is named: alone, with the other as a rival, with an unlisted rival, or with neither; flagged: of these, those with a flag of planting or repetition."
		},
	}, {
		Name: "windows", Title: "Windows that all unmarked leaks came from", By: []string{"story"}, Row: rowsOf(storyNames()...), Where: ruler.Has("window"), Columns: []ruler.Column{
			ruler.Counts("found"), ruler.Sums("10 and more", "window_10"), ruler.Sums("100 and more", "window_100"), ruler.Sums("headline", "headed"), ruler.Means("mean log10 LR", "window_log10_lr", 1),
		},
	}, {
		Name: "recipients", Title: "True recipients, by marked leaks that survived a messenger", By: []string{"survived"}, Row: rowsOf("0", "1", "2", "3 and more"), Where: isTrial("recipient"),
		Columns: []ruler.Column{
			ruler.Of("named", "named"), ruler.Of("of these alone", "alone").When(func(t *ruler.Trial) bool { return t.Values["named"] == 1 }), ruler.Of("named, three uploads that no other recipient held", "named").When(safe),
		},
	}, {
		Name: "sent", Title: "True recipients with three leaks and more", Where: isTrial("recipient"), Heads: []string{}, Columns: []ruler.Column{
			ruler.Of("named, three sent through a messenger", "named").When(func(t *ruler.Trial) bool { return t.Values["sent"] >= 3 }),
			ruler.Of("named, three scrubbed", "named").When(func(t *ruler.Trial) bool { return t.Values["scrubbed"] == 1 && t.Values["all"] >= 3 }),
		},
	}, {
		Name: "sure", Title: "Statements of 99 % and more", By: []string{"kind"}, Total: "all", Where: ruler.Has("sure"), Columns: []ruler.Column{ruler.Of("true", "sure"), ruler.Share("share", "sure")},
	}, {
		Name: "calibration", Title: "Stated likelihood ratios as probabilities, the prior even", By: []string{"from"}, Heads: []string{"log10 LR from"}, Row: rowsOf(binNames()...), Where: isTrial("statement"),
		Columns: []ruler.Column{
			ruler.Counts("statements"), ruler.Sums("true", "true"), ruler.Means("share", "true", 4), ruler.Interval("95 %", "true"), ruler.Means("stated in the mean", "stated", 4),
		},
	}, {
		Name: "ratios", Title: "The same by kind, as log10 ratios", By: []string{"kind"}, Where: isTrial("statement"), Columns: []ruler.Column{
			ruler.Counts("statements"), ruler.Sums("true", "true"), {Head: "from: stated in the mean, realised", Cell: realisedRatios},
		},
		Note: func(ruler.Group) string {
			return "Realised: how much more often a ratio of the bin was stated of what is true than of what is not, which does not depend on how many are true."
		},
	}, {
		Name: "times", Where: isTrial("dump"), Heads: []string{}, Columns: []ruler.Column{ruler.Quantiles("ms to weigh a dump: min / median / max", "ms", 1, 0, .5, 1)},
	}, {
		Name: "cases", Title: "Cases to look at", By: []string{"dump", "story", "what"}, Where: isTrial("case"),
	}}
}

// rowsOf puts the rows of a table in the order of the names.
func rowsOf(names ...string) ruler.RowNames {
	rows := make(ruler.RowNames, len(names))
	for i, name := range names {
		rows[i].Name, rows[i].Values = name, []string{name}
	}
	return rows
}

func storyNames() (names []string) {
	for _, s := range stories {
		names = append(names, s.name)
	}
	return names
}

// binNames returns the names of the bins of ratios: their lower limits.
func binNames() []string {
	names := []string{"less"}
	for _, from := range calibrationBins[1:] {
		names = append(names, fmt.Sprintf("%.1f", from))
	}
	return names
}

// realisedRatios lists the bins of statements of one kind.
func realisedRatios(g ruler.Group) (text string) {
	for _, name := range binNames() {
		if bin := g.Where(ruler.Is("from", name)); len(bin) > 0 {
			text += fmt.Sprintf("%s: %.2f, %.2f; ", name, bin.Mean("log10_lr"), realised(g.Sum("true"), g.Count(), bin.Sum("true"), bin.Count()))
		}
	}
	return text
}

// realised returns the log10 likelihood ratio that a bin of statements turned out to have. The ratio
// compares the share of true hypotheses that are in the bin with the share of false ones. allTrue, all,
// binTrue and bin are counts of statements. Half a statement is added to each count so that the
// result is finite.
func realised(allTrue, all, binTrue, bin float64) float64 {
	return math.Log10((binTrue + .5) / (allTrue + .5) * (all - allTrue + .5) / (bin - binTrue + .5))
}

func verdictPlots() []ruler.Plot {
	return []ruler.Plot{{
		Name: "verdict-simulation", Title: "reliability; the line is perfect calibration", X: "probability stated, prior even", Y: "share that is true",
		Where: isTrial("statement"),
		Points: func(g ruler.Group) (points [][2]float64) {
			for _, name := range binNames() {
				if bin := g.Where(ruler.Is("from", name)); len(bin) > 0 {
					points = append(points, [2]float64{bin.Mean("stated"), bin.Mean("true")})
				}
			}
			return points
		},
		Line: func(x float64) float64 { return x },
	}}
}

// verdictMissed lists the bars that were missed.
func verdictMissed(trials []ruler.Trial) (out []string) {
	all := ruler.Group(trials)
	dumps := all.Where(isTrial("dump"))
	for _, bar := range []struct{ value, what string }{
		{"wrong", "name a recipient of whose copies no leak was made"},
		{"framed_alone", "name alone a recipient whose copies another put there"},
		{"outside", "name such a recipient and not that other beside it"},
	} {
		if n := dumps.Sum(bar.value); n > 0 {
			out = append(out, fmt.Sprintf("%.0f of %.0f dumps %s, bar 0", n, dumps.Count(), bar.what))
		}
	}
	for _, bar := range []struct {
		of    ruler.Group
		value string
		min   float64
		what  string
	}{
		{all.Where(ruler.Is("survived", "3 and more")), "named", barNamed, "true recipients with three surviving marked leaks are named"},
		{all.Having("sure"), "sure", barSure, "statements of 99 % are true"},
		{dumps.Where(ruler.Is("story", storyWindow20)), "window", 1, "windows of 20 unmarked leaks are found"},
	} {
		if n := bar.of.Count(); n > 0 && bar.of.Sum(bar.value) < bar.min*n {
			out = append(out, fmt.Sprintf("%.0f of %.0f %s, bar %s", bar.of.Sum(bar.value), n, bar.what, ruler.Percent(bar.min, 1)))
		}
	}
	return slices.Clip(out)
}
