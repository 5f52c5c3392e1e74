package dsp

// Mul returns a times b, every product rounded on its own.
func Mul(a, b complex64) complex64 {
	return complex(float32(real(a)*real(b))-float32(imag(a)*imag(b)), float32(real(a)*imag(b))+float32(imag(a)*real(b)))
}

// radix4 is one stage of an [fft]. It reads src and writes dst: m butterflies of four inputs, each of s sequences side
// by side. tw holds three twiddle factors a butterfly. dst and src hold 4 m s numbers and do not overlap.
func radix4(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix4AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	for p := range m {
		w1, w2, w3 := tw[3*p], tw[3*p+1], tw[3*p+2]
		a, b := src[s*p:s*p+s], src[s*(p+m):s*(p+m)+s]
		c, d := src[s*(p+2*m):s*(p+2*m)+s], src[s*(p+3*m):s*(p+3*m)+s]
		y0, y1 := dst[4*s*p:4*s*p+s], dst[4*s*p+s:4*s*p+2*s]
		y2, y3 := dst[4*s*p+2*s:4*s*p+3*s], dst[4*s*p+3*s:4*s*p+4*s]
		for q := range a {
			ac, amc := a[q]+c[q], a[q]-c[q]
			bd, bmd := b[q]+d[q], b[q]-d[q]
			j := complex(-imag(bmd), real(bmd)) // i (b-d)
			y0[q] = ac + bd
			y1[q] = Mul(amc-j, w1)
			y2[q] = Mul(ac-bd, w2)
			y3[q] = Mul(amc+j, w3)
		}
	}
}

// last4 is radix4 for m = 1, where all twiddle factors are 1: dst and src hold 4 s numbers and do not overlap.
func last4(dst, src []complex64, s int) {
	if avx2 && s%4 == 0 {
		_, _ = dst[4*s-1], src[4*s-1]
		last4AVX2(&dst[0], &src[0], s)
		return
	}
	a, b, c, d := src[:s], src[s:2*s], src[2*s:3*s], src[3*s:4*s]
	y0, y1, y2, y3 := dst[:s], dst[s:2*s], dst[2*s:3*s], dst[3*s:4*s]
	for q := range a {
		ac, amc := a[q]+c[q], a[q]-c[q]
		bd, bmd := b[q]+d[q], b[q]-d[q]
		j := complex(-imag(bmd), real(bmd)) // i (b-d)
		y0[q], y1[q], y2[q], y3[q] = ac+bd, amc-j, ac-bd, amc+j
	}
}

// radix2 is [radix4] for butterflies of two inputs, with one twiddle factor each.
func radix2(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix2AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	for p := range m {
		w := tw[p]
		for q := range s {
			a, b := src[s*p+q], src[s*(p+m)+q]
			dst[2*s*p+q] = a + b
			dst[2*s*p+s+q] = Mul(a-b, w)
		}
	}
}

func times(x complex64, g float32) complex64 { return complex(float32(real(x)*g), float32(imag(x)*g)) }

func turned(x complex64) complex64 { return complex(imag(x), -real(x)) }

// radix3 is [radix4] for butterflies of three inputs, with two twiddle factors each.
func radix3(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix3AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	const sin60 = 0.86602540378443864676
	for p := range m {
		w1, w2 := tw[2*p], tw[2*p+1]
		a, b, c := src[s*p:s*p+s], src[s*(p+m):s*(p+m)+s], src[s*(p+2*m):s*(p+2*m)+s]
		y0, y1, y2 := dst[3*s*p:3*s*p+s], dst[3*s*p+s:3*s*p+2*s], dst[3*s*p+2*s:3*s*p+3*s]
		for q := range a {
			sum := b[q] + c[q]
			mid := a[q] - times(sum, 0.5)
			off := turned(times(b[q]-c[q], sin60))
			y0[q] = a[q] + sum
			y1[q] = Mul(mid+off, w1)
			y2[q] = Mul(mid-off, w2)
		}
	}
}

// radix5 is [radix4] for butterflies of five inputs, with four twiddle factors each.
func radix5(dst, src, tw []complex64, m, s int) {
	if avx2 && s%4 == 0 {
		radix5AVX2(&dst[0], &src[0], &tw[0], m, s)
		return
	}
	const c1, c2 = 0.30901699437494742410, -0.80901699437494742410 // cos 72, 144 degrees
	const s1, s2 = 0.95105651629515357212, 0.58778525229247312917  // their sines
	for p := range m {
		w := tw[4*p : 4*p+4 : 4*p+4]
		for q := range s {
			i := s*p + q
			a, b, c, d, e := src[i], src[i+s*m], src[i+2*s*m], src[i+3*s*m], src[i+4*s*m]
			be, cd := b+e, c+d
			bd, cc := turned(b-e), turned(c-d)
			m1, m2 := a+times(be, c1)+times(cd, c2), a+times(be, c2)+times(cd, c1)
			o1, o2 := times(bd, s1)+times(cc, s2), times(bd, s2)-times(cc, s1)
			o := 5*s*p + q
			dst[o] = a + be + cd
			dst[o+s] = Mul(m1+o1, w[0])
			dst[o+2*s] = Mul(m2+o2, w[1])
			dst[o+3*s] = Mul(m2-o2, w[2])
			dst[o+4*s] = Mul(m1-o1, w[3])
		}
	}
}
