package dsp

import "math"

// Powers returns |F|^2, the first n columns of the half spectrum, in room if that is large enough. room may be nil.
func (s Spectrum) Powers(room []float32, n int) Plane {
	p := Plane{W: n, H: s.H}
	if n := p.W * p.H; n <= len(room) {
		p.Pix = room[:n]
	} else {
		p.Pix = make([]float32, n)
	}
	for y := range p.H {
		powers(p.Row(y), s.C[y*s.Stride():][:n])
	}
	return p
}

func powers(dst []float32, src []complex64) {
	dst = dst[:len(src)]
	for i, c := range src {
		dst[i] = float32(real(c)*real(c)) + float32(imag(c)*imag(c))
	}
}

// Weigh multiplies each coefficient of the first columns by its factor in g, which may have fewer columns than s.
func (s Spectrum) Weigh(g Plane) {
	for y := range g.H {
		row, to := g.Row(y), s.C[y*s.Stride():][:g.W]
		for x, c := range to {
			to[x] = complex(float32(row[x]*real(c)), float32(row[x]*imag(c)))
		}
	}
}

// LocalPower returns the mean over the n x n bins around each bin of a half spectrum's powers p, n odd, as a new plane.
// The mean is taken twice: before the second time, peaks of p are cut at three times the first mean. So p is changed.
// floor is the share of the largest mean that is added everywhere, so that the result can be divided by.
func LocalPower(p Plane, n int, floor float32) Plane {
	r := min(n/2, p.W-1)
	work := NewPlane(p.W+2*r, p.H)
	m := spectralBox(work, p, r)
	for y := range p.H {
		dst, mean := p.Row(y), m.Row(y)
		for x := range dst {
			dst[x] = min(dst[x], 3*mean[x])
		}
	}
	m = spectralBox(work, p, r)
	_, peak := extent(m)
	add := float32(floor*max(peak, 0)) + 1e-20
	for i := range m.Pix {
		m.Pix[i] += add
	}
	return m
}

// spectralBox returns the mean over the 2r+1 x 2r+1 bins around each bin of a half spectrum p that goes on over its
// edges: rows wrap, columns continue as F(-u,-v) = conj F(u,v). r must be below p.W. The result lies in the memory of
// work, which has the rows of p and r more columns to either side. p is not changed.
func spectralBox(work, p Plane, r int) Plane {
	in, mean := NewPlane(Lanes, p.H+2*r), NewPlane(Lanes, p.H+2*r)
	for x := 0; x < work.W; x += Lanes {
		lanes := min(Lanes, work.W-x)
		inside := lanes == Lanes && x >= r && x-r+Lanes <= p.W
		for y := range in.H {
			v := (y - r) % p.H
			if v < 0 {
				v += p.H
			}
			if dst := in.Pix[y*Lanes:]; inside {
				row := [Lanes]float32(p.Pix[v*p.W+x-r:])
				*(*[Lanes]float32)(dst) = row
			} else {
				beyondSpectrum(dst[:lanes], p, x-r, v)
			}
		}
		boxBlock(mean, in, 0, lanes, 2*r+1)
		for y := range p.H {
			src, dst := mean.Pix[(y+r)*Lanes:], work.Pix[y*work.W+x:]
			if lanes == Lanes {
				row := [Lanes]float32(src)
				*(*[Lanes]float32)(dst) = row
			} else {
				copy(dst[:lanes], src)
			}
		}
	}
	boxRows(work, 2*r+1)
	out := Plane{W: p.W, H: p.H, Pix: work.Pix[:p.W*p.H]}
	for y := range p.H {
		copy(out.Row(y), work.Row(y)[r:])
	}
	return out
}

// beyondSpectrum copies len(dst) bins of row y of a half spectrum of powers, from column x on. x
// may be negative, and columns may lie beyond the last: these are read from the opposite row.
func beyondSpectrum(dst []float32, p Plane, x, y int) {
	row, opposite := p.Row(y), p.Row((p.H-y)%p.H)
	for i := range dst {
		switch u := x + i; {
		case u < 0:
			dst[i] = opposite[-u]
		case u < p.W:
			dst[i] = row[u]
		default:
			dst[i] = opposite[2*(p.W-1)-u]
		}
	}
}

// MaxAbs returns the largest absolute value of any real or imaginary part of c, and 0 if c is empty. No part may be NaN.
func MaxAbs(c []complex64) float32 {
	found, n := float32(0), batched(len(c), 8)
	if n > 0 {
		found = maxAbsAVX2(&c[0], n)
	}
	const sign = 1 << 31
	bits := math.Float32bits(found) // of numbers without a sign, bits are in the order of the numbers
	for _, v := range c[n:] {
		bits = max(bits, math.Float32bits(real(v))&^sign, math.Float32bits(imag(v))&^sign)
	}
	return math.Float32frombits(bits)
}
