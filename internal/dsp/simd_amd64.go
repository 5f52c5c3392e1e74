//go:build !purego

package dsp

import "golang.org/x/sys/cpu"

//go:generate go run -C _asm . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg dsp

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

func positions(p *linePositions, l *lineWalk, stride, mask uint32, n int) {
	done := 0
	if avx2 && n >= 4 {
		done = n &^ 3
		positionsAVX2(&p.at[0], &l.X, stride, mask, done)
	}
	positionsGo(p, l, stride, mask, done, n)
}

func cubic(dst []float32, at *linePositions, p Plane) {
	if n := (len(dst) + 7) &^ 7; avx2 && n == len(dst) {
		cubicAVX2(&dst[0], &at.at[0], &p.Pix[0], p.W, n)
	} else if avx2 { // n is within the block, where positions without a sample are the first
		var whole [lineBlock]float32
		clear(at.at[len(dst):n])
		cubicAVX2(&whole[0], &at.at[0], &p.Pix[0], p.W, n)
		copy(dst, whole[:])
	} else {
		cubicGo(dst, at, p)
	}
}

// The fast functions of rows do the first so many samples, and return how many.

func addFast(dst, src []float32) int {
	n := len(dst) &^ 7
	if !avx2 || n == 0 {
		return 0
	}
	addAVX2(&dst[0], &src[0], n)
	return n
}

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
