package main

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/bench/hard"
	"github.com/kycmark/kycmark/bench/ruler"
	"github.com/kycmark/kycmark/internal/dsp"
)

type maker = func(*securityRun, *victim) (leak, original *image.NRGBA)

// asItIs leaks the first copy unchanged.
func asItIs(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
	return s.copies[0], s.Image
}

// another returns the picture after picture i, or a specimen if that cannot be read, in
// the size of img.
func (r *securityRun) another(i int, img *image.NRGBA) *image.NRGBA {
	next := r.host(r.copies + i + len(r.env.Pictures)) // a specimen
	if p, err := r.env.Load(r.env.Pictures[(i+1)%len(r.env.Pictures)]); err == nil && len(r.env.Pictures) > 1 {
		next = p.Image
	}
	return imaging.Fill(next, img.Rect.Dx(), img.Rect.Dy(), imaging.Center, imaging.CatmullRom)
}

// forgeAverage adds the average of many estimates, times gain, to the unmarked picture.
func forgeAverage(gain float32) maker {
	return func(r *securityRun, s *victim) (leak, original *image.NRGBA) {
		return r.estimate.addTo(s.Image, gain), s.Image
	}
}

// forgeLarger adds the average of uploads when one is larger: around the middle, that is the mark of this one.
func forgeLarger(r *securityRun, s *victim) (leak, original *image.NRGBA) {
	return r.larger.addTo(s.Image, 1), s.Image
}

// commonCopies is the number of copies that forgeCopies averages.
const commonCopies = 32

// forgeCopies has what is common to all copies of an upload: the pilots, and a
// thirty-second of the chips' energy.
func forgeCopies(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
	e := estimateOf(mixed("mean", s.copies[:commonCopies]))
	return e.addTo(s.second, 1), s.second
}

// moveMark is the copy attack: Kutter, Voloshynovskiy and Herrigel, Watermark copy
// attack, 2000.
func moveMark(gain float32) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		e := estimateOf(s.copies[0])
		return e.addTo(s.second, gain), s.second
	}
}

// removeBy returns an attempt by an attack of the list.
func removeBy(name string) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		return ruler.Must(hard.Find(name)).Apply(s.copies[0], s.Seed), s.Image
	}
}

// collude returns an attempt that mixes k copies; any of their IDs is a reading.
func collude(mix string, k int) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		return mixed(mix, s.copies[:k]), s.Image
	}
}

// mixed mixes copies of one size in a way of [hard.Mixes] that draws nothing at random.
func mixed(name string, copies []*image.NRGBA) *image.NRGBA {
	return ruler.Must(ruler.Must(hard.FindMix(name)).Apply(copies, 0))
}

// subtractMark takes away what marking the copy once more adds.
func subtractMark(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
	leak = s.again()
	for i, v := range s.copies[0].Pix {
		leak.Pix[i] = uint8(min(max(2*int(v)-int(leak.Pix[i]), 0), 255))
	}
	return leak, s.Image
}

// The pilots lie between these frequencies, in cycles a 1024th of the long side:
// 0.032 to 0.100 a mark pixel, and a scale that is keyed within e^0.1.
const ringLow, ringHigh = 0.029, 0.111

// notchOut returns an attack that removes spectral peaks of the mark's estimate from a copy, round
// after round. It removes the bins within reach of the n strongest peaks of the pilots' band. An
// attacker can do so who knows the scheme but not the key. Luma and blue difference share their
// peaks.
func notchOut(n, reach int) maker {
	const rounds, gain = 8, 2 // an estimate has a fifth to a half of a pilot's amplitude
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		img := s.copies[0]
		w, h := img.Rect.Dx(), img.Rect.Dy()
		f := dsp.NewFFT2(dsp.FastEven(w), dsp.FastLen(h))
		e := estimateOf(img)
		power := powers(f.Forward(evened(e.luma)))
		for i, v := range powers(f.Forward(evened(e.blue))).Pix {
			power.Pix[i] += v
		}
		peaks := strongest(power, dsp.FastEven(w), float64(max(w, h))/canvasSide, n)
		for range rounds {
			part := estimate{around(f, e.luma, peaks, reach), around(f, e.blue, peaks, reach)}
			img = part.addTo(img, -gain)
			e = estimateOf(img)
		}
		return img, s.Image
	}
}

// evened divides an estimate by its local RMS, so that texture does not drown the
// pilots of plain areas, under a Hann window.
func evened(p dsp.Plane) dsp.Plane {
	square := p.Clone()
	for i, v := range p.Pix {
		square.Pix[i] = v * v
	}
	local := dsp.Gauss(square, 4)
	out := p.Clone()
	for i, v := range p.Pix {
		x, y := float64(i%p.W)/float64(p.W), float64(i/p.W)/float64(p.H)
		hann := (1 - math.Cos(2*math.Pi*x)) * (1 - math.Cos(2*math.Pi*y))
		out.Pix[i] = float32(hann * math.Min(math.Max(float64(v)/(math.Sqrt(float64(local.Pix[i]))+0.5), -3), 3))
	}
	return out
}

// around is what p has within reach bins of the peaks.
func around(f *dsp.FFT2, p dsp.Plane, peaks []bin, reach int) dsp.Plane {
	s := f.Forward(p)
	kept := make([]complex64, len(s.C))
	for _, b := range peaks {
		for v := b.v - reach; v <= b.v+reach; v++ {
			for u := max(0, b.u-reach); u <= min(s.Stride()-1, b.u+reach); u++ {
				i := (v+s.H)%s.H*s.Stride() + u
				kept[i] = s.C[i]
			}
		}
	}
	s.C = kept
	return f.Inverse(s, p.W, p.H)
}

// A bin is a coefficient of a half spectrum, v wrapped to h.
type bin struct{ u, v int }

// strongest returns the peaks of the ring that stand out most from the 15 x 15 bins
// around, no two within four bins of each other. power is that of a half spectrum of
// rows of width coefficients.
func strongest(power dsp.Plane, width int, scale float64, n int) []bin {
	local := dsp.Box(power, 15)
	type candidate struct {
		bin
		ratio float32
	}
	var all []candidate
	for v := range power.H {
		for u := range power.W {
			fx, fy := float64(u)/float64(width), float64(min(v, power.H-v))/float64(power.H)
			if r := math.Hypot(fx, fy) * scale; r >= ringLow && r <= ringHigh {
				all = append(all, candidate{bin{u, v}, power.Row(v)[u] / (local.Row(v)[u] + 1e-9)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.ratio, a.ratio) })
	var out []bin
	for _, c := range all {
		near := slices.ContainsFunc(out, func(b bin) bool { return max(b.u-c.u, c.u-b.u) <= 4 && max(b.v-c.v, c.v-b.v) <= 4 })
		if !near {
			out = append(out, c.bin)
		}
		if len(out) == n {
			break
		}
	}
	return out
}

// powers returns the squared absolute value of each coefficient.
func powers(s dsp.Spectrum) dsp.Plane {
	p := dsp.NewPlane(s.Stride(), s.H)
	for i, c := range s.C {
		p.Pix[i] = real(c)*real(c) + imag(c)*imag(c)
	}
	return p
}
