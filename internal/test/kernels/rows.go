package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows are kernels along rows of floats and of 8-bit pixels.
func rows() {
	widen()
	weighted()
	addRow()
	shrinkRow()
	opaque()
	combine()
	elementwise("addScaledAVX2", "func(dst, src *float32, n int, gain float32)", "addScaledAVX2 adds gain src to dst.",
		func() reg.VecVirtual { return broadcast(Load(Param("gain"), XMM())) },
		func(d, s, g reg.VecVirtual) reg.VecVirtual { return plus(d, product(s, g)) })
	elementwise("maxAVX2", "func(dst, src *float32, n int)", "maxAVX2 replaces what src exceeds.", nil, func(d, s, _ reg.VecVirtual) reg.VecVirtual {
		y := YMM()
		VMAXPS(d, s, y)
		return y
	})
	elementwise("minAVX2", "func(dst, src *float32, n int)", "minAVX2 replaces what src falls below.", nil, func(d, s, _ reg.VecVirtual) reg.VecVirtual {
		y := YMM()
		VMINPS(d, s, y)
		return y
	})
}

// elementwise writes dst = f(dst, src) for n a multiple of 8.
func elementwise(name, signature, doc string, constant func() reg.VecVirtual, f func(d, s, g reg.VecVirtual) reg.VecVirtual) {
	kernel(name, signature, doc+" n is a multiple of 8.")
	dst, src, n := load("dst"), load("src"), load("n")
	var g reg.VecVirtual
	if constant != nil {
		g = constant()
	}
	Label(name + "Loop")
	VMOVUPS(f(ymm(Mem{Base: dst}), ymm(Mem{Base: src}), g), Mem{Base: dst})
	move(32, dst, src)
	again(name+"Loop", n, 8)
	end()
}

// combine: sixteen samples of four rows at a time, whose sums stay in registers.
func combine() {
	kernel("combineAVX2", "func(dst, src, weights *float32, w, rows, n int)",
		"combineAVX2 is Combine for four rows and n samples, a multiple of 16.", "Rows of dst and src are w samples apart, rows of weights one per row of src.")
	dst, src, weights := load("dst"), load("src"), load("weights")
	w, rows, n := load("w"), load("rows"), load("n")
	SHLQ(U8(2), w)
	step, step3, w3 := GP64(), GP64(), GP64() // bytes: of a row of weights, of three, of three rows
	MOVQ(rows, step)
	SHLQ(U8(2), step)
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	LEAQ(Mem{Base: w, Index: w, Scale: 2}, w3)
	Label("combine")
	var sums [4][2]reg.VecVirtual
	for i := range sums {
		sums[i] = [2]reg.VecVirtual{zero(), zero()}
	}
	at, weight, k := GP64(), GP64(), GP64()
	MOVQ(src, at)
	MOVQ(weights, weight)
	MOVQ(rows, k)
	Label("combineRow")
	x := [2]reg.VecVirtual{ymm(Mem{Base: at}), ymm(Mem{Base: at, Disp: 32})}
	for i, m := range rowsOf(weight, step, step3) {
		g := broadcast(m)
		for j := range x {
			VADDPS(product(x[j], g), sums[i][j], sums[i][j])
		}
	}
	ADDQ(w, at)
	move(4, weight)
	again("combineRow", k, 1)
	for i, m := range rowsOf(dst, w, w3) {
		VMOVUPS(sums[i][0], m)
		m.Disp = 32
		VMOVUPS(sums[i][1], m)
	}
	move(64, dst, src)
	again("combine", n, 16)
	end()
}

// rowsOf is the places of four rows: from base on, step bytes apart. step3 is three times step.
func rowsOf(base, step, step3 reg.Register) [4]Mem {
	return [4]Mem{{Base: base}, {Base: base, Index: step, Scale: 1}, {Base: base, Index: step, Scale: 2}, {Base: base, Index: step3, Scale: 1}}
}

// four loads the parameters name0 to name3.
func four(name string) (r [4]reg.Register) {
	for k := range r {
		r[k] = load(fmt.Sprint(name, k))
	}
	return r
}

// widen: four neighbouring taps a sample, each with its own weights.
func widen() {
	kernel("widenAVX2", "func(dst *float32, at *int32, w0, w1, w2, w3, src *float32, n int)", "widenAVX2 is widen for n, a multiple of 8.")
	dst, at := load("dst"), load("at")
	w := four("w")
	src, n := load("src"), load("n")
	x := GP64()
	XORQ(x, x)
	Label("widen")
	c := columns4(fourTaps(src, Mem{Base: at, Index: x, Scale: 4}))
	var p [4]reg.VecVirtual
	for k := range p {
		p[k] = product(c[k], Mem{Base: w[k], Index: x, Scale: 4})
	}
	storeSum("widen", p, dst, x, n)
}

// weighted: eight samples of four rows at a time.
func weighted() {
	kernel("weightedAVX2", "func(dst, r0, r1, r2, r3, w *float32, n int)", "weightedAVX2 is weighted for n, a multiple of 8, and four weights w.")
	dst := load("dst")
	r := four("r")
	weights, n := load("w"), load("n")
	var w [4]reg.VecVirtual
	for k := range w {
		w[k] = broadcast(Mem{Base: weights, Disp: 4 * k})
	}
	x := GP64()
	XORQ(x, x)
	Label("weighted")
	var p [4]reg.VecVirtual
	for k := range p {
		p[k] = product(w[k], Mem{Base: r[k], Index: x, Scale: 4})
	}
	storeSum("weighted", p, dst, x, n)
}

// storeSum writes the sum of p at index x, and ends a loop over n samples and its function.
func storeSum(label string, p [4]reg.VecVirtual, dst, x, n reg.Register) {
	VMOVUPS(plus(plus(plus(p[0], p[1]), p[2]), p[3]), Mem{Base: dst, Index: x, Scale: 4})
	move(8, x)
	CMPQ(x, n)
	JNE(LabelRef(label))
	end()
}

// addRow: eight pixels at a time, one a lane of 32 bits.
func addRow() {
	kernel("addRowAVX2", "func(dst, src *uint8, luma, chroma *float32, toG, toB float32, n int)", "addRowAVX2 is AddLumaChroma for n, a multiple of 8.")
	dst, src := load("dst"), load("src")
	luma, chroma := load("luma"), load("chroma")
	toG, toB := broadcast(Load(Param("toG"), XMM())), broadcast(Load(Param("toB"), XMM()))
	n := load("n")
	half, white := YMM(), YMM()
	VMOVUPS(constants["half"], half)
	VMOVUPS(repeat8("most8", float(255), float(255)), white)
	low, none := YMM(), YMM()
	VMOVUPS(repeat8("low8", 255, 255), low)
	VXORPS(none, none, none)
	Label("addRow")
	px := YMM()
	VMOVDQU(Mem{Base: src}, px)
	l, c := ymm(Mem{Base: luma}), ymm(Mem{Base: chroma})
	to8 := func(v reg.VecVirtual, shift int) reg.VecVirtual {
		VMAXPS(none, v, v)
		VMINPS(white, v, v)
		VADDPS(half, v, v)
		VCVTTPS2DQ(v, v)
		if shift > 0 {
			VPSLLD(U8(shift), v, v)
		}
		return v
	}
	r := to8(plus(channel(px, low, 0), l), 0)
	g := to8(plus(plus(channel(px, low, 8), l), product(c, toG)), 8)
	VPOR(g, r, r)
	b := to8(minus(plus(channel(px, low, 16), l), product(c, toB)), 16)
	VPOR(b, r, r)
	VPSRLD(U8(24), px, px)
	VPSLLD(U8(24), px, px)
	VPOR(px, r, r)
	VMOVDQU(r, Mem{Base: dst})
	move(32, src, dst, luma, chroma)
	again("addRow", n, 8)
	end()
}

// shrinkTaps is the largest number of taps whose loop is unrolled: with a plain loop for
// all numbers, tracing a picture of 12 megapixels takes 7 % longer.
const shrinkTaps = 6

// shrinkRow: one pixel at a time, a channel a lane.
func shrinkRow() {
	kernel("shrinkRowAVX2", "func(line *float32, src *uint8, from *int32, weights *float32, taps, n int)", "shrinkRowAVX2 sums taps pixels from byte from[i] on, weighted, for each of n samples: all four channels.")
	line, src := load("line"), load("src")
	from, weights := load("from"), load("weights")
	taps, n := load("taps"), load("n")
	for k := 1; k <= shrinkTaps; k++ {
		CMPQ(taps, U8(k))
		JE(LabelRef(fmt.Sprintf("shrink%d", k)))
	}
	tap := func(sum reg.VecVirtual, pixel, weight Mem) {
		p, w := XMM(), XMM()
		VPMOVZXBD(pixel, p)
		VCVTDQ2PS(p, p)
		VBROADCASTSS(weight, w)
		VMULPS(w, p, p)
		VADDPS(p, sum, sum)
	}
	at, k := GP64(), GP64()
	for unrolled := range shrinkTaps + 1 {
		label := fmt.Sprintf("shrink%d", unrolled)
		Label(label)
		MOVLQSX(Mem{Base: from}, at)
		ADDQ(src, at)
		sum := XMM()
		VXORPS(sum, sum, sum)
		if unrolled == 0 {
			MOVQ(taps, k)
			Label("shrinkTap")
			tap(sum, Mem{Base: at}, Mem{Base: weights})
			ADDQ(U8(4), at)
			ADDQ(U8(4), weights)
			again("shrinkTap", k, 1)
		}
		for i := range unrolled {
			tap(sum, Mem{Base: at, Disp: 4 * i}, Mem{Base: weights, Disp: 4 * i})
		}
		ADDQ(U8(4*unrolled), weights)
		VMOVUPS(sum, Mem{Base: line})
		ADDQ(U8(16), line)
		ADDQ(U8(4), from)
		again(label, n, 1)
		end()
	}
}

func opaque() {
	kernel("opaqueAVX2", "func(src *uint8, n int) uint32", "opaqueAVX2 returns 1 if all n pixels, a multiple of 8, have alpha 255, else 0.")
	src, n := load("src"), load("n")
	and := YMM()
	VPCMPEQD(and, and, and)
	Label("opaque")
	VPAND(Mem{Base: src}, and, and)
	move(32, src)
	again("opaque", n, 8)
	storeOpaque(and)
}

// storeOpaque returns whether all bits of the fourth bytes are set.
func storeOpaque(and reg.VecVirtual) {
	alpha, ones := YMM(), YMM()
	VPCMPEQD(ones, ones, ones)
	VPSLLD(U8(24), ones, alpha)
	VPTEST(alpha, and) // carry if alpha has no bit that and has not
	r := GP32()
	SETCS(r.As8())
	MOVBLZX(r.As8(), r)
	Store(r, ReturnIndex(0))
	end()
}
