package watermark

import (
	"math"
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
	id      string // names the key in public
	derive  func(label string, n int) []byte
	payload payload
	pilots  [pilotN]pilot
	turns   [pilotN]complex64 // exp(2 pi i phase) of each pilot
	bit     []uint16          // coded bit under each of the cells x cells chips, row by row
	sign    []float32         // spreading sign of each chip
	band    *responseTable

	response func() *bandResponse // made when first needed, for marking
}

// newKeyed derives all that follows from a secret.
func newKeyed(secret *[secretSize]byte) *keyed {
	kd := &keyed{id: keyID(secret), band: newResponseTable(), response: sync.OnceValue(newBandResponse)}
	kd.derive = func(label string, n int) []byte { return derive(secret, label, n) }
	kd.payload = newPayload(kd.derive)
	kd.drawPilots(code.NewStream(kd.derive("pilots", code.KeySize)))
	s := code.NewStream(kd.derive("chips", code.KeySize))
	kd.bit = make([]uint16, cells*cells)
	for i := range kd.bit {
		kd.bit[i] = uint16(i % codedN)
	}
	code.Shuffle(s, kd.bit)
	kd.sign = make([]float32, cells*cells)
	s.Signs(kd.sign)
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

// frequency is in cycles a sample.
type frequency struct{ x, y float64 }

// markFrequencies are the pilots' in cycles a mark pixel.
func (kd *keyed) markFrequencies() *[pilotN]frequency {
	var f [pilotN]frequency
	for k, p := range kd.pilots {
		f[k] = frequency{float64(p.kx) / torus, float64(p.ky) / torus}
	}
	return &f
}

// aligned turns amplitudes by the pilots' phases: a mark in place is real and
// positive.
func (kd *keyed) aligned(c *[pilotN]complex64) (out [pilotN]complex64) {
	for k, t := range kd.turns {
		r, i := real(c[k]), imag(c[k])
		out[k] = complex(float32(r*real(t))+float32(i*imag(t)), float32(i*real(t))-float32(r*imag(t)))
	}
	return out
}

func unitTurn(turns float64) complex64 {
	c, s := dsp.Cis(turns)
	return complex(float32(c), float32(s))
}
