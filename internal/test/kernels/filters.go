package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func filters() {
	bilateral()
	symmetric()
	symmetric64()
	box()
	level()
	tap()
	colours("colourAVX2", false)
	colours("colourHalfAVX2", true)
}

// bilateral: eight samples at a time, weights of differences looked up.
func bilateral() {
	kernel("bilateralAVX2", "func(dst, val *float32, idx *int32, lut *float32, offsets *int64, weights *float32, taps, n int)", "bilateralAVX2 is bilateral for n, a multiple of 8; lut points at difference 0.")
	dst, val, idx := load("dst"), load("val"), load("idx")
	lut, offsets := load("lut"), load("offsets")
	weights, taps, n := load("weights"), load("taps"), load("n")
	one := GLOBL("ones", 8|16)
	for i := range 8 {
		DATA(4*i, U32(float(1)))
	}
	Label("bilateral")
	num, den, centre := ymm(Mem{Base: val}), YMM(), YMM()
	VMOVUPS(one, den)
	VMOVDQU(Mem{Base: idx}, centre)
	k := GP64()
	XORQ(k, k)
	Label("bilateralTap")
	off := GP64()
	MOVQ(Mem{Base: offsets, Index: k, Scale: 8}, off)
	look := func() (g, v reg.VecVirtual) {
		i, mask := YMM(), YMM()
		g = YMM()
		VMOVDQU(Mem{Base: idx, Index: off, Scale: 4}, i)
		VPSUBD(centre, i, i)
		VPCMPEQD(mask, mask, mask)
		VGATHERDPS(mask, Mem{Base: lut, Index: i, Scale: 4}, g)
		return g, product(g, Mem{Base: val, Index: off, Scale: 4})
	}
	g, gv := look()
	NEGQ(off)
	h, hv := look()
	w := broadcast(Mem{Base: weights, Index: k, Scale: 4})
	VADDPS(product(plus(g, h), w), den, den)
	VADDPS(product(plus(gv, hv), w), num, num)
	INCQ(k)
	CMPQ(k, taps)
	JNE(LabelRef("bilateralTap"))
	VDIVPS(den, num, num)
	VMOVUPS(num, Mem{Base: dst})
	move(32, dst, val, idx)
	again("bilateral", n, 8)
	end()
}

// symmetric: sixty-four samples at a time, then sixteen.
func symmetric() {
	kernel("symmetricAVX2", "func(dst, src *float32, offsets *int64, weights *float32, taps, n int)", "symmetricAVX2 is symmetric for n, a multiple of 16.")
	dst, src, offsets := load("dst"), load("src"), load("offsets")
	weights, taps, n := load("weights"), load("taps"), load("n")
	k, a, b, pair := GP64(), GP64(), GP64(), GP64()
	for _, registers := range [...]int{8, 2} {
		label := fmt.Sprintf("symmetric%d", registers)
		Label(label)
		CMPQ(n, U8(8*registers))
		JL(LabelRef(label + "End"))
		MOVQ(U32(1), k)
		MOVQ(Mem{Base: offsets}, a)
		w := broadcast(Mem{Base: weights})
		acc := make([]reg.VecVirtual, registers)
		for i := range acc {
			acc[i] = product(w, Mem{Base: src, Index: a, Scale: 4, Disp: 32 * i})
		}
		LEAQ(Mem{Base: offsets, Disp: 16}, pair)
		Label(label + "Tap")
		MOVQ(Mem{Base: pair}, a)
		MOVQ(Mem{Base: pair, Disp: 8}, b)
		w = broadcast(Mem{Base: weights, Index: k, Scale: 4})
		for i := range acc {
			sum := plus(ymm(Mem{Base: src, Index: a, Scale: 4, Disp: 32 * i}), Mem{Base: src, Index: b, Scale: 4, Disp: 32 * i})
			VADDPS(product(sum, w), acc[i], acc[i])
		}
		move(16, pair)
		INCQ(k)
		CMPQ(k, taps)
		JNE(LabelRef(label + "Tap"))
		for i := range acc {
			VMOVUPS(acc[i], Mem{Base: dst, Disp: 32 * i})
		}
		move(32*registers, src, dst)
		SUBQ(U8(8*registers), n)
		JMP(LabelRef(label))
		Label(label + "End")
	}
	end()
}

// symmetric64: eight samples of double precision at a time.
func symmetric64() {
	kernel("symmetric64AVX2", "func(dst, src *float64, offsets *int64, weights *float64, taps, n int)", "symmetric64AVX2 is Symmetric64 for n, a multiple of 8.")
	dst, src, offsets := load("dst"), load("src"), load("offsets")
	weights, taps, n := load("weights"), load("taps"), load("n")
	Label("symmetric64")
	k, a, b, pair := GP64(), GP64(), GP64(), GP64()
	XORQ(k, k)
	MOVQ(Mem{Base: offsets}, a)
	w := YMM()
	VBROADCASTSD(Mem{Base: weights}, w)
	var acc [2]reg.VecVirtual
	for i := range acc {
		acc[i] = three(VMULPD, w, Mem{Base: src, Index: a, Scale: 8, Disp: 32 * i})
	}
	LEAQ(Mem{Base: offsets, Disp: 16}, pair)
	INCQ(k)
	Label("symmetric64Tap")
	MOVQ(Mem{Base: pair}, a)
	MOVQ(Mem{Base: pair, Disp: 8}, b)
	VBROADCASTSD(Mem{Base: weights, Index: k, Scale: 8}, w)
	for i := range acc {
		sum := three(VADDPD, ymm(Mem{Base: src, Index: a, Scale: 8, Disp: 32 * i}), Mem{Base: src, Index: b, Scale: 8, Disp: 32 * i})
		VADDPD(three(VMULPD, sum, w), acc[i], acc[i])
	}
	move(16, pair)
	INCQ(k)
	CMPQ(k, taps)
	JNE(LabelRef("symmetric64Tap"))
	for i := range acc {
		VMOVUPS(acc[i], Mem{Base: dst, Disp: 32 * i})
	}
	move(64, src, dst)
	again("symmetric64", n, 8)
	end()
}

// level: four quotients of double precision at a time.
func level() {
	kernel("levelAVX2", "func(p, square *float32, quiet float64, limit float32, n int)", "levelAVX2 is levelRow for n, a multiple of 4.")
	p, square, n := load("p"), load("square"), load("n")
	quiet, high, low := YMM(), XMM(), XMM()
	VBROADCASTSD(Load(Param("quiet"), XMM()), quiet)
	VBROADCASTSS(Load(Param("limit"), XMM()), high)
	VXORPS(low, low, low)
	VSUBPS(high, low, low)
	Label("level")
	v, d, out := YMM(), YMM(), XMM()
	VCVTPS2PD(Mem{Base: p}, v)
	VCVTPS2PD(Mem{Base: square}, d)
	VSQRTPD(d, d)
	VADDPD(quiet, d, d)
	VDIVPD(d, v, v)
	VCVTPD2PSY(v, out)
	VMAXPS(low, out, out)
	VMINPS(high, out, out)
	VMOVUPS(out, Mem{Base: p})
	move(16, p, square)
	again("level", n, 4)
	end()
}

// colours: eight pixels at a time.
func colours(name string, half bool) {
	doc := name + " is fromYCbCr for n, a multiple of 8."
	kernel(name, "func(dst, y, cb, cr *uint8, n int)", doc)
	dst, y, cb, cr, n := load("dst"), load("y"), load("cb"), load("cr"), load("n")
	all := func(v int32) reg.VecVirtual {
		r := GP32()
		MOVL(I32(v), r)
		out := YMM()
		VMOVD(r, out.AsX())
		VPBROADCASTD(out.AsX(), out)
		return out
	}
	middle, white, opaque := all(128), all(255), all(-1<<24)
	grey, red := all(0x10101), all(91881)
	greenBlue, greenRed, blue := all(22554), all(46802), all(116130)
	none := zero()
	bytes := 8
	var twice reg.VecVirtual
	if half {
		bytes = 4
		m := GLOBL("twice", 8|16)
		for i := range 4 {
			DATA(8*i, U64(uint64(i)<<32|uint64(i)))
		}
		twice = YMM()
		VMOVDQU(m, twice)
	}
	Label(name)
	chroma := func(at reg.Register) reg.VecVirtual {
		v := YMM()
		if half {
			VPMOVZXBD(Mem{Base: at}, v.AsX())
			VPERMD(v, twice, v)
		} else {
			VPMOVZXBD(Mem{Base: at}, v)
		}
		VPSUBD(middle, v, v)
		return v
	}
	l, b, r := YMM(), chroma(cb), chroma(cr)
	VPMOVZXBD(Mem{Base: y}, l)
	VPMULLD(grey, l, l)
	times := func(a, b reg.VecVirtual) reg.VecVirtual { return three(VPMULLD, a, b) }
	level := func(v reg.VecVirtual) reg.VecVirtual {
		VPSRAD(U8(16), v, v)
		VPMAXSD(none, v, v)
		VPMINSD(white, v, v)
		return v
	}
	g := three(VPSUBD, three(VPSUBD, l, times(b, greenBlue)), times(r, greenRed))
	out := level(three(VPADDD, l, times(r, red)))
	g, b = level(g), level(three(VPADDD, l, times(b, blue)))
	VPSLLD(U8(8), g, g)
	VPSLLD(U8(16), b, b)
	VPOR(g, out, out)
	VPOR(b, out, out)
	VPOR(opaque, out, out)
	VMOVDQU(out, Mem{Base: dst})
	move(32, dst)
	move(8, y)
	move(bytes, cb, cr)
	again(name, n, 8)
	end()
}

// tap: sixteen sums at a time.
func tap() {
	kernel("tapAVX2", "func(dst, src, weights *float32, n int)", "tapAVX2 writes the sums of n rows of 16 samples, times their weights.")
	dst, src, weights, n := load("dst"), load("src"), load("weights"), load("n")
	acc0, acc1 := zero(), zero()
	Label("tap")
	w := broadcast(Mem{Base: weights})
	VADDPS(product(w, Mem{Base: src}), acc0, acc0)
	VADDPS(product(w, Mem{Base: src, Disp: 32}), acc1, acc1)
	move(64, src)
	move(4, weights)
	again("tap", n, 1)
	VMOVUPS(acc0, Mem{Base: dst})
	VMOVUPS(acc1, Mem{Base: dst, Disp: 32})
	end()
}

// box: running sums of sixteen columns in double precision.
func box() {
	kernel("boxAVX2", "func(sum *float64, dst *float32, dstStride int, add *float32, addStride int, sub *float32, subStride, n int, mean float64)", "boxAVX2 is boxSteps for 16 columns.")
	sum, dst, ds := load("sum"), load("dst"), load("dstStride")
	add, as := load("add"), load("addStride")
	sub, ss := load("sub"), load("subStride")
	n := load("n")
	mean := YMM()
	VBROADCASTSD(Load(Param("mean"), XMM()), mean)
	for _, s := range []reg.Register{ds, as, ss} {
		SHLQ(U8(2), s)
	}
	var acc [4]reg.VecVirtual
	for i := range acc {
		acc[i] = ymm(Mem{Base: sum, Disp: 32 * i})
	}
	Label("box")
	for i := range acc {
		m, a, s, x := YMM(), YMM(), YMM(), XMM()
		VMULPD(mean, acc[i], m)
		VCVTPD2PSY(m, x)
		VMOVUPS(x, Mem{Base: dst, Disp: 16 * i})
		VCVTPS2PD(Mem{Base: add, Disp: 16 * i}, a)
		VCVTPS2PD(Mem{Base: sub, Disp: 16 * i}, s)
		VSUBPD(s, a, a)
		VADDPD(a, acc[i], acc[i])
	}
	ADDQ(ds, dst)
	ADDQ(as, add)
	ADDQ(ss, sub)
	again("box", n, 1)
	for i := range acc {
		VMOVUPS(acc[i], Mem{Base: sum, Disp: 32 * i})
	}
	end()
}
