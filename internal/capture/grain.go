package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
)

// A Grain compares what little there is in blocks that are flat: noise of the sensor, paper.
// All but Flat are medians over the blocks, and 0 without blocks.
type Grain struct {
	Flat  int     // blocks that are compared
	Same  float64 // correlation of the leak's grain with the original's, -1..1
	Power float64 // power of the leak's grain, in parts of the original's
	Even  float64 // first decile of that power in parts of its median: near 0 if a codec wiped grain out in places
}

// grain compares the grain of the flat blocks that are neither covered, black nor white. softening is the blur of the
// leak against the original, deviation in pixels. The original gets the same blur first.
func (s *sheet) grain(blocks []block, softening float64) (g Grain) {
	v := float64(softening * softening)
	l := band(s.leak, grainFine, grainCoarse)
	o := band(s.orig, math.Sqrt(grainFine*grainFine+v), math.Sqrt(grainCoarse*grainCoarse+v))
	var gains, powers []float32
	for i := range blocks {
		b := &blocks[i]
		if b.covered || b.textured || !s.exposed(b) {
			continue
		}
		m, _ := s.moments(o, l, b.x, b.y, s.side)
		d, _ := s.moments(s.o, s.l, b.x, b.y, s.side)
		if d.oo > maxFlat*maxFlat || m.oo < minGrain*minGrain {
			continue
		}
		gains, powers = append(gains, float32(m.ol/m.oo)), append(powers, float32(m.ll/m.oo))
	}
	if g.Flat = len(gains); g.Flat > 0 {
		gain := float64(dsp.Select(gains, g.Flat/2))
		g.Power = float64(dsp.Select(powers, g.Flat/2))
		g.Same = gain / math.Sqrt(g.Power+1e-9)
		g.Even = float64(dsp.Select(powers, g.Flat/10)) / (g.Power + 1e-9)
	}
	return g
}

// exposed reports whether a block is neither black nor white, in the leak and in the original.
func (s *sheet) exposed(b *block) bool {
	var o, l float64
	for j := b.y; j < b.y+s.side; j++ {
		i := j*s.orig.W + b.x
		for k := range s.side {
			o += float64(s.orig.Pix[i+k])
			l += float64(s.leak.Pix[i+k])
		}
	}
	n := float64(s.side * s.side)
	o, l = o/n, l/n
	return o > dark && o < bright && l > dark && l < bright
}

// foreign reports whether the leak has grain, but not the original's. Codecs and denoisers
// wipe grain out unevenly, which is no sign of another capture.
func (g *Grain) foreign() bool {
	gain := float64(g.Same * math.Sqrt(g.Power))
	return g.Flat >= minFlat && slices.ContainsFunc(foreignGrains, func(f foreignGrain) bool {
		return g.Even >= f.minEven && g.Power >= f.minPower && g.Power < f.maxPower && g.Same < f.maxSame && gain < f.maxGain
	})
}
