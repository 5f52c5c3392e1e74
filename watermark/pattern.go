package watermark

import (
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
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
	turns   [pilotN]complex64 // exp(2 pi i phase) of each pilot
	bit     []uint16          // coded bit under each of the cells x cells chips, row by row
	sign    []float32         // spreading sign of each chip
	band    *responseTable

	response func() *bandResponse // made when first needed, for marking
	grids    [gridN]func() *displacements
	shifts   func() *dsp.ToneGrid
}

func newKeyed(k *Key) *keyed {
	kd := &keyed{payload: payload{scramble: k.derive("payload scrambling", 32), check: k.derive("payload check", 32)}, band: newResponseTable(), response: sync.OnceValue(newBandResponse)}
	kd.drawPilots(code.NewStream(k.derive("pilots", code.KeySize)))
	s := code.NewStream(k.derive("chips", code.KeySize))
	kd.bit = make([]uint16, cells*cells)
	for i := range kd.bit {
		kd.bit[i] = uint16(i % codedN)
	}
	code.Shuffle(s, kd.bit)
	kd.sign = make([]float32, cells*cells)
	s.Signs(kd.sign)
	kd.grids = newGrids(kd)
	kd.shifts = sync.OnceValue(func() *dsp.ToneGrid { return newShiftGrid(kd) })
	return kd
}

// drawPilots draws lattice points evenly over the half annulus, apart from each
// other and from each other's negatives.
func (kd *keyed) drawPilots(s *code.Stream) {
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
		kd.turns[i] = unitTurn(kd.pilots[i].phase)
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
func (kd *keyed) pattern(coded []float32, bitGain, pilotGain []float32) dsp.Plane {
	chips := dsp.NewPlane(torus, torus)
	for i, b := range kd.bit {
		v := float32(coded[b] * kd.sign[i])
		if bitGain != nil {
			v *= bitGain[b]
		}
		chips.Pix[i/cells*cell*torus+i%cells*cell] = v
	}
	f := dsp.NewFFT2(torus, torus)
	s := f.ForwardLow(chips, bandEnd)
	shapeBand(s, kd.response())
	scaleBand(s, math.Sqrt((1-pilotShare)/bandPower(s)))
	kd.addTones(s, pilotGain)
	f.InverseTo(chips, s)
	return chips
}

// bandEnd cycles a torus are 1.75 times the upper edge of the chips' band: the
// response is below 1e-12 there, and what goes on beyond it is left out.
const bandEnd = 7 * torus / 32

// A bandResponse is bandPass by the square of a radius in cycles a torus.
type bandResponse [bandEnd * bandEnd]float32

func newBandResponse() *bandResponse {
	r := new(bandResponse)
	for v := range bandEnd {
		for u := range v + 1 {
			if r2 := u*u + v*v; r2 < len(r) && r[r2] == 0 {
				r[r2] = float32(bandPass(math.Sqrt(float64(r2)) / torus))
			}
		}
	}
	return r
}

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

// bandRow is the part of row v in which the chips' band may lie.
func bandRow(s dsp.Spectrum, v int) []complex64 {
	st := s.Stride()
	return s.C[v*st : v*st+min(st, bandEnd)]
}

// bandPower returns the mean square of the picture of s, which holds nothing
// outside of the band.
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

// linePower is what coefficient c in column u and its mirror image contribute.
func linePower(s dsp.Spectrum, u int, c complex64) float64 {
	p := float64(float64(real(c))*float64(real(c))) + float64(float64(imag(c))*float64(imag(c)))
	if u > 0 && u < s.W/2 {
		p += p
	}
	return p
}

func scaleBand(s dsp.Spectrum, g float64) {
	f := float32(g)
	for v := range s.H {
		row := bandRow(s, v)
		for u, c := range row {
			row[u] = complex(float32(f*real(c)), float32(f*imag(c)))
		}
	}
}

// addTones adds the pilots, of which gains weigh each, at their share of the power.
func (kd *keyed) addTones(s dsp.Spectrum, gain []float32) {
	tones := map[int]complex64{} // by place in s
	for i, p := range kd.pilots {
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
	f := float32(math.Sqrt(pilotShare / (total / float64(n*n))))
	for at, c := range tones {
		s.C[at] += complex(float32(f*real(c)), float32(f*imag(c)))
	}
}

// addTone adds g cos(2 pi (kx u + ky v)/torus + phase), up to a common factor.
func addTone(tones map[int]complex64, s dsp.Spectrum, p pilot, g float64) {
	c, sn := dsp.Cis(p.phase)
	kx, ky, im := p.kx, p.ky, sn
	if kx < 0 {
		kx, ky, im = -kx, -ky, -sn
	}
	place := func(x, y int) int { return (y+s.H)%s.H*s.Stride() + x }
	tones[place(kx, ky)] += complex(float32(g*c), float32(g*im))
	if kx == 0 {
		tones[place(0, -ky)] += complex(float32(g*c), float32(-g*im))
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
