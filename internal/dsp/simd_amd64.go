//go:build !purego

package dsp

import (
	"math"

	"golang.org/x/sys/cpu"
)

//go:generate go run -C _gen . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg dsp

// avx2 tells whether the kernels of kernels_amd64.s are used. Their results have the
// bits of the plain ones, so nothing but time depends on it.
var avx2 = cpu.X86.HasAVX2

func radix2(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix2AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	radix2Go(dst, src, tw, m, s)
}

func radix3(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix3AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	radix3Go(dst, src, tw, m, s)
}

func radix4(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix4AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	radix4Go(dst, src, tw, m, s)
}

func last4(dst, src []complex64, s int) {
	if avx2 && s%4 == 0 {
		_, _ = dst[4*s-1], src[4*s-1]
		last4AVX2(&dst[0], &src[0], s)
		return
	}
	last4Go(dst, src, s)
}

func sparse4(dst, turns []complex64, c [][4]complex64, counts []int) {
	if avx2 {
		_, _, _ = dst[4*len(counts)*batch-1], turns[len(c)*batch-1], c[0]
		sparse4AVX2(&dst[0], &turns[0], &c[0][0], &counts[0], len(counts))
		return
	}
	sparse4Go(dst, turns, c, counts)
}

func radix5(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix5AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	radix5Go(dst, src, tw, m, s)
}

// The fast functions do the first so many columns, samples or coefficients (from
// the second on) of whole batches, and return how many.

func interleaveFast(dst []complex64, src []float32, w int) int {
	n := w &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_, _ = dst[n*batch-1], src[2*batch*w-1]
	interleaveAVX2(&dst[0], &src[0], w, n)
	interleaveAVX2(&dst[batch/2], &src[batch*w], w, n)
	return n
}

func deinterleaveFast(dst []float32, w int, b []complex64, g float32) int {
	n := w &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_, _ = b[n*batch-1], dst[2*batch*w-1]
	deinterleaveAVX2(&dst[0], w, &b[0], n, g)
	deinterleaveAVX2(&dst[batch*w], w, &b[batch/2], n, g)
	return n
}

func splitFast(dst, b []complex64, w int) int {
	n, st := (w/2-1)&^3, w/2+1
	if !avx2 || n <= 0 {
		return 0
	}
	_, _ = b[w*batch-1], dst[2*batch*st-1]
	splitAVX2(&dst[1], st, &b[batch], &b[(w-1)*batch], n)
	splitAVX2(&dst[batch*st+1], st, &b[batch+batch/2], &b[(w-1)*batch+batch/2], n)
	return n
}

func joinFast(b, src []complex64, w int) int {
	n, st := (w/2-1)&^3, w/2+1
	if !avx2 || n <= 0 {
		return 0
	}
	_, _ = b[w*batch-1], src[2*batch*st-1]
	joinAVX2(&b[batch], &b[(w-1)*batch], &src[1], st, n)
	joinAVX2(&b[batch+batch/2], &b[(w-1)*batch+batch/2], &src[batch*st+1], st, n)
	return n
}

func copyBlockFast(dst []complex64, dstStride int, src []complex64, srcStride, rows int, conjugate bool) (some, done bool) {
	if !avx2 {
		return false, false
	}
	_, _ = dst[(rows-1)*dstStride+batch-1], src[(rows-1)*srcStride+batch-1]
	flip := uint32(0)
	if conjugate {
		flip = 1 << 31
	}
	return copyBlockAVX2(&dst[0], dstStride, &src[0], srcStride, rows, flip) != 0, true
}

func positions(p *linePositions, l *lineWalk, list []float64, stride, mask uint32, n int) {
	done := 0
	if avx2 && n >= 4 {
		done = n &^ 3
		var first *float64
		if list != nil {
			_, first = list[n-1], &list[0]
		}
		positionsAVX2(&p.at[0], &l.X, first, stride, mask, done, l.W == 0 && l.W0 == 1)
	}
	positionsGo(p, l, list, stride, mask, done, n)
}

func cubic(dst []float32, at *linePositions, p Plane) {
	if !avx2 {
		cubicGo(dst, at, p)
		return
	}
	whole(dst, at, func(dst *float32, n int) { cubicAVX2(dst, &at.at[0], &p.Pix[0], p.W, n) })
}

func linear(dst []float32, at *linePositions, p Plane) {
	if !avx2 {
		linearGo(dst, at, p)
		return
	}
	whole(dst, at, func(dst *float32, n int) { linearAVX2(dst, &at.at[0], &p.Pix[p.W+1], p.W, n) })
}

// whole calls f for whole eights of samples, the last of them, if dst has fewer,
// where positions without a sample are.
func whole(dst []float32, at *linePositions, f func(dst *float32, n int)) {
	n := (len(dst) + 7) &^ 7
	if n == len(dst) {
		f(&dst[0], n)
		return
	}
	var block [lineBlock]float32
	clear(at.at[len(dst):n])
	f(&block[0], n)
	copy(dst, block[:])
}

// The fast functions of rows do the first so many samples, and return how many.

func addScaledFast(dst, src []float32, gain float32) int {
	n := len(dst) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	addScaledAVX2(&dst[0], &src[0], n, gain)
	return n
}

func addRowFast(dst, src []uint8, luma, chroma []float32, toG, toB float32) int {
	n := len(luma) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	addRowAVX2(&dst[0], &src[0], &luma[0], &chroma[0], toG, toB, n)
	return n
}

func widen(dst, src []float32, at []int32, wx *[4][]float32, from, to int) {
	if n := (to - from) &^ 7; avx2 && n > 0 {
		widenAVX2(&dst[from], &at[from], &wx[0][from], &wx[1][from], &wx[2][from], &wx[3][from], &src[0], n)
		from += n
	}
	widenGo(dst, src, at, wx, from, to)
}

func weighted(dst []float32, r *[4][]float32, w *[4]float32) {
	n := len(dst) &^ 7
	if !avx2 || n == 0 {
		n = 0
	} else {
		weightedAVX2(&dst[0], &r[0][0], &r[1][0], &r[2][0], &r[3][0], &w[0], n)
	}
	weightedGo(dst, r, w, n)
}

func shrinkRow(line []float32, src []uint8, xs []span, t *spanTaps) {
	n := len(src) / 4 &^ 7
	if !avx2 || t.n == 0 || n > 0 && opaqueAVX2(&src[0], n) == 0 {
		shrinkRowGo(line, src, xs)
		return
	}
	for i := n; i < len(src)/4; i++ {
		if src[4*i+3] != 255 {
			shrinkRowGo(line, src, xs)
			return
		}
	}
	shrinkRowAVX2(&line[0], &src[0], &t.from[0], &t.weights[0], t.taps, t.n)
	shrinkRowGo(line[4*t.n:], src, xs[t.n:])
}

func toneRows(sum *[2 * toneBlock]float32, src []float32, stride, width, rows int, wave, turn []float32) {
	if !avx2 || width == 0 || rows == 0 {
		toneRowsGo(sum, src, stride, width, rows, wave, turn)
		return
	}
	_, _, _ = src[(rows-1)*stride+width-1], wave[2*toneBlock*width-1], turn[2*toneBlock*rows-1]
	toneRowsAVX2(&sum[0], &src[0], stride, width, rows, &wave[0], &turn[0], 2*toneBlock)
}

func beyondFast(dst, src []float32, greatest bool) int {
	n := len(dst) &^ 7
	switch {
	case !avx2 || n == 0:
		return 0
	case greatest:
		maxAVX2(&dst[0], &src[0], n)
	default:
		minAVX2(&dst[0], &src[0], n)
	}
	return n
}

func stepsFast(dst []int32, src []float32, low float32) int {
	n := len(dst) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	stepsAVX2(&dst[0], &src[0], low, bilateralSteps, n)
	return n
}

func bilateralFast(dst []float32, b *bilateral, s *bilateralStrip, at int) int {
	n := len(dst) &^ 7
	if !avx2 || n == 0 || len(b.offsets) == 0 {
		return 0
	}
	bilateralAVX2(&dst[0], &s.val[at], &s.idx[at], &b.lut[b.span], &b.offsets[0], &b.weights[0], len(b.offsets), n)
	return n
}

// symmetric does the last samples of a row again where they are not sixteen.
func symmetric(dst, src []float32, offsets []int64, k []float32) {
	n := len(dst) &^ 15
	if !avx2 || n == 0 || len(k) < 2 {
		symmetricGo(dst, src, offsets, k, 0)
		return
	}
	symmetricAVX2(&dst[0], &src[0], &offsets[0], &k[0], len(k), n)
	if last := len(dst) - 16; n < len(dst) {
		symmetricAVX2(&dst[last], &src[last], &offsets[0], &k[0], len(k), 16)
	}
}

func boxSteps(sum *[boxLanes]float64, lanes, n int, g float64, dst, add, sub boxRow) {
	if !avx2 || lanes < boxLanes {
		boxGo(sum, lanes, n, g, dst, add, sub)
		return
	}
	for _, b := range [...]boxRow{dst, add, sub} {
		_, _ = b.at(0, lanes), b.at(n-1, lanes)
	}
	boxAVX2(&sum[0], &dst.at(0, lanes)[0], dst.step*dst.W, &add.at(0, lanes)[0], add.step*add.W, &sub.at(0, lanes)[0], sub.step*sub.W, n, g)
}

func intoRowsFast(dst, src []float32, w int) int {
	n := w &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_, _ = src[n*boxLanes-1], dst[boxLanes*w-1]
	intoRowsAVX2(&dst[0], w, &src[0], n)
	intoRowsAVX2(&dst[boxLanes/2*w], w, &src[boxLanes/2], n)
	return n
}

func columns8Fast(dst, src []float32, w int) int {
	n := w &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_, _ = dst[(n-1)*boxLanes+batch-1], src[batch*w-1]
	intoColumnsAVX2(&dst[0], &src[0], w, n)
	return n
}

func expand(dst []complex64, src []float32, tw []complex64) {
	if !avx2 {
		expandGo(dst, src, tw)
		return
	}
	_, _ = dst[len(tw)*batch-1], src[len(tw)*boxLanes-1]
	expandAVX2(&dst[0], &src[0], &tw[0], len(tw))
}

func reals(out Plane, x, rows int, b []complex64, n int) {
	if !avx2 || rows < batch || n < 2 {
		realsGo(out, x, rows, b, n)
		return
	}
	_ = out.Pix[(n-1)*out.W+x+batch-1]
	realsAVX2(&out.Pix[x], out.W, &b[0], &b[(n-1)*batch], n/2)
}

func first4(dst, src []complex64, st *stage, m int) {
	if !avx2 || m%4 != 0 {
		radix4Go(dst, src, st.tw, m, 1)
		return
	}
	first4AVX2(&dst[0], &src[0], &st.rows[0][0], &st.rows[1][0], &st.rows[2][0], m)
}

func powersFast(dst []float32, src []complex64) int {
	n := len(src) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_ = dst[n-1]
	powersAVX2(&dst[0], &src[0], n)
	return n
}

func weighFast(dst []complex64, src []float32) int {
	n := len(src) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_ = dst[n-1]
	weighAVX2(&dst[0], &src[0], n)
	return n
}

func capFast(dst, src []float32, gain float32) int {
	n := len(dst) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_ = src[n-1]
	capAVX2(&dst[0], &src[0], n, gain)
	return n
}

func maxAbsFast(c []complex64) (float32, int) {
	n := len(c) &^ 7
	if !avx2 || n == 0 {
		return 0, 0
	}
	return maxAbsAVX2(&c[0], n), n
}

func greatestFast(x []float32) (float32, int) {
	n := len(x) &^ 15
	if !avx2 || n == 0 {
		return 0, 0
	}
	return greatestAVX2(&x[0], n), n
}

func scaleFast(x []float32, gain float32) int {
	n := len(x) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	scaleAVX2(&x[0], &x[0], n, gain)
	return n
}

func means(sum *[Lanes]float32, dst, add, sub Strip, counts []float32) {
	if !avx2 {
		meansGo(sum, dst, add, sub, counts)
		return
	}
	meansAVX2(&sum[0], &dst.Pix[0], dst.Step, &add.Pix[0], add.Step, &sub.Pix[0], sub.Step, &counts[0], len(counts))
}

func slide(sum *[Lanes]float32, add, sub Strip, n int) {
	if !avx2 {
		slideGo(sum, add, sub, n)
		return
	}
	slideAVX2(&sum[0], &add.Pix[0], add.Step, &sub.Pix[0], sub.Step, n)
}

func lumaFast(dst []float32, src []uint8) int {
	n := len(dst) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	_ = src[4*n-1]
	lumaAVX2(&dst[0], &src[0], n)
	return n
}

// opaqueFast looks at the first so many bytes, and returns -1 if they are not opaque.
func opaqueFast(src []uint8) int {
	n := len(src) / 4 &^ 7
	switch {
	case !avx2 || n == 0:
		return 0
	case opaqueAVX2(&src[0], n) == 0:
		return -1
	}
	return 4 * n
}

func lumaAtFast(dst []float32, src []uint8, at []int32) (n int, opaque bool) {
	n = len(at) &^ 7
	if !avx2 || n == 0 {
		return 0, true
	}
	return n, lumaAtAVX2(&dst[0], &src[0], &at[0], n) != 0
}

func toLevelsFast(dst []uint8, src []float32, low, gain float32) int {
	n := len(dst) &^ 31
	if !avx2 || n == 0 {
		return 0
	}
	toLevelsAVX2(&dst[0], &src[0], low, gain, n)
	return n
}

// sumLevelsFast does the last columns again where they are not sixty-four.
func sumLevelsFast(dst []int16, src []uint8, at []int) int {
	n := len(dst) &^ 63
	if !avx2 || n == 0 || len(at) == 0 {
		return 0
	}
	sumLevelsAVX2(&dst[0], &src[0], &at[0], len(at), n)
	if last := len(dst) - 64; n < len(dst) {
		sumLevelsAVX2(&dst[last], &src[last], &at[0], len(at), 64)
	}
	return len(dst)
}

func ranksFast(out *[RankLanes]int16, x []int16, k int) bool {
	rows := len(x) / RankLanes
	if !avx2 || rows == 0 || rows > math.MaxInt16 {
		return false
	}
	ranksAVX2(&out[0], &x[0], rows, k)
	return true
}

func aboveFast(set []uint64, x, limit []int16) int {
	n := len(x) &^ 63
	if !avx2 || n == 0 {
		return 0
	}
	_ = set[n/64-1]
	aboveAVX2(&set[0], &x[0], &limit[0], n)
	return n
}
