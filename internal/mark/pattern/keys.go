// Package pattern makes what is added to the pixels: pilots, chips and tracer, where they
// lie on a picture, and how strong they may be.
package pattern

import (
	"fmt"
	"math"
	"sync"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// A pilot is one keyed sinusoid cos 2 pi (kx u + ky v)/torus + phase).
type pilot struct {
	KX, KY int     // cycles a torus
	Phase  float64 // turns
}

// Keys is all of a mark that follows from the mark key alone: what a blind reader knows.
type Keys struct {
	ID      string // names the key in public
	Derive  func(label string, n int) []byte
	Payload code.Payload
	Pilots  [PilotN]pilot
	turns   [PilotN]complex64 // exp(2 pi i phase) of each pilot
	Bit     []uint16          // coded bit under each of the cells x cells chips, row by row
	Sign    []float32         // spreading sign of each chip
	Band    *ResponseTable

	response func() *bandResponse // made when first needed, for marking
}

// NewKeys derives all of a mark that follows from a key's secret: pilots, chips, the
// scrambling of payloads. It keeps secret, which must not change.
func NewKeys(secret *[code.SecretSize]byte) *Keys {
	kd := &Keys{ID: code.KeyID(secret), Band: NewResponseTable(), response: sync.OnceValue(newBandResponse)}
	kd.Derive = func(label string, n int) []byte { return code.Derive(secret, label, n) }
	kd.Payload = code.NewPayload(kd.Derive)
	kd.drawPilots(code.NewStream(kd.Derive("pilots", code.KeySize)))
	s := code.NewStream(kd.Derive("chips", code.KeySize))
	kd.Bit = make([]uint16, Cells*Cells)
	for i := range kd.Bit {
		kd.Bit[i] = uint16(i % code.CodedN)
	}
	code.Shuffle(s, kd.Bit)
	kd.Sign = make([]float32, Cells*Cells)
	s.Signs(kd.Sign)
	return kd
}

// drawPilots sets the pilots of kd from the stream: lattice points evenly over the half annulus, apart from each other
// and from each other's negatives, and then their phases. The order of the draws is part of the format.
func (kd *Keys) drawPilots(s *code.Stream) {
	for n := 0; n < PilotN; {
		r := Torus * math.Sqrt(PilotLow*PilotLow+float64(s.Unit()*(PilotHigh*PilotHigh-PilotLow*PilotLow)))
		c, sn := dsp.Cis(s.Unit() / 2)
		p := pilot{KX: int(math.Round(float64(r * c))), KY: int(math.Round(float64(r * sn)))}
		if kd.crowded(p, n) {
			continue
		}
		kd.Pilots[n] = p
		n++
	}
	for i := range kd.Pilots {
		kd.Pilots[i].Phase = s.Unit()
		kd.turns[i] = UnitTurn(kd.Pilots[i].Phase)
	}
}

// crowded reports whether p lies within PilotApart lattice steps of one of the first n pilots
// or of its negative, where their peaks would merge.
func (kd *Keys) crowded(p pilot, n int) bool {
	for _, q := range kd.Pilots[:n] {
		dx, dy, sx, sy := p.KX-q.KX, p.KY-q.KY, p.KX+q.KX, p.KY+q.KY
		if min(dx*dx+dy*dy, sx*sx+sy*sy) <= PilotApart*PilotApart {
			return true
		}
	}
	return false
}

// Frequency is in cycles a sample.
type Frequency = dsp.Tone

func (kd *Keys) MarkFrequencies() *[PilotN]Frequency {
	var f [PilotN]Frequency
	for k, p := range kd.Pilots {
		f[k] = Frequency{X: float64(p.KX) / Torus, Y: float64(p.KY) / Torus}
	}
	return &f
}

// Aligned returns the pilots' amplitudes turned back by the pilots' own phases. The amplitudes of a
// mark in place are then real and positive, and negative in an inverted picture. c is not changed.
func (kd *Keys) Aligned(c *[PilotN]complex64) (out [PilotN]complex64) {
	for k, t := range kd.turns {
		r, i := real(c[k]), imag(c[k])
		out[k] = complex(float32(r*real(t))+float32(i*imag(t)), float32(i*real(t))-float32(r*imag(t)))
	}
	return out
}

// UnitTurn returns exp(2 pi i turns).
func UnitTurn(turns float64) complex64 {
	c, s := dsp.Cis(turns)
	return complex(float32(c), float32(s))
}

// PixelPlacement returns the map from the pixels of a w x h picture to mark pixels, for a
// mark of the key on submission sub. The picture may have any size.
func (kd *Keys) PixelPlacement(sub [16]byte, w, h int) geometry.Mat {
	cw, ch := CanonicalSize(w, h)
	return kd.Placement(sub, cw, ch).Mul(geometry.PixelScale(float64(cw)/float64(w), float64(ch)/float64(h)))
}

// Placement returns the map from pixels of a canonical w x h picture to mark pixels: any rotation, a scale within
// e^+-0.1 of 1024 mark pixels a long side, any shift. Key and submission decide it, the same at every call. Copies
// never do: so a trace serves all copies in one pass, and averages over pictures do not add up.
func (kd *Keys) Placement(sub [16]byte, w, h int) geometry.Mat {
	s := code.NewStream(kd.Derive(fmt.Sprintf("placement %x", sub), code.KeySize))
	c, sn := dsp.Cis(s.Unit())
	scale := Torus / float64(max(w, h)) * dsp.Exp(PlaceScale*(float64(2*s.Unit())-1))
	tx, ty := float64(Torus*s.Unit()), float64(Torus*s.Unit())
	m := geometry.Affine([4]float64{float64(scale * c), -float64(scale * sn), float64(scale * sn), float64(scale * c)}, geometry.Point{X: tx, Y: ty})
	return m.Mul(geometry.Translation(-float64(w-1)/2, -float64(h-1)/2))
}

// Lay samples the pattern of one torus, repeated over the plane, at each pixel of a w x h picture,
// by cubic convolution. m is the affine map from pixels to mark pixels.
func Lay(pattern dsp.Plane, m geometry.Mat, w, h int) dsp.Plane {
	out, t := dsp.NewPlane(w, h), dsp.NewTorus(pattern)
	dsp.Parallel(h, func(from, to int) {
		for y := from; y < to; y++ {
			v := float64(y)
			t.SampleCubic(out.Row(y), dsp.Line{X: m[0], X0: float64(m[1] * v), X1: m[2], Y: m[3], Y0: float64(m[4] * v), Y1: m[5], W0: 1})
		}
	})
	return out
}

// Tracer returns the part of a mark that is a copy's own, of unit RMS over a w x h picture: signs keyed by (key,
// submission, copy) on the coefficients of a cosine transform whose first w' x h' samples, long side 1024, are the picture.
// A coefficient (u, v) has the frequency hypot(u, v)/2 cycles a long side and the amplitude 1/f, equal energy an octave.
// Signs are drawn row by row, only inside the band; pictures with a shorter long side carry it up to 0.45 of theirs.
func (kd *Keys) Tracer(sub [16]byte, id uint64, w, h int) dsp.Plane {
	return TracerOf(kd.TracerStream(sub, id), w, h)
}

// TracerStream returns the stream that the signs of a copy's tracer are drawn from: keyed by
// the mark key, the submission and the copy ID.
func (kd *Keys) TracerStream(sub [16]byte, id uint64) *code.Stream {
	return code.NewStream(kd.Derive(fmt.Sprintf("tracer %x %016x", sub, id), code.KeySize))
}

// TracerOf returns the tracer of unit RMS over a w x h picture whose signs are drawn from s, which
// moves on: see [Keys.Tracer]. Signs are also drawn for frequencies that a small picture cannot
// hold, so that the others do not depend on its size.
func TracerOf(s *code.Stream, w, h int) dsp.Plane {
	side := max(w, h)
	end := math.Min(TracerHigh, 0.45*float64(side))
	c := dsp.NewPlane(TracerSize, TracerSize)
	signs := make([]float32, TracerSize)
	for v := range TracerSize {
		first, n := TracerSpan(v)
		if n <= 0 {
			continue
		}
		s.Signs(signs[:n])
		row := c.Row(v)
		for i, sg := range signs[:n] {
			u := first + i
			if f := math.Sqrt(float64(u*u+v*v)) / 2; f < end {
				row[u] = float32(float64(sg) / f)
			}
		}
	}
	t := dsp.InverseDCT2(c, c.W, c.H)
	scale := float64(TracerSize) / float64(side)
	out := dsp.Scaled(t, w, h, scale, scale)
	out.Scale(float32(1 / (out.RMS() + 1e-20)))
	return out
}

// TracerSpan returns the first u and the number of u, 0 from some row on, with which the coefficients (u, v) of row v
// carry a tracer: tracerLow <= hypot(u, v)/2 < TracerHigh. These u follow each other.
func TracerSpan(v int) (first, n int) {
	const lo, hi = 4 * tracerLow * tracerLow, 4 * TracerHigh * TracerHigh
	for first*first+v*v < lo {
		first++
	}
	for (first+n)*(first+n)+v*v < hi && first+n < TracerSize {
		n++
	}
	return first, n
}
