package odds

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// someRows are clusters of a few kinds with columns that differ by many decades.
func someRows(rng *rand.Rand, n, columns int) *rows {
	r := &rows{col: make([][]float64, columns), ln: make([][]float64, columns)}
	for n > 0 {
		k := 1 + rng.IntN(min(n, 6))
		n -= k
		r.count = append(r.count, float64(k))
		top := 0.0
		var v []float64
		for range columns {
			x := math.Exp(-20 * rng.Float64() * rng.Float64())
			if rng.IntN(5) == 0 {
				x = 0
			}
			v = append(v, x)
			top = math.Max(top, x)
		}
		if top == 0 {
			v[rng.IntN(columns)], top = 1, 1
		}
		for c, x := range v {
			r.col[c] = append(r.col[c], x/top)
			r.ln[c] = append(r.ln[c], ln(x/top))
		}
	}
	r.rule = newRule(r.n())
	return r
}

// lnAssigned is the mean over Dirichlet(1/2) shares exactly, by another way: the shares
// integrated out, the sources of all clusters summed over, by how many each source has
// (Dirichlet-multinomial: prod Gamma(n_h + 1/2)/Gamma(1/2) x Gamma(k/2)/Gamma(n + k/2)).
func lnAssigned(r *rows, cols []int) float64 {
	type counts [3]int
	sums := map[counts]float64{{}: 1}
	n := 0
	for t, m := range r.count {
		for range int(m) {
			n++
			next := make(map[counts]float64)
			for c, v := range sums {
				for h, col := range cols {
					d := c
					d[h]++
					next[d] += v * r.col[col][t]
				}
			}
			sums = next
		}
	}
	total := 0.0
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	for c, v := range sums {
		if v == 0 {
			continue
		}
		w := lg(float64(len(cols))/2) - lg(float64(n)+float64(len(cols))/2)
		for h := range cols {
			w += lg(float64(c[h])+0.5) - lg(0.5)
		}
		total += math.Exp(w + math.Log(v))
	}
	return math.Log(total)
}

func TestMeanOverSharesIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for _, n := range []int{1, 2, 3, 5, 9, 17, 40} {
		for range 8 {
			r := someRows(rng, n, 3)
			for _, cols := range [][]int{{0}, {0, 1}, {2, 1}, {0, 1, 2}, {2, 0, 1}} {
				want := lnAssigned(r, cols)
				_, peak := r.lnMax(cols, 40, math.Inf(-1))
				got := r.lnMean(cols, peak)
				if math.IsInf(want, -1) {
					assert.True(t, math.IsInf(got, -1))
					continue
				}
				assert.InDelta(t, want, got, 1e-7, "n=%d %v", n, cols)
			}
		}
	}
}

// Beyond what can be summed exactly: a dense grid of Dirichlet(1/2) shares, no part left out.
func TestMeanOverSharesOfManyLeaks(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 2))
	for _, n := range []int{400, 1500} {
		r := someRows(rng, n, 3)
		_, peak := r.lnMax([]int{0, 1, 2}, 40, math.Inf(-1))
		got := r.lnMean([]int{0, 1, 2}, peak)
		const steps = 250
		var want sum
		for i := range steps {
			z := (float64(i) + 0.5) / steps
			for j := range steps {
				c := math.Cos((float64(j) + 0.5) / steps * math.Pi / 2)
				p := [3]float64{(1 - z*z) * c * c, (1 - z*z) * (1 - c*c), z * z}
				want.add(r.lnAt([]int{0, 1, 2}, p))
			}
		}
		assert.InDelta(t, want.ln()-2*math.Log(steps), got, 1e-4, n)
	}
}

func TestBoundsHold(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 3))
	for range 300 {
		r := someRows(rng, 1+rng.IntN(60), 3)
		for _, cols := range [][]int{{0, 1}, {0, 1, 2}} {
			for _, steps := range []int{1, 6, 40} {
				bound, p := r.lnMax(cols, steps, math.Inf(-1))
				if math.IsInf(bound, -1) {
					continue
				}
				require.GreaterOrEqual(t, bound+1e-9, r.lnAt(cols, p))
				require.GreaterOrEqual(t, r.ceiling(cols)+1e-9, r.lnAt(cols, p))
				require.GreaterOrEqual(t, bound+1e-9, r.lnMean(cols, p))
				for range 20 { // of any shares
					a, b := rng.Float64(), rng.Float64()
					q := [3]float64{a, (1 - a) * b, (1 - a) * (1 - b)}
					if len(cols) == 2 {
						q = [3]float64{a, 1 - a}
					}
					require.GreaterOrEqual(t, bound+1e-9, r.lnAt(cols, q))
				}
			}
		}
	}
}

func TestGaussLegendre(t *testing.T) {
	for _, n := range []int{2, 4, 20, 400} {
		x, w := gaussLegendre(n)
		for power := range n { // of squares: degree 2 power, exact up to 2n - 1
			sum := 0.0
			for i := range x {
				sum += w[i] * math.Pow(x[i], float64(power))
			}
			assert.InDelta(t, 1/float64(2*power+1), sum, 1e-12, "%d nodes, x^%d", n, 2*power)
		}
	}
}

func TestLogarithms(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 6))
	for range 100_000 {
		x := math.Exp(1400*rng.Float64() - 700)
		assert.InEpsilon(t, math.Log(x), ln(x), 1e-15)
		y := 1400*rng.Float64() - 700
		assert.InEpsilon(t, math.Exp(y), exp(y), 2e-13) // the reference is no closer for large y
		z := 0.5 + rng.Float64()
		assert.InDelta(t, math.Log(z), ln(z), 4e-16)
		assert.InEpsilon(t, math.Exp(z), exp(z), 1e-15)
	}
	assert.True(t, math.IsInf(ln(0), -1))
	assert.Zero(t, exp(math.Inf(-1)))
}
