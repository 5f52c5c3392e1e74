//go:build !amd64 || purego

package dsp

// On other processors every kernel is the plain one.

func radix2(dst, src, tw []complex64, m, s int) { radix2Go(dst, src, tw, m, s) }
func radix3(dst, src, tw []complex64, m, s int) { radix3Go(dst, src, tw, m, s) }
func radix4(dst, src, tw []complex64, m, s int) { radix4Go(dst, src, tw, m, s) }
func radix5(dst, src, tw []complex64, m, s int) { radix5Go(dst, src, tw, m, s) }

func interleaveFast([]complex64, []float32, int) int            { return 0 }
func deinterleaveFast([]float32, int, []complex64, float32) int { return 0 }
func splitFast(_, _ []complex64, _ int) int                     { return 0 }
func joinFast(_, _ []complex64, _ int) int                      { return 0 }

func copyBlockFast([]complex64, int, []complex64, int, int, bool) (some, done bool) {
	return false, false
}

func positions(p *linePositions, l *lineWalk, stride, mask uint32, n int) {
	positionsGo(p, l, stride, mask, 0, n)
}

func cubic(dst []float32, at *linePositions, p Plane) { cubicGo(dst, at, p) }

func addFast(_, _ []float32) int                  { return 0 }
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
