package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
)

// A treatment is what applications that scan documents do to a picture. They divide it by the light on its page, stretch
// what is left, and cut it off at black and white. In black and white the stretch is so steep that only edges are left.
type treatment struct {
	shares    []float32 // of each channel in the luma: [lumaAlone], or [rgb] if each channel is treated for itself
	reach     float64   // deviation of the blur that gives the light, in parts of the long side; 0: not divided
	low, high float64   // levels that become black and white
	added     float32   // to each level before
	minLight  float32   // light under which all becomes grey: noise is strong in so little light
}

var lumaAlone, rgb = [...]float32{1}, [...]float32{0.299, 0.587, 0.114}

// Treated reports whether an application that scans documents changed the leak. What an original without mark would look
// like is then not known well enough for a power.
func (s *Sight) Treated() bool { return s.isTreated }

// level returns what the treatment makes of a level v in the light around it.
func (t *treatment) level(v, light float32) float32 {
	if t.reach > 0 && light < t.minLight {
		return 128
	}
	return float32(math.Min(255, math.Max(0, float64(255*(float64(divided(v, light))-t.low)/(t.high-t.low)))))
}

// divided returns a level, 0..255, relative to the light around: [paper] is as light. Without light it returns v.
func divided(v, light float32) float32 {
	if light <= 0 {
		return v
	}
	return paper * v / max(light, 1)
}

// treated returns the original after a treatment. What is even in it is what was even before.
func (o *Original) treated(t treatment) *Original {
	luma := o.source.Luma()
	out := New(dsp.Lazy{W: luma.W, H: luma.H, Make: func() dsp.Plane {
		out := dsp.NewPlane(luma.W, luma.H)
		for k, share := range t.shares {
			full, small := o.channel(k, t.shares)
			light := lightOn(small, t.reach, luma.W, luma.H)
			for i, v := range full.Pix {
				out.Pix[i] += float32(share * t.level(v+t.added, light.Pix[i]))
			}
		}
		return out
	}})
	out.even = o.even
	return out
}

// channel returns channel k of those with the given shares, 0..255: at full resolution, and as small as
// [Original.Canonical]. Neither may be changed.
func (o *Original) channel(k int, shares []float32) (full, small dsp.Plane) {
	luma, c := o.source.Luma(), o.Canonical()
	if len(shares) == 1 {
		return luma.Make(), c
	}
	full = dsp.NewPlane(luma.W, luma.H)
	for y := range full.H {
		pix := luma.Of.Pix[y*luma.Of.Stride:]
		for x := range full.W {
			full.Row(y)[x] = float32(pix[4*x+k])
		}
	}
	return full, dsp.Shrink(full, c.W, c.H)
}

// treated returns the leak as it lies on the original after what an application did to the leak. The leak is then compared
// with what is left of the original. The result is nil if there is no sign of an application, or if the leak is the same
// capture without it: v is what the leak shows then.
func (s *Sight) treated(v Verdict) *Sight {
	onlyEdges := s.given.Bilevel() && !bilevel(s.on.Luma())
	if (v == Same || v == Altered) && !onlyEdges {
		return nil
	}
	all, small := s.pairs(lumaAlone[:])
	if len(all) == 0 {
		return nil
	}
	best, off := treatmentOf(lumaAlone[:], all, onlyEdges)
	limit := off
	if !onlyEdges {
		limit *= clearlyTreated
	}
	try := func(shares []float32) {
		for _, reach := range reaches {
			if t, e := treatmentOf(shares, inLight(all, small, reach), onlyEdges); e < off {
				best, off = t, e
				best.reach = reach
			}
		}
	}
	if try(lumaAlone[:]); !onlyEdges && s.on.Luma().Of != nil {
		all, small = s.pairs(rgb[:])
		try(rgb[:])
	}
	// A page without shadows may be in a white that tone curves do not give.
	cut := s.fitted != nil && s.fitted.light[1] > cutOffShade
	if !onlyEdges && !cut && (best.reach == 0 || off > limit) {
		return nil
	}
	on := s.on // s becomes the result
	out := on.treated(best).sight(s.Registration, s.given)
	out.isTreated = true
	if !onlyEdges {
		more, less := best, best
		more.added, less.added = levelStep, -levelStep
		out.gain = func() dsp.Plane {
			gain, _ := on.treated(more).base.Under(out.Registration)
			from, _ := on.treated(less).base.Under(out.Registration)
			for i, v := range from.Pix {
				gain.Pix[i] = (gain.Pix[i] - v) / (2 * levelStep)
			}
			return gain
		}
	} else {
		best.low, best.high = best.low+steep-sureInk, best.high-steep+sureInk
		best.minLight = sureLight
		out.sure, out.untreated = on.treated(best), on
	}
	return out
}

// otherInk returns how much ink of a black and white leak lies where the original surely has paper, or the reverse.
// Its unit is the leak's ink or its paper, the less of both. No threshold and no codec makes such pixels: another text does.
// Near edges nothing is sure. sure is the original, black and white where that is sure.
func (s *pose) otherInk(sure *Original) float64 {
	under, seen := sure.base.Under(s.Registration)
	white, black := dsp.Erode(under, sureAround), dsp.Dilate(under, sureAround)
	other, ink, paper := 0, 0, 0
	for i, v := range s.Leak.Pix {
		switch {
		case !seen[i]:
			continue
		case v < 128:
			ink++
		default:
			paper++
		}
		if white.Pix[i] >= 255-rounded && v < midGrey || black.Pix[i] <= rounded && v > 255-midGrey {
			other++
		}
	}
	return float64(other) / float64(max(min(ink, paper), 1))
}

// bilevel is [Leak.Bilevel] for a picture, 0..255.
func bilevel(luma dsp.Lazy) bool {
	black, white := 0, 0
	for row := range luma.Rows {
		for _, v := range row {
			if v < midGrey {
				black++
			} else if v > 255-midGrey {
				white++
			}
		}
	}
	n := float64(luma.W * luma.H)
	return n-float64(black+white) <= math.Min(maxGrey*n, maxGreyEdges*float64(min(black, white)))
}

// judgeTreated is judge for a treated leak. It is Edges or Alike, as nearly all detail is the original's, and lies where the
// original's frame has it. Light, noise and grain are the application's. Edges are fewer, and less sure: a
// pattern in the ground of a card leaves few. The fewer are left, the less other ink may be there.
func (s *Sight) judgeTreated() (Verdict, error) {
	n := s.Likeness()
	shown := float64(n.Textured - n.Covered)
	agree, opposed, exchanged := treatedAgree, treatedOpposed, treatedExchanged
	onlyEdges := s.sure != nil
	if onlyEdges {
		agree, opposed, exchanged = edgesAgree, edgesOpposed, edgesExchanged
	}
	switch {
	case n.Verdict == Unsure, onlyEdges && shown*float64(n.side*n.side) < minArea:
		return Unsure, nil
	case n.Verdict == Other && !n.Foreign && !onlyEdges: // strokes that are lost in black and white are no other text
		return Other, nil
	case float64(n.Agree) < float64(agree*shown) || float64(n.Opposed) > float64(opposed*shown) || float64(n.Exchanged) > float64(exchanged*shown):
		return Edited, nil
	case onlyEdges:
		ink, left := s.otherInk(s.sure), float64(n.Agree)/float64(n.Textured)
		switch {
		case ink > maxOtherInk, left < edgesShown && ink > fewOtherInk:
			return Edited, nil
		case left < edgesFew:
			return Unsure, nil
		}
	}
	p, err := s.prediction()
	if p == nil {
		return Unsure, err
	}
	half, far := s.onFrame(p.places())
	onFrame := half <= frameMiddle && far <= frameMax
	switch {
	case onFrame && onlyEdges:
		return Edges, nil
	case n.Foreign && !onFrame:
		return Other, nil
	}
	return Alike, nil
}

// lightOn returns the light on a small channel, as a plane of w x h pixels. It is 0 for a reach of 0.
func lightOn(small dsp.Plane, reach float64, w, h int) dsp.Plane {
	if reach == 0 {
		return dsp.NewPlane(w, h)
	}
	sw, sh := geometry.Fit(small.W, small.H, lightSide)
	return dsp.Shrink(small, sw, sh).Lazy().Soft(float64(reach*float64(max(sw, sh))), w, h)
}

// A pair is the levels of the original's channels and the leak's level. at is the index of the original's nearest pixel.
type pair struct {
	from [len(rgb)]float32
	to   float32
	at   int
}

// inLight returns pairs whose levels of the original are in parts of the light on its small channels.
func inLight(all []pair, small []dsp.Plane, reach float64) []pair {
	out := slices.Clone(all)
	for k, c := range small {
		light := lightOn(c, reach, c.W, c.H)
		for i := range out {
			out[i].from[k] = divided(out[i].from[k], light.Pix[out[i].at])
		}
	}
	return out
}

// pairs returns the levels of leak and original at full resolution, on a grid, and the small channels of the original. What
// is treated and then shrunk is not what is shrunk and then treated.
func (s *pose) pairs(shares []float32) (all []pair, small []dsp.Plane) {
	c, leak, onto := s.on.Canonical(), s.given.Luma().Make(), s.ToOriginal()
	back, ok := s.ToLeak.Inverse()
	if !ok {
		return nil, nil
	}
	kx, ky := float64(s.on.Luma().W)/float64(c.W), float64(s.on.Luma().H)/float64(c.H)
	var places []geometry.Point // on the original
	for y := 0; y < s.Leak.H; y += pairStep {
		for x := 0; x < s.Leak.W; x += pairStep {
			u, v := s.X.Row(y)[x], s.Y.Row(y)[x]
			here := geometry.Point{X: float64(x), Y: float64(y)}
			near := back.Apply(here)
			i, j := int(math.Round(near.X)), int(math.Round(near.Y))
			if !(u >= 1 && v >= 1 && u <= float32(c.W-2) && v <= float32(c.H-2)) || i < 0 || j < 0 || i >= leak.W || j >= leak.H { // NaN too
				continue
			}
			p, bent, level := onto.Apply(geometry.Point{X: float64(i), Y: float64(j)}), s.H.Apply(here), leak.Row(j)[i]
			if s.Inverted {
				level = 255 - level
			}
			places = append(places, geometry.Point{X: p.X + float64((float64(u)-bent.X)*kx), Y: p.Y + float64((float64(v)-bent.Y)*ky)})
			all = append(all, pair{to: level, at: int(v+.5)*c.W + int(u+.5)})
		}
	}
	pitch := math.Max(1, float64(s.view.Pitch*kx)*float64(s.Leak.W)/float64(leak.W))
	for k := range shares {
		full, c := s.on.channel(k, shares)
		small = append(small, c)
		for i, p := range places {
			all[i].from[k] = photometry.Sample(full, p.X, p.Y, pitch)
		}
	}
	return all, small
}

// off returns the mean error of the treatment over pairs whose levels are divided by the light, grey levels. It takes each
// step-th pair. Once the error is sure to reach limit it returns +Inf.
func (t *treatment) off(all []pair, step int, limit float64) float64 {
	sum, n := 0.0, float64((len(all)+step-1)/step)
	for i := 0; i < len(all); i += step {
		level := float32(0)
		for k, share := range t.shares {
			level += float32(share * t.level(all[i].from[k], 0))
		}
		if sum += math.Abs(float64(all[i].to - level)); sum/n >= limit {
			return math.Inf(1)
		}
	}
	return sum / n
}

// stretch sets the levels that become black and white, so that the error is least: on a coarse grid, then closer.
func (t *treatment) stretch(all []pair) {
	best, step := math.Inf(1), len(all)/fewPairs+1
	try := func(low, high float64) {
		x := *t
		if x.low, x.high = low, high; high-low >= minStretch {
			if off := x.off(all, step, best); off < best {
				best, *t = off, x
			}
		}
	}
	for low := -minStretch; low < 256; low += minStretch {
		for high := low + minStretch; high <= maxStretch; high += minStretch {
			try(float64(low), float64(high))
		}
	}
	for d := minStretch / 2.; d > 1; d /= 2 {
		for at := *t; ; at = *t {
			for _, by := range [...][2]float64{{d, 0}, {-d, 0}, {0, d}, {0, -d}} {
				try(at.low+by[0], at.high+by[1])
			}
			if at.low == t.low && at.high == t.high {
				break
			}
		}
	}
}

// treatmentOf returns the treatment of channels that fits all pairs, which are divided by the light, and the mean error, grey levels.
func treatmentOf(shares []float32, all []pair, bilevel bool) (t treatment, err float64) {
	t.shares = shares
	if bilevel {
		from, dark := make([]float32, len(all)), 0.0
		for i, p := range all {
			from[i] = p.from[0]
			dark += float64(255-p.to) / 255
		}
		at := float64(dsp.Select(from, min(max(int(dark), 0), len(all)-1))) // levels above white make dark negative
		t.low, t.high = at-steep, at+steep
	} else {
		t.stretch(all)
	}
	return t, t.off(all, 1, math.Inf(1))
}
