//go:build !amd64 || purego

package dsp

// On other processors every kernel is the plain one.

func radix2(dst, src, tw []complex64, m, s int) { radix2Go(dst, src, tw, m, s) }
func radix3(dst, src, tw []complex64, m, s int) { radix3Go(dst, src, tw, m, s) }
func radix4(dst, src, tw []complex64, m, s int) { radix4Go(dst, src, tw, m, s) }
func radix5(dst, src, tw []complex64, m, s int) { radix5Go(dst, src, tw, m, s) }

func last4(dst, src []complex64, s int) { last4Go(dst, src, s) }

func sparse4(dst, turns []complex64, c [][4]complex64, counts []int) {
	sparse4Go(dst, turns, c, counts)
}

func interleaveFast([]complex64, []float32, int) int            { return 0 }
func deinterleaveFast([]float32, int, []complex64, float32) int { return 0 }
func splitFast(_, _ []complex64, _ int) int                     { return 0 }
func joinFast(_, _ []complex64, _ int) int                      { return 0 }

func copyBlockFast([]complex64, int, []complex64, int, int, bool) (some, done bool) {
	return false, false
}

func positions(p *linePositions, l *lineWalk, list []float64, stride, mask uint32, n int) {
	positionsGo(p, l, list, stride, mask, 0, n)
}

func cubic(dst []float32, at *linePositions, p Plane)  { cubicGo(dst, at, p) }
func linear(dst []float32, at *linePositions, p Plane) { linearGo(dst, at, p) }

func addScaledFast(_, _ []float32, _ float32) int { return 0 }

func addRowFast(_, _ []uint8, _, _ []float32, _, _ float32) int { return 0 }

func widen(dst, src []float32, at []int32, wx *[4][]float32, from, to int) {
	widenGo(dst, src, at, wx, from, to)
}

func weighted(dst []float32, r *[4][]float32, w *[4]float32) { weightedGo(dst, r, w, 0) }

func shrinkRow(line []float32, src []uint8, xs []span, _ *spanTaps) { shrinkRowGo(line, src, xs) }

func toneRows(sum *[2 * toneBlock]float32, src []float32, stride, width, rows int, wave, turn []float32) {
	toneRowsGo(sum, src, stride, width, rows, wave, turn)
}

func beyondFast(_, _ []float32, _ bool) int                         { return 0 }
func stepsFast([]int32, []float32, float32) int                     { return 0 }
func bilateralFast([]float32, *bilateral, *bilateralStrip, int) int { return 0 }
func intoRowsFast(_, _ []float32, _ int) int                        { return 0 }
func columns8Fast(_, _ []float32, _ int) int                        { return 0 }

func symmetric(dst, src []float32, offsets []int64, k []float32) {
	symmetricGo(dst, src, offsets, k, 0)
}

func boxSteps(sum *[boxLanes]float64, lanes, n int, g float64, dst, add, sub boxRow) {
	boxGo(sum, lanes, n, g, dst, add, sub)
}

func expand(dst []complex64, src []float32, tw []complex64) { expandGo(dst, src, tw) }

func reals(out Plane, x, rows int, b []complex64, n int) { realsGo(out, x, rows, b, n) }

func first4(dst, src []complex64, st *stage, m int) { radix4Go(dst, src, st.tw, m, 1) }

func powersFast([]float32, []complex64) int { return 0 }
func weighFast([]complex64, []float32) int  { return 0 }
func capFast(_, _ []float32, _ float32) int { return 0 }
func maxAbsFast([]complex64) (float32, int) { return 0, 0 }

func greatestFast([]float32) (float32, int) { return 0, 0 }

func scaleFast([]float32, float32) int { return 0 }

func means(sum *[Lanes]float32, dst, add, sub Strip, counts []float32) {
	meansGo(sum, dst, add, sub, counts)
}

func slide(sum *[Lanes]float32, add, sub Strip, n int) { slideGo(sum, add, sub, n) }

func lumaFast([]float32, []uint8) int { return 0 }

func opaqueFast([]uint8) int { return 0 }

func lumaAtFast([]float32, []uint8, []int32) (n int, opaque bool) { return 0, true }

func toLevelsFast([]uint8, []float32, float32, float32) int { return 0 }
func sumLevelsFast([]int16, []uint8, []int) int             { return 0 }
func ranksFast(*[RankLanes]int16, []int16, int) bool        { return false }
func aboveFast(_ []uint64, _, _ []int16) int                { return 0 }
