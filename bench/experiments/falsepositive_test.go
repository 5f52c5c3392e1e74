package experiments_test

import (
	"encoding/json"
	"image"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	bench "github.com/kycmark/kycmark/bench/experiments"
	"github.com/kycmark/kycmark/internal/mark/blind"
)

// nullWorld draws trials from a seed: checks hold by fair coins, correlations are
// about those of noise, and a little less on pictures.
func nullWorld(fake bench.Fake, bits func(r *rand.Rand) int) bench.Fake {
	fake.Null = func(leak image.Image, seed uint64, n int, each func(blind.NullTrial)) {
		r := rand.New(rand.NewPCG(seed, 1))
		for i := range n {
			one := blind.NullTrial{Correlation: .5625 + .01*r.NormFloat64(), CheckBits: bits(r)}
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
	}
	fake.Ruined = func(seed uint64, n int, each func(blind.NullTrial)) {
		for i := range n {
			each(blind.NullTrial{Correlation: .7, Checks: 1, CheckBits: i % 30})
		}
	}
	return fake
}

func coins(r *rand.Rand) int {
	k := 0
	for k < 32 && r.IntN(2) == 0 {
		k++
	}
	return k
}

func nullReport(t *testing.T, fake bench.Fake, trials, workers int) *bench.FalsePositiveReport {
	rep, err := fake.FalsePositives(t.Context(), bench.Config{
		Pictures: fivePictures(t)[1:4], Attacks: []string{"none", "jpeg50"}, Trials: trials, Workers: workers, Seed: 4,
	})
	require.NoError(t, err)
	require.NotNil(t, rep.Null)
	return rep
}

func TestNullReport(t *testing.T) {
	fake := nullWorld(newWorld().fake(), coins)
	rep := nullReport(t, fake, 24_000, 3)
	n := rep.Null
	assert.Equal(t, 24_000, n.Trials)
	require.Len(t, n.Kinds, 6)
	want := map[string]int{"white noise": 6000, "unmarked": 3000, "marked under another key": 3000,
		"unmarked, attacked": 9000, "marked under another key, attacked": 9000, "**all pictures**": 24_000}
	for _, k := range n.Kinds {
		assert.Equal(t, want[k.Name], k.Trials, k.Name)
		assert.InDelta(t, .5625, float64(k.Correlation.Quantiles[3]), .02, k.Name)
	}
	all := n.Kinds[5]
	assert.Equal(t, 8, all.Checked, "the sixth trial of each leak of one picture")
	assert.InDelta(t, bench.UpperBound(8, 24_000, .95), all.Upper95, 1e-12)
	assert.InDelta(t, .63, all.Correlation.Most, 1e-12)
	assert.Contains(t, n.Kinds[1].File, "picture1.bmp")
	assert.InDelta(t, 24_000, all.Correlation.N, 0)
	for _, b := range n.Bits {
		assert.InDelta(t, 24_000/math.Exp2(float64(b.Bits)), b.Expected, 1e-9)
		assert.Less(t, b.Low95, 1.0, "%d bits", b.Bits)
		assert.Greater(t, b.High95, 1.0, "%d bits", b.Bits)
	}
	assert.Less(t, n.Sound.Low, 1.0)
	assert.Greater(t, n.Sound.High, 1.0)
	assert.Greater(t, n.PerPlace, 0.0)
	require.Len(t, n.Ruined, 3)
	assert.Equal(t, 3, n.Ruined[0].Readings)
	assert.Equal(t, 600, n.Ruined[0].Trials)
	assert.Equal(t, 600, n.Ruined[0].Checked)
	assert.Contains(t, rep.Markdown(), "**24000 cheap trials**")
	assert.Equal(t, 3, strings.Count(n.SVG(), "<rect x="))
	_, err := json.Marshal(rep)
	require.NoError(t, err)

	again := nullReport(t, fake, 24_000, 1)
	assert.Equal(t, n.Bits, again.Null.Bits)
	assert.Equal(t, n.Kinds[5].Correlation, again.Null.Kinds[5].Correlation)
}

// A check whose bits hold too often shows, and a third ID is an alarm.
func TestNullReportFails(t *testing.T) {
	fake := nullWorld(newWorld().fake(), func(r *rand.Rand) int {
		k := 0
		for k < 32 && r.IntN(100) < 55 {
			k++
		}
		return k
	})
	fake.Ruined = func(_ uint64, n int, each func(blind.NullTrial)) {
		each(blind.NullTrial{Correlation: .7, Checks: 1, CheckBits: 32, Copy: 0xabc, Found: true})
	}
	rep := nullReport(t, fake, 12_000, 2)
	assert.Greater(t, rep.Null.Sound.Low, 10.0, "1.1^32")
	assert.Greater(t, rep.Null.Bits[4].Low95, 1.0)
	third := 0
	for _, f := range rep.Found {
		if f.Copy == "0000000000000abc" {
			third++
		}
	}
	assert.Equal(t, 9, third)
	assert.Equal(t, 3, rep.Null.Ruined[2].Third)
	assert.Contains(t, rep.Markdown(), "(marked under the same key) under mosaic of two copies, ruined read as copy 0000000000000abc")
}

// The limits are those of scipy.stats.beta, the tails those of a sphere: in three
// dimensions a cap's area is that of its height.
func TestPredictions(t *testing.T) {
	assert.InDelta(t, .25, bench.SphereTail(3, .5), 1e-12)
	assert.InDelta(t, .5, bench.SphereTail(312, 0), 1e-12)
	assert.InEpsilon(t, 4.95e-6, bench.CodeWordTail(.62), .01)
	assert.InDelta(t, 1, bench.CodeWordTail(.4), 0)
	assert.InEpsilon(t, .0024, bench.AgreementTail(5.2), .05)
	assert.InDelta(t, 1-bench.UpperBound(95, 100, .975), bench.LowerBound(5, 100, .975), 1e-12)
	assert.InEpsilon(t, .01643, bench.LowerBound(5, 100, .975), .001)
	assert.InEpsilon(t, .50098, bench.UpperBound(500_000, 1_000_000, .975), 1e-4)
}
