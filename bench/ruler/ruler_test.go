package ruler

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counting is an experiment of n cases; each emits a trial a label, and calls is how many
// cases were measured.
func counting(n int, calls *atomic.Int32) *Experiment {
	return &Experiment{
		Name: "counting",
		Cases: func(context.Context, *Env) (cases []Case, err error) {
			for i := range n {
				cases = append(cases, func(_ context.Context, emit func(Trial)) {
					calls.Add(1)
					for _, colour := range []string{"red", "blue"} {
						emit(Trial{
							Labels: map[string]string{"case": fmt.Sprint(i), "colour": colour},
							Values: map[string]float64{"read": float64(i % 2), "ms": float64(i) + 1./3, "none": math.NaN()},
						})
					}
				})
			}
			return cases, nil
		},
		Tables: []Table{{Name: "colours", By: []string{"colour"}, Total: "all", Columns: []Column{
			Counts("trials"), Of("read", "read"), Share("", "read"), Quantiles("ms", "ms", 1, 0, .5, 1),
		}}},
	}
}

func TestRunKeepsTheOrder(t *testing.T) {
	var calls atomic.Int32
	x := counting(50, &calls)
	one, err := x.Run(t.Context(), &Env{Workers: 1}, Run{Name: "r"}, "", nil)
	require.NoError(t, err)
	many, err := x.Run(t.Context(), &Env{Workers: 8}, Run{Name: "r"}, "", nil)
	require.NoError(t, err)
	assert.Equal(t, one, many)
	require.Len(t, one.Trials, 100)
	assert.Equal(t, Trial{Experiment: "counting", Labels: map[string]string{"run": "r", "case": "3", "colour": "red"}, Values: map[string]float64{"read": 1, "ms": 3.33333333}}, one.Trials[6])
	assert.Equal(t, "| colour | trials | read |  | ms |\n|---|---|---|---|---|\n"+
		"| red | 50 | 25 of 50 | 50.0 % | 0.3 / 24.8 / 49.3 |\n| blue | 50 | 25 of 50 | 50.0 % | 0.3 / 24.8 / 49.3 |\n"+
		"| **all** | 100 | 50 of 100 | 50.0 % | 0.3 / 24.8 / 49.3 |\n", x.Tables[0].Markdown(one.Trials))
}

// A run that was cut goes on, measures no case twice, and gives what it would have given.
func TestRunGoesOn(t *testing.T) {
	part := filepath.Join(t.TempDir(), "r.part")
	var calls atomic.Int32
	x := counting(20, &calls)
	whole, err := x.Run(t.Context(), &Env{}, Run{Name: "r"}, "", nil)
	require.NoError(t, err)

	calls.Store(0)
	ctx, cancel := context.WithCancelCause(t.Context())
	errCut := errors.New("cut")
	_, err = x.Run(ctx, &Env{Workers: 2}, Run{Name: "r", Commit: "a"}, part, func(done, total int) {
		assert.Equal(t, 20, total)
		if done == 7 {
			cancel(errCut)
		}
	})
	require.ErrorIs(t, err, errCut)
	before := calls.Load()
	data, err := os.ReadFile(part)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(part, append(data, `{"case":19,"trials":[{"ex`...), 0o600)) // torn

	got, err := x.Run(t.Context(), &Env{}, Run{Name: "r", Commit: "b"}, part, nil)
	require.NoError(t, err)
	assert.Equal(t, whole.Trials, got.Trials)
	assert.EqualValues(t, 20, calls.Load())
	assert.GreaterOrEqual(t, before, int32(7))

	var usage *UsageError
	_, err = x.Run(t.Context(), &Env{Seed: 5}, Run{Name: "r"}, part, nil)
	require.ErrorAs(t, err, &usage, "another seed is another run")
	require.NoError(t, os.WriteFile(part, []byte("nonsense\n"), 0o600))
	_, err = x.Run(t.Context(), &Env{}, Run{Name: "r"}, part, nil)
	require.Error(t, err)
}

func TestEachGoesOnAfterAFailure(t *testing.T) {
	x := &Experiment{Cases: func(_ context.Context, env *Env) ([]Case, error) {
		return Each(env, func(_ context.Context, path string, emit func(Trial)) {
			if path == "b.jpg" {
				Check(errors.New("broken"))
			}
			emit(Trial{Values: map[string]float64{"read": 1}})
		}), nil
	}}
	run, err := x.Run(t.Context(), &Env{Pictures: []string{"a.jpg", "b.jpg", "c.jpg"}}, Run{}, "", nil)
	require.NoError(t, err)
	require.Len(t, run.Trials, 3)
	assert.Equal(t, "broken", run.Trials[1].Error)
	assert.Equal(t, "b", run.Trials[1].Labels["picture"])
}

// A step that fails ends its case, wherever it is; a mistake of the program is no failure.
func TestFailuresEndTheCase(t *testing.T) {
	broken := errors.New("broken")
	assert.Equal(t, 3, Must(3, nil))
	require.NoError(t, Catch(func() { Check(nil) }))
	require.ErrorIs(t, Catch(func() { Must(0, broken) }), broken)
	require.ErrorIs(t, Catch(func() { Failf("here: %w", broken) }), broken)
	assert.Panics(t, func() { _ = Catch(func() { panic("a mistake") }) })
	x := &Experiment{Cases: func(context.Context, *Env) ([]Case, error) {
		return Cases(3, func(_ context.Context, i int, _ func(Trial)) {
			if i == 1 {
				Failf("case %d: %w", i, broken)
			}
		}), nil
	}}
	_, err := x.Run(t.Context(), &Env{}, Run{}, "", nil)
	require.EqualError(t, err, "case 1: broken")
}

func TestResults(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.jsonl")
	trials := []Trial{
		{Experiment: "x", Labels: map[string]string{"attack": "a < b"}, Values: map[string]float64{"n": 20, "read": 19}},
		{Experiment: "x", Error: "no picture"},
	}
	first := Run{Name: "one", Experiment: "x", Command: "c", Seed: 3, Pictures: []string{"ab"}, Trials: trials}
	require.NoError(t, Results{first, {Name: "two", Experiment: "x"}}.Write(path))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, `{"run":"one","of":"x","command":"c","seed":3,"pictures":["ab"]}`+"\n"+
		`{"experiment":"x","labels":{"attack":"a < b"},"values":{"n":20,"read":19}}`+"\n"+
		`{"experiment":"x","error":"no picture"}`+"\n"+`{"run":"two","of":"x","command":"","seed":0}`+"\n", string(data))
	got, err := ReadResults(path)
	require.NoError(t, err)
	require.Len(t, got.Trials(), 2)
	assert.Equal(t, "one", got.Trials()[0].Labels["run"])
	got = got.With(Run{Name: "two", Experiment: "x", Command: "new"}).With(Run{Name: "three"})
	assert.Len(t, got, 3)
	assert.Equal(t, "new", got[1].Command)

	for _, bad := range []string{`{"experiment":"x"}`, `{"run":"a","odd":1}`, "no JSON"} {
		_, err := parseResults(strings.NewReader(bad))
		assert.Error(t, err, bad)
	}
	_, err = ReadResults(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestFold(t *testing.T) {
	one := func(colour string, read, ms float64) Trial {
		return Trial{Labels: map[string]string{"colour": colour, "picture": "p"}, Values: map[string]float64{"read": read, "max_ms": ms, "min_ms": ms}}
	}
	broken := one("red", 0, 5)
	broken.Error = "broken"
	got := Fold([]Trial{one("red", 1, 3), one("blue", 1, 1), broken}, "colour")
	require.Len(t, got, 2)
	assert.Equal(t, map[string]float64{"n": 2, "read": 1, "max_ms": 5, "min_ms": 3, "errors": 1}, got[0].Values)
	assert.Equal(t, map[string]string{"colour": "red"}, got[0].Labels)
	assert.Equal(t, "5 of 8", Of("", "read").Cell(append(Group(got), Trial{Values: map[string]float64{"n": 5, "read": 3}})))
}

// The limits are those of scipy.stats.beta.ppf(.95, events+1, trials-events).
func TestBounds(t *testing.T) {
	for _, c := range []struct {
		events, trials int
		want           float64
	}{
		{0, 1, 0.95}, {0, 30, 0.09503385285530411}, {0, 2520, 0.0011880763260589114},
		{1, 10, 0.39416330243650466}, {5, 100, 0.1022533776432745},
		{2, 5040, 0.0012486331509578986}, {99, 100, 0.9994871985837377}, {7, 7, 1},
	} {
		assert.InEpsilon(t, c.want, UpperBound(c.events, c.trials, .95), 1e-9, "%d of %d", c.events, c.trials)
	}
	assert.InEpsilon(t, .01643, LowerBound(5, 100, .975), .001)
	assert.InEpsilon(t, .50098, UpperBound(500_000, 1_000_000, .975), 1e-4)
	assert.InEpsilon(t, 1-math.Pow(.05, 1./40), UpperBound(0, 40, .95), 1e-9)
	assert.InDelta(t, 1, UpperBound(0, 0, .95), 0)
	assert.InDelta(t, 1, UpperBound(7, 7, .95), 0)
	assert.InDelta(t, 0, LowerBound(0, 7, .95), 0)
	assert.InDelta(t, .7513, LowerBound(19, 20, .975), 1e-4)
	assert.InDelta(t, .9987, UpperBound(19, 20, .975), 1e-4)
	assert.InDelta(t, .25, SphereTail(3, .5), 1e-12)
}

func TestRowsAreMerged(t *testing.T) {
	table := Table{By: []string{"attack"}, Heads: []string{"after"}, Row: RowNames{{"JPEG", []string{"jpeg90", "jpeg50"}}, {"crop", []string{"crop25"}}}, Columns: []Column{Of("read", "read")}}
	var trials []Trial
	for _, a := range []string{"crop25", "jpeg90", "blur", "jpeg50"} {
		trials = append(trials, Trial{Labels: map[string]string{"attack": a}, Values: map[string]float64{"read": 1}})
	}
	assert.Equal(t, "| after | read |\n|---|---|\n| JPEG | 2 of 2 |\n| crop | 1 of 1 |\n| blur | 1 of 1 |\n", table.Markdown(trials))
	assert.Equal(t, "jpeg90", trials[1].Labels["attack"], "the trials stay")
}

func TestColumnsAsRows(t *testing.T) {
	table := Table{Heads: []string{"measured", "result"}, Transposed: true, Columns: []Column{
		SumOf("named", "named", "copies"), UpperOf("at most", "named", "copies"), Quotient("rate", "named", "copies", 2), Counts("of one").When(Is("of", "one")),
	}}
	trials := []Trial{{Labels: map[string]string{"of": "one"}, Values: map[string]float64{"named": 1, "copies": 3}}, {Values: map[string]float64{"named": 1, "copies": 5}}}
	assert.Equal(t, "| measured | result |\n|---|---|\n| named | 2 of 8 |\n| at most | 0.6 |\n| rate | 0.25 |\n| of one | 1 |\n", table.Markdown(trials))
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1256742: "1,256,742", -12345: "-12,345", 1234.5: "1,234.5"} {
		assert.Equal(t, want, Thousands(v))
	}
	assert.Equal(t, "-", Decimals(math.NaN(), 2))
	assert.Equal(t, "-", Percent(math.NaN(), 2))
	assert.True(t, math.IsNaN(Group{}.Quantile("x", .5)))
}

func TestDocuments(t *testing.T) {
	dir := t.TempDir()
	trial := func(colour string, read float64) Trial {
		return Trial{Experiment: "counting", Labels: map[string]string{"colour": colour}, Values: map[string]float64{"read": read}}
	}
	r := Results{
		{Name: "one two", Experiment: "counting", Trials: []Trial{trial("red", 1), trial("blue", 0)}},
		{Name: "three", Experiment: "counting", Trials: []Trial{trial("red", 0)}},
	}
	require.NoError(t, r.Write(filepath.Join(dir, "c.jsonl")))
	d := Documents{Results: dir, Experiments: []*Experiment{counting(0, nil)}}
	d.Experiments[0].Tables[0].Columns = []Column{Of("read", "read")}
	text := "# Title\n<!-- table c.jsonl colours run=one_two|four colour=red -->\nstale\n<!-- end -->\nrest"
	got, err := d.Fill(text)
	require.NoError(t, err)
	assert.Equal(t, "# Title\n<!-- table c.jsonl colours run=one_two|four colour=red -->\n| colour | read |\n|---|---|\n| red | 1 of 1 |\n| **all** | 1 of 1 |\n<!-- end -->\nrest", got)

	cell := "| reads | <!-- cell c.jsonl colours read run=one_two|four -->9 of 9<!-- end -->, measured |"
	got, err = d.Fill(cell)
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(cell, "9 of 9", "1 of 2"), got)

	page := filepath.Join(dir, "page.md")
	require.NoError(t, os.WriteFile(page, []byte(text), 0o600))
	changed, err := d.FillFile(page, false)
	require.NoError(t, err)
	assert.True(t, changed)
	changed, err = d.FillFile(page, true)
	require.NoError(t, err)
	assert.True(t, changed)
	changed, err = d.FillFile(page, true)
	require.NoError(t, err)
	assert.False(t, changed)

	for _, bad := range []string{
		"<!-- table c.jsonl colours -->\nno end", "<!-- table c.jsonl -->\n<!-- end -->", "<!-- table c.jsonl shapes -->\n<!-- end -->",
		"<!-- cell c.jsonl colours -->x<!-- end -->", "<!-- cell c.jsonl colours none -->x<!-- end -->", "<!-- cell c.jsonl shapes read -->x<!-- end -->",
		"<!-- table nowhere.jsonl colours -->\n<!-- end -->", "<!-- table c.jsonl colours run -->\n<!-- end -->", "<!-- table c.jsonl colours run=none -->\n<!-- end -->",
	} {
		_, err := d.Fill(bad)
		assert.Error(t, err, bad)
	}
}

func TestPlot(t *testing.T) {
	p := Plot{Title: "t", X: "x", Y: "y", By: "colour", Line: func(x float64) float64 { return x }, Points: func(g Group) (out [][2]float64) {
		for i := range g {
			out = append(out, [2]float64{g[i].Values["x"], g[i].Values["y"]})
		}
		return out
	}}
	svg, err := p.SVG([]Trial{
		{Labels: map[string]string{"colour": "red"}, Values: map[string]float64{"x": 1, "y": 2}},
		{Labels: map[string]string{"colour": "blue"}, Values: map[string]float64{"x": 3, "y": 2}},
	})
	require.NoError(t, err)
	assert.Contains(t, string(svg), ">red</text>")
	svg, err = p.SVG(nil)
	require.NoError(t, err)
	assert.Contains(t, string(svg), "</svg>")
}
