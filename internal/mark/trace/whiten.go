package trace

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/mark/pattern"
	"github.com/kycmark/kycmark/internal/photometry"
)

// A bandSum is a sum over each radial band.
type bandSum [bandN]float64

// sums returns the products of the coefficients of two spectra, summed up by radial band. Both have pattern.TracerSize
// coefficients a side. Each row is summed for itself, in a fixed order: its bands are runs.
func (v *frameView) sums(a, b dsp.Plane) (out bandSum) {
	for y := range pattern.TracerSize {
		band, ra, rb := v.band[y*pattern.TracerSize:(y+1)*pattern.TracerSize], a.Row(y), b.Row(y)
		for u := 0; u < len(band); {
			k, sum := band[u], 0.0
			for ; u < len(band) && band[u] == k; u++ {
				sum += float64(float64(ra[u]) * float64(rb[u]))
			}
			out[k] += sum
		}
	}
	return out
}

// A comparison is detail of the original and of the leak in the frame.
type comparison struct {
	base, seen dsp.Plane // spectrum of the original's, and samples of the leak's
	gain       bandSum   // share of the original's that the leak carries, 0 to 1.5
}

// carried compares the original's detail d with the leak's. The gain is reduced where the two hardly
// cohere, and smoothed over bands. The detail of the original that is known tells how each frequency of a mark survived.
func (v *frameView) carried(d photometry.Details) comparison {
	c := comparison{base: dsp.DCT2(v.resample(d.Base), pattern.TracerSize), seen: v.resample(d.Seen)}
	seen := dsp.DCT2(c.seen, pattern.TracerSize)
	own, cross, other := v.sums(c.base, c.base), v.sums(c.base, seen), v.sums(seen, seen)
	h := &c.gain
	for k := range h {
		h[k] = math.Min(math.Max(cross[k]/(own[k]+1e-6), 0), 1.5)
		if coherence := math.Max(cross[k], 0) / math.Sqrt(float64(own[k]*other[k])+1e-9); coherence <= 0.1 {
			h[k] *= coherence / 0.1
		}
	}
	c.gain = smooth3(c.gain)
	return c
}

// passed returns where the leak shows faint detail: for each sample of the frame, the detail of the leak
// around it in parts of what the channel lets through, 0 to 1. Hard compression takes all of some blocks and little of
// others. A mark then survives in the others as their detail does, and in the first not at all. c is changed.
func (v *frameView) passed(c comparison) dsp.Plane {
	for i, b := range v.band {
		c.base.Pix[i] *= v.channel[b]
	}
	base := dsp.InverseDCT2(c.base, v.fw, v.fh)
	out, all := dsp.Gauss(dsp.Product(base, c.seen), passedReach), dsp.Gauss(dsp.Product(base, base), passedReach)
	for i, p := range all.Pix {
		out.Pix[i] = pattern.Clip(out.Pix[i]/(p+1e-9), 0, 1)
	}
	return out
}

// bands sets strong, the gain of strong detail by band, and channel, the gain of a mark: that of faint
// detail, but never better than that of strong detail. It also sets whiten, the channel over the power of the residual, for which
// v.spectrum must be set. strong and faint are from carried.
func (v *frameView) bands(strong, faint bandSum) {
	power := v.sums(v.spectrum, v.spectrum)
	top := 0.0
	for k := range power {
		power[k] /= math.Max(v.size[k], 1)
	}
	power = smooth3(power)
	for _, p := range power {
		top = math.Max(top, p)
	}
	v.whiten, v.channel, v.strong = make([]float32, bandN), make([]float32, bandN), make([]float32, bandN)
	for k := range strong {
		v.strong[k] = float32(strong[k])
		g := math.Min(faint[k], strong[k])
		v.channel[k] = float32(g)
		v.whiten[k] = float32(g / math.Max(power[k], math.Max(1e-4*top, 1e-12)))
	}
}

func smooth3(x bandSum) (out bandSum) {
	for k := range x {
		out[k] = 0.25*x[max(k-1, 0)] + 0.5*x[k] + 0.25*x[min(k+1, bandN-1)]
	}
	return out
}

// weighed returns the spectrum of a plane of the frame times the whitening filter, back in the
// frame, times the gain: the adjoint of how the leak shows what was added. Frequencies that the
// leak cannot carry are left out. spectrum is not changed.
func (v *frameView) weighed(spectrum dsp.Plane) dsp.Plane {
	c := dsp.NewPlane(pattern.TracerSize, pattern.TracerSize)
	high := v.highPass()
	end := int(v.limit * v.limit)
	for y := range pattern.TracerSize {
		src, dst, band := spectrum.Row(y), c.Row(y), v.band[y*pattern.TracerSize:(y+1)*pattern.TracerSize]
		for u := 0; u < pattern.TracerSize && u*u+y*y < end; u++ {
			dst[u] = float32(float32(src[u]*v.whiten[band[u]]) * high.at(u*u+y*y))
		}
	}
	out := dsp.InverseDCT2(c, v.fw, v.fh)
	for i, g := range v.gain.Pix {
		out.Pix[i] *= g
	}
	return out
}

// A lowCut is what the local fit leaves of low frequencies, by their square.
type lowCut struct{ table []float32 }

// highPass returns how much of each frequency the local fit leaves, about 0 to 1: the fit takes
// away what is coarser than its window.
func (v *frameView) highPass() lowCut {
	var l lowCut
	for i := 0; ; i++ {
		f := math.Sqrt(float64(i)) * 4 / 2 / pattern.TracerSize // every 16th square; cycles a sample
		x := float64(math.Pi * v.floor * f)
		g := 1 - dsp.Exp(-2*float64(x*x))
		l.table = append(l.table, float32(g)+0.05)
		if g > 0.999 || i > 1<<16 {
			return l
		}
	}
}

// at returns the cut's gain at frequency (u, v) of the tracer's transform, r2 = u^2 + v^2.
func (l lowCut) at(r2 int) float32 {
	if i := r2 / 16; i < len(l.table) {
		return l.table[i]
	}
	return 1.05
}
