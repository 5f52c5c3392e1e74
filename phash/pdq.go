package phash

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// PDQ after the reference of facebook/ThreatExchange (pdq/cpp, commit baefb4ed) and its paper "The TMK+PDQF video-hashing
// algorithm and the PDQ image-hashing algorithm" (Facebook, 2019): luma, tent blur, 64 × 64 grid, the 16 × 16 lowest
// frequencies of its cosine transform without frequency 0, and a bit for each coefficient that is above their median.

// Step is the side in pixels to which the reference's file reader reduces larger pictures: Step x Step pixels that
// are equally spaced, with positions rounded down.
const Step = 512

// waves is the number of frequencies kept along each axis: 1 to 16, in half cycles per side.
const waves = 16

type spectrum [waves][waves]float32

// quality returns how much there is to see in the grid, 0 to 100. It is the sum of the steps
// between neighbours, each in whole percent of the range from black to white, divided by 90.
func (g *grid) quality() int {
	sum := 0
	for y := range g {
		for x := range g[y] {
			if y+1 < gridSide {
				sum += percent(g[y][x] - g[y+1][x])
			}
			if x+1 < gridSide {
				sum += percent(g[y][x] - g[y][x+1])
			}
		}
	}
	return min(sum/90, 100)
}

func percent(step float32) int {
	p := int(step * 100 / 255)
	return max(p, -p)
}

// transform returns the cosine transform of the grid at frequencies 1 to 16 along both axes. Each coefficient is summed
// in the order of the samples, down and then across.
func (g *grid) transform() *spectrum {
	var half [waves][gridSide]float32 // transformed along y alone
	var weights [waves][gridSide]float32
	root := float32(math.Sqrt(2.0 / gridSide)) // rounded, as each product is, by the reference
	for i := range half {
		for k := range g {
			weights[i][k] = float32(float64(root) * cosine(4*(i+1)*(2*k+1))) // √(2/64)·cos(π/128·(i+1)·(2k+1))
			dsp.AddScaled(half[i][:], g[k][:], weights[i][k])
		}
	}
	var turned [gridSide][waves]float32
	for i := range half {
		for k, v := range half[i] {
			turned[k][i] = v
		}
	}
	var t, s spectrum
	for j := range t {
		for k := range turned {
			dsp.AddScaled(t[j][:], turned[k][:], weights[j][k])
		}
	}
	for i := range s {
		for j := range t {
			s[i][j] = t[j][i]
		}
	}
	return &s
}

// bits returns a bit for each coefficient, set if it is above the lower median of all. Coefficient
// (0, 0) is the last bit of the last word.
func (s *spectrum) bits() (b [4]uint64) {
	var all [waves * waves]float32
	for i := range s {
		copy(all[waves*i:], s[i][:])
	}
	median := dsp.Select(all[:], len(all)/2-1)
	for i := range s {
		for j, v := range s[i] {
			if v > median {
				k := waves*i + j
				b[3-k/64] |= 1 << (k % 64)
			}
		}
	}
	return b
}
