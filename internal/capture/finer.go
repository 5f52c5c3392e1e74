package capture

import (
	"cmp"
	"image"
	"math"
	"slices"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
)

// A detail is what a leak shows within single pixels of the original. Medians and means are over the blocks.
type detail struct {
	scale  float64 // pixels of the leak as given to a pixel of the original
	blocks int     // textured blocks of the original that the leak shows; 0 if scale is under minFinerScale
	share  float64 // median: detail that does not follow from leak and original, in parts of the finest detail of their pixels, by power
	alike  float64 // median: correlation of the finest detail of the pixels of leak and original
	gain   float64 // median: this detail of the leak, in parts of the original's, by amplitude
	beat   float64 // mean: surplus of change between pixels of the original over change within, -1..1
}

// Finer reports whether the leak has more real detail than the original as given. Such a leak was not made of the
// original, whatever else it shows. A leak that is not larger than the original in pixels of the scene never is.
//
// Three things must come together. Detail within pixels of the original does not follow from these pixels. The leak
// keeps the finest detail of the original: a leak that was small, or printed, or photographed meanwhile, lost it. And its
// changes do not beat with the original's pixels, as they do in a picture that was enlarged (Gallagher, 2005). Of a treated leak
// nothing is known of this. perhaps reports that too little speaks for or against it.
func (s *Sight) Finer() (finer, perhaps bool) {
	if s.isTreated {
		return false, false
	}
	d := measure(s.given.Luma(), s.on.Luma(), s.ToOriginal())
	return d.finer(), !d.finer() && d.perhaps()
}

func (d detail) perhaps() bool {
	return d.blocks >= minFinerBlocks && d.share >= minPerhaps && d.beat < perhapsBeat && (d.gain >= perhapsGain || d.share >= muchFiner && d.gain >= muchPerhapsGain)
}

// finer takes detail that is as strong as the original's for kept, though it is not alike: an original that was strongly
// compressed lost its own. There is much of it, but less than in pixels that were repeated.
func (d detail) finer() bool {
	if d.blocks < minFinerBlocks || d.share < minFiner || d.beat >= maxBeat {
		return false
	}
	if d.share >= muchFiner && d.share <= maxMuch && d.gain >= keptGain && d.gain <= maxKept {
		return true
	}
	keeps := float64(finerAlike*(d.alike-1)) + float64(finerGain*dsp.Ln(math.Min(d.gain, maxFinerGain)))
	return dsp.Ln(d.share/minFiner)+keeps >= minKeeps
}

// measure measures the detail of a leak within pixels of the original: the quarters of each pixel. In an enlarged
// picture they follow from the pixels around by a filter that is the same everywhere. Sharpening and blur change the
// filter, which is fitted to the leak. The filter takes the leak's means over pixels of the original, which contain its mark.
// Detail of a finer picture does not follow. It goes on along an edge, so products of neighbours along the halves of
// pixels count: noise has none. Each block counts alike, so that text laid over an enlarged copy does not.
// onto maps pixels of the leak to pixels of the original.
func measure(given, full dsp.Lazy, onto geometry.Mat) (d detail) {
	inv, ok := onto.Inverse()
	if !ok {
		return d
	}
	x, y := float64(full.W)/2, float64(full.H)/2
	o, a, b := inv.Apply(geometry.Point{X: x, Y: y}), inv.Apply(geometry.Point{X: x + 1, Y: y}), inv.Apply(geometry.Point{X: x, Y: y + 1})
	d.scale = math.Sqrt(math.Abs(float64((a.X-o.X)*(b.Y-o.Y)) - float64((a.Y-o.Y)*(b.X-o.X))))
	if !(d.scale >= minFinerScale) {
		return d
	}
	l := onLeak{leak: given.Make(), orig: full.Make(), onto: onto, inv: inv, side: d.scale / 2, turned: math.Abs(a.X-o.X) < math.Abs(a.Y-o.Y), grid: 8}
	for l.side >= maxFinerSide && min(l.leak.W, l.leak.H) > 1 {
		l.leak, l.side, l.grid = dsp.Halve(l.leak), l.side/2, max(l.grid/2, 2)
		l.onto, l.inv = l.onto.Mul(geometry.PixelScale(2, 2)), geometry.PixelScale(0.5, 0.5).Mul(l.inv)
	}
	var blocks []*quartered
	var alike, gain []float32
	open := 0
	for _, at := range l.textured() {
		if len(blocks) == maxFinerBlocks {
			break
		}
		if b := l.quarter(at); b != nil {
			blocks, alike, gain, open = append(blocks, b), append(alike, b.alike), append(gain, b.gain), open+b.open
			d.beat += l.beat(at)
		}
	}
	if d.blocks = len(blocks); d.blocks < minFinerBlocks {
		return d
	}
	var f filter
	for _, b := range blocks {
		b.each(func(i int, t *taps) {
			if !b.clips(i) || open < d.blocks*finerBlock*finerBlock/5 {
				f.add(b, i, t)
			}
		})
	}
	if !f.solve() {
		return detail{scale: d.scale}
	}
	shares := make([]float32, d.blocks)
	for k, b := range blocks {
		shares[k] = float32(b.left(&f))
	}
	half := d.blocks / 2
	d.share, d.alike, d.gain = float64(dsp.Select(shares, half)), float64(dsp.Select(alike, half)), float64(dsp.Select(gain, half))
	d.beat /= float64(d.blocks)
	return d
}

// An onLeak is a leak, and where it lies on the original.
type onLeak struct {
	leak, orig dsp.Plane
	onto, inv  geometry.Mat // pixels of the leak to pixels of the original, and back
	side       float64      // pixels of the leak to half a pixel of the original
	turned     bool         // the leak's rows are the original's columns
	grid       int          // side of a block of a JPEG, pixels of the leak
}

// textured returns the stronger half of the original's textured blocks, strongest first, by their first pixel.
func (l *onLeak) textured() (all []image.Point) {
	power := make(map[image.Point]float64)
	w := l.orig.W
	for y := finerRim; y+finerBlock+finerRim <= l.orig.H; y += finerBlock {
		for x := finerRim; x+finerBlock+finerRim <= w; x += finerBlock {
			sum := 0.0
			for v := y; v < y+finerBlock; v++ {
				for i := v*w + x; i < v*w+x+finerBlock; i++ {
					sum += curve(l.orig.Pix[i-1:i+2], 1) + curve(l.orig.Pix[i-w:i+w+1], w)
				}
			}
			if at := (image.Point{x, y}); sum >= minFinerPower*finerBlock*finerBlock {
				all, power[at] = append(all, at), sum
			}
		}
	}
	slices.SortStableFunc(all, func(a, b image.Point) int { return cmp.Compare(power[b], power[a]) })
	return all[:(len(all)+1)/2]
}

// curve returns the power of the second difference of p, a quarter of its square, at a step.
func curve[F float32 | float64](p []F, step int) float64 {
	v := float64(p[2*step]) - float64(2*p[step]) + float64(p[0])
	return float64(v*v) / 4
}

const finerSide = finerBlock + 2*finerRim // side of a block with its rim, pixels of the original

// A quartered is a block of the original with its rim, as the leak shows it.
type quartered struct {
	mean, orig  [finerSide * finerSide]float64 // of each pixel of the original: in the leak, and in the original
	own         [finerSide * finerSide][4]float64
	alike, gain float32 // correlation of the finest detail of mean and orig, and amplitude of mean's in parts of orig's
	open        int     // pixels of the block that are not clipped in the leak
}

// quarter returns the block at a place. It returns nil if the leak does not show all of the block, or other detail.
func (l *onLeak) quarter(at image.Point) *quartered {
	b := &quartered{}
	var o, m, oo, mm, om float64
	for i := range b.mean {
		u, v := at.X+i%finerSide-finerRim, at.Y+i/finerSide-finerRim
		for k := range b.own[i] {
			p := l.inv.Apply(geometry.Point{X: float64(u) - 0.25 + float64(k%2)/2, Y: float64(v) - 0.25 + float64(k/2)/2})
			if !(p.X >= 2 && p.Y >= 2 && p.X <= float64(l.leak.W-3) && p.Y <= float64(l.leak.H-3)) {
				return nil
			}
			b.own[i][k] = float64(photometry.Sample(l.leak, p.X, p.Y, l.side))
			b.mean[i] += b.own[i][k] / 4
		}
		b.orig[i] = float64(l.orig.Row(v)[u])
		o, m, oo, mm, om = o+b.orig[i], m+b.mean[i], oo+float64(b.orig[i]*b.orig[i]), mm+float64(b.mean[i]*b.mean[i]), om+float64(b.orig[i]*b.mean[i])
	}
	const n = finerSide * finerSide
	if oo, mm, om = oo-float64(o*o)/n, mm-float64(m*m)/n, om-float64(o*m)/n; om < finerFollows*math.Sqrt(oo*mm) {
		return nil
	}
	oo, mm, om = 0, 0, 0
	b.inner(func(i int) {
		for _, step := range [2]int{1, finerSide} {
			v, w := finest(&b.orig, i, step), finest(&b.mean, i, step)
			oo, mm, om = oo+float64(v*v), mm+float64(w*w), om+float64(v*w)
		}
		if !b.clips(i) {
			b.open++
		}
	})
	b.alike, b.gain = float32(om/math.Sqrt(float64(oo*mm)+1)), float32(math.Sqrt(mm/(oo+1)))
	return b
}

// finest returns the fourth difference of p at i, along a step.
func finest(p *[finerSide * finerSide]float64, i, step int) float64 {
	return float64(6*p[i]) - float64(4*(p[i-step]+p[i+step])) + (p[i-2*step] + p[i+2*step])
}

// beat returns how the changes of the leak from pixel to pixel, by power, beat with the original's pixels in a block: the
// cosine of their place, in turns of a pixel, -1 times, less its mean. Both axes count alike. Changes between the
// blocks of a JPEG are left out, since they beat with the original's pixels too if the leak is twice as large.
func (l *onLeak) beat(at image.Point) (sum float64) {
	low, high := geometry.Point{X: math.Inf(1), Y: math.Inf(1)}, geometry.Point{X: math.Inf(-1), Y: math.Inf(-1)}
	for _, c := range l.inv.Mul(geometry.Translation(float64(at.X)-0.5, float64(at.Y)-0.5)).Corners(finerBlock, finerBlock) {
		low, high = geometry.Point{X: math.Min(low.X, c.X), Y: math.Min(low.Y, c.Y)}, geometry.Point{X: math.Max(high.X, c.X), Y: math.Max(high.Y, c.Y)}
	}
	for axis, step := range [2]int{1, l.leak.W} {
		var power, on, mean, n float64
		dx, dy := float64(1-axis)/2, float64(axis)/2
		for y := max(0, int(low.Y)); y < min(int(high.Y)+1, l.leak.H-1); y++ {
			for x := max(0, int(low.X)); x < min(int(high.X)+1, l.leak.W-1); x++ {
				if at := x + axis*(y-x); at%l.grid == l.grid-1 {
					continue
				}
				i := y*l.leak.W + x
				v := float64(l.leak.Pix[i+step]) - float64(l.leak.Pix[i])
				p := l.onto.Apply(geometry.Point{X: float64(x) + dx, Y: float64(y) + dy})
				if (axis == 1) != l.turned {
					p.X = p.Y
				}
				cos, _ := dsp.Cis(p.X)
				power, on, mean, n = power+float64(v*v), on+float64(float64(v*v)*cos), mean+cos, n+1
			}
		}
		sum -= (on - float64(power*mean)/(n+1)) / (power + 1) / 2
	}
	return sum
}

// clips reports whether the leak is black or white in a quarter of pixel i.
func (b *quartered) clips(i int) bool {
	return slices.Min(b.own[i][:]) <= 2*clipped || slices.Max(b.own[i][:]) >= 255-2*clipped
}

// inner calls visit for each pixel of the block without its rim.
func (b *quartered) inner(visit func(i int)) {
	for j := finerRim; j < finerRim+finerBlock; j++ {
		for i := j*finerSide + finerRim; i < j*finerSide+finerRim+finerBlock; i++ {
			visit(i)
		}
	}
}

// taps are what a filter takes at a pixel: pixels of leak and original around it, less the pixel of the leak.
type taps [7*7 + 5*5]float64

// each calls visit for each pixel of the block without its rim, with its taps.
func (b *quartered) each(visit func(i int, t *taps)) {
	b.inner(func(i int) {
		var t taps
		k := 0
		for dy := -3; dy <= 3; dy++ {
			for dx := -3; dx <= 3; dx++ {
				j := i + dy*finerSide + dx
				t[k] = b.mean[j] - b.mean[i]
				if k++; max(dx, -dx, dy, -dy) < 3 {
					t[49+(dy+2)*5+dx+2] = b.orig[j] - b.mean[i]
				}
			}
		}
		visit(i, &t)
	})
}

// left returns what the filter leaves of the quarters, in parts of the second differences of the means: the products of
// neighbours along the halves of pixels. The prediction is clipped as the leak is.
func (b *quartered) left(f *filter) float64 {
	var left [2][finerSide * finerSide]float64 // 0 in the rim
	var rest, power float64
	b.each(func(i int, t *taps) {
		var r [4]float64
		for k, v := range b.own[i] {
			r[k] = max(clipped, min(255-clipped, v)) - max(clipped, min(255-clipped, b.mean[i]+f.of(k, t)))
		}
		left[0][i], left[1][i] = (r[1]+r[3]-r[0]-r[2])/4, (r[2]+r[3]-r[0]-r[1])/4
		rest += float64(left[0][i]*left[0][i-finerSide]) + float64(left[1][i]*left[1][i-1])
		power += curve(b.mean[i-1:i+2], 1) + curve(b.mean[i-finerSide:i+finerSide+1], finerSide)
	})
	return rest / (power + 1)
}

// A filter is fitted by least squares, for each quarter of a pixel.
type filter struct {
	a [len(taps{})]taps // lower half
	b [4]taps
	x [4][]float64
}

func (f *filter) add(b *quartered, i int, t *taps) {
	for j, v := range t {
		row := f.a[j][:j+1]
		for k, w := range t[:j+1] {
			row[k] += float64(v * w)
		}
		for k := range f.b {
			f.b[k][j] += float64(v * (b.own[i][k] - b.mean[i]))
		}
	}
}

func (f *filter) solve() bool {
	for i := range f.a {
		f.a[i][i]++ // the first tap of the pixel itself is 0
		for j := range i {
			f.a[j][i] = f.a[i][j]
		}
	}
	for k := range f.x {
		rows := make([][]float64, len(f.a))
		for i := range f.a {
			rows[i] = slices.Clone(f.a[i][:])
		}
		var ok bool
		if f.x[k], ok = geometry.Solve(rows, f.b[k][:]); !ok {
			return false
		}
	}
	return true
}

func (f *filter) of(k int, t *taps) (sum float64) {
	for i, v := range t {
		sum += float64(f.x[k][i] * v)
	}
	return sum
}
