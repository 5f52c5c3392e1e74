package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
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
// of a dump; trials with the same labels are counted together.
func verdict() *ruler.Experiment {
	var path, story string
	dumps, worlds, robbed := 0, 0, false
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
			fs.BoolVar(&robbed, "thieves", false, "thieves that the model's prior does not draw, each in turn, in the place of the stories")
			fs.StringVar(&story, "story", "", "the only `story` to simulate (default: all)")
		},
		Cases: func(_ context.Context, env *ruler.Env) ([]ruler.Case, error) {
			if dumps < 1 || worlds < 1 {
				return nil, errors.New("--dumps and --worlds take 1 or more")
			}
			table, err := readOutcomes(path)
			if err != nil {
				return nil, err
			}
			s := &simulation{outcome: newDrawer(table), seed: env.Seed, only: story}
			for i := range worlds {
				s.worlds = append(s.worlds, newSimWorld(env.Seed<<16+uint64(i), worldUploads, worldMonths))
				if robbed {
					s.tiles = append(s.tiles, newTiles(env.Seed<<16+uint64(i)))
					s.asked = append(s.asked, newAsked(env.Seed<<16+uint64(i)))
				}
			}
			return ruler.Cases(dumps, s.simulate), nil
		},
		Fold: func(trials []ruler.Trial) []ruler.Trial {
			return ruler.Fold(trials, "trial", "story", "window", "kind", "from", "sure", "survived", "safe", "sent", "scrubbed", "dump", "what")
		},
		Tables: verdictTables(),
		Plots: []ruler.Plot{{
			Name: "verdict-simulation", Title: "reliability; the line is perfect calibration", X: "probability stated, prior even", Y: "share that is true",
			Where: isTrial("statement"), Line: func(x float64) float64 { return x },
			Points: func(g ruler.Group) (points [][2]float64) {
				for _, name := range binNames() {
					if bin := g.Where(ruler.Is("from", name)); len(bin) > 0 {
						points = append(points, [2]float64{bin.Mean("stated"), bin.Mean("true")})
					}
				}
				return points
			},
		}},
		Missed: verdictMissed,
	}
}

// simulate draws dump i and what an investigation finds of it, and compares the verdict with the
// truth.
func (s *simulation) simulate(_ context.Context, i int, emit func(ruler.Trial)) {
	d, rng := s.dump(i)
	if s.tiles != nil {
		d, rng = s.rob(i)
	}
	c := s.caseOf(rng, d)
	start := time.Now()
	v, err := odds.Weigh(c)
	if err != nil {
		ruler.Failf("dump %d, %s: %w", i, d.story, err)
	}
	for _, t := range d.judge(v, time.Since(start)) {
		if t.Labels["trial"] == "case" {
			t.Labels["dump"] = strconv.Itoa(i)
		}
		if s.tiles != nil {
			t.Labels["story"] = d.story
		}
		emit(t)
	}
}

// isTrial returns a condition: the trial is of a kind, as [newTrial] names kinds.
func isTrial(kind string) func(*ruler.Trial) bool { return ruler.Is("trial", kind) }

// survived returns a condition on trials of true recipients: the number of leaked clusters that
// survived a messenger is one of the names of [fewNames].
func survived(names ...string) func(*ruler.Trial) bool { return ruler.Is("survived", names...) }

// verdictTables returns the tables of verdicts.
func verdictTables() []ruler.Table {
	story := rowsOf(storyNames()...)
	sure := ruler.Is("sure", "yes")
	dumps := func(head, value string) ruler.Column { // a dump without the value counts as 0
		return ruler.Column{Head: head, Where: isTrial("dump"), Cell: func(g ruler.Group) string { return ruler.Thousands(g.Sum(value)) + " of " + ruler.Thousands(g.Count()) }}
	}
	return []ruler.Table{{
		Name: "stories", Title: "Dumps", By: []string{"story"}, Row: story, Total: "all", Where: isTrial("dump"), Columns: []ruler.Column{
			ruler.Counts("dumps"), ruler.Sums("listed", "listed"), ruler.Sums("top", "top"), ruler.Sums("stated", "stated"), ruler.Sums("stated and top", "stated_top"),
			ruler.Sums("named", "named"), ruler.Sums("alone", "alone"), ruler.Of("wrongly", "wrong"), ruler.Upper("at most", "wrong"),
			ruler.Sums("framed", "framed"), ruler.Sums("framed alone", "framed_alone"), ruler.Sums("rival listed", "beside"), ruler.Sums("rival unlisted", "open"),
			ruler.Sums("no rival", "outside"), ruler.Sums("flagged", "warned"),
		},
		Note: func(ruler.Group) string {
			return "Listed: a hypothesis is true. Top: the one with the greatest ratio is. Stated: a true one reaches 10. " +
				"Named: a recipient is named; alone: without a rival; wrongly: no leak was made of the recipient's copies. " +
				"Framed: the recipient that another wants blamed is named: alone, with the other as a rival, with an unlisted rival, or with neither; flagged: of these, those with a flag of planting or repetition."
		},
	}, {
		Name: "windows", Title: "Windows that all unmarked leaks came from", By: []string{"story"}, Row: story, Where: ruler.Is("window", "found"), Columns: []ruler.Column{
			ruler.Counts("found"), ruler.Sums("10 and more", "window_10"), ruler.Sums("100 and more", "window_100"), ruler.Means("mean log10 LR", "window_log10_lr", 1),
		},
	}, {
		Name: "recipients", Title: "True recipients, by marked leaks that survived a messenger", By: []string{"survived"}, Row: rowsOf(fewNames...), Where: isTrial("recipient"),
		Columns: []ruler.Column{
			ruler.Of("named", "named"), ruler.SumOf("of these alone", "alone", "named"), ruler.Of("named, three uploads that no other recipient held", "named").When(ruler.Is("safe", three)),
		},
	}, {
		Name: "sent", Title: "True recipients with three leaks and more", Where: isTrial("recipient"), Heads: []string{}, Columns: []ruler.Column{
			ruler.Of("named, three sent through a messenger", "named").When(ruler.Is("sent", three)), ruler.Of("named, three scrubbed", "named").When(ruler.Is("scrubbed", three)),
		},
	}, {
		Name: "sure", Title: "Statements of 99 % and more", By: []string{"kind"}, Total: "all", Where: sure, Columns: []ruler.Column{ruler.Of("true", "true"), ruler.Share("share", "true")},
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
	}, thiefTable(), {
		Name: "times", Where: isTrial("dump"), Heads: []string{}, Columns: []ruler.Column{ruler.Means("ms to weigh a dump: mean", "ms", 1), ruler.Quantiles("max", "max_ms", 1, 1)},
	}, {
		Name: "cases", Title: "Cases to look at", By: []string{"dump", "story", "what"}, Where: isTrial("case"),
	}, {
		Name: "short", Doc: true, Transposed: true, Heads: []string{"measured", "result"}, Columns: []ruler.Column{
			ruler.Sums("leaks in the dumps", "leaks").When(isTrial("dump")),
			dumps("dumps in which a recipient is named although no leak was made of its copies (aim: 0)", "wrong"),
			dumps("a framed recipient is named alone (aim: 0)", "framed_alone"),
			dumps("a framed recipient is named without the planter among the rivals (aim: 0)", "outside"),
			ruler.Upper("upper 95 % limit of each of these rates", "wrong").When(isTrial("dump")),
			ruler.Of("true recipients named, with three surviving marked leaks or more (aim: 99.9 %)", "named").When(survived(three)),
			ruler.SumOf("of these, named alone", "alone", "named").When(survived(three)),
			ruler.Of("true recipients named, with two", "named").When(survived("2")), ruler.Of("with one", "named").When(survived("1")),
			ruler.Of("statements of 99 % and more that are true (aim: 98.5 to 100 %)", "true").When(sure), ruler.Share("share", "true").When(sure),
			ruler.Share("of statements about copies", "true").When(ruler.And(sure, ruler.Is("kind", odds.Copies))),
			ruler.Share("about custody", "true").When(ruler.And(sure, ruler.Is("kind", odds.Custody))),
			ruler.Share("about an insider", "true").When(ruler.And(sure, ruler.Is("kind", odds.Insider))),
			ruler.Of("narrow windows found, with 20 leaks (aim: all)", "found").When(ruler.Is("story", storyWindow20)), ruler.Of("with 8 leaks", "found").When(ruler.Is("story", storyWindow8)),
		},
	}}
}

// rowsOf puts the rows of a table in the order of the names.
func rowsOf(names ...string) ruler.RowNames {
	rows := make(ruler.RowNames, len(names))
	for i, name := range names {
		rows[i] = ruler.RowName{Name: name, Values: []string{name}}
	}
	return rows
}

// storyNames returns the names of the stories in the order of the tables.
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

// verdictMissed lists the bars that were missed.
func verdictMissed(trials []ruler.Trial) (out []string) {
	all := ruler.Group(trials)
	for _, bar := range []struct {
		of       ruler.Group
		value    string
		min, max float64 // rates
		what     string
	}{
		{all.Where(isTrial("dump")), "wrong", 0, 0, "dumps name a recipient although no leak was made of its copies"},
		{all.Where(isTrial("dump")), "framed_alone", 0, 0, "dumps name alone a recipient whose copies another put there"},
		{all.Where(isTrial("dump")), "outside", 0, 0, "dumps name such a recipient and not that other beside it"},
		{all.Where(survived(three)), "named", barNamed, 1, "true recipients with three surviving marked leaks are named"},
		{all.Where(ruler.Is("sure", "yes")), "true", barSure, 1, "statements of 99 % are true"},
		{all.Where(ruler.Is("story", storyWindow20)), "found", 1, 1, "windows of 20 unmarked leaks are found"},
	} {
		if n, got := bar.of.Count(), bar.of.Sum(bar.value); n > 0 && (got < bar.min*n || got > bar.max*n) {
			out = append(out, fmt.Sprintf("%.0f of %.0f %s, bar %s", got, n, bar.what, ruler.Percent(bar.min, 1)))
		}
	}
	return out
}
