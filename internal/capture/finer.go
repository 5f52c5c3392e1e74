package capture

import (
	"math"

	"github.com/kycmark/kycmark/internal/dsp"
	"github.com/kycmark/kycmark/internal/geometry"
	"github.com/kycmark/kycmark/internal/photometry"
)

// A detail is what a leak shows within single pixels of the original.
type detail struct {
	scale  float64 // pixels of the leak as given to a pixel of the original
	blocks int     // textured blocks of the original that the leak shows; 0 if scale is under minFinerScale
	share  float64 // median over them: detail that does not follow from the pixels around, in parts of the finest detail of these, by power
	again  float64 // share of repeated pixels in the filters, the smaller of both axes
}

// Finer reports whether the leak has more real detail than the original as given. Such a leak was not made of the
// original, whatever else it shows. A leak that is not larger than the original in pixels of the scene never is.
func (s *Sight) Finer() bool {
	d := s.finer()
	return d.blocks >= minFinerBlocks && d.share >= minFiner && d.again < maxAgain
}

// finer measures the detail of the leak within pixels of the original: the differences of the halves of each pixel,
// across and down (Haar, 1910). In an enlarged picture they follow from the pixels around by a filter that is the same
// everywhere, or from repeated pixels. Sharpening and blur change the filter, which is fitted to the leak. Detail of a
// finer picture does not follow. It goes on along an edge, so products of neighbours along the halves count: noise has
// none. Each block counts alike, so that text laid over an enlarged copy does not.
func (s *Sight) finer() (d detail) {
	onto, full := s.ToOriginal(), s.on.Luma()
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
	leak, orig := s.given.Make(), full.Make()
	again := repeated(leak, onto, full.W, full.H)
	step := finerBlock
	for full.W/step*(full.H/step) > maxFinerBlocks {
		step += finerBlock
	}
	var blocks []*halved
	var filters [2]filter
	for y := finerRim; y+finerBlock+finerRim <= full.H; y += step {
		for x := finerRim; x+finerBlock+finerRim <= full.W; x += step {
			if b := halve(leak, again, orig, inv, x, y, d.scale/2); b != nil {
				blocks = append(blocks, b)
				b.each(func(k, i int, t *taps) { filters[k].add(b.own[k][i], t) })
			}
		}
	}
	if len(blocks) < minFinerBlocks || !filters[0].solve() || !filters[1].solve() {
		return d
	}
	d.again = math.Min(filters[0].again(), filters[1].again())
	var shares []float32
	for _, b := range blocks {
		if rest, power := b.left(&filters); power >= minFinerPower*finerBlock*finerBlock {
			shares = append(shares, float32(rest/power))
		}
	}
	if d.blocks = len(shares); d.blocks > 0 {
		d.share = float64(dsp.Select(shares, d.blocks/2))
	}
	return d
}

// repeated returns the leak as if each pixel of the original, w x h pixels, were repeated: each pixel has the mean of the
// pixels of the leak that lie on the same pixel of the original. m maps pixels of the leak to pixels of the original.
func repeated(leak dsp.Plane, m geometry.Mat, w, h int) dsp.Plane {
	sum, n, out := make([]float32, w*h), make([]float32, w*h), leak.Clone()
	at := make([]int32, len(out.Pix))
	for i, v := range leak.Pix {
		p := m.Apply(geometry.Point{X: float64(i % leak.W), Y: float64(i / leak.W)})
		if at[i] = -1; p.X >= -0.5 && p.Y >= -0.5 && p.X < float64(w)-0.5 && p.Y < float64(h)-0.5 {
			at[i] = int32(int(p.Y+0.5)*w + int(p.X+0.5))
			sum[at[i]] += v
			n[at[i]]++
		}
	}
	for i, k := range at {
		if k >= 0 {
			out.Pix[i] = sum[k] / n[k]
		}
	}
	return out
}

const finerSide = finerBlock + 2*finerRim // side of a block with its rim, pixels of the original

// A halved is a block of the original with its rim, as the leak shows it.
type halved struct {
	mean       [finerSide * finerSide]float64    // of each pixel of the original
	own, again [2][finerSide * finerSide]float64 // differences of its halves, across and down: of the leak, and of repeated pixels
}

// halve returns the block at (x, y). inv maps pixels of the original to pixels of the leak, and half a pixel of the
// original is side pixels of the leak. halve returns nil if the leak does not show all of the block, or other detail.
func halve(leak, again, orig dsp.Plane, inv geometry.Mat, x, y int, side float64) *halved {
	b := &halved{}
	var o, l, oo, ll, ol float64
	for i := range b.mean {
		u, v := x+i%finerSide-finerRim, y+i/finerSide-finerRim
		var q, r [4]float64
		for k := range q {
			p := inv.Apply(geometry.Point{X: float64(u) - 0.25 + float64(k%2)/2, Y: float64(v) - 0.25 + float64(k/2)/2})
			if !(p.X >= 2 && p.Y >= 2 && p.X <= float64(leak.W-3) && p.Y <= float64(leak.H-3)) {
				return nil
			}
			q[k], r[k] = float64(photometry.Sample(leak, p.X, p.Y, side)), float64(photometry.Sample(again, p.X, p.Y, side))
		}
		b.own[0][i], b.own[1][i] = (q[1]+q[3]-q[0]-q[2])/4, (q[2]+q[3]-q[0]-q[1])/4
		b.again[0][i], b.again[1][i] = (r[1]+r[3]-r[0]-r[2])/4, (r[2]+r[3]-r[0]-r[1])/4
		m, w := (q[0]+q[1]+q[2]+q[3])/4, float64(orig.Row(v)[u])
		b.mean[i] = m
		o, l, oo, ll, ol = o+w, l+m, oo+float64(w*w), ll+float64(m*m), ol+float64(w*m)
	}
	const n = finerSide * finerSide
	oo, ll, ol = oo-float64(o*o)/n, ll-float64(l*l)/n, ol-float64(o*l)/n
	if oo > n*minFinerPower && float64(ol*ol) < float64(finerFollows*finerFollows)*float64(oo*ll) {
		return nil
	}
	return b
}

// taps are what a filter takes at a pixel: differences of means along the axis of the halves, at the pixel and beside it,
// and the difference of the halves of repeated pixels.
type taps [7]float64

// each calls visit for each pixel i of the block without its rim, and for both axes k.
func (b *halved) each(visit func(k, i int, t *taps)) {
	for j := finerRim; j < finerRim+finerBlock; j++ {
		for i := j*finerSide + finerRim; i < j*finerSide+finerRim+finerBlock; i++ {
			for k, step := range [2]int{1, finerSide} {
				side := finerSide + 1 - step
				d := func(i, n int) float64 { return b.mean[i+n*step] - b.mean[i-n*step] }
				visit(k, i, &taps{
					d(i, 1), d(i, 2), d(i, 3), d(i-side, 1) + d(i+side, 1), d(i-side, 2) + d(i+side, 2),
					b.mean[i+step] - b.mean[i] + (b.mean[i-step] - b.mean[i]), b.again[k][i],
				})
			}
		}
	}
}

// left returns two sums over the block. rest is of what the filters leave of the differences: products of neighbours
// along the halves. power is of the second differences of the means.
func (b *halved) left(filters *[2]filter) (rest, power float64) {
	var left [2][finerSide * finerSide]float64 // 0 in the rim
	b.each(func(k, i int, t *taps) {
		left[k][i] = b.own[k][i] - filters[k].of(t)
		power += float64(t[5]*t[5]) / 4
		rest += float64(left[k][i] * left[k][i-[2]int{finerSide, 1}[k]])
	})
	return rest, power
}

// A filter is fitted by least squares.
type filter struct {
	a [len(taps{})]taps
	b taps
	x []float64
}

func (f *filter) add(v float64, t *taps) {
	for i, u := range t {
		for j, w := range t {
			f.a[i][j] += float64(u * w)
		}
		f.b[i] += float64(u * v)
	}
}

// solve sets x, and returns false if there is no solution.
func (f *filter) solve() (ok bool) {
	var rows [][]float64
	for i := range f.a {
		f.a[i][i]++ // without repeated pixels a tap is 0
		rows = append(rows, f.a[i][:])
	}
	f.x, ok = geometry.Solve(rows, f.b[:])
	return ok
}

// again returns the share of repeated pixels in the filter.
func (f *filter) again() float64 { return f.x[len(f.x)-1] }

func (f *filter) of(t *taps) (sum float64) {
	for i, v := range t {
		sum += float64(f.x[i] * v)
	}
	return sum
}
