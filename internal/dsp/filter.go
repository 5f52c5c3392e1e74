package dsp

// Box returns the mean over n x n windows, n odd, the picture mirrored at its edges.
func Box(p Plane, n int) Plane { return boxRows(boxColumns(p, n), n) }

func boxRows(p Plane, n int) Plane {
	out, r := NewPlane(p.W, p.H), n/2
	g := 1 / float64(n)
	for y := range p.H {
		src, dst := p.Row(y), out.Row(y)
		sum := 0.0
		for k := -r; k <= r; k++ {
			sum += float64(src[mirror(k, p.W)])
		}
		for x := range dst {
			dst[x] = float32(sum * g)
			sum += float64(src[mirror(x+r+1, p.W)]) - float64(src[mirror(x-r, p.W)])
		}
	}
	return out
}

func boxColumns(p Plane, n int) Plane {
	out, r := NewPlane(p.W, p.H), n/2
	g := 1 / float64(n)
	sum := make([]float64, p.W)
	for k := -r; k <= r; k++ {
		for x, v := range p.Row(mirror(k, p.H)) {
			sum[x] += float64(v)
		}
	}
	for y := range p.H {
		dst, add, sub := out.Row(y), p.Row(mirror(y+r+1, p.H)), p.Row(mirror(y-r, p.H))
		for x := range dst {
			dst[x] = float32(sum[x] * g)
			sum[x] += float64(add[x]) - float64(sub[x])
		}
	}
	return out
}

// mirror folds an index into [0, n) as ...cba|abc...xyz|zyx...
func mirror(i, n int) int {
	for i < 0 || i >= n {
		if i < 0 {
			i = -1 - i
		} else {
			i = 2*n - 1 - i
		}
	}
	return i
}

// Gauss returns p blurred by a Gaussian of the given standard deviation in
// samples, cut off at four of them, the picture mirrored at its edges.
func Gauss(p Plane, sigma float64) Plane {
	k := gaussKernel(sigma)
	tmp, out, r := NewPlane(p.W, p.H), NewPlane(p.W, p.H), len(k)-1
	for y := range p.H {
		dst := tmp.Row(y)
		for x, v := range p.Row(y) {
			dst[x] = float32(k[0] * v)
		}
		for i := 1; i <= r; i++ {
			a, b := p.Row(mirror(y-i, p.H)), p.Row(mirror(y+i, p.H))
			for x := range dst {
				dst[x] += float32(k[i] * (a[x] + b[x]))
			}
		}
	}
	pad := make([]float32, p.W+2*r)
	for y := range p.H {
		src, dst := tmp.Row(y), out.Row(y)
		for i := range pad {
			pad[i] = src[mirror(i-r, p.W)]
		}
		for x := range dst {
			dst[x] = float32(k[0] * pad[x+r])
		}
		for i := 1; i <= r; i++ {
			a, b := pad[r-i:], pad[r+i:]
			for x := range dst {
				dst[x] += float32(k[i] * (a[x] + b[x]))
			}
		}
	}
	return out
}

// gaussKernel returns the centre and one side of the kernel; all taps sum to 1.
func gaussKernel(sigma float64) []float32 {
	r := max(1, int(4*sigma+0.5))
	k := make([]float64, r+1)
	sum := 0.0
	for i := range k {
		k[i] = Exp(-float64(i*i) / (2 * float64(sigma*sigma)))
		sum += k[i]
		if i > 0 {
			sum += k[i]
		}
	}
	out := make([]float32, r+1)
	for i := range k {
		out[i] = float32(k[i] / sum)
	}
	return out
}

// Erode returns the minimum over n x n windows, n odd, cut at the edges.
func Erode(p Plane, n int) Plane { return extreme(p, n, false) }

// Dilate returns the maximum over n x n windows, n odd, cut at the edges.
func Dilate(p Plane, n int) Plane { return extreme(p, n, true) }

func extreme(p Plane, n int, greatest bool) Plane {
	tmp, out, r := NewPlane(p.W, p.H), NewPlane(p.W, p.H), n/2
	for y := range p.H {
		src, dst := p.Row(y), tmp.Row(y)
		copy(dst, src)
		for k := 1; k <= min(r, p.W-1); k++ {
			beyond(dst[k:], src, greatest)
			beyond(dst, src[k:], greatest)
		}
	}
	for y := range p.H {
		dst := out.Row(y)
		copy(dst, tmp.Row(y))
		for j := max(0, y-r); j < min(p.H, y+r+1); j++ {
			beyond(dst, tmp.Row(j), greatest)
		}
	}
	return out
}

// beyond replaces what src exceeds (or falls below), over the shorter of both.
func beyond(dst, src []float32, greatest bool) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	if greatest {
		for x, s := range src {
			if s > dst[x] {
				dst[x] = s
			}
		}
		return
	}
	for x, s := range src {
		if s < dst[x] {
			dst[x] = s
		}
	}
}
