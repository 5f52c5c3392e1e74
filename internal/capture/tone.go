package capture

import "github.com/kycmark/kycmark/internal/dsp"

// A tone is the leak's grey level for the original's, at the middle of each step.
type tone [toneSteps]float32

// tone returns the grey levels of the leak by grey levels of the original o: medians by steps
// of o, over blocks that agree or are flat. Steps with too few pixels are interpolated.
func (s *sheet) tone(o dsp.Plane, blocks []block) tone {
	var pix [toneSteps][]float32
	for i := range blocks {
		b := &blocks[i]
		if b.covered || b.textured && !b.agrees {
			continue
		}
		for y := b.y; y < b.y+s.side; y += 2 {
			for x := b.x; x < b.x+s.side; x += 2 {
				k := min(max(int(o.Pix[y*o.W+x]*toneSteps/256), 0), toneSteps-1)
				pix[k] = append(pix[k], s.leak.Pix[y*o.W+x])
			}
		}
	}
	var t tone
	last := -1
	for k := range pix {
		if len(pix[k]) < minTone {
			continue
		}
		t[k] = dsp.Select(pix[k], len(pix[k])/2)
		for j := last + 1; j < k; j++ {
			if last < 0 {
				t[j] = t[k]
				continue
			}
			t[j] = t[last] + float32((t[k]-t[last])*float32(j-last)/float32(k-last))
		}
		last = k
	}
	for j := last + 1; j < toneSteps && last >= 0; j++ {
		t[j] = t[last]
	}
	return t
}

// at returns the leak's grey level for level v of the original, interpolated between steps.
func (t *tone) at(v float32) float32 {
	x := v*toneSteps/256 - 0.5
	x = min(max(x, 0), toneSteps-1)
	k := min(int(x), toneSteps-2)
	return t[k] + float32((x-float32(k))*(t[k+1]-t[k]))
}

// reach is the difference from the darkest to the lightest.
func (t *tone) reach() float32 {
	lo, hi := t[0], t[0]
	for _, v := range t {
		lo, hi = min(lo, v), max(hi, v)
	}
	return hi - lo
}

// off returns the shares of the pixels of b, 0..1, that are lighter, and darker, than expected by
// over threshold grey levels. Expected is what tone curve t makes of original o there.
func (s *sheet) off(o dsp.Plane, t *tone, threshold float32, b *block) (lighter, darker float64) {
	up, down := 0, 0
	for y := b.y; y < b.y+s.side; y++ {
		for x := b.x; x < b.x+s.side; x++ {
			k := y*o.W + x
			switch d := s.leak.Pix[k] - t.at(o.Pix[k]); {
			case d > threshold:
				up++
			case d < -threshold:
				down++
			}
		}
	}
	n := float64(s.side * s.side)
	return float64(up) / n, float64(down) / n
}

// exchanged adds two counts to n, and sets Spread and BlankSpread. Exchanged blocks are opposed,
// lighter here and darker there. Blank blocks are partly hidden, and ink is gone but not added.
// Stamps and boxes only darken, or only lighten; another text does both. blocks come from judge.
func (n *Likeness) exchanged(s *sheet, blocks []block) {
	soft := s.orig
	if n.Softening > 0 {
		soft = dsp.Gauss(soft, n.Softening)
	}
	t := s.tone(soft, blocks)
	threshold := max(minShift, float32(rangeShift*t.reach()))
	var textured, moved, gone [parts * parts]int
	for i := range blocks {
		b := &blocks[i]
		if !b.textured {
			continue
		}
		part := b.y*parts/s.leak.H*parts + b.x*parts/s.leak.W
		textured[part]++
		if !b.covered && !b.opposed {
			continue
		}
		lighter, darker := s.off(soft, &t, threshold, b)
		switch {
		case b.opposed && min(lighter, darker) >= minMoved:
			n.Exchanged++
			moved[part]++
		case b.hidden && lighter >= minMoved && darker < minBlank:
			n.Blank++
			gone[part]++
		}
	}
	n.Spread = spread(textured, moved, [len(moved)]int{})
	n.BlankSpread = spread(textured, moved, gone)
}

// spread returns the share of the parts of the leak in which a or b counts a block, among the
// parts with enough textured blocks, 0..1.
func spread(textured, a, b [parts * parts]int) float64 {
	all, with := 0, 0
	for i, k := range textured {
		if k >= minOfPart {
			all++
			if a[i]+b[i] > 0 {
				with++
			}
		}
	}
	return float64(with) / float64(max(all, 1))
}
