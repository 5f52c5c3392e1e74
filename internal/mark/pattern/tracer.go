package pattern

import (
	"fmt"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/code"
)

// Tracer returns the part of a mark that is a copy's own, of unit RMS over a w x h picture: signs keyed by (key,
// submission, copy) on the coefficients of a cosine transform whose first w' x h' samples, long side 1024, are the
// picture. A coefficient (u, v) has the frequency hypot(u, v)/2 cycles a long side and the amplitude 1/f, equal energy
// an octave. Signs are drawn row by row, only inside the band; pictures with a shorter long side carry it up to 0.45 of
// theirs.
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
