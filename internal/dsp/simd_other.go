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
