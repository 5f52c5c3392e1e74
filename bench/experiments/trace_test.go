package experiments_test

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/watermark"
)

// traceWorld is a tracer for tests. The first copy of a leak has the score of its
// width, others draw theirs from a normal distribution. Grey leaks do not show the
// original, negatives fail.
func traceWorld() bench.FakeTrace {
	return bench.FakeTrace{
		Fake:  newWorld().fake(),
		Trace: traceFake,
		Pool:  poolFake,
		Mixed: func([]watermark.CopyID, float64) {},
	}
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

func poolFake(leaks []*watermark.TraceResult) ([]watermark.CopyEvidence, error) {
	sum := slices.Clone(leaks[0].Copies)
	for i := range sum {
		for _, other := range leaks[1:] {
			sum[i].Score += other.Copies[i].Score
			sum[i].LogP += other.Copies[i].LogP
		}
	}
	return sum, nil
}

func traceConfig(files []string, attacks ...string) bench.TraceConfig {
	return bench.TraceConfig{Config: bench.Config{Pictures: files, Attacks: attacks, Seed: 3, Workers: 1}, Issued: 50}
}

func TestTrace(t *testing.T) {
	files := fivePictures(t)
	cfg := traceConfig(files, "jpeg90", "resize", "invert", "gray", "x_jpeg5")
	cfg.Unmarked = true
	cfg.Bars = map[string]float64{"all": .5, "codec": 1, "hard": .5, "tone": .5}
	rep, err := traceWorld().Run(t.Context(), cfg)
	require.NoError(t, err)

	// Widths 40, 60 and 80: named are 60 and 80 as they are, 75 % of these, 80 at
	// 50 %, none at 25 %, all at 150 %.
	require.Len(t, rep.Attacks, 8)
	named := map[string]int{}
	for _, a := range rep.Attacks {
		assert.Equal(t, 3, a.Tried, a.Name)
		assert.Len(t, a.Missed, 3-a.Named, a.Name)
		named[a.Name] = a.Named
	}
	assert.Equal(t, map[string]int{"jpeg90": 2, "resize75": 2, "resize50": 0, "resize25": 0, "resize150": 3, "invert": 0, "gray": 0, "x_jpeg5": 2}, named)
	assert.Equal(t, 9, rep.Total.Named)
	assert.Equal(t, 9, rep.Total.Decoded)
	assert.Equal(t, 24, rep.Total.Tried)
	assert.Equal(t, 18, rep.Total.Registered, "negatives fail, grey ones are not registered")
	assert.Len(t, rep.Errors, 6, "negatives, marked and unmarked")
	assert.Empty(t, rep.Claims)
	require.Len(t, rep.Broken, 2)
	require.Len(t, rep.Missed, 3)
	assert.Equal(t, "all codec tone", rep.Missed[0].Name+" "+rep.Missed[1].Name+" "+rep.Missed[2].Name)

	// Of an unmarked leak the first copy is as innocent as the others.
	require.Len(t, rep.Innocents, 2)
	assert.Equal(t, 18*49, rep.Innocents[0].Trials)
	assert.Equal(t, 18*50, rep.Innocents[1].Trials)
	assert.Zero(t, rep.Innocents[0].Accused)
	assert.Equal(t, 9, rep.Innocents[1].Accused)
	assert.Equal(t, 9, rep.Innocents[1].Decoded)
	assert.Equal(t, 120., float64(rep.Innocents[1].Score))
	assert.InDelta(t, .5*49+1, float64(rep.Innocents[1].MeanE)*50, 1e-9, "the first copy has an e-value of 1")
	require.Len(t, rep.Framed, 9)
	assert.Equal(t, "resize150, unmarked", rep.Framed[0].Attack)

	golden(t, "trace.md", relative(rep.Markdown(), files))
	_, err = json.Marshal(rep)
	require.NoError(t, err)
}

// Where a power of .999 is claimed, leaks that are not accused are listed.
func TestTracePower(t *testing.T) {
	fake := traceWorld()
	fake.Trace = func(leak image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error) {
		tr, err := traceFake(leak, copies)
		tr.Power, tr.Expected = .9995, 2*float64(leak.Bounds().Dx())
		return tr, err
	}
	files := folder(t, image.Pt(40, 30), image.Pt(60, 44), image.Pt(80, 60))
	rep, err := fake.Run(t.Context(), traceConfig(files, "none"))
	require.NoError(t, err)
	last := rep.Power[len(rep.Power)-1]
	assert.Equal(t, 3, last.Leaks)
	assert.Equal(t, 2, last.Accused)
	require.Len(t, rep.Claims, 1)
	assert.Contains(t, rep.Claims[0].File, "picture0")
	all := rep.Expected[len(rep.Expected)-1]
	assert.Equal(t, 3, all.Leaks)
	assert.InDelta(t, .5, float64(all.Median), 1e-12)
	assert.InDelta(t, math.Ln2, float64(all.Off), 1e-12)
}

func TestTraceCollusion(t *testing.T) {
	files := folder(t, image.Pt(40, 30), image.Pt(80, 60))
	var mu sync.Mutex
	asked := [][]watermark.CopyID{}
	fake := traceWorld()
	fake.Mixed = func(ids []watermark.CopyID, strength float64) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, ids)
		assert.Equal(t, .8, strength, "as strong as the copy that was checked")
	}
	cfg := traceConfig(files, "none")
	cfg.Colluders, cfg.Mixes, cfg.Then = []int{2, 3}, []string{"mean", "median"}, []string{"jpeg75", "resize150"}
	rep, err := fake.Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, asked, 2)
	for _, ids := range asked {
		assert.Len(t, ids, 3)
		assert.NotEqual(t, ids[0], ids[1])
	}
	var rows []string
	for _, m := range rep.Collusion {
		rows = append(rows, m.Mix+" "+m.Then)
		assert.Equal(t, 2, m.Leaks)
		assert.Equal(t, 2*m.Copies, m.Colluders)
		assert.Equal(t, 2, m.AtLeast1, "the fake names the first, at 1e-8 and 1e-16")
		assert.Equal(t, 2, m.Named)
		assert.Zero(t, m.All)
		assert.Zero(t, m.Framed)
	}
	assert.Equal(t, []string{"mean jpeg75", "mean jpeg75", "mean resize150", "mean resize150", "median jpeg75", "median jpeg75"}, rows)
	assert.Equal(t, 1, rep.Collusion[0].NamedAt9)
	// One of 50 leaked, then twice 2 and twice 3 of them: innocents are the rest.
	assert.Equal(t, 2*(49+3*48+3*47), rep.Innocents[0].Trials)
	assert.Contains(t, rep.Markdown(), "| median, jpeg75 | 3 | 2 | 2/6 |")
}

func TestTracePool(t *testing.T) {
	files := folder(t, image.Pt(40, 30))
	fake := traceWorld()
	var mu sync.Mutex
	sizes := map[image.Point]int{}
	fake.Trace = func(leak image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error) {
		mu.Lock()
		defer mu.Unlock()
		sizes[leak.Bounds().Max]++
		return traceFake(leak, copies)
	}
	cfg := traceConfig(files, "none")
	cfg.Pool, cfg.PoolLeaks = []string{"none"}, 4
	rep, err := fake.Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.Greater(t, len(sizes), 1, "no two handlers cut alike")
	require.Len(t, rep.Pool, 3)
	for i, want := range []bench.Pooled{{Leaks: 1, Subsets: 4}, {Leaks: 2, Subsets: 2, Named: 2}, {Leaks: 4, Subsets: 1, Named: 1}} {
		got := rep.Pool[i]
		assert.Equal(t, want, bench.Pooled{Leaks: got.Leaks, Subsets: got.Subsets, Named: got.Named})
	}
	assert.Contains(t, rep.Markdown(), "| none | 4 | 1/1 |")

	fake.Pool = func([]*watermark.TraceResult) ([]watermark.CopyEvidence, error) { return nil, errors.New("no pool") }
	rep, err = fake.Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Len(t, rep.Errors, 1)
	assert.Zero(t, rep.Pool[0].Subsets)
}

// Other pictures of the folder are laid over each original, and what is taken for it
// is told.
func TestTraceWrongOriginals(t *testing.T) {
	files := folder(t, image.Pt(40, 30), image.Pt(60, 44), image.Pt(80, 60))
	cfg := traceConfig(files, "none", "resize50", "gray")
	cfg.Wrong = 2
	rep, err := traceWorld().Run(t.Context(), cfg)
	require.NoError(t, err)
	// Of three pictures and the broken file, which is no pair: grey leaks are not
	// taken for the original.
	require.NotNil(t, rep.Wrong)
	assert.Equal(t, 4, rep.Wrong.Pairs)
	assert.Equal(t, len(rep.Wrong.Found), rep.Wrong.Registered)
	assert.Positive(t, rep.Wrong.Registered)
	assert.Less(t, rep.Wrong.Registered, 4)
	assert.Len(t, rep.Framed, rep.Wrong.Accused)
	for _, f := range rep.Wrong.Found {
		assert.Contains(t, f.Attack, "further")
	}
	assert.Contains(t, rep.Markdown(), "| a wrong original | 4 | ")
	cfg.Wrong = 4
	_, err = traceWorld().Run(t.Context(), cfg)
	require.ErrorIs(t, err, bench.ErrTrace)
}

// Against a smaller original the same leaks are traced again.
func TestTraceRenditions(t *testing.T) {
	files := folder(t, image.Pt(160, 120), image.Pt(60, 44))
	fake, sides := traceWorld(), map[int]int{}
	fake.Ready = func(original image.Image) { sides[original.Bounds().Dx()]++ }
	cfg := traceConfig(files, "none", "resize50", "gray")
	cfg.Renditions = []int{100, 64}
	rep, err := fake.Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, map[int]int{160: 1, 100: 1, 64: 1, 60: 3}, sides)
	require.Len(t, rep.Smaller, 2)
	for _, s := range rep.Smaller {
		assert.Equal(t, rep.Total, s.TraceCount)
		assert.Equal(t, 1., float64(s.Kept))
	}
	assert.Contains(t, rep.Markdown(), "| 64 px | 3/6 (50.0 %) |")
	for _, row := range []string{"| none | 2/2 | 2, 1.00 | 2, 1.00 |\n", "| resize | 1/2 | 1, 1.00 | 1, 1.00 |\n", "| tone | 0/2 | 0, - | 0, - |\n"} {
		assert.Contains(t, rep.Markdown(), row)
	}
	cfg.Renditions = []int{8}
	_, err = traceWorld().Run(t.Context(), cfg)
	require.ErrorIs(t, err, bench.ErrTrace)
}

// Whoever is accused by a leak that does not show the original, or traced in
// another number, is an error, not a success.
func TestTraceDistrusts(t *testing.T) {
	files := folder(t, image.Pt(80, 60))
	for what, answer := range map[string]func([]watermark.Candidate) *watermark.TraceResult{
		"does not show": func(c []watermark.Candidate) *watermark.TraceResult {
			return &watermark.TraceResult{Accused: []watermark.CopyID{c[0].Copy}}
		},
		"copies traced": func([]watermark.Candidate) *watermark.TraceResult {
			return &watermark.TraceResult{Registered: true, Copies: make([]watermark.CopyEvidence, 3)}
		},
	} {
		fake := traceWorld()
		fake.Trace = func(_ image.Image, copies []watermark.Candidate) (*watermark.TraceResult, error) {
			return answer(copies), nil
		}
		rep, err := fake.Run(t.Context(), traceConfig(files, "none"))
		require.NoError(t, err)
		assert.Zero(t, rep.Total.Named)
		require.Len(t, rep.Errors, 1)
		assert.Contains(t, rep.Errors[0].Error, what)
	}
}

func TestTraceIsRepeatable(t *testing.T) {
	files := fivePictures(t)
	cfg := traceConfig(files, "tone", "crop", "x_thumb64")
	cfg.Unmarked, cfg.Colluders, cfg.Then, cfg.Pool = true, []int{3}, []string{"jpeg75"}, []string{"crop50"}
	first, err := traceWorld().Run(t.Context(), cfg)
	require.NoError(t, err)
	cfg.Workers = 7
	again, err := traceWorld().Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.Equal(t, first.Markdown(), again.Markdown())
	assert.Equal(t, first.SVG(), again.SVG())
	cfg.Seed = 1
	other, err := traceWorld().Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.NotEqual(t, other.Pictures[0].Copy, first.Pictures[0].Copy)
}

// Scores of innocents that are normal lie on the line of the plot.
func TestTraceQuantiles(t *testing.T) {
	cfg := traceConfig(folder(t, image.Pt(80, 60)), "none")
	cfg.Issued = 20001
	rep, err := traceWorld().Run(t.Context(), cfg)
	require.NoError(t, err)
	q := rep.Innocents[0].Scores
	require.Greater(t, len(q), 50)
	for _, one := range q {
		if one.Share > 1e-3 && one.Share < 1-1e-3 {
			assert.InDelta(t, one.Normal, float64(one.Seen), .2, "exceeded by %g", one.Share)
		}
	}
	for _, one := range rep.Innocents[0].Payloads {
		if one.Share > .01 && one.Share < .99 {
			assert.InDelta(t, one.Normal/2, float64(one.Seen), .1)
		}
	}
	svg := rep.SVG()
	assert.Greater(t, strings.Count(svg, "<circle"), 100)
	assert.NotContains(t, svg, "NaN")
}

func TestTraceRefuses(t *testing.T) {
	files := folder(t, image.Pt(80, 60))
	run := func(change func(*bench.TraceConfig)) error {
		cfg := traceConfig(files, "codec")
		change(&cfg)
		_, err := traceWorld().Run(t.Context(), cfg)
		return err
	}
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Pictures = nil }), bench.ErrNoPictures)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Attacks = []string{"x_jpeg6"} }), attack.ErrUnknown)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Pool = []string{"x_jpeg6"} }), attack.ErrUnknown)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Mixes = []string{"blend"} }), attack.ErrUnknown)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Then = []string{"blend"} }), attack.ErrUnknown)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Colluders = []int{1} }), bench.ErrTrace)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Colluders = []int{51} }), bench.ErrTrace)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Issued = 1 }), bench.ErrTrace)
	require.ErrorIs(t, run(func(c *bench.TraceConfig) { c.Bars = map[string]float64{"tone": 1} }), bench.ErrBar)
}

// With nothing measured a bar is missed, not met, and the tables stay empty.
func TestTraceOfNothing(t *testing.T) {
	cfg := traceConfig(folder(t, image.Pt(10, 10)), "codec")
	cfg.Bars, cfg.Unmarked, cfg.Colluders, cfg.Pool = map[string]float64{"all": 0}, true, []int{2}, []string{"none"}
	rep, err := traceWorld().Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.Len(t, rep.Missed, 1)
	assert.Len(t, rep.Broken, 2)
	assert.NotPanics(t, func() { rep.Markdown(); rep.SVG() })
	_, err = json.Marshal(rep)
	assert.NoError(t, err)
}

func TestTraceStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cfg := traceConfig(fivePictures(t), "codec")
	cfg.Progress = func(int, int) { cancel() }
	_, err := traceWorld().Run(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
}
