package dsp

import "math"

// Cis returns the cosine and sine of an angle in turns (1 is a full circle), of either sign and any
// size. The result is the same on every processor and within 2 ulp of the true value.
func Cis(turns float64) (cos, sin float64) {
	t := turns - math.Floor(turns)
	oct := math.Floor(float64(t*8) + 0.5) // nearest multiple of an eighth
	r := float64((t - float64(oct/8)) * (2 * math.Pi))
	c, s := cosSmall(r), sinSmall(r)
	const h = math.Sqrt2 / 2
	switch int(oct) & 7 {
	case 0:
		return c, s
	case 1:
		return float64(h * (c - s)), float64(h * (c + s))
	case 2:
		return -s, c
	case 3:
		return float64(-h * (c + s)), float64(h * (c - s))
	case 4:
		return -c, -s
	case 5:
		return float64(-h * (c - s)), float64(-h * (c + s))
	case 6:
		return s, -c
	default:
		return float64(h * (c + s)), float64(-h * (c - s))
	}
}

// cosSmall returns the cosine of |x| <= pi/8, in radians, by as many terms of its Taylor series as double precision holds.
func cosSmall(x float64) float64 {
	y := float64(x * x)
	s := 0.0
	for k := 9; k >= 1; k-- {
		s = float64(-y / float64((2*k-1)*(2*k)) * (1 + s))
	}
	return 1 + s
}

// sinSmall returns the sine of |x| <= pi/8, in radians, in the same way as [cosSmall].
func sinSmall(x float64) float64 {
	y := float64(x * x)
	s := 0.0
	for k := 9; k >= 1; k-- {
		s = float64(-y / float64((2*k)*(2*k+1)) * (1 + s))
	}
	return x + float64(x*s)
}

// Exp returns e**x, the same on every processor: 0 below -745 and +Inf above 709.
func Exp(x float64) float64 {
	switch {
	case x < -745:
		return 0
	case x > 709:
		return math.Inf(1)
	}
	const log2e = 1 / math.Ln2
	const ln2Hi, ln2Lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	k := math.Floor(float64(x*log2e) + 0.5)
	r := x - float64(k*ln2Hi) - float64(k*ln2Lo)
	s := 0.0
	for i := 16; i >= 1; i-- {
		s = float64(r / float64(i) * (1 + s))
	}
	return math.Ldexp(1+s, int(k))
}

// Ln returns the natural logarithm of x > 0, the same on every processor; of other numbers and of +Inf what math.Log
// returns. It takes the mantissa m as 2 artanh((m-1)/(m+1)), m within a factor of root 2 of 1.
func Ln(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log(x)
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = float64(2*m), e-1
	}
	t := (m - 1) / (m + 1)
	y, s := float64(t*t), 0.0
	for k := 31; k >= 1; k -= 2 {
		s = 1/float64(k) + float64(y*s)
	}
	return float64(float64(2*t)*s) + float64(float64(e)*math.Ln2)
}

// Select returns the k-th smallest of x, k from 0 to len(x)-1, and puts x in another order (Hoare,
// "Algorithm 65: Find", 1961). x must hold no NaN.
func Select(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1
	for lo < hi {
		a, b, c := x[lo], x[(lo+hi)/2], x[hi]
		pivot := max(min(a, b), min(max(a, b), c)) // their median
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return x[k]
		}
	}
	return x[k]
}

// ArgMax returns the index of the largest value of x, the first of equal values, and -1 if x is empty. x must hold no NaN.
func ArgMax(x []float32) int {
	at, largest := -1, float32(0)
	for i, v := range x {
		if at < 0 || v > largest {
			at, largest = i, v
		}
	}
	return at
}
