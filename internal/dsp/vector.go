package dsp

// AddScaled adds gain times src[i] to dst[i] for each i of dst. src may be longer than dst; its
// rest does not count. It panics if src is shorter. The product is rounded before it is added.
func AddScaled(dst, src []float32, gain float32) {
	src = src[:len(dst)]
	n := batched(len(dst), 8)
	if n > 0 {
		addScaledAVX2(&dst[0], &src[0], n, gain)
	}
	for i := n; i < len(dst); i++ {
		dst[i] += float32(gain * src[i])
	}
}

// AddTwo adds x times a[i] plus y times b[i] to dst[i] for each i of dst: the two products are rounded, added, and then added
// to dst. a, b and room are as long as dst or longer; room is overwritten.
func AddTwo(dst, a, b []float32, x, y float32, room []float32) {
	room = room[:len(dst)]
	weighted(room, &[4][]float32{a, b, b, b}, &[4]float32{x, y, 0, 0})
	AddScaled(dst, room, 1)
}

// Combine writes to each row of dst the sum of the rows of src, each times a weight: row i of dst has
// src.H weights, from weights[i*src.H] on. dst and src have the same width, and src has a row.
// Products are rounded before they are added, and added in the order of src's rows.
func Combine(dst, src Plane, weights []float32) {
	_, _, _ = weights[:dst.H*src.H], dst.Pix[:dst.H*src.W], src.Pix[:src.H*src.W]
	n := batched(src.W, 16)
	for y := range dst.H {
		done := 0
		if y&^3+4 <= dst.H { // one of four
			done = n
		}
		if done > 0 && y&3 == 0 {
			combineAVX2(&dst.Row(y)[0], &src.Pix[0], &weights[y*src.H], src.W, src.H, n)
		}
		rest := dst.Row(y)[done:]
		clear(rest)
		for k := range src.H {
			AddScaled(rest, src.Row(k)[done:], weights[y*src.H+k])
		}
	}
}

// AddLumaChroma writes len(luma) pixels of src with a mark to dst, four bytes each: red, green, blue and alpha. It adds
// luma to the three colours and toG times chroma to green, and takes toB times chroma from blue, in grey levels.
// Colours are rounded and cut to 0..255; alpha is copied. dst may be src.
func AddLumaChroma(dst, src []uint8, luma, chroma []float32, toG, toB float32) {
	n := len(luma)
	dst, src, chroma = dst[:4*n], src[:4*n], chroma[:n]
	done := batched(n, 8)
	if done > 0 {
		addRowAVX2(&dst[0], &src[0], &luma[0], &chroma[0], toG, toB, done)
	}
	for x := done; x < n; x++ {
		l, c := luma[x], chroma[x]
		s, d := src[4*x:4*x+4:4*x+4], dst[4*x:4*x+4:4*x+4]
		d[0] = To8(float32(s[0]) + l)
		d[1] = To8(float32(s[1]) + l + float32(toG*c))
		d[2] = To8(float32(s[2]) + l - float32(toB*c))
		d[3] = s[3]
	}
}

// To8 rounds to 8 bits, cut to 0..255.
func To8(v float32) uint8 {
	switch {
	case v <= 0:
		return 0
	case v >= 255:
		return 255
	}
	return uint8(v + 0.5)
}
