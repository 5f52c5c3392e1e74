package dsp

// Powers returns |F|^2, the half spectrum as a plane.
func (s Spectrum) Powers() Plane {
	p := NewPlane(s.Stride(), s.H)
	for i := powersFast(p.Pix, s.C); i < len(s.C); i++ {
		c := s.C[i]
		p.Pix[i] = float32(real(c)*real(c)) + float32(imag(c)*imag(c))
	}
	return p
}

// Weigh multiplies the coefficients by real factors, as many.
func (s Spectrum) Weigh(g []float32) {
	g = g[:len(s.C)]
	for i := weighFast(s.C, g); i < len(g); i++ {
		c := s.C[i]
		s.C[i] = complex(float32(g[i]*real(c)), float32(g[i]*imag(c)))
	}
}

// LocalPower is the mean over n x n bins of a half spectrum's powers, a second
// time with peaks cut at three times the first mean; floor is a share of the
// greatest mean that is added throughout.
func LocalPower(p Plane, n int, floor float32) Plane {
	r := min(n/2, p.W-1)
	ext, box := NewPlane(p.W+2*r, p.H+2*r), NewPlane(p.W+2*r, p.H+2*r)
	spectralBox(box, ext, p, r)
	cut := p.Clone()
	for y := range p.H {
		dst, mean := cut.Row(y), box.Row(y + r)[r:r+p.W]
		for x := capFast(dst, mean, 3); x < p.W; x++ {
			dst[x] = min(dst[x], 3*mean[x])
		}
	}
	spectralBox(box, ext, cut, r)
	m := cut
	for y := range p.H {
		copy(m.Row(y), box.Row(y + r)[r:])
	}
	_, most := extent(m)
	add := float32(floor*max(most, 0)) + 1e-20
	for i := range m.Pix {
		m.Pix[i] += add
	}
	return m
}

// spectralBox is a box mean that goes on over the edges of a half spectrum: rows
// wrap, columns continue as F(-u,-v) = conj F(u,v). It fills ext with p and r more
// samples all around, and box with means over 2r+1 of them.
func spectralBox(box, ext, p Plane, r int) {
	for y := range ext.H {
		v := ((y-r)%p.H + p.H) % p.H
		row, opposite, dst := p.Row(v), p.Row((p.H-v)%p.H), ext.Row(y)
		copy(dst[r:], row)
		for k := 1; k <= r; k++ {
			dst[r-k] = opposite[k]
			dst[r+p.W-1+k] = opposite[p.W-1-k]
		}
	}
	boxInto(box, ext, 2*r+1)
}

// MaxAbs returns the greatest absolute value of any real or imaginary part.
func MaxAbs(c []complex64) float32 {
	most, n := maxAbsFast(c)
	for _, v := range c[n:] {
		most = max(most, abs32(real(v)), abs32(imag(v)))
	}
	return most
}
