package bench

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/disintegration/imaging"

	"github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/dsp"
)

type maker = func(*securityRun, *victim) (leak, original *image.NRGBA)

func asItIs(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
	return s.copies[0], s.image
}

// another is the picture after picture i, or a landscape where that cannot be
// read, in the size of picture i.
func (r *securityRun) another(i int) *image.NRGBA {
	size := r.subjects[i].image.Rect
	next, err := r.host(r.cfg.Copies + i + len(r.cfg.Pictures)) // a specimen
	if p, err2 := r.cfg.load(r.cfg.Pictures[(i+1)%len(r.cfg.Pictures)]); err2 == nil && len(r.cfg.Pictures) > 1 {
		next, err = p.Image, nil
	}
	if err != nil {
		return r.subjects[i].image // cannot be: specimens are drawn
	}
	return imaging.Fill(next, size.Dx(), size.Dy(), imaging.Center, imaging.CatmullRom)
}

func forgeAverage(gain float32) maker {
	return func(r *securityRun, s *victim) (leak, original *image.NRGBA) {
		return r.estimate.addTo(s.image, gain), s.image
	}
}

// commonCopies are those that forgeCopies averages.
const commonCopies = 32

// forgeCopies has what is common to all copies of an upload: the pilots, and a
// thirty-second of the chips' energy.
func forgeCopies(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
	e := estimateOf(average(s.copies[:commonCopies]))
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

func removeBy(name string) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		a, err := attack.Find(name)
		if err != nil {
			return asItIs(nil, s) // cannot be: a test takes every name
		}
		return a.Apply(s.copies[0], s.seed), s.image
	}
}

// collude merges k copies; any of their IDs is a reading.
func collude(merge func([]*image.NRGBA) *image.NRGBA, k int) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		return merge(s.copies[:k]), s.image
	}
}

// middle is the median of an odd number of pictures of one size.
func middle(of []*image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(of[0].Rect)
	v := make([]uint8, len(of))
	for i := range out.Pix {
		for k, p := range of {
			v[k] = p.Pix[i]
		}
		slices.Sort(v)
		out.Pix[i] = v[len(v)/2]
	}
	return out
}

// The pilots lie between these frequencies, in cycles a 1024th of the long side:
// 0.032 to 0.100 a mark pixel, and a scale that is keyed within e^0.1.
const ringLow, ringHigh = 0.029, 0.111

// notchOut takes the n strongest peaks of the pilots' band out of the spectrum, as
// somebody would who knows the scheme and not the key.
func notchOut(n int) maker {
	return func(_ *securityRun, s *victim) (leak, original *image.NRGBA) {
		img := s.copies[0]
		w, h := img.Rect.Dx(), img.Rect.Dy()
		f := dsp.NewFFT2(dsp.FastEven(w), dsp.FastLen(h))
		peaks := strongest(f.Forward(estimateOf(img).luma), float64(max(w, h))/canvasSide, n)
		c := dsp.ShrinkNRGBA(img, w, h)
		out := image.NewNRGBA(img.Rect)
		copy(out.Pix, img.Pix)
		for channel, p := range []dsp.Plane{c.R, c.G, c.B} {
			spectrum := f.Forward(p)
			flatten(spectrum, peaks)
			for i, v := range f.Inverse(spectrum, w, h).Pix {
				out.Pix[4*i+channel] = level(0, v)
			}
		}
		return out, s.image
	}
}

// A bin is a coefficient of a half spectrum, v wrapped to h.
type bin struct{ u, v int }

// strongest returns the peaks of the ring that stand out most from the 15 x 15 bins
// around, no two within two bins of each other.
func strongest(s dsp.Spectrum, scale float64, n int) []bin {
	power := powers(s)
	local := dsp.Box(power, 15)
	type candidate struct {
		bin
		ratio float32
	}
	var all []candidate
	for v := range s.H {
		for u := range s.Stride() {
			fx, fy := float64(u)/float64(s.W), float64(min(v, s.H-v))/float64(s.H)
			if r := math.Hypot(fx, fy) * scale; r >= ringLow && r <= ringHigh {
				all = append(all, candidate{bin{u, v}, power.Row(v)[u] / (local.Row(v)[u] + 1e-9)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.ratio, a.ratio) })
	var out []bin
	for _, c := range all {
		near := slices.ContainsFunc(out, func(b bin) bool { return max(b.u-c.u, c.u-b.u) <= 2 && max(b.v-c.v, c.v-b.v) <= 2 })
		if !near {
			out = append(out, c.bin)
		}
		if len(out) == n {
			break
		}
	}
	return out
}

func powers(s dsp.Spectrum) dsp.Plane {
	p := dsp.NewPlane(s.Stride(), s.H)
	for i, c := range s.C {
		p.Pix[i] = real(c)*real(c) + imag(c)*imag(c)
	}
	return p
}

// flatten brings each peak and the bins within two of it down to a quarter of the
// median power around.
func flatten(s dsp.Spectrum, peaks []bin) {
	power := powers(s)
	for _, b := range peaks {
		var around []float32
		each(s, b, 7, func(i int) { around = append(around, power.Pix[i]) })
		slices.Sort(around)
		floor := around[len(around)/2] / 4
		each(s, b, 2, func(i int) {
			if power.Pix[i] > floor {
				g := float32(math.Sqrt(float64(floor / power.Pix[i])))
				s.C[i] = complex(g*real(s.C[i]), g*imag(s.C[i]))
			}
		})
	}
}

// each calls f with the index of every coefficient within r bins.
func each(s dsp.Spectrum, b bin, r int, f func(i int)) {
	for v := b.v - r; v <= b.v+r; v++ {
		for u := max(0, b.u-r); u <= min(s.Stride()-1, b.u+r); u++ {
			f((v+s.H)%s.H*s.Stride() + u)
		}
	}
}
