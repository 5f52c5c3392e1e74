package phash

import "math"

// cosines holds cos(π/512·k) for k from 0 to 255, as math.Cos gives it where
// multiplications and additions are not fused: other last bits would be other hashes. The series
// are from package math, which has them from the Cephes library.
var cosines = func() (c [256]float64) {
	for k := range c {
		x := float64(math.Pi / 512 * float64(k))
		if k < 128 {
			s := float64(x * x)
			c[k] = 1 - float64(0.5*s) + float64(float64(s*s)*series(s, -1.13585365213876817300e-11, 2.08757008419747316778e-9,
				-2.75573141792967388112e-7, 2.48015872888517045348e-5, -1.38888888888730564116e-3, 4.16666666666665929218e-2))
			continue
		}
		x = x - 2*7.85398125648498535156e-1 - 2*3.77489470793079817668e-8 - 2*2.69515142907905952645e-15 // less π/2
		s := float64(x * x)
		c[k] = -x - float64(float64(x*s)*series(s, 1.58962301576546568060e-10, -2.50507477628578072866e-8,
			2.75573136214857245213e-6, -1.98412698295895385996e-4, 8.33333333332211858878e-3, -1.66666666666666307295e-1))
	}
	return c
}()

// series returns the polynomial of x with these coefficients, the highest power first.
func series(x float64, coefficients ...float64) (sum float64) {
	for _, c := range coefficients {
		sum = float64(sum*x) + c
	}
	return sum
}

// cosine returns cos(π/512·k).
func cosine(k int) float64 {
	k %= 1024 // a full turn
	if k > 512 {
		k = 1024 - k
	}
	switch {
	case k > 256:
		return -cosines[512-k]
	case k == 256:
		return 0
	}
	return cosines[k]
}
