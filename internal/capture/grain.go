package capture

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
)

// grain compares the grain of flat blocks, on the finest band.
func (n *Likeness) grain(s *sheet, blocks []block) {
	v := float64(n.Softening * n.Softening)
	l := band(s.leak, grainFine, grainCoarse)
	o := band(s.orig, math.Sqrt(grainFine*grainFine+v), math.Sqrt(grainCoarse*grainCoarse+v))
	var gains, powers []float32
	for i := range blocks {
		b := &blocks[i]
		if b.covered || b.textured {
			continue
		}
		if !s.exposed(b) {
			continue
		}
		m, _ := s.moments(o, l, b.x, b.y, s.side)
		d, _ := s.moments(s.o, s.l, b.x, b.y, s.side)
		if d.oo > maxFlat*maxFlat || m.oo < minGrain*minGrain {
			continue
		}
		gains, powers = append(gains, float32(m.ol/m.oo)), append(powers, float32(m.ll/m.oo))
	}
	if n.Flat = len(gains); n.Flat > 0 {
		gain := float64(dsp.Select(gains, n.Flat/2))
		n.GrainPower = float64(dsp.Select(powers, n.Flat/2))
		n.Grain = gain / math.Sqrt(n.GrainPower+1e-9)
		n.GrainMin = float64(dsp.Select(powers, n.Flat/10)) / (n.GrainPower + 1e-9)
	}
}

// exposed reports whether a block is neither black nor white in either.
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

// foreignGrain reports whether the leak has grain, but not the original's. Codecs
// and denoisers wipe grain out unevenly, which is no sign of another capture.
func (n *Likeness) foreignGrain() bool {
	if n.Flat < minFlat {
		return false
	}
	plain := n.GrainMin >= 0.3 && n.GrainPower >= 0.25 && n.GrainPower < 1.5 && n.Grain < 0.15
	coded := n.GrainMin >= 0.5 && n.GrainPower >= 0.1 && n.Grain < 0.05
	gain := float64(n.Grain * math.Sqrt(n.GrainPower))
	noisy := n.GrainMin >= 0.15 && n.GrainPower >= 1 && gain < 0.35 && n.Grain < 0.15
	return plain || coded || noisy
}
