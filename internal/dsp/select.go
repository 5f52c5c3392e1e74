package dsp

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

// ArgMax returns the index of the largest value of x, the first of equal values, and -1 if x is
// empty. x must hold no NaN.
func ArgMax(x []float32) int {
	at, largest := -1, float32(0)
	for i, v := range x {
		if at < 0 || v > largest {
			at, largest = i, v
		}
	}
	return at
}
