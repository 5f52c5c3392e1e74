package pattern

import (
	"maps"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// bandPass returns the amplitude response of the chips' band at f cycles a mark pixel, 0..1.
func bandPass(f float64) float64 {
	q := float64(f/BandHigh) * float64(f/BandHigh)
	l := float64(f/BandLow) * float64(f/BandLow)
	return float64(dsp.Exp(-float64(float64(q*q)*q)) * (1 - dsp.Exp(-l)))
}

// Pattern returns the blind part of a mark over one torus, of unit power: chips times coded bits,
// band-limited, plus the pilots. coded has the code.CodedN values +1 and -1. bitGain weighs each
// coded bit and pilotGain each pilot; nil means 1. Gains change the shares, never the power.
func (kd *Keys) Pattern(coded []float32, bitGain, pilotGain []float32) dsp.Plane {
	chips := dsp.NewPlane(Torus, Torus)
	for i, b := range kd.Bit {
		v := float32(coded[b] * kd.Sign[i])
		if bitGain != nil {
			v *= bitGain[b]
		}
		chips.Pix[i/Cells*Cell*Torus+i%Cells*Cell] = v
	}
	f := dsp.NewFFT2(Torus, Torus)
	s := f.ForwardLow(chips, bandEnd)
	shapeBand(s, kd.response())
	scaleBand(s, math.Sqrt((1-PilotShare)/bandPower(s)))
	kd.addTones(s, pilotGain)
	f.InverseTo(chips, s)
	return chips
}

// bandEnd cycles a torus are 1.75 times the upper edge of the chips' band: the
// response is below 1e-12 there, and what goes on beyond it is left out.
const bandEnd = 7 * Torus / 32

// A bandResponse is bandPass by the square of a radius in cycles a torus.
type bandResponse [bandEnd * bandEnd]float32

// newBandResponse returns a table of bandPass at the squares of all radii on the lattice, in cycles
// a torus. Filtering a torus then takes no roots. The table is the same for all keys.
func newBandResponse() *bandResponse {
	r := new(bandResponse)
	for v := range bandEnd {
		for u := range v + 1 {
			if r2 := u*u + v*v; r2 < len(r) && r[r2] == 0 {
				r[r2] = float32(bandPass(math.Sqrt(float64(r2)) / Torus))
			}
		}
	}
	return r
}

// shapeBand multiplies the spectrum s of a torus by the chips' band, in place.
func shapeBand(s dsp.Spectrum, response *bandResponse) {
	for v := range s.H {
		fy, row := min(v, s.H-v), bandRow(s, v)
		for u, c := range row {
			var h float32
			if r2 := u*u + fy*fy; r2 < len(response) {
				h = response[r2]
			}
			row[u] = complex(float32(h*real(c)), float32(h*imag(c)))
		}
	}
}

// bandRow returns the coefficients of row v of s, from column 0 on, at which the chips' band may not be 0.
func bandRow(s dsp.Spectrum, v int) []complex64 {
	st := s.Stride()
	return s.C[v*st : v*st+min(st, bandEnd)]
}

// bandPower returns the mean square of the picture whose spectrum is s. Only coefficients of the
// chips' band are summed: the others must be 0.
func bandPower(s dsp.Spectrum) float64 {
	total := 0.0
	for v := range s.H {
		row := 0.0
		for u, c := range bandRow(s, v) {
			row += linePower(s, u, c)
		}
		total += row
	}
	n := float64(s.W) * float64(s.H)
	return total / float64(n*n)
}

// linePower returns the square of coefficient c in column u, twice if the mirror image of c is not stored in s.
func linePower(s dsp.Spectrum, u int, c complex64) float64 {
	p := float64(float64(real(c))*float64(real(c))) + float64(float64(imag(c))*float64(imag(c)))
	if u > 0 && u < s.W/2 {
		p += p
	}
	return p
}

// scaleBand multiplies the coefficients of the chips' band by g, in place.
func scaleBand(s dsp.Spectrum, g float64) {
	f := float32(g)
	for v := range s.H {
		row := bandRow(s, v)
		for u, c := range row {
			row[u] = complex(float32(f*real(c)), float32(f*imag(c)))
		}
	}
}

// addTones adds the pilots to the spectrum s of a torus, with PilotShare as their power in all.
// gain weighs each pilot against the others; nil means 1.
func (kd *Keys) addTones(s dsp.Spectrum, gain []float32) {
	tones := map[int]complex64{} // by place in s
	for i, p := range kd.Pilots {
		g := 1.0
		if gain != nil {
			g = float64(gain[i])
		}
		addTone(tones, s, p, g)
	}
	n := float64(s.W) * float64(s.H)
	places := slices.Sorted(maps.Keys(tones))
	total, row, st := 0.0, 0.0, s.Stride()
	for i, at := range places {
		row += linePower(s, at%st, tones[at])
		if i+1 == len(places) || places[i+1]/st != at/st {
			total, row = total+row, 0
		}
	}
	f := float32(math.Sqrt(PilotShare / (total / float64(n*n))))
	for at, c := range tones {
		s.C[at] += complex(float32(f*real(c)), float32(f*imag(c)))
	}
}

// addTone adds the coefficients of g cos(2 pi (kx u + ky v)/torus + phase), up to a common factor,
// to tones, by their place in s.C. It does not change s. A pilot with kx of 0 takes two places,
// since the half spectrum holds both its mirror images.
func addTone(tones map[int]complex64, s dsp.Spectrum, p pilot, g float64) {
	c, sn := dsp.Cis(p.Phase)
	kx, ky, im := p.KX, p.KY, sn
	if kx < 0 {
		kx, ky, im = -kx, -ky, -sn
	}
	place := func(x, y int) int { return (y+s.H)%s.H*s.Stride() + x }
	tones[place(kx, ky)] += complex(float32(g*c), float32(g*im))
	if kx == 0 {
		tones[place(0, -ky)] += complex(float32(g*c), float32(-g*im))
	}
}

// ResponseTable holds bandPass at steps of 2^-12 cycles a mark pixel, for reading.
type ResponseTable [1024]float32

// NewResponseTable tabulates bandPass, the same for all keys.
func NewResponseTable() *ResponseTable {
	var t ResponseTable
	for i := range t {
		t[i] = float32(bandPass(float64(i) / 4096))
	}
	return &t
}

// At returns the response at f cycles a mark pixel, f >= 0, interpolated; 0 beyond the table, where the band has ended.
func (t *ResponseTable) At(f float64) float32 {
	x := float64(f * 4096)
	i := int(x)
	if i >= len(t)-1 {
		return 0
	}
	return t[i] + float32(float32(x-float64(i))*(t[i+1]-t[i]))
}

// Despread returns the soft bits of a plane and its amplitudes at the pilots, turned back by their
// phases; neither is normalised. It adds each sample of p to the torus at the place where the affine
// map m, samples to mark pixels, puts the sample. It filters the torus by the chips' band and sums
// over the chips of each coded bit with their signs. Despread is the adjoint of Lay.
func (kd *Keys) Despread(p dsp.Plane, m geometry.Mat) (soft [code.CodedN]float64, pilots [PilotN]complex64) {
	t := dsp.NewPlane(Torus, Torus)
	for y := range p.H {
		for x, w := range p.Row(y) {
			if w == 0 {
				continue
			}
			u := float64(m[0]*float64(x)) + float64(m[1]*float64(y)) + m[2]
			v := float64(m[3]*float64(x)) + float64(m[4]*float64(y)) + m[5]
			fu, fv := math.Floor(u), math.Floor(v)
			a, b := float32(u-fu), float32(v-fv)
			iu, iv := int(fu)&(Torus-1), int(fv)&(Torus-1)
			ju, jv := (iu+1)&(Torus-1), (iv+1)&(Torus-1)
			lower := float32(w * b)
			upper := w - lower
			t.Pix[iv*Torus+iu] += upper - float32(upper*a)
			t.Pix[iv*Torus+ju] += float32(upper * a)
			t.Pix[jv*Torus+iu] += lower - float32(lower*a)
			t.Pix[jv*Torus+ju] += float32(lower * a)
		}
	}
	f := dsp.NewFFT2(Torus, Torus)
	s := f.ForwardLow(t, bandEnd)
	for k, q := range kd.Pilots {
		if q.KX >= 0 {
			pilots[k] = s.C[(q.KY+s.H)%s.H*s.Stride()+q.KX]
		} else { // the half spectrum holds its mirror image
			c := s.C[(s.H-q.KY)%s.H*s.Stride()-q.KX]
			pilots[k] = complex(real(c), -imag(c))
		}
	}
	pilots = kd.Aligned(&pilots)
	shapeBand(s, kd.response())
	f.InverseTo(t, s)
	for i, b := range kd.Bit {
		soft[b] += float64(t.Pix[i/Cells*Cell*Torus+i%Cells*Cell] * kd.Sign[i])
	}
	return soft, pilots
}

// LnAgreement bounds what chance gives: the natural logarithm of the probability that amplitudes of
// the given sizes add up to sum or more, if their phases are uniform and independent (Chernoff's
// bound). The phases of pilots are keyed, so that this holds whatever a picture without their mark
// shows. Only the sizes of amplitudes count. It returns 0 unless sum is above 0.
func LnAgreement(amplitudes *[PilotN]complex64, sum float64) float64 {
	var size [PilotN]float64
	top := 0.0
	for k, a := range amplitudes {
		size[k] = math.Sqrt(float64(real(a))*float64(real(a)) + float64(imag(a))*float64(imag(a)))
		top = math.Max(top, size[k])
	}
	if !(top > 0 && sum > 0) {
		return 0
	}
	bound := func(l float64) float64 {
		b := -float64(l * sum)
		for _, a := range size {
			b += lnBessel0(float64(l * a))
		}
		return b
	}
	lo, hi := 0.0, maxTurning/top
	for range 50 { // a convex function: each third leaves out where its minimum is not
		if a, b := lo+(hi-lo)/3, hi-(hi-lo)/3; bound(a) > bound(b) {
			lo = a
		} else {
			hi = b
		}
	}
	return math.Min(0, bound(lo))
}

// maxTurning bounds the argument of the Bessel functions of LnAgreement: every argument gives a bound,
// and larger ones gain nothing that matters.
const maxTurning = 100

// lnBessel0 returns the natural logarithm of I0(x), the modified Bessel function of order 0, for x >= 0,
// within 2e-7 (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 9.8.1 and 9.8.2).
func lnBessel0(x float64) float64 {
	poly := func(t float64, c ...float64) (p float64) {
		for i := len(c) - 1; i >= 0; i-- {
			p = float64(t*p) + c[i]
		}
		return p
	}
	const joint = 3.75
	if x < joint {
		t := float64(x/joint) * float64(x/joint)
		return dsp.Ln(poly(t, 1, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813))
	}
	p := poly(joint/x, 0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377)
	return x + dsp.Ln(p) - dsp.Ln(x)/2
}
