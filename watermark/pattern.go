package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/keystream"
)

// A pilot is one keyed sinusoid cos 2 pi (kx u + ky v)/torus + phase).
type pilot struct {
	kx, ky int     // cycles a torus
	phase  float64 // turns
}

// keyed is all of a mark that follows from the mark key alone: what a blind
// reader knows.
type keyed struct {
	payload payload
	pilots  [pilotN]pilot
	bit     []uint16  // coded bit under each of the cells x cells chips, row by row
	sign    []float32 // spreading sign of each chip
	band    *responseTable
}

func newKeyed(k *Key) *keyed {
	kd := &keyed{payload: payload{scramble: k.derive("payload scrambling", 32), check: k.derive("payload check", 32)}, band: newResponseTable()}
	kd.drawPilots(keystream.New(k.derive("pilots", keystream.KeySize)))
	s := keystream.New(k.derive("chips", keystream.KeySize))
	kd.bit = make([]uint16, cells*cells)
	for i := range kd.bit {
		kd.bit[i] = uint16(i % codedN)
	}
	keystream.Shuffle(s, kd.bit)
	kd.sign = make([]float32, cells*cells)
	s.Signs(kd.sign)
	return kd
}

// drawPilots draws lattice points evenly over the half annulus, apart from each
// other and from each other's negatives.
func (kd *keyed) drawPilots(s *keystream.Stream) {
	for n := 0; n < pilotN; {
		r := torus * math.Sqrt(pilotLow*pilotLow+float64(s.Unit()*(pilotHigh*pilotHigh-pilotLow*pilotLow)))
		c, sn := dsp.Cis(s.Unit() / 2)
		p := pilot{kx: int(math.Round(float64(r * c))), ky: int(math.Round(float64(r * sn)))}
		if kd.crowded(p, n) {
			continue
		}
		kd.pilots[n] = p
		n++
	}
	for i := range kd.pilots {
		kd.pilots[i].phase = s.Unit()
	}
}

func (kd *keyed) crowded(p pilot, n int) bool {
	for _, q := range kd.pilots[:n] {
		dx, dy, sx, sy := p.kx-q.kx, p.ky-q.ky, p.kx+q.kx, p.ky+q.ky
		if min(dx*dx+dy*dy, sx*sx+sy*sy) <= pilotApart*pilotApart {
			return true
		}
	}
	return false
}

// bandPass is the amplitude response of the chips' band at f cycles a mark pixel.
func bandPass(f float64) float64 {
	q := float64(f/bandHigh) * float64(f/bandHigh)
	l := float64(f/bandLow) * float64(f/bandLow)
	return float64(dsp.Exp(-float64(float64(q*q)*q)) * (1 - dsp.Exp(-l)))
}

// pattern returns the blind part of a mark over one torus, of unit power: chips
// times coded bits, band-limited, plus the pilots. Gains weigh single coded bits
// and pilots; nil means 1.
func (kd *keyed) pattern(code []float32, bitGain, pilotGain []float32) dsp.Plane {
	chips := dsp.NewPlane(torus, torus)
	for i, b := range kd.bit {
		v := float32(code[b] * kd.sign[i])
		if bitGain != nil {
			v *= bitGain[b]
		}
		chips.Pix[i/cells*cell*torus+i%cells*cell] = v
	}
	f := dsp.NewFFT2(torus, torus)
	s := f.Forward(chips)
	shapeBand(s)
	scaleSpectrum(s, math.Sqrt((1-pilotShare)/power(s)))

	tones := dsp.Spectrum{W: torus, H: torus, C: make([]complex64, len(s.C))}
	for i, p := range kd.pilots {
		g := 1.0
		if pilotGain != nil {
			g = float64(pilotGain[i])
		}
		addTone(tones, p, g)
	}
	scaleSpectrum(tones, math.Sqrt(pilotShare/power(tones)))
	for i, v := range tones.C {
		s.C[i] += v
	}
	return f.Inverse(s, torus, torus)
}

func shapeBand(s dsp.Spectrum) {
	st := s.Stride()
	const end = 7 * torus / 32      // 1.75 times the upper edge: the response is below 1e-12 there
	var response [end * end]float32 // by squared radius, filled as needed
	for v := range s.H {
		fy := v
		if v > s.H/2 {
			fy = s.H - v
		}
		for u := range st {
			c := &s.C[v*st+u]
			r2 := u*u + fy*fy
			if r2 >= end*end {
				*c = 0
				continue
			}
			h := response[r2]
			if h == 0 {
				h = float32(bandPass(math.Sqrt(float64(r2)) / torus))
				response[r2] = h
			}
			*c = complex(float32(h*real(*c)), float32(h*imag(*c)))
		}
	}
}

// addTone adds g cos(2 pi (kx u + ky v)/torus + phase), up to a common factor.
func addTone(s dsp.Spectrum, p pilot, g float64) {
	c, sn := dsp.Cis(p.phase)
	kx, ky, im := p.kx, p.ky, sn
	if kx < 0 {
		kx, ky, im = -kx, -ky, -sn
	}
	at := func(x, y int) *complex64 { return &s.C[(y+s.H)%s.H*s.Stride()+x] }
	*at(kx, ky) += complex(float32(g*c), float32(g*im))
	if kx == 0 {
		*at(0, -ky) += complex(float32(g*c), float32(-g*im))
	}
}

// power returns the mean square of the picture of s.
func power(s dsp.Spectrum) float64 {
	total, st := 0.0, s.Stride()
	for v := range s.H {
		row := 0.0
		for u, c := range s.C[v*st : (v+1)*st] {
			p := float64(float64(real(c))*float64(real(c))) + float64(float64(imag(c))*float64(imag(c)))
			if u > 0 && u < s.W/2 {
				p += p
			}
			row += p
		}
		total += row
	}
	n := float64(s.W) * float64(s.H)
	return total / float64(n*n)
}

func scaleSpectrum(s dsp.Spectrum, g float64) {
	f := float32(g)
	for i, c := range s.C {
		s.C[i] = complex(float32(f*real(c)), float32(f*imag(c)))
	}
}

// responseTable holds bandPass at steps of 2^-12 cycles a mark pixel, for reading.
type responseTable [1024]float32

func newResponseTable() *responseTable {
	var t responseTable
	for i := range t {
		t[i] = float32(bandPass(float64(i) / 4096))
	}
	return &t
}

func (t *responseTable) at(f float64) float32 {
	x := float64(f * 4096)
	i := int(x)
	if i >= len(t)-1 {
		return 0
	}
	return t[i] + float32(float32(x-float64(i))*(t[i+1]-t[i]))
}
