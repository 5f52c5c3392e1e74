package pattern

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLnBessel0AgainstItsIntegral(t *testing.T) {
	for _, x := range []float64{0, 0.1, 1, 3.7, 3.8, 10, 60} {
		const n = 20000
		sum := 0.0
		for i := range n {
			sum += math.Exp(x * (math.Cos(math.Pi*(float64(i)+0.5)/n) - 1))
		}
		assert.InDelta(t, math.Log(sum/n)+x, lnBessel0(x), 1e-6, x)
	}
}

// What chance gives is never more than the bound says, and not much less.
func TestAgreementByChance(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 6))
	for _, uneven := range []float64{0, 2} {
		var size [PilotN]float64
		energy := 0.0
		for k := range size {
			size[k] = math.Exp(uneven * r.NormFloat64())
			energy += size[k] * size[k]
		}
		const trials = 200_000
		beyond := map[float64]int{2: 0, 3: 0, 4: 0}
		bound := map[float64]float64{}
		var amp [PilotN]complex64
		for k, a := range size {
			amp[k] = complex(0, float32(a)) // only sizes count
		}
		for z := range beyond {
			bound[z] = math.Exp(LnAgreement(&amp, z*math.Sqrt(energy/2)))
			assert.LessOrEqual(t, bound[z], math.Exp(-z*z/2)+1e-9)
		}
		for range trials {
			sum := 0.0
			for _, a := range size {
				sum += a * math.Cos(2*math.Pi*r.Float64())
			}
			for z := range beyond {
				if sum >= z*math.Sqrt(energy/2) {
					beyond[z]++
				}
			}
		}
		for z, n := range beyond {
			assert.LessOrEqual(t, float64(n), bound[z]*trials+4*math.Sqrt(bound[z]*trials), "%v %v", uneven, z)
		}
		assert.Greater(t, float64(beyond[2]), bound[2]*trials/20)
	}
	var all [PilotN]complex64
	for k := range all {
		all[k] = 1
	}
	assert.Less(t, LnAgreement(&all, 0.99*PilotN), -60.0)
	assert.Zero(t, LnAgreement(&all, -1))
	assert.Zero(t, LnAgreement(&[PilotN]complex64{}, 1))
}
