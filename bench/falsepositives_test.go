package main

import (
	"context"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/bench/nulls"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/watermark"
)

func TestFalsePositives(t *testing.T) {
	key := (&ruler.Env{Seed: 9}).TestKey(9)
	e := newWorld().engine()
	// Nothing is found but in one picture, under one attack, by one key.
	e.detect = func(_ context.Context, k *watermark.Key, img image.Image) (*watermark.Detection, error) {
		d := &watermark.Detection{KeyID: k.ID(), Debug: watermark.Debug{Checks: img.Bounds().Dx() / 10, Sync: float64(img.Bounds().Dx()) / 20}}
		if img.Bounds().Dx() == 30 && k.ID() == key.ID() {
			d.Found, d.Copy, d.LogPFA = true, 0xabcdef, -8.5
		}
		return d, nil
	}
	x := falsePositives(e)
	setFlags(t, x, "--keys=3", "--trials=0")
	run := measure(t, x, &ruler.Env{Pictures: fivePictures(t), AttackNames: []string{"none", "resize50"}, Key: key, Workers: 2})
	g := ruler.Group(run.Trials)
	assert.Len(t, g.Having("found"), 3*2*3*2)
	plain := g.Where(ruler.Is("carrier", unmarked))
	assert.Len(t, plain, 3*2*3)
	// Widths 40, 60, 80 and their halves: 4+6+8+2+3+4 checks by each of 3 keys.
	assert.InDelta(t, 3*27, plain.Sum("checks"), 0)
	assert.Len(t, x.Missed(run.Trials), 2, "unmarked and marked under another key")
	assert.Contains(t, x.Missed(run.Trials)[0], "read as copy 0000000000abcdef")
	assert.Len(t, failures(run), 2)
	assert.Contains(t, x.Tables[0].Markdown(run.Trials), "| **all** | 36 | 2 | 0.16 | 4.50 / 8 | 1.0e-09 / 1.9e-09 | 4.00 |")
}

// nullWorld draws trials from a seed: checks hold by coins, correlations are about those
// of noise, and a little less on pictures.
func nullWorld(e *engine, bits func(r *rand.Rand) int) *engine {
	e.null = func(_ context.Context, leak image.Image, seed uint64, n int, each func(nulls.Trial)) error {
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range n {
			one := nulls.Trial{Correlation: .5625 + .01*r.NormFloat64(), CheckBits: bits(r)}
			if leak != nil {
				one.Correlation -= float64(leak.Bounds().Dx()) / 1e5
			}
			if one.Correlation = min(one.Correlation, .61); i == 5 && leak != nil && leak.Bounds().Dx() == 60 {
				one.Correlation, one.Checks = .63, 2
			}
			if i%32 == 0 {
				one.Agreement = 4.4 + .3*r.Float64()
			}
			each(one)
		}
		return nil
	}
	e.ruined = func(_ context.Context, _ *watermark.Key, _ watermark.Submission, _ image.Image, seed uint64, n int, each func(nulls.Trial)) error {
		for i := range n {
			each(nulls.Trial{Correlation: .7, Checks: 1, CheckBits: i % 30})
		}
		return nil
	}
	return e
}

// coin throws coins until one does not show heads, which it does heads times in so many.
func coin(heads, in int) func(r *rand.Rand) int {
	return func(r *rand.Rand) int {
		k := 0
		for k < 32 && r.IntN(in) < heads {
			k++
		}
		return k
	}
}

func nullRun(t *testing.T, e *engine, trials string, workers int) (*ruler.Experiment, ruler.Run) {
	x := falsePositives(e)
	setFlags(t, x, "--trials="+trials)
	return x, measure(t, x, &ruler.Env{Pictures: fivePictures(t)[1:4], AttackNames: []string{"none", "jpeg50"}, Workers: workers, Seed: 4})
}

func TestNullTrials(t *testing.T) {
	e := nullWorld(newWorld().engine(), coin(1, 2))
	x, run := nullRun(t, e, "24000", 3)
	g := ruler.Group(run.Trials)
	sums := g.Having("checked")
	for carrier, n := range map[string]float64{"white noise": 6000, unmarked: 3000, otherKey: 3000, unmarked + ", attacked": 9000, otherKey + ", attacked": 9000} {
		assert.InDelta(t, n, sums.Where(ruler.Is("carrier", carrier)).Count(), 0, carrier)
		bins := g.Where(ruler.And(ruler.Is("carrier", carrier), ruler.Is("statistic", "correlation")))
		assert.InDelta(t, n, bins.Count(), 0, carrier)
		assert.InDelta(t, .5625, exceeded(bins, .4, correlationBin), .02, carrier)
	}
	assert.InDelta(t, 8, sums.Sum("checked"), 0, "the sixth trial of each leak of one picture")
	low, _, high := soundness(g)
	assert.Less(t, low, 1.0)
	assert.Greater(t, high, 1.0)
	ruined := g.Where(ruler.Is("attack", "one copy"))
	assert.InDelta(t, 3, ruined.Sum("full"), 0)
	assert.InDelta(t, 600, ruined.Count(), 0)
	assert.InDelta(t, 600, ruined.Sum("in_vain"), 0)
	assert.Empty(t, x.Missed(ruined))
	assert.Contains(t, x.Tables[1].Markdown(run.Trials), "24,000 trials on pictures.")
	assert.Contains(t, x.Tables[1].Markdown(run.Trials), "| unmarked | 3,000 | 1 | 0 |")
	for i := range x.Plots {
		svg, err := x.Plots[i].SVG(run.Trials)
		require.NoError(t, err)
		assert.Contains(t, string(svg), "</svg>")
	}
	_, again := nullRun(t, e, "24000", 1)
	assert.Equal(t, run, again)
}

// A check whose bits hold too often shows, and a third ID is an alarm.
func TestNullTrialsFail(t *testing.T) {
	e := nullWorld(newWorld().engine(), coin(55, 100))
	e.ruined = func(_ context.Context, _ *watermark.Key, _ watermark.Submission, _ image.Image, _ uint64, _ int, each func(nulls.Trial)) error {
		each(nulls.Trial{Correlation: .7, Checks: 1, CheckBits: 32, Copy: 0xabc, Found: true})
		return nil
	}
	x, run := nullRun(t, e, "12000", 2)
	low, _, _ := soundness(run.Trials)
	assert.Greater(t, low, 10.0, "1.1^32")
	assert.InDelta(t, 9, ruler.Group(run.Trials).Sum("third"), 0)
	missed := x.Missed(ruler.Group(run.Trials).Having("third"))
	require.Len(t, missed, 9)
	assert.Contains(t, missed[len(missed)-1], "under mosaic of two copies read as copy 0000000000000abc")
}

// The tails are those of a sphere: in three dimensions a cap's area is that of its height.
func TestPredictions(t *testing.T) {
	assert.InDelta(t, .25, ruler.SphereTail(3, .5), 1e-12)
	assert.InDelta(t, .5, ruler.SphereTail(312, 0), 1e-12)
	assert.InEpsilon(t, 4.95e-6, codeWordTail(.62), .01)
	assert.InDelta(t, 1, codeWordTail(.4), 0)
	assert.InEpsilon(t, .0024, agreementTail(5.2), .05)
}

func TestPredictedMax(t *testing.T) {
	assert.InEpsilon(t, 1, codeWordTail(predictedMax(codeWordTail, 1e6, 1))*1e6, 1e-6)
	assert.True(t, math.IsNaN(exceeded(nil, .5, 1)))
}
