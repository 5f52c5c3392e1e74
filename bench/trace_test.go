package main

import (
	"context"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/picture"
	"github.com/kycmark/kycmark/internal/test/specimen"
	"github.com/kycmark/kycmark/watermark"
)

// traceWorld is a tracer for tests. The first copy of a leak has the score of its width,
// others draw theirs from a normal distribution. Grey leaks do not show the original,
// negatives fail.
type traceWorld struct {
	trace func(leak image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error)
	ready func(original image.Image)                     // told of every tracer
	mixed func(ids []watermark.CopyID, strength float64) // told of every request for copies
}

type fakeTracer struct {
	copies []watermark.Candidate
	trace  func(image.Image, []watermark.Candidate) (*watermark.TraceResult, error)
}

func (f fakeTracer) Trace(_ context.Context, leak image.Image) (*watermark.TraceResult, error) {
	return f.trace(leak, f.copies)
}

func newTraceWorld() *traceWorld {
	return &traceWorld{traceFake, func(image.Image) {}, func([]watermark.CopyID, float64) {}}
}

func (w *traceWorld) experiment(t *testing.T, args ...string) *ruler.Experiment {
	e := &traceEngine{engine: newWorld().engine()}
	e.copies = func(_ *watermark.Key, src image.Image, opts *watermark.Options, ids []watermark.CopyID) []*image.NRGBA {
		w.mixed(ids, opts.Strength)
		return slices.Repeat([]*image.NRGBA{src.(*image.NRGBA)}, len(ids))
	}
	e.tracer = func(original image.Image, copies []watermark.Candidate, _ *watermark.TraceOptions) (tracer, error) {
		w.ready(original)
		return fakeTracer{copies, w.trace}, nil
	}
	x := trace(e)
	setFlags(t, x, append([]string{"--copies=50"}, args...)...)
	return x
}

func traceFake(leak image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error) {
	c, width := leak.At(4, 4).(color.NRGBA), leak.Bounds().Dx()
	switch {
	case c.R < c.B:
		return nil, errNegative
	case c.R == c.G:
		return &watermark.TraceResult{Best: -1}, nil
	}
	r := rand.New(rand.NewPCG(uint64(width), 1))
	t := &watermark.TraceResult{Registered: true, Power: .5, Expected: 40}
	for _, issued := range copies {
		t.Copies = append(t.Copies, watermark.CopyEvidence{Copy: issued.Copy, Score: r.NormFloat64(), Payload: r.NormFloat64() / 2, LogE: math.Log10(.5)})
	}
	found := &t.Copies[0]
	found.Score, found.Payload, found.LogP, found.LogE = float64(width), 6, float64(-width)/5, 0
	if found.LogP <= -9 {
		t.Accused, t.Decoded, t.Power = []watermark.CopyID{found.Copy}, &found.Copy, 1
	}
	return t, nil
}

func traceEnv(files []string, attacks ...string) *ruler.Env {
	return &ruler.Env{Pictures: files, AttackNames: attacks, Seed: 3, Workers: 1}
}

// tableOf returns an experiment's table of trials.
func tableOf(t *testing.T, x *ruler.Experiment, name string, trials []ruler.Trial) string {
	t.Helper()
	i := slices.IndexFunc(x.Tables, func(table ruler.Table) bool { return table.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return x.Tables[i].Markdown(trials)
}

func TestTrace(t *testing.T) {
	x := newTraceWorld().experiment(t, "--unmarked", "--bar=all=0.5,codec=1,hard=0.5,tone=0.5")
	run := measure(t, x, traceEnv(fivePictures(t), "jpeg90", "resize", "invert", "gray", "x_jpeg5"))
	all := ruler.Group(run.Trials)
	leaked := all.Where(kind(ofLeaked))

	// Widths 40, 60 and 80: named are 60 and 80 as they are, 75 % of these, 80 at 50 %,
	// none at 25 %, all at 150 %.
	for name, want := range map[string]float64{"jpeg90": 2, "resize75": 2, "resize50": 0, "resize25": 0, "resize150": 3, "invert": 0, "gray": 0, "x_jpeg5": 2} {
		of := leaked.Where(ruler.Is("attack", name))
		assert.InDelta(t, 3, of.Count(), 0, name)
		assert.InDelta(t, want, of.Sum("named"), 0, name)
	}
	assert.InDelta(t, 9, leaked.Sum("decoded"), 0)
	assert.InDelta(t, 18, leaked.Sum("registered"), 0, "negatives fail, grey ones are not registered")
	assert.Len(t, failures(run), 6+2, "negatives, marked and unmarked, and two pictures")
	missed := x.Missed(run.Trials)
	require.Len(t, missed, 3+14+9, "bars, innocents with a p of 1e-6, wrong IDs")
	for i, name := range []string{"all", "codec", "tone"} {
		assert.Contains(t, missed[i], name+" ")
	}

	// Of an unmarked leak the first copy is as innocent as the others.
	bare := all.Where(kind(ofUnmarked))
	assert.InDelta(t, 18*49, leaked.Sum("innocents"), 0)
	assert.InDelta(t, 18*50, bare.Sum("innocents"), 0)
	assert.Zero(t, leaked.Sum("framed"))
	assert.InDelta(t, 9, bare.Sum("framed"), 0)
	assert.InDelta(t, 9, bare.Sum("wrong"), 0)
	assert.InDelta(t, 120., bare.Quantile("max_innocent", 1), 0)
	assert.InDelta(t, .5*49+1, bare.Sum("sum_e")/bare.Sum("innocents")*50, 1e-6, "the first copy has an e-value of 1")
	scores := all.Where(ruler.And(ruler.Is("carrier", "unmarked leaks"), ruler.Is("statistic", "score")))
	assert.InDelta(t, 18*50, scores.Count(), 0)
	assert.Contains(t, tableOf(t, x, "groups", run.Trials), "| codec | 66.7 % | 2 of 3 | 3 of 3 | 3 of 3 | 2 of 3 |")
	assert.Contains(t, tableOf(t, x, "pictures", run.Trials), "| picture0 | 45.2 | 0.9912 | 0.80 | 1 of 8 |")
	assert.Contains(t, tableOf(t, x, "innocents", run.Trials), "| unmarked | 18 | 900 | 9 |")
}

// If a power of .999 is claimed, leaks that are not accused count as missed.
func TestTracePower(t *testing.T) {
	w := newTraceWorld()
	w.trace = func(leak image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error) {
		tr, err := traceFake(leak, copies)
		tr.Power, tr.Expected = .9995, 2*float64(leak.Bounds().Dx())
		return tr, err
	}
	x := w.experiment(t)
	run := measure(t, x, traceEnv(folder(t, image.Pt(40, 30), image.Pt(60, 44), image.Pt(80, 60)), "none"))
	assert.Contains(t, tableOf(t, x, "power", run.Trials), "| 0.999 to 1 | 3 | 0.9995 | 2 | 0.86 |")
	assert.Contains(t, tableOf(t, x, "expected", run.Trials), "| **all** | 3 | 0.50 / 0.50 / 0.50 | 0.693 |")
}

func TestTraceCollusion(t *testing.T) {
	var mu sync.Mutex
	asked := [][]watermark.CopyID{}
	w := newTraceWorld()
	w.mixed = func(ids []watermark.CopyID, strength float64) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, ids)
		assert.InDelta(t, .8, strength, 0, "as strong as the copy that was checked")
	}
	x := w.experiment(t, "--collusion=2,3", "--mixes=mean,median", "--then=jpeg75,resize150")
	run := measure(t, x, traceEnv(folder(t, image.Pt(40, 30), image.Pt(80, 60)), "none"))
	require.Len(t, asked, 2)
	for _, ids := range asked {
		assert.Len(t, ids, 3)
		assert.NotEqual(t, ids[0], ids[1])
	}
	all := ruler.Group(run.Trials)
	mixed := all.Where(kind(ofMixture))
	assert.Len(t, mixed, 2*6)
	assert.InDelta(t, 2*6, mixed.Sum("one"), 0, "the fake names the first, at 1e-8 and 1e-16")
	assert.InDelta(t, 2*6, mixed.Sum("named_1e-6"), 0)
	assert.InDelta(t, 1, mixed.Where(ruler.And(ruler.Is("mix", "mean"), ruler.Is("attack", "jpeg75"), ruler.Is("copies", "2"))).Sum("named_1e-9"), 0)
	assert.Zero(t, mixed.Sum("all"))
	assert.Zero(t, mixed.Sum("framed"))
	// One of 50 leaked, then twice 2 and twice 3 of them: innocents are the rest.
	assert.InDelta(t, 2*(49+3*48+3*47), all.Sum("innocents"), 0)
	assert.Contains(t, tableOf(t, x, "collusion", run.Trials), "| median | jpeg75 | 3 | 2 | 2 of 6 | 1 |")
	assert.NotContains(t, tableOf(t, x, "collusion", run.Trials), "| median | resize150 |")
}

// Other pictures of the folder are laid over each original, and what is taken for it is
// told.
func TestTraceWrongOriginals(t *testing.T) {
	files := folder(t, image.Pt(40, 30), image.Pt(60, 44), image.Pt(80, 60))
	x := newTraceWorld().experiment(t, "--wrong=2")
	run := measure(t, x, traceEnv(files, "none", "resize50", "gray"))
	// Of three pictures and the broken file, which is no pair: grey leaks are not taken for
	// the original.
	wrong := ruler.Group(run.Trials).Where(kind(ofWrong))
	assert.Len(t, wrong, 4)
	assert.Positive(t, wrong.Sum("registered"))
	assert.Less(t, wrong.Sum("registered"), 4.)
	assert.Contains(t, tableOf(t, x, "wrong", run.Trials), "| a wrong original | 4 | ")
	_, err := newTraceWorld().experiment(t, "--wrong=4").Cases(t.Context(), traceEnv(files))
	require.ErrorIs(t, err, ErrTrace)
}

// Against a smaller original the same leaks are traced again.
func TestTraceRenditions(t *testing.T) {
	w, sides := newTraceWorld(), map[int]int{}
	w.ready = func(original image.Image) { sides[original.Bounds().Dx()]++ }
	x := w.experiment(t, "--renditions=100,64")
	run := measure(t, x, traceEnv(folder(t, image.Pt(160, 120), image.Pt(60, 44)), "none", "resize50", "gray"))
	assert.Equal(t, map[int]int{160: 1, 100: 1, 64: 1, 60: 3}, sides)
	for _, row := range []string{"| 100 | none | 2 of 2 | 2 of 2 | 1.00 |\n", "| 64 | resize | 1 of 2 | 1 of 2 | 1.00 |\n", "| 64 | tone | 0 of 2 | 0 of 2 | - |\n"} {
		assert.Contains(t, tableOf(t, x, "renditions", run.Trials), row)
	}
}

// A copy accused by a leak that does not show the original, or traces in another number,
// are an error, not a success.
func TestTraceDistrusts(t *testing.T) {
	for what, answer := range map[string]func([]watermark.Candidate) *watermark.TraceResult{
		"does not show": func(c []watermark.Candidate) *watermark.TraceResult {
			return &watermark.TraceResult{Accused: []watermark.CopyID{c[0].Copy}}
		},
		"copies traced": func([]watermark.Candidate) *watermark.TraceResult {
			return &watermark.TraceResult{Registered: true, Copies: make([]watermark.CopyEvidence, 3)}
		},
	} {
		w := newTraceWorld()
		w.trace = func(_ image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error) {
			return answer(copies), nil
		}
		run := measure(t, w.experiment(t), traceEnv(folder(t, image.Pt(80, 60)), "none"))
		assert.Zero(t, ruler.Group(run.Trials).Sum("named"))
		bad := failures(run).Where(kind(ofLeaked))
		require.Len(t, bad, 1)
		assert.Contains(t, bad[0].Error, what)
	}
}

func TestTraceIsRepeatable(t *testing.T) {
	args := []string{"--unmarked", "--collusion=3", "--then=jpeg75"}
	env := traceEnv(fivePictures(t), "tone", "crop", "x_thumb64")
	first := measure(t, newTraceWorld().experiment(t, args...), env)
	env.Workers = 7
	assert.Equal(t, first, measure(t, newTraceWorld().experiment(t, args...), env))
	env.Seed, env.Key = 1, nil
	other := measure(t, newTraceWorld().experiment(t, args...), env)
	assert.NotEqual(t, other.Key, first.Key)
}

// Scores of innocents that are normal lie on the line of the plot.
func TestTraceQuantiles(t *testing.T) {
	x := newTraceWorld().experiment(t, "--copies=20001")
	run := measure(t, x, traceEnv(folder(t, image.Pt(80, 60)), "none"))
	for i, scale := range []float64{1, 2} {
		bins := ruler.Group(run.Trials).Where(x.Plots[i].Where)
		points := x.Plots[i].Points(bins)
		require.Greater(t, len(points), 50)
		for _, p := range points {
			if math.Abs(p[0]) < 3.09/scale {
				assert.InDelta(t, p[0]/scale, p[1], .2/scale, "normal %g", p[0])
			}
		}
		svg, err := x.Plots[i].SVG(run.Trials)
		require.NoError(t, err)
		assert.NotContains(t, string(svg), "NaN")
	}
}

func TestTraceRefuses(t *testing.T) {
	for _, c := range []struct{ flag, want string }{
		{"--mixes=blend", "unknown attack"}, {"--then=blend", "unknown attack"}, {"--collusion=1", "1 colluders of 50"},
		{"--collusion=51", "colluders of 50"}, {"--copies=1", "2 or more"}, {"--bar=tone=1", "no attack of group"}, {"--renditions=8", "less than 64"},
	} {
		args := []string{c.flag}
		if c.flag[:7] == "--mixes" || c.flag[:6] == "--then" {
			args = append(args, "--collusion=2")
		}
		_, err := newTraceWorld().experiment(t, args...).Cases(t.Context(), traceEnv(nil, "codec"))
		require.ErrorContains(t, err, c.want, c.flag)
	}
}

// With nothing measured a bar is missed, not met, and the tables stay empty.
func TestTraceOfNothing(t *testing.T) {
	x := newTraceWorld().experiment(t, "--bar=all=0", "--unmarked", "--collusion=2")
	run := measure(t, x, traceEnv(folder(t, image.Pt(10, 10)), "codec"))
	assert.Len(t, x.Missed(run.Trials), 1)
	assert.Len(t, run.Trials, 2)
	for i := range x.Tables {
		assert.Empty(t, x.Tables[i].Markdown(run.Trials))
	}
}

// TestRealTrace traces real marks on one drawn passport: a messenger's copy, and two copies
// mixed.
func TestRealTrace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passport.png")
	f, err := os.Create(file)
	require.NoError(t, err)
	page := specimen.Render(specimen.Passport, specimen.NewPerson(5), 640)
	require.NoError(t, picture.Encode(f, page, "png", 0))
	require.NoError(t, f.Close())
	x := trace(newTraceEngine(newEngine()))
	setFlags(t, x, "--copies=10", "--collusion=2", "--mixes=mean", "--then=jpeg75")
	run := measure(t, x, &ruler.Env{Pictures: []string{file}, AttackNames: []string{"telegram_low"}})
	require.Empty(t, failures(run))
	all := ruler.Group(run.Trials)
	assert.InDelta(t, 1, all.Where(kind(ofLeaked)).Sum("named"), 0)
	assert.InDelta(t, 1, all.Where(kind(ofLeaked)).Sum("decoded"), 0)
	assert.Empty(t, x.Missed(run.Trials))
	assert.InDelta(t, 2, all.Sum("named_1e-6"), 0)
}
