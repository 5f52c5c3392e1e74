package capture

import (
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/register"
)

// softenings are the blurs of the original that are tried, deviations in pixels: a
// leak that was blurred has lost the finest detail.
var softenings = [...]float64{0, 0.7, 1.1, 1.6, 2.3, 3.2}

// A Likeness is how far a leak shows what the original shows, after registration. Blocks are squares of 16 pixels of
// the leak, or 8 of a small one, that lie on the original.
type Likeness struct {
	Verdict Verdict

	Textured  int     // blocks with detail in the original
	Covered   int     // of these, without detail in the leak: redacted, or blank
	Agree     int     // of the rest, with the same detail
	Opposed   int     // of the rest, with other detail
	Exchanged int     // of the opposed, lighter here and darker there: not stamped over, but another text
	Blank     int     // of the covered, where ink is gone and nothing lies over it
	Spread    float64 // share of the leak's parts in which blocks are exchanged, 0..1

	BlankSpread float64 // share of those in which blocks are exchanged or blank

	Softening float64 // blur of the leak against the original, deviation in pixels
	Noise     float64 // of the leak's detail against the original's, grey levels

	Grain Grain

	// Foreign: the detail is the original's, and it is for its grain that the verdict is Other.
	Foreign bool

	side int // of a block, pixels of the leak
}

// decide returns the verdict that the counts give. It is Other for another text, for foreign grain,
// or if under half of the shown blocks agree. It is Unsure if too little is shown and the grain is
// not foreign. decide sets n.Foreign if grain alone makes a leak Other that is otherwise Same.
func (n *Likeness) decide() Verdict {
	shown := n.Textured - n.Covered
	switch {
	case n.foreignText(shown):
		return Other
	case shown*n.side*n.side < minArea:
		if n.Grain.foreign() {
			return Other
		}
		return Unsure
	case 2*n.Agree < shown:
		return Other
	case n.Grain.foreign():
		n.Foreign = true
		return Other
	}
	return Same
}

// mostly reports whether what differs may be places of an altered leak: many blocks agree, few parts have other text.
func (n *Likeness) mostly() bool {
	return n.Spread <= alteredSpread && float64(n.Agree) >= float64(mostlyShare*float64(n.Textured-n.Covered))
}

// foreignText reports whether the leak shows another text, in many places. shown is the number of
// textured blocks that are not covered. If grain agrees, more exchanged blocks are needed.
func (n *Likeness) foreignText(shown int) bool {
	share := exchangedShare
	if n.Grain.Flat >= minFlat && n.Grain.Same >= ownGrain {
		share = ownExchanged
	}
	reaches := func(k int, share float64, of int) bool { return float64(k) >= float64(share*float64(of)) }
	moved := n.Exchanged >= minExchanged && reaches(n.Exchanged, share, shown) && n.Spread >= minSpread
	gone := n.Exchanged+n.Blank >= minExchanged && reaches(n.Exchanged+n.Blank, blankShare, n.Textured) &&
		reaches(n.Opposed, blankOpposed, shown) && n.BlankSpread >= blankSpread
	return moved || gone
}

// A sheet is a leak and the original as it lies under it.
type sheet struct {
	leak, orig dsp.Plane
	seen       []bool
	side, cell int       // of a block, and of the squares in which covers are looked for
	cw, ch     int       // cells
	l, o       dsp.Plane // their detail
}

// compare returns how far the leak of registration r shows original o, by its blocks. Blocks in or
// beside the places without are left out.
func compare(r *register.Registration, o *register.Original, without ...Region) Likeness {
	s := newSheet(r, o)
	s.hide(r, without)
	var n Likeness
	n.side = s.side
	n.Softening = s.soften()
	blocks := s.blocks(s.covers())
	n.judge(s, blocks)
	n.Grain = s.grain(blocks, n.Softening)
	n.Verdict = n.decide()
	return n
}

// newSheet lays original o under the leak of r. Pixels of the leak beside the original get the leak's own value in both
// pictures, and are not seen. A leak of up to smallLeak pixels has the smaller blocks.
func newSheet(r *register.Registration, o *register.Original) *sheet {
	s := &sheet{leak: r.Leak}
	s.orig, s.seen = o.Under(r)
	for i, in := range s.seen {
		if !in {
			s.orig.Pix[i] = s.leak.Pix[i]
		}
	}
	s.side = wideBlock
	if max(s.leak.W, s.leak.H) <= smallLeak {
		s.side = smallBlock
	}
	s.cell = s.side / 2
	s.cw, s.ch = s.leak.W/s.cell, s.leak.H/s.cell
	return s
}

// hide makes the pixels of the leak in and beside places of the original unseen.
func (s *sheet) hide(r *register.Registration, places []Region) {
	for i := range s.seen {
		if besides(places, r.X.Pix[i], r.Y.Pix[i]) {
			s.seen[i] = false
			s.orig.Pix[i] = s.leak.Pix[i]
		}
	}
}

// band returns p blurred by fine, less p blurred by coarse: Gaussian blurs, with deviations in pixels.
func band(p dsp.Plane, fine, coarse float64) dsp.Plane {
	return dsp.Gauss(p, fine).Less(dsp.Gauss(p, coarse))
}

// soften sets s.l and s.o, the detail of leak and original. The original is blurred so that both agree best. soften
// returns that blur, deviation in pixels; it stops at the first of softenings that is not better than the blur before.
func (s *sheet) soften() float64 {
	s.l = band(s.leak, detailFine, detailCoarse)
	best, at := math.Inf(-1), 0.0
	for _, sigma := range softenings {
		v := float64(sigma * sigma)
		d := band(s.orig, math.Sqrt(detailFine*detailFine+v), math.Sqrt(detailCoarse*detailCoarse+v))
		if c := s.typical(d); c > best+0.002 {
			best, at, s.o = c, sigma, d
		} else {
			break
		}
	}
	return at
}

// typical returns the median over textured blocks of the correlation of detail o with the
// detail of the leak, -1..1; 0 without such blocks.
func (s *sheet) typical(o dsp.Plane) float64 {
	var all []float32
	for y := 0; y+s.side <= o.H; y += s.side {
		for x := 0; x+s.side <= o.W; x += s.side {
			if m, ok := s.moments(o, s.l, x, y, s.side); ok && m.oo > minDetail*minDetail {
				all = append(all, float32(m.ol/math.Sqrt(float64(m.oo*m.ll)+1e-3)))
			}
		}
	}
	if len(all) == 0 {
		return 0
	}
	return float64(dsp.Select(all, len(all)/2))
}

type moments struct{ oo, ll, ol float64 }

// moments returns the moments of planes o and l over a square from (x, y), or false if a pixel of it is not seen.
func (s *sheet) moments(o, l dsp.Plane, x, y, side int) (moments, bool) {
	var so, sl, oo, ll, ol float64
	for j := y; j < y+side; j++ {
		i := j*o.W + x
		for k, in := range s.seen[i : i+side] {
			if !in {
				return moments{}, false
			}
			a, b := float64(o.Pix[i+k]), float64(l.Pix[i+k])
			so += a
			sl += b
			oo += float64(a * a)
			ll += float64(b * b)
			ol += float64(a * b)
		}
	}
	n := float64(side * side)
	so, sl = so/n, sl/n
	return moments{math.Max(0, oo/n-float64(so*so)), math.Max(0, ll/n-float64(sl*sl)), ol/n - float64(so*sl)}, true
}

// covers returns, for each cell row by row, whether the original has detail there and the leak
// hardly any. Hardly any is a small share of the detail that the leak shows elsewhere.
func (s *sheet) covers() []bool {
	covered, cells := make([]bool, s.cw*s.ch), make([]moments, s.cw*s.ch)
	var gains []float32
	for i := range cells {
		m, ok := s.moments(s.o, s.l, i%s.cw*s.cell, i/s.cw*s.cell, s.cell)
		if ok && m.oo > minDetail*minDetail {
			cells[i] = m
			gains = append(gains, float32(math.Sqrt(m.ll/m.oo)))
		}
	}
	if len(gains) == 0 {
		return covered
	}
	gain := float64(dsp.Select(gains, len(gains)*3/4))
	for i, m := range cells {
		covered[i] = m.oo > 0 && m.ll < float64(coveredGain*coveredGain)*float64(gain*gain)*m.oo
	}
	return covered
}

// A block is a textured or a flat square of the leak.
type block struct {
	x, y     int
	textured bool
	covered  bool // or near to what is
	hidden   bool // itself, in part
	gain     float64
	noise    float64
	share    float64 // of its detail that agrees
	opposed  bool
	agrees   bool
}

// blocks returns the squares that lie wholly on the original, row by row. covered is what covers returned. Textured
// squares that are not covered get their gain and noise; judge sets share, opposed and agrees.
func (s *sheet) blocks(covered []bool) []block {
	var out []block
	for y := 0; y+s.side <= s.leak.H; y += s.side {
		for x := 0; x+s.side <= s.leak.W; x += s.side {
			m, ok := s.moments(s.o, s.l, x, y, s.side)
			if !ok {
				continue
			}
			b := block{x: x, y: y, textured: m.oo > minDetail*minDetail, covered: s.near(covered, x, y, margins), hidden: s.near(covered, x, y, 0)}
			if b.textured && !b.covered {
				s.fit(&b, math.Sqrt(m.oo))
			}
			out = append(out, b)
		}
	}
	return out
}

// near reports whether a covered cell lies within so many cells of the block at (x, y); 0: in the block itself.
func (s *sheet) near(covered []bool, x, y, cells int) bool {
	for j := max(0, y/s.cell-cells); j <= min(s.ch-1, (y+s.side)/s.cell-1+cells); j++ {
		for i := max(0, x/s.cell-cells); i <= min(s.cw-1, (x+s.side)/s.cell-1+cells); i++ {
			if covered[j*s.cw+i] {
				return true
			}
		}
	}
	return false
}

// fit sets the gain of b, the median ratio of the leak's detail to the original's. It sets the
// noise to the median of what the gain leaves over, grey levels. Both are over pixels at which the
// original's detail is dev grey levels or more. Without such pixels both stay 0.
func (s *sheet) fit(b *block, dev float64) {
	var ratios [wideBlock * wideBlock]float32
	n := 0
	s.strong(b, dev, func(o, l float64) {
		ratios[n] = float32(l / o)
		n++
	})
	if n == 0 {
		return
	}
	b.gain = float64(dsp.Select(ratios[:n], n/2))
	n = 0
	s.strong(b, dev, func(o, l float64) {
		ratios[n] = float32(math.Abs(l - float64(b.gain*o)))
		n++
	})
	b.noise = float64(dsp.Select(ratios[:n], n/2))
}

// strong calls f at each pixel of b at which the original's detail is dev or more, lighter or
// darker. o is the detail of the original there and l the detail of the leak, grey levels.
func (s *sheet) strong(b *block, dev float64, f func(o, l float64)) {
	for j := b.y; j < b.y+s.side; j++ {
		i := j*s.o.W + b.x
		for k, v := range s.o.Pix[i : i+s.side] {
			if o := float64(v); math.Abs(o) >= dev {
				f(o, float64(s.l.Pix[i+k]))
			}
		}
	}
}

// judge says of each textured block whether it agrees or is opposed, and counts the blocks in n. A
// block between the two is neither. If every textured block is covered, judge counts nothing.
func (n *Likeness) judge(s *sheet, blocks []block) {
	var noise, gains []float32
	for i := range blocks {
		if b := &blocks[i]; b.textured && !b.covered {
			noise, gains = append(noise, float32(b.noise)), append(gains, float32(b.gain))
		}
	}
	if len(noise) == 0 {
		return
	}
	n.Noise = float64(dsp.Select(noise, len(noise)/2))
	typical := float64(dsp.Select(gains, len(gains)/2))
	for i := range blocks {
		b := &blocks[i]
		if !b.textured {
			continue
		}
		n.Textured++
		if b.covered {
			n.Covered++
			continue
		}
		s.explain(b, n.Noise)
		switch {
		case b.share < opposedShare || b.gain < float64(blockGain*typical):
			b.opposed = true
			n.Opposed++
		case b.share >= agreeShare:
			b.agrees = true
			n.Agree++
		}
	}
	n.exchanged(s, blocks)
}

// explain sets the share of the detail of b, by power, that the leak shows as expected: times
// the gain of b, within a tolerance that depends on noise, grey levels.
func (s *sheet) explain(b *block, noise float64) {
	m, _ := s.moments(s.o, s.l, b.x, b.y, s.side)
	var in, all float64
	s.strong(b, math.Sqrt(m.oo), func(o, l float64) {
		e := float64(b.gain * o)
		p := float64(o * o)
		all += p
		if math.Abs(l-e) <= float64(tolerance*math.Abs(e))+float64(noisy*noise) {
			in += p
		}
	})
	b.share = in / (all + 1e-9)
}

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
	threshold := max(minShift, float32(rangeShift*(slices.Max(t[:])-slices.Min(t[:]))))
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

// A Grain compares what little there is in blocks that are flat: noise of the sensor, paper.
// All but Flat are medians over the blocks, and 0 without blocks.
type Grain struct {
	Flat  int     // blocks that are compared
	Same  float64 // correlation of the leak's grain with the original's, -1..1
	Power float64 // power of the leak's grain, in parts of the original's
	Even  float64 // first decile of that power in parts of its median: near 0 if a codec wiped grain out in places
}

// grain compares the grain of the flat blocks that are neither covered, black nor white. softening is the blur of the
// leak against the original, deviation in pixels. The original gets the same blur first.
func (s *sheet) grain(blocks []block, softening float64) (g Grain) {
	v := float64(softening * softening)
	l := band(s.leak, grainFine, grainCoarse)
	o := band(s.orig, math.Sqrt(grainFine*grainFine+v), math.Sqrt(grainCoarse*grainCoarse+v))
	var gains, powers []float32
	for i := range blocks {
		b := &blocks[i]
		if b.covered || b.textured || !s.exposed(b) {
			continue
		}
		m, _ := s.moments(o, l, b.x, b.y, s.side)
		if d, _ := s.moments(s.o, s.l, b.x, b.y, s.side); d.oo > maxFlat*maxFlat || m.oo < minGrain*minGrain {
			continue
		}
		gains, powers = append(gains, float32(m.ol/m.oo)), append(powers, float32(m.ll/m.oo))
	}
	if g.Flat = len(gains); g.Flat > 0 {
		gain := float64(dsp.Select(gains, g.Flat/2))
		g.Power = float64(dsp.Select(powers, g.Flat/2))
		g.Same = gain / math.Sqrt(g.Power+1e-9)
		g.Even = float64(dsp.Select(powers, g.Flat/10)) / (g.Power + 1e-9)
	}
	return g
}

// exposed reports whether a block is neither black nor white, in the leak and in the original.
func (s *sheet) exposed(b *block) bool {
	var o, l float64
	for j := b.y; j < b.y+s.side; j++ {
		i := j*s.orig.W + b.x
		for k := range s.side {
			o += float64(s.orig.Pix[i+k])
			l += float64(s.leak.Pix[i+k])
		}
	}
	n := float64(s.side * s.side)
	o, l = o/n, l/n
	return o > dark && o < bright && l > dark && l < bright
}

// foreign reports whether the leak has grain, but not the original's. Codecs and denoisers
// wipe grain out unevenly, which is no sign of another capture.
func (g *Grain) foreign() bool {
	gain := float64(g.Same * math.Sqrt(g.Power))
	return g.Flat >= minFlat && slices.ContainsFunc(foreignGrains, func(f foreignGrain) bool {
		return g.Even >= f.minEven && g.Power >= f.minPower && g.Power < f.maxPower && g.Same < f.maxSame && gain < f.maxGain
	})
}
