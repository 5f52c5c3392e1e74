package trace

import (
	"bytes"
	"image"
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/photometry"
	"github.com/kycmark/kycmark/internal/quality"
	"github.com/kycmark/kycmark/internal/register"
)

// A frame is the original's own raster, in which traces are made: the tracer's samples,
// 1024 a long side. The picture is their upper left part.
type frame struct {
	w, h   int     // of the canonical original, pixels
	fw, fh int     // samples that it covers
	scale  float64 // canonical pixels a sample
	spans  []run   // of the tracer's coefficients
	band   []uint8 // of each coefficient (u, v): radial band, by row
	size   bandSum // coefficients of each band

	open dsp.Plane // share of the original's own pixels that are neither black nor white; none if all are
}

// A run is those coefficients of one row that carry a tracer.
type run struct{ first, n int }

// newFrame returns the frame of a canonical original of w x h pixels, with the tables of its coefficients.
func newFrame(w, h int) frame {
	f := frame{w: w, h: h, spans: make([]run, pattern.TracerSize), band: make([]uint8, pattern.TracerSize*pattern.TracerSize)}
	f.fw, f.fh, f.scale = frameSize(w, h)
	edges := bandEdges()
	for v := range pattern.TracerSize {
		first, n := pattern.TracerSpan(v)
		f.spans[v] = run{first, max(n, 0)}
		b := 0
		for u := range pattern.TracerSize {
			r2 := u*u + v*v
			for b+1 < bandN && r2 >= edges[b+1] {
				b++
			}
			f.band[v*pattern.TracerSize+u] = uint8(b)
			f.size[b]++
		}
	}
	return f
}

// frameSize returns how many samples of the frame a canonical picture of w x h pixels covers.
// scale is the number of the picture's pixels that lie on one sample, along each axis.
func frameSize(w, h int) (fw, fh int, scale float64) {
	scale = float64(max(w, h)) / pattern.TracerSize
	cover := func(n int) int { return min(pattern.TracerSize, int(math.Ceil(float64(n)/scale))) }
	return cover(w), cover(h), scale
}

// bandEdges returns the squares of the radii hypot(u, v) at which the radial bands begin: five
// bands an octave, from two cycles a long side on.
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
	strong   []float32 // by band: gain of the channel for strong detail
	limit    float64   // highest frequency that the leak carries, hypot(u, v)
	floor    float64   // samples of the frame that the local fit reaches, standard deviation

	fit       *photometry.Fit
	leakX     dsp.Plane // where each pixel of the leak lies in the frame
	leakY     dsp.Plane
	own       dsp.Plane // share of the leak's own pixels that are neither black nor white, in the leak's raster
	pitch     float64   // samples of the frame a pixel of the leak
	x, y      dsp.Plane // where each sample of the frame lies on the leak
	taps      *taps     // the same
	deviation dsp.Plane // of the residual, in the leak's raster
	power     dsp.Plane // of the original's finer detail, in the leak's raster
	shown     dsp.Plane // part of the channel's faint detail that the leak shows, 0..1, in the frame
	told      float64   // share of a mark's energy where the original's own detail tells how it fared, 0..1
	probe     *probe    // whose mark went through the channel last; nil before
	probed    dsp.Plane // spectrum of that mark
}

// view brings a fit from the leak's raster into the frame: the spectrum of its residual, and per
// band how well a mark came through. r says where the leak lies on the original. told is left 0:
// probe.expect sets it. The view keeps fit. leak is of r.
func (f *frame) view(r *register.Registration, fit *photometry.Fit, leak *image.NRGBA) *frameView {
	v := &frameView{frame: f, fit: fit, pitch: 1 / (r.Scale * f.scale), deviation: dsp.NewPlane(r.Leak.W, r.Leak.H)}
	v.own = openShare(leak, r.Leak.W, r.Leak.H)
	v.limit = 2 * 0.49 * pattern.TracerSize / v.pitch
	v.floor = photometry.Reach * v.pitch
	v.x, v.y = f.onLeak(r)
	v.taps = v.newTaps(r.Leak.W, r.Leak.H)
	v.leakX, v.leakY = f.ofCanonical(r.X), f.ofCanonical(r.Y)
	gain := dsp.NewPlane(r.Leak.W, r.Leak.H)
	for i, w := range fit.Weight.Pix {
		v.deviation.Pix[i] = float32(math.Sqrt(float64(fit.Variance.Pix[i])))
		gain.Pix[i] = fit.Gain.Pix[i] * w / v.deviation.Pix[i]
	}
	v.gain = v.resample(gain)
	var strong, faint comparison
	dsp.Together(
		func() { v.spectrum = v.standardised(fit.Residual) },
		func() { strong = v.carried(fit.Strong()) },
		func() {
			d := fit.Faint()
			v.power = d.Power
			faint = v.carried(d)
		},
	)
	v.bands(strong.gain, faint.gain)
	v.shown = v.passed(faint)
	return v
}

// standardised returns the spectrum, in the frame, of a residual on the leak's raster in grey levels. Each sample is
// first divided by the local deviation, cut at outlier deviations, and weighed as the fit weighs it.
func (v *frameView) standardised(residual dsp.Plane) dsp.Plane {
	q := dsp.NewPlane(residual.W, residual.H)
	for i, r := range residual.Pix {
		q.Pix[i] = pattern.Clip(r/v.deviation.Pix[i], -outlier, outlier) * v.fit.Weight.Pix[i]
	}
	return dsp.DCT2(v.resample(q), pattern.TracerSize)
}

// ofCanonical returns coordinates of the canonical original as coordinates of the frame. Pixel
// centres lie on whole numbers in both.
func (f *frame) ofCanonical(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(p.W, p.H)
	g := float32(1 / f.scale)
	for i, c := range p.Pix {
		out.Pix[i] = float32((c+0.5)*g) - 0.5
	}
	return out
}

// onLeak returns where on the leak each sample of the frame lies, in pixels of the leak. It starts from the inverse of
// the homography. Two steps correct that for the smooth field of the registration, by at most 8 canonical pixels.
// Samples beyond the leak have positions outside; all have -1e6 if the homography has no inverse.
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
				o := inv.Apply(geometry.Point{X: cx, Y: cy})
				p := o
				for range 2 {
					if !(p.X >= 0 && p.Y >= 0 && p.X <= right && p.Y <= bottom) {
						break
					}
					ex, ey := bilinear2(r.X, r.Y, p.X, p.Y)
					q := inv.Apply(geometry.Point{X: cx - min(max(float64(ex)-cx, -8), 8), Y: cy - min(max(float64(ey)-cy, -8), 8)})
					p.X, p.Y = p.X+q.X-o.X, p.Y+q.Y-o.Y
				}
				rx[u], ry[u] = float32(p.X), float32(p.Y)
			}
		}
	})
	return x, y
}

// taps say where the samples of the frame lie on the leak: indices of the first of four
// taps, and fractions beyond it. The index is -1 unless all four are on the leak.
type taps struct {
	at     []int32
	fx, fy []float32
}

// newTaps returns where each sample of the frame lies on a leak of w x h pixels. It takes that from
// the positions x and y of v, which must be set.
func (v *frameView) newTaps(w, h int) *taps {
	n := len(v.x.Pix)
	t := &taps{make([]int32, n), make([]float32, n), make([]float32, n)}
	for i, x := range v.x.Pix {
		y := v.y.Pix[i]
		t.at[i] = -1
		if !(x >= 0 && y >= 0 && x < float32(w-1) && y < float32(h-1)) {
			continue
		}
		ix, iy := int(x), int(y)
		t.at[i] = int32(iy*w + ix)
		t.fx[i], t.fy[i] = x-float32(ix), y-float32(iy)
	}
	return t
}

// resample returns p, which lies on the leak's raster, at each sample of the frame, interpolated
// between four pixels. Pixels beyond the leak count as 0.
func (v *frameView) resample(p dsp.Plane) dsp.Plane {
	out := dsp.NewPlane(v.fw, v.fh)
	for i, at := range v.taps.at {
		if at >= 0 {
			a, b := v.taps.fx[i], v.taps.fy[i]
			r := p.Pix[at : at+2 : at+2]
			s := p.Pix[int(at)+p.W : int(at)+p.W+2]
			t := r[0] + float32(a*(r[1]-r[0]))
			u := s[0] + float32(a*(s[1]-s[0]))
			out.Pix[i] = t + float32(b*(u-t))
			continue
		}
		px, py := float64(v.x.Pix[i]), float64(v.y.Pix[i])
		if px > -1 && py > -1 && px < float64(p.W) && py < float64(p.H) {
			out.Pix[i] = bilinear0(p, px, py)
		}
	}
	return out
}

// bilinear2 returns p and q, two planes of one size, at (x, y), each interpolated between four samples. (x, y) must lie
// within 0..W-1 and 0..H-1, and the planes must have two samples a side or more.
func bilinear2(p, q dsp.Plane, x, y float64) (float32, float32) {
	ix, iy := min(int(x), p.W-2), min(int(y), p.H-2)
	a, b := float32(x-float64(ix)), float32(y-float64(iy))
	k := iy*p.W + ix
	at := func(c []float32) float32 {
		r, s := c[k:k+2:k+2], c[k+p.W:k+p.W+2]
		t := r[0] + float32(a*(r[1]-r[0]))
		u := s[0] + float32(a*(s[1]-s[0]))
		return t + float32(b*(u-t))
	}
	return at(p.Pix), at(q.Pix)
}

// bilinear0 returns p at (x, y), interpolated between four samples. Samples outside of p count as 0.
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
	t := at(ix, iy) + float32(a*(at(ix+1, iy)-at(ix, iy)))
	u := at(ix, iy+1) + float32(a*(at(ix+1, iy+1)-at(ix, iy+1)))
	return t + float32(b*(u-t))
}

// openShare returns the share of pixels that are neither black nor white at each sample of a picture shrunk to w x h.
func openShare(p *image.NRGBA, w, h int) dsp.Plane {
	size := p.Rect.Size()
	out, row := dsp.NewShrinker(size.X, size.Y, w, h), bytes.Repeat([]uint8{255}, 4*size.X)
	var open [256]uint8 // by level
	for level := range open {
		if !photometry.Ended(float32(level)) {
			open[level] = 255
		}
	}
	for y := range size.Y {
		for x, pix := 0, p.Pix[y*p.Stride:][:4*size.X]; x < len(pix); x += 4 {
			level := quality.Luma(pix[x], pix[x+1], pix[x+2])
			if a := pix[x+3]; a != 255 {
				level = uint8(255 - int(a)*(255-int(level))/255)
			}
			row[x] = open[level]
		}
		out.Add(row)
	}
	share := out.Shrunk().R
	share.Scale(1. / 255)
	return share
}
