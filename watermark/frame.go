package watermark

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
	"github.com/kycmark/kycmark/internal/register"
)

// A frame is the original's own raster, in which traces are made: the tracer's
// samples, 1024 a long side, of which the picture is the upper left part.
type frame struct {
	w, h   int     // of the canonical original, pixels
	fw, fh int     // samples that it covers
	scale  float64 // canonical pixels a sample
	spans  []run   // of the tracer's coefficients
	band   []uint8 // of each coefficient (u, v): radial band, by row
	size   bandSum // coefficients of each band
}

// A run is those coefficients of one row that carry a tracer.
type run struct{ first, n int }

// bandsAnOctave is how finely radial bands divide frequencies.
const bandsAnOctave = 5

const bandN = 47

func newFrame(w, h int) frame {
	f := frame{w: w, h: h, spans: make([]run, tracerSize), band: make([]uint8, tracerSize*tracerSize)}
	f.fw, f.fh, f.scale = frameSize(w, h)
	edges := bandEdges()
	for v := range tracerSize {
		first, n := tracerSpan(v)
		f.spans[v] = run{first, max(n, 0)}
		b := 0
		for u := range tracerSize {
			r2 := u*u + v*v
			for b+1 < bandN && r2 >= edges[b+1] {
				b++
			}
			f.band[v*tracerSize+u] = uint8(b)
			f.size[b]++
		}
	}
	return f
}

// frameSize is how many samples a canonical picture of w x h covers, and how many of its
// pixels one stands for.
func frameSize(w, h int) (fw, fh int, scale float64) {
	scale = float64(max(w, h)) / tracerSize
	cover := func(n int) int { return min(tracerSize, int(math.Ceil(float64(n)/scale))) }
	return cover(w), cover(h), scale
}

// bandEdges are the squares of hypot(u, v) at which bands begin, five an octave from
// two cycles a long side on.
func bandEdges() [bandN]int {
	var e [bandN]int
	for b := 5; b < bandN; b++ {
		r := 2 * dsp.Exp(float64(b)*math.Ln2/bandsAnOctave)
		e[b] = int(math.Ceil(float64(r * r)))
	}
	return e
}

// A frameView is a leak brought into the frame.
type frameView struct {
	*frame
	gain     dsp.Plane // of what was added to the original, over the residual's deviation
	spectrum dsp.Plane // of the residual over its deviation
	whiten   []float32 // by band: gain of the channel over the power of the spectrum
	channel  []float32 // by band: gain of the channel
	limit    float64   // highest frequency that the leak carries, hypot(u, v)
	floor    float64   // samples of the frame that the local fit reaches, standard deviation

	fit       *photometry.Fit
	leakX     dsp.Plane // where each pixel of the leak lies in the frame
	leakY     dsp.Plane
	pitch     float64   // samples of the frame a pixel of the leak
	x, y      dsp.Plane // where each sample of the frame lies on the leak
	deviation dsp.Plane // of the residual, in the leak's raster
	told      float64   // share of a mark's energy where the original's own detail tells how it fared, 0..1
}

// view brings a fit from the leak's raster into the frame.
func (f *frame) view(r *register.Registration, fit *photometry.Fit) *frameView {
	v := &frameView{frame: f, fit: fit, pitch: 1 / (r.Scale * f.scale), deviation: dsp.NewPlane(r.Leak.W, r.Leak.H)}
	v.limit = 2 * 0.49 * tracerSize / v.pitch
	v.floor = photometry.Reach * v.pitch
	v.x, v.y = f.onLeak(r)
	v.leakX, v.leakY = f.ofCanonical(r.X), f.ofCanonical(r.Y)
	gain := dsp.NewPlane(r.Leak.W, r.Leak.H)
	for i, w := range fit.Weight.Pix {
		v.deviation.Pix[i] = float32(math.Sqrt(float64(fit.Variance.Pix[i])))
		gain.Pix[i] = fit.Slope.Pix[i] * w / v.deviation.Pix[i]
	}
	v.gain = v.resample(gain)
	var spectra [5]dsp.Plane
	dsp.Parallel(len(spectra), func(from, to int) {
		for i := from; i < to; i++ {
			switch i {
			case 0:
				spectra[i] = v.standardised(fit.Residual)
			case 1:
				spectra[i] = dsp.DCT2(v.resample(fit.Base), tracerSize)
			case 2:
				spectra[i] = dsp.DCT2(v.resample(fit.Seen), tracerSize)
			case 3:
				spectra[i] = dsp.DCT2(v.resample(fit.FaintBase), tracerSize)
			case 4:
				spectra[i] = dsp.DCT2(v.resample(fit.FaintSeen), tracerSize)
			}
		}
	})
	v.spectrum = spectra[0]
	v.bands(v.carried(spectra[1], spectra[2]), v.carried(spectra[3], spectra[4]))
	return v
}

// outlier is where a residual is cut, in deviations.
const outlier = 4

// standardised returns the spectrum in the frame of a residual of the leak over its
// deviation.
func (v *frameView) standardised(residual dsp.Plane) dsp.Plane {
	q := dsp.NewPlane(residual.W, residual.H)
	for i, r := range residual.Pix {
		q.Pix[i] = clip(r/v.deviation.Pix[i], -outlier, outlier) * v.fit.Weight.Pix[i]
	}
	return dsp.DCT2(v.resample(q), tracerSize)
}

// ofCanonical turns canonical coordinates into those of the frame.
func (f *frame) ofCanonical(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(p.W, p.H)
	g := float32(1 / f.scale)
	for i, c := range p.Pix {
		out.Pix[i] = float32((c+0.5)*g) - 0.5
	}
	return out
}

// onLeak returns where on the leak each sample of the frame lies: the inverse of the
// homography, then two steps towards that of the smooth field.
func (f *frame) onLeak(r *register.Registration) (x, y dsp.Plane) {
	x, y = dsp.NewPlane(f.fw, f.fh), dsp.NewPlane(f.fw, f.fh)
	inv, ok := r.H.Inverse()
	if !ok {
		for i := range x.Pix {
			x.Pix[i] = -1e6
		}
		return x, y
	}
	right, bottom := float64(r.Leak.W-1), float64(r.Leak.H-1)
	dsp.Parallel(f.fh, func(from, to int) {
		for v := from; v < to; v++ {
			rx, ry := x.Row(v), y.Row(v)
			cy := float64((float64(v)+0.5)*f.scale) - 0.5
			for u := range rx {
				cx := float64((float64(u)+0.5)*f.scale) - 0.5
				p := inv.Apply(geometry.Point{X: cx, Y: cy})
				for range 2 {
					if !(p.X >= 0 && p.Y >= 0 && p.X <= right && p.Y <= bottom) {
						break
					}
					ex := float64(bilinear(r.X, p.X, p.Y)) - cx
					ey := float64(bilinear(r.Y, p.X, p.Y)) - cy
					q := inv.Apply(geometry.Point{X: cx - min(max(ex, -8), 8), Y: cy - min(max(ey, -8), 8)})
					o := inv.Apply(geometry.Point{X: cx, Y: cy})
					p.X, p.Y = p.X+q.X-o.X, p.Y+q.Y-o.Y
				}
				rx[u], ry[u] = float32(p.X), float32(p.Y)
			}
		}
	})
	return x, y
}

// resample samples p, on the leak's raster, at each sample of the frame; 0 outside.
func (v *frameView) resample(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(v.fw, v.fh)
	for i := range out.Pix {
		px, py := float64(v.x.Pix[i]), float64(v.y.Pix[i])
		if px > -1 && py > -1 && px < float64(p.W) && py < float64(p.H) {
			out.Pix[i] = bilinear0(p, px, py)
		}
	}
	return out
}

// bilinear samples inside of p, positions cut to its frame.
func bilinear(p dsp.Plane, x, y float64) float32 {
	x, y = min(max(x, 0), float64(p.W-1)), min(max(y, 0), float64(p.H-1))
	ix, iy := min(int(x), max(p.W-2, 0)), min(int(y), max(p.H-2, 0))
	a, b := float32(x-float64(ix)), float32(y-float64(iy))
	k, dx, dy := iy*p.W+ix, min(1, p.W-1), p.W*min(1, p.H-1)
	t := p.Pix[k] + float32(a*(p.Pix[k+dx]-p.Pix[k]))
	k += dy
	u := p.Pix[k] + float32(a*(p.Pix[k+dx]-p.Pix[k]))
	return t + float32(b*(u-t))
}

// bilinear0 takes samples outside of p for 0.
func bilinear0(p dsp.Plane, x, y float64) float32 {
	fx, fy := math.Floor(x), math.Floor(y)
	ix, iy := int(fx), int(fy)
	a, b := float32(x-fx), float32(y-fy)
	at := func(x, y int) float32 {
		if uint(x) >= uint(p.W) || uint(y) >= uint(p.H) {
			return 0
		}
		return p.Pix[y*p.W+x]
	}
	if ix >= 0 && iy >= 0 && ix+1 < p.W && iy+1 < p.H {
		return sampleLinear(p, x, y)
	}
	t := at(ix, iy) + float32(a*(at(ix+1, iy)-at(ix, iy)))
	u := at(ix, iy+1) + float32(a*(at(ix+1, iy+1)-at(ix, iy+1)))
	return t + float32(b*(u-t))
}
