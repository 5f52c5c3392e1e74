package verify_test

import (
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify"
)

func TestLogChoose(t *testing.T) {
	for n := range 60 {
		for k := range n + 1 {
			want, _ := new(big.Float).SetInt(new(big.Int).Binomial(int64(n), int64(k))).Float64()
			assert.InDelta(t, math.Log10(want), verify.LogChoose(n, k), 1e-9, "%d over %d", n, k)
		}
	}
	require.True(t, math.IsInf(verify.LogChoose(3, 4), -1))
	require.True(t, math.IsInf(verify.LogChoose(3, -1), -1))
}

// tail is P(at least n successes in m trials), exactly.
func tail(n, m int, p float64) float64 {
	sum := 0.0
	for k := n; k <= m; k++ {
		sum += math.Exp(verify.LogChoose(m, k)*math.Ln10 + float64(k)*math.Log(p) + float64(m-k)*math.Log1p(-p))
	}
	return sum
}

// The bound holds where it can be computed exactly: reads by chance of m leaks,
// each with probability p and then of any one of r recipients.
func TestFamilyWiseIsAnUpperBound(t *testing.T) {
	for _, m := range []int{1, 5, 40, 400} {
		for _, p := range []float64{1e-2, 1e-4, 1e-9} {
			for _, r := range []int{1, 6} {
				for n := 1; n <= min(m, 4); n++ {
					exact := -math.Expm1(float64(r) * math.Log1p(-tail(n, m, p/float64(r)))) // each recipient alike
					bound := verify.FamilyWise(n, m, r, math.Log10(p))
					assert.LessOrEqual(t, math.Log10(math.Max(exact, 1e-300)), bound+1e-6, "n=%d m=%d p=%g r=%d", n, m, p, r)
					assert.LessOrEqual(t, bound, 0.0)
				}
			}
		}
	}
	require.Zero(t, verify.FamilyWise(0, 10, 3, -9))
}

func TestFamilyWiseGrowsWithTheSearch(t *testing.T) {
	base := verify.FamilyWise(2, 100, 5, -9)
	require.Greater(t, verify.FamilyWise(2, 1000, 5, -9), base, "more leaks")
	require.Greater(t, verify.FamilyWise(2, 100, 50, -9), base, "more recipients")
	require.Greater(t, verify.FamilyWise(2, 100, 5, -8), base, "weaker reads")
	require.Less(t, verify.FamilyWise(3, 100, 5, -9), base, "more evidence")
}

// The rule of three is on the safe side of the exact bound 1 - 0.05^(1/n).
func TestValidationCap(t *testing.T) {
	for _, n := range []int{4, 10, 300, 3000, 1_000_000} {
		exact := -math.Log10(1 - math.Pow(0.05, 1/float64(n)))
		assert.LessOrEqual(t, verify.ValidationCap(n), exact)
		assert.InDelta(t, exact, verify.ValidationCap(n), 0.25)
	}
	for _, n := range []int{-1, 0, 3} {
		assert.Zero(t, verify.ValidationCap(n), "nothing is validated, nothing may be claimed")
	}
}

func TestRecipientOddsAreCapped(t *testing.T) {
	lr, capped := verify.RecipientOdds(12, 400, 5, -9.1, 3000)
	require.True(t, capped)
	require.InDelta(t, 3, lr, 1e-9)
	lr, capped = verify.RecipientOdds(1, 10_000, 50, -6.5, 3000)
	require.False(t, capped)
	require.InDelta(t, 6.5-4-math.Log10(50), lr, 1e-6)
	lr, _ = verify.RecipientOdds(1, 10_000, 50, -3, 3000)
	require.Zero(t, lr, "a read that chance explains is no evidence")
}

// Stated ratios are whole multiples of 1e-6, so that the last bits of a CPU's
// logarithms neither name anybody nor show.
func TestStatedOddsAreRounded(t *testing.T) {
	whole := func(x float64) { require.Equal(t, math.Round(x*1e6)/1e6, x) }
	for n := 1; n < 40; n++ {
		lr, _ := verify.RecipientOdds(n, 397, 7, -2.71828182845, 1_000_000)
		whole(lr)
		whole(verify.ValidationCap(7 * n))
	}
	require.InDelta(t, 19_564.445199871, verify.LogChoose(65_000, 32_500), 1e-6, "a large dump")
	lr, _ := verify.RecipientOdds(1, 1, 1, math.Nextafter(-1, 0), 3000)
	require.Equal(t, 1.0, lr, "a last bit below the limit of naming is no difference")
}

func TestRangeCap(t *testing.T) {
	require.InDelta(t, 14_520, verify.RangeCap(120), 1e-9, "verdict model, section 1: at most about 1.5e4")
	require.InDelta(t, 2, verify.RangeCap(0), 1e-9)
}

func TestWords(t *testing.T) {
	for lr, want := range map[float64]string{
		0: "no support either way", 0.2: "no support either way", 0.4: "weak support", 1: "moderate support",
		2: "moderately strong support", 3: "strong support", 3.99: "strong support", 4: "very strong support", 7: "extremely strong support",
		-0.2: "no support either way", -3: "strong support for the alternative",
	} {
		assert.Equal(t, want, verify.Words(lr), "%v", lr)
	}
}

func TestSpanMonths(t *testing.T) {
	require.Equal(t, 1, verify.SpanMonths(time.Time{}, time.Time{}))
	require.Equal(t, 1, verify.SpanMonths(feb, feb))
	require.Equal(t, 2, verify.SpanMonths(feb, feb.AddDate(0, 1, 0)))
	require.Equal(t, 120, verify.SpanMonths(time.Date(2016, 1, 31, 0, 0, 0, 0, time.UTC), time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)))
}
