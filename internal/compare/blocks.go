package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
)

const (
	blockSide    = 16   // pixels of the level that is compared
	coarse       = 17   // width of the box whose mean is taken away, pixels
	leastDetail  = 3.0  // deviation of a textured block, levels of 0..255
	faint        = 0.3  // detail of the leak, in parts of the original's, below which a block is hidden
	differing    = 0.7  // correlation, in parts of the median, below which a block differs
	opposed      = 0.5  // the same, below which it is opposed
	burntShare   = 0.15 // share of a block's pixels that are burnt, from which it is
	coveredShare = 0.03 // the same of covered ones, from which it is hidden
	leastScale   = 0.6  // leak pixels per pixel of the level that is compared
)

// softenings are the blurs of the original, sigma in pixels, that are tried: a
// leak that was blurred or shrunk has lost the finest detail.
var softenings = [...]float64{1, 1.8, 3}

// blocks compares the detail of both pictures block by block, on the finest level
// that the leak resolves and at the softening where they agree best.
func blocks(orig, leak *Picture, m geometry.Mat) Result {
	level := 0
	for level < len(orig.levels)-1 && max(orig.levels[level].W, orig.levels[level].H) > leastSide*4 &&
		resolution(orig, level, leak, m) < leastScale {
		level++
	}
	w, mask, _ := warped(orig, level, leak, m)
	l := detail(w, softenings[0])
	lost, under := clipped(orig.levels[level], w)
	var best Result
	for i, s := range softenings {
		r := blocksOf(detail(orig.levels[level], s), l, mask, lost, under)
		if i == 0 || r.Median > best.Median+0.01 {
			best = r
		}
	}
	best.Map, best.Side = m, max(orig.levels[level].W, orig.levels[level].H)
	return best
}

// resolution is the leak's pixels (of its finest level) per pixel of a level.
func resolution(orig *Picture, level int, leak *Picture, m geometry.Mat) float64 {
	inv, ok := orig.toLevel(level).Inverse()
	if !ok {
		return 0
	}
	l := orig.levels[level]
	return scaleOf(leak.toLevel(0).Mul(m).Mul(inv), float64(l.W), float64(l.H))
}

func blocksOf(t, l dsp.Plane, mask, lost, under []bool) Result {
	var r Result
	var seen []block
	for y := 1; y+blockSide < t.H; y += blockSide {
		for x := 1; x+blockSide < t.W; x += blockSide {
			dt := deviation(t, x, y)
			if dt < leastDetail {
				continue
			}
			r.Textured++
			if covered(mask, t.W, x, y) {
				c, dl := bestCorrelation(t, l, x, y)
				switch {
				case share(under, t.W, x, y) >= coveredShare:
					dl = 0
				case share(lost, t.W, x, y) >= burntShare:
					r.Burnt++
					continue
				}
				seen = append(seen, block{c, dl / dt})
			}
		}
	}
	r.count(seen)
	return r
}

// A block is a textured block of the original inside the leak's frame.
type block struct {
	corr   float64 // with the leak, -1..1
	detail float64 // the leak's deviation in parts of the original's
}

func (r *Result) count(seen []block) {
	r.Seen = len(seen) + r.Burnt
	if len(seen) == 0 {
		return
	}
	slices.SortFunc(seen, func(a, b block) int { return cmp.Compare(a.detail, b.detail) })
	typical := seen[len(seen)*3/4].detail
	shown := slices.DeleteFunc(slices.Clone(seen), func(b block) bool { return b.detail < faint*typical })
	r.Hidden = len(seen) - len(shown)
	slices.SortFunc(shown, func(a, b block) int { return cmp.Compare(a.corr, b.corr) })
	r.Median = shown[len(shown)/2].corr
	for _, b := range shown {
		switch {
		case b.corr >= differing*r.Median:
			r.Agree++
		case b.corr >= opposed*r.Median:
			r.Differ++
		default:
			r.Differ++
			r.Opposed++
		}
	}
}

// detail is what is finer than the coarse shades and coarser than the noise.
func detail(p dsp.Plane, softening float64) dsp.Plane {
	soft := dsp.Gauss(p, softening)
	base := dsp.Box(soft, coarse)
	for i := range soft.Pix {
		soft.Pix[i] -= base.Pix[i]
	}
	return soft
}

func covered(mask []bool, w, x, y int) bool {
	for j := y - 1; j <= y+blockSide; j++ {
		if !mask[j*w+x-1] || !mask[j*w+x+blockSide] {
			return false
		}
	}
	return true
}

// clipped marks the pixels that are black or white in the leak alone: burnt ones,
// which were dark or light already, and covered ones, which were not.
func clipped(orig, leak dsp.Plane) (burnt, covered []bool) {
	burnt, covered = make([]bool, len(leak.Pix)), make([]bool, len(leak.Pix))
	for i, v := range leak.Pix {
		o := orig.Pix[i]
		switch {
		case v >= 254 && o < 250:
			burnt[i], covered[i] = o >= 150, o < 150
		case v <= 1 && o > 5:
			burnt[i], covered[i] = o <= 105, o > 105
		}
	}
	return burnt, covered
}

func share(set []bool, w, x, y int) float64 {
	n := 0
	for j := y; j < y+blockSide; j++ {
		for _, in := range set[j*w+x : j*w+x+blockSide] {
			if in {
				n++
			}
		}
	}
	return float64(n) / (blockSide * blockSide)
}

func deviation(p dsp.Plane, x, y int) float64 {
	var s, q float64
	for j := y; j < y+blockSide; j++ {
		for _, v := range p.Row(j)[x : x+blockSide] {
			s += float64(v)
			q += float64(v * v)
		}
	}
	const n = blockSide * blockSide
	return math.Sqrt(math.Max(0, q/n-float64(s/n*(s/n))))
}

// bestCorrelation is the greatest normalised correlation of a block over shifts
// by a pixel, and the leak's deviation there.
func bestCorrelation(t, l dsp.Plane, x, y int) (best, dev float64) {
	best = -1
	for dy := -1; dy <= 1; dy++ {
		for dx := -1; dx <= 1; dx++ {
			if c, d := correlation(t, l, x, y, x+dx, y+dy); c > best {
				best, dev = c, d
			}
		}
	}
	return best, dev
}

func correlation(t, l dsp.Plane, x, y, lx, ly int) (c, dev float64) {
	var st, sl, tt, ll, tl float64
	for j := range blockSide {
		a, b := t.Row(y + j)[x:x+blockSide], l.Row(ly + j)[lx:lx+blockSide]
		for i := range a {
			u, v := float64(a[i]), float64(b[i])
			st += u
			sl += v
			tt += float64(u * u)
			ll += float64(v * v)
			tl += float64(u * v)
		}
	}
	const n = blockSide * blockSide
	vt, vl := tt/n-float64(st/n*(st/n)), ll/n-float64(sl/n*(sl/n))
	if vt <= 0 || vl <= 0 {
		return 0, 0
	}
	return (tl/n - float64(st/n*(sl/n))) / math.Sqrt(float64(vt*vl)), math.Sqrt(vl)
}
