package attack

import (
	"image"
	"math"

	base "github.com/kycmark/kycmark/internal/attack"
	"github.com/kycmark/kycmark/internal/attack/edits"
)

// Windows of non-local means, pixels from the middle.
const (
	patchReach  = 2 // pixels; a patch has 5 x 5
	searchReach = 7 // pixels; patches at 15 x 15 places are compared
)

// nonLocalMeans returns the step that denoises lightness with strength h and colour with strength
// hColour (Buades, Coll and Morel, Non-Local Means Denoising, IPOL 2011). Both are in levels of 8
// bits; more removes more.
func nonLocalMeans(h, hColour float64) Step {
	return base.Plain(func(p *image.NRGBA) *image.NRGBA {
		big := edits.Padded(p, patchReach+searchReach, edits.Reflect)
		lab := toLab(big)
		light := denoise(lab.l, nil, lab.w, lab.h, nlmWeights(h*h))
		colour := denoise(lab.a, lab.b, lab.w, lab.h, nlmWeights(2*hColour*hColour))
		return fromLab(light, colour, lab.w, p.Rect)
	})
}

// nlmWeights returns the table of weights, 255 down to 1, of a place, for a squared strength of h2.
// The index is the sum of the squared differences over the place's patch, divided by 32. Beyond the
// table the weight is 0.
func nlmWeights(h2 float64) []uint64 {
	const side = 2*patchReach + 1
	var weights []uint64
	for i := 0; ; i++ {
		w := uint64(math.Round(255 * math.Exp(-float64(i)*32/(side*side)/h2)))
		if w == 0 {
			return weights
		}
		weights = append(weights, w)
	}
}

// A sum of weighted pixels is packed into 64 bits: 24 bits each for both
// channels, 16 for the weights. 225 places x 255 x 255 < 2^24.
const (
	packB = 24
	packW = 48
)

// denoise averages one channel, or two channels that are compared together, over the search window
// of every pixel. It returns the packed sums, which fromLab divides. w and h are the size of the
// padded planes; b is nil for one channel. weights are from nlmWeights.
//
// Two pixels that lie one shift apart form one pair, which is weighed once and counts for both.
func denoise(a, b []uint8, w, h int, weights []uint64) []uint64 {
	n := &nlmPairs{a: a, b: b, w: w, h: h, weights: weights}
	n.value = make([]uint64, w*h)
	n.sums = make([]uint64, w*h)
	for i := range n.value {
		n.value[i] = uint64(a[i]) | 1<<packW
		if b != nil {
			n.value[i] |= uint64(b[i]) << packB
		}
		n.sums[i] = 255 * n.value[i]
	}
	n.column = make([]int32, w)
	n.squares = make([]int32, (2*patchReach+1)*w)
	for dy := range searchReach + 1 {
		for dx := -searchReach; dx <= searchReach; dx++ {
			if dy > 0 || dx > 0 {
				n.shift(dx, dy)
			}
		}
	}
	return n.sums
}

// nlmPairs weighs the pairs of pixels that lie one shift apart.
type nlmPairs struct {
	a, b        []uint8
	w, h        int
	weights     []uint64
	value, sums []uint64

	column  []int32 // sums of square differences over the rows of a patch
	squares []int32 // square differences of these rows, in turn
}

// shift weighs all pairs (x, y), (x+dx, y+dy) whose patches lie within the planes, and adds them to
// the sums. dy is 0 or more; it is called once for each shift and not for its opposite.
func (n *nlmPairs) shift(dx, dy int) {
	const side = 2*patchReach + 1
	x0, x1 := max(0, -dx), min(n.w, n.w-dx) // both pixels are in the planes
	clear(n.column)
	clear(n.squares)
	for y := range n.h - dy {
		p := y*n.w + x0
		q := p + dy*n.w + dx
		old := n.squares[y%side*n.w:][:x1-x0]
		squareRow(n.column[:x1-x0], old, n.a[p:], n.a[q:])
		if n.b != nil {
			addSquareRow(n.column[:x1-x0], old, n.b[p:], n.b[q:])
		}
		if y >= side-1 {
			back := patchReach * n.w
			n.weigh(p-back, q-back, x1-x0)
		}
	}
}

// squareRow moves the sums in column down by one row: it adds the squared differences of rows a and
// b and takes away those in old, of the row that leaves the patch. old then holds the new ones.
func squareRow(column, old []int32, a, b []uint8) {
	old, a, b = old[:len(column)], a[:len(column)], b[:len(column)]
	for i := range column {
		d := int32(a[i]) - int32(b[i])
		column[i] += d*d - old[i]
		old[i] = d * d
	}
}

// addSquareRow adds the squared differences of the second channel to column and to old, after
// squareRow has replaced old.
func addSquareRow(column, old []int32, a, b []uint8) {
	old, a, b = old[:len(column)], a[:len(column)], b[:len(column)]
	for i := range column {
		d := int32(a[i]) - int32(b[i])
		column[i] += d * d
		old[i] += d * d
	}
}

// weigh adds count pairs of pixels, which follow p and q, to each other's sums, by the weight of
// their patches; n.column has the differences. Pairs whose patches do not fit are skipped.
func (n *nlmPairs) weigh(p, q, count int) {
	const side = 2*patchReach + 1
	if count < side {
		return
	}
	column := n.column[:count]
	var s int32
	for _, c := range column[:side-1] {
		s += c
	}
	p, q, count = p+patchReach, q+patchReach, count-side+1
	enter, leave := column[side-1:][:count], column[:count]
	vp, vq := n.value[p:][:count], n.value[q:][:count]
	sp, sq := n.sums[p:][:count], n.sums[q:][:count]
	for i := range enter {
		s += enter[i]
		if k := int(s >> 5); k < len(n.weights) {
			w := n.weights[k]
			sp[i] += w * vq[i]
			sq[i] += w * vp[i]
		}
		s -= leave[i]
	}
}
