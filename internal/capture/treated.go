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
	reach     float64 // deviation of the blur that gives the light, in parts of the long side; 0: not divided
	low, high float64 // levels that become black and white
	minLight  float32 // light under which all becomes grey: noise is strong in so little light
}

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

// divided returns a level, 0..255, in parts of the light around it, as a level: [paper] is as light as around. Without light it
// returns the level.
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
		out, light := luma.Make().Clone(), o.light(t.reach, luma.W, luma.H)
		for i, v := range out.Pix {
			out.Pix[i] = t.level(v, light.Pix[i])
		}
		return out
	}})
	out.even = o.even
	return out
}

// treated returns the leak as it lies on the original after what an application did to the leak. The leak is then compared
// with what is left of the original. The result is nil if there is no sign of an application, or if the leak is the same
// capture without it: v is what the leak shows then.
func (s *Sight) treated(v Verdict) *Sight {
	onlyEdges := s.given.Bilevel() && !bilevel(s.on.Luma().Make())
	if (v == Same || v == Altered) && !onlyEdges {
		return nil
	}
	all := s.pairs()
	if len(all) == 0 {
		return nil
	}
	c := s.on.Canonical()
	best, off := treatmentOf(0, all, onlyEdges)
	limit := off
	if !onlyEdges {
		limit *= clearlyTreated
	}
	for _, reach := range reaches {
		if t, e := treatmentOf(reach, inLight(all, s.on.light(reach, c.W, c.H)), onlyEdges); e < off {
			best, off = t, e
		}
	}
	cut := best.reach == 0 && s.fit != nil && s.light[1] > cutOffShade // a page without shadows, in a white that tone curves do not give
	if !onlyEdges && !cut && (best.reach == 0 || off > limit) {
		return nil
	}
	out := s.on.treated(best).sight(s.Registration, s.given)
	out.isTreated, out.onlyEdges = true, onlyEdges
	if onlyEdges {
		best.low, best.high = best.low+steep-sureInk, best.high-steep+sureInk
		best.minLight = sureLight
		out.sure = s.on.treated(best)
	}
	return out
}

// otherInk returns how much ink of a black and white leak lies where the original surely has paper, or the reverse. It is in
// parts of the leak's ink or paper, whichever is less. No threshold and no codec makes such pixels: another text does. Near edges nothing is sure.
func (s *Sight) otherInk() float64 {
	under, seen := s.sure.base.Under(s.Registration)
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

// Bilevel reports whether the leak is black and white alone, except for what a codec adds.
func (l *Leak) Bilevel() bool { return l.bilevel() }

// bilevel is [Leak.Bilevel] for a picture, 0..255.
func bilevel(luma dsp.Plane) bool {
	black, white := 0, 0
	for _, v := range luma.Pix {
		if v < midGrey {
			black++
		} else if v > 255-midGrey {
			white++
		}
	}
	n := float64(len(luma.Pix))
	return float64(len(luma.Pix)-black-white) <= math.Min(maxGrey*n, maxGreyEdges*float64(min(black, white)))
}

// judgeTreated is judge for a treated leak. It is Edges or Alike, as nearly all detail is the original's, and lies where the
// original's frame has it. Light, noise and grain are the application's. Edges are fewer, and less sure: a
// pattern in the ground of a card leaves few. The fewer are left, the less other ink may be there.
func (s *Sight) judgeTreated() (Verdict, error) {
	n := s.Likeness()
	shown := float64(n.Textured - n.Covered)
	agree, opposed, exchanged := treatedAgree, treatedOpposed, treatedExchanged
	if s.onlyEdges {
		agree, opposed, exchanged = edgesAgree, edgesOpposed, edgesExchanged
	}
	switch {
	case n.Verdict == Unsure, s.onlyEdges && shown*float64(n.side*n.side) < minArea:
		return Unsure, nil
	case n.Verdict == Other && !n.Foreign && !s.onlyEdges: // strokes that are lost in black and white are no other text
		return Other, nil
	case float64(n.Agree) < float64(agree*shown) || float64(n.Opposed) > float64(opposed*shown) || float64(n.Exchanged) > float64(exchanged*shown):
		return Edited, nil
	case s.onlyEdges:
		ink, left := s.otherInk(), float64(n.Agree)/float64(n.Textured)
		switch {
		case ink > maxOtherInk, left < edgesShown && ink > fewOtherInk:
			return Edited, nil
		case left < edgesFew:
			return Unsure, nil
		}
	}
	fit, _, err := s.Fit()
	if err != nil || fit == nil {
		return Unsure, err
	}
	half, far := s.onFrame(s.places(fit))
	onFrame := half <= frameMiddle && far <= frameMax
	switch {
	case onFrame && s.onlyEdges:
		return Edges, nil
	case n.Foreign && !onFrame:
		return Other, nil
	}
	return Alike, nil
}

// light returns the light on the original, as a plane of w x h pixels. It is 0 for a reach of 0.
func (o *Original) light(reach float64, w, h int) dsp.Plane {
	c := o.Canonical()
	if reach == 0 {
		return dsp.NewPlane(w, h)
	}
	sw, sh := geometry.Fit(c.W, c.H, lightSide)
	return dsp.Soft(dsp.Shrink(c, sw, sh), float64(reach*float64(max(sw, sh))), w, h)
}

// A pair is a level of the original and the leak's level. at is the index of the nearest pixel of the canonical original.
type pair struct {
	from, to float32
	at       int
}

// inLight returns pairs whose levels of the original are in parts of the light there.
func inLight(all []pair, light dsp.Plane) []pair {
	out := slices.Clone(all)
	for i := range out {
		out[i].from = divided(out[i].from, light.Pix[out[i].at])
	}
	return out
}

// pairs returns the levels of original and leak, on a grid of pixels of the leak.
func (s *Sight) pairs() (all []pair) {
	c := s.on.Canonical()
	k := math.Max(1, s.view.Pitch)
	for y := 0; y < s.Leak.H; y += pairStep {
		for x := 0; x < s.Leak.W; x += pairStep {
			i := y*s.Leak.W + x
			u, v := s.X.Pix[i], s.Y.Pix[i]
			if !(u >= 1 && v >= 1 && u <= float32(c.W-2) && v <= float32(c.H-2)) { // NaN too
				continue
			}
			all = append(all, pair{photometry.Sample(c, float64(u), float64(v), k), s.Leak.Pix[i], int(v+.5)*c.W + int(u+.5)})
		}
	}
	return all
}

// stretch sets the levels that become black and white, so that the error is least. The error is over the leak's median
// levels by steps of the original's.
func (t *treatment) stretch(all []pair) {
	var by [toneSteps][]float32
	for _, p := range all {
		by[stepOf(p.from)] = append(by[stepOf(p.from)], p.to)
	}
	var medians [toneSteps]float64
	for k, v := range by {
		if len(v) > 0 {
			medians[k] = float64(middle(v))
		}
	}
	best := math.Inf(1)
	for low := -minStretch; low < 256; low += stretchStep {
		for high := low + minStretch; high <= maxStretch; high += stretchStep {
			x := treatment{low: float64(low), high: float64(high)}
			off := 0.0
			for k, v := range by {
				off += float64(float64(len(v)) * math.Abs(medians[k]-float64(x.level((float32(k)+0.5)*256/toneSteps, 0))))
			}
			if off < best {
				best, t.low, t.high = off, x.low, x.high
			}
		}
	}
}

// treatmentOf returns the treatment by a light of some reach that fits all, and the mean of its errors, grey levels.
func treatmentOf(reach float64, all []pair, bilevel bool) (t treatment, err float64) {
	t.reach = reach
	if bilevel {
		from, dark := make([]float32, len(all)), 0.0
		for i, p := range all {
			from[i] = p.from
			dark += float64(255-p.to) / 255
		}
		at := float64(dsp.Select(from, min(max(int(dark), 0), len(all)-1))) // levels above white make dark negative
		t.low, t.high = at-steep, at+steep
	} else {
		t.stretch(all)
	}
	for _, p := range all {
		err += math.Abs(float64(p.to - t.level(p.from, 0)))
	}
	return t, err / float64(len(all))
}
