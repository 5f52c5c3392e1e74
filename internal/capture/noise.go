package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
)

// A noiseProof is how much of the original's noise is in a leak.
type noiseProof struct {
	blocks        int
	second, third float64 // energies of octaves of the original there, in parts of the finest
	gain          float64 // 1 where all of it is there
	z             float64 // in deviations of the null
}

// octaves returns the mean energy of a coefficient, grey levels squared, in the three finest
// octaves of a square (Haar, 1910), the finest first. The square has 16 pixels a side, from (x, y)
// of p. White noise has equal energies; what went through a lens has rising energies.
func octaves(p dsp.Plane, x, y int) (e [3]float64) {
	var b [whiteBlock * whiteBlock]float32
	for j := range whiteBlock {
		copy(b[j*whiteBlock:], p.Row(y + j)[x:x+whiteBlock])
	}
	side := whiteBlock
	for k := range e {
		half := side / 2
		var next [whiteBlock * whiteBlock / 4]float32
		sum := 0.0
		for j := range half {
			for i := range half {
				at := 2*j*side + 2*i
				a, c, d, f := b[at], b[at+1], b[at+side], b[at+side+1]
				h, v, g := (a-c+d-f)/2, (a+c-d-f)/2, (a-c-d+f)/2
				sum += float64(h*h) + float64(v*v) + float64(g*g)
				next[j*half+i] = (a + c + d + f) / 2
			}
		}
		e[k] = sum / float64(3*half*half)
		copy(b[:half*half], next[:half*half])
		side = half
	}
	return e
}

// noise looks for the original's noise in the leak, in blocks in which the original shows only
// noise. Whatever is printed went through a lens, so that its finest octave is the weakest; noise
// did not. f is the fit of s. The result is 0 if there are no such blocks. Noise is looked for once.
func (s *Sight) noise(f *photometry.Fit) noiseProof {
	if s.sensor == nil {
		n := s.findNoise(f)
		s.sensor = &n
	}
	return *s.sensor
}

// findNoise is [Sight.noise] without keeping the result.
func (s *Sight) findNoise(f *photometry.Fit) (n noiseProof) {
	inv, ok := s.H.Inverse()
	if !ok {
		return n
	}
	full := s.on.coarse()
	kx, ky := float64(s.view.W)/float64(full.W), float64(s.view.H)/float64(full.H)
	pred, seen := dsp.HighPass(f.Predicted, noiseHigh), dsp.HighPass(s.Leak, noiseHigh)
	var sums [3]float64
	var cov [shifts + 1]float64
	for y := 0; y+whiteBlock <= full.H; y += whiteBlock {
		for x := 0; x+whiteBlock <= full.W; x += whiteBlock {
			c := geometry.Point{X: float64((float64(x)+whiteBlock/2)*kx) - 0.5, Y: float64((float64(y)+whiteBlock/2)*ky) - 0.5}
			r, ok := s.square(inv, c, f)
			if !ok {
				continue
			}
			e := octaves(full, x, y)
			if e[0] < minEnergy || e[0] > maxEnergy || e[1] > secondMax*e[0] || e[2] > thirdMax*e[0] {
				continue
			}
			n.blocks++
			for k := range sums {
				sums[k] += e[k]
			}
			r.covary(pred, seen, &cov)
		}
	}
	if n.blocks == 0 {
		return n
	}
	n.second, n.third = sums[1]/sums[0], sums[2]/sums[0]
	null := 0.0
	for _, v := range cov[1:] {
		null += float64(v * v)
	}
	n.gain = cov[0] / float64(n.blocks)
	n.z = cov[0] / math.Sqrt(null/shifts+1e-12)
	return n
}

// A square of the leak.
type square struct{ x, y, side int }

// square returns where a block of the original lies in the leak. c is the middle of the block, canonical pixels, and
// inv maps canonical pixels to pixels of the leak. ok is false if the square is under 4 pixels a side or too near an
// edge for covary. ok is also false if f does not trust one of its corners.
func (s *Sight) square(inv geometry.Mat, c geometry.Point, f *photometry.Fit) (r square, ok bool) {
	q := inv.Apply(c)
	side := int((whiteBlock - 4) * s.Scale * float64(s.view.W) / float64(s.on.coarse().W))
	x, y := int(q.X+0.5)-side/2, int(q.Y+0.5)-side/2
	const room = 2 * shiftBy
	if side < 4 || !(x >= room && y >= room && x+side+room <= s.Leak.W && y+side+room <= s.Leak.H) {
		return r, false
	}
	for j := y; j < y+side; j += side - 1 {
		for i := x; i < x+side; i += side - 1 {
			if f.Weight.Pix[j*s.Leak.W+i] == 0 {
				return r, false
			}
		}
	}
	return square{x, y, side}, true
}

// covary adds to into the covariances of a and b over the square, each divided by the power of a
// and cut to [-2, 2]. into[0] is of a and b as they lie. The others have b moved aside by shiftBy
// pixels in eight directions: what chance gives.
func (r square) covary(a, b dsp.Plane, into *[shifts + 1]float64) {
	moves := [shifts + 1][2]int{{}, {shiftBy, 0}, {-shiftBy, 0}, {0, shiftBy}, {0, -shiftBy}, {shiftBy, shiftBy}, {-shiftBy, shiftBy}, {shiftBy, -shiftBy}, {-shiftBy, -shiftBy}}
	power := 1e-3
	for y := r.y; y < r.y+r.side; y++ {
		for _, v := range a.Pix[y*a.W+r.x:][:r.side] {
			power += float64(v * v)
		}
	}
	for k, m := range moves {
		sum := 0.0
		for y := r.y; y < r.y+r.side; y++ {
			p, q := a.Pix[y*a.W+r.x:][:r.side], b.Pix[(y+m[1])*b.W+r.x+m[0]:][:r.side]
			for i, v := range p {
				sum += float64(v * q[i])
			}
		}
		into[k] += min(max(sum/power, -2), 2)
	}
}

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
