package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

// shiftGrid samples the torus of shifts on every second mark pixel.
const shiftGrid = 512

// A shift is where on the torus the pilots agree.
type shift struct {
	z       float64 // peak over RMS, at most sqrt(2 pilotN) = 8; noise stays below about 5.4
	t       geometry.Point
	sign    float32 // -1 for an inverted picture
	flipped bool    // turned by 180 degrees
}

// findShift correlates complex pilot amplitudes with all shifts of the torus, of
// the pattern as it stands and turned by 180 degrees: one transform serves both,
// the first in its real, the second in its imaginary part.
func (kd *keyed) findShift(fft *dsp.FFT, c *[pilotN]complex64) shift {
	v := kd.aligned(c)
	u := kd.aligned(conjugate(c))
	grid := make([]complex64, shiftGrid*shiftGrid)
	at := func(x, y int) *complex64 {
		return &grid[(y&(shiftGrid-1))*shiftGrid+x&(shiftGrid-1)]
	}
	used := map[int]bool{}
	energy := 0.0
	for k, p := range kd.pilots {
		a, b := v[k], u[k]
		*at(p.kx, p.ky) += complex(real(a)-imag(b), imag(a)+real(b))
		*at(-p.kx, -p.ky) += complex(real(a)+imag(b), real(b)-imag(a))
		used[p.ky&(shiftGrid-1)], used[-p.ky&(shiftGrid-1)] = true, true
		energy += float64(float64(real(a))*float64(real(a))) + float64(float64(imag(a))*float64(imag(a)))
	}
	tmp := make([]complex64, shiftGrid)
	for y := range used {
		fft.Forward(grid[y*shiftGrid:(y+1)*shiftGrid], tmp)
	}
	rms := 2*math.Sqrt(energy/2) + 1e-20
	best := shift{sign: 1}
	col := make([]complex64, shiftGrid)
	for x := range shiftGrid {
		for y := range col {
			col[y] = grid[y*shiftGrid+x]
		}
		fft.Forward(col, tmp)
		for y, d := range col {
			best.offer(float64(real(d))/rms, x, y, false)
			best.offer(float64(imag(d))/rms, x, y, true)
		}
	}
	return best
}

func (s *shift) offer(z float64, x, y int, flipped bool) {
	if math.Abs(z) <= s.z {
		return
	}
	*s = shift{math.Abs(z), geometry.Point{X: float64(x) * torus / shiftGrid, Y: float64(y) * torus / shiftGrid}, 1, flipped}
	if z < 0 {
		s.sign = -1
	}
}

func conjugate(c *[pilotN]complex64) *[pilotN]complex64 {
	var out [pilotN]complex64
	for k, v := range c {
		out[k] = complex(real(v), -imag(v))
	}
	return &out
}

// toMatrix returns the map from work to mark pixels under the linear map b.
func (s shift) toMatrix(b [4]float64) geometry.Mat {
	if s.flipped {
		for i := range b {
			b[i] = -b[i]
		}
	}
	return toMap(b, s.t)
}

// parts sums amplitudes over the blocks of cells [x, x+w) x [y, y+h).
func (a amplitudes) sum(x, y, w, h int) *[pilotN]complex64 {
	var out [pilotN]complex64
	for j := y; j < min(y+h, a.ny); j++ {
		for i := x; i < min(x+w, a.nx); i++ {
			for k, v := range a.c[j*a.nx+i] {
				out[k] += v
			}
		}
	}
	return &out
}
