package odds_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kycmark/kycmark/verify/odds"
)

// three is a case in which A, B and C were issued copies of the same uploads. C never leaked any.
func three() *odds.Case {
	return newCase(odds.Holder{Name: "A", Copies: over(30, 119, 200)}, odds.Holder{Name: "B", Copies: over(30, 119, 200)}, odds.Holder{Name: "C", Copies: over(30, 119, 300)})
}

// carries adds a leak with the marks of some of the holders; the other holders' copies were issued and are absent.
func carries(c *odds.Case, cell int, lnE float64, of ...string) *odds.Leak {
	l := shows(c, cell)
	for _, h := range c.Holders {
		e := -6.9
		if slices.Contains(of, h.Name) {
			e = lnE
		}
		if h.Copies != nil {
			l.Copies = append(l.Copies, copyOf(h.Name, e))
		}
	}
	return l
}

// together returns the rivals of a recipient by the reason that both copies are in the same leaks.
func together(v *odds.Verdict, name string) (out []string) {
	for _, r := range v.Rivals {
		if r.Name == name && r.Why == odds.RivalTogether {
			out = append(out, r.Other)
		}
	}
	return out
}

// Colluders do not erase themselves: from two averaged leaks on both are named, as a set.
func TestColludersAreNamedTogether(t *testing.T) {
	for _, n := range []int{1, 2, 5, 20, 100} {
		c := three()
		for i := range n {
			carries(c, 30+i%90, 18, "A", "B")
		}
		v := weigh(t, c)
		assert.LessOrEqual(t, of(t, v, "C").LogE, 0.0, n)
		if n == 1 {
			assert.Empty(t, v.Named)
			assert.Greater(t, of(t, v, "A").LogE, 1.0)
			continue
		}
		assert.Equal(t, []string{"A", "B"}, v.Named, n)
		assert.Empty(t, v.Alone(), "two or one with the copies of both: not told")
		assert.Equal(t, []string{"B"}, together(v, "A"))
		assert.Equal(t, []string{"A"}, together(v, "B"))
		assert.Equal(t, []odds.Rival{{Name: "A", Other: "B", Why: odds.RivalTogether, Clusters: n, Of: n}, {Name: "B", Other: "A", Why: odds.RivalTogether, Clusters: n, Of: n}}, v.Rivals, "nothing is left unexplained")
	}
}

// The ratio for R is E_R times the prior of a coalition, whatever the evidence for the others.
func TestTheRatioDoesNotDependOnOthers(t *testing.T) {
	ratio := func(lnA, lnB float64) float64 {
		c := three()
		for range 3 {
			l := carries(c, 40, 0, "A", "B")
			l.Copies[0].LnE, l.Copies[1].LnE = lnA, lnB
		}
		return of(t, weigh(t, c), "A").Raw
	}
	assert.Equal(t, ratio(12, 12), ratio(12, 20))
	assert.Equal(t, ratio(12, 7), ratio(12, 20))
	assert.InDelta(t, 3, ratio(12, 6.9)-ratio(12, 7), 1e-6, "A alone, and beside B")
	assert.InDelta(t, 3*3/math.Ln10, ratio(15, 12)-ratio(12, 12), 0.3)
}

// C is innocent, and its e-values are chance: it is never named, and its ratio stays below 10.
func TestThirdPartiesBesideCoalitions(t *testing.T) { thirdParties(t, 40) }

func thirdParties(t *testing.T, dumps uint64) {
	top, named := 0.0, 0
	for seed := range dumps {
		rng := rand.New(rand.NewPCG(18, seed))
		c := three()
		for range 2 + rng.IntN(12) {
			s := 1 + 5*rng.Float64()
			l := carries(c, 30+rng.IntN(90), 0)
			for k := range l.Copies { // scores with unit noise, and a strength that is a little wrong
				z := rng.NormFloat64()
				if k < 2 {
					z += s * math.Exp(0.25*rng.NormFloat64())
				}
				l.Copies[k].LnE = s*z - s*s/2
			}
		}
		v := weigh(t, c)
		assert.NotContains(t, v.Named, "C", seed)
		named += len(v.Named)
		top = max(top, of(t, v, "C").LogE)
	}
	assert.Less(t, top, 1.0)
	t.Logf("%d dumps: %d names of %d colluders, the greatest log10 ratio for another is %.2f", dumps, named, 2*dumps, top)
}

// A large A and a small B: A is not hidden, and B has what its own marks are worth.
func TestLargeAndSmallColluder(t *testing.T) {
	build := func(alone, mixed int, lnA, lnB float64) *odds.Verdict {
		c := three()
		c.Holders[0].Copies, c.Holders[1].Copies = over(0, 119, 900), over(90, 99, 20)
		c.Holders[2].Copies = over(0, 119, 900)
		for i := range alone {
			l := carries(c, 2*i, 18, "A")
			l.Copies = slices.DeleteFunc(l.Copies, func(x odds.Copy) bool { return x.Recipient == "B" && (2*i < 90 || 2*i > 99) })
		}
		for i := range mixed {
			l := carries(c, 90+i, 0, "A", "B")
			l.Copies[0].LnE, l.Copies[1].LnE = lnA, lnB
		}
		return weigh(t, c)
	}
	v := build(50, 3, 18, 18)
	assert.Equal(t, []string{"A", "B"}, v.Named)
	assert.Empty(t, v.Alone())
	v = build(50, 1, 18, 18)
	assert.Equal(t, []string{"A"}, v.Named, "one person")
	assert.Equal(t, []string{"B"}, together(v, "A"))
	for _, e := range []float64{-3, 0, 2, 6} {
		v = build(50, 3, 18, e)
		assert.Equal(t, []string{"A"}, v.Named)
		assert.LessOrEqual(t, of(t, v, "B").LogE, 0.0, "marks of B: %g", e)
	}
	for _, n := range []int{1, 2, 3} { // less than leaks with B's marks alone would be worth
		own := of(t, build(50, n, -6.9, 8), "B").Raw
		assert.Less(t, of(t, build(50, n, 18, 8), "B").Raw, own-2)
	}
}

// Half of the leaks are A's alone, half are mixtures. Both are named, and B is no rest of A's.
func TestHalfMixed(t *testing.T) {
	c := three()
	for i := range 20 {
		if i%2 == 0 {
			carries(c, 30+i, 18, "A")
		} else {
			carries(c, 30+i, 18, "A", "B")
		}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"A", "B"}, v.Named)
	assert.Contains(t, v.Rivals, odds.Rival{Name: "A", Other: "B", Why: odds.RivalTogether, Clusters: 10, Of: 20})
	assert.Contains(t, v.Rivals, odds.Rival{Name: "B", Other: "A", Why: odds.RivalRest, Clusters: 10, Of: 10})
	for _, r := range v.Rivals {
		assert.False(t, r.Name == "A" && r.Why == odds.RivalRest)
	}
}

// Five colluders, of whom every leak mixes other two: all are named, and a sixth party is not.
func TestRollingPairs(t *testing.T) {
	for _, n := range []int{10, 50} {
		c := newCase()
		for i := range 6 {
			c.Holders = append(c.Holders, odds.Holder{Name: name(i), Copies: over(30, 119, 200+10*i)})
		}
		for i := range n {
			carries(c, 30+i, 18, name(i%5), name((i+1+i/5%4)%5))
		}
		v := weigh(t, c)
		assert.Equal(t, []string{name(0), name(1), name(2), name(3), name(4)}, v.Named, n)
		assert.Empty(t, v.Alone())
		assert.LessOrEqual(t, of(t, v, name(5)).LogE, 0.0)
	}
}

// Two copies that one recipient was issued of one upload are this recipient's, mixed or not.
func TestOneRecipientsTwoCopies(t *testing.T) {
	c := three()
	for i := range 5 {
		l := carries(c, 30+i, 18, "A")
		l.Copies = append(l.Copies, odds.Copy{ID: "2", Recipient: "A", LnE: 18, Miss: 0.001, Confirmed: true})
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"A"}, v.Alone())
	assert.Empty(t, v.Rivals)
}

// B held the pictures unmarked: with copies of A and C in hand it could have laid their marks there.
func TestPlantedCoalition(t *testing.T) {
	c := three()
	c.Holders = append(c.Holders, odds.Holder{Name: "H", Unmarked: over(60, 69, 1000)})
	for i := range 6 {
		carries(c, 60+i, 18, "A", "B").Unmarked = []string{"H"}
	}
	v := weigh(t, c)
	assert.Equal(t, []string{"A", "B"}, v.Named)
	for _, name := range v.Named {
		assert.Contains(t, v.Rivals, odds.Rival{Name: name, Other: "H", Why: odds.RivalHeld, Clusters: 6, Of: 6})
	}
}

// A leak with a thousand confirmed copies takes bounded time, and a verdict is a verdict also with
// e-values of any size.
func TestHostileCoalitions(t *testing.T) {
	c := newCase()
	for i := range odds.MaxHolders {
		c.Holders = append(c.Holders, odds.Holder{Name: fmt.Sprintf("holder %03d", i), Copies: over(30, 119, 500)})
	}
	for i := range 3 {
		l := shows(c, 40+i)
		for _, h := range c.Holders {
			l.Copies = append(l.Copies, copyOf(h.Name, 1e300))
		}
	}
	v := weigh(t, c)
	assert.Len(t, v.Named, 8)
	for _, r := range v.Recipients {
		require.False(t, math.IsNaN(r.Raw) || math.IsInf(r.Raw, 0), "%+v", r)
		if !slices.Contains(v.Named, r.Name) {
			assert.Equal(t, odds.TooMany, r.Code)
			assert.Zero(t, r.LogE)
		}
	}
	for _, name := range v.Named {
		assert.Len(t, together(v, name), 9, "eight names, and one for the others")
	}
}

// A sheet with copies of several uploads is a leak for each, and one picture: among the pictures that are claimed, and for
// recipients that are found together.
func TestSheetsCountOnce(t *testing.T) {
	c := three()
	c.Claimed = 4
	for i := range 2 {
		carries(c, 30+9*i, 18, "A")
		for k := range 3 {
			carries(c, 40+9*i+k, 18, []string{"A", "A", "B"}[k]).Beside = true
		}
	}
	v := weigh(t, c)
	assert.Equal(t, 2, v.Matched)
	assert.Equal(t, []string{"A", "B"}, v.Named)
	assert.Equal(t, [][]string{{"A", "B"}}, v.Together)
	for name, clusters := range map[string]int{"A": 6, "B": 2} {
		assert.Equal(t, clusters, of(t, v, name).Clusters, name)
		assert.Equal(t, 2, of(t, v, name).Pictures, name)
	}
	assert.Equal(t, []string{"B"}, together(v, "A"))
	assert.Equal(t, []string{"A"}, together(v, "B"))
	for _, bad := range []func(){func() { c.Claimed = 1 }, func() { c.Leaks[0].Beside = true }, func() { c.Leaks[3].Submission = "" }} {
		was, leaks := *c, slices.Clone(c.Leaks)
		bad()
		_, err := odds.Weigh(c)
		require.ErrorIs(t, err, odds.ErrCase)
		*c = was
		c.Leaks = leaks
	}
}
