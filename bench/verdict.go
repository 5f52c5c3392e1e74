package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/test/oddstest"
	"github.com/kycmark/kycmark/verify/odds"
)

// Bars of verdicts on dumps.
const (
	barNamed = 0.999 // of true recipients with three surviving marked leaks are named
	barSure  = 0.985 // of statements of 100 times are true
	barRight = 0.99  // of a vendor's dumps of 40 persons and more have the right holders
)

// verdict measures whether verdicts on simulated dumps are right. [simDump.judge] lists the trials
// of a dump; trials with the same labels are counted together.
func verdict() *ruler.Experiment {
	var path, story string
	dumps, worlds := 0, 0
	return &ruler.Experiment{
		Name: "verdict", Short: "Whether verdicts on dumps are right", Plain: true,
		Long: `Simulate investigations: a registry of 20,000 uploads, six recipients with overlapping,
nested and missing custody, vendors that had uploads first, thieves who take samples, ranges, partitions and single
requests, dumps of 5 to 400 leaks of mixed origin, some scrubbed, some salted to have
another recipient blamed. What each leak is found to be is drawn from a table that was
recorded on pixels ("verdict record"), never from the model that judges.

Exit 1 when a bar is missed: no false accusation, no recipient named alone whose copies
another put there, 99.9 % of true sources named that three surviving marks speak for,
98.5 % of statements of 100 times true, every window found that 20 unmarked leaks came from,
the right holders in 99 % of a vendor's dumps of 40 persons, and other holders in none.`,
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
			table, err := readOutcomes(path)
			if err != nil {
				return nil, err
			}
			s := &simulation{outcome: newDrawer(table), seed: env.Seed, only: story}
			for i := range worlds {
				s.worlds = append(s.worlds, newSimWorld(env.Seed<<16+uint64(i), worldUploads, worldMonths))
			}
			return ruler.Cases(dumps, s.simulate), nil
		},
		Fold: func(trials []ruler.Trial) []ruler.Trial {
			return ruler.Fold(trials, "trial", "story", "vendor", "persons", "survived", "dump", "what")
		},
		Tables: verdictTables(),
		Missed: verdictMissed,
	}
}

// simulate draws dump i and what an investigation finds of it, and compares the verdict with the
// truth.
func (s *simulation) simulate(_ context.Context, i int, emit func(ruler.Trial)) {
	d, rng := s.dump(i)
	c := s.caseOf(rng, d)
	v, err := odds.Weigh(c)
	if err != nil {
		ruler.Failf("dump %d, %s: %w", i, d.story, err)
	}
	for _, t := range d.judge(v) {
		if t.Labels["trial"] == "case" {
			t.Labels["dump"] = strconv.Itoa(i)
		}
		emit(t)
	}
}

// isTrial returns a condition: the trial is of a kind, as [newTrial] names kinds.
func isTrial(kind string) func(*ruler.Trial) bool { return ruler.Is("trial", kind) }

// verdictTables returns the tables of verdicts.
func verdictTables() []ruler.Table {
	var story ruler.RowNames
	for _, s := range stories {
		story = append(story, ruler.RowName{Name: s.name, Values: []string{s.name}})
	}
	sure := isTrial("statement")
	dumps := func(head, value string) ruler.Column { // a dump without the value counts as 0
		return ruler.Column{Head: head, Where: isTrial("dump"), Cell: func(g ruler.Group) string { return ruler.Thousands(g.Sum(value)) + " of " + ruler.Thousands(g.Count()) }}
	}
	return []ruler.Table{{
		Name: "stories", Title: "Dumps", By: []string{"story"}, Row: story, Total: "all", Where: isTrial("dump"), Columns: []ruler.Column{
			ruler.Counts("dumps"),
			ruler.Sums("named", "named"), ruler.Sums("alone", "alone"), ruler.Of("wrongly", "wrong"), ruler.Upper("at most", "wrong"),
			ruler.Sums("framed", "framed"), ruler.Sums("framed alone", "framed_alone"), ruler.Sums("rival listed", "beside"), ruler.Sums("rival unlisted", "open"),
			ruler.Sums("no rival", "outside"), ruler.Sums("flagged", "warned"),
		},
		Note: func(ruler.Group) string {
			return "Named: a recipient is named; alone: without a rival; wrongly: no leak was made of the recipient's copies. " +
				"Framed: the recipient that another wants blamed is named: alone, with the other as a rival, with an unlisted rival, or with neither; flagged: of these, the other is listed as able to hold all."
		},
	}, {
		Name: "vendor", Doc: true, By: []string{"persons"}, Heads: []string{"persons"}, Row: rowsOf(vendorSizes...), Where: ruler.Is("persons", vendorSizes...), Columns: []ruler.Column{
			ruler.Of("right holders", "right"), ruler.Sums("others listed", "misled"),
		},
	}, {
		Name: "vendors", Title: "Vendors that held uploads first", By: []string{"vendor"}, Row: rowsOf(oddstest.Vendors...), Total: "all", Where: ruler.Is("vendor", oddstest.Vendors...), Columns: []ruler.Column{
			ruler.Counts("dumps"), ruler.Sums("right holders", "right"), ruler.Sums("others listed", "misled"), ruler.Sums("a folder of the exchange", "folder"),
		},
	}, {
		Name: "recipients", Title: "True recipients, by marked leaks that survived a messenger", By: []string{"survived"}, Row: rowsOf(fewNames...), Where: isTrial("recipient"),
		Columns: []ruler.Column{ruler.Of("named", "named"), ruler.SumOf("of these alone", "alone", "named")},
	}, {
		Name: "sure", Title: "Statements of 100 times and more", Where: sure, Heads: []string{}, Columns: []ruler.Column{ruler.Of("true", "true"), ruler.Share("share", "true")},
	}, {
		Name: "cases", Title: "Cases to look at", By: []string{"dump", "story", "what"}, Where: isTrial("case"),
	}, {
		Name: "short", Doc: true, Transposed: true, Heads: []string{"measured", "result"}, Columns: []ruler.Column{
			dumps("a recipient is named whose copies did not leak (aim: 0)", "wrong"),
			dumps("a framed recipient is named alone (aim: 0)", "framed_alone"),
			dumps("a framed recipient is named without the planter among the rivals (aim: 0)", "outside"),
			ruler.Upper("upper 95 % limit of each of these rates", "wrong").When(isTrial("dump")),
			ruler.Of("true recipients named, with three surviving marks or more (aim: 99.9 %)", "named").When(ruler.Is("survived", three)),
			ruler.SumOf("of these, named alone", "alone", "named").When(ruler.Is("survived", three)),
			ruler.Of("true recipients named, with two", "named").When(ruler.Is("survived", "2")), ruler.Of("with one", "named").When(ruler.Is("survived", "1")),
			ruler.Of("true statements of 100 times and more (aim: 98.5 to 100 %)", "true").When(sure),
			dumps("a window that no source took (aim: 1 in 100)", "window_wrong"),
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
		{all.Where(ruler.Is("survived", three)), "named", barNamed, 1, "true recipients with three surviving marked leaks are named"},
		{all.Where(isTrial("statement")), "true", barSure, 1, "statements of 100 times are true"},
		{all.Where(ruler.Is("vendor", oddstest.Vendors...)), "misled", 0, 0, "dumps list others than who held what a vendor leaked"},
		{all.Where(ruler.Is("persons", vendorSizes[3])), "right", barRight, 1, "vendors' dumps of 40 persons and more have the right holders"},
		{all.Where(ruler.Is("story", storyWindow20)), "found", 1, 1, "windows of 20 unmarked leaks are found"},
	} {
		if n, got := bar.of.Count(), bar.of.Sum(bar.value); n > 0 && (got < bar.min*n || got > bar.max*n) {
			out = append(out, fmt.Sprintf("%.0f of %.0f %s, bar %s", got, n, bar.what, ruler.Percent(bar.min, 1)))
		}
	}
	return out
}
